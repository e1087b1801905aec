/*
 * pyosslObject.c --
 *
 *	The object-command mechanism: per-interpreter data, class commands
 *	([new], [create], [is], [instances]), object commands and function
 *	commands, all dispatched from tables. Knows no class; a class is a
 *	PyosslClass table and the functions in it.
 *
 *	    command token --1--> PyosslObject --1--> native OpenSSL object
 *	                              |
 *	                              +--1--> PyosslInterp (counted)
 *
 *	[destroy], [rename obj {}], namespace and interpreter deletion all
 *	reach ObjectCmdDeleted; nothing else frees.
 */

#include "pyosslInt.h"

#define ASSOC_KEY	"pyossl"
#define NAMESPACE	"::pyossl::"

TCL_DECLARE_MUTEX(exitMutex)	/* Of the two below. */
static int hasExitHandler, processEnds;

/* What a class or function command carries as its client data. */
typedef struct ClassCmd {
    const PyosslClass *classPtr;
    PyosslInterp *ipPtr;
} ClassCmd;

typedef struct FunctionCmd {
    const PyosslFunction *rowPtr;	/* One row, or an ensemble's table. */
    PyosslInterp *ipPtr;
} FunctionCmd;

/*
 * ---------------------------------------------------------------------
 * Per-interpreter data
 * ---------------------------------------------------------------------
 */

/* The process ends, and its memory with it. */
static void
ProcessEnds(
    void *clientData)
{
    (void) clientData;
    Tcl_MutexLock(&exitMutex);
    processEnds = 1;
    Tcl_MutexUnlock(&exitMutex);
}

/*
 * The thread ends without its interpreter: thread::exit leaves that to nobody.
 * What it has of ours goes, secrets above all. Channels are closed by Tcl after
 * this, and their connections with them.
 */
static void
InterpAbandoned(
    void *clientData)
{
    PyosslInterp *ipPtr = clientData;
    Tcl_Size count;
    int id, ends;

    Tcl_MutexLock(&exitMutex);
    ends = processEnds;
    Tcl_MutexUnlock(&exitMutex);
    for (id = 0; id < PYOSSL_ID_COUNT && !ends; id++) {
	/* A trace of a command may make new ones. */
	count = id != PYOSSL_ID_CONN ? ipPtr->liveCount[id] : 0;
	while (count-- > 0 && ipPtr->liveList[id] != NULL) {
	    PyosslObjectDelete(ipPtr->liveList[id]);
	}
    }
}

static void
InterpDeleted(
    void *clientData,
    Tcl_Interp *interp)
{
    PyosslInterp *ipPtr = clientData;

    (void) interp;
    Tcl_DeleteThreadExitHandler(InterpAbandoned, ipPtr);
    ipPtr->interp = NULL;
    PyosslInterpRelease(ipPtr);
}

/*
 * PyosslInterpGet --
 *	The interpreter's data, made at the first call. The caller borrows it;
 *	whoever keeps it calls PyosslInterpHold.
 */
PyosslInterp *
PyosslInterpGet(
    Tcl_Interp *interp)
{
    PyosslInterp *ipPtr = Tcl_GetAssocData(interp, ASSOC_KEY, NULL);

    if (ipPtr == NULL) {
	ipPtr = (PyosslInterp *) ckalloc(sizeof(PyosslInterp));
	memset(ipPtr, 0, sizeof(PyosslInterp));
	ipPtr->interp = interp;
	ipPtr->safe = Tcl_IsSafe(interp);
	ipPtr->refCount = 1;
	PyosslCount(PYOSSL_COUNT_INTERPS, 1);
	Tcl_SetAssocData(interp, ASSOC_KEY, InterpDeleted, ipPtr);
	Tcl_CreateThreadExitHandler(InterpAbandoned, ipPtr);
	Tcl_MutexLock(&exitMutex);
	if (!hasExitHandler) {
	    hasExitHandler = 1;
	    Tcl_CreateExitHandler(ProcessEnds, NULL);
	}
	Tcl_MutexUnlock(&exitMutex);
    }
    return ipPtr;
}

