/*
 * pyosslConnInfo.c --
 *
 *	What is known of a connection: the getters of class conn (manual
 *	3.3.2), sessions, and the dict of [pyossl::status].
 */

#include "pyosslConn.h"
#include "pyosslCrypto.h"

/* get_cipher_list: all ciphers that the connection may use, in order. */
int
PyosslConnGetCipherList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    const char *name;
    int i;

    (void) objc; (void) objv;
    for (i = 0; (name = SSL_get_cipher_list(tlsPtr->ssl, i)) != NULL; i++) {
	Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj(name, -1));
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/* get_client_ca_list: a list of x509name, copies. */
int
PyosslConnGetClientCaList(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    STACK_OF(X509_NAME) *stackPtr = SSL_get_client_CA_list(tlsPtr->ssl);
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL), *nameObj;
    int i;

    (void) objc; (void) objv;
    for (i = 0; i < sk_X509_NAME_num(stackPtr); i++) {
	nameObj = PyosslNameObj(objPtr->ipPtr,
		sk_X509_NAME_value(stackPtr, i));
	if (nameObj != NULL) {
	    Tcl_ListObjAppendElement(NULL, listObj, nameObj);
	}
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

int
PyosslConnGetPeerCertificate(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    X509 *certPtr = SSL_get1_peer_certificate(tlsPtr->ssl);

    (void) objc; (void) objv;
    if (certPtr == NULL) {
	return TCL_OK;
    }
    return PyosslObjectReturn(objPtr->ipPtr, &pyosslX509Class, certPtr)
	    == TCL_OK ? TCL_OK : PyosslFail(interp, PYOSSL_SSL, "Error",
	    "the interpreter is being deleted");
}

/* Appends a new x509 for a certificate, which stays the caller's; or NULL. */
static void
AppendCert(
    PyosslInterp *ipPtr,
    Tcl_Obj *listObj,
    X509 *certPtr)
{
    Tcl_Obj *nameObj;

    if (certPtr == NULL) {
	return;
    }
    X509_up_ref(certPtr);
    nameObj = PyosslX509Obj(ipPtr, certPtr);
    if (nameObj != NULL) {
	Tcl_ListObjAppendElement(NULL, listObj, nameObj);
    }
}

/*
 * get_peer_cert_chain: what the peer sent, its own certificate first, on
 * the server's side too, where OpenSSL keeps that one apart, as it does in
 * a resumed session.
 */
int
PyosslConnGetPeerCertChain(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    STACK_OF(X509) *chainPtr = SSL_get_peer_cert_chain(tlsPtr->ssl);
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int i;

    (void) objc; (void) objv;
    if (SSL_is_server(tlsPtr->ssl) || chainPtr == NULL) {
	X509 *leafPtr = SSL_get0_peer_certificate(tlsPtr->ssl);

	AppendCert(objPtr->ipPtr, listObj, leafPtr);
    }
    for (i = 0; i < sk_X509_num(chainPtr); i++) {
	AppendCert(objPtr->ipPtr, listObj, sk_X509_value(chainPtr, i));
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

int
PyosslConnStateString(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewStringObj(
	    SSL_state_string_long(tlsPtr->ssl), -1));
    return TCL_OK;
}

/*
 * The randoms and the master key: empty until they are known. OpenSSL has zeros
 * for a random that is not, and the key of a session that is only offered.
 */
static int
ReturnRandom(
    Tcl_Interp *interp,
    const PyosslTls *tlsPtr,
    size_t (*getProc)(const SSL *ssl, unsigned char *out, size_t size))
{
    static const unsigned char none[SSL3_RANDOM_SIZE];
    unsigned char random[SSL3_RANDOM_SIZE];
    size_t length;

    if (SSL_get_session(tlsPtr->ssl) != NULL) {
	length = getProc(tlsPtr->ssl, random, sizeof(random));
	if (memcmp(random, none, length) != 0) {
	    Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(random,
		    (Tcl_Size) length));
	}
    }
    return TCL_OK;
}

int
PyosslConnClientRandom(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return ReturnRandom(interp, objPtr->nativePtr, SSL_get_client_random);
}

int
PyosslConnServerRandom(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    return ReturnRandom(interp, objPtr->nativePtr, SSL_get_server_random);
}

int
PyosslConnMasterKey(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    SSL_SESSION *sessionPtr = SSL_get_session(tlsPtr->ssl);
    unsigned char key[SSL_MAX_MASTER_KEY_LENGTH];
    size_t length;

    (void) objc; (void) objv;
    if (sessionPtr != NULL && !SSL_in_before(tlsPtr->ssl)) {
	length = SSL_SESSION_get_master_key(sessionPtr, key, sizeof(key));
	Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(key, (Tcl_Size) length));
	OPENSSL_cleanse(key, sizeof(key));
    }
    return TCL_OK;
}

