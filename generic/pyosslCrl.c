/*
 * pyosslCrl.c --
 *
 *	Class crl: certificate revocation lists, filled, signed, loaded and
 *	asked. Its entries are pyosslRevoked.c's.
 *
 *	    add_revoked --copy--> X509_CRL --copy--> signed CRL --> bytes
 *	    get_revoked <--copy------+                  ^
 *	                                        cert, key, dates
 *
 *	An export signs a copy. So the object keeps its entries in the order in
 *	which they were added, may be exported again by another issuer, and is
 *	the same as before when an export fails.
 */

#include "pyosslCrypto.h"
#include <time.h>

#define DEFAULT_DAYS	100

static void
CrlFree(
    void *nativePtr)
{
    X509_CRL_free(nativePtr);
}

/* Puts copies of all the entries of one CRL into another. */
static int
CopyEntries(
    X509_CRL *toPtr,
    X509_CRL *fromPtr)
{
    STACK_OF(X509_REVOKED) *stackPtr = X509_CRL_get_REVOKED(fromPtr);
    X509_REVOKED *copyPtr;
    int i;

    for (i = 0; i < sk_X509_REVOKED_num(stackPtr); i++) {
	copyPtr = PyosslRevokedCopy(sk_X509_REVOKED_value(stackPtr, i));
	if (copyPtr == NULL || !X509_CRL_add0_revoked(toPtr, copyPtr)) {
	    X509_REVOKED_free(copyPtr);
	    return 0;
	}
    }
    return 1;
}

/*
 * A new CRL of version 2 with the entries and the extensions of another, the
 * caller's; NULL with the reason on OpenSSL's queue.
 */
static X509_CRL *
CopyContents(
    X509_CRL *fromPtr)
{
    X509_CRL *copyPtr = X509_CRL_new();
    int i, ok;

    ok = copyPtr != NULL && X509_CRL_set_version(copyPtr, X509_CRL_VERSION_2)
	    && CopyEntries(copyPtr, fromPtr);
    for (i = 0; ok && i < X509_CRL_get_ext_count(fromPtr); i++) {
	ok = X509_CRL_add_ext(copyPtr, X509_CRL_get_ext(fromPtr, i), -1);
    }
    if (!ok) {
	X509_CRL_free(copyPtr);
	return NULL;
    }
    return copyPtr;
}

/*
 * dup: a CRL that was loaded through its encoding; one that has none yet
 * (nothing but a signed CRL has) by its contents.
 */
static void *
CrlDup(
    void *nativePtr)
{
    X509_CRL *copyPtr;

    ERR_clear_error();
    copyPtr = X509_CRL_dup(nativePtr);
    if (copyPtr == NULL) {
	ERR_clear_error();
	copyPtr = CopyContents(nativePtr);
	if (copyPtr != NULL && !X509_CRL_set_issuer_name(copyPtr,
		X509_CRL_get_issuer(nativePtr))) {
	    X509_CRL_free(copyPtr);
	    copyPtr = NULL;
	}
    }
    return copyPtr;
}

/* [pyossl::crl new]: a CRL that lists nothing (manual 3.1, CRL). */
static void *
CrlNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_CRL *crlPtr;

    (void) ipPtr; (void) objc; (void) objv;
    ERR_clear_error();
    crlPtr = X509_CRL_new();
    if (crlPtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot make a CRL");
    }
    return crlPtr;
}

/*
 * ---------------------------------------------------------------------
 * Entries (manual 3.1.10)
 * ---------------------------------------------------------------------
 */

