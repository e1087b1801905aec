/*
 * pyosslConst.c --
 *
 *	The constants: one table, from which the variables of the namespace
 *	are made and in which arguments are looked up. Rows of OpenSSL's own
 *	names are guarded one by one: what this OpenSSL has is a constant.
 */

#include "pyosslInt.h"
#include <openssl/ssl.h>

/* New in OpenSSL 3.2, and names that scripts for any release may use. */
#ifndef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
#   define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION	0
#   define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION	0
#endif

typedef struct Constant {
    const char *name;
    Tcl_WideInt value;
} Constant;

static const Constant constants[] = {
    {"FILETYPE_PEM", PYOSSL_FILETYPE_PEM},
    {"FILETYPE_ASN1", PYOSSL_FILETYPE_ASN1},
    {"FILETYPE_TEXT", PYOSSL_FILETYPE_TEXT},
    {"TYPE_RSA", EVP_PKEY_RSA},
    {"TYPE_DSA", EVP_PKEY_DSA},
    {"TYPE_EC", EVP_PKEY_EC},
    {"TYPE_ED25519", EVP_PKEY_ED25519},
    {"TYPE_ED448", EVP_PKEY_ED448},
    {"TYPE_X25519", EVP_PKEY_X25519},
    {"TYPE_X448", EVP_PKEY_X448},
    {"SSLv2_METHOD", PYOSSL_SSLv2_METHOD},
    {"SSLv3_METHOD", PYOSSL_SSLv3_METHOD},
    {"SSLv23_METHOD", PYOSSL_SSLv23_METHOD},
    {"TLSv1_METHOD", PYOSSL_TLSv1_METHOD},
    {"TLSv1_1_METHOD", PYOSSL_TLSv1_1_METHOD},
    {"TLSv1_2_METHOD", PYOSSL_TLSv1_2_METHOD},
    {"TLS_METHOD", PYOSSL_TLS_METHOD},
    {"TLS_SERVER_METHOD", PYOSSL_TLS_SERVER_METHOD},
    {"TLS_CLIENT_METHOD", PYOSSL_TLS_CLIENT_METHOD},
    {"DTLS_METHOD", PYOSSL_DTLS_METHOD},
    {"DTLS_SERVER_METHOD", PYOSSL_DTLS_SERVER_METHOD},
    {"DTLS_CLIENT_METHOD", PYOSSL_DTLS_CLIENT_METHOD},
    {"DTLSv1_METHOD", PYOSSL_DTLSv1_METHOD},
    {"DTLSv1_2_METHOD", PYOSSL_DTLSv1_2_METHOD},
    {"SSLEAY_VERSION", SSLEAY_VERSION},
    {"SSLEAY_CFLAGS", SSLEAY_CFLAGS},
    {"SSLEAY_BUILT_ON", SSLEAY_BUILT_ON},
    {"SSLEAY_PLATFORM", SSLEAY_PLATFORM},
    {"SSLEAY_DIR", SSLEAY_DIR},
    {"OPENSSL_VERSION_NUMBER", OPENSSL_VERSION_NUMBER},
    {"SENT_SHUTDOWN", SSL_SENT_SHUTDOWN},
    {"RECEIVED_SHUTDOWN", SSL_RECEIVED_SHUTDOWN},
#ifdef SSL_VERIFY_NONE
    {"VERIFY_NONE", (Tcl_WideInt) SSL_VERIFY_NONE},
#endif
#ifdef SSL_VERIFY_PEER
    {"VERIFY_PEER", (Tcl_WideInt) SSL_VERIFY_PEER},
#endif
#ifdef SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    {"VERIFY_FAIL_IF_NO_PEER_CERT", (Tcl_WideInt) SSL_VERIFY_FAIL_IF_NO_PEER_CERT},
#endif
#ifdef SSL_VERIFY_CLIENT_ONCE
    {"VERIFY_CLIENT_ONCE", (Tcl_WideInt) SSL_VERIFY_CLIENT_ONCE},
#endif
#ifdef SSL_VERIFY_POST_HANDSHAKE
    {"VERIFY_POST_HANDSHAKE", (Tcl_WideInt) SSL_VERIFY_POST_HANDSHAKE},
#endif
#ifdef SSL_SESS_CACHE_OFF
    {"SESS_CACHE_OFF", (Tcl_WideInt) SSL_SESS_CACHE_OFF},
#endif
#ifdef SSL_SESS_CACHE_CLIENT
    {"SESS_CACHE_CLIENT", (Tcl_WideInt) SSL_SESS_CACHE_CLIENT},
#endif
#ifdef SSL_SESS_CACHE_SERVER
    {"SESS_CACHE_SERVER", (Tcl_WideInt) SSL_SESS_CACHE_SERVER},
#endif
#ifdef SSL_SESS_CACHE_BOTH
    {"SESS_CACHE_BOTH", (Tcl_WideInt) SSL_SESS_CACHE_BOTH},
#endif
#ifdef SSL_SESS_CACHE_NO_AUTO_CLEAR
    {"SESS_CACHE_NO_AUTO_CLEAR", (Tcl_WideInt) SSL_SESS_CACHE_NO_AUTO_CLEAR},
#endif
#ifdef SSL_SESS_CACHE_NO_INTERNAL_LOOKUP
    {"SESS_CACHE_NO_INTERNAL_LOOKUP", (Tcl_WideInt) SSL_SESS_CACHE_NO_INTERNAL_LOOKUP},
#endif
#ifdef SSL_SESS_CACHE_NO_INTERNAL_STORE
    {"SESS_CACHE_NO_INTERNAL_STORE", (Tcl_WideInt) SSL_SESS_CACHE_NO_INTERNAL_STORE},
#endif
#ifdef SSL_SESS_CACHE_NO_INTERNAL
    {"SESS_CACHE_NO_INTERNAL", (Tcl_WideInt) SSL_SESS_CACHE_NO_INTERNAL},
#endif
#ifdef SSL_SESS_CACHE_UPDATE_TIME
    {"SESS_CACHE_UPDATE_TIME", (Tcl_WideInt) SSL_SESS_CACHE_UPDATE_TIME},
#endif
#ifdef SSL_MODE_ENABLE_PARTIAL_WRITE
    {"MODE_ENABLE_PARTIAL_WRITE", (Tcl_WideInt) SSL_MODE_ENABLE_PARTIAL_WRITE},
#endif
#ifdef SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    {"MODE_ACCEPT_MOVING_WRITE_BUFFER", (Tcl_WideInt) SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER},
#endif
#ifdef SSL_MODE_AUTO_RETRY
    {"MODE_AUTO_RETRY", (Tcl_WideInt) SSL_MODE_AUTO_RETRY},
#endif
#ifdef SSL_MODE_NO_AUTO_CHAIN
    {"MODE_NO_AUTO_CHAIN", (Tcl_WideInt) SSL_MODE_NO_AUTO_CHAIN},
#endif
#ifdef SSL_MODE_RELEASE_BUFFERS
    {"MODE_RELEASE_BUFFERS", (Tcl_WideInt) SSL_MODE_RELEASE_BUFFERS},
#endif
#ifdef SSL_MODE_SEND_CLIENTHELLO_TIME
    {"MODE_SEND_CLIENTHELLO_TIME", (Tcl_WideInt) SSL_MODE_SEND_CLIENTHELLO_TIME},
#endif
#ifdef SSL_MODE_SEND_SERVERHELLO_TIME
    {"MODE_SEND_SERVERHELLO_TIME", (Tcl_WideInt) SSL_MODE_SEND_SERVERHELLO_TIME},
#endif
#ifdef SSL_MODE_SEND_FALLBACK_SCSV
    {"MODE_SEND_FALLBACK_SCSV", (Tcl_WideInt) SSL_MODE_SEND_FALLBACK_SCSV},
#endif
#ifdef SSL_MODE_ASYNC
    {"MODE_ASYNC", (Tcl_WideInt) SSL_MODE_ASYNC},
#endif
#ifdef SSL_MODE_DTLS_SCTP_LABEL_LENGTH_BUG
    {"MODE_DTLS_SCTP_LABEL_LENGTH_BUG", (Tcl_WideInt) SSL_MODE_DTLS_SCTP_LABEL_LENGTH_BUG},
#endif
#ifdef SSL_CB_LOOP
    {"SSL_CB_LOOP", (Tcl_WideInt) SSL_CB_LOOP},
#endif
#ifdef SSL_CB_EXIT
    {"SSL_CB_EXIT", (Tcl_WideInt) SSL_CB_EXIT},
#endif
#ifdef SSL_CB_READ
    {"SSL_CB_READ", (Tcl_WideInt) SSL_CB_READ},
#endif
#ifdef SSL_CB_WRITE
    {"SSL_CB_WRITE", (Tcl_WideInt) SSL_CB_WRITE},
#endif
#ifdef SSL_CB_ALERT
    {"SSL_CB_ALERT", (Tcl_WideInt) SSL_CB_ALERT},
#endif
#ifdef SSL_CB_READ_ALERT
    {"SSL_CB_READ_ALERT", (Tcl_WideInt) SSL_CB_READ_ALERT},
#endif
#ifdef SSL_CB_WRITE_ALERT
    {"SSL_CB_WRITE_ALERT", (Tcl_WideInt) SSL_CB_WRITE_ALERT},
#endif
#ifdef SSL_CB_ACCEPT_LOOP
    {"SSL_CB_ACCEPT_LOOP", (Tcl_WideInt) SSL_CB_ACCEPT_LOOP},
#endif
#ifdef SSL_CB_ACCEPT_EXIT
    {"SSL_CB_ACCEPT_EXIT", (Tcl_WideInt) SSL_CB_ACCEPT_EXIT},
#endif
#ifdef SSL_CB_CONNECT_LOOP
    {"SSL_CB_CONNECT_LOOP", (Tcl_WideInt) SSL_CB_CONNECT_LOOP},
#endif
#ifdef SSL_CB_CONNECT_EXIT
    {"SSL_CB_CONNECT_EXIT", (Tcl_WideInt) SSL_CB_CONNECT_EXIT},
#endif
#ifdef SSL_CB_HANDSHAKE_START
    {"SSL_CB_HANDSHAKE_START", (Tcl_WideInt) SSL_CB_HANDSHAKE_START},
#endif
#ifdef SSL_CB_HANDSHAKE_DONE
    {"SSL_CB_HANDSHAKE_DONE", (Tcl_WideInt) SSL_CB_HANDSHAKE_DONE},
#endif
#ifdef SSL_ST_CONNECT
    {"SSL_ST_CONNECT", (Tcl_WideInt) SSL_ST_CONNECT},
#endif
#ifdef SSL_ST_ACCEPT
    {"SSL_ST_ACCEPT", (Tcl_WideInt) SSL_ST_ACCEPT},
#endif
#ifdef SSL_ST_MASK
    {"SSL_ST_MASK", (Tcl_WideInt) SSL_ST_MASK},
#endif
#ifdef SSL_ST_READ_HEADER
    {"SSL_ST_READ_HEADER", (Tcl_WideInt) SSL_ST_READ_HEADER},
#endif
#ifdef SSL_ST_READ_BODY
    {"SSL_ST_READ_BODY", (Tcl_WideInt) SSL_ST_READ_BODY},
#endif
#ifdef SSL_ST_READ_DONE
    {"SSL_ST_READ_DONE", (Tcl_WideInt) SSL_ST_READ_DONE},
#endif
#ifdef SSL_OP_NO_EXTENDED_MASTER_SECRET
    {"OP_NO_EXTENDED_MASTER_SECRET", (Tcl_WideInt) SSL_OP_NO_EXTENDED_MASTER_SECRET},
#endif
#ifdef SSL_OP_CLEANSE_PLAINTEXT
    {"OP_CLEANSE_PLAINTEXT", (Tcl_WideInt) SSL_OP_CLEANSE_PLAINTEXT},
#endif
#ifdef SSL_OP_LEGACY_SERVER_CONNECT
    {"OP_LEGACY_SERVER_CONNECT", (Tcl_WideInt) SSL_OP_LEGACY_SERVER_CONNECT},
#endif
#ifdef SSL_OP_ENABLE_KTLS
    {"OP_ENABLE_KTLS", (Tcl_WideInt) SSL_OP_ENABLE_KTLS},
#endif
#ifdef SSL_OP_TLSEXT_PADDING
    {"OP_TLSEXT_PADDING", (Tcl_WideInt) SSL_OP_TLSEXT_PADDING},
#endif
#ifdef SSL_OP_SAFARI_ECDHE_ECDSA_BUG
    {"OP_SAFARI_ECDHE_ECDSA_BUG", (Tcl_WideInt) SSL_OP_SAFARI_ECDHE_ECDSA_BUG},
#endif
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    {"OP_IGNORE_UNEXPECTED_EOF", (Tcl_WideInt) SSL_OP_IGNORE_UNEXPECTED_EOF},
#endif
#ifdef SSL_OP_ALLOW_CLIENT_RENEGOTIATION
    {"OP_ALLOW_CLIENT_RENEGOTIATION", (Tcl_WideInt) SSL_OP_ALLOW_CLIENT_RENEGOTIATION},
#endif
#ifdef SSL_OP_DISABLE_TLSEXT_CA_NAMES
    {"OP_DISABLE_TLSEXT_CA_NAMES", (Tcl_WideInt) SSL_OP_DISABLE_TLSEXT_CA_NAMES},
#endif
#ifdef SSL_OP_ALLOW_NO_DHE_KEX
    {"OP_ALLOW_NO_DHE_KEX", (Tcl_WideInt) SSL_OP_ALLOW_NO_DHE_KEX},
#endif
#ifdef SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS
    {"OP_DONT_INSERT_EMPTY_FRAGMENTS", (Tcl_WideInt) SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
#endif
#ifdef SSL_OP_NO_QUERY_MTU
    {"OP_NO_QUERY_MTU", (Tcl_WideInt) SSL_OP_NO_QUERY_MTU},
#endif
#ifdef SSL_OP_COOKIE_EXCHANGE
    {"OP_COOKIE_EXCHANGE", (Tcl_WideInt) SSL_OP_COOKIE_EXCHANGE},
#endif
#ifdef SSL_OP_NO_TICKET
    {"OP_NO_TICKET", (Tcl_WideInt) SSL_OP_NO_TICKET},
#endif
#ifdef SSL_OP_CISCO_ANYCONNECT
    {"OP_CISCO_ANYCONNECT", (Tcl_WideInt) SSL_OP_CISCO_ANYCONNECT},
#endif
#ifdef SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION
    {"OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION", (Tcl_WideInt) SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
#endif
    {"OP_NO_TX_CERTIFICATE_COMPRESSION", (Tcl_WideInt) SSL_OP_NO_TX_CERTIFICATE_COMPRESSION},
    {"OP_NO_RX_CERTIFICATE_COMPRESSION", (Tcl_WideInt) SSL_OP_NO_RX_CERTIFICATE_COMPRESSION},
#ifdef SSL_OP_NO_COMPRESSION
    {"OP_NO_COMPRESSION", (Tcl_WideInt) SSL_OP_NO_COMPRESSION},
#endif
#ifdef SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION
    {"OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION", (Tcl_WideInt) SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION},
#endif
#ifdef SSL_OP_NO_ENCRYPT_THEN_MAC
    {"OP_NO_ENCRYPT_THEN_MAC", (Tcl_WideInt) SSL_OP_NO_ENCRYPT_THEN_MAC},
#endif
#ifdef SSL_OP_ENABLE_MIDDLEBOX_COMPAT
    {"OP_ENABLE_MIDDLEBOX_COMPAT", (Tcl_WideInt) SSL_OP_ENABLE_MIDDLEBOX_COMPAT},
#endif
#ifdef SSL_OP_PRIORITIZE_CHACHA
    {"OP_PRIORITIZE_CHACHA", (Tcl_WideInt) SSL_OP_PRIORITIZE_CHACHA},
#endif
#ifdef SSL_OP_CIPHER_SERVER_PREFERENCE
    {"OP_CIPHER_SERVER_PREFERENCE", (Tcl_WideInt) SSL_OP_CIPHER_SERVER_PREFERENCE},
#endif
#ifdef SSL_OP_TLS_ROLLBACK_BUG
    {"OP_TLS_ROLLBACK_BUG", (Tcl_WideInt) SSL_OP_TLS_ROLLBACK_BUG},
#endif
#ifdef SSL_OP_NO_ANTI_REPLAY
    {"OP_NO_ANTI_REPLAY", (Tcl_WideInt) SSL_OP_NO_ANTI_REPLAY},
#endif
#ifdef SSL_OP_NO_SSLv3
    {"OP_NO_SSLv3", (Tcl_WideInt) SSL_OP_NO_SSLv3},
#endif
#ifdef SSL_OP_NO_TLSv1
    {"OP_NO_TLSv1", (Tcl_WideInt) SSL_OP_NO_TLSv1},
#endif
#ifdef SSL_OP_NO_TLSv1_2
    {"OP_NO_TLSv1_2", (Tcl_WideInt) SSL_OP_NO_TLSv1_2},
#endif
#ifdef SSL_OP_NO_TLSv1_1
    {"OP_NO_TLSv1_1", (Tcl_WideInt) SSL_OP_NO_TLSv1_1},
#endif
#ifdef SSL_OP_NO_TLSv1_3
    {"OP_NO_TLSv1_3", (Tcl_WideInt) SSL_OP_NO_TLSv1_3},
#endif
#ifdef SSL_OP_NO_DTLSv1
    {"OP_NO_DTLSv1", (Tcl_WideInt) SSL_OP_NO_DTLSv1},
#endif
#ifdef SSL_OP_NO_DTLSv1_2
    {"OP_NO_DTLSv1_2", (Tcl_WideInt) SSL_OP_NO_DTLSv1_2},
#endif
#ifdef SSL_OP_NO_RENEGOTIATION
    {"OP_NO_RENEGOTIATION", (Tcl_WideInt) SSL_OP_NO_RENEGOTIATION},
#endif
#ifdef SSL_OP_CRYPTOPRO_TLSEXT_BUG
    {"OP_CRYPTOPRO_TLSEXT_BUG", (Tcl_WideInt) SSL_OP_CRYPTOPRO_TLSEXT_BUG},
#endif
#ifdef SSL_OP_NO_SSL_MASK
    {"OP_NO_SSL_MASK", (Tcl_WideInt) SSL_OP_NO_SSL_MASK},
#endif
#ifdef SSL_OP_NO_DTLS_MASK
    {"OP_NO_DTLS_MASK", (Tcl_WideInt) SSL_OP_NO_DTLS_MASK},
#endif
#ifdef SSL_OP_ALL
    {"OP_ALL", (Tcl_WideInt) SSL_OP_ALL},
#endif
#ifdef SSL_OP_MICROSOFT_SESS_ID_BUG
    {"OP_MICROSOFT_SESS_ID_BUG", (Tcl_WideInt) SSL_OP_MICROSOFT_SESS_ID_BUG},
#endif
#ifdef SSL_OP_NETSCAPE_CHALLENGE_BUG
    {"OP_NETSCAPE_CHALLENGE_BUG", (Tcl_WideInt) SSL_OP_NETSCAPE_CHALLENGE_BUG},
#endif
#ifdef SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG
    {"OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG", (Tcl_WideInt) SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG},
#endif
#ifdef SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG
    {"OP_SSLREF2_REUSE_CERT_TYPE_BUG", (Tcl_WideInt) SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG},
#endif
#ifdef SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER
    {"OP_MICROSOFT_BIG_SSLV3_BUFFER", (Tcl_WideInt) SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER},
#endif
#ifdef SSL_OP_MSIE_SSLV2_RSA_PADDING
    {"OP_MSIE_SSLV2_RSA_PADDING", (Tcl_WideInt) SSL_OP_MSIE_SSLV2_RSA_PADDING},
#endif
#ifdef SSL_OP_SSLEAY_080_CLIENT_DH_BUG
    {"OP_SSLEAY_080_CLIENT_DH_BUG", (Tcl_WideInt) SSL_OP_SSLEAY_080_CLIENT_DH_BUG},
#endif
#ifdef SSL_OP_TLS_D5_BUG
    {"OP_TLS_D5_BUG", (Tcl_WideInt) SSL_OP_TLS_D5_BUG},
#endif
#ifdef SSL_OP_TLS_BLOCK_PADDING_BUG
    {"OP_TLS_BLOCK_PADDING_BUG", (Tcl_WideInt) SSL_OP_TLS_BLOCK_PADDING_BUG},
#endif
#ifdef SSL_OP_SINGLE_ECDH_USE
    {"OP_SINGLE_ECDH_USE", (Tcl_WideInt) SSL_OP_SINGLE_ECDH_USE},
#endif
#ifdef SSL_OP_SINGLE_DH_USE
    {"OP_SINGLE_DH_USE", (Tcl_WideInt) SSL_OP_SINGLE_DH_USE},
#endif
#ifdef SSL_OP_EPHEMERAL_RSA
    {"OP_EPHEMERAL_RSA", (Tcl_WideInt) SSL_OP_EPHEMERAL_RSA},
#endif
#ifdef SSL_OP_NO_SSLv2
    {"OP_NO_SSLv2", (Tcl_WideInt) SSL_OP_NO_SSLv2},
#endif
#ifdef SSL_OP_PKCS1_CHECK_1
    {"OP_PKCS1_CHECK_1", (Tcl_WideInt) SSL_OP_PKCS1_CHECK_1},
#endif
#ifdef SSL_OP_PKCS1_CHECK_2
    {"OP_PKCS1_CHECK_2", (Tcl_WideInt) SSL_OP_PKCS1_CHECK_2},
#endif
#ifdef SSL_OP_NETSCAPE_CA_DN_BUG
    {"OP_NETSCAPE_CA_DN_BUG", (Tcl_WideInt) SSL_OP_NETSCAPE_CA_DN_BUG},
#endif
#ifdef SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG
    {"OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG", (Tcl_WideInt) SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG},
#endif
    {NULL, 0}
};

/*
 * PyosslConstRegister --
 *	Makes ::pyossl::NAME for every constant.
 */
void
PyosslConstRegister(
    PyosslInterp *ipPtr)
{
    const Constant *rowPtr;
    char name[96];

    for (rowPtr = constants; rowPtr->name != NULL; rowPtr++) {
	snprintf(name, sizeof(name), "::pyossl::%s", rowPtr->name);
	Tcl_SetVar2Ex(ipPtr->interp, name, NULL,
		Tcl_NewWideIntObj(rowPtr->value), TCL_GLOBAL_ONLY);
    }
}

/* The value of a constant by its name, or by its name less the prefix. */
static const Constant *
FindConstant(
    const char *prefix,
    const char *name)
{
    size_t skip = prefix != NULL ? strlen(prefix) : 0;
    const Constant *rowPtr;

    for (rowPtr = constants; rowPtr->name != NULL; rowPtr++) {
	if (strcmp(rowPtr->name, name) == 0) {
	    return rowPtr;
	}
	if (skip > 0 && strncmp(rowPtr->name, prefix, skip) == 0
		&& strcmp(rowPtr->name + skip, name) == 0) {
	    return rowPtr;
	}
    }
    return NULL;
}

/*
 * PyosslGetConst --
 *	A constant argument: an integer, a name, a name less the prefix
 *	("PEM" for "FILETYPE_"), or a list of these, which are OR-ed.
 * Arguments:
 *	prefix	Of the names that are meant here, or NULL.
 * Results:
 *	TCL_OK with the value; TCL_ERROR with a TypeError.
 */
int
PyosslGetConst(
    Tcl_Interp *interp,
    PyosslModule module,
    const char *what,
    const char *prefix,
    Tcl_Obj *objPtr,
    Tcl_WideInt *valuePtr)
{
    Tcl_WideInt value = 0, one;
    const Constant *rowPtr;
    Tcl_Obj **words;
    Tcl_Size i, count;

    if (Tcl_GetWideIntFromObj(NULL, objPtr, valuePtr) == TCL_OK) {
	return TCL_OK;
    }
    if (Tcl_ListObjGetElements(NULL, objPtr, &count, &words) != TCL_OK) {
	return PyosslFail(interp, module, "TypeError",
		"%s must be a constant, not \"%.60s\"", what,
		Tcl_GetString(objPtr));
    }
    for (i = 0; i < count; i++) {
	rowPtr = FindConstant(prefix, Tcl_GetString(words[i]));
	if (rowPtr != NULL) {
	    one = rowPtr->value;
	} else if (Tcl_GetWideIntFromObj(NULL, words[i], &one) != TCL_OK) {
	    return PyosslFail(interp, module, "TypeError",
		    "%s must be a constant, not \"%.60s\"", what,
		    Tcl_GetString(words[i]));
	}
	value |= one;
    }
    *valuePtr = value;
    return TCL_OK;
}

/*
 * PyosslGetFiletype --
 *	A FILETYPE_* argument; one that is not allowed is a ValueError.
 */
int
PyosslGetFiletype(
    Tcl_Interp *interp,
    PyosslModule module,
    Tcl_Obj *objPtr,
    int textAllowed,
    int *typePtr)
{
    Tcl_WideInt value;

    if (Tcl_GetString(objPtr)[0] == '\0') {
	return PyosslFail(interp, module, "TypeError",
		"the type must be a constant, not \"\"");
    }
    if (PyosslGetConst(interp, module, "the type", "FILETYPE_", objPtr,
	    &value) != TCL_OK) {
	return TCL_ERROR;
    }
    if (value != PYOSSL_FILETYPE_PEM && value != PYOSSL_FILETYPE_ASN1
	    && !(textAllowed && value == PYOSSL_FILETYPE_TEXT)) {
	return PyosslFail(interp, module, "ValueError",
		"the type must be FILETYPE_PEM%s FILETYPE_ASN1%s, not \"%.40s\"",
		textAllowed ? "," : " or",
		textAllowed ? " or FILETYPE_TEXT" : "",
		Tcl_GetString(objPtr));
    }
    *typePtr = (int) value;
    return TCL_OK;
}
