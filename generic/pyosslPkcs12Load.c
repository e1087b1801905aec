/*
 * pyosslPkcs12Load.c --
 *
 *	load_pkcs12: a PKCS#12 file taken apart. The class itself is
 *	pyosslPkcs12.c.
 *
 *	It is done here, bag by bag, rather than by PKCS12_parse: so friendly
 *	names are whole, and old algorithms work without a change to anything
 *	that others use.
 *
 *	    bytes --MAC checked--> parts --decrypted--> bags
 *	                                                 |  key, certificates
 *	    PyosslPkcs12 <--which certificate is the key's?
 *
 *	The functions leave their reason on OpenSSL's queue.
 */

#include "pyosslCrypto.h"
#include <openssl/asn1err.h>
#include <openssl/pkcs12err.h>

typedef struct Parse {
    const char *pass;		/* Or NULL. */
    int passLength;
    PyosslLegacy legacy;	/* For old ciphers. */
    char message[200];		/* What to say; empty: nothing special. */
    int locked;			/* Something in it is encrypted. */
    EVP_PKEY *pkeyPtr;		/* The first key. Owned. */
    Tcl_Obj *keyNameObj;	/* Its friendly name, or NULL. Counted. */
    STACK_OF(X509) *certsPtr;	/* All certificates, in order. Owned. */
    Tcl_Obj *namesObj;		/* A list of their friendly names. Counted. */
} Parse;

/* Forgets what was found so far. */
static void
ParseReset(
    Parse *parsePtr)
{
    EVP_PKEY_free(parsePtr->pkeyPtr);
    parsePtr->pkeyPtr = NULL;
    while (sk_X509_num(parsePtr->certsPtr) > 0) {
	X509_free(sk_X509_pop(parsePtr->certsPtr));
    }
    Tcl_DecrRefCount(parsePtr->namesObj);
    parsePtr->namesObj = Tcl_NewListObj(0, NULL);
    Tcl_IncrRefCount(parsePtr->namesObj);
    if (parsePtr->keyNameObj != NULL) {
	Tcl_DecrRefCount(parsePtr->keyNameObj);
	parsePtr->keyNameObj = NULL;
    }
}

static void
ParseDone(
    Parse *parsePtr)
{
    EVP_PKEY_free(parsePtr->pkeyPtr);
    sk_X509_pop_free(parsePtr->certsPtr, X509_free);
    Tcl_DecrRefCount(parsePtr->namesObj);
    if (parsePtr->keyNameObj != NULL) {
	Tcl_DecrRefCount(parsePtr->keyNameObj);
    }
    PyosslLegacyDone(&parsePtr->legacy);
}

/* Finds what is to decrypt an encryption, see PyosslLegacyUnlock. */
static int
ChooseContext(
    Parse *parsePtr,
    const X509_ALGOR *algorPtr,
    OSSL_LIB_CTX **libCtxPtr)
{
    parsePtr->locked = 1;
    if (PyosslLegacyUnlock(&parsePtr->legacy, algorPtr, libCtxPtr)) {
	return 1;
    }
    if (parsePtr->legacy.missing[0] != '\0') {
	snprintf(parsePtr->message, sizeof(parsePtr->message),
		"cannot load the PKCS#12 data: it is encrypted with %s",
		parsePtr->legacy.missing);
    }
    return 0;
}

/*
 * UTF-16, high byte first, as characters. PKCS12_get_friendlyname would end
 * at the first NUL.
 */
