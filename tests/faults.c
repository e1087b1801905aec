/*
 * faults.c --
 *
 *	Faults on demand, for the tests alone: a shared library that is both
 *	preloaded, so that its functions come before those of the system, and
 *	loaded into Tcl, where the command "faults" steers it. Linux and its
 *	like; tests/faults.tcl builds and uses it.
 *
 *	    pyossl -----recv, send, ...--> here --> libc
 *	    OpenSSL --CRYPTO_malloc------> here --> malloc
 *
 *	System calls fail only for a caller in pyossl, so that the test's own
 *	plain sockets stay sound. The clock is put forward or back for all.
 *
 *	faults alloc N ?all?	fails OpenSSL's N-th allocation from now, and
 *				with "all" those after it too; 0: none
 *	faults allocs		allocations since [faults alloc]
 *	faults live		OpenSSL's blocks now
 *	faults call NAME FIRST EVERY FAULT
 *				lets the FIRST-th call of the function from
 *				now fail, and every EVERY-th after it (0: no
 *				other). FAULT is an errno's number, or "short":
 *				only one byte is read or written
 *	faults calls NAME	calls of the function since [faults call]
 *	faults struck		faults since [faults off]
 *	faults clock SECONDS	how far the clock of the day is off
 *	faults off		no more faults
 */

#ifndef _GNU_SOURCE
#   define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <tcl.h>
#include <time.h>
#include <unistd.h>

enum {RECV, SEND, ACCEPT, CONNECT, SOCKET, POLL, EPOLL_CTL, EPOLL_CREATE, COUNT};
static const char *const names[] = {
    "recv", "send", "accept", "connect", "socket", "poll", "epoll_ctl",
    "epoll_create", NULL
};

/* What is to go wrong with a function. */
typedef struct Fault {
    int calls;			/* Counted from [faults call]. */
    int first, every;
    int number;			/* The errno; 0: one byte only; -1: nothing. */
} Fault;

static Fault faults[COUNT];
static int struck;
static long clockOffset;
static int allocCount, allocFail, allocAll, allocLive;

static void *
Next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/*
 * Whether the caller is the library under test: libpyossl*.so, or for Tcl 9
 * libtcl9pyossl*.so. The folders above it may have any name.
 */
static int
IsOurs(void *caller)
{
    Dl_info info;
    const char *name;

    if (!dladdr(caller, &info) || info.dli_fname == NULL) {
	return 0;
    }
    name = strrchr(info.dli_fname, '/');
    return strstr(name != NULL ? name : info.dli_fname, "pyossl") != NULL;
}

/* Results: -1 go on, 0 one byte only, else the errno to fail with. */
static int
Strike(int which, void *caller)
{
    Fault *faultPtr = &faults[which];
    int past;

    if (faultPtr->first == 0 || !IsOurs(caller)) {
	return -1;
    }
    past = ++faultPtr->calls - faultPtr->first;
    if (past < 0 || (past > 0 && (faultPtr->every == 0
	    || past % faultPtr->every != 0)) || faultPtr->number < 0) {
	return -1;
    }
    struck++;
    return faultPtr->number;
}

#define CALLER __builtin_return_address(0)
#define STRIKE(which) \
    int fault = Strike(which, CALLER); \
    if (fault > 0) { \
	errno = fault; \
	return -1; \
    }

ssize_t
recv(int fd, void *buf, size_t size, int flags)
{
    static ssize_t (*next)(int, void *, size_t, int);
    STRIKE(RECV)

    if (next == NULL) {
	next = (ssize_t (*)(int, void *, size_t, int)) Next("recv");
    }
    return next(fd, buf, fault == 0 && size > 1 ? 1 : size, flags);
}

