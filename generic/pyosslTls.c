/*
 * pyosslTls.c --
 *
 *	A connection without commands: the SSL, its link, its context, and
 *	the steps handshake, read, write, shutdown, none of which waits. What
 *	OpenSSL answers is told apart here and nowhere else; a fatal failure
 *	is kept, with words that a person can act on.
 *
 *	Used by the conn command and the plaintext channel alike, whichever
 *	lives longer. Callers open a PyosslOp around the steps.
 */

#include "pyosslTls.h"
#include <errno.h>
#include <openssl/x509v3.h>

/* The most that one call hands to OpenSSL: bounds the output queue. */
#define WRITE_LIMIT	(128 * 1024)

TCL_DECLARE_MUTEX(indexMutex)
static int exIndex = -1;	/* Guarded by indexMutex. */

static int
ExIndex(void)
{
    Tcl_MutexLock(&indexMutex);
    if (exIndex < 0) {
	exIndex = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    Tcl_MutexUnlock(&indexMutex);
    return exIndex;
}

/*
 * PyosslTlsNew --
 *	A connection of a context over a transport.
 * Arguments:
 *	typePtr, inst	The transport, taken over also on failure; NULL for
 *		memory.
 * Results:
 *	One reference; NULL with the reason on OpenSSL's queue.
 */
PyosslTls *
PyosslTlsNew(
    PyosslCtx *ctxPtr,
    const PyosslTransportType *typePtr,
    void *inst)
{
    PyosslTls *tlsPtr = (PyosslTls *) ckalloc(sizeof(PyosslTls));
    BIO *bioPtr;

    memset(tlsPtr, 0, sizeof(*tlsPtr));
    tlsPtr->refCount = 1;
    tlsPtr->blocking = 1;
    tlsPtr->alertIn = tlsPtr->alertOut = -1;
    tlsPtr->ctxPtr = ctxPtr;
    PyosslCtxHold(ctxPtr);
    PyosslLinkInit(&tlsPtr->link, typePtr, inst);
    ERR_clear_error();
    tlsPtr->ssl = SSL_new(ctxPtr->sslCtx);
    bioPtr = tlsPtr->ssl != NULL ? PyosslLinkBio(&tlsPtr->link) : NULL;
    if (bioPtr == NULL || !SSL_set_ex_data(tlsPtr->ssl, ExIndex(), tlsPtr)) {
	BIO_free(bioPtr);
	PyosslTlsRelease(tlsPtr);
	return NULL;
    }
    SSL_set_bio(tlsPtr->ssl, bioPtr, bioPtr);
    if (ctxPtr->isDtls) {
	/* The link knows nothing of datagrams. */
	SSL_set_options(tlsPtr->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(tlsPtr->ssl, 1400);
    }
    return tlsPtr;
}

void
PyosslTlsHold(
    PyosslTls *tlsPtr)
{
    tlsPtr->refCount++;
}

/* PyosslTlsRelease -- the last one out frees the SSL. */
void
PyosslTlsRelease(
    PyosslTls *tlsPtr)
{
    if (--tlsPtr->refCount > 0) {
	return;
    }
    SSL_free(tlsPtr->ssl);
    PyosslLinkFree(&tlsPtr->link);
    PyosslCtxRelease(tlsPtr->ctxPtr);
    PyosslFailureClear(&tlsPtr->failure);
    if (tlsPtr->appDataObj != NULL) {
	Tcl_DecrRefCount(tlsPtr->appDataObj);
    }
    if (tlsPtr->verifyText != NULL) {
	ckfree(tlsPtr->verifyText);
    }
    if (tlsPtr->verifyHost != NULL) {
	ckfree(tlsPtr->verifyHost);
    }
    ckfree((char *) tlsPtr);
}

/* PyosslTlsFromSsl -- the connection of an SSL, for C callbacks; or NULL. */
PyosslTls *
PyosslTlsFromSsl(
    const SSL *ssl)
{
    return ssl != NULL ? SSL_get_ex_data(ssl, ExIndex()) : NULL;
}

/*
 * PyosslTlsConnObj --
 *	The name of the connection's command in a new Tcl_Obj, for a
 *	callback's first argument; the command is made if there is none.
 *	Empty where the interpreter is another one than the command's.
 */
Tcl_Obj *
PyosslTlsConnObj(
    PyosslTls *tlsPtr,
    PyosslInterp *ipPtr)
{
    if (tlsPtr->connPtr == NULL && PyosslInterpAlive(ipPtr)) {
	PyosslTlsHold(tlsPtr);
	tlsPtr->connPtr = PyosslObjectNew(ipPtr, &pyosslConnClass, tlsPtr);
    }
    if (tlsPtr->connPtr == NULL || tlsPtr->connPtr->ipPtr != ipPtr) {
	return Tcl_NewObj();
    }
    return PyosslObjectName(tlsPtr->connPtr);
}

/* PyosslTlsSetCtx -- another context from now on ([set_context], SNI). */
void
PyosslTlsSetCtx(
    PyosslTls *tlsPtr,
    PyosslCtx *ctxPtr)
{
    if (ctxPtr == tlsPtr->ctxPtr) {
	return;
    }
    PyosslCtxHold(ctxPtr);
    SSL_set_SSL_CTX(tlsPtr->ssl, ctxPtr->sslCtx);
    PyosslCtxRelease(tlsPtr->ctxPtr);
    tlsPtr->ctxPtr = ctxPtr;
}

/*
 * PyosslTlsSetHost --
 *	The server name to ask for (RFC 6066; never an address) and the name
 *	or address that the peer's certificate must carry. NULL or empty: none.
 * Results:
 *	1, or 0 with the reason on OpenSSL's queue.
 */
int
PyosslTlsSetHost(
    PyosslTls *tlsPtr,
    const char *serverName,
    const char *verifyName)
{
    X509_VERIFY_PARAM *paramPtr = SSL_get0_param(tlsPtr->ssl);
    ASN1_OCTET_STRING *addressPtr;

    if (serverName != NULL && serverName[0] != '\0') {
	addressPtr = a2i_IPADDRESS(serverName);
	if (addressPtr != NULL) {
	    ASN1_OCTET_STRING_free(addressPtr);
	} else if (!SSL_set_tlsext_host_name(tlsPtr->ssl, serverName)) {
	    return 0;
	}
	ERR_clear_error();
    }
    if (verifyName == NULL || verifyName[0] == '\0') {
	return 1;
    }
    X509_VERIFY_PARAM_set_hostflags(paramPtr,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (tlsPtr->verifyHost != NULL) {
	ckfree(tlsPtr->verifyHost);
    }
    tlsPtr->verifyHost = PyosslStrdup(verifyName);
    if (X509_VERIFY_PARAM_set1_ip_asc(paramPtr, verifyName)) {
	return 1;
    }
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(paramPtr, verifyName, 0);
}

/*
 * ---------------------------------------------------------------------
 * What went wrong
 * ---------------------------------------------------------------------
 */

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
    tlsPtr->verifyText = PyosslStrdup(Tcl_DStringValue(&ds));
    Tcl_DStringFree(&ds);
    OPENSSL_free(subject);
    OPENSSL_free(issuer);
}

/*
 * Keeps what is on OpenSSL's queue as the failure, in words: whose alert it
 * was, which check a certificate did not pass, what we told the peer.
 */
static void
KeepQueue(
    PyosslTls *tlsPtr,
    const char *what)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    char text[200];

    if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
	snprintf(text, sizeof(text), "%s: the peer sent the fatal alert %s",
		what, PyosslTlsAlertName(reason - SSL_AD_REASON_OFFSET));
	PyosslFailureQueue(&tlsPtr->failure, EPROTO, PYOSSL_SSL, text);
	return;
    }
    PyosslFailureQueue(&tlsPtr->failure, EPROTO, PYOSSL_SSL, what);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED
	    && tlsPtr->verifyText != NULL) {
	Tcl_Obj *textObj = Tcl_ObjPrintf("%s: certificate verify failed: %s",
		what, tlsPtr->verifyText);

	Tcl_IncrRefCount(textObj);
	ckfree(tlsPtr->failure.message);
	tlsPtr->failure.message = PyosslStrdup(Tcl_GetString(textObj));
	Tcl_DecrRefCount(textObj);
    } else if (tlsPtr->alertOut >= 0) {
	Tcl_Obj *textObj = Tcl_ObjPrintf("%s (we sent the fatal alert %s)",
		tlsPtr->failure.message, PyosslTlsAlertName(tlsPtr->alertOut));

	Tcl_IncrRefCount(textObj);
	ckfree(tlsPtr->failure.message);
	tlsPtr->failure.message = PyosslStrdup(Tcl_GetString(textObj));
	Tcl_DecrRefCount(textObj);
    }
}

