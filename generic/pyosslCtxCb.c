/*
 * pyosslCtxCb.c --
 *
 *	The functions which OpenSSL calls back on behalf of a context. Each
 *	finds its connection by the SSL's ex_data and the script by that
 *	connection's present context, and gives OpenSSL the safe answer where
 *	the script fails. Has no commands.
 *
 *	    OpenSSL --> C function --> PyosslTls --> PyosslCtx --> callback
 *	                    |                                         |
 *	                    +<-- answer, or the safe one <-- result or error
 *
 *	A connection that has moved to another thread has a context without
 *	callbacks; then OpenSSL's own verdict stands.
 */

#include "pyosslCrypto.h"
#include "pyosslTls.h"

/*
 * What a call is about: who is called and for which connection. The script
 * may take the callback off, or destroy the context; both are held here.
 */
typedef struct Call {
    PyosslTls *tlsPtr;
    PyosslCtx *ctxPtr;		/* Held. */
    PyosslCallback *cbPtr;	/* A copy of our own. */
    Tcl_Obj *argv[5];		/* Held; argv[0] is the connection. */
    int argc;
} Call;

/*
 * Begins a call of a context's script.
 * Results:
 *	1, to be finished with CallDone; 0 where there is no script to run.
 */
static int
CallBegin(
    Call *callPtr,
    PyosslTls *tlsPtr,
    PyosslCtx *ctxPtr,
    PyosslCbId id)
{
    PyosslCallback *cbPtr = ctxPtr->cb[id];
    PyosslInterp *ipPtr;

    /* A connection that a callback has destroyed is of no more concern. */
    if (tlsPtr->gone || !PyosslCallbackUsable(cbPtr)) {
	return 0;
    }
    ipPtr = PyosslCallbackInterp(cbPtr);
    callPtr->cbPtr = NULL;
    if (PyosslCallbackSet(NULL, PYOSSL_SSL, ipPtr,
	    PyosslCallbackPrefix(cbPtr), &callPtr->cbPtr) != TCL_OK) {
	return 0;
    }
    PyosslCtxHold(ctxPtr);
    callPtr->tlsPtr = tlsPtr;
    callPtr->ctxPtr = ctxPtr;
    callPtr->argv[0] = PyosslTlsConnObj(tlsPtr, ipPtr);
    Tcl_IncrRefCount(callPtr->argv[0]);
    callPtr->argc = 1;
    return 1;
}

static void
CallArg(
    Call *callPtr,
    Tcl_Obj *valueObj)
{
    Tcl_IncrRefCount(valueObj);
    callPtr->argv[callPtr->argc++] = valueObj;
}

/*
 * Runs the script, which may begin or cease to listen; see PyosslCallbackCall.
 * The channel is held meanwhile: OpenSSL is at work below it, and it must not go
 * to another thread.
 */
static int
CallRun(
    Call *callPtr,
    Tcl_Obj **resultPtr)
{
    Tcl_Channel chan = callPtr->tlsPtr->heldChan;
    int code;

    if (chan != NULL) {
	Tcl_RegisterChannel(NULL, chan);
	if (!Tcl_IsChannelShared(chan)) {
	    /* Nobody has it any more: this is the flush of its close. */
	    Tcl_DetachChannel(NULL, chan);
	    chan = NULL;
	}
    }
    callPtr->tlsPtr->inputHeld = chan != NULL && Tcl_InputBuffered(chan) > 0;
    code = PyosslCallbackCall(callPtr->cbPtr, callPtr->argc, callPtr->argv,
	    resultPtr);
    if (chan != NULL) {
	Tcl_UnregisterChannel(NULL, chan);
    }
    PyosslTlsListen(callPtr->tlsPtr);
    return code;
}

static void
CallDone(
    Call *callPtr)
{
    while (callPtr->argc > 0) {
	Tcl_DecrRefCount(callPtr->argv[--callPtr->argc]);
    }
    PyosslCallbackFree(&callPtr->cbPtr);
    PyosslCtxRelease(callPtr->ctxPtr);
}

/*
 * InfoFunction --
 *	SSL_CTX_set_info_callback(3): conn where ret. Cannot stop OpenSSL; an
 *	error is raised by the operation that is under way. The connection
 *	itself takes note of alerts and handshakes here, so the function is
 *	always installed.
 */
