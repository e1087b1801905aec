/*
 * pyosslUnixTrust.c --
 *
 *	The authorities of the platform. On Unix they are in files, which
 *	OpenSSL and SSL_CERT_FILE name: there is no other place to ask.
 */

#include "pyosslTls.h"

/*
 * PyosslTrustLoad --
 *	Adds the platform's authorities to a store.
 * Results:
 *	0: it has none but OpenSSL's files.
 */
int
PyosslTrustLoad(
    X509_STORE *storePtr)
{
    (void) storePtr;
    return 0;
}

/*
 * PyosslTrustStamp --
 *	A number that is another one when the platform's authorities have
 *	changed; 0 where it has none but OpenSSL's files.
 */
Tcl_WideInt
PyosslTrustStamp(void)
{
    return 0;
}
