/*
 * pyosslWinSock.c --
 *
 *	The calls of our sockets on Windows. Always non-blocking; who wants to
 *	wait does it in PyosslSysPoll. Nagle's algorithm is off. Winsock's
 *	error codes become errno values here, and go no further.
 */

#include "pyosslSock.h"

#define HOST_MAX	1024	/* Characters of a host's name. */

/*
 * PyosslWinErrno --
 *	The errno value for an error code of Winsock.
 */
int
PyosslWinErrno(
    int code)
{
    static const struct {
	int code, errnum;
    } rows[] = {
	{WSAEINTR, EINTR}, {WSAEBADF, EBADF}, {WSAEACCES, EACCES},
	{WSAEFAULT, EFAULT}, {WSAEINVAL, EINVAL}, {WSAEMFILE, EMFILE},
	{WSAEWOULDBLOCK, EAGAIN}, {WSAEINPROGRESS, EINPROGRESS},
	{WSAEALREADY, EALREADY}, {WSAENOTSOCK, ENOTSOCK},
	{WSAEDESTADDRREQ, EDESTADDRREQ}, {WSAEMSGSIZE, EMSGSIZE},
	{WSAEPROTOTYPE, EPROTOTYPE}, {WSAENOPROTOOPT, ENOPROTOOPT},
	{WSAEPROTONOSUPPORT, EPROTONOSUPPORT},
	{WSAEOPNOTSUPP, EOPNOTSUPP}, {WSAEAFNOSUPPORT, EAFNOSUPPORT},
	{WSAEADDRINUSE, EADDRINUSE}, {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
	{WSAENETDOWN, ENETDOWN}, {WSAENETUNREACH, ENETUNREACH},
	{WSAENETRESET, ENETRESET}, {WSAECONNABORTED, ECONNABORTED},
	{WSAECONNRESET, ECONNRESET}, {WSAENOBUFS, ENOBUFS},
	{WSAEISCONN, EISCONN}, {WSAENOTCONN, ENOTCONN},
	{WSAESHUTDOWN, EPIPE}, {WSAEDISCON, EPIPE},
	{WSAETIMEDOUT, ETIMEDOUT}, {WSAECONNREFUSED, ECONNREFUSED},
	{WSAEHOSTDOWN, EHOSTUNREACH}, {WSAEHOSTUNREACH, EHOSTUNREACH},
	{0, 0}
    };
    int i;

    for (i = 0; rows[i].code != 0; i++) {
	if (rows[i].code == code) {
	    return rows[i].errnum;
	}
    }
    return code == 0 ? 0 : EIO;
}

/* The end of a call: a failed one sets errno. */
static int
Result(
    int result)
{
    if (result == SOCKET_ERROR) {
	errno = PyosslWinErrno(WSAGetLastError());
	return -1;
    }
    return result;
}

/* Winsock wants to be told before its first use. */
static void
Startup(void)
{
    static int started = 0;
    TCL_DECLARE_MUTEX(startMutex)
    WSADATA data;

    Tcl_MutexLock(&startMutex);
    if (!started) {
	started = WSAStartup(MAKEWORD(2, 2), &data) == 0;
    }
    Tcl_MutexUnlock(&startMutex);
}

/* PyosslSysNow -- a clock in milliseconds that never jumps. */
Tcl_WideInt
PyosslSysNow(void)
{
    return (Tcl_WideInt) GetTickCount64();
}

/*
 * ---------------------------------------------------------------------
 * Descriptors
 * ---------------------------------------------------------------------
 */

/* A fresh descriptor, or INVALID_SOCKET, as ours are to be. */
static int
Configure(
    SOCKET sock)
{
    u_long nonBlocking = 1;
    int on = 1;

    if (sock == INVALID_SOCKET) {
	return Result(SOCKET_ERROR);
    }
    SetHandleInformation((HANDLE) sock, HANDLE_FLAG_INHERIT, 0);
    ioctlsocket(sock, FIONBIO, &nonBlocking);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, (const char *) &on,
	    sizeof(on));
    return (int) sock;
}

/* PyosslSysSocket -- a fresh TCP socket of a family. */
int
PyosslSysSocket(
    int family)
{
    Startup();
    return Configure(socket(family, SOCK_STREAM, IPPROTO_TCP));
}

/*
 * PyosslSysReplace --
 *	A fresh socket of another family in the place of one, which is closed.
 */
int
PyosslSysReplace(
    int fd,
    int family)
{
    int newFd = PyosslSysSocket(family);

    if (newFd >= 0) {
	closesocket(fd);
    }
    return newFd;
}