/* export_keying_material label length ?context? (RFC 5705). */
int
PyosslConnExportKeyingMaterial(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    unsigned char *label, *context = NULL;
    Tcl_Size labelLength, contextLength = 0;
    Tcl_Obj *keyObj;
    int length;

    if (PyosslGetIntRange(interp, PYOSSL_SSL, "the length", objv[3], 0, 0xffff,
	    &length) != TCL_OK || (label = PyosslGetBytes(interp, PYOSSL_SSL,
	    "the label", objv[2], &labelLength)) == NULL) {
	return TCL_ERROR;
    }
    if (objc > 4) {
	context = PyosslGetBytes(interp, PYOSSL_SSL, "the context", objv[4],
		&contextLength);
	if (context == NULL) {
	    return TCL_ERROR;
	}
    }
    keyObj = Tcl_NewByteArrayObj(NULL, 0);
    ERR_clear_error();
    if (SSL_export_keying_material(tlsPtr->ssl,
	    Tcl_SetByteArrayLength(keyObj, length), length, (char *) label,
	    labelLength, context, contextLength, objc > 4) != 1) {
	Tcl_DecrRefCount(keyObj);
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot export keying material");
    }
    Tcl_SetObjResult(interp, keyObj);
    return TCL_OK;
}

/* The name that the client asked for, as it came: it may be no UTF-8. */
static Tcl_Obj *
ServernameObj(
    SSL *ssl)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    return name != NULL ? PyosslUtf8Obj(name, (Tcl_Size) strlen(name))
	    : Tcl_NewObj();
}

int
PyosslConnGetServername(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, ServernameObj(tlsPtr->ssl));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Sessions
 * ---------------------------------------------------------------------
 */

/* get_session: bytes that set_session takes; empty while there is none. */
int
PyosslConnGetSession(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;
    SSL_SESSION *sessionPtr = SSL_get_session(tlsPtr->ssl);
    unsigned char *der = NULL;
    int length;

    (void) objc; (void) objv;
    /*
     * A server has the object from the ClientHello on, but no session before
     * the handshake has chosen a cipher. Its own is none that OpenSSL resumes
     * where it sent a ticket.
     */
    if (sessionPtr == NULL || SSL_SESSION_get0_cipher(sessionPtr) == NULL
	    || (!SSL_is_server(tlsPtr->ssl)
	    && !SSL_SESSION_is_resumable(sessionPtr))) {
	return TCL_OK;
    }
    ERR_clear_error();
    length = i2d_SSL_SESSION(sessionPtr, &der);
    if (length <= 0) {
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"cannot encode the session");
    }
    Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(der, length));
    OPENSSL_clear_free(der, length);
    return TCL_OK;
}

int
PyosslConnSetSession(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc;
    return PyosslConnOfferSession(interp, objPtr->nativePtr, objv[2]);
}

