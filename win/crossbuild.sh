#!/bin/sh
# crossbuild.sh --
#
#	On Debian, makes the package for Windows (x86-64): brings the cross
#	compiler, Tcl and OpenSSL, builds both from Debian's source packages,
#	and the extension with them.
#
#	sh win/crossbuild.sh ?option ...?
#
#	--werror	every compiler warning is an error
#	--parts		only what the extension needs, not the extension
#	--with-*, --enable-*  go to configure
#
#	What it makes is in build/win: the DLL, pkgIndex.tcl, and a zip that is
#	to be unpacked into the lib folder of a Tcl for Windows. OpenSSL is
#	inside the DLL, which needs nothing but what Windows has.
#
#	Tcl and OpenSSL are built once and kept in a cache folder, by their
#	versions, the compiler's, and the flags. Later runs take seconds.
#
#	PYOSSL_BUILD	another folder than build/win
#	PYOSSL_CACHE	another folder than ~/.cache/pyossl

me=crossbuild
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1
PYOSSL_BUILD=${PYOSSL_BUILD:-$project/build/win}
. "$project/unix/common.sh"
. "$project/win/common.sh"

options=
parts_only=0
while test $# -gt 0; do
    case $1 in
	--werror) options="$options --enable-werror" ;;
	--parts) parts_only=1 ;;
	--with-*|--enable-*) options="$options $1" ;;
	--help)
	    sed -n '2,/^$/s/^#	\{0,1\}//p' "$0"
	    exit 0
	    ;;
	*) die "unknown option $1" ;;
    esac
    shift
done

command -v apt-get >/dev/null 2>&1 || die "this works on Debian only;" \
    "win/README tells how to build elsewhere"
install_packages gcc-mingw-w64-x86-64 libc6-dev gcc make perl dpkg-dev tcl \
    zip ca-certificates
mkdir -p "$cache" || die "cannot make the folder $cache"
# Another run may be filling the cache just now.
exec 9>"$cache/lock"
flock -w 3000 9 || die "another run has held $cache/lock for too long"

#------------------------------------------------------------------------
# The source packages
#------------------------------------------------------------------------

# private_apt TOOL ARGUMENT ... --
#	apt-get or apt-cache with source packages, in folders of our own: the
#	machine's configuration of apt is read, but nothing in it is changed.
private_apt() {
    tool=$1
    shift
    $tool -q -o Dir::Etc::sourcelist="$cache/apt/sources.list" \
	-o Dir::Etc::sourceparts=- -o Dir::State::lists="$cache/apt/lists" \
	-o Dir::Cache="$cache/apt" -o APT::Sandbox::User= \
	-o Acquire::Retries=3 "$@" </dev/null
}

