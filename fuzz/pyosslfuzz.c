/*
 * pyosslfuzz.c --
 *
 *	The one libFuzzer program for all targets: a Tcl interpreter with the
 *	extension linked in, which gives each input to [fuzz::run]. What a
 *	target does with it, and what counts as wrong, is in fuzz.tcl and the
 *	files target-*.tcl; this file knows nothing of it.
 *
 *	    libFuzzer --bytes--> fuzz::run TARGET bytes --commands--> pyossl
 *	        ^                    |                                  |
 *	        |                fuzz::mark (what came of it)           |
 *	        +--- counters <------+             coverage of the C code
 *
 *	A Tcl error out of fuzz::run ends the program, as a crash does.
 *
 *	Leaks are looked for here, after each LEAK_EVERY inputs. libFuzzer would
 *	do it after every input, since Tcl never frees all that it takes; that
 *	is three times as slow, and it gives up after a thousand inputs.
 *
 *	Read from the environment:
 *	PYOSSL_FUZZ_DIR		the folder with fuzz.tcl
 *	PYOSSL_FUZZ_TARGET	which target
 *	PYOSSL_FUZZ_PACKAGE	a script that tells how the package is loaded
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tcl.h>

extern int Pyossl_Init(Tcl_Interp *interp);
extern int LLVMFuzzerInitialize(int *argcPtr, char ***argvPtr);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * libFuzzer takes these for coverage like that of the code: an input that
 * makes a combination of command and outcome that was not seen before is kept.
 */
#define COUNTERS 8192
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[COUNTERS];

#define LEAK_EVERY 100
extern int __lsan_do_recoverable_leak_check(void);
static Tcl_Obj *recent[LEAK_EVERY];	/* The inputs since the last look. */
static int recentCount;

static Tcl_Interp *interp;
static Tcl_Obj *words[3];	/* fuzz::run TARGET bytes */

/* [fuzz::mark text]: counts the text as something that was reached. */
static int
MarkCmd(
    ClientData clientData,
    Tcl_Interp *interpPtr,
    int objc,
    Tcl_Obj *const objv[])
{
    const char *p;
    uint32_t hash = 2166136261u;

    (void) clientData;
    if (objc != 2) {
	Tcl_WrongNumArgs(interpPtr, 1, objv, "text");
	return TCL_ERROR;
    }
    for (p = Tcl_GetString(objv[1]); *p != '\0'; p++) {
	/* FNV-1a, whose arithmetic is modulo two to the 32. */
	hash = (uint32_t) (((uint64_t) hash ^ (unsigned char) *p) * 16777619u);
    }
    counters[hash % COUNTERS]++;
    return TCL_OK;
}

/* What Tcl says is wrong; the program ends. */
static void
Die(
    const char *what)
{
    const char *info = Tcl_GetVar(interp, "errorInfo", TCL_GLOBAL_ONLY);

    fprintf(stderr, "pyosslfuzz: %s\n%s\n", what,
	    info != NULL ? info : Tcl_GetStringResult(interp));
    abort();
}

/* A variable of the environment that must be there. */
static const char *
Setting(
    const char *name)
{
    const char *value = getenv(name);

    if (value == NULL || *value == '\0') {
	fprintf(stderr, "pyosslfuzz: %s is not set; start it with run.sh\n",
		name);
	exit(1);
    }
    return value;
}

/* LLVMFuzzerInitialize -- called once by libFuzzer: makes the interpreter. */
int
LLVMFuzzerInitialize(
    int *argcPtr,
    char ***argvPtr)
{
    const char *dir = Setting("PYOSSL_FUZZ_DIR");
    const char *target = Setting("PYOSSL_FUZZ_TARGET");
    Tcl_Obj *pathObj;

    (void) argcPtr;
    Tcl_FindExecutable((*argvPtr)[0]);
    interp = Tcl_CreateInterp();
    Tcl_StaticPackage(NULL, "Pyossl", Pyossl_Init, NULL);
    if (Tcl_Init(interp) != TCL_OK) {
	Die("Tcl does not start");
    }
    Tcl_SetVar(interp, "tcl_interactive", "0", TCL_GLOBAL_ONLY);
    Tcl_CreateNamespace(interp, "fuzz", NULL, NULL);
    Tcl_CreateObjCommand(interp, "::fuzz::mark", MarkCmd, NULL, NULL);
    pathObj = Tcl_ObjPrintf("%s/fuzz.tcl", dir);
    Tcl_IncrRefCount(pathObj);
    if (Tcl_FSEvalFile(interp, pathObj) != TCL_OK) {
	Die("fuzz.tcl cannot be loaded");
    }
    Tcl_DecrRefCount(pathObj);

    words[0] = Tcl_NewStringObj("::fuzz::run", -1);
    words[1] = Tcl_NewStringObj(target, -1);
    Tcl_IncrRefCount(words[0]);
    Tcl_IncrRefCount(words[1]);
    if (Tcl_Eval(interp, "::fuzz::start") != TCL_OK) {
	Die("the targets cannot be loaded");
    }
    return 0;
}

/* Writes the recent inputs to files, and ends the program. */
static void
DieOfLeak(void)
{
    int i, length;

    for (i = 0; i < recentCount; i++) {
	const unsigned char *bytes = Tcl_GetByteArrayFromObj(recent[i], &length);
	Tcl_Obj *nameObj = Tcl_ObjPrintf("found/%s-leak-%03d",
		Tcl_GetString(words[1]), i);
	FILE *file = fopen(Tcl_GetString(nameObj), "wb");

	if (file == NULL || fwrite(bytes, 1, (size_t) length, file)
		!= (size_t) length || fclose(file) != 0) {
	    perror(Tcl_GetString(nameObj));
	}
	Tcl_DecrRefCount(nameObj);
    }
    fprintf(stderr, "pyosslfuzz: one of found/%s-leak-* leaks\n",
	    Tcl_GetString(words[1]));
    abort();
}

/* Remembers an input, and now and then looks for leaks. */
static void
LookForLeaks(
    Tcl_Obj *bytesObj)
{
    Tcl_IncrRefCount(bytesObj);
    recent[recentCount++] = bytesObj;
    if (recentCount < LEAK_EVERY) {
	return;
    }
    if (__lsan_do_recoverable_leak_check()) {
	DieOfLeak();
    }
    while (recentCount > 0) {
	recentCount--;
	Tcl_DecrRefCount(recent[recentCount]);
    }
}

/* LLVMFuzzerTestOneInput -- one input, given to the target. */
int
LLVMFuzzerTestOneInput(
    const uint8_t *data,
    size_t size)
{
    words[2] = Tcl_NewByteArrayObj(data, (int) size);
    Tcl_IncrRefCount(words[2]);
    if (Tcl_EvalObjv(interp, 3, words, TCL_EVAL_GLOBAL) != TCL_OK) {
	Die("wrong:");
    }
    Tcl_ResetResult(interp);
    LookForLeaks(words[2]);
    Tcl_DecrRefCount(words[2]);
    return 0;
}
