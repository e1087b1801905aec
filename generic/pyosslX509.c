/*
 * pyosslX509.c --
 *
 *	Class x509: certificates, read, filled in and signed. Knows nothing of
 *	PEM and DER (pyosslCrypto.c).
 *
 *	A fresh certificate is no certificate yet: as long as dates, names or
 *	the key are missing it has no encoding, and what needs one is an Error.
 */

#include "pyosslCrypto.h"
#include <limits.h>
#include <time.h>

static void
X509Free(
    void *nativePtr)
{
    X509_free(nativePtr);
}

/*
 * PyosslX509Copy --
 *	A copy through the encoding, so that it has nothing of what OpenSSL
 *	has cached about the original; the trust settings of a TRUSTED
 *	CERTIFICATE are copied too.
 * Results:
 *	A new certificate, the caller's; NULL with the reason on OpenSSL's
 *	queue: an incomplete certificate has no encoding.
 */
X509 *
PyosslX509Copy(
    const X509 *certPtr)
{
    unsigned char *der = NULL;
    const unsigned char *p;
    X509 *copyPtr = NULL;
    int length;

    ERR_clear_error();
    length = i2d_X509_AUX(certPtr, &der);
    if (length > 0) {
	p = der;
	copyPtr = d2i_X509_AUX(NULL, &p, length);
	OPENSSL_free(der);
    }
    return copyPtr;
}

static void *
X509Dup(
    void *nativePtr)
{
    return PyosslX509Copy(nativePtr);
}

/* [pyossl::x509 new]: an empty certificate (manual 3.1, X509). */
static void *
X509New(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509 *certPtr = X509_new();

    (void) ipPtr; (void) objc; (void) objv;
    if (certPtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot make a certificate");
    }
    return certPtr;
}

/*
 * After every change: has the encoding made anew. A certificate that was
 * loaded would otherwise be dumped as it was loaded, see i2d_re_X509_tbs(3).
 */
static int
Changed(
    X509 *certPtr)
{
    i2d_re_X509_tbs(certPtr, NULL);
    /* A certificate that is not complete yet has none. */
    ERR_clear_error();
    return TCL_OK;
}

/*
 * PyosslX509Get --
 *	The certificate of an argument, borrowed; NULL with a TypeError.
 */
X509 *
PyosslX509Get(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *nameObj)
{
    return PyosslNativeGet(interp, module, nameObj, &pyosslX509Class);
}

/*
 * PyosslX509Obj --
 *	Makes an x509 command around a certificate.
 * Arguments:
 *	certPtr	One reference, taken over, also on failure.
 * Results:
 *	The command's name, without a reference; NULL where the interpreter is
 *	going away.
 */
Tcl_Obj *
PyosslX509Obj(
    PyosslInterp *ipPtr,
    X509 *certPtr)
{
    PyosslObject *objPtr = PyosslObjectNew(ipPtr, &pyosslX509Class, certPtr);

    return objPtr != NULL ? PyosslObjectName(objPtr) : NULL;
}

/*
 * ---------------------------------------------------------------------
 * Names and key (manual 3.1.1)
 * ---------------------------------------------------------------------
 */

/* get_issuer: a live view of the issuer's name. */
static int
X509GetIssuer(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) interp; (void) objc; (void) objv;
    return PyosslNameReturnCert(objPtr->ipPtr, objPtr->nativePtr,
	    PYOSSL_NAME_ISSUER);
}

/* get_subject: a live view of the subject's name. */
static int
X509GetSubject(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) interp; (void) objc; (void) objv;
    return PyosslNameReturnCert(objPtr->ipPtr, objPtr->nativePtr,
	    PYOSSL_NAME_SUBJECT);
}

/* set_issuer name: puts a copy of a name in. */
static int
X509SetIssuer(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_NAME *namePtr = PyosslNameGet(interp, PYOSSL_CRYPTO, objv[2]);

    (void) objc;
    if (namePtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!X509_set_issuer_name(objPtr->nativePtr, namePtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot set the issuer");
    }
    return Changed(objPtr->nativePtr);
}

/* set_subject name: puts a copy of a name in. */
static int
X509SetSubject(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_NAME *namePtr = PyosslNameGet(interp, PYOSSL_CRYPTO, objv[2]);

    (void) objc;
    if (namePtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!X509_set_subject_name(objPtr->nativePtr, namePtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the subject");
    }
    return Changed(objPtr->nativePtr);
}

/* subject_name_hash: the hash that names files in a CA folder. */
static int
X509SubjectNameHash(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned long hash;
    int ok = 0;

    (void) objc; (void) objv;
    ERR_clear_error();
    hash = X509_NAME_hash_ex(X509_get_subject_name(objPtr->nativePtr), NULL,
	    NULL, &ok);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot hash the subject");
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt) hash));
    return TCL_OK;
}

