"""What the machine code of a tp_traverse is seen to visit, against gc.get_referents()."""

import os
import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, NamedTuple

import pytest
from support import core_memory, edges, extension

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = Path(os.environ.get("PYLEAK_BUILD") or TOP / "build")
PACKAGES = ["libdw", "libelf", "libarchive"]


class Visits(NamedTuple):
    name: str
    complete: bool
    words: str  # a letter for each word of an instance: Y, N, M


@pytest.fixture(scope="session")
def visits_list(tmp_path_factory):
    """visits_list(core) -> {address of a C type: Visits}; the program is linked to the build under
    test."""
    if not (BUILD / "lib" / "libpyleak.a").exists():
        pytest.skip("the library is not built: make")
    program = tmp_path_factory.mktemp("visits") / "visits_list"
    libraries = subprocess.check_output(["pkg-config", "--libs"] + PACKAGES, text=True).split()
    subprocess.run((BUILD / "flags").read_text().split()
                   + ["-o", str(program), str(HERE / "visits_list.c"),
                      str(BUILD / "lib" / "libpyleak.a")] + libraries, cwd=TOP, check=True)

    def run(made) -> Dict[int, Visits]:
        done = subprocess.run([str(program), str(made.path)] + made.options,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        found = {}
        for line in done.stdout.splitlines():
            address, complete, words, name = line.split(" ", 3)
            found[int(address, 16)] = Visits(name, complete == "1", words)
        return found
    return run


# ---- builtin types, which decoders know: their code is read all the same ----

class Tally:
    """How the answers for words that hold an object compare with gc.get_referents()."""

    def __init__(self):
        self.seen = Counter()  # (letter, referred to)
        self.wrong = defaultdict(Counter)  # {type: {(letter, offset): objects}}


def compare(made, found) -> Tally:
    """Words of the sampled instances, from the core itself. Left out: static types, which have no
    gc head and so no referents, whatever their metatype's tp_traverse visits."""
    tally, memory = Tally(), core_memory.CoreMemory(made.path)
    closure = dict(made.closure_records())
    for address, referents in made.referents().items():
        visits = found.get(closure.get(address))
        if visits is None or (visits.name.lower().endswith("type") and not referents):
            continue
        words = [memory.word(address + 8 * place) for place in range(len(visits.words))]
        visited = {word for word, letter in zip(words, visits.words) if letter in "YM"}
        for place, (word, letter) in enumerate(zip(words, visits.words)):
            if place < 2 or word not in closure:
                continue
            referred = word in referents
            tally.seen[letter, referred] += 1
            if (letter == "Y" and not referred) or \
                    (letter == "N" and referred and word not in visited):
                tally.wrong[visits.name][letter, 8 * place] += 1
    return tally


# A set's own small table and the entries of a dict are visited through a pointer: the same objects
# that a word of the object happens to hold, too.
THROUGH_A_POINTER = {"set", "frozenset", "dict", "defaultdict", "StgDict"}


def test_code_of_builtin_types_agrees_with_the_collector(visits_list, core):
    made = core("holding")
    if "free-threaded" in made.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    found = visits_list(made)
    tally = compare(made, found)
    wrong = {name: dict(words) for name, words in tally.wrong.items()
             if name.split(".")[-1] not in THROUGH_A_POINTER}
    assert not wrong
    assert tally.seen["Y", True] > 1000
    incomplete = sorted(visits.name for visits in found.values() if not visits.complete)
    # What looks its length up in a dict (named tuples of C), and assertions of a debug build, call
    # functions that are not followed to their end.
    assert len(incomplete) * 8 < len(found), incomplete


# ---- types of an extension, which no decoder knows ----

WAYS = [("gcc", "-O0"), ("gcc", "-O2"), ("gcc", "-O3"), ("clang", "-O0"), ("clang", "-O2")]
# Which of them, a number in the object says: any of these may be visited.
MAY = {"switching": {0, 1, 3, 4, 5}, "Mine of switching": {0, 1, 3, 4, 5}}


@pytest.fixture
def visiting(interpreter, core):
    """The core of a program that holds instances of visitext's types, compiled in all WAYS."""
    folders = [extension.built(interpreter, "visitext", way + flag, compiler=way, flags=[flag])
               for way, flag in WAYS if shutil.which(way)]
    return core("visiting", env={"PYLEAK_VISITEXT": os.pathsep.join(map(str, folders))})


def test_edges_of_unknown_types_are_traversed_as_their_code_visits(visiting, pyleak):
    found = edges.by_address(visiting)
    wrong, strong = [], Counter()
    for row in visiting.truth["known"]["held"]:
        of = found[int(row["address"], 16)]
        for place, (mark, visited) in enumerate(zip(row["held"], row["visited"])):
            to_mark = [edge for edge in of if edge.target == int(mark, 16)]
            may = place in MAY.get(row["type"], ()) or visited
            if len(to_mark) != 1 or not visited <= to_mark[0].traversed <= may:
                wrong.append((row["how"], row["type"], place, visited, to_mark))
            strong[row["type"]] += sum(edge.kind == "strong" for edge in to_mark)
    assert not wrong
    # Fields on their own are known to be visited, however the code was compiled; loops may visit.
    ways = len({row["how"] for row in visiting.truth["known"]["held"]})
    for name, fields in [("complete", 5), ("partial", 3), ("none", 0), ("switching", 2),
                         ("helping", 2), ("chaining", 5), ("blind", 0)]:
        assert strong[name] >= fields * ways, name


def test_classes_are_traversed_as_the_code_visits(visiting, pyleak):
    found = edges.by_address(visiting)
    rows = visiting.truth["known"]["held"]
    seen = {(row["how"], row["type"]): any(edge.traversed for edge in found[int(row["address"], 16)]
                                           if edge.edge == ".__class__") for row in rows}
    assert seen == {(row["how"], row["type"]): row["class"] for row in rows}
