/*
 * pyosslConn.h --
 *
 *	Between the files of class conn: pyosslConnStep.c (what they share),
 *	pyosslConn.c (life and handshake), pyosslConnIo.c (bytes),
 *	pyosslConnSock.c (the socket's methods), pyosslConnInfo.c (what is
 *	known of a connection).
 */

#ifndef PYOSSL_CONN_H
#define PYOSSL_CONN_H

#include "pyosslTls.h"

/* Raises what a step of a connection ended with; TCL_ERROR always. */
MODULE_SCOPE int	PyosslConnRaise(Tcl_Interp *interp,
			    PyosslTls *tlsPtr, PyosslTlsResult result);
/* The wait of a blocking connection after a step: 1 try again. */
MODULE_SCOPE int	PyosslConnRetry(PyosslTls *tlsPtr,
			    PyosslTlsResult result);
/* Events and queued output after a method worked on a connection. */
MODULE_SCOPE void	PyosslConnSettle(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslConnStart(PyosslTls *tlsPtr, int server);
/* The socket under a connection made on "tcp"; NULL with an error. */
MODULE_SCOPE PyosslSock *PyosslConnSock(Tcl_Interp *interp,
			    PyosslTls *tlsPtr);

MODULE_SCOPE int	PyosslConnCheckStarted(Tcl_Interp *interp,
			    PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslConnCheckIdle(Tcl_Interp *interp,
			    PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslConnFlushPlain(Tcl_Interp *interp,
			    Tcl_Channel chan, int all);

MODULE_SCOPE PyosslMethodProc	/* pyosslConnIo.c */
	PyosslConnRecv, PyosslConnSend, PyosslConnSendall, PyosslConnPending,
	PyosslConnBioRead, PyosslConnBioWrite, PyosslConnBioShutdown,
	PyosslConnWantRead, PyosslConnWantWrite;
MODULE_SCOPE PyosslMethodProc	/* pyosslConnSock.c */
	PyosslConnAccept, PyosslConnBind, PyosslConnConnect,
	PyosslConnConnectEx, PyosslConnFileno, PyosslConnListen,
	PyosslConnGetpeername, PyosslConnGetsockname, PyosslConnGetsockopt,
	PyosslConnSetsockopt, PyosslConnSockShutdown;
MODULE_SCOPE PyosslMethodProc	/* pyosslConnInfo.c */
	PyosslConnGetCipherList, PyosslConnGetClientCaList,
	PyosslConnGetPeerCertificate, PyosslConnGetPeerCertChain,
	PyosslConnStateString, PyosslConnClientRandom,
	PyosslConnServerRandom, PyosslConnMasterKey, PyosslConnGetServername,
	PyosslConnGetSession, PyosslConnSetSession, PyosslConnSessionReused,
	PyosslConnStatus, PyosslConnExportKeyingMaterial;

MODULE_SCOPE int	PyosslConnOfferSession(Tcl_Interp *interp,
			    PyosslTls *tlsPtr, Tcl_Obj *bytesObj);

/* The dict of [pyossl::status channel] in a new Tcl_Obj. */
MODULE_SCOPE Tcl_Obj *	PyosslConnStatusObj(PyosslTls *tlsPtr);

/* A port: 0 to 65535, or the name of a service, of at most PYOSSL_PORT_SIZE
 * bytes with the NUL (pyosslConnSock.c). */
#define PYOSSL_PORT_SIZE	64
MODULE_SCOPE int	PyosslConnGetPort(Tcl_Interp *interp,
			    Tcl_Obj *portObj, char *port);
/* Host names: one to verify, and one to ask the server for. */
MODULE_SCOPE int	PyosslConnGetHostName(Tcl_Interp *interp,
			    Tcl_Obj *nameObj, const char **namePtr);
MODULE_SCOPE int	PyosslConnGetServerName(Tcl_Interp *interp,
			    Tcl_Obj *nameObj, const char **namePtr);
/* The error of a socket that could not be opened, in Tcl's words. */
MODULE_SCOPE int	PyosslConnOpenFailed(Tcl_Interp *interp,
			    const char *message, int err, const char *what,
			    Tcl_Obj *portObj);

/* The context argument of Connect, Listen and Stack (pyosslKeep.c). */
MODULE_SCOPE PyosslCtx *PyosslKeepFind(PyosslInterp *ipPtr,
			    Tcl_Interp *interp, Tcl_Obj *ctxObj);

/* The counts of a listening channel (pyosslListen.c), or NULL. */
MODULE_SCOPE Tcl_Obj *	PyosslListenerStatus(Tcl_Channel chan);

#endif /* PYOSSL_CONN_H */
