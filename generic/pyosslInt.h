/*
 * pyosslInt.h --
 *
 *	Layer 1: the types and functions that every class stands on. One
 *	mechanism each for object commands, errors, callbacks, conversions
 *	and constants. Knows nothing of any particular class.
 */

#ifndef PYOSSL_INT_H
#define PYOSSL_INT_H

#ifdef _WIN32
/* OpenSSL's headers drag in windows.h; winsock2.h has to come before it. */
#   include <winsock2.h>
#   include <ws2tcpip.h>
#   include <windows.h>
/* wincrypt.h claims these names, OpenSSL needs them. */
#   undef X509_NAME
#   undef X509_EXTENSIONS
#   undef PKCS7_SIGNER_INFO
#   undef OCSP_REQUEST
#   undef OCSP_RESPONSE
#endif

#include <string.h>
#include <tcl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Shared among our files, invisible outside the library (TEA's name). */
#ifndef MODULE_SCOPE
#   if defined(__GNUC__) && !defined(_WIN32)
#	define MODULE_SCOPE	extern __attribute__((__visibility__("hidden")))
#   else
#	define MODULE_SCOPE	extern
#   endif
#endif

/* Tcl 8.6 counts in int, Tcl 9 in ptrdiff_t; the sources speak Tcl 9. */
#ifndef TCL_SIZE_MAX
#   include <limits.h>
    typedef int Tcl_Size;
#   define TCL_SIZE_MAX		INT_MAX
#   define TCL_SIZE_MODIFIER	""
#endif

/*
 * ---------------------------------------------------------------------
 * Modules: the manual's three, the second word of our errorCodes.
 * ---------------------------------------------------------------------
 */

typedef enum {
    PYOSSL_CRYPTO, PYOSSL_RAND, PYOSSL_SSL
} PyosslModule;

/*
 * ---------------------------------------------------------------------
 * Object commands (pyosslObject.c)
 * ---------------------------------------------------------------------
 */

typedef struct PyosslInterp PyosslInterp;
typedef struct PyosslObject PyosslObject;
typedef struct PyosslClass PyosslClass;

/*
 * A method: objv[0] is the object, objv[1] the method, arguments follow.
 * The dispatcher has counted them and holds a reference on objPtr, so that
 * a method (or a callback it runs) may destroy the object's own command.
 */
typedef int (PyosslMethodProc)(PyosslObject *objPtr, Tcl_Interp *interp,
	int objc, Tcl_Obj *const objv[]);

typedef struct PyosslMethod {
    const char *name;		/* First: Tcl_GetIndexFromObjStruct reads it. */
    PyosslMethodProc *proc;
    int minArgs, maxArgs;	/* After the method's name; maxArgs -1: any. */
    const char *usage;		/* Of the arguments; NULL when there are none. */
    int flags;			/* PYOSSL_UNSAFE */
} PyosslMethod;

#define PYOSSL_UNSAFE	1	/* Touches files or sockets: not in safe interps. */
#define PYOSSL_INTERNAL	2	/* For our own scripts: not exported. */

/* A function: a command of its own, objv[0] its name. */
typedef int (PyosslFunctionProc)(PyosslInterp *ipPtr, Tcl_Interp *interp,
	int objc, Tcl_Obj *const objv[]);

typedef struct PyosslFunction {
    const char *name;
    PyosslFunctionProc *proc;
    int minArgs, maxArgs;
    const char *usage;
    int flags;
} PyosslFunction;

/* Every class has a fixed place in the per-interpreter lists of live objects. */
typedef enum {
    PYOSSL_ID_X509, PYOSSL_ID_X509NAME, PYOSSL_ID_X509REQ, PYOSSL_ID_X509STORE,
    PYOSSL_ID_X509EXT, PYOSSL_ID_PKEY, PYOSSL_ID_PKCS7, PYOSSL_ID_PKCS12,
    PYOSSL_ID_SPKI, PYOSSL_ID_CRL, PYOSSL_ID_REVOKED, PYOSSL_ID_CTX,
    PYOSSL_ID_CONN, PYOSSL_ID_COUNT
} PyosslClassId;

