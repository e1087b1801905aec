#!/bin/sh
# fresh.sh --
#
#	The proof that no step is hidden: makes a minimal Debian in a scratch
#	folder, puts a clone of the project there, and runs both first commands
#	of the README in it.
#
#	sh tools/fresh.sh ?--keep? ?--ci? ?--suite=NAME? ?FOLDER?
#
#	FOLDER	where the system is made (default: a new one, removed at the end)
#	--keep	keep the bare system as FOLDER/SUITE, and use it if it is there
#	--ci	run .ci/run there as well
#	--suite=NAME	another Debian than the machine's, e.g. the next one
#
#	Needs root, debootstrap and git.  The mirror and the suite are those of
#	the machine's own apt.  Only what is committed is tested.

me=fresh
project=`cd "\`dirname "$0"\`/.." && pwd` || exit 1

say() {
    echo "$me: $*"
}
die() {
    echo "$me: error: $*" >&2
    exit 1
}

keep=0
ci=
suite=
scratch=
for argument in "$@"; do
    case $argument in
	--keep) keep=1 ;;
	--ci) ci="bash .ci/run" ;;
	--suite=*) suite=${argument#--suite=} ;;
	-*) die "unknown option $argument" ;;
	*) scratch=$argument ;;
    esac
done
test "`id -u`" = 0 || die "only root can make a system (chroot, mount)"
for tool in debootstrap git chroot mount; do
    command -v $tool >/dev/null 2>&1 || die "$tool is not installed"
done

made=0
if test -z "$scratch"; then
    scratch=`mktemp -d "${TMPDIR:-/tmp}/pyossl-fresh.XXXXXX"` || die "mktemp failed"
    made=1
else
    mkdir -p "$scratch" || die "cannot make the folder $scratch"
    scratch=`cd "$scratch" && pwd`
fi
root=$scratch/root
mounted=

# Nothing is removed before everything is unmounted: /proc is not ours.
cleanup() {
    trap '' INT TERM
    for place in $mounted; do
	umount "$root/$place" 2>/dev/null || umount -l "$root/$place" 2>/dev/null
    done
    if test -d "$root" && ! grep -q " $root/" /proc/mounts; then
	rm -rf --one-file-system "$root"
	test $keep = 1 || rm -rf --one-file-system "$scratch/$suite"
	test $made = 0 -o $keep = 1 || rmdir "$scratch" 2>/dev/null
    fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The mirror and the suite out of apt's own answer about the base system.
here=`sed -n 's/^VERSION_CODENAME=//p' /etc/os-release`
test -n "$here" || die "/etc/os-release does not name this Debian"
suite=${suite:-$here}
mirror=`apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' | awk -v s="$here" \
    '$2 == s && $3 == "main" { print $1; exit }'`
test -n "$mirror" || die "apt's sources name no archive for $here"

if test -d "$scratch/$suite" && test -f "$scratch/$suite/.complete"; then
    say "using the system that was kept in $scratch/$suite"
else
    say "making a minimal $suite in $scratch/$suite"
    rm -rf --one-file-system "$scratch/$suite"
    debootstrap --variant=minbase "$suite" "$scratch/$suite" "$mirror" \
	>"$scratch/debootstrap.log" 2>&1 \
	|| { tail -n 5 "$scratch/debootstrap.log" >&2; die "debootstrap failed"; }
    rm -f "$scratch/debootstrap.log"
    : >"$scratch/$suite/.complete"
fi
rm -rf --one-file-system "$root"
if test $keep = 1; then
    cp -a "$scratch/$suite" "$root" || die "cannot copy the system"
else
    mv "$scratch/$suite" "$root" || die "cannot move the system"
fi

# The same archives as here, security updates among them.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/debian.list \
    /etc/apt/sources.list.d/debian.sources; do
    test -f "$list" || continue
    test -f "$root/etc/apt/sources.list" && rm -f "$root/etc/apt/sources.list"
    mkdir -p "$root`dirname "$list"`"
    sed "s/$here/$suite/g" "$list" >"$root$list"
done
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/*mirror*; do
    test -f "$file" && cp "$file" "$root/etc/apt/apt.conf.d/"
done
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/hosts "$root/etc/hosts"

mount -t proc proc "$root/proc" || die "cannot mount /proc"
mounted="proc"
mount --bind /dev "$root/dev" || die "cannot mount /dev"
mounted="dev $mounted"
# Of its own, since the bind leaves out what is mounted in /dev.
mount -t devpts devpts "$root/dev/pts" || die "cannot mount /dev/pts"
mounted="dev/pts $mounted"
if mount -t tmpfs tmpfs "$root/dev/shm" 2>/dev/null; then
    mounted="dev/shm $mounted"
fi

git clone -q --no-hardlinks "$project" "$root/pyossl" || die "git clone failed"
say "commit `git -C "$project" rev-parse --short HEAD`"

# As a newcomer's shell would be: no variable of this one, no input.
inside() {
    chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
	PYOSSL_REQUIRE_PEERS=1 \
	sh -c "cd /pyossl && $1" </dev/null
}

verdict=0
for command in "sh unix/quickstart.sh" "sh unix/runtests.sh" \
    "sh unix/quickstart.sh" "$ci"; do
    test -n "$command" || continue
    say "running: $command"
    start=`date +%s`
    inside "$command"
    status=$?
    say "ended with status $status after $((`date +%s` - start)) s: $command"
    test $status = 0 || { verdict=1; break; }
done
if test $verdict = 0; then
    say "verdict: PASSED, a minimal $suite runs both commands"
else
    say "verdict: FAILED"
fi
exit $verdict
