/*
 * pyosslChanStack.c --
 *
 *	Starting TLS on an open channel and ending it again: our driver on
 *	top of another, and the orderly way back to plain bytes.
 */

#include "pyosslChan.h"

#define EVENTS_MAX	100	/* Served between two looks at the peer. */
#define LATE_MAX (8 * 1024 * 1024) /* Read though the time is over: more than a
				 * system has for a socket. */

/* A channel handler that is never left in place. */
static void
Nothing(
    void *clientData,
    int mask)
{
    (void) clientData; (void) mask;
}

/*
 * Takes what Tcl has in its buffers and nobody has read, as it came. (The
 * translation "binary" would change the encoding too.)
 */
static void
TakeBuffered(
    Tcl_Channel chan,
    Tcl_DString *dataPtr)
{
    Tcl_DString translation, eofchar;
    Tcl_Size length = Tcl_InputBuffered(chan), old, got;

    if (length <= 0) {
	return;
    }
    Tcl_DStringInit(&translation);
    Tcl_DStringInit(&eofchar);
    Tcl_GetChannelOption(NULL, chan, "-translation", &translation);
    Tcl_GetChannelOption(NULL, chan, "-eofchar", &eofchar);
    Tcl_SetChannelOption(NULL, chan, "-translation", "lf");
    Tcl_SetChannelOption(NULL, chan, "-eofchar", "");
    old = Tcl_DStringLength(dataPtr);
    Tcl_DStringSetLength(dataPtr, old + length);
    got = Tcl_Read(chan, Tcl_DStringValue(dataPtr) + old, length);
    Tcl_DStringSetLength(dataPtr, got > 0 ? old + got : old);
    Tcl_SetChannelOption(NULL, chan, "-eofchar", Tcl_DStringValue(&eofchar));
    Tcl_SetChannelOption(NULL, chan, "-translation",
	    Tcl_DStringValue(&translation));
    Tcl_DStringFree(&translation);
    Tcl_DStringFree(&eofchar);
}

/*
 * A buffer that is empty, left by a read that found nothing, would be pushed
 * back below, where Tcl 8.6 never frees it. It frees it when the size changes,
 * if there is no other one.
 */
static void
DropEmptyBuffer(
    Tcl_Channel chan)
{
    Tcl_DString data;
    Tcl_Size size = Tcl_GetChannelBufferSize(chan);

    Tcl_DStringInit(&data);
    TakeBuffered(chan, &data);
    Tcl_SetChannelBufferSize(chan, size > 1 ? size - 1 : size + 1);
    Tcl_SetChannelBufferSize(chan, size);
    if (Tcl_DStringLength(&data) > 0) {
	Tcl_Ungets(chan, Tcl_DStringValue(&data), Tcl_DStringLength(&data),
		0);
    }
    Tcl_DStringFree(&data);
}

/*
 * Whether something far below can seek. Tcl flushes the whole stack into such
 * a channel when what is above it reads, and that would be plaintext past us.
 * We ask what is next to us without that (pyosslBioChan.c).
 */
static int
SeeksBelow(
    Tcl_Channel chan)
{
    Tcl_Channel next;

    for (; (next = Tcl_GetStackedChannel(chan)) != NULL; chan = next) {
	if (Tcl_GetChannelType(chan) != &pyosslChanType
		&& Tcl_ChannelWideSeekProc(Tcl_GetChannelType(next)) != NULL) {
	    return 1;
	}
    }
    return 0;
}

/*
 * PyosslChanStack --
 *	Covers an open channel, which is the connection's transport.
 * Results:
 *	The channel (Tcl keeps its name); NULL with an error in interp.
 */
