/*
 * pyosslKeyFile.c --
 *
 *	Private keys in files: every form is read, PKCS#8 is written. Knows no
 *	commands; load_privatekey, dump_privatekey (pyosslCrypto.c) and the
 *	contexts' use_privatekey_file (pyosslCtxLoad.c) are made of it.
 *
 *	Each form is taken apart here rather than by OpenSSL's decoders, so that
 *	a passphrase is asked for once, and only where a key really needs it;
 *	and so that old ciphers work, see pyosslLegacy.c.
 *
 *	The functions leave their reason on OpenSSL's queue.
 */

#include "pyosslCrypto.h"
#include <openssl/asn1err.h>
#include <openssl/pemerr.h>

/* In BER: the end is marked. DER knows lengths only. */
#define INDEFINITE_LENGTH	0x80

/* What the functions below share: the passphrase, and old ciphers. */
typedef struct Lock {
    PyosslPass *passPtr;
    PyosslLegacy *legacyPtr;
} Lock;

/* A key in PKCS#8, unlocked. */
static EVP_PKEY *
KeyFromPkcs8(
    PKCS8_PRIV_KEY_INFO *infoPtr)
{
    EVP_PKEY *pkeyPtr = infoPtr != NULL ? EVP_PKCS82PKEY(infoPtr) : NULL;

    PKCS8_PRIV_KEY_INFO_free(infoPtr);
    return pkeyPtr;
}

/* A key in PKCS#8 under a passphrase, which is asked for. */
static EVP_PKEY *
KeyFromLocked(
    const X509_SIG *lockedPtr,
    const Lock *lockPtr)
{
    char buf[PEM_BUFSIZE];
    PKCS8_PRIV_KEY_INFO *infoPtr = NULL;
    const X509_ALGOR *algorPtr;
    OSSL_LIB_CTX *libCtx;
    int length;

    X509_SIG_get0(lockedPtr, &algorPtr, NULL);
    if (!PyosslLegacyUnlock(lockPtr->legacyPtr, algorPtr, &libCtx)) {
	return NULL;
    }
    length = PyosslPassRead(buf, sizeof(buf), 0, lockPtr->passPtr);
    if (length < 0) {
	ERR_raise(ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ);
    } else {
	infoPtr = PKCS8_decrypt_ex(lockedPtr, buf, length, libCtx, NULL);
	OPENSSL_cleanse(buf, sizeof(buf));
    }
    return KeyFromPkcs8(infoPtr);
}

/* Whether the DER that was read is all there is; else the queue says so. */
static int
AtEnd(
    const unsigned char *p,
    const unsigned char *end)
{
    if (p != end) {
	ERR_raise_data(ERR_LIB_ASN1, ASN1_R_TOO_LONG,
		"%d bytes follow its end", (int) (end - p));
    }
    return p == end;
}

/*
 * A key in DER of any form: PKCS#8, locked or not, or the type's own. The
 * first two are tried first, since their outer structure tells them apart.
 */
static EVP_PKEY *
KeyFromDer(
    const unsigned char *bytes,
    long length,
    const Lock *lockPtr)
{
    const unsigned char *p = bytes, *end = bytes + length;
    X509_SIG *lockedPtr = d2i_X509_SIG(NULL, &p, length);
    PKCS8_PRIV_KEY_INFO *infoPtr;
    EVP_PKEY *pkeyPtr = NULL;

    if (lockedPtr != NULL) {
	if (AtEnd(p, end)) {
	    pkeyPtr = KeyFromLocked(lockedPtr, lockPtr);
	}
	X509_SIG_free(lockedPtr);
	return pkeyPtr;
    }
    ERR_clear_error();
    p = bytes;
    infoPtr = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, length);
    if (infoPtr != NULL) {
	pkeyPtr = KeyFromPkcs8(infoPtr);
    } else if (length >= 2 && bytes[1] == INDEFINITE_LENGTH) {
	/* No key is written so, and OpenSSL would look at it for long. */
	ERR_clear_error();
	ERR_raise(ERR_LIB_ASN1, ASN1_R_BAD_OBJECT_HEADER);
    } else {
	ERR_clear_error();
	p = bytes;
	pkeyPtr = d2i_AutoPrivateKey(NULL, &p, length);
    }
    if (pkeyPtr != NULL && !AtEnd(p, end)) {
	EVP_PKEY_free(pkeyPtr);
	pkeyPtr = NULL;
    }
    return pkeyPtr;
}

