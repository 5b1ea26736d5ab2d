"""`threads` against what the process said of its own stacks: see cores/programs/stacks.py."""

import json
from functools import lru_cache
from pathlib import Path

import pytest

from support import pyleak as binary

PROGRAMS = Path(__file__).resolve().parents[2] / "cores" / "programs"


@pytest.fixture(scope="session")
def stacks(core):
    made = core("stacks")
    if "free-threaded" in made.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    return made


@lru_cache(maxsize=2)
def truth_of(folder):
    return json.loads((folder / "stacks.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=2)
def tables_of(core):
    return binary.run("threads", core, "--locals", "--format", "json").json["tables"]


def rows(core, table):
    return tables_of(core).get(table, {"rows": []})["rows"]


def by_thread(core, table):
    found = {}
    for row in rows(core, table):
        found.setdefault(row["thread"], []).append(row)
    return found


def line_of_death():
    """Where truth.die() stands when the process dies: its last line."""
    lines = (PROGRAMS / "truth.py").read_text().split("\n")
    return max(number for number, line in enumerate(lines, 1) if line.strip() == "death()")


def test_every_thread_is_there(stacks):
    truth = {thread["lwp"]: len(thread["frames"]) for thread in truth_of(stacks.folder)["threads"]}
    found = {row["thread"]: row["frames"] for row in rows(stacks, "threads")}
    assert found == truth


def test_who_died_and_who_holds_the_gil(stacks):
    main = next(thread["lwp"] for thread in truth_of(stacks.folder)["threads"] if thread["name"] == "main")
    states = {row["thread"]: row["state"] for row in rows(stacks, "threads") if row["state"]}
    death = "died of SIGABRT, " if stacks.meta["signal"] else ""
    assert states == {main: death + "holds the GIL"}
    assert rows(stacks, "state") == [{"key": "gil", "value": main}, {"key": "collecting", "value": False}]


def test_frames(stacks):
    """Function, file and line of every frame; truth.die() went on after the fork."""
    found = by_thread(stacks, "frames")
    for thread in truth_of(stacks.folder)["threads"]:
        expected = [(frame["function"], frame["file"], frame["line"]) for frame in thread["frames"]]
        if thread["name"] == "main":
            assert expected[0][0] == "die"
            expected[0] = expected[0][:2] + (line_of_death(),)
        own = found[thread["lwp"]]
        assert [row["depth"] for row in own] == list(range(len(own)))
        assert [(row["function"], row["file"], row["line"]) for row in own] == expected, thread["name"]


def test_locals(stacks):
    """Name and identity of every local, but for truth.die()'s, which went on after the fork."""
    found = by_thread(stacks, "locals")
    for thread in truth_of(stacks.folder)["threads"]:
        own = {}
        for row in found.get(thread["lwp"], []):
            names = own.setdefault(row["depth"], {})
            assert row["name"] not in names, row
            names[row["name"]] = row["address"]
        for depth, frame in enumerate(thread["frames"]):
            if frame["function"] != "die":
                assert own.get(depth, {}) == (frame["locals"] or {}), (thread["name"], frame["function"])


def test_locals_by_type(stacks, ask):
    result = ask("threads", stacks, "--locals", "--match", "*.Owner", "--format", "json")
    types = {row["type"] for row in result.rows("locals")}
    assert types == {"__main__.Owner"}


def test_exceptions_that_are_handled(stacks):
    found = by_thread(stacks, "exceptions")
    truth = truth_of(stacks.folder)["threads"]
    expected = {thread["lwp"] for thread in truth if thread["handled"]}
    assert set(found) == expected | others_that_handle(stacks)
    for thread in truth:
        if thread["handled"]:
            own = found[thread["lwp"]]
            assert [row["state"] for row in own] == ["handled"] * len(own)
            assert [row["chain"] for row in own] == list(range(len(own)))
            assert [(row["address"], row["type"], row["link"] or "") for row in own] == \
                [(error["address"], error["type"], error["link"])
                 for error in thread["handled"]], thread["name"]


def others_that_handle(core):
    """Threads that handle an exception which is made anew inside the handler: except* in 3.11+."""
    return {thread["lwp"] for thread in truth_of(core.folder)["threads"] if thread["name"] == "handling_a_group"}


def test_tracebacks(stacks):
    found = {}
    for row in rows(stacks, "tracebacks"):
        found.setdefault(row["exception"], []).append(row)
    seen = 0
    for thread in truth_of(stacks.folder)["threads"]:
        for error in thread["handled"]:
            if error["traceback"]:
                own = found[error["address"]]
                assert [(row["function"], row["file"], row["line"]) for row in own] == \
                    [(entry["function"], entry["file"], entry["line"]) for entry in error["traceback"]]
                assert [row["depth"] for row in own] == list(range(len(own)))
                seen += 1
    assert seen >= 5


def test_everything_suspended_is_there(stacks):
    """Each once at least (a generator that two wait for ends both chains), with its state and line."""
    truth = {row["address"]: row for row in truth_of(stacks.folder)["suspended"]}
    expected = {address: (row["kind"], row["function"], row["state"], row["file"], row["line"])
                for address, row in truth.items() if row["state"] not in ("running", "finished")}
    found = {row["address"]: (row["kind"], row["name"], row["state"], row["file"], row["line"])
             for row in rows(stacks, "suspended")
             if row["kind"] in ("generator", "coroutine", "async generator") and row["state"] != "running"}
    assert found == expected


def test_lines_of_a_generator_at_each_of_its_yields(stacks):
    """The generated one, whose line table is as hard as they come."""
    truth = [row for row in truth_of(stacks.folder)["suspended"] if row["file"] == "everywhere.py"]
    lines = {row["address"]: row["line"] for row in rows(stacks, "suspended")}
    assert len({row["line"] for row in truth if row["state"] == "suspended"}) > 25
    for row in truth:
        if row["state"] != "finished":
            assert lines[row["address"]] == row["line"]


def test_chains(stacks):
    """Who waits is followed by what it waits for."""
    chains = {}
    for row in rows(stacks, "suspended"):
        chains.setdefault(row["chain"], []).append(row)
    after = {}
    for chain in chains.values():
        assert [row["depth"] for row in chain] == list(range(len(chain)))
        for one, two in zip(chain, chain[1:]):
            after[one["address"]] = two["address"]
    waiting = [row for row in truth_of(stacks.folder)["suspended"] if row["state"] == "waiting"]
    for row in waiting:
        assert after[row["address"]] == row["waits_for"], row


def test_tasks(stacks):
    truth = truth_of(stacks.folder)["tasks"]
    found = {}
    suspended = rows(stacks, "suspended")
    for row, following in zip(suspended, suspended[1:] + [None]):
        if row["kind"] == "task" and row["depth"] == 0:
            assert following["depth"] == 1
            found[row["address"]] = (row["name"], following["address"], row["state"])
    assert found == {task["address"]: (task["name"], task["coro"], "pending") for task in truth}


def test_text_has_every_table(stacks, ask):
    text = ask("threads", stacks, "--limit", "0").stdout
    for table in ("threads", "frames", "exceptions", "tracebacks", "suspended", "state"):
        assert "\n%s:\n" % table in text
    assert "locals:" not in text
    assert "_bootstrap_inner" in text


def test_limit_is_of_threads(stacks, ask):
    tables = ask("threads", stacks, "--limit", "2", "--format", "json").json["tables"]
    kept = {row["thread"] for row in tables["threads"]["rows"]}
    assert len(kept) == 2
    assert {row["thread"] for row in tables["frames"]["rows"]} == kept
    assert len(tables["suspended"]["rows"]) == 2


def test_in_a_collection(core, ask):
    """A callback of the collector's died: its thread collects."""
    made = core("collecting-start")
    if "free-threaded" in made.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    tables = ask("threads", made, "--format", "json").json["tables"]
    collecting = [row for row in tables["threads"]["rows"] if "collects garbage" in (row["state"] or "")]
    assert [row["thread"] for row in collecting] == [made.meta["pid"]]
    assert {row["key"]: row["value"] for row in tables["state"]["rows"]} == \
        {"gil": made.meta["pid"], "collecting": True}