struct PyosslClass {
    const char *name;		/* "x509": command ::pyossl::x509. */
    PyosslClassId id;
    PyosslModule module;	/* Whose errors its class command raises. */
    const PyosslMethod *methods;/* Ends with a NULL name. */
    void (*freeProc)(void *nativePtr);
				/* Gives back the one native reference; never
				 * runs scripts; may run without an interp. */
    void *(*newProc)(PyosslInterp *ipPtr, Tcl_Interp *interp, int objc,
	    Tcl_Obj *const objv[]);
				/* objv[0] is the first argument after [new].
				 * NULL with an error in interp on failure.
				 * A NULL newProc: the class has no [new]. */
    int minArgs, maxArgs;	/* Of newProc. */
    const char *usage;
    void *(*dupProc)(void *nativePtr);
				/* An independent copy, for the method [dup]. */
    PyosslMethodProc *unknownProc;
				/* Asked for a method that is not in the table;
				 * TCL_CONTINUE: unknown here too. */
    void (*bornProc)(PyosslObject *objPtr);
				/* The command was made. */
    void (*goneProc)(PyosslObject *objPtr);
				/* The command was deleted (by destroy, rename
				 * or the interpreter's end); never scripts. */
};

struct PyosslObject {
    const PyosslClass *classPtr;
    void *nativePtr;		/* Owned; released by classPtr->freeProc. */
    PyosslInterp *ipPtr;	/* Counted. */
    Tcl_Command token;		/* NULL once the command is gone. */
    int refCount;		/* The command holds one, each call another. */
    PyosslObject *nextPtr, *prevPtr;
				/* Live objects of the class in the interp. */
};

/* Per-interpreter data; counted, so that deletion order cannot matter. */
struct PyosslInterp {
    Tcl_Interp *interp;		/* NULL once the interpreter is deleted. */
    int refCount;
    int safe;
    unsigned long long nextId;	/* For names of new objects. */
    PyosslObject *liveList[PYOSSL_ID_COUNT];
    Tcl_Size liveCount[PYOSSL_ID_COUNT];
};

/* Rows that every class has. */
#define PYOSSL_DESTROY_METHOD \
    {"destroy", PyosslObjectDestroy, 0, 0, NULL, 0}
#define PYOSSL_DUP_METHOD \
    {"dup", PyosslObjectDup, 0, 0, NULL, 0}
#define PYOSSL_END_METHODS \
    {NULL, NULL, 0, 0, NULL, 0}

MODULE_SCOPE PyosslInterp *PyosslInterpGet(Tcl_Interp *interp);
MODULE_SCOPE PyosslInterp *PyosslInterpHold(PyosslInterp *ipPtr);
MODULE_SCOPE void	PyosslInterpRelease(PyosslInterp *ipPtr);
MODULE_SCOPE int	PyosslInterpAlive(const PyosslInterp *ipPtr);

MODULE_SCOPE void	PyosslClassRegister(PyosslInterp *ipPtr,
			    const PyosslClass *classPtr);
MODULE_SCOPE void	PyosslFunctionsRegister(PyosslInterp *ipPtr,
			    const PyosslFunction *functions);
MODULE_SCOPE void	PyosslEnsembleRegister(PyosslInterp *ipPtr,
			    const char *name, const PyosslFunction *functions);

MODULE_SCOPE PyosslObject *PyosslObjectNew(PyosslInterp *ipPtr,
			    const PyosslClass *classPtr, void *nativePtr);
MODULE_SCOPE int	PyosslObjectReturn(PyosslInterp *ipPtr,
			    const PyosslClass *classPtr, void *nativePtr);
MODULE_SCOPE Tcl_Obj *	PyosslObjectName(const PyosslObject *objPtr);
MODULE_SCOPE void	PyosslObjectHold(PyosslObject *objPtr);
MODULE_SCOPE void	PyosslObjectRelease(PyosslObject *objPtr);
MODULE_SCOPE void	PyosslObjectDelete(PyosslObject *objPtr);
MODULE_SCOPE PyosslObject *PyosslObjectFind(Tcl_Interp *interp,
			    Tcl_Obj *nameObj, const PyosslClass *classPtr);
MODULE_SCOPE void *	PyosslNativeGet(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *nameObj,
			    const PyosslClass *classPtr);
MODULE_SCOPE PyosslMethodProc PyosslObjectDestroy, PyosslObjectDup;
MODULE_SCOPE const PyosslFunction pyosslObjectFunctions[];

/*
 * ---------------------------------------------------------------------
 * What is alive (pyosslStats.c)
 * ---------------------------------------------------------------------
 */

