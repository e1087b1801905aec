/*
 * pyosslChanEvent.c --
 *
 *	The events of a plaintext channel: what to wait for, and what to do
 *	and to tell when it comes. Knows nothing of reading and writing through
 *	Tcl's buffers.
 *
 *	    Tcl's interest --> Update --> PyosslLinkWatch; PyosslLinkSoon or a
 *	                         ^        timer where it is ready without an event
 *	                         |              |
 *	    Tcl's handlers <-- Notify <-- Ready <- transport event or timer
 *
 *	Interest is exact: an idle channel waits for input only, and only if
 *	somebody reads; a handshake waits for what it needs. A reader is told
 *	of data only when there is data (one byte is looked at), so a blocking
 *	channel with a fileevent never blocks in it.
 */

#include "pyosslChan.h"

#define ALONE_MS	500	/* Between two looks whether anybody has it. */

/*
 * Whether a reader has come to the peer's close_notify. OpenSSL marks the
 * input as ended for a fatal alert too, and that is a failure.
 */
int
PyosslChanAtEof(
    const PyosslTls *tlsPtr)
{
    return tlsPtr->stashLength == 0 && tlsPtr->alertIn < 0
	    && (SSL_get_shutdown(tlsPtr->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/*
 * PyosslChanSendFin --
 *	Sends close_notify for a half close, and then the transport's end, as
 *	far as that goes without waiting.
 */
void
PyosslChanSendFin(
    PyosslChan *cPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;

    PyosslTlsCloseNotify(tlsPtr);
    if ((SSL_get_shutdown(tlsPtr->ssl) & SSL_SENT_SHUTDOWN)
	    && PyosslLinkFlush(linkPtr) != 0) {
	cPtr->finWanted = 0;
	if (linkPtr->inst != NULL && !tlsPtr->sentFin) {
	    tlsPtr->sentFin = 1;
	    linkPtr->typePtr->shutdownProc(linkPtr->inst, 1);
	}
    }
}

/*
 * ---------------------------------------------------------------------
 * What an event makes possible
 * ---------------------------------------------------------------------
 */

static void
CancelDeadline(
    PyosslChan *cPtr)
{
    if (cPtr->deadline != NULL) {
	Tcl_DeleteTimerHandler(cPtr->deadline);
	cPtr->deadline = NULL;
    }
}

/* Nobody called: what a step refused is what the channel fails with. */
static void
Keep(
    PyosslTls *tlsPtr,
    PyosslTlsResult result)
{
    if (result == PYOSSL_TLS_FAIL) {
	PyosslFailureCopy(&tlsPtr->failure, &tlsPtr->refusal);
    }
}

/*
 * Whether a new handshake must be done before anything is written. It never
 * is where the peer has ended its side: a writer is to be told of that.
 */
static int
MustWaitToWrite(
    const PyosslTls *tlsPtr)
{
    return PyosslTlsInHandshake(tlsPtr) && !PyosslChanAtEof(tlsPtr);
}

/*
 * An established connection: a reader is told of data, a writer of room.
 */
static int
ReadyEstablished(
    PyosslChan *cPtr,
    int mask)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslTlsResult result;
    char byte;
    int up = 0, got;

    if (PyosslTlsAwaitsHandshake(tlsPtr)) {
	Keep(tlsPtr, PyosslTlsRenegotiate(tlsPtr));
    }
    if (cPtr->finWanted) {
	PyosslChanSendFin(cPtr);
    }
    if (PyosslChanAtEof(tlsPtr)) {
	up |= TCL_READABLE;
    } else if ((cPtr->interest & TCL_READABLE)
	    && ((mask & TCL_READABLE) || tlsPtr->maybeMore)) {
	result = PyosslTlsRead(tlsPtr, &byte, 1, 1, &got);
	if (result == PYOSSL_TLS_OK || result == PYOSSL_TLS_EOF) {
	    up |= TCL_READABLE;
	}
	Keep(tlsPtr, result);
    }
    if (tlsPtr->link.writeErrno != 0 || ((mask & TCL_WRITABLE)
	    && PyosslLinkQueued(&tlsPtr->link) == 0
	    && !MustWaitToWrite(tlsPtr))) {
	up |= TCL_WRITABLE;
    }
    return up;
}

/*
 * PyosslChanReady --
 *	Goes on with what an event makes possible.
 * Arguments:
 *	mask	What the transport is ready for.
 * Results:
 *	What Tcl is to be told: a subset of its interest.
 */
int
PyosslChanReady(
    PyosslChan *cPtr,
    int mask)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslTlsResult result;
    PyosslOp op;
    int up = 0;

    if (cPtr->quiet) {
	return 0;
    }
    if (tlsPtr->busy || tlsPtr->waiting) {
	/* The event loop of a callback of ours, or of a blocking call. */
	tlsPtr->missed = 1;
	return 0;
    }
    if (tlsPtr->failure.message != NULL) {
	return cPtr->interest;
    }
    PyosslOpBegin(&op);
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	PyosslLinkFlush(&tlsPtr->link);
    }
    if (!tlsPtr->established && tlsPtr->started) {
	result = PyosslTlsHandshake(tlsPtr);
	Keep(tlsPtr, result);
	if (result == PYOSSL_TLS_OK) {
	    CancelDeadline(cPtr);
	    up |= TCL_WRITABLE;
	    if (!tlsPtr->blocking && !(cPtr->interest & TCL_WRITABLE)) {
		/*
		 * Scripts for the tls package wait for readable to call its
		 * handshake again, and go on from there.
		 */
		up |= TCL_READABLE;
	    }
	}
    }
    if (tlsPtr->established && tlsPtr->failure.message == NULL
	    && !PyosslOpFailed(&op)) {
	up |= ReadyEstablished(cPtr, mask);
    }
    PyosslTlsEndOp(tlsPtr, &op, 1);
    if (tlsPtr->failure.message != NULL) {
	up = TCL_READABLE | TCL_WRITABLE;
    }
    return up & cPtr->interest;
}

