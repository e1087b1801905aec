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
	pyosslKeepFunctions[], pyosslServerFunctions[];

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

/* As SSL_CTX_set_msg_callback(3) has it. */
typedef void (PyosslMsgProc)(int write, int version, int contentType,
	const void *bytes, size_t length, SSL *ssl, void *arg);

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
    int lenient;		/* A failed verification does not end the
				 * handshake; it stays as the result. */
    int kept;			/* Among those that new connections may
				 * share (pyosslKeep.c). */
    int alpnRequire;		/* No common protocol is a fatal alert. */
    int scripted;		/* OpenSSL may call scripts. */
    PyosslMsgProc *msgProc;	/* NULL: nobody listens to messages. */
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

/* The platform's own authorities (unix/ and win/ pyossl*Trust.c). */
MODULE_SCOPE int	PyosslTrustLoad(X509_STORE *storePtr);
MODULE_SCOPE Tcl_WideInt PyosslTrustStamp(void);

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
    int (*pendingProc)(void *inst);
				/* Whether it has input that no event will
				 * tell of. May be NULL. */
    int (*soonProc)(void *inst);/* Calls the watcher soon, with mask 0, at
				 * less cost than a timer of Tcl's; 0 where
				 * it cannot. May be NULL. */
    int reenters;		/* Writing may run scripts, or OpenSSL for
				 * another connection: not from inside of it,
				 * where an error may be on its way. What is
				 * written may be gone when they have run. */
} PyosslTransportType;

/*
 * A link: the one BIO of an SSL and the transport under it. Output that
 * OpenSSL writes is never refused: what the transport does not take at once
 * is queued, and whoever writes looks at the queue first. So no record is
 * ever half-written inside OpenSSL, and a close loses nothing. While the
 * queue is long, reading waits for it: a peer that only sends cannot make
 * it grow.
 */
typedef struct PyosslLink {
    const PyosslTransportType *typePtr;	/* NULL: memory. */
    void *inst;			/* NULL once the transport is gone. */
    char *out;			/* Queued output: bytes [outStart, outEnd). */
    size_t outStart, outEnd, outSize;
    char *in;			/* Memory: input still to be read. */
    size_t inStart, inEnd, inSize;
    int corked;			/* Queue, don't send: a flush follows. */
    int datagrams;		/* Memory: DTLS, whole records are read. */
    int eof;			/* The transport's input has ended. */
    int readErrno;		/* First hard error of each direction. */
    int writeErrno;
    int spoilt;			/* See Abort in pyosslTlsFail.c. */
    int full;			/* The last read got all it had asked for:
				 * perhaps there is more. */
    int throttled;		/* The last read waited for the queue. */
    size_t underWay;		/* Of the queue: what the transport is being
				 * given just now, perhaps by scripts. */
    int kernelSends;		/* The kernel makes the records (kTLS), and */
    int kernelReceives;		/* takes them apart: no cipher text here. */
    int recordType;		/* What the next write is then; 0: data. */
    int keyKept;		/* The last one was a change of keys, which
				 * the kernel does not join in. */
} PyosslLink;

MODULE_SCOPE void	PyosslLinkInit(PyosslLink *linkPtr,
			    const PyosslTransportType *typePtr, void *inst);
MODULE_SCOPE BIO *	PyosslLinkBio(PyosslLink *linkPtr);
MODULE_SCOPE int	PyosslLinkFlush(PyosslLink *linkPtr);
MODULE_SCOPE void	PyosslLinkReserve(PyosslLink *linkPtr, size_t length);
MODULE_SCOPE size_t	PyosslLinkQueued(const PyosslLink *linkPtr);
MODULE_SCOPE int	PyosslLinkPending(const PyosslLink *linkPtr);
MODULE_SCOPE size_t	PyosslLinkTake(PyosslLink *linkPtr, char *buf,
			    size_t size);
MODULE_SCOPE void	PyosslLinkFeed(PyosslLink *linkPtr, const char *buf,
			    size_t length);