/* Whether a PEM block holds a private key that OpenSSL knows to read. */
static int
IsKeyBlock(
    const char *name)
{
    static const char suffix[] = "PRIVATE KEY";
    size_t length = strlen(name), skip = sizeof(suffix) - 1;

    return length >= skip && strcmp(name + length - skip, suffix) == 0
	    && strncmp(name, "OPENSSH", 7) != 0;
}

/*
 * Unlocks a block of PEM by what its header says (RFC 1421); without such a
 * header it is not locked.
 */
static int
UnlockBlock(
    char *header,
    unsigned char *data,
    long *lengthPtr,
    const Lock *lockPtr)
{
    EVP_CIPHER_INFO info;
    EVP_CIPHER *oldPtr = NULL;
    OSSL_LIB_CTX *libCtx;
    int ok;

    if (!PEM_get_EVP_CIPHER_INFO(header, &info)) {
	return 0;
    }
    if (info.cipher != NULL) {
	int nid = EVP_CIPHER_get_nid(info.cipher);

	if (!PyosslLegacyChoose(lockPtr->legacyPtr, nid, &libCtx)) {
	    return 0;
	}
	if (libCtx != NULL) {
	    oldPtr = EVP_CIPHER_fetch(libCtx, OBJ_nid2sn(nid), NULL);
	    if (oldPtr == NULL) {
		return 0;
	    }
	    info.cipher = oldPtr;
	}
    }
    ok = PEM_do_header(&info, data, lengthPtr, PyosslPassRead,
	    lockPtr->passPtr);
    EVP_CIPHER_free(oldPtr);
    return ok;
}

/* The first private key in PEM. */
static EVP_PKEY *
KeyFromPem(
    const unsigned char *bytes,
    int length,
    const Lock *lockPtr)
{
    static const char *const labels[] = {"*PRIVATE KEY", NULL};
    BIO *bioPtr = BIO_new_mem_buf(bytes, length);
    char *name, *header;
    unsigned char *data;
    long dataLength, blockLength;
    EVP_PKEY *pkeyPtr = NULL;
    int found = bioPtr == NULL;

    while (!found) {
	PyosslPemSeek(bioPtr, labels);
	if (!PEM_read_bio_ex(bioPtr, &name, &header, &data, &dataLength,
		PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE)) {
	    PyosslErrorNoPem();
	    break;
	}
	blockLength = dataLength;
	found = IsKeyBlock(name);
	if (found && UnlockBlock(header, data, &dataLength, lockPtr)) {
	    pkeyPtr = KeyFromDer(data, dataLength, lockPtr);
	}
	OPENSSL_secure_free(name);
	OPENSSL_secure_free(header);
	OPENSSL_secure_clear_free(data, blockLength);
    }
    BIO_free(bioPtr);
    return pkeyPtr;
}

/*
 * PyosslKeyRead --
 *	A private key from the bytes of a file.
 * Arguments:
 *	type	PYOSSL_FILETYPE_PEM: the first key in it counts; or _ASN1.
 *	passPtr	Asked at most once, if the key is encrypted.
 *	legacyPtr  Has it in words afterwards if a provider is missing.
 * Results:
 *	The caller's; or NULL.
 */
EVP_PKEY *
PyosslKeyRead(
    int type,
    const unsigned char *bytes,
    int length,
    PyosslPass *passPtr,
    PyosslLegacy *legacyPtr)
{
    EVP_PKEY *pkeyPtr;
    Lock lock;

    lock.passPtr = passPtr;
    lock.legacyPtr = legacyPtr;
    pkeyPtr = type == PYOSSL_FILETYPE_PEM ? KeyFromPem(bytes, length, &lock)
	    : KeyFromDer(bytes, length, &lock);
    if (pkeyPtr == NULL && ERR_peek_error() == 0) {
	/* A number of iterations that is none, for example. */
	ERR_raise(ERR_LIB_PEM, PEM_R_BAD_DECRYPT);
    }
    return pkeyPtr;
}

