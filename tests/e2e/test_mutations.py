"""A thousand damaged cores: bits, words, pointers, counts and headers wrong in every combination.

build/fuzz/mutate (tests/fuzz/mutate.c) damages a small real core in memory, runs a dozen analyses
over it and holds each to the contract; here it is started on cores of several interpreters, and what
it says on a failure is passed on. PYLEAK_MUTATIONS=N: that many in all; PYLEAK_MUTATIONS_FROM=N:
numbers from N on, to see others than those of every day.
"""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

import matrix
from support.pyleak import PYLEAK

TOP = Path(__file__).resolve().parents[2]
MUTATE = PYLEAK.parent.parent / "fuzz" / "mutate"
MUTATIONS = int(os.environ.get("PYLEAK_MUTATIONS", "1000"))
FROM = int(os.environ.get("PYLEAK_MUTATIONS_FROM", "0"))
SECONDS = 3  # a mutation takes a tenth of that under the sanitizers; they share the processor


def load_bases():
    """tests/fuzz/bases.py, which knows the interpreters that serve."""
    spec = importlib.util.spec_from_file_location("bases", TOP / "tests" / "fuzz" / "bases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bases = load_bases()


@pytest.mark.parametrize("choice", bases.BASES, ids=lambda choice: choice[0])
def test_mutations(choice):
    try:
        base = bases.base(choice)
    except matrix.Missing as reason:
        pytest.skip(str(reason))
    count = max(MUTATIONS // len(bases.BASES), 1)
    done = subprocess.run([str(MUTATE), str(FROM), str(count)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60 + SECONDS * count,
                          env=dict(os.environ, PYLEAK_FUZZ_BASES=base))
    started = done.stdout.split(b"\n")
    numbers = [int(line) for line in started if line.isdigit()]
    assert done.returncode == 0, "PYLEAK_FUZZ_BASES=%s %s %d 1 ended with %d\n%s" % (
        base, MUTATE, numbers[-1] if numbers else -1, done.returncode,
        done.stderr.decode(errors="replace")[:4000])
    assert numbers == list(range(FROM, FROM + count))
