/*
 * pyosslPkcs12.c --
 *
 *	Class pkcs12: a private key, its certificate and other certificates, to
 *	be exported into one encrypted file. Loading is pyosslPkcs12Load.c's.
 *
 *	The file is put together here, bag by bag, rather than by
 *	PKCS12_create, which writes friendly names of certificates twice, and
 *	has no way for all characters of them.
 *
 *	    PFX: MAC over   AuthenticatedSafe
 *	                      encrypted: SafeContents of certBags
 *	                      data:      SafeContents of one shroudedKeyBag
 */

#include "pyosslCrypto.h"
#include <limits.h>
#include <openssl/pkcs12err.h>

/* How keys and certificates are encrypted: PBES2 with this cipher. */
#define EXPORT_CIPHER	NID_aes_256_cbc

static void
Pkcs12Free(
    void *nativePtr)
{
    PyosslPkcs12 *p12Ptr = nativePtr;

    EVP_PKEY_free(p12Ptr->pkeyPtr);
    X509_free(p12Ptr->certPtr);
    sk_X509_pop_free(p12Ptr->caPtr, X509_free);
    if (p12Ptr->nameObj != NULL) {
	Tcl_DecrRefCount(p12Ptr->nameObj);
    }
    ckfree((char *) p12Ptr);
}

/* PyosslPkcs12Alloc -- one that holds nothing, the caller's. */
PyosslPkcs12 *
PyosslPkcs12Alloc(void)
{
    PyosslPkcs12 *p12Ptr = (PyosslPkcs12 *) ckalloc(sizeof(PyosslPkcs12));

    memset(p12Ptr, 0, sizeof(*p12Ptr));
    return p12Ptr;
}

/* [pyossl::pkcs12 new]: one that holds nothing (manual 3.1, PKCS12). */
static void *
Pkcs12New(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) ipPtr; (void) interp; (void) objc; (void) objv;
    return PyosslPkcs12Alloc();
}

/*
 * PyosslPkcs12SetName --
 *	Sets the friendly name; NULL removes it. The struct takes a reference
 *	of its own.
 */
void
PyosslPkcs12SetName(
    PyosslPkcs12 *p12Ptr,
    Tcl_Obj *nameObj)
{
    if (nameObj != NULL) {
	Tcl_IncrRefCount(nameObj);
    }
    if (p12Ptr->nameObj != NULL) {
	Tcl_DecrRefCount(p12Ptr->nameObj);
    }
    p12Ptr->nameObj = nameObj;
}

/* dup: another one with the same key and certificates in it. */
static void *
Pkcs12Dup(
    void *nativePtr)
{
    const PyosslPkcs12 *p12Ptr = nativePtr;
    PyosslPkcs12 *copyPtr = PyosslPkcs12Alloc();

    ERR_clear_error();
    if (p12Ptr->caPtr != NULL) {
	copyPtr->caPtr = X509_chain_up_ref(p12Ptr->caPtr);
	if (copyPtr->caPtr == NULL) {
	    Pkcs12Free(copyPtr);
	    return NULL;
	}
    }
    if (p12Ptr->pkeyPtr != NULL) {
	EVP_PKEY_up_ref(p12Ptr->pkeyPtr);
	copyPtr->pkeyPtr = p12Ptr->pkeyPtr;
    }
    if (p12Ptr->certPtr != NULL) {
	X509_up_ref(p12Ptr->certPtr);
	copyPtr->certPtr = p12Ptr->certPtr;
    }
    PyosslPkcs12SetName(copyPtr, p12Ptr->nameObj);
    return copyPtr;
}

/*
 * ---------------------------------------------------------------------
 * What is in it (manual 3.1.7). The empty string stands for nothing.
 * ---------------------------------------------------------------------
 */

static int
IsNone(
    Tcl_Obj *objPtr)
{
    return Tcl_GetString(objPtr)[0] == '\0';
}

