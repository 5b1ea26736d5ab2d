"""Check the rooms of cscan/ by what the built objects ask of each other.

usage: check_symbols.py FOLDER OBJECT...

FOLDER is the one that the objects of cscan/ are below: build/obj/cscan. An undefined symbol is an
arrow to the file that defines it, but for the public API's (pyleak_), whose room is include/. So
calls are seen that no #include shows, as two files may share a header. Prints what is wrong, and exits 1 when something is.
"""

import os
import subprocess
import sys
from typing import Dict, Iterator, List

import rooms


def arrows(folder: str, objects: List[str]) -> Dict[str, Dict[str, str]]:
    """file -> file that it needs -> one of the symbols; files as paths from cscan/, without suffix."""
    listing = subprocess.run(["nm", "--print-file-name", *objects], check=True,
                             stdout=subprocess.PIPE, universal_newlines=True).stdout
    defined: Dict[str, str] = {}
    asked = []
    for line in listing.splitlines():
        name, rest = line.split(":", 1)
        words = rest.split()
        path = os.path.splitext(os.path.relpath(name, folder))[0]
        if words[0] == "U":
            asked.append((path, words[1]))
        elif len(words) == 3 and words[1] in "TDBRVWC":
            defined[words[2]] = path
    found: Dict[str, Dict[str, str]] = {}
    for path, symbol in asked:
        if symbol.startswith("pyleak_"):
            continue
        if symbol in defined and defined[symbol] != path:
            found.setdefault(path, {})[defined[symbol]] = symbol
    return found


def faults(found: Dict[str, Dict[str, str]]) -> Iterator[str]:
    """What is wrong with these arrows, a sentence each."""
    with_code = frozenset(f + ".c" for f in found) | frozenset(
        f + ".c" for targets in found.values() for f in targets)
    for source in sorted(found):
        for target, symbol in sorted(found[source].items()):
            if not rooms.allowed(source, target):
                yield "%s must not call %s (%s)" % (source, target, symbol)
            elif rooms.apart(source + ".c", target + ".c", with_code):
                yield "%s and %s must not know each other (%s)" % (source, target, symbol)
    for circle in rooms.circles(found):
        if not rooms.known_circle(circle):
            yield "a circle: %s" % " ".join(circle)


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    bad = list(faults(arrows(sys.argv[1], sys.argv[2:])))
    for fault in bad:
        print("cscan: %s" % fault, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
