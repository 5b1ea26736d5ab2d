"""Fixtures of the synthetic tests: the binary, run on files that are written byte by byte."""

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

BUILD = Path(os.environ.get("PYLEAK_BUILD", HERE.parents[1] / "build"))
# No input of these tests may keep pyleak longer; it is far above what the slowest needs.
TIMEOUT = 20


class Run:
    """status, stdout, stderr (text) of a run; errors: the lines on stderr that are no hint."""

    def __init__(self, status: int, stdout: str, stderr: str):
        self.status, self.stdout, self.stderr = status, stdout, stderr

    @property
    def errors(self) -> List[str]:
        return [line for line in self.stderr.splitlines() if line.startswith("pyleak: ")]

    def __repr__(self) -> str:
        return "<%d\n%s\n%s>" % (self.status, self.stdout[-2000:], self.stderr[-4000:])


@pytest.fixture
def pyleak():
    """pyleak(analysis, path, *options) -> Run; skips the test if nothing is built."""
    binary = BUILD / "bin" / "pyleak"
    if not binary.exists():
        pytest.skip("%s is not built: make" % binary)

    def run(analysis: str, path, *options: str, stdin: bytes = b"") -> Run:
        done = subprocess.run([str(binary), analysis, *options, str(path)], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        # strict: not a byte of the file may reach the user unescaped
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())
    return run