/* An event of the transport, or the timer's turn, for a channel on top. */
static void
Notify(
    PyosslChan *cPtr,
    int mask)
{
    int up;

    PyosslChanHold(cPtr);
    up = PyosslChanReady(cPtr, mask);
    if (up != 0 && cPtr->chan != NULL) {
	if (cPtr->bulk
		|| SSL_pending(cPtr->tlsPtr->ssl) > PYOSSL_BUFFER_SMALL) {
	    PyosslChanBuffers(cPtr, PYOSSL_BUFFER_BIG);
	}
	/* Tcl asks for our interest anew afterwards. */
	Tcl_NotifyChannel(cPtr->chan, up);
    }
    PyosslChanUpdate(cPtr);
    PyosslChanIdle(cPtr);
    PyosslChanRelease(cPtr);
}

static void
TransportReady(
    void *clientData,
    int mask)
{
    PyosslChan *cPtr = clientData;

    if (cPtr->chan != NULL) {
	Notify(cPtr, mask);
    }
}

static void
TimerReady(
    void *clientData)
{
    PyosslChan *cPtr = clientData;
    PyosslLink *linkPtr = &cPtr->tlsPtr->link;

    cPtr->timer = NULL;
    Notify(cPtr, linkPtr->typePtr == NULL ? TCL_READABLE | TCL_WRITABLE
	    : PyosslLinkPending(linkPtr) ? TCL_READABLE : 0);
}

/*
 * ---------------------------------------------------------------------
 * The handshake's bound
 * ---------------------------------------------------------------------
 */

static void
DeadlineReached(
    void *clientData)
{
    PyosslChan *cPtr = clientData;

    cPtr->deadline = NULL;
    if (!PyosslTlsIsLate(cPtr->tlsPtr)) {
	/* The system's clock was put forward: not yet. */
	PyosslChanDeadline(cPtr->tlsPtr);
    } else if (cPtr->tlsPtr->failure.message == NULL) {
	PyosslTlsTimedOut(cPtr->tlsPtr);
	Notify(cPtr, 0);
    }
}

/*
 * PyosslChanDeadline --
 *	Starts the clock for tlsPtr->deadline, set before.
 */
void
PyosslChanDeadline(
    PyosslTls *tlsPtr)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;
    Tcl_WideInt left = tlsPtr->deadline - PyosslSysNow();

    if (cPtr != NULL && tlsPtr->deadline > 0 && !tlsPtr->established
	    && !tlsPtr->held) {
	CancelDeadline(cPtr);
	cPtr->deadline = Tcl_CreateTimerHandler(left > 0 ? (int) left + 1 : 0,
		DeadlineReached, cPtr);
    }
}

/*
 * ---------------------------------------------------------------------
 * What to wait for
 * ---------------------------------------------------------------------
 */

static void
CancelTimer(
    PyosslChan *cPtr)
{
    if (cPtr->timer != NULL) {
	Tcl_DeleteTimerHandler(cPtr->timer);
	cPtr->timer = NULL;
    }
}