Tcl_Channel
PyosslChanStack(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr,
    Tcl_Channel below)
{
    PyosslChan *cPtr;
    Tcl_Channel chan;
    Tcl_DString ds;

    if (SeeksBelow(below)) {
	PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the channel \"%.60s\" has a transformation on another one or "
		"on a file; Tcl would send plaintext past TLS there",
		Tcl_GetChannelName(below));
	return NULL;
    }
    cPtr = PyosslChanMake(tlsPtr, 1);
    Tcl_DStringInit(&ds);
    Tcl_GetChannelOption(NULL, below, "-blocking", &ds);
    tlsPtr->blocking = strcmp(Tcl_DStringValue(&ds), "0") != 0;
    Tcl_DStringFree(&ds);
    tlsPtr->link.typePtr->blockProc(tlsPtr->link.inst, tlsPtr->blocking);
    DropEmptyBuffer(below);
    chan = Tcl_StackChannel(interp, &pyosslChanType, cPtr,
	    TCL_READABLE | TCL_WRITABLE, below);
    if (chan == NULL) {
	tlsPtr->chanPtr = NULL;
	PyosslChanRelease(cPtr);
	PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the channel \"%s\" is not open for reading and writing",
		Tcl_GetChannelName(below));
	return NULL;
    }
    PyosslChanOpened(cPtr, chan);
    /*
     * Tcl tells the new top of the interest in it only when that changes;
     * it may have handlers already, and go on with the very same ones.
     */
    Tcl_CreateChannelHandler(chan, TCL_READABLE, Nothing, NULL);
    Tcl_DeleteChannelHandler(chan, Nothing, NULL);
    PyosslChanUpdate(cPtr);
    return cPtr->chan;
}

/* What is left of the time until then, in milliseconds; 0 at least. */
static int
TimeLeft(
    Tcl_WideInt end)
{
    Tcl_WideInt left = end - PyosslSysNow();

    return left > 0 ? (int) left : 0;
}

/*
 * Waits a moment, not beyond end; a non-blocking channel lets the event loop
 * run.
 */
static void
WaitSlice(
    PyosslTls *tlsPtr,
    PyosslTlsResult result,
    Tcl_WideInt end)
{
    int events = 0, left;

    /* Perhaps the peer lives in this very thread. */
    while (!tlsPtr->blocking && events++ < EVENTS_MAX
	    && Tcl_DoOneEvent(TCL_ALL_EVENTS | TCL_DONT_WAIT)) {
	/* One that asks for another at once must not hold us up. */
    }
    left = TimeLeft(end);
    PyosslTlsWait(tlsPtr, result, tlsPtr->blocking || left < 10 ? left : 10);
}

/*
 * Sends what is queued, until end at most.
 * Results: 1, or 0 where some is left.
 */
static int
SendQueue(
    PyosslTls *tlsPtr,
    Tcl_WideInt end)
{
    PyosslLinkFlush(&tlsPtr->link);
    while (PyosslLinkQueued(&tlsPtr->link) > 0 && TimeLeft(end) > 0) {
	WaitSlice(tlsPtr, PYOSSL_TLS_WANT_WRITE, end);
	PyosslLinkFlush(&tlsPtr->link);
    }
    return PyosslLinkQueued(&tlsPtr->link) == 0;
}

/*
 * Records that could not be sent go to the plain channel, in front of all that
 * is written there from now on.
 */
static void
HandOver(
    Tcl_Channel chan,
    const char *bytes,
    Tcl_Size length)
{
    Tcl_DString translation;

    Tcl_DStringInit(&translation);
    Tcl_GetChannelOption(NULL, chan, "-translation", &translation);
    Tcl_SetChannelOption(NULL, chan, "-translation", "lf");
    Tcl_Write(chan, bytes, length);
    Tcl_SetChannelOption(NULL, chan, "-translation",
	    Tcl_DStringValue(&translation));
    Tcl_DStringFree(&translation);
    Tcl_Flush(chan);
}

/*
 * Sends close_notify and waits for the peer's, keeping what it still sends.
 * Results: 1, or 0 where what comes before ours could not be sent until end.
 */
