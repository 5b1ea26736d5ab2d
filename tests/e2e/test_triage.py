"""`triage` against what was planted: see cores/programs/deaths.py and planted.py."""

import bz2
import gzip
import json
import re
import time

import pytest

import make
from support import extension, gdb, pyleak as pyleak_binary

DEATHS = [recipe for recipe in make.recipes() if recipe.startswith("death-")]
LEAKS = [recipe for recipe in DEATHS if recipe.startswith("death-leak-")]
NEED_EXTENSION = {"death-null-member", "death-freed", "death-double-decref", "death-traverse",
                  "death-faulthandler-null-member", "death-faulthandler-freed"}
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
# In all of them Python's own code, and none of the C library's, is where the process died.
STABLE = ["death-abort", "death-null-read", "death-recursion-python", "death-signal-handler",
          "death-server"]


@pytest.fixture
def death_of(core_of):
    """death_of(interpreter, recipe, **options) -> Core; with the extension where there can be
    one."""
    def made(interpreter, recipe, env=None):
        env = dict(env or {})
        try:
            env["PYTHONPATH"] = str(extension.built(interpreter, "deathext", flags=["-O2"]))
        except pytest.skip.Exception:
            if recipe in NEED_EXTENSION:
                raise
        return core_of(interpreter, recipe, env=env)
    return made


@pytest.fixture
def death(interpreter, death_of):
    return lambda recipe, **options: death_of(interpreter, recipe, **options)


def triage(pyleak, made, *options):
    """Done, whatever was found; of a heap that is broken perhaps not all could be read, and then
    that is said."""
    result = pyleak("triage", made, "--format", "json", *options, status=None)
    damaged = "damage" in made.truth.get("known", {})
    assert result.status == (4 if result.json["partial"] else 0), result
    assert damaged or not result.json["partial"], result
    return result


def without_handler(recipe):
    """The recipe of the same death where no handler of crashes runs."""
    return HANDLED.sub("death-", recipe)


def words(result):
    return [row["verdict"] for row in result.rows("verdict")]


def signature(result, kind):
    found = [row["value"] for row in result.rows("signature") if row["kind"] == kind]
    assert len(found) == 1, result
    return found[0]


def left_out(result):
    return [row["text"] for row in result.rows("evidence") if row["kind"] == "left-out"]


# ---- the verdict ----


@pytest.mark.parametrize("recipe", DEATHS)
def test_the_death_is_as_planted(death, pyleak, recipe):
    made = death(recipe)
    found = set(words(triage(pyleak, made)))
    known = made.truth["known"]
    assert found & DEATH_WORDS == {known["death"]}
    assert found & STATE_WORDS == set(known.get("state", []))
    assert ("heap-damage" in found) == ("damage" in known)


@pytest.mark.parametrize("recipe", LEAKS + ["death-memory-error"])
def test_the_leak_is_as_planted(death, pyleak, recipe):
    made = death(recipe)
    result = triage(pyleak, made)
    known = made.truth["known"]
    assert known["memory"] in words(result)
    assert known["type"] in json.dumps(result.json["tables"])


@pytest.mark.parametrize("recipe", sorted(set(DEATHS) - set(LEAKS)))
def test_no_leak_where_none_was_planted(death, pyleak, recipe):
    assert not LEAK_WORDS & set(words(triage(pyleak, death(recipe))))


@pytest.mark.parametrize("recipe", DEATHS)
def test_what_was_running_is_told(death, pyleak, recipe):
    """The function of Python, and what the process said last."""
    made = death(recipe)
    text = json.dumps(triage(pyleak, made, "--values").json["tables"])
    known = made.truth["known"]
    for name in ("function", "message"):
        assert known.get(name, "") in text


# ---- the signature ----


@pytest.mark.parametrize("recipe", STABLE)
def test_another_run_has_the_same_signature(death, pyleak, version, recipe):
    """With other hashes, another environment, and so other addresses."""
    if recipe == "death-server" and version < (3, 7):
        pytest.skip("asyncio.run() is new in 3.7")
    one, two = death(recipe), death(recipe, env={"PYTHONHASHSEED": "7", "FILLER": "x" * 5000})
    assert one.meta["pid"] != two.meta["pid"]
    assert signature(triage(pyleak, one), "crash") == signature(triage(pyleak, two), "crash")


