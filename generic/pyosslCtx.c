/*
 * pyosslCtx.c --
 *
 *	Class ctx (manual 3.3.1): its birth, its callbacks, options and
 *	sessions, and the table of all its methods, which is the table of
 *	contents of pyosslCtxSet.c and pyosslCtxLoad.c too. The struct's life
 *	is in pyosslCtxData.c, what OpenSSL calls back in pyosslCtxCb.c.
 */

#include "pyosslTls.h"
#include <limits.h>

#define DEFAULT_TIMEOUT	300	/* Seconds; the manual's. */

/* Without one no session that asks for a client certificate resumes. */
#define DEFAULT_SESSION_ID	"pyossl"

#define VERIFY_FLAGS \
    (SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT \
    | SSL_VERIFY_CLIENT_ONCE | SSL_VERIFY_POST_HANDSHAKE)

static SSL_CTX *
Native(
    PyosslObject *objPtr)
{
    return ((PyosslCtx *) objPtr->nativePtr)->sslCtx;
}

/*
 * ---------------------------------------------------------------------
 * [ctx new METHOD]
 * ---------------------------------------------------------------------
 */

typedef struct Method {
    int id;			/* PYOSSL_*_METHOD */
    const SSL_METHOD *(*proc)(void);
				/* NULL: no OpenSSL has it any more. */
    int version;		/* The only one; 0: what the platform allows. */
    int isDtls;
} Method;

static const Method methods[] = {
    {PYOSSL_SSLv2_METHOD, NULL, 0, 0},
    {PYOSSL_SSLv3_METHOD, NULL, 0, 0},
    {PYOSSL_SSLv23_METHOD, TLS_method, 0, 0},
    {PYOSSL_TLSv1_METHOD, TLS_method, TLS1_VERSION, 0},
    {PYOSSL_TLSv1_1_METHOD, TLS_method, TLS1_1_VERSION, 0},
    {PYOSSL_TLSv1_2_METHOD, TLS_method, TLS1_2_VERSION, 0},
    {PYOSSL_TLS_METHOD, TLS_method, 0, 0},
    {PYOSSL_TLS_SERVER_METHOD, TLS_server_method, 0, 0},
    {PYOSSL_TLS_CLIENT_METHOD, TLS_client_method, 0, 0},
    {PYOSSL_DTLS_METHOD, DTLS_method, 0, 1},
    {PYOSSL_DTLS_SERVER_METHOD, DTLS_server_method, 0, 1},
    {PYOSSL_DTLS_CLIENT_METHOD, DTLS_client_method, 0, 1},
    {PYOSSL_DTLSv1_METHOD, DTLS_method, DTLS1_VERSION, 1},
    {PYOSSL_DTLSv1_2_METHOD, DTLS_method, DTLS1_2_VERSION, 1},
    {0, NULL, 0, 0}
};

/* The METHOD argument; NULL with an error in interp. */
static const Method *
GetMethod(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    const Method *rowPtr;
    Tcl_WideInt id;
    Tcl_Size length;

    if (Tcl_ListObjLength(NULL, nameObj, &length) != TCL_OK || length != 1) {
	PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the method must be one of the *_METHOD constants, "
		"not \"%.60s\"", Tcl_GetString(nameObj));
	return NULL;
    }
    if (PyosslGetConst(interp, PYOSSL_SSL, "the method", NULL, nameObj, &id)
	    != TCL_OK) {
	return NULL;
    }
    for (rowPtr = methods; rowPtr->id != 0 && rowPtr->id != id; rowPtr++) {
	/* Empty body. */
    }
    if (rowPtr->id == 0) {
	PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"no such method: \"%.60s\"", Tcl_GetString(nameObj));
	return NULL;
    }
    if (rowPtr->proc == NULL) {
	PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"this OpenSSL (%s) no longer has %s",
		OpenSSL_version(OPENSSL_VERSION_STRING),
		id == PYOSSL_SSLv2_METHOD ? "SSLv2_METHOD" : "SSLv3_METHOD");
	return NULL;
    }
    return rowPtr;
}

/*
 * What our connections rely on: partial writes from moving buffers, no
 * buffers while idle; a read goes on past session tickets to the data that
 * is there (our BIO never waits); an end of file without close_notify is an
 * error.
 */
