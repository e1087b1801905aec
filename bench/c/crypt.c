/*
 * crypt.c --
 *
 *	The jobs without a network: handshakes in memory, certificates, keys,
 *	signatures, revocation lists, trust stores.
 */

#include "bench.h"
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
ReadAll(const char *path, long *lengthPtr)
{
    FILE *f = fopen(path, "rb");
    char *data;

    if (f == NULL) {
	Die(path);
    }
    fseek(f, 0, SEEK_END);
    *lengthPtr = ftell(f);
    rewind(f);
    data = malloc(*lengthPtr + 1);
    if (fread(data, 1, *lengthPtr, f) != (size_t) *lengthPtr) {
	Die(path);
    }
    fclose(f);
    return data;
}

/* -count handshakes between two ends in this process. */
void
Memory(void)
{
    SSL_CTX *serverCtx = MakeCtx(1), *clientCtx = MakeCtx(0);
    double cpu = Cpu(), start = Now();
    int i, a, b;

    for (i = 0; i < opt.count; i++) {
	SSL *s = SSL_new(serverCtx), *c = SSL_new(clientCtx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	BIO_up_ref(in);
	BIO_up_ref(out);
	SSL_set_bio(c, in, out);
	SSL_set_bio(s, out, in);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	do {
	    a = SSL_do_handshake(c);
	    b = SSL_do_handshake(s);
	} while (a != 1 || b != 1);
	SSL_free(s);
	SSL_free(c);
    }
    Report(Cpu() - cpu, Now() - start, opt.count);
}

/* Certificates loaded (-how pem or der), and their fields read. */
void
Certs(void)
{
    long length;
    char *data = ReadAll(opt.file, &length), text[256];
    const unsigned char *p;
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int mdLength;
    int i, der = strcmp(opt.how, "der") == 0;
    double cpu = Cpu(), start = Now();

    for (i = 0; i < opt.count; i++) {
	X509 *x;
	BIO *b;
	BIGNUM *serial;
	char *decimal;

	if (der) {
	    p = (unsigned char *) data;
	    x = d2i_X509(NULL, &p, length);
	} else {
	    b = BIO_new_mem_buf(data, (int) length);
	    x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	    BIO_free(b);
	}
	if (x == NULL) {
	    Die("certificate");
	}
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
		text, sizeof(text));
	X509_NAME_get_text_by_NID(X509_get_issuer_name(x), NID_commonName,
		text, sizeof(text));
	serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	decimal = BN_bn2dec(serial);
	OPENSSL_free(decimal);
	BN_free(serial);
	b = BIO_new(BIO_s_mem());
	ASN1_TIME_print(b, X509_get0_notAfter(x));
	BIO_free(b);
	X509_digest(x, EVP_sha256(), md, &mdLength);
	X509_free(x);
    }
    Report(Cpu() - cpu, Now() - start, opt.count);
}

/* Keys on P-256. */
void
Keys(void)
{
    double cpu = Cpu(), start = Now();
    int i;

    for (i = 0; i < opt.count; i++) {
	EVP_PKEY *key = EVP_EC_gen("P-256");

	if (key == NULL) {
	    Die("key");
	}
	EVP_PKEY_free(key);
    }
    Report(Cpu() - cpu, Now() - start, opt.count);
}

static EVP_PKEY *
LoadKey(void)
{
    FILE *f = fopen(opt.key, "r");
    EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL)
	    : NULL;

    if (key == NULL) {
	Die(opt.key);
    }
    fclose(f);
    return key;
}

static void
Signatures(int verify)
{
    EVP_PKEY *key = LoadKey();
    static const unsigned char data[1000];
    unsigned char sig[1024];
    size_t length = sizeof(sig);
    double cpu, start;
    int i, ok = 1;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
    EVP_DigestSign(ctx, sig, &length, data, sizeof(data));
    EVP_MD_CTX_free(ctx);
    cpu = Cpu();
    start = Now();
    for (i = 0; ok && i < opt.count; i++) {
	ctx = EVP_MD_CTX_new();
	if (verify) {
	    ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1
		    && EVP_DigestVerify(ctx, sig, length, data, sizeof(data))
		    == 1;
	} else {
	    length = sizeof(sig);
	    ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1
		    && EVP_DigestSign(ctx, sig, &length, data, sizeof(data))
		    == 1;
	}
	EVP_MD_CTX_free(ctx);
    }
    if (!ok) {
	Die("signature");
    }
    Report(Cpu() - cpu, Now() - start, opt.count);
}

void
Sign(void)
{
    Signatures(0);
}

void
Verify(void)
{
    Signatures(1);
}

/* Contexts that trust the authorities of a file, loaded for each. */
void
Trust(void)
{
    double cpu = Cpu(), start = Now();
    int i;

    for (i = 0; i < opt.count; i++) {
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (SSL_CTX_load_verify_locations(ctx, opt.file, NULL) != 1) {
	    Die(opt.file);
	}
	SSL_CTX_free(ctx);
    }
    Report(Cpu() - cpu, Now() - start, opt.count);
}

/* Reads a list (PEM) with all its entries. */
void
CrlJob(void)
{
    long length;
    char *data = ReadAll(opt.file, &length);
    double cpu = Cpu(), start = Now();
    BIO *b = BIO_new_mem_buf(data, (int) length);
    X509_CRL *crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
    STACK_OF(X509_REVOKED) *list = crl ? X509_CRL_get_REVOKED(crl) : NULL;
    int i, n = list ? sk_X509_REVOKED_num(list) : 0;

    for (i = 0; i < n; i++) {
	X509_REVOKED *copy = X509_REVOKED_dup(sk_X509_REVOKED_value(list, i));
	BIGNUM *serial = ASN1_INTEGER_to_BN(
		X509_REVOKED_get0_serialNumber(copy), NULL);
	char *hex = BN_bn2hex(serial);

	OPENSSL_free(hex);
	BN_free(serial);
	X509_REVOKED_free(copy);
    }
    Report(Cpu() - cpu, Now() - start, n);
}

/* Writes a list with -count entries to -file. */
void
MakeCrl(void)
{
    EVP_PKEY *key = LoadKey();
    FILE *f = fopen(opt.file, "w");
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, 1700000000);
    X509_NAME *name = X509_NAME_new();
    int i;

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (unsigned char *) "bench", -1, -1, 0);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, name);
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, now);
    for (i = 0; i < opt.count; i++) {
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	ASN1_INTEGER_set(serial, 1000000 + i);
	X509_REVOKED_set_serialNumber(revoked, serial);
	X509_REVOKED_set_revocationDate(revoked, now);
	X509_CRL_add0_revoked(crl, revoked);
	ASN1_INTEGER_free(serial);
    }
    X509_CRL_sign(crl, key, EVP_sha256());
    if (f == NULL || !PEM_write_X509_CRL(f, crl) || fclose(f) != 0) {
	Die(opt.file);
    }
}
