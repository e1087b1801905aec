/*
 * pyosslPkey.c --
 *
 *	Class pkey: RSA, DSA, EC and the Edwards and Montgomery curves' keys.
 *	Knows nothing of files and passphrases (pyosslCrypto.c).
 */

#include "pyosslCrypto.h"

static void
PkeyFree(
    void *nativePtr)
{
    PyosslPkey *keyPtr = nativePtr;

    EVP_PKEY_free(keyPtr->pkeyPtr);
    ckfree((char *) keyPtr);
}

/* [pyossl::pkey new]: a key object without a key (manual 3.1, PKey). */
static void *
PkeyNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkey *keyPtr = (PyosslPkey *) ckalloc(sizeof(PyosslPkey));

    (void) ipPtr; (void) interp; (void) objc; (void) objv;
    keyPtr->pkeyPtr = NULL;
    keyPtr->onlyPublic = 0;
    return keyPtr;
}

/* bits: the number of bits of the key (manual 3.1.5); 0 without a key. */
static int
PkeyBits(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkey *keyPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    keyPtr->pkeyPtr ? EVP_PKEY_get_bits(keyPtr->pkeyPtr) : 0));
    return TCL_OK;
}

static const PyosslMethod pkeyMethods[] = {
    {"bits", PkeyBits, 0, 0, NULL, 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_END_METHODS
};

const PyosslClass pyosslPkeyClass = {
    "pkey", PYOSSL_ID_PKEY, PYOSSL_CRYPTO, pkeyMethods, PkeyFree,
    PkeyNew, 0, 0, NULL, NULL, NULL, NULL, NULL
};