static Tcl_Obj *
Utf16Obj(
    const unsigned char *bytes,
    int length)
{
    Tcl_Obj *nameObj;
    Tcl_DString utf8;
    int i;

    if (length >= 2 && bytes[length - 2] == 0 && bytes[length - 1] == 0) {
	/* Some programs count the end of a C string as part of it. */
	length -= 2;
    }
    Tcl_DStringInit(&utf8);
    for (i = 0; i + 1 < length; i += 2) {
	unsigned long c = bytes[i] << 8 | bytes[i + 1];
	unsigned char out[4];
	int n;

	if (c >= 0xD800 && c < 0xDC00 && i + 3 < length
		&& (bytes[i + 2] & 0xFC) == 0xDC) {
	    c = 0x10000 + ((c & 0x3FF) << 10)
		    + ((bytes[i + 2] & 3) << 8 | bytes[i + 3]);
	    i += 2;
	}
	n = UTF8_putc(out, sizeof(out), c);
	if (n > 0) {
	    Tcl_DStringAppend(&utf8, (char *) out, n);
	} else {
	    /* Half of a pair: the replacement character. */
	    Tcl_DStringAppend(&utf8, "\xEF\xBF\xBD", 3);
	}
    }
    nameObj = PyosslUtf8Obj(Tcl_DStringValue(&utf8),
	    Tcl_DStringLength(&utf8));
    Tcl_DStringFree(&utf8);
    return nameObj;
}

/* The friendly name of a bag, without a reference; empty without one. */
static Tcl_Obj *
BagName(
    const PKCS12_SAFEBAG *bagPtr)
{
    const ASN1_TYPE *attributePtr = PKCS12_SAFEBAG_get0_attr(bagPtr,
	    NID_friendlyName);
    const ASN1_STRING *stringPtr;

    if (attributePtr == NULL || attributePtr->type != V_ASN1_BMPSTRING) {
	return Tcl_NewObj();
    }
    stringPtr = attributePtr->value.bmpstring;
    return Utf16Obj(ASN1_STRING_get0_data(stringPtr),
	    ASN1_STRING_length(stringPtr));
}

/* A key, encrypted or not. The first one counts. */
static int
ParseKey(
    Parse *parsePtr,
    const PKCS12_SAFEBAG *bagPtr)
{
    const X509_SIG *lockedPtr = PKCS12_SAFEBAG_get0_pkcs8(bagPtr);
    const X509_ALGOR *algorPtr;
    PKCS8_PRIV_KEY_INFO *infoPtr;
    OSSL_LIB_CTX *libCtx;

    if (parsePtr->pkeyPtr != NULL) {
	return 1;
    }
    if (lockedPtr == NULL) {
	parsePtr->pkeyPtr = EVP_PKCS82PKEY(
		PKCS12_SAFEBAG_get0_p8inf(bagPtr));
    } else {
	X509_SIG_get0(lockedPtr, &algorPtr, NULL);
	if (!ChooseContext(parsePtr, algorPtr, &libCtx)) {
	    return 0;
	}
	infoPtr = PKCS12_decrypt_skey_ex(bagPtr, parsePtr->pass,
		parsePtr->passLength, libCtx, NULL);
	if (infoPtr != NULL) {
	    parsePtr->pkeyPtr = EVP_PKCS82PKEY(infoPtr);
	    PKCS8_PRIV_KEY_INFO_free(infoPtr);
	}
    }
    if (parsePtr->pkeyPtr == NULL) {
	return 0;
    }
    parsePtr->keyNameObj = BagName(bagPtr);
    Tcl_IncrRefCount(parsePtr->keyNameObj);
    return 1;
}

static int
ParseCert(
    Parse *parsePtr,
    const PKCS12_SAFEBAG *bagPtr)
{
    X509 *certPtr;

    if (PKCS12_SAFEBAG_get_bag_nid(bagPtr) != NID_x509Certificate) {
	return 1;
    }
    certPtr = PKCS12_SAFEBAG_get1_cert(bagPtr);
    if (certPtr == NULL || !sk_X509_push(parsePtr->certsPtr, certPtr)) {
	X509_free(certPtr);
	return 0;
    }
    Tcl_ListObjAppendElement(NULL, parsePtr->namesObj, BagName(bagPtr));
    return 1;
}

