/*
 * pyosslWinPoll.c --
 *
 *	Readiness of the sockets that we opened ourselves. Tcl's notifier on
 *	Windows waits for messages, not for sockets. So each thread has an
 *	event source, and a helper thread that does the waiting:
 *
 *	    Setup:  nothing ready now?  --Request-->  helper: select
 *	    notifier waits              <--alert----  something is ready
 *	    Check:  queues one event
 *	    EventReady:  select without waiting, and tells the first that is
 *			 ready; the others one by one in events that follow
 *
 *	The helper has sets of its own, and never looks at a PyosslPoll. It is
 *	told of a new request through a socket that is in every set.
 *
 *	Level-triggered: whoever does not take what is there is told again.
 */

#include "pyosslSock.h"
#include <process.h>
#include <stddef.h>

/* An fd_set of any size: Windows counts sockets, it has no bit for each. */
typedef struct SocketSet {
    fd_set *setPtr;		/* Owned; NULL as long as size is 0. */
    u_int size;
} SocketSet;

/* What is to be waited for. */
typedef struct Request {
    SocketSet readSet, writeSet, failSet;
} Request;

typedef struct ThreadData {
    int initialized;
    int ended;			/* The thread serves no events any more. */
    Tcl_ThreadId owner;
    Tcl_HashTable polls;	/* SOCKET -> PyosslPoll * that is watched. */
    int changed;		/* Since the last request. */
    int queued;			/* The event is in Tcl's queue. */
    PyosslPoll **found;		/* What was found last; NULL: told of, or
				 * forgotten meanwhile. */
    int *masks;
    int size;			/* Of the two arrays. */
    int count;
    int next;			/* The first that was not told of. */
    HANDLE helper;		/* NULL: not started yet. */
    HANDLE wanted;		/* An event: nextPtr or stop was set. */
    SOCKET wake;		/* A datagram to itself ends a select. */
    CRITICAL_SECTION lock;	/* Of what follows. */
    Request *nextPtr;		/* For the helper to take. */
    int armed;			/* It has a request, or is about to. */
    int ready;			/* It has found something. */
    int stop;
} ThreadData;

static Tcl_ThreadDataKey dataKey;

/*
 * ---------------------------------------------------------------------
 * Sets
 * ---------------------------------------------------------------------
 */

static u_int
SetCount(
    const SocketSet *setPtr)
{
    return setPtr->size > 0 ? setPtr->setPtr->fd_count : 0;
}

static void
SetAdd(
    SocketSet *setPtr,
    SOCKET sock)
{
    u_int count = SetCount(setPtr);

    if (count == setPtr->size) {
	u_int size = setPtr->size ? setPtr->size * 2 : FD_SETSIZE;
	char *bytes = setPtr->size ? (char *) setPtr->setPtr : NULL;

	setPtr->setPtr = (fd_set *) ckrealloc(bytes,
		offsetof(fd_set, fd_array) + size * sizeof(SOCKET));
	setPtr->size = size;
    }
    setPtr->setPtr->fd_array[count] = sock;
    setPtr->setPtr->fd_count = count + 1;
}

static void
RequestFree(
    Request *reqPtr)
{
    SocketSet *sets[3];
    int i;

    sets[0] = &reqPtr->readSet;
    sets[1] = &reqPtr->writeSet;
    sets[2] = &reqPtr->failSet;
    for (i = 0; i < 3; i++) {
	if (sets[i]->size > 0) {
	    ckfree((char *) sets[i]->setPtr);
	}
    }
    ckfree((char *) reqPtr);
}

/* A request for all that is watched now. */
static Request *
RequestNew(
    ThreadData *tsdPtr)
{
    Request *reqPtr = (Request *) ckalloc(sizeof(Request));
    Tcl_HashSearch search;
    Tcl_HashEntry *entryPtr;

    memset(reqPtr, 0, sizeof(*reqPtr));
    for (entryPtr = Tcl_FirstHashEntry(&tsdPtr->polls, &search);
	    entryPtr != NULL; entryPtr = Tcl_NextHashEntry(&search)) {
	PyosslPoll *pollPtr = Tcl_GetHashValue(entryPtr);

	if (pollPtr->mask & TCL_READABLE) {
	    SetAdd(&reqPtr->readSet, (SOCKET) pollPtr->fd);
	}
	if (pollPtr->mask & TCL_WRITABLE) {
	    /* The third set tells of a connect that failed. */
	    SetAdd(&reqPtr->writeSet, (SOCKET) pollPtr->fd);
	    SetAdd(&reqPtr->failSet, (SOCKET) pollPtr->fd);
	}
    }
    return reqPtr;
}