/*
 * A key encrypted as PKCS#8, by PBES2 and the cipher. The passphrase is asked
 * for once.
 */
static X509_SIG *
LockKey(
    EVP_PKEY *pkeyPtr,
    const EVP_CIPHER *cipherPtr,
    const Lock *lockPtr)
{
    int nid = EVP_CIPHER_get_nid(cipherPtr), length;
    EVP_CIPHER *oldPtr = NULL;
    PKCS8_PRIV_KEY_INFO *infoPtr = NULL;
    X509_SIG *lockedPtr = NULL;
    OSSL_LIB_CTX *libCtx;
    char buf[PEM_BUFSIZE];

    if (!PyosslLegacyChoose(lockPtr->legacyPtr, nid, &libCtx)) {
	return NULL;
    }
    length = PyosslPassRead(buf, sizeof(buf), 1, lockPtr->passPtr);
    if (length < 0) {
	ERR_raise(ERR_LIB_PEM, PEM_R_READ_KEY);
	return NULL;
    }
    /* OpenSSL would look for a cipher that was not fetched in its own set. */
    oldPtr = EVP_CIPHER_fetch(libCtx, OBJ_nid2sn(nid), NULL);
    if (oldPtr != NULL && (infoPtr = EVP_PKEY2PKCS8(pkeyPtr)) != NULL) {
	lockedPtr = PKCS8_encrypt_ex(-1, oldPtr, buf, length, NULL, 0, 0,
		infoPtr, libCtx, NULL);
    }
    PKCS8_PRIV_KEY_INFO_free(infoPtr);
    EVP_CIPHER_free(oldPtr);
    OPENSSL_cleanse(buf, sizeof(buf));
    return lockedPtr;
}

/*
 * PyosslKeyWrite --
 *	A private key for a file. Memory BIOs wipe what they held when they
 *	grow and when they are freed.
 * Arguments:
 *	type	PYOSSL_FILETYPE_PEM or _ASN1: PKCS#8; or _TEXT.
 *	cipherPtr  What encrypts it, or NULL. Not for TEXT.
 *	passPtr	Asked once, if there is a cipher.
 *	legacyPtr  Has it in words afterwards if a provider is missing.
 * Results:
 *	The caller's; or NULL.
 */
BIO *
PyosslKeyWrite(
    int type,
    EVP_PKEY *pkeyPtr,
    const EVP_CIPHER *cipherPtr,
    PyosslPass *passPtr,
    PyosslLegacy *legacyPtr)
{
    BIO *bioPtr = BIO_new(BIO_s_mem());
    X509_SIG *lockedPtr = NULL;
    Lock lock;
    int ok = bioPtr != NULL;

    lock.passPtr = passPtr;
    lock.legacyPtr = legacyPtr;
    if (ok && cipherPtr != NULL) {
	lockedPtr = LockKey(pkeyPtr, cipherPtr, &lock);
	ok = lockedPtr != NULL && (type == PYOSSL_FILETYPE_PEM
		? PEM_write_bio_PKCS8(bioPtr, lockedPtr)
		: i2d_PKCS8_bio(bioPtr, lockedPtr));
	X509_SIG_free(lockedPtr);
    } else if (ok && type == PYOSSL_FILETYPE_PEM) {
	ok = PEM_write_bio_PKCS8PrivateKey(bioPtr, pkeyPtr, NULL, NULL, 0,
		NULL, NULL);
    } else if (ok && type == PYOSSL_FILETYPE_ASN1) {
	ok = i2d_PKCS8PrivateKey_bio(bioPtr, pkeyPtr, NULL, NULL, 0, NULL,
		NULL);
    } else if (ok) {
	ok = EVP_PKEY_print_private(bioPtr, pkeyPtr, 0, NULL) > 0;
    }
    if (!ok) {
	BIO_free(bioPtr);
	return NULL;
    }
    return bioPtr;
}
