#
# The TEA macros, vendored in tclconfig/ and never edited.
#

builtin(include,tclconfig/tcl.m4)

# TEA 3.13 compares with "==" in one place, which /bin/sh need not know: it
# prints an error with dash, and takes the Tcl 8 branch when Tcl is 9.  The
# macro is corrected here, so that the vendored file stays as it is.
m4_define([TEA_MAKE_LIB],
    m4_bpatsubst(m4_dquote(m4_defn([TEA_MAKE_LIB])), [" == x], [" = x]))

#------------------------------------------------------------------------
# PYOSSL_PATH_OPENSSL --
#
#	Find OpenSSL 3.0 or newer.  --with-openssl=DIR names a prefix; without
#	it pkg-config is asked, and without that the compiler's own paths are
#	taken.  A library outside the system's directories gets an rpath, so
#	that the extension runs with the library that it was built with.
#
# Results:
#	Defines and substs OPENSSL_CFLAGS and OPENSSL_LIBS.
#------------------------------------------------------------------------

AC_DEFUN([PYOSSL_PATH_OPENSSL], [
    AC_ARG_WITH([openssl],
	AS_HELP_STRING([--with-openssl=DIR],
	    [prefix of OpenSSL 3.0 or newer (default: ask pkg-config)]),
	[], [with_openssl=""])
    AC_CHECK_TOOL([PKG_CONFIG], [pkg-config])
    if test "$cross_compiling" = yes -a "$PKG_CONFIG" = pkg-config; then
	# It would tell of this machine's OpenSSL.
	PKG_CONFIG=""
    fi
    OPENSSL_CFLAGS=""
    OPENSSL_LIBS="-lssl -lcrypto"
    openssl_libdirs=""
    case "$with_openssl" in
	""|yes)
	    if test -n "$PKG_CONFIG" \
		&& $PKG_CONFIG --exists libssl libcrypto 2>/dev/null; then
		OPENSSL_CFLAGS="`$PKG_CONFIG --cflags libssl libcrypto`"
		OPENSSL_LIBS="`$PKG_CONFIG --libs libssl libcrypto`"
		for arg in `$PKG_CONFIG --libs-only-L libssl libcrypto`; do
		    openssl_libdirs="$openssl_libdirs `echo "$arg" | sed 's/^-L//'`"
		done
	    fi
	    ;;
	no)
	    AC_MSG_ERROR([pyossl cannot be built without OpenSSL])
	    ;;
	*)
	    if test ! -f "$with_openssl/include/openssl/ssl.h"; then
		AC_MSG_ERROR([--with-openssl=$with_openssl: there is no include/openssl/ssl.h in it])
	    fi
	    OPENSSL_CFLAGS="-I$with_openssl/include"
	    for dir in "$with_openssl"/lib64 "$with_openssl"/lib/*-linux-* \
		"$with_openssl"/lib; do
		if ls "$dir"/libssl.* >/dev/null 2>&1; then
		    OPENSSL_LIBS="-L$dir $OPENSSL_LIBS"
		    openssl_libdirs="$dir"
		    break
		fi
	    done
	    if test -z "$openssl_libdirs"; then
		AC_MSG_ERROR([--with-openssl=$with_openssl: there is no libssl in its lib or lib64])
	    fi
	    ;;
    esac
    if test "${TEA_PLATFORM}" = "windows"; then
	# What OpenSSL itself needs where its library is a static one.
	OPENSSL_LIBS="$OPENSSL_LIBS -lws2_32 -lgdi32 -lcrypt32 -luser32 -ladvapi32"
    else
	for dir in $openssl_libdirs; do
	    case "$dir" in
		/usr/lib|/usr/lib64|/lib|/lib64|/usr/lib/*-linux-*) ;;
		*) OPENSSL_LIBS="$OPENSSL_LIBS -Wl,-rpath,$dir" ;;
	    esac
	done
    fi

    AC_CACHE_CHECK([for OpenSSL 3.0 or newer], [pyossl_cv_openssl3], [
	hold_cflags=$CFLAGS; CFLAGS="$CFLAGS $OPENSSL_CFLAGS"
	hold_libs=$LIBS; LIBS="$OPENSSL_LIBS $LIBS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[
	    #include <openssl/ssl.h>
	    #include <openssl/provider.h>
	    #if OPENSSL_VERSION_NUMBER < 0x30000000L
	    #error too old
	    #endif]],
	    [[SSL_CTX_free(SSL_CTX_new(TLS_method()));
	    OSSL_PROVIDER_load(0, "default");]])],
	    [pyossl_cv_openssl3=yes], [pyossl_cv_openssl3=no])
	CFLAGS=$hold_cflags
	LIBS=$hold_libs])
    if test "$pyossl_cv_openssl3" != yes; then
	AC_MSG_ERROR([OpenSSL 3.0 or newer was not found with its headers (Debian: libssl-dev); --with-openssl=DIR names a prefix])
    fi
    AC_SUBST([OPENSSL_CFLAGS])
    AC_SUBST([OPENSSL_LIBS])
])

#------------------------------------------------------------------------
# PYOSSL_CHECK_POLL --
#
#	What the platform offers for watching many sockets and for accepting
#	connections.  Only the files in unix/ may look at these.
#
# Results:
#	Defines HAVE_EPOLL, HAVE_KQUEUE, HAVE_POLL_H, HAVE_ACCEPT4,
#	HAVE_SO_REUSEPORT and so on.
#------------------------------------------------------------------------

AC_DEFUN([PYOSSL_CHECK_POLL], [
    AC_CHECK_HEADERS([sys/epoll.h sys/event.h sys/un.h poll.h netinet/tcp.h])
    AC_CHECK_FUNCS([accept4 epoll_create1 kqueue getrandom getentropy epoll_pwait2])
    if test "$ac_cv_header_sys_epoll_h$ac_cv_func_epoll_create1" = yesyes; then
	AC_DEFINE([HAVE_EPOLL], [1], [Is there epoll?])
    fi
    if test "$ac_cv_header_sys_event_h$ac_cv_func_kqueue" = yesyes; then
	AC_DEFINE([HAVE_KQUEUE], [1], [Is there kqueue?])
    fi
    AC_CHECK_DECL([SO_REUSEPORT],
	[AC_DEFINE([HAVE_SO_REUSEPORT], [1], [Is there SO_REUSEPORT?])], [],
	[[#include <sys/types.h>
#include <sys/socket.h>]])
    AC_CHECK_DECL([TCP_NODELAY],
	[AC_DEFINE([HAVE_TCP_NODELAY], [1], [Is there TCP_NODELAY?])], [],
	[[#include <sys/types.h>
#include <netinet/in.h>
#include <netinet/tcp.h>]])
    AC_CHECK_DECL([MSG_NOSIGNAL],
	[AC_DEFINE([HAVE_MSG_NOSIGNAL], [1], [Is there MSG_NOSIGNAL?])], [],
	[[#include <sys/types.h>
#include <sys/socket.h>]])
])

#------------------------------------------------------------------------
# PYOSSL_ADD_SOURCES --
#
#	As TEA_ADD_SOURCES, but a file that is not written yet is left out
#	with a notice.
#------------------------------------------------------------------------

AC_DEFUN([PYOSSL_ADD_SOURCES], [
    for pyossl_source in m4_normalize([$1]); do
	if test -f "${srcdir}/generic/$pyossl_source" \
	    -o -f "${srcdir}/$platform/$pyossl_source"; then
	    PKG_SOURCES="$PKG_SOURCES $pyossl_source"
	    pyossl_object=`echo $pyossl_source | sed 's/\.c$//'`
	    PKG_OBJECTS="$PKG_OBJECTS $pyossl_object.\${OBJEXT}"
	else
	    AC_MSG_NOTICE([$pyossl_source is not written yet, left out])
	fi
    done
    AC_SUBST([PKG_SOURCES])
    AC_SUBST([PKG_OBJECTS])
])

#------------------------------------------------------------------------
# PYOSSL_CHECK_SOURCES --
#
#	Finds C files that the list forgot, and compiles them all the same, so
#	that a new file can be tried before it is listed.
#------------------------------------------------------------------------

AC_DEFUN([PYOSSL_CHECK_SOURCES], [
    for pyossl_source in `cd "$srcdir" && ls generic $platform | grep '^pyossl.*\.c$'`; do
	case " $PKG_SOURCES " in
	    *" $pyossl_source "*) ;;
	    *)
		AC_MSG_WARN([$pyossl_source is not in the list of configure.in])
		PYOSSL_ADD_SOURCES([$pyossl_source])
		;;
	esac
    done
])
