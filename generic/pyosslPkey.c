/*
 * pyosslPkey.c --
 *
 *	Class pkey: RSA, DSA, EC and the Edwards and Montgomery curves' keys,
 *	and what every command needs that signs with one. Knows nothing of
 *	files and passphrases (pyosslCrypto.c).
 */

#include "pyosslCrypto.h"
#include <openssl/asn1err.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/dsaerr.h>
#include <openssl/ecerr.h>
#include <openssl/evperr.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/rsaerr.h>

/* DSA starts here; OpenSSL would quietly round a smaller size up. So does
 * RSA, where OpenSSL only says that it is too small. */
#define DSA_MIN_BITS	512
#define RSA_MIN_BITS	512

static void
PkeyFree(
    void *nativePtr)
{
    PyosslPkey *keyPtr = nativePtr;

    EVP_PKEY_free(keyPtr->pkeyPtr);
    ckfree((char *) keyPtr);
}

/* A key struct around a key, whose reference it takes over. */
static PyosslPkey *
PkeyWrap(
    EVP_PKEY *pkeyPtr,
    int onlyPublic)
{
    PyosslPkey *keyPtr = (PyosslPkey *) ckalloc(sizeof(PyosslPkey));

    keyPtr->pkeyPtr = pkeyPtr;
    keyPtr->onlyPublic = onlyPublic;
    return keyPtr;
}

/* [pyossl::pkey new]: a key object without a key (manual 3.1, PKey). */
static void *
PkeyNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) interp; (void) objc; (void) objv;
    return PkeyWrap(NULL, 0);
}

/*
 * dup: a second object on the same key. Keys never change, generate_key
 * puts another one in their place; so this is as good as a copy.
 */
static void *
PkeyDup(
    void *nativePtr)
{
    PyosslPkey *keyPtr = nativePtr;

    if (keyPtr->pkeyPtr != NULL) {
	EVP_PKEY_up_ref(keyPtr->pkeyPtr);
    }
    return PkeyWrap(keyPtr->pkeyPtr, keyPtr->onlyPublic);
}

/*
 * ---------------------------------------------------------------------
 * For the other classes
 * ---------------------------------------------------------------------
 */

/*
 * PyosslPkeyReturn --
 *	Makes a pkey command for a key and leaves its name as the result.
 * Arguments:
 *	pkeyPtr	One reference, taken over, also on failure.
 *	onlyPublic	The private half is missing or not to be used.
 */
int
PyosslPkeyReturn(
    PyosslInterp *ipPtr,
    EVP_PKEY *pkeyPtr,
    int onlyPublic)
{
    return PyosslObjectReturn(ipPtr, &pyosslPkeyClass,
	    PkeyWrap(pkeyPtr, onlyPublic));
}

/*
 * PyosslPkeyGet --
 *	The key of an argument.
 * Results:
 *	Borrowed from the object; NULL with a TypeError (no pkey) or a
 *	ValueError (no key in it, or only a public one) in interp.
 */
EVP_PKEY *
PyosslPkeyGet(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *nameObj,
    int needPrivate)
{
    PyosslPkey *keyPtr = PyosslNativeGet(interp, module, nameObj,
	    &pyosslPkeyClass);

    if (keyPtr == NULL) {
	return NULL;
    }
    if (keyPtr->pkeyPtr == NULL) {
	PyosslFail(interp, module, "ValueError",
		"the pkey is empty: no key was generated or loaded");
	return NULL;
    }
    if (needPrivate && keyPtr->onlyPublic) {
	PyosslFail(interp, module, "ValueError",
		"the pkey has only a public key, a private key is needed");
	return NULL;
    }
    return keyPtr->pkeyPtr;
}

/*
 * PyosslPkeyVerifier --
 *	The key of a method that verifies a signature: with an empty pkey
 *	nothing verifies, which is an Error, as in the manual's library.
 * Results:
 *	Borrowed from the object; NULL with a TypeError (no pkey) or an Error
 *	in interp.
 */
