#!/bin/sh
# setup.sh build|demo|test - install what is missing to build pyleak, to show it, or to test it.
#
# Debian 12 and newer, Ubuntu 24.04 and newer. When everything is there already it asks dpkg once and
# is done: no root, no network. Each group holds the one before it.
set -eu

group=${1:-build}
build="gcc libc6-dev make pkg-config libelf-dev libdw-dev libarchive-dev"
demo="$build gdb python3 python3-dbg binutils"
# libpython3-dev has the Python.h that the extension modules of the tests are compiled against.
test="$demo libcmocka-dev libjansson-dev libpython3-dev python3-pytest python3-pytest-xdist python3-jsonschema valgrind zstd xz-utils lz4 gzip
	graphviz"

case $group in
build) wanted=$build ;;
demo) wanted=$demo ;;
test) wanted=$test ;;
*)
	echo "usage: setup.sh build|demo|test" >&2
	exit 2
	;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "setup.sh: this is not a Debian or Ubuntu system; what is needed is what these packages hold:" >&2
	echo "  $wanted" >&2
	for tool in cc make pkg-config; do
		command -v $tool >/dev/null || exit 1
	done
	pkg-config --exists libdw libelf libarchive || exit 1
	exit 0
fi

missing=
for package in $wanted; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
	exit 0
fi

echo "setup.sh: installing$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "setup.sh: not root and no sudo; install these as root, then try again:" >&2
		echo "  apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
# A mirror that cannot be reached is no reason to give up yet: what is wanted may be in apt's cache.
$as_root apt-get update -q || echo "setup.sh: the package lists could not be fetched" >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