def test_different_deaths_have_different_signatures(death_of, interpreter, pyleak):
    found = {}
    for recipe in DEATHS:
        try:
            made = death_of(interpreter, recipe)
        except pytest.skip.Exception:
            continue
        if made.meta["dumper"] == "kernel":
            value = signature(triage(pyleak, made), "crash")
            found.setdefault(value, set()).add(without_handler(recipe))
    assert len(found) >= 20
    assert [recipes for recipes in found.values() if len(recipes) > 1] == []


@pytest.mark.parametrize("recipe", [recipe for recipe in DEATHS if HANDLED.match(recipe)])
def test_a_handler_changes_nothing(death, pyleak, recipe):
    """Neither signature nor verdict, whatever the handler of the crash did after it."""
    plain, handled = (triage(pyleak, death(one)) for one in (without_handler(recipe), recipe))
    assert signature(handled, "crash") == signature(plain, "crash")
    assert words(handled)[0] == words(plain)[0]
    rows = [row for row in handled.rows("evidence") if row["kind"] == "signal-handler"]
    # Py_FatalError() takes faulthandler's handlers away before it aborts, but not in all versions.
    assert len(rows) == 1 or (recipe == "death-faulthandler-fatal-error-under-gil" and not rows)


@pytest.mark.parametrize("recipe", STABLE)
@pytest.mark.parametrize("one, two", PATCH_RELEASES)
def test_another_patch_release_has_the_same_signature(death_of, pyleak, one, two, recipe):
    found = [signature(triage(pyleak, death_of(interpreter, recipe)), "crash")
             for interpreter in (one, two)]
    assert found[0] == found[1]


def test_signatures_of_heaps(death, pyleak):
    """The same of the same heap, however many objects it holds; others of others."""
    first = signature(triage(pyleak, death("death-leak-list")), "heap")
    again = death("death-leak-list", env={"PYTHONHASHSEED": "7"})
    assert signature(triage(pyleak, again), "heap") == first
    others = {signature(triage(pyleak, death(recipe)), "heap")
              for recipe in ("death-leak-gc-off", "death-memory-error")}
    assert len(others | {first}) == 3


# ---- the document, the statuses and the limits ----


@pytest.mark.parametrize("recipe", ["death-overrun", "death-leak-gc-off", "death-snapshot",
                                    "minimal"])
def test_the_document_is_as_the_schema_says(death, pyleak, recipe):
    jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    result = triage(pyleak, death(recipe))
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
    done = triage(pyleak, made).status
    for what in ("crash", "uncollectable", "damage", "any"):
        pyleak("triage", made, "--fail-on", what, status=1 if what in fails else done)


def test_no_time_at_all(death, pyleak):
    begun = time.monotonic()
    result = triage(pyleak, death("death-leak-list"), "--budget", "0.000001")
    assert time.monotonic() - begun < 5
    assert len(left_out(result)) == 4
    assert all("--budget" in text for text in left_out(result))
    assert "what fills the memory" in " ".join(left_out(result))


def test_time_that_runs_out(core_of, pyleak):
    """A million objects take longer than that. What was begun is given up, and named."""
    begun = time.monotonic()
    result = triage(pyleak, core_of("system", "big"), "--budget", "60ms")
    assert time.monotonic() - begun < 3
    assert left_out(result)
    assert words(result) or len(left_out(result)) == 4


def test_time_enough(death, pyleak):
    assert left_out(triage(pyleak, death("death-leak-list"), "--budget", "5m")) == []


def test_too_little_memory_is_named(death, pyleak):
    made = death("death-leak-list")
    result = triage(pyleak, made, "--max-memory", "2M")
    assert any("--max-memory" in text for text in left_out(result))
    assert set(words(result)) & DEATH_WORDS == {made.truth["known"]["death"]}
    assert left_out(triage(pyleak, made, "--max-memory", "4G")) == []


@pytest.mark.parametrize("option", ["--budget=soon", "--budget=4G", "--max-memory=lots",
                                    "--max-memory=-1", "--fail-on=fire"])
def test_nonsense_is_refused(core_of, pyleak, option):
    assert pyleak("triage", core_of("system", "minimal"), option, status=2).stdout == ""


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
def test_from_a_pipe(death, pyleak, compress):
    """coredumpctl dump | pyleak triage -"""
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