/*
 * What a failed SSL_* call means. Only here is SSL_get_error asked.
 */
static PyosslTlsResult
Classify(
    PyosslTls *tlsPtr,
    int ret,
    int handshaking,
    const char *what)
{
    PyosslLink *linkPtr = &tlsPtr->link;

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
	if (linkPtr->readErrno != 0) {
	    PyosslFailureErrno(&tlsPtr->failure, linkPtr->readErrno, what);
	} else if (linkPtr->writeErrno != 0) {
	    PyosslFailureErrno(&tlsPtr->failure, linkPtr->writeErrno, what);
	} else {
	    PyosslFailureEof(&tlsPtr->failure);
	}
	return PYOSSL_TLS_FAIL;
    default:
	break;
    }
    KeepQueue(tlsPtr, what);
    return PYOSSL_TLS_FAIL;
}

/*
 * ---------------------------------------------------------------------
 * Steps
 * ---------------------------------------------------------------------
 */

/* Every step starts here: old output first, and nobody else's errors. */
static int
StepBegin(
    PyosslTls *tlsPtr)
{
    if (tlsPtr->failure.message != NULL) {
	return 0;
    }
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	PyosslLinkFlush(&tlsPtr->link);
    }
    ERR_clear_error();
    return 1;
}

static void
NoteEstablished(
    PyosslTls *tlsPtr)
{
    if (!tlsPtr->established && SSL_is_init_finished(tlsPtr->ssl)) {
	tlsPtr->established = 1;
    }
}

