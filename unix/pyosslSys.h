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

typedef struct addrinfo PyosslAddrInfo;

#endif /* PYOSSL_SYS_H */
