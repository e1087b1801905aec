/*
 * pyosslVwait.c --
 *
 *	Waiting for a variable as [vwait] does, for the harness: its commands
 *	come back from it too when an event deletes the interpreter. Tcl's own
 *	never does: nobody writes the variable then, and an interpreter that is
 *	deleted while it runs keeps its variables.
 */

#include "pyosslInt.h"

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
 * [Vwait name] -- serves events until the global variable is written or unset.
 * An error where the interpreter is deleted or cancelled, has come to a limit,
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

const PyosslFunction pyosslVwaitFunctions[] = {
    {"Vwait", Vwait, 1, 1, "name", PYOSSL_INTERNAL},
    {NULL, NULL, 0, 0, NULL, 0}
};
