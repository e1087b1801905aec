/*
 * pyosslConnStep.c --
 *
 *	What all of class conn, and the functions on channels, do with a step
 *	of a connection: wait, raise, and leave it in order.
 */

#include "pyosslConn.h"
#include <errno.h>

/*
 * PyosslConnRaise --
 *	Turns what a step ended with into the manual's exception.
 */
int
PyosslConnRaise(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr,
    PyosslTlsResult result)
{
    if (tlsPtr->gone && (result == PYOSSL_TLS_WANT_READ
	    || result == PYOSSL_TLS_WANT_WRITE)) {
	return PyosslFailErrno(interp, PYOSSL_SSL, EBADF,
		"the connection was destroyed");
    }
    switch (result) {
    case PYOSSL_TLS_WANT_READ:
	return PyosslFail(interp, PYOSSL_SSL, "WantReadError",
		"the operation has to wait for input from the peer");
    case PYOSSL_TLS_WANT_WRITE:
	return PyosslFail(interp, PYOSSL_SSL, "WantWriteError",
		"the operation has to wait until output can be sent");
    case PYOSSL_TLS_WANT_LOOKUP:
	return PyosslFail(interp, PYOSSL_SSL, "WantX509LookupError",
		"the operation has to be repeated for a callback");
    case PYOSSL_TLS_EOF:
	return PyosslFail(interp, PYOSSL_SSL, "ZeroReturnError",
		"the peer has closed the connection");
    default:
	break;
    }
    tlsPtr->reported = 1;
    return PyosslFailureRaise(interp, PyosslTlsWhy(tlsPtr));
}

/*
 * PyosslConnRetry --
 *	After a step that wants something: waits if the connection does.
 * Results:
 *	1 to try again; 0 to give up and raise.
 */
int
PyosslConnRetry(
    PyosslTls *tlsPtr,
    PyosslTlsResult result)
{
    if ((result != PYOSSL_TLS_WANT_READ && result != PYOSSL_TLS_WANT_WRITE)
	    || !tlsPtr->blocking || tlsPtr->link.typePtr == NULL) {
	return 0;
    }
    /* What an event meanwhile has destroyed nobody feeds any more. */
    return PyosslTlsWait(tlsPtr, result, -1) > 0 && !tlsPtr->gone;
}

/* The transport takes output again, and nobody else looks after it. */
static void
FlushReady(
    void *clientData,
    int mask)
{
    PyosslTls *tlsPtr = clientData;

    (void) mask;
    /* The transport may run a script that destroys the connection. */
    PyosslTlsHold(tlsPtr);
    if (PyosslLinkFlush(&tlsPtr->link) != 0) {
	PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
    }
    PyosslTlsRelease(tlsPtr);
}

/*
 * PyosslConnSettle --
 *	After a method: the channel looks anew at what to wait for; without
 *	one, output that could not be sent is sent from the event loop.
 */
void
PyosslConnSettle(
    PyosslTls *tlsPtr)
{
    if (tlsPtr->held) {
	return;
    }
    if (tlsPtr->chanPtr != NULL) {
	PyosslChanKick(tlsPtr);
    } else if (tlsPtr->link.inst != NULL) {
	if (PyosslLinkQueued(&tlsPtr->link) > 0) {
	    PyosslLinkWatch(&tlsPtr->link, TCL_WRITABLE, FlushReady, tlsPtr);
	} else {
	    PyosslLinkWatch(&tlsPtr->link, 0, NULL, NULL);
	}
    }
}

void
PyosslConnStart(
    PyosslTls *tlsPtr,
    int server)
{
    /* A connection that was started before begins anew. */
    tlsPtr->established = 0;
    tlsPtr->maybeMore = 0;
    if (server) {
	SSL_set_accept_state(tlsPtr->ssl);
    } else {
	SSL_set_connect_state(tlsPtr->ssl);
    }
    tlsPtr->started = 1;
}

/* Neither client nor server: OpenSSL could only say "uninitialized". */
int
PyosslConnCheckStarted(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr)
{
    if (tlsPtr->started) {
	return TCL_OK;
    }
    ERR_clear_error();
    ERR_raise(ERR_LIB_SSL, SSL_R_CONNECTION_TYPE_NOT_SET);
    return PyosslFailQueue(interp, PYOSSL_SSL,
	    "neither set_connect_state nor set_accept_state was called");
}

/* What changes OpenSSL's state machine must not be done while it runs. */
int
PyosslConnCheckIdle(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr)
{
    return !tlsPtr->busy ? TCL_OK : PyosslFail(interp, PYOSSL_SSL, "Error",
	    "the connection is at work: a callback of its own must not "
	    "use it");
}

/*
 * PyosslConnFlushPlain --
 *	Before a channel becomes a transport: what was written to it goes in
 *	front, in the clear. Without waiting, unless the channel blocks.
 * Arguments:
 *	all	Some that is left is an error: what covers the channel would
 *		take it for its own.
 * Results:
 *	TCL_OK; TCL_ERROR with a message, and the channel is as it was.
 */
int
PyosslConnFlushPlain(
    Tcl_Interp *interp,
    Tcl_Channel chan,
    int all)
{
    int code = TCL_OK;

    /* The driver may run a script that closes it. */
    Tcl_RegisterChannel(NULL, chan);
    if (Tcl_Flush(chan) != TCL_OK) {
	code = PyosslFailErrno(interp, PYOSSL_SSL, Tcl_GetErrno(),
		"cannot send what was written before TLS");
    } else if (all && Tcl_OutputBuffered(chan) > 0) {
	code = PyosslFail(interp, PYOSSL_SSL, "WantWriteError",
		"what was written before TLS is not sent yet");
    }
    if (Tcl_IsChannelShared(chan)) {
	Tcl_DetachChannel(NULL, chan);
    } else {
	Tcl_UnregisterChannel(NULL, chan);
	code = PyosslFailErrno(interp, PYOSSL_SSL, EBADF,
		"the channel was closed");
    }
    return code;
}
