/*
 * cputime.c --
 *
 *	A Tcl command for the subjects of the benchmark: the processor time in
 *	seconds that all threads of this process have used so far. Tcl itself
 *	has none.
 */

#include <sys/resource.h>
#include <tcl.h>

static int
CpuTime(ClientData clientData, Tcl_Interp *interp, int objc,
	Tcl_Obj *const objv[])
{
    struct rusage u;

    (void) clientData; (void) objc; (void) objv;
    getrusage(RUSAGE_SELF, &u);
    Tcl_SetObjResult(interp, Tcl_NewDoubleObj(u.ru_utime.tv_sec
	    + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec)
	    / 1e6));
    return TCL_OK;
}

DLLEXPORT int
Cputime_Init(Tcl_Interp *interp)
{
    if (Tcl_InitStubs(interp, "8.6-", 0) == NULL) {
	return TCL_ERROR;
    }
    Tcl_CreateObjCommand(interp, "cputime", CpuTime, NULL, NULL);
    return TCL_OK;
}
