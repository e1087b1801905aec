/*
 * pyosslCallback.c --
 *
 *	The callback mechanism: a copied command prefix, called at global
 *	level in the interpreter that set it; and the frames (PyosslOp) that
 *	carry a callback's error to the operation which ran it.
 *
 *	    method          PyosslOpBegin ... SSL_do_handshake ... PyosslOpEnd
 *	                                          |                     ^
 *	    OpenSSL                         C callback                  |
 *	                                          |            first error restored
 *	    script                     PyosslCallbackCall --error--> innermost op
 *
 *	An event-driven operation, which has no caller, ends its frame with
 *	PyosslOpEndFailure: the error goes to the background handler and is
 *	kept as the connection's failure.
 */

#include "pyosslInt.h"
#include <errno.h>
#include <openssl/crypto.h>

struct PyosslCallback {
    PyosslInterp *ipPtr;	/* Counted. */
    Tcl_ThreadId thread;	/* The only one that may call it. */
    Tcl_Obj *prefixObj;		/* A list of at least one word. */
    int refCount;		/* Its slot, and each call under way. */
};

typedef struct ThreadData {
    PyosslOp *topPtr;		/* The innermost operation of this thread. */
} ThreadData;

static Tcl_ThreadDataKey dataKey;

static void
CallbackRelease(
    PyosslCallback *cbPtr)
{
    if (--cbPtr->refCount <= 0) {
	Tcl_DecrRefCount(cbPtr->prefixObj);
	PyosslInterpRelease(cbPtr->ipPtr);
	PyosslCount(PYOSSL_COUNT_CALLBACKS, -1);
	ckfree((char *) cbPtr);
    }
}

/*
 * PyosslCallbackSet --
 *	Puts a command prefix into a slot; the empty string clears it.
 * Results:
 *	TCL_OK; or TCL_ERROR with a TypeError, and the slot as it was.
 */
int
PyosslCallbackSet(
    Tcl_Interp *interp,
    PyosslModule module,
    PyosslInterp *ipPtr,
    Tcl_Obj *prefixObj,
    PyosslCallback **slotPtr)
{
    PyosslCallback *cbPtr = NULL;
    Tcl_Size length;

    if (Tcl_ListObjLength(NULL, prefixObj, &length) != TCL_OK) {
	return PyosslFail(interp, module, "TypeError",
		"a callback must be a command prefix (a list)");
    }
    if (length > 0) {
	cbPtr = (PyosslCallback *) ckalloc(sizeof(PyosslCallback));
	cbPtr->ipPtr = PyosslInterpHold(ipPtr);
	cbPtr->thread = Tcl_GetCurrentThread();
	cbPtr->prefixObj = Tcl_DuplicateObj(prefixObj);
	Tcl_IncrRefCount(cbPtr->prefixObj);
	cbPtr->refCount = 1;
	PyosslCount(PYOSSL_COUNT_CALLBACKS, 1);
    }
    PyosslCallbackFree(slotPtr);
    *slotPtr = cbPtr;
    return TCL_OK;
}

/* PyosslCallbackFree -- clears a slot; a call under way goes on. */
void
PyosslCallbackFree(
    PyosslCallback **slotPtr)
{
    PyosslCallback *cbPtr = *slotPtr;

    *slotPtr = NULL;
    if (cbPtr != NULL) {
	CallbackRelease(cbPtr);
    }
}

/* PyosslCallbackPrefix -- the command prefix, borrowed; NULL without one. */
Tcl_Obj *
PyosslCallbackPrefix(
    const PyosslCallback *cbPtr)
{
    return cbPtr != NULL ? cbPtr->prefixObj : NULL;
}

PyosslInterp *
PyosslCallbackInterp(
    const PyosslCallback *cbPtr)
{
    return cbPtr->ipPtr;
}

/*
 * PyosslCallbackUsable --
 *	Whether there is a callback, and its interpreter can run it here and
 *	now. Not so: the C callback gives OpenSSL its own verdict.
 */
int
PyosslCallbackUsable(
    const PyosslCallback *cbPtr)
{
    return cbPtr != NULL && cbPtr->thread == Tcl_GetCurrentThread()
	    && PyosslInterpAlive(cbPtr->ipPtr);
}

