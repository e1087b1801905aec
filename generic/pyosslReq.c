/*
 * pyosslReq.c --
 *
 *	Class x509req: certificate requests (PKCS#10), made, signed, verified,
 *	loaded and dumped.
 *
 *	As with certificates, a fresh request has no encoding until it has a
 *	public key and a signature, and what needs one is an Error.
 */

#include "pyosslCrypto.h"
#include <limits.h>

static void
ReqFree(
    void *nativePtr)
{
    X509_REQ_free(nativePtr);
}

static void *
ReqDup(
    void *nativePtr)
{
    ERR_clear_error();
    return X509_REQ_dup(nativePtr);
}

/* [pyossl::x509req new]: an empty request (manual 3.1, X509Req). */
static void *
ReqNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_REQ *reqPtr;

    (void) ipPtr; (void) objc; (void) objv;
    ERR_clear_error();
    reqPtr = X509_REQ_new();
    /* OpenSSL's own default is no number at all, which reads as -1. */
    if (reqPtr == NULL || !X509_REQ_set_version(reqPtr,
	    X509_REQ_VERSION_1)) {
	X509_REQ_free(reqPtr);
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot make a request");
	return NULL;
    }
    return reqPtr;
}

/*
 * After every change: has the encoding made anew. A request that was loaded
 * would otherwise be dumped as it was loaded, see i2d_re_X509_REQ_tbs(3).
 */
static int
Changed(
    X509_REQ *reqPtr)
{
    i2d_re_X509_REQ_tbs(reqPtr, NULL);
    /* A request that is not complete yet has none. */
    ERR_clear_error();
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Methods (manual 3.1.3)
 * ---------------------------------------------------------------------
 */

/* get_pubkey: a new pkey with the public key; an Error where there is none. */
static int
ReqGetPubkey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr;

    (void) objc; (void) objv;
    ERR_clear_error();
    pkeyPtr = X509_REQ_get_pubkey(objPtr->nativePtr);
    if (pkeyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the request has no public key that can be read");
    }
    ERR_clear_error();
    return PyosslPkeyReturn(objPtr->ipPtr, pkeyPtr, 1);
}

/* set_pubkey pkey: takes the public half of a key. */
static int
ReqSetPubkey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr = PyosslPkeyGet(interp, PYOSSL_CRYPTO, objv[2], 0);

    (void) objc;
    if (pkeyPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!X509_REQ_set_pubkey(objPtr->nativePtr, pkeyPtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the public key");
    }
    return Changed(objPtr->nativePtr);
}

/* get_subject: a live view of the subject's name. */
static int
ReqGetSubject(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) interp; (void) objc; (void) objv;
    return PyosslNameReturnReq(objPtr->ipPtr, objPtr);
}

/* get_version: as encoded, 0 is what RFC 2986 calls version 1. */
static int
ReqGetVersion(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    X509_REQ_get_version(objPtr->nativePtr)));
    return TCL_OK;
}

/* set_version version: any integer from 0 on, as in the manual's library. */
static int
ReqSetVersion(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int version;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_CRYPTO, "the version", objv[2], 0,
	    INT_MAX, &version) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!X509_REQ_set_version(objPtr->nativePtr, version)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the version");
    }
    return Changed(objPtr->nativePtr);
}

