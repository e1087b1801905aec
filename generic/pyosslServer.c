/*
 * pyosslServer.c --
 *
 *	Listening channels ([pyossl::socket -server]): accepts, handshakes
 *	with all clients at once, and hands each established connection to a
 *	script. A client that dawdles or misbehaves costs nobody else anything:
 *	handshakes have a time limit and their number has a cap.
 *
 *	    listening sockets --accept--> Pending --handshake--> command
 *	         ^                           |  \--failed------> errorcommand
 *	         +--- paused while the cap is reached
 */

#include "pyosslConn.h"
#include <errno.h>

#define ACCEPT_BATCH	64	/* Connections accepted for one event. */
#define PAUSE_MS	100	/* After running out of descriptors. */
#define BACKLOG		1024

typedef struct Listener Listener;

/* A connection whose handshake is under way. */
typedef struct Pending {
    Listener *listenerPtr;
    PyosslTls *tlsPtr;		/* One reference. */
    Tcl_Obj *addressObj;	/* {host port}; one reference. */
    struct Pending *nextPtr, *prevPtr;	/* In order of their deadlines. */
} Pending;

/*
 * Serves in the thread that made it. A channel that goes to another thread
 * leaves all this behind, and is closed but for its name.
 */
struct Listener {
    Tcl_Channel chan;		/* NULL once it serves no more. */
    int refCount;		/* The channel, and each event under way;
				 * guarded by refMutex. */
    PyosslInterp *ipPtr;	/* Counted; where channels are registered. */
    PyosslCtx *ctxPtr;		/* One reference. */
    PyosslSock **socks;
    int sockCount;
    PyosslCallback *commandPtr, *errorPtr;
    int established;		/* -notify established. */
    int timeoutMs;		/* -handshaketimeout; 0: none. */
    int maxHandshakes;		/* -maxhandshakes; 0: any number. */
    int lingerMs;		/* -closetimeout; -1: the default. */
    Pending *firstPtr, *lastPtr;
    int pendingCount;
    int interested;		/* The listening sockets are watched. */
    Tcl_TimerToken timer;	/* Of the first Pending's deadline. */
    Tcl_TimerToken pause;	/* Out of descriptors. */
    Tcl_WideInt accepted, completed, failed, timedOut;
};

static const Tcl_ChannelType listenerType;
static PyosslReadyProc ListenerReady, PendingReady;
static void Interest(Listener *listenerPtr);
static void ArmTimer(Listener *listenerPtr);

TCL_DECLARE_MUTEX(refMutex)

static void
ListenerHold(
    Listener *listenerPtr)
{
    Tcl_MutexLock(&refMutex);
    listenerPtr->refCount++;
    Tcl_MutexUnlock(&refMutex);
}

static void
ListenerRelease(
    Listener *listenerPtr)
{
    int left;

    Tcl_MutexLock(&refMutex);
    left = --listenerPtr->refCount;
    Tcl_MutexUnlock(&refMutex);
    if (left == 0) {
	PyosslCount(PYOSSL_COUNT_LISTENERS, -1);
	ckfree((char *) listenerPtr);
    }
}

/*
 * ---------------------------------------------------------------------
 * Handing over
 * ---------------------------------------------------------------------
 */

/*
 * Calls a script about a connection, with its channel registered. Where
 * the script fails the channel is closed, as Tcl does with its own sockets.
 * Arguments:
 *	keep	Leave the channel open afterwards.
 */
