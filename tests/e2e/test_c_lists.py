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
    assert [(row["type"], row["objects"], row["surplus"]) for row in result.rows("refcounts")] == [
        ("__main__.Forgotten", n, n)]


def test_nothing_is_said_to_be_leaked(made, ask):
    result = ask("triage", made, "--fail-on", "uncollectable", "--format", "json")
    assert "held-from-c" not in [row["kind"] for row in result.rows("evidence")]


def test_a_path_leads_to_each(made, ask):
    for kind, count in made.truth["known"]["types"].items():
        result = ask("path", made, kind, "--format", "json")
        assert sum(row["objects"] for row in result.rows("paths")) == count, kind
        assert "unreachable" not in [note["code"] for note in result.json["notes"]]
