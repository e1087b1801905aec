/*
 * tsansh.c --
 *
 *	A tclsh with ThreadSanitizer's runtime in it, for tools/sanitize.sh:
 *	clang's cannot be preloaded into another one.
 */

#include <tcl.h>

int
main(int argc, char **argv)
{
    Tcl_Main(argc, argv, Tcl_Init);
    return 0;
}