/* sign pkey digest: signs the request with a private key. */
static int
ReqSign(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr;
    const EVP_MD *mdPtr;
    int hasKey;

    (void) objc;
    if (PyosslPkeySignArgs(interp, PYOSSL_CRYPTO, objv[2], objv[3], &pkeyPtr,
	    &mdPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    hasKey = X509_REQ_get0_pubkey(objPtr->nativePtr) != NULL;
    ERR_clear_error();
    if (!X509_REQ_sign(objPtr->nativePtr, pkeyPtr, mdPtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, hasKey
		? "cannot sign the request" : "cannot sign the request, "
		"which has no public key: call set_pubkey first");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* verify pkey: 1 if the signature is that key's, else an Error. */
static int
ReqVerify(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr = PyosslPkeyVerifier(interp, objv[2]);

    (void) objc;
    if (pkeyPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (X509_REQ_verify(objPtr->nativePtr, pkeyPtr) <= 0) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the request's signature does not verify with this key");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, Tcl_NewIntObj(1));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Extensions: all of them are in one attribute of the request.
 * ---------------------------------------------------------------------
 */

/* The place of that attribute, under its own number or Microsoft's; or -1. */
static int
ExtensionsIndex(
    const X509_REQ *reqPtr)
{
    int index = X509_REQ_get_attr_by_NID(reqPtr, NID_ext_req, -1);

    return index >= 0 ? index
	    : X509_REQ_get_attr_by_NID(reqPtr, NID_ms_ext_req, -1);
}

/*
 * Puts a list of extensions in the place of the one that is there. On
 * failure the request is as it was.
 */
static int
ExtensionsReplace(
    X509_REQ *reqPtr,
    STACK_OF(X509_EXTENSION) *stackPtr)
{
    int index = ExtensionsIndex(reqPtr), ok;
    X509_ATTRIBUTE *oldPtr = NULL;

    if (index >= 0) {
	oldPtr = X509_REQ_delete_attr(reqPtr, index);
    }
    ok = X509_REQ_add_extensions(reqPtr, stackPtr);
    if (!ok && oldPtr != NULL) {
	X509_REQ_add1_attr(reqPtr, oldPtr);
    }
    X509_ATTRIBUTE_free(oldPtr);
    return ok;
}

/*
 * add_extensions extensions: appends copies of all of them, or none. A
 * second attribute of the kind would be no use: whoever reads the request
 * looks at the first, see X509_REQ_get_extensions(3).
 */
static int
ReqAddExtensions(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    STACK_OF(X509_EXTENSION) *newPtr = PyosslExtGetList(interp,
	    PYOSSL_CRYPTO, objv[2]);
    STACK_OF(X509_EXTENSION) *allPtr;
    int i, count, ok;

    (void) objc;
    if (newPtr == NULL) {
	return TCL_ERROR;
    }
    count = sk_X509_EXTENSION_num(newPtr);
    ERR_clear_error();
    allPtr = X509_REQ_get_extensions(objPtr->nativePtr);
    ok = allPtr != NULL;
    for (i = 0; ok && i < count; i++) {
	X509_EXTENSION *copyPtr = X509_EXTENSION_dup(
		sk_X509_EXTENSION_value(newPtr, i));

	ok = copyPtr != NULL && sk_X509_EXTENSION_push(allPtr, copyPtr) > 0;
	if (!ok) {
	    X509_EXTENSION_free(copyPtr);
	}
    }
    if (ok && count > 0) {
	ok = ExtensionsReplace(objPtr->nativePtr, allPtr);
    }
    sk_X509_EXTENSION_free(newPtr);
    sk_X509_EXTENSION_pop_free(allPtr, X509_EXTENSION_free);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot add the extensions");
    }
    return Changed(objPtr->nativePtr);
}

/* get_extensions: a list of new x509ext; an addition to the manual. */
static int
ReqGetExtensions(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    STACK_OF(X509_EXTENSION) *stackPtr;
    X509_EXTENSION *extPtr;
    PyosslObject *extObjPtr;
    Tcl_Obj *listObj;

    (void) objc; (void) objv;
    ERR_clear_error();
    stackPtr = X509_REQ_get_extensions(objPtr->nativePtr);
    if (stackPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot read the request's extensions");
    }
    ERR_clear_error();
    listObj = Tcl_NewListObj(0, NULL);
    while ((extPtr = sk_X509_EXTENSION_shift(stackPtr)) != NULL) {
	extObjPtr = PyosslObjectNew(objPtr->ipPtr, &pyosslExtClass, extPtr);
	if (extObjPtr != NULL) {
	    Tcl_ListObjAppendElement(NULL, listObj,
		    PyosslObjectName(extObjPtr));
	}
    }
    sk_X509_EXTENSION_free(stackPtr);
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Functions
 * ---------------------------------------------------------------------
 */

/* load_certificate_request type buffer (manual 3.1): a new x509req. */
int
PyosslReqLoad(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char *const labels[] = {
	PEM_STRING_X509_REQ, PEM_STRING_X509_REQ_OLD, NULL
    };
    X509_REQ *reqPtr;
    int type;

    (void) objc;
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 0, &type)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    reqPtr = PyosslItemLoad(interp, PYOSSL_CRYPTO, type, objv[2],
	    "certificate request", labels, ASN1_ITEM_rptr(X509_REQ));
    if (reqPtr == NULL) {
	return TCL_ERROR;
    }
    return PyosslObjectReturn(ipPtr, &pyosslReqClass, reqPtr);
}

/*
 * dump_certificate_request type req (manual 3.1): its bytes; FILETYPE_TEXT
 * is what "openssl req -noout -text" prints.
 */
int
PyosslReqDump(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_REQ *reqPtr;
    BIO *bioPtr;
    int type;

    (void) ipPtr; (void) objc;
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 1, &type)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    reqPtr = PyosslNativeGet(interp, PYOSSL_CRYPTO, objv[2], &pyosslReqClass);
    if (reqPtr == NULL) {
	return TCL_ERROR;
    }
    if (type != PYOSSL_FILETYPE_TEXT) {
	return PyosslItemDump(interp, PYOSSL_CRYPTO, type,
		"certificate request", PEM_STRING_X509_REQ,
		ASN1_ITEM_rptr(X509_REQ), reqPtr);
    }
    ERR_clear_error();
    bioPtr = BIO_new(BIO_s_mem());
    if (bioPtr == NULL || !X509_REQ_print_ex(bioPtr, reqPtr, XN_FLAG_ONELINE,
	    0)) {
	BIO_free(bioPtr);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot print the certificate request");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, PyosslBioObj(bioPtr));
    return TCL_OK;
}

static const PyosslMethod reqMethods[] = {
    {"add_extensions", ReqAddExtensions, 1, 1, "extensions", 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"get_extensions", ReqGetExtensions, 0, 0, NULL, 0},
    {"get_pubkey", ReqGetPubkey, 0, 0, NULL, 0},
    {"get_subject", ReqGetSubject, 0, 0, NULL, 0},
    {"get_version", ReqGetVersion, 0, 0, NULL, 0},
    {"set_pubkey", ReqSetPubkey, 1, 1, "pkey", 0},
    {"set_version", ReqSetVersion, 1, 1, "version", 0},
    {"sign", ReqSign, 2, 2, "pkey digest", 0},
    {"verify", ReqVerify, 1, 1, "pkey", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslReqClass = {
    "x509req", PYOSSL_ID_X509REQ, PYOSSL_CRYPTO, reqMethods, ReqFree,
    ReqNew, 0, 0, NULL, ReqDup, NULL, NULL, NULL
};