static void
CallScript(
    Listener *listenerPtr,
    PyosslCallback *cbPtr,
    PyosslTls *tlsPtr,
    Tcl_Obj *addressObj,
    const PyosslFailure *failurePtr,
    int keep)
{
    PyosslInterp *ipPtr = PyosslInterpHold(listenerPtr->ipPtr);
    Tcl_Obj *argv[5], **words;
    PyosslFailure told;
    PyosslOp op;
    Tcl_Size count;
    Tcl_Channel chan;
    int i, argc = 3, code;

    if (!PyosslCallbackUsable(cbPtr)) {
	PyosslTlsClose(tlsPtr, NULL, 0);
	PyosslInterpRelease(ipPtr);
	return;
    }
    /* A callback of the handshake may have asked for the channel. */
    chan = PyosslChanChannel(tlsPtr);
    if (chan != NULL) {
	PyosslChanWake(tlsPtr);
    } else {
	chan = PyosslChanCreate(tlsPtr);
    }
    PyosslChanDeadline(tlsPtr);
    if (!Tcl_IsChannelRegistered(ipPtr->interp, chan)) {
	Tcl_RegisterChannel(ipPtr->interp, chan);
    }
    Tcl_RegisterChannel(NULL, chan);	/* Ours while the script runs. */
    Tcl_ListObjGetElements(NULL, addressObj, &count, &words);
    argv[0] = Tcl_NewStringObj(Tcl_GetChannelName(chan), -1);
    argv[1] = words[0];
    argv[2] = words[1];
    if (failurePtr != NULL) {
	argv[argc++] = Tcl_NewStringObj(failurePtr->message, -1);
	argv[argc++] = Tcl_NewStringObj(failurePtr->errorCode, -1);
    }
    for (i = 0; i < argc; i++) {
	Tcl_IncrRefCount(argv[i]);
    }
    memset(&told, 0, sizeof(told));
    PyosslOpBegin(&op);
    code = PyosslCallbackCall(cbPtr, argc, argv, NULL);
    PyosslOpEndFailure(&op, &told, 1);
    PyosslFailureClear(&told);
    if ((code != TCL_OK || !keep) && ipPtr->interp != NULL
	    && Tcl_IsChannelRegistered(ipPtr->interp, chan)) {
	Tcl_UnregisterChannel(ipPtr->interp, chan);
    }
    Tcl_UnregisterChannel(NULL, chan);
    for (i = 0; i < argc; i++) {
	Tcl_DecrRefCount(argv[i]);
    }
    PyosslInterpRelease(ipPtr);
}

/* Puts a Pending at the end of the list. */
static void
PendingLink(
    Pending *pendingPtr)
{
    Listener *listenerPtr = pendingPtr->listenerPtr;

    pendingPtr->nextPtr = NULL;
    pendingPtr->prevPtr = listenerPtr->lastPtr;
    if (listenerPtr->lastPtr != NULL) {
	listenerPtr->lastPtr->nextPtr = pendingPtr;
    } else {
	listenerPtr->firstPtr = pendingPtr;
    }
    listenerPtr->lastPtr = pendingPtr;
    listenerPtr->pendingCount++;
}

/* Takes a Pending out of the list; its connection and address are left. */
static void
PendingUnlink(
    Pending *pendingPtr)
{
    Listener *listenerPtr = pendingPtr->listenerPtr;

    if (pendingPtr->prevPtr != NULL) {
	pendingPtr->prevPtr->nextPtr = pendingPtr->nextPtr;
    } else {
	listenerPtr->firstPtr = pendingPtr->nextPtr;
    }
    if (pendingPtr->nextPtr != NULL) {
	pendingPtr->nextPtr->prevPtr = pendingPtr->prevPtr;
    } else {
	listenerPtr->lastPtr = pendingPtr->prevPtr;
    }
    listenerPtr->pendingCount--;
}

static void
PendingFree(
    Pending *pendingPtr)
{
    PyosslTls *tlsPtr = pendingPtr->tlsPtr;

    /* A callback may have been given a command for it. */
    if (tlsPtr->chanPtr == NULL && tlsPtr->connPtr != NULL) {
	PyosslObjectDelete(tlsPtr->connPtr);
    }
    PyosslTlsRelease(tlsPtr);
    Tcl_DecrRefCount(pendingPtr->addressObj);
    ckfree((char *) pendingPtr);
}

/* Closes the connection, and the channel that a callback asked for. */
static void
PendingClose(
    Pending *pendingPtr)
{
    PyosslTls *tlsPtr = pendingPtr->tlsPtr;

    tlsPtr->held = 0;
    tlsPtr->ending = 1;
    PyosslChanClose(tlsPtr, pendingPtr->listenerPtr->ipPtr->interp);
    PyosslTlsClose(tlsPtr, NULL, 0);
}

