/*
 * pyosslError.c --
 *
 *	The error mechanism: every failure becomes one plain line and an
 *	errorCode for [try ... trap]. OpenSSL's queue is drained here and
 *	nowhere else. A PyosslFailure keeps a failure for a later raise.
 *
 *	    PYOSSL MODULE Error {{lib function reason} ...}
 *	    PYOSSL MODULE TypeError | ValueError | AttributeError | ...
 *	    PYOSSL SSL SysCallError ERRNUM ERRSTR
 */

#include "pyosslInt.h"
#include <errno.h>
#include <openssl/pemerr.h>
#include <openssl/sslerr.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const moduleNames[] = {"crypto", "rand", "SSL"};

const char *
PyosslModuleName(
    PyosslModule module)
{
    return moduleNames[module];
}

/* How many bytes a character has by its first one (RFC 3629). */
static int
CharLength(
    unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/*
 * Formatted text can carry what a script passed in: make it one line. Where a
 * precision has cut a character in two, its first half goes.
 */
static Tcl_Obj *
OneLine(
    const char *text)
{
    Tcl_Obj *objPtr = Tcl_NewObj();
    const char *p, *start = text;
    int i, length;

    for (p = text; *p != '\0'; p += i) {
	length = CharLength((unsigned char) *p);
	for (i = 1; i < length && (p[i] & 0xC0) == 0x80; i++) {
	    /* Empty body. */
	}
	if (i < length || *p == '\n' || *p == '\r' || *p == '\t') {
	    Tcl_AppendToObj(objPtr, start, (Tcl_Size) (p - start));
	    if (i == length) {
		Tcl_AppendToObj(objPtr, " ", 1);
	    }
	    start = p + i;
	}
    }
    Tcl_AppendToObj(objPtr, start, (Tcl_Size) (p - start));
    return objPtr;
}

/* A value as messages show it: one line, and not all of it where it is long. */
static Tcl_Obj *
Shown(
    Tcl_Obj *valueObj)
{
    char text[48];

    snprintf(text, sizeof(text), "%.40s", Tcl_GetString(valueObj));
    return OneLine(text);
}

/* [::pyossl::Shown value]: for the messages of our own scripts. */
int
PyosslErrorShown(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) objc;
    Tcl_SetObjResult(interp, Shown(objv[1]));
    return TCL_OK;
}

/*
 * PyosslGetIndex --
 *	Tcl_GetIndexFromObjStruct, but for the message, which is one line.
 */
int
PyosslGetIndex(
    Tcl_Interp *interp,
    Tcl_Obj *objPtr,
    const void *tablePtr,
    int rowSize,
    const char *what,
    int flags,
    int *indexPtr)
{
    Tcl_Obj *shownObj;

    if (Tcl_GetIndexFromObjStruct(NULL, objPtr, tablePtr, rowSize, what,
	    flags, indexPtr) == TCL_OK) {
	return TCL_OK;
    }
    shownObj = Shown(objPtr);
    Tcl_IncrRefCount(shownObj);
    Tcl_GetIndexFromObjStruct(interp, shownObj, tablePtr, rowSize, what,
	    flags, indexPtr);
    Tcl_DecrRefCount(shownObj);
    Tcl_SetErrorCode(interp, "TCL", "LOOKUP", "INDEX", what,
	    Tcl_GetString(objPtr), (char *) NULL);
    return TCL_ERROR;
}

/*
 * PyosslFail --
 *	Leaves an error of a kind ("TypeError", "ValueError", ...) in interp.
 * Results:
 *	TCL_ERROR always.
 */
int
PyosslFail(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *kind,
    const char *format,
    ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (interp != NULL) {
	Tcl_SetObjResult(interp, OneLine(text));
	/* An Error always has its list, though OpenSSL gave no reason. */
	Tcl_SetErrorCode(interp, "PYOSSL", moduleNames[module], kind,
		strcmp(kind, "Error") == 0 ? "" : (char *) NULL,
		(char *) NULL);
    }
    return TCL_ERROR;
}