/* add_revoked revoked: appends a copy. */
static int
CrlAddRevoked(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_REVOKED *revokedPtr = PyosslNativeGet(interp, PYOSSL_CRYPTO, objv[2],
	    &pyosslRevokedClass);
    X509_REVOKED *copyPtr;

    (void) objc;
    if (revokedPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    copyPtr = PyosslRevokedCopy(revokedPtr);
    if (copyPtr == NULL
	    || !X509_CRL_add0_revoked(objPtr->nativePtr, copyPtr)) {
	X509_REVOKED_free(copyPtr);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot add the revocation");
    }
    return TCL_OK;
}

/* get_revoked: a list of new revoked, in the CRL's order; may be empty. */
static int
CrlGetRevoked(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    STACK_OF(X509_REVOKED) *stackPtr =
	    X509_CRL_get_REVOKED(objPtr->nativePtr);
    PyosslObject *revokedObjPtr;
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int i;

    (void) objc; (void) objv;
    ERR_clear_error();
    for (i = 0; i < sk_X509_REVOKED_num(stackPtr); i++) {
	X509_REVOKED *copyPtr = PyosslRevokedCopy(
		sk_X509_REVOKED_value(stackPtr, i));

	if (copyPtr == NULL) {
	    Tcl_DecrRefCount(listObj);
	    return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		    "cannot copy the revocation");
	}
	revokedObjPtr = PyosslObjectNew(objPtr->ipPtr, &pyosslRevokedClass,
		copyPtr);
	if (revokedObjPtr != NULL) {
	    Tcl_ListObjAppendElement(NULL, listObj,
		    PyosslObjectName(revokedObjPtr));
	}
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * export
 * ---------------------------------------------------------------------
 */

typedef struct Export {
    X509 *certPtr;		/* Borrowed, as is the key. */
    EVP_PKEY *pkeyPtr;
    const EVP_MD *mdPtr;	/* NULL: the key hashes by itself. */
    int type;
    ASN1_TIME *nowPtr;		/* Owned. */
    ASN1_TIME *nextPtr;		/* Owned. */
} Export;

static void
ExportDone(
    Export *exportPtr)
{
    ASN1_TIME_free(exportPtr->nowPtr);
    ASN1_TIME_free(exportPtr->nextPtr);
}

/*
 * The key and the digest to sign with. A key that cannot sign is an Error
 * here, and no ValueError as elsewhere: so it is in the manual's library.
 */
static int
ExportKey(
    Tcl_Interp *interp,
    Tcl_Obj *keyObj,
    Tcl_Obj *digestObj,		/* NULL: the default. */
    Export *exportPtr)
{
    PyosslPkey *keyPtr = PyosslNativeGet(interp, PYOSSL_CRYPTO, keyObj,
	    &pyosslPkeyClass);
    int code;

    if (keyPtr == NULL) {
	return TCL_ERROR;
    }
    if (keyPtr->pkeyPtr == NULL || keyPtr->onlyPublic) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "Error",
		"the pkey has no private key to sign the CRL with");
    }
    if (digestObj == NULL) {
	digestObj = Tcl_NewStringObj("sha256", -1);
    }
    Tcl_IncrRefCount(digestObj);
    code = PyosslPkeySignArgs(interp, PYOSSL_CRYPTO, keyObj, digestObj,
	    &exportPtr->pkeyPtr, &exportPtr->mdPtr);
    Tcl_DecrRefCount(digestObj);
    return code;
}

/*
 * The words {cert key ?type? ?days? ?digest?}. TCL_OK with *exportPtr filled
 * (finish with ExportDone), or TCL_ERROR and nothing to finish.
 */
