/*
 * pyosslBioChan.c --
 *
 *	A Tcl channel as transport: either one that is used whole (the
 *	transport argument of [conn new]) or the channel below ours in a
 *	stack ([pyossl::import]).
 *
 *	On a plain TCP socket bytes go straight to the descriptor, without
 *	waiting, whatever the channel's own mode; elsewhere through the
 *	channel's driver, past its buffers and translations. What the channel
 *	had already buffered comes first.
 */

#include "pyosslTls.h"
#include <errno.h>

#define CLOSE_MS	2000	/* Bound of a close that has output left. */
#define CLOSE_TRIES	10
#define BLOCKING_MAX	4096	/* Bytes for a driver that might wait. */
#define DRIVER_MAX	(128 * 1024)	/* And for any one at a time. */

typedef struct ChanTransport {
    Tcl_Channel chan;		/* NULL once it was closed by others. */
    PyosslInterp *ipPtr;	/* Where it may be registered; or NULL. */
    int stacked;		/* It lies below our channel. */
    Tcl_Size buffered;		/* Bytes its generic layer still holds. */
    char *kept;			/* They, once its close has begun; owned. */
    Tcl_Size keptStart;		/* Where in it the first one is. */
    int direct;			/* The descriptor; -1: use the driver. */
    int checkDirect;		/* It may become direct (connecting). */
    int failed;			/* Why it could not connect; or 0. */
    int plainFirst;		/* Tcl has output that was written before. */
    int inner;			/* It is one of our own channels. */
    int blocking;
    int wantMask;		/* Of our handler, when not stacked. */
    PyosslReadyProc *readyProc;
    void *clientData;
    Tcl_TimerToken gone;	/* To tell that the channel was closed. */
    int uses;			/* Calls under way that may run scripts, and
				 * these may free it. */
    int freed;			/* One has: the last call out does it. */
} ChanTransport;

static void ChanFree(void *inst);
static void ChanWatch(void *inst, int mask, PyosslReadyProc *readyProc,
	void *clientData);

/* Around everything that may run scripts. */
static void
Hold(
    ChanTransport *transPtr)
{
    transPtr->uses++;
}

static void
Release(
    ChanTransport *transPtr)
{
    if (--transPtr->uses == 0 && transPtr->freed) {
	ChanFree(transPtr);
    }
}

static void
ChanEvent(
    void *clientData,
    int mask)
{
    ChanTransport *transPtr = clientData;

    if (transPtr->readyProc != NULL) {
	transPtr->readyProc(transPtr->clientData, mask);
    }
}

static void
TellGone(
    void *clientData)
{
    ChanTransport *transPtr = clientData;

    transPtr->gone = NULL;
    ChanEvent(transPtr, TCL_READABLE | TCL_WRITABLE);
}

/*
 * The channel was closed behind our back. Nobody is told at once: scripts
 * must not run inside somebody's [close].
 */
static void
ChanClosed(
    void *clientData)
{
    ChanTransport *transPtr = clientData;

    if (transPtr->wantMask != 0) {
	Tcl_DeleteChannelHandler(transPtr->chan, ChanEvent, transPtr);
	transPtr->wantMask = 0;
    }
    transPtr->chan = NULL;
    transPtr->direct = -1;
    if (transPtr->readyProc != NULL) {
	transPtr->gone = Tcl_CreateTimerHandler(0, TellGone, transPtr);
    }
}

/*
 * PyosslChanTransportNew --
 *	The transport over an open channel.
 * Arguments:
 *	interp	Where the channel is registered; the transport unregisters
 *		it there when it is closed. May be NULL.
 *	stacked	The channel will be covered by ours: its input buffer will
 *		have been pushed back below by Tcl_StackChannel. Else it is
 *		watched here and its close is noticed.
 */