/*
 * PyosslFailForbidden --
 *	Leaves the error of what a safe interpreter may not do, by its name.
 * Results:
 *	TCL_ERROR always.
 */
int
PyosslFailForbidden(
    Tcl_Interp *interp,
    const char *name)
{
    Tcl_SetObjResult(interp, Tcl_ObjPrintf(
	    "\"%s\" is not allowed in a safe interpreter", name));
    Tcl_SetErrorCode(interp, "TCL", "SAFE", "FORBIDDEN", name, (char *) NULL);
    return TCL_ERROR;
}

/*
 * PyosslFailNoValue --
 *	Leaves the error of an option that is the last word: there are too few.
 * Results:
 *	TCL_ERROR always.
 */
int
PyosslFailNoValue(
    Tcl_Interp *interp,
    const char *option)
{
    Tcl_SetObjResult(interp, Tcl_ObjPrintf("value for \"%s\" is missing",
	    option));
    Tcl_SetErrorCode(interp, "TCL", "WRONGARGS", (char *) NULL);
    return TCL_ERROR;
}

/* OpenSSL 3.2 and later do not know how strong the smallest groups are. */
#define DH_ADVICE \
	"; a cipher list with @SECLEVEL=1 allows 1024 bits, fewer are refused " \
	"at every security level"

/*
 * What can be done about a refusal of OpenSSL's TLS, most of them matters of
 * the security level, see SSL_CTX_set_security_level(3); else nothing.
 */
static const char *
Advice(
    unsigned long code)
{
#ifdef EVP_R_UNKNOWN_SECURITY_BITS
    if (ERR_GET_LIB(code) == ERR_LIB_EVP
	    && ERR_GET_REASON(code) == EVP_R_UNKNOWN_SECURITY_BITS) {
	return DH_ADVICE;
    }
#endif
    if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
	return "";
    }
    switch (ERR_GET_REASON(code)) {
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
    case SSL_R_CA_MD_TOO_WEAK:
	return "; " PYOSSL_SECLEVEL_ADVICE;
    case SSL_R_DH_KEY_TOO_SMALL:
	return DH_ADVICE;
    case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
	return "; " PYOSSL_SHA1_ADVICE;
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
	return "; where they are TLS before 1.2, the security level may forbid "
		"them, a cipher list with @SECLEVEL=0 allows them";
    case SSL_R_NO_RENEGOTIATION:
	return "; either end may forbid it, and a server does to its clients "
		"unless it has set OP_ALLOW_CLIENT_RENEGOTIATION";
    case SSL_R_NO_CIPHERS_AVAILABLE:
	return "; where the security level forbids them, a cipher list with "
		"@SECLEVEL=0 allows them";
    case SSL_R_NO_CIPHER_MATCH:
	return "; this OpenSSL has none of these, see pyossl::ciphers "
		"(export ciphers, SSL 2.0's and single DES are gone, RC4 and "
		"3DES from most builds)";
    default:
	return "";
    }
}

/*
 * Drains OpenSSL's queue into the list {{lib function reason} ...}, oldest
 * first, and finds the words for the message in it.
 */
