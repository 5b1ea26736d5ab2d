"""References of functions, code, frames, generators, tracebacks and exceptions: against
gc.get_referents(), what the program knows it built, and ob_refcnt. See cores/programs/callables.py."""

from collections import Counter

import pytest
from support import edges


@pytest.fixture(scope="session")
def made(core):
    one = core("callables")
    if "free-threaded" in one.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    return one


def test_traversed_edges_are_what_gc_get_referents_gave(made):
    """Of each object that the program holds, as a multiset of addresses."""
    found, referents = edges.by_address(made), made.referents()
    wrong = []
    for row in made.truth["known"]["edges"]:
        address = int(row["address"], 16)
        seen = Counter(edge.target for edge in found[address] if edge.traversed)
        if seen != Counter(referents[address]):
            truth = Counter(referents[address])
            wrong.append((row["name"], truth - seen, seen - truth))
    assert not wrong


def test_edges_have_the_names_that_a_programmer_would_write(made):
    found = edges.by_address(made)
    lacking = []
    for row in made.truth["known"]["edges"]:
        seen = [(edge.edge, edge.kind, edge.target) for edge in found[int(row["address"], 16)]]
        lacking += [(row["name"], edge, kind, target, seen)
                    for edge, kind, target in row["edges"]
                    if (edge, kind, int(target, 16)) not in seen]
    assert not lacking


def test_every_reference_is_found_once(made, ask):
    """None of what the program holds has more references than it counts, or fewer than all."""
    rows = ask("refcounts", made, "--objects", "--format", "json").rows("objects")
    surplus = {row["address"]: row["surplus"] for row in rows}
    held = {row["address"]: row["name"] for row in made.truth["known"]["edges"]}
    assert {held[address]: surplus[address] for address in surplus if address in held} == {}
