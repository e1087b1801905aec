/*
 * pyosslChan.h --
 *
 *	Between the files of the plaintext channel: pyosslChanEvent.c (what to
 *	wait for), pyosslChanMake.c (its making), pyosslChan.c (the driver) and
 *	pyosslChanStack.c (covering and uncovering a channel).
 */

#ifndef PYOSSL_CHAN_H
#define PYOSSL_CHAN_H

#include "pyosslTls.h"

typedef struct PyosslChan {
    Tcl_Channel chan;		/* NULL once closed. */
    PyosslTls *tlsPtr;		/* One reference. */
    int refCount;		/* The driver, and each event under way. */
    int stacked;
    int interest;		/* What Tcl wants to be told of. */
    int told;			/* CloseBegins was called. */
    int closing;		/* Tcl_Close has begun. */
    int finWanted;		/* Half close: close_notify is still to go. */
    int endTold;		/* The next read is an end of file, though the
				 * connection has failed (ChanTellEnd). */
    int quiet;			/* unimport works on it: no events. */
    int leaving;		/* And what comes is its own to read. */
    int tclTimer;		/* Tcl may have set a timer that keeps the
				 * channel's address. */
    Tcl_TimerToken timer;	/* Something is ready without an event. */
    Tcl_TimerToken deadline;	/* The handshake's bound. */
    Tcl_TimerToken aloneTimer;	/* To look whether anybody has it. */
    int had;			/* Somebody has had it. */
    int abandoned;		/* Nobody has: it is being closed for that. */
    int bufferSize;		/* That we have set for Tcl's buffers; another
				 * one is the script's own. */
    int bulk;			/* Big pieces went through lately. */
    int run;			/* Bytes read since a read found less than it
				 * had room for. */
    int reads;			/* While it was not warm; see ChanWarm. */
    int warm;			/* It keeps its buffers. */
    int asked;			/* Written since the last read: an answer is
				 * on its way. */
    char *collected;		/* Output not encrypted yet (ChanCollect). */
    int collectedLength;
    struct PyosslChan *nextCollector;
    struct PyosslChan *prevPtr, *nextPtr;	/* Of the thread's channels. */
    int listed;
    Tcl_Channel held;		/* Not NULL: Tcl writes it just now. */
    Tcl_TimerToken late;	/* It was closed meanwhile: to be done. */
} PyosslChan;

MODULE_SCOPE const Tcl_ChannelType pyosslChanType;
MODULE_SCOPE PyosslChan *PyosslChanMake(PyosslTls *tlsPtr, int stacked);
MODULE_SCOPE PyosslChan *PyosslChanFind(Tcl_Channel chan);
MODULE_SCOPE void	PyosslChanHold(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanRelease(PyosslChan *cPtr);
MODULE_SCOPE int	PyosslChanReady(PyosslChan *cPtr, int mask);
MODULE_SCOPE void	PyosslChanUpdate(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanSettle(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanQuiet(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanLookAlone(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanNoTimers(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanTclTimer(PyosslChan *cPtr,
			    Tcl_Interp *interp, Tcl_Channel chan);
MODULE_SCOPE void	PyosslChanPopped(PyosslChan *cPtr, Tcl_Interp *interp,
			    Tcl_Channel chan, const Tcl_DString *dataPtr);
MODULE_SCOPE void	PyosslChanSendFin(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanOpened(PyosslChan *cPtr, Tcl_Channel chan);
MODULE_SCOPE void	PyosslChanUntold(PyosslChan *cPtr);
MODULE_SCOPE PyosslSock *PyosslChanAwait(PyosslChan *cPtr);
MODULE_SCOPE int	PyosslChanAtEof(const PyosslTls *tlsPtr);
/* The sizes of Tcl's buffers, and what is collected (pyosslChanBuffer.c). */
#define PYOSSL_BUFFER_SMALL	4096	/* Tcl's default. */
#define PYOSSL_BUFFER_BIG	(64 * 1024)
typedef int (PyosslChanSendProc)(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanBuffers(PyosslChan *cPtr, int size);
MODULE_SCOPE void	PyosslChanIdle(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanWarm(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanThread(PyosslChan *cPtr);
MODULE_SCOPE void	PyosslChanThreadLeave(PyosslChan *cPtr);
MODULE_SCOPE int	PyosslChanThreadEnds(void);
MODULE_SCOPE int	PyosslChanIsClosed(Tcl_Channel chan);
MODULE_SCOPE int	PyosslChanLastWait(PyosslChan *cPtr,
			    PyosslTlsResult result);
MODULE_SCOPE int	PyosslChanRoom(const PyosslChan *cPtr, int size);
MODULE_SCOPE int	PyosslChanReadMore(PyosslTls *tlsPtr, PyosslOp *opPtr,
			    char *buf, int got, int size);
MODULE_SCOPE int	PyosslChanCollect(PyosslChan *cPtr, const char *buf,
			    int size, PyosslChanSendProc *sendProc);
MODULE_SCOPE void	PyosslChanDropCollected(PyosslChan *cPtr);

#endif /* PYOSSL_CHAN_H */
