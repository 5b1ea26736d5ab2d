"""What `triage` says of a core, and the deaths of cores/programs/deaths.py."""

import os
from functools import lru_cache
from typing import List

import make
import matrix

from support import pyleak
from support.cores import Core
from support.pyleak import Result

DEATHS = [recipe for recipe in make.recipes() if recipe.startswith("death-")]
LEAKS = [recipe for recipe in DEATHS if recipe.startswith("death-leak-")]
# Who makes the deaths of the tier "full" every day: with the oldest C library here and the newest,
# stripped and not.
SAMPLE = {"system", "pyenv-2.7.18", "bullseye-3.9", "pyenv-3.12.1", "sid-3.15"}
# Of tests/e2e/ext/deathext.c.
NEED_EXTENSION = {"death-null-member", "death-freed", "death-double-decref", "death-traverse",
                  "death-memory-error-pending", "death-unchecked-malloc", "death-fatal-no-memory",
                  "death-faulthandler-null-member", "death-faulthandler-freed"}


def is_due(interpreter_id: str, recipe_id: str) -> bool:
    """Whether the tests of every day make that core: all with PYLEAK_FULL=1."""
    return (interpreter_id.split(matrix.STRIPPED)[0] in SAMPLE
            or os.environ.get("PYLEAK_FULL") == "1" or not make.is_full_tier(recipe_id))


def triage(made: Core, *options: str) -> Result:
    """The answer to `triage` of a made core, as JSON, whatever its status: asked once, for the same
    core and options have the same answer."""
    return _triage(made.path, tuple(made.options), options)


@lru_cache(maxsize=None)
def _triage(path, known, options) -> Result:
    return pyleak.run("triage", path, *known, "--format", "json", *options, status=None)


def words(result: Result) -> List[str]:
    """The verdicts."""
    return [row["verdict"] for row in result.rows("verdict")]


def summary(result: Result, verdict: str) -> str:
    """The sentence of a verdict."""
    return [row["summary"] for row in result.rows("verdict") if row["verdict"] == verdict][0]


def evidence(result: Result, kind: str) -> List[str]:
    """The sentences of that kind."""
    return [row["text"] for row in result.rows("evidence") if row["kind"] == kind]


def signature(result: Result, kind: str) -> str:
    """The one signature of that kind."""
    found = [row["value"] for row in result.rows("signature") if row["kind"] == kind]
    assert len(found) == 1, result
    return found[0]
