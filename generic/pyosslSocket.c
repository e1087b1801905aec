/*
 * pyosslSocket.c --
 *
 *	The functions on plaintext channels: what the library's scripts make
 *	[pyossl::socket] and [pyossl::import] of, and handshake, unimport,
 *	status, connection.
 */

#include "pyosslConn.h"
#include <errno.h>

#define UNIMPORT_MS	2000	/* Wait for the peer's close_notify. */

/* What [Connect] and [Stack] can be told of the connection. */
typedef struct Options {
    const char *serverName, *verifyHost;
    const char *myAddr;
    Tcl_Obj *myPortObj;
    Tcl_Obj *sessionObj;
    int async, server;
    int timeoutMs;		/* 0: none. */
    int lingerMs;		/* -1: the default. */
} Options;

static int
ParseOptions(
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[],
    Options *optPtr)
{
    static const char *const options[] = {
	"-async", "-closetimeout", "-handshaketimeout", "-myaddr", "-myport",
	"-server", "-servername", "-session", "-verifyhost", NULL
    };
    int i, index, code = TCL_OK;

    memset(optPtr, 0, sizeof(*optPtr));
    optPtr->lingerMs = -1;
    for (i = 0; i + 1 < objc && code == TCL_OK; i += 2) {
	Tcl_Obj *valueObj = objv[i + 1];

	if (PyosslGetIndex(interp, objv[i], options, sizeof(char *),
		"option", 0, &index) != TCL_OK) {
	    return TCL_ERROR;
	}
	switch (index) {
	case 0:
	    code = PyosslGetBoolean(interp, PYOSSL_SSL, "-async", valueObj,
		    &optPtr->async);
	    break;
	case 1:
	    code = PyosslGetIntRange(interp, PYOSSL_SSL, "-closetimeout",
		    valueObj, 0, 0x7fffffff, &optPtr->lingerMs);
	    break;
	case 2:
	    code = PyosslGetIntRange(interp, PYOSSL_SSL, "-handshaketimeout",
		    valueObj, 0, 0x7fffffff, &optPtr->timeoutMs);
	    break;
	case 3:
	    optPtr->myAddr = Tcl_GetString(valueObj);
	    break;
	case 4:
	    optPtr->myPortObj = valueObj;
	    break;
	case 5:
	    code = PyosslGetBoolean(interp, PYOSSL_SSL, "-server", valueObj,
		    &optPtr->server);
	    break;
	case 6:
	    code = PyosslConnGetServerName(interp, valueObj,
		    &optPtr->serverName);
	    break;
	case 7:
	    optPtr->sessionObj = valueObj;
	    break;
	default:
	    optPtr->verifyHost = Tcl_GetString(valueObj);
	    break;
	}
    }
    return code;
}

/* Sets a new connection up as the options say; it is released on failure. */
static int
Prepare(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr,
    const Options *optPtr)
{
    if (tlsPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot make a connection");
    }
    tlsPtr->autoConn = 1;
    PyosslConnStart(tlsPtr, optPtr->server);
    if (optPtr->timeoutMs > 0) {
	tlsPtr->deadline = PyosslSysNow() + optPtr->timeoutMs;
    }
    ERR_clear_error();
    if (!PyosslTlsSetHost(tlsPtr, optPtr->serverName, optPtr->verifyHost)) {
	PyosslFailQueue(interp, PYOSSL_SSL, "cannot set the host name");
    } else if (optPtr->sessionObj == NULL || Tcl_GetCharLength(
	    optPtr->sessionObj) == 0 || PyosslConnOfferSession(interp, tlsPtr,
	    optPtr->sessionObj) == TCL_OK) {
	return TCL_OK;
    }
    PyosslTlsRelease(tlsPtr);
    return TCL_ERROR;
}

/*
 * Waits until a socket is connected.
 * Arguments:
 *	ms	The bound; 0: none but the system's.
 * Results:
 *	0 or an errno.
 */
static int
AwaitConnect(
    PyosslSock *sockPtr,
    int ms)
{
    Tcl_WideInt until = PyosslSysNow() + ms, left;
    int err = 0;

    while (PyosslSockConnecting(sockPtr)) {
	left = ms > 0 ? until - PyosslSysNow() : -1;
	if (ms > 0 && left <= 0) {
	    return ETIMEDOUT;
	}
	pyosslSockTransport.waitProc(sockPtr, TCL_WRITABLE, (int) left);
	if (PyosslSockConnectStep(sockPtr, &err) < 0) {
	    return err;
	}
    }
    return 0;
}

