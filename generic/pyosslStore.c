/*
 * pyosslStore.c --
 *
 *	Class x509store: the trusted certificates of a context, or a store of
 *	its own.
 */

#include "pyosslCrypto.h"

static void
StoreFree(
    void *nativePtr)
{
    X509_STORE_free(nativePtr);
}

/* [pyossl::x509store new]: an empty store (manual 3.1, X509Store). */
static void *
StoreNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_STORE *storePtr = X509_STORE_new();

    (void) ipPtr; (void) objc; (void) objv;
    if (storePtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot make a store");
    }
    return storePtr;
}

/*
 * add_cert cert: adds a copy of a certificate (manual 3.1.4); one that is in
 * the store already is no error. A copy, since OpenSSL caches what it finds
 * out about a certificate, and other threads may use the store: what is done
 * to cert later must not reach it.
 */
static int
StoreAddCert(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509 *certPtr = PyosslX509Get(interp, PYOSSL_CRYPTO, objv[2]);
    X509 *copyPtr;
    int ok;

    (void) objc;
    if (certPtr == NULL) {
	return TCL_ERROR;
    }
    copyPtr = PyosslX509Copy(certPtr);
    if (copyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot add the certificate: it is not complete");
    }
    ok = X509_STORE_add_cert(objPtr->nativePtr, copyPtr);
    X509_free(copyPtr);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot add the certificate");
    }
    ERR_clear_error();
    return TCL_OK;
}

static const PyosslMethod storeMethods[] = {
    {"add_cert", StoreAddCert, 1, 1, "cert", 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_END_METHODS
};

const PyosslClass pyosslStoreClass = {
    "x509store", PYOSSL_ID_X509STORE, PYOSSL_CRYPTO, storeMethods, StoreFree,
    StoreNew, 0, 0, NULL, NULL, NULL, NULL, NULL
};