static int
ExchangeClose(
    PyosslTls *tlsPtr,
    Tcl_WideInt end,
    Tcl_DString *dataPtr)
{
    PyosslTlsResult result;
    char buf[4096];
    int got, late = 0;

    if (!(SSL_get_shutdown(tlsPtr->ssl) & SSL_SENT_SHUTDOWN)) {
	/* Not behind what is stuck: nothing has changed then. */
	if (!SendQueue(tlsPtr, end)) {
	    return 0;
	}
	if (tlsPtr->established && tlsPtr->failure.message == NULL) {
	    PyosslTlsShutdown(tlsPtr);
	    ERR_clear_error();
	}
    }
    /* From here on no record follows: what is left is the plain channel's. */
    SendQueue(tlsPtr, end);
    if (!tlsPtr->established || tlsPtr->failure.message != NULL) {
	return 1;
    }
    while (!PyosslChanAtEof(tlsPtr) && late < LATE_MAX) {
	result = PyosslTlsRead(tlsPtr, buf, sizeof(buf), 0, &got);
	if (result == PYOSSL_TLS_OK) {
	    Tcl_DStringAppend(dataPtr, buf, got);
	    if (TimeLeft(end) == 0) {
		late += got;
	    }
	} else if ((result == PYOSSL_TLS_WANT_READ
		|| result == PYOSSL_TLS_WANT_WRITE) && TimeLeft(end) > 0) {
	    WaitSlice(tlsPtr, result, end);
	} else {
	    break;
	}
    }
    return 1;
}

/*
 * Whether [fcopy] is at work on a channel. Tcl keeps the address of the
 * channel on top for that too, and goes on with it when it is freed.
 */
static int
Busy(
    Tcl_Channel chan)
{
    int mode = Tcl_GetChannelMode(chan), tries;
    char none;

    /* An error that was not reported yet is told first. */
    for (tries = 0; tries < 2; tries++) {
	Tcl_SetErrno(0);
	if ((mode & TCL_READABLE) && Tcl_Read(chan, &none, 0) < 0
		&& Tcl_GetErrno() == EBUSY) {
	    return 1;
	}
	if ((mode & TCL_WRITABLE) && Tcl_Write(chan, "", 0) < 0
		&& Tcl_GetErrno() == EBUSY) {
	    return 1;
	}
    }
    return 0;
}

/* The error of such a channel. */
static int
FailBusy(
    Tcl_Interp *interp,
    Tcl_Channel chan)
{
    return PyosslFail(interp, PYOSSL_SSL, "ValueError",
	    "the channel \"%.60s\" is in use: by fcopy, by unimport, by a call "
	    "that has not come back, or by what is on top of its TLS",
	    Tcl_GetChannelName(chan));
}

/* The error where output is left: in the clear it must not go. */
static int
FailUnsent(
    Tcl_Interp *interp)
{
    return PyosslFail(interp, PYOSSL_SSL, "WantWriteError",
	    "not all output could be sent in time; TLS goes on");
}

/*
 * It is as if unimport had not been called, but that close_notify may have
 * been said.
 */
static void
Remain(
    PyosslChan *cPtr,
    Tcl_DString *dataPtr)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    char buf[4096];
    int got;

    /* What was stashed before comes after it. */
    while (tlsPtr->stashLength > 0 && PyosslTlsRead(tlsPtr, buf, sizeof(buf),
	    0, &got) == PYOSSL_TLS_OK) {
	Tcl_DStringAppend(dataPtr, buf, got);
    }
    if (Tcl_DStringLength(dataPtr) > 0) {
	PyosslTlsStash(tlsPtr, Tcl_DStringValue(dataPtr),
		(int) Tcl_DStringLength(dataPtr));
    }
    cPtr->leaving = cPtr->quiet = 0;
    PyosslChanDeadline(tlsPtr);
    PyosslChanUpdate(cPtr);
}

/*
 * Ends TLS, when what was written is sent.
 * Arguments:
 *	opPtr	The operation that has begun; it ends here.
 */