/*
 * ---------------------------------------------------------------------
 * A channel that nobody has any more. When the last interpreter that has it
 * is deleted while it sends in the background, Tcl 8.6 forgets to close it:
 * not even the end of that output does.
 * ---------------------------------------------------------------------
 */

/* Whether it is in no interpreter now, but was. */
static int
IsAlone(
    PyosslChan *cPtr)
{
    int alone;

    Tcl_RegisterChannel(NULL, cPtr->chan);
    alone = !Tcl_IsChannelShared(cPtr->chan);
    Tcl_DetachChannel(NULL, cPtr->chan);
    cPtr->had |= !alone;
    return alone && cPtr->had;
}

static void
LookAgain(
    void *clientData)
{
    PyosslChan *cPtr = clientData;
    Tcl_Channel chan = cPtr->chan;

    cPtr->aloneTimer = NULL;
    if (chan == NULL || cPtr->closing) {
	return;
    }
    if (!IsAlone(cPtr)) {
	PyosslChanLookAlone(cPtr);
	return;
    }
    cPtr->abandoned = 1;
    PyosslChanHold(cPtr);
    Tcl_RegisterChannel(NULL, chan);
    Tcl_UnregisterChannel(NULL, chan);
    if (cPtr->chan != NULL) {
	/* The transport may have gone with the interpreter: it is tried. */
	Tcl_NotifyChannel(chan, TCL_WRITABLE);
    }
    PyosslChanRelease(cPtr);
}

/*
 * PyosslChanLookAlone --
 *	Nobody reads from the channel just now: closes it soon, if nobody has
 *	it. While output is under way that may come yet, and is looked for now
 *	and then.
 */
void
PyosslChanLookAlone(
    PyosslChan *cPtr)
{
    if (cPtr->chan == NULL || cPtr->closing || cPtr->abandoned
	    || cPtr->aloneTimer != NULL) {
	return;
    }
    if (IsAlone(cPtr)) {
	cPtr->aloneTimer = Tcl_CreateTimerHandler(0, LookAgain, cPtr);
    } else if (cPtr->interest & TCL_WRITABLE) {
	cPtr->aloneTimer = Tcl_CreateTimerHandler(ALONE_MS, LookAgain, cPtr);
    }
}

/* PyosslChanNoTimers -- the channel ends, or leaves the thread. */
void
PyosslChanNoTimers(
    PyosslChan *cPtr)
{
    CancelTimer(cPtr);
    CancelDeadline(cPtr);
    if (cPtr->aloneTimer != NULL) {
	Tcl_DeleteTimerHandler(cPtr->aloneTimer);
	cPtr->aloneTimer = NULL;
    }
}

static void
SetFlag(
    void *clientData)
{
    *(int *) clientData = 1;
}

static void
LetGo(
    void *clientData)
{
    Tcl_UnregisterChannel(NULL, (Tcl_Channel) clientData);
}

/*
 * PyosslChanTclTimer --
 *	Where a reader was to be told of buffered input, Tcl has a timer that
 *	keeps the address of the channel on top, and Tcl_UnstackChannel frees
 *	that channel without regard to it. So the timers that are due run
 *	before, and what belongs to scripts with them: they may do to the
 *	channel what they like, but it stays.
 * Arguments:
 *	interp	Its result is kept. May be NULL.
 *	chan	The channel, whose end is under way. (Not its bottom: Tcl lets go
 *		of a standard channel only by what is on it.)
 */
void
PyosslChanTclTimer(
    PyosslChan *cPtr,
    Tcl_Interp *interp,
    Tcl_Channel chan)
{
    Tcl_InterpState saved = NULL;
    Tcl_Channel bottom;
    Tcl_TimerToken token;
    int done = 0, tries = 0, owned;

    if (!cPtr->tclTimer) {
	return;
    }
    cPtr->tclTimer = 0;
    bottom = PyosslSockBottom(chan);
    Tcl_RegisterChannel(NULL, bottom);
    owned = Tcl_IsChannelShared(bottom);
    if (interp != NULL) {
	Tcl_Preserve(interp);
	saved = Tcl_SaveInterpState(interp, TCL_OK);
    }
    token = Tcl_CreateTimerHandler(0, SetFlag, &done);
    while (!done && tries++ < 1000
	    && Tcl_DoOneEvent(TCL_TIMER_EVENTS | TCL_DONT_WAIT)) {
	/* Ours is the last one. */
    }
    if (!done) {
	Tcl_DeleteTimerHandler(token);
    }
    if (interp != NULL) {
	Tcl_RestoreInterpState(interp, saved);
	Tcl_Release(interp);
    }
    if (owned && !Tcl_IsChannelShared(bottom)) {
	/* They have closed it, and our caller still needs it. */
	Tcl_CreateTimerHandler(0, LetGo, bottom);
    } else {
	Tcl_DetachChannel(NULL, chan);
    }
}

