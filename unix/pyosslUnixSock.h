/*
 * pyosslUnixSock.h --
 *
 *	Between pyosslUnixSock.c (the transport) and pyosslUnixAddr.c (names,
 *	addresses, connecting, listening).
 */

#ifndef PYOSSL_UNIX_SOCK_H
#define PYOSSL_UNIX_SOCK_H

#ifndef _GNU_SOURCE
#   define _GNU_SOURCE		/* accept4() */
#endif
#include "pyosslTls.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>

struct PyosslSock {
    int fd;
    PyosslPoll poll;
    int lingerMs;
    /* While connecting: addresses that are still to be tried. */
    struct addrinfo *addresses;	/* Owned; NULL when connected. */
    struct addrinfo *nextPtr;
    struct addrinfo *localPtr;	/* Owned; of -myaddr and -myport. */
    int connecting;
    /* After close. */
    char *pending;
    size_t pendingLength, pendingSent;
    Tcl_TimerToken timer;
    struct PyosslSock *nextLinger, *prevLinger;
};

MODULE_SCOPE long	PyosslSockNow(void);
MODULE_SCOPE PyosslSock *PyosslSockMake(int fd);
MODULE_SCOPE void	PyosslSockConfigure(int fd);
MODULE_SCOPE void	PyosslSockCloseFd(PyosslSock *sockPtr);
MODULE_SCOPE void	PyosslSockFreeAddresses(PyosslSock *sockPtr);
/* So that no other thread's child gets the descriptor in between. */
#ifndef SOCK_CLOEXEC
#   define SOCK_CLOEXEC	0
#endif
#ifndef F_DUPFD_CLOEXEC
#   define F_DUPFD_CLOEXEC F_DUPFD
#endif

MODULE_SCOPE int	PyosslSockPollFds(int readFd, int writeFd, int ms);
MODULE_SCOPE int	PyosslSockPollFd(int fd, int mask, int ms);

#endif /* PYOSSL_UNIX_SOCK_H */