static Tcl_Obj *
DrainQueue(
    Tcl_Obj *messageObj)	/* Appended to: ": reason (lib)". */
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    const char *file, *func, *data;
    unsigned long code;
    int line, flags, told = 0;

    while ((code = ERR_get_error_all(&file, &line, &func, &data,
	    &flags)) != 0) {
	const char *lib = ERR_lib_error_string(code);
	const char *reason = ERR_reason_error_string(code);
	char number[32];
	Tcl_Obj *words[3];

	if (ERR_SYSTEM_ERROR(code)) {
	    lib = "system library";
	    reason = Tcl_ErrnoMsg(ERR_GET_REASON(code));
	}
	if (reason == NULL) {
	    snprintf(number, sizeof(number), "reason %d",
		    ERR_GET_REASON(code));
	    reason = number;
	}
	words[0] = Tcl_NewStringObj(lib ? lib : "", -1);
	words[1] = Tcl_NewStringObj(func ? func : "", -1);
	words[2] = Tcl_NewStringObj(reason, -1);
	Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewListObj(3, words));
	if (!told) {
	    Tcl_AppendPrintfToObj(messageObj, "%s%s",
		    Tcl_GetCharLength(messageObj) ? ": " : "", reason);
	    if ((flags & ERR_TXT_STRING) && data != NULL && data[0] != '\0'
		    && strlen(data) < 200) {
		Tcl_AppendPrintfToObj(messageObj, " [%s]", data);
	    }
	    Tcl_AppendToObj(messageObj, Advice(code), -1);
	    told = 1;
	}
    }
    return listObj;
}

/* The errorCode {PYOSSL MODULE Error {...}} and the message of the queue. */
static void
QueueError(
    PyosslModule module,
    const char *what,
    Tcl_Obj **messagePtr,
    Tcl_Obj **codePtr)
{
    Tcl_Obj *rawObj = Tcl_NewStringObj(what ? what : "", -1);
    Tcl_Obj *words[4];

    Tcl_IncrRefCount(rawObj);
    words[0] = Tcl_NewStringObj("PYOSSL", -1);
    words[1] = Tcl_NewStringObj(moduleNames[module], -1);
    words[2] = Tcl_NewStringObj("Error", -1);
    words[3] = DrainQueue(rawObj);
    if (Tcl_GetCharLength(rawObj) == 0) {
	Tcl_AppendToObj(rawObj, "OpenSSL failed without giving a reason", -1);
    }
    *messagePtr = OneLine(Tcl_GetString(rawObj));
    *codePtr = Tcl_NewListObj(4, words);
    Tcl_DecrRefCount(rawObj);
}

/*
 * PyosslFailQueue --
 *	Turns OpenSSL's queue into the error of a failed call, and empties it.
 * Arguments:
 *	what	What could not be done ("cannot load the key"), or NULL.
 * Results:
 *	TCL_ERROR always. With interp NULL only the queue is emptied.
 */
int
PyosslFailQueue(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what)
{
    Tcl_Obj *messageObj, *codeObj;

    if (interp == NULL) {
	ERR_clear_error();
	return TCL_ERROR;
    }
    QueueError(module, what, &messageObj, &codeObj);
    Tcl_SetObjResult(interp, messageObj);
    Tcl_SetObjErrorCode(interp, codeObj);
    return TCL_ERROR;
}

/*
 * [::pyossl::Queued]: the oldest error on OpenSSL's queue, in OpenSSL's words,
 * or nothing. It stays there. For tests: no call of ours leaves one.
 */
int
PyosslErrorQueued(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned long code = ERR_peek_error();
    char text[256] = "";

    (void) ipPtr; (void) objc; (void) objv;
    if (code != 0) {
	ERR_error_string_n(code, text, sizeof(text));
    }
    Tcl_SetObjResult(interp, Tcl_NewStringObj(text, -1));
    return TCL_OK;
}

/*
 * PyosslErrorNoMemory --
 *	Whether the queue tells of memory that was not to be had. What OpenSSL
 *	then says of a value ("none there", "does not match") is not true.
 */
int
PyosslErrorNoMemory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE
	    || ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

/*
 * PyosslErrorNoPem --
 *	After OpenSSL has read no block: the reason where it gave none. It
 *	gives none for a block of nothing, which ends at a line of dashes.
 */
void
PyosslErrorNoPem(void)
{
    if (ERR_peek_error() == 0) {
	ERR_raise_data(ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE, "bad PEM block: "
		"it is empty, or another one begins in it");
    }
}

