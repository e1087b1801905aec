/*
 * pyosslCrypto.h --
 *
 *	Layer 2: the crypto classes' descriptors, their native structs, and
 *	the few calls between them.
 */

#ifndef PYOSSL_CRYPTO_H
#define PYOSSL_CRYPTO_H

#include "pyosslInt.h"
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

/*
 * Descriptors: data that anyone may name. Native pointers are:
 *	x509 X509 *,  x509req X509_REQ *,  x509store X509_STORE *,
 *	x509ext X509_EXTENSION *,  x509name PyosslName *,  pkey PyosslPkey *,
 *	pkcs7 PKCS7 *,  crl X509_CRL *,  revoked X509_REVOKED *,
 *	spki NETSCAPE_SPKI *,  pkcs12 PyosslPkcs12 *.
 */
MODULE_SCOPE const PyosslClass pyosslX509Class, pyosslNameClass,
	pyosslReqClass, pyosslStoreClass, pyosslExtClass, pyosslPkeyClass,
	pyosslPkcs7Class, pyosslPkcs12Class, pyosslSpkiClass, pyosslCrlClass,
	pyosslRevokedClass;

/* The functions of the manual's crypto and rand modules. */
MODULE_SCOPE const PyosslFunction pyosslCryptoFunctions[];
MODULE_SCOPE const PyosslFunction pyosslRandFunctions[];
MODULE_SCOPE const PyosslFunction pyosslAeadFunctions[];

/*
 * A key. generate_key puts a new EVP_PKEY in the place of the old one, so
 * whoever was given the old key keeps it.
 */
typedef struct PyosslPkey {
    EVP_PKEY *pkeyPtr;		/* One reference; NULL: no key yet. */
    int onlyPublic;
} PyosslPkey;

MODULE_SCOPE int	PyosslPkeyReturn(PyosslInterp *ipPtr,
			    EVP_PKEY *pkeyPtr, int onlyPublic);
MODULE_SCOPE EVP_PKEY *	PyosslPkeyGet(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *nameObj,
			    int needPrivate);

MODULE_SCOPE EVP_PKEY *	PyosslPkeyVerifier(Tcl_Interp *interp,
			    Tcl_Obj *nameObj);

/* The key and the digest of everything that signs or verifies. */
MODULE_SCOPE int	PyosslPkeyDigest(Tcl_Interp *interp,
			    PyosslModule module, EVP_PKEY *pkeyPtr,
			    Tcl_Obj *digestObj, const EVP_MD **mdPtrPtr);
MODULE_SCOPE int	PyosslPkeySignArgs(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *keyObj,
			    Tcl_Obj *digestObj, EVP_PKEY **pkeyPtrPtr,
			    const EVP_MD **mdPtrPtr);

/*
 * Old ciphers for one call (pyosslLegacy.c). [Choose] gives the library
 * context that has a cipher.
 */
typedef struct PyosslLegacy {
    OSSL_LIB_CTX *libCtx;	/* Owned; NULL as long as it is not needed. */
    OSSL_PROVIDER *legacyPtr, *defaultPtr;
				/* The providers in it. */
    double cost;		/* Of the passphrase, in iterations, so far. */
    char missing[120];		/* "CIPHER, for which ... is missing" */
} PyosslLegacy;

/*
 * How often the passphrase of one file may be hashed to read it: some ten
 * seconds. And how often we do it for each of the three parts of a file.
 */
#define PYOSSL_MAX_ITERATIONS	20000000L
#define PYOSSL_MAX_EXPORT	5000000

MODULE_SCOPE void	PyosslLegacyInit(PyosslLegacy *legacyPtr);
MODULE_SCOPE void	PyosslLegacyDone(PyosslLegacy *legacyPtr);
MODULE_SCOPE int	PyosslLegacyChoose(PyosslLegacy *legacyPtr, int nid,
			    OSSL_LIB_CTX **libCtxPtr);
MODULE_SCOPE int	PyosslLegacyAfford(PyosslLegacy *legacyPtr,
			    const X509_ALGOR *algorPtr,
			    const ASN1_INTEGER *integerPtr, const char *what);
MODULE_SCOPE int	PyosslLegacyUnlock(PyosslLegacy *legacyPtr,
			    const X509_ALGOR *algorPtr,
			    OSSL_LIB_CTX **libCtxPtr);

/* Private keys in files (pyosslKeyFile.c); the reason is on the queue. */
MODULE_SCOPE EVP_PKEY *	PyosslKeyRead(int type, const unsigned char *bytes,
			    int length, PyosslPass *passPtr,
			    PyosslLegacy *legacyPtr);
