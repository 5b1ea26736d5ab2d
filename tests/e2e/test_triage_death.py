"""How it died: merged stacks, the explained address, the last words. See cores/programs/deaths.py;
the verdicts as such are test_triage.py's."""

import matrix
import pytest

from support import deaths
from support.deaths import evidence, summary


@pytest.fixture
def triage(death):
    return lambda recipe, *options: deaths.triage(death(recipe), *options)


def times(rows, kind):
    return sum(row["times"] or 1 for row in rows if row["kind"] == kind)


# ---- stacks ----


@pytest.mark.parametrize("recipe", ["death-abort", "death-finalizer-in-collection",
                                    "death-signal-handler", "death-recursion-python"])
def test_every_python_call_is_in_the_merged_stack(death, pyleak, recipe):
    """Once, however they are folded, and in the order of `threads`."""
    result = pyleak("threads", death(recipe), "--native", "--format", "json")
    for thread in result.rows("threads"):
        merged = [row for row in result.rows("native") if row["thread"] == thread["thread"]]
        frames = [row for row in result.rows("frames") if row["thread"] == thread["thread"]]
        python = [row["function"] for row in merged if row["kind"] == "python"]
        assert times(merged, "python") == len(frames)
        assert python[0] == frames[0]["function"]
        assert python[-1] == frames[-1]["function"]
        assert [row["depth"] for row in merged] == sorted(row["depth"] for row in merged)


def test_python_calls_stand_where_the_interpreter_runs_them(triage):
    """ctypes, written in C, called by string_at() of its Python part, called by the program."""
    rows = triage("death-wild-read").rows("stack")
    functions = [row["function"] for row in rows]
    in_ctypes = [at for at, row in enumerate(rows)
                 if row["kind"] == "native" and row["file"].startswith("_ctypes")]
    wrapper, program = functions.index("string_at", max(in_ctypes)), functions.index("wild_read")
    assert rows[wrapper]["kind"] == rows[program]["kind"] == "python"
    assert max(in_ctypes) < wrapper < program
    # The program's outermost call, and below it C alone.
    assert functions.index("<module>") > program
    assert {row["kind"] for row in rows[functions.index("<module>") + 1:]} == {"native"}
    assert not [name for name in functions if name and "PyEval_EvalFrameDefault" in name]


def test_recursion_is_folded(triage):
    result = triage("death-recursion-python")
    rows = result.rows("stack")
    deeper = [row for row in rows if row["function"] == "deeper"]
    # The stack is of half a megabyte: some hundred rounds, in at most a few kinds of them.
    assert max(row["times"] or 1 for row in deeper) > 30
    assert len(rows) < 100
    assert "deeper (deaths.py" in summary(result, "stack-overflow")
    assert "beyond the end of the stack" in evidence(result, "address")[0]


def test_without_the_files(death, pyleak, tmp_path):
    """The native stack ends where it stands, and says so."""
    made = death("death-null-read")
    result = pyleak("triage", made.path, "--sysroot", str(tmp_path), "--format", "json",
                    status=None)
    if not result.stdout:
        pytest.skip("without the files nothing tells which Python this is")
    assert [row["kind"] for row in result.rows("stack")][0] == "native"
    assert "in no file at hand" in evidence(result, "stack")[0]


# ---- the address ----


def test_a_member_of_null(triage):
    """padding[3] and reads: three longs come before it."""
    result = triage("death-null-member")
    assert "at 0x18 of a NULL pointer" in summary(result, "segfault-null")


def test_what_the_freed_block_held(triage):
    """A debug build writes over what is freed: then nothing tells what it held."""
    for recipe in ("death-freed", "death-double-decref"):
        result = triage(recipe)
        held = "debug" not in result.json["python"]["flavour"]
        assert ("last held a deathext.Record" in summary(result, "segfault-freed")) == held
        assert "record_read" in summary(result, "segfault-freed")
        assert "the bad pointer is in it" in evidence(result, "address")[0]


def test_where_the_bad_pointer_was(triage):
    result = triage("death-traverse")
    assert "a deathext.Broken" in " ".join(evidence(result, "address"))


# ---- a handler ran, and the last signal is one that it raised ----


@pytest.mark.parametrize("recipe", ["death-null-read", "death-faulthandler-null-read",
                                    "death-aborting-null-read", "death-raising-null-read"])
