/*
 * rootstore.c --
 *
 *	For the tests: puts a certificate into one of the user's stores of
 *	Windows, or takes it out. Built by runtests.sh; not part of the package.
 *
 *	rootstore add STORE FILE.DER ?OID ...?
 *	rootstore delete STORE FILE.DER
 *
 *	With OIDs the entry is good for those purposes only.
 */

#include <windows.h>
#include <wincrypt.h>
#include <stdio.h>
#include <string.h>

static int
Fail(
    const char *what)
{
    fprintf(stderr, "rootstore: %s failed: %#lx\n", what,
	    (unsigned long) GetLastError());
    return 1;
}

/* Restricts an entry to purposes. */
static int
SetUsage(
    PCCERT_CONTEXT entryPtr,
    int count,
    char **oids)
{
    CERT_ENHKEY_USAGE usage;

    usage.cUsageIdentifier = (DWORD) count;
    usage.rgpszUsageIdentifier = oids;
    return CertSetEnhancedKeyUsage(entryPtr, &usage);
}

int
main(
    int argc,
    char **argv)
{
    static unsigned char der[65536];
    PCCERT_CONTEXT certPtr, entryPtr;
    WCHAR name[64];
    HCERTSTORE store;
    FILE *file;
    size_t length;

    if (argc < 4) {
	fprintf(stderr, "usage: rootstore add|delete STORE FILE.DER ?OID ...?\n");
	return 2;
    }
    file = fopen(argv[3], "rb");
    if (file == NULL) {
	return Fail("fopen");
    }
    length = fread(der, 1, sizeof(der), file);
    fclose(file);
    certPtr = CertCreateCertificateContext(X509_ASN_ENCODING, der,
	    (DWORD) length);
    MultiByteToWideChar(CP_UTF8, 0, argv[2], -1, name, 64);
    /* The user's own part of it, which can be written. */
    store = CertOpenStore(CERT_STORE_PROV_SYSTEM_REGISTRY_W, 0, 0,
	    CERT_SYSTEM_STORE_CURRENT_USER, name);
    if (certPtr == NULL || store == NULL) {
	return Fail("opening");
    }
    if (strcmp(argv[1], "delete") == 0) {
	entryPtr = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0,
		CERT_FIND_EXISTING, certPtr, NULL);
	if (entryPtr == NULL || !CertDeleteCertificateFromStore(entryPtr)) {
	    return Fail("CertDeleteCertificateFromStore");
	}
    } else if ((argc > 4 && !SetUsage(certPtr, argc - 4, argv + 4))
	    || !CertAddCertificateContextToStore(store, certPtr,
	    CERT_STORE_ADD_REPLACE_EXISTING, NULL)) {
	return Fail("CertAddCertificateContextToStore");
    }
    if (!CertControlStore(store, 0, CERT_STORE_CTRL_COMMIT, NULL)) {
	return Fail("CertControlStore");
    }
    CertFreeCertificateContext(certPtr);
    CertCloseStore(store, 0);
    return 0;
}
