#!/bin/sh
# runtests.sh --
#
#	On Debian, runs the test suite on the package for Windows, under Wine.
#	Builds it first (crossbuild.sh), and brings Wine.
#
#	sh win/runtests.sh ?option ...?
#
#	--werror	every compiler warning is an error
#	any other	goes to tests/all.tcl, e.g. -file 'x509*' -verbose
#
#	The suite runs in a fresh Wine with the X server Xvfb, so that there is
#	a screen for [pyossl::rand screen]. Then the package is unpacked from its
#	zip into another fresh Wine, in a folder with a space and other letters
#	than ASCII in its name, and tried there without a screen.
#
#	The programs that the tests talk to (openssl, curl, GnuTLS, nginx, Python,
#	tshark) are those of the Unix side: bridge.c.
#
#	The last line is "N passed, N failed, N skipped".
#
#	PYOSSL_BUILD	another folder than build/win
#	PYOSSL_CACHE	another folder than ~/.cache/pyossl
#	PYOSSL_WINE_LIMIT  seconds for the whole suite (default 1800)

me=runtests
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1
PYOSSL_BUILD=${PYOSSL_BUILD:-$project/build/win}
export PYOSSL_BUILD
. "$project/unix/common.sh"
. "$project/win/common.sh"

limit=${PYOSSL_WINE_LIMIT:-1800}
options=
while test $# -gt 0; do
    case $1 in
	--werror) options="$options $1" ;;
	--help)
	    sed -n '2,/^$/s/^#	\{0,1\}//p' "$0"
	    exit 0
	    ;;
	--*) die "unknown option $1" ;;
	*) break ;;
    esac
    shift
done

# Programs of the Unix side that the tests talk to, through bridge.c.
bridged="sh openssl curl gnutls-cli gnutls-serv nginx python3 tshark"
install_packages wine wine64 xvfb tcl tcllib unzip \
    openssl curl gnutls-bin nginx-light python3 tshark
PYOSSL_BUILD=$build_root sh "$project/win/crossbuild.sh" $options || exit 1
. "$build_root/parts"

#------------------------------------------------------------------------
# Wine
#------------------------------------------------------------------------

work=`mktemp -d` || die "mktemp failed"
# Wine has names of files in the locale's encoding.
LC_ALL=C.UTF-8
export LC_ALL
xvfb=
bridge=

# Ends what runs in the two prefixes, the bridge and the X server, whatever
# happened.
cleanup() {
    for prefix in "$work"/wine*; do
	test -d "$prefix" && WINEPREFIX=$prefix timeout 20 wineserver -k
    done
    for pid in $xvfb $bridge; do
	kill $pid
    done
    rm -rf "$work"
} >/dev/null 2>&1
trap cleanup 0
trap 'exit 1' 1 2 15

WINEDEBUG=-all
WINEDLLOVERRIDES=mscoree,mshtml=
export WINEDEBUG WINEDLLOVERRIDES
unset DISPLAY TMPDIR WAYLAND_DISPLAY SSL_CERT_FILE SSL_CERT_DIR

# new_wine NAME -- a prefix of its own from now on.
new_wine() {
    WINEPREFIX=$work/$1
    export WINEPREFIX
    if ! timeout -k 10 120 wineboot -i >"$work/log" 2>&1 </dev/null; then
	tail -n 5 "$work/log" >&2
	die "Wine could not be set up within two minutes"
    fi
}

# server_died FILE --
#	Whether Wine's own server has given up in what run_wine wrote to FILE, by
#	an assertion of its: it is seen once in many hours. What runs in that
#	Wine waits for ever then.
server_died() {
    grep -q '^wineserver.*Assertion' "$1.raw"
}

