/*
 * pyosslCtxTrust.c --
 *
 *	Whom a context trusts: authorities from files, directories and the
 *	platform, its store, and the names which a server asks client
 *	certificates of.
 */

#include "pyosslCrypto.h"
#include "pyosslTls.h"
#include <errno.h>
#include <time.h>

static SSL_CTX *
Native(
    PyosslObject *objPtr)
{
    return ((PyosslCtx *) objPtr->nativePtr)->sslCtx;
}

/*
 * ---------------------------------------------------------------------
 * Client CAs: the names that a server asks client certificates of
 * ---------------------------------------------------------------------
 */

static void
FreeNames(
    STACK_OF(X509_NAME) *names)
{
    sk_X509_NAME_pop_free(names, X509_NAME_free);
}

/* Adds a copy of a name unless the stack has it; 0 without memory. */
static int
PushName(
    STACK_OF(X509_NAME) *names,
    const X509_NAME *namePtr,
    int unique)
{
    X509_NAME *copyPtr;
    int i;

    for (i = 0; unique && i < sk_X509_NAME_num(names); i++) {
	if (X509_NAME_cmp(sk_X509_NAME_value(names, i), namePtr) == 0) {
	    return 1;
	}
    }
    copyPtr = X509_NAME_dup(namePtr);
    if (copyPtr == NULL || !sk_X509_NAME_push(names, copyPtr)) {
	X509_NAME_free(copyPtr);
	return 0;
    }
    return 1;
}

/* load_client_ca pemfile (manual 3.3.1): the names of all that are in it. */
int
PyosslCtxLoadClientCa(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    STACK_OF(X509_NAME) *names;
    STACK_OF(X509) *certs;
    PyosslFile file;
    int i, ok = 1;

    (void) objc;
    if (PyosslFileRead(interp, objv[2], &file) != TCL_OK) {
	return TCL_ERROR;
    }
    certs = PyosslFileCerts(&file);
    PyosslFileFree(&file);
    if (certs == NULL) {
	return PyosslFileFail(interp, "read the certificates in", objv[2]);
    }
    names = sk_X509_NAME_new_null();
    for (i = 0; ok && i < sk_X509_num(certs); i++) {
	ok = PushName(names,
		X509_get_subject_name(sk_X509_value(certs, i)), 1);
    }
    sk_X509_pop_free(certs, X509_free);
    if (!ok) {
	FreeNames(names);
	return PyosslFileFail(interp, "read the certificates in", objv[2]);
    }
    SSL_CTX_set_client_CA_list(Native(objPtr), names);
    return TCL_OK;
}

/* set_client_ca_list {x509name ...} (manual 3.3.1) */
int
PyosslCtxSetClientCaList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    STACK_OF(X509_NAME) *names;
    X509_NAME *namePtr;
    Tcl_Obj **words;
    Tcl_Size i, count;

    (void) objc;
    if (Tcl_ListObjGetElements(NULL, objv[2], &count, &words) != TCL_OK) {
	return PyosslFail(interp, PYOSSL_SSL, "TypeError",
		"the client CAs must be a list of x509name objects");
    }
    names = sk_X509_NAME_new_null();
    for (i = 0; i < count; i++) {
	namePtr = PyosslNameGet(interp, PYOSSL_SSL, words[i]);
	if (namePtr == NULL) {
	    FreeNames(names);
	    return TCL_ERROR;
	}
	if (!PushName(names, namePtr, 0)) {
	    FreeNames(names);
	    return PyosslFailQueue(interp, PYOSSL_SSL,
		    "cannot set the client CAs");
	}
    }
    SSL_CTX_set_client_CA_list(Native(objPtr), names);
    return TCL_OK;
}

