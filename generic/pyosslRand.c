/*
 * pyosslRand.c --
 *
 *	The ensemble rand: OpenSSL's random number generator (manual 3.2).
 *	Files are read and written through Tcl, so that its file systems and
 *	names work; sockets and the screen are the platform's.
 */

#include "pyosslCrypto.h"
#include <errno.h>
#include <math.h>
#include <openssl/rand.h>
#include <sys/stat.h>

/* No script wants more at once; more than memory would end the process. */
#define MAX_RANDOM	(256 * 1024 * 1024)

#define FILE_BYTES	1024	/* Of write_file, as RAND_write_file(3). */
#define DEVICE_BYTES	1024	/* Of load_file where there is no end. */
#define EGD_BYTES	255	/* The daemon's default and its most at once. */
#define MAX_EGD		65536

/*
 * ---------------------------------------------------------------------
 * The generator
 * ---------------------------------------------------------------------
 */

/* add string entropy: mixes bytes in, see RAND_add(3). */
static int
RandAdd(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *bytes;
    double entropy;
    int length;

    (void) ipPtr; (void) objc;
    if (Tcl_GetDoubleFromObj(NULL, objv[2], &entropy) != TCL_OK) {
	return PyosslFail(interp, PYOSSL_RAND, "TypeError",
		"the entropy must be a number, not \"%.40s\"",
		Tcl_GetString(objv[2]));
    }
    if (!isfinite(entropy) || entropy < 0) {
	return PyosslFail(interp, PYOSSL_RAND, "ValueError",
		"the entropy is out of range: %.40s", Tcl_GetString(objv[2]));
    }
    if (PyosslGetBuffer(interp, PYOSSL_RAND, "the string", objv[1], &bytes,
	    &length) != TCL_OK) {
	return TCL_ERROR;
    }
    /* Nobody can have got more out of the bytes than there is. */
    RAND_add(bytes, length, entropy < length ? entropy : length);
    ERR_clear_error();
    return TCL_OK;
}

/* seed string: add with the string's length as its entropy. */
static int
RandSeed(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *bytes;
    int length;

    (void) ipPtr; (void) objc;
    if (PyosslGetBuffer(interp, PYOSSL_RAND, "the string", objv[1], &bytes,
	    &length) != TCL_OK) {
	return TCL_ERROR;
    }
    RAND_seed(bytes, length);
    ERR_clear_error();
    return TCL_OK;
}

/* bytes num_bytes: random bytes, see RAND_bytes(3). */
static int
RandBytes(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *bytesObj;
    Tcl_Size size;
    int length;

    (void) ipPtr; (void) objc;
    if (PyosslGetIntRange(interp, PYOSSL_RAND, "num_bytes", objv[1], INT_MIN,
	    MAX_RANDOM, &length) != TCL_OK) {
	return TCL_ERROR;
    }
    if (length < 0) {
	return PyosslFail(interp, PYOSSL_RAND, "ValueError",
		"num_bytes must not be negative");
    }
    ERR_clear_error();
    bytesObj = Tcl_NewByteArrayObj(NULL, length);
    if (length > 0 && RAND_bytes(Tcl_GetByteArrayFromObj(bytesObj, &size),
	    length) != 1) {
	Tcl_DecrRefCount(bytesObj);
	return PyosslFailQueue(interp, PYOSSL_RAND,
		"cannot make random bytes");
    }
    Tcl_SetObjResult(interp, bytesObj);
    return TCL_OK;
}

/* status: whether the generator has been seeded enough. */
static int
RandStatus(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(RAND_status() == 1));
    ERR_clear_error();
    return TCL_OK;
}

/*
 * cleanup: nothing. OpenSSL wipes its generators when the process ends, and
 * RAND_cleanup(3), which the manual's library called, does nothing any more.
 */
static int
RandCleanup(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) interp; (void) objc; (void) objv;
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Files
 * ---------------------------------------------------------------------
 */

static int
FailFile(
    Tcl_Interp *interp,
    const char *what,
    Tcl_Obj *pathObj)
{
    int errnum = Tcl_GetErrno();
    char message[300];

    snprintf(message, sizeof(message), "cannot %s \"%.200s\"", what,
	    Tcl_GetString(pathObj));
    /* Tcl sets none for a name that is none, as of an unknown user's home. */
    return PyosslFailErrno(interp, PYOSSL_RAND, errnum ? errnum : ENOENT,
	    message);
}

/* 1: a regular file; 0: something else; -1: nothing is there. */
static int
IsRegular(
    Tcl_Obj *pathObj)
{
    Tcl_StatBuf *statPtr = Tcl_AllocStatBuf();
    int result = -1;

    if (Tcl_FSStat(pathObj, statPtr) == 0) {
	result = (Tcl_GetModeFromStat(statPtr) & S_IFMT) == S_IFREG;
    }
    ckfree((char *) statPtr);
    return result;
}

/*
 * load_file path ?bytes?: seeds with what is in a file, all of it if bytes is
 * negative. Returns the number of bytes. A device, which has no end, gives
 * 1024 where all is asked for.
 */
