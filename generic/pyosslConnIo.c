/*
 * pyosslConnIo.c --
 *
 *	Bytes through class conn (manual 3.3.2): recv, send and their like on
 *	the plaintext side, bio_read and bio_write on the wire's.
 */

#include "pyosslConn.h"

#define RECV_MAX	SSL3_RT_MAX_PLAIN_LENGTH  /* One record at a time. */

int
PyosslConnRecv(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslTlsResult result;
    PyosslOp op;
    Tcl_Obj *dataObj;
    int size, got = 0, code = TCL_OK;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the buffer size", objv[2], 0,
	    0x7fffffff, &size) != TCL_OK
	    || PyosslConnCheckStarted(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (size == 0) {
	return TCL_OK;
    }
    if (size > RECV_MAX) {
	size = RECV_MAX;
    }
    dataObj = Tcl_NewByteArrayObj(NULL, 0);
    Tcl_IncrRefCount(dataObj);
    Tcl_SetByteArrayLength(dataObj, size);
    PyosslOpBegin(&op);
    do {
	Tcl_Size unused;

	result = PyosslTlsRead(tlsPtr, (char *) Tcl_GetByteArrayFromObj(
		dataObj, &unused), size, 0, &got);
    } while (!PyosslOpFailed(&op) && PyosslConnRetry(tlsPtr, result));
    if (result == PYOSSL_TLS_OK) {
	Tcl_SetByteArrayLength(dataObj, got);
	Tcl_SetObjResult(interp, dataObj);
    } else {
	code = PyosslConnRaise(interp, tlsPtr, result);
    }
    Tcl_DecrRefCount(dataObj);
    PyosslConnSettle(tlsPtr);
    return PyosslOpEnd(&op, interp, code);
}

/* Whether a script may run, and do with a value what it likes, in a write. */
static int
RunsScripts(
    const PyosslTls *tlsPtr)
{
    int i;

    if (!tlsPtr->established || (tlsPtr->link.typePtr != NULL
	    && tlsPtr->link.typePtr->reenters)) {
	return 1;
    }
    for (i = 0; i < PYOSSL_CB_COUNT; i++) {
	if (tlsPtr->ctxPtr->cb[i] != NULL) {
	    return 1;
	}
    }
    return 0;
}

/*
 * Writes what OpenSSL takes of the bytes of a value from offset on, at most
 * limit of them.
 */
static PyosslTlsResult
WriteSome(
    PyosslTls *tlsPtr,
    Tcl_Obj *dataObj,
    Tcl_Size offset,
    Tcl_Size limit,
    int *donePtr)
{
    PyosslTlsResult result;
    Tcl_Size length;
    /* Anew each time: a callback may have made something else of the value. */
    char *copy = NULL, *data = (char *) PyosslGetBytes(NULL, PYOSSL_SSL, "",
	    dataObj, &length) + offset;

    if (length - offset < limit) {
	limit = length - offset;
    }
    if (RunsScripts(tlsPtr)) {
	copy = ckalloc(limit);
	data = memcpy(copy, data, limit);
    }
    result = PyosslTlsWrite(tlsPtr, data, (int) limit, donePtr);
    if (copy != NULL) {
	ckfree(copy);
    }
    return result;
}

/*
 * send and sendall: the count of bytes that OpenSSL took; with all set,
 * nothing, when it took them all.
 */