void *
PyosslChanTransportNew(
    Tcl_Interp *interp,
    Tcl_Channel chan,
    int stacked)
{
    ChanTransport *transPtr = (ChanTransport *)
	    ckalloc(sizeof(ChanTransport));

    memset(transPtr, 0, sizeof(*transPtr));
    transPtr->chan = chan;
    transPtr->ipPtr = interp == NULL ? NULL
	    : PyosslInterpHold(PyosslInterpGet(interp));
    transPtr->stacked = stacked;
    transPtr->buffered = Tcl_InputBuffered(chan);
    transPtr->blocking = 1;
    transPtr->direct = -1;
    transPtr->checkDirect = 1;
    transPtr->inner = Tcl_GetChannelType(chan) == pyosslInnerChan.typePtr;
    if (!stacked) {
	transPtr->plainFirst = Tcl_OutputBuffered(chan) > 0;
	/* What lies in its buffers is bytes from now on. */
	Tcl_SetChannelOption(NULL, chan, "-translation", "binary");
	Tcl_CreateCloseHandler(chan, ChanClosed, transPtr);
    }
    return transPtr;
}

/* PyosslChanTransportChannel -- the channel, or NULL if it was closed. */
Tcl_Channel
PyosslChanTransportChannel(
    void *inst)
{
    return ((ChanTransport *) inst)->chan;
}

/*
 * PyosslChanTransportKeep --
 *	As the close of a channel that ours covers begins: takes over what its
 *	generic layer still holds. A handshake may have to read it yet, for the
 *	sake of the last output; and Tcl 8.6 never frees what it has pushed back
 *	below.
 */
void
PyosslChanTransportKeep(
    void *inst)
{
    ChanTransport *transPtr = inst;
    Tcl_Size n, length = 0;

    if (transPtr->chan == NULL || !transPtr->stacked
	    || transPtr->buffered <= 0 || transPtr->kept != NULL) {
	return;
    }
    transPtr->kept = ckalloc(transPtr->buffered);
    while (length < transPtr->buffered && (n = Tcl_ReadRaw(transPtr->chan,
	    transPtr->kept + length, transPtr->buffered - length)) > 0) {
	length += n;
    }
    transPtr->buffered = length;
}

/*
 * PyosslChanTransportTake --
 *	Appends to a string what the generic layer of the channel below ours
 *	still holds, for one who will put it back on top.
 */
void
PyosslChanTransportTake(
    void *inst,
    Tcl_DString *dataPtr)
{
    ChanTransport *transPtr = inst;

    PyosslChanTransportKeep(inst);
    if (transPtr->kept != NULL && transPtr->buffered > 0) {
	Tcl_DStringAppend(dataPtr, transPtr->kept + transPtr->keptStart,
		transPtr->buffered);
	transPtr->buffered = 0;
    }
}

/* PyosslChanTransportDetach -- forgets the channel, which stays open. */
void
PyosslChanTransportDetach(
    void *inst)
{
    ChanTransport *transPtr = inst;

    if (transPtr->gone != NULL) {
	Tcl_DeleteTimerHandler(transPtr->gone);
	transPtr->gone = NULL;
    }
    if (transPtr->chan == NULL) {
	return;
    }
    if (!transPtr->stacked) {
	if (transPtr->wantMask != 0) {
	    Tcl_DeleteChannelHandler(transPtr->chan, ChanEvent, transPtr);
	    transPtr->wantMask = 0;
	}
	Tcl_DeleteCloseHandler(transPtr->chan, ChanClosed, transPtr);
    }
    transPtr->chan = NULL;
    transPtr->direct = -1;
}

/*
 * PyosslChanTransportLeave --
 *	Before the channel is left open to others: output that could not be
 *	sent goes to its own buffer, for Tcl to send.
 */
void
PyosslChanTransportLeave(
    void *inst,
    PyosslLink *linkPtr)
{
    ChanTransport *transPtr = inst;
    char buf[4096];
    size_t n;

    if (transPtr->stacked) {
	return;			/* Who has uncovered it watches it already. */
    }
    ChanWatch(inst, 0, NULL, NULL);
    while (transPtr->chan != NULL
	    && (n = PyosslLinkTake(linkPtr, buf, sizeof(buf))) > 0) {
	Tcl_Write(transPtr->chan, buf, (Tcl_Size) n);
    }
}

