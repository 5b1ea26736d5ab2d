"""`triage` against what was planted: see cores/programs/deaths.py and planted.py."""

import bz2
import gzip
import json
import os
import re
import resource
import signal
import subprocess

import pytest

from support import deaths, gdb, pyleak as pyleak_binary, sample
from support.deaths import DEATHS, LEAKS, evidence, signature, words

HANDLED = re.compile("death-(faulthandler|aborting|raising)-")
DEATH_WORDS = {"segfault-null", "segfault-freed", "segfault-wild", "stack-overflow", "bus-error",
               "abort-fatal-error", "abort-glibc", "abort-assert", "abort", "killed-by-signal",
               "out-of-memory", "snapshot"}
STATE_WORDS = {"deadlock", "in-collection", "in-finalizer", "in-signal-handler"}
LEAK_WORDS = {"leak-uncollectable", "leak-unreachable", "leak-held-from-c"}
SCHEMA = pyleak_binary.CHECKOUT / "cscan" / "report" / "triage.schema.json"
# A release of the same minor series and another, whichever are here.
PATCH_RELEASES = [("system", "pyenv-3.11.7"), ("bullseye-3.9", "pyenv-3.9.18"),
                  ("pyenv-3.13.0", "trixie-3.13"), ("trixie-3.13", "sid-3.13")]
PARTS = 6  # what triage can leave out, in its own words
GRAPH_PARTS = {"what fills the memory", "dead cycles and references held from C",
               "damage of the heap"}
# In all of them Python's own code, and none of the C library's, is where the process died.
STABLE = ["death-abort", "death-null-read", "death-recursion-python", "death-signal-handler",
          "death-server"]


def triage(made, *options):
    """Done, whatever was found; of a heap that is broken perhaps not all could be read, and then
    that is said."""
    result = deaths.triage(made, *options)
    damaged = "damage" in made.truth.get("known", {})
    assert result.status == (4 if result.json["partial"] else 0), result
    assert damaged or not result.json["partial"], result
    return result


def without_handler(recipe):
    """The recipe of the same death where no handler of crashes runs."""
    return HANDLED.sub("death-", recipe)


# ---- the verdict ----


@pytest.mark.parametrize("recipe", DEATHS)
def test_the_death_is_as_planted(death, recipe):
    made = death(recipe)
    found = set(words(triage(made)))
    known = made.truth["known"]
    assert found & DEATH_WORDS == {known["death"]}
    assert found & STATE_WORDS == set(known.get("state", []))
    assert ("heap-damage" in found) == ("damage" in known)


@pytest.mark.parametrize("recipe", LEAKS + ["death-memory-error"])
def test_the_leak_is_as_planted(death, recipe):
    made = death(recipe)
    result = triage(made)
    known = made.truth["known"]
    assert known["memory"] in words(result)
    assert known["type"] in json.dumps(result.json["tables"])


def test_nothing_is_found_where_nothing_is_wrong(death):
    made = death("death-snapshot")
    assert words(triage(made)) == ["snapshot", "nothing-found"]
    rows = triage(made, "--max-memory", "1M").rows("verdict")
    assert [row["confidence"] for row in rows] == ["certain", "possible"]


def test_which_process_and_what_of_it(death, pyleak, version):
    """What the rest is built on is told of every core."""
    made = death("death-abort")
    result = triage(made)
    kinds = {row["kind"]: row["text"] for row in reversed(result.rows("evidence"))}
    assert "process %d ran " % made.meta["pid"] in kinds["process"]
    assert "CPython %d.%d.%d" % version in kinds["process"]
    assert "debug build" in kinds["process"] or "debug" not in result.json["python"]["flavour"]
    told = re.match(r"the core holds (all|([\d.]+) MiB) of ([\d.]+) MiB of writable memory$",
                    kinds["coverage"])
    # From glibc 2.41 on a page of getrandom()'s is one that the kernel leaves out of every core: it
    # can turn the last digit.
    assert told.group(1) == "all" or round(float(told.group(3)) - float(told.group(2)), 1) <= 0.1
    short = made.path.read_bytes()[:-(1 << 16)]
    result = pyleak("triage", "-", *made.options, "--format", "json", input=short, status=4)
    cut = [row["text"] for row in result.rows("evidence") if row["kind"] == "coverage"]
    assert re.match(r"the core holds \d.* of .*; it is cut off, and 64.0 KiB are missing$", cut[0])