static int
ExportArgs(
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[],
    Export *exportPtr)
{
    int days = DEFAULT_DAYS;
    time_t now = time(NULL);

    memset(exportPtr, 0, sizeof(*exportPtr));
    exportPtr->type = PYOSSL_FILETYPE_PEM;
    exportPtr->certPtr = PyosslX509Get(interp, PYOSSL_CRYPTO, objv[0]);
    if (exportPtr->certPtr == NULL || (objc > 2 && PyosslGetFiletype(interp,
	    PYOSSL_CRYPTO, objv[2], 1, &exportPtr->type) != TCL_OK)
	    || (objc > 3 && PyosslGetInt(interp, PYOSSL_CRYPTO,
	    "the number of days", objv[3], &days) != TCL_OK)
	    || ExportKey(interp, objv[1], objc > 4 ? objv[4] : NULL,
	    exportPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (X509_NAME_entry_count(X509_get_subject_name(exportPtr->certPtr))
	    == 0) {
	/* RFC 5280, 5.1.2.3. */
	return PyosslFail(interp, PYOSSL_CRYPTO, "Error",
		"the certificate has no subject, and a CRL needs an issuer");
    }
    ERR_clear_error();
    exportPtr->nowPtr = X509_time_adj_ex(NULL, 0, 0, &now);
    exportPtr->nextPtr = X509_time_adj_ex(NULL, days, 0, &now);
    if (exportPtr->nowPtr == NULL || exportPtr->nextPtr == NULL) {
	ExportDone(exportPtr);
	ERR_clear_error();
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the number of days is out of range: %d", days);
    }
    return TCL_OK;
}

/* Gives the entries that have no date this one. */
static int
DateEntries(
    X509_CRL *crlPtr,
    ASN1_TIME *nowPtr)
{
    STACK_OF(X509_REVOKED) *stackPtr = X509_CRL_get_REVOKED(crlPtr);
    int i;

    for (i = 0; i < sk_X509_REVOKED_num(stackPtr); i++) {
	X509_REVOKED *revokedPtr = sk_X509_REVOKED_value(stackPtr, i);

	if (ASN1_STRING_length(X509_REVOKED_get0_revocationDate(revokedPtr))
		== 0 && !X509_REVOKED_set_revocationDate(revokedPtr, nowPtr)) {
	    return 0;
	}
    }
    return 1;
}

/*
 * Puts the entries in the order of their serial numbers; but not where one
 * names its certificate's issuer: that holds for all which follow it (RFC
 * 5280, 5.3.3), so their order means something.
 */
static void
SortEntries(
    X509_CRL *crlPtr)
{
    STACK_OF(X509_REVOKED) *stackPtr = X509_CRL_get_REVOKED(crlPtr);
    int i;

    for (i = 0; i < sk_X509_REVOKED_num(stackPtr); i++) {
	if (X509_REVOKED_get_ext_by_NID(sk_X509_REVOKED_value(stackPtr, i),
		NID_certificate_issuer, -1) >= 0) {
	    return;
	}
    }
    X509_CRL_sort(crlPtr);
}

/*
 * Names the issuer's key, where the issuer's certificate does (RFC 5280,
 * 5.2.1), in the place of one that the CRL was loaded with.
 */
static int
SetAuthorityKey(
    X509_CRL *crlPtr,
    X509 *certPtr)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extPtr;
    int index, ok;

    while ((index = X509_CRL_get_ext_by_NID(crlPtr,
	    NID_authority_key_identifier, -1)) >= 0) {
	X509_EXTENSION_free(X509_CRL_delete_ext(crlPtr, index));
    }
    if (X509_get_ext_by_NID(certPtr, NID_subject_key_identifier, -1) < 0) {
	return 1;
    }
    X509V3_set_ctx(&ctx, certPtr, NULL, NULL, crlPtr, 0);
    X509V3_set_ctx_nodb(&ctx);
    extPtr = X509V3_EXT_nconf_nid(NULL, &ctx, NID_authority_key_identifier,
	    "keyid:always");
    ok = extPtr != NULL && X509_CRL_add_ext(crlPtr, extPtr, -1);
    X509_EXTENSION_free(extPtr);
    return ok;
}

/* The signed CRL, the caller's; NULL with the reason on OpenSSL's queue. */
static X509_CRL *
ExportSign(
    X509_CRL *crlPtr,
    const Export *exportPtr)
{
    X509_CRL *signedPtr = CopyContents(crlPtr);
    int ok;

    ok = signedPtr != NULL && DateEntries(signedPtr, exportPtr->nowPtr)
	    && X509_CRL_set_issuer_name(signedPtr,
	    X509_get_subject_name(exportPtr->certPtr))
	    && X509_CRL_set1_lastUpdate(signedPtr, exportPtr->nowPtr)
	    && X509_CRL_set1_nextUpdate(signedPtr, exportPtr->nextPtr)
	    && SetAuthorityKey(signedPtr, exportPtr->certPtr);
    if (ok) {
	SortEntries(signedPtr);
	ok = X509_CRL_sign(signedPtr, exportPtr->pkeyPtr, exportPtr->mdPtr)
		> 0;
    }
    if (!ok) {
	X509_CRL_free(signedPtr);
	return NULL;
    }
    return signedPtr;
}

/*
 * export cert key ?type? ?days? ?digest?: the CRL as bytes, issued now by
 * the subject of a certificate and signed with its key. The next one is due
 * in so many days. FILETYPE_TEXT is what "openssl crl -noout -text" prints.
 */
static int
CrlExport(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_CRL *signedPtr;
    Export export;
    BIO *bioPtr;
    int code;

    if (ExportArgs(interp, objc - 2, objv + 2, &export) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    signedPtr = ExportSign(objPtr->nativePtr, &export);
    if (signedPtr == NULL) {
	code = PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot sign the CRL");
    } else if (export.type != PYOSSL_FILETYPE_TEXT) {
	code = PyosslItemDump(interp, PYOSSL_CRYPTO, export.type, "CRL",
		PEM_STRING_X509_CRL, ASN1_ITEM_rptr(X509_CRL), signedPtr);
    } else {
	bioPtr = BIO_new(BIO_s_mem());
	if (bioPtr == NULL || !X509_CRL_print_ex(bioPtr, signedPtr,
		XN_FLAG_ONELINE)) {
	    BIO_free(bioPtr);
	    code = PyosslFailQueue(interp, PYOSSL_CRYPTO,
		    "cannot print the CRL");
	} else {
	    Tcl_SetObjResult(interp, PyosslBioObj(bioPtr));
	    code = TCL_OK;
	}
    }
    if (code == TCL_OK) {
	/* A date that was published stays in the CRLs that follow. */
	DateEntries(objPtr->nativePtr, export.nowPtr);
    }
    ERR_clear_error();
    X509_CRL_free(signedPtr);
    ExportDone(&export);
    return code;
}

/*
 * ---------------------------------------------------------------------
 * What a CRL says of itself: additions to the manual
 * ---------------------------------------------------------------------
 */

/* get_issuer: a copy of the issuer's name, a new x509name. */
static int
CrlGetIssuer(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *nameObj;

    (void) objc; (void) objv;
    ERR_clear_error();
    nameObj = PyosslNameObj(objPtr->ipPtr,
	    X509_CRL_get_issuer(objPtr->nativePtr));
    if (nameObj == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot copy the issuer");
    }
    Tcl_SetObjResult(interp, nameObj);
    return TCL_OK;
}

/* get_lastUpdate, get_nextUpdate: YYYYMMDDhhmmssZ; empty where not set. */
static int
CrlGetLastUpdate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslTimeObj(
	    X509_CRL_get0_lastUpdate(objPtr->nativePtr)));
    return TCL_OK;
}