/* The handshake is over, one way or the other. */
static void
PendingDone(
    Pending *pendingPtr)
{
    Listener *listenerPtr = pendingPtr->listenerPtr;
    PyosslTls *tlsPtr = pendingPtr->tlsPtr;

    PendingUnlink(pendingPtr);
    tlsPtr->held = 0;
    PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
    ListenerHold(listenerPtr);
    if (tlsPtr->failure.message == NULL) {
	listenerPtr->completed++;
	CallScript(listenerPtr, listenerPtr->commandPtr, tlsPtr,
		pendingPtr->addressObj, NULL, 1);
    } else {
	PyosslFailure failure;

	listenerPtr->failed++;
	listenerPtr->timedOut += PyosslTlsIsLate(tlsPtr);
	memset(&failure, 0, sizeof(failure));
	PyosslFailureCopy(&failure, &tlsPtr->failure);
	if (listenerPtr->errorPtr != NULL) {
	    CallScript(listenerPtr, listenerPtr->errorPtr, tlsPtr,
		    pendingPtr->addressObj, &failure, 0);
	} else {
	    PendingClose(pendingPtr);
	}
	PyosslFailureClear(&failure);
    }
    PendingFree(pendingPtr);
    Interest(listenerPtr);
    ListenerRelease(listenerPtr);
}

/* Goes on with a handshake as far as it gets. */
static void
PendingStep(
    Pending *pendingPtr)
{
    Listener *listenerPtr = pendingPtr->listenerPtr;
    PyosslTls *tlsPtr = pendingPtr->tlsPtr;
    PyosslTlsResult result;
    PyosslOp op;

    if (tlsPtr->busy) {
	/* The event loop of a callback; who called it goes on afterwards. */
	PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
	return;
    }
    PyosslTlsHold(tlsPtr);
    ListenerHold(listenerPtr);
    PyosslOpBegin(&op);
    result = PyosslTlsHandshake(tlsPtr);
    if (!PyosslOpEndFailure(&op, &tlsPtr->failure, 1) && tlsPtr->closed) {
	/* OpenSSL only saw that its transport was gone. */
	PyosslFailureClear(&tlsPtr->failure);
	PyosslFailureErrno(&tlsPtr->failure, ECONNABORTED,
		"a callback closed the connection during the TLS handshake");
    }
    if (listenerPtr->chan == NULL) {
	/* The listener was closed by a callback: all is freed already. */
    } else if (result == PYOSSL_TLS_OK || result == PYOSSL_TLS_FAIL
	    || tlsPtr->closed || tlsPtr->failure.message != NULL) {
	if (result == PYOSSL_TLS_FAIL) {
	    PyosslFailureCopy(&tlsPtr->failure, PyosslTlsWhy(tlsPtr));
	}
	PendingDone(pendingPtr);
    } else {
	PyosslLinkWatch(&tlsPtr->link,
		(tlsPtr->link.throttled ? 0 : TCL_READABLE)
		| (PyosslLinkQueued(&tlsPtr->link) > 0 ? TCL_WRITABLE : 0),
		PendingReady, pendingPtr);
    }
    ListenerRelease(listenerPtr);
    PyosslTlsRelease(tlsPtr);
}

static void
PendingReady(
    void *clientData,
    int mask)
{
    (void) mask;
    PendingStep(clientData);
}

/* The first deadline has come: those that are past it have failed. */
static void
DeadlineReached(
    void *clientData)
{
    Listener *listenerPtr = clientData;
    Tcl_WideInt now = PyosslSysNow();

    listenerPtr->timer = NULL;
    ListenerHold(listenerPtr);
    while (listenerPtr->chan != NULL && listenerPtr->firstPtr != NULL
	    && listenerPtr->firstPtr->tlsPtr->deadline <= now) {
	Pending *pendingPtr = listenerPtr->firstPtr;

	if (pendingPtr->tlsPtr->busy) {
	    /* A callback of its own runs the event loop: not now. */
	    PendingUnlink(pendingPtr);
	    pendingPtr->tlsPtr->deadline = now + listenerPtr->timeoutMs;
	    PendingLink(pendingPtr);
	    continue;
	}
	if (!pendingPtr->tlsPtr->established) {
	    PyosslTlsTimedOut(pendingPtr->tlsPtr);
	}
	PendingDone(pendingPtr);
    }
    ArmTimer(listenerPtr);
    ListenerRelease(listenerPtr);
}