static void
SetDefaults(
    SSL_CTX *sslCtx)
{
    SSL_CTX_set_mode(sslCtx, SSL_MODE_ENABLE_PARTIAL_WRITE
	    | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
	    | SSL_MODE_AUTO_RETRY);
    SSL_CTX_clear_options(sslCtx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_timeout(sslCtx, DEFAULT_TIMEOUT);
    SSL_CTX_set_session_cache_mode(sslCtx, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_session_id_context(sslCtx,
	    (const unsigned char *) DEFAULT_SESSION_ID,
	    sizeof(DEFAULT_SESSION_ID) - 1);
}

/* [pyossl::ctx new METHOD] (manual 3.3, class Context) */
static void *
CtxNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const Method *rowPtr = GetMethod(interp, objv[0]);
    PyosslCtx *ctxPtr;
    SSL_CTX *sslCtx;

    (void) objc;
    if (rowPtr == NULL) {
	return NULL;
    }
    ERR_clear_error();
    sslCtx = SSL_CTX_new(rowPtr->proc());
    if (sslCtx == NULL) {
	PyosslFailQueue(interp, PYOSSL_SSL, "cannot make a context");
	return NULL;
    }
    ctxPtr = PyosslCtxAlloc(ipPtr, sslCtx);
    ctxPtr->isDtls = rowPtr->isDtls;
    SetDefaults(sslCtx);
    if (rowPtr->version != 0 && PyosslCtxSetVersions(interp, ctxPtr,
	    rowPtr->version) != TCL_OK) {
	PyosslCtxRelease(ctxPtr);
	return NULL;
    }
    PyosslCtxCbUpdate(ctxPtr);
    ERR_clear_error();
    return ctxPtr;
}

static void
CtxFree(
    void *nativePtr)
{
    PyosslCtxRelease(nativePtr);
}

/* The first command is the context's; see PyosslCtxObj. */
static void
CtxBorn(
    PyosslObject *objPtr)
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;

    if (ctxPtr->objPtr == NULL) {
	ctxPtr->objPtr = objPtr;
    }
}

static void
CtxGone(
    PyosslObject *objPtr)
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;

    if (ctxPtr->objPtr == objPtr) {
	ctxPtr->objPtr = NULL;
    }
}

/*
 * ---------------------------------------------------------------------
 * Callbacks and application data
 * ---------------------------------------------------------------------
 */

static int
SetCallback(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    Tcl_Obj *prefixObj,
    PyosslCbId id)
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;

    if (PyosslCallbackSet(interp, PYOSSL_SSL, objPtr->ipPtr, prefixObj,
	    &ctxPtr->cb[id]) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslCtxCbUpdate(ctxPtr);
    return TCL_OK;
}

/* set_info_callback callback (manual 3.3.1): conn where ret. */
static int
CtxSetInfoCallback(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetCallback(objPtr, interp, objv[2], PYOSSL_CB_INFO);
}

/* set_msg_callback callback: conn direction version type bytes. */
static int
CtxSetMsgCallback(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetCallback(objPtr, interp, objv[2], PYOSSL_CB_MSG);
}

/* set_keylog_callback callback: conn line. */
static int
CtxSetKeylogCallback(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetCallback(objPtr, interp, objv[2], PYOSSL_CB_KEYLOG);
}

/* set_tlsext_servername_callback callback (manual 3.3.1): conn. */
static int
CtxSetServernameCallback(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return SetCallback(objPtr, interp, objv[2], PYOSSL_CB_SERVERNAME);
}

/* Puts a value (or NULL) in the place of another. */
static void
ReplaceObj(
    Tcl_Obj **slotPtr,
    Tcl_Obj *valueObj)
{
    if (valueObj != NULL) {
	Tcl_IncrRefCount(valueObj);
    }
    if (*slotPtr != NULL) {
	Tcl_DecrRefCount(*slotPtr);
    }
    *slotPtr = valueObj;
}

/* set_passwd_cb callback ?userdata? (manual 3.3.1) */
static int
CtxSetPasswdCb(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;

    if (SetCallback(objPtr, interp, objv[2], PYOSSL_CB_PASSWD) != TCL_OK) {
	return TCL_ERROR;
    }
    ReplaceObj(&ctxPtr->userdataObj, objc > 3 ? objv[3] : NULL);
    return TCL_OK;
}

/* set_app_data data (manual 3.3.1) */
static int
CtxSetAppData(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) interp; (void) objc;
    ReplaceObj(&((PyosslCtx *) objPtr->nativePtr)->appDataObj, objv[2]);
    return TCL_OK;
}

