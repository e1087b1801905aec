/*
 * pyosslSeal.c --
 *
 *	The ensemble aead: what protects the records of TLS, for scripts that
 *	say every record themselves. Ciphers with associated data (RFC 5116)
 *	and the two ways in which TLS makes keys of secrets.
 */

#include "pyosslCrypto.h"
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define TAG_BYTES	16
#define MAX_NONCE	12	/* What the ciphers of TLS have. */
#define MAX_SECRET	65536	/* Of a script; OpenSSL takes more. */
#define MAX_EXPANDED	65535	/* A length in HkdfLabel has two bytes. */
#define MAX_LABEL	249	/* One byte tells the length of "tls13 " too. */
#define MAX_CONTEXT	255

/* What seal and open have in common. */
typedef struct Job {
    const EVP_CIPHER *cipher;
    int mode;			/* EVP_CIPH_CCM_MODE and its like. */
    const unsigned char *key, *nonce, *aad, *data;
    int keyLength, nonceLength, aadLength, dataLength;
} Job;

/* The ciphers that there are. */
static const struct Cipher {
    const char *name;
    const EVP_CIPHER *(*proc)(void);
} ciphers[] = {
    {"aes-128-ccm", EVP_aes_128_ccm},
    {"aes-128-gcm", EVP_aes_128_gcm},
    {"aes-256-ccm", EVP_aes_256_ccm},
    {"aes-256-gcm", EVP_aes_256_gcm},
    {"chacha20-poly1305", EVP_chacha20_poly1305},
    {NULL, NULL}
};

/*
 * ---------------------------------------------------------------------
 * Sealing and opening
 * ---------------------------------------------------------------------
 */

/* The arguments cipher key nonce aad data. */
static int
ReadJob(
    Tcl_Interp *interp,
    Tcl_Obj *const objv[],
    Job *jobPtr)
{
    int index;

    if (Tcl_GetIndexFromObjStruct(NULL, objv[1], ciphers,
	    sizeof(struct Cipher), "cipher", TCL_EXACT, &index) != TCL_OK) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"no such cipher: \"%.40s\"", Tcl_GetString(objv[1]));
    }
    jobPtr->cipher = ciphers[index].proc();
    jobPtr->mode = EVP_CIPHER_get_mode(jobPtr->cipher);
    if (PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the key", objv[2],
	    &jobPtr->key, &jobPtr->keyLength) != TCL_OK
	    || PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the nonce", objv[3],
	    &jobPtr->nonce, &jobPtr->nonceLength) != TCL_OK
	    || PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the associated data",
	    objv[4], &jobPtr->aad, &jobPtr->aadLength) != TCL_OK
	    || PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the data", objv[5],
	    &jobPtr->data, &jobPtr->dataLength) != TCL_OK) {
	return TCL_ERROR;
    }
    if (jobPtr->keyLength != EVP_CIPHER_get_key_length(jobPtr->cipher)) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the key must have %d bytes, not %d",
		EVP_CIPHER_get_key_length(jobPtr->cipher), jobPtr->keyLength);
    }
    if (jobPtr->nonceLength != MAX_NONCE) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the nonce must have %d bytes, not %d", MAX_NONCE,
		jobPtr->nonceLength);
    }
    return TCL_OK;
}

/*
 * Runs a cipher over the data, see EVP_EncryptInit(3), "AEAD INTERFACE". The
 * tag is read when sealing and checked when opening. 1 if it went well.
 */