/* add_client_ca cert (manual 3.3.1) */
int
PyosslCtxAddClientCa(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509 *certPtr = PyosslX509Get(interp, PYOSSL_SSL, objv[2]);

    (void) objc;
    if (certPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!SSL_CTX_add_client_CA(Native(objPtr), certPtr)) {
	return PyosslFailQueue(interp, PYOSSL_SSL, "cannot add the client CA");
    }
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Trust
 * ---------------------------------------------------------------------
 */

/*
 * Reads the next certificate or CRL of a PEM file on to a stack.
 * Results:
 *	1; 0 at the end; -1 with the reason on the queue.
 */
static int
ReadNextTrusted(
    BIO *bioPtr,
    STACK_OF(X509_INFO) *infos)
{
    static const char *const labels[] = {
	PEM_STRING_X509_CRL, PEM_STRING_X509_TRUSTED, PEM_STRING_X509,
	PEM_STRING_X509_OLD, NULL
    };
    const char *label = PyosslPemSeek(bioPtr, labels);
    X509_INFO *infoPtr;

    if (label == NULL) {
	return 0;
    }
    infoPtr = X509_INFO_new();
    if (infoPtr == NULL || !sk_X509_INFO_push(infos, infoPtr)) {
	X509_INFO_free(infoPtr);
	return -1;
    }
    if (label == labels[0]) {
	infoPtr->crl = PEM_read_bio_X509_CRL(bioPtr, NULL, PyosslPassRead,
		NULL);
    } else if (label == labels[1]) {
	infoPtr->x509 = PEM_read_bio_X509_AUX(bioPtr, NULL, PyosslPassRead,
		NULL);
    } else {
	infoPtr->x509 = PEM_read_bio_X509(bioPtr, NULL, PyosslPassRead, NULL);
    }
    if (infoPtr->crl == NULL && infoPtr->x509 == NULL) {
	PyosslErrorNoPem();
	return -1;
    }
    return 1;
}

/*
 * All the certificates and CRLs of a PEM file.
 * Results:
 *	NULL with the reason on the queue where one is bad, or there is none.
 */
static STACK_OF(X509_INFO) *
ReadTrusted(
    const PyosslFile *filePtr)
{
    BIO *bioPtr = PyosslFileBio(filePtr);
    STACK_OF(X509_INFO) *infos = sk_X509_INFO_new_null();
    int more;

    do {
	more = infos != NULL ? ReadNextTrusted(bioPtr, infos) : -1;
    } while (more > 0);
    BIO_free(bioPtr);
    if (more == 0 && sk_X509_INFO_num(infos) > 0) {
	ERR_clear_error();
	return infos;
    }
    if (more == 0) {
	ERR_raise(ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND);
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    return NULL;
}

/* Adds what was read to a store; 0 without memory. */
static int
AddTrusted(
    X509_STORE *storePtr,
    STACK_OF(X509_INFO) *infos)
{
    int i, ok = 1;

    for (i = 0; ok && i < sk_X509_INFO_num(infos); i++) {
	X509_INFO *infoPtr = sk_X509_INFO_value(infos, i);

	if (infoPtr->x509 != NULL) {
	    ok = X509_STORE_add_cert(storePtr, infoPtr->x509);
	}
	if (ok && infoPtr->crl != NULL) {
	    ok = X509_STORE_add_crl(storePtr, infoPtr->crl);
	}
    }
    return ok;
}

/*
 * ---------------------------------------------------------------------
 * Folders that OpenSSL cannot name
 * ---------------------------------------------------------------------
 *
 * OpenSSL's own lookup takes the system's encoding; on Windows that is not all
 * that the name of a folder may have in it. For such a one there is this
 * lookup, which does the same through Tcl's file system: when somebody's
 * certificate or CRL is wanted, it reads the files that are named for the hash
 * of that name, HASH.0, HASH.1 ..., for CRLs HASH.r0 ..., into the store.
 */

/* The lookup's data: its folders. */
typedef struct Folder {
    struct Folder *nextPtr;
    char path[1];		/* UTF-8; as long as it is. */
} Folder;

/* Adds what a file has to a store; 0 where there is no such file. */
static int
ReadHashed(
    X509_STORE *storePtr,
    const Folder *folderPtr,
    const char *name)
{
    Tcl_Obj *pathObj = Tcl_ObjPrintf("%s/%s", folderPtr->path, name);
    STACK_OF(X509_INFO) *infos;
    PyosslFile file;
    int there;

    Tcl_IncrRefCount(pathObj);
    there = PyosslFileRead(NULL, pathObj, &file) == TCL_OK;
    Tcl_DecrRefCount(pathObj);
    if (there) {
	infos = ReadTrusted(&file);
	PyosslFileFree(&file);
	if (infos != NULL) {
	    AddTrusted(storePtr, infos);
	    sk_X509_INFO_pop_free(infos, X509_INFO_free);
	}
    }
    /* What is bad is passed over: then nobody is trusted for it. */
    ERR_clear_error();
    return there;
}

/*
 * What a store has for a name.
 * Results:
 *	1 with it in *foundPtr, which owns nothing: OpenSSL takes a reference.
 */
static int
Find(
    X509_STORE *storePtr,
    X509_LOOKUP_TYPE type,
    const X509_NAME *namePtr,
    X509_OBJECT *foundPtr)
{
    X509_OBJECT *storedPtr;
    int ok = 0;

    X509_STORE_lock(storePtr);
    storedPtr = X509_OBJECT_retrieve_by_subject(
	    X509_STORE_get0_objects(storePtr), type, namePtr);
    if (storedPtr != NULL && type == X509_LU_X509) {
	X509 *certPtr = X509_OBJECT_get0_X509(storedPtr);

	ok = X509_OBJECT_set1_X509(foundPtr, certPtr);
	if (ok) {
	    X509_free(certPtr);
	}
    } else if (storedPtr != NULL) {
	X509_CRL *crlPtr = X509_OBJECT_get0_X509_CRL(storedPtr);

	ok = X509_OBJECT_set1_X509_CRL(foundPtr, crlPtr);
	if (ok) {
	    X509_CRL_free(crlPtr);
	}
    }
    X509_STORE_unlock(storePtr);
    return ok;
}

/* The lookup's function, for OpenSSL. */
static int
LookUp(
    X509_LOOKUP *lookupPtr,
    X509_LOOKUP_TYPE type,
    const X509_NAME *namePtr,
    X509_OBJECT *foundPtr)
{
    const Folder *folderPtr = X509_LOOKUP_get_method_data(lookupPtr);
    X509_STORE *storePtr = X509_LOOKUP_get_store(lookupPtr);
    int ok, i;
    unsigned long hash = X509_NAME_hash_ex(namePtr, NULL, NULL, &ok);
    char name[32];

    if (!ok || (type != X509_LU_X509 && type != X509_LU_CRL)) {
	return 0;
    }
    for (; folderPtr != NULL; folderPtr = folderPtr->nextPtr) {
	i = 0;
	do {
	    snprintf(name, sizeof(name), "%08lx.%s%d", hash,
		    type == X509_LU_CRL ? "r" : "", i++);
	} while (ReadHashed(storePtr, folderPtr, name));
    }
    return Find(storePtr, type, namePtr, foundPtr);
}

static void
FreeFolders(
    X509_LOOKUP *lookupPtr)
{
    Folder *folderPtr = X509_LOOKUP_get_method_data(lookupPtr), *nextPtr;

    for (; folderPtr != NULL; folderPtr = nextPtr) {
	nextPtr = folderPtr->nextPtr;
	ckfree((char *) folderPtr);
    }
}

/* The lookup's method, made once: stores have it until they are freed. */
static X509_LOOKUP_METHOD *folderMethod;
TCL_DECLARE_MUTEX(folderMutex)

static X509_LOOKUP_METHOD *
FolderMethod(void)
{
    Tcl_MutexLock(&folderMutex);
    if (folderMethod == NULL) {
	folderMethod = X509_LOOKUP_meth_new("folders of Tcl");
	X509_LOOKUP_meth_set_get_by_subject(folderMethod, LookUp);
	X509_LOOKUP_meth_set_free(folderMethod, FreeFolders);
    }
    Tcl_MutexUnlock(&folderMutex);
    return folderMethod;
}

/* Has a store look into a folder; 0 without memory. */
static int
AddFolder(
    X509_STORE *storePtr,
    const char *path)
{
    X509_LOOKUP *lookupPtr = X509_STORE_add_lookup(storePtr, FolderMethod());
    size_t length = strlen(path);
    Folder *folderPtr;

    if (lookupPtr == NULL) {
	return 0;
    }
    folderPtr = (Folder *) ckalloc(sizeof(Folder) + length);
    memcpy(folderPtr->path, path, length + 1);
    folderPtr->nextPtr = X509_LOOKUP_get_method_data(lookupPtr);
    X509_LOOKUP_set_method_data(lookupPtr, folderPtr);
    return 1;
}

/*
 * Has a store look into a folder, which has a name in UTF-8; 0 without memory.
 * OpenSSL does it itself if it can be told the name.
 */
static int
TrustFolder(
    SSL_CTX *sslCtx,
    const char *path)
{
    Tcl_DString native, back;
    int ok;

    Tcl_UtfToExternalDString(NULL, path, -1, &native);
    Tcl_ExternalToUtfDString(NULL, Tcl_DStringValue(&native),
	    Tcl_DStringLength(&native), &back);
    if (strcmp(Tcl_DStringValue(&back), path) == 0) {
	ok = SSL_CTX_load_verify_dir(sslCtx, Tcl_DStringValue(&native));
    } else {
	ok = AddFolder(SSL_CTX_get_cert_store(sslCtx), path);
    }
    Tcl_DStringFree(&native);
    Tcl_DStringFree(&back);
    return ok;
}

/*
 * Checks that a path is a directory of the real file system, since OpenSSL
 * itself looks certificates up in it.
 * Results:
 *	TCL_OK with its name, to be freed.
 */
static int
GetDirectory(
    Tcl_Interp *interp,
    Tcl_Obj *pathObj,
    Tcl_DString *dsPtr)
{
    Tcl_StatBuf *statPtr = Tcl_AllocStatBuf();
    int errnum = 0;

    ERR_clear_error();
    if (Tcl_FSStat(pathObj, statPtr) != 0) {
	errnum = Tcl_GetErrno();
    } else if ((Tcl_GetModeFromStat(statPtr) & 0170000) != 0040000) {
	errnum = ENOTDIR;
    } else if (Tcl_FSGetNativePath(pathObj) == NULL) {
	errnum = EXDEV;
    }
    ckfree((char *) statPtr);
    if (errnum != 0) {
	PyosslQueueErrno(errnum, "stat");
	return PyosslFileFail(interp, "use the directory", pathObj);
    }
    if (Tcl_TranslateFileName(interp, Tcl_GetString(pathObj), dsPtr) == NULL) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"cannot use the directory \"%.300s\"", Tcl_GetString(pathObj));
    }
    return TCL_OK;
}