/* get_app_data (manual 3.3.1) */
static int
CtxGetAppData(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    if (ctxPtr->appDataObj != NULL) {
	Tcl_SetObjResult(interp, ctxPtr->appDataObj);
    }
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Verification
 * ---------------------------------------------------------------------
 */

/* set_verify mode callback (manual 3.3.1) */
static int
CtxSetVerify(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;
    Tcl_WideInt mode;

    (void) objc;
    if (PyosslGetConst(interp, PYOSSL_SSL, "the mode", "VERIFY_", objv[2],
	    &mode) != TCL_OK) {
	return TCL_ERROR;
    }
    if ((mode & ~(Tcl_WideInt) VERIFY_FLAGS) != 0) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError", "the mode must be "
		"made of the VERIFY_* constants, not \"%.60s\"",
		Tcl_GetString(objv[2]));
    }
    if (PyosslCallbackSet(interp, PYOSSL_SSL, objPtr->ipPtr, objv[3],
	    &ctxPtr->cb[PYOSSL_CB_VERIFY]) != TCL_OK) {
	return TCL_ERROR;
    }
    SSL_CTX_set_verify(ctxPtr->sslCtx, (int) mode, NULL);
    PyosslCtxCbUpdate(ctxPtr);
    return TCL_OK;
}

/* get_verify_mode (manual 3.3.1) */
static int
CtxGetVerifyMode(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp,
	    Tcl_NewIntObj(SSL_CTX_get_verify_mode(Native(objPtr))));
    return TCL_OK;
}

/* set_verify_depth depth (manual 3.3.1); -1 is OpenSSL's default. */
static int
CtxSetVerifyDepth(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int depth;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the depth", objv[2], -1,
	    INT_MAX, &depth) != TCL_OK) {
	return TCL_ERROR;
    }
    SSL_CTX_set_verify_depth(Native(objPtr), depth);
    return TCL_OK;
}

/* get_verify_depth (manual 3.3.1) */
static int
CtxGetVerifyDepth(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp,
	    Tcl_NewIntObj(SSL_CTX_get_verify_depth(Native(objPtr))));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Options and modes
 * ---------------------------------------------------------------------
 */

/* A mask of flags that may not be negative. */
static int
GetFlags(
    Tcl_Interp *interp,
    const char *what,
    const char *prefix,
    Tcl_Obj *objPtr,
    Tcl_WideInt max,
    Tcl_WideInt *flagsPtr)
{
    if (PyosslGetConst(interp, PYOSSL_SSL, what, prefix, objPtr, flagsPtr)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    if (*flagsPtr < 0 || *flagsPtr > max) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"%s cannot be %.60s", what, Tcl_GetString(objPtr));
    }
    return TCL_OK;
}

/* set_options options (manual 3.3.1): adds them. */
static int
CtxSetOptions(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_WideInt flags;

    (void) objc;
    if (GetFlags(interp, "the options", "OP_", objv[2], LLONG_MAX, &flags)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt)
	    SSL_CTX_set_options(Native(objPtr), (uint64_t) flags)));
    return TCL_OK;
}

/* clear_options options: takes them away. */
static int
CtxClearOptions(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_WideInt flags;

    (void) objc;
    if (GetFlags(interp, "the options", "OP_", objv[2], LLONG_MAX, &flags)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt)
	    SSL_CTX_clear_options(Native(objPtr), (uint64_t) flags)));
    return TCL_OK;
}

static int
CtxGetOptions(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt)
	    SSL_CTX_get_options(Native(objPtr))));
    return TCL_OK;
}

/* set_mode mode (of the 0.13 release): adds modes. */
static int
CtxSetMode(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_WideInt flags;

    (void) objc;
    if (GetFlags(interp, "the mode", "MODE_", objv[2], INT_MAX, &flags)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    SSL_CTX_set_mode(Native(objPtr), (long) flags)));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Sessions
 * ---------------------------------------------------------------------
 */

/* set_session_id name (manual 3.3.1): at most 32 bytes. */
static int
CtxSetSessionId(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Size length;
    unsigned char *bytes = PyosslGetBytes(interp, PYOSSL_SSL,
	    "the session id context", objv[2], &length);

    (void) objc;
    if (bytes == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!SSL_CTX_set_session_id_context(Native(objPtr), bytes,
	    length > SSL_MAX_SID_CTX_LENGTH ? SSL_MAX_SID_CTX_LENGTH + 1
	    : (unsigned) length)) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot set the session id context");
    }
    return TCL_OK;
}

/* set_timeout timeout (manual 3.3.1): seconds; returns the old value. */
static int
CtxSetTimeout(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int seconds;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the timeout", objv[2], 0,
	    INT_MAX, &seconds) != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    SSL_CTX_set_timeout(Native(objPtr), seconds)));
    return TCL_OK;
}

