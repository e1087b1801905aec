#!/bin/sh
# run.sh --
#
#	Builds the libFuzzer program and runs the targets one after the other.
#	Called in a configured build folder, by "make fuzz":
#
#	sh fuzz/run.sh SECONDS ?TARGET ...?
#
#	Each target is run for that long (all targets if none is named), from the
#	committed corpus and the seeds of mkseeds.tcl. A crash, a leak, an input
#	that takes too long or a Tcl error ends it; the input is left in
#	fuzzing/found/ of the build folder, and the exit status is 1 then. What is
#	new goes to fuzzing/work/TARGET, where the next run finds it.
#
#	sh fuzz/run.sh merge ?TARGET ...?
#
#	Makes the committed corpus anew from all of that: as few and as small
#	inputs as reach the same, of these 60 a target, at most FUZZ_KEEP bytes.
#
#	Read from the environment:
#	FUZZ_TIMEOUT	seconds that one input may take (default 25)
#	FUZZ_OPTIONS	more options for libFuzzer, e.g. -seed=1
#	FUZZ_KEEP	see above (default 14000)

me=fuzz
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1

die() {
    echo "$me: error: $*" >&2
    exit 1
}

test $# -gt 0 || die "usage: sh fuzz/run.sh SECONDS|merge ?TARGET ...?"
what=$1
shift
test -f config.status || die "there is no config.status here; run configure first"
command -v clang >/dev/null 2>&1 || die "clang is not installed"
tclsh=`sed -n 's/^TCLSH_PROG[ 	]*= *//p' Makefile`
root=`pwd`
mkdir -p fuzzing && cd fuzzing || die "cannot make the folder fuzzing"

# A build of its own: clang, its sanitizers, and coverage for libFuzzer.
# The last comes at make: configure tries gcc too, which has no libFuzzer.
flags="-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined"
flags="$flags -fno-sanitize-recover=all"
coverage=-fsanitize=fuzzer-no-link
if test ! -f configured || test "`cat configured`" != "$flags" \
    || test "$root/config.status" -nt config.status; then
    echo "$me: configuring in $root/fuzzing"
    options=`"$root/config.status" --config` || die "config.status failed"
    eval "set_options() { \"$project/configure\" $options --enable-symbols \
	CC=clang CFLAGS='$flags' LDFLAGS='-fsanitize=address,undefined'; }"
    set_options >build.log 2>&1 || die "configure failed, see $root/fuzzing/build.log"
    make clean >>build.log 2>&1
    echo "$flags" >configured
fi
echo "$me: compiling in $root/fuzzing"
make -j2 CPPFLAGS=$coverage pyosslfuzz pkgIndex.tcl libraries >>build.log 2>&1 || {
    grep -E 'error|warning' build.log | head -n 20 >&2
    die "the build failed; all of it is in $root/fuzzing/build.log"
}

# The package is linked in; only its scripts are found here.
cat >package.tcl <<END
package ifneeded pyossl `sed -n 's/^PACKAGE_VERSION[ 	]*= *//p' Makefile` {
    load {} Pyossl
    source -encoding utf-8 "$root/fuzzing/library/pyossl.tcl"
}
END
PYOSSL_FUZZ_DIR=$project/fuzz
PYOSSL_FUZZ_PACKAGE=$root/fuzzing/package.tcl
ASAN_OPTIONS=detect_leaks=1:handle_abort=1:strict_string_checks=1:malloc_context_size=30:quarantine_size_mb=64:allocator_may_return_null=1
UBSAN_OPTIONS=print_stacktrace=1
TCLLIBPATH="{`pwd`}"
export PYOSSL_FUZZ_DIR PYOSSL_FUZZ_PACKAGE ASAN_OPTIONS UBSAN_OPTIONS TCLLIBPATH

# The seeds, by the ordinary build.
(cd "$root" && make -s all) || die "the ordinary build failed"
rm -rf seeds
env -u PYOSSL_FUZZ_PACKAGE PYOSSL_BUILD="$root" TCLLIBPATH="{$root}" \
    "$tclsh" "$project/fuzz/mkseeds.tcl" seeds \
    || die "the seeds cannot be made"

table() {
    "$tclsh" "$project/fuzz/fuzz.tcl" targets
}
if test $# -eq 0; then
    set -- `table | cut -d' ' -f1`
fi
mkdir -p found
bad=0
for target; do
    longest=`table | sed -n "s/^$target //p"`
    test -n "$longest" || die "there is no target \"$target\""
    mkdir -p work/$target seeds/$target "$project/fuzz/corpus/$target"
    PYOSSL_FUZZ_TARGET=$target
    export PYOSSL_FUZZ_TARGET
    # pyosslfuzz.c looks for leaks itself.
    set_args="-detect_leaks=0 -timeout=${FUZZ_TIMEOUT:-25} -rss_limit_mb=2000 -max_len=$longest"
    set_args="$set_args -artifact_prefix=found/$target- $FUZZ_OPTIONS"
    if test "$what" = merge; then
	rm -rf merged && mkdir merged
	./pyosslfuzz $set_args -merge=1 merged work/$target \
	    "$project/fuzz/corpus/$target" seeds/$target >$target.log 2>&1 \
	    || { tail -n 20 $target.log; die "the merge of $target failed"; }
	"$tclsh" "$project/fuzz/fuzz.tcl" keep merged \
	    "$project/fuzz/corpus/$target" ${FUZZ_KEEP:-14000}
	continue
    fi
    if ./pyosslfuzz $set_args -max_total_time=$what -print_final_stats=1 \
	-reload=0 work/$target "$project/fuzz/corpus/$target" seeds/$target \
	>$target.log 2>&1; then
	result=ok
    else
	result=FAILED
	bad=1
    fi
    runs=`sed -n 's/^stat::number_of_executed_units: *//p' $target.log`
    seconds=`sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' $target.log`
    echo "$me: $target: $result, ${runs:-?} inputs in ${seconds:-?} seconds"
    if test $result = FAILED; then
	grep -vE '^(#[0-9]+	|NEW_FUNC|INFO: )' $target.log | tail -n 60
	echo "$me: all of it is in $root/fuzzing/$target.log, the input in $root/fuzzing/found/"
    fi
done
exit $bad
