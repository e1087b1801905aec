/*
 * msvccheck.h --
 *
 *	Read first by "make msvccheck": clang in the manner of Microsoft's
 *	compiler, with the headers of mingw-w64, which use attributes in places
 *	where that does not take them, and intrinsics that clang itself has.
 */

#define __MMINTRIN_H
#define __XMMINTRIN_H
#define __EMMINTRIN_H
#define __IMMINTRIN_H
#define __X86INTRIN_H
#define __INTRIN_H
#include <_mingw.h>
#undef __MINGW_ATTRIB_NORETURN
#define __MINGW_ATTRIB_NORETURN
#undef __MINGW_ATTRIB_DEPRECATED
#define __MINGW_ATTRIB_DEPRECATED