/* get_pubkey: a new pkey with the public key; an Error where there is none. */
static int
X509GetPubkey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr;

    (void) objc; (void) objv;
    ERR_clear_error();
    pkeyPtr = X509_get_pubkey(objPtr->nativePtr);
    if (pkeyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the certificate has no public key that can be read");
    }
    return PyosslPkeyReturn(objPtr->ipPtr, pkeyPtr, 1);
}

/* set_pubkey pkey: takes the public half of a key. */
static int
X509SetPubkey(
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
    if (!X509_set_pubkey(objPtr->nativePtr, pkeyPtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the public key");
    }
    return Changed(objPtr->nativePtr);
}

/*
 * ---------------------------------------------------------------------
 * Version and serial number
 * ---------------------------------------------------------------------
 */

/* get_version: as encoded, 2 is what people call version 3. */
static int
X509GetVersion(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    X509_get_version(objPtr->nativePtr)));
    return TCL_OK;
}

/* set_version version: any integer from 0 on, as in the manual's library. */
static int
X509SetVersion(
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
    if (!X509_set_version(objPtr->nativePtr, version)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the version");
    }
    return Changed(objPtr->nativePtr);
}

/* get_serial_number: an integer of any size. */
static int
X509GetSerialNumber(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslAsn1IntegerObj(
	    X509_get0_serialNumber(objPtr->nativePtr)));
    return TCL_OK;
}

/* set_serial_number serialno: an integer of any size that is not negative. */
static int
X509SetSerialNumber(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    BIGNUM *bnPtr = PyosslGetBignum(interp, PYOSSL_CRYPTO,
	    "the serial number", objv[2]);
    ASN1_INTEGER *serialPtr;
    int ok;

    (void) objc;
    if (bnPtr == NULL) {
	return TCL_ERROR;
    }
    if (BN_is_negative(bnPtr)) {
	BN_free(bnPtr);
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the serial number must not be negative");
    }
    ERR_clear_error();
    serialPtr = BN_to_ASN1_INTEGER(bnPtr, NULL);
    BN_free(bnPtr);
    ok = serialPtr != NULL
	    && X509_set_serialNumber(objPtr->nativePtr, serialPtr);
    ASN1_INTEGER_free(serialPtr);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the serial number");
    }
    return Changed(objPtr->nativePtr);
}

/*
 * ---------------------------------------------------------------------
 * Dates
 * ---------------------------------------------------------------------
 */

typedef int (TimeSetter)(X509 *certPtr, const ASN1_TIME *timePtr);

/* Sets a date from YYYYMMDDhhmmssZ. */
static int
SetTime(
    Tcl_Interp *interp,
    X509 *certPtr,
    Tcl_Obj *whenObj,
    TimeSetter *setter)
{
    ASN1_TIME *timePtr;
    int ok;

    if (PyosslGetTime(interp, PYOSSL_CRYPTO, "the time", whenObj,
	    &timePtr) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    ok = setter(certPtr, timePtr);
    ASN1_TIME_free(timePtr);
    return ok ? Changed(certPtr) : PyosslFailQueue(interp, PYOSSL_CRYPTO,
	    "cannot set the time");
}

/* Sets a date to so many seconds from now, in any century. */
static int
AdjustTime(
    Tcl_Interp *interp,
    X509 *certPtr,
    Tcl_Obj *secondsObj,
    TimeSetter *setter)
{
    Tcl_WideInt seconds;
    ASN1_TIME *timePtr;
    int ok;

    if (PyosslGetWide(interp, PYOSSL_CRYPTO, "the time", secondsObj,
	    &seconds) != TCL_OK) {
	return TCL_ERROR;
    }
    if (seconds / 86400 > INT_MAX || seconds / 86400 < INT_MIN) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the time is out of range: %.40s", Tcl_GetString(secondsObj));
    }
    ERR_clear_error();
    timePtr = X509_time_adj_ex(NULL, (int) (seconds / 86400),
	    (long) (seconds % 86400), NULL);
    if (timePtr == NULL) {
	ERR_clear_error();
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the time is out of range: %.40s", Tcl_GetString(secondsObj));
    }
    ok = setter(certPtr, timePtr);
    ASN1_TIME_free(timePtr);
    return ok ? Changed(certPtr) : PyosslFailQueue(interp, PYOSSL_CRYPTO,
	    "cannot set the time");
}