PyosslInterp *
PyosslInterpHold(
    PyosslInterp *ipPtr)
{
    ipPtr->refCount++;
    return ipPtr;
}

void
PyosslInterpRelease(
    PyosslInterp *ipPtr)
{
    if (--ipPtr->refCount <= 0) {
	PyosslCount(PYOSSL_COUNT_INTERPS, -1);
	ckfree((char *) ipPtr);
    }
}

/*
 * PyosslInterpAlive --
 *	Whether scripts may still be run in the interpreter.
 */
int
PyosslInterpAlive(
    const PyosslInterp *ipPtr)
{
    return ipPtr != NULL && ipPtr->interp != NULL
	    && !Tcl_InterpDeleted(ipPtr->interp);
}

/*
 * ---------------------------------------------------------------------
 * Object commands
 * ---------------------------------------------------------------------
 */

void
PyosslObjectHold(
    PyosslObject *objPtr)
{
    objPtr->refCount++;
}

/*
 * PyosslObjectRelease --
 *	Gives back one reference; the last one frees the native object.
 */
void
PyosslObjectRelease(
    PyosslObject *objPtr)
{
    if (--objPtr->refCount > 0) {
	return;
    }
    if (objPtr->nativePtr != NULL) {
	objPtr->classPtr->freeProc(objPtr->nativePtr);
    }
    PyosslCountObject(objPtr->classPtr->id, -1);
    PyosslInterpRelease(objPtr->ipPtr);
    ckfree((char *) objPtr);
}

/* The one way out of life for every object command. */
static void
ObjectCmdDeleted(
    void *clientData)
{
    PyosslObject *objPtr = clientData;
    PyosslInterp *ipPtr = objPtr->ipPtr;
    PyosslClassId id = objPtr->classPtr->id;

    objPtr->token = NULL;
    if (objPtr->prevPtr != NULL) {
	objPtr->prevPtr->nextPtr = objPtr->nextPtr;
    } else {
	ipPtr->liveList[id] = objPtr->nextPtr;
    }
    if (objPtr->nextPtr != NULL) {
	objPtr->nextPtr->prevPtr = objPtr->prevPtr;
    }
    ipPtr->liveCount[id]--;
    if (objPtr->classPtr->goneProc != NULL) {
	objPtr->classPtr->goneProc(objPtr);
    }
    PyosslObjectRelease(objPtr);
}

/*
 * PyosslObjectDelete --
 *	Deletes the object's command, if it still has one.
 */
void
PyosslObjectDelete(
    PyosslObject *objPtr)
{
    if (objPtr->token != NULL && objPtr->ipPtr->interp != NULL) {
	Tcl_DeleteCommandFromToken(objPtr->ipPtr->interp, objPtr->token);
    }
}

int
PyosslObjectDestroy(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) interp; (void) objc; (void) objv;
    PyosslObjectDelete(objPtr);
    return TCL_OK;
}

int
PyosslObjectDup(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    void *copyPtr;

    (void) objc; (void) objv;
    ERR_clear_error();
    copyPtr = objPtr->classPtr->dupProc(objPtr->nativePtr);
    if (copyPtr == NULL) {
	return PyosslFailQueue(interp, objPtr->classPtr->module,
		"cannot copy the object");
    }
    /* A key or an extension that cannot be read is copied, and complained of. */
    ERR_clear_error();
    return PyosslObjectReturn(objPtr->ipPtr, objPtr->classPtr, copyPtr);
}

static int
CheckSafe(
    Tcl_Interp *interp,
    const PyosslInterp *ipPtr,
    int flags,
    const char *name)
{
    if (!(flags & PYOSSL_UNSAFE) || !ipPtr->safe) {
	return TCL_OK;
    }
    return PyosslFailForbidden(interp, name);
}

