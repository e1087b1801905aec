/*
 * pyosslStats.c --
 *
 *	What is alive: counters for the whole process, kept up by whoever makes
 *	and frees a thing, and [pyossl::stats], which shows them. Knows nobody
 *	who counts.
 *
 *	    PyosslObject, Ctx, Tls, Chan, ... --PyosslCount--> counts[]
 *	    OpenSSL --CountedMalloc, CountedFree--> allocations   (only if it
 *	                                    was configured so)
 *
 *	A counter that is not back at its old value after everything was closed
 *	and destroyed is a leak, whichever interpreter or thread it belongs to.
 */

#include "pyosslInt.h"
#include <openssl/crypto.h>
#include <stdlib.h>

TCL_DECLARE_MUTEX(countMutex)
static Tcl_WideInt counts[PYOSSL_COUNT_COUNT];	/* Guarded by countMutex. */
static Tcl_WideInt objects[PYOSSL_ID_COUNT];	/* And so is this. */

/* In the order of PyosslClassId and PyosslCountId. */
static const char *const classNames[PYOSSL_ID_COUNT] = {
    "x509", "x509name", "x509req", "x509store", "x509ext", "pkey", "pkcs7",
    "pkcs12", "spki", "crl", "revoked", "ctx", "conn"
};
static const char *const countNames[PYOSSL_COUNT_COUNT] = {
    "interpreters", "callbacks", "contexts", "connections", "channels",
    "listeners", "sockets", "buffered"
};

/*
 * PyosslCount --
 *	Something was made or freed.
 * Arguments:
 *	change	By how much there is more of it; below zero: less.
 */
void
PyosslCount(
    PyosslCountId id,
    Tcl_WideInt change)
{
    Tcl_MutexLock(&countMutex);
    counts[id] += change;
    Tcl_MutexUnlock(&countMutex);
}

/* PyosslCountObject -- an object of a class was made (1) or freed (-1). */
void
PyosslCountObject(
    PyosslClassId id,
    int change)
{
    Tcl_MutexLock(&countMutex);
    objects[id] += change;
    Tcl_MutexUnlock(&countMutex);
}

/*
 * ---------------------------------------------------------------------
 * OpenSSL's memory
 * ---------------------------------------------------------------------
 */

#ifdef PYOSSL_COUNT_ALLOCATIONS

/* Somebody else's functions, where they were set before ours; or NULL. */
static CRYPTO_malloc_fn oldMalloc;
static CRYPTO_realloc_fn oldRealloc;
static CRYPTO_free_fn oldFree;
static int counting;		/* Set once, before there is any thread. */
static int allocations;		/* Changed by CRYPTO_atomic_add alone. */

static void
CountAllocation(
    int change)
{
    int ignored;

    CRYPTO_atomic_add(&allocations, change, &ignored, NULL);
}

static void *
CountedMalloc(
    size_t size,
    const char *file,
    int line)
{
    /* As OpenSSL's own: nothing for nothing, and some of it counts on that. */
    void *block = oldMalloc != NULL ? oldMalloc(size, file, line)
	    : size > 0 ? malloc(size) : NULL;

    if (block != NULL) {
	CountAllocation(1);
    }
    return block;
}

static void
CountedFree(
    void *block,
    const char *file,
    int line)
{
    if (block != NULL) {
	CountAllocation(-1);
    }
    if (oldFree != NULL) {
	oldFree(block, file, line);
    } else {
	free(block);
    }
}

static void *
CountedRealloc(
    void *block,
    size_t size,
    const char *file,
    int line)
{
    if (block == NULL) {
	return CountedMalloc(size, file, line);
    }
    if (size == 0) {
	CountedFree(block, file, line);
	return NULL;
    }
    return oldRealloc != NULL ? oldRealloc(block, size, file, line)
	    : realloc(block, size);
}

/* PyosslStatsInit -- counts OpenSSL's blocks, unless it has begun already. */
void
PyosslStatsInit(void)
{
    if (!counting) {
	CRYPTO_get_mem_functions(&oldMalloc, &oldRealloc, &oldFree);
	/* OpenSSL's own ones would call back. */
	oldMalloc = oldMalloc != CRYPTO_malloc ? oldMalloc : NULL;
	oldRealloc = oldRealloc != CRYPTO_realloc ? oldRealloc : NULL;
	oldFree = oldFree != CRYPTO_free ? oldFree : NULL;
	counting = CRYPTO_set_mem_functions(CountedMalloc, CountedRealloc,
		CountedFree);
    }
}

static void
AddAllocations(
    Tcl_Obj *dictObj)
{
    int now = 0;

    if (counting) {
	CRYPTO_atomic_add(&allocations, 0, &now, NULL);
	Tcl_DictObjPut(NULL, dictObj, Tcl_NewStringObj("allocations", -1),
		Tcl_NewIntObj(now));
    }
}

#else

void
PyosslStatsInit(void)
{
    /* Not configured: OpenSSL's memory functions stay as they are. */
}

static void
AddAllocations(
    Tcl_Obj *dictObj)
{
    (void) dictObj;
}

#endif

/*
 * ---------------------------------------------------------------------
 * The command
 * ---------------------------------------------------------------------
 */

/* [stats] -> what is alive in the process, a dict. */
static int
Stats(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *dictObj = Tcl_NewDictObj(), *objectsObj = Tcl_NewDictObj();
    int i;

    (void) ipPtr; (void) objc; (void) objv;
    Tcl_MutexLock(&countMutex);
    for (i = 0; i < PYOSSL_ID_COUNT; i++) {
	Tcl_DictObjPut(NULL, objectsObj, Tcl_NewStringObj(classNames[i], -1),
		Tcl_NewWideIntObj(objects[i]));
    }
    Tcl_DictObjPut(NULL, dictObj, Tcl_NewStringObj("objects", -1),
	    objectsObj);
    for (i = 0; i < PYOSSL_COUNT_COUNT; i++) {
	Tcl_DictObjPut(NULL, dictObj, Tcl_NewStringObj(countNames[i], -1),
		Tcl_NewWideIntObj(counts[i]));
    }
    Tcl_MutexUnlock(&countMutex);
    AddAllocations(dictObj);
    Tcl_SetObjResult(interp, dictObj);
    return TCL_OK;
}

const PyosslFunction pyosslStatsFunctions[] = {
    {"stats", Stats, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, NULL, 0}
};