# Ends what runs in this Wine, without its server.
kill_wine() {
    for environment in /proc/[0-9]*/task/[0-9]*/environ; do
	pid=${environment#/proc/}
	pid=${pid%%/*}
	if test "$pid" != "$bridge" && tr '\0' '\n' <"$environment" \
		| grep -qxF "WINEPREFIX=$WINEPREFIX"; then
	    kill -9 "$pid"
	fi
    done
} 2>/dev/null

# run_wine SECONDS FILE PROGRAM ?ARGUMENT ...? --
#	Runs a program of Windows. Its output goes to a file, since the
#	services that Wine leaves behind would keep a pipe open.
run_wine() {
    bound=$1 output=$2
    shift 2
    timeout -k 10 "$bound" wine "$@" >"$output.raw" 2>&1 </dev/null &
    running=$!
    while kill -0 $running 2>/dev/null; do
	sleep 0.5
	! server_died "$output" || kill_wine
    done
    wait $running
    status=$?
    tr -d '\r' <"$output.raw" >"$output"
    if test $status = 124 -o $status = 137; then
	echo "took longer than $bound seconds" >>"$output"
    fi
    return $status
}

# await FILE PROGRAM -- until the program has written to the file that it runs.
await() {
    tries=0
    while test ! -s "$1"; do
	tries=`expr $tries + 1`
	test $tries -lt 100 || die "$2 did not start within ten seconds"
	sleep 0.1
    done
}

start_display() {
    Xvfb -displayfd 3 -wr -screen 0 640x480x24 -nolisten tcp \
	>/dev/null 2>&1 3>"$work/display" </dev/null &
    xvfb=$!
    await "$work/display" Xvfb
    DISPLAY=:`cat "$work/display"`
    export DISPLAY
}

# Programs of Windows that stand for those of the Unix side, and what starts
# these for them.
start_bridge() {
    test -z "$bridge" || kill $bridge
    rm -f "$work/port"
    mkdir -p "$work/bin"
    $host-gcc -O2 -municode -static-libgcc -s -o "$work/bridge.exe" \
	"$project/win/bridge.c" -lws2_32 || die "bridge.c does not compile"
    for program in $bridged; do
	cp "$work/bridge.exe" "$work/bin/$program.exe"
    done
    PYOSSL_BRIDGE_KEY=`od -An -N16 -tx1 /dev/urandom | tr -d ' '`
    export PYOSSL_BRIDGE_KEY
    tclsh "$project/win/bridge.tcl" "$work/port" \
	>"$work/bridge.log" 2>&1 </dev/null &
    bridge=$!
    await "$work/port" bridge.tcl
    PYOSSL_BRIDGE=`cat "$work/port"`
    export PYOSSL_BRIDGE
}

# The name that a file has for programs of Windows.
windows_path() {
    echo "Z:$1"
}

#------------------------------------------------------------------------
# The suite
#------------------------------------------------------------------------

tclsh=`ls "$tcl"/bin/tclsh*.exe`
start_display

PYOSSL_CERTS=C:/certs
PYOSSL_BUILD=`windows_path "$build_root"`
tcllib=`echo 'catch {package require no-such}; puts [lindex [package ifneeded md5 [lindex [package versions md5] end]] end]' | tclsh`
TCLLIBPATH="{$PYOSSL_BUILD} {`windows_path "$(dirname "$(dirname "$tcllib")")"`}"
WINEPATH=`windows_path "$work/bin" | tr / '\\\\'`
export PYOSSL_CERTS PYOSSL_BUILD TCLLIBPATH WINEPATH

# Puts authorities into the stores of this Wine.
PYOSSL_ROOTSTORE=`windows_path "$work/rootstore.exe"`
PYOSSL_SCREEN=1
export PYOSSL_ROOTSTORE PYOSSL_SCREEN
$host-gcc -O2 -static-libgcc -o "$work/rootstore.exe" \
    "$project/win/rootstore.c" -lcrypt32 || die "rootstore.c does not compile"

# run_suite NAME ?ARGUMENT ...? -- in a Wine of that name.
run_suite() {
    say "setting Wine up"
    new_wine "$1"
    start_bridge
    shift
    certificates=$WINEPREFIX/drive_c/certs
    say "making the certificates"
    tclsh "$project/tests/certs.tcl" "$certificates" >"$work/log" 2>&1 \
	|| { tail -n 5 "$work/log" >&2; die "no certificates"; }
    say "running the tests"
    run_wine "$limit" "$work/suite" "$tclsh" \
	"`windows_path "$project/tests/all.tcl"`" -limit 240 "$@"
}

run_suite wine1 "$@"
status=$?
if server_died "$work/suite"; then
    say "Wine's server died of `grep -o 'Assertion.*' "$work/suite" | head -n 1`: once more"
    run_suite wine3 "$@"
    status=$?
fi
cat "$work/bridge.log"
total=`tail -n 1 "$work/suite"`
if ! echo "$total" | grep -qE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'; then
    cat "$work/suite"
    echo "failed: the suite did not finish, status $status"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
sed '$d' "$work/suite"
timeout 20 wineserver -k >/dev/null 2>&1

#------------------------------------------------------------------------
# The zip, as somebody gets it
#------------------------------------------------------------------------

# Unpacks the zip into the lib folder of a fresh Tcl in a fresh Wine without
# a display, and runs
# tryzip.tcl there, which prints "all is well" when it is.
try_zip() {
    unset DISPLAY TCLLIBPATH PYOSSL_BUILD
    new_wine wine2
    run_wine 30 "$work/reg" reg add 'HKCU\Software\Wine\Drivers' \
	/v Graphics /d null /f || return
    folder="$WINEPREFIX/drive_c/Programme é/Tcl"
    mkdir -p "$folder"
    cp -R "$tcl/bin" "$tcl/lib" "$folder/" || return
    (cd "$folder/lib" && unzip -q "$build_root"/pyossl*-win64.zip) || return
    PYOSSL_SCREEN=0
    run_wine 60 "$work/zip" "$folder/bin/`basename "$tclsh"`" \
	"`windows_path "$project/win/tryzip.tcl"`" \
	"`windows_path "$certificates"`"
    status=$?
    cat "$work/zip"
    test $status = 0 && grep -q '^all is well$' "$work/zip"
}

say "trying the zip in another Wine, without a display"
passed=`expr "$total" : '\([0-9]*\) passed'`
failed=`expr "$total" : '.* \([0-9]*\) failed'`
skipped=`expr "$total" : '.* \([0-9]*\) skipped'`
if try_zip; then
    passed=`expr $passed + 1`
else
    echo "failed: the package from the zip"
    failed=`expr $failed + 1`
fi
echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" = 0 -a "$passed" -gt 0