/*
 * PyosslChanPopped --
 *	TLS alone has ended, by chan pop. What was in Tcl's buffers of the
 *	channel below when it began, and TLS has not read, goes back to it; Tcl
 *	would not free it where nobody reads it before the close.
 */
void
PyosslChanPopped(
    PyosslChan *cPtr,
    Tcl_Interp *interp,
    Tcl_Channel chan,
    const Tcl_DString *dataPtr)
{
    Tcl_Channel below = Tcl_GetStackedChannel(chan);
    Tcl_Channel bottom = PyosslSockBottom(below);

    PyosslChanTclTimer(cPtr, interp, chan);
    /* Not before: with input there that timer would go on. */
    if (Tcl_DStringLength(dataPtr) > 0 && Tcl_GetTopChannel(bottom) == below) {
	Tcl_Ungets(below, Tcl_DStringValue(dataPtr),
		Tcl_DStringLength(dataPtr), 0);
    }
}

/* PyosslChanWake -- what was held goes its own way from now on. */
void
PyosslChanWake(
    PyosslTls *tlsPtr)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;

    tlsPtr->held = 0;
    if (cPtr != NULL && cPtr->quiet) {
	cPtr->quiet = 0;
	PyosslChanUpdate(cPtr);
    }
}

/* PyosslChanQuiet -- no events from now on. */
void
PyosslChanQuiet(
    PyosslChan *cPtr)
{
    cPtr->quiet = 1;
    PyosslChanNoTimers(cPtr);
}

/*
 * Of an established connection: the events to wait for.
 * Arguments:
 *	nowPtr	Set where something can be told or done without an event.
 */
static int
WantedEstablished(
    PyosslChan *cPtr,
    int *nowPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;
    int mask = 0, memory = linkPtr->typePtr == NULL;

    if (PyosslTlsAwaitsHandshake(tlsPtr)
	    && !(SSL_get_shutdown(tlsPtr->ssl) & SSL_RECEIVED_SHUTDOWN)
	    && tlsPtr->stashLength < PYOSSL_STASH_LIMIT) {
	/* Goes on though nobody reads. */
	mask |= TCL_READABLE;
	*nowPtr |= (tlsPtr->renegotiating && !SSL_has_pending(tlsPtr->ssl))
		|| PyosslLinkPending(linkPtr);
    }
    if ((cPtr->interest & TCL_WRITABLE) && !MustWaitToWrite(tlsPtr)) {
	mask |= TCL_WRITABLE;
	*nowPtr |= memory;
    }
    if (linkPtr->writeErrno != 0 && (cPtr->interest & TCL_WRITABLE)) {
	*nowPtr = 1;
    }
    if (cPtr->finWanted && !PyosslTlsInHandshake(tlsPtr)
	    && !(SSL_get_shutdown(tlsPtr->ssl) & SSL_SENT_SHUTDOWN)) {
	/* The half close had to wait for the handshake. */
	*nowPtr = 1;
    }
    if (cPtr->interest & TCL_READABLE) {
	if (PyosslChanAtEof(tlsPtr) || tlsPtr->maybeMore
		|| PyosslLinkPending(linkPtr) || (memory && linkPtr->eof)) {
	    *nowPtr = 1;
	} else {
	    mask |= TCL_READABLE;
	}
    }
    return mask;
}

/*
 * PyosslChanUpdate --
 *	Works out what to wait for: events of the transport, or none because
 *	something can be told at once.
 */
