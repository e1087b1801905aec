/*
 * pyosslBio.c --
 *
 *	The link between an SSL and its transport: a BIO of our own over a
 *	PyosslTransportType, with the output queue; also the memory transport,
 *	which is a link without one. Knows transports, not connections.
 *
 *	    SSL_write --> BioWrite --+--> transport's writeProc --> wire
 *	                             |         ^
 *	                    would wait or corked, PyosslLinkFlush
 *	                             v         |
 *	                           output queue
 *
 *	    SSL_read <-- BioRead <-- transport's readProc  (waits while the
 *	                                                    queue is long)
 */

#include "pyosslTls.h"
#include <errno.h>

/* Above this much queued output nothing more is read. */
#define QUEUE_LIMIT	(256 * 1024)
/* An empty queue keeps no more memory than this. */
#define QUEUE_KEEP	0
#define SERVE_MS	20	/* Between two looks at what lingers. */
#define DTLS_HEADER	13	/* The length is in its last two bytes. */

TCL_DECLARE_MUTEX(methodMutex)
static BIO_METHOD *linkMethod = NULL;	/* Guarded by methodMutex. */

static void
Append(
    char **bufPtr,
    size_t *startPtr,
    size_t *endPtr,
    size_t *sizePtr,
    const char *data,
    size_t length)
{
    size_t used = *endPtr - *startPtr;

    if (*sizePtr - *endPtr < length) {
	if (*startPtr > 0) {
	    memmove(*bufPtr, *bufPtr + *startPtr, used);
	    *startPtr = 0;
	    *endPtr = used;
	}
	if (*sizePtr - used < length) {
	    size_t size = *sizePtr ? *sizePtr * 2 : length;

	    while (size < used + length) {
		size *= 2;
	    }
	    *bufPtr = *bufPtr ? ckrealloc(*bufPtr, size) : ckalloc(size);
	    PyosslCount(PYOSSL_COUNT_BUFFERED, (Tcl_WideInt) (size - *sizePtr));
	    *sizePtr = size;
	}
    }
    memcpy(*bufPtr + *endPtr, data, length);
    *endPtr += length;
}

static void
Drop(
    char **bufPtr,
    size_t *startPtr,
    size_t *endPtr,
    size_t *sizePtr,
    size_t length)
{
    *startPtr += length;
    if (*startPtr == *endPtr) {
	*startPtr = *endPtr = 0;
	if (*sizePtr > QUEUE_KEEP) {
	    PyosslCount(PYOSSL_COUNT_BUFFERED, -(Tcl_WideInt) *sizePtr);
	    ckfree(*bufPtr);
	    *bufPtr = NULL;
	    *sizePtr = 0;
	}
    }
}

static void
QueueOut(
    PyosslLink *linkPtr,
    const char *data,
    size_t length)
{
    Append(&linkPtr->out, &linkPtr->outStart, &linkPtr->outEnd,
	    &linkPtr->outSize, data, length);
}

static void
DropOut(
    PyosslLink *linkPtr,
    size_t length)
{
    Drop(&linkPtr->out, &linkPtr->outStart, &linkPtr->outEnd,
	    &linkPtr->outSize, length);
}

/* PyosslLinkQueued -- how many bytes of output wait in the queue. */
size_t
PyosslLinkQueued(
    const PyosslLink *linkPtr)
{
    return linkPtr->outEnd - linkPtr->outStart;
}

/* PyosslLinkPending -- whether there is input without an event. */
int
PyosslLinkPending(
    const PyosslLink *linkPtr)
{
    return linkPtr->inStart < linkPtr->inEnd || (linkPtr->inst != NULL
	    && linkPtr->typePtr->pendingProc != NULL
	    && linkPtr->typePtr->pendingProc(linkPtr->inst));
}

/*
 * PyosslLinkReserve --
 *	Makes room in the output queue for so many bytes, so that it does not
 *	grow by and by while they are written.
 */
