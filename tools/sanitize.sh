#!/bin/sh
# sanitize.sh --
#
#	Runs the test suite under a memory checker.  Called in a configured build
#	folder, by "make asan", "make valgrind" and runtests.sh:
#
#	sh tools/sanitize.sh asan|tsan|valgrind ?argument of all.tcl ...?
#
#	asan      builds again in asan/ with AddressSanitizer and
#	          UndefinedBehaviorSanitizer, and looks for leaks at the end of
#	          every process
#	tsan      builds again in tsan/ with clang's ThreadSanitizer; without
#	          arguments it runs the files that have threads
#	valgrind  runs the build that is there under memcheck
#
#	With PYOSSL_STACKS=1 in the environment a report of ASan's shows the whole
#	stack of an allocation, through libraries without frame pointers too.
#
#	tclsh and libtcl come from the system.  tools/plainalloc.c gives them
#	malloc in place of Tcl's own allocator, so that every block that Tcl_Alloc
#	hands out is seen: a use after ckfree and a leak of ckalloc count as such.

me=sanitize
tool=$1
shift
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1

die() {
    echo "$me: error: $*" >&2
    exit 1
}

test -f Makefile || die "there is no Makefile here; run configure first"
value() {
    sed -n "s/^$1[ 	]*= *//p" Makefile
}
compiler=`value CC`
tclsh=`value TCLSH_PROG`

# Full finalization at exit: what is still allocated then is a leak.
TCL_FINALIZE_ON_EXIT=1
PYOSSL_SANITIZER=$tool
export TCL_FINALIZE_ON_EXIT PYOSSL_SANITIZER

case $tool in
    asan)
	root=`pwd`
	mkdir -p asan && cd asan || die "cannot make the folder asan"
	flags="-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined"
	flags="$flags -fno-sanitize-recover=all"
	link="-fsanitize=address,undefined"
	case $compiler in
	    *clang*)
		runtime=`$compiler -print-file-name=libclang_rt.asan-\`uname -m\`.so`
		link="$link -shared-libasan -Wl,-rpath,`dirname "$runtime"`"
		;;
	    *)
		runtime=`$compiler -print-file-name=libasan.so`
		;;
	esac
	runtime=`readlink -f "$runtime"`
	test -f "$runtime" || die "$compiler has no shared ASan runtime"
	if test ! -f configured \
	    || test "`cat configured`" != "$compiler $flags" \
	    || test "$root/config.status" -nt config.status; then
	    echo "$me: configuring in $root/asan"
	    # The options of the main build are used again.
	    options=`"$root/config.status" --config` || die "config.status failed"
	    eval "set_options() { \"$project/configure\" $options \
		--enable-symbols --enable-allocation-count CC='$compiler' CFLAGS='$flags' LDFLAGS='$link'; }"
	    set_options >build.log 2>&1 || die "configure failed, see $root/asan/build.log"
	    make clean >>build.log 2>&1
	    echo "$compiler $flags" >configured
	fi
	echo "$me: compiling in $root/asan"
	jobs=`getconf _NPROCESSORS_ONLN 2>/dev/null` || jobs=1
	make -j"$jobs" >>build.log 2>&1 || {
	    grep -E 'error|warning' build.log | head -n 20 >&2
	    die "the build failed; all of it is in $root/asan/build.log"
	}
	alloc=`pwd`/plainalloc.so
	"$compiler" -g -O1 -fno-omit-frame-pointer -fPIC -shared \
	    -o "$alloc" "$project/tools/plainalloc.c" || die "cannot build $alloc"
	# A report is found in its file.  The exit status stays as it would be
	# without the tool, so that tests can check it.
	options="detect_leaks=1:log_path=%LOG%:exitcode=0:strict_string_checks=1"
	options="$options:detect_stack_use_after_return=1:handle_abort=1"
	# Whole stacks of where a block was allocated make the suite several
	# times slower, as every allocation of Tcl's is one of these: they are
	# for whoever looks for the cause of a report.
	if test -n "$PYOSSL_STACKS"; then
	    options="$options:fast_unwind_on_malloc=0:malloc_context_size=40"
	else
	    options="$options:malloc_context_size=10"
	fi
	PYOSSL_RUNNER="env LD_PRELOAD=$runtime:$alloc ASAN_OPTIONS=$options"
	PYOSSL_RUNNER="$PYOSSL_RUNNER UBSAN_OPTIONS=print_stacktrace=1:log_path=%LOG%"
	;;
    tsan)
	command -v clang >/dev/null 2>&1 || die "clang is not installed"
	root=`pwd`
	mkdir -p tsan && cd tsan || die "cannot make the folder tsan"
	flags="-g -O1 -fno-omit-frame-pointer -fsanitize=thread"
	# Address spaces have more randomness than this runtime can bear.
	aslr="setarch `uname -m` -R"
	if test ! -f configured || test "`cat configured`" != "clang $flags" \
	    || test "$root/config.status" -nt config.status; then
	    echo "$me: configuring in $root/tsan"
	    options=`"$root/config.status" --config` || die "config.status failed"
	    eval "set_options() { $aslr \"$project/configure\" $options \
		--enable-symbols CC=clang CFLAGS='$flags' LDFLAGS='-fsanitize=thread'; }"
	    set_options >build.log 2>&1 || die "configure failed, see $root/tsan/build.log"
	    make clean >>build.log 2>&1
	    echo "clang $flags" >configured
	fi
	echo "$me: compiling in $root/tsan"
	make -j2 >>build.log 2>&1 \
	    || die "the build failed; all of it is in $root/tsan/build.log"
	make tsansh >>build.log 2>&1 \
	    || die "cannot build a tclsh, see $root/tsan/build.log"
	tclsh=`pwd`/tsansh
	options="log_path=%LOG%:exitcode=0:ignore_noninstrumented_modules=0"
	options="$options:suppressions=$project/tools/tsan.supp"
	PYOSSL_RUNNER="$aslr env TSAN_OPTIONS=$options"
	test $# -gt 0 || set -- -file threads.test
	;;
    valgrind)
	command -v valgrind >/dev/null 2>&1 || die "valgrind is not installed"
	make >/dev/null || die "the build failed"
	alloc=`pwd`/plainalloc.so
	"$compiler" -g -O1 -fPIC -shared -o "$alloc" \
	    "$project/tools/plainalloc.c" || die "cannot build $alloc"
	PYOSSL_RUNNER="env LD_PRELOAD=$alloc valgrind -q --log-file=%LOG%.%p"
	PYOSSL_RUNNER="$PYOSSL_RUNNER --leak-check=full --show-leak-kinds=definite"
	PYOSSL_RUNNER="$PYOSSL_RUNNER --errors-for-leak-kinds=definite"
	PYOSSL_RUNNER="$PYOSSL_RUNNER --num-callers=40 --fair-sched=try"
	PYOSSL_RUNNER="$PYOSSL_RUNNER --suppressions=$project/tools/valgrind.supp"
	;;
    *)
	die "usage: sh tools/sanitize.sh asan|tsan|valgrind"
	;;
esac
export PYOSSL_RUNNER

PYOSSL_BUILD=`pwd`
TCLLIBPATH="{`pwd`}"
export PYOSSL_BUILD TCLLIBPATH
echo "$me: running the tests under $tool"
case " $* " in
    *" -limit "*) ;;
    *) set -- -limit 1200 "$@" ;;
esac
exec $aslr "$tclsh" "$project/tests/all.tcl" "$@"