/* load_verify_locations pemfile ?capath? (manual 3.3.1) */
int
PyosslCtxLoadVerifyLocations(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    int hasFile = Tcl_GetCharLength(objv[2]) > 0;
    int hasDir = objc > 3 && Tcl_GetCharLength(objv[3]) > 0;
    STACK_OF(X509_INFO) *infos = NULL;
    Tcl_DString dir;
    PyosslFile file;
    int code = TCL_OK;

    ERR_clear_error();
    Tcl_DStringInit(&dir);
    if (!hasFile && !hasDir) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"either a file or a directory of authorities must be given");
    }
    if (hasDir && GetDirectory(interp, objv[3], &dir) != TCL_OK) {
	return TCL_ERROR;
    }
    if (hasFile) {
	code = PyosslFileRead(interp, objv[2], &file);
	if (code == TCL_OK) {
	    infos = ReadTrusted(&file);
	    PyosslFileFree(&file);
	    if (infos == NULL
		    || !AddTrusted(SSL_CTX_get_cert_store(sslCtx), infos)) {
		code = PyosslFileFail(interp, "load the authorities in", objv[2]);
	    }
	    sk_X509_INFO_pop_free(infos, X509_INFO_free);
	}
    }
    if (code == TCL_OK && hasDir
	    && !TrustFolder(sslCtx, Tcl_DStringValue(&dir))) {
	code = PyosslFileFail(interp, "use the directory", objv[3]);
    }
    Tcl_DStringFree(&dir);
    return code;
}