# The machine's own archives of Debian, with "deb-src" for "deb".
list_archives() {
    codename=`sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | tr -d '"'`
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null \
	| sed 's/\[[^]]*\]//' | awk -v suite="$codename" '
	    $1 == "deb" && ($3 == suite || index($3, suite "-") == 1 \
		|| index($3, suite "/") == 1) { print "deb-src", $2, $3, "main" }'
    for file in /etc/apt/sources.list.d/*.sources; do
	test -f "$file" && { cat "$file"; echo; }
    done 2>/dev/null | awk -v suite="$codename" '
	function flush_it(  i, j, uri, suites, n, m) {
	    n = split(fields["uris"], uri, " ")
	    m = split(fields["suites"], suites, " ")
	    for (i = 1; i <= n; i++) for (j = 1; j <= m; j++)
		if (suites[j] == suite || index(suites[j], suite "-") == 1)
		    print "deb-src", uri[i], suites[j], "main"
	    delete fields
	}
	/^#/ { next }
	/^[ \t]*$/ { flush_it(); next }
	/^[A-Za-z-]+:/ {
	    name = tolower(substr($0, 1, index($0, ":") - 1))
	    fields[name] = substr($0, index($0, ":") + 1)
	}
	END { flush_it() }'
}

# The lists say which versions there are; those of the last days will do.
refresh_lists() {
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
    if test -n "`find "$cache/apt/fresh" -mtime -7 2>/dev/null`"; then
	return
    fi
    list_archives | sort -u >"$cache/apt/sources.list"
    test -s "$cache/apt/sources.list" \
	|| die "apt's configuration names no archive of this Debian"
    say "reading the lists of source packages"
    rm -f "$cache"/apt/lacking.*
    if private_apt apt-get update >"$cache/apt/log" 2>&1; then
	touch "$cache/apt/fresh"
    elif test ! -f "$cache/apt/fresh"; then
	tail -n 5 "$cache/apt/log" >&2
	die "apt-get update failed for source packages"
    fi
}

# versions PACKAGE -- those that the archives have, the newest first.
versions() {
    private_apt apt-cache showsrc --only-source "$1" 2>/dev/null \
	| sed -n 's/^Version: //p' | sort -u \
	| while read version; do
	    # Told before by a failed download.
	    test -f "$cache/apt/lacking.$1_$version" || echo "$version"
	done | sort -rV
}

# unpack PACKAGE VERSION FOLDER --
#	Fetches a source package, its signature checked by apt, and unpacks it;
#	a failure means that the archive does not hold all of it.
unpack() {
    rm -rf "$3" "$cache/apt/source"
    mkdir -p "$cache/apt/source"
    (cd "$cache/apt/source" \
	&& private_apt apt-get source --download-only "$1=$2" \
	&& dpkg-source --no-check --no-copy -x ./*.dsc "$3") >"$cache/apt/log" 2>&1
    status=$?
    rm -rf "$cache/apt/source"
    return $status
}

#------------------------------------------------------------------------
# The parts
#------------------------------------------------------------------------

# run_logged FOLDER COMMAND ... -- adds to the part's log.
run_logged() {
    (cd "$1" && shift && nice "$@") >>"$log" 2>&1 </dev/null
}

part_failed() {
    tail -n 15 "$log" >&2
    die "$1 could not be built; all of it is in $log"
}

# build_tcl SOURCE TARGET
build_tcl() {
    run_logged "$1/win" ./configure --host=$host --prefix="$2" $tcl_flags \
	&& run_logged "$1/win" make -j"$jobs" \
	&& run_logged "$1/win" make install-binaries install-libraries \
	|| part_failed Tcl
    ls "$2"/bin/tclsh*.exe >/dev/null 2>&1 || part_failed Tcl
}

# build_openssl SOURCE TARGET --
#	The libraries, and the openssl program for the tests to talk to.
build_openssl() {
    run_logged "$1" perl Configure mingw64 --cross-compile-prefix=$host- \
	--prefix="$openssl_prefix" --openssldir="$openssl_dir" $openssl_flags \
	&& run_logged "$1" make -j"$jobs" build_libs apps/openssl.exe \
	|| part_failed OpenSSL
    mkdir -p "$2/include" "$2/lib" "$2/bin"
    # OpenSSL's own "install" would write to a folder of Windows.
    cp -R "$1/include/openssl" "$2/include/" \
	&& cp "$1/libssl.a" "$1/libcrypto.a" "$2/lib/" \
	&& cp "$1/apps/openssl.exe" "$1/apps/openssl.cnf" "$2/bin/" \
	&& $host-strip "$2/bin/openssl.exe" || part_failed OpenSSL
}

# get_part NAME PACKAGE --
#	Looks the newest version up that is in the cache or can be fetched, and
#	builds it if need be. The part's folder becomes $part.
get_part() {
    name=$1 package=$2
    eval flags=\$${name}_flags
    for version in `versions $package`; do
	part=$cache/`part_key $name "$version" "$flags"`
	if test -f "$part/complete"; then
	    say "$name $version is in the cache"
	    return
	fi
	source=$cache/build.$name
	if ! unpack $package "$version" "$source"; then
	    say "the archive lacks files of $package $version"
	    touch "$cache/apt/lacking.${package}_$version"
	    continue
	fi
	say "building $name $version (some minutes, once)"
	log=$cache/$name.log
	rm -rf "$part"
	mkdir -p "$part"
	: >"$log"
	build_$name "$source" "$part"
	rm -rf "$source"
	echo "$version" >"$part/complete"
	return
    done
    tail -n 5 "$cache/apt/log" >&2
    die "no source package $package could be fetched"
}

jobs=`getconf _NPROCESSORS_ONLN 2>/dev/null` || jobs=1
refresh_lists
get_part tcl tcl8.6
tcl=$part
get_part openssl openssl
openssl=$part
exec 9>&-
test $parts_only = 0 || exit 0

#------------------------------------------------------------------------
# The extension
#------------------------------------------------------------------------

build "$build_root" --host=$host --with-tcl="$tcl/lib" \
    --with-openssl="$openssl" $options
cd "$build_root" || die "there is no $build_root"

# For runtests.sh.
{
    echo "tcl='$tcl'"
    echo "openssl='$openssl'"
} >parts

# check_dll FILE --
#	It must need nothing that Windows does not have, and show nothing but
#	what [load] looks for.
check_dll() {
    for needed in `$host-objdump -p "$1" | sed -n 's/.*DLL Name: //p' \
	| tr A-Z a-z`; do
	case $needed in
	    advapi32.dll|crypt32.dll|gdi32.dll|kernel32.dll|msvcrt.dll|\
	    user32.dll|ws2_32.dll|api-ms-win-crt-*.dll) ;;
	    *) die "$1 needs $needed, which is no part of Windows" ;;
	esac
    done
    shown=`$host-objdump -p "$1" \
	| sed -n "/^.Ordinal.Name Pointer/,/^\$/s/^.*[0-9]\] //p" | tr "\n" " "`
    test "$shown" = "Pyossl_Init Pyossl_SafeInit " \
	|| die "$1 exports other names: $shown"
    if $host-objdump -h "$1" | grep -q '\.debug_'; then
	die "$1 has debugging information in it"
    fi
}

# The zip: a folder as [package require] finds it.
name=pyossl`sed -n 's/^PACKAGE_VERSION[^=]*= *//p' Makefile`
zip=$name-win64.zip
rm -rf "$name" "$zip"
mkdir -p "$name/doc"
for dll in *.dll; do
    $host-strip -o "$name/$dll" "$dll" || die "cannot strip $dll"
    check_dll "$name/$dll"
done
cp pkgIndex.tcl "$project/license.terms" "$project/README.md" \
    "$project/CHANGES.md" "$name/"
(cd "$project" && tar cf - library demos) | (cd "$name" && tar xf -) \
    || die "cannot copy the library"
cp "$project"/doc/*.man "$project"/doc/*.md "$project/win/README" "$name/doc/"
zip -q -r "$zip" "$name" || die "cannot make the zip"
rm -rf "$name"
say "done: $build_root/$zip"