/* One timer, for the oldest of them, since all have the same limit. */
static void
ArmTimer(
    Listener *listenerPtr)
{
    Tcl_WideInt left;

    if (listenerPtr->timer != NULL || listenerPtr->chan == NULL
	    || listenerPtr->timeoutMs <= 0 || listenerPtr->firstPtr == NULL) {
	return;
    }
    left = listenerPtr->firstPtr->tlsPtr->deadline - PyosslSysNow();
    listenerPtr->timer = Tcl_CreateTimerHandler(left > 0 ? (int) left + 1 : 0,
	    DeadlineReached, listenerPtr);
}

/*
 * ---------------------------------------------------------------------
 * Accepting
 * ---------------------------------------------------------------------
 */

/* Watches the listening sockets, or not while enough is under way. */
static void
Interest(
    Listener *listenerPtr)
{
    int i, wanted = listenerPtr->chan != NULL && listenerPtr->pause == NULL
	    && (listenerPtr->maxHandshakes <= 0
	    || listenerPtr->pendingCount < listenerPtr->maxHandshakes);

    if (wanted == listenerPtr->interested) {
	return;
    }
    listenerPtr->interested = wanted;
    for (i = 0; i < listenerPtr->sockCount; i++) {
	pyosslSockTransport.watchProc(listenerPtr->socks[i],
		wanted ? TCL_READABLE : 0, ListenerReady, listenerPtr);
    }
}

static void
PauseOver(
    void *clientData)
{
    Listener *listenerPtr = clientData;

    listenerPtr->pause = NULL;
    Interest(listenerPtr);
}

static void
AcceptOne(
    Listener *listenerPtr,
    PyosslSock *sockPtr)
{
    PyosslTls *tlsPtr;
    Pending *pendingPtr;
    Tcl_Obj *addressObj = PyosslSockAddress(sockPtr, 1, 0);

    if (addressObj == NULL) {
	PyosslSockFree(sockPtr);	/* Gone before it was looked at. */
	return;
    }
    Tcl_IncrRefCount(addressObj);
    listenerPtr->accepted++;
    if (listenerPtr->lingerMs >= 0) {
	PyosslSockLinger(sockPtr, listenerPtr->lingerMs);
    }
    tlsPtr = PyosslTlsNew(listenerPtr->ctxPtr, &pyosslSockTransport, sockPtr);
    if (tlsPtr == NULL) {
	ERR_clear_error();
	listenerPtr->failed++;
	Tcl_DecrRefCount(addressObj);
	return;
    }
    tlsPtr->autoConn = 1;
    PyosslConnStart(tlsPtr, 1);
    if (listenerPtr->timeoutMs > 0) {
	tlsPtr->deadline = PyosslSysNow() + listenerPtr->timeoutMs;
    }
    if (!listenerPtr->established) {
	CallScript(listenerPtr, listenerPtr->commandPtr, tlsPtr, addressObj,
		NULL, 1);
	PyosslTlsRelease(tlsPtr);
	Tcl_DecrRefCount(addressObj);
	return;
    }
    pendingPtr = (Pending *) ckalloc(sizeof(Pending));
    pendingPtr->listenerPtr = listenerPtr;
    pendingPtr->tlsPtr = tlsPtr;
    pendingPtr->addressObj = addressObj;
    tlsPtr->held = 1;
    PendingLink(pendingPtr);
    ArmTimer(listenerPtr);
    PendingStep(pendingPtr);
}

/*
 * Errors of accept() that tell of one client, which has left or was turned
 * away; Winsock says ECONNRESET. The next one may be fine (accept(2)).
 */
static int
ClientIsGone(
    int err)
{
    return err == ECONNABORTED || err == ECONNRESET || err == EPROTO
	    || err == EPERM;
}

