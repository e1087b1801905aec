/*
 * pyosslCrypto.c --
 *
 *	The functions of the manual's module crypto: loading and dumping of
 *	certificates and private keys, sign and verify; and the table of all
 *	the functions, those in the files of their classes included.
 */

#include "pyosslCrypto.h"

/*
 * ---------------------------------------------------------------------
 * Certificates
 * ---------------------------------------------------------------------
 */

/* A certificate in PEM, its trust settings included, see PEM_read_bio(3). */
static X509 *
CertificateFromPem(
    const unsigned char *bytes,
    int length)
{
    static const char *const labels[] = {
	PEM_STRING_X509, PEM_STRING_X509_OLD, PEM_STRING_X509_TRUSTED, NULL
    };
    BIO *bioPtr = BIO_new_mem_buf(bytes, length);
    X509 *certPtr = NULL;

    if (bioPtr != NULL) {
	PyosslPemSeek(bioPtr, labels);
	/* PyosslPassRead without a passphrase: a callback that never asks. */
	certPtr = PEM_read_bio_X509_AUX(bioPtr, NULL, PyosslPassRead, NULL);
	BIO_free(bioPtr);
	if (certPtr == NULL) {
	    PyosslErrorNoPem();
	}
    }
    return certPtr;
}

/* load_certificate type buffer (manual 3.1): a new x509. */
static int
LoadCertificate(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *bytes;
    X509 *certPtr;
    int type, length;

    (void) objc;
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 0, &type) != TCL_OK
	    || PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the buffer", objv[2],
	    &bytes, &length) != TCL_OK) {
	return TCL_ERROR;
    }
    if (type == PYOSSL_FILETYPE_PEM) {
	ERR_clear_error();
	certPtr = CertificateFromPem(bytes, length);
	if (certPtr == NULL) {
	    return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		    "cannot load the certificate");
	}
	ERR_clear_error();
    } else {
	certPtr = PyosslItemLoad(interp, PYOSSL_CRYPTO, type, objv[2],
		"certificate", NULL, ASN1_ITEM_rptr(X509));
	if (certPtr == NULL) {
	    return TCL_ERROR;
	}
    }
    return PyosslObjectReturn(ipPtr, &pyosslX509Class, certPtr);
}

/*
 * dump_certificate type cert (manual 3.1): its bytes; FILETYPE_TEXT is what
 * "openssl x509 -noout -text" prints.
 */
static int
DumpCertificate(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509 *certPtr;
    BIO *bioPtr;
    int type;

    (void) ipPtr; (void) objc;
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 1, &type)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    certPtr = PyosslX509Get(interp, PYOSSL_CRYPTO, objv[2]);
    if (certPtr == NULL) {
	return TCL_ERROR;
    }
    if (type != PYOSSL_FILETYPE_TEXT) {
	return PyosslItemDump(interp, PYOSSL_CRYPTO, type, "certificate",
		PEM_STRING_X509, ASN1_ITEM_rptr(X509), certPtr);
    }
    ERR_clear_error();
    bioPtr = BIO_new(BIO_s_mem());
    if (bioPtr == NULL || !X509_print_ex(bioPtr, certPtr, XN_FLAG_ONELINE,
	    0)) {
	BIO_free(bioPtr);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot print the certificate");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, PyosslBioObj(bioPtr));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Private keys
 * ---------------------------------------------------------------------
 */

/* What to say of a key that could not be loaded. */
static const char *
LoadFailure(
    const PyosslPass *passPtr,
    const PyosslLegacy *legacyPtr,
    char *text,			/* Room for a sentence. */
    size_t size)
{
    if (legacyPtr->missing[0] != '\0') {
	snprintf(text, size, "cannot load the private key: it is encrypted "
		"with %s", legacyPtr->missing);
	return text;
    }
    if (!passPtr->asked) {
	return "cannot load the private key";
    }
    if (passPtr->none && passPtr->cbPtr != NULL) {
	return "the private key is encrypted, and the callback gave no "
		"passphrase";
    }
    if (passPtr->none || (passPtr->string == NULL
	    && passPtr->cbPtr == NULL)) {
	return "the private key is encrypted and needs a passphrase";
    }
    return "cannot load the private key; is the passphrase right?";
}

/* Whether two words for the passphrase are allowed; else one is too many. */
static int
IsCallback(
    Tcl_Obj *wordObj)
{
    return strcmp(Tcl_GetString(wordObj), "-callback") == 0;
}

/*
 * load_privatekey type buffer ?passphrase|-callback cmdPrefix? (manual 3.1):
 * a new pkey. An encrypted key without a passphrase is an Error.
 */
static int
LoadPrivatekey(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *bytes;
    unsigned char *copy;
    PyosslPass pass;
    PyosslLegacy legacy;
    PyosslOp op;
    EVP_PKEY *pkeyPtr;
    char text[200];
    int type, length, code = TCL_OK;

    if (objc == 5 && !IsCallback(objv[3])) {
	Tcl_WrongNumArgs(interp, 1, objv,
		"type buffer ?passphrase|-callback cmdPrefix?");
	return TCL_ERROR;
    }
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 0, &type) != TCL_OK
	    || PyosslPassInit(interp, PYOSSL_CRYPTO, ipPtr, objc - 3, objv + 3,
	    &pass) != TCL_OK) {
	return TCL_ERROR;
    }
    if (PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the buffer", objv[2], &bytes,
	    &length) != TCL_OK) {
	PyosslPassDone(&pass);
	return TCL_ERROR;
    }
    /* A callback might make something else of the value's bytes. */
    copy = (unsigned char *) ckalloc(length + 1);
    memcpy(copy, bytes, length);
    PyosslOpBegin(&op);
    ERR_clear_error();
    PyosslLegacyInit(&legacy);
    pkeyPtr = PyosslKeyRead(type, copy, length, &pass, &legacy);
    if (pkeyPtr == NULL) {
	code = PyosslFailQueue(interp, PYOSSL_CRYPTO, LoadFailure(&pass,
		&legacy, text, sizeof(text)));
    }
    PyosslLegacyDone(&legacy);
    ERR_clear_error();
    code = PyosslOpEnd(&op, interp, code);
    OPENSSL_cleanse(copy, length);
    ckfree((char *) copy);
    PyosslPassDone(&pass);
    if (code != TCL_OK) {
	EVP_PKEY_free(pkeyPtr);
	return code;
    }
    return PyosslPkeyReturn(ipPtr, pkeyPtr, 0);
}

