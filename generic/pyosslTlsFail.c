/*
 * pyosslTlsFail.c --
 *
 *	What went wrong with a connection: what OpenSSL answers is told apart
 *	here and nowhere else; a fatal failure is kept, with words that a
 *	person can act on.
 */

#include "pyosslTls.h"
#include <errno.h>

/* PSS with SHA-256 and a salt as long: the least that TLS 1.3 signs with. */
#define TLS13_RSA_MIN	66	/* Bytes. */

/* PyosslTlsAlertName -- the RFC 8446 (B.2) name of an alert, or its number. */
const char *
PyosslTlsAlertName(
    int alert)
{
    static const struct {
	int alert;
	const char *name;
    } names[] = {
	{0, "close_notify"}, {10, "unexpected_message"},
	{20, "bad_record_mac"}, {21, "decryption_failed"},
	{22, "record_overflow"}, {30, "decompression_failure"},
	{40, "handshake_failure"}, {41, "no_certificate"},
	{42, "bad_certificate"}, {43, "unsupported_certificate"},
	{44, "certificate_revoked"}, {45, "certificate_expired"},
	{46, "certificate_unknown"}, {47, "illegal_parameter"},
	{48, "unknown_ca"}, {49, "access_denied"}, {50, "decode_error"},
	{51, "decrypt_error"}, {60, "export_restriction"},
	{70, "protocol_version"}, {71, "insufficient_security"},
	{80, "internal_error"}, {86, "inappropriate_fallback"},
	{90, "user_canceled"}, {100, "no_renegotiation"},
	{109, "missing_extension"}, {110, "unsupported_extension"},
	{111, "certificate_unobtainable"}, {112, "unrecognized_name"},
	{113, "bad_certificate_status_response"},
	{114, "bad_certificate_hash_value"}, {115, "unknown_psk_identity"},
	{116, "certificate_required"}, {120, "no_application_protocol"},
	{-1, NULL}
    };
    int i;

    for (i = 0; names[i].name != NULL; i++) {
	if (names[i].alert == alert) {
	    return names[i].name;
	}
    }
    return "unassigned";
}

/*
 * PyosslTlsNoteInfo --
 *	Called by the C info callback for every event of every connection.
 */
void
PyosslTlsNoteInfo(
    PyosslTls *tlsPtr,
    int where,
    int ret)
{
    if ((where & SSL_CB_ALERT) && (ret >> 8) == SSL3_AL_FATAL) {
	if (where & SSL_CB_WRITE) {
	    tlsPtr->alertOut = ret & 0xff;
	} else {
	    tlsPtr->alertIn = ret & 0xff;
	}
    }
}

/*
 * PyosslTlsListen --
 *	Lets OpenSSL tell of messages where the context's script wants them now,
 *	and only there: a record has several, and telling costs more than the
 *	rest of a step. The SSL's own function, since that is what counts.
 */
void
PyosslTlsListen(
    PyosslTls *tlsPtr)
{
    PyosslMsgProc *msgProc = tlsPtr->ctxPtr->msgProc;

    /* Not off from inside of a step: OpenSSL 3.0 looks once whether it is
     * there, and calls it twice. */
    if (tlsPtr->msgProc != msgProc && (msgProc != NULL || !tlsPtr->busy)) {
	tlsPtr->msgProc = msgProc;
	SSL_set_msg_callback(tlsPtr->ssl, msgProc);
    }
}

/*
 * PyosslTlsVerifyFailed --
 *	Called by the C verify callback for a check that failed: the first
 *	one is kept in words.
 */
