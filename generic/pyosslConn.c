/*
 * pyosslConn.c --
 *
 *	Class conn: its life, the handshake, and bytes in both directions
 *	(manual 3.3.2). Methods wait, with the event loop standing still, as
 *	long as the connection is blocking; else, and over memory, they raise
 *	WantReadError and WantWriteError.
 */

#include "pyosslConn.h"
#include <errno.h>

/*
 * ---------------------------------------------------------------------
 * Life
 * ---------------------------------------------------------------------
 */

static void
ConnFree(
    void *nativePtr)
{
    PyosslTlsRelease(nativePtr);
}

/* The command was made: the connection knows it. */
static void
ConnBorn(
    PyosslObject *objPtr)
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    if (tlsPtr->connPtr == NULL) {
	tlsPtr->connPtr = objPtr;
    }
}

/*
 * The command is gone. A connection that belongs to a channel stays with
 * it; else the channel that was given out goes too, and with it, or with
 * the socket that we opened, the transport.
 */
static void
ConnGone(
    PyosslObject *objPtr)
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    if (tlsPtr->connPtr != objPtr) {
	return;
    }
    tlsPtr->connPtr = NULL;
    if (tlsPtr->autoConn) {
	return;
    }
    /* The command that a callback of the close is given goes with the channel. */
    tlsPtr->autoConn = 1;
    PyosslChanClose(tlsPtr, objPtr->ipPtr->interp);
    if (tlsPtr->chanPtr != NULL) {
	/*
	 * Other interpreters have the channel too: it lives on. Or it was
	 * closed, and has still to be flushed.
	 */
	PyosslChanAbandon(tlsPtr);
	return;
    }
    tlsPtr->gone = 1;
    if (tlsPtr->link.typePtr == NULL
	    || tlsPtr->link.typePtr == &pyosslSockTransport) {
	PyosslTlsClose(tlsPtr, NULL, 0);
    }
}

/* [pyossl::conn new ctx ?transport?] (manual 3.3, Connection). */
static void *
ConnNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslCtxGet(interp, objv[0]);
    const char *transport = objc > 1 ? Tcl_GetString(objv[1]) : "";
    const PyosslTransportType *typePtr = NULL;
    void *inst = NULL;
    Tcl_Channel chan;
    PyosslTls *tlsPtr;
    int mode, blocking = 1, held = 0;

    if (ctxPtr == NULL) {
	return NULL;
    }
    if (strcmp(transport, "tcp") == 0) {
	if (ipPtr->safe) {
	    PyosslFailForbidden(interp, transport);
	    return NULL;
	}
	typePtr = &pyosslSockTransport;
	inst = PyosslSockNew();
	if (inst == NULL) {
	    PyosslFailErrno(interp, PYOSSL_SSL, errno,
		    "cannot make a socket");
	    return NULL;
	}
    } else if (transport[0] != '\0') {
	Tcl_DString ds;

	chan = Tcl_GetChannel(interp, transport, &mode);
	if (chan == NULL || (mode & (TCL_READABLE | TCL_WRITABLE))
		!= (TCL_READABLE | TCL_WRITABLE)) {
	    PyosslFail(interp, PYOSSL_SSL, "TypeError", chan == NULL
		    ? "the transport \"%.60s\" is not an open channel"
		    : "the transport \"%.60s\" is not open for reading and "
		    "writing", transport);
	    return NULL;
	}
	chan = Tcl_GetTopChannel(chan);
	Tcl_DStringInit(&ds);
	Tcl_GetChannelOption(NULL, chan, "-blocking", &ds);
	blocking = strcmp(Tcl_DStringValue(&ds), "0") != 0;
	Tcl_DStringFree(&ds);
	PyosslCtxHold(ctxPtr);
	mode = PyosslConnFlushPlain(interp, chan, 0);
	if (mode != TCL_OK) {
	    PyosslCtxRelease(ctxPtr);
	    return NULL;
	}
	held = 1;
	typePtr = &pyosslChanTransport;
	inst = PyosslChanTransportNew(interp, chan, 0);
	typePtr->blockProc(inst, blocking);
    }
    tlsPtr = PyosslTlsNew(ctxPtr, typePtr, inst);
    if (held) {
	PyosslCtxRelease(ctxPtr);
    }
    if (tlsPtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_SSL, "cannot make a connection");
	return NULL;
    }
    tlsPtr->blocking = blocking;
    return tlsPtr;
}

