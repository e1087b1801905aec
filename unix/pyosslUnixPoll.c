/*
 * pyosslUnixPoll.c --
 *
 *	Readiness of the descriptors that we opened ourselves. Each thread
 *	has one epoll (or kqueue) descriptor, which is all that Tcl's
 *	notifier sees of them: select()'s limit of 1,024 descriptors does not
 *	apply, and 10,000 idle connections cost nothing. Where there is
 *	neither, each descriptor goes to the notifier.
 *
 *	Level-triggered: whoever does not take what is there is told again.
 *	What the kernel says is ready at a time is told of one by one, each in
 *	an event of its own, so that a script that waits in [vwait] goes on
 *	after the first as it would with Tcl's sockets.
 *
 *	Tcl's notifier waits in a thread of its own, and each wait costs two
 *	changes of threads. So where something was ready, an event of ours in
 *	Tcl's queue looks again before Tcl goes to sleep, and where answers came
 *	fast of late it sleeps a moment itself, for what is ours only. It does
 *	so for no longer than TURN_MS before everybody else has a turn.
 */

#include "pyosslSock.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYS_EPOLL_H
#   include <sys/epoll.h>
#   define USE_EPOLL 1
#elif defined(HAVE_SYS_EVENT_H)
#   include <sys/types.h>
#   include <sys/event.h>
#   include <sys/time.h>
#   define USE_KQUEUE 1
#endif

#define BATCH	64		/* Events taken from the kernel at a time. */
#define RETRY_MS 20		/* While the kernel has no room for more. */
#define TURN_MS	5		/* Tcl's other sources wait so long at most. */
#define NAP_NS	500000		/* How long an answer is slept for. */
#define NAP_SCORE 8		/* See TakeSoon. */
#define HEAP_KEEP	(512 * 1024)

typedef struct ThreadData {
    int initialized;
    int fd;			/* The epoll or kqueue descriptor, or -1. */
    int users;			/* Registered descriptors. */
    int ended;			/* The thread serves no events any more. */
    PyosslPoll *ready[BATCH];	/* What was taken from the kernel last; NULL:
				 * told of, or forgotten meanwhile. */
    int mask[BATCH];
    int count;
    int next;			/* The first that was not told of. */
    int queued;			/* Again is in Tcl's queue. */
    Tcl_WideInt turn;		/* When Tcl's notifier was last asked. */
    int score;			/* Of naps: how often they were worth it. */
    int napless;		/* The system has no such short waits. */
    Tcl_TimerToken turnTimer;	/* Runs once Tcl has asked its notifier. */
} ThreadData;

static Tcl_ThreadDataKey dataKey;

/*
 * glibc gives the end of the heap back to the system as soon as 128 KB are
 * free there, and our buffers come and go: each of them would be paid for in
 * system calls and page faults. A bigger block freed once raises that limit
 * to twice its size.
 */
static void
KeepHeap(void)
{
    char *volatile block = malloc(HEAP_KEEP);

    if (block != NULL) {
	block[0] = 0;
    }
    free(block);
}

#if defined(USE_EPOLL) || defined(USE_KQUEUE)

static Tcl_EventProc Again;

static Tcl_WideInt
Now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (Tcl_WideInt) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Takes what is ready from the kernel; waits for it for NAP_NS at most with
 * nap, where the system has such short waits.
 * Results: how many there were; less than 0 on an error.
 */
#ifdef USE_EPOLL

