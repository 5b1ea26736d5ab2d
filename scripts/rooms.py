"""The plan of cscan/: which rooms there are and who may reach whom.

A file belongs to the room that its folder is: "heap", or a wing of one, "object/decode". An arrow
is an #include or, in the built objects, a symbol that one file leaves open and another defines.
check_rooms.py judges the first kind, check_symbols.py the second, both by this table.
"""

import os
from typing import Dict, FrozenSet, List, Optional

# room -> rooms that it may reach, besides its own
ROOMS = {
    "base": "",
    "machine": "base",
    "image": "base machine",
    "layout": "base machine image",
    "heap": "base machine image layout",
    "object": "base machine image layout heap",
    "graph": "base",
    "session": "base machine image layout heap object graph",
    "analysis": "base machine image layout heap object graph session",
    "report": "base",
    "api": "base machine image layout heap object graph session analysis report include",
    "cli": "include",
    "include": "",
}

# wing -> what it may reach of its own room, besides itself; the face is the room's own folder.
# A name with a file in it, "analysis/triage/say", allows that file alone.
WINGS = {
    # The face knows types and interpreters; how the table is filled it does not call.
    "object": "object/types object/value object/roots object/frames object/list/listing",
    "object/value": "object",
    "object/traverse": "",
    "object/types": "object object/value object/traverse",
    "object/list": "object object/types object/value object/roots",
    # edges.c hands an object to the decoder of its row.
    "object/edges": "object object/types object/value object/traverse object/repr object/decode",
    "object/decode": "object object/types object/value object/traverse object/edges object/frames",
    "object/repr": "object object/types object/value",
    "object/frames": "object object/types object/value object/edges",
    "object/roots": "object object/types object/value object/edges object/frames",
    "object/native": "object object/types object/edges",
    # registry.c has the rows of all analyses: nobody else knows a verb.
    "analysis": "analysis/verb analysis/triage/triage",
    "analysis/verb": "analysis analysis/search analysis/spell analysis/stacks",
    "analysis/search": "analysis/spell",
    "analysis/spell": "analysis",
    "analysis/stacks": "analysis",
    "analysis/triage": "analysis analysis/death analysis/search analysis/spell",
    "analysis/death": "analysis/triage/say analysis/stacks analysis/spell",
}

# Rooms whose files never know each other: one decoder, one verb to a file.
APART = ("object/decode", "analysis/verb")
# The enumerators of heap/, by how their files' names begin; arenas are pymalloc's.
HEAP_PARTS = {"pymalloc": "pymalloc", "pool": "pymalloc", "arenas": "pymalloc",
              "mimalloc": "mimalloc", "glibc": "glibc"}

# Circles of files that are one thing by nature: each is a set of files, named by how they begin.
CIRCLES = (
    "object/repr/",  # a printer that recurs through containers
)


def room(path: str) -> str:
    """The room or wing that a file of cscan/ is in: its folder, or that of a folder of data."""
    folder = os.path.dirname(path)
    return folder if folder in ROOMS or folder in WINGS else os.path.dirname(folder) or folder


def stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def allowed(source: str, target: str) -> bool:
    """May the file source reach the file target? Both as paths from cscan/, known rooms."""
    own, other = room(source), room(target)
    top, other_top = own.split("/")[0], other.split("/")[0]
    if own == other:
        return True
    if top != other_top:
        return other_top in ROOMS.get(top, "").split()
    names = WINGS.get(own, "").split()
    return other in names or os.path.splitext(target)[0] in names


def apart(source: str, target: str, with_code: FrozenSet[str]) -> bool:
    """Are these two files of one room that must not know each other? with_code: the paths of all
    .c files; a header without code beside it is everybody's."""
    if room(source) != room(target) or stem(source) == stem(target):
        return False
    if room(source) in APART:
        return os.path.splitext(target)[0] + ".c" in with_code
    if room(source) == "heap":
        own, other = heap_part(source), heap_part(target)
        return bool(own and other and own != other)
    return False


def heap_part(path: str) -> Optional[str]:
    """The enumerator that a file of heap/ is of, or None: it is everybody's."""
    return next((part for begin, part in HEAP_PARTS.items() if stem(path).startswith(begin)), None)


def known_circle(files: List[str]) -> bool:
    """Is a circle of files (paths without suffix) one that CIRCLES allows?"""
    return any(all(any(f.startswith(begin) for begin in circle.split()) for f in files)
               for circle in CIRCLES)


def circles(arrows: Dict[str, Dict[str, str]]) -> List[List[str]]:
    """The strongly connected components of more than one file, each sorted."""
    reach: Dict[str, set] = {}
    for start in arrows:
        seen, todo = set(), list(arrows[start])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo.extend(arrows.get(at, ()))
        reach[start] = seen
    found = {tuple(sorted(other for other in reach[f] if f in reach.get(other, ())))
             for f in arrows if f in reach[f]}
    return sorted(list(circle) for circle in found if len(circle) > 1)
