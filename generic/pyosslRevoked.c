/*
 * pyosslRevoked.c --
 *
 *	Class revoked: one entry of a CRL, that is a serial number, a date and
 *	perhaps a reason. Knows nothing of the CRL (pyosslCrl.c).
 */

#include "pyosslCrypto.h"
#include <ctype.h>

/*
 * More hexadecimal digits than these are no serial number: RFC 5280 allows
 * forty, and OpenSSL's conversion takes quadratic time.
 */
#define MAX_DIGITS	20000

/*
 * The reasons that can be set: the manual's library's, then what RFC 5280
 * has added to them. removeFromCRL is not one, since it belongs into delta
 * CRLs only; it is read like the others.
 */
static const struct {
    int code;			/* CRLReason of RFC 5280, 5.3.1. */
    const char *name;
} reasons[] = {
    {CRL_REASON_UNSPECIFIED, "unspecified"},
    {CRL_REASON_KEY_COMPROMISE, "keyCompromise"},
    {CRL_REASON_CA_COMPROMISE, "CACompromise"},
    {CRL_REASON_AFFILIATION_CHANGED, "affiliationChanged"},
    {CRL_REASON_SUPERSEDED, "superseded"},
    {CRL_REASON_CESSATION_OF_OPERATION, "cessationOfOperation"},
    {CRL_REASON_CERTIFICATE_HOLD, "certificateHold"},
    {CRL_REASON_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn"},
    {CRL_REASON_AA_COMPROMISE, "AACompromise"},
    {-1, NULL}
};

static void
RevokedFree(
    void *nativePtr)
{
    X509_REVOKED_free(nativePtr);
}

/*
 * PyosslRevokedCopy --
 *	A copy of an entry. Made field by field: an entry without a date has
 *	no encoding by which X509_REVOKED_dup could copy it.
 * Results:
 *	A new entry, the caller's; NULL with the reason on OpenSSL's queue.
 */
X509_REVOKED *
PyosslRevokedCopy(
    const X509_REVOKED *revokedPtr)
{
    X509_REVOKED *copyPtr = X509_REVOKED_new();
    const ASN1_TIME *datePtr = X509_REVOKED_get0_revocationDate(revokedPtr);
    /* OpenSSL only reads it, though it does not say so. */
    ASN1_INTEGER *serialPtr = (ASN1_INTEGER *)
	    X509_REVOKED_get0_serialNumber(revokedPtr);
    int i, ok;

    ok = copyPtr != NULL && X509_REVOKED_set_serialNumber(copyPtr, serialPtr)
	    && (ASN1_STRING_length(datePtr) == 0
	    || X509_REVOKED_set_revocationDate(copyPtr, (ASN1_TIME *) datePtr));
    for (i = 0; ok && i < X509_REVOKED_get_ext_count(revokedPtr); i++) {
	ok = X509_REVOKED_add_ext(copyPtr,
		X509_REVOKED_get_ext(revokedPtr, i), -1);
    }
    if (!ok) {
	X509_REVOKED_free(copyPtr);
	return NULL;
    }
    return copyPtr;
}

static void *
RevokedDup(
    void *nativePtr)
{
    ERR_clear_error();
    return PyosslRevokedCopy(nativePtr);
}

/* [pyossl::revoked new]: serial number 0, no date, no reason (manual 3.1). */
static void *
RevokedNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_REVOKED *revokedPtr;

    (void) ipPtr; (void) objc; (void) objv;
    ERR_clear_error();
    revokedPtr = X509_REVOKED_new();
    if (revokedPtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot make a revocation");
    }
    return revokedPtr;
}

/*
 * ---------------------------------------------------------------------
 * Reasons (manual 3.1.11)
 * ---------------------------------------------------------------------
 */

/* Whether two words are the same, spaces and case ignored. */
static int
SameReason(
    const char *a,
    const char *b)
{
    for (;; a++, b++) {
	a += strspn(a, " ");
	b += strspn(b, " ");
	if (tolower((unsigned char) *a) != tolower((unsigned char) *b)) {
	    return 0;
	}
	if (*a == '\0') {
	    return 1;
	}
    }
}

