/*
 * pyosslChan.c --
 *
 *	The plaintext channel: one Tcl channel driver, used for channels of
 *	our own ([$conn channel], [pyossl::socket]) and, stacked, for
 *	[pyossl::import]. Knows the connection (PyosslTls), not its command.
 *
 *	    fileevent      gets/read    puts/flush
 *	        |              |            |
 *	    ChanWatch      ChanInput    ChanOutput      Tcl's side
 *	        |              |            |
 *	  pyosslChanEvent.c    PyosslTlsRead / Write / Handshake
 */

#include "pyosslChan.h"
#include <errno.h>

static PyosslChanSendProc SendCollected;

/*
 * ---------------------------------------------------------------------
 * The driver
 * ---------------------------------------------------------------------
 */

/*
 * Whether [fcopy] is at work: such a channel cannot be told the place of. It
 * tells the errno alone, and the words would be the next command's error.
 */
static int
IsCopied(
    Tcl_Channel chan)
{
    Tcl_SetErrno(0);
    Tcl_Tell(chan);
    return Tcl_GetErrno() == EBUSY;
}

/* Reports why the last step failed as the channel's error. */
static int
Fail(
    PyosslChan *cPtr,
    int *errnoPtr)
{
    const PyosslFailure *failurePtr = PyosslTlsWhy(cPtr->tlsPtr);

    cPtr->tlsPtr->reported = 1;
    if (cPtr->chan != NULL && !IsCopied(cPtr->chan)) {
	Tcl_SetChannelError(cPtr->chan, PyosslFailureOptions(failurePtr));
    }
    *errnoPtr = failurePtr->posix ? failurePtr->posix : EPROTO;
    return -1;
}

/* Neither client nor server: nothing can be read or written yet. */
static int
NotStarted(
    PyosslChan *cPtr,
    int *errnoPtr)
{
    PyosslFailure failure;

    if (cPtr->leaving) {
	*errnoPtr = EAGAIN;
	return -1;
    }
    memset(&failure, 0, sizeof(failure));
    PyosslFailureSet(&failure, ENOTCONN, PYOSSL_SSL, "Error {}",
	    "the connection has no state: call set_connect_state or "
	    "set_accept_state first");
    if (cPtr->chan != NULL) {
	Tcl_SetChannelError(cPtr->chan, PyosslFailureOptions(&failure));
    }
    PyosslFailureClear(&failure);
    *errnoPtr = ENOTCONN;
    return -1;
}

/*
 * After a step: waits if it did not go through, and the channel is blocking.
 * Results: 1 try again, 0 what the step said, or *resultPtr now says.
 */
static int
WaitOrLeave(
    PyosslChan *cPtr,
    PyosslTlsResult *resultPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslTlsResult result = *resultPtr;

    if (result != PYOSSL_TLS_WANT_READ && result != PYOSSL_TLS_WANT_WRITE
	    && result != PYOSSL_TLS_WANT_LOOKUP) {
	return 0;
    }
    if (PyosslChanThreadEnds()) {
	return PyosslChanLastWait(cPtr, result);
    }
    if (!tlsPtr->blocking || result == PYOSSL_TLS_WANT_LOOKUP) {
	return 0;
    }
    if (PyosslTlsWait(tlsPtr, result, -1) > 0) {
	return 1;
    }
    if (errno == EBUSY && tlsPtr->failure.message == NULL) {
	PyosslFailureClear(&tlsPtr->refusal);
	PyosslFailureErrno(&tlsPtr->refusal, EBUSY,
		"the connection is at work: it cannot wait for itself");
	*resultPtr = PYOSSL_TLS_BUSY;
    } else if (tlsPtr->link.typePtr != NULL
	    && tlsPtr->failure.message == NULL) {
	PyosslFailureErrno(&tlsPtr->failure, errno, "waiting failed");
    }
    return 0;
}

/*
 * Tcl 8.6 does not bear it that a channel is closed while it flushes it
 * ("damaged channel list") or reads from it (what it frees it looks at again),
 * and a callback of ours may do just that. So the channel is held meanwhile;
 * one that was closed nevertheless loses its transport at once, and Tcl's part
 * of it when Tcl is out. What is below a stacked channel is held, since TLS
 * may be taken off.
 */
