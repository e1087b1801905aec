/*
 * server.c --
 *
 *	A server that gives back what it gets, for any number of connections,
 *	in one thread with epoll. It is the limit for the jobs of servers, and
 *	the other end of round trips. A line on its input makes it tell what it
 *	has used since it began to listen ("reset": since then), and how much
 *	memory it has; the end of its input ends it.
 */

#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH	256

typedef struct Conn {
    SSL *ssl;
    int fd;
} Conn;

static long resumed, served;

static void
Close(Conn *c)
{
    SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
    ERR_clear_error();
}

/* Goes on with one connection; its answers fit into the socket's buffer. */
static void
Step(Conn *c)
{
    static char buf[65536];
    int n, err;

    if (!SSL_is_init_finished(c->ssl)) {
	n = SSL_do_handshake(c->ssl);
	if (n == 1) {
	    served++;
	    resumed += SSL_session_reused(c->ssl);
	} else {
	    err = SSL_get_error(c->ssl, n);
	    if (err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE) {
		Close(c);
	    }
	    return;
	}
    }
    for (;;) {
	n = SSL_read(c->ssl, buf, sizeof(buf));
	if (n <= 0) {
	    if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
		Close(c);
	    }
	    return;
	}
	if (SSL_write(c->ssl, buf, n) != n) {
	    Close(c);
	    return;
	}
    }
}

/* A line on the standard input. Results: 0 at its end. */
static int
Command(double *cpuPtr, double *startPtr)
{
    char line[100];

    if (fgets(line, sizeof(line), stdin) == NULL) {
	return 0;
    }
    if (strcmp(line, "reset\n") == 0) {
	*cpuPtr = Cpu();
	*startPtr = Now();
	served = resumed = 0;
    }
    printf("cpu %.6f wall %.6f count %ld resumed %ld rss %ld\n",
	    Cpu() - *cpuPtr, Now() - *startPtr, served, resumed, Rss());
    fflush(stdout);
    return 1;
}

void
Serve(void)
{
    SSL_CTX *ctx = MakeCtx(1);
    struct epoll_event events[BATCH], event;
    int i, n, fd, listener, ep = epoll_create1(0);
    double cpu = Cpu(), start = Now();
    Conn *c;

    RaiseLimit();
    SSL_CTX_set_session_id_context(ctx, (unsigned char *) "bench", 5);
    listener = Listen();
    NonBlocking(listener);
    memset(&event, 0, sizeof(event));
    event.events = EPOLLIN;
    event.data.ptr = &listener;
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &ep;
    epoll_ctl(ep, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
	n = epoll_wait(ep, events, BATCH, -1);
	for (i = 0; i < n; i++) {
	    if (events[i].data.ptr == &ep) {
		if (!Command(&cpu, &start)) {
		    return;
		}
	    } else if (events[i].data.ptr == &listener) {
		while ((fd = Accept(listener)) >= 0) {
		    c = malloc(sizeof(*c));
		    NonBlocking(fd);
		    c->fd = fd;
		    c->ssl = Wrap(ctx, fd, 1);
		    event.data.ptr = c;
		    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
		}
	    } else {
		Step(events[i].data.ptr);
	    }
	}
    }
}