EVP_PKEY *
PyosslPkeyVerifier(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    PyosslPkey *keyPtr = PyosslNativeGet(interp, PYOSSL_CRYPTO, nameObj,
	    &pyosslPkeyClass);

    if (keyPtr != NULL && keyPtr->pkeyPtr == NULL) {
	ERR_clear_error();
	ERR_raise(ERR_LIB_EVP, EVP_R_NO_KEY_SET);
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "the signature cannot be "
		"verified with an empty pkey");
	return NULL;
    }
    return keyPtr != NULL ? keyPtr->pkeyPtr : NULL;
}

/* Ed25519 and Ed448 hash by themselves, see EVP_PKEY-ED25519(7). */
static int
HashesItself(
    EVP_PKEY *pkeyPtr)
{
    char name[80] = "";

    return EVP_PKEY_get_default_digest_name(pkeyPtr, name, sizeof(name)) == 2
	    && (name[0] == '\0' || strcmp(name, "UNDEF") == 0);
}

/*
 * PyosslPkeyDigest --
 *	The digest that goes with a key. A key that hashes by itself takes any
 *	digest's name, or the empty string, and gets NULL.
 */
int
PyosslPkeyDigest(
    Tcl_Interp *interp,
    PyosslModule module,
    EVP_PKEY *pkeyPtr,
    Tcl_Obj *digestObj,
    const EVP_MD **mdPtrPtr)
{
    int itself = HashesItself(pkeyPtr);

    ERR_clear_error();
    *mdPtrPtr = NULL;
    if (itself && Tcl_GetString(digestObj)[0] == '\0') {
	return TCL_OK;
    }
    *mdPtrPtr = PyosslGetDigest(interp, module, digestObj);
    if (*mdPtrPtr == NULL) {
	return TCL_ERROR;
    }
    if (itself) {
	*mdPtrPtr = NULL;
    }
    return TCL_OK;
}

/* Whether what a context is about to sign with has an algorithm's name. */
static int
HasAlgorithm(
    EVP_MD_CTX *mdCtx)
{
    unsigned char name[128];
    OSSL_PARAM params[2];

    params[0] = OSSL_PARAM_construct_octet_string(
	    OSSL_SIGNATURE_PARAM_ALGORITHM_ID, name, sizeof(name));
    params[1] = OSSL_PARAM_construct_end();
    return EVP_PKEY_CTX_get_params(EVP_MD_CTX_get_pkey_ctx(mdCtx), params) > 0
	    && params[0].return_size > 0;
}

/*
 * Signs a few bytes. OpenSSL's X509_sign and its like write the algorithm
 * into the structure before they find out that key and digest do not go
 * together; this finds out before anything is touched.
 */
static int
TrySignature(
    EVP_PKEY *pkeyPtr,
    const EVP_MD *mdPtr)
{
    EVP_MD_CTX *mdCtx = EVP_MD_CTX_new();
    unsigned char *signature = NULL;
    size_t length = 0;
    int ok;

    ok = mdCtx != NULL
	    && EVP_DigestSignInit(mdCtx, NULL, mdPtr, NULL, pkeyPtr) > 0;
    if (ok && (EVP_PKEY_is_a(pkeyPtr, "EC")
	    || EVP_PKEY_is_a(pkeyPtr, "DSA")) && !HasAlgorithm(mdCtx)) {
	/* X509_sign would fail without a reason. */
	ERR_raise(ERR_LIB_ASN1, ASN1_R_DIGEST_AND_KEY_TYPE_NOT_SUPPORTED);
	ok = 0;
    }
    /* Past this only a short RSA key can fail: no room for the digest. */
    if (ok && EVP_PKEY_get_bits(pkeyPtr) < 1024
	    && EVP_PKEY_is_a(pkeyPtr, "RSA")) {
	ok = EVP_DigestSign(mdCtx, NULL, &length,
		(const unsigned char *) "try", 3) > 0
		&& (signature = OPENSSL_malloc(length)) != NULL
		&& EVP_DigestSign(mdCtx, signature, &length,
		(const unsigned char *) "try", 3) > 0;
    }
    OPENSSL_free(signature);
    EVP_MD_CTX_free(mdCtx);
    return ok;
}