/*
 * The platform's authorities are more than a hundred certificates, which
 * take longer to parse than a handshake lasts. Those of the file used last
 * are kept for the whole process; the certificates are counted, and every
 * context's store has its own references on them.
 */
static struct {
    char *path;
    Tcl_WideInt mtime, size;
    unsigned inode;
    STACK_OF(X509_INFO) *infos;	/* NULL: nothing is kept. */
    int hasExitHandler;
} defaults;

TCL_DECLARE_MUTEX(defaultsMutex)

/* Forgets what is kept; the mutex is held, or the process ends. */
static void
DefaultsForget(
    void *clientData)
{
    (void) clientData;
    if (defaults.infos != NULL) {
	sk_X509_INFO_pop_free(defaults.infos, X509_INFO_free);
	ckfree(defaults.path);
	defaults.infos = NULL;
    }
}

/*
 * Adds the certificates of a file to a store, from memory where the file is
 * still what it was. What fails is passed over, as OpenSSL itself does with
 * its default file: then nobody is trusted.
 */
static void
AddDefaults(
    Tcl_Interp *interp,
    X509_STORE *storePtr,
    Tcl_Obj *pathObj)
{
    Tcl_StatBuf *statPtr = Tcl_AllocStatBuf();
    const char *path = Tcl_GetString(pathObj);
    STACK_OF(X509_INFO) *infos;
    Tcl_WideInt mtime, size;
    unsigned inode;
    PyosslFile file;
    int known, found = Tcl_FSStat(pathObj, statPtr) == 0;

    mtime = found ? (Tcl_WideInt) Tcl_GetModificationTimeFromStat(statPtr) : 0;
    size = found ? (Tcl_WideInt) Tcl_GetSizeFromStat(statPtr) : 0;
    inode = found ? Tcl_GetFSInodeFromStat(statPtr) : 0;
    ckfree((char *) statPtr);
    if (!found) {
	return;
    }
    Tcl_MutexLock(&defaultsMutex);
    known = defaults.infos != NULL && strcmp(defaults.path, path) == 0
	    && defaults.mtime == mtime && defaults.size == size
	    && defaults.inode == inode;
    if (known) {
	AddTrusted(storePtr, defaults.infos);
    }
    Tcl_MutexUnlock(&defaultsMutex);
    if (known || PyosslFileRead(interp, pathObj, &file) != TCL_OK) {
	Tcl_ResetResult(interp);
	return;
    }
    infos = ReadTrusted(&file);
    PyosslFileFree(&file);
    if (infos == NULL) {
	return;
    }
    AddTrusted(storePtr, infos);
    if (mtime >= (Tcl_WideInt) time(NULL) - 1) {
	/* Times are whole seconds: the next change might not be seen. */
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	return;
    }
    Tcl_MutexLock(&defaultsMutex);
    DefaultsForget(NULL);
    defaults.path = PyosslStrdup(path);
    defaults.mtime = mtime;
    defaults.size = size;
    defaults.inode = inode;
    defaults.infos = infos;
    if (!defaults.hasExitHandler) {
	defaults.hasExitHandler = 1;
	Tcl_CreateExitHandler(DefaultsForget, NULL);
    }
    Tcl_MutexUnlock(&defaultsMutex);
}