static int
RandLoadFile(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_WideInt wanted = -1, total = 0;
    Tcl_Channel channel;
    char buf[4096];
    Tcl_Size got = 0;
    int code = TCL_OK;

    (void) ipPtr;
    if (objc == 3 && PyosslGetWide(interp, PYOSSL_RAND, "bytes", objv[2],
	    &wanted) != TCL_OK) {
	return TCL_ERROR;
    }
    if (wanted < 0) {
	wanted = IsRegular(objv[1]) == 0 ? DEVICE_BYTES : -1;
    }
    Tcl_SetErrno(0);
    channel = Tcl_FSOpenFileChannel(NULL, objv[1], "rb", 0);
    if (channel == NULL) {
	return FailFile(interp, "read", objv[1]);
    }
    while (wanted < 0 || total < wanted) {
	Tcl_Size n = sizeof(buf);

	if (wanted >= 0 && wanted - total < n) {
	    n = (Tcl_Size) (wanted - total);
	}
	got = Tcl_Read(channel, buf, n);
	if (got <= 0) {
	    break;
	}
	RAND_add(buf, (int) got, (double) got);
	total += got;
    }
    OPENSSL_cleanse(buf, sizeof(buf));
    ERR_clear_error();
    if (got < 0) {
	code = FailFile(interp, "read", objv[1]);
    }
    Tcl_Close(NULL, channel);
    if (code == TCL_OK) {
	Tcl_SetObjResult(interp, Tcl_NewWideIntObj(total));
    }
    return code;
}

/* Takes a file that existed before from everybody but its owner. */
static void
Protect(
    Tcl_Obj *pathObj)
{
    Tcl_Obj *listObj = NULL, *modeObj;
    const char *const *names = Tcl_FSFileAttrStrings(pathObj, &listObj);
    int i;

    if (listObj != NULL) {
	/* The names of a file system in Tcl; it has no use for permissions. */
	Tcl_IncrRefCount(listObj);
	Tcl_DecrRefCount(listObj);
	return;
    }
    for (i = 0; names != NULL && names[i] != NULL; i++) {
	if (strcmp(names[i], "-permissions") == 0) {
	    modeObj = Tcl_NewStringObj("0600", -1);
	    Tcl_IncrRefCount(modeObj);
	    Tcl_FSFileAttrsSet(NULL, i, pathObj, modeObj);
	    Tcl_DecrRefCount(modeObj);
	    return;
	}
    }
}

/*
 * write_file path: writes 1024 random bytes for a later load_file, and
 * returns that number. Only into a regular file, which its owner alone may
 * read afterwards, as RAND_write_file(3) does.
 */
static int
RandWriteFile(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned char buf[FILE_BYTES];
    Tcl_Channel channel;
    int failed;

    (void) ipPtr; (void) objc;
    if (IsRegular(objv[1]) == 0) {
	return PyosslFail(interp, PYOSSL_RAND, "Error",
		"cannot write \"%.200s\": not a regular file",
		Tcl_GetString(objv[1]));
    }
    ERR_clear_error();
    if (RAND_bytes(buf, sizeof(buf)) != 1) {
	return PyosslFailQueue(interp, PYOSSL_RAND,
		"cannot make random bytes");
    }
    Tcl_SetErrno(0);
    channel = Tcl_FSOpenFileChannel(NULL, objv[1], "wb", 0600);
    if (channel == NULL) {
	OPENSSL_cleanse(buf, sizeof(buf));
	return FailFile(interp, "write", objv[1]);
    }
    Protect(objv[1]);
    failed = Tcl_Write(channel, (const char *) buf, sizeof(buf))
	    != (Tcl_Size) sizeof(buf);
    OPENSSL_cleanse(buf, sizeof(buf));
    if (Tcl_Close(NULL, channel) != TCL_OK || failed) {
	return FailFile(interp, "write", objv[1]);
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(FILE_BYTES));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Other sources
 * ---------------------------------------------------------------------
 */

/*
 * egd path ?bytes?: seeds with bytes from the Entropy Gathering Daemon at a
 * socket, and returns their number: all that were asked for, or an error.
 */
static int
RandEgd(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned char *bytes;
    int code, length = EGD_BYTES;

    (void) ipPtr;
    if (objc == 3 && PyosslGetIntRange(interp, PYOSSL_RAND, "bytes", objv[2],
	    1, MAX_EGD, &length) != TCL_OK) {
	return TCL_ERROR;
    }
    bytes = (unsigned char *) ckalloc(length);
    code = PyosslRandEgd(interp, objv[1], bytes, length);
    if (code == TCL_OK) {
	RAND_add(bytes, length, length);
	ERR_clear_error();
	Tcl_SetObjResult(interp, Tcl_NewIntObj(length));
    }
    OPENSSL_cleanse(bytes, length);
    ckfree((char *) bytes);
    return code;
}

/* screen: seeds with what is on the screen, on Windows. */
static int
RandScreen(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) objc; (void) objv;
    return PyosslRandScreen(interp);
}

const PyosslFunction pyosslRandFunctions[] = {
    {"add", RandAdd, 2, 2, "string entropy", 0},
    {"bytes", RandBytes, 1, 1, "num_bytes", 0},
    {"cleanup", RandCleanup, 0, 0, NULL, 0},
    {"egd", RandEgd, 1, 2, "path ?bytes?", PYOSSL_UNSAFE},
    {"load_file", RandLoadFile, 1, 2, "path ?bytes?", PYOSSL_UNSAFE},
    {"screen", RandScreen, 0, 0, NULL, 0},
    {"seed", RandSeed, 1, 1, "string", 0},
    {"status", RandStatus, 0, 0, NULL, 0},
    {"write_file", RandWriteFile, 1, 1, "path", PYOSSL_UNSAFE},
    {NULL, NULL, 0, 0, NULL, 0}
};