void
PyosslTlsVerifyFailed(
    PyosslTls *tlsPtr,
    X509_STORE_CTX *storePtr)
{
    int code = X509_STORE_CTX_get_error(storePtr);
    X509 *certPtr = X509_STORE_CTX_get_current_cert(storePtr);
    char *subject = NULL, *issuer = NULL;
    Tcl_DString ds;
    char depth[32];

    if (tlsPtr->verifyText != NULL) {
	return;
    }
    if (certPtr != NULL) {
	subject = X509_NAME_oneline(X509_get_subject_name(certPtr), NULL, 0);
	issuer = X509_NAME_oneline(X509_get_issuer_name(certPtr), NULL, 0);
    }
    Tcl_DStringInit(&ds);
    Tcl_DStringAppend(&ds, X509_verify_cert_error_string(code), -1);
    if ((code == X509_V_ERR_HOSTNAME_MISMATCH
	    || code == X509_V_ERR_IP_ADDRESS_MISMATCH)
	    && tlsPtr->verifyHost != NULL) {
	Tcl_DStringAppend(&ds, ", the certificate is not for \"", -1);
	Tcl_DStringAppend(&ds, tlsPtr->verifyHost, -1);
	Tcl_DStringAppend(&ds, "\"", 1);
    }
    snprintf(depth, sizeof(depth), " (depth %d",
	    X509_STORE_CTX_get_error_depth(storePtr));
    Tcl_DStringAppend(&ds, depth, -1);
    if (subject != NULL && issuer != NULL) {
	Tcl_DStringAppend(&ds, ", subject \"", -1);
	Tcl_DStringAppend(&ds, subject, -1);
	Tcl_DStringAppend(&ds, "\", issuer \"", -1);
	Tcl_DStringAppend(&ds, issuer, -1);
	Tcl_DStringAppend(&ds, "\"", 1);
    }
    Tcl_DStringAppend(&ds, ")", 1);
    if (code == X509_V_ERR_EE_KEY_TOO_SMALL
	    || code == X509_V_ERR_CA_KEY_TOO_SMALL
	    || code == X509_V_ERR_CA_MD_TOO_WEAK) {
	Tcl_DStringAppend(&ds, "; " PYOSSL_SECLEVEL_ADVICE, -1);
    }
    tlsPtr->verifyText = PyosslStrdup(Tcl_DStringValue(&ds));
    Tcl_DStringFree(&ds);
    OPENSSL_free(subject);
    OPENSSL_free(issuer);
}

/*
 * PyosslTlsRefused --
 *	Called by the C verify callback when it ends the verification: what
 *	the peer sent is kept. OpenSSL lets a server have no certificate and
 *	a client none as the peer's own before it is accepted.
 */
void
PyosslTlsRefused(
    PyosslTls *tlsPtr,
    X509_STORE_CTX *storePtr)
{
    STACK_OF(X509) *chainPtr = X509_STORE_CTX_get0_untrusted(storePtr);

    sk_X509_pop_free(tlsPtr->refused, X509_free);
    tlsPtr->refused = chainPtr != NULL ? X509_chain_up_ref(chainPtr) : NULL;
}

/*
 * A callback that OpenSSL does not ask anything has failed, and the connection
 * with it: the peer is told by a fatal alert. OpenSSL cannot be asked to send
 * one, but it sends one for a record that cannot be (record_overflow: RFC 8446,
 * 5.2). What it has not given out yet is dropped.
 */
static void
Abort(
    PyosslTls *tlsPtr)
{
    PyosslLink *linkPtr = &tlsPtr->link;
    SSL *ssl = tlsPtr->ssl;
    char dropped[1024];
    int gone = tlsPtr->gone, tries = 0;

    if (tlsPtr->busy || tlsPtr->closed || tlsPtr->alertOut >= 0
	    || tlsPtr->alertIn >= 0 || SSL_in_before(ssl) || SSL_is_dtls(ssl)
	    || SSL_get_shutdown(ssl) != 0 || linkPtr->writeErrno != 0
	    || linkPtr->kernelSends || linkPtr->kernelReceives) {
	return;
    }
    tlsPtr->gone = 1;			/* No more callbacks. */
    tlsPtr->busy = linkPtr->spoilt = 1;
    while (tries++ < 1000 && (SSL_in_init(ssl) ? SSL_do_handshake(ssl)
	    : SSL_read(ssl, dropped, sizeof(dropped))) > 0) {
	/* A record that had come before. */
    }
    OPENSSL_cleanse(dropped, sizeof(dropped));
    ERR_clear_error();
    tlsPtr->busy = linkPtr->spoilt = 0;
    tlsPtr->gone = gone;
    PyosslLinkFlush(linkPtr);
}

