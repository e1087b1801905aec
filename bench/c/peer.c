/*
 * peer.c --
 *
 *	The other ends of bulk data: they serve one connection after the other,
 *	tuned, so that not they are what is measured.
 */

#include "bench.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK	65536

/* Takes all that comes, then closes. */
void
Sink(void)
{
    SSL_CTX *ctx = MakeCtx(1);
    int fd, listener = Listen();
    static char buf[CHUNK];
    SSL *ssl;

    while ((fd = Accept(listener)) >= 0) {
	ssl = Wrap(ctx, fd, 1);
	while (SSL_read(ssl, buf, sizeof(buf)) > 0) {
	    /* More. */
	}
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
    }
}

/* Sends -bytes bytes to each who comes. */
void
Source(void)
{
    SSL_CTX *ctx = MakeCtx(1);
    int fd, n, listener = Listen();
    static char buf[CHUNK];
    long left;
    SSL *ssl;

    while ((fd = Accept(listener)) >= 0) {
	ssl = Wrap(ctx, fd, 1);
	if (SSL_do_handshake(ssl) == 1) {
	    for (left = opt.bytes; left > 0; left -= n) {
		n = SSL_write(ssl, buf, left > CHUNK ? CHUNK : (int) left);
		if (n <= 0) {
		    break;
		}
	    }
	    SSL_shutdown(ssl);
	    shutdown(fd, SHUT_WR);
	    while (read(fd, buf, sizeof(buf)) > 0) {
		/* Until the client has closed. */
	    }
	}
	SSL_free(ssl);
	close(fd);
    }
}