static void
InfoFunction(
    const SSL *ssl,
    int where,
    int ret)
{
    PyosslTls *tlsPtr = PyosslTlsFromSsl(ssl);
    Call call;

    if (tlsPtr == NULL) {
	return;
    }
    PyosslTlsNoteInfo(tlsPtr, where, ret);
    if (!CallBegin(&call, tlsPtr, tlsPtr->ctxPtr, PYOSSL_CB_INFO)) {
	return;
    }
    CallArg(&call, Tcl_NewIntObj(where));
    CallArg(&call, Tcl_NewIntObj(ret));
    CallRun(&call, NULL);
    CallDone(&call);
}

/*
 * MsgFunction --
 *	SSL_CTX_set_msg_callback(3): conn direction version type bytes, with
 *	OpenSSL's pseudo types for record headers (256) and the inner content
 *	type of TLS 1.3 (257) among the types.
 */
static void
MsgFunction(
    int write,
    int version,
    int contentType,
    const void *bytes,
    size_t length,
    SSL *ssl,
    void *arg)
{
    PyosslTls *tlsPtr = PyosslTlsFromSsl(ssl);
    Call call;

    (void) arg;
    if (tlsPtr == NULL
	    || !CallBegin(&call, tlsPtr, tlsPtr->ctxPtr, PYOSSL_CB_MSG)) {
	return;
    }
    CallArg(&call, Tcl_NewStringObj(write ? "out" : "in", -1));
    CallArg(&call, Tcl_NewIntObj(version));
    CallArg(&call, Tcl_NewIntObj(contentType));
    CallArg(&call, Tcl_NewByteArrayObj(bytes, (Tcl_Size) length));
    CallRun(&call, NULL);
    CallDone(&call);
}

/* KeylogFunction -- SSL_CTX_set_keylog_callback(3): conn line. */
static void
KeylogFunction(
    const SSL *ssl,
    const char *line)
{
    PyosslTls *tlsPtr = PyosslTlsFromSsl(ssl);
    Call call;

    if (tlsPtr == NULL
	    || !CallBegin(&call, tlsPtr, tlsPtr->ctxPtr, PYOSSL_CB_KEYLOG)) {
	return;
    }
    CallArg(&call, Tcl_NewStringObj(line, -1));
    CallRun(&call, NULL);
    CallDone(&call);
}

/*
 * Asks the verify script about one certificate.
 * Results:
 *	1 accept, 0 reject: the script said so, or it failed.
 */
static int
VerifyAsk(
    Call *callPtr,
    int ok,
    X509_STORE_CTX *storePtr)
{
    X509 *certPtr = X509_STORE_CTX_get_current_cert(storePtr);
    PyosslObject *certObjPtr = NULL;
    Tcl_Obj *answerObj;
    int accept = 0;

    if (certPtr != NULL && X509_up_ref(certPtr)) {
	certObjPtr = PyosslObjectNew(PyosslCallbackInterp(callPtr->cbPtr),
		&pyosslX509Class, certPtr);
    }
    if (certObjPtr != NULL) {
	PyosslObjectHold(certObjPtr);
    }
    CallArg(callPtr, certObjPtr ? PyosslObjectName(certObjPtr)
	    : Tcl_NewObj());
    CallArg(callPtr, Tcl_NewIntObj(X509_STORE_CTX_get_error(storePtr)));
    CallArg(callPtr, Tcl_NewIntObj(X509_STORE_CTX_get_error_depth(storePtr)));
    CallArg(callPtr, Tcl_NewIntObj(ok));
    if (CallRun(callPtr, &answerObj) == TCL_OK) {
	if (Tcl_GetBooleanFromObj(NULL, answerObj, &accept) != TCL_OK) {
	    accept = 0;
	    PyosslCallbackFail(callPtr->cbPtr, PYOSSL_SSL, "TypeError",
		    "the verify callback must return a boolean");
	}
	Tcl_DecrRefCount(answerObj);
    }
    if (certObjPtr != NULL) {
	PyosslObjectDelete(certObjPtr);
	PyosslObjectRelease(certObjPtr);
    }
    return accept;
}

/*
 * Whether OpenSSL has lost the name to check on its way. It copies the
 * connection's parameters for each verification and does not look whether
 * that went well: without memory the certificate of anybody would do.
 */
static int
NameLost(
    const PyosslTls *tlsPtr,
    X509_STORE_CTX *storePtr)
{
    X509_VERIFY_PARAM *paramPtr = X509_STORE_CTX_get0_param(storePtr);
    char *address;

    if (tlsPtr->verifyHost == NULL || paramPtr == NULL
	    || X509_VERIFY_PARAM_get0_host(paramPtr, 0) != NULL) {
	return 0;
    }
    address = X509_VERIFY_PARAM_get1_ip_asc(paramPtr);
    OPENSSL_free(address);
    return address == NULL;
}