/* Bags; other kinds than these (CRLs, secrets) are passed over. */
static int
ParseBags(
    Parse *parsePtr,
    const STACK_OF(PKCS12_SAFEBAG) *bagsPtr)
{
    int i, ok = 1;

    for (i = 0; ok && i < sk_PKCS12_SAFEBAG_num(bagsPtr); i++) {
	const PKCS12_SAFEBAG *bagPtr = sk_PKCS12_SAFEBAG_value(bagsPtr, i);

	switch (PKCS12_SAFEBAG_get_nid(bagPtr)) {
	case NID_keyBag:
	case NID_pkcs8ShroudedKeyBag:
	    ok = ParseKey(parsePtr, bagPtr);
	    break;
	case NID_certBag:
	    ok = ParseCert(parsePtr, bagPtr);
	    break;
	case NID_safeContentsBag:
	    /* OpenSSL's decoder has bounded how deep they are nested. */
	    ok = ParseBags(parsePtr, PKCS12_SAFEBAG_get0_safes(bagPtr));
	    break;
	default:
	    break;
	}
    }
    return ok;
}

/* One part of the file, in the clear or encrypted. */
static int
ParsePart(
    Parse *parsePtr,
    PKCS7 *partPtr)
{
    STACK_OF(PKCS12_SAFEBAG) *bagsPtr;
    PKCS7_ENC_CONTENT *contentPtr;
    OSSL_LIB_CTX *libCtx;
    int ok;

    switch (OBJ_obj2nid(partPtr->type)) {
    case NID_pkcs7_data:
	bagsPtr = PKCS12_unpack_p7data(partPtr);
	break;
    case NID_pkcs7_encrypted:
	/* Each of them is optional in OpenSSL's template. */
	contentPtr = partPtr->d.encrypted != NULL
		? partPtr->d.encrypted->enc_data : NULL;
	if (contentPtr == NULL || contentPtr->enc_data == NULL) {
	    ERR_raise(ERR_LIB_PKCS12, PKCS12_R_DECODE_ERROR);
	    return 0;
	}
	if (!ChooseContext(parsePtr, contentPtr->algorithm, &libCtx)) {
	    return 0;
	}
	bagsPtr = PKCS12_item_decrypt_d2i_ex(contentPtr->algorithm,
		ASN1_ITEM_rptr(PKCS12_SAFEBAGS), parsePtr->pass,
		parsePtr->passLength, contentPtr->enc_data, 1, libCtx, NULL);
	break;
    default:
	/* Encrypted for a public key, which nobody gave us. */
	return 1;
    }
    ok = bagsPtr != NULL && ParseBags(parsePtr, bagsPtr);
    sk_PKCS12_SAFEBAG_pop_free(bagsPtr, PKCS12_SAFEBAG_free);
    return ok;
}

static int
ParseFile(
    Parse *parsePtr,
    const PKCS12 *pfxPtr)
{
    STACK_OF(PKCS7) *partsPtr = PKCS12_unpack_authsafes(pfxPtr);
    int i, ok = partsPtr != NULL;

    for (i = 0; ok && i < sk_PKCS7_num(partsPtr); i++) {
	ok = ParsePart(parsePtr, sk_PKCS7_value(partsPtr, i));
    }
    sk_PKCS7_pop_free(partsPtr, PKCS7_free);
    return ok;
}

/* What to say where the passphrase may be at fault. */
static void
BlamePass(
    Parse *parsePtr,
    const PyosslPass *passPtr)
{
    if (parsePtr->message[0] == '\0') {
	snprintf(parsePtr->message, sizeof(parsePtr->message), "%s",
		passPtr->length > 0
		? "cannot load the PKCS#12 data; is the passphrase right?"
		: "cannot load the PKCS#12 data; does it need a passphrase?");
    }
}

/*
 * Checks the MAC, and finds what the passphrase is in this file: an empty
 * one is written as no bytes by some programs, as one NUL character by
 * others, see PKCS12_parse(3).
 */
