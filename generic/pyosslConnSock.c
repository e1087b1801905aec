/*
 * pyosslConnSock.c --
 *
 *	The socket's methods of class conn (manual 3.3.2): on transport "tcp"
 *	all of them; on a Tcl socket those that need only its descriptor.
 *	Addresses are {host port} lists.
 */

#include "pyosslConn.h"
#include <errno.h>

/*
 * PyosslConnSock --
 *	The socket of a connection made on "tcp", or NULL with an error.
 */
PyosslSock *
PyosslConnSock(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr)
{
    if (tlsPtr->link.typePtr != &pyosslSockTransport) {
	PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the connection was not made on the transport \"tcp\"");
	return NULL;
    }
    if (tlsPtr->link.inst == NULL) {
	PyosslFailErrno(interp, PYOSSL_SSL, EBADF, "the connection is closed");
	return NULL;
    }
    return tlsPtr->link.inst;
}

/* A port that is no number and no service: in Tcl's own words. */
static int
NoPort(
    Tcl_Interp *interp,
    Tcl_Obj *portObj)
{
    return PyosslFail(interp, PYOSSL_SSL, "TypeError",
	    "expected integer but got \"%.60s\"", Tcl_GetString(portObj));
}

/*
 * PyosslConnGetPort --
 *	A port as Tcl's [socket] takes it, for the resolver.
 */
int
PyosslConnGetPort(
    Tcl_Interp *interp,
    Tcl_Obj *portObj,
    char *port)
{
    int number;

    if (Tcl_GetIntFromObj(NULL, portObj, &number) != TCL_OK) {
	/* A service's name is for the resolver to know. */
	snprintf(port, PYOSSL_PORT_SIZE, "%s", Tcl_GetString(portObj));
	if (port[0] == '\0') {
	    return NoPort(interp, portObj);
	}
	return TCL_OK;
    }
    if (number < 0 || number > 65535) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"couldn't open socket: port number too %s",
		number < 0 ? "low" : "high");
    }
    snprintf(port, PYOSSL_PORT_SIZE, "%d", number);
    return TCL_OK;
}

/*
 * PyosslConnOpenFailed --
 *	Says why a socket could not be opened, bound or connected; TCL_ERROR
 *	always.
 * Arguments:
 *	message	What failed.
 *	what	The resolver's words, or NULL: err tells.
 *	portObj	Blamed where the resolver knows no such service, or NULL.
 */
int
PyosslConnOpenFailed(
    Tcl_Interp *interp,
    const char *message,
    int err,
    const char *what,
    Tcl_Obj *portObj)
{
    int number;

    if (what != NULL && err == EINVAL && portObj != NULL
	    && Tcl_GetIntFromObj(NULL, portObj, &number) != TCL_OK) {
	return NoPort(interp, portObj);
    }
    PyosslFailErrno(interp, PYOSSL_SSL, err, message);
    if (what != NULL) {
	Tcl_SetObjResult(interp, Tcl_ObjPrintf("%s: %s", message, what));
    }
    return TCL_ERROR;
}

/* A {host port} argument. */
static int
GetAddress(
    Tcl_Interp *interp,
    Tcl_Obj *addressObj,
    const char **hostPtr,
    const char **portPtr)
{
    Tcl_Obj **words;
    Tcl_Size count;
    int port;

    if (Tcl_ListObjGetElements(NULL, addressObj, &count, &words) != TCL_OK
	    || count != 2) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"an address must be a list {host port}, not \"%.60s\"",
		Tcl_GetString(addressObj));
    }
    /* A service name is for the resolver; a number must be a port. */
    if (Tcl_GetIntFromObj(NULL, words[1], &port) == TCL_OK
	    && (port < 0 || port > 65535)) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"the port is out of range: %d", port);
    }
    *hostPtr = Tcl_GetString(words[0]);
    *portPtr = Tcl_GetString(words[1]);
    return TCL_OK;
}

int
PyosslConnBind(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslSock *sockPtr;
    const char *host, *port, *what;

    (void) objc;
    if (GetAddress(interp, objv[2], &host, &port) != TCL_OK
	    || (sockPtr = PyosslConnSock(interp, objPtr->nativePtr)) == NULL) {
	return TCL_ERROR;
    }
    if (PyosslSockBind(sockPtr, host, port, &what) < 0) {
	return PyosslConnOpenFailed(interp, "cannot bind", errno, what, NULL);
    }
    return TCL_OK;
}

int
PyosslConnListen(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslSock *sockPtr;
    int backlog;

    (void) objc;
    if (PyosslGetInt(interp, PYOSSL_SSL, "the backlog", objv[2], &backlog)
	    != TCL_OK
	    || (sockPtr = PyosslConnSock(interp, objPtr->nativePtr)) == NULL) {
	return TCL_ERROR;
    }
    if (PyosslSockListen(sockPtr, backlog < 0 ? 0 : backlog) < 0) {
	return PyosslFailErrno(interp, PYOSSL_SSL, errno, "cannot listen");
    }
    return TCL_OK;
}

