/*
 * pyosslListen.c --
 *
 *	The channel of [pyossl::socket -server] and the command that makes it;
 *	what it does is pyosslServer.c's.
 */

#include "pyosslServer.h"
#include <errno.h>

#define BACKLOG		1024

/* Leaving for another thread, or being closed. */
static void
ListenerThreadAction(
    void *inst,
    int action)
{
    if (action == TCL_CHANNEL_THREAD_REMOVE) {
	PyosslListenerStop(inst);
    }
}

static int
ListenerClose(
    void *inst,
    Tcl_Interp *interp)
{
    (void) interp;
    PyosslListenerStop(inst);
    PyosslListenerRelease(inst);
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
    PyosslListener *listenerPtr = inst;

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
    PyosslListener *listenerPtr = inst;
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
    PyosslListener *listenerPtr;
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
    PyosslListener *listenerPtr,
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

	if (PyosslGetIndex(interp, objv[i], options, sizeof(char *),
		"option", 0, &index) != TCL_OK) {
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
    PyosslListener *listenerPtr;
    const char *myAddr = NULL, *what = NULL;
    char name[40], port[PYOSSL_PORT_SIZE];
    int reusePort = 0, code;

    if (ctxPtr == NULL
	    || PyosslConnGetPort(interp, objv[3], port) != TCL_OK) {
	return TCL_ERROR;
    }
    listenerPtr = (PyosslListener *) ckalloc(sizeof(PyosslListener));
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
	PyosslListenerStop(listenerPtr);
	PyosslListenerRelease(listenerPtr);
	return TCL_ERROR;
    }
    Tcl_MutexLock(&counterMutex);
    snprintf(name, sizeof(name), "pyosslserver%lu", ++counter);
    Tcl_MutexUnlock(&counterMutex);
    listenerPtr->chan = Tcl_CreateChannel(&listenerType, name, listenerPtr, 0);
    Tcl_RegisterChannel(interp, listenerPtr->chan);
    PyosslListenerInterest(listenerPtr);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(name, -1));
    return TCL_OK;
}

const PyosslFunction pyosslServerFunctions[] = {
    {"Listen", Listen, 3, -1, "command ctx port ?-option value ...?",
	    PYOSSL_UNSAFE | PYOSSL_INTERNAL},
    {NULL, NULL, 0, 0, NULL, 0}
};