/*
 * [::pyossl::Connect ctx host port ?-option value ...?] -> channel.
 * The TCP connection is there on return unless -async; the handshake goes
 * on in the event loop or with the first blocking operation.
 */
static int
Connect(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslKeepFind(ipPtr, interp, objv[1]);
    PyosslSock *sockPtr;
    PyosslTls *tlsPtr;
    Tcl_Channel chan;
    Options options;
    char port[PYOSSL_PORT_SIZE], myPort[PYOSSL_PORT_SIZE];
    const char *what = NULL;
    int err, number;

    if (ctxPtr == NULL || ParseOptions(interp, objc - 4, objv + 4, &options)
	    != TCL_OK
	    || PyosslConnGetPort(interp, objv[3], port) != TCL_OK
	    || (options.myPortObj != NULL && PyosslConnGetPort(interp,
	    options.myPortObj, myPort) != TCL_OK)) {
	return TCL_ERROR;
    }
    sockPtr = PyosslSockConnectStart(Tcl_GetString(objv[2]), port,
	    options.myAddr, options.myPortObj ? myPort : NULL, &what);
    if (sockPtr == NULL) {
	err = errno;
	/* Where the port is a number, the other one is no service. */
	return PyosslConnOpenFailed(interp, "couldn't open socket", err, what,
		options.myPortObj != NULL
		&& Tcl_GetIntFromObj(NULL, objv[3], &number) == TCL_OK
		? options.myPortObj : objv[3]);
    }
    err = options.async ? 0 : AwaitConnect(sockPtr, options.timeoutMs);
    if (err != 0) {
	PyosslSockFree(sockPtr);
	return PyosslConnOpenFailed(interp, "couldn't open socket", err, NULL,
		NULL);
    }
    if (options.lingerMs >= 0) {
	PyosslSockLinger(sockPtr, options.lingerMs);
    }
    tlsPtr = PyosslTlsNew(ctxPtr, &pyosslSockTransport, sockPtr);
    if (Prepare(interp, tlsPtr, &options) != TCL_OK) {
	return TCL_ERROR;
    }
    chan = PyosslChanCreate(tlsPtr, interp);
    PyosslChanDeadline(tlsPtr);
    PyosslTlsRelease(tlsPtr);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetChannelName(chan), -1));
    return TCL_OK;
}

/* A channel argument. */
static Tcl_Channel
GetChannel(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    Tcl_Channel chan = Tcl_GetChannel(interp, Tcl_GetString(nameObj), NULL);

    if (chan == NULL) {
	PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"can not find channel named \"%.60s\"", Tcl_GetString(nameObj));
    }
    return chan;
}

/* The connection under a channel argument; NULL with a TypeError. */
static PyosslTls *
GetTls(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    Tcl_Channel chan = GetChannel(interp, nameObj);
    PyosslTls *tlsPtr = chan != NULL ? PyosslChanTls(chan) : NULL;

    if (chan != NULL && tlsPtr == NULL) {
	PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"bad channel \"%.60s\": not a TLS channel",
		Tcl_GetString(nameObj));
    }
    return tlsPtr;
}

/* [::pyossl::Stack ctx channel ?-option value ...?] -> the channel. */
static int
Stack(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslKeepFind(ipPtr, interp, objv[1]);
    Tcl_Channel chan;
    PyosslTls *tlsPtr;
    Options options;
    int code;

    if (ctxPtr == NULL || ParseOptions(interp, objc - 3, objv + 3, &options)
	    != TCL_OK || (chan = GetChannel(interp, objv[2])) == NULL) {
	return TCL_ERROR;
    }
    chan = Tcl_GetTopChannel(chan);
    if ((Tcl_GetChannelMode(chan) & (TCL_READABLE | TCL_WRITABLE))
	    != (TCL_READABLE | TCL_WRITABLE)) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the channel \"%.60s\" is not open for reading and writing",
		Tcl_GetString(objv[2]));
    }
    PyosslCtxHold(ctxPtr);
    code = PyosslConnFlushPlain(interp, chan, 1);
    tlsPtr = code != TCL_OK ? NULL : PyosslTlsNew(ctxPtr,
	    &pyosslChanTransport, PyosslChanTransportNew(NULL, chan, 1));
    PyosslCtxRelease(ctxPtr);
    if (code != TCL_OK) {
	return TCL_ERROR;
    }
    if (Prepare(interp, tlsPtr, &options) != TCL_OK) {
	return TCL_ERROR;
    }
    chan = PyosslChanStack(interp, tlsPtr, chan);
    if (chan != NULL) {
	PyosslChanDeadline(tlsPtr);
	Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetChannelName(chan),
		-1));
    }
    PyosslTlsRelease(tlsPtr);
    return chan != NULL ? TCL_OK : TCL_ERROR;
}

