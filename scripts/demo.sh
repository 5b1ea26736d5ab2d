#!/bin/sh
# demo.sh - a Python program leaks, dies, and its core tells who did it.
#
# Runs cores/programs/leak.py until it aborts, then opens the core with gdb and pyleak.gdb in batch
# mode. PYTHON=... chooses the interpreter.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
python=$(command -v "${PYTHON:-python3}") || {
	echo "demo.sh: no ${PYTHON:-python3} to be found" >&2
	exit 1
}
# Shims and links stand for the real executable, which is what the core is of.
python=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
work=$(mktemp -d "${TMPDIR:-/tmp}/pyleak-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

say() {
	printf '\n$ %s\n' "$*"
}

# A core dropped by the kernel lands in the working directory under the usual patterns ("core",
# "core.%p"); another pattern, a pipe to a crash handler or a size limit leaves none.
find_core() {
	for file in "$work"/core "$work"/core.*; do
		[ -s "$file" ] && echo "$file" && return
	done
	return 1
}

say "ulimit -c unlimited; python3 leak.py"
status=0
(
	cd "$work"
	ulimit -c unlimited 2>/dev/null || true
	exec "$python" "$top/cores/programs/leak.py"
) || status=$?
echo "[it died with status $status]"

if core=$(find_core); then
	:
else
	echo "[no core in its directory: core_pattern is '$(cat /proc/sys/kernel/core_pattern)']"
	say "gdb -batch -ex run -ex 'generate-core-file core' --args python3 leak.py"
	core=$work/core
	(cd "$work" && gdb -nx -q -batch -iex 'set debuginfod enabled off' -ex run \
		-ex "generate-core-file $core" --args "$python" "$top/cores/programs/leak.py") \
		>"$work/gdb.log" 2>&1 || true
	if [ ! -s "$core" ]; then
		cat "$work/gdb.log" >&2
		echo "demo.sh: no core to be had, neither of the kernel nor of gdb" >&2
		exit 1
	fi
fi

say "gdb -batch -x pyleak.gdb -ex 'py-leak-types --limit 10' -ex 'py-leak-path bytearray' python3 core"
# gdb itself has a few lines to say about threads and frames first; they are not what this shows.
gdb -nx -q -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -x "$top/pyleak.gdb" \
	-ex 'py-leak-types --limit 10' -ex 'echo \n' -ex 'py-leak-path bytearray' "$python" "$core" >"$work/out" 2>"$work/err" || {
	cat "$work/out" "$work/err" >&2
	exit 1
}
sed -n '/^CPython /,$p' "$work/out"
if ! grep -q '^CPython ' "$work/out"; then
	cat "$work/out" "$work/err" >&2
	echo "demo.sh: gdb said nothing of the heap" >&2
	exit 1
fi