/* Keeps the interpreter's present error in the innermost operation. */
static void
KeepError(
    PyosslInterp *ipPtr,
    int code)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));
    PyosslOp *opPtr = tsdPtr->topPtr;

    if (opPtr == NULL) {
	Tcl_BackgroundException(ipPtr->interp, code);
    } else if (opPtr->ipPtr == NULL) {
	opPtr->ipPtr = PyosslInterpHold(ipPtr);
	opPtr->state = Tcl_SaveInterpState(ipPtr->interp, code);
    }
}

/*
 * PyosslCallbackCall --
 *	Appends arguments to the prefix and evaluates it at global level.
 * Arguments:
 *	objv	The arguments; their references stay the caller's.
 *	resultPtr	Gets the result with one reference, the caller's to
 *		drop; NULL if it is of no interest.
 * Results:
 *	TCL_OK, or TCL_ERROR: the error is kept for the operation; the C
 *	callback gives OpenSSL its safe answer. The interpreter's own result
 *	is as it was before the call.
 */
int
PyosslCallbackCall(
    PyosslCallback *cbPtr,
    int objc,
    Tcl_Obj *const objv[],
    Tcl_Obj **resultPtr)
{
    PyosslInterp *ipPtr = cbPtr->ipPtr;
    Tcl_Interp *interp = ipPtr->interp;
    Tcl_InterpState outer;
    Tcl_Obj *cmdObj;
    int i, code;

    if (!PyosslCallbackUsable(cbPtr)) {
	return TCL_ERROR;
    }
    cbPtr->refCount++;
    Tcl_Preserve(interp);
    outer = Tcl_SaveInterpState(interp, TCL_OK);
    cmdObj = Tcl_DuplicateObj(cbPtr->prefixObj);
    Tcl_IncrRefCount(cmdObj);
    for (i = 0; i < objc; i++) {
	Tcl_ListObjAppendElement(NULL, cmdObj, objv[i]);
    }
    code = Tcl_EvalObjEx(interp, cmdObj, TCL_EVAL_GLOBAL | TCL_EVAL_DIRECT);
    Tcl_DecrRefCount(cmdObj);
    if (code == TCL_RETURN) {
	code = TCL_OK;
    } else if (code == TCL_BREAK || code == TCL_CONTINUE) {
	Tcl_SetObjResult(interp, Tcl_NewStringObj(code == TCL_BREAK
		? "invoked \"break\" outside of a loop"
		: "invoked \"continue\" outside of a loop", -1));
	code = TCL_ERROR;
    }
    if (code == TCL_OK) {
	if (resultPtr != NULL) {
	    *resultPtr = Tcl_GetObjResult(interp);
	    Tcl_IncrRefCount(*resultPtr);
	}
    } else {
	KeepError(ipPtr, TCL_ERROR);
	code = TCL_ERROR;
    }
    Tcl_RestoreInterpState(interp, outer);
    Tcl_Release(interp);
    CallbackRelease(cbPtr);
    return code;
}

/*
 * PyosslCallbackFail --
 *	Keeps an error of ours about a callback's answer (not a boolean, too
 *	long) for the operation, as if the callback had raised it.
 * Results:
 *	TCL_ERROR always.
 */
int
PyosslCallbackFail(
    PyosslCallback *cbPtr,
    PyosslModule module,
    const char *kind,
    const char *message)
{
    PyosslInterp *ipPtr = cbPtr->ipPtr;

    if (PyosslInterpAlive(ipPtr)) {
	Tcl_InterpState outer = Tcl_SaveInterpState(ipPtr->interp, TCL_OK);

	PyosslFail(ipPtr->interp, module, kind, "%s", message);
	KeepError(ipPtr, TCL_ERROR);
	Tcl_RestoreInterpState(ipPtr->interp, outer);
    }
    return TCL_ERROR;
}

/*
 * ---------------------------------------------------------------------
 * Operations
 * ---------------------------------------------------------------------
 */

/*
 * PyosslOpBegin --
 *	Opens a frame for an operation during which callbacks may run. It
 *	must be closed by PyosslOpEnd or PyosslOpEndFailure in the same
 *	function.
 */
void
PyosslOpBegin(
    PyosslOp *opPtr)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    opPtr->topPtrPtr = &tsdPtr->topPtr;
    opPtr->outerPtr = tsdPtr->topPtr;
    opPtr->ipPtr = NULL;
    opPtr->state = NULL;
    tsdPtr->topPtr = opPtr;
}

/* PyosslOpFailed -- whether a callback has failed inside the operation. */
int
PyosslOpFailed(
    const PyosslOp *opPtr)
{
    return opPtr->ipPtr != NULL;
}

