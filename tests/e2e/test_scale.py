"""Heaps with very much of one thing (cores/programs/scale.py): the answers are exact, and cost what
reading the heap costs a few times, not the square of anything."""

import os
import subprocess

import pytest
from support import deaths, extension, sample
from support.pyleak import PYLEAK

MANY = 100000
# An analysis of the whole heap takes up to 7 times the processor time of `types`, up to 3 where that
# reads debug symbols. What looks through a part of the heap for each object took 400 times, at half
# as many objects: between the two there is room for slow machines, sanitizers and what is to come.
MOST_OF_TYPES = 20
TRIES = 2


@pytest.fixture(scope="session")
def many(interpreter, core):
    """A core with so many objects of an extension type, and a list of so many others."""
    if not sample.thorough(interpreter):
        pytest.skip("%s: made with PYLEAK_FULL=1, else by few" % interpreter)
    folder = extension.built(interpreter, "scaleext", flags=["-O2"])
    return core("scale", args=["--buffered", str(MANY), "--long", str(MANY)],
                env={"PYTHONPATH": str(folder)})


def processor_seconds(made, analysis, *words):
    """What an analysis takes by itself, of all its threads; the least of some tries, for what else
    runs on the machine only ever adds to it."""
    taken = []
    for _ in range(TRIES):
        process = subprocess.Popen([str(PYLEAK), analysis, "--quiet", *words, *made.options,
                                    str(made.path)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.WEXITSTATUS(status)
        assert process.returncode == 0, (analysis, status)
        taken.append(usage.ru_utime + usage.ru_stime)
    return min(taken)


@pytest.fixture(scope="session")
def listing(many):
    """What `types` takes."""
    return processor_seconds(many, "types")


def test_types_counts_each(many, ask):
    found = {row["type"]: row["count"]
             for row in ask("types", many, "--limit", "0", "--format", "json").rows("types")}
    known = many.truth["known"]["types"]
    assert {name: found.get(name) for name in known} == known


@pytest.mark.parametrize("name, chain, label", [
    ("scaleext.Buffered", "__main__.BUFFERED[*]", ""),
    ("__main__.Owned", "__main__.BUFFERED[*]", "<native +0x18>"),
    ("__main__.Item", "__main__.LONG[*]", ""),
])
def test_path_of_a_type_is_one_shape_for_all(many, ask, version, name, chain, label):
    rows = ask("path", many, name, "--format", "json").rows("paths")
    left = [row for row in rows if not row["path"].startswith("<frame ")]
    # What an evaluation stack of 2.7 held before, some words behind its top, which no frame keeps.
    assert left == rows or version < (3, 0)
    assert sum(row["objects"] for row in rows) == MANY
    assert [row["path"] for row in left] == [chain + label]
    assert left[0]["objects"] >= MANY - (8 if version < (3, 0) else 0)


def test_path_of_one_leads_through_its_own_holder(many, ask):
    known = many.truth["known"]
    for buffered, owned in known["buffered"]:
        steps = ask("path", many, owned, "--format", "json").rows("steps")
        assert [step["address"] for step in steps[-2:]] == [buffered, owned]
    for index, address in known["long"]:
        rows = ask("path", many, address, "--format", "json").rows("paths")
        assert [row["path"] for row in rows] == ["__main__.LONG[%d]" % index]


def test_no_reference_is_missing(many, ask):
    """Every count is explained by a word of a buffer or an item of a list."""
    names = set(many.truth["known"]["types"])
    rows = ask("refcounts", many, "--objects", "--limit", "0", "--format", "json").rows("objects")
    assert [row for row in rows if row["type"] in names] == []
    verdicts = deaths.words(deaths.triage(many))
    assert [word for word in verdicts if word.startswith("leak-")] == []


@pytest.mark.parametrize("analysis, words", [
    ("path", ["__main__.Owned"]), ("path", ["__main__.Item"]), ("referrers", ["__main__.Owned"]),
    ("refcounts", []), ("cycles", []), ("triage", []),
])
def test_costs_a_few_times_what_reading_the_heap_does(many, listing, analysis, words):
    assert processor_seconds(many, analysis, *words) < MOST_OF_TYPES * listing