typedef enum {
    PYOSSL_COUNT_INTERPS, PYOSSL_COUNT_CALLBACKS, PYOSSL_COUNT_CONTEXTS,
    PYOSSL_COUNT_CONNECTIONS, PYOSSL_COUNT_CHANNELS, PYOSSL_COUNT_LISTENERS,
    PYOSSL_COUNT_SOCKETS,
    PYOSSL_COUNT_BUFFERED,	/* Bytes of memory in connections' buffers. */
    PYOSSL_COUNT_COUNT
} PyosslCountId;

MODULE_SCOPE void	PyosslCount(PyosslCountId id, Tcl_WideInt change);
MODULE_SCOPE void	PyosslCountObject(PyosslClassId id, int change);
MODULE_SCOPE void	PyosslStatsInit(void);
MODULE_SCOPE const PyosslFunction pyosslStatsFunctions[];

/* Waiting by way of the event loop (pyosslLoop.c). */
MODULE_SCOPE void	PyosslLoopServe(Tcl_Channel chan, int driver, int mask,
			    int ms);
MODULE_SCOPE const PyosslFunction pyosslLoopFunctions[];

/*
 * ---------------------------------------------------------------------
 * Errors (pyosslError.c)
 * ---------------------------------------------------------------------
 */

/*
 * A failure that outlives the call that met it (a connection's, a
 * channel's). Plain C strings, so that it may cross threads with its owner.
 */
typedef struct PyosslFailure {
    int posix;			/* For Tcl's channel drivers. */
    char *message;		/* One line; NULL: no failure is held. */
    char *errorCode;		/* A Tcl list as a string. */
    char *errorInfo;		/* Of a callback's error, else NULL. */
} PyosslFailure;

#if defined(__GNUC__) || defined(__clang__)
#   define PYOSSL_PRINTF(f, a)	__attribute__((format(printf, f, a)))
#else
#   define PYOSSL_PRINTF(f, a)
#endif

/* What to say of a refusal that is a matter of the security level. */
#define PYOSSL_SECLEVEL_ADVICE \
	"the security level forbids it, a cipher list with @SECLEVEL=0 " \
	"allows it"
#define PYOSSL_SHA1_ADVICE \
	"TLS before 1.2 signs with SHA-1, which the security level forbids " \
	"and a cipher list with @SECLEVEL=0 allows"

MODULE_SCOPE const char *PyosslModuleName(PyosslModule module);
MODULE_SCOPE int	PyosslFail(Tcl_Interp *interp, PyosslModule module,
			    const char *kind, const char *format, ...)
			    PYOSSL_PRINTF(4, 5);
MODULE_SCOPE int	PyosslFailForbidden(Tcl_Interp *interp,
			    const char *name);
MODULE_SCOPE int	PyosslFailNoValue(Tcl_Interp *interp,
			    const char *option);
MODULE_SCOPE PyosslFunctionProc PyosslErrorQueued, PyosslErrorShown;
MODULE_SCOPE int	PyosslGetIndex(Tcl_Interp *interp, Tcl_Obj *objPtr,
			    const void *tablePtr, int rowSize,
			    const char *what, int flags, int *indexPtr);
MODULE_SCOPE int	PyosslErrorNoMemory(void);
MODULE_SCOPE void	PyosslErrorNoPem(void);
MODULE_SCOPE int	PyosslFailQueue(Tcl_Interp *interp,
			    PyosslModule module, const char *what);
MODULE_SCOPE int	PyosslFailErrno(Tcl_Interp *interp,
			    PyosslModule module, int errnum,
			    const char *what);
MODULE_SCOPE void	PyosslFailureSet(PyosslFailure *failurePtr, int posix,
			    PyosslModule module, const char *kind,
			    const char *message);
MODULE_SCOPE void	PyosslFailureQueue(PyosslFailure *failurePtr,
			    int posix, PyosslModule module, const char *what);
MODULE_SCOPE void	PyosslFailureErrno(PyosslFailure *failurePtr,
			    int errnum, const char *what);
MODULE_SCOPE void	PyosslFailureEof(PyosslFailure *failurePtr);
MODULE_SCOPE void	PyosslFailureCopy(PyosslFailure *toPtr,
			    const PyosslFailure *fromPtr);
MODULE_SCOPE void	PyosslFailureClear(PyosslFailure *failurePtr);
MODULE_SCOPE int	PyosslFailureRaise(Tcl_Interp *interp,
			    const PyosslFailure *failurePtr);
MODULE_SCOPE Tcl_Obj *	PyosslFailureOptions(const PyosslFailure *failurePtr);

/*
 * ---------------------------------------------------------------------
 * Callbacks (pyosslCallback.c)
 * ---------------------------------------------------------------------
 */