/* all_reasons: the list of those that set_reason takes. */
static int
RevokedAllReasons(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int i;

    (void) objPtr; (void) objc; (void) objv;
    for (i = 0; reasons[i].name != NULL; i++) {
	Tcl_ListObjAppendElement(NULL, listObj,
		Tcl_NewStringObj(reasons[i].name, -1));
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/*
 * get_reason: as OpenSSL prints it ("Key Compromise"); empty where there is
 * none; the bytes in hexadecimal where it is no reason code.
 */
static int
RevokedGetReason(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int index = X509_REVOKED_get_ext_by_NID(objPtr->nativePtr,
	    NID_crl_reason, -1);
    X509_EXTENSION *extPtr;
    BIO *bioPtr;

    (void) objc; (void) objv;
    if (index < 0) {
	return TCL_OK;
    }
    extPtr = X509_REVOKED_get_ext(objPtr->nativePtr, index);
    ERR_clear_error();
    bioPtr = BIO_new(BIO_s_mem());
    if (bioPtr != NULL && X509V3_EXT_print(bioPtr, extPtr, 0, 0)) {
	Tcl_SetObjResult(interp, PyosslBioObj(bioPtr));
    } else {
	const ASN1_OCTET_STRING *dataPtr = X509_EXTENSION_get_data(extPtr);

	BIO_free(bioPtr);
	Tcl_SetObjResult(interp, PyosslColonHexObj(
		ASN1_STRING_get0_data(dataPtr), ASN1_STRING_length(dataPtr)));
    }
    ERR_clear_error();
    return TCL_OK;
}

/* set_reason reason: one of all_reasons; the empty string removes it. */
static int
RevokedSetReason(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_REVOKED *revokedPtr = objPtr->nativePtr;
    const char *word = Tcl_GetString(objv[2]);
    ASN1_ENUMERATED *codePtr;
    int i, ok;

    (void) objc;
    ERR_clear_error();
    if (word[0] == '\0') {
	while ((i = X509_REVOKED_get_ext_by_NID(revokedPtr, NID_crl_reason,
		-1)) >= 0) {
	    X509_EXTENSION_free(X509_REVOKED_delete_ext(revokedPtr, i));
	}
	return TCL_OK;
    }
    for (i = 0; reasons[i].name != NULL
	    && !SameReason(reasons[i].name, word); i++) {
	/* Empty body. */
    }
    if (reasons[i].name == NULL) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"bad reason \"%.40s\": must be one of all_reasons, or empty",
		word);
    }
    codePtr = ASN1_ENUMERATED_new();
    ok = codePtr != NULL && ASN1_ENUMERATED_set(codePtr, reasons[i].code)
	    && X509_REVOKED_add1_ext_i2d(revokedPtr, NID_crl_reason, codePtr,
	    0, X509V3_ADD_REPLACE) > 0;
    ASN1_ENUMERATED_free(codePtr);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot set the reason");
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Date and serial number
 * ---------------------------------------------------------------------
 */

/* get_rev_date: YYYYMMDDhhmmssZ; empty where it is not set. */
static int
RevokedGetRevDate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslTimeObj(
	    X509_REVOKED_get0_revocationDate(objPtr->nativePtr)));
    return TCL_OK;
}

/* set_rev_date date: a ValueError for what is no time. */
static int
RevokedSetRevDate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    ASN1_TIME *timePtr;
    int ok;

    (void) objc;
    if (PyosslGetTime(interp, PYOSSL_CRYPTO, "the revocation date", objv[2],
	    &timePtr) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    ok = X509_REVOKED_set_revocationDate(objPtr->nativePtr, timePtr);
    ASN1_TIME_free(timePtr);
    return ok ? TCL_OK : PyosslFailQueue(interp, PYOSSL_CRYPTO,
	    "cannot set the revocation date");
}

/* get_serial: the serial number as pairs of upper-case hexadecimal digits. */
static int
RevokedGetSerial(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const ASN1_INTEGER *serialPtr =
	    X509_REVOKED_get0_serialNumber(objPtr->nativePtr);
    const unsigned char *bytes = ASN1_STRING_get0_data(serialPtr);
    int i, length = ASN1_STRING_length(serialPtr);
    Tcl_Obj *hexObj = Tcl_NewObj();

    (void) objc; (void) objv;
    if (ASN1_STRING_type(serialPtr) & V_ASN1_NEG) {
	Tcl_AppendToObj(hexObj, "-", 1);
    }
    if (length == 0) {
	Tcl_AppendToObj(hexObj, "00", 2);
    }
    for (i = 0; i < length; i++) {
	Tcl_AppendPrintfToObj(hexObj, "%02X", bytes[i]);
    }
    Tcl_SetObjResult(interp, hexObj);
    return TCL_OK;
}

/*
 * set_serial serial: hexadecimal digits and nothing else. BN_hex2bn itself
 * would stop at the first other character and take what was before it.
 */
static int
RevokedSetSerial(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Size length;
    const char *hex = Tcl_GetStringFromObj(objv[2], &length);
    ASN1_INTEGER *serialPtr = NULL;
    BIGNUM *bnPtr = NULL;
    int ok;

    (void) objc;
    if (length == 0 || (Tcl_Size) strspn(hex, "0123456789abcdefABCDEF")
	    != length) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"bad hex string: \"%.60s\"", hex);
    }
    if (length > MAX_DIGITS) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the serial number has more than %d digits", MAX_DIGITS);
    }
    ERR_clear_error();
    ok = BN_hex2bn(&bnPtr, hex)
	    && (serialPtr = BN_to_ASN1_INTEGER(bnPtr, NULL)) != NULL
	    && X509_REVOKED_set_serialNumber(objPtr->nativePtr, serialPtr);
    ASN1_INTEGER_free(serialPtr);
    BN_free(bnPtr);
    return ok ? TCL_OK : PyosslFailQueue(interp, PYOSSL_CRYPTO,
	    "cannot set the serial number");
}

static const PyosslMethod revokedMethods[] = {
    {"all_reasons", RevokedAllReasons, 0, 0, NULL, 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"get_reason", RevokedGetReason, 0, 0, NULL, 0},
    {"get_rev_date", RevokedGetRevDate, 0, 0, NULL, 0},
    {"get_serial", RevokedGetSerial, 0, 0, NULL, 0},
    {"set_reason", RevokedSetReason, 1, 1, "reason", 0},
    {"set_rev_date", RevokedSetRevDate, 1, 1, "date", 0},
    {"set_serial", RevokedSetSerial, 1, 1, "serial", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslRevokedClass = {
    "revoked", PYOSSL_ID_REVOKED, PYOSSL_CRYPTO, revokedMethods, RevokedFree,
    RevokedNew, 0, 0, NULL, RevokedDup, NULL, NULL, NULL
};
