/*
 * pyosslSpki.c --
 *
 *	Class spki: Netscape's signed public key and challenge, which browsers
 *	made for <keygen>.
 */

#include "pyosslCrypto.h"
#include <openssl/asn1err.h>
#include <openssl/evperr.h>
#include <limits.h>

static const char base64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	"abcdefghijklmnopqrstuvwxyz0123456789+/";

static void
SpkiFree(
    void *nativePtr)
{
    NETSCAPE_SPKI_free(nativePtr);
}

/* dup: through the encoding; an object without a signature has none. */
static void *
SpkiDup(
    void *nativePtr)
{
    ERR_clear_error();
    return ASN1_item_dup(ASN1_ITEM_rptr(NETSCAPE_SPKI), nativePtr);
}

/*
 * Copies base64 without the white space between its digits. There may be
 * some: forms were sent with their lines broken.
 * Results:
 *	The number of characters in out, a multiple of four; -1 if that is no
 *	base64. *paddingPtr counts the "=" at its end.
 */
static int
StripBase64(
    const char *in,
    Tcl_Size length,
    char *out,
    int *paddingPtr)
{
    int count = 0, padding = 0;
    Tcl_Size i;

    for (i = 0; i < length; i++) {
	if (in[i] == ' ' || in[i] == '\n' || in[i] == '\r' || in[i] == '\t') {
	    continue;
	}
	if (in[i] == '=' && padding < 2) {
	    padding++;
	} else if (in[i] == '\0' || padding > 0
		|| strchr(base64Digits, in[i]) == NULL) {
	    return -1;
	}
	out[count++] = in[i];
    }
    *paddingPtr = padding;
    return count % 4 == 0 ? count : -1;
}

/*
 * What base64 stands for, to its last byte. NETSCAPE_SPKI_b64_decode would
 * take what follows the value, and zeros in the place of the padding.
 * Results:
 *	A new object, the caller's; NULL with the reason on OpenSSL's queue.
 */
static NETSCAPE_SPKI *
SpkiDecode(
    const char *base64,
    Tcl_Size length)
{
    NETSCAPE_SPKI *spkiPtr = NULL;
    char *text = ckalloc(length + 1);
    unsigned char *der = (unsigned char *) ckalloc(length + 1);
    const unsigned char *p = der;
    int padding, count = StripBase64(base64, length, text, &padding);

    if (count > 0) {
	count = EVP_DecodeBlock(der, (unsigned char *) text, count) - padding;
    }
    if (count <= 0) {
	ERR_raise(ERR_LIB_X509, X509_R_BASE64_DECODE_ERROR);
    } else {
	spkiPtr = d2i_NETSCAPE_SPKI(NULL, &p, count);
	if (spkiPtr != NULL && p != der + count) {
	    NETSCAPE_SPKI_free(spkiPtr);
	    spkiPtr = NULL;
	    ERR_raise_data(ERR_LIB_ASN1, ASN1_R_TOO_LONG,
		    "%d bytes follow its end", (int) (der + count - p));
	}
    }
    ckfree(text);
    ckfree((char *) der);
    return spkiPtr;
}

/*
 * [pyossl::spki new ?enc?]: an empty object, or the one that b64_encode or a
 * browser has made (manual 3.1, NetscapeSPKI).
 */
static void *
SpkiNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    NETSCAPE_SPKI *spkiPtr;
    const char *base64 = NULL;
    Tcl_Size length = 0;

    (void) ipPtr;
    if (objc > 0) {
	base64 = (const char *) PyosslGetBytes(interp, PYOSSL_CRYPTO,
		"the encoded object", objv[0], &length);
	if (base64 == NULL) {
	    return NULL;
	}
	if (length > INT_MAX / 2) {
	    PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "the encoded object is too long");
	    return NULL;
	}
    }
    ERR_clear_error();
    /* The empty string is None, and what b64_encode gives for nothing. */
    spkiPtr = length > 0 ? SpkiDecode(base64, length) : NETSCAPE_SPKI_new();
    if (spkiPtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_CRYPTO, length > 0
		? "cannot decode the signed public key"
		: "cannot make a signed public key");
	return NULL;
    }
    ERR_clear_error();
    return spkiPtr;
}

/* Whether nothing was put into the object since it was made. */
static int
IsEmpty(
    const NETSCAPE_SPKI *spkiPtr)
{
    const ASN1_OBJECT *keyOidPtr, *signatureOidPtr;

    X509_PUBKEY_get0_param((ASN1_OBJECT **) &keyOidPtr, NULL, NULL, NULL,
	    spkiPtr->spkac->pubkey);
    X509_ALGOR_get0(&signatureOidPtr, NULL, NULL, &spkiPtr->sig_algor);
    return OBJ_length(keyOidPtr) == 0 && OBJ_length(signatureOidPtr) == 0
	    && ASN1_STRING_length(spkiPtr->spkac->challenge) == 0;
}

/*
 * ---------------------------------------------------------------------
 * Methods (manual 3.1.9)
 * ---------------------------------------------------------------------
 */