static void
ListenerReady(
    void *clientData,
    int mask)
{
    Listener *listenerPtr = clientData;
    int i, n, called = 0;
    /* Not more than one script for an event, as with Tcl's own listeners. */
    int batch = listenerPtr->established ? ACCEPT_BATCH : 1;

    (void) mask;
    ListenerHold(listenerPtr);
    for (i = 0; i < listenerPtr->sockCount && listenerPtr->chan != NULL
	    && !called; i++) {
	for (n = 0; n < batch && listenerPtr->chan != NULL
		&& (listenerPtr->maxHandshakes <= 0 || listenerPtr->pendingCount
		< listenerPtr->maxHandshakes); n++) {
	    PyosslSock *sockPtr = PyosslSockAccept(listenerPtr->socks[i]);

	    if (sockPtr != NULL) {
		called = !listenerPtr->established;
		AcceptOne(listenerPtr, sockPtr);
		continue;
	    }
	    if (errno != EAGAIN && errno != EWOULDBLOCK && !ClientIsGone(errno)
		    && listenerPtr->pause == NULL) {
		/* Out of descriptors or memory: asking on would spin. */
		listenerPtr->pause = Tcl_CreateTimerHandler(PAUSE_MS,
			PauseOver, listenerPtr);
	    }
	    break;
	}
    }
    Interest(listenerPtr);
    ListenerRelease(listenerPtr);
}

/*
 * ---------------------------------------------------------------------
 * The listening channel
 * ---------------------------------------------------------------------
 */

/* Serves no more: all goes that belongs to this thread. */
static void
ListenerStop(
    Listener *listenerPtr)
{
    Pending *pendingPtr;
    int i;

    if (listenerPtr->ipPtr == NULL) {
	return;
    }
    listenerPtr->chan = NULL;
    if (listenerPtr->timer != NULL) {
	Tcl_DeleteTimerHandler(listenerPtr->timer);
	listenerPtr->timer = NULL;
    }
    if (listenerPtr->pause != NULL) {
	Tcl_DeleteTimerHandler(listenerPtr->pause);
	listenerPtr->pause = NULL;
    }
    for (i = 0; i < listenerPtr->sockCount; i++) {
	PyosslSockFree(listenerPtr->socks[i]);
    }
    listenerPtr->sockCount = 0;
    if (listenerPtr->socks != NULL) {
	ckfree((char *) listenerPtr->socks);
	listenerPtr->socks = NULL;
    }
    while ((pendingPtr = listenerPtr->firstPtr) != NULL) {
	PendingUnlink(pendingPtr);
	PendingClose(pendingPtr);
	PendingFree(pendingPtr);
    }
    PyosslCallbackFree(&listenerPtr->commandPtr);
    PyosslCallbackFree(&listenerPtr->errorPtr);
    PyosslCtxRelease(listenerPtr->ctxPtr);
    listenerPtr->ctxPtr = NULL;
    PyosslInterpRelease(listenerPtr->ipPtr);
    listenerPtr->ipPtr = NULL;
}

/* Leaving for another thread, or being closed. */
static void
ListenerThreadAction(
    void *inst,
    int action)
{
    if (action == TCL_CHANNEL_THREAD_REMOVE) {
	ListenerStop(inst);
    }
}

static int
ListenerClose(
    void *inst,
    Tcl_Interp *interp)
{
    (void) interp;
    ListenerStop(inst);
    ListenerRelease(inst);
    return 0;
}

static int
ListenerClose2(
    void *inst,
    Tcl_Interp *interp,
    int flags)
{
    if ((flags & (TCL_CLOSE_READ | TCL_CLOSE_WRITE)) == 0) {
	return ListenerClose(inst, interp);
    }
    return EINVAL;
}

static int
ListenerInput(
    void *inst,
    char *buf,
    int size,
    int *errnoPtr)
{
    (void) inst; (void) buf; (void) size;
    *errnoPtr = EINVAL;
    return -1;
}

static int
ListenerOutput(
    void *inst,
    const char *buf,
    int size,
    int *errnoPtr)
{
    (void) inst; (void) buf; (void) size;
    *errnoPtr = EINVAL;
    return -1;
}

static void
ListenerWatch(
    void *inst,
    int mask)
{
    (void) inst; (void) mask;
}

static int
ListenerBlockMode(
    void *inst,
    int mode)
{
    (void) inst; (void) mode;
    return 0;
}

static int
ListenerGetHandle(
    void *inst,
    int direction,
    ClientData *handlePtr)
{
    Listener *listenerPtr = inst;

    (void) direction;
    if (listenerPtr->sockCount == 0) {
	return TCL_ERROR;
    }
    *handlePtr = (ClientData) (intptr_t) PyosslSockFd(listenerPtr->socks[0]);
    return TCL_OK;
}