MODULE_SCOPE void	PyosslLinkWatch(PyosslLink *linkPtr, int mask,
			    PyosslReadyProc *readyProc, void *clientData);
MODULE_SCOPE int	PyosslLinkSoon(PyosslLink *linkPtr);
MODULE_SCOPE int	PyosslLinkWait(PyosslLink *linkPtr, int mask, int ms);
MODULE_SCOPE void	PyosslLinkClose(PyosslLink *linkPtr,
			    Tcl_Interp *interp, int linger);
MODULE_SCOPE void	PyosslLinkFree(PyosslLink *linkPtr);

/*
 * What a transport needs to know of a channel of our own, TLS inside TLS;
 * filled in by the driver (pyosslChan.c).
 */
typedef struct PyosslInnerChan {
    const Tcl_ChannelType *typePtr;
    int (*waitProc)(void *inst, int mask, int ms);
				/* As waitProc above; -2: it cannot tell. */
    int (*modeProc)(void *inst, int blocking);
				/* Sets it for the next call; the old mode. */
} PyosslInnerChan;

MODULE_SCOPE const PyosslInnerChan pyosslInnerChan;

/* A Tcl channel as transport (pyosslBioChan.c). */
MODULE_SCOPE const PyosslTransportType pyosslChanTransport;
MODULE_SCOPE int	PyosslChanTransportIsSocket(const PyosslLink *linkPtr);
MODULE_SCOPE void *	PyosslChanTransportNew(Tcl_Interp *interp,
			    Tcl_Channel chan, int stacked);
MODULE_SCOPE Tcl_Channel PyosslChanTransportChannel(void *inst);
MODULE_SCOPE void	PyosslChanTransportKeep(void *inst);
MODULE_SCOPE void	PyosslChanTransportTake(void *inst,
			    Tcl_DString *dataPtr);
MODULE_SCOPE void	PyosslChanTransportDetach(void *inst);
MODULE_SCOPE void	PyosslChanTransportLeave(void *inst,
			    PyosslLink *linkPtr);

/*
 * A socket of our own (pyosslSock.c, pyosslSockAddr.c, and for the system
 * calls unix/pyosslUnixSock.c and win/pyosslWinSock.c).
 * Functions that fail return -1 and leave errno set.
 */
typedef struct PyosslSock PyosslSock;

MODULE_SCOPE const PyosslTransportType pyosslSockTransport;
MODULE_SCOPE PyosslSock *PyosslSockNew(void);
/* Takes a duplicate of somebody's descriptor; NULL with errno. */
MODULE_SCOPE PyosslSock *PyosslSockDup(int fd);
MODULE_SCOPE PyosslSock *PyosslSockConnectStart(const char *host,
			    const char *port, const char *myAddr,
			    const char *myPort, const char **whatPtr);
MODULE_SCOPE int	PyosslSockConnecting(PyosslSock *sockPtr);
MODULE_SCOPE int	PyosslSockConnectStep(PyosslSock *sockPtr, int *errnoPtr);
MODULE_SCOPE int	PyosslSockRefused(PyosslSock *sockPtr, int *errnoPtr);
MODULE_SCOPE int	PyosslSockBind(PyosslSock *sockPtr, const char *host,
			    const char *port, const char **whatPtr);
MODULE_SCOPE int	PyosslSockListen(PyosslSock *sockPtr, int backlog);
MODULE_SCOPE PyosslSock *PyosslSockAccept(PyosslSock *sockPtr);
MODULE_SCOPE int	PyosslSockConnect(PyosslSock *sockPtr,
			    const char *host, const char *port, int blocking,
			    const char **whatPtr);
MODULE_SCOPE PyosslSock **PyosslSockListenAll(const char *host,
			    const char *port, int reusePort, int backlog,
			    int *countPtr, const char **whatPtr);
MODULE_SCOPE Tcl_Obj *	PyosslSockAddress(PyosslSock *sockPtr, int peer,
			    int withName);