@pytest.mark.parametrize("recipe", ["death-traverse", "death-overrun", "death-leak-incref"])
def test_every_statement_names_who_shows_the_rest(death, recipe):
    known = {line.split()[0] for line in subprocess.run(
        [str(pyleak_binary.PYLEAK), "--help"], stdout=subprocess.PIPE, check=True,
        encoding="utf-8").stdout.split("Analyses:")[1].split("Options:")[0].strip().split("\n")}
    rows = triage(death(recipe)).rows("evidence")
    assert {row["analysis"].split()[0] for row in rows} <= known


@pytest.mark.parametrize("recipe", sorted(set(DEATHS) - set(LEAKS)))
def test_no_leak_where_none_was_planted(death, recipe):
    assert not LEAK_WORDS & set(words(triage(death(recipe))))


@pytest.mark.parametrize("recipe", DEATHS)
def test_what_was_running_is_told(death, recipe):
    """The function of Python, and what the process said last."""
    made = death(recipe)
    known = made.truth["known"]
    # A message of the program's own is a value.
    text = json.dumps(triage(made, *["--values"] * ("message" in known)).json["tables"])
    for name in ("function", "message"):
        assert known.get(name, "") in text


# ---- the signature ----


@pytest.mark.parametrize("recipe", STABLE)
def test_another_run_has_the_same_signature(death, version, recipe):
    """With other hashes, another environment, and so other addresses."""
    if recipe == "death-server" and version < (3, 7):
        pytest.skip("asyncio.run() is new in 3.7")
    one, two = death(recipe), death(recipe, env={"PYTHONHASHSEED": "7", "FILLER": "x" * 5000})
    assert one.meta["pid"] != two.meta["pid"]
    assert signature(triage(one), "crash") == signature(triage(two), "crash")


def test_different_deaths_have_different_signatures(death_of, interpreter):
    found = {}
    for recipe in DEATHS:
        try:
            made = death_of(interpreter, recipe)
        except pytest.skip.Exception:
            continue
        if made.meta["dumper"] == "kernel":
            value = signature(triage(made), "crash")
            found.setdefault(value, set()).add(without_handler(recipe))
    assert len(found) >= 20
    assert [recipes for recipes in found.values() if len(recipes) > 1] == []


@pytest.mark.parametrize("recipe", [recipe for recipe in DEATHS if HANDLED.match(recipe)])
def test_a_handler_changes_nothing(death, recipe):
    """Neither signature nor verdict, whatever the handler of the crash did after it."""
    plain, handled = (triage(death(one)) for one in (without_handler(recipe), recipe))
    assert signature(handled, "crash") == signature(plain, "crash")
    assert words(handled)[0] == words(plain)[0]
    rows = [row for row in handled.rows("evidence") if row["kind"] == "signal-handler"]
    # Py_FatalError() takes faulthandler's handlers away before it aborts, but not in all versions.
    assert len(rows) == 1 or (recipe == "death-faulthandler-fatal-error-under-gil" and not rows)


@pytest.mark.parametrize("recipe", STABLE)
@pytest.mark.parametrize("one, two", PATCH_RELEASES)
def test_another_patch_release_has_the_same_signature(death_of, one, two, recipe):
    found = [signature(triage(death_of(interpreter, recipe)), "crash")
             for interpreter in (one, two)]
    assert found[0] == found[1]


def test_signatures_of_heaps(death):
    """The same of the same heap, however many objects it holds; others of others."""
    first = signature(triage(death("death-leak-list")), "heap")
    again = death("death-leak-list", env={"PYTHONHASHSEED": "7"})
    assert signature(triage(again), "heap") == first
    others = {signature(triage(death(recipe)), "heap")
              for recipe in ("death-leak-gc-off", "death-memory-error")}
    assert len(others | {first}) == 3


# ---- the document, the statuses and the limits ----


@pytest.mark.parametrize("recipe", ["death-overrun", "death-leak-gc-off", "death-snapshot",
                                    "minimal"])