static int
FromKernel(
    ThreadData *tsdPtr,
    int nap)
{
    struct epoll_event events[BATCH];
    int i, n = -1;

#ifdef HAVE_EPOLL_PWAIT2
    if (nap) {
	static const struct timespec moment = {0, NAP_NS};

	n = epoll_pwait2(tsdPtr->fd, events, BATCH, &moment, NULL);
	if (n < 0 && errno != EINTR) {
	    tsdPtr->napless = 1;	/* The kernel is an older one. */
	}
    }
#else
    nap = 0;
    tsdPtr->napless = 1;
#endif
    if (!nap || tsdPtr->napless) {
	n = epoll_wait(tsdPtr->fd, events, BATCH, 0);
    }
    for (i = 0; i < n; i++) {
	int bits = 0;

	if (events[i].events & EPOLLIN) {
	    bits |= TCL_READABLE;
	}
	if (events[i].events & EPOLLOUT) {
	    bits |= TCL_WRITABLE;
	}
	if (events[i].events & (EPOLLERR | EPOLLHUP)) {
	    bits |= TCL_READABLE | TCL_WRITABLE;
	}
	tsdPtr->ready[i] = events[i].data.ptr;
	tsdPtr->mask[i] = bits;
    }
    return n;
}

#else

static int
FromKernel(
    ThreadData *tsdPtr,
    int nap)
{
    static const struct timespec now = {0, 0}, moment = {0, NAP_NS};
    struct kevent events[BATCH];
    int i, n = kevent(tsdPtr->fd, NULL, 0, events, BATCH,
	    nap ? &moment : &now);

    for (i = 0; i < n; i++) {
	tsdPtr->ready[i] = (PyosslPoll *) events[i].udata;
	tsdPtr->mask[i] = events[i].filter == EVFILT_READ
		? TCL_READABLE : TCL_WRITABLE;
    }
    return n;
}

#endif

/* So that Tcl looks again before it asks its notifier. */
static void
QueueAgain(
    ThreadData *tsdPtr)
{
    Tcl_Event *eventPtr;

    if (!tsdPtr->queued && tsdPtr->users > 0 && !tsdPtr->ended) {
	eventPtr = (Tcl_Event *) ckalloc(sizeof(Tcl_Event));
	eventPtr->proc = Again;
	tsdPtr->queued = 1;
	Tcl_QueueEvent(eventPtr, TCL_QUEUE_TAIL);
    }
}

/* Tells of the next one of what was taken. Results: whether there was one. */
static int
TellNext(
    ThreadData *tsdPtr)
{
    while (tsdPtr->next < tsdPtr->count) {
	int i = tsdPtr->next++;
	PyosslPoll *pollPtr = tsdPtr->ready[i];
	int mask;

	if (pollPtr == NULL) {
	    continue;
	}
	tsdPtr->ready[i] = NULL;
	mask = tsdPtr->mask[i] & pollPtr->mask;
	if (mask != 0) {
	    /* Before: a handler may have an event loop of its own. */
	    QueueAgain(tsdPtr);
	    pollPtr->readyProc(pollPtr->clientData, mask);
	    return 1;
	}
    }
    return 0;
}

/* Takes what is ready, and tells of the first. Results: how many there were. */
static int
Take(
    ThreadData *tsdPtr,
    int nap)
{
    int n = FromKernel(tsdPtr, nap);

    tsdPtr->next = 0;
    tsdPtr->count = n > 0 ? n : 0;
    TellNext(tsdPtr);
    return n;
}

/*
 * Takes what is ready, or what comes in the next moment. Others' events and
 * timers wait meanwhile, so that this is only done where it was worth it
 * before: each success counts for one, each failure against two, and now and
 * then it is tried anew.
 */
static int
TakeSoon(
    ThreadData *tsdPtr)
{
    int n, nap = tsdPtr->score >= 0 && !tsdPtr->napless;

    if (!nap) {
	tsdPtr->score += tsdPtr->score < 0;
	return Take(tsdPtr, 0);
    }
    n = Take(tsdPtr, 1);
    if (n > 0) {
	tsdPtr->score += tsdPtr->score < NAP_SCORE;
    } else {
	tsdPtr->score -= 2;
	if (tsdPtr->score < 0) {
	    tsdPtr->score = -NAP_SCORE;
	}
    }
    return n;
}

static ThreadData *GetThreadData(void);