static int
Run(
    const Job *jobPtr,
    int sealing,
    const unsigned char *data,
    int length,
    unsigned char *out,
    unsigned char *tag)
{
    EVP_CIPHER_CTX *ctxPtr = EVP_CIPHER_CTX_new();
    unsigned char none[1] = {0};
    int done = 0, ok, ccm = jobPtr->mode == EVP_CIPH_CCM_MODE;

    ok = ctxPtr != NULL && EVP_CipherInit_ex(ctxPtr, jobPtr->cipher, NULL,
	    NULL, NULL, sealing)
	    && EVP_CIPHER_CTX_ctrl(ctxPtr, EVP_CTRL_AEAD_SET_IVLEN,
	    jobPtr->nonceLength, NULL) > 0;
    if (ok && (ccm || !sealing)) {
	/* CCM has to know how long the tag is before it begins. */
	ok = EVP_CIPHER_CTX_ctrl(ctxPtr, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
		sealing ? NULL : tag) > 0;
    }
    ok = ok && EVP_CipherInit_ex(ctxPtr, NULL, NULL, jobPtr->key,
	    jobPtr->nonce, sealing);
    if (ok && ccm) {
	ok = EVP_CipherUpdate(ctxPtr, NULL, &done, NULL, length);
    }
    if (ok && jobPtr->aadLength > 0) {
	ok = EVP_CipherUpdate(ctxPtr, NULL, &done, jobPtr->aad,
		jobPtr->aadLength);
    }
    /* CCM does all its work in here, even where there is nothing to do. */
    if (ok && (length > 0 || ccm)) {
	ok = EVP_CipherUpdate(ctxPtr, out, &done,
		length > 0 ? data : none, length);
    }
    if (ok && !ccm) {
	ok = EVP_CipherFinal_ex(ctxPtr, out + length, &done);
    }
    if (ok && sealing) {
	ok = EVP_CIPHER_CTX_ctrl(ctxPtr, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag)
		> 0;
    }
    /* This cleanses the key as well. */
    EVP_CIPHER_CTX_free(ctxPtr);
    return ok;
}

/* seal cipher key nonce aad data: the data encrypted, and the tag. */
static int
AeadSeal(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_Obj *resultObj;
    unsigned char *out;
    Job job;

    (void) ipPtr; (void) objc;
    if (ReadJob(interp, objv, &job) != TCL_OK) {
	return TCL_ERROR;
    }
    if (job.dataLength > INT_MAX - TAG_BYTES) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the data are too long");
    }
    ERR_clear_error();
    resultObj = Tcl_NewByteArrayObj(NULL, 0);
    out = Tcl_SetByteArrayLength(resultObj, job.dataLength + TAG_BYTES);
    if (!Run(&job, 1, job.data, job.dataLength, out, out + job.dataLength)) {
	Tcl_DecrRefCount(resultObj);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot seal the data");
    }
    Tcl_SetObjResult(interp, resultObj);
    return TCL_OK;
}

/* open cipher key nonce aad data: what was sealed, if it is as it was. */
static int
AeadOpen(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned char tag[TAG_BYTES], *out;
    Tcl_Obj *resultObj;
    int length, ok;
    Job job;

    (void) ipPtr; (void) objc;
    if (ReadJob(interp, objv, &job) != TCL_OK) {
	return TCL_ERROR;
    }
    length = job.dataLength - TAG_BYTES;
    if (length < 0) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the data must have at least %d bytes, not %d", TAG_BYTES,
		job.dataLength);
    }
    memcpy(tag, job.data + length, TAG_BYTES);
    resultObj = Tcl_NewByteArrayObj(NULL, 0);
    out = Tcl_SetByteArrayLength(resultObj, length + TAG_BYTES);
    ERR_clear_error();
    ok = Run(&job, 0, job.data, length, out, tag);
    if (!ok) {
	/* What does not fit its tag is not to be seen. */
	OPENSSL_cleanse(out, length + TAG_BYTES);
	Tcl_DecrRefCount(resultObj);
	/* Of some ciphers OpenSSL says that an operation failed. */
	PyosslFailQueue(interp, PYOSSL_CRYPTO, NULL);
	Tcl_SetObjResult(interp, Tcl_NewStringObj(
		"cannot open the data: they do not fit their tag", -1));
	return TCL_ERROR;
    }
    ERR_clear_error();
    Tcl_SetByteArrayLength(resultObj, length);
    Tcl_SetObjResult(interp, resultObj);
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Keys out of secrets
 * ---------------------------------------------------------------------
 */