static void
CloseLate(
    void *clientData)
{
    PyosslChan *cPtr = clientData;
    Tcl_Channel chan = cPtr->held;

    cPtr->late = NULL;
    cPtr->held = NULL;
    Tcl_UnregisterChannel(NULL, chan);
}

/* Results: 1 if the channel is held now; 0 also where no script can run. */
static int
Enter(
    PyosslChan *cPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    Tcl_Channel chan;

    if (cPtr->chan == NULL || cPtr->held != NULL
	    || (tlsPtr->link.typePtr == &pyosslSockTransport
	    && !tlsPtr->ctxPtr->scripted)) {
	return 0;
    }
    chan = cPtr->stacked ? Tcl_GetStackedChannel(cPtr->chan) : cPtr->chan;
    Tcl_RegisterChannel(NULL, chan);
    if (!Tcl_IsChannelShared(chan)) {
	/* Nobody has it any more: this is the flush of its close. */
	Tcl_DetachChannel(NULL, chan);
	return 0;
    }
    cPtr->held = chan;
    return 1;
}

/* Whether the channel was closed since Enter. */
static int
ClosedInside(
    const PyosslChan *cPtr,
    int entered)
{
    return entered && !Tcl_IsChannelShared(cPtr->held);
}

static void
Leave(
    PyosslChan *cPtr,
    int entered)
{
    if (ClosedInside(cPtr, entered)) {
	PyosslTlsClose(cPtr->tlsPtr, NULL, 1);
	cPtr->late = Tcl_CreateTimerHandler(0, CloseLate, cPtr);
    } else if (entered) {
	Tcl_DetachChannel(NULL, cPtr->held);
	cPtr->held = NULL;
    }
}

static int
ChanInput(
    void *inst,
    char *buf,
    int toRead,
    int *errnoPtr)
{
    PyosslChan *cPtr = inst;
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslTlsResult result;
    PyosslOp op;
    PyosslSock *awaited;
    int got = 0, room, entered, failed;

    if (cPtr->endTold) {
	return 0;
    }
    if (!tlsPtr->started || cPtr->leaving) {
	return NotStarted(cPtr, errnoPtr);
    }
    if (tlsPtr->busy && !tlsPtr->blocking && tlsPtr->inputHeld) {
	/* A reader has got that first, and Tcl would drop it with an error. */
	tlsPtr->missed = 1;
	*errnoPtr = EAGAIN;
	return -1;
    }
    SendCollected(cPtr);	/* Its failure is the channel's. */
    PyosslChanHold(cPtr);
    entered = Enter(cPtr);
    room = PyosslChanRoom(cPtr, toRead);
    PyosslOpBegin(&op);
    awaited = PyosslChanAwait(cPtr);
    do {
	if (PyosslChanAtEof(tlsPtr)) {
	    result = PYOSSL_TLS_EOF;
	    break;
	}
	result = tlsPtr->established ? PYOSSL_TLS_OK
		: PyosslTlsHandshake(tlsPtr);
	if (result == PYOSSL_TLS_OK) {
	    if (cPtr->finWanted) {
		/* The half close had to wait for the handshake. */
		PyosslChanSendFin(cPtr);
	    }
	    result = PyosslTlsRead(tlsPtr, buf, room, 0, &got);
	}
	if (awaited != NULL && tlsPtr->link.inst == awaited) {
	    PyosslSockAwait(awaited, 0);
	}
    } while (!PyosslOpFailed(&op) && !ClosedInside(cPtr, entered)
	    && WaitOrLeave(cPtr, &result));
    if (result == PYOSSL_TLS_OK) {
	got = PyosslChanReadMore(tlsPtr, &op, buf, got, room);
	PyosslChanWarm(cPtr);
    }
    failed = PyosslTlsEndOp(tlsPtr, &op, 0);
    if (ClosedInside(cPtr, entered)) {
	failed = 1;
	PyosslFailureErrno(&tlsPtr->failure, EBADF,
		"a callback closed the channel");
    }
    /* The connection's own failure comes after the data before it. */
    failed |= got == 0 && tlsPtr->failure.message != NULL;
    if (result == PYOSSL_TLS_FAIL || result == PYOSSL_TLS_BUSY
	    || (failed && result != PYOSSL_TLS_EOF)) {
	got = Fail(cPtr, errnoPtr);
    } else if (result == PYOSSL_TLS_EOF) {
	got = 0;
    } else if (result != PYOSSL_TLS_OK) {
	*errnoPtr = EAGAIN;
	got = -1;
    }
    cPtr->run = got == toRead ? cPtr->run + got : 0;
    Leave(cPtr, entered);
    PyosslChanSettle(cPtr);
    PyosslChanRelease(cPtr);
    return got;
}