void
PyosslChanUpdate(
    PyosslChan *cPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;
    int mask = 0, now = 0;

    if (cPtr->chan == NULL || cPtr->quiet) {
	CancelTimer(cPtr);
	return;
    }
    if (tlsPtr->busy || tlsPtr->waiting) {
	/* Who is at work comes here again; events would only spin. */
	tlsPtr->missed = 1;
    } else if (tlsPtr->failure.message != NULL) {
	now = cPtr->interest;
    } else if (tlsPtr->established) {
	mask = WantedEstablished(cPtr, &now);
    } else if (tlsPtr->started) {
	mask = TCL_READABLE;
	/* The client's first step waits for nobody. */
	now = (SSL_in_before(tlsPtr->ssl) && !SSL_is_server(tlsPtr->ssl))
		|| PyosslLinkPending(linkPtr)
		|| (linkPtr->typePtr == NULL && linkPtr->eof);
    }
    if (PyosslLinkQueued(linkPtr) > 0 && linkPtr->typePtr != NULL
	    && !tlsPtr->busy && !tlsPtr->waiting) {
	mask |= TCL_WRITABLE;
	if (linkPtr->throttled) {
	    mask &= ~TCL_READABLE;
	}
    }
    PyosslLinkWatch(linkPtr, mask, TransportReady, cPtr);
    if (now && cPtr->timer == NULL && !PyosslLinkSoon(linkPtr)) {
	cPtr->timer = Tcl_CreateTimerHandler(0, TimerReady, cPtr);
    } else if (!now) {
	CancelTimer(cPtr);
    }
}

/* PyosslChanSettle -- after work on it: what events were put off meanwhile. */
void
PyosslChanSettle(
    PyosslChan *cPtr)
{
    if (cPtr->tlsPtr->missed && !cPtr->tlsPtr->busy
	    && !cPtr->tlsPtr->waiting) {
	cPtr->tlsPtr->missed = 0;
	PyosslChanUpdate(cPtr);
    }
}

/*
 * PyosslChanSetBlocking --
 *	[$conn setblocking] and [fconfigure -blocking] are one state.
 */
int
PyosslChanSetBlocking(
    PyosslTls *tlsPtr,
    int blocking)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;
    Tcl_Channel chan = cPtr != NULL ? cPtr->chan : NULL;

    if (chan != NULL) {
	return Tcl_SetChannelOption(NULL, chan, "-blocking",
		blocking ? "1" : "0");
    }
    tlsPtr->blocking = blocking;
    if (tlsPtr->link.inst != NULL) {
	tlsPtr->link.typePtr->blockProc(tlsPtr->link.inst, blocking);
    }
    return TCL_OK;
}

/* PyosslChanKick -- after the connection was worked on past the channel. */
void
PyosslChanKick(
    PyosslTls *tlsPtr)
{
    if (tlsPtr->chanPtr != NULL) {
	PyosslChanUpdate(tlsPtr->chanPtr);
    }
}

/*
 * PyosslChanAbandon --
 *	The command is gone. A channel over memory that was closed, and that
 *	Tcl still has to flush, would wait for ever for somebody to carry its
 *	bytes: that flush fails now.
 */
void
PyosslChanAbandon(
    PyosslTls *tlsPtr)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;

    if (cPtr != NULL && cPtr->closing && tlsPtr->link.typePtr == NULL
	    && tlsPtr->failure.message == NULL) {
	PyosslFailureErrno(&tlsPtr->failure, EPIPE,
		"the connection was destroyed");
	if (cPtr->chan != NULL && cPtr->held == NULL && !tlsPtr->busy
		&& !tlsPtr->waiting) {
	    /* No script listens to a closed channel. */
	    PyosslChanHold(cPtr);
	    Tcl_NotifyChannel(cPtr->chan, TCL_WRITABLE);
	    PyosslChanRelease(cPtr);
	} else {
	    PyosslChanUpdate(cPtr);
	}
    }
}

/*
 * PyosslChanAwait --
 *	A blocking reader that has just asked something: the answer is hardly
 *	there yet, and to find that out takes a system call more than to wait
 *	at once.
 * Results:
 *	The socket that was told to wait, or NULL.
 */
PyosslSock *
PyosslChanAwait(
    PyosslChan *cPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslSock *sockPtr = NULL;

    if (cPtr->asked && tlsPtr->blocking && tlsPtr->established
	    && tlsPtr->link.typePtr == &pyosslSockTransport
	    && tlsPtr->link.inst != NULL
	    && PyosslLinkQueued(&tlsPtr->link) == 0
	    && tlsPtr->failure.message == NULL && !tlsPtr->closed
	    && !tlsPtr->busy && tlsPtr->stashLength == 0
	    && !SSL_has_pending(tlsPtr->ssl) && !PyosslChanAtEof(tlsPtr)
	    && !PyosslTlsAwaitsHandshake(tlsPtr) && !PyosslSockServe()) {
	sockPtr = tlsPtr->link.inst;
	PyosslSockAwait(sockPtr, 1);
    }
    cPtr->asked = 0;
    return sockPtr;
}
