/*
 * pyosslChanBuffer.c --
 *
 *	How big the buffers are that Tcl has for a plaintext channel, and what
 *	becomes of output that comes in small pieces. Knows nothing of TLS.
 *
 *	    blocking channel                  big
 *	    one that is not, with messages    small, and none while it is idle
 *	                 with bulk data       big as long as they come
 *
 *	A big buffer takes four records of OpenSSL's; Tcl's own default makes
 *	each record four times as expensive. An idle channel keeps no buffer,
 *	nor does OpenSSL for it, since there may be ten thousand of them; but
 *	to get and give them back for each message costs a tenth of it, so that
 *	a few that are read again and again keep theirs: they are warm.
 *
 *	[fcopy] moves the buffers of the channel it reads, which are small for
 *	a file, and hands them to the driver one by one. They are collected
 *	until they fill records, and what is left goes out when the command is
 *	over, by a handler that Tcl runs at the end of each command for which
 *	one was marked (Tcl_AsyncMark), and before it waits for events.
 *
 *	At a thread's end Tcl closes its channels. One that is not blocking it
 *	forgets if it does not take its output at once, or if that is in more
 *	than one buffer: neither channel nor connection would ever be freed.
 *	So all are made blocking then, wait a little, and fail.
 */

#include "pyosslChan.h"

#define RUN_MAX		(256 * 1024)	/* Read at a time without blocking. */
#define WARM_MAX	8	/* Channels of a thread, and the reads */
#define WARM_READS	16	/* that make one of them. */
#define EXIT_MS		1000	/* For all last output of a thread together. */

typedef struct ThreadData {
    int initialized;
    int ended;
    Tcl_WideInt exitBudget;	/* Milliseconds. */
    PyosslChan *channels;	/* All that are in the thread. */
    /* Those that have collected something. */
    Tcl_AsyncHandler handler;
    PyosslChan *first;
    PyosslChanSendProc *sendProc;
    PyosslChan *warm[WARM_MAX];
    int nextWarm;
} ThreadData;

static Tcl_ThreadDataKey dataKey;

static int hasExitHandler;	/* Of the process. */
TCL_DECLARE_MUTEX(exitMutex)

void
PyosslChanHold(
    PyosslChan *cPtr)
{
    cPtr->refCount++;
}

void
PyosslChanRelease(
    PyosslChan *cPtr)
{
    if (--cPtr->refCount <= 0) {
	PyosslTlsRelease(cPtr->tlsPtr);
	PyosslCount(PYOSSL_COUNT_CHANNELS, -1);
	ckfree((char *) cPtr);
    }
}

/*
 * PyosslChanBuffers --
 *	Sets the size of Tcl's buffers from now on, unless the script has set
 *	one. Not while Tcl reads, since it frees the buffer that is read into,
 *	which it may do for what is stacked on the channel; and not while it
 *	writes: it counts what it has flushed in buffers, and
 *	would leave the rest unsent.
 */
void
PyosslChanBuffers(
    PyosslChan *cPtr,
    int size)
{
    cPtr->bulk |= size == PYOSSL_BUFFER_BIG;
    if (cPtr->chan == NULL || cPtr->stacked || cPtr->held != NULL
	    || Tcl_GetTopChannel(cPtr->chan) != cPtr->chan
	    || cPtr->bufferSize == size
	    || (int) Tcl_GetChannelBufferSize(cPtr->chan)
	    != cPtr->bufferSize) {
	return;
    }
    cPtr->bufferSize = size;
    Tcl_SetChannelBufferSize(cPtr->chan, size);
}

/*
 * PyosslChanIdle --
 *	After an event: if nothing is buffered, Tcl gives its buffers back. It
 *	does that whenever their size changes.
 */
void
PyosslChanIdle(
    PyosslChan *cPtr)
{
    Tcl_Channel chan = cPtr->chan;
    int size;

    if (chan == NULL || cPtr->stacked || cPtr->held != NULL
	    || Tcl_GetTopChannel(chan) != chan
	    || cPtr->tlsPtr->blocking
	    || Tcl_InputBuffered(chan) > 0 || Tcl_OutputBuffered(chan) > 0) {
	return;
    }
    size = (int) Tcl_GetChannelBufferSize(chan);
    if (size != cPtr->bufferSize || (cPtr->warm && !cPtr->bulk
	    && size == PYOSSL_BUFFER_SMALL)) {
	return;			/* The script's own, or needed again. */
    }
    Tcl_SetChannelBufferSize(chan, size + 1);
    cPtr->bufferSize = cPtr->bulk ? PYOSSL_BUFFER_BIG : PYOSSL_BUFFER_SMALL;
    cPtr->bulk = 0;
    Tcl_SetChannelBufferSize(chan, cPtr->bufferSize);
}