typedef struct PyosslCallback PyosslCallback;

/*
 * The frame of one operation during which OpenSSL may call back. The first
 * script error inside it is kept, and fails the operation when it ends.
 * Lives on the C stack between Begin and End, innermost on top.
 */
typedef struct PyosslOp {
    struct PyosslOp **topPtrPtr;	/* The thread's innermost one. */
    struct PyosslOp *outerPtr;
    PyosslInterp *ipPtr;	/* Where the error happened; NULL: none did. */
    Tcl_InterpState state;
} PyosslOp;

MODULE_SCOPE int	PyosslCallbackSet(Tcl_Interp *interp,
			    PyosslModule module, PyosslInterp *ipPtr,
			    Tcl_Obj *prefixObj, PyosslCallback **slotPtr);
MODULE_SCOPE void	PyosslCallbackFree(PyosslCallback **slotPtr);
MODULE_SCOPE Tcl_Obj *	PyosslCallbackPrefix(const PyosslCallback *cbPtr);
MODULE_SCOPE PyosslInterp *PyosslCallbackInterp(const PyosslCallback *cbPtr);
MODULE_SCOPE int	PyosslCallbackUsable(const PyosslCallback *cbPtr);
MODULE_SCOPE int	PyosslCallbackCall(PyosslCallback *cbPtr,
			    int objc, Tcl_Obj *const objv[],
			    Tcl_Obj **resultPtr);
MODULE_SCOPE int	PyosslCallbackFail(PyosslCallback *cbPtr,
			    PyosslModule module, const char *kind,
			    const char *message);
MODULE_SCOPE void	PyosslOpBegin(PyosslOp *opPtr);
MODULE_SCOPE int	PyosslOpFailed(const PyosslOp *opPtr);
MODULE_SCOPE int	PyosslOpEnd(PyosslOp *opPtr, Tcl_Interp *interp,
			    int code);
MODULE_SCOPE int	PyosslOpEndFailure(PyosslOp *opPtr,
			    PyosslFailure *failurePtr, int background);

/*
 * A passphrase argument: a string, a callback, or none. PyosslPassRead is
 * the pem_password_cb for it, with the PyosslPass as its user data. Where
 * there is none, and the empty one is none, it answers with failure: nothing
 * ever prompts.
 */
typedef struct PyosslPass {
    PyosslModule module;
    char *string;		/* UTF-8, or NULL. Owned. */
    Tcl_Size length;
    PyosslCallback *cbPtr;	/* Or NULL. Owned where [Init] made it. */
    Tcl_Obj *userdataObj;	/* The callback's third argument, or NULL. */
    int truncate;		/* Cut a callback's answer that is too long
				 * (the manual's set_passwd_cb), else refuse. */
    int asked;			/* A passphrase was wanted, */
    int none;			/* and an empty one was all there is. */
} PyosslPass;

MODULE_SCOPE int	PyosslPassRead(char *buf, int size, int rwflag,
			    void *userdata);
MODULE_SCOPE int	PyosslPassInit(Tcl_Interp *interp,
			    PyosslModule module, PyosslInterp *ipPtr,
			    int objc, Tcl_Obj *const objv[],
			    PyosslPass *passPtr);
MODULE_SCOPE void	PyosslPassDone(PyosslPass *passPtr);

/*
 * ---------------------------------------------------------------------
 * Conversions (pyosslConvert.c)
 * ---------------------------------------------------------------------
 */

MODULE_SCOPE unsigned char *PyosslGetBytes(Tcl_Interp *interp,
			    PyosslModule module, const char *what,
			    Tcl_Obj *objPtr, Tcl_Size *lengthPtr);
MODULE_SCOPE int	PyosslGetInt(Tcl_Interp *interp, PyosslModule module,
			    const char *what, Tcl_Obj *objPtr, int *intPtr);
MODULE_SCOPE int	PyosslGetIntRange(Tcl_Interp *interp,
			    PyosslModule module, const char *what,
			    Tcl_Obj *objPtr, int min, int max, int *intPtr);
MODULE_SCOPE int	PyosslGetWide(Tcl_Interp *interp, PyosslModule module,
			    const char *what, Tcl_Obj *objPtr,
			    Tcl_WideInt *widePtr);
MODULE_SCOPE int	PyosslGetBoolean(Tcl_Interp *interp,
			    PyosslModule module, const char *what,
			    Tcl_Obj *objPtr, int *boolPtr);