static int
ObjectCmd(
    void *clientData,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslObject *objPtr = clientData;
    const PyosslClass *classPtr = objPtr->classPtr;
    const PyosslMethod *rowPtr;
    int index, code;

    if (objc < 2) {
	Tcl_WrongNumArgs(interp, 1, objv, "method ?arg ...?");
	return TCL_ERROR;
    }
    PyosslObjectHold(objPtr);
    if (Tcl_GetIndexFromObjStruct(NULL, objv[1], classPtr->methods,
	    sizeof(PyosslMethod), "method", TCL_EXACT, &index) != TCL_OK) {
	code = classPtr->unknownProc == NULL ? TCL_CONTINUE
		: classPtr->unknownProc(objPtr, interp, objc, objv);
	if (code == TCL_CONTINUE) {
	    code = PyosslGetIndex(interp, objv[1], classPtr->methods,
		    sizeof(PyosslMethod), "method", TCL_EXACT, &index);
	}
	PyosslObjectRelease(objPtr);
	return code;
    }
    rowPtr = &classPtr->methods[index];
    if (objc - 2 < rowPtr->minArgs
	    || (rowPtr->maxArgs >= 0 && objc - 2 > rowPtr->maxArgs)) {
	Tcl_WrongNumArgs(interp, 2, objv, rowPtr->usage);
	code = TCL_ERROR;
    } else if (CheckSafe(interp, objPtr->ipPtr, rowPtr->flags,
	    rowPtr->name) != TCL_OK) {
	code = TCL_ERROR;
    } else {
	code = rowPtr->proc(objPtr, interp, objc, objv);
    }
    PyosslObjectRelease(objPtr);
    return code;
}

/* Makes the command NAME (fully qualified) for a new object. */
static PyosslObject *
ObjectCreate(
    PyosslInterp *ipPtr,
    const PyosslClass *classPtr,
    void *nativePtr,
    const char *name)
{
    PyosslObject *objPtr = (PyosslObject *) ckalloc(sizeof(PyosslObject));
    PyosslClassId id = classPtr->id;

    objPtr->classPtr = classPtr;
    objPtr->nativePtr = nativePtr;
    objPtr->ipPtr = PyosslInterpHold(ipPtr);
    objPtr->refCount = 1;
    PyosslCountObject(id, 1);
    objPtr->prevPtr = NULL;
    objPtr->nextPtr = ipPtr->liveList[id];
    if (objPtr->nextPtr != NULL) {
	objPtr->nextPtr->prevPtr = objPtr;
    }
    ipPtr->liveList[id] = objPtr;
    ipPtr->liveCount[id]++;
    objPtr->token = Tcl_CreateObjCommand(ipPtr->interp, name, ObjectCmd,
	    objPtr, ObjectCmdDeleted);
    if (objPtr->token == NULL) {
	/* The interpreter or the namespace is going away. */
	ObjectCmdDeleted(objPtr);
	return NULL;
    }
    if (classPtr->bornProc != NULL) {
	classPtr->bornProc(objPtr);
    }
    return objPtr;
}

/*
 * PyosslObjectNew --
 *	Makes an object command with a name of our choice.
 * Arguments:
 *	nativePtr is taken over, also on failure.
 * Results:
 *	The object; NULL (and nothing in the interpreter's result) where the
 *	interpreter is being deleted.
 */
PyosslObject *
PyosslObjectNew(
    PyosslInterp *ipPtr,
    const PyosslClass *classPtr,
    void *nativePtr)
{
    char name[64];

    if (!PyosslInterpAlive(ipPtr)) {
	classPtr->freeProc(nativePtr);
	return NULL;
    }
    do {
	snprintf(name, sizeof(name), NAMESPACE "%s_%llu", classPtr->name,
		++ipPtr->nextId);
    } while (Tcl_FindCommand(ipPtr->interp, name, NULL, TCL_GLOBAL_ONLY));
    return ObjectCreate(ipPtr, classPtr, nativePtr, name);
}