/*
 * PyosslTlsHandshake --
 *	Goes on with the handshake as far as it gets without waiting.
 */
PyosslTlsResult
PyosslTlsHandshake(
    PyosslTls *tlsPtr)
{
    PyosslTlsResult result = PYOSSL_TLS_OK;
    int ret;

    if (!StepBegin(tlsPtr)) {
	return PYOSSL_TLS_FAIL;
    }
    ret = SSL_do_handshake(tlsPtr->ssl);
    if (ret == 1) {
	tlsPtr->established = 1;
	tlsPtr->renegotiating = 0;
	/* The peer's first records may have come along. */
	tlsPtr->maybeMore = SSL_has_pending(tlsPtr->ssl);
    } else {
	result = Classify(tlsPtr, ret, 1, "the TLS handshake failed");
	if (result == PYOSSL_TLS_EOF) {
	    PyosslFailureSet(&tlsPtr->failure, ECONNABORTED, PYOSSL_SSL,
		    "ZeroReturnError",
		    "the peer closed the connection during the handshake");
	    result = PYOSSL_TLS_FAIL;
	}
    }
    PyosslLinkFlush(&tlsPtr->link);
    return result;
}

/*
 * PyosslTlsRead --
 *	Decrypts what has come, or just looks (peek).
 * Results:
 *	PYOSSL_TLS_OK with *gotPtr > 0 bytes, or why not.
 */
PyosslTlsResult
PyosslTlsRead(
    PyosslTls *tlsPtr,
    char *buf,
    int size,
    int peek,
    int *gotPtr)
{
    PyosslTlsResult result = PYOSSL_TLS_OK;
    int ret;

    if (!StepBegin(tlsPtr)) {
	return PYOSSL_TLS_FAIL;
    }
    ret = peek ? SSL_peek(tlsPtr->ssl, buf, size)
	    : SSL_read(tlsPtr->ssl, buf, size);
    NoteEstablished(tlsPtr);
    if (ret > 0) {
	*gotPtr = ret;
	tlsPtr->maybeMore = peek || SSL_has_pending(tlsPtr->ssl);
    } else {
	tlsPtr->maybeMore = 0;
	result = Classify(tlsPtr, ret, !tlsPtr->established,
		tlsPtr->established ? "reading failed"
		: "the TLS handshake failed");
    }
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	PyosslLinkFlush(&tlsPtr->link);
    }
    return result;
}

/*
 * PyosslTlsWrite --
 *	Encrypts and sends. Takes bytes only when all earlier output is gone.
 * Results:
 *	PYOSSL_TLS_OK with *donePtr bytes taken (perhaps still queued), or
 *	why none was.
 */
PyosslTlsResult
PyosslTlsWrite(
    PyosslTls *tlsPtr,
    const char *buf,
    int size,
    int *donePtr)
{
    PyosslLink *linkPtr = &tlsPtr->link;
    PyosslTlsResult result = PYOSSL_TLS_OK;
    int ret, done = 0;

    if (!StepBegin(tlsPtr)) {
	return PYOSSL_TLS_FAIL;
    }
    if (linkPtr->writeErrno != 0) {
	PyosslFailureErrno(&tlsPtr->failure, linkPtr->writeErrno,
		"writing failed");
	return PYOSSL_TLS_FAIL;
    }
    if (linkPtr->typePtr != NULL && PyosslLinkQueued(linkPtr) > 0) {
	return PYOSSL_TLS_WANT_WRITE;
    }
    if (size > WRITE_LIMIT) {
	size = WRITE_LIMIT;
    }
    linkPtr->corked = size > SSL3_RT_MAX_PLAIN_LENGTH;
    while (done < size) {
	ret = SSL_write(tlsPtr->ssl, buf + done, size - done);
	NoteEstablished(tlsPtr);
	if (ret <= 0) {
	    result = Classify(tlsPtr, ret, !tlsPtr->established,
		    tlsPtr->established ? "writing failed"
		    : "the TLS handshake failed");
	    break;
	}
	done += ret;
    }
    linkPtr->corked = 0;
    PyosslLinkFlush(linkPtr);
    if (done > 0) {
	*donePtr = done;
	return PYOSSL_TLS_OK;
    }
    return result;
}