static int
Again(
    Tcl_Event *eventPtr,
    int flags)
{
    ThreadData *tsdPtr;

    (void) eventPtr;
    if (!(flags & TCL_FILE_EVENTS)) {
	return 0;
    }
    tsdPtr = GetThreadData();
    tsdPtr->queued = 0;
    if (tsdPtr->fd >= 0 && tsdPtr->users > 0
	    && Now() - tsdPtr->turn < TURN_MS) {
	if (TellNext(tsdPtr) || TakeSoon(tsdPtr) > 0) {
	    QueueAgain(tsdPtr);
	}
    }
    return 1;
}

/* Tcl's notifier says that there is something. */
static void
Ready(
    void *clientData,
    int mask)
{
    ThreadData *tsdPtr = clientData;

    (void) mask;
    tsdPtr->turn = Now();
    if (TellNext(tsdPtr) || Take(tsdPtr, 0) > 0) {
	QueueAgain(tsdPtr);
    }
}

static void
ThreadGone(
    void *clientData)
{
    ThreadData *tsdPtr = clientData;

    if (tsdPtr->turnTimer != NULL) {
	Tcl_DeleteTimerHandler(tsdPtr->turnTimer);
	tsdPtr->turnTimer = NULL;
    }
    if (tsdPtr->fd >= 0) {
	Tcl_DeleteFileHandler(tsdPtr->fd);
	close(tsdPtr->fd);
	tsdPtr->fd = -1;
    }
    tsdPtr->ended = 1;
}

static ThreadData *
GetThreadData(void)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (!tsdPtr->initialized) {
	tsdPtr->initialized = 1;
	KeepHeap();
	tsdPtr->fd = -1;
	Tcl_CreateThreadExitHandler(ThreadGone, tsdPtr);
    }
    return tsdPtr;
}

/*
 * Tells the kernel what is wanted of a descriptor from now on.
 * Results: 1, or 0 where it has no room for that.
 */
static int
Control(
    ThreadData *tsdPtr,
    PyosslPoll *pollPtr,
    int mask)
{
#ifdef USE_EPOLL
    struct epoll_event event;

    if (tsdPtr->fd < 0) {
	tsdPtr->fd = epoll_create1(EPOLL_CLOEXEC);
    }

    memset(&event, 0, sizeof(event));
    event.data.ptr = pollPtr;
    event.events = (mask & TCL_READABLE ? EPOLLIN : 0)
	    | (mask & TCL_WRITABLE ? EPOLLOUT : 0);
    if (epoll_ctl(tsdPtr->fd, mask == 0 ? EPOLL_CTL_DEL
	    : pollPtr->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
	    pollPtr->fd, &event) < 0 && mask != 0) {
	return 0;
    }
#else
    struct kevent changes[2];
    int n = 0, changed = mask ^ pollPtr->known;

    if (tsdPtr->fd < 0) {
	tsdPtr->fd = kqueue();
    }

    if (changed & TCL_READABLE) {
	EV_SET(&changes[n++], pollPtr->fd, EVFILT_READ,
		mask & TCL_READABLE ? EV_ADD : EV_DELETE, 0, 0, pollPtr);
    }
    if (changed & TCL_WRITABLE) {
	EV_SET(&changes[n++], pollPtr->fd, EVFILT_WRITE,
		mask & TCL_WRITABLE ? EV_ADD : EV_DELETE, 0, 0, pollPtr);
    }
    if (kevent(tsdPtr->fd, changes, n, NULL, 0, NULL) < 0 && mask != 0) {
	return 0;
    }
#endif
    pollPtr->known = mask;
    if (mask != 0 && !pollPtr->registered) {
	pollPtr->registered = 1;
	if (tsdPtr->users++ == 0) {
	    Tcl_CreateFileHandler(tsdPtr->fd, TCL_READABLE, Ready, tsdPtr);
	}
    } else if (mask == 0 && pollPtr->registered) {
	pollPtr->registered = 0;
	if (--tsdPtr->users == 0) {
	    /* So that [vwait] can tell when there is nothing to wait for. */
	    Tcl_DeleteFileHandler(tsdPtr->fd);
	}
    }
    return 1;
}