/* Derives length bytes, as the parameters say, and makes them the result. */
static int
Derive(
    Tcl_Interp *interp,
    const char *name,
    const OSSL_PARAM *params,
    int length)
{
    EVP_KDF *kdfPtr;
    EVP_KDF_CTX *ctxPtr;
    Tcl_Obj *resultObj;
    unsigned char *out;
    int ok;

    ERR_clear_error();
    kdfPtr = EVP_KDF_fetch(NULL, name, NULL);
    ctxPtr = kdfPtr != NULL ? EVP_KDF_CTX_new(kdfPtr) : NULL;
    EVP_KDF_free(kdfPtr);
    resultObj = Tcl_NewByteArrayObj(NULL, 0);
    out = Tcl_SetByteArrayLength(resultObj, length);
    ok = ctxPtr != NULL && EVP_KDF_derive(ctxPtr, out, length, params) > 0;
    EVP_KDF_CTX_free(ctxPtr);
    if (!ok) {
	OPENSSL_cleanse(out, length);
	Tcl_DecrRefCount(resultObj);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot derive the bytes");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, resultObj);
    return TCL_OK;
}

/* The arguments digest secret label x length. */
static int
GetDerivation(
    Tcl_Interp *interp,
    Tcl_Obj *const objv[],
    const char *what,
    const EVP_MD **mdPtr,
    const unsigned char *bytes[3],
    int lengths[3],
    int *lengthPtr)
{
    const char *names[3];
    int i;

    names[0] = "the secret";
    names[1] = "the label";
    names[2] = what;
    *mdPtr = PyosslGetDigest(interp, PYOSSL_CRYPTO, objv[1]);
    if (*mdPtr == NULL || PyosslGetIntRange(interp, PYOSSL_CRYPTO,
	    "the length", objv[5], 1, MAX_EXPANDED, lengthPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    for (i = 0; i < 3; i++) {
	if (PyosslGetBuffer(interp, PYOSSL_CRYPTO, names[i], objv[i + 2],
		&bytes[i], &lengths[i]) != TCL_OK) {
	    return TCL_ERROR;
	}
    }
    if (lengths[0] < 1 || lengths[0] > MAX_SECRET) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the secret must have 1 to %d bytes, not %d", MAX_SECRET,
		lengths[0]);
    }
    return TCL_OK;
}

/*
 * expand digest secret label context length: HKDF-Expand-Label of TLS 1.3
 * (RFC 8446, 7.1). The label is given without its "tls13 ".
 */
static int
AeadExpand(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    static const char prefix[] = "tls13 ";
    const int prefixLength = (int) sizeof(prefix) - 1;
    const unsigned char *bytes[3];
    unsigned char info[4 + 255 + MAX_CONTEXT], *p = info;
    const EVP_MD *mdPtr;
    OSSL_PARAM params[5];
    int lengths[3], length, mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

    (void) ipPtr; (void) objc;
    if (GetDerivation(interp, objv, "the context", &mdPtr, bytes, lengths,
	    &length) != TCL_OK) {
	return TCL_ERROR;
    }
    if (lengths[1] > MAX_LABEL || lengths[2] > MAX_CONTEXT) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"label and context have at most %d and %d bytes", MAX_LABEL,
		MAX_CONTEXT);
    }
    /* The struct HkdfLabel. */
    *p++ = (unsigned char) (length >> 8);
    *p++ = (unsigned char) length;
    *p++ = (unsigned char) (prefixLength + lengths[1]);
    memcpy(p, prefix, prefixLength);
    p += prefixLength;
    memcpy(p, bytes[1], lengths[1]);
    p += lengths[1];
    *p++ = (unsigned char) lengths[2];
    memcpy(p, bytes[2], lengths[2]);
    p += lengths[2];
    params[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    (char *) EVP_MD_get0_name(mdPtr), 0);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
	    (void *) bytes[0], lengths[0]);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
	    (size_t) (p - info));
    params[4] = OSSL_PARAM_construct_end();
    return Derive(interp, "HKDF", params, length);
}

/* prf digest secret label seed length: the PRF of TLS 1.2 (RFC 5246, 5). */
static int
AeadPrf(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *bytes[3];
    const EVP_MD *mdPtr;
    OSSL_PARAM params[5];
    int lengths[3], length;

    (void) ipPtr; (void) objc;
    if (GetDerivation(interp, objv, "the seed", &mdPtr, bytes, lengths,
	    &length) != TCL_OK) {
	return TCL_ERROR;
    }
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    (char *) EVP_MD_get0_name(mdPtr), 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET,
	    (void *) bytes[0], lengths[0]);
    /* OpenSSL joins what is given as seeds, and so does the RFC. */
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
	    (void *) bytes[1], lengths[1]);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
	    (void *) bytes[2], lengths[2]);
    params[4] = OSSL_PARAM_construct_end();
    return Derive(interp, "TLS1-PRF", params, length);
}

const PyosslFunction pyosslAeadFunctions[] = {
    {"expand", AeadExpand, 5, 5, "digest secret label context length", 0},
    {"open", AeadOpen, 5, 5, "cipher key nonce aad data", 0},
    {"prf", AeadPrf, 5, 5, "digest secret label seed length", 0},
    {"seal", AeadSeal, 5, 5, "cipher key nonce aad data", 0},
    {NULL, NULL, 0, 0, NULL, 0}
};