/* {PYOSSL MODULE SysCallError ERRNUM ERRSTR}; ERRSTR as "ECONNRESET". */
static Tcl_Obj *
ErrnoCode(
    PyosslModule module,
    int errnum)
{
    Tcl_Obj *words[5];
    int saved = Tcl_GetErrno();

    words[0] = Tcl_NewStringObj("PYOSSL", -1);
    words[1] = Tcl_NewStringObj(moduleNames[module], -1);
    words[2] = Tcl_NewStringObj("SysCallError", -1);
    words[3] = Tcl_NewIntObj(errnum);
    Tcl_SetErrno(errnum);
    words[4] = Tcl_NewStringObj(Tcl_ErrnoId(), -1);
    Tcl_SetErrno(saved);
    return Tcl_NewListObj(5, words);
}

/*
 * PyosslFailErrno --
 *	Leaves a SysCallError for an errno in interp; the SSL module's form
 *	of a failed system call. The other modules tell it as their Error,
 *	with the one row {"system library" what errstr}.
 */
int
PyosslFailErrno(
    Tcl_Interp *interp,
    PyosslModule module,
    int errnum,
    const char *what)
{
    Tcl_Obj *words[4], *row[3], *messageObj;

    if (interp == NULL) {
	return TCL_ERROR;
    }
    messageObj = OneLine(what);
    Tcl_AppendPrintfToObj(messageObj, ": %s", Tcl_ErrnoMsg(errnum));
    Tcl_SetObjResult(interp, messageObj);
    if (module == PYOSSL_SSL) {
	Tcl_SetObjErrorCode(interp, ErrnoCode(module, errnum));
	return TCL_ERROR;
    }
    row[0] = Tcl_NewStringObj("system library", -1);
    row[1] = Tcl_NewStringObj("", -1);
    row[2] = Tcl_NewStringObj(Tcl_ErrnoMsg(errnum), -1);
    words[0] = Tcl_NewStringObj("PYOSSL", -1);
    words[1] = Tcl_NewStringObj(moduleNames[module], -1);
    words[2] = Tcl_NewStringObj("Error", -1);
    words[3] = Tcl_NewListObj(3, row);
    words[3] = Tcl_NewListObj(1, &words[3]);
    Tcl_SetObjErrorCode(interp, Tcl_NewListObj(4, words));
    return TCL_ERROR;
}

/*
 * ---------------------------------------------------------------------
 * Failures that are kept. The first one stays: what follows it is most
 * often only its consequence.
 * ---------------------------------------------------------------------
 */

char *
PyosslStrdup(
    const char *string)
{
    size_t size = strlen(string) + 1;

    return memcpy(ckalloc(size), string, size);
}

static void
FailureKeep(
    PyosslFailure *failurePtr,
    int posix,
    Tcl_Obj *messageObj,
    Tcl_Obj *codeObj)
{
    Tcl_IncrRefCount(messageObj);
    Tcl_IncrRefCount(codeObj);
    if (failurePtr->message == NULL) {
	failurePtr->posix = posix;
	failurePtr->message = PyosslStrdup(Tcl_GetString(messageObj));
	failurePtr->errorCode = PyosslStrdup(Tcl_GetString(codeObj));
	failurePtr->errorInfo = NULL;
    }
    Tcl_DecrRefCount(messageObj);
    Tcl_DecrRefCount(codeObj);
}

/*
 * PyosslFailureSet --
 *	Keeps {PYOSSL MODULE kind}; kind may be several words.
 */
void
PyosslFailureSet(
    PyosslFailure *failurePtr,
    int posix,
    PyosslModule module,
    const char *kind,
    const char *message)
{
    FailureKeep(failurePtr, posix, OneLine(message),
	    Tcl_ObjPrintf("PYOSSL %s %s", moduleNames[module], kind));
}

