/*
 * pyosslCtxNames.c --
 *
 *	What a context answers to names in a hello: the application protocols
 *	(ALPN, RFC 7301) and the contexts for server names (SNI, RFC 6066).
 *	Only keeps them; pyosslCtxCb.c chooses during the handshake.
 */

#include "pyosslTls.h"

/*
 * ---------------------------------------------------------------------
 * ALPN
 * ---------------------------------------------------------------------
 */

#define ALPN_MAX	65535	/* RFC 7301, 3.1. */

/*
 * Writes a list of protocol names in wire form: a byte with the length, the
 * name, and so on.
 * Results:
 *	TCL_OK with ckalloc'ed bytes (NULL for no names), the caller's.
 */
static int
AlpnEncode(
    Tcl_Interp *interp,
    Tcl_Obj *listObj,
    unsigned char **wirePtr,
    unsigned int *lengthPtr)
{
    Tcl_Obj **words;
    Tcl_Size i, count, length, total = 0;
    unsigned char *bytes, *p;

    *wirePtr = NULL;
    *lengthPtr = 0;
    if (Tcl_ListObjGetElements(NULL, listObj, &count, &words) != TCL_OK) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the protocols must be a list of names");
    }
    for (i = 0; i < count; i++) {
	if (PyosslGetBytes(interp, PYOSSL_SSL, "a protocol", words[i],
		&length) == NULL) {
	    return TCL_ERROR;
	}
	if (length < 1 || length > 255 || total + 1 + length > ALPN_MAX) {
	    return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		    "a protocol must have 1 to 255 bytes, and all of them "
		    "together at most %d", ALPN_MAX);
	}
	total += 1 + length;
    }
    if (total == 0) {
	return TCL_OK;
    }
    p = *wirePtr = (unsigned char *) ckalloc(total);
    for (i = 0; i < count; i++) {
	bytes = Tcl_GetByteArrayFromObj(words[i], &length);
	*p++ = (unsigned char) length;
	memcpy(p, bytes, length);
	p += length;
    }
    *lengthPtr = (unsigned int) total;
    return TCL_OK;
}

/*
 * PyosslCtxSetAlpn --
 *	The application protocols, the preferred one first; an empty list
 *	takes ALPN off.
 * Arguments:
 *	require	Of a server: no protocol in common is a fatal alert.
 */
int
PyosslCtxSetAlpn(
    Tcl_Interp *interp,
    PyosslCtx *ctxPtr,
    Tcl_Obj *listObj,
    int require)
{
    unsigned char *wire;
    unsigned int length;

    if (AlpnEncode(interp, listObj, &wire, &length) != TCL_OK) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    /* This one is 0 for success. */
    if (SSL_CTX_set_alpn_protos(ctxPtr->sslCtx, wire, length) != 0) {
	if (wire != NULL) {
	    ckfree((char *) wire);
	}
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot set the application protocols");
    }
    if (ctxPtr->alpn != NULL) {
	ckfree((char *) ctxPtr->alpn);
    }
    ctxPtr->alpn = wire;
    ctxPtr->alpnLength = length;
    ctxPtr->alpnRequire = require;
    PyosslCtxCbUpdate(ctxPtr);
    return TCL_OK;
}

/* set_alpn protocols ?require? */
int
PyosslCtxSetAlpnMethod(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int require = 1;

    if (objc > 3 && PyosslGetBoolean(interp, PYOSSL_SSL, "require", objv[3],
	    &require) != TCL_OK) {
	return TCL_ERROR;
    }
    return PyosslCtxSetAlpn(interp, objPtr->nativePtr, objv[2], require);
}

/*
 * ---------------------------------------------------------------------
 * Server names
 * ---------------------------------------------------------------------
 */

/*
 * Whether a context is reached from another one by their tables of names.
 * Those in seenPtr have been looked at: many names may lead to one of them.
 */