/* Encrypts and sends; a blocking channel all of it. */
static int
Output(
    PyosslChan *cPtr,
    const char *buf,
    int toWrite,
    int *errnoPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslTlsResult result = PYOSSL_TLS_OK;
    PyosslOp op;
    int done = 0, now, entered;

    PyosslChanHold(cPtr);
    cPtr->asked = 1;
    entered = Enter(cPtr);
    PyosslOpBegin(&op);
    do {
	result = tlsPtr->established ? PYOSSL_TLS_OK
		: PyosslTlsHandshake(tlsPtr);
	if (result == PYOSSL_TLS_OK && done < toWrite) {
	    now = 0;
	    result = PyosslTlsWrite(tlsPtr, buf + done, toWrite - done, &now);
	    done += now;
	}
	if (result == PYOSSL_TLS_OK && tlsPtr->blocking) {
	    /* A blocking flush is done when the transport has it all. */
	    result = PyosslTlsSent(tlsPtr);
	}
	if (result == PYOSSL_TLS_OK && (done == toWrite
		|| !tlsPtr->blocking)) {
	    break;
	}
    } while (!PyosslOpFailed(&op) && tlsPtr->failure.message == NULL
	    && !ClosedInside(cPtr, entered)
	    && (result == PYOSSL_TLS_OK || WaitOrLeave(cPtr, &result)));
    PyosslTlsEndOp(tlsPtr, &op, 0);
    if (ClosedInside(cPtr, entered)) {
	PyosslFailureErrno(&tlsPtr->failure, EBADF,
		"a callback closed the channel");
    }
    if (tlsPtr->failure.message != NULL || result == PYOSSL_TLS_FAIL
	    || result == PYOSSL_TLS_BUSY) {
	done = Fail(cPtr, errnoPtr);
    } else if (result == PYOSSL_TLS_EOF) {
	PyosslFailureSet(&tlsPtr->failure, EPIPE, PYOSSL_SSL,
		"ZeroReturnError", "the peer has closed the connection");
	done = Fail(cPtr, errnoPtr);
    } else if (done == 0 && toWrite > 0) {
	*errnoPtr = EAGAIN;
	done = -1;
    }
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	PyosslChanUpdate(cPtr);
    }
    PyosslChanSettle(cPtr);
    Leave(cPtr, entered);
    PyosslChanRelease(cPtr);
    return done;
}

/*
 * What was collected (pyosslChanBuffer.c), if anything, goes out.
 * Results: 0, or -1 as ChanOutput.
 */
static int
SendCollected(
    PyosslChan *cPtr)
{
    int length = cPtr->collectedLength, err;

    if (length == 0) {
	return 0;
    }
    cPtr->collectedLength = 0;
    return Output(cPtr, cPtr->collected, length, &err) < 0 ? -1 : 0;
}

/* Whether a piece of [fcopy] may wait for the next one. */
static int
MayCollect(
    const PyosslChan *cPtr,
    int size)
{
    const PyosslTls *tlsPtr = cPtr->tlsPtr;

    return size == PYOSSL_BUFFER_SMALL && tlsPtr->blocking
	    && tlsPtr->established && tlsPtr->failure.message == NULL
	    && tlsPtr->link.writeErrno == 0 && !tlsPtr->busy
	    && !tlsPtr->closed && !cPtr->closing;
}

static int
ChanOutput(
    void *inst,
    const char *buf,
    int toWrite,
    int *errnoPtr)
{
    PyosslChan *cPtr = inst;

    if (!cPtr->tlsPtr->started) {
	return NotStarted(cPtr, errnoPtr);
    }
    cPtr->bulk |= toWrite >= PYOSSL_BUFFER_SMALL;
    if (MayCollect(cPtr, toWrite)
	    && PyosslChanCollect(cPtr, buf, toWrite, SendCollected)) {
	return toWrite;
    }
    if (cPtr->collectedLength > 0) {
	if (SendCollected(cPtr) < 0) {
	    return Fail(cPtr, errnoPtr);
	}
	if (MayCollect(cPtr, toWrite)
		&& PyosslChanCollect(cPtr, buf, toWrite, SendCollected)) {
	    return toWrite;
	}
    }
    return Output(cPtr, buf, toWrite, errnoPtr);
}

