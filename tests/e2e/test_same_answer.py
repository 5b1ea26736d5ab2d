"""Every analysis gives the same bytes for any number of threads, however the threads are held up.

Other processes keep the machine busy meanwhile: what depends on which thread is quicker shows when
they are stopped at any place. PYLEAK_FULL=1 repeats more often.
"""

import os
import subprocess
import sys

import pytest
from support import cores
from support.pyleak import run

FULL = os.environ.get("PYLEAK_FULL") == "1"
THREADS = [4, 2, 8, 1]
TIMES = 10 if FULL else 1
DRAWINGS = 10 if FULL else 2  # of each object, in each way, by each number of threads
BUSY = "while True: sum(range(10000))"

# Analyses, and what more they are asked; of those that take an object, of some.
QUESTIONS = [
    ["info"], ["types", "--limit", "0"], ["gc"], ["instances", "str", "--limit", "0"],
    ["instances", "builtins.*", "--sort", "size", "--limit", "500"],
    ["roots", "--limit", "0"], ["threads", "--native"], ["cycles"],
    ["uncollectable"], ["refcounts"], ["refcounts", "--objects", "--limit", "0"], ["triage"],
    ["path", "builtins.function"], ["path", "dict"], ["referrers", "dict"],
    ["referrers", "str", "--native"], ["referents", "dict"]]
OF_OBJECT = [["object"], ["path", "--count", "5"], ["referrers", "--native"], ["referents"]]
DRAWN = [["--direction", "both"], ["--direction", "both", "--depth", "2", "--too-many", "4"],
         ["--direction", "forward", "--max-nodes", "25"]]


@pytest.fixture(scope="module")
def busy():
    """As many processes as there are processors, at work."""
    working = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    yield
    for process in working:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def made(core_of):
    return core_of("system", "mixed")


def objects_of(made: cores.Core, pattern, count):
    rows = run("instances", made, pattern, "--limit", "0", "--format", "json").rows("instances")
    return [row["address"] for row in rows[::len(rows) // count or 1]][:count]


def answer(made, question, threads):
    """What is printed, and the exit status."""
    got = run(question[0], made, *question[1:], "--format", "json", "--threads", str(threads),
              status=None)
    return got.status, got.stdout, got.stderr


def check(made, question, times=TIMES):
    first = answer(made, question, 1)
    assert first[0] in (0, 1), first
    for threads in THREADS * times:
        assert answer(made, question, threads) == first, "%s --threads %d" % (question, threads)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_of_the_heap(made, busy, question):
    check(made, question)


@pytest.mark.parametrize("question", OF_OBJECT, ids=" ".join)
def test_of_an_object(made, busy, question):
    check(made, [question[0], objects_of(made, "builtins.module", 1)[0]] + question[1:])


@pytest.mark.parametrize("more", DRAWN, ids=" ".join)
def test_of_a_picture(made, busy, more):
    for pattern in ("builtins.module", "builtins.dict"):
        check(made, ["graph", objects_of(made, pattern, 3)[1]] + more, DRAWINGS)
