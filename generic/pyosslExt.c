/*
 * pyosslExt.c --
 *
 *	Class x509ext: X.509v3 extensions, made from the words of OpenSSL's
 *	x509v3_config(5), read, and printed. Knows nothing of where they go.
 */

#include "pyosslCrypto.h"
#include <openssl/conf.h>

static void
ExtFree(
    void *nativePtr)
{
    X509_EXTENSION_free(nativePtr);
}

static void *
ExtDup(
    void *nativePtr)
{
    return X509_EXTENSION_dup(nativePtr);
}

/* The options after the value: -subject x509, -issuer x509. */
static int
ExtOptions(
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[],
    X509 **subjectPtrPtr,
    X509 **issuerPtrPtr)
{
    int i;

    for (i = 0; i < objc; i += 2) {
	const char *option = Tcl_GetString(objv[i]);
	X509 **slotPtr;

	if (strcmp(option, "-subject") == 0) {
	    slotPtr = subjectPtrPtr;
	} else if (strcmp(option, "-issuer") == 0) {
	    slotPtr = issuerPtrPtr;
	} else {
	    return PyosslFail(interp, PYOSSL_CRYPTO, "TypeError",
		    "bad option \"%.40s\": must be -issuer or -subject", option);
	}
	if (i + 1 == objc) {
	    return PyosslFailNoValue(interp, option);
	}
	*slotPtr = PyosslNativeGet(interp, PYOSSL_CRYPTO, objv[i + 1],
		&pyosslX509Class);
	if (*slotPtr == NULL) {
	    return TCL_ERROR;
	}
    }
    return TCL_OK;
}

/*
 * An extension whose value is no bytes at all, which OpenSSL cannot read from
 * text; NULL where the text asks for something else, with a clean queue.
 */
static X509_EXTENSION *
ExtEmpty(
    const char *type,
    const char *value)
{
    X509_EXTENSION *extPtr = NULL;
    ASN1_OCTET_STRING *stringPtr;
    ASN1_OBJECT *oidPtr;
    int critical = strcmp(value, "critical,DER:") == 0;

    if (!critical && strcmp(value, "DER:") != 0) {
	return NULL;
    }
    stringPtr = ASN1_OCTET_STRING_new();
    oidPtr = OBJ_txt2obj(type, 0);
    if (stringPtr != NULL && oidPtr != NULL) {
	extPtr = X509_EXTENSION_create_by_OBJ(NULL, oidPtr, critical,
		stringPtr);
    }
    ASN1_OBJECT_free(oidPtr);
    ASN1_OCTET_STRING_free(stringPtr);
    ERR_clear_error();
    return extPtr;
}

/*
 * Makes the extension, see X509V3_EXT_nconf(3). There is never a
 * configuration file behind it: @section finds nothing.
 */
static X509_EXTENSION *
ExtBuild(
    const char *type,
    const char *value,
    X509 *subjectPtr,
    X509 *issuerPtr)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extPtr;
    CONF *confPtr = NULL;
    int nid = OBJ_txt2nid(type);

    if (nid != NID_undef) {
	/* OpenSSL itself would take no other name than this one. */
	type = OBJ_nid2sn(nid);
    }
    X509V3_set_ctx(&ctx, issuerPtr, subjectPtr, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    /*
     * certificatePolicies cannot do without a database, though an empty one
     * will do. proxyCertInfo must not get one: it reads files that its value
     * names (policy:file:...), which a value has no business to do.
     */
    if (nid != NID_proxyCertInfo) {
	confPtr = NCONF_new(NULL);
	if (confPtr == NULL) {
	    return NULL;
	}
	X509V3_set_nconf(&ctx, confPtr);
    }
    ERR_clear_error();
    extPtr = ExtEmpty(type, value);
    if (extPtr == NULL) {
	extPtr = X509V3_EXT_nconf(confPtr, &ctx, type, value);
    }
    NCONF_free(confPtr);
    return extPtr;
}

/*
 * [pyossl::x509ext new typename critical value ?-subject x509? ?-issuer
 * x509?] (manual 3.1, X509Extension). The certificates are only read, but
 * for email:move, which takes the address out of the subject.
 */
