/*
 * pyosslServer.h --
 *
 *	What a listening channel (pyosslListen.c) and its work (pyosslServer.c)
 *	share, and nobody else needs.
 */

#ifndef _PYOSSLSERVER
#define _PYOSSLSERVER

#include "pyosslConn.h"

typedef struct PyosslListener PyosslListener;
typedef struct PyosslPending PyosslPending;

/*
 * Serves in the thread that made it. A channel that goes to another thread
 * leaves all this behind, and is closed but for its name.
 */
struct PyosslListener {
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
    PyosslPending *firstPtr, *lastPtr;
    int pendingCount;
    int interested;		/* The listening sockets are watched. */
    Tcl_TimerToken timer;	/* Of the first Pending's deadline. */
    Tcl_TimerToken pause;	/* Out of descriptors. */
    Tcl_WideInt accepted, completed, failed, timedOut;
};

MODULE_SCOPE void	PyosslListenerRelease(PyosslListener *listenerPtr);
MODULE_SCOPE void	PyosslListenerInterest(PyosslListener *listenerPtr);
MODULE_SCOPE void	PyosslListenerStop(PyosslListener *listenerPtr);

#endif /* _PYOSSLSERVER */
