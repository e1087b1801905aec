/*
 * pyosslPkcs7.c --
 *
 *	Class pkcs7: what kind of PKCS#7 data there is. There is no [new]: they
 *	are only loaded.
 */

#include "pyosslCrypto.h"

static void
Pkcs7Free(
    void *nativePtr)
{
    PKCS7_free(nativePtr);
}

static void *
Pkcs7Dup(
    void *nativePtr)
{
    ERR_clear_error();
    return PKCS7_dup(nativePtr);
}

/* Leaves 1 or 0 as the result: is that the kind of data? */
static int
TypeIs(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int nid)
{
    const PKCS7 *p7Ptr = objPtr->nativePtr;

    Tcl_SetObjResult(interp, Tcl_NewIntObj(OBJ_obj2nid(p7Ptr->type) == nid));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Methods (manual 3.1.6)
 * ---------------------------------------------------------------------
 */

/* type_is_signed: 1 for signed data. */
static int
Pkcs7TypeIsSigned(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return TypeIs(objPtr, interp, NID_pkcs7_signed);
}

/* type_is_enveloped: 1 for data under the keys of its receivers. */
static int
Pkcs7TypeIsEnveloped(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return TypeIs(objPtr, interp, NID_pkcs7_enveloped);
}

/* type_is_signedAndEnveloped: 1 for both in one. */
static int
Pkcs7TypeIsSignedAndEnveloped(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return TypeIs(objPtr, interp, NID_pkcs7_signedAndEnveloped);
}

/* type_is_data: 1 for data as it is. */
static int
Pkcs7TypeIsData(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return TypeIs(objPtr, interp, NID_pkcs7_data);
}

/* get_type_name: OpenSSL's short name, "pkcs7-signedData"; UNDEF without. */
static int
Pkcs7GetTypeName(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const PKCS7 *p7Ptr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewStringObj(
	    OBJ_nid2sn(OBJ_obj2nid(p7Ptr->type)), -1));
    return TCL_OK;
}

/* load_pkcs7_data type buffer (manual 3.1): a new pkcs7. */
int
PyosslPkcs7Load(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char *const labels[] = {
	PEM_STRING_PKCS7, PEM_STRING_PKCS7_SIGNED, PEM_STRING_X509, NULL
    };
    PKCS7 *p7Ptr;
    int type;

    (void) objc;
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 0, &type)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    p7Ptr = PyosslItemLoad(interp, PYOSSL_CRYPTO, type, objv[2],
	    "PKCS#7 data", labels, ASN1_ITEM_rptr(PKCS7));
    if (p7Ptr == NULL) {
	return TCL_ERROR;
    }
    return PyosslObjectReturn(ipPtr, &pyosslPkcs7Class, p7Ptr);
}

static const PyosslMethod pkcs7Methods[] = {
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"get_type_name", Pkcs7GetTypeName, 0, 0, NULL, 0},
    {"type_is_data", Pkcs7TypeIsData, 0, 0, NULL, 0},
    {"type_is_enveloped", Pkcs7TypeIsEnveloped, 0, 0, NULL, 0},
    {"type_is_signed", Pkcs7TypeIsSigned, 0, 0, NULL, 0},
    {"type_is_signedAndEnveloped", Pkcs7TypeIsSignedAndEnveloped, 0, 0, NULL,
	0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslPkcs7Class = {
    "pkcs7", PYOSSL_ID_PKCS7, PYOSSL_CRYPTO, pkcs7Methods, Pkcs7Free,
    NULL, 0, 0, NULL, Pkcs7Dup, NULL, NULL, NULL
};
