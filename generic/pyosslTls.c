/*
 * pyosslTls.c --
 *
 *	A connection without commands: the SSL, its link, its context, and
 *	the steps handshake, read, write, shutdown, none of which waits.
 *
 *	Used by the conn command and the plaintext channel alike, whichever
 *	lives longer. Callers open a PyosslOp around the steps.
 */

#include "pyosslTls.h"
#include <errno.h>
#include <openssl/x509v3.h>

/* What the records' headers and tags add to that many bytes, and some more. */
#define WITH_OVERHEAD(n) ((n) + ((n) / SSL3_RT_MAX_PLAIN_LENGTH + 1) * 64)
/* What OpenSSL reads from a socket of ours at a time: four records. */
#define READ_AHEAD	(4 * (SSL3_RT_MAX_PLAIN_LENGTH + 256))

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
    PyosslCount(PYOSSL_COUNT_CONNECTIONS, 1);
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
    PyosslTlsListen(tlsPtr);
    if (ctxPtr->isDtls) {
	/* The link knows nothing of datagrams. */
	SSL_set_options(tlsPtr->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(tlsPtr->ssl, 1400);
	tlsPtr->link.datagrams = 1;
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
    if (tlsPtr->link.typePtr == &pyosslChanTransport
	    && tlsPtr->link.inst != NULL) {
	/* Somebody else's channel stays open, and sends what we could not. */
	PyosslChanTransportLeave(tlsPtr->link.inst, &tlsPtr->link);
    }
    SSL_free(tlsPtr->ssl);
    PyosslLinkFree(&tlsPtr->link);
    PyosslCtxRelease(tlsPtr->ctxPtr);
    PyosslFailureClear(&tlsPtr->failure);
    PyosslFailureClear(&tlsPtr->refusal);
    if (tlsPtr->stash != NULL) {
	OPENSSL_cleanse(tlsPtr->stash, tlsPtr->stashSize);
	PyosslCount(PYOSSL_COUNT_BUFFERED, -tlsPtr->stashSize);
	ckfree(tlsPtr->stash);
    }
    if (tlsPtr->appDataObj != NULL) {
	Tcl_DecrRefCount(tlsPtr->appDataObj);
    }
    if (tlsPtr->verifyText != NULL) {
	ckfree(tlsPtr->verifyText);
    }
    if (tlsPtr->verifyHost != NULL) {
	ckfree(tlsPtr->verifyHost);
    }
    sk_X509_pop_free(tlsPtr->refused, X509_free);
    PyosslCount(PYOSSL_COUNT_CONNECTIONS, -1);
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
 *	Empty where the interpreter is another one than the command's, or a
 *	callback has destroyed the connection.
 */
Tcl_Obj *
PyosslTlsConnObj(
    PyosslTls *tlsPtr,
    PyosslInterp *ipPtr)
{
    if (tlsPtr->connPtr == NULL && !tlsPtr->gone
	    && PyosslInterpAlive(ipPtr)) {
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
    PyosslTlsListen(tlsPtr);
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
    /* A name or an address: OpenSSL would want an old one of the other kind
     * to match as well. */
    if (X509_VERIFY_PARAM_set1_ip_asc(paramPtr, verifyName)) {
	X509_VERIFY_PARAM_set1_host(paramPtr, NULL, 0);
    } else {
	ERR_clear_error();
	if (!X509_VERIFY_PARAM_set1_host(paramPtr, verifyName, 0)) {
	    return 0;
	}
	X509_VERIFY_PARAM_set1_ip(paramPtr, NULL, 0);
    }
    if (tlsPtr->verifyHost != NULL) {
	ckfree(tlsPtr->verifyHost);
    }
    tlsPtr->verifyHost = PyosslStrdup(verifyName);
    return 1;
}

/*
 * ---------------------------------------------------------------------
 * Steps
 * ---------------------------------------------------------------------
 */

/*
 * Whether the session that a client offers was verified as the connection
 * has to be: what is resumed shows no certificate again, and OpenSSL looks
 * neither at how the old verification ended nor at the name.
 */
static int
SessionFits(
    const PyosslTls *tlsPtr)
{
    X509 *certPtr = SSL_SESSION_get0_peer(SSL_get_session(tlsPtr->ssl));
    const char *host = tlsPtr->verifyHost;
    ASN1_OCTET_STRING *addressPtr;

    if (!(SSL_get_verify_mode(tlsPtr->ssl) & SSL_VERIFY_PEER)
	    || tlsPtr->ctxPtr->lenient) {
	return 1;
    }
    if (certPtr == NULL || SSL_get_verify_result(tlsPtr->ssl) != X509_V_OK) {
	return 0;
    }
    if (host == NULL) {
	return 1;
    }
    addressPtr = a2i_IPADDRESS(host);
    ERR_clear_error();
    if (addressPtr != NULL) {
	ASN1_OCTET_STRING_free(addressPtr);
	return X509_check_ip_asc(certPtr, host, 0) == 1;
    }
    return X509_check_host(certPtr, host, 0,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/*
 * Every step starts here: old output first, and nobody else's errors.
 * Results: PYOSSL_TLS_OK, then StepEnd must follow; or why not.
 */
static PyosslTlsResult
StepBegin(
    PyosslTls *tlsPtr)
{
    PyosslFailureClear(&tlsPtr->refusal);
    if (tlsPtr->busy) {
	/* Events in a callback's own event loop come here too. */
	tlsPtr->missed = 1;
	PyosslFailureSet(&tlsPtr->refusal, EBUSY, PYOSSL_SSL, "Error {}",
		"the connection is at work: a callback of its own must not "
		"use it");
	return PYOSSL_TLS_BUSY;
    }
    if (tlsPtr->closed) {
	PyosslFailureErrno(&tlsPtr->refusal, EBADF,
		"the connection is closed");
	return PYOSSL_TLS_FAIL;
    }
    if (tlsPtr->failure.message != NULL) {
	return PYOSSL_TLS_FAIL;
    }
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	PyosslLinkFlush(&tlsPtr->link);
    }
    if (!tlsPtr->established && !SSL_is_server(tlsPtr->ssl)
	    && SSL_in_before(tlsPtr->ssl)
	    && SSL_get_session(tlsPtr->ssl) != NULL && !SessionFits(tlsPtr)) {
	SSL_set_session(tlsPtr->ssl, NULL);
    }
    /*
     * A channel's driver may use OpenSSL too (TLS in TLS), and must not do
     * it before our own errors were looked at. A handshake's messages go out
     * together, a server's session tickets with its last one.
     */
    tlsPtr->link.corked = tlsPtr->link.typePtr == &pyosslChanTransport
	    || !tlsPtr->established;
    PyosslTlsListen(tlsPtr);
    tlsPtr->busy = 1;
    /* To clear what is clear costs more than all else here. */
    if (ERR_peek_error() != 0) {
	ERR_clear_error();
    }
    return PYOSSL_TLS_OK;
}

static void
StepEnd(
    PyosslTls *tlsPtr)
{
    tlsPtr->busy = 0;
    tlsPtr->link.corked = 0;
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	PyosslLinkFlush(&tlsPtr->link);
    }
    if (tlsPtr->ending && tlsPtr->autoConn && tlsPtr->connPtr != NULL) {
	/* A callback closed the channel; a later one was given a command. */
	PyosslObjectDelete(tlsPtr->connPtr);
    }
}

/*
 * The first handshake is done. A socket of ours is ours alone, so that from
 * now on OpenSSL may take all that has come at once; others' channels must
 * keep what comes after TLS. Not before TLS 1.3: a handshake that the peer
 * asks for begins only when no input is left, and then perhaps in a write.
 */
static void
Established(
    PyosslTls *tlsPtr)
{
    if (tlsPtr->link.kernelSends || tlsPtr->link.kernelReceives) {
	/* Its keys stay. OpenSSL 3.2 and later see to half of that only. */
	SSL_set_options(tlsPtr->ssl, SSL_OP_NO_RENEGOTIATION);
    }
    /* Tried again, after a KeyUpdate, OpenSSL 3.5 loses what it read ahead. */
    SSL_clear_options(tlsPtr->ssl, SSL_OP_ENABLE_KTLS);
    if (!tlsPtr->established
	    && tlsPtr->link.typePtr == &pyosslSockTransport
	    && SSL_version(tlsPtr->ssl) == TLS1_3_VERSION) {
	SSL_set_read_ahead(tlsPtr->ssl, 1);
	SSL_set_default_read_buffer_len(tlsPtr->ssl, READ_AHEAD);
    }
    tlsPtr->established = 1;
}

static void
NoteEstablished(
    PyosslTls *tlsPtr)
{
    if (!tlsPtr->established && SSL_is_init_finished(tlsPtr->ssl)) {
	Established(tlsPtr);
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
    PyosslTlsResult result;
    int ret;

    if (PyosslTlsIsLate(tlsPtr)) {
	/* A timer of Tcl's goes wrong where somebody sets the clock. */
	PyosslTlsTimedOut(tlsPtr);
    }
    if (PyosslTlsInHandshake(tlsPtr)
	    && SSL_version(tlsPtr->ssl) != TLS1_3_VERSION) {
	return PyosslTlsRenegotiate(tlsPtr);
    }
    result = StepBegin(tlsPtr);
    if (result != PYOSSL_TLS_OK) {
	return result;
    }
    ret = SSL_do_handshake(tlsPtr->ssl);
    if (ret == 1 && tlsPtr->closed) {
	/* By a callback; OpenSSL had read all it needed before. */
	PyosslFailureErrno(&tlsPtr->failure, EBADF,
		"the connection was closed during the TLS handshake");
	result = PYOSSL_TLS_FAIL;
    } else if (ret == 1) {
	Established(tlsPtr);
	tlsPtr->renegotiating = 0;
	/* The peer's first records may have come along. */
	tlsPtr->maybeMore = SSL_has_pending(tlsPtr->ssl);
    } else {
	result = PyosslTlsClassify(tlsPtr, ret, 1, "the TLS handshake failed");
	if (result == PYOSSL_TLS_EOF) {
	    PyosslFailureSet(&tlsPtr->failure, ECONNABORTED, PYOSSL_SSL,
		    "ZeroReturnError",
		    "the peer closed the connection during the handshake");
	    result = PYOSSL_TLS_FAIL;
	}
    }
    StepEnd(tlsPtr);
    return result;
}

/* Gives out, or shows, what was stashed. */
static int
Unstash(
    PyosslTls *tlsPtr,
    char *buf,
    int size,
    int peek)
{
    int n = tlsPtr->stashLength < size ? tlsPtr->stashLength : size;

    memcpy(buf, tlsPtr->stash + tlsPtr->stashStart, n);
    if (!peek) {
	OPENSSL_cleanse(tlsPtr->stash + tlsPtr->stashStart, n);
	tlsPtr->stashStart += n;
	tlsPtr->stashLength -= n;
	if (tlsPtr->stashLength == 0) {
	    tlsPtr->stashStart = 0;
	}
    }
    tlsPtr->maybeMore = 1;
    return n;
}

/* PyosslTlsStash -- keeps data for the next read. */
void
PyosslTlsStash(
    PyosslTls *tlsPtr,
    const char *buf,
    int length)
{
    if (tlsPtr->stashStart + tlsPtr->stashLength + length
	    > tlsPtr->stashSize) {
	int size = tlsPtr->stashLength + length;
	char *stash = ckalloc(size);

	if (tlsPtr->stash != NULL) {
	    memcpy(stash, tlsPtr->stash + tlsPtr->stashStart,
		    tlsPtr->stashLength);
	    OPENSSL_cleanse(tlsPtr->stash, tlsPtr->stashSize);
	    ckfree(tlsPtr->stash);
	}
	PyosslCount(PYOSSL_COUNT_BUFFERED, size - tlsPtr->stashSize);
	tlsPtr->stash = stash;
	tlsPtr->stashStart = 0;
	tlsPtr->stashSize = size;
    }
    memcpy(tlsPtr->stash + tlsPtr->stashStart + tlsPtr->stashLength, buf,
	    length);
    tlsPtr->stashLength += length;
    tlsPtr->maybeMore = 1;
}

/*
 * PyosslTlsInHandshake --
 *	Whether an established connection handshakes again, or is about to.
 */
int
PyosslTlsInHandshake(
    const PyosslTls *tlsPtr)
{
    return tlsPtr->established && (tlsPtr->renegotiating
	    || SSL_in_init(tlsPtr->ssl));
}

/*
 * PyosslTlsAwaitsHandshake --
 *	The same; also of a server that has asked for one, to which the client
 *	need never answer.
 */
int
PyosslTlsAwaitsHandshake(
    const PyosslTls *tlsPtr)
{
    return PyosslTlsInHandshake(tlsPtr) || (tlsPtr->established
	    && SSL_renegotiate_pending(tlsPtr->ssl));
}

/*
 * Before a read. OpenSSL begins a new handshake that was asked for only where
 * it has no input left, half a record included; and if that were in a write,
 * it would take the peer's data for a mistake.
 */
static void
BeginsRenegotiation(
    PyosslTls *tlsPtr)
{
    if (tlsPtr->renegotiating && !SSL_has_pending(tlsPtr->ssl)) {
	tlsPtr->renegotiating = 0;
    }
}

/*
 * PyosslTlsRenegotiate --
 *	Goes on with a new handshake on an established connection. Only a read
 *	may do that: the peer's data and its handshake come mixed, and OpenSSL
 *	takes data for a fatal mistake in any other call. The data are kept.
 * Results:
 *	PYOSSL_TLS_OK when it is done.
 */
PyosslTlsResult
PyosslTlsRenegotiate(
    PyosslTls *tlsPtr)
{
    PyosslTlsResult result = PYOSSL_TLS_OK;
    char buf[4096];
    int ret;

    while (result == PYOSSL_TLS_OK && PyosslTlsAwaitsHandshake(tlsPtr)) {
	if (tlsPtr->stashLength >= PYOSSL_STASH_LIMIT) {
	    return PYOSSL_TLS_WANT_READ;
	}
	result = StepBegin(tlsPtr);
	if (result != PYOSSL_TLS_OK) {
	    return result;
	}
	BeginsRenegotiation(tlsPtr);
	ret = SSL_read(tlsPtr->ssl, buf, sizeof(buf));
	if (ret > 0) {
	    PyosslTlsStash(tlsPtr, buf, ret);
	} else {
	    result = PyosslTlsClassify(tlsPtr, ret, 0, "the new TLS handshake failed");
	}
	StepEnd(tlsPtr);
    }
    OPENSSL_cleanse(buf, sizeof(buf));
    return PyosslTlsInHandshake(tlsPtr) || result == PYOSSL_TLS_FAIL
	    ? result : PYOSSL_TLS_OK;
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
    PyosslTlsResult result;
    int ret;

    if (tlsPtr->stashLength > 0) {
	*gotPtr = Unstash(tlsPtr, buf, size, peek);
	return PYOSSL_TLS_OK;
    }
    result = StepBegin(tlsPtr);
    if (result != PYOSSL_TLS_OK) {
	return result;
    }
    BeginsRenegotiation(tlsPtr);
    ret = peek ? SSL_peek(tlsPtr->ssl, buf, size)
	    : SSL_read(tlsPtr->ssl, buf, size);
    NoteEstablished(tlsPtr);
    if (ret > 0) {
	*gotPtr = ret;
	tlsPtr->maybeMore = peek || SSL_has_pending(tlsPtr->ssl);
    } else {
	tlsPtr->maybeMore = 0;
	result = PyosslTlsClassify(tlsPtr, ret, !tlsPtr->established,
		tlsPtr->established ? "reading failed"
		: "the TLS handshake failed");
    }
    StepEnd(tlsPtr);
    return result;
}

/*
 * PyosslTlsSent --
 *	Whether all output has left; queued output is tried again.
 * Results:
 *	PYOSSL_TLS_OK (also over memory), PYOSSL_TLS_WANT_WRITE, or
 *	PYOSSL_TLS_FAIL when some never will.
 */
PyosslTlsResult
PyosslTlsSent(
    PyosslTls *tlsPtr)
{
    PyosslLink *linkPtr = &tlsPtr->link;

    if (linkPtr->typePtr == NULL) {
	return PYOSSL_TLS_OK;
    }
    PyosslLinkFlush(linkPtr);
    if (linkPtr->writeErrno != 0) {
	PyosslFailureClear(&tlsPtr->refusal);
	PyosslFailureErrno(&tlsPtr->refusal, linkPtr->writeErrno,
		"writing failed");
	return PYOSSL_TLS_FAIL;
    }
    return PyosslLinkQueued(linkPtr) > 0 ? PYOSSL_TLS_WANT_WRITE
	    : PYOSSL_TLS_OK;
}

/*
 * PyosslTlsWrite --
 *	Encrypts and sends. Takes bytes only when all earlier output is gone.
 *	A transport that takes no more output may still have input, so that
 *	its error is the refusal of each write, and no failure.
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

    if (!tlsPtr->busy && !tlsPtr->closed
	    && tlsPtr->failure.message == NULL) {
	result = PyosslTlsSent(tlsPtr);
    }
    if (result == PYOSSL_TLS_OK && PyosslTlsInHandshake(tlsPtr)) {
	result = PyosslTlsRenegotiate(tlsPtr);
    }
    if (result == PYOSSL_TLS_OK) {
	result = StepBegin(tlsPtr);
    }
    if (result != PYOSSL_TLS_OK) {
	return result;
    }
    if (size > PYOSSL_WRITE_LIMIT) {
	size = PYOSSL_WRITE_LIMIT;
    }
    if (size > SSL3_RT_MAX_PLAIN_LENGTH && linkPtr->typePtr != NULL
	    && !linkPtr->kernelSends) {
	linkPtr->corked = 1;
	PyosslLinkReserve(linkPtr, WITH_OVERHEAD((size_t) size));
    }
    while (done < size) {
	ret = SSL_write(tlsPtr->ssl, buf + done, size - done);
	NoteEstablished(tlsPtr);
	if (ret <= 0) {
	    result = PyosslTlsClassify(tlsPtr, ret, !tlsPtr->established,
		    tlsPtr->established ? "writing failed"
		    : "the TLS handshake failed");
	    break;
	}
	done += ret;
    }
    StepEnd(tlsPtr);
    if (done > 0) {
	*donePtr = done;
	result = PyosslTlsSent(tlsPtr) == PYOSSL_TLS_FAIL ? PYOSSL_TLS_FAIL
		: PYOSSL_TLS_OK;
    }
    return result;
}

/*
 * PyosslTlsShutdown --
 *	Sends close_notify, or looks for the peer's.
 * Results:
 *	PYOSSL_TLS_EOF when both have been sent, PYOSSL_TLS_OK when ours has,
 *	or why neither.
 */
PyosslTlsResult
PyosslTlsShutdown(
    PyosslTls *tlsPtr)
{
    PyosslTlsResult result = StepBegin(tlsPtr);
    int ret;

    if (result != PYOSSL_TLS_OK) {
	return result;
    }
    if (SSL_in_before(tlsPtr->ssl)) {
	/* OpenSSL would take both close_notify as said. */
	ERR_raise(ERR_LIB_SSL, SSL_R_SHUTDOWN_WHILE_IN_INIT);
	PyosslTlsKeepQueue(tlsPtr, &tlsPtr->refusal, "the TLS shutdown failed");
	result = PYOSSL_TLS_FAIL;
    } else {
	ret = SSL_shutdown(tlsPtr->ssl);
	if (ret < 0) {
	    result = PyosslTlsClassify(tlsPtr, ret, 0, "the TLS shutdown failed");
	} else if (ERR_peek_error() != 0) {
	    /* OpenSSL takes a fatal alert for the peer's close_notify. */
	    PyosslTlsKeepQueue(tlsPtr, &tlsPtr->failure,
		    "the TLS shutdown failed");
	    result = PYOSSL_TLS_FAIL;
	} else {
	    result = ret == 1 ? PYOSSL_TLS_EOF : PYOSSL_TLS_OK;
	}
    }
    StepEnd(tlsPtr);
    return result;
}

/*
 * PyosslTlsCloseNotify --
 *	Says close_notify on behalf of a channel, unless it was said, or there
 *	is nobody to say it to.
 */
void
PyosslTlsCloseNotify(
    PyosslTls *tlsPtr)
{
    if (tlsPtr->established && !(SSL_get_shutdown(tlsPtr->ssl)
	    & SSL_SENT_SHUTDOWN) && StepBegin(tlsPtr) == PYOSSL_TLS_OK) {
	SSL_shutdown(tlsPtr->ssl);
	ERR_clear_error();
	StepEnd(tlsPtr);
    }
}

/* PyosslTlsIsLate -- whether the handshake has had its time, and is not done. */
int
PyosslTlsIsLate(
    const PyosslTls *tlsPtr)
{
    return !tlsPtr->established && tlsPtr->deadline > 0
	    && tlsPtr->deadline <= PyosslSysNow();
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
 *	is impossible (errno; EBUSY: inside of its own work).
 */
int
PyosslTlsWait(
    PyosslTls *tlsPtr,
    PyosslTlsResult result,
    int ms)
{
    int mask = result == PYOSSL_TLS_WANT_READ ? TCL_READABLE : TCL_WRITABLE;
    int ready;

    if (tlsPtr->link.underWay > 0) {
	/* A script of the transport's: it would wait for itself. */
	errno = EBUSY;
	return -1;
    }
    if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	mask |= TCL_WRITABLE;
    }
    tlsPtr->waiting++;
    if (ms < 0 && !tlsPtr->established && tlsPtr->deadline > 0) {
	Tcl_WideInt left = tlsPtr->deadline - PyosslSysNow();

	ready = left <= 0 ? 0
		: PyosslLinkWait(&tlsPtr->link, mask, (int) left);
	if (ready == 0) {
	    PyosslTlsTimedOut(tlsPtr);
	}
    } else {
	ready = PyosslLinkWait(&tlsPtr->link, mask, ms);
    }
    tlsPtr->waiting--;
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
    if (!tlsPtr->closed && clean) {
	/* Not from inside a callback: there OpenSSL is at work. */
	PyosslTlsCloseNotify(tlsPtr);
    }
    if (tlsPtr->closed) {
	return;			/* Perhaps by a callback just now. */
    }
    tlsPtr->closed = 1;
    PyosslLinkFlush(&tlsPtr->link);
    PyosslLinkClose(&tlsPtr->link, interp, 1);
}