/* Finds out, until it is settled, whether the descriptor can be used. */
static void
CheckDirect(
    ChanTransport *transPtr)
{
    if (transPtr->inner || strcmp(Tcl_ChannelName(Tcl_GetChannelType(
	    transPtr->chan)), "tcp") != 0) {
	transPtr->checkDirect = 0;
	return;
    }
    transPtr->direct = PyosslSockDirect(transPtr->chan);
    transPtr->checkDirect = transPtr->direct < 0;
    if (transPtr->direct >= 0) {
	transPtr->failed = PyosslSockFailed(transPtr->chan);
    }
}

/*
 * Waits for the channel without the event loop. Results as waitProc's; -2:
 * nobody can tell when it is ready.
 */
static int
Poll(
    ChanTransport *transPtr,
    int mask,
    int ms)
{
    return transPtr->inner ? pyosslInnerChan.waitProc(
	    Tcl_GetChannelInstanceData(transPtr->chan), mask, ms)
	    : PyosslSockPoll(transPtr->chan, mask, ms);
}

/*
 * Some drivers are never asked to wait: one of our own channels, since Poll
 * does it, and one that nobody can poll but that has a mode to be switched.
 * Returns the mode that [InnerDone] is to restore.
 */
static int
InnerMode(
    ChanTransport *transPtr,
    int blocking)
{
    if (transPtr->inner) {
	return pyosslInnerChan.modeProc(
		Tcl_GetChannelInstanceData(transPtr->chan), blocking);
    }
    if (transPtr->blocking && PyosslSockSwitches(transPtr->chan)) {
	Tcl_ChannelBlockModeProc(Tcl_GetChannelType(transPtr->chan))(
		Tcl_GetChannelInstanceData(transPtr->chan),
		blocking ? TCL_MODE_BLOCKING : TCL_MODE_NONBLOCKING);
    }
    return 1;
}

/* What a driver's error, Tcl_GetErrno, is to us. */
static int
InnerErrno(
    const ChanTransport *transPtr)
{
    int err = Tcl_GetErrno();

    if (transPtr->inner && err == EBUSY) {
	/* A callback of that connection runs the event loop: later. */
	return EAGAIN;
    }
    return err != 0 ? err : EIO;
}

static void
InnerDone(
    ChanTransport *transPtr,
    int mode)
{
    if (transPtr->chan == NULL) {
	return;
    }
    InnerMode(transPtr, mode);
    if (transPtr->inner) {
	/* Its words are for its own users; ours get our own. */
	Tcl_SetChannelError(transPtr->chan, NULL);
    }
}

/* Whether a driver in blocking mode would wait if it were asked now. */
static int
WouldWait(
    ChanTransport *transPtr,
    int mask)
{
    return transPtr->blocking && !transPtr->inner
	    && PyosslSockPoll(transPtr->chan, mask, 0) == 0;
}

/*
 * Reads past Tcl's buffers. Before it reads from a driver that can seek
 * Tcl_ReadRaw flushes the channel; but below ours that would be plaintext on
 * its way to us, which would go out as it is (and in a close be the end of the
 * channel while it is in use). So it is the driver that is asked there.
 */
static Tcl_Size
DriverRead(
    ChanTransport *transPtr,
    char *buf,
    int size)
{
    Tcl_Size n;
    int err = 0;

    if (!transPtr->stacked) {
	return Tcl_ReadRaw(transPtr->chan, buf, size);
    }
    n = Tcl_ChannelInputProc(Tcl_GetChannelType(transPtr->chan))(
	    Tcl_GetChannelInstanceData(transPtr->chan), buf, size, &err);
    if (n < 0) {
	Tcl_SetErrno(err);
    }
    return n;
}

