/*
 * plainalloc.c --
 *
 *	Tcl's allocator replaced by malloc, for the memory checkers only.  The
 *	shared libtcl reaches these functions, and its stubs table names them,
 *	through the dynamic linker; preloaded, the ones here win.  Without that
 *	every small block would come from a pool that no checker sees into.
 *	Tcl_Obj structures have a pool of their own, which stays as it is: a
 *	reference too many to an object is not found this way.
 *
 *	tools/sanitize.sh builds and preloads it; it is no part of the package.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* configure may have said so already */
#endif

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *
Checked(void *block, size_t size)
{
    if (block == NULL) {
        fprintf(stderr, "plainalloc: no memory for %zu bytes\n", size);
        abort();
    }
    return block;
}

/* malloc(0) may return NULL, and Tcl takes that for a failure. */
static void *
Allocate(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

static void *
Resize(void *block, size_t size)
{
    return realloc(block, size > 0 ? size : 1);
}

char *
TclpAlloc(unsigned int size)
{
    return Allocate(size);
}

char *
TclpRealloc(char *block, unsigned int size)
{
    return Resize(block, size);
}

void
TclpFree(char *block)
{
    free(block);
}

char *
Tcl_Alloc(unsigned int size)
{
    return Checked(Allocate(size), size);
}

char *
Tcl_AttemptAlloc(unsigned int size)
{
    return Allocate(size);
}

char *
Tcl_Realloc(char *block, unsigned int size)
{
    return Checked(Resize(block, size), size);
}

char *
Tcl_AttemptRealloc(char *block, unsigned int size)
{
    return Resize(block, size);
}

void
Tcl_Free(char *block)
{
    free(block);
}

/*
 * Tcl unloads all its extensions when it finalizes, which is before the
 * checkers look for leaks; they could no longer say whose code a block came
 * from.  So nothing is ever unloaded.
 */

int
dlclose(void *handle)
{
    (void) handle;
    return 0;
}

/*
 * The strings that scripts put into the environment are never freed by Tcl,
 * which drops the array that names them when it finalizes.  LeakSanitizer is
 * told of them while they can still be found.
 */

extern char **environ;
extern void __lsan_ignore_object(const void *block) __attribute__((weak));

void
Tcl_Finalize(void)
{
    void (*original)(void) = (void (*)(void)) dlsym(RTLD_NEXT, "Tcl_Finalize");

    if (__lsan_ignore_object != NULL && environ != NULL) {
        for (char **string = environ; *string != NULL; string++) {
            __lsan_ignore_object(*string);
        }
    }
    original();
}