static int
SniReaches(
    const PyosslCtx *fromPtr,
    const PyosslCtx *targetPtr,
    Tcl_HashTable *seenPtr)
{
    const PyosslSni *rowPtr;
    int isNew;

    if (fromPtr == targetPtr) {
	return 1;
    }
    Tcl_CreateHashEntry(seenPtr, (const char *) fromPtr, &isNew);
    for (rowPtr = isNew ? fromPtr->sniList : NULL; rowPtr != NULL;
	    rowPtr = rowPtr->nextPtr) {
	if (rowPtr->ctxPtr != NULL
		&& SniReaches(rowPtr->ctxPtr, targetPtr, seenPtr)) {
	    return 1;
	}
    }
    return 0;
}

/*
 * Makes one row of the table.
 * Results:
 *	NULL with an error in interp. A row for the context itself has no
 *	context, since that would keep itself alive.
 */
static PyosslSni *
SniRow(
    Tcl_Interp *interp,
    PyosslCtx *selfPtr,
    Tcl_Obj *nameObj,
    Tcl_Obj *ctxObj)
{
    const char *name = Tcl_GetString(nameObj);
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    PyosslCtx *ctxPtr;
    PyosslSni *rowPtr;
    Tcl_HashTable seen;
    int leadsBack;
    char *p;

    if (*rest == '\0' || *rest == '.' || strchr(rest, '*') != NULL) {
	PyosslFail(interp, PYOSSL_SSL, "ValueError", "bad server name "
		"\"%.100s\": must be a name or *.name", name);
	return NULL;
    }
    ctxPtr = PyosslCtxGet(interp, ctxObj);
    if (ctxPtr == NULL) {
	return NULL;
    }
    Tcl_InitHashTable(&seen, TCL_ONE_WORD_KEYS);
    leadsBack = SniReaches(ctxPtr, selfPtr, &seen);
    Tcl_DeleteHashTable(&seen);
    if (ctxPtr == selfPtr) {
	ctxPtr = NULL;
    } else if (leadsBack) {
	PyosslFail(interp, PYOSSL_SSL, "ValueError", "the context for "
		"\"%.100s\" has server names which lead back here", name);
	return NULL;
    }
    rowPtr = (PyosslSni *) ckalloc(sizeof(PyosslSni));
    rowPtr->pattern = PyosslStrdup(name);
    for (p = rowPtr->pattern; *p != '\0'; p++) {
	if (*p >= 'A' && *p <= 'Z') {
	    *p += 'a' - 'A';
	}
    }
    rowPtr->ctxPtr = ctxPtr;
    rowPtr->nextPtr = NULL;
    if (ctxPtr != NULL) {
	PyosslCtxHold(ctxPtr);
    }
    return rowPtr;
}

/*
 * PyosslCtxSetSni --
 *	The table of contexts for server names, {name ctx ...}; an empty one
 *	takes it off.
 * Results:
 *	TCL_OK; TCL_ERROR with the table as it was.
 */
int
PyosslCtxSetSni(
    Tcl_Interp *interp,
    PyosslCtx *ctxPtr,
    Tcl_Obj *listObj)
{
    PyosslSni *listPtr = NULL, **endPtr = &listPtr;
    Tcl_Obj **words;
    Tcl_Size i, count;

    if (Tcl_ListObjGetElements(NULL, listObj, &count, &words) != TCL_OK
	    || count % 2 != 0) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the server names must be a list {name ctx ...}");
    }
    for (i = 0; i < count; i += 2) {
	*endPtr = SniRow(interp, ctxPtr, words[i], words[i + 1]);
	if (*endPtr == NULL) {
	    PyosslSniFree(&listPtr);
	    return TCL_ERROR;
	}
	endPtr = &(*endPtr)->nextPtr;
    }
    PyosslSniFree(&ctxPtr->sniList);
    ctxPtr->sniList = listPtr;
    PyosslCtxCbUpdate(ctxPtr);
    return TCL_OK;
}

/* set_sni {name ctx ...} */
int
PyosslCtxSetSniMethod(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return PyosslCtxSetSni(interp, objPtr->nativePtr, objv[2]);
}
