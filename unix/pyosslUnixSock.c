/*
 * pyosslUnixSock.c --
 *
 *	The system calls of our sockets on Unix. Always non-blocking; who
 *	wants to wait does it in PyosslSysPoll. Nagle's algorithm is off.
 */

#include "pyosslSock.h"
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#   define MSG_NOSIGNAL 0
#endif
/* So that no other thread's child gets the descriptor in between. */
#ifndef SOCK_CLOEXEC
#   define SOCK_CLOEXEC	0
#endif
#ifndef F_DUPFD_CLOEXEC
#   define F_DUPFD_CLOEXEC F_DUPFD
#endif

/* PyosslSysNow -- a clock in milliseconds that never jumps. */
Tcl_WideInt
PyosslSysNow(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (Tcl_WideInt) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * ---------------------------------------------------------------------
 * Descriptors
 * ---------------------------------------------------------------------
 */

static void
Configure(
    int fd)
{
    int on = 1;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    /* Where it could not be set at once. */
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
}

/* PyosslSysSocket -- a fresh TCP socket of a family. */
int
PyosslSysSocket(
    int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
	Configure(fd);
    }
    return fd;
}

/*
 * PyosslSysReplace --
 *	A fresh socket of another family in the place of one. The descriptor
 *	stays the same number.
 */
int
PyosslSysReplace(
    int fd,
    int family)
{
    int newFd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (newFd < 0) {
	return -1;
    }
    if (dup2(newFd, fd) < 0) {
	close(newFd);
	return -1;
    }
    close(newFd);
    Configure(fd);
    return fd;
}

int
PyosslSysDup(
    int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void
PyosslSysClose(
    int fd)
{
    close(fd);
}

/*
 * ---------------------------------------------------------------------
 * Names and connections
 * ---------------------------------------------------------------------
 */

/*
 * PyosslSysResolve --
 *	The addresses of a host and port, to be freed.
 * Arguments:
 *	host	NULL: the loopback's, or with passive all of the machine's.
 *	whatPtr	Gets the resolver's words if it failed.
 */
PyosslAddrInfo *
PyosslSysResolve(
    const char *host,
    const char *port,
    int passive,
    const char **whatPtr)
{
    struct addrinfo hints, *listPtr = NULL;
    int code;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    code = getaddrinfo(host, port, &hints, &listPtr);
    if (code != 0) {
	*whatPtr = gai_strerror(code);
	errno = code == EAI_SYSTEM ? errno
		: code == EAI_SERVICE ? EINVAL : EHOSTUNREACH;
	return NULL;
    }
    return listPtr;
}

void
PyosslSysFreeAddresses(
    PyosslAddrInfo *listPtr)
{
    freeaddrinfo(listPtr);
}

/* PyosslSysConnect -- 0, or the errno; EINPROGRESS: on its way. */
int
PyosslSysConnect(
    int fd,
    const PyosslAddrInfo *addrPtr)
{
    if (connect(fd, addrPtr->ai_addr, addrPtr->ai_addrlen) == 0) {
	return 0;
    }
    return errno == EINTR ? EINPROGRESS : errno;
}

/* PyosslSysConnectError -- the errno that a connect ended with, or 0. */
int
PyosslSysConnectError(
    int fd)
{
    socklen_t length = sizeof(int);
    int err = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) < 0
	    ? errno : err;
}

/*
 * PyosslSysConnectEnd --
 *	The same, where the socket may be asked to connect again: Linux keeps
 *	the state until a connect(2) has told the end of the first one, and
 *	would tell it to the next one, wherever that is to go: 0 after a
 *	success, ECONNABORTED after a failure.
 */
int
PyosslSysConnectEnd(
    int fd)
{
    int err = PyosslSysConnectError(fd);
#ifdef __linux__
    struct sockaddr_in unused;

    memset(&unused, 0, sizeof(unused));
    unused.sin_family = AF_INET;
    connect(fd, (struct sockaddr *) &unused, sizeof(unused));
#endif
    return err;
}

int
PyosslSysBind(
    int fd,
    const PyosslAddrInfo *addrPtr)
{
    return bind(fd, addrPtr->ai_addr, addrPtr->ai_addrlen);
}

/*
 * PyosslSysReuse --
 *	Before a bind: the address may be that of an ended connection, and
 *	with port that of another socket that says so too.
 */
void
PyosslSysReuse(
    int fd,
    int port)
{
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
#ifdef SO_REUSEPORT
    if (port) {
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    }
#else
    (void) port;
#endif
}

int
PyosslSysListen(
    int fd,
    int backlog)
{
    return listen(fd, backlog);
}