/*
 * PyosslPkeySignArgs --
 *	The arguments {pkey digest} of every method that signs.
 * Results:
 *	TCL_OK with the key, borrowed, and the digest, which fit each other;
 *	TCL_ERROR with the error in interp.
 */
int
PyosslPkeySignArgs(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *keyObj,
    Tcl_Obj *digestObj,
    EVP_PKEY **pkeyPtrPtr,
    const EVP_MD **mdPtrPtr)
{
    EVP_PKEY *pkeyPtr = PyosslPkeyGet(interp, module, keyObj, 1);

    if (pkeyPtr == NULL || PyosslPkeyDigest(interp, module, pkeyPtr,
	    digestObj, mdPtrPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (!TrySignature(pkeyPtr, *mdPtrPtr)) {
	return PyosslFailQueue(interp, module,
		"cannot sign with this key and digest");
    }
    *pkeyPtrPtr = pkeyPtr;
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Methods (manual 3.1.5)
 * ---------------------------------------------------------------------
 */

/* bits: the number of bits of the key; 0 without a key. */
static int
PkeyBits(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkey *keyPtr = objPtr->nativePtr;
    int bits = 0;

    (void) objc; (void) objv;
    if (keyPtr->pkeyPtr != NULL) {
	ERR_clear_error();
	bits = EVP_PKEY_get_bits(keyPtr->pkeyPtr);
	if (bits <= 0) {
	    /* Memory was lacking when it was loaded. */
	    return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		    "the size of the key is not known");
	}
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(bits));
    return TCL_OK;
}

/* type: OpenSSL's number of the key's type (TYPE_*); 0 without a key. */
static int
PkeyType(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkey *keyPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    keyPtr->pkeyPtr ? EVP_PKEY_get_base_id(keyPtr->pkeyPtr) : 0));
    return TCL_OK;
}

/*
 * check: 1 if the RSA key is consistent, else an Error, see
 * EVP_PKEY_check(3); a TypeError for every other kind of key.
 */
static int
PkeyCheck(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkey *keyPtr = objPtr->nativePtr;
    EVP_PKEY_CTX *ctxPtr;
    int ok;

    (void) objc; (void) objv;
    if (keyPtr->pkeyPtr == NULL) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "TypeError",
		"the pkey is empty: only an RSA key can be checked");
    }
    if (keyPtr->onlyPublic) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "TypeError",
		"the pkey has only a public key: it cannot be checked");
    }
    if (!EVP_PKEY_is_a(keyPtr->pkeyPtr, "RSA")
	    && !EVP_PKEY_is_a(keyPtr->pkeyPtr, "RSA-PSS")) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "TypeError",
		"only an RSA key can be checked");
    }
    ERR_clear_error();
    ctxPtr = EVP_PKEY_CTX_new_from_pkey(NULL, keyPtr->pkeyPtr, NULL);
    ok = ctxPtr != NULL && EVP_PKEY_check(ctxPtr) == 1;
    EVP_PKEY_CTX_free(ctxPtr);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the key is not consistent");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, Tcl_NewIntObj(1));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * generate_key. The generators leave their reason on OpenSSL's queue.
 * ---------------------------------------------------------------------
 */

/* Sets a context going; NULL on failure, and then it is freed. */
static EVP_PKEY_CTX *
GeneratorNew(
    const char *algorithm)
{
    EVP_PKEY_CTX *ctxPtr = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);

    if (ctxPtr != NULL && EVP_PKEY_keygen_init(ctxPtr) <= 0) {
	EVP_PKEY_CTX_free(ctxPtr);
	ctxPtr = NULL;
    }
    return ctxPtr;
}

