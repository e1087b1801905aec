#!/bin/sh
# runtests.sh --
#
#	Brings what is missing, the programs that the tests talk to among it,
#	builds, and runs the test suite.
#
#	sh unix/runtests.sh ?option ...?
#
#	--asan		under ASan, UBSan and LeakSanitizer
#	--valgrind	under valgrind
#	--cc=COMPILER	compile with that, e.g. clang, in a folder of its own
#	--werror	every compiler warning is an error
#	--with-*, --enable-*  go to configure, e.g. --with-openssl=DIR
#	any other	goes to tests/all.tcl, e.g. -file 'x509*' -verbose
#
#	The last line is "N passed, N failed, N skipped".
#
#	PYOSSL_BUILD names another folder than build/ for what is compiled.

me=runtests
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1
. "$project/unix/common.sh"

peers="openssl ca-certificates curl gnutls-bin nginx-light python3"
peers="$peers tcllib tcl-thread tcl-tls tcl-vfs tshark tmux expect"
target=test
options=
extra=
while test $# -gt 0; do
    case $1 in
	--asan) target=asan ;;
	--valgrind) target=valgrind; extra="$extra valgrind libc6-dbg" ;;
	--werror) options="$options --enable-werror" ;;
	--with-*|--enable-*) options="$options $1" ;;
	--cc=*)
	    CC=${1#--cc=}
	    export CC
	    test -n "$CC" || die "--cc= wants the name of a compiler"
	    build_root=$build_root/`basename "$CC"`
	    case $CC in clang*) extra="$extra clang" ;; esac
	    ;;
	--help)
	    sed -n '2,/^$/s/^#	\{0,1\}//p' "$0"
	    exit 0
	    ;;
	--*) die "unknown option $1" ;;
	*) break ;;
    esac
    shift
done

install_packages $build_packages $peers $extra
build "$build_root" $options
cd "$build_root" || die "there is no $build_root"

if test $target != test; then
    exec sh "$project/tools/sanitize.sh" $target "$@"
fi
tclsh=`sed -n 's/^TCLSH_PROG[ 	]*= *//p' Makefile`
PYOSSL_BUILD=$build_root
TCLLIBPATH="{$build_root}"
export PYOSSL_BUILD TCLLIBPATH
say "running the tests"
exec "$tclsh" "$project/tests/all.tcl" "$@"
