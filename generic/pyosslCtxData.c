/*
 * pyosslCtxData.c --
 *
 *	The native struct of class ctx: its life, its name, and the table of
 *	server names in it. Knows no connection and sets nothing on an
 *	SSL_CTX, so that a connection may hold a context without a circle.
 *
 *	    ctx command --1--+
 *	    each Tls    --1--+--> PyosslCtx --1--> SSL_CTX
 *	    an SNI row  --1--+        |
 *	                              +--> callbacks, Tcl_Objs, SNI rows --> ...
 */

#include "pyosslTls.h"

/*
 * PyosslCtxAlloc --
 *	Makes the struct around an SSL_CTX.
 * Arguments:
 *	ipPtr	Held; NULL for a context without interpreter.
 *	sslCtx	Taken over.
 * Results:
 *	With one reference, the caller's.
 */
PyosslCtx *
PyosslCtxAlloc(
    PyosslInterp *ipPtr,
    SSL_CTX *sslCtx)
{
    PyosslCtx *ctxPtr = (PyosslCtx *) ckalloc(sizeof(PyosslCtx));

    memset(ctxPtr, 0, sizeof(*ctxPtr));
    ctxPtr->refCount = 1;
    ctxPtr->sslCtx = sslCtx;
    ctxPtr->ipPtr = ipPtr != NULL ? PyosslInterpHold(ipPtr) : NULL;
    ctxPtr->alpnRequire = 1;
    PyosslCount(PYOSSL_COUNT_CONTEXTS, 1);
    return ctxPtr;
}

void
PyosslCtxHold(
    PyosslCtx *ctxPtr)
{
    ctxPtr->refCount++;
}

static void
ForgetObj(
    Tcl_Obj **objPtrPtr)
{
    if (*objPtrPtr != NULL) {
	Tcl_DecrRefCount(*objPtrPtr);
	*objPtrPtr = NULL;
    }
}

/*
 * PyosslCtxRelease --
 *	Gives back one reference. The last one frees all that the context
 *	owns; in the thread that it belongs to, if it has an interpreter.
 */
void
PyosslCtxRelease(
    PyosslCtx *ctxPtr)
{
    int i;

    if (--ctxPtr->refCount > 0) {
	return;
    }
    for (i = 0; i < PYOSSL_CB_COUNT; i++) {
	PyosslCallbackFree(&ctxPtr->cb[i]);
    }
    ForgetObj(&ctxPtr->appDataObj);
    ForgetObj(&ctxPtr->userdataObj);
    PyosslSniFree(&ctxPtr->sniList);
    if (ctxPtr->alpn != NULL) {
	ckfree((char *) ctxPtr->alpn);
    }
    SSL_CTX_free(ctxPtr->sslCtx);
    if (ctxPtr->ipPtr != NULL) {
	PyosslInterpRelease(ctxPtr->ipPtr);
    }
    PyosslCount(PYOSSL_COUNT_CONTEXTS, -1);
    ckfree((char *) ctxPtr);
}

/*
 * PyosslCtxDetach --
 *	A context for another thread: it shares the SSL_CTX and has nothing
 *	that belongs to an interpreter or a thread. OpenSSL's callbacks find
 *	no script in it, and answer as OpenSSL itself would.
 * Results:
 *	With one reference, the caller's. ctxPtr is left as it is, to be
 *	released in its own thread.
 */
PyosslCtx *
PyosslCtxDetach(
    PyosslCtx *ctxPtr)
{
    PyosslCtx *copyPtr;

    SSL_CTX_up_ref(ctxPtr->sslCtx);
    copyPtr = PyosslCtxAlloc(NULL, ctxPtr->sslCtx);
    copyPtr->isDtls = ctxPtr->isDtls;
    copyPtr->alpnRequire = ctxPtr->alpnRequire;
    copyPtr->lenient = ctxPtr->lenient;
    copyPtr->msgProc = ctxPtr->msgProc;	/* It finds that nobody listens. */
    if (ctxPtr->alpn != NULL) {
	copyPtr->alpn = (unsigned char *) ckalloc(ctxPtr->alpnLength);
	memcpy(copyPtr->alpn, ctxPtr->alpn, ctxPtr->alpnLength);
	copyPtr->alpnLength = ctxPtr->alpnLength;
    }
    return copyPtr;
}

