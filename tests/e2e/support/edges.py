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


@lru_cache(maxsize=8)  # what the tests of one interpreter ask of
def _by_address(path, options) -> Dict[int, List[Edge]]:
    result = pyleak.run("referents", path, *options, "*", "--each", "--format", "csv", "--limit", "0")
    found: Dict[int, List[Edge]] = defaultdict(list)
    rows = csv.reader(io.StringIO(result.stdout))
    of = {name: at for at, name in enumerate(next(rows))}
    source, target, edge, kind, traversed = (of[name] for name in (
        "object", "address", "edge", "kind", "traversed"))
    for row in rows:
        found[int(row[source], 16)].append(
            Edge(int(row[target], 16), row[edge], row[kind], row[traversed] == "true"))
    return found