void
PyosslLinkReserve(
    PyosslLink *linkPtr,
    size_t length)
{
    if (linkPtr->out == NULL) {
	linkPtr->out = ckalloc(length);
	PyosslCount(PYOSSL_COUNT_BUFFERED, (Tcl_WideInt) length);
	linkPtr->outStart = linkPtr->outEnd = 0;
	linkPtr->outSize = length;
    }
}

/*
 * PyosslLinkFlush --
 *	Sends queued output as far as the transport takes it.
 * Results:
 *	1 when the queue is empty, 0 when the transport would wait, or this
 *	is a script that it runs, -1 on a hard error (linkPtr->writeErrno; the
 *	queue is dropped). Memory: 1.
 */
int
PyosslLinkFlush(
    PyosslLink *linkPtr)
{
    int n, err = 0;

    if (linkPtr->typePtr == NULL) {
	return 1;
    }
    if (linkPtr->underWay > 0) {
	return 0;		/* Who is at it goes on with the rest. */
    }
    while (linkPtr->outStart < linkPtr->outEnd && linkPtr->writeErrno == 0) {
	size_t left = PyosslLinkQueued(linkPtr);

	if (linkPtr->inst == NULL) {
	    linkPtr->writeErrno = EBADF;
	    break;
	}
	linkPtr->underWay = left > 0x100000 ? 0x100000 : left;
	n = linkPtr->typePtr->writeProc(linkPtr->inst,
		linkPtr->out + linkPtr->outStart, (int) linkPtr->underWay,
		&err);
	linkPtr->underWay = 0;
	if (n >= 0) {
	    /* A script may have closed the link meanwhile. */
	    left = PyosslLinkQueued(linkPtr);
	    DropOut(linkPtr, (size_t) n < left ? (size_t) n : left);
	} else if (err == EAGAIN || err == EWOULDBLOCK) {
	    return 0;
	} else {
	    linkPtr->writeErrno = err;
	}
    }
    if (linkPtr->writeErrno != 0) {
	DropOut(linkPtr, PyosslLinkQueued(linkPtr));
	return -1;
    }
    return 1;
}

/*
 * PyosslLinkTake, PyosslLinkFeed --
 *	Memory: takes output for the wire, gives input from it.
 */
size_t
PyosslLinkTake(
    PyosslLink *linkPtr,
    char *buf,
    size_t size)
{
    size_t length = PyosslLinkQueued(linkPtr);

    if (length > size) {
	length = size;
    }
    if (length > 0) {
	memcpy(buf, linkPtr->out + linkPtr->outStart, length);
	DropOut(linkPtr, length);
    }
    return length;
}

void
PyosslLinkFeed(
    PyosslLink *linkPtr,
    const char *buf,
    size_t length)
{
    if (length > 0) {
	Append(&linkPtr->in, &linkPtr->inStart, &linkPtr->inEnd,
		&linkPtr->inSize, buf, length);
    }
}

/*
 * ---------------------------------------------------------------------
 * The BIO
 * ---------------------------------------------------------------------
 */

/*
 * The kernel takes a direction over if it can, and nothing is on its way in
 * it: what is queued is cipher text, which the kernel would encrypt again.
 * Results: 1, or 0: OpenSSL goes on by itself.
 */
static int
HandOver(
    PyosslLink *linkPtr,
    int sending,
    void *keys)
{
    if (linkPtr->typePtr != &pyosslSockTransport || linkPtr->inst == NULL) {
	return 0;
    }
    if (sending && linkPtr->kernelSends) {
	/* OpenSSL 3.2 and later ask again after each change of keys. */
	return linkPtr->keyKept;
    }
    if (sending) {
	linkPtr->kernelSends = linkPtr->writeErrno == 0
		&& PyosslLinkFlush(linkPtr) == 1
		&& PyosslSockKernel(linkPtr->inst, 1, keys);
	return linkPtr->kernelSends;
    }
    if (!linkPtr->kernelReceives && linkPtr->inStart == linkPtr->inEnd) {
	linkPtr->kernelReceives = PyosslSockKernel(linkPtr->inst, 0, keys);
	return linkPtr->kernelReceives;
    }
    return 0;
}