int
PyosslSysAccept(
    int fd)
{
    int newFd;

    do {
#ifdef HAVE_ACCEPT4
	newFd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
	newFd = accept(fd, NULL, NULL);
#endif
    } while (newFd < 0 && errno == EINTR);
#ifdef HAVE_ACCEPT4
    if (newFd >= 0) {
	int on = 1;

	setsockopt(newFd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
#else
    if (newFd >= 0) {
	Configure(newFd);
    }
#endif
    return newFd;
}

/* PyosslSysName -- the address of this end, or of the peer's. */
int
PyosslSysName(
    int fd,
    int peer,
    struct sockaddr_storage *namePtr,
    socklen_t *lengthPtr)
{
    *lengthPtr = sizeof(*namePtr);
    return peer ? getpeername(fd, (struct sockaddr *) namePtr, lengthPtr)
	    : getsockname(fd, (struct sockaddr *) namePtr, lengthPtr);
}

int
PyosslSockShutdown(
    int fd,
    int how)
{
    static const int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};

    return shutdown(fd, hows[how]);
}

int
PyosslSockGetOption(
    int fd,
    int level,
    int name,
    void *buf,
    int *lengthPtr)
{
    socklen_t length = (socklen_t) *lengthPtr;
    int result = getsockopt(fd, level, name, buf, &length);

    *lengthPtr = (int) length;
    return result;
}

int
PyosslSockSetOption(
    int fd,
    int level,
    int name,
    const void *buf,
    int length)
{
    return setsockopt(fd, level, name, buf, (socklen_t) length);
}

/*
 * ---------------------------------------------------------------------
 * Bytes and readiness
 * ---------------------------------------------------------------------
 */

/*
 * PyosslSockRecv, PyosslSockSend --
 *	One recv(2) or send(2) that does not wait, whatever the descriptor's
 *	mode, and raises no signal. Results as readProc's and writeProc's.
 */
int
PyosslSockRecv(
    int fd,
    char *buf,
    int size,
    int *errnoPtr)
{
    ssize_t n;

    do {
	n = recv(fd, buf, (size_t) size, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
	*errnoPtr = errno;
    }
    return (int) n;
}

/*
 * PyosslSockRecvWait --
 *	One recv(2) that waits for bytes. Poll and recv would do the same in two
 *	system calls. Whatever interrupts it ends it, as if nothing had come.
 * Arguments:
 *	blocksPtr	Whether the descriptor is known to be in blocking mode,
 *			which all other calls here are indifferent to.
 */
int
PyosslSockRecvWait(
    int fd,
    int *blocksPtr,
    char *buf,
    int size,
    int *errnoPtr)
{
    ssize_t n;

    if (!*blocksPtr) {
	*blocksPtr = 1;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
    n = recv(fd, buf, (size_t) size, 0);
    if (n < 0) {
	*errnoPtr = errno == EINTR ? EAGAIN : errno;
    }
    return (int) n;
}

int
PyosslSockSend(
    int fd,
    const char *buf,
    int size,
    int *errnoPtr)
{
    ssize_t n;

    do {
	n = send(fd, buf, (size_t) size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
	*errnoPtr = errno;
    }
    return (int) n;
}

/*
 * PyosslSysPoll --
 *	poll(2) with Tcl's masks, restarted after signals, for descriptors of
 *	both directions; -1: none.
 */
int
PyosslSysPoll(
    int readFd,
    int writeFd,
    int ms)
{
    struct pollfd entries[2];
    Tcl_WideInt until = ms >= 0 ? PyosslSysNow() + ms : 0;
    int n, ready = 0;

    entries[0].fd = readFd;
    entries[0].events = POLLIN;
    entries[1].fd = writeFd;
    entries[1].events = POLLOUT;
    entries[0].revents = entries[1].revents = 0;
    for (;;) {
	n = poll(entries, 2, ms);
	if (n >= 0 || errno != EINTR) {
	    break;
	}
	if (ms > 0) {
	    ms = (int) (until - PyosslSysNow());
	    if (ms < 0) {
		ms = 0;
	    }
	}
    }
    if (n <= 0) {
	return n;
    }
    if (readFd >= 0 && entries[0].revents != 0) {
	ready |= TCL_READABLE;
    }
    if (writeFd >= 0 && entries[1].revents != 0) {
	ready |= TCL_WRITABLE;
    }
    return ready;
}

/* PyosslSockPoll -- waits for a Tcl channel's descriptor; -2: it has none. */
int
PyosslSockPoll(
    Tcl_Channel chan,
    int mask,
    int ms)
{
    ClientData handle;
    int fds[2] = {-1, -1};	/* A pipe has one for each direction. */

    /*
     * Layers that keep data of their own cannot be judged by a descriptor;
     * and on a channel with none Tcl leaves an error when it is asked for.
     */
    if (Tcl_GetStackedChannel(chan) != NULL || Tcl_ChannelGetHandleProc(
	    Tcl_GetChannelType(chan)) == NULL) {
	return -2;
    }
    if (mask & TCL_READABLE) {
	if (Tcl_GetChannelHandle(chan, TCL_READABLE, &handle) != TCL_OK) {
	    return -2;
	}
	fds[0] = (int) (intptr_t) handle;
    }
    if (mask & TCL_WRITABLE) {
	if (Tcl_GetChannelHandle(chan, TCL_WRITABLE, &handle) != TCL_OK) {
	    return -2;
	}
	fds[1] = (int) (intptr_t) handle;
    }
    return PyosslSysPoll(fds[0], fds[1], ms);
}

/* PyosslSockSwitches -- whatever has a mode has a descriptor to poll. */
int
PyosslSockSwitches(
    Tcl_Channel chan)
{
    (void) chan;
    return 0;
}