/* OpenSSL gives its buffers back, now and after each use. */
static void
Cool(
    PyosslChan *cPtr)
{
    SSL *ssl = cPtr->tlsPtr->ssl;

    cPtr->warm = cPtr->reads = 0;
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    /* It looks itself whether there is something in them; before 3.0.14 it saw
     * neither a header of which the record was still to come nor what was left
     * of a record that had been read from (CVE-2024-4741). */
    if (!cPtr->tlsPtr->busy && !SSL_has_pending(ssl)
	    && strcmp(SSL_rstate_string(ssl), "RH") == 0) {
	SSL_free_buffers(ssl);
    }
}

/*
 * PyosslChanWarm --
 *	Data were read. What is read often keeps its buffers, until others are
 *	read more.
 */
void
PyosslChanWarm(
    PyosslChan *cPtr)
{
    SSL *ssl = cPtr->tlsPtr->ssl;
    ThreadData *tsdPtr;
    PyosslChan **slotPtr;

    if (cPtr->warm || ++cPtr->reads < WARM_READS || !cPtr->listed
	    || cPtr->tlsPtr->link.typePtr != &pyosslSockTransport) {
	return;
    }
    tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));
    slotPtr = &tsdPtr->warm[tsdPtr->nextWarm++ % WARM_MAX];
    if (*slotPtr != NULL) {
	Cool(*slotPtr);
	PyosslChanIdle(*slotPtr);
    }
    *slotPtr = cPtr;
    cPtr->warm = 1;
    SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    /* OpenSSL 3.2 tells its readers of modes only where one is set. */
    SSL_set_mode(ssl, SSL_MODE_AUTO_RETRY);
}

/*
 * PyosslChanRoom --
 *	How much of a buffer a read may fill. Tcl goes on until a read that does
 *	not block is short; where the peer sends as fast as we read that would
 *	be for ever, and what one command reads would leave the processor's
 *	caches.
 */
int
PyosslChanRoom(
    const PyosslChan *cPtr,
    int size)
{
    return !cPtr->tlsPtr->blocking && size > 1
	    && cPtr->run + size >= RUN_MAX ? size - 1 : size;
}

/*
 * PyosslChanReadMore --
 *	Reads the records that have come already and fit, without waiting.
 *	What ends the data is told by the next call.
 * Arguments:
 *	got	How many bytes the buffer has already.
 * Results:
 *	The bytes in the buffer.
 */
int
PyosslChanReadMore(
    PyosslTls *tlsPtr,
    PyosslOp *opPtr,
    char *buf,
    int got,
    int size)
{
    const PyosslLink *linkPtr = &tlsPtr->link;
    int more;

    /*
     * Tcl takes a short read of a channel that is not blocking for all there
     * is, and a line that is not whole is looked through again for each.
     */
    while (got < size && (tlsPtr->maybeMore || (!tlsPtr->blocking
	    && (linkPtr->full || PyosslLinkPending(linkPtr))))
	    && !PyosslOpFailed(opPtr)) {
	more = 0;
	if (PyosslTlsRead(tlsPtr, buf + got, size - got, 0, &more)
		!= PYOSSL_TLS_OK) {
	    break;
	}
	got += more;
    }
    return got;
}

/*
 * ---------------------------------------------------------------------
 * Collecting
 * ---------------------------------------------------------------------
 */

static void
Unlist(
    ThreadData *tsdPtr,
    PyosslChan *cPtr)
{
    PyosslChan **linkPtr = &tsdPtr->first;

    while (*linkPtr != NULL && *linkPtr != cPtr) {
	linkPtr = &(*linkPtr)->nextCollector;
    }
    if (*linkPtr != NULL) {
	*linkPtr = cPtr->nextCollector;
	cPtr->nextCollector = NULL;
    }
}