static void
OpPop(
    PyosslOp *opPtr)
{
    *opPtr->topPtrPtr = opPtr->outerPtr;
}

/* Takes message, errorCode and errorInfo of a saved state apart. */
static void
OpReadState(
    PyosslOp *opPtr,
    PyosslFailure *failurePtr)
{
    Tcl_Interp *from = opPtr->ipPtr->interp;
    Tcl_InterpState outer;
    Tcl_Obj *optionsObj, *valueObj, *keyObj;
    int code;

    memset(failurePtr, 0, sizeof(*failurePtr));
    failurePtr->posix = EPROTO;
    outer = Tcl_SaveInterpState(from, TCL_OK);
    code = Tcl_RestoreInterpState(from, opPtr->state);
    opPtr->state = NULL;
    failurePtr->message = PyosslStrdup(Tcl_GetString(Tcl_GetObjResult(from)));
    optionsObj = Tcl_GetReturnOptions(from, code);
    Tcl_IncrRefCount(optionsObj);
    keyObj = Tcl_NewStringObj("-errorcode", -1);
    Tcl_IncrRefCount(keyObj);
    valueObj = NULL;
    Tcl_DictObjGet(NULL, optionsObj, keyObj, &valueObj);
    failurePtr->errorCode = PyosslStrdup(
	    valueObj ? Tcl_GetString(valueObj) : "NONE");
    Tcl_DecrRefCount(keyObj);
    keyObj = Tcl_NewStringObj("-errorinfo", -1);
    Tcl_IncrRefCount(keyObj);
    valueObj = NULL;
    Tcl_DictObjGet(NULL, optionsObj, keyObj, &valueObj);
    failurePtr->errorInfo = valueObj
	    ? PyosslStrdup(Tcl_GetString(valueObj)) : NULL;
    Tcl_DecrRefCount(keyObj);
    Tcl_DecrRefCount(optionsObj);
    Tcl_RestoreInterpState(from, outer);
}

/* Drops what the frame still holds. */
static void
OpForget(
    PyosslOp *opPtr)
{
    if (opPtr->state != NULL) {
	Tcl_DiscardInterpState(opPtr->state);
	opPtr->state = NULL;
    }
    PyosslInterpRelease(opPtr->ipPtr);
    opPtr->ipPtr = NULL;
}

/*
 * PyosslOpEnd --
 *	Closes the frame of an operation that a method ran.
 * Arguments:
 *	code	What the method would return without a callback's error.
 * Results:
 *	code; or TCL_ERROR with the callback's message, errorCode and
 *	errorInfo in interp, and OpenSSL's queue emptied.
 */
int
PyosslOpEnd(
    PyosslOp *opPtr,
    Tcl_Interp *interp,
    int code)
{
    OpPop(opPtr);
    if (opPtr->ipPtr == NULL) {
	return code;
    }
    ERR_clear_error();
    if (opPtr->ipPtr->interp == interp && interp != NULL) {
	Tcl_RestoreInterpState(interp, opPtr->state);
	opPtr->state = NULL;
    } else if (PyosslInterpAlive(opPtr->ipPtr)) {
	PyosslFailure failure;

	OpReadState(opPtr, &failure);
	if (interp != NULL) {
	    PyosslFailureRaise(interp, &failure);
	}
	PyosslFailureClear(&failure);
    }
    OpForget(opPtr);
    return TCL_ERROR;
}

/*
 * PyosslOpEndFailure --
 *	Closes the frame of an operation that a channel driver or an event
 *	ran: keeps a callback's error as the failure of the connection.
 * Arguments:
 *	background	Also report it in the background: nobody called.
 * Results:
 *	1 if a callback had failed, else 0.
 */
int
PyosslOpEndFailure(
    PyosslOp *opPtr,
    PyosslFailure *failurePtr,
    int background)
{
    PyosslFailure failure;
    PyosslInterp *ipPtr = opPtr->ipPtr;

    OpPop(opPtr);
    if (ipPtr == NULL) {
	return 0;
    }
    ERR_clear_error();
    if (PyosslInterpAlive(ipPtr)) {
	OpReadState(opPtr, &failure);
	/* It explains what OpenSSL may already have said of the outcome. */
	PyosslFailureClear(failurePtr);
	PyosslFailureCopy(failurePtr, &failure);
	if (background) {
	    Tcl_Interp *interp = ipPtr->interp;
	    Tcl_InterpState outer = Tcl_SaveInterpState(interp, TCL_OK);

	    PyosslFailureRaise(interp, &failure);
	    Tcl_BackgroundException(interp, TCL_ERROR);
	    Tcl_RestoreInterpState(interp, outer);
	}
	PyosslFailureClear(&failure);
    }
    OpForget(opPtr);
    return 1;
}