/* close: ends the transport without close_notify (manual 3.3.2). */
static int
ConnClose(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
    PyosslTlsClose(tlsPtr, interp, 0);
    tlsPtr->link.eof = 1;
    PyosslChanClose(tlsPtr, interp);
    return TCL_OK;
}

/* channel: the plaintext channel, made at the first call. */
static int
ConnChannel(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    Tcl_Channel chan = PyosslChanChannel(tlsPtr);

    (void) objc; (void) objv;
    if (chan == NULL) {
	if (tlsPtr->closed || tlsPtr->ending) {
	    return PyosslFailErrno(interp, PYOSSL_SSL, EBADF,
		    "the connection is closed");
	}
	if (!tlsPtr->held) {
	    PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
	}
	chan = PyosslChanCreate(tlsPtr, interp);
    } else if (!Tcl_IsChannelRegistered(interp, chan)) {
	return PyosslFailErrno(interp, PYOSSL_SSL, EBADF,
		"the channel is closed or another interpreter's");
    }
    Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetChannelName(chan), -1));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Handshake and shutdown
 * ---------------------------------------------------------------------
 */

static int
ConnDoHandshake(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslTlsResult result;
    PyosslOp op;
    int code = TCL_OK;

    (void) objc; (void) objv;
    if (PyosslConnCheckStarted(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslOpBegin(&op);
    do {
	result = PyosslTlsHandshake(tlsPtr);
	if (result == PYOSSL_TLS_OK || result == PYOSSL_TLS_WANT_READ) {
	    /* No answer comes before all of the flight is sent. */
	    PyosslTlsResult sent = PyosslTlsSent(tlsPtr);

	    if (result == PYOSSL_TLS_OK || sent == PYOSSL_TLS_WANT_WRITE) {
		result = sent;
	    }
	}
    } while (!PyosslOpFailed(&op) && PyosslConnRetry(tlsPtr, result));
    if (result != PYOSSL_TLS_OK) {
	code = PyosslConnRaise(interp, tlsPtr, result);
    }
    PyosslConnSettle(tlsPtr);
    return PyosslOpEnd(&op, interp, code);
}

static int
ConnSetAcceptState(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    if (PyosslConnCheckIdle(interp, objPtr->nativePtr) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslConnStart(objPtr->nativePtr, 1);
    PyosslConnSettle(objPtr->nativePtr);
    return TCL_OK;
}

static int
ConnSetConnectState(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    if (PyosslConnCheckIdle(interp, objPtr->nativePtr) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslConnStart(objPtr->nativePtr, 0);
    PyosslConnSettle(objPtr->nativePtr);
    return TCL_OK;
}

/*
 * shutdown: 1 when both close_notify have been exchanged, 0 when only ours
 * was sent (SSL_shutdown(3)).
 */
static int
ConnShutdown(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslTlsResult result;
    PyosslOp op;
    int code = TCL_OK;

    (void) objc; (void) objv;
    if (PyosslConnCheckStarted(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslOpBegin(&op);
    do {
	/* What was written to the channel comes first. */
	result = PyosslChanFlush(tlsPtr) ? PyosslTlsShutdown(tlsPtr)
		: PYOSSL_TLS_WANT_WRITE;
	if (result == PYOSSL_TLS_OK && PyosslTlsSent(tlsPtr)
		== PYOSSL_TLS_FAIL) {
	    result = PYOSSL_TLS_FAIL;
	}
    } while (!PyosslOpFailed(&op) && PyosslConnRetry(tlsPtr, result));
    if (result == PYOSSL_TLS_OK || result == PYOSSL_TLS_EOF) {
	Tcl_SetObjResult(interp, Tcl_NewIntObj(result == PYOSSL_TLS_EOF));
    } else {
	code = PyosslConnRaise(interp, tlsPtr, result);
    }
    PyosslConnSettle(tlsPtr);
    return PyosslOpEnd(&op, interp, code);
}

static int
ConnGetShutdown(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(SSL_get_shutdown(tlsPtr->ssl)));
    return TCL_OK;
}

static int
ConnSetShutdown(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    Tcl_WideInt state;

    (void) objc;
    if (PyosslGetConst(interp, PYOSSL_SSL, "the state", NULL, objv[2],
	    &state) != TCL_OK) {
	return TCL_ERROR;
    }
    if (state & ~(Tcl_WideInt) (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the state may have the bits SENT_SHUTDOWN and "
		"RECEIVED_SHUTDOWN only");
    }
    SSL_set_shutdown(tlsPtr->ssl, (int) state);
    PyosslConnSettle(tlsPtr);
    return TCL_OK;
}

/*
 * renegotiate: asks for a new handshake, TLS 1.2 and older. 1, or 0 where
 * one is under way already.
 */
static int
ConnRenegotiate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslOp op;
    int ok;

    (void) objc; (void) objv;
    if (PyosslConnCheckStarted(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (SSL_version(tlsPtr->ssl) == TLS1_3_VERSION && tlsPtr->established) {
	SSL_renegotiate(tlsPtr->ssl);
	return PyosslFailQueue(interp, PYOSSL_SSL, "TLS 1.3 has no "
		"renegotiation; [key_update] changes the keys");
    }
    if (!tlsPtr->established || tlsPtr->busy
	    || PyosslTlsAwaitsHandshake(tlsPtr)) {
	/* One is under way: a second one would break it. */
	Tcl_SetObjResult(interp, Tcl_NewIntObj(0));
	return TCL_OK;
    }
    PyosslOpBegin(&op);
    ok = SSL_renegotiate(tlsPtr->ssl) == 1;
    tlsPtr->renegotiating = ok;
    PyosslConnSettle(tlsPtr);
    Tcl_SetObjResult(interp, Tcl_NewIntObj(ok));
    return PyosslOpEnd(&op, interp, ok ? TCL_OK : PyosslFailQueue(interp,
	    PYOSSL_SSL, "cannot renegotiate"));
}

static int
ConnRenegotiatePending(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    SSL_renegotiate_pending(tlsPtr->ssl) != 0));
    return TCL_OK;
}

static int
ConnTotalRenegotiations(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
	    SSL_total_renegotiations(tlsPtr->ssl)));
    return TCL_OK;
}

/* key_update ?request?: new sending keys (RFC 8446, 4.6.3). */
static int
ConnKeyUpdate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslTlsResult result;
    PyosslOp op;
    int request = 0, code = TCL_OK;

    if (objc > 2 && PyosslGetBoolean(interp, PYOSSL_SSL, "the request flag",
	    objv[2], &request) != TCL_OK) {
	return TCL_ERROR;
    }
    if (PyosslConnCheckIdle(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (tlsPtr->link.kernelSends
	    && SSL_version(tlsPtr->ssl) == TLS1_3_VERSION) {
	return PyosslFail(interp, PYOSSL_SSL, "Error", "cannot update the "
		"keys: the kernel sends, and goes on with its key");
    }
    ERR_clear_error();
    if (!SSL_key_update(tlsPtr->ssl, request ? SSL_KEY_UPDATE_REQUESTED
	    : SSL_KEY_UPDATE_NOT_REQUESTED)) {
	return PyosslFailQueue(interp, PYOSSL_SSL, "cannot update the keys");
    }
    PyosslOpBegin(&op);
    do {
	result = PyosslTlsHandshake(tlsPtr);
    } while (!PyosslOpFailed(&op) && PyosslConnRetry(tlsPtr, result));
    if (result != PYOSSL_TLS_OK) {
	code = PyosslConnRaise(interp, tlsPtr, result);
    }
    PyosslConnSettle(tlsPtr);
    return PyosslOpEnd(&op, interp, code);
}

/*
 * ---------------------------------------------------------------------
 * Settings
 * ---------------------------------------------------------------------
 */

static int
ConnGetAppData(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    if (tlsPtr->appDataObj != NULL) {
	Tcl_SetObjResult(interp, tlsPtr->appDataObj);
    }
    return TCL_OK;
}

static int
ConnSetAppData(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) interp; (void) objc;
    Tcl_IncrRefCount(objv[2]);
    if (tlsPtr->appDataObj != NULL) {
	Tcl_DecrRefCount(tlsPtr->appDataObj);
    }
    tlsPtr->appDataObj = objv[2];
    return TCL_OK;
}

static int
ConnGetContext(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    /* Whoever has it may change it: no other connection shares it now. */
    tlsPtr->ctxPtr->kept = 0;
    Tcl_SetObjResult(interp, PyosslCtxObj(objPtr->ipPtr, tlsPtr->ctxPtr));
    return TCL_OK;
}

static int
ConnSetContext(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslCtxGet(interp, objv[2]);

    (void) objc;
    if (ctxPtr == NULL) {
	return TCL_ERROR;
    }
    PyosslTlsSetCtx(objPtr->nativePtr, ctxPtr);
    return TCL_OK;
}

static int
ConnSetblocking(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int blocking;

    (void) objc;
    if (PyosslGetBoolean(interp, PYOSSL_SSL, "the flag", objv[2], &blocking)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    return PyosslChanSetBlocking(objPtr->nativePtr, blocking);
}

/*
 * PyosslConnGetHostName --
 *	A host name argument: ASCII (an IDN in its A-label form), no NUL.
 */
int
PyosslConnGetHostName(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj,
    const char **namePtr)
{
    Tcl_Size length, i;
    const unsigned char *bytes = PyosslGetBytes(interp, PYOSSL_SSL,
	    "the host name", nameObj, &length);

    if (bytes == NULL) {
	return TCL_ERROR;
    }
    for (i = 0; i < length; i++) {
	if (bytes[i] == 0) {
	    return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		    "the host name must not have a NUL in it");
	}
	if (bytes[i] >= 0x80) {
	    return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		    "the host name must be ASCII (xn-- for others)");
	}
    }
    *namePtr = Tcl_GetString(nameObj);
    return TCL_OK;
}

/*
 * PyosslConnGetServerName --
 *	A host name to ask the server for. OpenSSL looks at its length only
 *	after it has thrown the old name away.
 */
int
PyosslConnGetServerName(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj,
    const char **namePtr)
{
    if (PyosslConnGetHostName(interp, nameObj, namePtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (strlen(*namePtr) > TLSEXT_MAXLEN_host_name) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the server name is longer than %d bytes",
		TLSEXT_MAXLEN_host_name);
    }
    return TCL_OK;
}

static int
ConnSetTlsextHostName(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    const char *name;

    (void) objc;
    if (PyosslConnGetServerName(interp, objv[2], &name) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    /* The macro casts only the start of what it is given. */
    if (!SSL_set_tlsext_host_name(tlsPtr->ssl,
	    (name[0] ? (char *) name : NULL))) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot set the server name");
    }
    return TCL_OK;
}

/* set_verify_host: the name or address the certificate must be for. */
static int
ConnSetVerifyHost(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    const char *name;

    (void) objc;
    if (PyosslConnGetHostName(interp, objv[2], &name) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!PyosslTlsSetHost(tlsPtr, NULL, name)) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot set the name to verify");
    }
    return TCL_OK;
}

