"""Check that the rooms of cscan/ include only whom they may, and the few rules a grep can keep.

usage: check_rooms.py [TOP]

Prints file:line: what is wrong, and exits 1 when something is.
"""

import os
import re
import sys
from typing import Iterator, List, Tuple

# room -> rooms whose headers it may include, besides its own
ROOMS = {
    "base": "",
    "machine": "base",
    "image": "base machine",
    "layout": "base machine image",
    "heap": "base machine image layout",
    "object": "base machine image layout heap",
    "graph": "base",
    "session": "base machine image layout heap object graph",
    "analysis": "base machine image layout heap object graph session",
    "report": "base",
    "api": "base machine image layout heap object graph session analysis report include",
    "cli": "include",
    "include": "",
}
MAY = {room: set(others.split()) | {room} for room, others in ROOMS.items()}

# The parts of a room that stand alone, by how their files' names begin; what matches no part is
# everybody's (analysis.h, decode.h, internal.h).
HEAP_PARTS = ("pymalloc", "arenas", "mimalloc", "glibc")
DECODE = "object/decode/"

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


def stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def analyses(top: str) -> List[str]:
    with open(os.path.join(top, "cscan/analysis/analyses.def"), encoding="utf-8") as file:
        return re.findall(r"^PL_ANALYSIS\((\w+)\)", file.read(), re.M)


def part(path: str, parts: List[str], all_paths: List[str]) -> str:
    """Which part of its room a file belongs to, or "" when it belongs to all of them."""
    name = stem(path)
    if path.startswith("analysis/"):
        return name if name in parts else ""
    if path.startswith(DECODE):
        # a header alone is shared, one with code beside it belongs to that decoder
        return name if path.endswith(".c") or DECODE + name + ".c" in all_paths else ""
    if path.startswith("heap/"):
        own = next((p for p in HEAP_PARTS if name.startswith(p)), "")
        return "pymalloc" if own == "arenas" else own
    return ""


def check(top: str, path: str, parts: List[str], all_paths: List[str]) -> Iterator[Tuple[int, str]]:
    room = path.split("/")[0]
    if room not in MAY:
        yield 0, "no room is called %s" % room
        return
    with open(os.path.join(top, "cscan", path), encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > MOST_LINES and not LONG_BY_NATURE.search("cscan/" + path):
        yield len(lines), "more than %d lines" % MOST_LINES
    own = part(path, parts, all_paths)
    for number, line in enumerate(lines, 1):
        if ELFUTILS.match(line) and room != "image":
            yield number, "elfutils outside image/"
        if VERSION_TEST.search(line) and room != "layout":
            yield number, "a version test outside layout/"
        match = INCLUDE.match(line)
        if not match:
            continue
        other = match.group(1)
        if "/" not in other:
            yield number, 'include "%s" without its room' % other
        elif other.split("/")[0] not in MAY[room]:
            yield number, "%s/ must not include %s" % (room, other)
        elif own and other.split("/")[0] == room and part(other, parts, all_paths) not in ("", own):
            yield number, "%s and %s must not know each other" % (path, other)


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(here)
    parts = analyses(top)
    all_paths = sorted(sources(top))
    bad = 0
    for path in all_paths:
        for line, what in check(top, path, parts, all_paths):
            print("cscan/%s:%d: %s" % (path, line, what), file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