/* -sockname: {address host port} of each socket, in one flat list. */
static int
ListenerGetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    Tcl_DString *dsPtr)
{
    Listener *listenerPtr = inst;
    Tcl_Obj *listObj, *nameObj;
    int i;

    if (option != NULL && strcmp(option, "-error") == 0) {
	return TCL_OK;
    }
    if (option != NULL && strcmp(option, "-connecting") == 0) {
	Tcl_DStringAppend(dsPtr, "0", 1);
	return TCL_OK;
    }
    if (option != NULL && strcmp(option, "-sockname") != 0) {
	return Tcl_BadChannelOption(interp, option,
		"connecting error sockname");
    }
    listObj = Tcl_NewListObj(0, NULL);
    Tcl_IncrRefCount(listObj);
    for (i = 0; i < listenerPtr->sockCount; i++) {
	nameObj = PyosslSockAddress(listenerPtr->socks[i], 0, 1);
	if (nameObj != NULL) {
	    Tcl_ListObjAppendList(NULL, listObj, nameObj);
	    Tcl_DecrRefCount(nameObj);
	}
    }
    if (option == NULL) {
	Tcl_DStringAppendElement(dsPtr, "-sockname");
	Tcl_DStringAppendElement(dsPtr, Tcl_GetString(listObj));
    } else {
	Tcl_DStringAppend(dsPtr, Tcl_GetString(listObj), -1);
    }
    Tcl_DecrRefCount(listObj);
    return TCL_OK;
}

static const Tcl_ChannelType listenerType = {
    "pyossl-server",
    TCL_CHANNEL_VERSION_5,
#if TCL_MAJOR_VERSION >= 9
    NULL,
#else
    ListenerClose,
#endif
    ListenerInput,
    ListenerOutput,
    NULL,
    NULL,
    ListenerGetOption,
    ListenerWatch,
    ListenerGetHandle,
    ListenerClose2,
    ListenerBlockMode,
    NULL,
    NULL,
    NULL,
    ListenerThreadAction,
    NULL
};

/*
 * PyosslListenerStatus --
 *	The counts of a listening channel as a dict in a new Tcl_Obj; NULL
 *	for any other channel.
 */
Tcl_Obj *
PyosslListenerStatus(
    Tcl_Channel chan)
{
    static const char *const names[] = {
	"accepted", "established", "failed", "timedout", "handshaking"
    };
    Tcl_Obj *dictObj;
    Listener *listenerPtr;
    Tcl_WideInt values[5];
    int i;

    if (Tcl_GetChannelType(chan) != &listenerType) {
	return NULL;
    }
    listenerPtr = Tcl_GetChannelInstanceData(chan);
    values[0] = listenerPtr->accepted;
    values[1] = listenerPtr->completed;
    values[2] = listenerPtr->failed;
    values[3] = listenerPtr->timedOut;
    values[4] = listenerPtr->pendingCount;
    dictObj = Tcl_NewDictObj();
    for (i = 0; i < 5; i++) {
	Tcl_DictObjPut(NULL, dictObj, Tcl_NewStringObj(names[i], -1),
		Tcl_NewWideIntObj(values[i]));
    }
    return dictObj;
}