MODULE_SCOPE int	PyosslSockFd(PyosslSock *sockPtr);
MODULE_SCOPE void	PyosslSockThread(void);
MODULE_SCOPE int	PyosslSockServe(void);
MODULE_SCOPE void	PyosslSockAwait(PyosslSock *sockPtr, int on);
/*
 * What OpenSSL asks a BIO for kernel TLS with. Its headers name BIO_CTRL_
 * GET_KTLS_SEND and _RECV, and keep the numbers of the others.
 */
#define PYOSSL_CTRL_SET_KTLS		72
#define PYOSSL_CTRL_SET_RECORD_TYPE	74
#define PYOSSL_CTRL_CLEAR_RECORD_TYPE	75
MODULE_SCOPE int	PyosslSockKernel(PyosslSock *sockPtr, int sending,
			    void *keys);
MODULE_SCOPE void	PyosslSockMark(PyosslSock *sockPtr, size_t queued,
			    int length, int type);
MODULE_SCOPE void	PyosslSockLinger(PyosslSock *sockPtr, int ms);
MODULE_SCOPE void	PyosslSockFree(PyosslSock *sockPtr);
MODULE_SCOPE int	PyosslSockShutdown(int fd, int how);
MODULE_SCOPE int	PyosslSockGetOption(int fd, int level, int name,
			    void *buf, int *lengthPtr);
MODULE_SCOPE int	PyosslSockSetOption(int fd, int level, int name,
			    const void *buf, int length);
MODULE_SCOPE int	PyosslSockConstant(const char *name, int *valuePtr);
/* The descriptor of a plain Tcl socket where reading and writing it past
 * Tcl's driver is safe, else -1; and the calls for it. */
MODULE_SCOPE int	PyosslSockDirect(Tcl_Channel chan);
MODULE_SCOPE int	PyosslSockFailed(Tcl_Channel chan);
MODULE_SCOPE Tcl_Channel PyosslSockBottom(Tcl_Channel chan);
MODULE_SCOPE int	PyosslSockHandle(Tcl_Channel chan, int direction,
			    ClientData *handlePtr);
MODULE_SCOPE int	PyosslSockRecv(int fd, char *buf, int size,
			    int *errnoPtr);
MODULE_SCOPE int	PyosslSockSend(int fd, const char *buf, int size,
			    int *errnoPtr);
MODULE_SCOPE int	PyosslSockRecvWait(int fd, int *blocksPtr, char *buf,
			    int size, int *errnoPtr);
/* Waits for any pollable handle; see waitProc. -2: it cannot be waited for. */
MODULE_SCOPE int	PyosslSockPoll(Tcl_Channel chan, int mask, int ms);
/* Whether that is so, but its driver has a mode that costs nothing to set. */
MODULE_SCOPE int	PyosslSockSwitches(Tcl_Channel chan);

/*
 * Readiness of our own descriptors: one epoll or kqueue descriptor for each
 * thread is all that Tcl's notifier sees (unix/pyosslUnixPoll.c); on Windows
 * it is an event source (win/pyosslWinPoll.c).
 */
typedef struct PyosslPoll {
    int fd;
    int mask;			/* Events wanted now. */
    int registered;		/* Known to the kernel. */
    PyosslReadyProc *readyProc;
    void *clientData;
    void *threadData;		/* Where it is registered. */
    int known;			/* What the kernel knows of the mask. */
    Tcl_TimerToken retry;	/* The kernel had no room for it. */
    void *soon;			/* An event of PyosslPollSoon, or NULL. */
} PyosslPoll;

MODULE_SCOPE void	PyosslPollInit(PyosslPoll *pollPtr, int fd);
MODULE_SCOPE void	PyosslPollWatch(PyosslPoll *pollPtr, int mask,
			    PyosslReadyProc *readyProc, void *clientData);
MODULE_SCOPE int	PyosslPollSoon(PyosslPoll *pollPtr);
MODULE_SCOPE void	PyosslPollForget(PyosslPoll *pollPtr);
MODULE_SCOPE int	PyosslPollEnded(void);

/* A clock in milliseconds that nobody sets (the platform's Sock). */
MODULE_SCOPE Tcl_WideInt PyosslSysNow(void);

