"""What is tried thoroughly on a few interpreters every day, and on all with PYLEAK_FULL=1."""

import matrix


def thorough(interpreter_id: str) -> bool:
    """Whether this run tries that interpreter thoroughly."""
    return matrix.full() or matrix.plain(interpreter_id) in matrix.sample()