/* The options of [Listen]. */
static int
ParseOptions(
    Tcl_Interp *interp,
    Listener *listenerPtr,
    int objc,
    Tcl_Obj *const objv[],
    const char **myAddrPtr,
    int *reusePortPtr)
{
    static const char *const options[] = {
	"-closetimeout", "-errorcommand", "-handshaketimeout",
	"-maxhandshakes", "-myaddr", "-notify", "-reuseport", NULL
    };
    static const char *const notifies[] = {"connected", "established", NULL};
    int i, index, code = TCL_OK;

    for (i = 0; i + 1 < objc && code == TCL_OK; i += 2) {
	Tcl_Obj *valueObj = objv[i + 1];

	if (Tcl_GetIndexFromObj(interp, objv[i], options, "option", 0,
		&index) != TCL_OK) {
	    return TCL_ERROR;
	}
	switch (index) {
	case 0:
	    code = PyosslGetIntRange(interp, PYOSSL_SSL, "-closetimeout",
		    valueObj, 0, 0x7fffffff, &listenerPtr->lingerMs);
	    break;
	case 1:
	    code = PyosslCallbackSet(interp, PYOSSL_SSL, listenerPtr->ipPtr,
		    valueObj, &listenerPtr->errorPtr);
	    break;
	case 2:
	    code = PyosslGetIntRange(interp, PYOSSL_SSL, "-handshaketimeout",
		    valueObj, 0, 0x7fffffff, &listenerPtr->timeoutMs);
	    break;
	case 3:
	    code = PyosslGetIntRange(interp, PYOSSL_SSL, "-maxhandshakes",
		    valueObj, 0, 0x7fffffff, &listenerPtr->maxHandshakes);
	    break;
	case 4:
	    *myAddrPtr = Tcl_GetString(valueObj);
	    break;
	case 5:
	    if (Tcl_GetIndexFromObj(NULL, valueObj, notifies, "notify", 0,
		    &listenerPtr->established) != TCL_OK) {
		code = PyosslFail(interp, PYOSSL_SSL, "ValueError",
			"bad notify \"%.60s\": must be connected or established",
			Tcl_GetString(valueObj));
	    }
	    break;
	default:
	    code = PyosslGetBoolean(interp, PYOSSL_SSL, "-reuseport",
		    valueObj, reusePortPtr);
	    break;
	}
    }
    return code;
}

/*
 * [::pyossl::Listen command ctx port ?-option value ...?] -> channel.
 * What [pyossl::socket -server] does once it has its context.
 */
static int
Listen(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static unsigned long counter = 0;
    TCL_DECLARE_MUTEX(counterMutex)
    PyosslCtx *ctxPtr = PyosslKeepFind(ipPtr, interp, objv[2]);
    Listener *listenerPtr;
    const char *myAddr = NULL, *what = NULL;
    char name[40], port[PYOSSL_PORT_SIZE];
    int reusePort = 0, code;

    if (ctxPtr == NULL
	    || PyosslConnGetPort(interp, objv[3], port) != TCL_OK) {
	return TCL_ERROR;
    }
    listenerPtr = (Listener *) ckalloc(sizeof(Listener));
    memset(listenerPtr, 0, sizeof(*listenerPtr));
    listenerPtr->refCount = 1;
    PyosslCount(PYOSSL_COUNT_LISTENERS, 1);
    listenerPtr->ipPtr = PyosslInterpHold(ipPtr);
    listenerPtr->ctxPtr = ctxPtr;
    PyosslCtxHold(ctxPtr);
    listenerPtr->established = 1;
    listenerPtr->timeoutMs = 30000;
    listenerPtr->maxHandshakes = 1000;
    listenerPtr->lingerMs = -1;
    code = PyosslCallbackSet(interp, PYOSSL_SSL, ipPtr, objv[1],
	    &listenerPtr->commandPtr);
    if (code == TCL_OK && listenerPtr->commandPtr == NULL) {
	code = PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the command of -server must not be empty");
    }
    if (code == TCL_OK) {
	code = ParseOptions(interp, listenerPtr, objc - 4, objv + 4, &myAddr,
		&reusePort);
    }
    if (code == TCL_OK) {
	listenerPtr->socks = PyosslSockListenAll(myAddr, port, reusePort,
		BACKLOG, &listenerPtr->sockCount, &what);
	if (listenerPtr->socks == NULL) {
	    code = PyosslConnOpenFailed(interp, "couldn't open socket", errno,
		    what, objv[3]);
	}
    }
    if (code != TCL_OK) {
	ListenerStop(listenerPtr);
	ListenerRelease(listenerPtr);
	return TCL_ERROR;
    }
    Tcl_MutexLock(&counterMutex);
    snprintf(name, sizeof(name), "pyosslserver%lu", ++counter);
    Tcl_MutexUnlock(&counterMutex);
    listenerPtr->chan = Tcl_CreateChannel(&listenerType, name, listenerPtr, 0);
    Tcl_RegisterChannel(interp, listenerPtr->chan);
    Interest(listenerPtr);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(name, -1));
    return TCL_OK;
}

const PyosslFunction pyosslServerFunctions[] = {
    {"Listen", Listen, 3, -1, "command ctx port ?-option value ...?",
	    PYOSSL_UNSAFE | PYOSSL_INTERNAL},
    {NULL, NULL, 0, 0, NULL, 0}
};