/* get_timeout (manual 3.3.1) */
static int
CtxGetTimeout(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    SSL_CTX_get_timeout(Native(objPtr))));
    return TCL_OK;
}

/* set_session_cache_mode mode: returns the old one. */
static int
CtxSetSessionCacheMode(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_WideInt mode;

    (void) objc;
    if (GetFlags(interp, "the session cache mode", "SESS_CACHE_", objv[2],
	    INT_MAX, &mode) != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    SSL_CTX_set_session_cache_mode(Native(objPtr), (long) mode)));
    return TCL_OK;
}

static int
CtxGetSessionCacheMode(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    SSL_CTX_get_session_cache_mode(Native(objPtr))));
    return TCL_OK;
}

/* set_num_tickets n: what a server sends after a TLS 1.3 handshake. */
static int
CtxSetNumTickets(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int count;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the number of tickets",
	    objv[2], 0, 1000, &count) != TCL_OK) {
	return TCL_ERROR;
    }
    SSL_CTX_set_num_tickets(Native(objPtr), (size_t) count);
    return TCL_OK;
}

/*
 * set_tlsext_ticket_keys bytes: what session tickets are sealed with. Servers
 * with the same ones resume each other's sessions.
 * Source: SSL_CTX_set_tlsext_ticket_keys, RFC 5077 section 4
 */
static int
CtxSetTicketKeys(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    long wanted = SSL_CTX_get_tlsext_ticket_keys(sslCtx, NULL, 0);
    Tcl_Size length;
    unsigned char *bytes = PyosslGetBytes(interp, PYOSSL_SSL,
	    "the ticket keys", objv[2], &length);

    (void) objc;
    if (bytes == NULL) {
	return TCL_ERROR;
    }
    if (length != wanted) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the ticket keys are %ld bytes, not %ld", wanted,
		(long) length);
    }
    ERR_clear_error();
    if (SSL_CTX_set_tlsext_ticket_keys(sslCtx, bytes, wanted) <= 0) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot set the ticket keys");
    }
    return TCL_OK;
}

/* get_tlsext_ticket_keys: those in use, made at random unless they were set. */
static int
CtxGetTicketKeys(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    int length = (int) SSL_CTX_get_tlsext_ticket_keys(sslCtx, NULL, 0);
    Tcl_Obj *bytesObj = Tcl_NewByteArrayObj(NULL, length);

    (void) objc; (void) objv;
    ERR_clear_error();
    if (SSL_CTX_get_tlsext_ticket_keys(sslCtx,
	    Tcl_GetByteArrayFromObj(bytesObj, NULL), length) <= 0) {
	Tcl_DecrRefCount(bytesObj);
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot get the ticket keys");
    }
    Tcl_SetObjResult(interp, bytesObj);
    return TCL_OK;
}

/* set_max_cert_list bytes: how long a peer's chain may be; the old value. */
static int
CtxSetMaxCertList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int size;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the size of a certificate list",
	    objv[2], 1, INT_MAX, &size) != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewLongObj(
	    SSL_CTX_set_max_cert_list(Native(objPtr), size)));
    return TCL_OK;
}

/* get_max_cert_list */
static int
CtxGetMaxCertList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewLongObj(
	    SSL_CTX_get_max_cert_list(Native(objPtr))));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * The class
 * ---------------------------------------------------------------------
 */

