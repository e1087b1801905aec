/*
 * pyosslTls.h --
 *
 *	Layers 2 to 4 of the TLS side: transports and the BIO over them, the
 *	context's and the connection's native structs, and the calls between
 *	their files.
 *
 *	    conn command     plaintext channel        (layers 5, 4)
 *	         \             /
 *	          PyosslTls --- PyosslCtx             (layer 3; each counted)
 *	             |   SSL *      SSL_CTX *
 *	          PyosslLink (BIO + output queue)     (layer 2)
 *	             |
 *	          transport: socket, Tcl channel, memory
 */

#ifndef PYOSSL_TLS_H
#define PYOSSL_TLS_H

#include "pyosslInt.h"
#include <openssl/ssl.h>

MODULE_SCOPE const PyosslClass pyosslCtxClass, pyosslConnClass;
MODULE_SCOPE const PyosslFunction pyosslCtxFunctions[], pyosslConnFunctions[],
	pyosslServerFunctions[];

typedef struct PyosslTls PyosslTls;
typedef struct PyosslCtx PyosslCtx;

/*
 * ---------------------------------------------------------------------
 * Class ctx (pyosslCtx.c) and what OpenSSL calls back (pyosslCtxCb.c)
 * ---------------------------------------------------------------------
 */

typedef enum {
    PYOSSL_CB_INFO,		/* conn where ret */
    PYOSSL_CB_VERIFY,		/* conn x509 errnum depth ok -> boolean */
    PYOSSL_CB_PASSWD,		/* maxlen verify userdata -> string */
    PYOSSL_CB_SERVERNAME,	/* conn */
    PYOSSL_CB_MSG,		/* conn direction version type bytes */
    PYOSSL_CB_KEYLOG,		/* conn line */
    PYOSSL_CB_COUNT
} PyosslCbId;

/* One pattern of -sni {name ctx ...}. */
typedef struct PyosslSni {
    char *pattern;		/* Lower case; "*.example.org" or exact. */
    PyosslCtx *ctxPtr;		/* One reference. */
    struct PyosslSni *nextPtr;
} PyosslSni;

/*
 * The native struct of a ctx. Belongs to one thread. A Tls that moves to
 * another thread takes a PyosslCtxDetach'ed one along.
 */
struct PyosslCtx {
    int refCount;		/* The command, each Tls, each SNI row. */
    SSL_CTX *sslCtx;		/* One reference. */
    PyosslInterp *ipPtr;	/* Counted; NULL: detached, no callbacks. */
    PyosslObject *objPtr;	/* The command; NULL when it is gone. */
    PyosslCallback *cb[PYOSSL_CB_COUNT];
    Tcl_Obj *appDataObj;	/* NULL: none. */
    Tcl_Obj *userdataObj;	/* Of the passphrase callback, or NULL. */
    int isDtls;
    PyosslSni *sniList;
    unsigned char *alpn;	/* Server: protocols in order of preference, */
    unsigned int alpnLength;	/* in wire form. */
    int alpnRequire;		/* No common protocol is a fatal alert. */
};

/* Its life (pyosslCtxData.c, below Tls). */
MODULE_SCOPE PyosslCtx *PyosslCtxAlloc(PyosslInterp *ipPtr, SSL_CTX *sslCtx);
MODULE_SCOPE void	PyosslCtxHold(PyosslCtx *ctxPtr);
MODULE_SCOPE void	PyosslCtxRelease(PyosslCtx *ctxPtr);
MODULE_SCOPE PyosslCtx *PyosslCtxGet(Tcl_Interp *interp, Tcl_Obj *nameObj);
MODULE_SCOPE PyosslCtx *PyosslCtxDetach(PyosslCtx *ctxPtr);
MODULE_SCOPE Tcl_Obj *	PyosslCtxObj(PyosslInterp *ipPtr, PyosslCtx *ctxPtr);
MODULE_SCOPE void	PyosslSniFree(PyosslSni **listPtr);
MODULE_SCOPE PyosslCtx *PyosslSniFind(PyosslSni *listPtr, const char *name);

/*
 * CtxCb: installs (or takes off) the C functions on an SSL_CTX according to
 * which slots of ctxPtr->cb are filled. They find their PyosslTls by
 * SSL ex_data and work with tlsPtr->ctxPtr, never with the SSL_CTX's.
 */
MODULE_SCOPE void	PyosslCtxCbUpdate(PyosslCtx *ctxPtr);

/* Settings (pyosslCtxSet.c, pyosslCtxNames.c). A failed one changes nothing. */
MODULE_SCOPE int	PyosslCtxSetVersions(Tcl_Interp *interp,
			    PyosslCtx *ctxPtr, int version);
MODULE_SCOPE int	PyosslCtxSetAlpn(Tcl_Interp *interp,
			    PyosslCtx *ctxPtr, Tcl_Obj *listObj, int require);
