/*
 * pyosslSock.c --
 *
 *	Sockets of our own: the transport of [pyossl::socket] and of
 *	connections made on "tcp". Always non-blocking; who wants to wait
 *	does it in waitProc. The system calls are the platform's files'.
 *
 *	A closed socket lingers: its output is sent, then its end, and what
 *	the peer still sends is read and dropped until it ends too or a bound
 *	is reached. Closing with unread input would reset the connection and
 *	might take away what the peer had not read yet (RFC 1122, 4.2.2.13).
 */

#include "pyosslSock.h"

#define EXIT_MS		1000	/* All lingering at a thread's end together. */

typedef struct ThreadData {
    int initialized;
    int exiting;		/* The thread ends: nobody serves events. */
    Tcl_WideInt exitBudget;		/* Milliseconds left for waiting then. */
    PyosslSock *lingerList;
} ThreadData;

static Tcl_ThreadDataKey dataKey;

/* PyosslSockBottom -- the channel below all that is stacked on it. */
Tcl_Channel
PyosslSockBottom(
    Tcl_Channel chan)
{
    Tcl_Channel below;

    while ((below = Tcl_GetStackedChannel(chan)) != NULL) {
	chan = below;
    }
    return chan;
}

/*
 * PyosslSockHandle --
 *	Tcl_GetChannelHandle for a channel that may have none. Tcl itself
 *	leaves an error on such a channel, in the place of one that may be
 *	there, and the next call on it, or its close, fails with that.
 */
int
PyosslSockHandle(
    Tcl_Channel chan,
    int direction,
    ClientData *handlePtr)
{
    return Tcl_ChannelGetHandleProc(Tcl_GetChannelType(PyosslSockBottom(chan)))
	    == NULL ? TCL_ERROR : Tcl_GetChannelHandle(chan, direction, handlePtr);
}

/*
 * PyosslSockDirect --
 *	The descriptor of a Tcl TCP socket that is connected; it may be read
 *	and written past Tcl's driver, which keeps no data of its own.
 */
int
PyosslSockDirect(
    Tcl_Channel chan)
{
    ClientData handle;
    Tcl_DString ds;
    int connecting;

    if (strcmp(Tcl_ChannelName(Tcl_GetChannelType(chan)), "tcp") != 0
	    || Tcl_GetStackedChannel(chan) != NULL
	    || PyosslSockHandle(chan, TCL_READABLE, &handle) != TCL_OK) {
	return -1;
    }
    Tcl_DStringInit(&ds);
    connecting = Tcl_GetChannelOption(NULL, chan, "-connecting", &ds)
	    == TCL_OK && strcmp(Tcl_DStringValue(&ds), "0") != 0;
    Tcl_DStringFree(&ds);
    return connecting ? -1 : (int) (intptr_t) handle;
}

/*
 * PyosslSockFailed --
 *	Why the connect of a Tcl TCP socket has failed; 0 where it has not. Tcl
 *	has the system's number and tells the words of it only, once.
 */
int
PyosslSockFailed(
    Tcl_Channel chan)
{
    static const int known[] = {
	ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNRESET, EACCES
    };
    Tcl_DString ds;
    size_t i;
    int err = 0;

    Tcl_DStringInit(&ds);
    /* The driver itself: Tcl would ask the top of a stack, which is ours. */
    if (Tcl_ChannelGetOptionProc(Tcl_GetChannelType(chan))(
	    Tcl_GetChannelInstanceData(chan), NULL, "-error", &ds) == TCL_OK
	    && Tcl_DStringLength(&ds) > 0) {
	err = ENOTCONN;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
	    if (strcmp(Tcl_DStringValue(&ds), Tcl_ErrnoMsg(known[i])) == 0) {
		err = known[i];
	    }
	}
    }
    Tcl_DStringFree(&ds);
    return err;
}

/*
 * ---------------------------------------------------------------------
 * The transport
 * ---------------------------------------------------------------------
 */

/* Results: 1 if bytes can go either way; 0 with the errno why they cannot. */
static int
Connected(
    PyosslSock *sockPtr,
    int *errnoPtr)
{
    int state = sockPtr->connecting || sockPtr->failed
	    ? PyosslSockConnectStep(sockPtr, errnoPtr) : 1;

    if (state == 0) {
	*errnoPtr = EAGAIN;
    }
    return state > 0;
}