/* The most that a new handshake reads on ahead of the reader. */
#define PYOSSL_STASH_LIMIT	(256 * 1024)

/*
 * ---------------------------------------------------------------------
 * The connection (layer 3: pyosslTlsFail.c, pyosslTls.c)
 * ---------------------------------------------------------------------
 */

typedef enum {
    PYOSSL_TLS_OK,
    PYOSSL_TLS_WANT_READ,
    PYOSSL_TLS_WANT_WRITE,
    PYOSSL_TLS_WANT_LOOKUP,
    PYOSSL_TLS_EOF,		/* The peer's close_notify. */
    PYOSSL_TLS_BUSY,		/* A callback of this very connection asked
				 * for it; tlsPtr->refusal. */
    PYOSSL_TLS_FAIL		/* PyosslTlsWhy tells. */
} PyosslTlsResult;

struct PyosslTls {
    int refCount;		/* The command, the channel, a call. */
    SSL *ssl;
    PyosslCtx *ctxPtr;		/* One reference. */
    PyosslLink link;
    int blocking;
    int started;		/* Client or server has been chosen. */
    int established;		/* A first handshake is done. */
    int gone;			/* A script destroyed it; callbacks that still
				 * run get no command. */
    int autoConn;		/* The channel owns it: its close deletes the
				 * command too. */
    int closed;			/* The transport was closed. */
    int ending;			/* Its channel is being closed: there will be
				 * no other one. */
    int sentFin;		/* close_notify went out and the transport's
				 * output was shut down. */
    int maybeMore;		/* OpenSSL may hold data for a reader. */
    int reported;		/* The failure was told to somebody. */
    int held;			/* A listener goes on with the handshake:
				 * nobody else watches the transport. */
    int busy;			/* OpenSSL is at work on it: it must not be
				 * entered again. */
    int waiting;		/* A blocking call waits, maybe in a loop. */
    int missed;			/* Something was to be done meanwhile. */
    int inputHeld;		/* Tcl had input of its channel when it called
				 * back. */
    PyosslFailure failure;	/* Fatal and sticky. */
    PyosslFailure refusal;	/* Of the last step only: it could not be
				 * done, the connection goes on. */
    PyosslObject *connPtr;	/* Its command, not counted; or NULL. */
    void *chanPtr;		/* Its plaintext channel (PyosslChan *), not
				 * counted; or NULL. */
    Tcl_Channel heldChan;	/* Of it, for callbacks to hold (CallRun). */
    Tcl_Obj *appDataObj;	/* NULL: none. */
    Tcl_WideInt deadline;	/* Of the handshake, in ms as PyosslSysNow
				 * tells them; 0: none. */
    int alertIn, alertOut;	/* Last fatal alert each way; -1: none. */
    int renegotiations;		/* Completed after the first handshake. */
    int renegotiating;		/* [renegotiate] was called, and has not begun. */
    char *stash;		/* Data that came before a new handshake was */
    int stashStart, stashLength, stashSize;	/* done; read first. */
    char *verifyText;		/* The check that failed first, or NULL. */
    char *verifyHost;		/* The name checked, or NULL. */
    STACK_OF(X509) *refused;	/* The chain that came and was not accepted,
				 * or NULL. */
    PyosslMsgProc *msgProc;	/* What the SSL has; see PyosslTlsListen. */
};

MODULE_SCOPE PyosslTls *PyosslTlsNew(PyosslCtx *ctxPtr,
			    const PyosslTransportType *typePtr, void *inst);