/*
 * PyosslTlsEndOp --
 *	PyosslOpEndFailure for an operation on the connection, which ends where a
 *	callback has failed; its peer is told.
 */
int
PyosslTlsEndOp(
    PyosslTls *tlsPtr,
    PyosslOp *opPtr,
    int background)
{
    if (!PyosslOpEndFailure(opPtr, &tlsPtr->failure, background)) {
	return 0;
    }
    Abort(tlsPtr);
    return 1;
}

static void
Reword(
    PyosslFailure *failurePtr,
    Tcl_Obj *messageObj)
{
    Tcl_IncrRefCount(messageObj);
    ckfree(failurePtr->message);
    failurePtr->message = PyosslStrdup(Tcl_GetString(messageObj));
    Tcl_DecrRefCount(messageObj);
}

/* Why this end found no way to sign, and what can be done; or nothing. */
static const char *
SignatureAdvice(
    PyosslTls *tlsPtr)
{
    EVP_PKEY *pkeyPtr = SSL_get_privatekey(tlsPtr->ssl);

    if (!SSL_is_dtls(tlsPtr->ssl)
	    && SSL_version(tlsPtr->ssl) < TLS1_2_VERSION
	    && SSL_get_security_level(tlsPtr->ssl) > 0) {
	return "; " PYOSSL_SHA1_ADVICE;
    }
    if (SSL_version(tlsPtr->ssl) == TLS1_3_VERSION && pkeyPtr != NULL
	    && EVP_PKEY_is_a(pkeyPtr, "RSA")
	    && EVP_PKEY_get_size(pkeyPtr) < TLS13_RSA_MIN) {
	return "; the RSA key is too short for the signatures of TLS 1.3, "
		"not for those of TLS 1.2";
    }
    return "";
}

/*
 * What the settings of this end lack for what OpenSSL complains of, in words
 * that end the message; or NULL.
 */
static const char *
Lack(
    PyosslTls *tlsPtr,
    int reason)
{
    SSL *ssl = tlsPtr->ssl;

    if (reason == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM) {
	return SignatureAdvice(tlsPtr);
    }
    if (!SSL_is_server(ssl) || tlsPtr->established) {
	return NULL;
    }
    switch (reason) {
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_UNSUPPORTED_PROTOCOL:
	/* Without a certificate OpenSSL does not go by TLS 1.3. */
	if (SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST)) {
	    return NULL;	/* One of some type, and its key. */
	}
	return SSL_get_certificate(ssl) == NULL
		? "; this server has no certificate"
		: "; this server has no private key";
    default:
	return NULL;
    }
}

/*
 * PyosslTlsKeepQueue --
 *	Keeps what is on OpenSSL's queue as a failure, in words: whose alert
 *	it was, which check a certificate did not pass, what we told the peer.
 */
void
PyosslTlsKeepQueue(
    PyosslTls *tlsPtr,
    PyosslFailure *failurePtr,
    const char *what)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const char *lack = Lack(tlsPtr, reason);
    char text[200];

    if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
	snprintf(text, sizeof(text), "%s: the peer sent the fatal alert %s",
		what, PyosslTlsAlertName(reason - SSL_AD_REASON_OFFSET));
	PyosslFailureQueue(failurePtr, EPROTO, PYOSSL_SSL, text);
	/* OpenSSL's reason says the same again, in other words. */
	Reword(failurePtr, Tcl_NewStringObj(text, -1));
	return;
    }
    PyosslFailureQueue(failurePtr, EPROTO, PYOSSL_SSL, what);
    if (reason == ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED && !tlsPtr->established) {
	/* OpenSSL's methods for one side have this in place of the other's. */
	Reword(failurePtr, Tcl_ObjPrintf("%s: the method of the context is "
		"for %s only", what, SSL_is_server(tlsPtr->ssl) ? "clients"
		: "servers"));
	return;
    }
    if (lack != NULL) {
	Reword(failurePtr, Tcl_ObjPrintf("%s%s", failurePtr->message, lack));
    }
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED
	    && tlsPtr->verifyText != NULL) {
	Reword(failurePtr, Tcl_ObjPrintf("%s: certificate verify failed: %s",
		what, tlsPtr->verifyText));
    } else if (tlsPtr->alertOut >= 0) {
	Reword(failurePtr, Tcl_ObjPrintf("%s (we sent the fatal alert %s)",
		failurePtr->message, PyosslTlsAlertName(tlsPtr->alertOut)));
    }
}