/* The cipher and passphrase words of dump_privatekey. */
static int
DumpArgs(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int type,
    int objc,
    Tcl_Obj *const objv[],
    const EVP_CIPHER **cipherPtrPtr,
    PyosslPass *passPtr)
{
    const EVP_CIPHER *cipherPtr = NULL;

    if (objc > 0) {
	cipherPtr = EVP_get_cipherbyname(Tcl_GetString(objv[0]));
	if (cipherPtr == NULL) {
	    return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "Invalid cipher name \"%.40s\"", Tcl_GetString(objv[0]));
	}
	if (type == PYOSSL_FILETYPE_TEXT) {
	    return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "a dump as text cannot be encrypted");
	}
	objc--;
	objv++;
    }
    *cipherPtrPtr = cipherPtr;
    if (PyosslPassInit(interp, PYOSSL_CRYPTO, ipPtr, objc, objv, passPtr)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    if (passPtr->string != NULL && passPtr->length > PEM_BUFSIZE) {
	PyosslPassDone(passPtr);
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the passphrase is longer than %d bytes", PEM_BUFSIZE);
    }
    return TCL_OK;
}

/*
 * dump_privatekey type pkey ?cipher passphrase|-callback cmdPrefix?
 * (manual 3.1): the key as PKCS#8, encrypted if a cipher is given.
 */