MODULE_SCOPE void	PyosslTlsHold(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslTlsRelease(PyosslTls *tlsPtr);
MODULE_SCOPE PyosslTls *PyosslTlsFromSsl(const SSL *ssl);
MODULE_SCOPE Tcl_Obj *	PyosslTlsConnObj(PyosslTls *tlsPtr,
			    PyosslInterp *ipPtr);
MODULE_SCOPE void	PyosslTlsSetCtx(PyosslTls *tlsPtr, PyosslCtx *ctxPtr);
MODULE_SCOPE int	PyosslTlsSetHost(PyosslTls *tlsPtr,
			    const char *serverName, const char *verifyName);
MODULE_SCOPE void	PyosslTlsNoteInfo(PyosslTls *tlsPtr, int where,
			    int ret);
MODULE_SCOPE void	PyosslTlsListen(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslTlsVerifyFailed(PyosslTls *tlsPtr,
			    X509_STORE_CTX *storePtr);
MODULE_SCOPE int	PyosslTlsEndOp(PyosslTls *tlsPtr, PyosslOp *opPtr,
			    int background);
MODULE_SCOPE void	PyosslTlsRefused(PyosslTls *tlsPtr,
			    X509_STORE_CTX *storePtr);
MODULE_SCOPE const char *PyosslTlsAlertName(int alert);
MODULE_SCOPE void	PyosslTlsKeepQueue(PyosslTls *tlsPtr,
			    PyosslFailure *failurePtr, const char *what);
MODULE_SCOPE PyosslTlsResult PyosslTlsClassify(PyosslTls *tlsPtr, int ret,
			    int handshaking, const char *what);
MODULE_SCOPE const PyosslFailure *PyosslTlsWhy(const PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslTlsInHandshake(const PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslTlsAwaitsHandshake(const PyosslTls *tlsPtr);
MODULE_SCOPE PyosslTlsResult PyosslTlsRenegotiate(PyosslTls *tlsPtr);
MODULE_SCOPE PyosslTlsResult PyosslTlsSent(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslTlsCloseNotify(PyosslTls *tlsPtr);
MODULE_SCOPE PyosslTlsResult PyosslTlsHandshake(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslTlsStash(PyosslTls *tlsPtr, const char *buf,
			    int length);
MODULE_SCOPE PyosslTlsResult PyosslTlsRead(PyosslTls *tlsPtr, char *buf,
			    int size, int peek, int *gotPtr);
/* The most that one write hands to OpenSSL: bounds the output queue. */
#define PYOSSL_WRITE_LIMIT	(128 * 1024)
MODULE_SCOPE PyosslTlsResult PyosslTlsWrite(PyosslTls *tlsPtr,
			    const char *buf, int size, int *donePtr);
MODULE_SCOPE PyosslTlsResult PyosslTlsShutdown(PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslTlsWait(PyosslTls *tlsPtr,
			    PyosslTlsResult result, int ms);
MODULE_SCOPE int	PyosslTlsIsLate(const PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslTlsTimedOut(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslTlsClose(PyosslTls *tlsPtr, Tcl_Interp *interp,
			    int clean);

/*
 * ---------------------------------------------------------------------
 * The plaintext channel (layer 4: pyosslChan.c)
 * ---------------------------------------------------------------------
 */

MODULE_SCOPE Tcl_Channel PyosslChanCreate(PyosslTls *tlsPtr,
			    Tcl_Interp *interp);
MODULE_SCOPE Tcl_Channel PyosslChanStack(Tcl_Interp *interp,
			    PyosslTls *tlsPtr, Tcl_Channel below);
MODULE_SCOPE int	PyosslChanUnstack(Tcl_Interp *interp,
			    Tcl_Channel chan, const char *name, int ms);
MODULE_SCOPE PyosslTls *PyosslChanTls(Tcl_Channel chan);
MODULE_SCOPE Tcl_Channel PyosslChanChannel(PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslChanSetBlocking(PyosslTls *tlsPtr, int blocking);
MODULE_SCOPE void	PyosslChanDeadline(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslChanKick(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslChanTellEnd(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslChanAbandon(PyosslTls *tlsPtr);
MODULE_SCOPE int	PyosslChanFlush(PyosslTls *tlsPtr);
MODULE_SCOPE void	PyosslChanClose(PyosslTls *tlsPtr, Tcl_Interp *interp);
MODULE_SCOPE void	PyosslChanWake(PyosslTls *tlsPtr);

#endif /* PYOSSL_TLS_H */