/*
 * PyosslObjectReturn --
 *	Makes an object command and leaves its name as the result.
 * Arguments:
 *	nativePtr is taken over, also on failure.
 */
int
PyosslObjectReturn(
    PyosslInterp *ipPtr,
    const PyosslClass *classPtr,
    void *nativePtr)
{
    PyosslObject *objPtr = PyosslObjectNew(ipPtr, classPtr, nativePtr);

    if (objPtr == NULL) {
	return TCL_ERROR;
    }
    Tcl_SetObjResult(ipPtr->interp, PyosslObjectName(objPtr));
    return TCL_OK;
}

/*
 * PyosslObjectName --
 *	The command's present, fully qualified name in a new Tcl_Obj; empty
 *	when the command is gone.
 */
Tcl_Obj *
PyosslObjectName(
    const PyosslObject *objPtr)
{
    Tcl_Obj *nameObj = Tcl_NewObj();

    if (objPtr->token != NULL && objPtr->ipPtr->interp != NULL) {
	Tcl_GetCommandFullName(objPtr->ipPtr->interp, objPtr->token, nameObj);
    }
    return nameObj;
}

/*
 * PyosslObjectFind --
 *	The object that a command name stands for, or NULL if that is no
 *	object of the class (NULL: of any class). Never leaves an error.
 */
PyosslObject *
PyosslObjectFind(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj,
    const PyosslClass *classPtr)
{
    Tcl_Command token = Tcl_GetCommandFromObj(interp, nameObj);
    Tcl_CmdInfo info;
    PyosslObject *objPtr;

    if (token == NULL || !Tcl_GetCommandInfoFromToken(token, &info)) {
	return NULL;
    }
    if (info.objProc != ObjectCmd) {
	return NULL;
    }
    objPtr = info.objClientData;
    if (classPtr != NULL && objPtr->classPtr != classPtr) {
	return NULL;
    }
    return objPtr;
}

/*
 * PyosslNativeGet --
 *	The native pointer of an argument that must be an object of a class.
 * Results:
 *	Borrowed from the object; NULL with a TypeError in interp.
 */
void *
PyosslNativeGet(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *nameObj,
    const PyosslClass *classPtr)
{
    PyosslObject *objPtr = PyosslObjectFind(interp, nameObj, classPtr);

    if (objPtr == NULL) {
	PyosslFail(interp, module, "TypeError", "\"%.100s\" is not %s %s",
		Tcl_GetString(nameObj), classPtr->name[0] == 'x' ? "an" : "a",
		classPtr->name);
	return NULL;
    }
    return objPtr->nativePtr;
}

/*
 * ---------------------------------------------------------------------
 * Class commands
 * ---------------------------------------------------------------------
 */

/* [create NAME]: NAME is relative to the caller's namespace, as in TclOO. */
static Tcl_Obj *
QualifyName(
    Tcl_Interp *interp,
    const PyosslClass *classPtr,
    Tcl_Obj *nameObj)
{
    const char *name = Tcl_GetString(nameObj);
    Tcl_Namespace *nsPtr = Tcl_GetCurrentNamespace(interp);
    Tcl_Obj *fullObj = Tcl_NewObj();

    Tcl_IncrRefCount(fullObj);
    if (name[0] != ':' || name[1] != ':') {
	Tcl_AppendToObj(fullObj, nsPtr->fullName, -1);
	if (strcmp(nsPtr->fullName, "::") != 0) {
	    Tcl_AppendToObj(fullObj, "::", 2);
	}
    }
    Tcl_AppendObjToObj(fullObj, nameObj);
    if (name[0] == '\0') {
	PyosslFail(interp, classPtr->module, "ValueError",
		"the name of an object must not be empty");
    } else if (Tcl_FindCommand(interp, Tcl_GetString(fullObj), NULL,
	    TCL_GLOBAL_ONLY) != NULL) {
	PyosslFail(interp, classPtr->module, "ValueError",
		"cannot create \"%s\": a command of that name exists", name);
    } else {
	return fullObj;
    }
    Tcl_DecrRefCount(fullObj);
    return NULL;
}

