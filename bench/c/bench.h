/*
 * bench.h --
 *
 *	What the files of the benchmark's C program share. It is both the limit
 *	that the package is measured against and the other end of every
 *	connection (bench/README.md). Linux, for epoll.
 */

#ifndef BENCH_H
#define BENCH_H

#include <openssl/err.h>
#include <openssl/ssl.h>

typedef struct Options {
    const char *how;		/* Which way a job is done. */
    const char *cert, *key;	/* PEM files. */
    const char *file;		/* Input of the jobs without a network. */
    int port;			/* To connect to, or 0. */
    long bytes;			/* Of bulk data. */
    int count;			/* Round trips, handshakes, signatures. */
    int conns;			/* Connections at once. */
    int size;			/* Of a message. */
    int tuned;			/* Read-ahead, gathered writes, release. */
    int nodelay;		/* TCP_NODELAY on the server's sockets. */
    int resume;			/* Offer the last session. */
    int version;		/* 12 or 13. */
} Options;

extern Options opt;

/* net.c */
double	Now(void);
double	Cpu(void);
long	Rss(void);
void	Die(const char *what);
void	Report(double cpu, double wall, double count);
SSL_CTX *MakeCtx(int server);
int	Listen(void);
int	Accept(int fd);
int	Connect(int port);
void	NonBlocking(int fd);
SSL *	Wrap(SSL_CTX *ctx, int fd, int server);
void	RaiseLimit(void);

/* The jobs. */
void	Send(void), Recv(void), RoundTrips(void);	/* client.c */
void	Source(void), Sink(void);			/* peer.c */
void	Serve(void);					/* server.c */
void	Load(void), Echoes(void), Idle(void);		/* load.c */
void	Memory(void), Certs(void), Keys(void), Sign(void), Verify(void),
	Trust(void), CrlJob(void), MakeCrl(void);		/* crypt.c */

#endif /* BENCH_H */
