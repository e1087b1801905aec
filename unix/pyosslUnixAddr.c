/*
 * pyosslUnixAddr.c --
 *
 *	A socket before bytes flow: its making and freeing, names and
 *	addresses, connecting to the first address of a host that answers,
 *	binding, listening, accepting, options.
 */

#include "pyosslUnixSock.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LINGER_MS	2000	/* Default bound of a lingering close. */

/* PyosslSockNow -- a clock in milliseconds that never jumps. */
long
PyosslSockNow(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long) (now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

void
PyosslSockConfigure(
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

PyosslSock *
PyosslSockMake(
    int fd)
{
    PyosslSock *sockPtr = (PyosslSock *) ckalloc(sizeof(PyosslSock));

    memset(sockPtr, 0, sizeof(*sockPtr));
    sockPtr->fd = fd;
    sockPtr->lingerMs = LINGER_MS;
    PyosslPollInit(&sockPtr->poll, fd);
    return sockPtr;
}

void
PyosslSockCloseFd(
    PyosslSock *sockPtr)
{
    PyosslPollForget(&sockPtr->poll);
    if (sockPtr->fd >= 0) {
	close(sockPtr->fd);
	sockPtr->fd = -1;
	sockPtr->poll.fd = -1;
    }
}

void
PyosslSockFreeAddresses(
    PyosslSock *sockPtr)
{
    if (sockPtr->addresses != NULL) {
	freeaddrinfo(sockPtr->addresses);
	sockPtr->addresses = sockPtr->nextPtr = NULL;
    }
    if (sockPtr->localPtr != NULL) {
	freeaddrinfo(sockPtr->localPtr);
	sockPtr->localPtr = NULL;
    }
}

/* PyosslSockFree -- closes at once and frees. */
void
PyosslSockFree(
    PyosslSock *sockPtr)
{
    PyosslSockCloseFd(sockPtr);
    PyosslSockFreeAddresses(sockPtr);
    if (sockPtr->pending != NULL) {
	ckfree(sockPtr->pending);
    }
    ckfree((char *) sockPtr);
}

int
PyosslSockFd(
    PyosslSock *sockPtr)
{
    return sockPtr->fd;
}

/* PyosslSockLinger -- sets the bound of a lingering close; 0: none. */
void
PyosslSockLinger(
    PyosslSock *sockPtr,
    int ms)
{
    sockPtr->lingerMs = ms;
}

/*
 * PyosslSockPollFds --
 *	poll(2) with Tcl's masks, restarted after signals, for descriptors of
 *	both directions; -1: none.
 */
int
PyosslSockPollFds(
    int readFd,
    int writeFd,
    int ms)
{
    struct pollfd entries[2];
    long until = ms >= 0 ? PyosslSockNow() + ms : 0;
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
	    ms = (int) (until - PyosslSockNow());
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

int
PyosslSockPollFd(
    int fd,
    int mask,
    int ms)
{
    return PyosslSockPollFds(mask & TCL_READABLE ? fd : -1,
	    mask & TCL_WRITABLE ? fd : -1, ms);
}

/*
 * ---------------------------------------------------------------------
 * Connecting
 * ---------------------------------------------------------------------
 */

static struct addrinfo *
Resolve(
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
    if (host != NULL && host[0] == '\0') {
	host = NULL;
    }
    code = getaddrinfo(host, port, &hints, &listPtr);
    if (code != 0) {
	*whatPtr = gai_strerror(code);
	errno = code == EAI_SYSTEM ? errno
		: code == EAI_SERVICE ? EINVAL : EHOSTUNREACH;
	return NULL;
    }
    return listPtr;
}

/*
 * Tries the next addresses until one connects or is on its way.
 * Results: 1 connected, 0 on its way, -1 with errno of the last one tried.
 */
static int
TryAddresses(
    PyosslSock *sockPtr)
{
    int err = EHOSTUNREACH;

    while (sockPtr->nextPtr != NULL) {
	struct addrinfo *addrPtr = sockPtr->nextPtr, *localPtr;
	int on = 1;

	sockPtr->nextPtr = addrPtr->ai_next;
	PyosslSockCloseFd(sockPtr);
	for (localPtr = sockPtr->localPtr; localPtr != NULL
		&& localPtr->ai_family != addrPtr->ai_family;
		localPtr = localPtr->ai_next) {
	    /* Empty body. */
	}
	if (sockPtr->localPtr != NULL && localPtr == NULL) {
	    err = EADDRNOTAVAIL;
	    continue;
	}
	sockPtr->fd = socket(addrPtr->ai_family, SOCK_STREAM | SOCK_CLOEXEC,
		0);
	if (sockPtr->fd < 0) {
	    err = errno;
	    continue;
	}
	PyosslSockConfigure(sockPtr->fd);
	PyosslPollInit(&sockPtr->poll, sockPtr->fd);
	if (localPtr != NULL) {
	    setsockopt(sockPtr->fd, SOL_SOCKET, SO_REUSEADDR, &on,
		    sizeof(on));
	    if (bind(sockPtr->fd, localPtr->ai_addr,
		    localPtr->ai_addrlen) < 0) {
		err = errno;
		continue;
	    }
	}
	if (connect(sockPtr->fd, addrPtr->ai_addr, addrPtr->ai_addrlen) == 0) {
	    return 1;
	}
	if (errno == EINPROGRESS || errno == EINTR) {
	    return 0;
	}
	err = errno;
    }
    PyosslSockCloseFd(sockPtr);
    errno = err;
    return -1;
}

/*
 * PyosslSockConnectStart --
 *	Starts connecting to the first address of a host that takes it.
 * Arguments:
 *	myAddr, myPort	The local end, or NULL.
 *	whatPtr	Gets the resolver's words if it failed, else NULL.
 * Results:
 *	The socket, perhaps still connecting; NULL with errno set.
 */
PyosslSock *
PyosslSockConnectStart(
    const char *host,
    const char *port,
    const char *myAddr,
    const char *myPort,
    const char **whatPtr)
{
    PyosslSock *sockPtr = PyosslSockMake(-1);
    int state, err;

    *whatPtr = NULL;
    sockPtr->addresses = sockPtr->nextPtr = Resolve(host, port, 0, whatPtr);
    if (sockPtr->addresses != NULL && (myAddr != NULL || myPort != NULL)) {
	sockPtr->localPtr = Resolve(myAddr, myPort ? myPort : "0", 1, whatPtr);
	if (sockPtr->localPtr == NULL) {
	    err = errno;
	    PyosslSockFree(sockPtr);
	    errno = err;
	    return NULL;
	}
    }
    state = sockPtr->addresses == NULL ? -1 : TryAddresses(sockPtr);
    if (state < 0) {
	err = errno;
	PyosslSockFree(sockPtr);
	errno = err;
	return NULL;
    }
    sockPtr->connecting = state == 0;
    if (state == 1) {
	PyosslSockFreeAddresses(sockPtr);
    }
    return sockPtr;
}

int
PyosslSockConnecting(
    PyosslSock *sockPtr)
{
    return sockPtr->connecting;
}

/*
 * PyosslSockConnectStep --
 *	Looks how a connect is getting on; goes on to the next address after
 *	a failure.
 * Results:
 *	1 connected, 0 still on its way, -1 failed with *errnoPtr.
 */
int
PyosslSockConnectStep(
    PyosslSock *sockPtr,
    int *errnoPtr)
{
    socklen_t length = sizeof(int);
    int err = 0, state;

    while (sockPtr->connecting) {
	if (!(PyosslSockPollFd(sockPtr->fd, TCL_WRITABLE, 0) & TCL_WRITABLE)) {
	    return 0;
	}
	if (getsockopt(sockPtr->fd, SOL_SOCKET, SO_ERROR, &err, &length) < 0) {
	    err = errno;
	}
	if (err == 0) {
	    sockPtr->connecting = 0;
	    break;
	}
	state = TryAddresses(sockPtr);
	if (state < 0) {
	    /* The last one tried had a word to say, or it is this one's. */
	    *errnoPtr = errno == EHOSTUNREACH ? err : errno;
	    return -1;
	}
	sockPtr->connecting = state == 0;
    }
    PyosslSockFreeAddresses(sockPtr);
    return 1;
}

/*
 * ---------------------------------------------------------------------
 * The manual's socket methods, for transport "tcp"
 * ---------------------------------------------------------------------
 */

/* PyosslSockNew -- a fresh TCP socket; NULL with errno set. */
PyosslSock *
PyosslSockNew(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
	return NULL;
    }
    PyosslSockConfigure(fd);
    return PyosslSockMake(fd);
}

/*
 * PyosslSockDup --
 *	A socket over a duplicate of a descriptor that somebody else is about
 *	to close: what was queued for it can still be sent.
 */
PyosslSock *
PyosslSockDup(
    int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0) {
	return NULL;
    }
    return PyosslSockMake(copy);
}

/*
 * The descriptor stays the same number when an IPv6 address needs another
 * kind of socket; options set before are lost then.
 */
static int
MatchFamily(
    PyosslSock *sockPtr,
    int family)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    int fd;

    if (getsockname(sockPtr->fd, (struct sockaddr *) &name, &length) == 0
	    && name.ss_family == family) {
	return 0;
    }
    fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
	return -1;
    }
    PyosslPollForget(&sockPtr->poll);
    if (dup2(fd, sockPtr->fd) < 0) {
	close(fd);
	return -1;
    }
    close(fd);
    PyosslSockConfigure(sockPtr->fd);
    return 0;
}