static void
CancelRetry(
    PyosslPoll *pollPtr)
{
    if (pollPtr->retry != NULL) {
	Tcl_DeleteTimerHandler(pollPtr->retry);
	pollPtr->retry = NULL;
    }
}

/*
 * The kernel had no room, or the process no descriptor for it: asks again,
 * and until then looks at the descriptor itself from time to time.
 */
static void
Retry(
    void *clientData)
{
    PyosslPoll *pollPtr = clientData;
    int ready, mask = pollPtr->mask;

    pollPtr->retry = NULL;
    if (Control(pollPtr->threadData, pollPtr, mask)) {
	return;
    }
    pollPtr->retry = Tcl_CreateTimerHandler(RETRY_MS, Retry, pollPtr);
    ready = PyosslSysPoll(mask & TCL_READABLE ? pollPtr->fd : -1,
	    mask & TCL_WRITABLE ? pollPtr->fd : -1, 0);
    if (ready > 0) {
	pollPtr->readyProc(pollPtr->clientData, ready);
    }
}

/*
 * PyosslPollWatch --
 *	Sets the events that readyProc is to be told of; mask 0: none.
 */
void
PyosslPollWatch(
    PyosslPoll *pollPtr,
    int mask,
    PyosslReadyProc *readyProc,
    void *clientData)
{
    ThreadData *tsdPtr = pollPtr->registered ? pollPtr->threadData
	    : GetThreadData();

    pollPtr->readyProc = readyProc;
    pollPtr->clientData = clientData;
    if (mask == pollPtr->mask || pollPtr->fd < 0 || tsdPtr->ended) {
	return;
    }
    pollPtr->threadData = tsdPtr;
    pollPtr->mask = mask;
    CancelRetry(pollPtr);
    if ((mask != 0 || pollPtr->registered)
	    && !Control(tsdPtr, pollPtr, mask)) {
	pollPtr->retry = Tcl_CreateTimerHandler(0, Retry, pollPtr);
    }
}

/* Tcl looks at timers only after it has asked its notifier. */
static void
TurnOver(
    void *clientData)
{
    ThreadData *tsdPtr = clientData;

    tsdPtr->turnTimer = NULL;
    tsdPtr->turn = Now();
}

typedef struct SoonEvent {
    Tcl_Event header;
    PyosslPoll *pollPtr;	/* NULL: nobody wants it any more. */
} SoonEvent;

static int
Soon(
    Tcl_Event *eventPtr,
    int flags)
{
    PyosslPoll *pollPtr = ((SoonEvent *) eventPtr)->pollPtr;

    if (!(flags & TCL_FILE_EVENTS)) {
	return 0;
    }
    if (pollPtr != NULL) {
	((SoonEvent *) eventPtr)->pollPtr = pollPtr->soon = NULL;
	if (pollPtr->readyProc != NULL) {
	    pollPtr->readyProc(pollPtr->clientData, 0);
	}
    }
    return 1;
}

/*
 * PyosslPollSoon --
 *	Something is ready that the descriptor does not tell of: calls readyProc
 *	with mask 0 by the next event. A timer of 0 ms would do that too, but
 *	Tcl asks its notifier before it looks at timers.
 * Results:
 *	1; or 0 where a timer must do it, since others have to have their turn.
 */
