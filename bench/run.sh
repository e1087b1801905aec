#!/bin/sh
# run.sh --
#
#	Builds the package with optimization in a folder of its own, the
#	benchmark's C program with it, and runs the benchmark.
#
#	sh bench/run.sh ?-rounds N? ?-scale F? ?-list? ?JOB ...?
#
#	PYOSSL_BENCH_BUILD names another folder than build/bench-O2 for what is
#	compiled. doc: bench/README.md

project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1
build=${PYOSSL_BENCH_BUILD:-$project/build/bench-O2}
mkdir -p "$build" && cd "$build" || exit 1
if test ! -f Makefile; then
    "$project/configure" > configure.out 2>&1 || { cat configure.out >&2; exit 1; }
fi
make -s all bench-programs >&2 || exit 1
exec "${TCLSH:-tclsh}" "$project/bench/bench.tcl" -build "$build" "$@"
