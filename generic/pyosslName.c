/*
 * pyosslName.c --
 *
 *	Class x509name: distinguished names, of their own or live views into
 *	a certificate or request. Attributes are methods, by every name that
 *	OpenSSL has for them.
 *
 *	A view holds the certificate (or the x509req), not the X509_NAME in
 *	it: that one is looked up at each call, since set_subject puts another
 *	in its place.
 */

#include "pyosslCrypto.h"

/* Longer words are no attribute's name; OpenSSL need not try. */
#define MAX_ATTRIBUTE	200

static void
NameFree(
    void *nativePtr)
{
    PyosslName *viewPtr = nativePtr;

    X509_NAME_free(viewPtr->namePtr);
    X509_free(viewPtr->certPtr);
    if (viewPtr->reqObjPtr != NULL) {
	PyosslObjectRelease(viewPtr->reqObjPtr);
    }
    ckfree((char *) viewPtr);
}

static PyosslName *
NameAlloc(
    PyosslNameKind kind)
{
    PyosslName *viewPtr = (PyosslName *) ckalloc(sizeof(PyosslName));

    memset(viewPtr, 0, sizeof(*viewPtr));
    viewPtr->kind = kind;
    return viewPtr;
}

/* The name that is meant, borrowed. */
static X509_NAME *
NameResolve(
    const PyosslName *viewPtr)
{
    switch (viewPtr->kind) {
    case PYOSSL_NAME_SUBJECT:
	return X509_get_subject_name(viewPtr->certPtr);
    case PYOSSL_NAME_ISSUER:
	return X509_get_issuer_name(viewPtr->certPtr);
    case PYOSSL_NAME_REQUEST:
	return X509_REQ_get_subject_name(viewPtr->reqObjPtr->nativePtr);
    default:
	return viewPtr->namePtr;
    }
}

/*
 * Puts a changed copy in the place of the name, and has the encoding made
 * anew: a loaded certificate would otherwise be dumped as it was loaded, see
 * i2d_re_X509_tbs(3). namePtr is taken over, also on failure.
 */
static int
NameReplace(
    PyosslName *viewPtr,
    X509_NAME *namePtr)
{
    X509_REQ *reqPtr;
    int ok = 1;

    switch (viewPtr->kind) {
    case PYOSSL_NAME_SUBJECT:
	ok = X509_set_subject_name(viewPtr->certPtr, namePtr);
	i2d_re_X509_tbs(viewPtr->certPtr, NULL);
	break;
    case PYOSSL_NAME_ISSUER:
	ok = X509_set_issuer_name(viewPtr->certPtr, namePtr);
	i2d_re_X509_tbs(viewPtr->certPtr, NULL);
	break;
    case PYOSSL_NAME_REQUEST:
	reqPtr = viewPtr->reqObjPtr->nativePtr;
	ok = X509_REQ_set_subject_name(reqPtr, namePtr);
	i2d_re_X509_REQ_tbs(reqPtr, NULL);
	break;
    default:
	X509_NAME_free(viewPtr->namePtr);
	viewPtr->namePtr = namePtr;
	return 1;
    }
    X509_NAME_free(namePtr);
    return ok;
}

/* A copy of a name, with a life of its own; NULL if OpenSSL cannot. */
static PyosslName *
NameCopy(
    const X509_NAME *namePtr)
{
    X509_NAME *copyPtr = X509_NAME_dup(namePtr);
    PyosslName *viewPtr;

    if (copyPtr == NULL) {
	return NULL;
    }
    viewPtr = NameAlloc(PYOSSL_NAME_OWN);
    viewPtr->namePtr = copyPtr;
    return viewPtr;
}

/* [pyossl::x509name new x509name]: a copy (manual 3.1, X509Name). */
static void *
NameNew(
    PyosslInterp *ipPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_NAME *namePtr = PyosslNameGet(interp, PYOSSL_CRYPTO, objv[0]);
    PyosslName *viewPtr;

    (void) ipPtr; (void) objc;
    if (namePtr == NULL) {
	return NULL;
    }
    ERR_clear_error();
    viewPtr = NameCopy(namePtr);
    if (viewPtr == NULL) {
	PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot copy the name");
    }
    return viewPtr;
}

