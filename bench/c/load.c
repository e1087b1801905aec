/*
 * load.c --
 *
 *	The clients that servers are measured with: handshakes (load), many
 *	connections with a message under way on each (echoes), and many idle
 *	ones that are touched one after the other (idle).
 */

#include "bench.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

typedef struct Client {
    SSL *ssl;
    int fd;
    int sent;			/* The message is under way. */
    int got;			/* Bytes of the answer. */
    int left;			/* Messages still to be sent. */
} Client;

static SSL_SESSION *session;	/* The newest; offered with -resume 1. */
static int ep, started, finished, reused, live;

static int
NewSession(SSL *ssl, SSL_SESSION *newSession)
{
    (void) ssl;
    SSL_SESSION_free(session);
    session = newSession;
    return 1;
}

static SSL_CTX *
ClientCtx(void)
{
    SSL_CTX *ctx = MakeCtx(0);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT
	    | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, NewSession);
    ep = epoll_create1(0);
    RaiseLimit();
    return ctx;
}

static Client *
Start(SSL_CTX *ctx, int messages)
{
    Client *c = calloc(1, sizeof(*c));
    struct epoll_event event;

    c->fd = Connect(opt.port);
    NonBlocking(c->fd);
    c->ssl = Wrap(ctx, c->fd, 0);
    c->left = messages;
    if (opt.resume && session != NULL) {
	SSL_set_session(c->ssl, session);
    }
    memset(&event, 0, sizeof(event));
    event.events = EPOLLIN;
    event.data.ptr = c;
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
    started++;
    live++;
    return c;
}

static void
Stop(Client *c)
{
    SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
    live--;
}

/*
 * Goes on with a client: handshake, then one message after the other.
 * Results: 1 when its last answer has come.
 */
static int
Step(Client *c)
{
    static char buf[65536];
    int n;

    if (!SSL_is_init_finished(c->ssl)) {
	n = SSL_do_handshake(c->ssl);
	if (n != 1) {
	    if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
		Die("handshake");
	    }
	    return 0;
	}
	reused += SSL_session_reused(c->ssl);
    }
    for (;;) {
	if (!c->sent) {
	    if (c->left == 0) {
		return 1;
	    }
	    c->left--;
	    c->sent = 1;
	    c->got = 0;
	    if (SSL_write(c->ssl, buf, opt.size) != opt.size) {
		Die("write");
	    }
	}
	n = SSL_read(c->ssl, buf, sizeof(buf));
	if (n <= 0) {
	    if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
		Die("read");
	    }
	    return 0;
	}
	c->got += n;
	if (c->got >= opt.size) {
	    c->sent = 0;
	}
    }
}

/* One step; a client that is done is closed, and the next one begins. */
static void
Follow(SSL_CTX *ctx, Client *c, int total)
{
    while (Step(c)) {
	finished++;
	Stop(c);
	if (started >= total) {
	    break;
	}
	c = Start(ctx, 1);
    }
}

/* Serves the clients' events until none is left. */
static void
Run(SSL_CTX *ctx, int total)
{
    struct epoll_event events[64];
    int i, n;

    while (live > 0) {
	n = epoll_wait(ep, events, 64, 30000);
	if (n <= 0) {
	    Die("nothing happens");
	}
	for (i = 0; i < n; i++) {
	    Follow(ctx, events[i].data.ptr, total);
	}
    }
}

/* -count handshakes, each with one message, -conns of them at a time. */
void
Load(void)
{
    SSL_CTX *ctx = ClientCtx();
    double start, cpu;

    opt.size = 1;
    if (opt.resume) {
	/* The first session. */
	Follow(ctx, Start(ctx, 1), 1);
	Run(ctx, 1);
	started = finished = reused = 0;
    }
    start = Now();
    cpu = Cpu();
    while (started < opt.conns && started < opt.count) {
	Follow(ctx, Start(ctx, 1), opt.count);
    }
    Run(ctx, opt.count);
    printf("cpu %.6f wall %.6f count %d resumed %d\n", Cpu() - cpu,
	    Now() - start, finished, reused);
}

/* -conns connections, each with -count messages of -size bytes. */
void
Echoes(void)
{
    SSL_CTX *ctx = ClientCtx();
    Client **clients = calloc(opt.conns, sizeof(Client *));
    double start, cpu;
    int i;

    for (i = 0; i < opt.conns; i++) {
	clients[i] = Start(ctx, 0);
	while (!Step(clients[i])) {
	    struct pollfd p = {clients[i]->fd, POLLIN, 0};

	    poll(&p, 1, 30000);
	}
    }
    printf("ready\n");
    fflush(stdout);
    if (getchar() == EOF) {
	return;
    }
    start = Now();
    cpu = Cpu();
    for (i = 0; i < opt.conns; i++) {
	clients[i]->left = opt.count;
	Follow(ctx, clients[i], 0);
    }
    Run(ctx, 0);
    Report(Cpu() - cpu, Now() - start, (double) opt.conns * opt.count);
}

/* -conns connections; for each line of input a message on each in turn. */
void
Idle(void)
{
    SSL_CTX *ctx = ClientCtx();
    Client **clients = calloc(opt.conns, sizeof(Client *));
    double start, cpu;
    int i, c;

    for (i = 0; i < opt.conns; i++) {
	clients[i] = Start(ctx, 1);
	while (!Step(clients[i])) {
	    struct pollfd p = {clients[i]->fd, POLLIN, 0};

	    poll(&p, 1, 30000);
	}
    }
    printf("ready\n");
    fflush(stdout);
    while ((c = getchar()) != EOF) {
	if (c != '\n') {
	    continue;
	}
	start = Now();
	cpu = Cpu();
	for (i = 0; i < opt.conns; i++) {
	    clients[i]->left = 1;
	    while (!Step(clients[i])) {
		struct pollfd p = {clients[i]->fd, POLLIN, 0};

		if (poll(&p, 1, 30000) <= 0) {
		    Die("no echo");
		}
	    }
	}
	Report(Cpu() - cpu, Now() - start, opt.conns);
    }
}