/* Leaves in the sets those that are ready; results as select's. */
static int
RequestSelect(
    Request *reqPtr,
    int ms)
{
    u_int reads = SetCount(&reqPtr->readSet);
    u_int writes = SetCount(&reqPtr->writeSet);

    return PyosslWinSelect((int) (reads + writes),
	    reads ? reqPtr->readSet.setPtr : NULL,
	    writes ? reqPtr->writeSet.setPtr : NULL,
	    writes ? reqPtr->failSet.setPtr : NULL, ms);
}

/*
 * ---------------------------------------------------------------------
 * The helper thread
 * ---------------------------------------------------------------------
 */

/* A datagram socket that is connected to itself; INVALID_SOCKET: none. */
static SOCKET
WakeSocket(void)
{
    SOCKET sock = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    struct sockaddr_in name;
    int length = sizeof(name);
    u_long nonBlocking = 1;

    if (sock == INVALID_SOCKET) {
	return sock;
    }
    memset(&name, 0, sizeof(name));
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SetHandleInformation((HANDLE) sock, HANDLE_FLAG_INHERIT, 0);
    if (bind(sock, (struct sockaddr *) &name, sizeof(name)) != 0
	    || getsockname(sock, (struct sockaddr *) &name, &length) != 0
	    || connect(sock, (struct sockaddr *) &name, length) != 0
	    || ioctlsocket(sock, FIONBIO, &nonBlocking) != 0) {
	closesocket(sock);
	return INVALID_SOCKET;
    }
    return sock;
}

/* Waits until something of the request is ready, or there is a new one. */
static void
HelperServe(
    ThreadData *tsdPtr,
    Request *reqPtr)
{
    char waste[16];
    int found;

    SetAdd(&reqPtr->readSet, tsdPtr->wake);
    /*
     * It fails where a socket of the request is closed already; the thread
     * will find out what is left.
     */
    found = RequestSelect(reqPtr, -1);
    while (recv(tsdPtr->wake, waste, sizeof(waste), 0) > 0) {
	/* Empty body. */
    }
    (void) found;
    EnterCriticalSection(&tsdPtr->lock);
    found = tsdPtr->nextPtr == NULL && !tsdPtr->stop;
    if (found) {
	tsdPtr->armed = 0;
	tsdPtr->ready = 1;
    }
    LeaveCriticalSection(&tsdPtr->lock);
    if (found) {
	Tcl_ThreadAlert(tsdPtr->owner);
    }
    RequestFree(reqPtr);
}

static unsigned __stdcall
HelperMain(
    void *clientData)
{
    ThreadData *tsdPtr = clientData;
    Request *reqPtr;
    int stop = 0;

    while (!stop) {
	WaitForSingleObject(tsdPtr->wanted, INFINITE);
	do {
	    EnterCriticalSection(&tsdPtr->lock);
	    reqPtr = tsdPtr->nextPtr;
	    tsdPtr->nextPtr = NULL;
	    stop = tsdPtr->stop;
	    LeaveCriticalSection(&tsdPtr->lock);
	    if (reqPtr != NULL && !stop) {
		HelperServe(tsdPtr, reqPtr);
	    } else if (reqPtr != NULL) {
		RequestFree(reqPtr);
	    }
	} while (reqPtr != NULL && !stop);
    }
    return 0;
}

/* Has the helper look at nextPtr and stop; the lock is not held. */
static void
HelperWake(
    ThreadData *tsdPtr)
{
    SetEvent(tsdPtr->wanted);
    send(tsdPtr->wake, "", 1, 0);
}

/*
 * Gives the helper a request; it forgets the one before. Without a helper
 * (no memory, no sockets) the thread itself looks again soon.
 */
static void
HelperArm(
    ThreadData *tsdPtr,
    Request *reqPtr)
{
    static const Tcl_Time soon = {0, 20000};
    Request *oldPtr;

    if (tsdPtr->helper == NULL) {
	tsdPtr->wake = WakeSocket();
	if (tsdPtr->wake != INVALID_SOCKET) {
	    tsdPtr->helper = (HANDLE) _beginthreadex(NULL, 65536, HelperMain,
		    tsdPtr, 0, NULL);
	    if (tsdPtr->helper == NULL) {
		closesocket(tsdPtr->wake);
	    }
	}
    }
    if (tsdPtr->helper == NULL) {
	RequestFree(reqPtr);
	Tcl_SetMaxBlockTime(&soon);
	return;
    }
    EnterCriticalSection(&tsdPtr->lock);
    oldPtr = tsdPtr->nextPtr;
    tsdPtr->nextPtr = reqPtr;
    tsdPtr->armed = 1;
    LeaveCriticalSection(&tsdPtr->lock);
    if (oldPtr != NULL) {
	RequestFree(oldPtr);
    }
    tsdPtr->changed = 0;
    HelperWake(tsdPtr);
}