static void *
NameDup(
    void *nativePtr)
{
    return NameCopy(NameResolve(nativePtr));
}

/*
 * ---------------------------------------------------------------------
 * For the other classes
 * ---------------------------------------------------------------------
 */

/*
 * PyosslNameReturnCert --
 *	Makes a live view of a certificate's subject or issuer and leaves its
 *	name as the result. The view takes a reference on the certificate.
 */
int
PyosslNameReturnCert(
    PyosslInterp *ipPtr,
    X509 *certPtr,
    PyosslNameKind kind)
{
    PyosslName *viewPtr = NameAlloc(kind);

    X509_up_ref(certPtr);
    viewPtr->certPtr = certPtr;
    return PyosslObjectReturn(ipPtr, &pyosslNameClass, viewPtr);
}

/*
 * PyosslNameReturnReq --
 *	The same for a request's subject. The view holds the x509req object:
 *	OpenSSL has no references on an X509_REQ for others.
 */
int
PyosslNameReturnReq(
    PyosslInterp *ipPtr,
    PyosslObject *reqObjPtr)
{
    PyosslName *viewPtr = NameAlloc(PYOSSL_NAME_REQUEST);

    PyosslObjectHold(reqObjPtr);
    viewPtr->reqObjPtr = reqObjPtr;
    return PyosslObjectReturn(ipPtr, &pyosslNameClass, viewPtr);
}

/*
 * PyosslNameObj --
 *	Makes an x509name command with a copy of a name.
 * Results:
 *	The command's name, without a reference; NULL where the copy or the
 *	interpreter failed.
 */
Tcl_Obj *
PyosslNameObj(
    PyosslInterp *ipPtr,
    const X509_NAME *namePtr)
{
    PyosslName *viewPtr = NameCopy(namePtr);
    PyosslObject *objPtr;

    if (viewPtr == NULL) {
	return NULL;
    }
    objPtr = PyosslObjectNew(ipPtr, &pyosslNameClass, viewPtr);
    return objPtr != NULL ? PyosslObjectName(objPtr) : NULL;
}

/*
 * PyosslNameGet --
 *	The name of an argument, borrowed; NULL with a TypeError in interp.
 */
X509_NAME *
PyosslNameGet(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *nameObj)
{
    PyosslName *viewPtr = PyosslNativeGet(interp, module, nameObj,
	    &pyosslNameClass);

    return viewPtr != NULL ? NameResolve(viewPtr) : NULL;
}

/*
 * ---------------------------------------------------------------------
 * Attributes
 * ---------------------------------------------------------------------
 */

/*
 * The number of an attribute by short name, long name or dotted OID;
 * NID_undef for what OpenSSL does not know. See OBJ_txt2nid(3).
 */
static int
AttributeNid(
    Tcl_Obj *nameObj)
{
    Tcl_Size length;
    const char *name = Tcl_GetStringFromObj(nameObj, &length);
    int nid;

    if (length == 0 || length > MAX_ATTRIBUTE) {
	return NID_undef;
    }
    nid = OBJ_txt2nid(name);
    ERR_clear_error();
    return nid;
}

/*
 * The value of an ASN.1 string of any type as characters. What cannot be
 * converted is shown byte for byte.
 */
static Tcl_Obj *
StringObj(
    const ASN1_STRING *stringPtr)
{
    unsigned char *utf8 = NULL;
    int length = ASN1_STRING_to_UTF8(&utf8, stringPtr);
    Tcl_Obj *valueObj;

    if (length >= 0) {
	valueObj = PyosslUtf8Obj((const char *) utf8, length);
	OPENSSL_free(utf8);
	return valueObj;
    }
    ERR_clear_error();
    /* A byte array's string is its bytes as Latin-1. */
    valueObj = Tcl_NewByteArrayObj(ASN1_STRING_get0_data(stringPtr),
	    ASN1_STRING_length(stringPtr));
    Tcl_GetString(valueObj);
    return valueObj;
}