/*
 * Before a write of something that the kernel has to be told not to take for
 * data. A KeyUpdate is not sent: the kernel keeps its key, and the peer may go
 * on with it too.
 * Results: 0 where it is not sent.
 */
static int
MarkRecord(
    PyosslLink *linkPtr,
    const char *data,
    int length)
{
    int type = linkPtr->recordType;

    linkPtr->recordType = 0;
    linkPtr->keyKept = type == SSL3_RT_HANDSHAKE
	    && data[0] == SSL3_MT_KEY_UPDATE;
    if (linkPtr->keyKept) {
	return 0;
    }
    if (linkPtr->writeErrno == 0 && linkPtr->inst != NULL) {
	PyosslSockMark(linkPtr->inst, PyosslLinkQueued(linkPtr), length, type);
    }
    return 1;
}

static int
BioWrite(
    BIO *bioPtr,
    const char *data,
    int length)
{
    PyosslLink *linkPtr = BIO_get_data(bioPtr);
    int n = 0, err = 0;

    BIO_clear_retry_flags(bioPtr);
    if (length <= 0) {
	return 0;
    }
    if (linkPtr->recordType != 0 && !MarkRecord(linkPtr, data, length)) {
	return length;
    }
    if (linkPtr->typePtr == NULL || linkPtr->corked
	    || linkPtr->typePtr->reenters || PyosslLinkQueued(linkPtr) > 0) {
	QueueOut(linkPtr, data, length);
	return length;
    }
    /*
     * A transport that is dead for output may still have input worth
     * reading, so OpenSSL does not see the error; writers look for it.
     */
    if (linkPtr->writeErrno == 0 && linkPtr->inst != NULL) {
	n = linkPtr->typePtr->writeProc(linkPtr->inst, data, length, &err);
	if (n < 0) {
	    n = 0;
	    if (err != EAGAIN && err != EWOULDBLOCK) {
		linkPtr->writeErrno = err;
	    }
	}
	if (n < length && linkPtr->writeErrno == 0) {
	    QueueOut(linkPtr, data + n, length - n);
	}
    } else if (linkPtr->writeErrno == 0) {
	linkPtr->writeErrno = EBADF;
    }
    return length;
}

/*
 * How much of the memory's input may be read at once. DTLS drops what is
 * left of a record that was read in part (RFC 6347, 4.1): then it is as
 * many whole records as fit, or nothing where the first one is not
 * complete.
 */
static size_t
Readable(
    const PyosslLink *linkPtr,
    size_t size)
{
    const unsigned char *in;
    size_t left = linkPtr->inEnd - linkPtr->inStart, whole = 0, record;

    if (!linkPtr->datagrams || left == 0) {
	return left < size ? left : size;
    }
    in = (unsigned char *) linkPtr->in + linkPtr->inStart;
    while (left - whole >= DTLS_HEADER) {
	record = DTLS_HEADER + (in[whole + 11] << 8) + in[whole + 12];
	if (record > left - whole || whole + record > size) {
	    break;
	}
	whole += record;
    }
    return whole;
}