static int
ClassNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    const PyosslClass *classPtr,
    int named,
    int objc,
    Tcl_Obj *const objv[])
{
    int skip = named ? 3 : 2;
    Tcl_Obj *nameObj = NULL;
    PyosslObject *objPtr;
    void *nativePtr;
    int code = TCL_OK;

    if (objc - skip < classPtr->minArgs || (classPtr->maxArgs >= 0
	    && objc - skip > classPtr->maxArgs)) {
	if (named) {
	    Tcl_Obj *usageObj = Tcl_ObjPrintf("name%s%s",
		    classPtr->usage ? " " : "",
		    classPtr->usage ? classPtr->usage : "");

	    Tcl_IncrRefCount(usageObj);
	    Tcl_WrongNumArgs(interp, 2, objv, Tcl_GetString(usageObj));
	    Tcl_DecrRefCount(usageObj);
	} else {
	    Tcl_WrongNumArgs(interp, 2, objv, classPtr->usage);
	}
	return TCL_ERROR;
    }
    if (named && (nameObj = QualifyName(interp, classPtr, objv[2])) == NULL) {
	return TCL_ERROR;
    }
    nativePtr = classPtr->newProc(ipPtr, interp, objc - skip, objv + skip);
    if (nativePtr == NULL) {
	code = TCL_ERROR;
    } else if (!named) {
	code = PyosslObjectReturn(ipPtr, classPtr, nativePtr);
    } else {
	objPtr = ObjectCreate(ipPtr, classPtr, nativePtr,
		Tcl_GetString(nameObj));
	if (objPtr == NULL) {
	    code = PyosslFail(interp, classPtr->module, "ValueError",
		    "cannot create \"%s\": no such namespace",
		    Tcl_GetString(objv[2]));
	} else {
	    Tcl_SetObjResult(interp, PyosslObjectName(objPtr));
	}
    }
    if (nameObj != NULL) {
	Tcl_DecrRefCount(nameObj);
    }
    return code;
}

static int
ClassCommand(
    void *clientData,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char *const full[] = {
	"create", "instances", "is", "new", NULL
    };
    static const char *const noNew[] = {"instances", "is", NULL};
    ClassCmd *cmdPtr = clientData;
    const PyosslClass *classPtr = cmdPtr->classPtr;
    PyosslInterp *ipPtr = cmdPtr->ipPtr;
    PyosslObject *objPtr;
    Tcl_Obj *listObj;
    int index;

    if (objc < 2) {
	Tcl_WrongNumArgs(interp, 1, objv, "subcommand ?arg ...?");
	return TCL_ERROR;
    }
    if (PyosslGetIndex(interp, objv[1], classPtr->newProc ? full : noNew,
	    sizeof(char *), "subcommand", TCL_EXACT, &index) != TCL_OK) {
	return TCL_ERROR;
    }
    if (classPtr->newProc == NULL) {
	index += 1;		/* The same place as in the full table. */
    }
    if (index == 0 || index == 3) {
	return ClassNew(ipPtr, interp, classPtr, index == 0, objc, objv);
    }
    if (index == 1) {
	if (objc != 2) {
	    Tcl_WrongNumArgs(interp, 2, objv, NULL);
	    return TCL_ERROR;
	}
	listObj = Tcl_NewListObj(0, NULL);
	for (objPtr = ipPtr->liveList[classPtr->id]; objPtr != NULL;
		objPtr = objPtr->nextPtr) {
	    Tcl_ListObjAppendElement(NULL, listObj, PyosslObjectName(objPtr));
	}
	Tcl_SetObjResult(interp, listObj);
	return TCL_OK;
    }
    if (objc != 3) {
	Tcl_WrongNumArgs(interp, 2, objv, "value");
	return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    PyosslObjectFind(interp, objv[2], classPtr) != NULL));
    return TCL_OK;
}

