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
openssl_prefix="C:/Program Files/OpenSSL"
openssl_dir="C:/Program Files/Common Files/SSL"

# part_key NAME VERSION FLAGS --
#	The folder's name: the key is of all that decides what comes out.
part_key() {
    key=`echo "$1 $2 $3 $host \`$host-gcc -dumpfullversion\` recipe 1" \
	| sha256sum | cut -c1-12`
    echo "win-$1-$key"
}