/*
 * A command is over: what it left goes out. A failure is that of the
 * command, if it had none of its own, and of the channel's next use.
 */
static int
CommandOver(
    void *clientData,
    Tcl_Interp *interp,
    int code)
{
    ThreadData *tsdPtr = clientData;
    PyosslChan *cPtr;

    while ((cPtr = tsdPtr->first) != NULL) {
	PyosslChanHold(cPtr);
	Unlist(tsdPtr, cPtr);
	if (cPtr->collectedLength > 0 && tsdPtr->sendProc(cPtr) < 0
		&& code == TCL_OK && interp != NULL) {
	    const PyosslFailure *failurePtr = PyosslTlsWhy(cPtr->tlsPtr);

	    if (failurePtr->message != NULL) {
		Tcl_SetObjResult(interp,
			Tcl_NewStringObj(failurePtr->message, -1));
		Tcl_SetObjErrorCode(interp,
			Tcl_NewStringObj(failurePtr->errorCode, -1));
		code = TCL_ERROR;
	    }
	}
	PyosslChanDropCollected(cPtr);
	PyosslChanRelease(cPtr);
    }
    return code;
}

/*
 * PyosslChanIsClosed --
 *	Whether Tcl has closed the channel, and only has not told us yet. After
 *	a flush in the background it calls no close handlers.
 */
int
PyosslChanIsClosed(
    Tcl_Channel chan)
{
    int err, tries = 0;

    do {
	/* An open one cannot be told the place of, or is busy with [fcopy], a
	 * closed one is refused; an earlier error comes first, once. */
	Tcl_SetErrno(0);
	Tcl_Tell(chan);
	err = Tcl_GetErrno();
    } while (err != EINVAL && err != EACCES && err != EBUSY && err != 0
	    && ++tries < 4);	/* What is below may know its own errors. */
    return err == EACCES;
}

/*
 * The thread ends. What Tcl has closed and sends in the background it would
 * not close again once it is blocking.
 */
static void
FlushAll(
    ThreadData *tsdPtr)
{
    PyosslChan *cPtr, *nextPtr;

    tsdPtr->ended = 1;
    for (cPtr = tsdPtr->channels; cPtr != NULL; cPtr = nextPtr) {
	Tcl_Channel chan = cPtr->chan;
	int closed;

	nextPtr = cPtr->nextPtr;
	if (chan == NULL || cPtr->held != NULL || cPtr->tlsPtr->blocking
		|| Tcl_OutputBuffered(chan) == 0) {
	    continue;
	}
	closed = PyosslChanIsClosed(chan);
	Tcl_SetChannelOption(NULL, chan, "-blocking", "1");
	if (closed) {
	    Tcl_Close(NULL, chan);
	    /* Whatever that has closed besides. */
	    nextPtr = tsdPtr->channels;
	}
    }
}

static void
ThreadGone(
    void *clientData)
{
    ThreadData *tsdPtr = clientData;

    FlushAll(tsdPtr);
    Tcl_AsyncDelete(tsdPtr->handler);
}

/* The process ends by this thread, whose interpreter may go before it. */
static void
ProcessGone(
    void *clientData)
{
    (void) clientData;
    FlushAll(Tcl_GetThreadData(&dataKey, sizeof(ThreadData)));
    Tcl_MutexLock(&exitMutex);
    hasExitHandler = 0;
    Tcl_MutexUnlock(&exitMutex);
}

/* PyosslChanThread -- a channel has come to this thread. */
void
PyosslChanThread(
    PyosslChan *cPtr)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (!tsdPtr->initialized) {
	Tcl_MutexLock(&exitMutex);
	if (!hasExitHandler) {
	    hasExitHandler = 1;
	    Tcl_CreateExitHandler(ProcessGone, NULL);
	}
	Tcl_MutexUnlock(&exitMutex);
	tsdPtr->initialized = 1;
	tsdPtr->exitBudget = EXIT_MS;
	tsdPtr->handler = Tcl_AsyncCreate(CommandOver, tsdPtr);
	PyosslSockThread();
	Tcl_CreateThreadExitHandler(ThreadGone, tsdPtr);
    }
    if (!cPtr->listed) {
	cPtr->listed = 1;
	cPtr->prevPtr = NULL;
	cPtr->nextPtr = tsdPtr->channels;
	if (cPtr->nextPtr != NULL) {
	    cPtr->nextPtr->prevPtr = cPtr;
	}
	tsdPtr->channels = cPtr;
    }
}