static void
HelperEnd(
    ThreadData *tsdPtr)
{
    if (tsdPtr->helper == NULL) {
	return;
    }
    EnterCriticalSection(&tsdPtr->lock);
    tsdPtr->stop = 1;
    LeaveCriticalSection(&tsdPtr->lock);
    HelperWake(tsdPtr);
    WaitForSingleObject(tsdPtr->helper, INFINITE);
    CloseHandle(tsdPtr->helper);
    closesocket(tsdPtr->wake);
    tsdPtr->helper = NULL;
}

/*
 * ---------------------------------------------------------------------
 * The event source
 * ---------------------------------------------------------------------
 */

/* Adds the sockets of a set to those that are to be told. */
static void
ReadyAdd(
    ThreadData *tsdPtr,
    const SocketSet *setPtr,
    int mask)
{
    Tcl_HashEntry *entryPtr;
    u_int i;

    for (i = 0; i < SetCount(setPtr); i++) {
	entryPtr = Tcl_FindHashEntry(&tsdPtr->polls,
		(void *) setPtr->setPtr->fd_array[i]);
	if (entryPtr != NULL) {
	    tsdPtr->found[tsdPtr->count] = Tcl_GetHashValue(entryPtr);
	    tsdPtr->masks[tsdPtr->count++] = mask;
	}
    }
}

/* Takes over what was found. */
static void
Found(
    ThreadData *tsdPtr,
    Request *reqPtr)
{
    int most = (int) (SetCount(&reqPtr->readSet) + SetCount(&reqPtr->writeSet)
	    + SetCount(&reqPtr->failSet));

    if (tsdPtr->size < most) {
	/* What was there is told of, or will be found again. */
	if (tsdPtr->size > 0) {
	    ckfree((char *) tsdPtr->found);
	    ckfree((char *) tsdPtr->masks);
	}
	tsdPtr->size = most;
	tsdPtr->found = (PyosslPoll **) ckalloc(most * sizeof(PyosslPoll *));
	tsdPtr->masks = (int *) ckalloc(most * sizeof(int));
    }
    tsdPtr->next = tsdPtr->count = 0;
    ReadyAdd(tsdPtr, &reqPtr->readSet, TCL_READABLE);
    ReadyAdd(tsdPtr, &reqPtr->writeSet, TCL_WRITABLE);
    ReadyAdd(tsdPtr, &reqPtr->failSet, TCL_WRITABLE);
}

/* Tells of the next one of what was found. Results: whether there was one. */
static int
TellNext(
    ThreadData *tsdPtr)
{
    while (tsdPtr->next < tsdPtr->count) {
	int i = tsdPtr->next++;
	PyosslPoll *pollPtr = tsdPtr->found[i];
	int mask;

	if (pollPtr == NULL) {
	    continue;
	}
	tsdPtr->found[i] = NULL;
	mask = tsdPtr->masks[i] & pollPtr->mask;
	if (mask != 0) {
	    pollPtr->readyProc(pollPtr->clientData, mask);
	    return 1;
	}
    }
    return 0;
}

static ThreadData *	GetThreadData(void);

static int
EventReady(
    Tcl_Event *eventPtr,
    int flags)
{
    ThreadData *tsdPtr = GetThreadData();
    Request *reqPtr;

    (void) eventPtr;
    if (!(flags & TCL_FILE_EVENTS)) {
	return 0;
    }
    tsdPtr->queued = 0;
    tsdPtr->changed = 1;		/* Setup looks again. */
    if (tsdPtr->polls.numEntries > 0 && !tsdPtr->ended && !TellNext(tsdPtr)) {
	reqPtr = RequestNew(tsdPtr);
	if (RequestSelect(reqPtr, 0) > 0) {
	    Found(tsdPtr, reqPtr);
	}
	RequestFree(reqPtr);
	TellNext(tsdPtr);
    }
    return 1;
}

/* Whether the helper has found something; it is told once. */
static int
TakeReady(
    ThreadData *tsdPtr)
{
    int ready;

    EnterCriticalSection(&tsdPtr->lock);
    ready = tsdPtr->ready;
    tsdPtr->ready = 0;
    LeaveCriticalSection(&tsdPtr->lock);
    return ready;
}

static void
QueueEvent(
    ThreadData *tsdPtr)
{
    Tcl_Event *eventPtr;

    if (!tsdPtr->queued) {
	tsdPtr->queued = 1;
	eventPtr = (Tcl_Event *) ckalloc(sizeof(Tcl_Event));
	eventPtr->proc = EventReady;
	Tcl_QueueEvent(eventPtr, TCL_QUEUE_TAIL);
    }
}

/* Before the notifier waits: looks, and if nothing is ready sees to it that
 * somebody else does. */
