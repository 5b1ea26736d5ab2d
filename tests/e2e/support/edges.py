"""All references of a core, one by one."""

import csv
import io
from collections import defaultdict
from functools import lru_cache
from typing import Dict, List, NamedTuple

from support import pyleak
from support.cores import Core


class Edge(NamedTuple):
    target: int
    edge: str
    kind: str
    traversed: bool


def by_address(core: Core) -> Dict[int, List[Edge]]:
    """{address: edges, in pyleak's order} of every live object; read once for each core."""
    return _by_address(core.path, tuple(core.options))


@lru_cache(maxsize=2)
def _by_address(path, options) -> Dict[int, List[Edge]]:
    result = pyleak.run("referents", path, *options, "*", "--each", "--format", "csv", "--limit", "0")
    found: Dict[int, List[Edge]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(result.stdout)):
        found[int(row["object"], 16)].append(
            Edge(int(row["address"], 16), row["edge"], row["kind"], row["traversed"] == "true"))
    return found