static int
CrlGetNextUpdate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslTimeObj(
	    X509_CRL_get0_nextUpdate(objPtr->nativePtr)));
    return TCL_OK;
}

/* get_number: the CRL number (RFC 5280, 5.2.3); empty where there is none. */
static int
CrlGetNumber(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    ASN1_INTEGER *numberPtr;
    int found;

    (void) objc; (void) objv;
    ERR_clear_error();
    numberPtr = X509_CRL_get_ext_d2i(objPtr->nativePtr, NID_crl_number,
	    &found, NULL);
    if (numberPtr != NULL) {
	Tcl_SetObjResult(interp, PyosslAsn1IntegerObj(numberPtr));
	ASN1_INTEGER_free(numberPtr);
    } else if (found != -1) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot read the CRL's number");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* set_number number: an integer of any size; the empty string removes it. */
static int
CrlSetNumber(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_CRL *crlPtr = objPtr->nativePtr;
    ASN1_INTEGER *numberPtr;
    BIGNUM *bnPtr;
    int index, ok;

    (void) objc;
    ERR_clear_error();
    if (Tcl_GetString(objv[2])[0] == '\0') {
	while ((index = X509_CRL_get_ext_by_NID(crlPtr, NID_crl_number, -1))
		>= 0) {
	    X509_EXTENSION_free(X509_CRL_delete_ext(crlPtr, index));
	}
	ok = 1;
    } else {
	bnPtr = PyosslGetBignum(interp, PYOSSL_CRYPTO, "the CRL's number",
		objv[2]);
	if (bnPtr == NULL) {
	    return TCL_ERROR;
	}
	if (BN_is_negative(bnPtr)) {
	    BN_free(bnPtr);
	    return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "the CRL's number must not be negative");
	}
	numberPtr = BN_to_ASN1_INTEGER(bnPtr, NULL);
	BN_free(bnPtr);
	ok = numberPtr != NULL && X509_CRL_add1_ext_i2d(crlPtr,
		NID_crl_number, numberPtr, 0, X509V3_ADD_REPLACE) > 0;
	ASN1_INTEGER_free(numberPtr);
    }
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the CRL's number");
    }
    /* What was loaded would be copied as it was loaded: forget its bytes. */
    i2d_re_X509_CRL_tbs(crlPtr, NULL);
    ERR_clear_error();
    return TCL_OK;
}

/* verify pkey: 1 if the signature is that key's, else an Error. */
static int
CrlVerify(
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
    if (X509_CRL_verify(objPtr->nativePtr, pkeyPtr) <= 0) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the CRL's signature does not verify with this key");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, Tcl_NewIntObj(1));
    return TCL_OK;
}

/* load_crl type buffer (manual 3.1): a new crl. */
int
PyosslCrlLoad(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char *const labels[] = {PEM_STRING_X509_CRL, NULL};
    X509_CRL *crlPtr;
    int type;

    (void) objc;
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 0, &type)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    crlPtr = PyosslItemLoad(interp, PYOSSL_CRYPTO, type, objv[2], "CRL",
	    labels, ASN1_ITEM_rptr(X509_CRL));
    if (crlPtr == NULL) {
	return TCL_ERROR;
    }
    return PyosslObjectReturn(ipPtr, &pyosslCrlClass, crlPtr);
}

static const PyosslMethod crlMethods[] = {
    {"add_revoked", CrlAddRevoked, 1, 1, "revoked", 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"export", CrlExport, 2, 5, "cert key ?type? ?days? ?digest?", 0},
    {"get_issuer", CrlGetIssuer, 0, 0, NULL, 0},
    {"get_lastUpdate", CrlGetLastUpdate, 0, 0, NULL, 0},
    {"get_nextUpdate", CrlGetNextUpdate, 0, 0, NULL, 0},
    {"get_number", CrlGetNumber, 0, 0, NULL, 0},
    {"get_revoked", CrlGetRevoked, 0, 0, NULL, 0},
    {"set_number", CrlSetNumber, 1, 1, "number", 0},
    {"verify", CrlVerify, 1, 1, "pkey", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslCrlClass = {
    "crl", PYOSSL_ID_CRL, PYOSSL_CRYPTO, crlMethods, CrlFree,
    CrlNew, 0, 0, NULL, CrlDup, NULL, NULL, NULL
};