static int
ChanRead(
    void *inst,
    char *buf,
    int size,
    int *errnoPtr)
{
    ChanTransport *transPtr = inst;
    Tcl_Size n;
    int mode;

    if (transPtr->chan == NULL) {
	*errnoPtr = EBADF;
	return -1;
    }
    if (transPtr->buffered > 0) {
	if (size > transPtr->buffered) {
	    size = (int) transPtr->buffered;
	}
	if (transPtr->kept != NULL) {
	    memcpy(buf, transPtr->kept + transPtr->keptStart, size);
	    transPtr->keptStart += size;
	    n = size;
	} else {
	    n = transPtr->stacked ? Tcl_ReadRaw(transPtr->chan, buf, size)
		    : Tcl_Read(transPtr->chan, buf, size);
	}
	if (n > 0) {
	    transPtr->buffered -= n;
	    return (int) n;
	}
	transPtr->buffered = 0;
    }
    if (transPtr->checkDirect) {
	CheckDirect(transPtr);
    }
    if (transPtr->failed != 0) {
	*errnoPtr = transPtr->failed;
	return -1;
    }
    if (transPtr->direct >= 0) {
	return PyosslSockRecv(transPtr->direct, buf, size, errnoPtr);
    }
    /*
     * A driver in blocking mode must not be asked for what is not there:
     * the event loop would stand. Where only it knows, it waits.
     */
    if (WouldWait(transPtr, TCL_READABLE)) {
	*errnoPtr = EAGAIN;
	return -1;
    }
    Hold(transPtr);
    mode = InnerMode(transPtr, 0);
    n = DriverRead(transPtr, buf, size);
    if (n < 0) {
	*errnoPtr = InnerErrno(transPtr);
	if (transPtr->inner && *errnoPtr == ECONNABORTED) {
	    n = 0;		/* A cut below is a cut here. */
	}
    }
    InnerDone(transPtr, mode);
    Release(transPtr);
    return (int) n;
}

/*
 * What was written before the channel became a transport goes in front.
 * Results: 0, or an errno: EAGAIN where some of it is left.
 */
static int
SendPlain(
    ChanTransport *transPtr)
{
    int err = 0;

    Hold(transPtr);
    if (Tcl_Flush(transPtr->chan) != TCL_OK) {
	err = InnerErrno(transPtr);
    } else if (transPtr->chan == NULL) {
	err = EBADF;
    } else if (Tcl_OutputBuffered(transPtr->chan) > 0) {
	err = EAGAIN;
    } else {
	transPtr->plainFirst = 0;
    }
    Release(transPtr);
    return err;
}

static int
ChanWrite(
    void *inst,
    const char *buf,
    int size,
    int *errnoPtr)
{
    ChanTransport *transPtr = inst;
    Tcl_Size n;
    char *copy;
    int mode;

    if (transPtr->chan == NULL) {
	*errnoPtr = EBADF;
	return -1;
    }
    if (transPtr->checkDirect) {
	CheckDirect(transPtr);
    }
    if (transPtr->failed != 0) {
	*errnoPtr = transPtr->failed;
	return -1;
    }
    if (transPtr->plainFirst && (*errnoPtr = SendPlain(transPtr)) != 0) {
	return -1;
    }
    if (transPtr->direct >= 0) {
	return PyosslSockSend(transPtr->direct, buf, size, errnoPtr);
    }
    if (WouldWait(transPtr, TCL_WRITABLE)) {
	*errnoPtr = EAGAIN;
	return -1;
    }
    if (transPtr->blocking && size > BLOCKING_MAX) {
	/* What poll(2) says of a pipe holds for this much (PIPE_BUF). */
	size = BLOCKING_MAX;
    } else if (size > DRIVER_MAX) {
	size = DRIVER_MAX;
    }
    Hold(transPtr);
    mode = InnerMode(transPtr, 0);
    /* A script that the driver runs may make our queue move. */
    copy = memcpy(ckalloc(size), buf, size);
    n = Tcl_WriteRaw(transPtr->chan, copy, size);
    if (n < 0) {
	*errnoPtr = InnerErrno(transPtr);
    } else if (n == 0) {
	*errnoPtr = EAGAIN;
	n = -1;
    }
    ckfree(copy);
    InnerDone(transPtr, mode);
    Release(transPtr);
    return (int) n;
}

static int
ChanWait(
    void *inst,
    int mask,
    int ms)
{
    ChanTransport *transPtr = inst;
    int ready;

    if (transPtr->chan == NULL) {
	errno = EBADF;
	return -1;
    }
    Hold(transPtr);
    ready = Poll(transPtr, mask, ms);
    if (ready == -2) {
	/* A reflected channel, a stack. */
	PyosslLoopServe(transPtr->chan, transPtr->stacked, mask, ms);
	ready = mask;
    }
    Release(transPtr);
    return ready;
}

