/*
 * pyosslCtxFile.c --
 *
 *	Files of keys and certificates. They are read through Tcl's file
 *	system, whole, straight into memory that is cleansed afterwards, and
 *	parsed there. Knows no context.
 */

#include "pyosslCrypto.h"
#include "pyosslTls.h"
#include <errno.h>
#include <openssl/pemerr.h>

#define FILE_MAX	(64 << 20)	/* More is surely no certificate. */

/* PyosslFileFree -- cleanses and frees what was read. */
void
PyosslFileFree(
    PyosslFile *filePtr)
{
    OPENSSL_clear_free(filePtr->bytes, filePtr->size);
    filePtr->bytes = NULL;
}

/*
 * PyosslQueueErrno --
 *	Puts a failed system call on OpenSSL's queue, where OpenSSL's own
 *	functions for files would have put it.
 */
void
PyosslQueueErrno(
    int errnum,
    const char *function)
{
    ERR_new();
    ERR_set_debug(__FILE__, __LINE__, function);
    ERR_set_error(ERR_LIB_SYS, errnum, NULL);
}

/*
 * PyosslFileFail --
 *	Leaves the error of a file in interp: what is on the queue, and which
 *	file it was. TCL_ERROR always.
 */
int
PyosslFileFail(
    Tcl_Interp *interp,
    const char *what,
    Tcl_Obj *pathObj)
{
    char text[512];

    snprintf(text, sizeof(text), "cannot %s \"%.300s\"", what,
	    Tcl_GetString(pathObj));
    return PyosslFailQueue(interp, PYOSSL_SSL, text);
}

/* Makes room for more; what is moved is cleansed at its old place. */
static int
FileGrow(
    PyosslFile *filePtr)
{
    size_t size = filePtr->size ? filePtr->size * 2 : 8192;
    unsigned char *bytes;

    if (size > FILE_MAX) {
	PyosslQueueErrno(EFBIG, "fread");
	return 0;
    }
    bytes = OPENSSL_clear_realloc(filePtr->bytes, filePtr->size, size);
    if (bytes == NULL) {
	return 0;
    }
    filePtr->bytes = bytes;
    filePtr->size = size;
    return 1;
}

/*
 * PyosslFileRead --
 *	Reads a file whole. Tcl_ReadRaw leaves nothing in channel buffers.
 * Results:
 *	TCL_OK, to be finished with PyosslFileFree; TCL_ERROR with an error in
 *	interp and nothing to finish.
 */
int
PyosslFileRead(
    Tcl_Interp *interp,
    Tcl_Obj *pathObj,
    PyosslFile *filePtr)
{
    Tcl_Channel chan;
    Tcl_Size got = 0;
    int errnum, ok = 1;

    memset(filePtr, 0, sizeof(*filePtr));
    ERR_clear_error();
    Tcl_SetErrno(0);
    chan = Tcl_FSOpenFileChannel(interp, pathObj, "r", 0);
    if (chan == NULL) {
	errnum = Tcl_GetErrno();
	PyosslQueueErrno(errnum ? errnum : ENOENT, "fopen");
	return PyosslFileFail(interp, "open", pathObj);
    }
    do {
	if (filePtr->length == filePtr->size) {
	    ok = FileGrow(filePtr);
	}
	if (ok) {
	    got = Tcl_ReadRaw(chan, (char *) filePtr->bytes + filePtr->length,
		    (int) (filePtr->size - filePtr->length));
	    if (got < 0) {
		PyosslQueueErrno(Tcl_GetErrno(), "fread");
		ok = 0;
	    } else {
		filePtr->length += got;
	    }
	}
    } while (ok && got > 0);
    Tcl_Close(NULL, chan);
    if (!ok) {
	PyosslFileFree(filePtr);
	return PyosslFileFail(interp, "read", pathObj);
    }
    return TCL_OK;
}

/* PyosslFileBio -- the file as a BIO, to be freed before the file is. */
BIO *
PyosslFileBio(
    const PyosslFile *filePtr)
{
    return BIO_new_mem_buf(filePtr->bytes, (int) filePtr->length);
}

/* Whether reading PEM failed because there was no further block. */
static int
AtPemEnd(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM
	    && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/*
 * PyosslFileCert --
 *	The next certificate in PEM, of any of OpenSSL's kinds.
 * Results:
 *	NULL with the reason on the queue.
 */
X509 *
PyosslFileCert(
    BIO *bioPtr)
{
    static const char *const labels[] = {
	PEM_STRING_X509, PEM_STRING_X509_OLD, PEM_STRING_X509_TRUSTED, NULL
    };
    X509 *certPtr;

    PyosslPemSeek(bioPtr, labels);
    certPtr = PEM_read_bio_X509_AUX(bioPtr, NULL, PyosslPassRead, NULL);
    if (certPtr == NULL && AtPemEnd()) {
	/* OpenSSL would say that it wants a TRUSTED CERTIFICATE. */
	ERR_clear_error();
	ERR_raise_data(ERR_LIB_PEM, PEM_R_NO_START_LINE,
		"Expecting: CERTIFICATE");
    } else if (certPtr == NULL) {
	PyosslErrorNoPem();
    }
    return certPtr;
}

/*
 * PyosslFileCerts --
 *	All the certificates of a PEM file, in order.
 * Results:
 *	NULL with the reason on the queue where one is bad, or there is none.
 */
STACK_OF(X509) *
PyosslFileCerts(
    const PyosslFile *filePtr)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    BIO *bioPtr = PyosslFileBio(filePtr);
    X509 *certPtr;

    while ((certPtr = PyosslFileCert(bioPtr)) != NULL) {
	if (!sk_X509_push(certs, certPtr)) {
	    X509_free(certPtr);
	    break;
	}
    }
    BIO_free(bioPtr);
    if (sk_X509_num(certs) > 0 && AtPemEnd()) {
	ERR_clear_error();
	return certs;
    }
    sk_X509_pop_free(certs, X509_free);
    return NULL;
}
