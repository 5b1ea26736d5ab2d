"""The size of an object is what sys.getsizeof() said of it, for every type, on every interpreter."""

from collections import Counter

import pytest
from support import objects


def overridden(truth):
    """Types whose __sizeof__ is Python code, which cannot be run in a dead process."""
    rows = truth["closure"]["rows"] + truth["tracked"]
    return {row["type"] for row in rows if row["overrides_sizeof"]}


def test_one_of_every_type(core, pyleak):
    made = core("values")
    found = objects.by_address(made)
    truth = {row["name"]: row["size"] for row in made.truth["marked"]}
    assert {row["name"]: found[int(row["address"], 16)]["size"]
            for row in made.truth["marked"] if int(row["address"], 16) in found} == truth


def test_types_say_the_same_sums(core, pyleak):
    """`types` and `instances` count the same bytes."""
    made = core("values")
    sums = Counter()
    for row in objects.by_address(made).values():
        sums[row["type"]] += row["size"]
    total = Counter()
    for row in pyleak("types", made, "--format", "json").rows("types"):
        total[row["type"]] += row["size"]
    assert total == sums


@pytest.mark.parametrize("recipe", ["minimal", "mixed"])
def test_nothing_reachable_is_missing(core, pyleak, recipe):
    """What the tracked objects lead to is listed, address by address."""
    made = core(recipe)
    found = objects.by_address(made)
    assert [hex(address) for address, _ in made.closure_records() if address not in found] == []


@pytest.mark.parametrize("recipe", ["minimal", "mixed"])
def test_sizes_of_everything_reachable(core, pyleak, version, recipe):
    """Sums by type, strings and numbers too."""
    made = core(recipe)
    found = objects.by_address(made)
    ignored = overridden(made.truth)
    if (3, 8) <= version < (3, 11):
        # Code gets its opcode caches by being run, and it is the truth-taking child that runs it.
        ignored.add("builtins.code")
    names = {int(row["type_address"], 16): row["type"] for row in made.truth["closure"]["rows"]}
    sums = Counter()
    for address, cls in made.closure_records():
        if address in found:
            sums[found[address]["type"]] += found[address]["size"]
        else:  # the test above says which
            ignored.add(names[cls])
    truth = Counter()
    for row in made.truth["closure"]["rows"]:
        truth[row["type"]] += row["size"]
    for name in ignored:
        truth.pop(name, None)
        sums.pop(name, None)
    assert sums == truth
