/*
 * pyosslUnixRand.c --
 *
 *	What rand needs of Unix: the Entropy Gathering Daemon's protocol over
 *	its socket. OpenSSL 3 is mostly built without it.
 *
 *	    01 N      ->  K, then K bytes     not waiting; K from 0 to N
 *	    02 N      ->  N bytes             waiting
 */

#include "pyosslCrypto.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* For the whole conversation: who waits for entropy must not wait forever. */
#define EGD_MS		5000
#define EGD_CHUNK	255	/* A request's length is one byte. */

#define EGD_EOF		(-1)	/* In the place of an errno. */
#define EGD_BAD		(-2)

#ifndef MSG_NOSIGNAL
#   define MSG_NOSIGNAL	0	/* macOS: SO_NOSIGPIPE on the socket. */
#endif

/* PyosslRandScreen -- there is no screen to read here. */
int
PyosslRandScreen(
    Tcl_Interp *interp)
{
    return PyosslFail(interp, PYOSSL_RAND, "NotImplementedError",
	    "rand screen works on Windows only");
}

static long long
Now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits until the socket is ready: 0, or an errno. */
static int
AwaitReady(
    int fd,
    short events,
    long long deadline)
{
    struct pollfd row;
    long long left;
    int n;

    row.fd = fd;
    row.events = events;
    do {
	left = deadline - Now();
	if (left <= 0) {
	    return ETIMEDOUT;
	}
	n = poll(&row, 1, (int) left);
    } while (n == 0 || (n < 0 && errno == EINTR));
    return n < 0 ? errno : 0;
}

/* Connects: 0, or an errno. */
static int
Connect(
    int fd,
    const struct sockaddr_un *addrPtr,
    long long deadline)
{
    socklen_t size = sizeof(int);
    int error;

    for (;;) {
	if (connect(fd, (const struct sockaddr *) addrPtr, sizeof(*addrPtr))
		== 0 || errno == EISCONN) {
	    return 0;
	}
	if (errno == EINPROGRESS || errno == EINTR) {
	    error = AwaitReady(fd, POLLOUT, deadline);
	    if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error,
		    &size) != 0) {
		error = errno;
	    }
	    return error;
	}
	if (errno != EAGAIN) {
	    return errno;
	}
	/* The daemon's queue is full; no event would tell when it is not. */
	if (Now() >= deadline) {
	    return ETIMEDOUT;
	}
	poll(NULL, 0, 20);
    }
}

/* Sends all: 0, or an errno. */
static int
SendAll(
    int fd,
    const unsigned char *bytes,
    size_t length,
    long long deadline)
{
    ssize_t n;
    int error;

    while (length > 0) {
	n = send(fd, bytes, length, MSG_NOSIGNAL);
	if (n >= 0) {
	    bytes += n;
	    length -= (size_t) n;
	} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
	    error = AwaitReady(fd, POLLOUT, deadline);
	    if (error != 0) {
		return error;
	    }
	} else if (errno != EINTR) {
	    return errno;
	}
    }
    return 0;
}

/* Receives all: 0, an errno, or EGD_EOF. */
static int
ReceiveAll(
    int fd,
    unsigned char *bytes,
    size_t length,
    long long deadline)
{
    ssize_t n;
    int error;

    while (length > 0) {
	n = recv(fd, bytes, length, 0);
	if (n == 0) {
	    return EGD_EOF;
	}
	if (n > 0) {
	    bytes += n;
	    length -= (size_t) n;
	} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
	    error = AwaitReady(fd, POLLIN, deadline);
	    if (error != 0) {
		return error;
	    }
	} else if (errno != EINTR) {
	    return errno;
	}
    }
    return 0;
}

/* Asks until it has all the bytes: 0, an errno, EGD_EOF or EGD_BAD. */
static int
Converse(
    int fd,
    unsigned char *bytes,
    int length,
    long long deadline)
{
    unsigned char request[2], count;
    int n, error;

    while (length > 0) {
	n = length < EGD_CHUNK ? length : EGD_CHUNK;
	request[0] = 1;
	request[1] = (unsigned char) n;
	if ((error = SendAll(fd, request, 2, deadline)) != 0
		|| (error = ReceiveAll(fd, &count, 1, deadline)) != 0) {
	    return error;
	}
	if (count > n) {
	    return EGD_BAD;
	}
	error = ReceiveAll(fd, bytes, count, deadline);
	if (error == 0 && count < n) {
	    /* The pool is drained: wait for the rest. */
	    request[0] = 2;
	    request[1] = (unsigned char) (n - count);
	    if ((error = SendAll(fd, request, 2, deadline)) == 0) {
		error = ReceiveAll(fd, bytes + count, (size_t) (n - count),
			deadline);
	    }
	}
	if (error != 0) {
	    return error;
	}
	bytes += n;
	length -= n;
    }
    return 0;
}

/* A socket that never blocks and is no child process's; -1 with errno. */
static int
OpenSocket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd >= 0) {
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
#ifdef SO_NOSIGPIPE
	{
	    int on = 1;

	    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
	}
#endif
    }
    return fd;
}

/*
 * PyosslRandEgd --
 *	Gets bytes from the daemon at a path; all of them, within five seconds.
 * Results:
 *	TCL_OK; TCL_ERROR with an error of the module rand.
 */
int
PyosslRandEgd(
    Tcl_Interp *interp,
    Tcl_Obj *pathObj,
    unsigned char *bytes,
    int length)
{
    const char *path = Tcl_FSGetNativePath(pathObj);
    struct sockaddr_un address;
    long long deadline = Now() + EGD_MS;
    char message[300];
    int fd, error = 0;

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    if (path == NULL) {
	error = ENOENT;
    } else if (strlen(path) >= sizeof(address.sun_path)) {
	error = ENAMETOOLONG;
    } else {
	strcpy(address.sun_path, path);
	fd = OpenSocket();
	if (fd < 0) {
	    error = errno;
	} else {
	    error = Connect(fd, &address, deadline);
	    if (error == 0) {
		error = Converse(fd, bytes, length, deadline);
	    }
	    close(fd);
	}
    }
    if (error == 0) {
	return TCL_OK;
    }
    if (error == EGD_EOF || error == EGD_BAD) {
	return PyosslFail(interp, PYOSSL_RAND, "Error",
		"the entropy daemon at \"%.200s\" %s", Tcl_GetString(pathObj),
		error == EGD_EOF ? "closed the connection too early"
		: "answered with more bytes than it was asked for");
    }
    snprintf(message, sizeof(message), "no entropy from the daemon at \"%.200s\"",
	    Tcl_GetString(pathObj));
    return PyosslFailErrno(interp, PYOSSL_RAND, error, message);
}
