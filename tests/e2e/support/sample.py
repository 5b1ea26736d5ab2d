"""What is tried thoroughly on a few interpreters every day, and on all with PYLEAK_FULL=1."""

import os

import matrix

# With the oldest C library here and the newest, stripped and not, of Python 2 and 3.
SAMPLE = {"system", "pyenv-2.7.18", "bullseye-3.9", "pyenv-3.12.1", "sid-3.15"}


def thorough(interpreter_id: str) -> bool:
    """Whether this run tries that interpreter thoroughly."""
    return (os.environ.get("PYLEAK_FULL") == "1"
            or interpreter_id.split(matrix.STRIPPED)[0] in SAMPLE)
