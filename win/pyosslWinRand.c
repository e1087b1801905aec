/*
 * pyosslWinRand.c --
 *
 *	What rand needs of Windows: the screen as a source of bytes.
 */

#include "pyosslCrypto.h"
#include <errno.h>
#include <openssl/rand.h>

#define STRIP	16		/* Lines copied from the screen at a time. */

/*
 * PyosslRandEgd --
 *	The daemon of egd is a program of Unix that is reached through a
 *	socket in the file system: the answer is what a system without those
 *	has for them.
 */
int
PyosslRandEgd(
    Tcl_Interp *interp,
    Tcl_Obj *pathObj,
    unsigned char *bytes,
    int length)
{
    char message[300];

    (void) bytes; (void) length;
    snprintf(message, sizeof(message), "no entropy from the daemon at \"%.200s\"",
	    Tcl_GetString(pathObj));
    return PyosslFailErrno(interp, PYOSSL_RAND, EAFNOSUPPORT, message);
}

/* A failed call of GDI; TCL_ERROR always. */
static int
Fail(
    Tcl_Interp *interp,
    const char *function)
{
    DWORD code = GetLastError();

    return PyosslFail(interp, PYOSSL_RAND, "Error",
	    "the screen cannot be read: %s failed (Windows error %lu)",
	    function, (unsigned long) code);
}

/*
 * Copies the screen strip by strip into a bitmap whose bits are in our own
 * memory, and mixes them in, line by line. They are not taken for random:
 * others may know what is on the screen.
 */
static int
ReadScreen(
    Tcl_Interp *interp,
    HDC screen,
    HDC memory,
    const unsigned char *bits,
    int width)
{
    int left = GetSystemMetrics(SM_XVIRTUALSCREEN);
    int top = GetSystemMetrics(SM_YVIRTUALSCREEN);
    int height = GetSystemMetrics(SM_CYVIRTUALSCREEN);
    int y, i, lines;

    for (y = 0; y < height; y += STRIP) {
	lines = height - y < STRIP ? height - y : STRIP;
	if (!BitBlt(memory, 0, 0, width, lines, screen, left, top + y,
		SRCCOPY)) {
	    return Fail(interp, "BitBlt");
	}
	GdiFlush();
	for (i = 0; i < lines; i++) {
	    RAND_add(bits + (size_t) i * width * 4, width * 4, 0);
	}
    }
    return TCL_OK;
}

/*
 * PyosslRandScreen --
 *	Mixes what is on the screen into the generator.
 * Results:
 *	TCL_OK; TCL_ERROR with an error of the module rand where there is no
 *	screen to read, as in a service.
 */
int
PyosslRandScreen(
    Tcl_Interp *interp)
{
    int width = GetSystemMetrics(SM_CXVIRTUALSCREEN);
    HDC screen, memory;
    HBITMAP bitmap;
    HGDIOBJ before;
    BITMAPINFO info;
    void *bits = NULL;
    int code;

    screen = GetDC(NULL);
    if (screen == NULL || width <= 0) {
	return Fail(interp, "GetDC");
    }
    memset(&info, 0, sizeof(info));
    info.bmiHeader.biSize = sizeof(info.bmiHeader);
    info.bmiHeader.biWidth = width;
    info.bmiHeader.biHeight = -STRIP;	/* The first line on top. */
    info.bmiHeader.biPlanes = 1;
    info.bmiHeader.biBitCount = 32;
    info.bmiHeader.biCompression = BI_RGB;
    memory = CreateCompatibleDC(screen);
    bitmap = CreateDIBSection(screen, &info, DIB_RGB_COLORS, &bits, NULL, 0);
    if (memory == NULL || bitmap == NULL || bits == NULL) {
	code = Fail(interp, "CreateDIBSection");
    } else {
	before = SelectObject(memory, bitmap);
	code = ReadScreen(interp, screen, memory, bits, width);
	OPENSSL_cleanse(bits, (size_t) width * STRIP * 4);
	SelectObject(memory, before);
	ERR_clear_error();
    }
    if (bitmap != NULL) {
	DeleteObject(bitmap);
    }
    if (memory != NULL) {
	DeleteDC(memory);
    }
    ReleaseDC(NULL, screen);
    return code;
}
