/*
 * pyosslKeep.c --
 *
 *	Contexts that the connections of [pyossl::socket] and [pyossl::import]
 *	share, so that authorities, certificates and keys are loaded once for
 *	the same options and not for each connection. They have no command;
 *	once a script is given one for such a context ([$conn get_context]) it
 *	may change it, and no new connection shares it any more.
 *
 *	    options --key--> kept contexts --PyosslKeepFind--> a connection
 *
 *	The key is made by library/socket.tcl; it has no secrets in it.
 */

#include "pyosslConn.h"

#define KEEP_MAX	16	/* Contexts; the next one empties the table. */
#define ASSOC_NAME	"pyossl:contexts"

static void
Empty(
    Tcl_HashTable *tablePtr)
{
    Tcl_HashSearch search;
    Tcl_HashEntry *entryPtr;

    while ((entryPtr = Tcl_FirstHashEntry(tablePtr, &search)) != NULL) {
	PyosslCtxRelease(Tcl_GetHashValue(entryPtr));
	Tcl_DeleteHashEntry(entryPtr);
    }
}

static void
FreeTable(
    ClientData clientData,
    Tcl_Interp *interp)
{
    Tcl_HashTable *tablePtr = clientData;

    (void) interp;
    Empty(tablePtr);
    Tcl_DeleteHashTable(tablePtr);
    ckfree((char *) tablePtr);
}

static Tcl_HashTable *
Table(
    Tcl_Interp *interp)
{
    Tcl_HashTable *tablePtr = Tcl_GetAssocData(interp, ASSOC_NAME, NULL);

    if (tablePtr == NULL) {
	tablePtr = (Tcl_HashTable *) ckalloc(sizeof(Tcl_HashTable));
	Tcl_InitHashTable(tablePtr, TCL_STRING_KEYS);
	Tcl_SetAssocData(interp, ASSOC_NAME, FreeTable, tablePtr);
    }
    return tablePtr;
}

/* The context kept for a key, or NULL. Borrowed. */
static PyosslCtx *
Lookup(
    Tcl_Interp *interp,
    Tcl_Obj *keyObj)
{
    Tcl_HashEntry *entryPtr = Tcl_FindHashEntry(Table(interp),
	    Tcl_GetString(keyObj));
    PyosslCtx *ctxPtr = entryPtr != NULL ? Tcl_GetHashValue(entryPtr) : NULL;

    if (ctxPtr != NULL && !ctxPtr->kept) {
	Tcl_DeleteHashEntry(entryPtr);
	PyosslCtxRelease(ctxPtr);
	ctxPtr = NULL;
    }
    return ctxPtr;
}

/*
 * PyosslKeepFind --
 *	The context argument of Connect, Listen and Stack: a ctx command, or
 *	"kept KEY" for one that is kept, or "model CHANNEL" for that of
 *	another TLS channel.
 * Results:
 *	Borrowed; NULL with an error in interp.
 */
PyosslCtx *
PyosslKeepFind(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    Tcl_Obj *ctxObj)
{
    PyosslCtx *ctxPtr;
    PyosslTls *tlsPtr;
    Tcl_Channel chan;
    Tcl_Obj **words;
    Tcl_Size count;

    (void) ipPtr;
    if (Tcl_ListObjGetElements(NULL, ctxObj, &count, &words) != TCL_OK
	    || count != 2) {
	return PyosslCtxGet(interp, ctxObj);
    }
    if (strcmp(Tcl_GetString(words[0]), "kept") == 0) {
	ctxPtr = Lookup(interp, words[1]);
	if (ctxPtr == NULL) {
	    PyosslFail(interp, PYOSSL_SSL, "ValueError",
		    "no context is kept for these options");
	}
	return ctxPtr;
    }
    chan = Tcl_GetChannel(interp, Tcl_GetString(words[1]), NULL);
    tlsPtr = chan != NULL ? PyosslChanTls(chan) : NULL;
    if (tlsPtr == NULL) {
	PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the model \"%.60s\" is not an open TLS channel",
		Tcl_GetString(words[1]));
	return NULL;
    }
    return tlsPtr->ctxPtr;
}

/* [::pyossl::Kept key]: whether there is a context for it. */
static int
Kept(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) objc;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(Lookup(interp, objv[1]) != NULL));
    return TCL_OK;
}

/* [::pyossl::Keep key ctx]: keeps the context for new connections. */
static int
Keep(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = PyosslCtxGet(interp, objv[2]);
    Tcl_HashTable *tablePtr = Table(interp);
    Tcl_HashEntry *entryPtr;
    int isNew;

    (void) ipPtr; (void) objc;
    if (ctxPtr == NULL) {
	return TCL_ERROR;
    }
    if (tablePtr->numEntries >= KEEP_MAX) {
	Empty(tablePtr);
    }
    entryPtr = Tcl_CreateHashEntry(tablePtr, Tcl_GetString(objv[1]), &isNew);
    if (!isNew) {
	PyosslCtxRelease(Tcl_GetHashValue(entryPtr));
    }
    PyosslCtxHold(ctxPtr);
    ctxPtr->kept = 1;
    Tcl_SetHashValue(entryPtr, ctxPtr);
    return TCL_OK;
}

/* [::pyossl::TrustStamp]: the state of the platform's own authorities. */
static int
TrustStamp(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(PyosslTrustStamp()));
    return TCL_OK;
}

const PyosslFunction pyosslKeepFunctions[] = {
    {"Keep", Keep, 2, 2, "key ctx", PYOSSL_INTERNAL},
    {"Kept", Kept, 1, 1, "key", PYOSSL_INTERNAL},
    {"TrustStamp", TrustStamp, 0, 0, NULL, PYOSSL_INTERNAL | PYOSSL_UNSAFE},
    {NULL, NULL, 0, 0, NULL, 0}
};