/*
 * Whether OpenSSL has given the connection up. Else what it complained of
 * was the call (data after close_notify, a shutdown too early), and the
 * connection goes on. Of input that is no TLS at all, to which it sends no
 * alert, OpenSSL 3.2 and later say so once and then wait for more of it.
 */
static int
GivenUp(
    PyosslTls *tlsPtr)
{
    unsigned long code = ERR_peek_last_error();

    if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
	switch (ERR_GET_REASON(code)) {
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_WRONG_VERSION_NUMBER:
	    return 1;
	}
    }
    return strcmp(SSL_state_string_long(tlsPtr->ssl), "error") == 0;
}

/*
 * PyosslTlsClassify --
 *	What a failed SSL_* call means. Only here is SSL_get_error asked.
 * Arguments:
 *	ret	What the call returned.
 *	handshaking	The peer owes us an answer to our own output.
 *	what	What could not be done.
 */
PyosslTlsResult
PyosslTlsClassify(
    PyosslTls *tlsPtr,
    int ret,
    int handshaking,
    const char *what)
{
    PyosslLink *linkPtr = &tlsPtr->link;
    int err;

    if (handshaking && linkPtr->typePtr == &pyosslSockTransport) {
	/* A flight that is held together goes now, or shows why it cannot. */
	PyosslLinkFlush(linkPtr);
    }
    switch (SSL_get_error(tlsPtr->ssl, ret)) {
    case SSL_ERROR_NONE:
	return PYOSSL_TLS_OK;
    case SSL_ERROR_ZERO_RETURN:
	return PYOSSL_TLS_EOF;
    case SSL_ERROR_WANT_READ:
	if (handshaking && linkPtr->writeErrno != 0) {
	    /* What the peer should answer to never left. */
	    PyosslFailureErrno(&tlsPtr->failure, linkPtr->writeErrno, what);
	    return PYOSSL_TLS_FAIL;
	}
	return linkPtr->throttled ? PYOSSL_TLS_WANT_WRITE
		: PYOSSL_TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
	return PYOSSL_TLS_WANT_WRITE;
    case SSL_ERROR_WANT_X509_LOOKUP:
	return PYOSSL_TLS_WANT_LOOKUP;
    case SSL_ERROR_SYSCALL:
	if (ERR_peek_error() != 0) {
	    break;
	}
	err = linkPtr->readErrno != 0 ? linkPtr->readErrno
		: linkPtr->writeErrno;
	if (err == 0) {
	    PyosslFailureEof(&tlsPtr->failure);
	} else {
	    /* Refused is a connect only: TLS had not begun (connect(2)). */
	    PyosslFailureErrno(&tlsPtr->failure, err, err == ECONNREFUSED
		    ? "couldn't open socket" : what);
	}
	return PYOSSL_TLS_FAIL;
    default:
	break;
    }
    PyosslTlsKeepQueue(tlsPtr, GivenUp(tlsPtr) ? &tlsPtr->failure : &tlsPtr->refusal,
	    what);
    return PYOSSL_TLS_FAIL;
}

/*
 * PyosslTlsWhy --
 *	What a step that ended with PYOSSL_TLS_FAIL or _BUSY failed of.
 */
const PyosslFailure *
PyosslTlsWhy(
    const PyosslTls *tlsPtr)
{
    return tlsPtr->refusal.message != NULL ? &tlsPtr->refusal
	    : &tlsPtr->failure;
}