/* get_notBefore, get_notAfter: YYYYMMDDhhmmssZ; empty where not set. */
static int
X509GetNotBefore(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslTimeObj(
	    X509_get0_notBefore(objPtr->nativePtr)));
    return TCL_OK;
}

static int
X509GetNotAfter(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslTimeObj(
	    X509_get0_notAfter(objPtr->nativePtr)));
    return TCL_OK;
}

/* set_notBefore when, set_notAfter when: a ValueError for what is no time. */
static int
X509SetNotBefore(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetTime(interp, objPtr->nativePtr, objv[2], X509_set1_notBefore);
}

static int
X509SetNotAfter(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetTime(interp, objPtr->nativePtr, objv[2], X509_set1_notAfter);
}

/* gmtime_adj_notBefore time, gmtime_adj_notAfter time: seconds from now. */
static int
X509GmtimeAdjNotBefore(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return AdjustTime(interp, objPtr->nativePtr, objv[2],
	    X509_set1_notBefore);
}

static int
X509GmtimeAdjNotAfter(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return AdjustTime(interp, objPtr->nativePtr, objv[2], X509_set1_notAfter);
}

/*
 * has_expired: whether notAfter has come, as OpenSSL's verification judges;
 * 0 while it is not set. A date that OpenSSL cannot read is an Error.
 */
static int
X509HasExpired(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const ASN1_TIME *timePtr = X509_get0_notAfter(objPtr->nativePtr);
    int order = 1;

    (void) objc; (void) objv;
    ERR_clear_error();
    if (timePtr != NULL && ASN1_STRING_length(timePtr) > 0) {
	order = ASN1_TIME_cmp_time_t(timePtr, time(NULL));
    }
    if (order == -2) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot read the certificate's notAfter");
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(order <= 0));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Signature and digest
 * ---------------------------------------------------------------------
 */

/* get_signature_algorithm: its long name; a ValueError where undefined. */
static int
X509GetSignatureAlgorithm(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const X509_ALGOR *algorPtr = X509_get0_tbs_sigalg(objPtr->nativePtr);
    const ASN1_OBJECT *oidPtr;
    int nid;

    (void) objc; (void) objv;
    X509_ALGOR_get0(&oidPtr, NULL, NULL, algorPtr);
    nid = OBJ_obj2nid(oidPtr);
    if (nid == NID_undef) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the certificate's signature algorithm is undefined");
    }
    Tcl_SetObjResult(interp, Tcl_NewStringObj(OBJ_nid2ln(nid), -1));
    return TCL_OK;
}