MODULE_SCOPE int	PyosslCtxSetSni(Tcl_Interp *interp,
			    PyosslCtx *ctxPtr, Tcl_Obj *listObj);

/* A file of keys or certificates in memory (pyosslCtxFile.c). */
typedef struct PyosslFile {
    unsigned char *bytes;	/* Owned; PyosslFileFree cleanses them. */
    size_t length, size;
} PyosslFile;

MODULE_SCOPE int	PyosslFileRead(Tcl_Interp *interp, Tcl_Obj *pathObj,
			    PyosslFile *filePtr);
MODULE_SCOPE void	PyosslFileFree(PyosslFile *filePtr);
MODULE_SCOPE int	PyosslFileFail(Tcl_Interp *interp, const char *what,
			    Tcl_Obj *pathObj);
MODULE_SCOPE BIO *	PyosslFileBio(const PyosslFile *filePtr);
MODULE_SCOPE X509 *	PyosslFileCert(BIO *bioPtr);
MODULE_SCOPE STACK_OF(X509) *PyosslFileCerts(const PyosslFile *filePtr);
MODULE_SCOPE void	PyosslQueueErrno(int errnum, const char *function);

/* Methods of class ctx outside of pyosslCtx.c. */
MODULE_SCOPE PyosslMethodProc		/* pyosslCtxSet.c */
	PyosslCtxGetCipherList, PyosslCtxGetMaxProto, PyosslCtxGetMinProto,
	PyosslCtxGetSecurityLevel, PyosslCtxSetCipherList,
	PyosslCtxSetCiphersuites, PyosslCtxSetGroups, PyosslCtxSetMaxProto,
	PyosslCtxSetMinProto, PyosslCtxSetSecurityLevel, PyosslCtxSetSigalgs;
MODULE_SCOPE PyosslMethodProc		/* pyosslCtxNames.c */
	PyosslCtxSetAlpnMethod, PyosslCtxSetSniMethod;
MODULE_SCOPE PyosslMethodProc		/* pyosslCtxLoad.c */
	PyosslCtxAddExtraChainCert, PyosslCtxCheckPrivatekey,
	PyosslCtxLoadTmpDh, PyosslCtxSetTmpDh, PyosslCtxUseCertificate,
	PyosslCtxUseCertificateChainFile, PyosslCtxUseCertificateFile,
	PyosslCtxUsePrivatekey, PyosslCtxUsePrivatekeyFile;
MODULE_SCOPE PyosslMethodProc		/* pyosslCtxTrust.c */
	PyosslCtxAddClientCa, PyosslCtxGetCertStore, PyosslCtxLoadClientCa,
	PyosslCtxLoadVerifyLocations, PyosslCtxSetClientCaList,
	PyosslCtxSetDefaultVerifyPaths;

/*
 * ---------------------------------------------------------------------
 * Transports (layer 2: pyosslBio.c, unix/ and win/ pyossl*Sock.c)
 * ---------------------------------------------------------------------
 */

typedef void (PyosslReadyProc)(void *clientData, int mask);

/*
 * All functions get the transport's instance. read and write never wait
 * unless the transport itself is a blocking channel; errors are errno
 * values, EAGAIN where nothing can be done now.
 */
typedef struct PyosslTransportType {
    const char *name;
    int (*readProc)(void *inst, char *buf, int toRead, int *errnoPtr);
				/* > 0, 0 at end of file, -1. */
    int (*writeProc)(void *inst, const char *buf, int toWrite, int *errnoPtr);
    int (*waitProc)(void *inst, int mask, int ms);
				/* Blocks till ready; ms -1: no limit. The
				 * ready mask, 0 on time-out, -1 on error. */
    void (*watchProc)(void *inst, int mask, PyosslReadyProc *readyProc,
	    void *clientData);	/* Events wanted; mask 0: none. */
    int (*blockProc)(void *inst, int blocking);	/* 0 or errno. */
    int (*shutdownProc)(void *inst, int how);	/* 0 rd, 1 wr, 2 both. */
    int (*handleProc)(void *inst, int direction, ClientData *handlePtr);
    int (*getOptionProc)(void *inst, Tcl_Interp *interp, const char *option,
	    Tcl_DString *dsPtr);
    int (*setOptionProc)(void *inst, Tcl_Interp *interp, const char *option,
	    const char *value);
    void (*threadProc)(void *inst, int action);
    void (*closeProc)(void *inst, Tcl_Interp *interp, char *pending,
	    size_t pendingLength, int linger);
				/* Ends the transport. pending (ckalloc'ed,
				 * taken over) is output still to be sent. */
    void (*freeProc)(void *inst);
				/* Lets go of the transport, open or not. */
} PyosslTransportType;

#endif /* PYOSSL_TLS_H */