int
PyosslSockBind(
    PyosslSock *sockPtr,
    const char *host,
    const char *port)
{
    const char *what;
    struct addrinfo *listPtr = Resolve(host, port, 1, &what);
    int result, err;

    if (listPtr == NULL) {
	return -1;
    }
    result = MatchFamily(sockPtr, listPtr->ai_family);
    if (result == 0) {
	result = bind(sockPtr->fd, listPtr->ai_addr, listPtr->ai_addrlen);
    }
    err = errno;
    freeaddrinfo(listPtr);
    errno = err;
    return result;
}

int
PyosslSockListen(
    PyosslSock *sockPtr,
    int backlog)
{
    return listen(sockPtr->fd, backlog);
}

/*
 * PyosslSockAccept --
 *	The next connection; NULL with errno (EAGAIN: none now).
 */
PyosslSock *
PyosslSockAccept(
    PyosslSock *sockPtr)
{
    int fd;

    do {
#ifdef HAVE_ACCEPT4
	fd = accept4(sockPtr->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
	fd = accept(sockPtr->fd, NULL, NULL);
#endif
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
	return NULL;
    }
#ifdef HAVE_ACCEPT4
    {
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
#else
    PyosslSockConfigure(fd);
#endif
    return PyosslSockMake(fd);
}

/*
 * PyosslSockConnect --
 *	connect(2) as the manual's connect_ex: the errno, 0 for success. Not
 *	blocking: EINPROGRESS while it is on its way.
 */
int
PyosslSockConnect(
    PyosslSock *sockPtr,
    const char *host,
    const char *port,
    int blocking)
{
    const char *what;
    struct addrinfo *listPtr = Resolve(host, port, 0, &what);
    struct addrinfo *addrPtr;
    int err = EHOSTUNREACH;

    if (listPtr == NULL) {
	return errno ? errno : EHOSTUNREACH;
    }
    for (addrPtr = listPtr; addrPtr != NULL; addrPtr = addrPtr->ai_next) {
	if (MatchFamily(sockPtr, addrPtr->ai_family) < 0) {
	    err = errno;
	    continue;
	}
	err = connect(sockPtr->fd, addrPtr->ai_addr, addrPtr->ai_addrlen) == 0
		? 0 : errno;
	if ((err == EINPROGRESS || err == EALREADY) && blocking) {
	    socklen_t length = sizeof(err);

	    PyosslSockPollFd(sockPtr->fd, TCL_WRITABLE, -1);
	    if (getsockopt(sockPtr->fd, SOL_SOCKET, SO_ERROR, &err,
		    &length) < 0) {
		err = errno;
	    }
	}
	if (err == 0 || err == EINPROGRESS || err == EALREADY
		|| err == EISCONN) {
	    break;
	}
    }
    freeaddrinfo(listPtr);
    return err;
}

/*
 * PyosslSockListenAll --
 *	Listens on every address that a host name stands for (all of the
 *	machine's for none), on one port, as Tcl's [socket -server] does.
 * Results:
 *	A ckalloc'ed array of *countPtr sockets; NULL with errno, and
 *	*whatPtr with the resolver's words if it was that.
 */
PyosslSock **
PyosslSockListenAll(
    const char *host,
    const char *port,
    int reusePort,
    int backlog,
    int *countPtr,
    const char **whatPtr)
{
    struct addrinfo *listPtr, *addrPtr;
    PyosslSock **socks = NULL;
    int count = 0, err = EADDRNOTAVAIL, on = 1;
    unsigned short chosen = 0;

    *whatPtr = NULL;
    listPtr = Resolve(host, port, 1, whatPtr);
    if (listPtr == NULL) {
	return NULL;
    }
    for (addrPtr = listPtr; addrPtr != NULL; addrPtr = addrPtr->ai_next) {
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	unsigned short *portPtr = addrPtr->ai_family == AF_INET6
		? &((struct sockaddr_in6 *) addrPtr->ai_addr)->sin6_port
		: &((struct sockaddr_in *) addrPtr->ai_addr)->sin_port;
	int fd = socket(addrPtr->ai_family, SOCK_STREAM | SOCK_CLOEXEC,
		0);

	if (fd < 0) {
	    err = errno;
	    continue;
	}
	PyosslSockConfigure(fd);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
#ifdef SO_REUSEPORT
	if (reusePort) {
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	}
#endif
	if (addrPtr->ai_family == AF_INET6) {
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	}
	if (*portPtr == 0) {
	    *portPtr = chosen;
	}
	if (bind(fd, addrPtr->ai_addr, addrPtr->ai_addrlen) < 0
		|| listen(fd, backlog) < 0
		|| getsockname(fd, (struct sockaddr *) &name, &length) < 0) {
	    err = errno;
	    close(fd);
	    continue;
	}
	chosen = name.ss_family == AF_INET6
		? ((struct sockaddr_in6 *) &name)->sin6_port
		: ((struct sockaddr_in *) &name)->sin_port;
	socks = (PyosslSock **) (socks == NULL
		? ckalloc(sizeof(PyosslSock *))
		: ckrealloc((char *) socks, (count + 1)
		* sizeof(PyosslSock *)));
	socks[count++] = PyosslSockMake(fd);
    }
    freeaddrinfo(listPtr);
    *countPtr = count;
    errno = err;
    return socks;
}

/*
 * PyosslSockAddress --
 *	{address port}, or with withName {address host port} as Tcl's
 *	-peername has it (without asking a name server: the address twice).
 *	NULL with errno when there is none.
 */
Tcl_Obj *
PyosslSockAddress(
    PyosslSock *sockPtr,
    int peer,
    int withName)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    Tcl_Obj *words[3];

    if ((peer ? getpeername(sockPtr->fd, (struct sockaddr *) &name, &length)
	    : getsockname(sockPtr->fd, (struct sockaddr *) &name, &length))
	    < 0) {
	return NULL;
    }
    if (getnameinfo((struct sockaddr *) &name, length, host, sizeof(host),
	    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
	errno = EINVAL;
	return NULL;
    }
    words[0] = Tcl_NewStringObj(host, -1);
    words[1] = withName ? Tcl_NewStringObj(host, -1)
	    : Tcl_NewWideIntObj(atoi(port));
    words[2] = withName ? Tcl_NewWideIntObj(atoi(port)) : NULL;
    return Tcl_NewListObj(withName ? 3 : 2, words);
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

/* PyosslSockConstant -- the value of a C name for getsockopt(2); 1 if known. */
int
PyosslSockConstant(
    const char *name,
    int *valuePtr)
{
    static const struct {
	const char *name;
	int value;
    } names[] = {
	{"SOL_SOCKET", SOL_SOCKET}, {"IPPROTO_TCP", IPPROTO_TCP},
	{"SOL_TCP", IPPROTO_TCP}, {"IPPROTO_IP", IPPROTO_IP},
	{"SOL_IP", IPPROTO_IP}, {"IPPROTO_IPV6", IPPROTO_IPV6},
	{"SO_KEEPALIVE", SO_KEEPALIVE}, {"SO_REUSEADDR", SO_REUSEADDR},
	{"SO_RCVBUF", SO_RCVBUF}, {"SO_SNDBUF", SO_SNDBUF},
	{"SO_ERROR", SO_ERROR}, {"SO_TYPE", SO_TYPE},
	{"SO_LINGER", SO_LINGER}, {"SO_BROADCAST", SO_BROADCAST},
	{"SO_OOBINLINE", SO_OOBINLINE}, {"SO_DONTROUTE", SO_DONTROUTE},
	{"SO_RCVLOWAT", SO_RCVLOWAT}, {"SO_RCVTIMEO", SO_RCVTIMEO},
	{"SO_SNDTIMEO", SO_SNDTIMEO}, {"TCP_NODELAY", TCP_NODELAY},
#ifdef SO_REUSEPORT
	{"SO_REUSEPORT", SO_REUSEPORT},
#endif
#ifdef SO_ACCEPTCONN
	{"SO_ACCEPTCONN", SO_ACCEPTCONN},
#endif
#ifdef TCP_MAXSEG
	{"TCP_MAXSEG", TCP_MAXSEG},
#endif
#ifdef TCP_CORK
	{"TCP_CORK", TCP_CORK},
#endif
#ifdef TCP_KEEPIDLE
	{"TCP_KEEPIDLE", TCP_KEEPIDLE}, {"TCP_KEEPINTVL", TCP_KEEPINTVL},
	{"TCP_KEEPCNT", TCP_KEEPCNT},
#endif
#ifdef IP_TTL
	{"IP_TTL", IP_TTL}, {"IP_TOS", IP_TOS},
#endif
	{"IPV6_V6ONLY", IPV6_V6ONLY},
	{NULL, 0}
    };
    int i;

    for (i = 0; names[i].name != NULL; i++) {
	if (strcmp(names[i].name, name) == 0) {
	    *valuePtr = names[i].value;
	    return 1;
	}
    }
    return 0;
}