/*
 * PyosslTlsShutdown --
 *	Sends close_notify, or looks for the peer's.
 * Results:
 *	PYOSSL_TLS_EOF when both have been sent, PYOSSL_TLS_OK when ours has,
 *	or why neither. PYOSSL_TLS_FAIL without a kept failure leaves the
 *	reason on OpenSSL's queue.
 */
PyosslTlsResult
PyosslTlsShutdown(
    PyosslTls *tlsPtr)
{
    PyosslTlsResult result;
    int ret;

    if (!StepBegin(tlsPtr)) {
	return PYOSSL_TLS_FAIL;
    }
    ret = SSL_shutdown(tlsPtr->ssl);
    result = ret == 1 ? PYOSSL_TLS_EOF : PYOSSL_TLS_OK;
    if (ret < 0) {
	/* Being told too early is no failure of the connection. */
	result = SSL_get_error(tlsPtr->ssl, ret) == SSL_ERROR_SSL
		? PYOSSL_TLS_FAIL
		: Classify(tlsPtr, ret, 0, "the TLS shutdown failed");
    }
    PyosslLinkFlush(&tlsPtr->link);
    return result;
}

/* PyosslNow -- the time in milliseconds. */
Tcl_WideInt
PyosslNow(void)
{
    Tcl_Time now;

    Tcl_GetTime(&now);
    return (Tcl_WideInt) now.sec * 1000 + now.usec / 1000;
}

/* PyosslTlsTimedOut -- the handshake took longer than was allowed. */
void
PyosslTlsTimedOut(
    PyosslTls *tlsPtr)
{
    PyosslFailureErrno(&tlsPtr->failure, ETIMEDOUT,
	    "the TLS handshake took too long");
}

/*
 * PyosslTlsWait --
 *	After a step that wants something: waits, the event loop standing
 *	still, until the step can be tried again.
 * Arguments:
 *	ms	The bound; -1: none but the handshake's.
 * Results:
 *	1 try again, 0 time-out (of the handshake: a kept failure), -1 waiting
 *	is impossible (errno).
 */
int
PyosslTlsWait(
    PyosslTls *tlsPtr,
    PyosslTlsResult result,
    int ms)
{
    int mask = result == PYOSSL_TLS_WANT_READ ? TCL_READABLE : TCL_WRITABLE;
    int ready;

    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	mask |= TCL_WRITABLE;
    }
    if (ms < 0 && !tlsPtr->established && tlsPtr->deadline > 0) {
	Tcl_WideInt left = tlsPtr->deadline - PyosslNow();

	ready = left <= 0 ? 0
		: PyosslLinkWait(&tlsPtr->link, mask, (int) left);
	if (ready == 0) {
	    PyosslTlsTimedOut(tlsPtr);
	}
    } else {
	ready = PyosslLinkWait(&tlsPtr->link, mask, ms);
    }
    if (ready > 0 && (ready & TCL_WRITABLE)) {
	PyosslLinkFlush(&tlsPtr->link);
    }
    return ready > 0 ? 1 : ready;
}

/*
 * PyosslTlsClose --
 *	Ends the transport.
 * Arguments:
 *	clean	Say close_notify first, if that can be said.
 */
void
PyosslTlsClose(
    PyosslTls *tlsPtr,
    Tcl_Interp *interp,
    int clean)
{
    if (tlsPtr->closed) {
	return;
    }
    tlsPtr->closed = 1;
    if (clean && tlsPtr->established && tlsPtr->failure.message == NULL
	    && !(SSL_get_shutdown(tlsPtr->ssl) & SSL_SENT_SHUTDOWN)) {
	ERR_clear_error();
	tlsPtr->link.corked = 1;
	SSL_shutdown(tlsPtr->ssl);
	tlsPtr->link.corked = 0;
	ERR_clear_error();
    }
    PyosslLinkFlush(&tlsPtr->link);
    PyosslLinkClose(&tlsPtr->link, interp, 1);
}