/*
 * A place from the environment, or OpenSSL's own one. Tcl's array is asked,
 * since another thread may change the environment while getenv's answer is
 * looked at.
 * Results:
 *	A Tcl_Obj with one reference, the caller's.
 */
static Tcl_Obj *
DefaultPlace(
    Tcl_Interp *interp,
    const char *variable,
    const char *native)
{
    Tcl_Obj *pathObj = Tcl_GetVar2Ex(interp, "env", variable,
	    TCL_GLOBAL_ONLY);
    Tcl_DString path;

    if (pathObj == NULL) {
	Tcl_ExternalToUtfDString(NULL, native, -1, &path);
	pathObj = Tcl_NewStringObj(Tcl_DStringValue(&path),
		Tcl_DStringLength(&path));
	Tcl_DStringFree(&path);
    }
    Tcl_IncrRefCount(pathObj);
    return pathObj;
}

/* Whether the environment names the authorities. */
static int
PlaceGiven(
    Tcl_Interp *interp)
{
    return Tcl_GetVar2Ex(interp, "env", X509_get_default_cert_file_env(),
	    TCL_GLOBAL_ONLY) != NULL
	    || Tcl_GetVar2Ex(interp, "env", X509_get_default_cert_dir_env(),
	    TCL_GLOBAL_ONLY) != NULL;
}

/*
 * set_default_verify_paths (manual 3.3.1): SSL_CERT_FILE or OpenSSL's own
 * file, and SSL_CERT_DIR or OpenSSL's own directory, in which certificates
 * are looked up when they are needed. Where the platform has a store of its
 * own, that takes the place of OpenSSL's file and directory.
 */
int
PyosslCtxSetDefaultVerifyPaths(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    Tcl_Obj *fileObj, *dirObj;
    Tcl_DString dir;

    (void) objc; (void) objv;
    ERR_clear_error();
    if (!PlaceGiven(interp)
	    && PyosslTrustLoad(SSL_CTX_get_cert_store(sslCtx))) {
	return TCL_OK;
    }
    fileObj = DefaultPlace(interp, X509_get_default_cert_file_env(),
	    X509_get_default_cert_file());
    dirObj = DefaultPlace(interp, X509_get_default_cert_dir_env(),
	    X509_get_default_cert_dir());
    AddDefaults(interp, SSL_CTX_get_cert_store(sslCtx), fileObj);
    Tcl_UtfToExternalDString(NULL, Tcl_GetString(dirObj), -1, &dir);
    SSL_CTX_load_verify_dir(sslCtx, Tcl_DStringValue(&dir));
    Tcl_DStringFree(&dir);
    Tcl_DecrRefCount(fileObj);
    Tcl_DecrRefCount(dirObj);
    ERR_clear_error();
    return TCL_OK;
}

/* get_cert_store (manual 3.3.1): shares the store with the context. */
int
PyosslCtxGetCertStore(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_STORE *storePtr = SSL_CTX_get_cert_store(Native(objPtr));

    (void) interp; (void) objc; (void) objv;
    X509_STORE_up_ref(storePtr);
    return PyosslObjectReturn(objPtr->ipPtr, &pyosslStoreClass, storePtr);
}