static int
BioRead(
    BIO *bioPtr,
    char *buf,
    int size)
{
    PyosslLink *linkPtr = BIO_get_data(bioPtr);
    int n, err = 0;

    BIO_clear_retry_flags(bioPtr);
    if (size <= 0) {
	return 0;
    }
    if (linkPtr->spoilt) {
	/* The header of a record that is longer than any may be, and again. */
	for (n = 0; n < size; n++) {
	    buf[n] = "\x17\x03\x03\xff\xff"[n % 5];
	}
	return n;
    }
    n = (int) Readable(linkPtr, (size_t) size);
    if (n > 0) {
	memcpy(buf, linkPtr->in + linkPtr->inStart, n);
	Drop(&linkPtr->in, &linkPtr->inStart, &linkPtr->inEnd,
		&linkPtr->inSize, n);
	return n;
    }
    if (linkPtr->eof) {
	return 0;
    }
    if (linkPtr->typePtr == NULL) {
	BIO_set_retry_read(bioPtr);
	return -1;
    }
    linkPtr->throttled = PyosslLinkQueued(linkPtr) > QUEUE_LIMIT
	    && PyosslLinkFlush(linkPtr) == 0;
    if (linkPtr->throttled) {
	BIO_set_retry_read(bioPtr);
	return -1;
    }
    if (linkPtr->inst == NULL) {
	linkPtr->readErrno = EBADF;
	return -1;
    }
    n = linkPtr->typePtr->readProc(linkPtr->inst, buf, size, &err);
    /* The kernel gives one record at a time. */
    linkPtr->full = n == size || (n > 0 && linkPtr->kernelReceives);
    if (n == 0) {
	linkPtr->eof = 1;
    } else if (n < 0) {
	if (err == EAGAIN || err == EWOULDBLOCK) {
	    BIO_set_retry_read(bioPtr);
	} else {
	    linkPtr->readErrno = err;
	}
	errno = err;		/* What the kernel found in a record. */
    }
    return n;
}

static long
BioCtrl(
    BIO *bioPtr,
    int cmd,
    long num,
    void *ptr)
{
    PyosslLink *linkPtr = BIO_get_data(bioPtr);

    switch (cmd) {
    case BIO_CTRL_GET_KTLS_SEND:
	return linkPtr->kernelSends;
    case BIO_CTRL_GET_KTLS_RECV:
	return linkPtr->kernelReceives;
    case PYOSSL_CTRL_SET_KTLS:
	return HandOver(linkPtr, num != 0, ptr);
    case PYOSSL_CTRL_SET_RECORD_TYPE:
	linkPtr->recordType = (int) num;
	return 0;
    case PYOSSL_CTRL_CLEAR_RECORD_TYPE:
	linkPtr->recordType = 0;
	return 0;
    case BIO_CTRL_FLUSH:
	/* Output leaves on its own, or when the cork is drawn. */
	return 1;
    case BIO_CTRL_PENDING:
	return (long) (linkPtr->inEnd - linkPtr->inStart);
    case BIO_CTRL_WPENDING:
	return (long) PyosslLinkQueued(linkPtr);
    case BIO_CTRL_GET_CLOSE:
	return BIO_get_shutdown(bioPtr);
    case BIO_CTRL_SET_CLOSE:
	BIO_set_shutdown(bioPtr, (int) num);
	return 1;
    case BIO_CTRL_EOF:
	/*
	 * 0 also at the end: OpenSSL then tells it as a system call's
	 * failure, which is what it is, and writes no alert into the void.
	 */
	return 0;
    default:
	return 0;
    }
}

static BIO_METHOD *
LinkMethod(void)
{
    Tcl_MutexLock(&methodMutex);
    if (linkMethod == NULL) {
	linkMethod = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
		"pyossl link");
	if (linkMethod != NULL) {
	    BIO_meth_set_read(linkMethod, BioRead);
	    BIO_meth_set_write(linkMethod, BioWrite);
	    BIO_meth_set_ctrl(linkMethod, BioCtrl);
	}
    }
    Tcl_MutexUnlock(&methodMutex);
    return linkMethod;
}

/*
 * PyosslLinkBio --
 *	A new BIO over the link, which must outlive it. NULL when there is no
 *	memory.
 */
BIO *
PyosslLinkBio(
    PyosslLink *linkPtr)
{
    BIO_METHOD *methodPtr = LinkMethod();
    BIO *bioPtr = methodPtr != NULL ? BIO_new(methodPtr) : NULL;

    if (bioPtr != NULL) {
	BIO_set_data(bioPtr, linkPtr);
	BIO_set_init(bioPtr, 1);
    }
    return bioPtr;
}