/* get_certificate: a new x509 of the key's certificate. */
static int
Pkcs12GetCertificate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;

    (void) interp; (void) objc; (void) objv;
    if (p12Ptr->certPtr == NULL) {
	return TCL_OK;
    }
    X509_up_ref(p12Ptr->certPtr);
    return PyosslObjectReturn(objPtr->ipPtr, &pyosslX509Class,
	    p12Ptr->certPtr);
}

/* set_certificate cert: likewise. */
static int
Pkcs12SetCertificate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;
    X509 *certPtr = NULL;

    (void) objc;
    if (!IsNone(objv[2])) {
	certPtr = PyosslX509Get(interp, PYOSSL_CRYPTO, objv[2]);
	if (certPtr == NULL) {
	    return TCL_ERROR;
	}
	X509_up_ref(certPtr);
    }
    X509_free(p12Ptr->certPtr);
    p12Ptr->certPtr = certPtr;
    return TCL_OK;
}

/* get_privatekey: a new pkey. */
static int
Pkcs12GetPrivatekey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;

    (void) interp; (void) objc; (void) objv;
    if (p12Ptr->pkeyPtr == NULL) {
	return TCL_OK;
    }
    EVP_PKEY_up_ref(p12Ptr->pkeyPtr);
    return PyosslPkeyReturn(objPtr->ipPtr, p12Ptr->pkeyPtr, 0);
}

/* set_privatekey pkey: one with its private half. */
static int
Pkcs12SetPrivatekey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;
    EVP_PKEY *pkeyPtr = NULL;

    (void) objc;
    if (!IsNone(objv[2])) {
	pkeyPtr = PyosslPkeyGet(interp, PYOSSL_CRYPTO, objv[2], 1);
	if (pkeyPtr == NULL) {
	    return TCL_ERROR;
	}
	EVP_PKEY_up_ref(pkeyPtr);
    }
    EVP_PKEY_free(p12Ptr->pkeyPtr);
    p12Ptr->pkeyPtr = pkeyPtr;
    return TCL_OK;
}

/* get_ca_certificates: a list of new x509, in order. */
static int
Pkcs12GetCaCertificates(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;
    Tcl_Obj *nameObj, *listObj = Tcl_NewListObj(0, NULL);
    int i;

    (void) objc; (void) objv;
    for (i = 0; i < sk_X509_num(p12Ptr->caPtr); i++) {
	X509 *certPtr = sk_X509_value(p12Ptr->caPtr, i);

	X509_up_ref(certPtr);
	nameObj = PyosslX509Obj(objPtr->ipPtr, certPtr);
	if (nameObj != NULL) {
	    Tcl_ListObjAppendElement(NULL, listObj, nameObj);
	}
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/* set_ca_certificates cacerts: a list of x509 in the place of the old one. */
static int
Pkcs12SetCaCertificates(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;
    STACK_OF(X509) *stackPtr = NULL;
    Tcl_Obj **words;
    Tcl_Size i, count;

    (void) objc;
    if (Tcl_ListObjGetElements(NULL, objv[2], &count, &words) != TCL_OK) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "TypeError",
		"the CA certificates must be a list of x509");
    }
    ERR_clear_error();
    if (count > 0 && (stackPtr = sk_X509_new_null()) == NULL) {
	goto memory;
    }
    for (i = 0; i < count; i++) {
	X509 *certPtr = PyosslX509Get(interp, PYOSSL_CRYPTO, words[i]);

	if (certPtr == NULL) {
	    sk_X509_pop_free(stackPtr, X509_free);
	    return TCL_ERROR;
	}
	if (!sk_X509_push(stackPtr, certPtr)) {
	    goto memory;
	}
	X509_up_ref(certPtr);
    }
    sk_X509_pop_free(p12Ptr->caPtr, X509_free);
    p12Ptr->caPtr = stackPtr;
    return TCL_OK;

  memory:
    sk_X509_pop_free(stackPtr, X509_free);
    return PyosslFailQueue(interp, PYOSSL_CRYPTO,
	    "cannot set the CA certificates");
}