static void
ChanWatch(
    void *inst,
    int mask,
    PyosslReadyProc *readyProc,
    void *clientData)
{
    ChanTransport *transPtr = inst;

    if (transPtr->chan == NULL) {
	/* Who waits for it has to learn that it is gone. */
	transPtr->readyProc = readyProc;
	transPtr->clientData = clientData;
	if (mask == 0 && transPtr->gone != NULL) {
	    Tcl_DeleteTimerHandler(transPtr->gone);
	    transPtr->gone = NULL;
	} else if (mask != 0 && transPtr->gone == NULL) {
	    transPtr->gone = Tcl_CreateTimerHandler(0, TellGone, transPtr);
	}
	return;
    }
    if (transPtr->stacked) {
	Tcl_DriverWatchProc *watchProc = Tcl_ChannelWatchProc(
		Tcl_GetChannelType(transPtr->chan));

	watchProc(Tcl_GetChannelInstanceData(transPtr->chan), mask);
	return;
    }
    transPtr->readyProc = readyProc;
    transPtr->clientData = clientData;
    if (mask == transPtr->wantMask) {
	return;
    }
    if (mask == 0) {
	Tcl_DeleteChannelHandler(transPtr->chan, ChanEvent, transPtr);
    } else {
	Tcl_CreateChannelHandler(transPtr->chan, mask, ChanEvent, transPtr);
    }
    transPtr->wantMask = mask;
}

static int
ChanBlock(
    void *inst,
    int blocking)
{
    ChanTransport *transPtr = inst;

    transPtr->blocking = blocking;
    if (transPtr->chan == NULL) {
	return EBADF;
    }
    if (!transPtr->stacked) {
	/* The stacked one is told by Tcl itself. */
	Tcl_SetChannelOption(NULL, transPtr->chan, "-blocking",
		blocking ? "1" : "0");
    }
    return 0;
}

static int
ChanShutdown(
    void *inst,
    int how)
{
    ChanTransport *transPtr = inst;
    ClientData handle;

    if (transPtr->chan == NULL) {
	return EBADF;
    }
    if (PyosslSockHandle(transPtr->chan, TCL_READABLE, &handle)
	    != TCL_OK) {
	return ENOTSOCK;
    }
    return PyosslSockShutdown((int) (intptr_t) handle, how) < 0 ? errno : 0;
}

static int
ChanHandle(
    void *inst,
    int direction,
    ClientData *handlePtr)
{
    ChanTransport *transPtr = inst;

    return transPtr->chan == NULL ? TCL_ERROR
	    : PyosslSockHandle(transPtr->chan, direction, handlePtr);
}

/* The options of the channel's own driver, not the generic ones. */
static int
ChanGetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    Tcl_DString *dsPtr)
{
    ChanTransport *transPtr = inst;
    Tcl_DriverGetOptionProc *getProc;

    if (transPtr->chan == NULL) {
	return option == NULL ? TCL_OK
		: Tcl_BadChannelOption(interp, option, "");
    }
    getProc = Tcl_ChannelGetOptionProc(Tcl_GetChannelType(transPtr->chan));
    if (getProc != NULL) {
	return getProc(Tcl_GetChannelInstanceData(transPtr->chan), interp,
		option, dsPtr);
    }
    return option == NULL ? TCL_OK : Tcl_BadChannelOption(interp, option, "");
}

static int
ChanSetOption(
    void *inst,
    Tcl_Interp *interp,
    const char *option,
    const char *value)
{
    ChanTransport *transPtr = inst;
    Tcl_DriverSetOptionProc *setProc = transPtr->chan == NULL ? NULL
	    : Tcl_ChannelSetOptionProc(Tcl_GetChannelType(transPtr->chan));

    if (setProc != NULL) {
	return setProc(Tcl_GetChannelInstanceData(transPtr->chan), interp,
		option, value);
    }
    return Tcl_BadChannelOption(interp, option, "");
}

/* Below ours nobody tells of what was pushed back into its buffers. */
static int
ChanPending(
    void *inst)
{
    ChanTransport *transPtr = inst;

    return transPtr->chan != NULL && transPtr->stacked
	    && transPtr->buffered > 0;
}

