/*
 * pyosslSys.h --
 *
 *	What the sockets of pyosslSock.h are made of, on Windows. A SOCKET is
 *	kept in an int: handles have 32 significant bits, in 64-bit programs
 *	too, so that they can be shared with 32-bit ones.
 */

#ifndef PYOSSL_SYS_H
#define PYOSSL_SYS_H

#ifndef _WIN32_WINNT
#   define _WIN32_WINNT	0x0601		/* Windows 7 */
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

typedef ADDRINFOW PyosslAddrInfo;

/* Between the files in win/. */
extern int	PyosslWinErrno(int code);
extern int	PyosslWinSelect(int count, fd_set *readPtr, fd_set *writePtr,
		    fd_set *exceptPtr, int ms);

#endif /* PYOSSL_SYS_H */