/* PyosslChanThreadLeave -- it ends, or goes to another one. */
void
PyosslChanThreadLeave(
    PyosslChan *cPtr)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));
    int i;

    for (i = 0; i < WARM_MAX; i++) {
	if (tsdPtr->warm[i] == cPtr) {
	    tsdPtr->warm[i] = NULL;
	    Cool(cPtr);
	}
    }
    if (cPtr->listed) {
	cPtr->listed = 0;
	if (cPtr->nextPtr != NULL) {
	    cPtr->nextPtr->prevPtr = cPtr->prevPtr;
	}
	if (cPtr->prevPtr != NULL) {
	    cPtr->prevPtr->nextPtr = cPtr->nextPtr;
	} else {
	    tsdPtr->channels = cPtr->nextPtr;
	}
    }
}

/* PyosslChanThreadEnds -- whether nothing is waited for without a limit. */
int
PyosslChanThreadEnds(void)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    return tsdPtr->ended;
}

/*
 * PyosslChanLastWait --
 *	Output does not go through just now, and the thread ends. This waits,
 *	for a bounded time where a socket can tell, and makes it the channel's
 *	failure after that.
 * Results:
 *	1 try again; 0 no.
 */
int
PyosslChanLastWait(
    PyosslChan *cPtr,
    PyosslTlsResult result)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));
    PyosslTls *tlsPtr = cPtr->tlsPtr;
    PyosslLink *linkPtr = &tlsPtr->link;
    Tcl_WideInt start;
    int ready = 0;

    if (tlsPtr->failure.message != NULL) {
	return 0;
    }
    if (tsdPtr->exitBudget > 0 && linkPtr->inst != NULL
	    && (result == PYOSSL_TLS_WANT_READ
	    || result == PYOSSL_TLS_WANT_WRITE)
	    && (linkPtr->typePtr == &pyosslSockTransport
	    || PyosslChanTransportIsSocket(linkPtr))) {
	start = PyosslSysNow();
	ready = PyosslTlsWait(tlsPtr, result, (int) tsdPtr->exitBudget);
	tsdPtr->exitBudget -= PyosslSysNow() - start;
    }
    if (ready <= 0 && tlsPtr->failure.message == NULL) {
	PyosslFailureErrno(&tlsPtr->failure, EPIPE,
		"the thread ended before its output was sent");
    }
    return ready > 0;
}

/*
 * PyosslChanCollect --
 *	Takes a piece of output to be sent with the next ones, if there is
 *	room for it.
 * Arguments:
 *	sendProc	Sends what was collected; -1 where that failed.
 * Results:
 *	1, or 0: it was not taken.
 */
int
PyosslChanCollect(
    PyosslChan *cPtr,
    const char *buf,
    int size,
    PyosslChanSendProc *sendProc)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (!tsdPtr->initialized || tsdPtr->ended || cPtr->stacked
	    || cPtr->collectedLength + size > PYOSSL_BUFFER_BIG) {
	return 0;
    }
    if (cPtr->collected == NULL) {
	cPtr->collected = ckalloc(PYOSSL_BUFFER_BIG);
    }
    memcpy(cPtr->collected + cPtr->collectedLength, buf, size);
    if (cPtr->collectedLength == 0) {
	tsdPtr->sendProc = sendProc;
	Unlist(tsdPtr, cPtr);
	cPtr->nextCollector = tsdPtr->first;
	tsdPtr->first = cPtr;
	Tcl_AsyncMark(tsdPtr->handler);
    }
    cPtr->collectedLength += size;
    return 1;
}

/* PyosslChanDropCollected -- the channel ends, or leaves the thread. */
void
PyosslChanDropCollected(
    PyosslChan *cPtr)
{
    if (cPtr->collected != NULL) {
	Unlist(Tcl_GetThreadData(&dataKey, sizeof(ThreadData)), cPtr);
	ckfree(cPtr->collected);
	cPtr->collected = NULL;
	cPtr->collectedLength = 0;
    }
}
