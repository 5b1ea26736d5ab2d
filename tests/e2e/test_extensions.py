"""Edges of the C types of extension modules bear the names that a programmer would write."""

import pytest

from support import edges


@pytest.mark.parametrize("recipe, at_least", [("extensions", 8), ("corners", 2)])
def test_edges_of_extension_types_have_names(core, ask, recipe, at_least):
    made = core(recipe)
    found = edges.by_address(made)
    wanted = made.truth["known"]["edges"]
    assert len(wanted) >= at_least
    lacking = []
    for row in wanted:
        # What the type's own code visits it owns: since 3.15 _lsprof's tp_traverse visits its timer.
        visited = row["name"] == "unknown to every decoder"
        seen = [(edge.edge, "native" if visited and edge.traversed else edge.kind, edge.target)
                for edge in found[int(row["address"], 16)]]
        lacking += [(row["name"], edge, kind, target, seen)
                    for edge, kind, target in row["edges"]
                    if (edge, kind, int(target, 16)) not in seen]
    assert not lacking
