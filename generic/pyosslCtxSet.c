/*
 * pyosslCtxSet.c --
 *
 *	What a context says of the protocol: versions, ciphers, groups,
 *	signature algorithms, security level. And the functions which tell
 *	what this OpenSSL has. Knows nothing of names (pyosslCtxNames.c),
 *	keys and certificates (pyosslCtxLoad.c).
 */

#include "pyosslTls.h"

static SSL_CTX *
Native(
    PyosslObject *objPtr)
{
    return ((PyosslCtx *) objPtr->nativePtr)->sslCtx;
}

/*
 * ---------------------------------------------------------------------
 * Versions
 * ---------------------------------------------------------------------
 */

typedef struct Version {
    const char *name;		/* As SSL_get_version(3) says it. */
    const char *tlsName;	/* As the Tcl tls package says it. */
    int value;			/* On the wire. */
    int isDtls;
} Version;

static const Version versions[] = {
    {"SSLv3", "ssl3", SSL3_VERSION, 0},
    {"TLSv1", "tls1", TLS1_VERSION, 0},
    {"TLSv1.1", "tls1.1", TLS1_1_VERSION, 0},
    {"TLSv1.2", "tls1.2", TLS1_2_VERSION, 0},
    {"TLSv1.3", "tls1.3", TLS1_3_VERSION, 0},
    {"DTLSv1", "dtls1", DTLS1_VERSION, 1},
    {"DTLSv1.2", "dtls1.2", DTLS1_2_VERSION, 1},
    {NULL, NULL, 0, 0}
};

/*
 * The version that an argument names: in OpenSSL's words, in those of the
 * tls package, or as the number on the wire.
 * Results:
 *	NULL with a ValueError in interp where there is no such version.
 */
static const Version *
GetProtocol(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    const char *name = Tcl_GetString(nameObj);
    const Version *rowPtr;
    int value = 0;

    if (Tcl_GetIntFromObj(NULL, nameObj, &value) != TCL_OK) {
	value = 0;
    }
    for (rowPtr = versions; rowPtr->name != NULL; rowPtr++) {
	if (strcmp(rowPtr->name, name) == 0
		|| strcmp(rowPtr->tlsName, name) == 0
		|| rowPtr->value == value) {
	    return rowPtr;
	}
    }
    PyosslFail(interp, PYOSSL_SSL, "ValueError", "unknown protocol version "
	    "\"%.40s\": must be SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, "
	    "DTLSv1 or DTLSv1.2", name);
    return NULL;
}

static int
NoVersion(
    Tcl_Interp *interp,
    const char *name)
{
    ERR_clear_error();
    return PyosslFail(interp, PYOSSL_SSL, "ValueError",
	    "this OpenSSL (%s) does not have %s",
	    OpenSSL_version(OPENSSL_VERSION_STRING), name);
}

/*
 * The ciphers which a context as made by [ctx new] would use in a version.
 * Arguments:
 *	rowPtr	NULL: in any version of TLS.
 *	level	The security level; -1: the platform's.
 * Results:
 *	A stack to be freed with sk_SSL_CIPHER_free; NULL without error where
 *	this OpenSSL does not have the version. What else fails is no memory.
 */
static STACK_OF(SSL_CIPHER) *
SupportedCiphers(
    const Version *rowPtr,
    int level,
    SSL_CTX **ctxPtrPtr)	/* To be freed after the stack. */
{
    STACK_OF(SSL_CIPHER) *ciphers = NULL;
    SSL_CTX *sslCtx;
    SSL *ssl;

    ERR_clear_error();
    sslCtx = SSL_CTX_new(rowPtr != NULL && rowPtr->isDtls
	    ? DTLS_method() : TLS_method());
    *ctxPtrPtr = sslCtx;
    if (sslCtx == NULL) {
	return NULL;
    }
    if (level >= 0) {
	SSL_CTX_set_security_level(sslCtx, level);
	SSL_CTX_set_cipher_list(sslCtx, "ALL");
    }
    if (rowPtr == NULL
	    || (SSL_CTX_set_min_proto_version(sslCtx, rowPtr->value)
	    && SSL_CTX_set_max_proto_version(sslCtx, rowPtr->value))) {
	ssl = SSL_new(sslCtx);
	if (ssl != NULL) {
	    ciphers = SSL_get1_supported_ciphers(ssl);
	    SSL_free(ssl);
	}
    }
    ERR_clear_error();
    return ciphers;
}

