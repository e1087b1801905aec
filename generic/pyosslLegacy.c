/*
 * pyosslLegacy.c --
 *
 *	Ciphers of old files (DES, RC2, RC4, Blowfish, ...), which OpenSSL has
 *	put away into its provider "legacy". That one is loaded into a library
 *	context of our own, for one call: the process's own set of algorithms
 *	is never changed. See OSSL_PROVIDER-legacy(7).
 *
 *	And what a file may cost. It says itself how often its passphrase is to
 *	be hashed (RFC 8018); OpenSSL does what it says, which may take hours.
 */

#include "pyosslCrypto.h"
#include <openssl/pkcs12err.h>

/* PyosslLegacyInit -- begins a call; costs nothing unless it is needed. */
void
PyosslLegacyInit(
    PyosslLegacy *legacyPtr)
{
    memset(legacyPtr, 0, sizeof(*legacyPtr));
}

/* PyosslLegacyDone -- ends the call; what [Choose] gave is no more. */
void
PyosslLegacyDone(
    PyosslLegacy *legacyPtr)
{
    OSSL_PROVIDER_unload(legacyPtr->legacyPtr);
    OSSL_PROVIDER_unload(legacyPtr->defaultPtr);
    OSSL_LIB_CTX_free(legacyPtr->libCtx);
}

/*
 * The cipher of a password-based encryption (RFC 8018); NID_undef if it is
 * none that OpenSSL knows.
 */
static int
CipherNid(
    const X509_ALGOR *algorPtr)
{
    const ASN1_OBJECT *oidPtr;
    int nid = NID_undef;

    X509_ALGOR_get0(&oidPtr, NULL, NULL, algorPtr);
    if (OBJ_obj2nid(oidPtr) == NID_pbes2) {
	PBE2PARAM *paramPtr = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(PBE2PARAM), algorPtr->parameter);

	if (paramPtr != NULL) {
	    nid = OBJ_obj2nid(paramPtr->encryption->algorithm);
	    PBE2PARAM_free(paramPtr);
	}
    } else {
	EVP_PBE_find(EVP_PBE_TYPE_OUTER, OBJ_obj2nid(oidPtr), &nid, NULL,
		NULL);
    }
    return nid;
}

/* A number in a file; none is 1. What does not fit is more than any limit. */
static double
Number(
    const ASN1_INTEGER *integerPtr)
{
    uint64_t value;

    if (integerPtr == NULL) {
	return 1;
    }
    if (ASN1_STRING_type(integerPtr) == V_ASN1_NEG_INTEGER) {
	/* OpenSSL will say that it is wrong. */
	return 0;
    }
    return ASN1_INTEGER_get_uint64(&value, integerPtr) ? (double) value
	    : 1e30;
}

/* How often a function that makes a key of a passphrase hashes it. */
static double
DerivationCost(
    const X509_ALGOR *algorPtr)
{
    int nid = OBJ_obj2nid(algorPtr->algorithm);
    double cost = 0;

    if (nid == NID_id_pbkdf2) {
	PBKDF2PARAM *paramPtr = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(PBKDF2PARAM), algorPtr->parameter);

	if (paramPtr != NULL) {
	    cost = Number(paramPtr->iter);
	    PBKDF2PARAM_free(paramPtr);
	}
    } else if (nid == NID_id_scrypt) {
	SCRYPT_PARAMS *paramPtr = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(SCRYPT_PARAMS), algorPtr->parameter);

	if (paramPtr != NULL) {
	    cost = Number(paramPtr->costParameter)
		    * Number(paramPtr->blockSize)
		    * Number(paramPtr->parallelizationParameter);
	    SCRYPT_PARAMS_free(paramPtr);
	}
    }
    return cost;
}

/* The same of an encryption, or of a MAC in the manner of RFC 9579. */
static double
AlgorithmCost(
    const X509_ALGOR *algorPtr)
{
    int nid = OBJ_obj2nid(algorPtr->algorithm);
    double cost = 0;

    if (nid == NID_pbes2 || nid == NID_pbmac1) {
	/* Both have the derivation first, and another algorithm behind it. */
	PBE2PARAM *paramPtr = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(PBE2PARAM), algorPtr->parameter);

	if (paramPtr != NULL) {
	    cost = DerivationCost(paramPtr->keyfunc);
	    PBE2PARAM_free(paramPtr);
	}
    } else {
	PBEPARAM *paramPtr = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(PBEPARAM), algorPtr->parameter);

	if (paramPtr != NULL) {
	    cost = Number(paramPtr->iter);
	    PBEPARAM_free(paramPtr);
	}
    }
    return cost;
}