/* Leaves the first value of an attribute as the result; empty without one. */
static int
AttributeRead(
    PyosslName *viewPtr,
    Tcl_Interp *interp,
    int nid)
{
    const X509_NAME *namePtr = NameResolve(viewPtr);
    int index = X509_NAME_get_index_by_NID(namePtr, nid, -1);

    if (index >= 0) {
	Tcl_SetObjResult(interp, StringObj(X509_NAME_ENTRY_get_data(
		X509_NAME_get_entry(namePtr, index))));
    }
    return TCL_OK;
}

/*
 * Sets an attribute: entries of that kind go, the new one comes last; the
 * empty string only removes. On failure the name stays as it was.
 */
static int
AttributeWrite(
    PyosslName *viewPtr,
    Tcl_Interp *interp,
    int nid,
    Tcl_Obj *valueObj)
{
    X509_NAME *copyPtr;
    Tcl_DString utf8;
    Tcl_Size length;
    const char *value = PyosslGetUtf8(valueObj, &utf8, &length);
    int index, ok = 0;

    if (memchr(value, '\0', length) != NULL) {
	Tcl_DStringFree(&utf8);
	return PyosslFail(interp, PYOSSL_CRYPTO, "ValueError",
		"the value of %s must not contain a NUL", OBJ_nid2sn(nid));
    }
    ERR_clear_error();
    copyPtr = X509_NAME_dup(NameResolve(viewPtr));
    if (copyPtr != NULL) {
	while ((index = X509_NAME_get_index_by_NID(copyPtr, nid, -1)) >= 0) {
	    X509_NAME_ENTRY_free(X509_NAME_delete_entry(copyPtr, index));
	}
	ok = length == 0 || X509_NAME_add_entry_by_NID(copyPtr, nid,
		MBSTRING_UTF8, (const unsigned char *) value, -1, -1, 0);
	if (ok) {
	    ok = NameReplace(viewPtr, copyPtr);
	} else {
	    X509_NAME_free(copyPtr);
	}
    }
    Tcl_DStringFree(&utf8);
    if (!ok) {
	char what[128];

	snprintf(what, sizeof(what), "cannot set %s", OBJ_nid2sn(nid));
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, what);
    }
    ERR_clear_error();
    return TCL_OK;
}

/*
 * $name ATTRIBUTE ?value?: the members of the manual's X509Name (3.1.2) and
 * every other attribute. TCL_CONTINUE: no attribute of that name.
 */
static int
NameUnknown(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int nid = AttributeNid(objv[1]);

    if (nid == NID_undef) {
	return TCL_CONTINUE;
    }
    if (objc > 3) {
	Tcl_WrongNumArgs(interp, 2, objv, "?value?");
	return TCL_ERROR;
    }
    if (objc == 3) {
	return AttributeWrite(objPtr->nativePtr, interp, nid, objv[2]);
    }
    return AttributeRead(objPtr->nativePtr, interp, nid);
}

static int
FailAttribute(
    Tcl_Interp *interp,
    Tcl_Obj *nameObj)
{
    return PyosslFail(interp, PYOSSL_CRYPTO, "AttributeError",
	    "no such attribute: \"%.60s\"", Tcl_GetString(nameObj));
}

/* get attribute: the same for a computed name; else an AttributeError. */
static int
NameGet(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int nid = AttributeNid(objv[2]);

    (void) objc;
    if (nid == NID_undef) {
	return FailAttribute(interp, objv[2]);
    }
    return AttributeRead(objPtr->nativePtr, interp, nid);
}

/* set attribute value: likewise. */
static int
NameSet(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    int nid = AttributeNid(objv[2]);

    (void) objc;
    if (nid == NID_undef) {
	return FailAttribute(interp, objv[2]);
    }
    return AttributeWrite(objPtr->nativePtr, interp, nid, objv[3]);
}

/*
 * ---------------------------------------------------------------------
 * The other methods
 * ---------------------------------------------------------------------
 */