/* Runs a context to its end and frees it. */
static EVP_PKEY *
GeneratorRun(
    EVP_PKEY_CTX *ctxPtr)
{
    EVP_PKEY *pkeyPtr = NULL;

    if (EVP_PKEY_generate(ctxPtr, &pkeyPtr) <= 0) {
	EVP_PKEY_free(pkeyPtr);
	pkeyPtr = NULL;
    }
    EVP_PKEY_CTX_free(ctxPtr);
    return pkeyPtr;
}

static EVP_PKEY *
GenerateRsa(
    int bits)
{
    EVP_PKEY_CTX *ctxPtr;

    if (bits < RSA_MIN_BITS) {
	ERR_raise_data(ERR_LIB_RSA, RSA_R_KEY_SIZE_TOO_SMALL,
		"OpenSSL makes none below %d bits", RSA_MIN_BITS);
	return NULL;
    }
    if (bits > OPENSSL_RSA_MAX_MODULUS_BITS) {
	/* OpenSSL would make it, for hours, and then not work with it. */
	ERR_raise(ERR_LIB_RSA, RSA_R_MODULUS_TOO_LARGE);
	return NULL;
    }
    ctxPtr = GeneratorNew("RSA");
    if (ctxPtr == NULL || EVP_PKEY_CTX_set_rsa_keygen_bits(ctxPtr, bits) <= 0) {
	EVP_PKEY_CTX_free(ctxPtr);
	return NULL;
    }
    return GeneratorRun(ctxPtr);
}

/*
 * A DSA key to parameters of less than 1024 bits, for which OpenSSL 3 makes
 * parameters but no keys: x of 1 to q-1 and y = g**x mod p (FIPS 186-4, B.1.2).
 */
static EVP_PKEY *
GenerateOldDsa(
    EVP_PKEY *paramsPtr)
{
    BIGNUM *pPtr = NULL, *qPtr = NULL, *gPtr = NULL;
    BIGNUM *xPtr = BN_secure_new(), *yPtr = BN_new();
    BN_CTX *bnCtx = BN_CTX_secure_new();
    OSSL_PARAM_BLD *buildPtr = OSSL_PARAM_BLD_new();
    OSSL_PARAM *paramPtr = NULL;
    EVP_PKEY_CTX *ctxPtr = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *pkeyPtr = NULL;
    int ok = xPtr != NULL && yPtr != NULL && bnCtx != NULL && buildPtr != NULL
	    && EVP_PKEY_get_bn_param(paramsPtr, OSSL_PKEY_PARAM_FFC_P, &pPtr)
	    && EVP_PKEY_get_bn_param(paramsPtr, OSSL_PKEY_PARAM_FFC_Q, &qPtr)
	    && EVP_PKEY_get_bn_param(paramsPtr, OSSL_PKEY_PARAM_FFC_G, &gPtr);

    if (ok) {
	BN_set_flags(xPtr, BN_FLG_CONSTTIME);
    }
    do {
	ok = ok && BN_priv_rand_range(xPtr, qPtr);
    } while (ok && BN_is_zero(xPtr));
    ok = ok && BN_mod_exp(yPtr, gPtr, xPtr, pPtr, bnCtx)
	    && OSSL_PARAM_BLD_push_BN(buildPtr, OSSL_PKEY_PARAM_FFC_P, pPtr)
	    && OSSL_PARAM_BLD_push_BN(buildPtr, OSSL_PKEY_PARAM_FFC_Q, qPtr)
	    && OSSL_PARAM_BLD_push_BN(buildPtr, OSSL_PKEY_PARAM_FFC_G, gPtr)
	    && OSSL_PARAM_BLD_push_BN(buildPtr, OSSL_PKEY_PARAM_PRIV_KEY, xPtr)
	    && OSSL_PARAM_BLD_push_BN(buildPtr, OSSL_PKEY_PARAM_PUB_KEY, yPtr)
	    && (paramPtr = OSSL_PARAM_BLD_to_param(buildPtr)) != NULL;
    if (ok && ctxPtr != NULL && EVP_PKEY_fromdata_init(ctxPtr) > 0) {
	EVP_PKEY_fromdata(ctxPtr, &pkeyPtr, EVP_PKEY_KEYPAIR, paramPtr);
    }
    OSSL_PARAM_free(paramPtr);
    OSSL_PARAM_BLD_free(buildPtr);
    EVP_PKEY_CTX_free(ctxPtr);
    BN_CTX_free(bnCtx);
    BN_free(pPtr);
    BN_free(qPtr);
    BN_free(gPtr);
    BN_clear_free(xPtr);
    BN_free(yPtr);
    return pkeyPtr;
}