static int
SockRead(
    void *inst,
    char *buf,
    int size,
    int *errnoPtr)
{
    PyosslSock *sockPtr = inst;
    int n;

    if (!Connected(sockPtr, errnoPtr)) {
	return -1;
    }
    if (sockPtr->kernelReceives) {
	sockPtr->awaited = 0;	/* The caller polls. */
	return PyosslSysRecvRecord(sockPtr->fd, buf, size, errnoPtr);
    }
    if (sockPtr->awaited) {
	sockPtr->awaited = 0;
	n = PyosslSockRecvWait(sockPtr->fd, &sockPtr->blocks, buf, size,
		errnoPtr);
    } else {
	n = PyosslSockRecv(sockPtr->fd, buf, size, errnoPtr);
    }
    if (n >= 0) {
	sockPtr->connected = 1;
    }
    return n;
}

/*
 * PyosslSockAwait --
 *	Lets the next read wait for its bytes, in the one system call that
 *	fetches them; or takes that back.
 */
void
PyosslSockAwait(
    PyosslSock *sockPtr,
    int on)
{
    sockPtr->awaited = on;
}

/*
 * ---------------------------------------------------------------------
 * The kernel's TLS
 *
 * Where the kernel makes the records, output is plaintext: data as it is,
 * which the kernel cuts into records, and between it now and then something
 * else, an alert or a session ticket, that must be named as what it is. Marks
 * say where.
 * ---------------------------------------------------------------------
 */

/*
 * PyosslSockKernel --
 *	Hands one direction of a connected socket to the kernel.
 * Arguments:
 *	keys	What OpenSSL has given for it.
 * Results:
 *	1, or 0 where the system cannot do it: all is as before then.
 */
int
PyosslSockKernel(
    PyosslSock *sockPtr,
    int sending,
    void *keys)
{
    if (!PyosslSysKernel(sockPtr->fd, sending, keys)) {
	return 0;
    }
    if (!sending) {
	sockPtr->kernelReceives = 1;
    }
    return 1;
}

/*
 * PyosslSockMark --
 *	What is written next is no data.
 * Arguments:
 *	queued	How much output is to be sent before it, the bytes of earlier
 *		marks included.
 */
void
PyosslSockMark(
    PyosslSock *sockPtr,
    size_t queued,
    int length,
    int type)
{
    size_t size = (sockPtr->markCount + 1) * sizeof(PyosslMark);
    PyosslMark *markPtr;
    int i;

    for (i = 0; i < sockPtr->markCount; i++) {
	queued -= sockPtr->marks[i].before + sockPtr->marks[i].length;
    }
    sockPtr->marks = (PyosslMark *) (sockPtr->marks == NULL ? ckalloc(size)
	    : ckrealloc((char *) sockPtr->marks, size));
    markPtr = sockPtr->marks + sockPtr->markCount++;
    markPtr->before = queued;
    markPtr->length = length;
    markPtr->type = type;
}

/* Sends data, or the whole of what is marked, as PyosslSockSend. */
static int
Send(
    PyosslSock *sockPtr,
    const char *buf,
    int size,
    int *errnoPtr)
{
    PyosslMark *markPtr = sockPtr->marks;
    int n;

    if (sockPtr->ended) {
	/* With TLS in it the kernel would say that it has sent it. */
	*errnoPtr = EPIPE;
	return -1;
    }
    if (markPtr == NULL) {
	return PyosslSockSend(sockPtr->fd, buf, size, errnoPtr);
    }
    if (markPtr->before > 0) {
	n = PyosslSockSend(sockPtr->fd, buf, markPtr->before < (size_t) size
		? (int) markPtr->before : size, errnoPtr);
	if (n > 0) {
	    markPtr->before -= n;
	}
	return n;
    }
    /*
     * The kernel says that it has sent a record of which a part had no room
     * yet. It goes on with it before this one, for which there is room then:
     * what ends the output may come next, and would cut that part off.
     */
    if (PyosslSockPollFd(sockPtr->fd, TCL_WRITABLE, 0) == 0) {
	*errnoPtr = EAGAIN;
	return -1;
    }
    n = PyosslSysSendRecord(sockPtr->fd, markPtr->type, buf, markPtr->length,
	    errnoPtr);
    if (n >= 0 && --sockPtr->markCount > 0) {
	memmove(markPtr, markPtr + 1, sockPtr->markCount * sizeof(*markPtr));
    } else if (n >= 0) {
	ckfree((char *) markPtr);
	sockPtr->marks = NULL;
    }
    return n;
}