/* PyosslFailureQueue -- keeps what is on OpenSSL's queue, and empties it. */
void
PyosslFailureQueue(
    PyosslFailure *failurePtr,
    int posix,
    PyosslModule module,
    const char *what)
{
    Tcl_Obj *messageObj, *codeObj;

    QueueError(module, what, &messageObj, &codeObj);
    FailureKeep(failurePtr, posix, messageObj, codeObj);
}

/* PyosslFailureErrno -- keeps a SysCallError of the SSL module. */
void
PyosslFailureErrno(
    PyosslFailure *failurePtr,
    int errnum,
    const char *what)
{
    FailureKeep(failurePtr, errnum, Tcl_ObjPrintf("%s: %s", what,
	    Tcl_ErrnoMsg(errnum)), ErrnoCode(PYOSSL_SSL, errnum));
}

/*
 * PyosslFailureEof --
 *	Keeps the SysCallError of a transport that ended without close_notify.
 */
void
PyosslFailureEof(
    PyosslFailure *failurePtr)
{
    PyosslFailureSet(failurePtr, ECONNABORTED, PYOSSL_SSL,
	    "SysCallError -1 {Unexpected EOF}",
	    "the connection was cut: the transport ended without the peer's "
	    "close_notify");
}

void
PyosslFailureCopy(
    PyosslFailure *toPtr,
    const PyosslFailure *fromPtr)
{
    if (toPtr->message != NULL || fromPtr->message == NULL) {
	return;
    }
    toPtr->posix = fromPtr->posix;
    toPtr->message = PyosslStrdup(fromPtr->message);
    toPtr->errorCode = PyosslStrdup(fromPtr->errorCode);
    toPtr->errorInfo = fromPtr->errorInfo
	    ? PyosslStrdup(fromPtr->errorInfo) : NULL;
}

void
PyosslFailureClear(
    PyosslFailure *failurePtr)
{
    if (failurePtr->message != NULL) {
	ckfree(failurePtr->message);
	ckfree(failurePtr->errorCode);
	if (failurePtr->errorInfo != NULL) {
	    ckfree(failurePtr->errorInfo);
	}
    }
    memset(failurePtr, 0, sizeof(*failurePtr));
}

/*
 * PyosslFailureOptions --
 *	The failure as Tcl_SetChannelError wants it: return options and the
 *	message, in one list.
 */
Tcl_Obj *
PyosslFailureOptions(
    const PyosslFailure *failurePtr)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);

    /* Without -code Tcl would not take the errorCode out of the list. */
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("-code", -1));
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewIntObj(TCL_ERROR));
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("-level", -1));
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewIntObj(0));
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("-errorcode", -1));
    Tcl_ListObjAppendElement(NULL, listObj,
	    Tcl_NewStringObj(failurePtr->errorCode, -1));
    if (failurePtr->errorInfo != NULL) {
	Tcl_ListObjAppendElement(NULL, listObj,
		Tcl_NewStringObj("-errorinfo", -1));
	Tcl_ListObjAppendElement(NULL, listObj,
		Tcl_NewStringObj(failurePtr->errorInfo, -1));
    }
    Tcl_ListObjAppendElement(NULL, listObj,
	    Tcl_NewStringObj(failurePtr->message, -1));
    return listObj;
}

/* PyosslFailureRaise -- raises a kept failure; TCL_ERROR always. */
int
PyosslFailureRaise(
    Tcl_Interp *interp,
    const PyosslFailure *failurePtr)
{
    Tcl_SetObjResult(interp, Tcl_NewStringObj(failurePtr->message, -1));
    Tcl_SetObjErrorCode(interp, Tcl_NewStringObj(failurePtr->errorCode, -1));
    if (failurePtr->errorInfo != NULL) {
	Tcl_AppendObjToErrorInfo(interp, Tcl_ObjPrintf("\n    (from)\n%s",
		failurePtr->errorInfo));
    }
    return TCL_ERROR;
}