/*
 * accept: {conn {host port}}; the new connection has the same context, is
 * blocking, and is in the server's state.
 */
int
PyosslConnAccept(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr, *newPtr;
    PyosslSock *sockPtr = PyosslConnSock(interp, tlsPtr), *acceptedPtr;
    PyosslObject *connPtr;
    Tcl_Obj *words[2];

    (void) objc; (void) objv;
    if (sockPtr == NULL) {
	return TCL_ERROR;
    }
    while ((acceptedPtr = PyosslSockAccept(sockPtr)) == NULL) {
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
	    return PyosslFailErrno(interp, PYOSSL_SSL, errno,
		    "cannot accept a connection");
	}
	if (!tlsPtr->blocking || PyosslLinkWait(&tlsPtr->link, TCL_READABLE,
		-1) <= 0) {
	    return PyosslConnRaise(interp, tlsPtr, PYOSSL_TLS_WANT_READ);
	}
    }
    words[1] = PyosslSockAddress(acceptedPtr, 1, 0);
    newPtr = PyosslTlsNew(tlsPtr->ctxPtr, &pyosslSockTransport, acceptedPtr);
    if (newPtr == NULL) {
	if (words[1] != NULL) {
	    Tcl_DecrRefCount(words[1]);
	}
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot make a connection");
    }
    PyosslConnStart(newPtr, 1);
    connPtr = PyosslObjectNew(objPtr->ipPtr, &pyosslConnClass, newPtr);
    if (connPtr == NULL) {
	return TCL_ERROR;
    }
    words[0] = PyosslObjectName(connPtr);
    if (words[1] == NULL) {
	words[1] = Tcl_NewObj();	/* It is gone already. */
    }
    Tcl_SetObjResult(interp, Tcl_NewListObj(2, words));
    return TCL_OK;
}

/*
 * Both connect methods: the errno, or -1 with an error in interp; *whatPtr has
 * the resolver's words, if it was that, else NULL.
 */
static int
Connect(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    Tcl_Obj *addressObj,
    const char **whatPtr)
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslSock *sockPtr;
    const char *host, *port;
    int err;

    if (GetAddress(interp, addressObj, &host, &port) != TCL_OK
	    || (sockPtr = PyosslConnSock(interp, tlsPtr)) == NULL) {
	return -1;
    }
    err = PyosslSockConnect(sockPtr, host, port, tlsPtr->blocking, whatPtr);
    if (err == 0) {
	/* One that was on its way may have been given a handshake to do. */
	if (SSL_in_before(tlsPtr->ssl)) {
	    PyosslConnStart(tlsPtr, 0);
	}
	PyosslConnSettle(tlsPtr);
    }
    return err;
}

int
PyosslConnConnect(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const char *what;
    int err = Connect(objPtr, interp, objv[2], &what);

    (void) objc;
    if (err > 0) {
	return PyosslConnOpenFailed(interp, "cannot connect", err, what, NULL);
    }
    return err == 0 ? TCL_OK : TCL_ERROR;
}

int
PyosslConnConnectEx(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const char *what;
    int err = Connect(objPtr, interp, objv[2], &what);

    (void) objc;
    if (err < 0) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(err));
    return TCL_OK;
}

/* The descriptor of the transport, whatever it is. */
static int
GetFd(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr,
    int *fdPtr)
{
    PyosslLink *linkPtr = &tlsPtr->link;
    ClientData handle;

    if (linkPtr->typePtr == NULL) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"a connection over memory has no socket");
    }
    if (linkPtr->inst == NULL) {
	return PyosslFailErrno(interp, PYOSSL_SSL, EBADF,
		"the connection is closed");
    }
    if (linkPtr->typePtr->handleProc(linkPtr->inst, TCL_READABLE, &handle)
	    != TCL_OK) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the transport has no descriptor");
    }
    *fdPtr = (int) (intptr_t) handle;
    return TCL_OK;
}

int
PyosslConnFileno(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int fd;

    (void) objc; (void) objv;
    if (GetFd(interp, objPtr->nativePtr, &fd) != TCL_OK) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(fd));
    return TCL_OK;
}