static int
SockWrite(
    void *inst,
    const char *buf,
    int size,
    int *errnoPtr)
{
    PyosslSock *sockPtr = inst;
    int n;

    if (!Connected(sockPtr, errnoPtr)) {
	return -1;
    }
    n = Send(sockPtr, buf, size, errnoPtr);
    if (n >= 0) {
	sockPtr->connected = 1;
    }
    return n;
}

static int
SockWait(
    void *inst,
    int mask,
    int ms)
{
    PyosslSock *sockPtr = inst;

    if (sockPtr->failed) {
	return mask;		/* Nothing will come; reading tells why. */
    }
    return PyosslSockPollFd(sockPtr->fd, sockPtr->connecting ? TCL_WRITABLE : mask, ms);
}

static void
SockWatch(
    void *inst,
    int mask,
    PyosslReadyProc *readyProc,
    void *clientData)
{
    PyosslSock *sockPtr = inst;

    if (sockPtr->connecting && mask != 0) {
	mask = TCL_WRITABLE;
    }
    PyosslPollWatch(&sockPtr->poll, mask, readyProc, clientData);
}

static int
SockSoon(
    void *inst)
{
    return PyosslPollSoon(&((PyosslSock *) inst)->poll);
}

static int
SockBlock(
    void *inst,
    int blocking)
{
    (void) inst; (void) blocking;
    return 0;
}

static int
SockShutdown(
    void *inst,
    int how)
{
    PyosslSock *sockPtr = inst;

    if (PyosslSockShutdown(sockPtr->fd, how) < 0) {
	return errno;
    }
    if (how != 0) {
	sockPtr->ended = 1;
    }
    return 0;
}

static int
SockHandle(
    void *inst,
    int direction,
    ClientData *handlePtr)
{
    PyosslSock *sockPtr = inst;

    (void) direction;
    if (sockPtr->fd < 0) {
	return TCL_ERROR;
    }
    *handlePtr = (ClientData) (intptr_t) sockPtr->fd;
    return TCL_OK;
}

static void
AppendOption(
    Tcl_DString *dsPtr,
    const char *option,
    Tcl_Obj *valueObj)
{
    if (valueObj == NULL) {
	valueObj = Tcl_NewObj();
    }
    Tcl_IncrRefCount(valueObj);
    if (option != NULL) {
	Tcl_DStringAppendElement(dsPtr, option);
	Tcl_DStringAppendElement(dsPtr, Tcl_GetString(valueObj));
    } else {
	Tcl_DStringAppend(dsPtr, Tcl_GetString(valueObj), -1);
    }
    Tcl_DecrRefCount(valueObj);
}

/* As Tcl's own sockets: -error, -connecting, -peername, -sockname. */
static int
SockGetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    Tcl_DString *dsPtr)
{
    PyosslSock *sockPtr = inst;
    int all = option == NULL, err;
    Tcl_Obj *valueObj;

    if (sockPtr->connecting) {
	/* socket(n): without the event loop this is what goes on with it. */
	PyosslSockConnectStep(sockPtr, &err);
    }

    if (all || strcmp(option, "-connecting") == 0) {
	AppendOption(dsPtr, all ? "-connecting" : NULL,
		Tcl_NewIntObj(sockPtr->connecting));
	if (!all) {
	    return TCL_OK;
	}
    }
    if (all || strcmp(option, "-peername") == 0) {
	valueObj = sockPtr->connecting ? NULL
		: PyosslSockAddress(sockPtr, 1, 1);
	if (!all && valueObj == NULL && !sockPtr->connecting) {
	    return PyosslFailErrno(interp, PYOSSL_SSL, errno,
		    "can't get peername");
	}
	if (valueObj != NULL || !all) {
	    AppendOption(dsPtr, all ? "-peername" : NULL, valueObj);
	}
	if (!all) {
	    return TCL_OK;
	}
    }
    if (all || strcmp(option, "-sockname") == 0) {
	valueObj = PyosslSockAddress(sockPtr, 0, 1);
	if (!all && valueObj == NULL) {
	    return PyosslFailErrno(interp, PYOSSL_SSL, errno,
		    "can't get sockname");
	}
	AppendOption(dsPtr, all ? "-sockname" : NULL, valueObj);
	if (!all) {
	    return TCL_OK;
	}
    }
    return all ? TCL_OK : Tcl_BadChannelOption(interp, option,
	    "connecting peername sockname");
}