/* PyosslConnOfferSession -- offers a session's bytes in the handshake. */
int
PyosslConnOfferSession(
    Tcl_Interp *interp,
    PyosslTls *tlsPtr,
    Tcl_Obj *bytesObj)
{
    const unsigned char *bytes, *p;
    SSL_SESSION *sessionPtr;
    Tcl_Size length;
    int ok;

    bytes = p = PyosslGetBytes(interp, PYOSSL_SSL, "the session", bytesObj,
	    &length);
    if (bytes == NULL) {
	return TCL_ERROR;
    }
    if (tlsPtr->established || tlsPtr->busy
	    || !SSL_in_before(tlsPtr->ssl)) {
	return PyosslFail(interp, PYOSSL_SSL, "ValueError",
		"a session can be offered before the handshake only");
    }
    ERR_clear_error();
    sessionPtr = d2i_SSL_SESSION(NULL, &p, (long) length);
    if (sessionPtr == NULL || p != bytes + length) {
	SSL_SESSION_free(sessionPtr);
	return PyosslFailQueue(interp, PYOSSL_SSL,
		"the bytes are not a session");
    }
    ok = SSL_set_session(tlsPtr->ssl, sessionPtr);
    SSL_SESSION_free(sessionPtr);
    return ok ? TCL_OK : PyosslFailQueue(interp, PYOSSL_SSL,
	    "the session does not fit the connection");
}

int
PyosslConnSessionReused(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    PyosslTls *tlsPtr = objPtr->nativePtr;

    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(
	    SSL_session_reused(tlsPtr->ssl) != 0));
    return TCL_OK;
}

/*
 * ---------------------------------------------------------------------
 * Status
 * ---------------------------------------------------------------------
 */

static void
Put(
    Tcl_Obj *dictObj,
    const char *key,
    Tcl_Obj *valueObj)
{
    Tcl_DictObjPut(NULL, dictObj, Tcl_NewStringObj(key, -1), valueObj);
}

static void
PutString(
    Tcl_Obj *dictObj,
    const char *key,
    const char *value)
{
    Put(dictObj, key, Tcl_NewStringObj(value ? value : "", -1));
}

/*
 * The peer's certificates as they came, and its own one: those of a refused
 * verification if there was one.
 * Results:
 *	The chain, OpenSSL's or the connection's, or NULL. *leafPtrPtr gets
 *	the own one, or NULL; on the server's side only a refused chain
 *	begins with it.
 */
static STACK_OF(X509) *
PeerChain(
    PyosslTls *tlsPtr,
    X509 **leafPtrPtr)
{
    STACK_OF(X509) *chainPtr = tlsPtr->refused;

    if (chainPtr != NULL) {
	*leafPtrPtr = sk_X509_value(chainPtr, 0);
	return chainPtr;
    }
    *leafPtrPtr = SSL_get0_peer_certificate(tlsPtr->ssl);
    chainPtr = SSL_get_peer_cert_chain(tlsPtr->ssl);
    if (*leafPtrPtr == NULL && !SSL_is_server(tlsPtr->ssl)) {
	/* In the verify callback. */
	*leafPtrPtr = sk_X509_value(chainPtr, 0);
    }
    return chainPtr;
}

/* The peer's certificates in PEM, its own first. */
static Tcl_Obj *
Certificates(
    STACK_OF(X509) *chainPtr,
    X509 *leafPtr)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    /* A resumed session has kept the peer's own one alone. */
    int i, count = chainPtr == NULL ? 0 : sk_X509_num(chainPtr);

    for (i = -1; i < count; i++) {
	X509 *certPtr = i < 0 ? leafPtr : sk_X509_value(chainPtr, i);
	BIO *bioPtr;

	if (i < 0 && (leafPtr == NULL
		|| leafPtr == sk_X509_value(chainPtr, 0))) {
	    continue;		/* The chain starts with it. */
	}
	bioPtr = BIO_new(BIO_s_mem());
	if (bioPtr != NULL && PEM_write_bio_X509(bioPtr, certPtr)) {
	    char *pem;
	    long length = BIO_get_mem_data(bioPtr, &pem);

	    Tcl_ListObjAppendElement(NULL, listObj,
		    Tcl_NewStringObj(pem, (Tcl_Size) length));
	}
	BIO_free(bioPtr);
    }
    return listObj;
}