ssize_t
send(int fd, const void *buf, size_t size, int flags)
{
    static ssize_t (*next)(int, const void *, size_t, int);
    STRIKE(SEND)

    if (next == NULL) {
	next = (ssize_t (*)(int, const void *, size_t, int)) Next("send");
    }
    return next(fd, buf, fault == 0 && size > 1 ? 1 : size, flags);
}

int
accept4(int fd, struct sockaddr *addr, socklen_t *lengthPtr, int flags)
{
    static int (*next)(int, struct sockaddr *, socklen_t *, int);
    STRIKE(ACCEPT)

    if (next == NULL) {
	next = (int (*)(int, struct sockaddr *, socklen_t *, int)) Next("accept4");
    }
    return next(fd, addr, lengthPtr, flags);
}

int
connect(int fd, const struct sockaddr *addr, socklen_t length)
{
    static int (*next)(int, const struct sockaddr *, socklen_t);
    STRIKE(CONNECT)

    if (next == NULL) {
	next = (int (*)(int, const struct sockaddr *, socklen_t)) Next("connect");
    }
    return next(fd, addr, length);
}

int
socket(int family, int type, int protocol)
{
    static int (*next)(int, int, int);
    STRIKE(SOCKET)

    if (next == NULL) {
	next = (int (*)(int, int, int)) Next("socket");
    }
    return next(family, type, protocol);
}

int
poll(struct pollfd *entries, nfds_t count, int ms)
{
    static int (*next)(struct pollfd *, nfds_t, int);
    STRIKE(POLL)

    if (next == NULL) {
	next = (int (*)(struct pollfd *, nfds_t, int)) Next("poll");
    }
    return next(entries, count, ms);
}

int
epoll_ctl(int fd, int op, int target, struct epoll_event *eventPtr)
{
    static int (*next)(int, int, int, struct epoll_event *);
    STRIKE(EPOLL_CTL)

    if (next == NULL) {
	next = (int (*)(int, int, int, struct epoll_event *)) Next("epoll_ctl");
    }
    return next(fd, op, target, eventPtr);
}

int
epoll_create1(int flags)
{
    static int (*next)(int);
    STRIKE(EPOLL_CREATE)

    if (next == NULL) {
	next = (int (*)(int)) Next("epoll_create1");
    }
    return next(flags);
}

/*
 * The clock of the day. Tcl reads it with gettimeofday, OpenSSL with time.
 * The monotonic clock is nobody's to set.
 */

