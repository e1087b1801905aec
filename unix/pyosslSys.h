/*
 * pyosslSys.h --
 *
 *	What the sockets of pyosslSock.h are made of, on Unix.
 */

#ifndef PYOSSL_SYS_H
#define PYOSSL_SYS_H

#ifndef _GNU_SOURCE
#   define _GNU_SOURCE		/* accept4() */
#endif
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#ifdef __linux__
#   include <linux/tls.h>
#   if defined(TLS_TX) && defined(TLS_RX)
#	define PYOSSL_KTLS	1	/* The kernel may know TLS. */
#   endif
#endif

typedef struct addrinfo PyosslAddrInfo;

#endif /* PYOSSL_SYS_H */
