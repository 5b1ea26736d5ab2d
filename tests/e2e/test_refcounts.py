"""`refcounts` of a process whose C code forgot a known number of references: what it says against what
cores/programs/leakrefs.py knows."""

import pytest
from support import extension

# What CPython itself never gives back, or this version's heap shows so; type, repr and the version
# that no longer does. Each such object has a surplus of 1, those of 2.7 excepted.
START_UP = "start-up makes it and keeps its own reference, which Python/pylifecycle.c never drops"
EXPLAINED = [
    ("builtins.module", "<module 'sys'>", (3, 9), START_UP),
    ("builtins.module", "<module '_warnings'>", (3, 9), START_UP),
    ("builtins.module", "<module 'builtins'>", (3, 7), START_UP),
    ("builtins.str", "'__main__'", (3, 9), START_UP),
    ("builtins.str", "'__init__'", (3, 7),
     "one of some 420 references to it is not found: whose it is is not known"),
    ("__builtin__.str", "'<dummy key>'", (3, 0),
     "each deleted entry of a dict or set counts one, and is no entry"),
    ("imp.NullImporter", "<imp.NullImporter", (3, 0),
     "no object: the buffer of a unicode of one character, whose second word is what a NullImporter "
     "left there"),
]


@pytest.fixture(scope="session")
def made(interpreter, core):
    """A core of leakrefs, by the extension module if there are headers, else by ctypes."""
    try:
        folder = extension.built(interpreter, "leakrefsext", flags=["-O2"])
    except pytest.skip.Exception:
        made = core("leakrefs")
    else:
        made = core("leakrefs", env={"PYTHONPATH": str(folder)})
        assert made.truth["known"]["extension"]
    return made


@pytest.fixture(scope="session")
def report(made, ask):
    return ask("refcounts", made, "--format", "json")


@pytest.fixture(scope="session")
def each(made, ask):
    return ask("refcounts", made, "--objects", "--format", "json")


def test_forgotten_references_are_found_exactly(made, report, each):
    known = made.truth["known"]
    assert {row["type"]: [row["objects"], row["surplus"]] for row in report.rows("refcounts")
            if row["type"].startswith("__main__.")} == known["types"]
    assert {row["address"]: row["surplus"] for row in each.rows("objects")
            if row["type"].startswith("__main__.")} == known["forgotten"]


def test_no_other_type_has_a_surplus_that_is_not_explained(made, version, each, ask):
    lacking = []
    for row in each.rows("objects"):
        if row["surplus"] <= 0 or row["type"].startswith("__main__."):
            continue
        text = ask("object", made, row["address"], "--format", "json").rows("object")[0]["repr"]
        if not any(row["type"] == kind and text.startswith(start) and version < until and
                   (row["surplus"] == 1 or version < (3, 0))
                   for kind, start, until, _ in EXPLAINED):
            lacking.append((row, text))
    assert not lacking


def test_verdicts_tell_what_else_holds_the_object(report):
    assert {row["type"]: row["verdict"] for row in report.rows("refcounts")
            if row["type"].startswith("__main__.")} == {
                "__main__.Unheld": "nothing holds it", "__main__.Littered": "nothing holds it",
                "__main__.Listed": "also held", "__main__.KeptTwice": "also in C memory"}


def test_words_say_where_c_code_keeps_a_reference(made, each):
    kept = made.truth["known"]["kept"]
    words = [row for row in each.rows("words") if row["type"].startswith("__main__.")]
    assert {row["target"]: row["at"] for row in words} == kept
    assert len(words) == len(kept)
    for row in words:
        start, offset = row["place"][len("<malloc block "):-1].split("+")
        assert row["place"].startswith("<malloc block ")
        assert int(start, 16) + int(offset, 16) == int(row["at"], 16)


def test_an_example_of_each_type_is_enough_without_objects(report):
    examples = [row["target"] for row in report.rows("words") if row["type"] == "__main__.Kept"]
    assert len(examples) == 1


def test_path_finds_the_struct(made, ask):
    kept = made.truth["known"]["kept"]
    rows = ask("instances", made, "__main__.Kept", "--format", "json").rows("instances")
    assert len(rows) == 5
    for row in rows:
        path = ask("path", made, row["address"], "--format", "json").rows("paths")[0]["path"]
        start, offset = path[len("<malloc block "):-1].split("+")
        assert int(start, 16) + int(offset, 16) == int(kept[row["address"]], 16)


def test_path_of_a_type_begins_in_c_memory_where_no_root_holds_it(made, ask):
    result = ask("path", made, "__main__.Kept", "--format", "json")
    assert [(row["path"], row["root"], row["objects"], row["share"])
            for row in result.rows("paths")] == [("<malloc block *+0x10>", "native", 5, 1.0)]
    assert [row["code"] for row in result.json["notes"] if row["code"] == "native"] == ["native"]


def test_path_of_a_type_says_when_nothing_holds_it(made, ask):
    result = ask("path", made, "__main__.Unheld", "--format", "json")
    assert not result.rows("paths")
    assert [row["text"] for row in result.json["notes"] if row["code"] == "unreachable"] == [
        "7 of 7 objects are reached neither from a root nor from C memory: garbage, or a reference "
        "was never given back"]
