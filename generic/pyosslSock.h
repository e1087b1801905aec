/*
 * pyosslSock.h --
 *
 *	Between pyosslSock.c (the transport), pyosslSockAddr.c (names,
 *	addresses, connecting, listening) and the platform's own calls
 *	(pyosslUnixSock.c, pyosslWinSock.c).
 */

#ifndef PYOSSL_SOCK_H
#define PYOSSL_SOCK_H

#include "pyosslSys.h"
#include "pyosslTls.h"
#include <errno.h>

/* A record that is no data, in the output of a socket whose kernel sends. */
typedef struct PyosslMark {
    size_t before;		/* Bytes of data that go before it. */
    int length;
    int type;
} PyosslMark;

struct PyosslSock {
    int fd;
    PyosslPoll poll;
    int lingerMs;
    /* While connecting: addresses that are still to be tried. */
    PyosslAddrInfo *addresses;	/* Owned; NULL when connected. */
    PyosslAddrInfo *nextPtr;
    PyosslAddrInfo *localPtr;	/* Owned; of -myaddr and -myport. */
    int connecting;
    int failed;			/* The errno that it ended with, or 0. */
    int underWay;		/* A connect method's connect has not ended. */
    int connected;		/* It has, or bytes have gone: for good. */
    int awaited;		/* The next read waits for its bytes. */
    int blocks;			/* The descriptor is in blocking mode. */
    int ended;			/* Its output was shut down. */
    int kernelReceives;		/* It gives out plaintext (kTLS). */
    PyosslMark *marks;		/* Of output that is still to be sent, the */
    int markCount;		/* next one first; NULL: none. */
    /* After close. */
    char *pending;
    size_t pendingLength, pendingSent;
    Tcl_TimerToken timer;
    struct PyosslSock *nextLinger, *prevLinger;
    Tcl_WideInt lingerUntil;	/* In PyosslSysNow's time. */
};

MODULE_SCOPE PyosslSock *PyosslSockMake(int fd);
MODULE_SCOPE int	PyosslSockPollFd(int fd, int mask, int ms);

/*
 * The platform's calls. They do not wait, whatever the descriptor's mode,
 * and no child process inherits it. On failure they return -1 (or NULL) with
 * errno set, where nothing else is said.
 */
MODULE_SCOPE int	PyosslSysSocket(int family);
MODULE_SCOPE int	PyosslSysReplace(int fd, int family);
MODULE_SCOPE int	PyosslSysDup(int fd);
MODULE_SCOPE void	PyosslSysClose(int fd);
MODULE_SCOPE int	PyosslSysConnect(int fd,
			    const PyosslAddrInfo *addrPtr);
MODULE_SCOPE int	PyosslSysConnectError(int fd);
MODULE_SCOPE int	PyosslSysConnectEnd(int fd);
MODULE_SCOPE int	PyosslSysBind(int fd, const PyosslAddrInfo *addrPtr);
MODULE_SCOPE void	PyosslSysReuse(int fd, int port);
MODULE_SCOPE int	PyosslSysListen(int fd, int backlog);
MODULE_SCOPE int	PyosslSysAccept(int fd);
MODULE_SCOPE int	PyosslSysName(int fd, int peer,
			    struct sockaddr_storage *namePtr,
			    socklen_t *lengthPtr);
MODULE_SCOPE int	PyosslSysPoll(int readFd, int writeFd, int ms);
/*
 * The kernel's TLS: hands one direction over, with what OpenSSL has made of the
 * keys for it; a record that is no data goes out whole or not at all (EAGAIN);
 * a record, or a part of one, comes in behind a head like OpenSSL's.
 */
#ifdef PYOSSL_KTLS
MODULE_SCOPE int	PyosslSysKernel(int fd, int sending, void *keys);
MODULE_SCOPE int	PyosslSysSendRecord(int fd, int type,
			    const char *buf, int size, int *errnoPtr);
MODULE_SCOPE int	PyosslSysRecvRecord(int fd, char *buf, int size,
			    int *errnoPtr);
#else
/* It takes none over, and then the other two are never called. */
#   define PyosslSysKernel(fd, sending, keys) \
	((void) (fd), (void) (sending), (void) (keys), 0)
#   define PyosslSysSendRecord(fd, type, buf, size, errnoPtr) \
	PyosslSockSend(fd, buf, size, errnoPtr)
#   define PyosslSysRecvRecord	PyosslSockRecv
#endif
MODULE_SCOPE PyosslAddrInfo *PyosslSysResolve(const char *host,
			    const char *port, int passive,
			    const char **whatPtr);
MODULE_SCOPE void	PyosslSysFreeAddresses(PyosslAddrInfo *listPtr);

#endif /* PYOSSL_SOCK_H */