MODULE_SCOPE BIGNUM *	PyosslGetBignum(Tcl_Interp *interp,
			    PyosslModule module, const char *what,
			    Tcl_Obj *objPtr);
MODULE_SCOPE Tcl_Obj *	PyosslBignumObj(const BIGNUM *bnPtr);
MODULE_SCOPE Tcl_Obj *	PyosslAsn1IntegerObj(const ASN1_INTEGER *intPtr);
MODULE_SCOPE const char *PyosslGetUtf8(Tcl_Obj *objPtr, Tcl_DString *dsPtr,
			    Tcl_Size *lengthPtr);
MODULE_SCOPE Tcl_Obj *	PyosslUtf8Obj(const char *bytes, Tcl_Size length);
MODULE_SCOPE const EVP_MD *PyosslGetDigest(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *objPtr);
MODULE_SCOPE Tcl_Obj *	PyosslBioObj(BIO *bioPtr);
MODULE_SCOPE Tcl_Obj *	PyosslDerObj(unsigned char *der, int length);
MODULE_SCOPE Tcl_Obj *	PyosslColonHexObj(const unsigned char *bytes,
			    Tcl_Size length);
MODULE_SCOPE int	PyosslGetTime(Tcl_Interp *interp, PyosslModule module,
			    const char *what, Tcl_Obj *objPtr,
			    ASN1_TIME **timePtrPtr);
MODULE_SCOPE Tcl_Obj *	PyosslTimeObj(const ASN1_TIME *timePtr);
MODULE_SCOPE char *	PyosslStrdup(const char *string);

/* A memory BIO on to the next block of PEM that is wanted. */
MODULE_SCOPE const char *PyosslPemSeek(BIO *bioPtr,
			    const char *const labels[]);

/*
 * Loading and dumping what is one ASN.1 value: certificates, requests, CRLs,
 * PKCS#7. A value that was loaded is freed by ASN1_item_free or its like.
 */
MODULE_SCOPE int	PyosslGetBuffer(Tcl_Interp *interp,
			    PyosslModule module, const char *what,
			    Tcl_Obj *objPtr, const unsigned char **bytesPtr,
			    int *lengthPtr);
MODULE_SCOPE void *	PyosslItemLoad(Tcl_Interp *interp,
			    PyosslModule module, int filetype,
			    Tcl_Obj *bufferObj, const char *what,
			    const char *const labels[],
			    const ASN1_ITEM *itemPtr);
MODULE_SCOPE int	PyosslItemDump(Tcl_Interp *interp,
			    PyosslModule module, int filetype,
			    const char *what, const char *pemName,
			    const ASN1_ITEM *itemPtr, const void *valuePtr);

/*
 * ---------------------------------------------------------------------
 * Constants (pyosslConst.c)
 * ---------------------------------------------------------------------
 */

/* Values of our own for names that have none in OpenSSL's headers. */
#define PYOSSL_FILETYPE_PEM	1	/* X509_FILETYPE_PEM */
#define PYOSSL_FILETYPE_ASN1	2	/* X509_FILETYPE_ASN1 */
#define PYOSSL_FILETYPE_TEXT	58	/* As in pyOpenSSL's later releases. */

enum {				/* METHOD arguments of [ctx new]. */
    PYOSSL_SSLv2_METHOD = 1, PYOSSL_SSLv3_METHOD, PYOSSL_SSLv23_METHOD,
    PYOSSL_TLSv1_METHOD, PYOSSL_TLSv1_1_METHOD, PYOSSL_TLSv1_2_METHOD,
    PYOSSL_TLS_METHOD, PYOSSL_TLS_SERVER_METHOD, PYOSSL_TLS_CLIENT_METHOD,
    /* Away from the numbers that a port might try and expect refused. */
    PYOSSL_DTLS_METHOD = 100, PYOSSL_DTLS_SERVER_METHOD,
    PYOSSL_DTLS_CLIENT_METHOD, PYOSSL_DTLSv1_METHOD,
    PYOSSL_DTLSv1_2_METHOD
};

MODULE_SCOPE void	PyosslConstRegister(PyosslInterp *ipPtr);
MODULE_SCOPE int	PyosslGetConst(Tcl_Interp *interp,
			    PyosslModule module, const char *what,
			    const char *prefix, Tcl_Obj *objPtr,
			    Tcl_WideInt *valuePtr);
MODULE_SCOPE int	PyosslGetFiletype(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *objPtr,
			    int textAllowed, int *typePtr);

#endif /* PYOSSL_INT_H */
