/*
 * pyosslWinTrust.c --
 *
 *	The authorities of Windows: the stores of the user and the machine,
 *	which administrators and programs fill. An entry counts for what
 *	Windows lets it be used for.
 *
 *	    ROOT        the trusted authorities
 *	    CA          intermediate ones, to complete chains with
 *	    Disallowed  those that must not be believed whoever vouches for them
 */

#include "pyosslTls.h"
#include <wincrypt.h>
/* wincrypt.h claims these names, OpenSSL needs them. */
#undef X509_NAME
#undef X509_EXTENSIONS
#undef PKCS7_SIGNER_INFO
#undef OCSP_REQUEST
#undef OCSP_RESPONSE
#include <openssl/x509v3.h>

/* What TLS asks of a certificate: Windows' name and OpenSSL's. */
static const struct {
    const char *oid;
    int nid;
} purposes[] = {
    {szOID_PKIX_KP_SERVER_AUTH, NID_server_auth},
    {szOID_PKIX_KP_CLIENT_AUTH, NID_client_auth},
    {NULL, 0}
};

/* Forbids one use of a certificate; 0 without memory. */
static int
Reject(
    X509 *certPtr,
    int nid)
{
    return X509_add1_reject_object(certPtr, OBJ_nid2obj(nid));
}

/*
 * Forbids what Windows does not let an entry be used for: the property
 * "enhanced key usage", which a store's owner can set for any certificate.
 * Results:
 *	0 if nothing is left, or without memory.
 */
static int
Restrict(
    PCCERT_CONTEXT entryPtr,
    X509 *certPtr)
{
    CERT_ENHKEY_USAGE *usagePtr;
    DWORD size = 0, i;
    int j, ok = 1, allowed = 0;

    if (!CertGetCertificateContextProperty(entryPtr,
	    CERT_ENHKEY_USAGE_PROP_ID, NULL, &size)) {
	return 1;		/* Good for all. */
    }
    size = 0;
    if (!CertGetEnhancedKeyUsage(entryPtr,
	    CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG, NULL, &size)) {
	return 0;
    }
    usagePtr = (CERT_ENHKEY_USAGE *) ckalloc(size);
    if (!CertGetEnhancedKeyUsage(entryPtr,
	    CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG, usagePtr, &size)) {
	usagePtr->cUsageIdentifier = 0;
    }
    for (j = 0; purposes[j].oid != NULL && ok; j++) {
	for (i = 0; i < usagePtr->cUsageIdentifier
		&& strcmp(usagePtr->rgpszUsageIdentifier[i], purposes[j].oid)
		!= 0; i++) {
	    /* Empty body. */
	}
	if (i < usagePtr->cUsageIdentifier) {
	    allowed = 1;
	} else {
	    ok = Reject(certPtr, purposes[j].nid);
	}
    }
    ckfree((char *) usagePtr);
    return ok && allowed;
}

/* How the entries of a store are taken. */
typedef enum {
    DISALLOWED, ROOT, CA
} Kind;

/* The certificate of an entry, ready for OpenSSL's store; or NULL. */
static X509 *
Convert(
    PCCERT_CONTEXT entryPtr,
    Kind kind)
{
    const unsigned char *der = entryPtr->pbCertEncoded;
    X509 *certPtr = d2i_X509(NULL, &der, (long) entryPtr->cbCertEncoded);
    int ok;

    if (certPtr == NULL) {
	return NULL;
    }
    if (kind == DISALLOWED) {
	ok = Reject(certPtr, NID_anyExtendedKeyUsage)
		&& Reject(certPtr, NID_server_auth)
		&& Reject(certPtr, NID_client_auth);
    } else {
	/* What signs itself among the intermediates is not a root for it. */
	ok = (kind == ROOT || X509_self_signed(certPtr, 0) == 0)
		&& Restrict(entryPtr, certPtr);
    }
    if (!ok) {
	X509_free(certPtr);
	certPtr = NULL;
    }
    return certPtr;
}

/*
 * The stores, the forbidden ones first: OpenSSL's store keeps the first of
 * two that are the same certificate.
 */
static const struct {
    const WCHAR *name;
    Kind kind;
} stores[] = {
    {L"Disallowed", DISALLOWED}, {L"ROOT", ROOT}, {L"CA", CA}, {NULL, ROOT}
};

static HCERTSTORE
OpenStore(
    const WCHAR *name)
{
    /* The user's view, which has the machine's and the domain's in it. */
    return CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
	    CERT_SYSTEM_STORE_CURRENT_USER | CERT_STORE_OPEN_EXISTING_FLAG
	    | CERT_STORE_READONLY_FLAG, name);
}

/*
 * PyosslTrustLoad --
 *	Adds the platform's authorities to a store.
 * Results:
 *	1; 0 where the platform has none but OpenSSL's files. What cannot be
 *	read is passed over: then nobody is trusted for it.
 */
int
PyosslTrustLoad(
    X509_STORE *storePtr)
{
    PCCERT_CONTEXT entryPtr;
    HCERTSTORE store;
    X509 *certPtr;
    int i;

    for (i = 0; stores[i].name != NULL; i++) {
	store = OpenStore(stores[i].name);
	if (store == NULL) {
	    continue;
	}
	entryPtr = NULL;
	while ((entryPtr = CertEnumCertificatesInStore(store, entryPtr))
		!= NULL) {
	    certPtr = Convert(entryPtr, stores[i].kind);
	    if (certPtr != NULL) {
		X509_STORE_add_cert(storePtr, certPtr);
		X509_free(certPtr);
	    }
	}
	CertCloseStore(store, 0);
    }
    ERR_clear_error();
    return 1;
}

/* Mixes a property of an entry into a checksum (FNV-1a). */
static Tcl_WideUInt
Mix(
    PCCERT_CONTEXT entryPtr,
    DWORD property,
    Tcl_WideUInt sum)
{
    unsigned char bytes[512];
    DWORD size = sizeof(bytes), i;

    if (!CertGetCertificateContextProperty(entryPtr, property, bytes,
	    &size)) {
	size = 0;
    }
    for (i = 0; i < size; i++) {
	sum = (sum ^ bytes[i]) * 1099511628211u;
    }
    return (sum ^ property) * 1099511628211u;
}

/*
 * PyosslTrustStamp --
 *	A number that is another one when the platform's authorities have
 *	changed; 0 where it has none but OpenSSL's files.
 */
Tcl_WideInt
PyosslTrustStamp(void)
{
    Tcl_WideUInt sum = 14695981039346656037u;
    PCCERT_CONTEXT entryPtr;
    HCERTSTORE store;
    int i;

    for (i = 0; stores[i].name != NULL; i++) {
	store = OpenStore(stores[i].name);
	if (store == NULL) {
	    continue;
	}
	entryPtr = NULL;
	while ((entryPtr = CertEnumCertificatesInStore(store, entryPtr))
		!= NULL) {
	    sum = Mix(entryPtr, CERT_SHA1_HASH_PROP_ID, sum);
	    sum = Mix(entryPtr, CERT_ENHKEY_USAGE_PROP_ID, sum);
	}
	sum = (sum ^ (Tcl_WideUInt) i) * 1099511628211u;
	CertCloseStore(store, 0);
    }
    return (Tcl_WideInt) sum;
}