/* {host port} of one end: of our socket, or as the Tcl channel tells it. */
static int
Name(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int peer)
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    PyosslLink *linkPtr = &tlsPtr->link;
    Tcl_Obj *addressObj, **words;
    Tcl_DString ds;
    Tcl_Size count;
    int fd;

    if (GetFd(interp, tlsPtr, &fd) != TCL_OK) {
	return TCL_ERROR;
    }
    if (linkPtr->typePtr == &pyosslSockTransport) {
	addressObj = PyosslSockAddress(linkPtr->inst, peer, 0);
	if (addressObj == NULL) {
	    return PyosslFailErrno(interp, PYOSSL_SSL, errno,
		    "the socket has no such address");
	}
	Tcl_SetObjResult(interp, addressObj);
	return TCL_OK;
    }
    Tcl_DStringInit(&ds);
    if (linkPtr->typePtr->getOptionProc(linkPtr->inst, NULL,
	    peer ? "-peername" : "-sockname", &ds) != TCL_OK) {
	Tcl_DStringFree(&ds);
	return PyosslFailErrno(interp, PYOSSL_SSL, ENOTCONN,
		"the transport has no such address");
    }
    addressObj = Tcl_NewStringObj(Tcl_DStringValue(&ds), -1);
    Tcl_IncrRefCount(addressObj);
    Tcl_DStringFree(&ds);
    if (Tcl_ListObjGetElements(NULL, addressObj, &count, &words) == TCL_OK
	    && count >= 3) {
	Tcl_Obj *pair[2];

	pair[0] = words[0];
	pair[1] = words[2];
	Tcl_SetObjResult(interp, Tcl_NewListObj(2, pair));
    }
    Tcl_DecrRefCount(addressObj);
    return TCL_OK;
}

int
PyosslConnGetpeername(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return Name(objPtr, interp, 1);
}

int
PyosslConnGetsockname(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return Name(objPtr, interp, 0);
}

/* A level or option: a C name, or a number. */
static int
GetSockConst(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj,
    int *valuePtr)
{
    if (PyosslSockConstant(Tcl_GetString(nameObj), valuePtr)
	    || Tcl_GetIntFromObj(NULL, nameObj, valuePtr) == TCL_OK) {
	return TCL_OK;
    }
    return PyosslFail(interp, PYOSSL_SSL, "TypeError",
	    "\"%.40s\" is not a socket constant or an integer",
	    Tcl_GetString(nameObj));
}

/* getsockopt level optname ?buflen?: an integer, or with buflen bytes. */
int
PyosslConnGetsockopt(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int fd, level, name, value = 0, length = sizeof(value);
    char buf[1024];

    if (GetSockConst(interp, objv[2], &level) != TCL_OK
	    || GetSockConst(interp, objv[3], &name) != TCL_OK
	    || (objc > 4 && PyosslGetIntRange(interp, PYOSSL_SSL,
	    "the buffer length", objv[4], 0, sizeof(buf), &length) != TCL_OK)
	    || GetFd(interp, objPtr->nativePtr, &fd) != TCL_OK) {
	return TCL_ERROR;
    }
    if (PyosslSockGetOption(fd, level, name, objc > 4 && length > 0
	    ? (void *) buf : (void *) &value, &length) < 0) {
	return PyosslFailErrno(interp, PYOSSL_SSL, errno, "getsockopt failed");
    }
    Tcl_SetObjResult(interp, objc > 4 && length > 0
	    ? Tcl_NewByteArrayObj((unsigned char *) buf, length)
	    : Tcl_NewIntObj(value));
    return TCL_OK;
}

/* setsockopt level optname value: an integer, or the bytes of a struct. */
int
PyosslConnSetsockopt(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int fd, level, name, value, result;
    unsigned char *bytes;
    Tcl_Size length;

    (void) objc;
    if (GetSockConst(interp, objv[2], &level) != TCL_OK
	    || GetSockConst(interp, objv[3], &name) != TCL_OK
	    || GetFd(interp, objPtr->nativePtr, &fd) != TCL_OK) {
	return TCL_ERROR;
    }
    if (Tcl_GetIntFromObj(NULL, objv[4], &value) == TCL_OK) {
	result = PyosslSockSetOption(fd, level, name, &value, sizeof(value));
    } else {
	bytes = PyosslGetBytes(interp, PYOSSL_SSL, "the value", objv[4],
		&length);
	if (bytes == NULL) {
	    return TCL_ERROR;
	}
	result = PyosslSockSetOption(fd, level, name, bytes, (int) length);
    }
    if (result < 0) {
	return PyosslFailErrno(interp, PYOSSL_SSL, errno, "setsockopt failed");
    }
    return TCL_OK;
}

/* sock_shutdown how: read, write, both, or 0, 1, 2. */
int
PyosslConnSockShutdown(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char *const hows[] = {"read", "write", "both", NULL};
    PyosslTls *tlsPtr = objPtr->nativePtr;
    int how, fd, err;

    (void) objc;
    if (Tcl_GetIndexFromObj(NULL, objv[2], hows, "how", TCL_EXACT, &how)
	    != TCL_OK) {
	if (Tcl_GetIntFromObj(NULL, objv[2], &how) != TCL_OK) {
	    return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		    "how must be read, write or both, not \"%.40s\"",
		    Tcl_GetString(objv[2]));
	}
	if (how < 0 || how > 2) {
	    return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		    "how must be 0, 1 or 2, not %d", how);
	}
    }
    if (GetFd(interp, tlsPtr, &fd) != TCL_OK) {
	return TCL_ERROR;
    }
    err = tlsPtr->link.typePtr->shutdownProc(tlsPtr->link.inst, how);
    if (err != 0) {
	return PyosslFailErrno(interp, PYOSSL_SSL, err,
		"cannot shut the socket down");
    }
    return TCL_OK;
}
