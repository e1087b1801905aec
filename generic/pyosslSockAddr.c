/*
 * pyosslSockAddr.c --
 *
 *	A socket before bytes flow: its making and freeing, names and
 *	addresses, connecting to the first address of a host that answers,
 *	binding, listening, accepting, options.
 */

#include "pyosslSock.h"
#include <stdlib.h>

#define LINGER_MS	2000	/* Default bound of a lingering close. */

PyosslSock *
PyosslSockMake(
    int fd)
{
    PyosslSock *sockPtr = (PyosslSock *) ckalloc(sizeof(PyosslSock));

    memset(sockPtr, 0, sizeof(*sockPtr));
    sockPtr->fd = fd;
    sockPtr->lingerMs = LINGER_MS;
    PyosslPollInit(&sockPtr->poll, fd);
    PyosslCount(PYOSSL_COUNT_SOCKETS, 1);
    return sockPtr;
}

static void
CloseFd(
    PyosslSock *sockPtr)
{
    PyosslPollForget(&sockPtr->poll);
    if (sockPtr->fd >= 0) {
	PyosslSysClose(sockPtr->fd);
	sockPtr->fd = -1;
	sockPtr->poll.fd = -1;
    }
}

static void
FreeAddresses(
    PyosslSock *sockPtr)
{
    if (sockPtr->addresses != NULL) {
	PyosslSysFreeAddresses(sockPtr->addresses);
	sockPtr->addresses = sockPtr->nextPtr = NULL;
    }
    if (sockPtr->localPtr != NULL) {
	PyosslSysFreeAddresses(sockPtr->localPtr);
	sockPtr->localPtr = NULL;
    }
}

