/*
 * pyosslUnixKtls.c --
 *
 *	TLS in the kernel of Linux (Documentation/networking/tls.rst). Other
 *	systems have nothing like it, see pyosslSock.h.
 */

#include "pyosslSock.h"

#ifdef PYOSSL_KTLS

#ifndef SOL_TLS
#   define SOL_TLS	282
#endif
#define RECORD_TAG	16	/* OpenSSL's buffer keeps room for it. */

/*
 * PyosslSysKernel --
 *	See pyosslSock.h. OpenSSL's BIO of sockets knows how; it is not needed
 *	for more, since it would wait, and raise signals. What comes in under
 *	TLS 1.3 OpenSSL keeps: the peer may change its keys at any time, which
 *	kernels before 6.14 cannot follow.
 */
int
PyosslSysKernel(
    int fd,
    int sending,
    void *keys)
{
    /* Whatever the cipher, OpenSSL's begins with the kernel's own struct. */
    const struct tls_crypto_info *infoPtr = keys;
    BIO *bioPtr;
    int ok = 0;

    if (infoPtr == NULL || (!sending && infoPtr->version != TLS_1_2_VERSION)) {
	return 0;
    }
    bioPtr = BIO_new_socket(fd, BIO_NOCLOSE);
    if (bioPtr != NULL) {
	ok = BIO_ctrl(bioPtr, PYOSSL_CTRL_SET_KTLS, sending, keys) > 0;
	BIO_free(bioPtr);
    }
    return ok;
}

/* Beside a record stands its type, one byte. */
typedef union Control {
    struct cmsghdr head;
    char space[CMSG_SPACE(1)];
} Control;

static void
Prepare(
    struct msghdr *messagePtr,
    struct iovec *partPtr,
    Control *controlPtr)
{
    memset(messagePtr, 0, sizeof(*messagePtr));
    memset(controlPtr, 0, sizeof(*controlPtr));
    messagePtr->msg_iov = partPtr;
    messagePtr->msg_iovlen = 1;
    messagePtr->msg_control = controlPtr;
    messagePtr->msg_controllen = sizeof(controlPtr->space);
}

int
PyosslSysSendRecord(
    int fd,
    int type,
    const char *buf,
    int size,
    int *errnoPtr)
{
    Control control;
    struct iovec part = {(void *) buf, (size_t) size};
    struct msghdr message;
    struct cmsghdr *headPtr;
    ssize_t n;

    Prepare(&message, &part, &control);
    headPtr = CMSG_FIRSTHDR(&message);
    headPtr->cmsg_level = SOL_TLS;
    headPtr->cmsg_type = TLS_SET_RECORD_TYPE;
    headPtr->cmsg_len = CMSG_LEN(1);
    *CMSG_DATA(headPtr) = (unsigned char) type;
    message.msg_controllen = headPtr->cmsg_len;
    do {
	n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
	*errnoPtr = errno;
	return -1;
    }
    return size;
}

int
PyosslSysRecvRecord(
    int fd,
    char *buf,
    int size,
    int *errnoPtr)
{
    Control control;
    struct iovec part = {buf + SSL3_RT_HEADER_LENGTH, 0};
    struct msghdr message;
    struct cmsghdr *headPtr;
    ssize_t n;

    if (size <= SSL3_RT_HEADER_LENGTH + RECORD_TAG) {
	*errnoPtr = EINVAL;
	return -1;
    }
    part.iov_len = size - SSL3_RT_HEADER_LENGTH - RECORD_TAG;
    if (part.iov_len > SSL3_RT_MAX_PLAIN_LENGTH) {
	part.iov_len = SSL3_RT_MAX_PLAIN_LENGTH;
    }
    Prepare(&message, &part, &control);
    do {
	n = recvmsg(fd, &message, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
	*errnoPtr = errno;
	if (errno == EBADMSG || errno == EMSGSIZE || errno == EINVAL) {
	    /* Of a bad record; else the alert for it would fail of that. */
	    PyosslSysConnectError(fd);
	}
	return -1;
    }
    headPtr = CMSG_FIRSTHDR(&message);
    if (headPtr == NULL) {
	return 0;		/* The end has no type. */
    }
    buf[0] = (char) *CMSG_DATA(headPtr);
    buf[1] = TLS1_2_VERSION_MAJOR;
    buf[2] = TLS1_2_VERSION_MINOR;
    buf[3] = (char) (n >> 8);
    buf[4] = (char) n;
    return (int) n + SSL3_RT_HEADER_LENGTH;
}

#endif