static const PyosslMethod ctxMethods[] = {
    {"add_client_ca", PyosslCtxAddClientCa, 1, 1, "certificate_authority", 0},
    {"add_extra_chain_cert", PyosslCtxAddExtraChainCert, 1, 1, "cert", 0},
    {"check_privatekey", PyosslCtxCheckPrivatekey, 0, 0, NULL, 0},
    {"clear_options", CtxClearOptions, 1, 1, "options", 0},
    PYOSSL_DESTROY_METHOD,
    {"get_app_data", CtxGetAppData, 0, 0, NULL, 0},
    {"get_cert_store", PyosslCtxGetCertStore, 0, 0, NULL, 0},
    {"get_cipher_list", PyosslCtxGetCipherList, 0, 0, NULL, 0},
    {"get_max_cert_list", CtxGetMaxCertList, 0, 0, NULL, 0},
    {"get_max_proto_version", PyosslCtxGetMaxProto, 0, 0, NULL, 0},
    {"get_min_proto_version", PyosslCtxGetMinProto, 0, 0, NULL, 0},
    {"get_options", CtxGetOptions, 0, 0, NULL, 0},
    {"get_security_level", PyosslCtxGetSecurityLevel, 0, 0, NULL, 0},
    {"get_session_cache_mode", CtxGetSessionCacheMode, 0, 0, NULL, 0},
    {"get_timeout", CtxGetTimeout, 0, 0, NULL, 0},
    {"get_tlsext_ticket_keys", CtxGetTicketKeys, 0, 0, NULL, 0},
    {"get_verify_depth", CtxGetVerifyDepth, 0, 0, NULL, 0},
    {"get_verify_mode", CtxGetVerifyMode, 0, 0, NULL, 0},
    {"load_client_ca", PyosslCtxLoadClientCa, 1, 1, "pemfile", PYOSSL_UNSAFE},
    {"load_tmp_dh", PyosslCtxLoadTmpDh, 1, 1, "dhfile", PYOSSL_UNSAFE},
    {"load_verify_locations", PyosslCtxLoadVerifyLocations, 1, 2,
	"pemfile ?capath?", PYOSSL_UNSAFE},
    {"set_alpn", PyosslCtxSetAlpnMethod, 1, 2, "protocols ?require?", 0},
    {"set_app_data", CtxSetAppData, 1, 1, "data", 0},
    {"set_cipher_list", PyosslCtxSetCipherList, 1, 1, "ciphers", 0},
    {"set_ciphersuites", PyosslCtxSetCiphersuites, 1, 1, "suites", 0},
    {"set_client_ca_list", PyosslCtxSetClientCaList, 1, 1,
	"certificate_authorities", 0},
    {"set_default_verify_paths", PyosslCtxSetDefaultVerifyPaths, 0, 0, NULL,
	PYOSSL_UNSAFE},
    {"set_groups", PyosslCtxSetGroups, 1, 1, "groups", 0},
    {"set_info_callback", CtxSetInfoCallback, 1, 1, "callback", 0},
    {"set_keylog_callback", CtxSetKeylogCallback, 1, 1, "callback", 0},
    {"set_max_cert_list", CtxSetMaxCertList, 1, 1, "bytes", 0},
    {"set_max_proto_version", PyosslCtxSetMaxProto, 1, 1, "version", 0},
    {"set_min_proto_version", PyosslCtxSetMinProto, 1, 1, "version", 0},
    {"set_mode", CtxSetMode, 1, 1, "mode", 0},
    {"set_msg_callback", CtxSetMsgCallback, 1, 1, "callback", 0},
    {"set_num_tickets", CtxSetNumTickets, 1, 1, "count", 0},
    {"set_options", CtxSetOptions, 1, 1, "options", 0},
    {"set_passwd_cb", CtxSetPasswdCb, 1, 2, "callback ?userdata?", 0},
    {"set_security_level", PyosslCtxSetSecurityLevel, 1, 1, "level", 0},
    {"set_session_cache_mode", CtxSetSessionCacheMode, 1, 1, "mode", 0},
    {"set_session_id", CtxSetSessionId, 1, 1, "name", 0},
    {"set_sigalgs", PyosslCtxSetSigalgs, 1, 1, "algorithms", 0},
    {"set_sni", PyosslCtxSetSniMethod, 1, 1, "names", 0},
    {"set_timeout", CtxSetTimeout, 1, 1, "timeout", 0},
    {"set_tlsext_servername_callback", CtxSetServernameCallback, 1, 1,
	"callback", 0},
    {"set_tlsext_ticket_keys", CtxSetTicketKeys, 1, 1, "bytes", 0},
    {"set_tmp_dh", PyosslCtxSetTmpDh, 1, 1, "params", 0},
    {"set_verify", CtxSetVerify, 2, 2, "mode callback", 0},
    {"set_verify_depth", CtxSetVerifyDepth, 1, 1, "depth", 0},
    {"use_certificate", PyosslCtxUseCertificate, 1, 1, "cert", 0},
    {"use_certificate_chain_file", PyosslCtxUseCertificateChainFile, 1, 1,
	"file", PYOSSL_UNSAFE},
    {"use_certificate_file", PyosslCtxUseCertificateFile, 1, 2,
	"file ?format?", PYOSSL_UNSAFE},
    {"use_privatekey", PyosslCtxUsePrivatekey, 1, 1, "pkey", 0},
    {"use_privatekey_file", PyosslCtxUsePrivatekeyFile, 1, 2,
	"file ?format?", PYOSSL_UNSAFE},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslCtxClass = {
    "ctx", PYOSSL_ID_CTX, PYOSSL_SSL, ctxMethods, CtxFree,
    CtxNew, 1, 1, "method", NULL, NULL, CtxBorn, CtxGone
};