/* PyosslSockFree -- closes at once and frees. */
void
PyosslSockFree(
    PyosslSock *sockPtr)
{
    CloseFd(sockPtr);
    FreeAddresses(sockPtr);
    if (sockPtr->pending != NULL) {
	PyosslCount(PYOSSL_COUNT_BUFFERED,
		-(Tcl_WideInt) sockPtr->pendingLength);
	ckfree(sockPtr->pending);
    }
    if (sockPtr->marks != NULL) {
	ckfree((char *) sockPtr->marks);
    }
    PyosslCount(PYOSSL_COUNT_SOCKETS, -1);
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

int
PyosslSockPollFd(
    int fd,
    int mask,
    int ms)
{
    return PyosslSysPoll(mask & TCL_READABLE ? fd : -1,
	    mask & TCL_WRITABLE ? fd : -1, ms);
}

/*
 * ---------------------------------------------------------------------
 * Connecting
 * ---------------------------------------------------------------------
 */

/* The addresses of a host; an empty name is none. */
static PyosslAddrInfo *
Resolve(
    const char *host,
    const char *port,
    int passive,
    const char **whatPtr)
{
    return PyosslSysResolve(host != NULL && host[0] != '\0' ? host : NULL,
	    port, passive, whatPtr);
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
	PyosslAddrInfo *addrPtr = sockPtr->nextPtr, *localPtr;

	sockPtr->nextPtr = addrPtr->ai_next;
	CloseFd(sockPtr);
	for (localPtr = sockPtr->localPtr; localPtr != NULL
		&& localPtr->ai_family != addrPtr->ai_family;
		localPtr = localPtr->ai_next) {
	    /* Empty body. */
	}
	if (sockPtr->localPtr != NULL && localPtr == NULL) {
	    err = EADDRNOTAVAIL;
	    continue;
	}
	sockPtr->fd = PyosslSysSocket(addrPtr->ai_family);
	if (sockPtr->fd < 0) {
	    err = errno;
	    continue;
	}
	PyosslPollInit(&sockPtr->poll, sockPtr->fd);
	if (localPtr != NULL) {
	    PyosslSysReuse(sockPtr->fd, 0);
	    if (PyosslSysBind(sockPtr->fd, localPtr) < 0) {
		err = errno;
		continue;
	    }
	}
	err = PyosslSysConnect(sockPtr->fd, addrPtr);
	if (err == 0 || err == EINPROGRESS) {
	    return err == 0;
	}
    }
    CloseFd(sockPtr);
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
    sockPtr->connected = state == 1;
    if (state == 1) {
	FreeAddresses(sockPtr);
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
    int err, state;

    if (sockPtr->failed) {
	*errnoPtr = sockPtr->failed;
	return -1;
    }
    while (sockPtr->connecting) {
	if (!(PyosslSockPollFd(sockPtr->fd, TCL_WRITABLE, 0) & TCL_WRITABLE)) {
	    return 0;
	}
	err = PyosslSysConnectError(sockPtr->fd);
	if (err == 0) {
	    sockPtr->connecting = 0;
	    break;
	}
	state = TryAddresses(sockPtr);
	if (state < 0) {
	    /* The last one tried had a word to say, or it is this one's. */
	    *errnoPtr = sockPtr->failed = errno == EHOSTUNREACH ? err : errno;
	    sockPtr->connecting = 0;
	    return -1;
	}
	sockPtr->connecting = state == 0;
    }
    sockPtr->connected = 1;
    FreeAddresses(sockPtr);
    return 1;
}

/* PyosslSockRefused -- whether a connect has failed, and why. */
int
PyosslSockRefused(
    PyosslSock *sockPtr,
    int *errnoPtr)
{
    return (sockPtr->connecting || sockPtr->failed)
	    && PyosslSockConnectStep(sockPtr, errnoPtr) < 0;
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
    int fd = PyosslSysSocket(AF_INET);

    return fd < 0 ? NULL : PyosslSockMake(fd);
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
    int copy = PyosslSysDup(fd);

    return copy < 0 ? NULL : PyosslSockMake(copy);
}

/*
 * An IPv6 address needs another kind of socket than the one that is there;
 * options that were set on that are lost then. A connection is not.
 */
static int
MatchFamily(
    PyosslSock *sockPtr,
    int family)
{
    struct sockaddr_storage name;
    socklen_t length;
    int fd;

    if (PyosslSysName(sockPtr->fd, 0, &name, &length) == 0
	    && name.ss_family == family) {
	return 0;
    }
    if (sockPtr->connected || sockPtr->connecting || sockPtr->underWay) {
	errno = EINVAL;
	return -1;
    }
    PyosslPollForget(&sockPtr->poll);
    fd = PyosslSysReplace(sockPtr->fd, family);
    if (fd < 0) {
	return -1;
    }
    sockPtr->fd = sockPtr->poll.fd = fd;
    return 0;
}

/*
 * PyosslSockBind --
 *	bind(2) to the first address of a name. -1 with errno, and *whatPtr with
 *	the resolver's words if the name was the fault, else NULL.
 */
int
PyosslSockBind(
    PyosslSock *sockPtr,
    const char *host,
    const char *port,
    const char **whatPtr)
{
    PyosslAddrInfo *listPtr;
    int result, err;

    *whatPtr = NULL;
    listPtr = Resolve(host, port, 1, whatPtr);
    if (listPtr == NULL) {
	return -1;
    }
    result = MatchFamily(sockPtr, listPtr->ai_family);
    if (result == 0) {
	result = PyosslSysBind(sockPtr->fd, listPtr);
    }
    err = errno;
    PyosslSysFreeAddresses(listPtr);
    errno = err;
    return result;
}

int
PyosslSockListen(
    PyosslSock *sockPtr,
    int backlog)
{
    return PyosslSysListen(sockPtr->fd, backlog);
}

/*
 * PyosslSockAccept --
 *	The next connection; NULL with errno (EAGAIN: none now).
 */
PyosslSock *
PyosslSockAccept(
    PyosslSock *sockPtr)
{
    int fd = PyosslSysAccept(sockPtr->fd);
    PyosslSock *newPtr;

    if (fd < 0) {
	return NULL;
    }
    newPtr = PyosslSockMake(fd);
    newPtr->connected = 1;
    return newPtr;
}

/* How a connect that is on its way has ended; EALREADY if it has not. */
static int
EndConnect(
    PyosslSock *sockPtr,
    int blocking)
{
    int err;

    if (!(PyosslSockPollFd(sockPtr->fd, TCL_WRITABLE, blocking ? -1 : 0)
	    & TCL_WRITABLE)) {
	return EALREADY;
    }
    err = PyosslSysConnectEnd(sockPtr->fd);
    sockPtr->underWay = 0;
    sockPtr->connected = err == 0;
    return err;
}

/*
 * PyosslSockConnect --
 *	connect(2) as the manual's connect_ex: the errno, 0 for success. Not
 *	blocking: EINPROGRESS while it is on its way, then EALREADY, until a
 *	call tells its end. EISCONN on a socket that is connected; it is not
 *	left to the system, which may take a connect that nobody asked about
 *	for unfinished, and to one of another family another socket would go.
 *	*whatPtr has the resolver's words if the name was the fault, else NULL.
 */
int
PyosslSockConnect(
    PyosslSock *sockPtr,
    const char *host,
    const char *port,
    int blocking,
    const char **whatPtr)
{
    PyosslAddrInfo *listPtr, *addrPtr;
    int err = EHOSTUNREACH;

    *whatPtr = NULL;
    if (sockPtr->connected) {
	return EISCONN;
    } else if (sockPtr->connecting) {
	return EALREADY;
    } else if (sockPtr->underWay) {
	return EndConnect(sockPtr, blocking);
    } else if (sockPtr->fd < 0) {
	return EBADF;
    }
    listPtr = Resolve(host, port, 0, whatPtr);
    if (listPtr == NULL) {
	return errno ? errno : EHOSTUNREACH;
    }
    for (addrPtr = listPtr; addrPtr != NULL; addrPtr = addrPtr->ai_next) {
	if (MatchFamily(sockPtr, addrPtr->ai_family) < 0) {
	    err = errno;
	    continue;
	}
	err = PyosslSysConnect(sockPtr->fd, addrPtr);
	sockPtr->connected = err == 0;
	sockPtr->underWay = err == EINPROGRESS || err == EALREADY;
	if (sockPtr->underWay && blocking) {
	    err = EndConnect(sockPtr, 1);
	}
	if (err == 0 || sockPtr->underWay || err == EISCONN) {
	    break;
	}
    }
    PyosslSysFreeAddresses(listPtr);
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
    PyosslAddrInfo *listPtr, *addrPtr;
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
	socklen_t length;
	unsigned short *portPtr = addrPtr->ai_family == AF_INET6
		? &((struct sockaddr_in6 *) addrPtr->ai_addr)->sin6_port
		: &((struct sockaddr_in *) addrPtr->ai_addr)->sin_port;
	int fd = PyosslSysSocket(addrPtr->ai_family);

	if (fd < 0) {
	    err = errno;
	    continue;
	}
	PyosslSysReuse(fd, reusePort);
	if (addrPtr->ai_family == AF_INET6) {
	    PyosslSockSetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	}
	if (*portPtr == 0) {
	    *portPtr = chosen;
	}
	if (PyosslSysBind(fd, addrPtr) < 0 || PyosslSysListen(fd, backlog) < 0
		|| PyosslSysName(fd, 0, &name, &length) < 0) {
	    err = errno;
	    PyosslSysClose(fd);
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
    PyosslSysFreeAddresses(listPtr);
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
    socklen_t length;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    Tcl_Obj *words[3];

    if (sockPtr->fd < 0) {
	errno = ENOTCONN;	/* A connect has failed. */
	return NULL;
    }
    if (PyosslSysName(sockPtr->fd, peer, &name, &length) < 0) {
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
