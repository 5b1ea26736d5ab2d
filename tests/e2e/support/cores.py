"""A made core and the truth about it, as the tests see them."""

import json
import struct
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import make
import matrix

NO_GENERATION = 9
NO_SIZE = 2 ** 64 - 1


class Core:
    """One folder of cores/make.py.

    folder, path (of the core), meta (meta.json), truth (truth.json, {} if the program writes none).
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.path = folder / "core"
        self.meta = json.loads((folder / "meta.json").read_text())
        truth = folder / "truth.json"
        self.truth = json.loads(truth.read_text()) if truth.exists() else {}

    def __repr__(self) -> str:
        return "<Core %s/%s>" % (self.meta["interpreter"], self.folder.name)

    @property
    def options(self) -> List[str]:
        """What pyleak must be told to find the core's files: --exe, and --sysroot and
        --debug-dir where there are any."""
        options = ["--exe", self.meta["exe"]]
        for name in ("sysroot", "debug_dir"):
            if self.meta[name]:
                options += ["--" + name.replace("_", "-"), self.meta[name]]
        return options

    def interpreters(self) -> List[int]:
        """Numbers of the interpreters that have a truth of their own: 0 is the main one, whose
        truth is self.truth."""
        files = self.folder.glob("truth-*.json")
        return [0] + sorted(int(path.stem.split("-")[1]) for path in files)

    def rows(self, interpreter: int = 0) -> List[dict]:
        """The rows of what gc.get_objects() gave in that interpreter: see census.listed() in
        cores/programs."""
        if interpreter == 0:
            return self.truth["tracked"]
        return json.loads((self.folder / ("truth-%d.json" % interpreter)).read_text())["tracked"]

    def tracked(self) -> Dict[str, Tuple[int, int]]:
        """{type: (count, size in bytes)} of gc.get_objects() of all interpreters together; size
        -1: unknown."""
        sums: Dict[str, Tuple[int, int]] = {}
        for interpreter in self.interpreters():
            for row in self.rows(interpreter):
                count, size = sums.get(row["type"], (0, 0))
                known = row["size"] is not None and size >= 0
                sums[row["type"]] = (count + row["count"], size + row["size"] if known else -1)
        return sums

    def tracked_records(self, interpreter: int = 0) -> Iterator[Tuple[int, int, int, int]]:
        """(address, type's address, size or NO_SIZE, generation or NO_GENERATION) of every
        tracked object."""
        name = "tracked-%d.bin" % interpreter if interpreter else "tracked.bin"
        return struct.iter_unpack("<4Q", (self.folder / name).read_bytes())

    def closure_records(self) -> Iterator[Tuple[int, int]]:
        """(address, type's address) of everything reachable from the tracked objects, in address
        order."""
        return struct.iter_unpack("<2Q", (self.folder / "closure.bin").read_bytes())

    def referents(self) -> Dict[int, Tuple[int, ...]]:
        """{address: addresses that gc.get_referents gave} of a sample of the closure: see
        taker.sample() in cores/programs."""
        words = [word for word, in struct.iter_unpack(
            "<Q", (self.folder / "referents.bin").read_bytes())]
        found, at = {}, 0
        while at < len(words):
            address, count = words[at:at + 2]
            found[address] = tuple(words[at + 2:at + 2 + count])
            at += 2 + count
        return found


def version_of(interpreter_id: str) -> Tuple[int, ...]:
    """(3, 11, 2); matrix.Missing if it is not there."""
    return matrix.version_of(matrix.find(interpreter_id))


def made(interpreter_id: str, recipe_id: str, **options) -> Core:
    """The core of that recipe, from the cache or newly made; options and exceptions as of
    make.make()."""
    return Core(make.make(interpreter_id, recipe_id, **options))