/* compare other: -1, 0 or 1, in OpenSSL's order, see X509_NAME_cmp(3). */
static int
NameCompare(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    X509_NAME *otherPtr = PyosslNameGet(interp, PYOSSL_CRYPTO, objv[2]);
    int order;

    (void) objc;
    if (otherPtr == NULL) {
	return TCL_ERROR;
    }
    ERR_clear_error();
    order = X509_NAME_cmp(NameResolve(objPtr->nativePtr), otherPtr);
    if (order == -2) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot compare the names");
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj((order > 0) - (order < 0)));
    return TCL_OK;
}

/* der: the DER encoding of the name. */
static int
NameDer(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned char *der = NULL;
    int length;

    (void) objc; (void) objv;
    ERR_clear_error();
    length = i2d_X509_NAME(NameResolve(objPtr->nativePtr), &der);
    if (length < 0) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO,
		"cannot encode the name");
    }
    Tcl_SetObjResult(interp, PyosslDerObj(der, length));
    return TCL_OK;
}

/* The short name of an entry's type, or its OID where it has no name. */
static Tcl_Obj *
EntryNameObj(
    const X509_NAME_ENTRY *entryPtr)
{
    const ASN1_OBJECT *oidPtr = X509_NAME_ENTRY_get_object(entryPtr);
    int nid = OBJ_obj2nid(oidPtr);
    char text[256];

    if (nid != NID_undef) {
	return Tcl_NewStringObj(OBJ_nid2sn(nid), -1);
    }
    OBJ_obj2txt(text, sizeof(text), oidPtr, 1);
    return Tcl_NewStringObj(text, -1);
}

/* get_components: the list of {shortName value} in the name's order. */
static int
NameGetComponents(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    const X509_NAME *namePtr = NameResolve(objPtr->nativePtr);
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL), *pair[2];
    int i;

    (void) objc; (void) objv;
    for (i = 0; i < X509_NAME_entry_count(namePtr); i++) {
	const X509_NAME_ENTRY *entryPtr = X509_NAME_get_entry(namePtr, i);

	pair[0] = EntryNameObj(entryPtr);
	pair[1] = StringObj(X509_NAME_ENTRY_get_data(entryPtr));
	Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewListObj(2, pair));
    }
    ERR_clear_error();
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/* hash: what "openssl x509 -subject_hash" prints, as an integer. */
static int
NameHash(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    unsigned long hash;
    int ok = 0;

    (void) objc; (void) objv;
    ERR_clear_error();
    hash = X509_NAME_hash_ex(NameResolve(objPtr->nativePtr), NULL, NULL, &ok);
    if (!ok) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot hash the name");
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt) hash));
    return TCL_OK;
}

/* oneline: "/C=.../CN=...", see X509_NAME_oneline(3). */
static int
NameOneline(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    char *text;

    (void) objc; (void) objv;
    ERR_clear_error();
    text = X509_NAME_oneline(NameResolve(objPtr->nativePtr), NULL, 0);
    if (text == NULL) {
	return PyosslFailQueue(interp, PYOSSL_CRYPTO, "cannot print the name");
    }
    /* It is ASCII: everything else is escaped as \xHH. */
    Tcl_SetObjResult(interp, Tcl_NewStringObj(text, -1));
    OPENSSL_free(text);
    return TCL_OK;
}

static const PyosslMethod nameMethods[] = {
    {"compare", NameCompare, 1, 1, "other", 0},
    {"der", NameDer, 0, 0, NULL, 0},
    PYOSSL_DESTROY_METHOD,
    PYOSSL_DUP_METHOD,
    {"get", NameGet, 1, 1, "attribute", 0},
    {"get_components", NameGetComponents, 0, 0, NULL, 0},
    {"hash", NameHash, 0, 0, NULL, 0},
    {"oneline", NameOneline, 0, 0, NULL, 0},
    {"set", NameSet, 2, 2, "attribute value", 0},
    PYOSSL_END_METHODS
};

const PyosslClass pyosslNameClass = {
    "x509name", PYOSSL_ID_X509NAME, PYOSSL_CRYPTO, nameMethods, NameFree,
    NameNew, 1, 1, "x509name", NameDup, NameUnknown, NULL, NULL
};