MODULE_SCOPE BIO *	PyosslKeyWrite(int type, EVP_PKEY *pkeyPtr,
			    const EVP_CIPHER *cipherPtr, PyosslPass *passPtr,
			    PyosslLegacy *legacyPtr);

/* A name: of its own, or a live view into a certificate or request. */
typedef enum {
    PYOSSL_NAME_OWN, PYOSSL_NAME_SUBJECT, PYOSSL_NAME_ISSUER,
    PYOSSL_NAME_REQUEST
} PyosslNameKind;

typedef struct PyosslName {
    PyosslNameKind kind;
    X509_NAME *namePtr;		/* PYOSSL_NAME_OWN: owned. */
    X509 *certPtr;		/* SUBJECT, ISSUER: one reference. */
    PyosslObject *reqObjPtr;	/* REQUEST: the x509req, held; an X509_REQ
				 * itself cannot be counted. */
} PyosslName;

/*
 * Names that [Return] and [Obj] give are commands: live views that take a
 * reference of their own on the certificate or request, or (Obj) a copy.
 */
MODULE_SCOPE int	PyosslNameReturnCert(PyosslInterp *ipPtr,
			    X509 *certPtr, PyosslNameKind kind);
MODULE_SCOPE int	PyosslNameReturnReq(PyosslInterp *ipPtr,
			    PyosslObject *reqObjPtr);
MODULE_SCOPE Tcl_Obj *	PyosslNameObj(PyosslInterp *ipPtr,
			    const X509_NAME *namePtr);
MODULE_SCOPE X509_NAME *PyosslNameGet(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *nameObj);

/* [Get] borrows from the object; [Obj] takes the caller's reference over. */
MODULE_SCOPE X509 *	PyosslX509Get(Tcl_Interp *interp, PyosslModule module,
			    Tcl_Obj *nameObj);
MODULE_SCOPE X509 *	PyosslX509Copy(const X509 *certPtr);
MODULE_SCOPE Tcl_Obj *	PyosslX509Obj(PyosslInterp *ipPtr, X509 *certPtr);

/*
 * Shared by the requests and certificates: a list of x509ext. The elements
 * are borrowed, the stack itself is the caller's: sk_X509_EXTENSION_free.
 */
MODULE_SCOPE STACK_OF(X509_EXTENSION) *PyosslExtGetList(Tcl_Interp *interp,
			    PyosslModule module, Tcl_Obj *listObj);

/*
 * A copy of an entry of a CRL, the caller's; NULL with the reason on OpenSSL's
 * queue.
 */
MODULE_SCOPE X509_REVOKED *PyosslRevokedCopy(const X509_REVOKED *revokedPtr);

/* The certificates and the key are shared with the objects they came from. */
typedef struct PyosslPkcs12 {
    EVP_PKEY *pkeyPtr;		/* One reference, or NULL. */
    X509 *certPtr;		/* One reference, or NULL. */
    STACK_OF(X509) *caPtr;	/* With a reference on each; NULL: none. */
    Tcl_Obj *nameObj;		/* The friendly name, or NULL. Counted. */
} PyosslPkcs12;

MODULE_SCOPE PyosslPkcs12 *PyosslPkcs12Alloc(void);
MODULE_SCOPE void	PyosslPkcs12SetName(PyosslPkcs12 *p12Ptr,
			    Tcl_Obj *nameObj);
MODULE_SCOPE int	PyosslPkcs12Pass(Tcl_Interp *interp,
			    PyosslInterp *ipPtr, int objc,
			    Tcl_Obj *const objv[], PyosslPass *passPtr);

/* Functions of the table that are in the files of their classes. */
MODULE_SCOPE PyosslFunctionProc PyosslReqLoad, PyosslReqDump, PyosslCrlLoad,
	PyosslPkcs7Load, PyosslPkcs12Load;

/*
 * The platform's part of rand (unix/ and win/ pyossl*Rand.c). Both leave an
 * error of the module rand where they fail. Egd: gets length bytes from the
 * Entropy Gathering Daemon at a path, all of them or none.
 */
MODULE_SCOPE int	PyosslRandScreen(Tcl_Interp *interp);
MODULE_SCOPE int	PyosslRandEgd(Tcl_Interp *interp, Tcl_Obj *pathObj,
			    unsigned char *bytes, int length);

#endif /* PYOSSL_CRYPTO_H */