static const PyosslMethod connMethods[] = {
    {"accept", PyosslConnAccept, 0, 0, NULL, PYOSSL_UNSAFE},
    {"bind", PyosslConnBind, 1, 1, "address", PYOSSL_UNSAFE},
    {"bio_read", PyosslConnBioRead, 1, 1, "bufsize", 0},
    {"bio_shutdown", PyosslConnBioShutdown, 0, 0, NULL, 0},
    {"bio_write", PyosslConnBioWrite, 1, 1, "bytes", 0},
    {"channel", ConnChannel, 0, 0, NULL, 0},
    {"client_random", PyosslConnClientRandom, 0, 0, NULL, 0},
    {"close", ConnClose, 0, 0, NULL, 0},
    {"connect", PyosslConnConnect, 1, 1, "address", PYOSSL_UNSAFE},
    {"connect_ex", PyosslConnConnectEx, 1, 1, "address", PYOSSL_UNSAFE},
    PYOSSL_DESTROY_METHOD,
    {"do_handshake", ConnDoHandshake, 0, 0, NULL, 0},
    {"export_keying_material", PyosslConnExportKeyingMaterial, 2, 3,
	    "label length ?context?", 0},
    {"fileno", PyosslConnFileno, 0, 0, NULL, 0},
    {"get_app_data", ConnGetAppData, 0, 0, NULL, 0},
    {"get_cipher_list", PyosslConnGetCipherList, 0, 0, NULL, 0},
    {"get_client_ca_list", PyosslConnGetClientCaList, 0, 0, NULL, 0},
    {"get_context", ConnGetContext, 0, 0, NULL, 0},
    {"get_peer_cert_chain", PyosslConnGetPeerCertChain, 0, 0, NULL, 0},
    {"get_peer_certificate", PyosslConnGetPeerCertificate, 0, 0, NULL, 0},
    {"get_servername", PyosslConnGetServername, 0, 0, NULL, 0},
    {"get_session", PyosslConnGetSession, 0, 0, NULL, 0},
    {"get_shutdown", ConnGetShutdown, 0, 0, NULL, 0},
    {"getpeername", PyosslConnGetpeername, 0, 0, NULL, 0},
    {"getsockname", PyosslConnGetsockname, 0, 0, NULL, 0},
    {"getsockopt", PyosslConnGetsockopt, 2, 3, "level optname ?buflen?",
	    PYOSSL_UNSAFE},
    {"key_update", ConnKeyUpdate, 0, 1, "?request?", 0},
    {"listen", PyosslConnListen, 1, 1, "backlog", PYOSSL_UNSAFE},
    {"master_key", PyosslConnMasterKey, 0, 0, NULL, 0},
    {"pending", PyosslConnPending, 0, 0, NULL, 0},
    {"read", PyosslConnRecv, 1, 1, "bufsize", 0},
    {"recv", PyosslConnRecv, 1, 1, "bufsize", 0},
    {"renegotiate", ConnRenegotiate, 0, 0, NULL, 0},
    {"renegotiate_pending", ConnRenegotiatePending, 0, 0, NULL, 0},
    {"send", PyosslConnSend, 1, 1, "string", 0},
    {"sendall", PyosslConnSendall, 1, 1, "string", 0},
    {"server_random", PyosslConnServerRandom, 0, 0, NULL, 0},
    {"session_reused", PyosslConnSessionReused, 0, 0, NULL, 0},
    {"set_accept_state", ConnSetAcceptState, 0, 0, NULL, 0},
    {"set_app_data", ConnSetAppData, 1, 1, "data", 0},
    {"set_connect_state", ConnSetConnectState, 0, 0, NULL, 0},
    {"set_context", ConnSetContext, 1, 1, "context", 0},
    {"set_session", PyosslConnSetSession, 1, 1, "session", 0},
    {"set_shutdown", ConnSetShutdown, 1, 1, "state", 0},
    {"set_tlsext_host_name", ConnSetTlsextHostName, 1, 1, "name", 0},
    {"set_verify_host", ConnSetVerifyHost, 1, 1, "name", 0},
    {"setblocking", ConnSetblocking, 1, 1, "flag", 0},
    {"setsockopt", PyosslConnSetsockopt, 3, 3, "level optname value",
	    PYOSSL_UNSAFE},
    {"shutdown", ConnShutdown, 0, 0, NULL, 0},
    {"sock_shutdown", PyosslConnSockShutdown, 1, 1, "how", PYOSSL_UNSAFE},
    {"state_string", PyosslConnStateString, 0, 0, NULL, 0},
    {"status", PyosslConnStatus, 0, 0, NULL, 0},
    {"total_renegotiations", ConnTotalRenegotiations, 0, 0, NULL, 0},
    {"want_read", PyosslConnWantRead, 0, 0, NULL, 0},
    {"want_write", PyosslConnWantWrite, 0, 0, NULL, 0},
    {"write", PyosslConnSend, 1, 1, "string", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslConnClass = {
    "conn", PYOSSL_ID_CONN, PYOSSL_SSL, connMethods, ConnFree,
    ConnNew, 1, 2, "ctx ?transport?", NULL, NULL, ConnBorn, ConnGone
};