static void
CmdDataDeleted(
    void *clientData)
{
    /* ClassCmd and FunctionCmd both hold their interpreter second. */
    PyosslInterpRelease(((ClassCmd *) clientData)->ipPtr);
    ckfree(clientData);
}

/* Every registered name is exported, and so a subcommand of [pyossl]. */
static void
Export(
    PyosslInterp *ipPtr,
    const char *name)
{
    Tcl_Export(ipPtr->interp, Tcl_FindNamespace(ipPtr->interp, "::pyossl",
	    NULL, TCL_GLOBAL_ONLY), name, 0);
}

/*
 * PyosslClassRegister --
 *	Creates the class command ::pyossl::NAME.
 */
void
PyosslClassRegister(
    PyosslInterp *ipPtr,
    const PyosslClass *classPtr)
{
    ClassCmd *cmdPtr = (ClassCmd *) ckalloc(sizeof(ClassCmd));
    char name[64];

    cmdPtr->classPtr = classPtr;
    cmdPtr->ipPtr = PyosslInterpHold(ipPtr);
    snprintf(name, sizeof(name), NAMESPACE "%s", classPtr->name);
    Tcl_CreateObjCommand(ipPtr->interp, name, ClassCommand, cmdPtr,
	    CmdDataDeleted);
    Export(ipPtr, classPtr->name);
}

/*
 * ---------------------------------------------------------------------
 * Function commands
 * ---------------------------------------------------------------------
 */

static int
FunctionCall(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    const PyosslFunction *rowPtr,
    int words,			/* Words before the arguments. */
    int objc,
    Tcl_Obj *const objv[])
{
    if (objc - words < rowPtr->minArgs
	    || (rowPtr->maxArgs >= 0 && objc - words > rowPtr->maxArgs)) {
	Tcl_WrongNumArgs(interp, words, objv, rowPtr->usage);
	return TCL_ERROR;
    }
    if (CheckSafe(interp, ipPtr, rowPtr->flags, rowPtr->name) != TCL_OK) {
	return TCL_ERROR;
    }
    return rowPtr->proc(ipPtr, interp, objc - words + 1, objv + words - 1);
}

static int
FunctionCommand(
    void *clientData,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    FunctionCmd *cmdPtr = clientData;

    return FunctionCall(cmdPtr->ipPtr, interp, cmdPtr->rowPtr, 1, objc, objv);
}

static int
EnsembleCommand(
    void *clientData,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    FunctionCmd *cmdPtr = clientData;
    int index;

    if (objc < 2) {
	Tcl_WrongNumArgs(interp, 1, objv, "subcommand ?arg ...?");
	return TCL_ERROR;
    }
    if (PyosslGetIndex(interp, objv[1], cmdPtr->rowPtr,
	    sizeof(PyosslFunction), "subcommand", TCL_EXACT,
	    &index) != TCL_OK) {
	return TCL_ERROR;
    }
    return FunctionCall(cmdPtr->ipPtr, interp, cmdPtr->rowPtr + index, 2,
	    objc, objv);
}

static void
RegisterFunction(
    PyosslInterp *ipPtr,
    const char *shortName,
    const PyosslFunction *rowPtr,
    Tcl_ObjCmdProc *proc)
{
    FunctionCmd *cmdPtr = (FunctionCmd *) ckalloc(sizeof(FunctionCmd));
    char name[64];

    cmdPtr->rowPtr = rowPtr;
    cmdPtr->ipPtr = PyosslInterpHold(ipPtr);
    snprintf(name, sizeof(name), NAMESPACE "%s", shortName);
    Tcl_CreateObjCommand(ipPtr->interp, name, proc, cmdPtr, CmdDataDeleted);
    if (!(rowPtr->flags & PYOSSL_INTERNAL)) {
	Export(ipPtr, shortName);
    }
}

/*
 * PyosslFunctionsRegister --
 *	Creates a command ::pyossl::NAME for each row of a table.
 */
