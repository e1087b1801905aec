/*
 * pyossl.h --
 *
 *	The package's only exported functions: what Tcl's [load] calls.
 */

#ifndef PYOSSL_H
#define PYOSSL_H

#include <tcl.h>

DLLEXPORT int	Pyossl_Init(Tcl_Interp *interp);
DLLEXPORT int	Pyossl_SafeInit(Tcl_Interp *interp);

#endif /* PYOSSL_H */
