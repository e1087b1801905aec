# common.sh --
#
#	The shared part of crossbuild.sh and runtests.sh: what is built, how,
#	and where it is kept. Read after unix/common.sh.

host=x86_64-w64-mingw32
cache=${PYOSSL_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pyossl}

tcl_flags="--enable-64bit --enable-threads"
# Without loadable modules the legacy provider is inside the library. What a
# configuration file could load must not depend on where it is found.
openssl_flags="no-shared no-tests no-module no-engine"
# Where an OpenSSL of Windows has its configuration, which only the machine's
# administrator can write: $openssl_prefix/$openssl_dir.
openssl_prefix="C:/Program Files/Common Files"
openssl_dir=SSL

# part_key NAME VERSION FLAGS --
#	The folder's name: the key is of all that decides what comes out.
part_key() {
    key=`echo "$1 $2 $3 $host \`$host-gcc -dumpfullversion\` $openssl_prefix/$openssl_dir recipe 2" \
	| sha256sum | cut -c1-12`
    echo "win-$1-$key"
}
