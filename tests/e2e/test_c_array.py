"""300,000 objects that nothing but one malloc'd array of C code holds: no leak, every reference is
accounted for, and a path begins at the array; the same for any number of threads."""

import pytest
from support.pyleak import run

N = 300000
CLASS = "__main__.Arrayed"
ARRAY = "<malloc block *+8*n>"
# One object was the last that the program handled: its address may be left over where an int or a
# frame's stack was (2.7: in a block of ints; 3.6: a stack slot of a frame; 3.9: a block that was used
# again), so that one more word names it, or one reference more is found than it counts.
LAST = 1


@pytest.fixture(scope="session")
def made(core):
    return core("scale", args=["--array", str(N)])


@pytest.fixture(scope="session", params=[1, 2, 4])
def asked(made, request):
    """asked(analysis, *options, status=0): with so many threads."""
    def of(analysis, *options, status=0):
        return run(analysis, made, *options, "--threads", str(request.param), "--format", "json",
                   status=status)
    return of


def codes(result):
    return [note["code"] for note in result.json["notes"]]


def test_no_verdict_says_leak(asked):
    result = asked("triage", "--fail-on", "uncollectable")
    verdicts = [row["verdict"] for row in result.rows("verdict")]
    assert [verdict for verdict in verdicts if verdict.startswith("leak-held")] == []
    assert "held-from-c" not in [row["kind"] for row in result.rows("evidence")]
    assert "stopped-looking" not in codes(result)


def test_every_reference_is_found(asked):
    result = asked("refcounts", "--match", CLASS)
    assert result.rows("refcounts") == []
    assert [row["type"] for row in result.rows("words")] == [CLASS]
    assert "stopped-looking" not in codes(result)
    assert asked("refcounts", "--match", CLASS, "--objects").rows("objects") == []


def test_words_of_all_objects_are_told(made, asked):
    array = int(made.truth["known"]["array"], 16)
    result = asked("refcounts", "--match", CLASS, "--objects", "--limit", "0")
    words = {row["target"]: row["at"] for row in result.rows("words")
             if row["place"].startswith("<malloc block ")}
    assert N - LAST <= len(words) <= N
    for index, address in made.truth["known"]["arrayed"]:
        assert int(words[address], 16) == array + 8 * index
    few = asked("refcounts", "--match", CLASS, "--objects", "--limit", "10")
    assert len(few.rows("words")) == 10
    assert few.rows("words") == result.rows("words")[:10]


def test_path_of_the_type_is_the_array(asked):
    result = asked("path", CLASS)
    rows = result.rows("paths")
    assert (rows[0]["path"], rows[0]["root"]) == (ARRAY, "native")
    assert N - LAST <= rows[0]["objects"] <= N
    assert sum(row["objects"] for row in rows) == N
    assert "unreachable" not in codes(result)


def test_path_of_an_object_names_its_slot(made, asked):
    array = int(made.truth["known"]["array"], 16)
    for index, address in made.truth["known"]["arrayed"][::20]:
        path = asked("path", address).rows("paths")[0]["path"]
        assert path == "<malloc block 0x%x+0x%x>" % (array, 8 * index)


def test_referrers_of_the_type_are_the_array(made, asked):
    """Stale words of other blocks, where list and array grew, are referrers too."""
    array = int(made.truth["known"]["array"], 16)
    rows = asked("referrers", CLASS, "--native", "--each", "--limit", "0").rows("referrers")
    held = [int(row["address"], 16) for row in rows if row["edge"].startswith("<malloc block ")]
    assert len([at for at in held if array <= at < array + 8 * N]) == N
    words = {row["edge"]: row["edges"] for row in asked("referrers", CLASS, "--native").rows(
        "referrers") if row["type"] == "<native>"}
    assert words["<malloc block>"] == len(held)