void
PyosslFunctionsRegister(
    PyosslInterp *ipPtr,
    const PyosslFunction *functions)
{
    for (; functions->name != NULL; functions++) {
	RegisterFunction(ipPtr, functions->name, functions, FunctionCommand);
    }
}

/*
 * PyosslEnsembleRegister --
 *	Creates the command ::pyossl::NAME whose subcommands are the rows.
 *	Their procs get the subcommand as objv[0].
 */
void
PyosslEnsembleRegister(
    PyosslInterp *ipPtr,
    const char *name,
    const PyosslFunction *functions)
{
    RegisterFunction(ipPtr, name, functions, EnsembleCommand);
}

/*
 * ---------------------------------------------------------------------
 * The tables, for scripts that check them
 * ---------------------------------------------------------------------
 */

/* {name minArgs maxArgs usage unsafe}; maxArgs -1 is any number. */
static void
AppendRow(
    Tcl_Obj *listObj,
    const char *name,
    int minArgs,
    int maxArgs,
    const char *usage,
    int flags)
{
    Tcl_Obj *words[5];

    words[0] = Tcl_NewStringObj(name, -1);
    words[1] = Tcl_NewIntObj(minArgs);
    words[2] = Tcl_NewIntObj(maxArgs);
    words[3] = Tcl_NewStringObj(usage ? usage : "", -1);
    words[4] = Tcl_NewIntObj((flags & PYOSSL_UNSAFE) != 0);
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewListObj(5, words));
}

/*
 * [::pyossl::Describe name] -> {kind rows} for the command ::pyossl::NAME:
 * kind is class, function, ensemble, or empty for anything else. A class
 * that has [new] has a row of that name behind those of its methods.
 */
static int
Describe(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *words[2], *rowsObj = Tcl_NewListObj(0, NULL);
    Tcl_Obj *nameObj = Tcl_ObjPrintf(NAMESPACE "%s", Tcl_GetString(objv[1]));
    const char *kind = "";
    Tcl_CmdInfo info;

    (void) ipPtr; (void) objc;
    Tcl_IncrRefCount(nameObj);
    if (!Tcl_GetCommandInfo(interp, Tcl_GetString(nameObj), &info)) {
	kind = "";
    } else if (info.objProc == ClassCommand) {
	const PyosslClass *classPtr =
		((ClassCmd *) info.objClientData)->classPtr;
	const PyosslMethod *rowPtr = classPtr->methods;

	kind = "class";
	for (; rowPtr->name != NULL; rowPtr++) {
	    AppendRow(rowsObj, rowPtr->name, rowPtr->minArgs,
		    rowPtr->maxArgs, rowPtr->usage, rowPtr->flags);
	}
	if (classPtr->newProc != NULL) {
	    AppendRow(rowsObj, "new", classPtr->minArgs, classPtr->maxArgs,
		    classPtr->usage, 0);
	}
    } else if (info.objProc == FunctionCommand
	    || info.objProc == EnsembleCommand) {
	const PyosslFunction *rowPtr =
		((FunctionCmd *) info.objClientData)->rowPtr;

	kind = info.objProc == FunctionCommand ? "function" : "ensemble";
	do {
	    AppendRow(rowsObj, rowPtr->name, rowPtr->minArgs,
		    rowPtr->maxArgs, rowPtr->usage, rowPtr->flags);
	    rowPtr++;
	} while (info.objProc == EnsembleCommand && rowPtr->name != NULL);
    }
    Tcl_DecrRefCount(nameObj);
    words[0] = Tcl_NewStringObj(kind, -1);
    words[1] = rowsObj;
    Tcl_SetObjResult(interp, Tcl_NewListObj(2, words));
    return TCL_OK;
}

const PyosslFunction pyosslObjectFunctions[] = {
    {"Describe", Describe, 1, 1, "name", PYOSSL_INTERNAL},
    {"Queued", PyosslErrorQueued, 0, 0, NULL, PYOSSL_INTERNAL},
    {NULL, NULL, 0, 0, NULL, 0}
};
