/*
 * pyosslCtxLoad.c --
 *
 *	What a context shows of itself: certificates, keys, and parameters
 *	for Diffie-Hellman, from files and objects. A file is parsed to its
 *	end before anything is set, so that a bad one changes nothing.
 */

#include "pyosslCrypto.h"
#include "pyosslTls.h"
#include <openssl/asn1err.h>
#include <openssl/pemerr.h>

static SSL_CTX *
Native(
    PyosslObject *objPtr)
{
    return ((PyosslCtx *) objPtr->nativePtr)->sslCtx;
}

/* The format argument of the *_file methods. */
static int
GetFormat(
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[],
    int *typePtr)
{
    *typePtr = PYOSSL_FILETYPE_PEM;
    return objc > 3 ? PyosslGetFiletype(interp, PYOSSL_SSL, objv[3], 0,
	    typePtr) : TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Certificates
 * ---------------------------------------------------------------------
 */

/* The first certificate of a file; NULL with the reason on the queue. */
static X509 *
ReadCertificate(
    const PyosslFile *filePtr,
    int type)
{
    const unsigned char *p = filePtr->bytes;
    X509 *certPtr;
    BIO *bioPtr;

    if (type == PYOSSL_FILETYPE_ASN1) {
	certPtr = d2i_X509(NULL, &p, (long) filePtr->length);
	if (certPtr != NULL && p != filePtr->bytes + filePtr->length) {
	    X509_free(certPtr);
	    ERR_raise_data(ERR_LIB_ASN1, ASN1_R_TOO_LONG,
		    "bytes after the certificate");
	    return NULL;
	}
	return certPtr;
    }
    bioPtr = PyosslFileBio(filePtr);
    certPtr = PyosslFileCert(bioPtr);
    BIO_free(bioPtr);
    return certPtr;
}

/* use_certificate cert (manual 3.3.1) */
int
PyosslCtxUseCertificate(
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
    if (!SSL_CTX_use_certificate(Native(objPtr), certPtr)) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot use the certificate");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* use_certificate_file file ?format? (manual 3.3.1) */
int
PyosslCtxUseCertificateFile(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslFile file;
    X509 *certPtr;
    int type, ok;

    if (GetFormat(interp, objc, objv, &type) != TCL_OK
	    || PyosslFileRead(interp, objv[2], &file) != TCL_OK) {
	return TCL_ERROR;
    }
    certPtr = ReadCertificate(&file, type);
    ok = certPtr != NULL && SSL_CTX_use_certificate(Native(objPtr), certPtr);
    X509_free(certPtr);
    PyosslFileFree(&file);
    if (!ok) {
	return PyosslFileFail(interp, "use the certificate in", objv[2]);
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * Tries a certificate and its chain out on a context that is thrown away,
 * since OpenSSL finds a chain too weak only after it took the certificate.
 */
static int
TryChain(
    SSL_CTX *sslCtx,
    X509 *certPtr,
    STACK_OF(X509) *chain)
{
    SSL_CTX *tryCtx = SSL_CTX_new(TLS_method());
    int ok;

    if (tryCtx == NULL) {
	return 0;
    }
    SSL_CTX_set_security_level(tryCtx, SSL_CTX_get_security_level(sslCtx));
    ok = SSL_CTX_use_certificate(tryCtx, certPtr)
	    && SSL_CTX_set1_chain(tryCtx, chain) > 0;
    SSL_CTX_free(tryCtx);
    return ok;
}

/*
 * use_certificate_chain_file file (manual 3.3.1): the certificate, then
 * those that lead from it to an authority.
 */
int
PyosslCtxUseCertificateChainFile(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    STACK_OF(X509) *chain;
    X509 *certPtr = NULL;
    PyosslFile file;
    int ok;

    (void) objc;
    if (PyosslFileRead(interp, objv[2], &file) != TCL_OK) {
	return TCL_ERROR;
    }
    chain = PyosslFileCerts(&file);
    PyosslFileFree(&file);
    ok = chain != NULL;
    if (ok) {
	certPtr = sk_X509_shift(chain);
	if (sk_X509_num(chain) == 0) {
	    sk_X509_free(chain);
	    chain = NULL;
	}
	/* The chain is that of the certificate set last. */
	ok = (chain == NULL || TryChain(sslCtx, certPtr, chain))
		&& SSL_CTX_use_certificate(sslCtx, certPtr)
		&& SSL_CTX_set1_chain(sslCtx, chain) > 0;
    }
    X509_free(certPtr);
    sk_X509_pop_free(chain, X509_free);
    if (!ok) {
	return PyosslFileFail(interp, "use the certificate chain in", objv[2]);
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * add_extra_chain_cert cert (manual 3.3.1). OpenSSL sends the extra
 * certificates only where the certificate has no chain of its own; there
 * the new one is added to the chain.
 */
int
PyosslCtxAddExtraChainCert(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    X509 *certPtr = PyosslX509Get(interp, PYOSSL_SSL, objv[2]);
    STACK_OF(X509) *chain = NULL;
    int ok;

    (void) objc;
    if (certPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    SSL_CTX_get0_chain_certs(sslCtx, &chain);
    if (X509_get0_pubkey(certPtr) == NULL) {
	ok = 0;			/* Each handshake would fail of it. */
    } else if (chain != NULL) {
	ok = SSL_CTX_add1_chain_cert(sslCtx, certPtr) > 0;
    } else {
	X509_up_ref(certPtr);
	ok = SSL_CTX_add_extra_chain_cert(sslCtx, certPtr) > 0;
	if (!ok) {
	    X509_free(certPtr);
	}
    }
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot add the certificate to the chain");
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Private keys
 * ---------------------------------------------------------------------
 */

/* use_privatekey pkey (manual 3.3.1) */
int
PyosslCtxUsePrivatekey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr = PyosslPkeyGet(interp, PYOSSL_SSL, objv[2], 1);

    (void) objc;
    if (pkeyPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!SSL_CTX_use_PrivateKey(Native(objPtr), pkeyPtr)) {
	return PyosslFailQueue(interp, PYOSSL_SSL, "cannot use the key");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* Whether the file has nothing of the kind that was looked for. */
static int
NotFound(void)
{
    unsigned long code = ERR_peek_error();

    return (ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER
	    && ERR_GET_REASON(code) == ERR_R_UNSUPPORTED)
	    || (ERR_GET_LIB(code) == ERR_LIB_PEM
	    && ERR_GET_REASON(code) == PEM_R_NO_START_LINE);
}

/* The error of a file with a private key that was not taken. */
static int
KeyFileFail(
    Tcl_Interp *interp,
    const PyosslPass *passPtr,
    const PyosslLegacy *legacyPtr,
    Tcl_Obj *pathObj)
{
    char text[400];

    if (legacyPtr->missing[0] != '\0') {
	snprintf(text, sizeof(text), "cannot use the private key in "
		"\"%.200s\": it is encrypted with %s",
		Tcl_GetString(pathObj), legacyPtr->missing);
	return PyosslFailQueue(interp, PYOSSL_SSL, text);
    }
    return PyosslFileFail(interp, passPtr->asked && passPtr->cbPtr == NULL
	    ? "decrypt, for want of a passphrase callback, the key in"
	    : passPtr->none
	    ? "decrypt, for the callback gave no passphrase, the key in"
	    : NotFound() ? "find a private key in"
	    : "use the private key in", pathObj);
}

/*
 * use_privatekey_file file ?format? (manual 3.3.1). An encrypted key asks
 * the passphrase callback; the script may do what it likes with the
 * context meanwhile, so that a copy of the callback is called.
 */
int
PyosslCtxUsePrivatekeyFile(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslCtx *ctxPtr = objPtr->nativePtr;
    PyosslCallback *cbPtr = ctxPtr->cb[PYOSSL_CB_PASSWD];
    EVP_PKEY *pkeyPtr;
    PyosslPass pass;
    PyosslLegacy legacy;
    PyosslOp op;
    PyosslFile file;
    int type, code = TCL_OK;

    if (GetFormat(interp, objc, objv, &type) != TCL_OK) {
	return TCL_ERROR;
    }
    PyosslPassInit(interp, PYOSSL_SSL, objPtr->ipPtr, 0, NULL, &pass);
    pass.truncate = 1;
    if (PyosslFileRead(interp, objv[2], &file) != TCL_OK) {
	return TCL_ERROR;
    }
    if (cbPtr != NULL && PyosslCallbackSet(interp, PYOSSL_SSL,
	    PyosslCallbackInterp(cbPtr), PyosslCallbackPrefix(cbPtr),
	    &pass.cbPtr) != TCL_OK) {
	PyosslFileFree(&file);
	return TCL_ERROR;
    }
    pass.userdataObj = ctxPtr->userdataObj;
    if (pass.userdataObj != NULL) {
	Tcl_IncrRefCount(pass.userdataObj);
    }
    PyosslOpBegin(&op);
    PyosslLegacyInit(&legacy);
    pkeyPtr = PyosslKeyRead(type, file.bytes, (int) file.length, &pass,
	    &legacy);
    PyosslFileFree(&file);
    if (pkeyPtr == NULL
	    || !SSL_CTX_use_PrivateKey(ctxPtr->sslCtx, pkeyPtr)) {
	code = KeyFileFail(interp, &pass, &legacy, objv[2]);
    }
    PyosslLegacyDone(&legacy);
    EVP_PKEY_free(pkeyPtr);
    ERR_clear_error();
    if (pass.userdataObj != NULL) {
	Tcl_DecrRefCount(pass.userdataObj);
    }
    PyosslPassDone(&pass);
    return PyosslOpEnd(&op, interp, code);
}

/* check_privatekey (manual 3.3.1) */
int
PyosslCtxCheckPrivatekey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    ERR_clear_error();
    if (!SSL_CTX_check_private_key(Native(objPtr))) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"the private key and the certificate do not make a pair");
    }
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Diffie-Hellman parameters
 * ---------------------------------------------------------------------
 */

/*
 * Sets parameters in PEM; weaker ones than the security level asks for are
 * refused.
 * Results:
 *	1; 0 with the reason on the queue.
 */
static int
SetDh(
    SSL_CTX *sslCtx,
    BIO *bioPtr)
{
    EVP_PKEY *pkeyPtr;
    int others = 0;

    /* To OpenSSL the parameters of other algorithms are as good. */
    while ((pkeyPtr = PEM_read_bio_Parameters(bioPtr, NULL)) != NULL
	    && !EVP_PKEY_is_a(pkeyPtr, "DH")
	    && !EVP_PKEY_is_a(pkeyPtr, "DHX")) {
	EVP_PKEY_free(pkeyPtr);
	others = 1;
    }
    if (pkeyPtr == NULL) {
	if (others) {
	    ERR_clear_error();
	    ERR_raise(ERR_LIB_EVP, EVP_R_EXPECTING_A_DH_KEY);
	}
	return 0;
    }
    if (!SSL_CTX_set0_tmp_dh_pkey(sslCtx, pkeyPtr)) {
	EVP_PKEY_free(pkeyPtr);
	return 0;
    }
    SSL_CTX_set_dh_auto(sslCtx, 0);
    ERR_clear_error();
    return 1;
}

/* load_tmp_dh dhfile (manual 3.3.1) */
int
PyosslCtxLoadTmpDh(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslFile file;
    BIO *bioPtr;
    int ok;

    (void) objc;
    if (PyosslFileRead(interp, objv[2], &file) != TCL_OK) {
	return TCL_ERROR;
    }
    bioPtr = PyosslFileBio(&file);
    ok = SetDh(Native(objPtr), bioPtr);
    BIO_free(bioPtr);
    PyosslFileFree(&file);
    return ok ? TCL_OK : PyosslFileFail(interp, NotFound()
	    ? "find Diffie-Hellman parameters in"
	    : "load the Diffie-Hellman parameters in", objv[2]);
}

static int
AllowAll(
    const SSL *ssl,
    const SSL_CTX *sslCtx,
    int op,
    int bits,
    int nid,
    void *other,
    void *ex)
{
    (void) ssl; (void) sslCtx; (void) op; (void) bits; (void) nid;
    (void) other; (void) ex;
    return 1;
}

/* Takes the parameters off. OpenSSL finds none at all too weak as well. */
static void
ClearDh(
    SSL_CTX *sslCtx)
{
    int (*check)(const SSL *, const SSL_CTX *, int, int, int, void *, void *);

    check = SSL_CTX_get_security_callback(sslCtx);
    SSL_CTX_set_security_callback(sslCtx, AllowAll);
    SSL_CTX_set0_tmp_dh_pkey(sslCtx, NULL);
    SSL_CTX_set_security_callback(sslCtx, check);
}

/*
 * set_tmp_dh params: PEM; "auto" for OpenSSL's own parameters, as strong as
 * the key of the certificate; empty for none.
 */
int
PyosslCtxSetTmpDh(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    SSL_CTX *sslCtx = Native(objPtr);
    Tcl_Size length;
    const char *text = Tcl_GetStringFromObj(objv[2], &length);
    BIO *bioPtr;
    int ok;

    (void) objc;
    ERR_clear_error();
    if (length == 0 || strcmp(text, "auto") == 0) {
	/* "auto" counts before parameters; for none at all they go. */
	SSL_CTX_set_dh_auto(sslCtx, length != 0);
	if (length == 0) {
	    ClearDh(sslCtx);
	}
	ERR_clear_error();
	return TCL_OK;
    }
    bioPtr = BIO_new_mem_buf(text, (int) length);
    ok = SetDh(sslCtx, bioPtr);
    BIO_free(bioPtr);
    return ok ? TCL_OK : PyosslFailQueue(interp, PYOSSL_SSL,
	    "cannot set the Diffie-Hellman parameters");
}