static int
DumpPrivatekey(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const EVP_CIPHER *cipherPtr = NULL;
    EVP_PKEY *pkeyPtr;
    PyosslPass pass;
    PyosslLegacy legacy;
    PyosslOp op;
    BIO *bioPtr;
    char text[200];
    int type, code = TCL_OK;

    if (objc == 4 || (objc == 6 && !IsCallback(objv[4]))) {
	Tcl_WrongNumArgs(interp, 1, objv,
		"type pkey ?cipher passphrase|-callback cmdPrefix?");
	return TCL_ERROR;
    }
    if (PyosslGetFiletype(interp, PYOSSL_CRYPTO, objv[1], 1, &type)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    pkeyPtr = PyosslPkeyGet(interp, PYOSSL_CRYPTO, objv[2], 1);
    if (pkeyPtr == NULL || DumpArgs(ipPtr, interp, type, objc - 3, objv + 3,
	    &cipherPtr, &pass) != TCL_OK) {
	return TCL_ERROR;
    }
    /* A callback might destroy the pkey. */
    EVP_PKEY_up_ref(pkeyPtr);
    PyosslOpBegin(&op);
    ERR_clear_error();
    PyosslLegacyInit(&legacy);
    bioPtr = PyosslKeyWrite(type, pkeyPtr, cipherPtr, &pass, &legacy);
    if (bioPtr == NULL) {
	snprintf(text, sizeof(text), "cannot dump the private key%s%s",
		legacy.missing[0] != '\0' ? ": it is to be encrypted with "
		: pass.none ? ": to encrypt it takes a passphrase that is not "
		"empty" : "", legacy.missing);
	code = PyosslFailQueue(interp, PYOSSL_CRYPTO, text);
    }
    PyosslLegacyDone(&legacy);
    ERR_clear_error();
    code = PyosslOpEnd(&op, interp, code);
    EVP_PKEY_free(pkeyPtr);
    PyosslPassDone(&pass);
    if (code != TCL_OK) {
	BIO_free(bioPtr);
	return code;
    }
    Tcl_SetObjResult(interp, PyosslBioObj(bioPtr));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * sign and verify
 * ---------------------------------------------------------------------
 */

/* sign key data digest (manual 3.1): the signature, see EVP_DigestSign(3). */
static int
Sign(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr;
    const EVP_MD *mdPtr;
    EVP_MD_CTX *mdCtx;
    const unsigned char *data;
    unsigned char *signature = NULL;
    Tcl_Size dataLength;
    size_t length = 0;
    int ok;

    (void) ipPtr; (void) objc;
    pkeyPtr = PyosslPkeyGet(interp, PYOSSL_CRYPTO, objv[1], 1);
    if (pkeyPtr == NULL || PyosslPkeyDigest(interp, PYOSSL_CRYPTO, pkeyPtr,
	    objv[3], &mdPtr) != TCL_OK || (data = PyosslGetBytes(interp,
	    PYOSSL_CRYPTO, "the data", objv[2], &dataLength)) == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    mdCtx = EVP_MD_CTX_new();
    ok = mdCtx != NULL
	    && EVP_DigestSignInit(mdCtx, NULL, mdPtr, NULL, pkeyPtr) > 0
	    && EVP_DigestSign(mdCtx, NULL, &length, data, dataLength) > 0
	    && (signature = OPENSSL_malloc(length)) != NULL
	    && EVP_DigestSign(mdCtx, signature, &length, data, dataLength) > 0;
    EVP_MD_CTX_free(mdCtx);
    if (!ok) {
	OPENSSL_free(signature);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot sign the data");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, PyosslDerObj(signature, (int) length));
    return TCL_OK;
}

/*
 * verify certificate signature data digest (manual 3.1): nothing, or an
 * Error where the signature is not the certificate's key's on the data.
 */
static int
Verify(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *signature, *data;
    Tcl_Size signatureLength, dataLength;
    X509 *certPtr = PyosslX509Get(interp, PYOSSL_CRYPTO, objv[1]);
    EVP_PKEY *pkeyPtr;
    const EVP_MD *mdPtr;
    EVP_MD_CTX *mdCtx;
    int ok;

    (void) ipPtr; (void) objc;
    if (certPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    pkeyPtr = X509_get0_pubkey(certPtr);
    if (pkeyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the certificate has no public key that can be read");
    }
    if (PyosslPkeyDigest(interp, PYOSSL_CRYPTO, pkeyPtr, objv[4], &mdPtr)
	    != TCL_OK || (signature = PyosslGetBytes(interp, PYOSSL_CRYPTO,
	    "the signature", objv[2], &signatureLength)) == NULL
	    || (data = PyosslGetBytes(interp, PYOSSL_CRYPTO, "the data",
	    objv[3], &dataLength)) == NULL) {
	return TCL_ERROR;
    }
    mdCtx = EVP_MD_CTX_new();
    ok = mdCtx != NULL
	    && EVP_DigestVerifyInit(mdCtx, NULL, mdPtr, NULL, pkeyPtr) > 0
	    && EVP_DigestVerify(mdCtx, signature, signatureLength, data,
	    dataLength) == 1;
    EVP_MD_CTX_free(mdCtx);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the signature does not verify");
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * All functions of the module; those on requests, CRLs, PKCS#7 and PKCS#12
 * are in the files of their classes, declared in pyosslCrypto.h.
 */
const PyosslFunction pyosslCryptoFunctions[] = {
    {"dump_certificate", DumpCertificate, 2, 2, "type cert", 0},
    {"dump_certificate_request", PyosslReqDump, 2, 2, "type req", 0},
    {"dump_privatekey", DumpPrivatekey, 2, 5,
	"type pkey ?cipher passphrase|-callback cmdPrefix?", 0},
    {"load_certificate", LoadCertificate, 2, 2, "type buffer", 0},
    {"load_certificate_request", PyosslReqLoad, 2, 2, "type buffer", 0},
    {"load_crl", PyosslCrlLoad, 2, 2, "type buffer", 0},
    {"load_pkcs12", PyosslPkcs12Load, 1, 2, "buffer ?passphrase?", 0},
    {"load_pkcs7_data", PyosslPkcs7Load, 2, 2, "type buffer", 0},
    {"load_privatekey", LoadPrivatekey, 2, 4,
	"type buffer ?passphrase|-callback cmdPrefix?", 0},
    {"sign", Sign, 3, 3, "key data digest", 0},
    {"verify", Verify, 4, 4, "certificate signature data digest", 0},
    {NULL, NULL, 0, 0, NULL, 0}
};
