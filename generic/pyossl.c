/*
 * pyossl.c --
 *
 *	The package's front door: the list of its classes and functions, and
 *	the two functions that [load] calls.
 */

#include "pyossl.h"
#include "pyosslCrypto.h"
#include "pyosslTls.h"

#ifndef PACKAGE_VERSION
#   define PACKAGE_VERSION "0.1"
#endif

static const PyosslClass *const classes[] = {
    &pyosslPkeyClass,
    &pyosslNameClass,
    &pyosslExtClass,
    &pyosslX509Class,
    &pyosslReqClass,
    &pyosslStoreClass,
    &pyosslRevokedClass,
    &pyosslCrlClass,
    &pyosslPkcs7Class,
    &pyosslPkcs12Class,
    &pyosslSpkiClass,
    &pyosslCtxClass,
    &pyosslConnClass,
    NULL
};

/* The ensemble [pyossl] over everything that the namespace exports. */
static int
MakeEnsemble(
    Tcl_Interp *interp)
{
    Tcl_Namespace *nsPtr = Tcl_FindNamespace(interp, "::pyossl", NULL,
	    TCL_GLOBAL_ONLY);

    if (nsPtr == NULL) {
	return TCL_ERROR;
    }
    Tcl_CreateEnsemble(interp, "::pyossl", nsPtr, 0);
    return TCL_OK;
}

static int
Init(
    Tcl_Interp *interp)
{
    PyosslInterp *ipPtr;
    int i;

    if (Tcl_InitStubs(interp, "8.6-", 0) == NULL) {
	return TCL_ERROR;
    }
    if (Tcl_FindNamespace(interp, "::pyossl", NULL, TCL_GLOBAL_ONLY) == NULL
	    && Tcl_CreateNamespace(interp, "::pyossl", NULL, NULL) == NULL) {
	return TCL_ERROR;
    }
    PyosslStatsInit();
    ipPtr = PyosslInterpGet(interp);
    PyosslConstRegister(ipPtr);
    for (i = 0; classes[i] != NULL; i++) {
	PyosslClassRegister(ipPtr, classes[i]);
    }
    PyosslFunctionsRegister(ipPtr, pyosslObjectFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslStatsFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslLoopFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslCryptoFunctions);
    PyosslEnsembleRegister(ipPtr, "aead", pyosslAeadFunctions);
    PyosslEnsembleRegister(ipPtr, "rand", pyosslRandFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslCtxFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslConnFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslKeepFunctions);
    PyosslFunctionsRegister(ipPtr, pyosslServerFunctions);
    return MakeEnsemble(interp);
}

/*
 * Pyossl_Init -- all commands that are written in C. Those that are scripts
 * belong to the package too, so that its index says that it is there.
 */
int
Pyossl_Init(
    Tcl_Interp *interp)
{
    return Init(interp);
}

/*
 * Pyossl_SafeInit -- the same, and the package is complete; what touches files
 * or sockets is refused by the dispatcher, row by row (PYOSSL_UNSAFE).
 */
int
Pyossl_SafeInit(
    Tcl_Interp *interp)
{
    return Init(interp) != TCL_OK ? TCL_ERROR
	    : Tcl_PkgProvideEx(interp, "pyossl", PACKAGE_VERSION, NULL);
}