static void
ChanWatch(
    void *inst,
    int mask)
{
    PyosslChan *cPtr = inst;

    cPtr->interest = mask;
    if (cPtr->chan != NULL && Tcl_InputBuffered(cPtr->chan) > 0) {
	cPtr->tclTimer = 1;
    }
    if (!(mask & TCL_READABLE)) {
	PyosslChanLookAlone(cPtr);
    }
    PyosslChanUpdate(cPtr);
}

/* The stacked channel's share of an event of the channel below. */
static int
ChanHandler(
    void *inst,
    int mask)
{
    PyosslChan *cPtr = inst;
    int up;

    PyosslChanHold(cPtr);
    up = PyosslChanReady(cPtr, mask);
    PyosslChanUpdate(cPtr);
    if (cPtr->chan == NULL) {
	/* A callback has popped it: Tcl must not go on with what is freed. */
	up = 0;
    }
    PyosslChanRelease(cPtr);
    return up;
}

static int
ChanBlockMode(
    void *inst,
    int mode)
{
    PyosslChan *cPtr = inst;
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;

    tlsPtr->blocking = mode == TCL_MODE_BLOCKING;
    if (linkPtr->inst != NULL) {
	linkPtr->typePtr->blockProc(linkPtr->inst, tlsPtr->blocking);
    }
    PyosslChanBuffers(cPtr, tlsPtr->blocking ? PYOSSL_BUFFER_BIG
	    : PYOSSL_BUFFER_SMALL);
    return 0;
}

static int
ChanGetHandle(
    void *inst,
    int direction,
    ClientData *handlePtr)
{
    PyosslLink *linkPtr = &((PyosslChan *) inst)->tlsPtr->link;

    return linkPtr->inst == NULL ? TCL_ERROR
	    : linkPtr->typePtr->handleProc(linkPtr->inst, direction,
	    handlePtr);
}

/* -error is the failure's message; the rest is the transport's. */
static int
ChanGetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    Tcl_DString *dsPtr)
{
    PyosslTls *tlsPtr = ((PyosslChan *) inst)->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;

    if (option != NULL && strcmp(option, "-error") == 0) {
	int err;

	if (linkPtr->typePtr == &pyosslSockTransport && linkPtr->inst != NULL
		&& PyosslSockRefused(linkPtr->inst, &err)) {
	    /* As a socket of Tcl's, also where no event tells of it. */
	    if (tlsPtr->started && tlsPtr->failure.message == NULL) {
		PyosslFailureErrno(&tlsPtr->failure, err,
			"couldn't open socket");
		PyosslChanUpdate(inst);
	    }
	    Tcl_DStringAppend(dsPtr, Tcl_ErrnoMsg(err), -1);
	} else if (tlsPtr->failure.message != NULL) {
	    Tcl_DStringAppend(dsPtr, tlsPtr->failure.message, -1);
	}
	return TCL_OK;
    }
    if (linkPtr->inst == NULL) {
	return option == NULL ? TCL_OK
		: Tcl_BadChannelOption(interp, option, "error");
    }
    return linkPtr->typePtr->getOptionProc(linkPtr->inst, interp, option,
	    dsPtr);
}

static int
ChanSetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    const char *value)
{
    PyosslLink *linkPtr = &((PyosslChan *) inst)->tlsPtr->link;

    if (strcmp(option, "-closetimeout") == 0
	    && linkPtr->typePtr == &pyosslSockTransport) {
	int ms;

	if (Tcl_GetInt(interp, value, &ms) != TCL_OK) {
	    return TCL_ERROR;
	}
	if (ms < 0) {
	    return interp == NULL ? TCL_ERROR : PyosslFail(interp, PYOSSL_SSL,
		    "ValueError", "-closetimeout is out of range: %d", ms);
	}
	if (linkPtr->inst != NULL) {
	    PyosslSockLinger(linkPtr->inst, ms);
	}
	return TCL_OK;
    }
    if (linkPtr->inst == NULL) {
	return Tcl_BadChannelOption(interp, option, "");
    }
    return linkPtr->typePtr->setOptionProc(linkPtr->inst, interp, option,
	    value);
}

