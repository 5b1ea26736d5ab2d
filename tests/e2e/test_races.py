"""Every analysis with four threads under ThreadSanitizer: no race, and the answer that one thread gives.

For a build with SANITIZE=thread, which make test-full makes; no report is suppressed.
"""

import os
import re
import subprocess

import pytest

from support.pyleak import CHECKOUT, PYLEAK, TIMEOUT

ANALYSES = re.findall(r"^PL_ANALYSIS\((\w+)\)", (CHECKOUT / "cscan/analysis/analyses.def").read_text(), re.M)
OF_A_TYPE = {"instances", "referrers", "referents", "path"}
OF_AN_OBJECT = {"object", "graph"}
RACE = 66  # the exit status that ThreadSanitizer is asked for

pytestmark = pytest.mark.skipif(not PYLEAK.exists() or b"__tsan_init" not in PYLEAK.read_bytes(),
                                reason="needs a build with SANITIZE=thread")


@pytest.fixture(scope="module")
def made(core_of):
    """A heap of many arenas, so that each thread has its share of every pass."""
    return core_of("system", "big", args=["--objects", "100000"])


@pytest.fixture(scope="module")
def record(made):
    """The address of an object of the program's."""
    words = ["instances", "__main__.Record", "--limit", "1", "--format", "csv"]
    return re.search("0x[0-9a-f]+", answer(made, words, threads=1)).group()


def answer(made, words, threads):
    """What pyleak prints; a race is a failure."""
    command = [str(PYLEAK), *words, *made.options, "--threads", str(threads), str(made.path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
                          universal_newlines=True,
                          env=dict(os.environ, TSAN_OPTIONS="halt_on_error=1:exitcode=%d" % RACE))
    assert done.returncode == 0, (command, done.returncode, done.stderr[:8000])
    return done.stdout


@pytest.mark.parametrize("analysis", ANALYSES)
def test_four_threads_share_nothing_unguarded(made, record, analysis):
    words = [analysis, "--format", "json"]
    if analysis in OF_A_TYPE:
        words.append("__main__.Record")
    elif analysis in OF_AN_OBJECT:
        words.append(record)
    assert answer(made, words, threads=4) == answer(made, words, threads=1)