static int
Leave(
    Tcl_Interp *interp,
    PyosslChan *cPtr,
    PyosslOp *opPtr,
    Tcl_WideInt end)
{
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    Tcl_Channel top = cPtr->chan, below;
    Tcl_DString data, records;
    char buf[4096];
    size_t taken;
    int code, sent;

    PyosslChanQuiet(cPtr);
    /* Nothing may come into Tcl's buffers any more, they are thrown away. */
    cPtr->leaving = 1;
    PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
    Tcl_DStringInit(&data);
    TakeBuffered(top, &data);
    sent = ExchangeClose(tlsPtr, end, &data);
    if (cPtr->chan != NULL) {
	PyosslChanTclTimer(cPtr, interp, top);
    }
    if (cPtr->chan == NULL) {
	/* It was closed meanwhile, and what it still had is gone with it. */
	code = PyosslOpEnd(opPtr, interp, TCL_OK);
    } else if (Tcl_GetTopChannel(top) != top || Busy(top)) {
	PyosslOpEnd(opPtr, interp, TCL_OK);
	Remain(cPtr, &data);
	code = FailBusy(interp, top);
    } else if (!sent) {
	PyosslOpEnd(opPtr, interp, TCL_OK);
	Remain(cPtr, &data);
	code = FailUnsent(interp);
    } else {
	below = Tcl_GetStackedChannel(top);
	Tcl_DStringInit(&records);
	while ((taken = PyosslLinkTake(&tlsPtr->link, buf, sizeof(buf))) > 0) {
	    Tcl_DStringAppend(&records, buf, (Tcl_Size) taken);
	}
	cPtr->closing = 1;
	tlsPtr->closed = 1;
	code = PyosslOpEnd(opPtr, interp, TCL_OK);
	if (Tcl_UnstackChannel(interp, top) != TCL_OK) {
	    code = TCL_ERROR;
	}
	if (Tcl_DStringLength(&records) > 0) {
	    HandOver(below, Tcl_DStringValue(&records),
		    Tcl_DStringLength(&records));
	}
	Tcl_DStringFree(&records);
	if (Tcl_DStringLength(&data) > 0) {
	    Tcl_Ungets(below, Tcl_DStringValue(&data),
		    Tcl_DStringLength(&data), 0);
	}
    }
    Tcl_DStringFree(&data);
    return code;
}

/*
 * PyosslChanUnstack --
 *	Ends TLS on a channel that PyosslChanStack covered and leaves the
 *	plain channel. Of the plain bytes after the peer's close_notify none
 *	is touched; plaintext not read yet comes before them. Where output is
 *	left the channel stays as it is.
 * Arguments:
 *	name	What the script calls it.
 *	ms	How long to wait: for the output to be sent, and for the peer's
 *		close_notify.
 */
int
PyosslChanUnstack(
    Tcl_Interp *interp,
    Tcl_Channel chan,
    const char *name,
    int ms)
{
    Tcl_Channel top = Tcl_GetTopChannel(chan);
    PyosslChan *cPtr = PyosslChanFind(chan);
    PyosslTls *tlsPtr;
    PyosslOp op;
    Tcl_WideInt end = PyosslSysNow() + ms;
    int code;

    if (cPtr == NULL) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"bad channel \"%.60s\": not a TLS channel", name);
    }
    if (!cPtr->stacked || cPtr->chan != top) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"bad channel \"%.60s\": TLS was not started on it with "
		"pyossl::import", name);
    }
    tlsPtr = cPtr->tlsPtr;
    if (tlsPtr->busy || tlsPtr->waiting || tlsPtr->link.underWay > 0
	    || cPtr->held != NULL) {
	/* What goes on when this script is over would use what is freed. */
	return FailBusy(interp, top);
    }
    PyosslChanHold(cPtr);
    PyosslOpBegin(&op);
    while (cPtr->chan != NULL && Tcl_Flush(top) == TCL_OK
	    && Tcl_OutputBuffered(top) > 0 && TimeLeft(end) > 0) {
	WaitSlice(tlsPtr, PYOSSL_TLS_WANT_WRITE, end);
    }
    if (cPtr->chan == NULL) {
	/* A script that ran meanwhile has closed it. */
	code = PyosslOpEnd(&op, interp, TCL_OK);
    } else if (cPtr->leaving || Busy(top)) {
	PyosslOpEnd(&op, interp, TCL_OK);
	code = FailBusy(interp, top);
    } else if (Tcl_OutputBuffered(top) > 0) {
	PyosslOpEnd(&op, interp, TCL_OK);
	code = FailUnsent(interp);
    } else {
	code = Leave(interp, cPtr, &op, end);
    }
    PyosslChanRelease(cPtr);
    return code;
}