static int
CheckMac(
    Parse *parsePtr,
    PKCS12 *pfxPtr,
    const PyosslPass *passPtr)
{
    const X509_ALGOR *algorPtr;
    const ASN1_INTEGER *iterPtr;

    PKCS12_get0_mac(NULL, &algorPtr, NULL, &iterPtr, pfxPtr);
    if (!PyosslLegacyAfford(&parsePtr->legacy, algorPtr, iterPtr, "a MAC")) {
	snprintf(parsePtr->message, sizeof(parsePtr->message),
		"cannot load the PKCS#12 data: it has %s",
		parsePtr->legacy.missing);
	return 0;
    }
    if (PKCS12_verify_mac(pfxPtr, parsePtr->pass, parsePtr->passLength)) {
	return 1;
    }
    if (parsePtr->pass == NULL) {
	ERR_clear_error();
	parsePtr->pass = "";
	if (PKCS12_verify_mac(pfxPtr, parsePtr->pass, 0)) {
	    return 1;
	}
    }
    if (ERR_peek_error() == 0) {
	ERR_raise(ERR_LIB_PKCS12, PKCS12_R_MAC_VERIFY_FAILURE);
	BlamePass(parsePtr, passPtr);
    }
    return 0;
}

/*
 * A file without a MAC: whether the passphrase is right, only the decryption
 * tells; so an empty one is tried in both its forms.
 */
static int
ParseWithoutMac(
    Parse *parsePtr,
    const PKCS12 *pfxPtr,
    const PyosslPass *passPtr)
{
    if (ParseFile(parsePtr, pfxPtr)) {
	return 1;
    }
    if (parsePtr->pass == NULL && parsePtr->message[0] == '\0') {
	ParseReset(parsePtr);
	ERR_clear_error();
	parsePtr->pass = "";
	if (ParseFile(parsePtr, pfxPtr)) {
	    return 1;
	}
    }
    if (parsePtr->locked) {
	BlamePass(parsePtr, passPtr);
    }
    return 0;
}

/*
 * Whether memory was lacking for the public key of one of the certificates:
 * OpenSSL then loads the certificate without it, and without a word.
 */
static int
KeyLost(
    STACK_OF(X509) *certsPtr)
{
    int i, lost = 0;

    for (i = 0; !lost && i < sk_X509_num(certsPtr); i++) {
	if (X509_get0_pubkey(sk_X509_value(certsPtr, i)) == NULL) {
	    X509 *copyPtr = X509_dup(sk_X509_value(certsPtr, i));

	    lost = copyPtr == NULL || X509_get0_pubkey(copyPtr) != NULL;
	    X509_free(copyPtr);
	}
    }
    return lost;
}

/*
 * Sorts out what was found: the first certificate that is the key's is the
 * certificate, the others are CA certificates.
 */
static PyosslPkcs12 *
ParseResult(
    Parse *parsePtr)
{
    PyosslPkcs12 *p12Ptr = PyosslPkcs12Alloc();
    Tcl_Obj *nameObj = NULL;
    Tcl_Size length;
    int i, found = -1, count = sk_X509_num(parsePtr->certsPtr);

    p12Ptr->pkeyPtr = parsePtr->pkeyPtr;
    parsePtr->pkeyPtr = NULL;
    for (i = 0; found < 0 && i < count && p12Ptr->pkeyPtr != NULL; i++) {
	if (X509_check_private_key(sk_X509_value(parsePtr->certsPtr, i),
		p12Ptr->pkeyPtr)) {
	    found = i;
	}
    }
    for (i = 0; i < count; i++) {
	const char *name;

	Tcl_ListObjIndex(NULL, parsePtr->namesObj, i, &nameObj);
	if (i != found) {
	    Tcl_DString utf8;

	    /* So that an export has it again. */
	    name = PyosslGetUtf8(nameObj, &utf8, &length);
	    if (length > 0) {
		X509_alias_set1(sk_X509_value(parsePtr->certsPtr, i),
			(const unsigned char *) name, (int) length);
	    }
	    Tcl_DStringFree(&utf8);
	}
    }
    if (found >= 0) {
	Tcl_ListObjIndex(NULL, parsePtr->namesObj, found, &nameObj);
	PyosslPkcs12SetName(p12Ptr,
		Tcl_GetCharLength(nameObj) > 0 ? nameObj : NULL);
	p12Ptr->certPtr = sk_X509_delete(parsePtr->certsPtr, found);
    }
    if (p12Ptr->nameObj == NULL && parsePtr->keyNameObj != NULL
	    && Tcl_GetCharLength(parsePtr->keyNameObj) > 0) {
	PyosslPkcs12SetName(p12Ptr, parsePtr->keyNameObj);
    }
    if (sk_X509_num(parsePtr->certsPtr) > 0) {
	p12Ptr->caPtr = parsePtr->certsPtr;
	parsePtr->certsPtr = NULL;
    }
    return p12Ptr;
}