/*
 * b64_encode: the object in base64, one line without an end; empty as long
 * as it is. An Error for what has a key but no signature: it has no encoding.
 */
static int
SpkiB64Encode(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned char *der = NULL, *base64;
    int length;

    (void) objc; (void) objv;
    if (IsEmpty(objPtr->nativePtr)) {
	return TCL_OK;
    }
    ERR_clear_error();
    length = i2d_NETSCAPE_SPKI(objPtr->nativePtr, &der);
    if (length < 0) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot encode the "
		"signed public key: it has no key or no signature");
    }
    ERR_clear_error();
    base64 = (unsigned char *) ckalloc((length + 2) / 3 * 4 + 1);
    length = EVP_EncodeBlock(base64, der, length);
    OPENSSL_free(der);
    Tcl_SetObjResult(interp, Tcl_NewStringObj((char *) base64, length));
    ckfree((char *) base64);
    return TCL_OK;
}

/* get_pubkey: a new pkey with the public key; an Error where there is none. */
static int
SpkiGetPubkey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr;

    (void) objc; (void) objv;
    ERR_clear_error();
    pkeyPtr = NETSCAPE_SPKI_get_pubkey(objPtr->nativePtr);
    if (pkeyPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"there is no public key that can be read");
    }
    ERR_clear_error();
    return PyosslPkeyReturn(objPtr->ipPtr, pkeyPtr, 1);
}

/* set_pubkey key: takes the public half of a key. */
static int
SpkiSetPubkey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr = PyosslPkeyGet(interp, PYOSSL_CRYPTO, objv[2], 0);

    (void) objc;
    if (pkeyPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (!NETSCAPE_SPKI_set_pubkey(objPtr->nativePtr, pkeyPtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the public key");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* sign key digest_name: signs key and challenge with a private key. */
static int
SpkiSign(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr, *ownPtr;
    const EVP_MD *mdPtr;

    (void) objc;
    if (PyosslPkeySignArgs(interp, PYOSSL_CRYPTO, objv[2], objv[3], &pkeyPtr,
	    &mdPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    ownPtr = NETSCAPE_SPKI_get_pubkey(objPtr->nativePtr);
    EVP_PKEY_free(ownPtr);
    ERR_clear_error();
    if (!NETSCAPE_SPKI_sign(objPtr->nativePtr, pkeyPtr, mdPtr)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, ownPtr != NULL
		? "cannot sign the public key"
		: "there is no public key to sign: call set_pubkey first");
    }
    ERR_clear_error();
    return TCL_OK;
}

/* verify key: 1 if the signature is that key's, else an Error. */
static int
SpkiVerify(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    EVP_PKEY *pkeyPtr = PyosslPkeyVerifier(interp, objv[2]);

    (void) objc;
    if (pkeyPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    if (NETSCAPE_SPKI_verify(objPtr->nativePtr, pkeyPtr) <= 0) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"the signature does not verify with this key");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, Tcl_NewIntObj(1));
    return TCL_OK;
}

/*
 * get_challenge, set_challenge challenge: the string that the page asked the
 * browser to sign, in ASCII (an IA5String). Additions to the manual, whose
 * objects could not be told from those of another page.
 */
static int
SpkiGetChallenge(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const NETSCAPE_SPKI *spkiPtr = objPtr->nativePtr;
    const ASN1_STRING *challengePtr = spkiPtr->spkac->challenge;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslUtf8Obj(
	    (const char *) ASN1_STRING_get0_data(challengePtr),
	    ASN1_STRING_length(challengePtr)));
    return TCL_OK;
}

static int
SpkiSetChallenge(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const NETSCAPE_SPKI *spkiPtr = objPtr->nativePtr;
    Tcl_Size i, length;
    const char *challenge = Tcl_GetStringFromObj(objv[2], &length);

    (void) objc;
    /* Tcl's form of a NUL has bytes above 127 too. */
    for (i = 0; i < length; i++) {
	if ((unsigned char) challenge[i] > 127) {
	    return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		    "the challenge must be ASCII without a NUL");
	}
    }
    ERR_clear_error();
    if (length > INT_MAX - 1 || !ASN1_STRING_set(spkiPtr->spkac->challenge,
	    challenge, (int) length)) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot set the challenge");
    }
    return TCL_OK;
}

static const PyosslMethod spkiMethods[] = {
    {"b64_encode", SpkiB64Encode, 0, 0, NULL, 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"get_challenge", SpkiGetChallenge, 0, 0, NULL, 0},
    {"get_pubkey", SpkiGetPubkey, 0, 0, NULL, 0},
    {"set_challenge", SpkiSetChallenge, 1, 1, "challenge", 0},
    {"set_pubkey", SpkiSetPubkey, 1, 1, "key", 0},
    {"sign", SpkiSign, 2, 2, "key digest_name", 0},
    {"verify", SpkiVerify, 1, 1, "key", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslSpkiClass = {
    "spki", PYOSSL_ID_SPKI, PYOSSL_CRYPTO, spkiMethods, SpkiFree,
    SpkiNew, 0, 1, "?enc?", SpkiDup, NULL, NULL, NULL
};
