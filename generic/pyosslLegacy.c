/*
 * pyosslLegacy.c --
 *
 *	Ciphers of old files (DES, RC2, RC4, Blowfish, ...), which OpenSSL has
 *	put away into its provider "legacy". That one is loaded into a library
 *	context of our own, for one call: the process's own set of algorithms
 *	is never changed. See OSSL_PROVIDER-legacy(7).
 */

#include "pyosslCrypto.h"

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
 * PyosslLegacyCipherNid --
 *	The cipher of a password-based encryption (RFC 8018); NID_undef if it
 *	is none that OpenSSL knows.
 */
int
PyosslLegacyCipherNid(
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
