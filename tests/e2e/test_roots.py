"""Objects that the runtime alone holds: `roots` lists them, `path` begins there, and what the runtime
only borrows keeps nothing alive."""

import pytest

from support import paths

HANDLERS = "<signal handlers>"
PENDING = "<pending calls>"
GARBAGE = "<gc.garbage>"


@pytest.fixture(params=[False, True], ids=["", "stripped"])
def made(request, core):
    return core("runtime", stripped=request.param)


def is_stripped(made):
    return made.meta["interpreter"].endswith("+stripped")


def hidden(made, version):
    """Whose place only a symbol tells, and there is none: static variables of C files."""
    if not is_stripped(made):
        return ()
    return ((HANDLERS,) if version < (3, 12) else ()) + \
        ((PENDING, GARBAGE) if version < (3, 7) else ())


def roots(made, ask):
    """{address: [row]} of `roots`."""
    found = {}
    for row in ask("roots", made, "--format", "json").rows("roots"):
        found.setdefault(row["address"], []).append(row)
    return found


def in_cache(made, ask, holds, addresses):
    found = roots(made, ask)
    return [address for address in addresses
            if any(row["kind"] == "cache" and row["holds"] == holds
                   for row in found.get(address, []))]


def test_chains_begin_at_what_the_runtime_holds(made, ask, version):
    unknown = hidden(made, version)
    wrong = paths.wrong(ask, made)
    for name in list(wrong):
        if not name.startswith(unknown or "no such name"):
            continue
        # The word that holds it is found all the same, and a list of the collector in module gc.
        expected, found = wrong.pop(name)
        if name.startswith(GARBAGE):
            assert found == expected.replace(GARBAGE, "gc.garbage")
        else:
            assert found.startswith("<native ")
    assert wrong == {}


def test_pending_calls_own_what_nobody_knows(made, ask, version):
    if PENDING in hidden(made, version):
        pytest.skip("static variables without symbols")
    known = made.truth["known"]["paths"]
    rows = ask("roots", made, "--kind", "pending call", "--format", "json").rows("roots")
    # What is no object, as the 8 between the two, is no argument that could be told of.
    assert [(row["name"], row["address"], row["holds"]) for row in rows] == \
        [(name, known[name]["address"], None) for name in sorted(known) if name.startswith(PENDING)]


def test_the_type_cache_owns_names_and_borrows_values(made, ask, version):
    known = made.truth["known"]
    names = in_cache(made, ask, "strong", known["cached"].values())
    values = in_cache(made, ask, "borrowed", known["values"].values())
    if is_stripped(made) and version < (3, 10):
        assert not names and not values
        return
    # An entry is lost to any later lookup of another name that falls on it: one in 4096 for each.
    assert len(names) > len(known["cached"]) / 2
    assert len(values) > len(known["values"]) / 2


def test_no_chain_begins_at_what_is_borrowed(made, ask):
    """Neither a list of asyncio's tasks nor a set of weak references holds a task. A word left over
    in freed memory may still point there: that root is called native, and nothing else is left."""
    for name, address in made.truth["known"]["borrowed"].items():
        rows = ask("path", made, "--format", "json", address).rows("paths")
        assert [row["path"] for row in rows if row["root"] != "native"] == [], name


def test_tasks_of_each_thread_are_those_it_made(made, ask, version):
    rows = ask("roots", made, "--kind", "task", "--format", "json").rows("roots")
    found = {}
    for row in rows:
        if ".asyncio_tasks[" in row["name"]:
            assert row["holds"] == "borrowed"
            holder = row["name"].split(">")[0].split()[-1].lstrip("<")
            found.setdefault(holder, []).append(row["address"])
    # The list runs through the tasks from 3.14 on; before, a set of weak references has them.
    assert found == (made.truth["known"]["tasks"] if version >= (3, 14) else {})


def test_threads_hold_what_thread_locals_need(made, ask, version):
    """The dying thread has set an attribute of a threading.local."""
    rows = ask("roots", made, "--kind", "thread", "--format", "json").rows("roots")
    kept = {row["name"].split(".")[-1]: row for row in rows
            if row["name"].startswith("<thread %d>." % made.truth["known"]["thread"])}
    assert ("local_sentinel" in kept) == ("local_key" in kept) == (version >= (3, 13))
    assert all(row["holds"] == "strong" for row in kept.values())


def test_nothing_is_counted_too_often(made, ask, version):
    """Who borrows was not taken for an owner."""
    rows = ask("refcounts", made, "--objects", "--format", "json").rows("objects")
    over = [row["type"] for row in rows if row["surplus"] < 0]
    # Up to 3.8 a property keeps the arguments of its last call without owning them: see
    # is_left_by_property() in test_referents.py.
    assert over in ([], ["threading._MainThread"]) if version < (3, 9) else over == []
