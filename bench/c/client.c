/*
 * client.c --
 *
 *	The jobs of a client in plain C: bulk data each way, and round trips.
 *	Tuned: 64 KB of records go out by one write.
 */

#include "bench.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK	65536

static SSL *
Open(void)
{
    SSL_CTX *ctx = MakeCtx(0);
    SSL *ssl = Wrap(ctx, Connect(opt.port), 0);

    if (SSL_do_handshake(ssl) != 1) {
	Die("handshake");
    }
    return ssl;
}

/* Puts a buffer between the SSL and its socket; the BIO to flush. */
static BIO *
Gather(SSL *ssl)
{
    BIO *buffer = BIO_new(BIO_f_buffer()), *sock = SSL_get_wbio(ssl);

    BIO_set_write_buffer_size(buffer, CHUNK + 1024);
    BIO_up_ref(sock);
    BIO_push(buffer, sock);
    BIO_up_ref(sock);
    SSL_set0_wbio(ssl, buffer);
    return buffer;
}

void
Send(void)
{
    SSL *ssl = Open();
    BIO *gather = opt.tuned ? Gather(ssl) : NULL;
    static char buf[CHUNK];
    int copy = strcmp(opt.how, "fcopy") == 0, n, fd = -1;
    long left = opt.bytes;
    double cpu = Cpu(), start = Now();

    if (copy) {
	fd = open("/dev/zero", O_RDONLY);
    }
    while (left > 0) {
	n = left > CHUNK ? CHUNK : (int) left;
	if (copy && read(fd, buf, n) != n) {
	    Die("read");
	}
	if (SSL_write(ssl, buf, n) != n || (gather != NULL
		&& BIO_flush(gather) != 1)) {
	    Die("write");
	}
	left -= n;
    }
    SSL_shutdown(ssl);
    if (gather != NULL) {
	(void) BIO_flush(gather);
    }
    /* The peer closes when it has it all. */
    while (SSL_read(ssl, buf, sizeof(buf)) > 0) {
	/* Nothing comes. */
    }
    Report(Cpu() - cpu, Now() - start, (double) opt.bytes);
}

void
Recv(void)
{
    SSL *ssl = Open();
    static char buf[CHUNK];
    int n, fd = -1, event = strcmp(opt.how, "event") == 0;
    long got = 0;
    double cpu = Cpu(), start = Now();

    if (strcmp(opt.how, "fcopy") == 0) {
	fd = open("/dev/null", O_WRONLY);
    }
    if (event) {
	NonBlocking(SSL_get_fd(ssl));
    }
    for (;;) {
	n = SSL_read(ssl, buf, sizeof(buf));
	if (n > 0) {
	    got += n;
	    if (fd >= 0 && write(fd, buf, n) != n) {
		Die("write");
	    }
	} else if (SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ) {
	    struct pollfd p = {SSL_get_fd(ssl), POLLIN, 0};

	    poll(&p, 1, -1);
	} else {
	    break;
	}
    }
    if (got != opt.bytes) {
	Die("not all bytes came");
    }
    Report(Cpu() - cpu, Now() - start, (double) got);
}

void
RoundTrips(void)
{
    SSL *ssl = Open();
    static char buf[CHUNK];
    int i, n, got, event = strcmp(opt.how, "event") == 0;
    double cpu, start;

    if (event) {
	NonBlocking(SSL_get_fd(ssl));
    }
    cpu = Cpu();
    start = Now();
    for (i = 0; i < opt.count; i++) {
	if (SSL_write(ssl, buf, opt.size) != opt.size) {
	    Die("write");
	}
	for (got = 0; got < opt.size; got += n > 0 ? n : 0) {
	    n = SSL_read(ssl, buf, sizeof(buf));
	    if (n <= 0) {
		struct pollfd p = {SSL_get_fd(ssl), POLLIN, 0};

		if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ) {
		    Die("read");
		}
		poll(&p, 1, -1);
	    }
	}
    }
    Report(Cpu() - cpu, Now() - start, opt.count);
}