int
PyosslSysDup(
    int fd)
{
    WSAPROTOCOL_INFOW info;

    if (WSADuplicateSocketW(fd, GetCurrentProcessId(), &info) != 0) {
	return Result(SOCKET_ERROR);
    }
    return Configure(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
	    FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED));
}

void
PyosslSysClose(
    int fd)
{
    closesocket(fd);
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
 *	whatPtr	Gets the resolver's words if it failed. Windows' own ones are
 *		in the language of the user.
 */
PyosslAddrInfo *
PyosslSysResolve(
    const char *host,
    const char *port,
    int passive,
    const char **whatPtr)
{
    WCHAR wideHost[HOST_MAX], widePort[HOST_MAX];
    ADDRINFOW hints, *listPtr = NULL;
    int code;

    Startup();
    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    if (MultiByteToWideChar(CP_UTF8, 0, host != NULL ? host : "", -1,
	    wideHost, HOST_MAX) == 0 || MultiByteToWideChar(CP_UTF8, 0,
	    port, -1, widePort, HOST_MAX) == 0) {
	*whatPtr = "the name is too long";
	errno = EHOSTUNREACH;
	return NULL;
    }
    code = GetAddrInfoW(host != NULL ? wideHost : NULL, widePort, &hints,
	    &listPtr);
    if (code == 0) {
	return listPtr;
    }
    switch (code) {
    case EAI_SERVICE:
	*whatPtr = "no such service is known";
	errno = EINVAL;
	break;
    case EAI_AGAIN:
	*whatPtr = "the name server does not answer";
	errno = EHOSTUNREACH;
	break;
    default:
	*whatPtr = "no such host is known";
	errno = EHOSTUNREACH;
	break;
    }
    return NULL;
}

void
PyosslSysFreeAddresses(
    PyosslAddrInfo *listPtr)
{
    FreeAddrInfoW(listPtr);
}

/* PyosslSysConnect -- 0, or the errno; EINPROGRESS: on its way. */
int
PyosslSysConnect(
    int fd,
    const PyosslAddrInfo *addrPtr)
{
    int code;

    if (connect(fd, addrPtr->ai_addr, (int) addrPtr->ai_addrlen) == 0) {
	return 0;
    }
    code = WSAGetLastError();
    return code == WSAEWOULDBLOCK ? EINPROGRESS : PyosslWinErrno(code);
}

/* PyosslSysConnectError -- the errno that a connect ended with, or 0. */
int
PyosslSysConnectError(
    int fd)
{
    int err = 0, length = sizeof(err);

    return PyosslSockGetOption(fd, SOL_SOCKET, SO_ERROR, &err, &length) < 0
	    ? errno : err;
}

/* PyosslSysConnectEnd -- the same: Windows has nothing left to tell then. */
int
PyosslSysConnectEnd(
    int fd)
{
    return PyosslSysConnectError(fd);
}

int
PyosslSysBind(
    int fd,
    const PyosslAddrInfo *addrPtr)
{
    return Result(bind(fd, addrPtr->ai_addr, (int) addrPtr->ai_addrlen));
}

/*
 * PyosslSysReuse --
 *	Nothing: an address of an ended connection is free on Windows, and
 *	SO_REUSEADDR would give one that is in use away to anybody.
 */
void
PyosslSysReuse(
    int fd,
    int port)
{
    (void) fd; (void) port;
}

int
PyosslSysListen(
    int fd,
    int backlog)
{
    return Result(listen(fd, backlog));
}

int
PyosslSysAccept(
    int fd)
{
    return Configure(accept(fd, NULL, NULL));
}

/* PyosslSysName -- the address of this end, or of the peer's. */
int
PyosslSysName(
    int fd,
    int peer,
    struct sockaddr_storage *namePtr,
    socklen_t *lengthPtr)
{
    struct sockaddr *addrPtr = (struct sockaddr *) namePtr;

    *lengthPtr = sizeof(*namePtr);
    return Result(peer ? getpeername(fd, addrPtr, lengthPtr)
	    : getsockname(fd, addrPtr, lengthPtr));
}

int
PyosslSockShutdown(
    int fd,
    int how)
{
    static const int hows[] = {SD_RECEIVE, SD_SEND, SD_BOTH};

    return Result(shutdown(fd, hows[how]));
}

int
PyosslSockGetOption(
    int fd,
    int level,
    int name,
    void *buf,
    int *lengthPtr)
{
    int code, result = Result(getsockopt(fd, level, name, buf, lengthPtr));

    if (result == 0 && level == SOL_SOCKET && name == SO_ERROR
	    && *lengthPtr == sizeof(code)) {
	memcpy(&code, buf, sizeof(code));
	code = PyosslWinErrno(code);
	memcpy(buf, &code, sizeof(code));
    }
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
    return Result(setsockopt(fd, level, name, buf, length));
}

/*
 * ---------------------------------------------------------------------
 * Bytes and readiness
 * ---------------------------------------------------------------------
 */

/*
 * PyosslSockRecv, PyosslSockSend --
 *	One recv or send that does not wait. Results as readProc's and
 *	writeProc's. Tcl's own sockets never wait either: Tcl does it for them.
 */
int
PyosslSockRecv(
    int fd,
    char *buf,
    int size,
    int *errnoPtr)
{
    int n = Result(recv(fd, buf, size, 0));

    if (n < 0) {
	*errnoPtr = errno;
    }
    return n;
}

/* PyosslSockRecvWait -- here the caller waits, by select. */
int
PyosslSockRecvWait(
    int fd,
    int *blocksPtr,
    char *buf,
    int size,
    int *errnoPtr)
{
    (void) blocksPtr;
    return PyosslSockRecv(fd, buf, size, errnoPtr);
}

int
PyosslSockSend(
    int fd,
    const char *buf,
    int size,
    int *errnoPtr)
{
    int n = Result(send(fd, buf, size, 0));

    if (n < 0) {
	*errnoPtr = errno;
    }
    return n;
}

/*
 * PyosslWinSelect --
 *	select, which with no socket at all fails instead of waiting.
 */
int
PyosslWinSelect(
    int count,
    fd_set *readPtr,
    fd_set *writePtr,
    fd_set *exceptPtr,
    int ms)
{
    struct timeval time;

    if (count == 0) {
	Sleep(ms < 0 ? INFINITE : (DWORD) ms);
	return 0;
    }
    time.tv_sec = ms / 1000;
    time.tv_usec = ms % 1000 * 1000;
    return Result(select(0, readPtr, writePtr, exceptPtr,
	    ms < 0 ? NULL : &time));
}

/*
 * PyosslSysPoll --
 *	Waits with Tcl's masks, for descriptors of both directions; -1: none.
 *	A connect that failed is told in the third set.
 */
int
PyosslSysPoll(
    int readFd,
    int writeFd,
    int ms)
{
    fd_set readSet, writeSet, failSet;
    int n, ready = 0;

    FD_ZERO(&readSet);
    FD_ZERO(&writeSet);
    FD_ZERO(&failSet);
    if (readFd >= 0) {
	readSet.fd_array[readSet.fd_count++] = (SOCKET) readFd;
    }
    if (writeFd >= 0) {
	writeSet.fd_array[writeSet.fd_count++] = (SOCKET) writeFd;
	failSet.fd_array[failSet.fd_count++] = (SOCKET) writeFd;
    }
    n = PyosslWinSelect(readSet.fd_count + writeSet.fd_count, &readSet,
	    &writeSet, &failSet, ms);
    if (n <= 0) {
	return n;
    }
    if (readSet.fd_count > 0) {
	ready |= TCL_READABLE;
    }
    if (writeSet.fd_count > 0 || failSet.fd_count > 0) {
	ready |= TCL_WRITABLE;
    }
    return ready;
}

/*
 * PyosslSockPoll --
 *	Waits for a Tcl channel's socket. -2: it has none, as pipes and files,
 *	on which select does not work.
 */
int
PyosslSockPoll(
    Tcl_Channel chan,
    int mask,
    int ms)
{
    ClientData handle;
    int fd;

    if (strcmp(Tcl_ChannelName(Tcl_GetChannelType(chan)), "tcp") != 0
	    || Tcl_GetStackedChannel(chan) != NULL
	    || Tcl_GetChannelHandle(chan, TCL_READABLE, &handle) != TCL_OK) {
	return -2;
    }
    fd = (int) (intptr_t) handle;
    return PyosslSysPoll(mask & TCL_READABLE ? fd : -1,
	    mask & TCL_WRITABLE ? fd : -1, ms);
}

/*
 * PyosslSockSwitches --
 *	Whether only the channel's driver knows when it would wait: that of
 *	pipes, which has threads that read and write for it.
 */
int
PyosslSockSwitches(
    Tcl_Channel chan)
{
    return strcmp(Tcl_ChannelName(Tcl_GetChannelType(chan)), "pipe") == 0;
}