/* get_friendlyname: the name of key and certificate. */
static int
Pkcs12GetFriendlyname(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;

    (void) objc; (void) objv;
    if (p12Ptr->nameObj != NULL) {
	Tcl_SetObjResult(interp, p12Ptr->nameObj);
    }
    return TCL_OK;
}

/* set_friendlyname name: any characters but a NUL. */
static int
Pkcs12SetFriendlyname(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_DString utf8;
    Tcl_Size length;
    int bad;

    (void) objc;
    PyosslGetUtf8(objv[2], &utf8, &length);
    bad = memchr(Tcl_DStringValue(&utf8), '\0', length) != NULL;
    Tcl_DStringFree(&utf8);
    if (bad) {
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"a friendly name must not contain a NUL");
    }
    PyosslPkcs12SetName(objPtr->nativePtr, length > 0 ? objv[2] : NULL);
    return TCL_OK;
}

/*
 * PyosslPkcs12Pass --
 *	The passphrase of export and load_pkcs12: the first word, if there is
 *	one. The empty string and no word at all mean the same.
 * Results:
 *	TCL_OK with *passPtr filled (finish with PyosslPassDone), or
 *	TCL_ERROR and nothing to finish.
 */
int
PyosslPkcs12Pass(
    Tcl_Interp *interp,
    PyosslInterp *ipPtr,
    int objc,
    Tcl_Obj *const objv[],
    PyosslPass *passPtr)
{
    if (PyosslPassInit(interp, PYOSSL_CRYPTO, ipPtr, objc > 0 ? 1 : 0, objv,
	    passPtr) != TCL_OK) {
	return TCL_ERROR;
    }
    if (passPtr->length > INT_MAX / 4 || (passPtr->length > 0
	    && memchr(passPtr->string, '\0', passPtr->length) != NULL)) {
	PyosslPassDone(passPtr);
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the passphrase must not be too long or contain a NUL");
    }
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * export. The functions leave their reason on OpenSSL's queue.
 * ---------------------------------------------------------------------
 */

/*
 * Gives a bag a friendly name. As UTF-16: OpenSSL's function for UTF-8 has
 * no way for characters beyond U+FFFF.
 */
static int
BagAddName(
    PKCS12_SAFEBAG *bagPtr,
    const char *utf8,
    Tcl_Size length)
{
    unsigned char *utf16 = NULL;
    int utf16Length, ok;

    if (length == 0) {
	return 1;
    }
    if (length > INT_MAX / 4
	    || !OPENSSL_utf82uni(utf8, (int) length, &utf16, &utf16Length)) {
	return 0;
    }
    /* Without the zero behind it. */
    ok = PKCS12_add_friendlyname_uni(bagPtr, utf16, utf16Length - 2);
    OPENSSL_free(utf16);
    return ok;
}

typedef struct Export {
    const PyosslPkcs12 *p12Ptr;
    const char *pass;
    int iter;
    int macIter;		/* -1: no MAC. */
    Tcl_DString name;		/* UTF-8. */
    unsigned char keyId[EVP_MAX_MD_SIZE];
				/* Which certificate is the key's. */
    unsigned int keyIdLength;	/* 0 where there are not both. */
} Export;

/* The attributes that the key has in common with its certificate. */
static int
BagAddAttributes(
    PKCS12_SAFEBAG *bagPtr,
    Export *exportPtr)
{
    return BagAddName(bagPtr, Tcl_DStringValue(&exportPtr->name),
	    Tcl_DStringLength(&exportPtr->name))
	    && (exportPtr->keyIdLength == 0 || PKCS12_add_localkeyid(bagPtr,
	    exportPtr->keyId, (int) exportPtr->keyIdLength));
}

/* A new bag on the stack with a certificate in it; NULL on failure. */
static PKCS12_SAFEBAG *
BagsAddCert(
    STACK_OF(PKCS12_SAFEBAG) *bagsPtr,
    X509 *certPtr)
{
    PKCS12_SAFEBAG *bagPtr = PKCS12_SAFEBAG_create_cert(certPtr);

    if (bagPtr != NULL && !sk_PKCS12_SAFEBAG_push(bagsPtr, bagPtr)) {
	PKCS12_SAFEBAG_free(bagPtr);
	bagPtr = NULL;
    }
    return bagPtr;
}

/* The certificates, the key's first, in one encrypted part. */
static int
ExportCerts(
    Export *exportPtr,
    STACK_OF(PKCS7) **safesPtrPtr)
{
    const PyosslPkcs12 *p12Ptr = exportPtr->p12Ptr;
    STACK_OF(PKCS12_SAFEBAG) *bagsPtr = sk_PKCS12_SAFEBAG_new_null();
    PKCS12_SAFEBAG *bagPtr;
    int i, ok = bagsPtr != NULL;

    if (ok && p12Ptr->certPtr != NULL) {
	bagPtr = BagsAddCert(bagsPtr, p12Ptr->certPtr);
	ok = bagPtr != NULL && BagAddAttributes(bagPtr, exportPtr);
    }
    for (i = 0; ok && i < sk_X509_num(p12Ptr->caPtr); i++) {
	X509 *certPtr = sk_X509_value(p12Ptr->caPtr, i);
	int length = 0;
	const char *alias = (const char *) X509_alias_get0(certPtr, &length);

	bagPtr = BagsAddCert(bagsPtr, certPtr);
	/* The name that it was loaded with. */
	ok = bagPtr != NULL
		&& BagAddName(bagPtr, alias, alias != NULL ? length : 0);
    }
    if (ok && sk_PKCS12_SAFEBAG_num(bagsPtr) > 0) {
	ok = PKCS12_add_safe(safesPtrPtr, bagsPtr, EXPORT_CIPHER,
		exportPtr->iter, exportPtr->pass);
    }
    sk_PKCS12_SAFEBAG_pop_free(bagsPtr, PKCS12_SAFEBAG_free);
    return ok;
}

/* The key, which is encrypted by itself. */
static int
ExportKey(
    Export *exportPtr,
    STACK_OF(PKCS7) **safesPtrPtr)
{
    STACK_OF(PKCS12_SAFEBAG) *bagsPtr = NULL;
    PKCS12_SAFEBAG *bagPtr;
    int ok;

    if (exportPtr->p12Ptr->pkeyPtr == NULL) {
	return 1;
    }
    bagPtr = PKCS12_add_key(&bagsPtr, exportPtr->p12Ptr->pkeyPtr, 0,
	    exportPtr->iter, EXPORT_CIPHER, exportPtr->pass);
    ok = bagPtr != NULL && BagAddAttributes(bagPtr, exportPtr)
	    && PKCS12_add_safe(safesPtrPtr, bagsPtr, -1, 0, NULL);
    sk_PKCS12_SAFEBAG_pop_free(bagsPtr, PKCS12_SAFEBAG_free);
    return ok;
}

/* The whole, the caller's; NULL on failure. */
static PKCS12 *
ExportBuild(
    Export *exportPtr)
{
    const PyosslPkcs12 *p12Ptr = exportPtr->p12Ptr;
    STACK_OF(PKCS7) *safesPtr = NULL;
    PKCS12 *pfxPtr = NULL;

    if (p12Ptr->pkeyPtr == NULL && p12Ptr->certPtr == NULL
	    && p12Ptr->caPtr == NULL) {
	ERR_raise_data(ERR_LIB_PKCS12, PKCS12_R_INVALID_NULL_ARGUMENT,
		"there is nothing in it");
	return NULL;
    }
    if (p12Ptr->pkeyPtr != NULL && p12Ptr->certPtr != NULL) {
	if (!X509_check_private_key(p12Ptr->certPtr, p12Ptr->pkeyPtr)
		|| !ASN1_item_digest(ASN1_ITEM_rptr(X509), EVP_sha1(),
		p12Ptr->certPtr, exportPtr->keyId, &exportPtr->keyIdLength)) {
	    return NULL;
	}
    }
    if (ExportCerts(exportPtr, &safesPtr) && ExportKey(exportPtr, &safesPtr)) {
	pfxPtr = PKCS12_add_safes(safesPtr, 0);
    }
    sk_PKCS7_pop_free(safesPtr, PKCS7_free);
    if (pfxPtr != NULL && exportPtr->macIter != -1
	    && !PKCS12_set_mac(pfxPtr, exportPtr->pass, -1, NULL, 0,
	    exportPtr->macIter, EVP_sha256())) {
	PKCS12_free(pfxPtr);
	pfxPtr = NULL;
    }
    return pfxPtr;
}

/*
 * export ?passphrase? ?iter? ?maciter?: the file, as bytes. A count of 0
 * means the default; a maciter of -1 leaves the MAC out.
 */
static int
Pkcs12Export(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslPkcs12 *p12Ptr = objPtr->nativePtr;
    unsigned char *der = NULL;
    PyosslPass pass;
    Export export;
    PKCS12 *pfxPtr;
    Tcl_Size nameLength;
    int length = -1;

    memset(&export, 0, sizeof(export));
    export.p12Ptr = p12Ptr;
    if ((objc > 3 && PyosslGetIntRange(interp, PYOSSL_CRYPTO, "iter",
	    objv[3], 0, PYOSSL_MAX_EXPORT, &export.iter) != TCL_OK)
	    || (objc > 4 && PyosslGetIntRange(interp, PYOSSL_CRYPTO,
	    "maciter", objv[4], -1, PYOSSL_MAX_EXPORT, &export.macIter) != TCL_OK)
	    || PyosslPkcs12Pass(interp, objPtr->ipPtr, objc - 2, objv + 2, &pass)
	    != TCL_OK) {
	return TCL_ERROR;
    }
    export.pass = pass.string != NULL ? pass.string : "";
    if (export.iter == 0) {
	export.iter = PKCS12_DEFAULT_ITER;
    }
    if (export.macIter == 0) {
	export.macIter = 1;
    }
    if (p12Ptr->nameObj != NULL) {
	PyosslGetUtf8(p12Ptr->nameObj, &export.name, &nameLength);
    } else {
	Tcl_DStringInit(&export.name);
    }
    ERR_clear_error();
    pfxPtr = ExportBuild(&export);
    if (pfxPtr != NULL) {
	length = i2d_PKCS12(pfxPtr, &der);
	PKCS12_free(pfxPtr);
    }
    Tcl_DStringFree(&export.name);
    PyosslPassDone(&pass);
    if (length < 0) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot export the PKCS#12 data");
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, PyosslDerObj(der, length));
    return TCL_OK;
}

static const PyosslMethod pkcs12Methods[] = {
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"export", Pkcs12Export, 0, 3, "?passphrase? ?iter? ?maciter?", 0},
    {"get_ca_certificates", Pkcs12GetCaCertificates, 0, 0, NULL, 0},
    {"get_certificate", Pkcs12GetCertificate, 0, 0, NULL, 0},
    {"get_friendlyname", Pkcs12GetFriendlyname, 0, 0, NULL, 0},
    {"get_privatekey", Pkcs12GetPrivatekey, 0, 0, NULL, 0},
    {"set_ca_certificates", Pkcs12SetCaCertificates, 1, 1, "cacerts", 0},
    {"set_certificate", Pkcs12SetCertificate, 1, 1, "cert", 0},
    {"set_friendlyname", Pkcs12SetFriendlyname, 1, 1, "name", 0},
    {"set_privatekey", Pkcs12SetPrivatekey, 1, 1, "pkey", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslPkcs12Class = {
    "pkcs12", PYOSSL_ID_PKCS12, PYOSSL_CRYPTO, pkcs12Methods, Pkcs12Free,
    Pkcs12New, 0, 0, NULL, Pkcs12Dup, NULL, NULL, NULL
};
