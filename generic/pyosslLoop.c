/*
 * pyosslLoop.c --
 *
 *	Waiting by way of the event loop: for a channel that nothing but its
 *	own events tells of, and for a variable.
 */

#include "pyosslInt.h"

/* Do nothing but end a wait. */
static void
WakeUp(
    void *clientData)
{
    (void) clientData;
}

static void
WakeUpReady(
    void *clientData,
    int mask)
{
    (void) clientData; (void) mask;
}

/*
 * PyosslLoopServe --
 *	No descriptor tells of a channel (a reflected one, a stack): its data
 *	come through other events, so one of them is served. The channel is
 *	watched meanwhile.
 * Arguments:
 *	driver	Through the driver alone: it lies below another one, and
 *		whoever waits here sets its interest anew later.
 *	ms	How long to wait for an event; -1: without a bound.
 */
void
PyosslLoopServe(
    Tcl_Channel chan,
    int driver,
    int mask,
    int ms)
{
    Tcl_TimerToken timer = ms > 0
	    ? Tcl_CreateTimerHandler(ms, WakeUp, NULL) : NULL;

    Tcl_RegisterChannel(NULL, chan);
    if (driver) {
	Tcl_ChannelWatchProc(Tcl_GetChannelType(chan))(
		Tcl_GetChannelInstanceData(chan), mask);
    } else {
	Tcl_CreateChannelHandler(chan, mask, WakeUpReady, chan);
    }
    Tcl_DoOneEvent(ms == 0 ? TCL_ALL_EVENTS | TCL_DONT_WAIT
	    : TCL_ALL_EVENTS);
    if (!driver) {
	Tcl_DeleteChannelHandler(chan, WakeUpReady, chan);
    }
    Tcl_UnregisterChannel(NULL, chan);
    if (timer != NULL) {
	Tcl_DeleteTimerHandler(timer);
    }
}

/* The variable was written, or is gone. */
static char *
Written(
    void *clientData,
    Tcl_Interp *interp,
    const char *name1,
    const char *name2,
    int flags)
{
    int *donePtr = clientData;

    (void) interp; (void) name1; (void) name2; (void) flags;
    *donePtr = 1;
    return NULL;
}

/*
 * [Vwait name] -- serves events until the global variable is written or unset,
 * as [vwait] does, for the harness: its commands come back from it too when an
 * event deletes the interpreter. Tcl's own never does: nobody writes the
 * variable then, and an interpreter that is deleted while it runs keeps its
 * variables. An error where the interpreter is deleted or cancelled, has come to a limit,
 * or where no event can come.
 * Source: vwait(n), Tcl_DoOneEvent(3), Tcl_InterpDeleted(3).
 */
static int
Vwait(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const char *name = Tcl_GetString(objv[1]);
    Tcl_Obj *nameObj = objv[1];
    int done = 0, found = 1, code = TCL_OK;
    int flags = TCL_GLOBAL_ONLY | TCL_TRACE_WRITES | TCL_TRACE_UNSETS;

    (void) ipPtr; (void) objc;
    if (Tcl_TraceVar2(interp, name, NULL, flags, Written, &done) != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_IncrRefCount(nameObj);
    while (!done && found && code == TCL_OK) {
	found = Tcl_DoOneEvent(TCL_ALL_EVENTS);
	if (Tcl_InterpDeleted(interp)) {
	    code = PyosslFail(interp, PYOSSL_SSL, "Error {}",
		    "the interpreter was deleted while it waited");
	} else if (Tcl_LimitExceeded(interp)) {
	    code = Tcl_LimitCheck(interp);
	} else {
	    code = Tcl_Canceled(interp, TCL_LEAVE_ERR_MSG);
	}
    }
    Tcl_UntraceVar2(interp, name, NULL, flags, Written, &done);
    Tcl_DecrRefCount(nameObj);
    if (code == TCL_OK && !found) {
	code = PyosslFail(interp, PYOSSL_SSL, "Error {}",
		"no event can come: would wait forever");
    } else if (code == TCL_OK) {
	Tcl_ResetResult(interp);
    }
    return code;
}

const PyosslFunction pyosslLoopFunctions[] = {
    {"Vwait", Vwait, 1, 1, "name", PYOSSL_INTERNAL},
    {NULL, NULL, 0, 0, NULL, 0}
};