/* Parameters of its own for each key, then the key (EVP_PKEY-DSA(7)). */
static EVP_PKEY *
GenerateDsa(
    int bits)
{
    EVP_PKEY_CTX *ctxPtr;
    EVP_PKEY *paramsPtr, *pkeyPtr = NULL;

    if (bits < DSA_MIN_BITS) {
	ERR_raise_data(ERR_LIB_DSA, DSA_R_BAD_FFC_PARAMETERS,
		"OpenSSL makes none below %d bits", DSA_MIN_BITS);
	return NULL;
    }
    if (bits > OPENSSL_DSA_MAX_MODULUS_BITS) {
	ERR_raise(ERR_LIB_DSA, DSA_R_MODULUS_TOO_LARGE);
	return NULL;
    }
    ctxPtr = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    /* The pairs of sizes of FIPS 186-4, and 160 bits below them. */
    if (ctxPtr == NULL || EVP_PKEY_paramgen_init(ctxPtr) <= 0
	    || EVP_PKEY_CTX_set_dsa_paramgen_bits(ctxPtr, bits) <= 0
	    || EVP_PKEY_CTX_set_dsa_paramgen_q_bits(ctxPtr,
	    bits >= 2048 ? 256 : 160) <= 0) {
	EVP_PKEY_CTX_free(ctxPtr);
	return NULL;
    }
    paramsPtr = GeneratorRun(ctxPtr);
    if (paramsPtr == NULL) {
	return NULL;
    }
    if (EVP_PKEY_get_bits(paramsPtr) < 1024) {
	pkeyPtr = GenerateOldDsa(paramsPtr);
	EVP_PKEY_free(paramsPtr);
	return pkeyPtr;
    }
    ctxPtr = EVP_PKEY_CTX_new_from_pkey(NULL, paramsPtr, NULL);
    if (ctxPtr != NULL && EVP_PKEY_keygen_init(ctxPtr) > 0) {
	pkeyPtr = GeneratorRun(ctxPtr);
    } else {
	EVP_PKEY_CTX_free(ctxPtr);
    }
    EVP_PKEY_free(paramsPtr);
    return pkeyPtr;
}

static EVP_PKEY *
GeneratePlain(
    const char *algorithm)
{
    EVP_PKEY_CTX *ctxPtr = GeneratorNew(algorithm);

    return ctxPtr != NULL ? GeneratorRun(ctxPtr) : NULL;
}

/* A bit count is wanted: *pkeyPtrPtr is NULL where the generator failed. */
static int
GenerateSized(
    Tcl_Interp *interp,
    int type,
    Tcl_Obj *bitsObj,
    EVP_PKEY **pkeyPtrPtr)
{
    int bits;

    if (PyosslGetInt(interp, PYOSSL_CRYPTO, "the number of bits", bitsObj,
	    &bits) != TCL_OK) {
	return TCL_ERROR;
    }
    if (type == EVP_PKEY_DSA) {
	*pkeyPtrPtr = GenerateDsa(bits);
	return TCL_OK;
    }
    if (bits <= 0) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the number of bits must be positive, not %d", bits);
    }
    *pkeyPtrPtr = GenerateRsa(bits);
    return TCL_OK;
}

