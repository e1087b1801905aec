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

int
PyosslSysSendRecord(
    int fd,
    int type,
    const char *buf,
    int size,
    int *errnoPtr)
{
    union {
	struct cmsghdr head;
	char space[CMSG_SPACE(1)];
    } control;
    struct iovec part = {(void *) buf, (size_t) size};
    struct msghdr message;
    struct cmsghdr *headPtr;
    ssize_t n;

    memset(&message, 0, sizeof(message));
    memset(&control, 0, sizeof(control));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof(control.space);
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
    union {
	struct cmsghdr head;
	char space[CMSG_SPACE(1)];
    } control;
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
    memset(&message, 0, sizeof(message));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof(control.space);
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