static void *
ExtNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    Tcl_DString type, value;
    Tcl_Size typeLength, valueLength;
    X509 *subjectPtr = NULL, *issuerPtr = NULL;
    X509_EXTENSION *extPtr = NULL;
    int critical;

    (void) ipPtr;
    if (PyosslGetBoolean(interp, PYOSSL_CRYPTO, "critical", objv[1],
	    &critical) != TCL_OK || ExtOptions(interp, objc - 3, objv + 3,
	    &subjectPtr, &issuerPtr) != TCL_OK) {
	return NULL;
    }
    PyosslGetUtf8(objv[0], &type, &typeLength);
    PyosslGetUtf8(objv[2], &value, &valueLength);
    if (memchr(Tcl_DStringValue(&type), '\0', typeLength) != NULL
	    || memchr(Tcl_DStringValue(&value), '\0', valueLength) != NULL) {
	PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the type and the value of an extension must not contain a NUL");
    } else {
	int entries = subjectPtr == NULL ? 0
		: X509_NAME_entry_count(X509_get_subject_name(subjectPtr));

	extPtr = ExtBuild(Tcl_DStringValue(&type), Tcl_DStringValue(&value),
		subjectPtr, issuerPtr);
	if (subjectPtr != NULL && entries
		!= X509_NAME_entry_count(X509_get_subject_name(subjectPtr))) {
	    /* email:move: the certificate's bytes have to show it as well. */
	    i2d_re_X509_tbs(subjectPtr, NULL);
	}
	if (extPtr == NULL) {
	    PyosslFailQueue(interp, PYOSSL_CRYPTO,
		    "cannot make the extension");
	} else if (critical) {
	    X509_EXTENSION_set_critical(extPtr, 1);
	}
    }
    Tcl_DStringFree(&type);
    Tcl_DStringFree(&value);
    if (extPtr != NULL) {
	ERR_clear_error();
    }
    return extPtr;
}

/*
 * PyosslExtGetList --
 *	The extensions of a list argument.
 * Results:
 *	A new stack, the caller's to free with sk_X509_EXTENSION_free; the
 *	elements are borrowed. NULL with a TypeError (no list) or a ValueError
 *	(something else in it), the two that the manual's library raises.
 */
STACK_OF(X509_EXTENSION) *
PyosslExtGetList(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *listObj)
{
    STACK_OF(X509_EXTENSION) *stackPtr;
    PyosslObject *objPtr;
    Tcl_Obj **words;
    Tcl_Size i, count;

    if (Tcl_ListObjGetElements(NULL, listObj, &count, &words) != TCL_OK) {
	PyosslFail(interp, module, "TypeError",
		"the extensions must be a list");
	return NULL;
    }
    stackPtr = sk_X509_EXTENSION_new_null();
    for (i = 0; stackPtr != NULL && i < count; i++) {
	objPtr = PyosslObjectFind(interp, words[i], &pyosslExtClass);
	if (objPtr == NULL) {
	    sk_X509_EXTENSION_free(stackPtr);
	    PyosslFail(interp, module, "ValueError",
		    "one of the extensions is not an x509ext: \"%.60s\"",
		    Tcl_GetString(words[i]));
	    return NULL;
	}
	sk_X509_EXTENSION_push(stackPtr, objPtr->nativePtr);
    }
    if (stackPtr == NULL) {
	PyosslFailQueue(interp, module, "cannot list the extensions");
    }
    return stackPtr;
}

/*
 * ---------------------------------------------------------------------
 * Methods (manual 3.1.8)
 * ---------------------------------------------------------------------
 */

/* get_critical: 1 or 0. */
static int
ExtGetCritical(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    X509_EXTENSION_get_critical(objPtr->nativePtr) != 0));
    return TCL_OK;
}

/* get_data: the DER of the extension's value. */
static int
ExtGetData(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const ASN1_OCTET_STRING *dataPtr =
	    X509_EXTENSION_get_data(objPtr->nativePtr);

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(
	    ASN1_STRING_get0_data(dataPtr), ASN1_STRING_length(dataPtr)));
    return TCL_OK;
}

/* get_short_name: "basicConstraints"; UNDEF where OpenSSL has no name. */
static int
ExtGetShortName(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(objPtr->nativePtr));

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewStringObj(OBJ_nid2sn(nid), -1));
    return TCL_OK;
}

/* oid: the dotted OID of the extension's type. */
static int
ExtOid(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    char text[256];

    (void) objc; (void) objv;
    OBJ_obj2txt(text, sizeof(text),
	    X509_EXTENSION_get_object(objPtr->nativePtr), 1);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(text, -1));
    return TCL_OK;
}

