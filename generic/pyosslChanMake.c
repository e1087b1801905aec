/*
 * pyosslChanMake.c --
 *
 *	Plaintext channels as things: how one is made, found from Tcl's channel
 *	or from the connection, and learns that its close has begun. What they
 *	do is the driver's (pyosslChan.c).
 */

#include "pyosslChan.h"

TCL_DECLARE_MUTEX(counterMutex)
static unsigned long counter = 0;	/* Guarded by counterMutex. */

/* Tcl begins to close it. */
static void
CloseBegins(
    void *clientData)
{
    PyosslChan *cPtr = clientData;

    cPtr->closing = cPtr->told = 1;
    if (cPtr->stacked && cPtr->tlsPtr->link.inst != NULL
	    && cPtr->tlsPtr->link.typePtr == &pyosslChanTransport) {
	PyosslChanTransportKeep(cPtr->tlsPtr->link.inst);
    }
}

/* PyosslChanUntold -- Tcl must not tell it of its close any more. */
void
PyosslChanUntold(
    PyosslChan *cPtr)
{
    Tcl_DeleteCloseHandler(cPtr->chan, CloseBegins, cPtr);
}

/* PyosslChanOpened -- Tcl has made the channel for it. */
void
PyosslChanOpened(
    PyosslChan *cPtr,
    Tcl_Channel chan)
{
    cPtr->chan = chan;
    /* That one stays, whatever a script takes off. */
    cPtr->tlsPtr->heldChan = PyosslSockBottom(chan);
    PyosslChanThread(cPtr);
    Tcl_CreateCloseHandler(chan, CloseBegins, cPtr);
}

/* PyosslChanMake -- the driver's instance, which holds the connection. */
PyosslChan *
PyosslChanMake(
    PyosslTls *tlsPtr,
    int stacked)
{
    PyosslChan *cPtr = (PyosslChan *) ckalloc(sizeof(PyosslChan));

    memset(cPtr, 0, sizeof(*cPtr));
    cPtr->refCount = 1;
    PyosslCount(PYOSSL_COUNT_CHANNELS, 1);
    cPtr->stacked = stacked;
    cPtr->quiet = tlsPtr->held;
    cPtr->tlsPtr = tlsPtr;
    PyosslTlsHold(tlsPtr);
    tlsPtr->chanPtr = cPtr;
    return cPtr;
}

/*
 * PyosslChanCreate --
 *	A channel of its own for a connection that has none; it holds a
 *	reference on it. It is registered in the interpreter, and by nobody
 *	else later: where it is not registered any more a script has closed it,
 *	and Tcl still sends what was written, or has passed it on. Translation
 *	as a Tcl socket's; blocking as the connection is.
 */
Tcl_Channel
PyosslChanCreate(
    PyosslTls *tlsPtr,
    Tcl_Interp *interp)
{
    PyosslChan *cPtr = PyosslChanMake(tlsPtr, 0);
    unsigned long number;
    char name[40];

    Tcl_MutexLock(&counterMutex);
    number = ++counter;
    Tcl_MutexUnlock(&counterMutex);
    snprintf(name, sizeof(name), "pyossl%lu", number);
    cPtr->chan = Tcl_CreateChannel(&pyosslChanType, name, cPtr,
	    TCL_READABLE | TCL_WRITABLE);
    PyosslChanOpened(cPtr, cPtr->chan);
    cPtr->bufferSize = (int) Tcl_GetChannelBufferSize(cPtr->chan);
    if (tlsPtr->blocking) {
	PyosslChanBuffers(cPtr, PYOSSL_BUFFER_BIG);
    }
    Tcl_SetChannelOption(NULL, cPtr->chan, "-translation", "auto crlf");
    if (!tlsPtr->blocking) {
	Tcl_SetChannelOption(NULL, cPtr->chan, "-blocking", "0");
    }
    Tcl_RegisterChannel(interp, cPtr->chan);
    PyosslChanUpdate(cPtr);
    return cPtr->chan;
}

/* PyosslChanFind -- the nearest one of ours in a stack, from the top. */
PyosslChan *
PyosslChanFind(
    Tcl_Channel chan)
{
    for (chan = Tcl_GetTopChannel(chan); chan != NULL;
	    chan = Tcl_GetStackedChannel(chan)) {
	if (Tcl_GetChannelType(chan) == &pyosslChanType) {
	    return Tcl_GetChannelInstanceData(chan);
	}
    }
    return NULL;
}

/* PyosslChanTls -- the connection under a channel, or NULL. Borrowed. */
PyosslTls *
PyosslChanTls(
    Tcl_Channel chan)
{
    PyosslChan *cPtr = PyosslChanFind(chan);

    return cPtr != NULL ? cPtr->tlsPtr : NULL;
}

/* PyosslChanChannel -- the channel of a connection, or NULL. */
Tcl_Channel
PyosslChanChannel(
    PyosslTls *tlsPtr)
{
    PyosslChan *cPtr = tlsPtr->chanPtr;

    return cPtr != NULL ? cPtr->chan : NULL;
}

/*
 * PyosslChanClose --
 *	Takes the channel away from an interpreter; the last one closes it.
 */
void
PyosslChanClose(
    PyosslTls *tlsPtr,
    Tcl_Interp *interp)
{
    Tcl_Channel chan = PyosslChanChannel(tlsPtr);

    if (chan != NULL && interp != NULL
	    && Tcl_IsChannelRegistered(interp, chan)) {
	Tcl_UnregisterChannel(interp, chan);
    }
}