static int
Send(
    PyosslTls *tlsPtr,
    Tcl_Interp *interp,
    Tcl_Obj *dataObj,
    int all)
{
    PyosslTlsResult result = PYOSSL_TLS_OK;
    PyosslOp op;
    Tcl_Size length, done = 0;
    /* One record at a time fills the peer's memory in [send]; see manual. */
    int limit = !all && tlsPtr->link.typePtr == NULL
	    ? SSL3_RT_MAX_PLAIN_LENGTH : PYOSSL_WRITE_LIMIT;
    int code = TCL_OK, now;

    if (PyosslGetBytes(interp, PYOSSL_SSL, "the data", dataObj, &length)
	    == NULL || PyosslConnCheckStarted(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (length > 0) {
	Tcl_IncrRefCount(dataObj);
	PyosslOpBegin(&op);
	do {
	    if (done < length && (done == 0 || all)) {
		now = 0;
		result = WriteSome(tlsPtr, dataObj, done, limit, &now);
		done += now;
	    } else {
		result = PYOSSL_TLS_OK;
	    }
	    if (result == PYOSSL_TLS_OK && tlsPtr->blocking) {
		result = PyosslTlsSent(tlsPtr);
	    }
	} while (!PyosslOpFailed(&op) && ((result == PYOSSL_TLS_OK && all
		&& done < length) || PyosslConnRetry(tlsPtr, result)));
	if (result == PYOSSL_TLS_FAIL || (result != PYOSSL_TLS_OK
		&& (all || done == 0))) {
	    code = PyosslConnRaise(interp, tlsPtr, result);
	}
	PyosslConnSettle(tlsPtr);
	code = PyosslOpEnd(&op, interp, code);
	Tcl_DecrRefCount(dataObj);
    }
    if (code == TCL_OK && !all) {
	Tcl_SetObjResult(interp, Tcl_NewWideIntObj(done));
    }
    return code;
}

int
PyosslConnSend(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return Send(objPtr->nativePtr, interp, objv[2], 0);
}

int
PyosslConnSendall(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return Send(objPtr->nativePtr, interp, objv[2], 1);
}

int
PyosslConnPending(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(tlsPtr->stashLength
	    + SSL_pending(tlsPtr->ssl)));
    return TCL_OK;
}

static int
CheckMemory(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr)
{
    return tlsPtr->link.typePtr == NULL ? TCL_OK
	    : PyosslFail(interp, PYOSSL_SSL, "TypeError",
	    "the connection has a transport of its own, not memory");
}

/* bio_read: takes up to bufsize bytes that are to go to the peer. */
int
PyosslConnBioRead(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    size_t queued = PyosslLinkQueued(&tlsPtr->link);
    Tcl_Obj *dataObj;
    int size;

    (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the buffer size", objv[2], 0,
	    0x7fffffff, &size) != TCL_OK
	    || CheckMemory(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (size == 0) {
	return TCL_OK;
    }
    if (queued == 0) {
	return PyosslConnRaise(interp, tlsPtr, PYOSSL_TLS_WANT_READ);
    }
    if ((size_t) size > queued) {
	size = (int) queued;
    }
    dataObj = Tcl_NewByteArrayObj(NULL, 0);
    PyosslLinkTake(&tlsPtr->link,
	    (char *) Tcl_SetByteArrayLength(dataObj, size), size);
    Tcl_SetObjResult(interp, dataObj);
    PyosslConnSettle(tlsPtr);
    return TCL_OK;
}

/* bio_write: gives bytes that came from the peer; the count of them. */
int
PyosslConnBioWrite(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    unsigned char *data;
    Tcl_Size length;

    (void) objc;
    data = PyosslGetBytes(interp, PYOSSL_SSL, "the data", objv[2], &length);
    if (data == NULL || CheckMemory(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslLinkFeed(&tlsPtr->link, (char *) data, length);
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(length));
    PyosslConnSettle(tlsPtr);
    return TCL_OK;
}

/* bio_shutdown: no more input will come. */
int
PyosslConnBioShutdown(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    if (CheckMemory(interp, tlsPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    tlsPtr->link.eof = 1;
    PyosslConnSettle(tlsPtr);
    return TCL_OK;
}

int
PyosslConnWantRead(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(SSL_want_read(tlsPtr->ssl)));
    return TCL_OK;
}

int
PyosslConnWantWrite(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(SSL_want_write(tlsPtr->ssl)
	    || (tlsPtr->link.typePtr != NULL
	    && PyosslLinkQueued(&tlsPtr->link) > 0)));
    return TCL_OK;
}