/*
 * [pyossl::unimport channel ?-timeout ms?]: ends TLS on an imported channel
 * and leaves the plain one.
 */
static int
Unimport(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char *const options[] = {"-timeout", NULL};
    Tcl_Channel chan;
    int ms = UNIMPORT_MS, index, code;

    (void) ipPtr;
    if (objc > 2) {
	const char *option = Tcl_GetString(objv[2]);

	if (option[0] != '-') {
	    Tcl_WrongNumArgs(interp, 1, objv, "channel");
	    return TCL_ERROR;
	}
	if (PyosslGetIndex(interp, objv[2], options, sizeof(char *),
		"option", TCL_EXACT, &index) != TCL_OK) {
	    return TCL_ERROR;
	}
	if (objc == 3) {
	    return PyosslFailNoValue(interp, option);
	}
    }
    chan = GetChannel(interp, objv[1]);
    if (chan == NULL) {
	return TCL_ERROR;
    }
    if (objc == 4 && PyosslGetIntRange(interp, PYOSSL_SSL, "-timeout",
	    objv[3], 0, 0x7fffffff, &ms) != TCL_OK) {
	return TCL_ERROR;
    }
    code = PyosslChanUnstack(interp, chan, Tcl_GetString(objv[1]), ms);
    if (code == TCL_OK) {
	/* Not that of a script that an event ran meanwhile. */
	Tcl_ResetResult(interp);
    }
    return code;
}

/*
 * [pyossl::handshake channel]: 1 when the handshake is done, 0 when a
 * non-blocking channel must wait for it; its failure is the error.
 */
static int
Handshake(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = GetTls(interp, objv[1]);
    PyosslTlsResult result;
    PyosslOp op;
    int code = TCL_OK;

    (void) ipPtr; (void) objc;
    if (tlsPtr == NULL) {
	return TCL_ERROR;
    }
    if (!tlsPtr->started) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError", "neither "
		"set_connect_state nor set_accept_state was called");
    }
    PyosslTlsHold(tlsPtr);
    PyosslOpBegin(&op);
    do {
	result = tlsPtr->established && tlsPtr->failure.message == NULL
		? PYOSSL_TLS_OK : PyosslTlsHandshake(tlsPtr);
    } while (!PyosslOpFailed(&op) && PyosslConnRetry(tlsPtr, result));
    if (tlsPtr->failure.message != NULL) {
	result = PYOSSL_TLS_FAIL;
    }
    if (result == PYOSSL_TLS_OK || result == PYOSSL_TLS_WANT_READ
	    || result == PYOSSL_TLS_WANT_WRITE) {
	Tcl_SetObjResult(interp, Tcl_NewIntObj(result == PYOSSL_TLS_OK));
    } else {
	code = PyosslConnRaise(interp, tlsPtr, result);
    }
    PyosslConnSettle(tlsPtr);
    code = PyosslOpEnd(&op, interp, code);
    if (code != TCL_OK) {
	Tcl_InterpState state = Tcl_SaveInterpState(interp, code);

	PyosslChanTellEnd(tlsPtr);
	code = Tcl_RestoreInterpState(interp, state);
    }
    PyosslTlsRelease(tlsPtr);
    return code;
}

/* [pyossl::status channel]: a dict; of a listening channel its counts. */
static int
Status(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Channel chan = GetChannel(interp, objv[1]);
    PyosslTls *tlsPtr;
    Tcl_Obj *dictObj;

    (void) ipPtr; (void) objc;
    if (chan == NULL) {
	return TCL_ERROR;
    }
    dictObj = PyosslListenerStatus(chan);
    if (dictObj == NULL) {
	tlsPtr = GetTls(interp, objv[1]);
	if (tlsPtr == NULL) {
	    return TCL_ERROR;
	}
	dictObj = PyosslConnStatusObj(tlsPtr);
    }
    Tcl_SetObjResult(interp, dictObj);
    return TCL_OK;
}

