"""Memory that ran out: what `triage` says of MemoryErrors, errno, limits, stacks that are too small,
and what gave up for want of memory. See cores/programs/deaths.py; the verdicts as such are
test_triage.py's."""

import mmap
import re

import pytest

from support import deaths
from support.deaths import evidence, summary

# Of these memory did not run out, or nothing can tell. Where threads have ENOMEM for other reasons
# and where MemoryErrors are kept from before, the signs are there without the verdict.
SIGNS = {"death-memory-error", "death-memory-error-nested", "death-memory-error-pending",
         "death-unchecked-malloc", "death-unchecked-malloc-ctypes", "death-bad-alloc",
         "death-memory-errors-kept", "death-errno-in-threads"}
OTHERS = sorted(set(deaths.DEATHS) - SIGNS - {"death-fatal-no-memory"})


@pytest.fixture
def triage(death):
    """triage(recipe) -> its result, and what was planted."""
    def done(recipe):
        made = death(recipe)
        return deaths.triage(made), made.truth["known"]
    return done


def number(text):
    return int(text.replace(",", ""))


# ---- MemoryErrors ----


@pytest.mark.parametrize("recipe", ["death-memory-error", "death-memory-error-nested"])
def test_where_a_memory_error_was_raised(triage, recipe):
    """The innermost frame of its traceback, not where it is handled."""
    result, known = triage(recipe)
    told = [text for text in evidence(result, "out-of-memory") if "was raised in" in text]
    raised = known.get("raised", known["function"])
    assert len(told) == 1
    assert re.search(r"\.MemoryError was raised in %s \(deaths\.py:[0-9]+\)$" % raised, told[0])


def test_a_memory_error_that_c_code_did_not_look_at(triage):
    result, _ = triage("death-memory-error-pending")
    assert "an allocation failed (a MemoryError is pending)" in summary(result, "segfault-null")
    assert any(re.match(r"thread [0-9]+ raises .*MemoryError", text)
               for text in evidence(result, "out-of-memory"))


def test_memory_errors_that_are_kept(triage, version):
    """Of MemoryError and of a class derived from it, whatever its first base is; those that the
    interpreter has in stock do not count."""
    result, known = triage("death-memory-errors-kept")
    told = [row for row in result.rows("evidence") if row["kind"] == "out-of-memory"]
    assert len(told) == 1
    assert told[0]["text"].startswith("objects hold %d instances of MemoryError" % known["kept"])
    module = "builtins" if version >= (3,) else "exceptions"
    assert told[0]["analysis"] in ("referrers %s.MemoryError" % module,
                                   "referrers __main__.NoRoom")


# ---- errno ----


@pytest.mark.parametrize("recipe", ["death-unchecked-malloc", "death-unchecked-malloc-ctypes",
                                    "death-memory-error-pending", "death-bad-alloc",
                                    "death-errno-in-threads"])
def test_errno_of_each_thread(triage, recipe):
    """Told of the threads that have ENOMEM, and of no other."""
    result, known = triage(recipe)
    text = "; ".join(evidence(result, "out-of-memory"))
    found = re.findall(r"errno of thread ([0-9]+) is ENOMEM", text)
    found += re.findall("[0-9]+", "".join(re.findall(r"other threads?, too: ([0-9, ]+)", text)))
    assert sorted(map(int, found)) == known["lacking"]


@pytest.mark.parametrize("recipe", ["death-unchecked-malloc", "death-unchecked-malloc-ctypes"])
def test_null_because_an_allocation_failed(triage, recipe):
    result, _ = triage(recipe)
    assert "likely because an allocation failed (errno is ENOMEM)" in summary(result,
                                                                              "segfault-null")


@pytest.mark.parametrize("recipe", ["death-null-read", "death-null-member"])
def test_null_for_another_reason(triage, recipe):
    assert "alloc" not in summary(triage(recipe)[0], "segfault-null")


# ---- what gave up ----


def test_a_bad_alloc_that_nobody_caught(triage):
    result, known = triage("death-bad-alloc")
    assert known["message"] in summary(result, "out-of-memory")
    told = re.findall(r"operator new\(\) could not get ([0-9,]+) bytes",
                      " ".join(evidence(result, "out-of-memory")))
    assert list(map(number, told)) == [known["asked"]]


def test_a_fatal_error_for_want_of_memory(triage):
    result, known = triage("death-fatal-no-memory")
    assert known["message"] in summary(result, "out-of-memory")
    assert evidence(result, "address-space")


# ---- the address space ----


def test_the_size_of_the_address_space(death, triage):
    """As /proc/self/statm said in the last moment, under a limit that let nothing be mapped
    after."""
    statm = death("death-memory-error-nested").path.parent / "statm"
    if not statm.exists():
        pytest.skip("the interpreter lives in a root of its own, which has no /proc")
    text = evidence(triage("death-memory-error-nested")[0], "address-space")
    mapped = re.match(r"the process had mapped [^(]*\(([0-9,]+) bytes\)", text[0]).group(1)
    assert number(mapped) == int(statm.read_text().split()[0]) * mmap.PAGESIZE
    assert "RLIMIT_AS" in text[1]


@pytest.mark.parametrize("recipe", OTHERS)
def test_no_sign_where_none_was_planted(triage, recipe):
    result, known = triage(recipe)
    assert evidence(result, "out-of-memory") == []
    overflow = known["death"] == "stack-overflow"
    assert len(evidence(result, "address-space")) == (1 if overflow else 0)


# ---- stacks ----


def test_the_stack_of_a_thread(triage):
    """What threading.stack_size() was told, without the guard."""
    result, known = triage("death-overflow-in-thread")
    assert known["stack"] == 1 << 20
    assert any(re.match(r"the stack of thread [0-9]+ is 1\.0 MiB,", text)
               for text in evidence(result, "address-space"))


def test_the_stack_of_the_main_thread(triage):
    """It grew as far as it may: the page of the fault would be one too many. (Sizes below a MiB are
    shown to a tenth of a KiB, and these are whole pages.)"""
    result, known = triage("death-overflow-in-main")
    shown = [re.match(r"the main thread's stack is a mapping of ([0-9.]+) KiB, .*RLIMIT_STACK", text)
             for text in evidence(result, "address-space")]
    assert [float(match.group(1)) * 1024 for match in shown] == [known["stack"]]
