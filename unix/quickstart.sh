#!/bin/sh
# quickstart.sh --
#
#	From a fresh clone to TLS in Tcl: brings what is missing, builds, and
#	runs demos/quickstart.tcl.  At a terminal it ends with a Tcl prompt that
#	has the package loaded.
#
#	sh unix/quickstart.sh
#
#	PYOSSL_BUILD names another folder than build/ for what is compiled.

me=quickstart
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1
. "$project/unix/common.sh"

case ${1:-} in
    "") ;;
    *) die "no arguments are taken (usage: sh unix/quickstart.sh)" ;;
esac

# curl and openssl are the clients that fetch from Tcl's server.
install_packages $build_packages openssl curl
build "$build_root"

tclsh=`sed -n 's/^TCLSH_PROG[ 	]*= *//p' "$build_root/Makefile"`
PYOSSL_BUILD=$build_root
TCLLIBPATH="{$build_root}"
export PYOSSL_BUILD TCLLIBPATH

say "running demos/quickstart.tcl"
"$tclsh" "$project/demos/quickstart.tcl" || die "the demonstration failed"

if test -t 0 && test -t 1; then
    say "a Tcl prompt with the package loaded (exit or Ctrl-D ends it)"
    exec "$build_root/pyosslsh"
fi
say "done; next: sh unix/runtests.sh"
