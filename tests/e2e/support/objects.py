"""All objects of a core, one by one."""

from functools import lru_cache
from typing import Dict

from support import pyleak
from support.cores import Core


def by_address(core: Core) -> Dict[int, dict]:
    """{address: row of `instances '*'`} of every live object; read once for each core."""
    return _by_address(core.path, tuple(core.options))


@lru_cache(maxsize=4)
def _by_address(path, options) -> Dict[int, dict]:
    result = pyleak.run("instances", path, *options, "*", "--format", "json", "--limit", "0")
    return {int(row["address"], 16): row for row in result.rows("instances")}