/*
 * VerifyFunction --
 *	SSL_CTX_set_verify(3): conn x509 errnum depth ok -> boolean. Also
 *	tells the connection of the checks that failed, for its messages, and
 *	of what was refused; for
 *	that it is installed without a script too.
 */
static int
VerifyFunction(
    int ok,
    X509_STORE_CTX *storePtr)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(storePtr,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
    PyosslTls *tlsPtr = ssl != NULL ? PyosslTlsFromSsl(ssl) : NULL;
    Call call;
    int accept;

    if (tlsPtr == NULL) {
	return ok;
    }
    if (ok && NameLost(tlsPtr, storePtr)) {
	X509_STORE_CTX_set_error(storePtr, X509_V_ERR_OUT_OF_MEM);
	PyosslTlsVerifyFailed(tlsPtr, storePtr);
	PyosslTlsRefused(tlsPtr, storePtr);
	return 0;
    }
    if (!ok) {
	PyosslTlsVerifyFailed(tlsPtr, storePtr);
    }
    if (!CallBegin(&call, tlsPtr, tlsPtr->ctxPtr, PYOSSL_CB_VERIFY)) {
	accept = ok || tlsPtr->ctxPtr->lenient;
	if (!accept) {
	    PyosslTlsRefused(tlsPtr, storePtr);
	}
	return accept;
    }
    accept = VerifyAsk(&call, ok, storePtr);
    CallDone(&call);
    ERR_clear_error();
    if (accept) {
	X509_STORE_CTX_set_error(storePtr, X509_V_OK);
    } else if (X509_STORE_CTX_get_error(storePtr) == X509_V_OK) {
	X509_STORE_CTX_set_error(storePtr,
		X509_V_ERR_APPLICATION_VERIFICATION);
    }
    if (!accept) {
	PyosslTlsRefused(tlsPtr, storePtr);
    }
    return accept;
}

/*
 * Whether a session that is being resumed was made under the context that
 * now counts. The verification of the client is part of the session: one
 * that was made for a name which asks for no certificate must not open a
 * name which does. (In TLS 1.2 the name is part of the session as well, and
 * OpenSSL has told us that one.)
 */
static int
SameHost(
    SSL *ssl,
    const PyosslCtx *ctxPtr,	/* Which the connection began with. */
    const char *name)
{
    const SSL_SESSION *sessionPtr = SSL_get0_session(ssl);
    const char *old = sessionPtr != NULL
	    ? SSL_SESSION_get0_hostname(sessionPtr) : NULL;

    if (name == NULL || old == NULL) {
	return name == NULL && old == NULL;
    }
    if (strcmp(name, old) == 0) {
	return 1;
    }
    return ctxPtr->cb[PYOSSL_CB_SERVERNAME] == NULL
	    && PyosslSniFind(ctxPtr->sniList, name)
	    == PyosslSniFind(ctxPtr->sniList, old);
}

/*
 * ServernameFunction --
 *	SSL_CTX_set_tlsext_servername_callback(3), servers only. First the
 *	table of names may change the context, then the script of the context
 *	that the connection began with is called: conn. OpenSSL comes here
 *	also when the client named no server. The verification of a new
 *	context goes with it, which OpenSSL would not see to.
 */
static int
ServernameFunction(
    SSL *ssl,
    int *alertPtr,
    void *arg)
{
    PyosslTls *tlsPtr = PyosslTlsFromSsl(ssl);
    const char *name;
    PyosslCtx *ctxPtr, *otherPtr;
    SSL_CTX *nowCtx;
    Call call;
    int code = TCL_OK, result = SSL_TLSEXT_ERR_OK;

    (void) arg;
    if (tlsPtr == NULL || !SSL_is_server(ssl)) {
	return SSL_TLSEXT_ERR_OK;
    }
    ctxPtr = tlsPtr->ctxPtr;
    PyosslCtxHold(ctxPtr);
    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name != NULL && ctxPtr->sniList != NULL) {
	otherPtr = PyosslSniFind(ctxPtr->sniList, name);
	if (otherPtr != NULL && otherPtr != ctxPtr) {
	    PyosslTlsSetCtx(tlsPtr, otherPtr);
	}
    }
    if (CallBegin(&call, tlsPtr, ctxPtr, PYOSSL_CB_SERVERNAME)) {
	code = CallRun(&call, NULL);
	CallDone(&call);
    }
    nowCtx = SSL_get_SSL_CTX(ssl);
    if (nowCtx != ctxPtr->sslCtx) {
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(nowCtx),
		SSL_CTX_get_verify_callback(nowCtx));
    }
    if (code != TCL_OK) {
	*alertPtr = SSL_AD_INTERNAL_ERROR;
	result = SSL_TLSEXT_ERR_ALERT_FATAL;
    } else if (tlsPtr->failure.message != NULL) {
	*alertPtr = SSL_AD_UNRECOGNIZED_NAME;
	result = SSL_TLSEXT_ERR_ALERT_FATAL;
    } else if (SSL_session_reused(ssl)
	    && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER)
	    && !SameHost(ssl, ctxPtr, name)) {
	*alertPtr = SSL_AD_HANDSHAKE_FAILURE;
	result = SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    PyosslCtxRelease(ctxPtr);
    return result;
}