/*
 * ---------------------------------------------------------------------
 * The link's transport
 * ---------------------------------------------------------------------
 */

/*
 * PyosslLinkInit --
 *	A fresh link; takes over inst. typePtr NULL is memory.
 */
void
PyosslLinkInit(
    PyosslLink *linkPtr,
    const PyosslTransportType *typePtr,
    void *inst)
{
    memset(linkPtr, 0, sizeof(*linkPtr));
    linkPtr->typePtr = typePtr;
    linkPtr->inst = inst;
}

/* PyosslLinkWatch -- sets the events wanted from the transport. */
void
PyosslLinkWatch(
    PyosslLink *linkPtr,
    int mask,
    PyosslReadyProc *readyProc,
    void *clientData)
{
    if (linkPtr->inst != NULL) {
	linkPtr->typePtr->watchProc(linkPtr->inst, mask, readyProc,
		clientData);
    }
}

/*
 * PyosslLinkSoon --
 *	Has the transport call its watcher in the next event. Results: 0 where
 *	it cannot: a timer has to.
 */
int
PyosslLinkSoon(
    PyosslLink *linkPtr)
{
    return linkPtr->inst != NULL && linkPtr->typePtr->soonProc != NULL
	    && linkPtr->typePtr->soonProc(linkPtr->inst);
}

/*
 * PyosslLinkWait --
 *	Waits, with the event loop standing still, until the transport is
 *	ready. Results as waitProc's; memory can never become ready: -1.
 */
int
PyosslLinkWait(
    PyosslLink *linkPtr,
    int mask,
    int ms)
{
    Tcl_WideInt end = ms > 0 ? PyosslSysNow() + ms : 0;
    int slice, ready;

    do {
	if (linkPtr->inst == NULL) {
	    errno = EBADF;
	    return -1;
	}
	if (ms > 0) {
	    Tcl_WideInt left = end - PyosslSysNow();

	    ms = left > 0 ? (int) left : 0;
	}
	slice = ms;
	if (ms != 0 && PyosslSockServe() && (ms < 0 || ms > SERVE_MS)) {
	    slice = SERVE_MS;
	}
	ready = linkPtr->typePtr->waitProc(linkPtr->inst, mask, slice);
    } while (ready == 0 && slice != ms);
    return ready;
}

/*
 * PyosslLinkClose --
 *	Ends the transport. Queued output goes along with it and is still
 *	sent where the transport can (linger).
 */
void
PyosslLinkClose(
    PyosslLink *linkPtr,
    Tcl_Interp *interp,
    int linger)
{
    void *inst = linkPtr->inst;
    char *pending = NULL;
    size_t length;

    linkPtr->inst = NULL;
    if (inst == NULL) {
	return;
    }
    if (linkPtr->underWay > 0) {
	/* By a script of the transport's; what follows would overtake it. */
	DropOut(linkPtr, PyosslLinkQueued(linkPtr));
    }
    length = PyosslLinkQueued(linkPtr);
    if (length > 0) {
	pending = ckalloc(length);
	PyosslCount(PYOSSL_COUNT_BUFFERED, (Tcl_WideInt) length);
	memcpy(pending, linkPtr->out + linkPtr->outStart, length);
	DropOut(linkPtr, length);
    }
    linkPtr->typePtr->closeProc(inst, interp, pending, length, linger);
}

/* PyosslLinkFree -- lets go of the transport and of all buffers. */
void
PyosslLinkFree(
    PyosslLink *linkPtr)
{
    if (linkPtr->inst != NULL) {
	linkPtr->typePtr->freeProc(linkPtr->inst);
	linkPtr->inst = NULL;
    }
    Drop(&linkPtr->out, &linkPtr->outStart, &linkPtr->outEnd,
	    &linkPtr->outSize, PyosslLinkQueued(linkPtr));
    Drop(&linkPtr->in, &linkPtr->inStart, &linkPtr->inEnd,
	    &linkPtr->inSize, linkPtr->inEnd - linkPtr->inStart);
}