/* Whether this OpenSSL has a version, were the security level 0. */
static int
HasVersion(
    const Version *rowPtr)
{
    SSL_CTX *sslCtx;
    STACK_OF(SSL_CIPHER) *ciphers = SupportedCiphers(rowPtr, 0, &sslCtx);
    int has = ciphers != NULL && sk_SSL_CIPHER_num(ciphers) > 0;

    sk_SSL_CIPHER_free(ciphers);
    SSL_CTX_free(sslCtx);
    return has;
}

/* Sets one bound of the versions; see SSL_CTX_set_min_proto_version(3). */
static int
SetBound(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    Tcl_Obj *nameObj,
    int isMax)
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;
    const Version *rowPtr = NULL;
    int value = 0, ok;

    if (Tcl_GetCharLength(nameObj) > 0) {
	rowPtr = GetProtocol(interp, nameObj);
	if (rowPtr == NULL) {
	    return TCL_ERROR;
	}
	if (rowPtr->isDtls != ctxPtr->isDtls) {
	    return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		    "%s is no version for a context of %s", rowPtr->name,
		    ctxPtr->isDtls ? "DTLS" : "TLS");
	}
	if (isMax && !HasVersion(rowPtr)) {
	    return NoVersion(interp, rowPtr->name);
	}
	value = rowPtr->value;
    }
    ERR_clear_error();
    ok = isMax ? SSL_CTX_set_max_proto_version(ctxPtr->sslCtx, value)
	    : SSL_CTX_set_min_proto_version(ctxPtr->sslCtx, value);
    return ok ? TCL_OK : NoVersion(interp, rowPtr ? rowPtr->name : "it");
}

static int
GetBound(
    Tcl_Interp *interp,
    int value)
{
    const Version *rowPtr;

    for (rowPtr = versions; rowPtr->name != NULL; rowPtr++) {
	if (rowPtr->value == value) {
	    Tcl_SetObjResult(interp, Tcl_NewStringObj(rowPtr->name, -1));
	}
    }
    return TCL_OK;
}

/* set_min_proto_version version: the lowest version; empty: the default. */
int
PyosslCtxSetMinProto(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetBound(objPtr, interp, objv[2], 0);
}

/* set_max_proto_version version: the highest version; empty: the default. */
int
PyosslCtxSetMaxProto(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetBound(objPtr, interp, objv[2], 1);
}

int
PyosslCtxGetMinProto(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return GetBound(interp,
	    (int) SSL_CTX_get_min_proto_version(Native(objPtr)));
}

int
PyosslCtxGetMaxProto(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return GetBound(interp,
	    (int) SSL_CTX_get_max_proto_version(Native(objPtr)));
}

/*
 * PyosslCtxSetVersions --
 *	Allows one version only, for the METHODs that name one.
 */
int
PyosslCtxSetVersions(
    Tcl_Interp *interp,
    PyosslCtx *ctxPtr,
    int version)
{
    const Version *rowPtr = versions;

    while (rowPtr->value != version) {
	rowPtr++;
    }
    ERR_clear_error();
    if (!SSL_CTX_set_min_proto_version(ctxPtr->sslCtx, version)
	    || !SSL_CTX_set_max_proto_version(ctxPtr->sslCtx, version)) {
	return NoVersion(interp, rowPtr->name);
    }
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Ciphers, groups, signature algorithms, security level
 * ---------------------------------------------------------------------
 */

/* The names of a stack of ciphers. */
static Tcl_Obj *
CipherNames(
    STACK_OF(SSL_CIPHER) *ciphers)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int i;

    for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
	Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj(
		SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)), -1));
    }
    return listObj;
}