int
gettimeofday(struct timeval *restrict nowPtr, void *restrict zone)
{
    struct timespec now;

    (void) zone;
    if (clock_gettime(CLOCK_REALTIME, &now) < 0) {
	return -1;
    }
    nowPtr->tv_sec = now.tv_sec + clockOffset;
    nowPtr->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t
time(time_t *resultPtr)
{
    struct timeval now;

    gettimeofday(&now, NULL);
    if (resultPtr != NULL) {
	*resultPtr = now.tv_sec;
    }
    return now.tv_sec;
}

/* A wait until a time of the day: until then by the true clock. */
int
pthread_cond_timedwait(pthread_cond_t *condPtr, pthread_mutex_t *mutexPtr,
	const struct timespec *untilPtr)
{
    static int (*next)(pthread_cond_t *, pthread_mutex_t *,
	    const struct timespec *);
    struct timespec until = *untilPtr;

    if (next == NULL) {
	next = (int (*)(pthread_cond_t *, pthread_mutex_t *,
		const struct timespec *)) Next("pthread_cond_timedwait");
    }
    until.tv_sec -= clockOffset;
    return next(condPtr, mutexPtr, &until);
}

/*
 * OpenSSL's memory.
 */

static int
Refused(void)
{
    int n = __atomic_add_fetch(&allocCount, 1, __ATOMIC_RELAXED);

    if (allocFail == 0 || (allocAll ? n < allocFail : n != allocFail)) {
	return 0;
    }
    struck++;
    return 1;
}

static void *
FaultyMalloc(size_t size, const char *file, int line)
{
    void *block;

    (void) file; (void) line;
    if (size == 0 || Refused()) {
	return NULL;
    }
    block = malloc(size);
    if (block != NULL) {
	__atomic_add_fetch(&allocLive, 1, __ATOMIC_RELAXED);
    }
    return block;
}

static void
FaultyFree(void *block, const char *file, int line)
{
    (void) file; (void) line;
    if (block != NULL) {
	__atomic_sub_fetch(&allocLive, 1, __ATOMIC_RELAXED);
	free(block);
    }
}

static void *
FaultyRealloc(void *block, size_t size, const char *file, int line)
{
    if (block == NULL) {
	return FaultyMalloc(size, file, line);
    }
    if (size == 0) {
	FaultyFree(block, file, line);
	return NULL;
    }
    return Refused() ? NULL : realloc(block, size);
}

__attribute__((constructor)) static void
Preloaded(void)
{
    CRYPTO_set_mem_functions(FaultyMalloc, FaultyRealloc, FaultyFree);
}

/*
 * The command.
 */

static int
FaultsCall(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    Fault fault;
    int which;

    memset(&fault, 0, sizeof(fault));
    if (objc != 6) {
	Tcl_WrongNumArgs(interp, 2, objv, "name first every fault");
	return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[2], names, "function", TCL_EXACT,
	    &which) != TCL_OK
	    || Tcl_GetIntFromObj(interp, objv[3], &fault.first) != TCL_OK
	    || Tcl_GetIntFromObj(interp, objv[4], &fault.every) != TCL_OK
	    || (strcmp(Tcl_GetString(objv[5]), "short") != 0
	    && Tcl_GetIntFromObj(interp, objv[5], &fault.number) != TCL_OK)) {
	return TCL_ERROR;
    }
    faults[which] = fault;
    return TCL_OK;
}

static int
FaultsCmd(void *clientData, Tcl_Interp *interp, int objc,
	Tcl_Obj *const objv[])
{
    static const char *const subs[] = {
	"alloc", "allocs", "call", "calls", "clock", "live", "off", "struck",
	NULL
    };
    int sub, n = 0;

    (void) clientData;
    if (objc < 2 || Tcl_GetIndexFromObj(interp, objv[1], subs, "subcommand",
	    TCL_EXACT, &sub) != TCL_OK) {
	return TCL_ERROR;
    }
    switch (sub) {
    case 0:
	if (objc < 3 || Tcl_GetIntFromObj(interp, objv[2], &n) != TCL_OK) {
	    return TCL_ERROR;
	}
	allocCount = 0;
	allocAll = objc > 3;
	allocFail = n;
	return TCL_OK;
    case 1:
	n = allocCount;
	break;
    case 2:
	return FaultsCall(interp, objc, objv);
    case 3:
	if (objc < 3 || Tcl_GetIndexFromObj(interp, objv[2], names,
		"function", TCL_EXACT, &n) != TCL_OK) {
	    return TCL_ERROR;
	}
	n = faults[n].calls;
	break;
    case 4:
	if (objc < 3 || Tcl_GetLongFromObj(interp, objv[2], &clockOffset)
		!= TCL_OK) {
	    return TCL_ERROR;
	}
	return TCL_OK;
    case 5:
	n = allocLive;
	break;
    case 6:
	memset(faults, 0, sizeof(faults));
	allocFail = allocAll = struck = 0;
	clockOffset = 0;
	return TCL_OK;
    case 7:
	n = struck;
	break;
    }
    Tcl_SetObjResult(interp, Tcl_NewIntObj(n));
    return TCL_OK;
}

int
Faults_Init(Tcl_Interp *interp)
{
    if (Tcl_InitStubs(interp, "8.6-", 0) == NULL) {
	return TCL_ERROR;
    }
    Tcl_CreateObjCommand(interp, "faults", FaultsCmd, NULL, NULL);
    return TCL_OK;
}
