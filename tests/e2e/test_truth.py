"""Is the truth true?  What a program wrote about itself against its own core, read by means that
are not pyleak's.

These tests say nothing about pyleak; everything that does stands on them.
"""

import collections
import os
import re

import pytest

import make
from support.core_memory import CoreMemory
from support.cores import NO_GENERATION
from support.gdb_walk import walk

FEW = ["mixed", "subinterp", "collecting-finalizer"]
# The deaths write no truth but what was planted.
MOST = [recipe for recipe in make.recipes()
        if recipe not in ("big", "big-truth", "planted") and not recipe.startswith("death-")]


@pytest.mark.parametrize("recipe", MOST if os.environ.get("PYLEAK_FULL") == "1" else FEW)
def test_tracked_is_what_gdb_finds_on_the_lists(core, recipe):
    """Every object, its generation, and the collector's counts, in every interpreter of the
    process."""
    made = core(recipe)
    found = walk(made)
    if found is None:
        pytest.skip("gdb finds no debug symbols")
    assert sorted(one["interpreter"] for one in found) == made.interpreters()
    for one in found:
        truth = {record[0]: record[3] for record in made.tracked_records(one["interpreter"])}
        lists = {}
        for number, members in enumerate(one["tracked"]):
            lists.update(dict.fromkeys(members, number))
        assert set(lists) == set(truth)
        assert all(generation in (lists[address], NO_GENERATION)
                   for address, generation in truth.items())
        if one["interpreter"] == 0:
            assert one["count"] == made.truth["gc"]["count"]
            assert one["enabled"] in (None, made.truth["gc"]["enabled"])


@pytest.mark.parametrize("recipe", ["mixed", "collecting-finalizer"])
def test_objects_in_the_core_are_of_the_type_that_truth_says(core, recipe):
    made = core(recipe)
    memory = CoreMemory(made.path)
    offset = type_offset(made)
    seen = 0
    for address, type_address in made.closure_records():
        word = memory.word(address + offset)
        if word is not None:
            seen += 1
            assert word == type_address, hex(address)
    assert seen > 0.9 * made.truth["closure"]["count"]


def test_reference_counts_in_the_core_are_those_that_truth_says(core):
    made = core("mixed")
    if "free-threaded" in made.truth["python"]["flavour"]:
        pytest.skip("free-threaded objects have no one reference count")
    memory = CoreMemory(made.path)
    for row in made.truth["marked"]:
        word = memory.word(int(row["address"], 16) + type_offset(made) - 8)
        assert word in (None, int(row["refcount_word"], 16)), row


def test_closure_holds_what_the_program_knows_it_made(core):
    """known["types"] are exact for the whole process, so reachability finds just as many."""
    made = core("mixed")
    count = {row["type"]: row["count"] for row in made.truth["closure"]["rows"]}
    for name, expected in made.truth["known"]["types"].items():
        assert count[name] == expected, name


def test_trace_refs_has_at_least_the_closure(core):
    """Where the build can list all objects, none that was reached is missing (static ones are
    not on its list)."""
    made = core("mixed")
    if not made.truth["trace_refs"]:
        pytest.skip("not a trace-refs build")
    every = collections.Counter()
    for row in made.truth["trace_refs"]:
        every[row["type"]] += row["count"]
    for name, expected in made.truth["known"]["types"].items():
        assert every[name] == expected, name
    for name, count in counts(made).items():
        assert every[name] >= count, name


def test_two_cores_of_one_recipe_have_the_same_counts(core):
    """The second is of the same program in another process: its id is one more option, so the
    cache makes it anew."""
    one, two = core("mixed"), core("mixed", env={"PYLEAK_AGAIN": "1"})
    assert one.path != two.path
    assert counts(one) == counts(two)


def test_stripping_changes_no_count(core):
    one, two = core("mixed"), core("mixed", stripped=True)
    ours = re.compile(r"^__main__\.")
    assert {name: count for name, count in counts(one).items() if ours.match(name)} == \
        {name: count for name, count in counts(two).items() if ours.match(name)}


def counts(made):
    return {name: count for name, (count, _) in made.tracked().items()}


def type_offset(made):
    """Bytes from an object's address to its type: 8; two words more in trace-refs builds up to
    3.12, and in free-threaded ones."""
    python = made.truth["python"]
    traced = "trace-refs" in python["flavour"] and python["hexversion"] < 0x030d0000
    return 24 if traced or "free-threaded" in python["flavour"] else 8