/*
 * AlpnFunction --
 *	SSL_CTX_set_alpn_select_cb(3): the first protocol of ours that the
 *	client has too. None is a no_application_protocol alert (RFC 7301,
 *	3.2), unless the context says to go on without.
 */
static int
AlpnFunction(
    SSL *ssl,
    const unsigned char **outPtr,
    unsigned char *outLengthPtr,
    const unsigned char *in,
    unsigned int inLength,
    void *arg)
{
    PyosslTls *tlsPtr = PyosslTlsFromSsl(ssl);
    PyosslCtx *ctxPtr = tlsPtr != NULL ? tlsPtr->ctxPtr : NULL;
    unsigned int i, j;

    (void) arg;
    if (ctxPtr == NULL || ctxPtr->alpn == NULL) {
	return SSL_TLSEXT_ERR_NOACK;
    }
    for (i = 0; i < ctxPtr->alpnLength; i += 1 + ctxPtr->alpn[i]) {
	for (j = 0; j < inLength; j += 1 + in[j]) {
	    /* OpenSSL has checked that the client's list is well formed. */
	    if (in[j] == ctxPtr->alpn[i]
		    && memcmp(in + j, ctxPtr->alpn + i, 1 + in[j]) == 0) {
		*outPtr = in + j + 1;
		*outLengthPtr = in[j];
		return SSL_TLSEXT_ERR_OK;
	    }
	}
    }
    return ctxPtr->alpnRequire ? SSL_TLSEXT_ERR_ALERT_FATAL
	    : SSL_TLSEXT_ERR_NOACK;
}

/*
 * PyosslCtxCbUpdate --
 *	Installs the functions that the context needs, and takes the others
 *	off: what no script waits for must cost nothing. A passphrase is
 *	never asked for on the terminal.
 */
void
PyosslCtxCbUpdate(
    PyosslCtx *ctxPtr)
{
    SSL_CTX *sslCtx = ctxPtr->sslCtx;
    PyosslCallback **cb = ctxPtr->cb;
    int mode = SSL_CTX_get_verify_mode(sslCtx);
    int byName = cb[PYOSSL_CB_SERVERNAME] != NULL || ctxPtr->sniList != NULL;

    int i;

    ctxPtr->scripted = byName;
    for (i = 0; i < PYOSSL_CB_COUNT; i++) {
	ctxPtr->scripted |= cb[i] != NULL;
    }
    /* OpenSSL 3.2 makes what tells of records without it, where nobody listens
     * when the keys change, and a script may begin to later. */
    ctxPtr->msgProc = cb[PYOSSL_CB_MSG] != NULL
	    || OpenSSL_version_num() >= 0x30200000L ? MsgFunction : NULL;
    /* For the first keys, which a connection has from its birth. */
    SSL_CTX_set_msg_callback(sslCtx, ctxPtr->msgProc);
    SSL_CTX_set_info_callback(sslCtx, InfoFunction);
    SSL_CTX_set_keylog_callback(sslCtx,
	    cb[PYOSSL_CB_KEYLOG] ? KeylogFunction : NULL);
    SSL_CTX_set_verify(sslCtx, mode,
	    mode != SSL_VERIFY_NONE || cb[PYOSSL_CB_VERIFY]
	    ? VerifyFunction : NULL);
    /* A macro that casts only the start of what it is given. */
    SSL_CTX_set_tlsext_servername_callback(sslCtx,
	    (byName ? ServernameFunction : NULL));
    SSL_CTX_set_alpn_select_cb(sslCtx, ctxPtr->alpn ? AlpnFunction : NULL,
	    NULL);
    SSL_CTX_set_default_passwd_cb(sslCtx, PyosslPassRead);
}