/* Prints general names with every byte of theirs, a NUL too. */
static void
PrintNames(
    BIO *bioPtr,
    const GENERAL_NAMES *namesPtr)
{
    int i, count = sk_GENERAL_NAME_num(namesPtr);

    for (i = 0; i < count; i++) {
	GENERAL_NAME *namePtr = sk_GENERAL_NAME_value(namesPtr, i);
	const ASN1_IA5STRING *stringPtr = NULL;
	const char *label = "";

	if (i > 0) {
	    BIO_puts(bioPtr, ", ");
	}
	switch (namePtr->type) {
	case GEN_EMAIL: label = "email:"; stringPtr = namePtr->d.rfc822Name; break;
	case GEN_DNS: label = "DNS:"; stringPtr = namePtr->d.dNSName; break;
	case GEN_URI:
	    label = "URI:";
	    stringPtr = namePtr->d.uniformResourceIdentifier;
	    break;
	default:
	    break;
	}
	if (stringPtr != NULL) {
	    BIO_puts(bioPtr, label);
	    BIO_write(bioPtr, ASN1_STRING_get0_data(stringPtr),
		    ASN1_STRING_length(stringPtr));
	} else {
	    GENERAL_NAME_print(bioPtr, namePtr);
	}
    }
}

/*
 * What X509V3_EXT_print refuses: names with a NUL in them, which somebody
 * put there to have them read short, and broken values.
 */
static void
PrintRefused(
    BIO *bioPtr,
    X509_EXTENSION *extPtr)
{
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extPtr));
    const ASN1_OCTET_STRING *dataPtr = X509_EXTENSION_get_data(extPtr);
    GENERAL_NAMES *namesPtr = NULL;

    if (nid == NID_subject_alt_name || nid == NID_issuer_alt_name) {
	namesPtr = X509V3_EXT_d2i(extPtr);
    }
    if (namesPtr != NULL) {
	PrintNames(bioPtr, namesPtr);
	GENERAL_NAMES_free(namesPtr);
    } else {
	BIO_dump(bioPtr, (const char *) ASN1_STRING_get0_data(dataPtr),
		ASN1_STRING_length(dataPtr));
    }
}

/*
 * text: the value as "openssl x509 -text" prints it; a hex dump where
 * OpenSSL does not know the extension.
 */
static int
ExtText(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    BIO *bioPtr = BIO_new(BIO_s_mem());
    char *text;
    long length;
    int printed;

    (void) objc; (void) objv;
    if (bioPtr == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot print the extension");
    }
    ERR_clear_error();
    printed = X509V3_EXT_print(bioPtr, objPtr->nativePtr,
	    X509V3_EXT_DUMP_UNKNOWN, 0);
    if (!printed && PyosslErrorNoMemory()) {
	/* OpenSSL says this of a NUL in a name too, and then says it again. */
	ERR_clear_error();
	(void) BIO_reset(bioPtr);
	printed = X509V3_EXT_print(bioPtr, objPtr->nativePtr,
		X509V3_EXT_DUMP_UNKNOWN, 0);
    }
    if (!printed) {
	ERR_clear_error();
	(void) BIO_reset(bioPtr);
	PrintRefused(bioPtr, objPtr->nativePtr);
    }
    if (PyosslErrorNoMemory()) {
	/* Not a dump, which is for broken values. */
	BIO_free(bioPtr);
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot print the extension");
    }
    ERR_clear_error();
    length = BIO_get_mem_data(bioPtr, &text);
    Tcl_SetObjResult(interp, PyosslUtf8Obj(text, (Tcl_Size) length));
    BIO_free(bioPtr);
    return TCL_OK;
}

static const PyosslMethod extMethods[] = {
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"get_critical", ExtGetCritical, 0, 0, NULL, 0},
    {"get_data", ExtGetData, 0, 0, NULL, 0},
    {"get_short_name", ExtGetShortName, 0, 0, NULL, 0},
    {"oid", ExtOid, 0, 0, NULL, 0},
    {"text", ExtText, 0, 0, NULL, 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslExtClass = {
    "x509ext", PYOSSL_ID_X509EXT, PYOSSL_CRYPTO, extMethods, ExtFree,
    ExtNew, 3, 7, "typename critical value ?-subject x509? ?-issuer x509?",
    ExtDup, NULL, NULL, NULL
};
