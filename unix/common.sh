# common.sh --
#
#	The shared part of quickstart.sh and runtests.sh: what must be installed,
#	and the build.  Read with ".", by a POSIX shell, from the project's
#	folder; the caller has set "me", the name that its messages begin with.

say() {
    echo "$me: $*"
}

die() {
    echo "$me: error: $*" >&2
    exit 1
}

# Where to build: $PYOSSL_BUILD, or the project's build folder.
build_root=${PYOSSL_BUILD:-$project/build}
unset PYOSSL_BUILD

build_packages="gcc libc6-dev make pkg-config tcl tcl-dev libssl-dev"

# install_packages PACKAGE ... --
#	Has apt bring those Debian packages that are not installed.  Elsewhere
#	it only looks for the tools without which nothing can work.
install_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1 \
	|| ! command -v apt-get >/dev/null 2>&1; then
	check_tools
	return
    fi
    missing=
    for package in "$@"; do
	case `dpkg-query -W -f '${Status}' "$package" 2>/dev/null` in
	    "install ok installed"|"hold ok installed") ;;
	    *) missing="$missing $package" ;;
	esac
    done
    if test -z "$missing"; then
	say "all packages are there"
	return
    fi
    if test "`id -u`" = 0; then
	as_root=
    elif command -v sudo >/dev/null 2>&1 \
	&& { sudo -n true 2>/dev/null || test -t 0; }; then
	as_root=sudo
    else
	die "please have root install these packages:$missing"
    fi
    say "installing with apt:$missing"
    log=`mktemp` || die "mktemp failed"
    # Lists may be missing, or too old to name what the archive holds now.
    if ! apt_install $missing >"$log" 2>&1; then
	if ! $as_root apt-get update >>"$log" 2>&1 \
	    || ! apt_install $missing >>"$log" 2>&1; then
	    tail -n 15 "$log" >&2
	    rm -f "$log"
	    die "apt could not install:$missing"
	fi
    fi
    rm -f "$log"
}

apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
	apt-get install -y -q --no-install-recommends \
	-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# A system without apt: say what is needed if something is missing.
check_tools() {
    lacking=
    command -v "${CC:-cc}" >/dev/null 2>&1 || lacking="$lacking a-C-compiler"
    for tool in make tclsh openssl; do
	command -v $tool >/dev/null 2>&1 || lacking="$lacking $tool"
    done
    if test -n "$lacking"; then
	die "this system has no apt; please install:$lacking," \
	    "the headers of Tcl 8.6 or newer and of OpenSSL 3.0 or newer"
    fi
    say "no apt here; going on with what is installed"
}

# build FOLDER ?CONFIGURE-ARGUMENT ...? --
#	Configures (if need be) and compiles in that folder.
build() {
    folder=$1
    shift
    mkdir -p "$folder" \
	|| die "cannot make the folder $folder (PYOSSL_BUILD names another one)"
    wanted="CC=${CC:-} CFLAGS=${CFLAGS:-} $*"
    # make takes a path with blanks for several; a relative one has none.
    source=$project
    if test "$folder" = "$project/build"; then
	source=..
    fi
    case $source in
	*[[:space:]]*) die "make cannot build $project in another folder than" \
	    "its own build, for the blanks in that path" ;;
    esac
    log=$folder/build.log
    : >"$log" || die "cannot write to $folder"
    if test ! -f "$folder/Makefile" -o ! -f "$folder/config.status" \
	-o ! -f "$folder/configured" \
	|| test "`cat "$folder/configured"`" != "$wanted"; then
	say "configuring in $folder"
	rm -f "$folder/configured"
	if ! (cd "$folder" && "$source/configure" "$@") >>"$log" 2>&1 </dev/null; then
	    problem=`sed -n 's/^configure: error: //p' "$log" | head -n 1`
	    die "configure failed: ${problem:-see $log}"
	fi
	(cd "$folder" && make clean) >>"$log" 2>&1
	echo "$wanted" >"$folder/configured"
    fi
    say "compiling in $folder"
    jobs=`getconf _NPROCESSORS_ONLN 2>/dev/null` || jobs=1
    if ! (cd "$folder" && make -j"$jobs") >>"$log" 2>&1 </dev/null; then
	grep -E 'error|Error|warning|\*\*\*' "$log" | head -n 20 >&2
	die "the build failed; all of it is in $log"
    fi
}