int
PyosslPollSoon(
    PyosslPoll *pollPtr)
{
    ThreadData *tsdPtr = GetThreadData();
    SoonEvent *eventPtr;
    Tcl_WideInt now;

    if (pollPtr->soon != NULL) {
	return 1;
    }
    now = Now();
    if (tsdPtr->ended || now - tsdPtr->turn >= TURN_MS) {
	if (!tsdPtr->ended && tsdPtr->turnTimer == NULL) {
	    tsdPtr->turnTimer = Tcl_CreateTimerHandler(0, TurnOver, tsdPtr);
	}
	return 0;
    }
    eventPtr = (SoonEvent *) ckalloc(sizeof(SoonEvent));
    eventPtr->header.proc = Soon;
    eventPtr->pollPtr = pollPtr;
    pollPtr->soon = eventPtr;
    Tcl_QueueEvent(&eventPtr->header, TCL_QUEUE_TAIL);
    return 1;
}

/*
 * PyosslPollForget --
 *	Takes the descriptor out, before it is closed or leaves the thread.
 *	Events already taken from the kernel are not delivered any more.
 */
void
PyosslPollForget(
    PyosslPoll *pollPtr)
{
    ThreadData *tsdPtr = pollPtr->threadData;
    int i;

    CancelRetry(pollPtr);
    if (pollPtr->soon != NULL) {
	((SoonEvent *) pollPtr->soon)->pollPtr = NULL;
	pollPtr->soon = NULL;
    }
    if (tsdPtr == NULL) {
	return;
    }
    if (pollPtr->registered && tsdPtr->fd >= 0) {
	Control(tsdPtr, pollPtr, 0);
    }
    pollPtr->registered = 0;
    pollPtr->mask = 0;
    pollPtr->threadData = NULL;
    for (i = tsdPtr->next; i < tsdPtr->count; i++) {
	if (tsdPtr->ready[i] == pollPtr) {
	    tsdPtr->ready[i] = NULL;
	}
    }
}

/*
 * PyosslPollEnded --
 *	Whether this thread is past its exit handlers: what still wants to be
 *	sent must be sent without events.
 */
int
PyosslPollEnded(void)
{
    return GetThreadData()->ended;
}

#else /* Neither epoll nor kqueue. */

int
PyosslPollSoon(
    PyosslPoll *pollPtr)
{
    (void) pollPtr;
    return 0;
}

static void
ThreadGone(
    void *clientData)
{
    ((ThreadData *) clientData)->ended = 1;
}

static ThreadData *
GetThreadData(void)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (!tsdPtr->initialized) {
	tsdPtr->initialized = 1;
	KeepHeap();
	Tcl_CreateThreadExitHandler(ThreadGone, tsdPtr);
    }
    return tsdPtr;
}

int
PyosslPollEnded(void)
{
    return GetThreadData()->ended;
}

static void
NotifierReady(
    void *clientData,
    int mask)
{
    PyosslPoll *pollPtr = clientData;

    pollPtr->readyProc(pollPtr->clientData, mask & pollPtr->mask);
}

void
PyosslPollWatch(
    PyosslPoll *pollPtr,
    int mask,
    PyosslReadyProc *readyProc,
    void *clientData)
{
    pollPtr->readyProc = readyProc;
    pollPtr->clientData = clientData;
    if (mask == pollPtr->mask || pollPtr->fd < 0) {
	return;
    }
    pollPtr->mask = mask;
    pollPtr->registered = mask != 0;
    if (mask != 0) {
	Tcl_CreateFileHandler(pollPtr->fd, mask, NotifierReady, pollPtr);
    } else {
	Tcl_DeleteFileHandler(pollPtr->fd);
    }
}

void
PyosslPollForget(
    PyosslPoll *pollPtr)
{
    if (pollPtr->registered) {
	Tcl_DeleteFileHandler(pollPtr->fd);
    }
    pollPtr->registered = 0;
    pollPtr->mask = 0;
}

#endif

/* PyosslPollInit -- a descriptor that nothing is wanted of yet. */
void
PyosslPollInit(
    PyosslPoll *pollPtr,
    int fd)
{
    memset(pollPtr, 0, sizeof(*pollPtr));
    pollPtr->fd = fd;
    GetThreadData();		/* So that the thread's end will be known. */
}
