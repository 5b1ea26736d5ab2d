"""Check that the rooms of cscan/ include only whom they may (rooms.py), and the few rules that a
grep can keep.

usage: check_rooms.py [TOP]

Prints file:line: what is wrong, and exits 1 when something is.
"""

import os
import re
import sys
from typing import FrozenSet, Iterator, Tuple

import rooms

ELFUTILS = re.compile(r"\s*#\s*include\s*<(elfutils/|gelf\.h|libelf\.h|libelf/|dwarf\.h)")
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')
VERSION_TEST = re.compile(r"PY_VERSION_HEX|\bhexversion\b[^;,=]*(<=?|>=?|==|!=)\s*\w")
MOST_LINES = 700
LONG_BY_NATURE = re.compile(r"\.def$|^cscan/layout/tables/")


def sources(top: str) -> Iterator[str]:
    """Every C file, as a path from cscan/: the way it would be included."""
    cscan = os.path.join(top, "cscan")
    for folder, _, names in os.walk(cscan):
        for name in names:
            if name.endswith((".c", ".h", ".def", ".inc")):
                yield os.path.relpath(os.path.join(folder, name), cscan)


def check(top: str, path: str, with_code: FrozenSet[str]) -> Iterator[Tuple[int, str]]:
    room = rooms.room(path)
    top_room = room.split("/")[0]
    if room not in rooms.WINGS and room not in rooms.ROOMS:
        yield 0, "no room is called %s" % room
        return
    with open(os.path.join(top, "cscan", path), encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > MOST_LINES and not LONG_BY_NATURE.search("cscan/" + path):
        yield len(lines), "more than %d lines" % MOST_LINES
    for number, line in enumerate(lines, 1):
        if ELFUTILS.match(line) and top_room != "image":
            yield number, "elfutils outside image/"
        if VERSION_TEST.search(line) and top_room != "layout":
            yield number, "a version test outside layout/"
        match = INCLUDE.match(line)
        if not match:
            continue
        other = match.group(1)
        if "/" not in other:
            yield number, 'include "%s" without its room' % other
        elif not rooms.allowed(path, other):
            yield number, "%s/ must not include %s" % (room, other)
        elif rooms.apart(path, other, with_code):
            yield number, "%s and %s must not know each other" % (path, other)


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(here)
    all_paths = sorted(sources(top))
    with_code = frozenset(path for path in all_paths if path.endswith(".c"))
    bad = 0
    for path in all_paths:
        for line, what in check(top, path, with_code):
            print("cscan/%s:%d: %s" % (path, line, what), file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
