"""300,000 objects that nothing but one malloc'd array of C code holds: no leak, every reference is
accounted for, and a path begins at the array; the same for any number of threads."""

import pytest
from support.cores import version_of
from support.pyleak import run

N = 300000
CLASS = "__main__.Arrayed"
ARRAY = "<malloc block *+8*n>"
# Here one object is named by one word more than the array's, as the cores show: on 2.7 and 3.9 a word
# of another malloc'd block (+0x18, +0x4d0), which `path` may begin at; on 3.6 and 3.7 the item of a
# one-item tuple in the table, which takes up the one reference that the object counts. Why these are
# still there was not found out. Every other version is exact.
ONE_MORE = {(2, 7), (3, 6), (3, 7), (3, 9)}


@pytest.fixture(scope="session")
def made(core):
    return core("scale", args=["--array", str(N)])


@pytest.fixture(scope="session")
def least(interpreter):
    """How many of the objects the array alone names, at least."""
    return N - (version_of(interpreter)[:2] in ONE_MORE)


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


def test_words_of_all_objects_are_told(made, least, asked):
    array = int(made.truth["known"]["array"], 16)
    result = asked("refcounts", "--match", CLASS, "--objects", "--limit", "0")
    words = {row["target"]: row["at"] for row in result.rows("words")
             if row["place"].startswith("<malloc block ")}
    assert least <= len(words) <= N
    for index, address in made.truth["known"]["arrayed"]:
        assert int(words[address], 16) == array + 8 * index
    few = asked("refcounts", "--match", CLASS, "--objects", "--limit", "10")
    assert len(few.rows("words")) == 10
    assert few.rows("words") == result.rows("words")[:10]


def test_path_of_the_type_is_the_array(least, asked):
    result = asked("path", CLASS)
    rows = result.rows("paths")
    assert (rows[0]["path"], rows[0]["root"]) == (ARRAY, "native")
    assert least <= rows[0]["objects"] <= N
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