/*
 * ---------------------------------------------------------------------
 * Passphrases
 * ---------------------------------------------------------------------
 */

/*
 * PyosslPassInit --
 *	Reads the passphrase words of a command: none, {passphrase}, or
 *	{-callback cmdPrefix}, which the caller has seen to.
 * Results:
 *	TCL_OK with *passPtr filled (finish with PyosslPassDone), or
 *	TCL_ERROR and nothing to finish.
 */
int
PyosslPassInit(
    Tcl_Interp *interp,
    PyosslModule module,
    PyosslInterp *ipPtr,
    int objc,
    Tcl_Obj *const objv[],
    PyosslPass *passPtr)
{
    memset(passPtr, 0, sizeof(*passPtr));
    passPtr->module = module;
    if (objc == 1) {
	Tcl_DString text;
	const char *string = PyosslGetUtf8(objv[0], &text, &passPtr->length);

	passPtr->string = ckalloc(passPtr->length + 1);
	memcpy(passPtr->string, string, passPtr->length + 1);
	OPENSSL_cleanse(Tcl_DStringValue(&text), Tcl_DStringLength(&text));
	Tcl_DStringFree(&text);
    } else if (objc == 2) {
	Tcl_Size length;

	if (Tcl_ListObjLength(NULL, objv[1], &length) != TCL_OK
		|| length == 0) {
	    return PyosslFail(interp, module, "TypeError",
		    "the passphrase callback must be a command prefix");
	}
	return PyosslCallbackSet(interp, module, ipPtr, objv[1],
		&passPtr->cbPtr);
    }
    return TCL_OK;
}

void
PyosslPassDone(
    PyosslPass *passPtr)
{
    PyosslCallbackFree(&passPtr->cbPtr);
    if (passPtr->string != NULL) {
	OPENSSL_cleanse(passPtr->string, passPtr->length);
	ckfree(passPtr->string);
	passPtr->string = NULL;
    }
}

/*
 * PyosslPassRead --
 *	OpenSSL's pem_password_cb, see PEM_read_bio_PrivateKey(3).
 * Results:
 *	The passphrase's length; -1 where there is none, or a callback failed,
 *	which it may also say by the empty string.
 */
int
PyosslPassRead(
    char *buf,
    int size,
    int rwflag,
    void *userdata)
{
    PyosslPass *passPtr = userdata;
    Tcl_Obj *argv[3], *answerObj = NULL;
    Tcl_DString text;
    Tcl_Size length;
    const char *string;
    int i, result = -1;

    if (passPtr == NULL) {
	return -1;
    }
    passPtr->asked = 1;
    if (passPtr->string != NULL) {
	passPtr->none = passPtr->length == 0;
	if (passPtr->none || passPtr->length > size) {
	    return -1;
	}
	memcpy(buf, passPtr->string, passPtr->length);
	return (int) passPtr->length;
    }
    if (!PyosslCallbackUsable(passPtr->cbPtr)) {
	return -1;
    }
    argv[0] = Tcl_NewIntObj(size);
    argv[1] = Tcl_NewIntObj(rwflag != 0);
    argv[2] = passPtr->userdataObj ? passPtr->userdataObj : Tcl_NewObj();
    for (i = 0; i < 3; i++) {
	Tcl_IncrRefCount(argv[i]);
    }
    if (PyosslCallbackCall(passPtr->cbPtr, 3, argv, &answerObj) == TCL_OK) {
	string = PyosslGetUtf8(answerObj, &text, &length);
	if (length > size && !passPtr->truncate) {
	    PyosslCallbackFail(passPtr->cbPtr, passPtr->module, "ValueError",
		    "the passphrase from the callback is too long");
	} else {
	    result = (int) (length > size ? size : length);
	    memcpy(buf, string, result);
	}
	OPENSSL_cleanse(Tcl_DStringValue(&text), length);
	Tcl_DStringFree(&text);
	Tcl_DecrRefCount(answerObj);
    }
    for (i = 0; i < 3; i++) {
	Tcl_DecrRefCount(argv[i]);
    }
    passPtr->none = result == 0;
    return result > 0 ? result : -1;
}