/* DER, to its last byte. */
static PKCS12 *
FromDer(
    const unsigned char *bytes,
    int length)
{
    const unsigned char *p = bytes;
    PKCS12 *pfxPtr = d2i_PKCS12(NULL, &p, length);

    if (pfxPtr != NULL && p != bytes + length) {
	PKCS12_free(pfxPtr);
	ERR_raise_data(ERR_LIB_ASN1, ASN1_R_TOO_LONG,
		"%d bytes follow its end", (int) (bytes + length - p));
	return NULL;
    }
    return pfxPtr;
}

/*
 * load_pkcs12 buffer ?passphrase? (manual 3.1): a new pkcs12. A MAC is always
 * checked; the manual's library required one, today's OpenSSL does not.
 */
int
PyosslPkcs12Load(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const unsigned char *bytes;
    PyosslPkcs12 *p12Ptr = NULL;
    PKCS12 *pfxPtr;
    PyosslPass pass;
    Parse parse;
    int length;

    if (PyosslGetBuffer(interp, PYOSSL_CRYPTO, "the buffer", objv[1], &bytes,
	    &length) != TCL_OK || PyosslPkcs12Pass(interp, ipPtr, objc - 2, objv + 2,
	    &pass) != TCL_OK) {
	return TCL_ERROR;
    }
    memset(&parse, 0, sizeof(parse));
    parse.namesObj = Tcl_NewListObj(0, NULL);
    Tcl_IncrRefCount(parse.namesObj);
    ERR_clear_error();
    parse.certsPtr = sk_X509_new_null();
    pfxPtr = parse.certsPtr != NULL ? FromDer(bytes, length) : NULL;
    parse.pass = pass.length > 0 ? pass.string : NULL;
    parse.passLength = (int) pass.length;
    if (pfxPtr != NULL && (PKCS12_mac_present(pfxPtr)
	    ? CheckMac(&parse, pfxPtr, &pass) && ParseFile(&parse, pfxPtr)
	    : ParseWithoutMac(&parse, pfxPtr, &pass))) {
	ERR_clear_error();
	p12Ptr = ParseResult(&parse);
	if (p12Ptr->certPtr == NULL && p12Ptr->pkeyPtr != NULL
		&& (PyosslErrorNoMemory() || (p12Ptr->caPtr != NULL
		&& KeyLost(p12Ptr->caPtr)))) {
	    /* A certificate may not have been known for the key's. */
	    pyosslPkcs12Class.freeProc(p12Ptr);
	    p12Ptr = NULL;
	}
    }
    if (p12Ptr == NULL) {
	if (ERR_peek_error() == 0) {
	    /* A number of iterations that is none, for example. */
	    ERR_raise(ERR_LIB_PKCS12, PKCS12_R_PARSE_ERROR);
	}
	PyosslFailQueue(interp, PYOSSL_CRYPTO, parse.message[0] != '\0'
		? parse.message : "cannot load the PKCS#12 data");
    }
    PKCS12_free(pfxPtr);
    ParseDone(&parse);
    PyosslPassDone(&pass);
    ERR_clear_error();
    return p12Ptr != NULL
	    ? PyosslObjectReturn(ipPtr, &pyosslPkcs12Class, p12Ptr)
	    : TCL_ERROR;
}
