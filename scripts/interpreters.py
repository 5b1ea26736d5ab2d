#!/usr/bin/env python3
"""Provide the interpreters of cores/matrix.json.

    scripts/interpreters.py list                     every id: its executable, or why it is missing
    scripts/interpreters.py path ID                  its executable; exit 1 with the reason if it is
                                                     missing
    scripts/interpreters.py fetch [--full] [ID...]   unpack Debian packages and, with --full, build
                                                     from source

fetch provides what it can into the cache (see cores/matrix.py), says aloud what it cannot and why,
and exits 0.  Without IDs it is what a run needs: PYLEAK_MATRIX and PYLEAK_FULL count as for the
tests.  What is already there is left alone; to have a newer one, remove its folder under roots/ or
builds/ of the cache.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, List

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cores"))

import debian  # noqa: E402
import make  # noqa: E402
import matrix  # noqa: E402
import sources  # noqa: E402


def fetch(interpreter_id: str) -> None:
    """Make sure that what this interpreter needs is in the cache; matrix.Missing if it cannot be
    had."""
    row = matrix.row_of(interpreter_id)
    if "root" in row and not matrix.root_dir(row["root"]).is_dir():
        plan = matrix.table()["roots"][row["root"]]
        debian.unpack_root(plan["suite"], plan["packages"], matrix.root_dir(row["root"]))
    elif "build" in row and not matrix.build_dir(row["build"]).is_dir():
        plan = matrix.table()["builds"][row["build"]]
        sources.build(plan["package"], plan["version"], plan["configure"],
                      matrix.build_dir(row["build"]))


def fetch_all(ids: List[str]) -> None:
    """fetch() each, saying aloud what cannot be had; what two ids need is tried but once."""
    reasons: Dict[str, str] = {}
    for interpreter_id in ids:
        row = matrix.row_of(interpreter_id)
        need = row.get("root") or row.get("build") or interpreter_id
        try:
            if need not in reasons:
                fetch(interpreter_id)
                print(describe(interpreter_id), flush=True)
        except matrix.Missing as reason:
            reasons[need] = str(reason)
        if need in reasons:
            print("interpreters.py: SKIPPED %s: %s" % (interpreter_id, reasons[need]),
                  file=sys.stderr)


def fetch_libraries(ids: List[str]) -> None:
    """Make sure that those folders of `libraries` are there that one of these makes cores with, saying
    aloud what cannot be had."""
    for name, plan in matrix.table()["libraries"].items():
        if not make.library_users(name, ids):
            continue
        try:
            if not matrix.library_dir(name).is_dir():
                debian.unpack_libraries(plan["suite"], plan["packages"], matrix.library_dir(name))
            print("libraries %-12s %s" % (name, matrix.library_dir(name)), flush=True)
        except matrix.Missing as reason:
            print("interpreters.py: SKIPPED libraries %s: %s" % (name, reason), file=sys.stderr)


def describe(interpreter_id: str) -> str:
    """One line: id, then executable or reason."""
    try:
        interpreter = matrix.find(interpreter_id)
        version = "%d.%d.%d" % matrix.version_of(interpreter)
        return "%-22s %-9s %s" % (interpreter_id, version, interpreter.exe)
    except matrix.Missing as reason:
        return "%-22s missing: %s" % (interpreter_id, reason)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every id: its executable, or why it is missing")
    path = commands.add_parser("path", help="the executable of one id")
    path.add_argument("id")
    fetching = commands.add_parser("fetch", help="unpack and build what is missing")
    fetching.add_argument("--full", action="store_true",
                          help="also those of tier full: source builds, minutes each")
    fetching.add_argument("id", nargs="*", help="only these (default: all)")
    given = parser.parse_args()
    if given.command == "list":
        for interpreter_id in matrix.ids(full=True):
            print(describe(interpreter_id))
    elif given.command == "path":
        try:
            print(matrix.find(given.id).exe)
        except (matrix.Missing, KeyError) as reason:
            print("%s: %s" % (given.id, reason), file=sys.stderr)
            return 1
    else:
        ids = given.id or (matrix.ids(full=True) if given.full else matrix.chosen())
        ids = list(dict.fromkeys(map(matrix.plain, ids)))
        unknown = set(ids) - set(matrix.ids(full=True))
        if unknown:
            parser.error("not in cores/matrix.json: %s" % ", ".join(sorted(unknown)))
        fetch_all(ids)
        if not given.id:
            fetch_libraries(ids)
    return 0


if __name__ == "__main__":
    sys.exit(main())
