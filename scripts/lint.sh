#!/bin/sh
# lint.sh [--formatted | FOLDER OBJECT...] - rooms, Python, shell, format; given the built objects of
# cscan/ and the folder that they are below, what they call, too. Fails for what every machine judges
# alike; a tool that is missing, or of another version than the one named here, only has its say.
# LINT=more adds cppcheck and clang-tidy where they are installed, as advice. --formatted only lists
# the files that clang-format rules.
set -eu
cd "$(dirname "$0")/.."

# What git knows and what is new but not ignored; the work tree decides, not the index.
sources() {
	git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# Generated tables are columns, which clang-format would break.
formatted=$(sources '*.c' '*.h' | grep -v '^cscan/layout/tables/' || true)
if [ "${1:-}" = --formatted ]; then
	echo "$formatted"
	exit 0
fi

failed=
fail() {
	echo "lint: $1" >&2
	failed=yes
}

echo "== rooms"
python3 scripts/check_rooms.py || fail "a room reaches where it must not"
if [ $# -gt 1 ]; then
	echo "== symbols"
	python3 scripts/check_symbols.py "$@" || fail "a room calls where it must not"
fi

echo "== bounds"
python3 scripts/check_caps.py || fail "a bound of the code is not in tests/caps.json as it is"

echo "== Python"
# shellcheck disable=SC2046
python3 scripts/check_python.py $(sources '*.py') || fail "Python sources have faults"

echo "== shell"
for script in $(sources '*.sh') .ci/run; do
	sh -n "$script" || fail "$script does not parse"
done

echo "== format"
if ! command -v clang-format >/dev/null; then
	echo "no clang-format here: not checked"
else
	# Its output changes from release to release; 14 is Debian 12's and what the sources follow.
	version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
	# shellcheck disable=SC2086
	found=$(clang-format --dry-run $formatted 2>&1 | grep 'clang-format-violations' || true)
	if [ -n "$found" ] && [ "$version" = 14 ]; then
		echo "$found" | head -20 >&2
		fail "$(echo "$found" | wc -l) places are not in clang-format's style: make format"
	elif [ -n "$found" ]; then
		echo "clang-format $version would have it otherwise in $(echo "$found" | wc -l) places (the sources follow 14)"
	fi
fi

if [ "${LINT:-}" = more ]; then
	echo "== cppcheck"
	! command -v cppcheck >/dev/null ||
		cppcheck --quiet --std=c11 --language=c --enable=warning,portability \
			--suppress=missingInclude -Icscan -D_GNU_SOURCE cscan || true
	echo "== clang-tidy"
	! command -v clang-tidy >/dev/null ||
		clang-tidy --quiet --checks='bugprone-*,-bugprone-easily-swappable-parameters' \
			$(sources 'cscan/*.c') -- -Icscan -D_GNU_SOURCE -std=gnu11 || true
fi

[ -z "$failed" ]
