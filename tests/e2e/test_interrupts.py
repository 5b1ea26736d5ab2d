"""Every analysis cancelled at points all along its way: it ends soon, and the next run in the same
session gives the whole answer.

With PYLEAK_FULL=1 at 14 points on a million objects, else at two on a core of some hundred
thousand. That is the library's business and no interpreter's, so one interpreter does.
"""

import os
import threading
import time

import pytest

from pyleak_gdb.lib.binding import Handle, Library, Target
from support.session import LIBRARY

FULL = os.environ.get("PYLEAK_FULL") == "1"
INTERPRETER = "system"
RECIPE, TYPE = ("big", "__main__.Record") if FULL else ("leak", "__main__.Session")
POINTS = 14 if FULL else 2
CANCELLED = 130
# Seconds of processor time, of all threads together, from the cancel to the end of the run. 0.2 s
# are promised; five times that leaves room for slow machines and sanitizers, and what else runs on
# the machine does not count. What does not look at cancel takes as long as it takes.
MOST = 1.0
# A run of less than this may well be over before it is cancelled.
LONG_ENOUGH = 0.2

ANALYSES = [
    ["info"], ["types"], ["gc"], ["roots"], ["threads"], ["cycles"], ["cycles", "--objects"],
    ["uncollectable"], ["refcounts"], ["triage"], ["object", "ADDRESS"],
    ["instances", "*", "--limit", "1000", "--sort", "size"],
    ["instances", "*", "--limit", "1000", "--sort", "-refcount"],
    ["instances", TYPE, "--limit", "0", "--format", "json"],
    ["referents", TYPE], ["referents", "ADDRESS"], ["referrers", TYPE], ["referrers", "ADDRESS"],
    ["path", TYPE], ["path", TYPE, "--without", ".attr"], ["path", "ADDRESS", "--count", "5"],
    ["path", "ADDRESS", "--without", "[*]"], ["path", TYPE, "--via", "[7]"],
    ["graph", "ADDRESS"], ["graph", "ADDRESS", "--chain"]]


@pytest.fixture(scope="module")
def made(interpreter, core_of):
    if interpreter != INTERPRETER:
        pytest.skip("interrupts are tried on the core of %s alone" % INTERPRETER)
    if not LIBRARY.exists():
        pytest.skip("build/lib/libpyleak.so is not built: make")
    return core_of(interpreter, RECIPE)


@pytest.fixture
def opened(made):
    """opened() -> a new handle, of which nothing is known yet; closed at the end."""
    options = dict(zip(made.options[::2], made.options[1::2]))
    target = Target(str(made.path), options["--exe"], options.get("--sysroot"),
                    options.get("--debug-dir"))
    library = Library(str(LIBRARY))
    handles = []

    def new():
        while handles:
            handles.pop().close()
        handles.append(Handle(library, target))
        handles[0].configure()
        return handles[0]

    yield new
    while handles:
        handles.pop().close()


def run_and_cancel(handle, words, after):
    """(result, processor time from the cancel on, or None when the run was over before); the cancel
    comes when the run has used so much processor time."""
    results = []
    began = time.process_time()
    thread = threading.Thread(target=lambda: results.append(handle.run(words)))
    thread.start()
    while thread.is_alive() and time.process_time() - began < after:
        time.sleep(0.001)
    over = not thread.is_alive()
    cancelled = time.process_time()
    while thread.is_alive():
        handle.cancel()
        thread.join(0.005)
    return results[0], None if over else time.process_time() - cancelled


def test_every_analysis_is_tried():
    assert {words[0] for words in ANALYSES} == set(Library(str(LIBRARY)).analyses())


@pytest.mark.parametrize("words", ANALYSES, ids=" ".join)
def test_cancelled_anywhere(opened, words):
    first = opened().run(["instances", TYPE, "--limit", "1", "--format", "csv"])
    address = "0x" + first.output.split("0x", 1)[1].split(",")[0].strip('"\n')
    words = [address if word == "ADDRESS" else word for word in words]
    handle = opened()
    before = time.process_time()
    whole = handle.run(words)
    took = time.process_time() - before
    assert whole.status in (0, 1), whole.error
    hits = 0
    for point in range(POINTS):
        handle = opened()
        result, late = run_and_cancel(handle, words, (point + 0.5) / POINTS * took)
        assert result.status in (CANCELLED, whole.status), (point, result.error)
        assert late is None or late < MOST, (point, late)
        hits += result.status == CANCELLED
        assert handle.run(words) == whole, point
    assert hits > 0 or took < LONG_ENOUGH, took