/* A curve is wanted, by any of the names that OpenSSL has for it. */
static int
GenerateEc(
    Tcl_Interp *interp,
    Tcl_Obj *curveObj,
    EVP_PKEY **pkeyPtrPtr)
{
    EVP_PKEY_CTX *ctxPtr = GeneratorNew("EC");
    unsigned long reason;

    if (ctxPtr == NULL) {
	return TCL_OK;
    }
    if (EVP_PKEY_CTX_set_group_name(ctxPtr, Tcl_GetString(curveObj)) > 0) {
	*pkeyPtrPtr = GeneratorRun(ctxPtr);
    } else {
	EVP_PKEY_CTX_free(ctxPtr);
    }
    /* The name is looked up at the end, not where it is set. */
    reason = ERR_peek_error();
    if (*pkeyPtrPtr == NULL && ERR_GET_LIB(reason) == ERR_LIB_EC
	    && ERR_GET_REASON(reason) == EC_R_INVALID_CURVE) {
	ERR_clear_error();
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"no such curve: \"%.40s\"", Tcl_GetString(curveObj));
    }
    return TCL_OK;
}

/*
 * generate_key type ?bits|curve?: puts a new key into the object. bits for
 * RSA and DSA, a curve's name for EC, nothing for the other types. A
 * failure leaves the old key.
 */
static int
PkeyGenerateKey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkey *keyPtr = objPtr->nativePtr;
    EVP_PKEY *pkeyPtr = NULL;
    Tcl_WideInt type;
    int given, code = TCL_OK;

    if (PyosslGetConst(interp, PYOSSL_CRYPTO, "the key type", "TYPE_",
	    objv[2], &type) != TCL_OK) {
	return TCL_ERROR;
    }
    given = objc == 4 && Tcl_GetString(objv[3])[0] != '\0';
    ERR_clear_error();
    switch (type) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_DSA:
    case EVP_PKEY_EC:
	if (objc != 4) {
	    Tcl_WrongNumArgs(interp, 2, objv,
		    type == EVP_PKEY_EC ? "type curve" : "type bits");
	    return TCL_ERROR;
	}
	code = type == EVP_PKEY_EC
		? GenerateEc(interp, objv[3], &pkeyPtr)
		: GenerateSized(interp, (int) type, objv[3], &pkeyPtr);
	break;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
    case EVP_PKEY_X25519:
    case EVP_PKEY_X448:
	if (given) {
	    return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "keys of this type have one size: \"%.40s\" has no meaning",
		    Tcl_GetString(objv[3]));
	}
	pkeyPtr = GeneratePlain(OBJ_nid2sn((int) type));
	break;
    default:
	ERR_raise(ERR_LIB_EVP, EVP_R_UNSUPPORTED_KEY_TYPE);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "no such key type");
    }
    if (code != TCL_OK) {
	return code;
    }
    if (pkeyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot generate the key");
    }
    ERR_clear_error();
    EVP_PKEY_free(keyPtr->pkeyPtr);
    keyPtr->pkeyPtr = pkeyPtr;
    keyPtr->onlyPublic = 0;
    return TCL_OK;
}

static const PyosslMethod pkeyMethods[] = {
    {"bits", PkeyBits, 0, 0, NULL, 0},
    {"check", PkeyCheck, 0, 0, NULL, 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"generate_key", PkeyGenerateKey, 1, 2, "type ?bits|curve?", 0},
    {"type", PkeyType, 0, 0, NULL, 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslPkeyClass = {
    "pkey", PYOSSL_ID_PKEY, PYOSSL_CRYPTO, pkeyMethods, PkeyFree,
    PkeyNew, 0, 0, NULL, PkeyDup, NULL, NULL, NULL
};