static void
PutCertificate(
    Tcl_Obj *dictObj,
    PyosslTls *tlsPtr)
{
    X509 *certPtr;
    STACK_OF(X509) *chainPtr = PeerChain(tlsPtr, &certPtr);
    char *text;

    text = certPtr == NULL ? NULL
	    : X509_NAME_oneline(X509_get_subject_name(certPtr), NULL, 0);
    PutString(dictObj, "subject", text);
    OPENSSL_free(text);
    text = certPtr == NULL ? NULL
	    : X509_NAME_oneline(X509_get_issuer_name(certPtr), NULL, 0);
    PutString(dictObj, "issuer", text);
    OPENSSL_free(text);
    Put(dictObj, "notBefore", certPtr == NULL ? Tcl_NewObj()
	    : PyosslTimeObj(X509_get0_notBefore(certPtr)));
    Put(dictObj, "notAfter", certPtr == NULL ? Tcl_NewObj()
	    : PyosslTimeObj(X509_get0_notAfter(certPtr)));
    Put(dictObj, "serial", certPtr == NULL ? Tcl_NewObj()
	    : PyosslAsn1IntegerObj(X509_get0_serialNumber(certPtr)));
    Put(dictObj, "certificates", Certificates(chainPtr, certPtr));
}

/* Which directions the kernel does. */
static const char *
KernelDirections(
    const PyosslLink *linkPtr)
{
    return linkPtr->kernelSends && linkPtr->kernelReceives ? "both"
	    : linkPtr->kernelSends ? "send"
	    : linkPtr->kernelReceives ? "receive" : "none";
}

/*
 * PyosslConnStatusObj --
 *	What was negotiated and who the peer is, as a dict. Values are empty
 *	until they are known.
 */
Tcl_Obj *
PyosslConnStatusObj(
    PyosslTls *tlsPtr)
{
    SSL *ssl = tlsPtr->ssl;
    const SSL_CIPHER *cipherPtr = tlsPtr->established
	    ? SSL_get_current_cipher(ssl) : NULL;
    long verify = SSL_get_verify_result(ssl);
    const unsigned char *alpn = NULL;
    unsigned int alpnLength = 0;
    int group = tlsPtr->established ? (int) SSL_get_negotiated_group(ssl) : 0;
    Tcl_Obj *dictObj = Tcl_NewDictObj();

    PutString(dictObj, "protocol", tlsPtr->established
	    ? SSL_get_version(ssl) : "");
    PutString(dictObj, "cipher", cipherPtr ? SSL_CIPHER_get_name(cipherPtr)
	    : "");
    Put(dictObj, "sbits", cipherPtr == NULL ? Tcl_NewObj()
	    : Tcl_NewIntObj(SSL_CIPHER_get_bits(cipherPtr, NULL)));
    PutString(dictObj, "group", group > 0 ? SSL_group_to_name(ssl, group)
	    : "");
    Put(dictObj, "servername", ServernameObj(ssl));
    SSL_get0_alpn_selected(ssl, &alpn, &alpnLength);
    Put(dictObj, "alpn", Tcl_NewByteArrayObj(alpn, (Tcl_Size) alpnLength));
    Put(dictObj, "resumed", Tcl_NewIntObj(SSL_session_reused(ssl) != 0));
    PutString(dictObj, "verification", X509_verify_cert_error_string(verify));
    Put(dictObj, "verifycode", Tcl_NewWideIntObj(verify));
    PutCertificate(dictObj, tlsPtr);
    PutString(dictObj, "ktls", KernelDirections(&tlsPtr->link));
    ERR_clear_error();
    return dictObj;
}

int
PyosslConnStatus(
    PyosslObject *objPtr,
    Tcl_Interp *interp,
    int objc,
    Tcl_Obj *const objv[])
{
    (void) objc; (void) objv;
    Tcl_SetObjResult(interp, PyosslConnStatusObj(objPtr->nativePtr));
    return TCL_OK;
}