def test_the_address_is_that_of_the_first_fault(triage, recipe):
    result = triage(recipe)
    assert evidence(result, "signal")[0].startswith("SIGSEGV in thread ")
    assert evidence(result, "signal")[0].endswith(": nothing is mapped there")
    address, registers = evidence(result, "address")[0].split("; ")
    assert address == "0x0, or the reference count of a NULL object"
    # The one that held the address.
    assert set(registers.split(": ")[1].split()) & {"rdi", "rax", "rcx", "rdx", "rsi"}
    assert " used a NULL pointer" in summary(result, "segfault-null")


def test_the_registers_are_those_of_the_first_fault(triage):
    """They tell the freed block, and none of the handler's does."""
    result = triage("death-faulthandler-freed")
    assert "record_read" in summary(result, "segfault-freed")
    assert "the bad pointer is in it" in evidence(result, "address")[0]


def test_the_address_is_explained_in_a_handler(triage):
    assert any(text.startswith("0x123456789ab0: nothing is mapped there") for text in
               evidence(triage("death-faulthandler-wild-read"), "address"))
    assert "at 0x18 of a NULL pointer" in summary(triage("death-faulthandler-null-member"),
                                                  "segfault-null")


@pytest.mark.parametrize("recipe", ["death-null-call", "death-faulthandler-null-call"])
def test_a_call_through_null_is_gone_on_from(triage, recipe):
    """In a handler or not, the caller of what is no function is known."""
    result = triage(recipe)
    assert "a call through a NULL pointer" in summary(result, "segfault-null")
    functions = [row["function"] for row in result.rows("stack")]
    assert "null_call" in functions and "<module>" in functions
    assert evidence(result, "stack") == []


@pytest.mark.parametrize("recipe", ["death-divide", "death-faulthandler-divide",
                                    "death-aborting-divide"])
def test_a_division_by_zero(triage, recipe):
    assert "SIGFPE: integer division by zero" in summary(triage(recipe), "killed-by-signal")


@pytest.mark.parametrize("recipe", ["death-recursion-c", "death-faulthandler-recursion-c",
                                    "death-aborting-recursion-c"])
def test_the_stack_that_overflowed_is_not_the_handlers(triage, interpreter, recipe):
    result = triage(recipe)
    function = "python" if interpreter.endswith(matrix.STRIPPED) else "enum_next"  # no symbols, no names
    assert function in summary(result, "stack-overflow")
    assert "beyond the end of the stack" in evidence(result, "address")[0]


@pytest.mark.parametrize("recipe, name, end", [
    ("death-faulthandler-null-read", "SIGSEGV", "raised the signal again"),
    ("death-faulthandler-abort", "SIGABRT", "raised the signal again"),
    ("death-raising-bus-error", "SIGBUS", "raised the signal again"),
    ("death-raising-sigsegv", "SIGSEGV", "raised the signal again"),
    ("death-aborting-divide", "SIGFPE", "aborted"),
])
def test_what_the_handler_did(triage, recipe, name, end):
    result = triage(recipe)
    row, = evidence(result, "signal-handler")
    assert ": a C handler of %s" % name in row and " %s; it interrupted " % end in row
    then = "; the handler of %s then aborted" % name
    assert (then in result.rows("verdict")[0]["summary"]) == (end == "aborted")


def test_the_message_of_glibc_in_a_handler(triage):
    assert "double free" in summary(triage("death-faulthandler-double-free"), "abort-glibc")
    assert "planted > 0" in summary(triage("death-faulthandler-assertion"), "abort-assert")


# ---- last words ----


def test_the_message_of_glibc(triage):
    assert "double free" in summary(triage("death-double-free"), "abort-glibc")
    assert "planted > 0" in summary(triage("death-assertion"), "abort-assert")


def test_exceptions_are_told_by_their_types(triage):
    result = triage("death-abort-handling")
    module = "exceptions" if result.json["python"]["version"] < "3" else "builtins"
    told = " ".join(evidence(result, "exception"))
    assert "handles %s.ValueError" % module in told
    if module == "builtins":
        assert "raised while handling builtins.KeyError" in told
    assert "planted" not in told  # a message is a value


def test_who_sent_the_signal(triage):
    assert evidence(triage("death-abort"), "signal")[0].endswith("sent by the process itself")
    assert evidence(triage("death-null-read"), "signal")[0].endswith("nothing is mapped there")


# ---- threads ----


def test_who_waits_for_whom(triage):
    result = triage("death-deadlock")
    text = summary(result, "deadlock")
    assert "deadlock (deaths.py" in text and "other (deaths.py" in text
    assert [row["state"] for row in result.rows("threads")] == ["waits for a lock"] * 2
    assert {row["verdict"]: row["confidence"] for row in result.rows("verdict")}["deadlock"] == "likely"