/* The channel's end, by whatever way. interp may be NULL. */
static int
ChanClose(
    void *inst,
    Tcl_Interp *interp)
{
    PyosslChan *cPtr = inst;
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    Tcl_Channel chan = cPtr->chan;
    Tcl_DString unread;
    PyosslOp op;
    int popped = 0;

    if (cPtr->late != NULL) {
	/* The thread ends before the timer's turn. */
	Tcl_DeleteTimerHandler(cPtr->late);
	cPtr->late = NULL;
	cPtr->held = NULL;
    }
    PyosslChanNoTimers(cPtr);
    PyosslChanThreadLeave(cPtr);
    PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
    if (!cPtr->told && chan != NULL) {
	/*
	 * A close in the background, an exit, or the end of a stacked channel
	 * alone: Tcl did not call the handler, and must not later.
	 */
	PyosslChanUntold(cPtr);
	if (PyosslChanIsClosed(chan)) {
	    /* Nor does it stop an fcopy, which would go on with freed memory. */
	    Tcl_ClearChannelHandlers(chan);
	} else {
	    popped = cPtr->stacked;
	}
    }
    cPtr->chan = NULL;
    tlsPtr->heldChan = NULL;
    tlsPtr->chanPtr = NULL;
    tlsPtr->ending = 1;
    SendCollected(cPtr);
    PyosslChanDropCollected(cPtr);
    Tcl_DStringInit(&unread);
    if (popped) {
	PyosslChanTransportTake(tlsPtr->link.inst, &unread);
    }
    PyosslOpBegin(&op);
    PyosslTlsClose(tlsPtr, interp, 1);
    PyosslOpEndFailure(&op, &tlsPtr->failure, 0);
    if (tlsPtr->autoConn && tlsPtr->connPtr != NULL) {
	PyosslObjectDelete(tlsPtr->connPtr);
    }
    if (popped) {
	PyosslChanPopped(cPtr, interp, chan, &unread);
    }
    Tcl_DStringFree(&unread);
    PyosslChanRelease(cPtr);
    return 0;
}

static int
ChanClose2(
    void *inst,
    Tcl_Interp *interp,
    int flags)
{
    PyosslChan *cPtr = inst;
    PyosslOp op;

    if ((flags & (TCL_CLOSE_READ | TCL_CLOSE_WRITE)) == 0) {
	return ChanClose(inst, interp);
    }
    if (flags & TCL_CLOSE_WRITE) {
	SendCollected(cPtr);
	cPtr->finWanted = 1;
	PyosslOpBegin(&op);
	PyosslChanSendFin(cPtr);
	PyosslOpEndFailure(&op, &cPtr->tlsPtr->failure, 0);
	PyosslChanUpdate(cPtr);
    }
    return 0;
}

/*
 * The channel goes to another thread, or comes from one. Tcl says the same
 * when a channel is closed: cPtr->closing tells the two apart.
 */
static void
ChanThreadAction(
    void *inst,
    int action)
{
    PyosslChan *cPtr = inst;
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;
    PyosslCtx *ctxPtr;

    if (cPtr->closing || cPtr->chan == NULL || PyosslChanIsClosed(cPtr->chan)) {
	return;
    }
    if (action != TCL_CHANNEL_THREAD_REMOVE) {
	/* A handshake goes on here, though nobody may wait for it yet. */
	PyosslChanThread(cPtr);
	PyosslChanUpdate(cPtr);
	PyosslChanDeadline(tlsPtr);
	return;
    }
    SendCollected(cPtr);
    PyosslChanDropCollected(cPtr);
    PyosslChanThreadLeave(cPtr);
    PyosslChanNoTimers(cPtr);
    PyosslLinkWatch(linkPtr, 0, NULL, NULL);
    if (linkPtr->inst != NULL) {
	linkPtr->typePtr->threadProc(linkPtr->inst, action);
    }
    /* What belongs to this thread's interpreters stays here. */
    tlsPtr->autoConn = 1;
    if (tlsPtr->connPtr != NULL) {
	PyosslObjectDelete(tlsPtr->connPtr);
    }
    if (tlsPtr->appDataObj != NULL) {
	Tcl_DecrRefCount(tlsPtr->appDataObj);
	tlsPtr->appDataObj = NULL;
    }
    ctxPtr = tlsPtr->ctxPtr;
    tlsPtr->ctxPtr = PyosslCtxDetach(ctxPtr);
    PyosslCtxRelease(ctxPtr);
}