static int
SockSetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    const char *value)
{
    (void) inst; (void) value;
    return Tcl_BadChannelOption(interp, option, "");
}

static void
SockThread(
    void *inst,
    int action)
{
    PyosslSock *sockPtr = inst;

    if (action == TCL_CHANNEL_THREAD_REMOVE) {
	PyosslPollForget(&sockPtr->poll);
    }
}

/*
 * ---------------------------------------------------------------------
 * The lingering close
 * ---------------------------------------------------------------------
 */

static PyosslReadyProc LingerReady;
static Tcl_TimerProc LingerTimeout;

/*
 * Sends what is left, then the end, then drops input.
 * Results: the events to wait for; 0 when all is over.
 */
static int
LingerStep(
    PyosslSock *sockPtr)
{
    char waste[8192];
    int n, err = 0, rounds;

    while (sockPtr->pendingSent < sockPtr->pendingLength) {
	size_t left = sockPtr->pendingLength - sockPtr->pendingSent;

	n = Send(sockPtr, sockPtr->pending + sockPtr->pendingSent,
		left > 65536 ? 65536 : (int) left, &err);
	if (n < 0) {
	    if (err == EAGAIN || err == EWOULDBLOCK) {
		break;
	    }
	    return 0;
	}
	sockPtr->pendingSent += n;
	if (sockPtr->pendingSent == sockPtr->pendingLength) {
	    PyosslSockShutdown(sockPtr->fd, 1);
	}
    }
    /* Bounded, so that a peer that sends fast does not hold up the rest. */
    for (rounds = 0; rounds < 64; rounds++) {
	n = sockPtr->kernelReceives
		? PyosslSysRecvRecord(sockPtr->fd, waste, sizeof(waste), &err)
		: PyosslSockRecv(sockPtr->fd, waste, sizeof(waste), &err);
	if (n == 0 || (n < 0 && err != EAGAIN && err != EWOULDBLOCK)) {
	    return 0;
	}
	if (n < 0) {
	    break;
	}
    }
    return TCL_READABLE | (sockPtr->pendingSent < sockPtr->pendingLength
	    ? TCL_WRITABLE : 0);
}

static void
LingerEnd(
    PyosslSock *sockPtr)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (sockPtr->timer != NULL) {
	Tcl_DeleteTimerHandler(sockPtr->timer);
    }
    if (sockPtr->prevLinger != NULL) {
	sockPtr->prevLinger->nextLinger = sockPtr->nextLinger;
    } else if (tsdPtr->lingerList == sockPtr) {
	tsdPtr->lingerList = sockPtr->nextLinger;
    }
    if (sockPtr->nextLinger != NULL) {
	sockPtr->nextLinger->prevLinger = sockPtr->prevLinger;
    }
    PyosslSockFree(sockPtr);
}

static void
LingerTimeout(
    void *clientData)
{
    PyosslSock *sockPtr = clientData;

    sockPtr->timer = NULL;
    LingerEnd(sockPtr);
}

static void
LingerReady(
    void *clientData,
    int mask)
{
    PyosslSock *sockPtr = clientData;
    int wanted = LingerStep(sockPtr);

    (void) mask;
    if (wanted == 0) {
	LingerEnd(sockPtr);
    } else {
	PyosslPollWatch(&sockPtr->poll, wanted, LingerReady, sockPtr);
    }
}

/* Lingers with nobody to serve events, within the thread's budget. */
static void
LingerNow(
    ThreadData *tsdPtr,
    PyosslSock *sockPtr)
{
    Tcl_WideInt limit = sockPtr->lingerMs < tsdPtr->exitBudget
	    ? sockPtr->lingerMs : tsdPtr->exitBudget;
    Tcl_WideInt start = PyosslSysNow(), left;
    int wanted;

    while ((wanted = LingerStep(sockPtr)) != 0) {
	left = limit - (PyosslSysNow() - start);
	if (left <= 0 || PyosslSockPollFd(sockPtr->fd, wanted, (int) left) <= 0) {
	    break;
	}
    }
    tsdPtr->exitBudget -= PyosslSysNow() - start;
}

