/*
 * net.c --
 *
 *	Clocks, contexts, sockets and the command line of the benchmark's C
 *	program:
 *
 *	    bench JOB ?-option value ...?
 */

#include "bench.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

Options opt = {"", "", "", "", 0, 1 << 20, 1, 1, 100, 0, 1, 0, 13};

double
Now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* The processor time of all threads of this process. */
double
Cpu(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec
	    + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* The resident memory in kB. */
long
Rss(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    if (f != NULL) {
	if (fscanf(f, "%ld %ld", &size, &resident) != 2) {
	    resident = 0;
	}
	fclose(f);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

void
Die(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

/* The line that the runner reads: a Tcl dictionary. */
void
Report(double cpu, double wall, double count)
{
    printf("cpu %.6f wall %.6f count %.0f\n", cpu, wall, count);
    fflush(stdout);
}

SSL_CTX *
MakeCtx(int server)
{
    SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method()
	    : TLS_client_method());
    int version = opt.version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION;

    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, version)
	    || !SSL_CTX_set_max_proto_version(ctx, version)) {
	Die("context");
    }
    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AES128+AESGCM");
    if (server && (SSL_CTX_use_certificate_chain_file(ctx, opt.cert) != 1
	    || SSL_CTX_use_PrivateKey_file(ctx, opt.key, SSL_FILETYPE_PEM)
	    != 1)) {
	Die(opt.cert);
    }
    SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
    if (opt.tuned) {
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 65536);
    }
    return ctx;
}

void
NonBlocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* A listening socket; its port goes to standard output. */
int
Listen(void)
{
    struct sockaddr_in a;
    socklen_t length = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *) &a, sizeof(a)) < 0
	    || listen(fd, 1024) < 0
	    || getsockname(fd, (struct sockaddr *) &a, &length) < 0) {
	Die("listen");
    }
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

int
Accept(int listener)
{
    int on = 1, fd = accept(listener, NULL, NULL);

    if (fd >= 0 && opt.nodelay) {
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}

int
Connect(int port)
{
    struct sockaddr_in a;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_port = htons((unsigned short) port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *) &a, sizeof(a)) < 0) {
	Die("connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

SSL *
Wrap(SSL_CTX *ctx, int fd, int server)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL || !SSL_set_fd(ssl, fd)) {
	Die("SSL");
    }
    if (server) {
	SSL_set_accept_state(ssl);
    } else {
	SSL_set_connect_state(ssl);
    }
    return ssl;
}

/* As many descriptors as this process may have. */
void
RaiseLimit(void)
{
    struct rlimit r;

    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

static void
ReadOptions(int argc, char **argv)
{
    struct {const char *name; const char **text; int *number;} table[] = {
	{"-how", &opt.how, NULL}, {"-cert", &opt.cert, NULL},
	{"-key", &opt.key, NULL}, {"-file", &opt.file, NULL},
	{"-port", NULL, &opt.port}, {"-count", NULL, &opt.count},
	{"-conns", NULL, &opt.conns}, {"-size", NULL, &opt.size},
	{"-tuned", NULL, &opt.tuned}, {"-nodelay", NULL, &opt.nodelay},
	{"-resume", NULL, &opt.resume}, {"-version", NULL, &opt.version}
    };
    int i, n = sizeof(table) / sizeof(table[0]), k;

    for (i = 2; i + 1 < argc; i += 2) {
	if (strcmp(argv[i], "-bytes") == 0) {
	    opt.bytes = atol(argv[i + 1]);
	    continue;
	}
	for (k = 0; k < n && strcmp(argv[i], table[k].name) != 0; k++) {
	    /* The next one. */
	}
	if (k == n) {
	    fprintf(stderr, "unknown option %s\n", argv[i]);
	    exit(2);
	}
	if (table[k].text != NULL) {
	    *table[k].text = argv[i + 1];
	} else {
	    *table[k].number = atoi(argv[i + 1]);
	}
    }
}

int
main(int argc, char **argv)
{
    static const struct {const char *name; void (*proc)(void);} jobs[] = {
	{"send", Send}, {"recv", Recv}, {"rt", RoundTrips},
	{"source", Source}, {"sink", Sink}, {"serve", Serve},
	{"load", Load}, {"echoes", Echoes}, {"idle", Idle},
	{"memory", Memory}, {"certs", Certs}, {"keys", Keys},
	{"sign", Sign}, {"verify", Verify}, {"trust", Trust},
	{"crl", CrlJob}, {"makecrl", MakeCrl}
    };
    int i, n = sizeof(jobs) / sizeof(jobs[0]);

    signal(SIGPIPE, SIG_IGN);
    ReadOptions(argc, argv);
    for (i = 0; argc > 1 && i < n; i++) {
	if (strcmp(argv[1], jobs[i].name) == 0) {
	    jobs[i].proc();
	    return 0;
	}
    }
    fprintf(stderr, "usage: bench JOB ?-option value ...?\n");
    return 2;
}