/*
 * PyosslLegacyAfford --
 *	Counts what a passphrase costs in one call, and stops what takes too
 *	long.
 * Arguments:
 *	algorPtr  Of an encryption or a MAC; NULL for neither.
 *	integerPtr  How often besides, as the MAC of a PKCS#12 says it; NULL if
 *		it says nothing.
 *	what	Of what it is the passphrase, for the message.
 * Results:
 *	1; 0 where it is more than PYOSSL_MAX_ITERATIONS in all, with the
 *	reason on the queue and in words in legacyPtr->missing.
 */
int
PyosslLegacyAfford(
    PyosslLegacy *legacyPtr,
    const X509_ALGOR *algorPtr,
    const ASN1_INTEGER *integerPtr,
    const char *what)
{
    ERR_set_mark();
    if (algorPtr != NULL) {
	legacyPtr->cost += AlgorithmCost(algorPtr);
    }
    if (integerPtr != NULL) {
	legacyPtr->cost += Number(integerPtr);
    }
    ERR_pop_to_mark();
    if (legacyPtr->cost <= PYOSSL_MAX_ITERATIONS) {
	return 1;
    }
    snprintf(legacyPtr->missing, sizeof(legacyPtr->missing),
	    "%s under a passphrase that is hashed more than %ld times", what,
	    PYOSSL_MAX_ITERATIONS);
    ERR_raise_data(ERR_LIB_PKCS12, PKCS12_R_KEY_GEN_ERROR, "%g iterations",
	    legacyPtr->cost);
    return 0;
}

/* Whether a context has that cipher. */
static int
CipherPresent(
    OSSL_LIB_CTX *libCtx,
    int nid)
{
    EVP_CIPHER *cipherPtr;

    ERR_set_mark();
    cipherPtr = EVP_CIPHER_fetch(libCtx, OBJ_nid2sn(nid), NULL);
    EVP_CIPHER_free(cipherPtr);
    ERR_pop_to_mark();
    return cipherPtr != NULL;
}

/*
 * PyosslLegacyChoose --
 *	Finds the library context that has a cipher: NULL, the process's own,
 *	or where that lacks it the one with the legacy provider.
 * Arguments:
 *	nid	The cipher; NID_undef is left to OpenSSL to complain of.
 * Results:
 *	1 with *libCtxPtr, borrowed; 0 where a provider is missing, with the
 *	reason on the queue and in words in legacyPtr->missing.
 */
int
PyosslLegacyChoose(
    PyosslLegacy *legacyPtr,
    int nid,
    OSSL_LIB_CTX **libCtxPtr)
{
    *libCtxPtr = NULL;
    if (nid == NID_undef || CipherPresent(NULL, nid)) {
	return 1;
    }
    if (legacyPtr->libCtx == NULL) {
	legacyPtr->libCtx = OSSL_LIB_CTX_new();
	if (legacyPtr->libCtx == NULL) {
	    /* NULL would be the process's own. */
	    return 0;
	}
	legacyPtr->legacyPtr = OSSL_PROVIDER_load(legacyPtr->libCtx,
		"legacy");
	legacyPtr->defaultPtr = OSSL_PROVIDER_load(legacyPtr->libCtx,
		"default");
    }
    if (legacyPtr->legacyPtr == NULL || legacyPtr->defaultPtr == NULL) {
	snprintf(legacyPtr->missing, sizeof(legacyPtr->missing),
		"%s, for which OpenSSL's provider \"%s\" is missing",
		OBJ_nid2sn(nid),
		legacyPtr->legacyPtr == NULL ? "legacy" : "default");
	return 0;
    }
    *libCtxPtr = legacyPtr->libCtx;
    return 1;
}

/*
 * PyosslLegacyUnlock --
 *	What must be there before something encrypted under a passphrase is
 *	decrypted: the cipher, see PyosslLegacyChoose, and the time for it, see
 *	PyosslLegacyAfford.
 */
int
PyosslLegacyUnlock(
    PyosslLegacy *legacyPtr,
    const X509_ALGOR *algorPtr,
    OSSL_LIB_CTX **libCtxPtr)
{
    int nid = CipherNid(algorPtr);

    *libCtxPtr = NULL;
    return PyosslLegacyAfford(legacyPtr, algorPtr, NULL,
	    nid != NID_undef ? OBJ_nid2sn(nid) : "a cipher")
	    && PyosslLegacyChoose(legacyPtr, nid, libCtxPtr);
}