/* [pyossl::connection channel]: the conn under a channel. */
static int
Connection(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = GetTls(interp, objv[1]);

    (void) objc;
    if (tlsPtr == NULL) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, PyosslTlsConnObj(tlsPtr, ipPtr));
    return TCL_OK;
}

/*
 * [::pyossl::Lenient ctx flag]: whether a failed verification passes into
 * the status instead of ending the handshake (-require 0).
 */
static int
Lenient(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslCtxGet(interp, objv[1]);

    (void) ipPtr; (void) objc;
    if (ctxPtr == NULL) {
	return TCL_ERROR;
    }
    return PyosslGetBoolean(interp, PYOSSL_SSL, "the flag", objv[2],
	    &ctxPtr->lenient);
}

/*
 * [::pyossl::PostHandshake ctx flag]: whether a client lets itself be asked
 * for its certificate after the handshake (RFC 8446, 4.6.2).
 */
static int
PostHandshake(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslCtxGet(interp, objv[1]);
    int flag;

    (void) ipPtr; (void) objc;
    if (ctxPtr == NULL || PyosslGetBoolean(interp, PYOSSL_SSL, "the flag",
	    objv[2], &flag) != TCL_OK) {
	return TCL_ERROR;
    }
    SSL_CTX_set_post_handshake_auth(ctxPtr->sslCtx, flag);
    return TCL_OK;
}

/* [::pyossl::AlertName number]: the RFC's name of an alert. */
static int
AlertName(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int number;

    (void) ipPtr; (void) objc;
    if (PyosslGetInt(interp, PYOSSL_SSL, "the alert", objv[1], &number)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewStringObj(PyosslTlsAlertName(number),
	    -1));
    return TCL_OK;
}

/* [::pyossl::VerifyError errnum]: OpenSSL's words for it. */
static int
VerifyError(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int errnum;

    (void) ipPtr; (void) objc;
    if (PyosslGetInt(interp, PYOSSL_SSL, "the error number", objv[1],
	    &errnum) != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewStringObj(
	    X509_verify_cert_error_string(errnum), -1));
    return TCL_OK;
}

/*
 * [::pyossl::RefuseName conn name]: from inside of the servername callback,
 * whose handshake fails of it. Nobody's error: any client can cause it.
 */
static int
RefuseName(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = PyosslNativeGet(interp, PYOSSL_SSL, objv[1],
	    &pyosslConnClass);
    Tcl_Obj *textObj;

    (void) ipPtr; (void) objc;
    if (tlsPtr == NULL) {
	return TCL_ERROR;
    }
    textObj = Tcl_ObjPrintf("the server name \"%s\" was refused",
	    Tcl_GetString(objv[2]));
    Tcl_IncrRefCount(textObj);
    PyosslFailureSet(&tlsPtr->failure, EPROTO, PYOSSL_SSL, "Error {}",
	    Tcl_GetString(textObj));
    Tcl_DecrRefCount(textObj);
    return TCL_OK;
}

const PyosslFunction pyosslConnFunctions[] = {
    {"Connect", Connect, 3, -1, "ctx host port ?-option value ...?",
	    PYOSSL_UNSAFE | PYOSSL_INTERNAL},
    {"AlertName", AlertName, 1, 1, "number", PYOSSL_INTERNAL},
    {"Lenient", Lenient, 2, 2, "ctx flag", PYOSSL_INTERNAL},
    {"PostHandshake", PostHandshake, 2, 2, "ctx flag", PYOSSL_INTERNAL},
    {"RefuseName", RefuseName, 2, 2, "conn name", PYOSSL_INTERNAL},
    {"Shown", PyosslErrorShown, 1, 1, "value", PYOSSL_INTERNAL},
    {"Stack", Stack, 2, -1, "ctx channel ?-option value ...?",
	    PYOSSL_INTERNAL},
    {"VerifyError", VerifyError, 1, 1, "errnum", PYOSSL_INTERNAL},
    {"connection", Connection, 1, 1, "channel", 0},
    {"handshake", Handshake, 1, 1, "channel", 0},
    {"status", Status, 1, 1, "channel", 0},
    /* Its usage is the contract's, and tls's; -timeout is an extra. */
    {"unimport", Unimport, 1, 3, "channel", 0},
    {NULL, NULL, 0, 0, NULL, 0}
};
