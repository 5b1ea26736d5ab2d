"""What `triage` says of a core, and the deaths of cores/programs/deaths.py."""

from functools import lru_cache
from typing import List

import make

from support import pyleak, sample
from support.cores import Core
from support.pyleak import Result

DEATHS = [recipe for recipe in make.recipes() if recipe.startswith("death-")]
LEAKS = [recipe for recipe in DEATHS if recipe.startswith("death-leak-")]
# Of tests/e2e/ext/deathext.c.
NEED_EXTENSION = {"death-null-member", "death-freed", "death-double-decref", "death-traverse",
                  "death-memory-error-pending", "death-unchecked-malloc", "death-fatal-no-memory",
                  "death-faulthandler-null-member", "death-faulthandler-freed"}


def is_due(interpreter_id: str, recipe_id: str) -> bool:
    """Whether this run makes that core: those of the tier "full" where it is thorough."""
    return sample.thorough(interpreter_id) or not make.is_full_tier(recipe_id)


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