/* sign pkey digest: signs the certificate with a private key. */
static int
X509Sign(
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
    hasKey = X509_get0_pubkey(objPtr->nativePtr) != NULL;
    ERR_clear_error();
    if (!X509_sign(objPtr->nativePtr, pkeyPtr, mdPtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, hasKey
		? "cannot sign the certificate" : "cannot sign the certificate, "
		"which has no public key: call set_pubkey first");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* digest digest_name: the fingerprint of the whole DER, as "AB:CD:...". */
static int
X509Digest(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const EVP_MD *mdPtr = PyosslGetDigest(interp, PYOSSL_CRYPTO, objv[2]);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int length;

    (void) objc;
    if (mdPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    /* X509_digest might answer from a cache that is older than a change. */
    if (!ASN1_item_digest(ASN1_ITEM_rptr(X509), mdPtr, objPtr->nativePtr,
	    hash, &length)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot compute the certificate's digest");
    }
    Tcl_SetObjResult(interp, PyosslColonHexObj(hash, length));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Extensions
 * ---------------------------------------------------------------------
 */

/* add_extensions extensions: appends copies of all of them, or none. */
static int
X509AddExtensions(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509 *certPtr = objPtr->nativePtr;
    STACK_OF(X509_EXTENSION) *stackPtr = PyosslExtGetList(interp,
	    PYOSSL_CRYPTO, objv[2]);
    int i, before = X509_get_ext_count(certPtr), ok = 1;

    (void) objc;
    if (stackPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    for (i = 0; ok && i < sk_X509_EXTENSION_num(stackPtr); i++) {
	ok = X509_add_ext(certPtr, sk_X509_EXTENSION_value(stackPtr, i), -1);
    }
    sk_X509_EXTENSION_free(stackPtr);
    if (!ok) {
	while (X509_get_ext_count(certPtr) > before) {
	    X509_EXTENSION_free(X509_delete_ext(certPtr, before));
	}
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot add the extensions");
    }
    return Changed(objPtr->nativePtr);
}

/* get_extension_count: how many there are. */
static int
X509GetExtensionCount(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    X509_get_ext_count(objPtr->nativePtr)));
    return TCL_OK;
}

/* get_extension index: a copy of one, from 0; else an IndexError. */
static int
X509GetExtension(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509 *certPtr = objPtr->nativePtr;
    X509_EXTENSION *extPtr;
    BIGNUM *indexPtr;
    BN_ULONG index;
    int negative;

    (void) objc;
    indexPtr = PyosslGetBignum(interp, PYOSSL_CRYPTO, "the index", objv[2]);
    if (indexPtr == NULL) {
	return TCL_ERROR;
    }
    index = BN_get_word(indexPtr);	/* All ones where it does not fit. */
    negative = BN_is_negative(indexPtr);
    BN_free(indexPtr);
    if (negative || index >= (BN_ULONG) X509_get_ext_count(certPtr)) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "IndexError",
		"the certificate has %d extensions, none has the index %.40s",
		X509_get_ext_count(certPtr), Tcl_GetString(objv[2]));
    }
    ERR_clear_error();
    extPtr = X509_EXTENSION_dup(X509_get_ext(certPtr, (int) index));
    if (extPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot copy the extension");
    }
    return PyosslObjectReturn(objPtr->ipPtr, &pyosslExtClass, extPtr);
}

static const PyosslMethod x509Methods[] = {
    {"add_extensions", X509AddExtensions, 1, 1, "extensions", 0},
    PYOSSL_DESTROY_METHOD,
    {"digest", X509Digest, 1, 1, "digest_name", 0},
    PYOSSL_DUP_METHOD,
    {"get_extension", X509GetExtension, 1, 1, "index", 0},
    {"get_extension_count", X509GetExtensionCount, 0, 0, NULL, 0},
    {"get_issuer", X509GetIssuer, 0, 0, NULL, 0},
    {"get_notAfter", X509GetNotAfter, 0, 0, NULL, 0},
    {"get_notBefore", X509GetNotBefore, 0, 0, NULL, 0},
    {"get_pubkey", X509GetPubkey, 0, 0, NULL, 0},
    {"get_serial_number", X509GetSerialNumber, 0, 0, NULL, 0},
    {"get_signature_algorithm", X509GetSignatureAlgorithm, 0, 0, NULL, 0},
    {"get_subject", X509GetSubject, 0, 0, NULL, 0},
    {"get_version", X509GetVersion, 0, 0, NULL, 0},
    {"gmtime_adj_notAfter", X509GmtimeAdjNotAfter, 1, 1, "time", 0},
    {"gmtime_adj_notBefore", X509GmtimeAdjNotBefore, 1, 1, "time", 0},
    {"has_expired", X509HasExpired, 0, 0, NULL, 0},
    {"set_issuer", X509SetIssuer, 1, 1, "issuer", 0},
    {"set_notAfter", X509SetNotAfter, 1, 1, "when", 0},
    {"set_notBefore", X509SetNotBefore, 1, 1, "when", 0},
    {"set_pubkey", X509SetPubkey, 1, 1, "pkey", 0},
    {"set_serial_number", X509SetSerialNumber, 1, 1, "serialno", 0},
    {"set_subject", X509SetSubject, 1, 1, "subject", 0},
    {"set_version", X509SetVersion, 1, 1, "version", 0},
    {"sign", X509Sign, 2, 2, "pkey digest", 0},
    {"subject_name_hash", X509SubjectNameHash, 0, 0, NULL, 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslX509Class = {
    "x509", PYOSSL_ID_X509, PYOSSL_CRYPTO, x509Methods, X509Free,
    X509New, 0, 0, NULL, X509Dup, NULL, NULL, NULL
};