/* get_cipher_list: the names of the ciphers, the preferred one first. */
int
PyosslCtxGetCipherList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, CipherNames(SSL_CTX_get_ciphers(Native(objPtr))));
    return TCL_OK;
}

/* The present ciphers below TLS 1.3 as SSL_CTX_set_cipher_list reads them. */
static void
OldCipherList(
    SSL_CTX *sslCtx,
    Tcl_DString *dsPtr)
{
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(sslCtx);
    int i;

    Tcl_DStringInit(dsPtr);
    for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
	const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);

	if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") != 0) {
	    if (Tcl_DStringLength(dsPtr) > 0) {
		Tcl_DStringAppend(dsPtr, ":", 1);
	    }
	    Tcl_DStringAppend(dsPtr, SSL_CIPHER_get_name(cipher), -1);
	}
    }
}

/*
 * set_cipher_list ciphers (manual 3.3.1): the ciphers up to TLS 1.2, see
 * openssl-ciphers(1). OpenSSL has replaced its list and the security level
 * by the time it finds out that the new list is no good, so the old ones
 * are put back.
 */
int
PyosslCtxSetCipherList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    int level = SSL_CTX_get_security_level(sslCtx);
    Tcl_DString old;
    char what[256];

    (void) objc;
    ERR_clear_error();
    OldCipherList(sslCtx, &old);
    if (SSL_CTX_set_cipher_list(sslCtx, Tcl_GetString(objv[2]))) {
	Tcl_DStringFree(&old);
	return TCL_OK;
    }
    snprintf(what, sizeof(what), "cannot set the cipher list \"%.150s\"%s",
	    Tcl_GetString(objv[2]),
	    strncmp(Tcl_GetString(objv[2]), "TLS_", 4) == 0
	    ? " (set_ciphersuites is for those of TLS 1.3)" : "");
    PyosslFailQueue(interp, PYOSSL_SSL, what);
    SSL_CTX_set_security_level(sslCtx, 0);
    SSL_CTX_set_cipher_list(sslCtx, Tcl_DStringValue(&old));
    SSL_CTX_set_security_level(sslCtx, level);
    Tcl_DStringFree(&old);
    ERR_clear_error();
    return TCL_ERROR;
}

static int
SetGroups(
    SSL_CTX *sslCtx,
    const char *text)
{
    return (int) SSL_CTX_set1_groups_list(sslCtx, (char *) text);
}

static int
SetSigalgs(
    SSL_CTX *sslCtx,
    const char *text)
{
    return (int) SSL_CTX_set1_sigalgs_list(sslCtx, (char *) text);
}

/* A setting that OpenSSL takes as a string, all or nothing. */
static int
SetString(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    Tcl_Obj *valueObj,
    int (*setProc)(SSL_CTX *sslCtx, const char *text),
    const char *noun)
{
    char what[256];

    ERR_clear_error();
    if (setProc(Native(objPtr), Tcl_GetString(valueObj)) > 0) {
	ERR_clear_error();
	return TCL_OK;
    }
    snprintf(what, sizeof(what), "cannot set the %s \"%.150s\"", noun,
	    Tcl_GetString(valueObj));
    return PyosslFailQueue(interp, PYOSSL_SSL, what);
}

/* set_ciphersuites suites: those of TLS 1.3, "A:B". */
int
PyosslCtxSetCiphersuites(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetString(objPtr, interp, objv[2], SSL_CTX_set_ciphersuites,
	    "TLS 1.3 cipher suites");
}

/* set_groups groups: for the key exchange, "X25519:P-256". */
int
PyosslCtxSetGroups(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetString(objPtr, interp, objv[2], SetGroups, "groups");
}

/* set_sigalgs algorithms: "ECDSA+SHA256:ed25519". */
int
PyosslCtxSetSigalgs(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetString(objPtr, interp, objv[2], SetSigalgs,
	    "signature algorithms");
}

/* set_security_level level: 0 to 5, see SSL_CTX_set_security_level(3). */
int
PyosslCtxSetSecurityLevel(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int level;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the security level", objv[2],
	    0, 5, &level) != TCL_OK) {
	return TCL_ERROR;
    }
    SSL_CTX_set_security_level(Native(objPtr), level);
    return TCL_OK;
}