def test_the_document_is_as_the_schema_says(death, recipe):
    jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    result = triage(death(recipe))
    jsonschema.validate(result.json, schema)
    for wrong in ({"analysis": "types"}, {"tables": {}}, {"notes": [{"level": "loud"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(dict(result.json, **wrong), schema)


@pytest.mark.parametrize("recipe, fails", [
    ("death-null-read", {"crash", "any"}),
    ("death-overrun", {"crash", "damage", "any"}),
    ("death-leak-incref", {"crash", "uncollectable", "any"}),
    ("death-snapshot", set()),
])
def test_exit_statuses(death, pyleak, recipe, fails):
    made = death(recipe)
    done = triage(made).status
    for what in ("crash", "uncollectable", "damage", "any"):
        pyleak("triage", made, "--fail-on", what, status=1 if what in fails else done)


def test_no_time_at_all(death):
    result = triage(death("death-leak-list"), "--budget", "0.000001")
    assert len(evidence(result, "left-out")) == PARTS
    assert all("--budget" in text for text in evidence(result, "left-out"))
    assert "what fills the memory" in " ".join(evidence(result, "left-out"))


def seconds_of_processor(call):
    """(what call() returns, what the programs that it started used): a busy machine makes no difference."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_time_that_runs_out(core_of):
    """A million objects take longer than that. What was begun is given up, and named."""
    made = core_of("system", "big")
    result, short = seconds_of_processor(lambda: triage(made, "--budget", "60ms"))
    whole, long = seconds_of_processor(lambda: triage(made, "--budget", "10m"))
    assert short < long / 2 and not evidence(whole, "left-out")
    named = {text.split(":")[0] for text in evidence(result, "left-out")}
    assert named and (words(result) or "how it died" in named)  # a busy machine may not come that far


def test_time_enough(death):
    assert evidence(triage(death("death-leak-list"), "--budget", "5m"), "left-out") == []


def test_too_little_memory_is_named(death):
    made = death("death-leak-list")
    result = triage(made, "--max-memory", "2M")
    named = {text.split(":")[0] for text in evidence(result, "left-out") if "--max-memory" in text}
    assert named == GRAPH_PARTS
    assert set(words(result)) & DEATH_WORDS == {made.truth["known"]["death"]}
    assert evidence(triage(made, "--max-memory", "4G"), "left-out") == []


def test_the_death_comes_first(core_of):
    """Before the heap of a million objects is walked: and it stays when the rest is given up."""
    made = core_of("system", "big")
    command = [str(pyleak_binary.PYLEAK), "triage"] + made.options + [str(made.path)]
    for _ in range(20):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            first = os.read(process.stdout.fileno(), 1 << 16).decode()
            process.send_signal(signal.SIGINT)
            rest, complaint = process.communicate()
        if process.returncode == 130:
            break  # else it was done: on a busy machine the signal may come late, again and again it cannot
    assert process.returncode == 130 and b"cancelled" in complaint
    assert "How it died" in first and "threads:" in first
    assert "What the heap tells" not in first + rest.decode()


@pytest.mark.parametrize("option", ["--budget=soon", "--budget=4G", "--max-memory=lots",
                                    "--max-memory=-1", "--fail-on=fire"])
def test_nonsense_is_refused(core_of, pyleak, option):
    assert pyleak("triage", core_of("system", "minimal"), option, status=2).stdout == ""


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
def test_from_a_pipe(interpreter, death, pyleak, compress):
    """coredumpctl dump | pyleak triage -"""
    if compress is not bytes and not sample.thorough(interpreter):
        pytest.skip("compressed: with PYLEAK_FULL=1, else of few")
    made = death("death-null-read")
    piped = pyleak("triage", "-", *made.options, input=compress(made.path.read_bytes()))
    assert piped.stdout == pyleak("triage", made).stdout
    assert "segfault-null" in piped.stdout


@gdb.needed
@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_both_doors_print_the_same(death, pyleak, format):
    made = death("death-null-read")
    line = "triage --values --format %s" % format
    answer = gdb.batch(["py-leak-" + line], made)
    assert answer.printed == [pyleak("triage", made, *line.split()[1:]).stdout]
    assert "segfault-null" in answer.printed[0]


# ---- redaction ----


@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_no_value_is_told(core, pyleak, format):
    made = core("planted")
    known = made.truth["known"]
    result = pyleak("triage", made, "--format", format, "--limit", "0")
    said = result.stdout + result.stderr
    everything = dict(known["hidden"], **{place + " masked": text
                                          for place, text in known["masked"].items()})
    assert len(everything) == 22
    assert [place for place, text in everything.items() if text in said] == []
    for name in known["kept"]:
        assert format == "text" or name in result.stdout  # in text columns are cut


@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_secrets_stay_masked_among_values(core, pyleak, format):
    made = core("planted")
    known = made.truth["known"]
    said = pyleak("triage", made, "--values", "--format", format, "--limit", "0").stdout
    assert [place for place, text in known["masked"].items() if text in said] == []
    assert known["hidden"]["exception"] in said