/* Forgets the interpreter, whose count is for its own thread to change. */
static void
LeaveInterp(
    ChanTransport *transPtr)
{
    if (transPtr->ipPtr != NULL) {
	PyosslInterpRelease(transPtr->ipPtr);
	transPtr->ipPtr = NULL;
    }
}

static void
ChanThread(
    void *inst,
    int action)
{
    ChanTransport *transPtr = inst;

    /*
     * A channel below ours goes along with it. One that we only use stays
     * in its own thread, out of reach.
     */
    if (action == TCL_CHANNEL_THREAD_REMOVE && !transPtr->stacked) {
	PyosslChanTransportDetach(inst);
	LeaveInterp(transPtr);
    }
}

static void
ChanFree(
    void *inst)
{
    ChanTransport *transPtr = inst;

    PyosslChanTransportDetach(inst);
    if (transPtr->uses > 0) {
	transPtr->freed = 1;
	return;
    }
    LeaveInterp(transPtr);
    if (transPtr->kept != NULL) {
	ckfree(transPtr->kept);
    }
    ckfree((char *) inst);
}

/* The last words through a driver that has no descriptor of a socket. */
static void
SendBounded(
    ChanTransport *transPtr,
    const char *data,
    size_t length)
{
    int n, err = 0, tries = 0;

    while (length > 0) {
	n = ChanWrite(transPtr, data, length > 65536 ? 65536 : (int) length,
		&err);
	if (n > 0) {
	    data += n;
	    length -= n;
	} else if (err != EAGAIN || tries++ > CLOSE_TRIES
		|| Poll(transPtr, TCL_WRITABLE, CLOSE_MS / CLOSE_TRIES)
		== -2) {
	    return;
	}
    }
}

static void
ChanClose(
    void *inst,
    Tcl_Interp *interp,
    char *pending,
    size_t pendingLength,
    int linger)
{
    ChanTransport *transPtr = inst;
    Tcl_Channel chan = transPtr->chan;
    int stacked = transPtr->stacked;
    Tcl_Interp *owner = transPtr->ipPtr != NULL ? transPtr->ipPtr->interp
	    : NULL;

    PyosslSock *sockPtr = transPtr->direct >= 0 && linger
	    && !transPtr->plainFirst ? PyosslSockDup(transPtr->direct) : NULL;

    if (sockPtr != NULL) {
	/* It goes on in the background, whoever closes the channel. */
	pyosslSockTransport.closeProc(sockPtr, NULL, pending, pendingLength,
		linger);
	pending = NULL;
    } else if (chan != NULL && pendingLength > 0) {
	if (stacked) {
	    SendBounded(transPtr, pending, pendingLength);
	} else {
	    /* Its own output buffer takes it, and sends it as it closes. */
	    Tcl_Write(chan, pending, (Tcl_Size) pendingLength);
	}
    }
    if (pending != NULL) {
	PyosslCount(PYOSSL_COUNT_BUFFERED, -(Tcl_WideInt) pendingLength);
	ckfree(pending);
    }
    ChanFree(inst);
    if (chan == NULL || stacked) {
	return;
    }
    if (owner == NULL) {
	owner = interp;
    }
    if (owner != NULL && Tcl_IsChannelRegistered(owner, chan)) {
	/* What fails there is not the result of what is being done here. */
	Tcl_InterpState state = Tcl_SaveInterpState(owner, TCL_OK);

	Tcl_UnregisterChannel(owner, chan);
	Tcl_RestoreInterpState(owner, state);
    } else if (Tcl_IsChannelShared(chan) == 0 && owner == NULL) {
	Tcl_Close(NULL, chan);
    }
}

const PyosslTransportType pyosslChanTransport = {
    "channel", ChanRead, ChanWrite, ChanWait, ChanWatch, ChanBlock,
    ChanShutdown, ChanHandle, ChanGetOption, ChanSetOption, ChanThread,
    ChanClose, ChanFree, ChanPending, NULL, 1
};

/* PyosslChanTransportIsSocket -- a channel that is Tcl's own, connected one. */
int
PyosslChanTransportIsSocket(
    const PyosslLink *linkPtr)
{
    const ChanTransport *transPtr = linkPtr->inst;

    return linkPtr->typePtr == &pyosslChanTransport && transPtr->direct >= 0;
}