/* Of a channel type with this name Tcl knows that "auto" means "crlf". */
const Tcl_ChannelType pyosslChanType = {
    "tcp",
    TCL_CHANNEL_VERSION_5,
#if TCL_MAJOR_VERSION >= 9
    NULL,
#else
    ChanClose,
#endif
    ChanInput,
    ChanOutput,
    NULL,			/* seek */
    ChanSetOption,
    ChanGetOption,
    ChanWatch,
    ChanGetHandle,
    ChanClose2,
    ChanBlockMode,
    NULL,			/* flush: Tcl's own has nothing behind it. */
    ChanHandler,
    NULL,			/* wide seek */
    ChanThreadAction,
    NULL			/* truncate */
};

/*
 * PyosslChanFlush --
 *	Has what Tcl holds of the output sent, before a close_notify that does
 *	not come by way of the channel.
 * Results:
 *	0 where it has not gone all yet; Tcl goes on with it. A failure is the
 *	connection's.
 */
int
PyosslChanFlush(
    PyosslTls *tlsPtr)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;
    int done = 1;

    if (cPtr != NULL && cPtr->chan != NULL && !tlsPtr->busy
	    && tlsPtr->failure.message == NULL) {
	PyosslChanHold(cPtr);
	if (Tcl_Flush(cPtr->chan) == TCL_OK && cPtr->chan != NULL) {
	    SendCollected(cPtr);
	    done = Tcl_OutputBuffered(cPtr->chan) == 0;
	}
	PyosslChanRelease(cPtr);
    }
    return done;
}

/*
 * PyosslChanTellEnd --
 *	A script has been told that the handshake failed. Scripts for the tls
 *	package ask [eof] next, and would be called for ever where that is
 *	false: it is true for once. The next read still has the failure.
 */
void
PyosslChanTellEnd(
    PyosslTls *tlsPtr)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;
    Tcl_Obj *noneObj;

    if (cPtr == NULL || cPtr->chan == NULL || cPtr->closing
	    || cPtr->held != NULL || tlsPtr->blocking || tlsPtr->busy
	    || tlsPtr->established || tlsPtr->failure.message == NULL
	    || Tcl_InputBuffered(cPtr->chan) > 0 || IsCopied(cPtr->chan)) {
	return;
    }
    noneObj = Tcl_NewObj();
    Tcl_IncrRefCount(noneObj);
    PyosslChanHold(cPtr);
    cPtr->endTold = 1;
    Tcl_ReadChars(cPtr->chan, noneObj, 1, 0);
    cPtr->endTold = 0;
    PyosslChanRelease(cPtr);
    Tcl_DecrRefCount(noneObj);
}

/*
 * ---------------------------------------------------------------------
 * As the transport of another connection
 * ---------------------------------------------------------------------
 */

static int
InnerWait(
    void *inst,
    int mask,
    int ms)
{
    PyosslTls *tlsPtr = ((PyosslChan *) inst)->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;
    int ready;

    if (tlsPtr->busy) {
	/* One of its own callbacks asks. */
	errno = EBUSY;
	return -1;
    }
    SendCollected(inst);
    if (tlsPtr->failure.message != NULL || tlsPtr->closed
	    || ((mask & TCL_READABLE) && (PyosslChanAtEof(tlsPtr)
	    || tlsPtr->maybeMore || PyosslLinkPending(linkPtr)))
	    || ((mask & TCL_WRITABLE) && tlsPtr->established
	    && (PyosslLinkQueued(linkPtr) == 0))) {
	return mask;
    }
    if (linkPtr->typePtr == NULL) {
	return -2;
    }
    ready = PyosslTlsWait(tlsPtr, (mask & TCL_READABLE)
	    || !tlsPtr->established ? PYOSSL_TLS_WANT_READ
	    : PYOSSL_TLS_WANT_WRITE, ms);
    return ready > 0 ? mask : ready;
}

static int
InnerMode(
    void *inst,
    int blocking)
{
    PyosslTls *tlsPtr = ((PyosslChan *) inst)->tlsPtr;
    int old = tlsPtr->blocking;

    tlsPtr->blocking = blocking;
    return old;
}

const PyosslInnerChan pyosslInnerChan = {
    &pyosslChanType, InnerWait, InnerMode
};
