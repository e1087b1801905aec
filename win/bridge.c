/*
 * bridge.c --
 *
 *	A program of Windows that stands for one of the Unix side, when the test
 *	suite runs under Wine: a copy of it named curl.exe is "curl" for the
 *	tests. It tells bridge.tcl, which runs out there, its own name, its
 *	arguments and its folder, and passes on what goes in and comes out:
 *
 *	    test  --pipes-->  curl.exe  --TCP-->  bridge.tcl  --pipes-->  curl
 *
 *	PYOSSL_BRIDGE is the port of bridge.tcl, PYOSSL_BRIDGE_KEY what it wants to
 *	hear first, so that nobody else has it start programs. What is said on
 *	the connection: the number of words, and the words (the key, the folder,
 *	the program, its arguments); then frames, a letter and some bytes: I input (none: its
 *	end), O output, E its errors, X its exit status, as text. Numbers and
 *	lengths are four bytes, the highest first. Who closes the connection
 *	kills the program.
 */

#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOST	125		/* Exit status without a program's. */

static SOCKET bridge;

static void
Fail(
    const char *what)
{
    fprintf(stderr, "bridge: %s failed: %d\n", what, WSAGetLastError());
    exit(LOST);
}

static void
SendBytes(
    const char *bytes,
    int length)
{
    while (length > 0) {
	int n = send(bridge, bytes, length, 0);

	if (n <= 0) {
	    Fail("send");
	}
	bytes += n;
	length -= n;
    }
}

static void
SendNumber(
    unsigned long n)
{
    unsigned long wire = htonl(n);

    SendBytes((const char *) &wire, 4);
}

static void
SendWord(
    const wchar_t *word)
{
    char bytes[32768];
    int length = WideCharToMultiByte(CP_UTF8, 0, word, -1, bytes,
	    sizeof(bytes), NULL, NULL);

    if (length == 0) {
	Fail("an argument");
    }
    SendNumber(length - 1);
    SendBytes(bytes, length - 1);
}

/* Receives all of them; 0 if the connection has ended. */
static int
ReceiveBytes(
    char *bytes,
    int length)
{
    while (length > 0) {
	int n = recv(bridge, bytes, length, 0);

	if (n <= 0) {
	    return 0;
	}
	bytes += n;
	length -= n;
    }
    return 1;
}

/*
 * The thread that passes the input on. A frame leaves in one piece: what
 * follows its first bytes would wait until these are acknowledged, 40 ms for
 * each question that a test asks of a program.
 */
static DWORD WINAPI
Input(
    void *unused)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    char frame[5 + 8192];
    unsigned long wire;
    DWORD n;

    (void) unused;
    do {
	if (!ReadFile(input, frame + 5, sizeof(frame) - 5, &n, NULL)) {
	    n = 0;
	}
	frame[0] = 'I';
	wire = htonl(n);
	memcpy(frame + 1, &wire, 4);
	SendBytes(frame, 5 + (int) n);
    } while (n > 0);
    return 0;
}

static void
Output(
    HANDLE output,
    const char *bytes,
    int length)
{
    DWORD n;

    while (length > 0 && WriteFile(output, bytes, length, &n, NULL)) {
	bytes += n;
	length -= n;
    }
}

/* Connects, and has the program started. */
static void
Start(
    int argc,
    wchar_t **argv)
{
    const char *port = getenv("PYOSSL_BRIDGE");
    const wchar_t *key = _wgetenv(L"PYOSSL_BRIDGE_KEY");
    static wchar_t name[MAX_PATH], folder[MAX_PATH];
    wchar_t *tail;
    struct sockaddr_in address;
    WSADATA data;
    int i;

    if (port == NULL || key == NULL
	    || WSAStartup(MAKEWORD(2, 2), &data) != 0) {
	fprintf(stderr, "bridge: this is no run of the test suite\n");
	exit(LOST);
    }
    bridge = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((u_short) atoi(port));
    if (bridge == INVALID_SOCKET || connect(bridge,
	    (struct sockaddr *) &address, sizeof(address)) != 0) {
	Fail("connect");
    }
    GetModuleFileNameW(NULL, name, MAX_PATH);
    GetCurrentDirectoryW(MAX_PATH, folder);
    tail = wcsrchr(name, '\\');
    tail = tail != NULL ? tail + 1 : name;
    if (wcsrchr(tail, '.') != NULL) {
	*wcsrchr(tail, '.') = 0;
    }
    SendNumber(argc + 2);
    SendWord(key);
    SendWord(folder);
    SendWord(tail);
    for (i = 1; i < argc; i++) {
	SendWord(argv[i]);
    }
}

int
wmain(
    int argc,
    wchar_t **argv)
{
    static char bytes[65536 + 1];
    char head[5];

    Start(argc, argv);
    CreateThread(NULL, 0, Input, NULL, 0, NULL);
    while (ReceiveBytes(head, 5)) {
	unsigned long length;

	memcpy(&length, head + 1, 4);
	length = ntohl(length);
	if (length >= sizeof(bytes) || !ReceiveBytes(bytes, (int) length)) {
	    break;
	}
	bytes[length] = 0;
	if (head[0] == 'X') {
	    ExitProcess(atoi(bytes));
	}
	Output(GetStdHandle(head[0] == 'E' ? STD_ERROR_HANDLE
		: STD_OUTPUT_HANDLE), bytes, (int) length);
    }
    Fail("the connection");
    return LOST;
}