/*
 * PyosslSockServe --
 *	Before a wait without the event loop: what lingers in this thread may
 *	be the peer that is waited for, and only events would go on with it.
 * Results:
 *	Whether something still lingers: it has to be served again then.
 */
int
PyosslSockServe(void)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));
    PyosslSock *sockPtr, *nextPtr;

    if (tsdPtr->exiting) {
	return 0;
    }
    for (sockPtr = tsdPtr->lingerList; sockPtr != NULL; sockPtr = nextPtr) {
	nextPtr = sockPtr->nextLinger;
	if (LingerStep(sockPtr) == 0
		|| PyosslSysNow() >= sockPtr->lingerUntil) {
	    LingerEnd(sockPtr);
	}
    }
    return tsdPtr->lingerList != NULL;
}

static void
ThreadExit(
    void *clientData)
{
    ThreadData *tsdPtr = clientData;
    PyosslSock *sockPtr;

    tsdPtr->exiting = 1;
    while ((sockPtr = tsdPtr->lingerList) != NULL) {
	LingerNow(tsdPtr, sockPtr);
	LingerEnd(sockPtr);
    }
}

/*
 * PyosslSockThread --
 *	This thread has sockets that may linger. It must be known before the
 *	thread ends: Tcl then takes no more handlers for that.
 */
void
PyosslSockThread(void)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (!tsdPtr->initialized) {
	tsdPtr->initialized = 1;
	tsdPtr->exitBudget = EXIT_MS;
	if (!PyosslPollEnded()) {
	    Tcl_CreateThreadExitHandler(ThreadExit, tsdPtr);
	}
    }
}

/* Whether a reset was asked for: SO_LINGER with a time of 0. */
static int
Abortive(
    int fd)
{
    struct linger linger;
    int length = sizeof(linger);

    return PyosslSockGetOption(fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0
	    && linger.l_onoff && linger.l_linger == 0;
}

static void
SockClose(
    void *inst,
    Tcl_Interp *interp,
    char *pending,
    size_t pendingLength,
    int linger)
{
    PyosslSock *sockPtr = inst;
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));
    int wanted;

    (void) interp;
    PyosslSockThread();
    PyosslPollForget(&sockPtr->poll);
    sockPtr->pending = pending;
    sockPtr->pendingLength = pendingLength;
    if (!linger || sockPtr->connecting || sockPtr->fd < 0
	    || sockPtr->lingerMs <= 0 || Abortive(sockPtr->fd)) {
	PyosslSockFree(sockPtr);
	return;
    }
    if (pendingLength == 0) {
	PyosslSockShutdown(sockPtr->fd, 1);
    }
    if (tsdPtr->exiting || PyosslPollEnded()) {
	LingerNow(tsdPtr, sockPtr);
	PyosslSockFree(sockPtr);
	return;
    }
    wanted = LingerStep(sockPtr);
    if (wanted == 0) {
	PyosslSockFree(sockPtr);
	return;
    }
    sockPtr->nextLinger = tsdPtr->lingerList;
    if (sockPtr->nextLinger != NULL) {
	sockPtr->nextLinger->prevLinger = sockPtr;
    }
    tsdPtr->lingerList = sockPtr;
    sockPtr->lingerUntil = PyosslSysNow() + sockPtr->lingerMs;
    sockPtr->timer = Tcl_CreateTimerHandler(sockPtr->lingerMs, LingerTimeout,
	    sockPtr);
    PyosslPollWatch(&sockPtr->poll, wanted, LingerReady, sockPtr);
}

static void
SockFree(
    void *inst)
{
    PyosslSockFree(inst);
}

const PyosslTransportType pyosslSockTransport = {
    "socket", SockRead, SockWrite, SockWait, SockWatch, SockBlock,
    SockShutdown, SockHandle, SockGetOption, SockSetOption, SockThread,
    SockClose, SockFree, NULL, SockSoon, 0
};
