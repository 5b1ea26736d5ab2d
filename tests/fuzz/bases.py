"""The cores that are damaged: of recipe tiny, from interpreters that differ most from each other.

usage: bases.py [--more]

Prints PYLEAK_FUZZ_BASES as tests/fuzz/base.h reads it; --more adds greater cores that hold objects of
every type there is a decoder for. What is not on this machine is left out, and
said so on stderr. A corpus names its base by number, so the order is part of it: add at the end.
"""

import json
import sys
from pathlib import Path
from typing import Sequence

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cores"))

import make  # noqa: E402
import matrix  # noqa: E402

# Stripped, for then the layout comes from tables and proofs, and no DWARF is read a thousand times.
# Where there is no pyenv, Debian's own of the same minor or the nearest one serves.
BASES = (("pyenv-3.11.7", "system"), ("pyenv-2.7.18", "bullseye-2.7"), ("pyenv-3.13.0", "sid-3.13"),
         ("sid-3.15", "sid-3.14"), ("pyenv-3.6.15", "bullseye-3.9"))


# With --more, of the first three.
MORE = ("values", "extensions", "callables", "stacks")


def base(choice: Sequence[str], recipe: str = "tiny") -> str:
    """The entry for the first interpreter of a choice that is there, and that PYLEAK_MATRIX does not
    leave out: its core, its file and the root it lives in. matrix.Missing if none is."""
    reasons = []
    for interpreter in choice:
        try:
            if not matrix.is_chosen(interpreter):
                raise matrix.Missing("not of PYLEAK_MATRIX")
            folder = make.make(interpreter + matrix.STRIPPED, recipe)
        except matrix.Missing as reason:
            reasons.append("%s: %s" % (interpreter, reason))
            continue
        meta = json.loads((folder / "meta.json").read_text())
        return "%s:%s:%s" % (folder / "core", meta["exe"], meta["sysroot"] or "")
    raise matrix.Missing("; ".join(reasons))


def main() -> int:
    found = []
    wanted = [(choice, "tiny") for choice in BASES]
    if sys.argv[1:] == ["--more"]:
        wanted += [(choice, recipe) for choice in BASES[:3] for recipe in MORE]
    for choice, recipe in wanted:
        try:
            found.append(base(choice, recipe))
        except matrix.Missing as reason:
            print("bases.py: left out: %s" % reason, file=sys.stderr)
    print(";".join(found))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