static void
Setup(
    ClientData clientData,
    int flags)
{
    static const Tcl_Time now = {0, 0};
    ThreadData *tsdPtr = clientData;
    Request *reqPtr;

    if (!(flags & TCL_FILE_EVENTS)) {
	return;
    }
    if (TakeReady(tsdPtr) || tsdPtr->next < tsdPtr->count) {
	QueueEvent(tsdPtr);
    }
    if (!tsdPtr->queued && tsdPtr->changed && tsdPtr->polls.numEntries > 0) {
	reqPtr = RequestNew(tsdPtr);
	if (RequestSelect(reqPtr, 0) != 0) {
	    QueueEvent(tsdPtr);
	    RequestFree(reqPtr);
	} else {
	    RequestFree(reqPtr);
	    HelperArm(tsdPtr, RequestNew(tsdPtr));
	}
    }
    if (tsdPtr->queued) {
	Tcl_SetMaxBlockTime(&now);
    }
}

static void
Check(
    ClientData clientData,
    int flags)
{
    ThreadData *tsdPtr = clientData;

    if ((flags & TCL_FILE_EVENTS) && TakeReady(tsdPtr)) {
	QueueEvent(tsdPtr);
    }
}

static void
ThreadGone(
    void *clientData)
{
    ThreadData *tsdPtr = clientData;

    tsdPtr->ended = 1;
    Tcl_DeleteEventSource(Setup, Check, tsdPtr);
    HelperEnd(tsdPtr);
    if (tsdPtr->nextPtr != NULL) {
	RequestFree(tsdPtr->nextPtr);
    }
    CloseHandle(tsdPtr->wanted);
    DeleteCriticalSection(&tsdPtr->lock);
    Tcl_DeleteHashTable(&tsdPtr->polls);
    if (tsdPtr->size > 0) {
	ckfree((char *) tsdPtr->found);
	ckfree((char *) tsdPtr->masks);
    }
    tsdPtr->size = tsdPtr->next = tsdPtr->count = 0;
}

static ThreadData *
GetThreadData(void)
{
    ThreadData *tsdPtr = Tcl_GetThreadData(&dataKey, sizeof(ThreadData));

    if (!tsdPtr->initialized) {
	tsdPtr->initialized = 1;
	tsdPtr->owner = Tcl_GetCurrentThread();
	tsdPtr->wanted = CreateEventW(NULL, FALSE, FALSE, NULL);
	InitializeCriticalSection(&tsdPtr->lock);
	Tcl_InitHashTable(&tsdPtr->polls, TCL_ONE_WORD_KEYS);
	Tcl_CreateEventSource(Setup, Check, tsdPtr);
	Tcl_CreateThreadExitHandler(ThreadGone, tsdPtr);
    }
    return tsdPtr;
}

/*
 * ---------------------------------------------------------------------
 * What is watched
 * ---------------------------------------------------------------------
 */

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
    Tcl_HashEntry *entryPtr;
    int isNew;

    pollPtr->readyProc = readyProc;
    pollPtr->clientData = clientData;
    if (mask == pollPtr->mask || pollPtr->fd < 0 || tsdPtr->ended) {
	return;
    }
    entryPtr = Tcl_CreateHashEntry(&tsdPtr->polls,
	    (void *) (intptr_t) pollPtr->fd, &isNew);
    if (mask != 0) {
	Tcl_SetHashValue(entryPtr, pollPtr);
    } else {
	Tcl_DeleteHashEntry(entryPtr);
    }
    pollPtr->registered = mask != 0;
    pollPtr->threadData = tsdPtr;
    pollPtr->mask = mask;
    tsdPtr->changed = 1;
}

/* PyosslPollSoon -- here Tcl's timers cost no change of threads. */
int
PyosslPollSoon(
    PyosslPoll *pollPtr)
{
    (void) pollPtr;
    return 0;
}

/*
 * PyosslPollForget --
 *	Takes the descriptor out, before it is closed or leaves the thread.
 *	Events already found are not delivered any more.
 */
void
PyosslPollForget(
    PyosslPoll *pollPtr)
{
    ThreadData *tsdPtr = pollPtr->threadData;
    Tcl_HashEntry *entryPtr;
    int i;

    if (tsdPtr == NULL) {
	return;
    }
    if (pollPtr->registered && !tsdPtr->ended) {
	entryPtr = Tcl_FindHashEntry(&tsdPtr->polls,
		(void *) (intptr_t) pollPtr->fd);
	if (entryPtr != NULL) {
	    Tcl_DeleteHashEntry(entryPtr);
	}
	tsdPtr->changed = 1;
    }
    pollPtr->registered = 0;
    pollPtr->mask = 0;
    pollPtr->threadData = NULL;
    for (i = tsdPtr->next; i < tsdPtr->count; i++) {
	if (tsdPtr->found[i] == pollPtr) {
	    tsdPtr->found[i] = NULL;
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
