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

/*
 * add_crl crl: adds a copy of a signed revocation list. It is looked at once
 * set_flags asks for that.
 */
static int
StoreAddCrl(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_CRL *crlPtr = PyosslNativeGet(interp, PYOSSL_CRYPTO, objv[2],
	    &pyosslCrlClass);
    X509_CRL *copyPtr;
    int ok;

    (void) objc;
    if (crlPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    copyPtr = X509_CRL_dup(crlPtr);
    if (copyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot add the CRL: it was not signed; load what export gives");
    }
    ok = X509_STORE_add_crl(objPtr->nativePtr, copyPtr);
    X509_CRL_free(copyPtr);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot add the CRL");
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * set_flags {flag ...}: adds to what is checked beyond the usual. The names
 * are those of X509_VERIFY_PARAM_set_flags(3) without X509_V_FLAG_.
 */
static int
StoreSetFlags(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const struct {
	const char *name;
	unsigned long flag;
    } flags[] = {
	{"CRL_CHECK", X509_V_FLAG_CRL_CHECK},
	{"CRL_CHECK_ALL", X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL},
	{"PARTIAL_CHAIN", X509_V_FLAG_PARTIAL_CHAIN},
	{"X509_STRICT", X509_V_FLAG_X509_STRICT},
	{NULL, 0}
    };
    unsigned long mask = 0;
    Tcl_Obj **words;
    Tcl_Size i, count;
    int j;

    (void) objc;
    if (Tcl_ListObjGetElements(NULL, objv[2], &count, &words) != TCL_OK) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "TypeError",
		"the flags must be a list of names");
    }
    for (i = 0; i < count; i++) {
	for (j = 0; flags[j].name != NULL
		&& strcmp(flags[j].name, Tcl_GetString(words[i])) != 0; j++) {
	    /* Look on. */
	}
	if (flags[j].name == NULL) {
	    return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "a flag must be CRL_CHECK, CRL_CHECK_ALL, PARTIAL_CHAIN "
		    "or X509_STRICT, not \"%.60s\"", Tcl_GetString(words[i]));
	}
	mask |= flags[j].flag;
    }
    ERR_clear_error();
    if (mask != 0 && !X509_STORE_set_flags(objPtr->nativePtr, mask)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot set the flags");
    }
    return TCL_OK;
}

static const PyosslMethod storeMethods[] = {
    {"add_cert", StoreAddCert, 1, 1, "cert", 0},
    {"add_crl", StoreAddCrl, 1, 1, "crl", 0},
    PYOSSL_DESTROY_METHOD,
    {"set_flags", StoreSetFlags, 1, 1, "flags", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslStoreClass = {
    "x509store", PYOSSL_ID_X509STORE, PYOSSL_CRYPTO, storeMethods, StoreFree,
    StoreNew, 0, 0, NULL, NULL, NULL, NULL, NULL
};
