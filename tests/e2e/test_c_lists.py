"""What a C type keeps beyond the words that are read as its references is held, and no leak."""

import pytest
from support import extension


@pytest.fixture(scope="session")
def made(interpreter, core):
    folder = extension.built(interpreter, "listext", flags=["-O2"])
    return core("longc", env={"PYTHONPATH": str(folder)})


def test_all_objects_are_there(made, ask):
    counts = {row["type"]: row["count"] for row in ask(
        "types", made, "--match", "__main__.*", "--format", "json").rows("types")}
    for kind, count in made.truth["known"]["types"].items():
        assert counts[kind] == count


def test_no_reference_is_missing_but_the_forgotten(made, ask):
    result = ask("refcounts", made, "--match", "__main__.*", "--format", "json")
    n = made.truth["known"]["forgotten"]
    often = [(kind, 1, 1) for kind in made.truth["known"]["often"]]
    assert sorted((row["type"], row["objects"], row["surplus"])
                  for row in result.rows("refcounts")) == sorted(
                      [("__main__.Forgotten", n, n)] + often)


def test_nothing_is_said_to_be_leaked(made, ask):
    result = ask("triage", made, "--fail-on", "uncollectable", "--format", "json")
    assert "held-from-c" not in [row["kind"] for row in result.rows("evidence")]


def test_a_path_leads_to_each(made, ask):
    for kind, count in made.truth["known"]["types"].items():
        result = ask("path", made, kind, "--format", "json")
        assert sum(row["objects"] for row in result.rows("paths")) == count, kind
        assert "unreachable" not in [note["code"] for note in result.json["notes"]]


def test_words_beyond_what_is_shown_are_said(made, ask):
    for kind, count in made.truth["known"]["often"].items():
        result = ask("refcounts", made, "--match", kind, "--objects", "--limit", "0", "--format",
                     "json")
        said = [note["text"] for note in result.json["notes"] if note["code"] == "words-left-out"]
        assert len(result.rows("words")) == min(count, 16)
        assert said == ([] if count == 16 else
                        ["1 more words hold these objects: of each object 16 are shown"])


def test_many_words_of_a_block_are_an_array(made, ask):
    for kind, count in made.truth["known"]["few"].items():
        rows = ask("path", made, kind, "--limit", "0", "--format", "json").rows("paths")
        if count < 16:
            assert {row["path"] for row in rows} == {
                "<malloc block *+0x%x>" % (8 * index) for index in range(count)}
        else:
            assert [(row["path"], row["objects"]) for row in rows] == [
                ("<malloc block *+8*n>", count)]