int
PyosslCtxGetSecurityLevel(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    SSL_CTX_get_security_level(Native(objPtr))));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Functions
 * ---------------------------------------------------------------------
 */

/* SSLeay_version type (manual 3.3): see OpenSSL_version(3). */
static int
SSLeayVersion(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_WideInt type;

    (void) ipPtr; (void) objc;
    if (Tcl_GetCharLength(objv[1]) == 0) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the type must be one of the SSLEAY_* constants");
    }
    if (PyosslGetConst(interp, PYOSSL_SSL, "the type", "SSLEAY_", objv[1],
	    &type) != TCL_OK) {
	return TCL_ERROR;
    }
    if (type != SSLEAY_VERSION && type != SSLEAY_CFLAGS
	    && type != SSLEAY_BUILT_ON && type != SSLEAY_PLATFORM
	    && type != SSLEAY_DIR) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError", "the type must "
		"be one of the SSLEAY_* constants, not \"%.40s\"",
		Tcl_GetString(objv[1]));
    }
    Tcl_SetObjResult(interp,
	    Tcl_NewStringObj(OpenSSL_version((int) type), -1));
    return TCL_OK;
}

/* version: "OpenSSL 3.0.x date", as [tls::version] has it. */
static int
VersionFunction(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) objc; (void) objv;
    Tcl_SetObjResult(interp,
	    Tcl_NewStringObj(OpenSSL_version(OPENSSL_VERSION), -1));
    return TCL_OK;
}

/* protocols: the versions of TLS that this OpenSSL has, in tls's names. */
static int
ProtocolsFunction(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    const Version *rowPtr;

    (void) ipPtr; (void) objc; (void) objv;
    for (rowPtr = versions; rowPtr->name != NULL; rowPtr++) {
	if (!rowPtr->isDtls && HasVersion(rowPtr)) {
	    Tcl_ListObjAppendElement(NULL, listObj,
		    Tcl_NewStringObj(rowPtr->tlsName, -1));
	}
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/*
 * ciphers ?protocol? ?verbose?: the ciphers on offer, as a list of names or
 * as lines of SSL_CIPHER_description(3).
 */
static int
CiphersFunction(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const Version *rowPtr = NULL;
    STACK_OF(SSL_CIPHER) *ciphers;
    SSL_CTX *sslCtx;
    int verbose = 0, i;

    (void) ipPtr;
    if (objc > 1 && Tcl_GetCharLength(objv[1]) > 0
	    && (rowPtr = GetProtocol(interp, objv[1])) == NULL) {
	return TCL_ERROR;
    }
    if (objc > 2 && PyosslGetBoolean(interp, PYOSSL_SSL, "verbose", objv[2],
	    &verbose) != TCL_OK) {
	return TCL_ERROR;
    }
    ciphers = SupportedCiphers(rowPtr, -1, &sslCtx);
    if (ciphers == NULL && rowPtr != NULL && !HasVersion(rowPtr)) {
	SSL_CTX_free(sslCtx);
	return NoVersion(interp, rowPtr->name);
    }
    if (verbose) {
	Tcl_Obj *textObj = Tcl_NewObj();
	char line[256];

	for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
	    if (SSL_CIPHER_description(sk_SSL_CIPHER_value(ciphers, i), line,
		    sizeof(line)) != NULL) {
		Tcl_AppendToObj(textObj, line, -1);
	    }
	}
	Tcl_SetObjResult(interp, textObj);
    } else {
	Tcl_SetObjResult(interp, CipherNames(ciphers));
    }
    sk_SSL_CIPHER_free(ciphers);
    SSL_CTX_free(sslCtx);
    return TCL_OK;
}

const PyosslFunction pyosslCtxFunctions[] = {
    {"SSLeay_version", SSLeayVersion, 1, 1, "type", 0},
    {"ciphers", CiphersFunction, 0, 2, "?protocol? ?verbose?", 0},
    {"protocols", ProtocolsFunction, 0, 0, NULL, 0},
    {"version", VersionFunction, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, NULL, 0}
};