/*
 * PyosslCtxGet --
 *	The context that an argument names.
 * Results:
 *	Borrowed; NULL with a TypeError in interp.
 */
PyosslCtx *
PyosslCtxGet(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    return PyosslNativeGet(interp, PYOSSL_SSL, nameObj, &pyosslCtxClass);
}

/*
 * PyosslCtxObj --
 *	The name of the context's command in an interpreter. Where its
 *	command is gone (or lives in another interpreter) a new one is made.
 * Results:
 *	A new Tcl_Obj; empty where the interpreter is being deleted.
 */
Tcl_Obj *
PyosslCtxObj(
    PyosslInterp *ipPtr,
    PyosslCtx *ctxPtr)
{
    PyosslObject *objPtr = ctxPtr->objPtr;

    if (objPtr == NULL || objPtr->ipPtr != ipPtr) {
	objPtr = ipPtr->liveList[PYOSSL_ID_CTX];
	while (objPtr != NULL && objPtr->nativePtr != ctxPtr) {
	    objPtr = objPtr->nextPtr;
	}
    }
    if (objPtr == NULL) {
	PyosslCtxHold(ctxPtr);
	objPtr = PyosslObjectNew(ipPtr, &pyosslCtxClass, ctxPtr);
    }
    return objPtr != NULL ? PyosslObjectName(objPtr) : Tcl_NewObj();
}

/*
 * ---------------------------------------------------------------------
 * Server names
 * ---------------------------------------------------------------------
 */

/* PyosslSniFree -- frees a table, and the references on contexts in it. */
void
PyosslSniFree(
    PyosslSni **listPtr)
{
    PyosslSni *rowPtr = *listPtr, *nextPtr;

    *listPtr = NULL;
    for (; rowPtr != NULL; rowPtr = nextPtr) {
	nextPtr = rowPtr->nextPtr;
	if (rowPtr->ctxPtr != NULL) {
	    PyosslCtxRelease(rowPtr->ctxPtr);
	}
	ckfree(rowPtr->pattern);
	ckfree((char *) rowPtr);
    }
}

/* Whether a pattern (in lower case) is a name, in any case. */
static int
SameName(
    const char *pattern,
    const char *name)
{
    for (; *pattern != '\0'; pattern++, name++) {
	char c = *name;

	if (c >= 'A' && c <= 'Z') {
	    c += 'a' - 'A';
	}
	if (c != *pattern) {
	    return 0;
	}
    }
    return *name == '\0';
}

/*
 * PyosslSniFind --
 *	The context for a server name. The exact name counts before
 *	"*.rest", in which the star stands for one label.
 * Results:
 *	Borrowed. NULL: the name is not in the table, or stands there for
 *	the context itself that has the table.
 */
PyosslCtx *
PyosslSniFind(
    PyosslSni *listPtr,
    const char *name)
{
    const char *rest = strchr(name, '.');
    PyosslSni *rowPtr;

    for (rowPtr = listPtr; rowPtr != NULL; rowPtr = rowPtr->nextPtr) {
	if (SameName(rowPtr->pattern, name)) {
	    return rowPtr->ctxPtr;
	}
    }
    if (rest == NULL || rest == name) {
	return NULL;
    }
    for (rowPtr = listPtr; rowPtr != NULL; rowPtr = rowPtr->nextPtr) {
	if (rowPtr->pattern[0] == '*' && SameName(rowPtr->pattern + 1, rest)) {
	    return rowPtr->ctxPtr;
	}
    }
    return NULL;
}
