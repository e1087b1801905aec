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

#include "pyosslServer.h"
#include <errno.h>

#define ACCEPT_BATCH	64	/* Connections accepted for one event. */
#define PAUSE_MS	100	/* After running out of descriptors. */

/* A connection whose handshake is under way. */
struct PyosslPending {
    PyosslListener *listenerPtr;
    PyosslTls *tlsPtr;		/* One reference. */
    Tcl_Obj *addressObj;	/* {host port}; one reference. */
    PyosslPending *nextPtr, *prevPtr;	/* In order of their deadlines. */
};

static PyosslReadyProc ListenerReady, PendingReady;
static void ArmTimer(PyosslListener *listenerPtr);

TCL_DECLARE_MUTEX(refMutex)

static void
ListenerHold(
    PyosslListener *listenerPtr)
{
    Tcl_MutexLock(&refMutex);
    listenerPtr->refCount++;
    Tcl_MutexUnlock(&refMutex);
}

void
PyosslListenerRelease(
    PyosslListener *listenerPtr)
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
    PyosslListener *listenerPtr,
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
    int i, argc = 3, code, open;

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
	chan = PyosslChanCreate(tlsPtr, ipPtr->interp);
    }
    open = Tcl_IsChannelRegistered(ipPtr->interp, chan);
    if (!open && failurePtr == NULL) {
	/* And has closed it, or given it away. */
	PyosslInterpRelease(ipPtr);
	return;
    }
    PyosslChanDeadline(tlsPtr);
    if (open) {
	Tcl_RegisterChannel(NULL, chan);	/* Ours while the script runs. */
    }
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
    if (open && (code != TCL_OK || !keep) && ipPtr->interp != NULL
	    && Tcl_IsChannelRegistered(ipPtr->interp, chan)) {
	Tcl_UnregisterChannel(ipPtr->interp, chan);
    }
    if (open) {
	Tcl_UnregisterChannel(NULL, chan);
    }
    for (i = 0; i < argc; i++) {
	Tcl_DecrRefCount(argv[i]);
    }
    PyosslInterpRelease(ipPtr);
}

/* Puts a Pending at the end of the list. */
static void
PendingLink(
    PyosslPending *pendingPtr)
{
    PyosslListener *listenerPtr = pendingPtr->listenerPtr;

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
    PyosslPending *pendingPtr)
{
    PyosslListener *listenerPtr = pendingPtr->listenerPtr;

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
    PyosslPending *pendingPtr)
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
    PyosslPending *pendingPtr)
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
    PyosslPending *pendingPtr)
{
    PyosslListener *listenerPtr = pendingPtr->listenerPtr;
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
    PyosslListenerInterest(listenerPtr);
    PyosslListenerRelease(listenerPtr);
}

/* Goes on with a handshake as far as it gets. */
static void
PendingStep(
    PyosslPending *pendingPtr)
{
    PyosslListener *listenerPtr = pendingPtr->listenerPtr;
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
    if (!PyosslTlsEndOp(tlsPtr, &op, 1) && tlsPtr->closed) {
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
    PyosslListenerRelease(listenerPtr);
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
    PyosslListener *listenerPtr = clientData;
    Tcl_WideInt now = PyosslSysNow();

    listenerPtr->timer = NULL;
    ListenerHold(listenerPtr);
    while (listenerPtr->chan != NULL && listenerPtr->firstPtr != NULL
	    && listenerPtr->firstPtr->tlsPtr->deadline <= now) {
	PyosslPending *pendingPtr = listenerPtr->firstPtr;

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
    PyosslListenerRelease(listenerPtr);
}

/* One timer, for the oldest of them, since all have the same limit. */
static void
ArmTimer(
    PyosslListener *listenerPtr)
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
void
PyosslListenerInterest(
    PyosslListener *listenerPtr)
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
    PyosslListener *listenerPtr = clientData;

    listenerPtr->pause = NULL;
    PyosslListenerInterest(listenerPtr);
}

static void
AcceptOne(
    PyosslListener *listenerPtr,
    PyosslSock *sockPtr)
{
    PyosslTls *tlsPtr;
    PyosslPending *pendingPtr;
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
    pendingPtr = (PyosslPending *) ckalloc(sizeof(PyosslPending));
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
    PyosslListener *listenerPtr = clientData;
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
    PyosslListenerInterest(listenerPtr);
    PyosslListenerRelease(listenerPtr);
}

/* Serves no more: all goes that belongs to this thread. */
void
PyosslListenerStop(
    PyosslListener *listenerPtr)
{
    PyosslPending *pendingPtr;
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
