"""What the forked child of truth.die() does: turn the heap it was born with into truth.json and its
side files.

Everything here runs in the child only, except Taker() and one warming read_refcounts(), so it may
allocate at will; but it must look only at what was there before the fork.  Hence: what the taking
itself made is known by id (`own`) and left out; nothing new is ever stored where an old object
leads to it (no attributes, no module globals, no caches); and sizes and references are read before
anything is named, because naming a type interns strings.

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import gc
import json
import os
import struct
import sys
import traceback

import census

CLOSURE_CAP = 1000000
REFERENTS_OF_A_TYPE = 200
BATCH = 1000
REPR_CAP = 1000
WORD = 8

# With trace-refs up to 3.12 two list words come before the reference count.
_REFCOUNT_OFFSET = 2 * WORD if hasattr(sys, "getobjects") and sys.version_info < (3, 13) else 0
_BIGGEST_CACHED_INT = 1024 if sys.version_info >= (3, 15) else 256
_closure_record = struct.Struct("<2Q")
_word = struct.Struct("<Q")
_code_type = type((lambda: None).__code__)
_frame_type = type(sys._getframe())


class Taker(object):
    """What the child needs and must be there before the fork: see truth.die() for the arguments."""

    def __init__(self, known, marked, closure, also):
        self.known = known
        self.closure = closure
        self.also = also
        self.names = sorted(marked)
        self.marked = [marked[name] for name in self.names]
        self.addresses = [id(obj) for obj in self.marked]
        self.words = (ctypes.c_uint64 * len(self.names))()
        self.words_address = ctypes.addressof(self.words)

    def read_refcounts(self):
        """Copy the reference count words out of memory, holding no reference to the objects."""
        target = self.words_address
        for address in self.addresses:
            ctypes.memmove(target, address + _REFCOUNT_OFFSET, WORD)
            target += WORD

    def describe(self, blocks, count, enabled, every, generations, objects):
        """Write the files and leave the process; the arguments are what truth.die() gathered, in
        that order."""
        status = 1
        try:
            own = set(map(id, [blocks, count, every, generations, objects] + (generations or [])))
            own.update(id(number) for number in count if number > _BIGGEST_CACHED_INT)
            own.discard(id(None))
            truth = self._truth(own, blocks, count, enabled, every, generations, objects)
            with open("truth.json.tmp", "w") as out:
                json.dump(truth, out, indent=1, sort_keys=True)
            for function in self.also:
                function()
            os.rename("truth.json.tmp", "truth.json")
            status = 0
        except BaseException:
            with open("truth.error", "w") as out:
                traceback.print_exc(file=out)
        finally:
            os._exit(status)

    def _truth(self, own, blocks, count, enabled, every, generations, objects):
        tracked = census.tracked_rows(own, generations, objects)
        closure = None
        if self.closure:
            seen = reachable(own, objects)
            write_referents(sample(seen, self.addresses))
            closure = closure_rows(seen)
        return {
            "python": describe_python(),
            "gc": describe_gc(enabled, count),
            "allocated_blocks": blocks,
            "tracked": census.listed(tracked),
            "closure": closure and {"count": sum(row["count"] for row in closure.values()),
                                    "rows": census.listed(closure)},
            "marked": self._marked(),
            "known": self.known,
            "trace_refs": every and census.listed(trace_refs_rows(own, every)),
            "taker_pid": os.getpid(),
        }

    def _marked(self):
        """Rows {name, address, type, type_address, refcount, refcount_word, size, tracked, repr};
        the repr is cut, and null if it raised.

        refcount_word is the 8 bytes at the reference count; refcount is what this version reads as
        the count (3.14+: the low half), so for an immortal object it is a big constant.  Both mean
        nothing of None and the small ints, to which the taking itself refers.  refcount is null in
        a free-threaded build, whose counts are spread over the object.
        """
        return [{
            "name": name, "address": census.hex_address(id(obj)),
            "type": census.type_name(type(obj)),
            "type_address": census.hex_address(id(type(obj))),
            "refcount_word": census.hex_address(word),
            "refcount": count_of(word),
            "size": census.size_of(obj), "tracked": gc.is_tracked(obj), "repr": repr_of(obj),
        } for name, obj, word in zip(self.names, self.marked, self.words)]


def count_of(word):
    """What this version reads as the reference count, from the 8 bytes there."""
    if "t" in getattr(sys, "abiflags", ""):
        return None
    return word & 0xffffffff if sys.version_info >= (3, 14) else word


def reachable(own, objects):
    """{id: object} of everything that gc.get_referents reaches from the tracked objects, the
    running frames, the types of what is reached and the constants of code: a lower bound of what
    lives."""
    seen = {}
    todo = list(objects) + running_frames()
    while todo:
        fresh = []
        for obj in todo:
            if id(obj) not in seen and id(obj) not in own:
                seen[id(obj)] = obj
                fresh.append(obj)
        todo = []
        for start in range(0, len(fresh), BATCH):
            batch = fresh[start:start + BATCH]
            todo.extend(gc.get_referents(*batch))
            todo.extend(map(type, batch))
            for obj in batch:
                if type(obj) is _code_type:
                    todo.extend(code_parts(obj))
    return seen


def sample(seen, addresses):
    """At most REFERENTS_OF_A_TYPE of the objects of each type, evenly spread over their addresses,
    and those at `addresses`."""
    by_type = {}
    for address in sorted(seen):
        by_type.setdefault(id(type(seen[address])), []).append(seen[address])
    chosen = [seen[address] for address in addresses if address in seen]
    for members in by_type.values():
        chosen.extend(members[::1 + (len(members) - 1) // REFERENTS_OF_A_TYPE])
    return chosen


def write_referents(objects):
    """referents.bin: see truth.py. The frame of die() is left out: it runs on, here and there."""
    written = set()
    with open("referents.bin", "wb") as out:
        for obj in objects:
            if id(obj) in written or is_die(obj):
                continue
            written.add(id(obj))
            referents = gc.get_referents(obj)
            for word in [id(obj), len(referents)] + [id(one) for one in referents]:
                out.write(_word.pack(word))


def is_die(obj):
    return type(obj) is _frame_type and obj.f_code.co_name == "die"


def closure_rows(seen):
    """Rows over what reachable() found. Writes closure.bin."""
    rows = {}
    for obj in seen.values():
        census.add_row(rows, type(obj), census.size_of(obj))
    with open("closure.bin", "wb") as out:
        for address in sorted(seen)[:CLOSURE_CAP]:
            out.write(_closure_record.pack(address, id(type(seen[address]))))
    return rows


def trace_refs_rows(own, every):
    """Rows over sys.getobjects(0): all objects that a trace-refs build knows, with the module sys,
    which Python 3's getobjects() leaves out as being its own `self`."""
    rows = {}
    listed_sys = [obj for obj in every if obj is sys]
    for obj in every + ([] if listed_sys else [sys]):
        if id(obj) not in own:
            census.add_row(rows, type(obj), census.size_of(obj))
    return rows


def repr_of(obj):
    """repr(), cut after REPR_CAP characters; None if that raises."""
    try:
        return repr(obj)[:REPR_CAP]
    except Exception:
        return None


def code_parts(code):
    """What a code object surely holds and hands out without making new objects (3.11+ builds
    co_varnames)."""
    parts = [code.co_consts, code.co_names, code.co_filename, code.co_name]
    parts.extend(code.co_consts)
    parts.extend(code.co_names)
    return parts


def running_frames():
    """Frame objects of every thread's stack as the parent has them; none from 3.11 on, where
    looking makes them."""
    if sys.version_info >= (3, 11):
        return []
    innermost = sys._getframe()
    tops = [frame for frame in sys._current_frames().values() if frame is not innermost]
    while innermost.f_code.co_name != "die":
        innermost = innermost.f_back
    frames = []
    for frame in [innermost] + tops:
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
    return frames


def describe_python():
    flavour = [name for name, present in (
        ("debug", hasattr(sys, "gettotalrefcount")),
        ("trace-refs", hasattr(sys, "getobjects")),
        ("free-threaded", "t" in getattr(sys, "abiflags", "")),
    ) if present]
    return {
        "version": "%d.%d.%d" % sys.version_info[:3], "full_version": sys.version,
        "hexversion": sys.hexversion,
        "flavour": flavour or ["release"], "maxsize": sys.maxsize, "maxunicode": sys.maxunicode,
        "implementation": getattr(getattr(sys, "implementation", None), "name", "cpython"),
        "executable": sys.executable, "argv": sys.argv, "malloc": os.environ.get("PYTHONMALLOC"),
        "threads": len(sys._current_frames()),
    }


def describe_gc(enabled, count):
    """The collector's state; count and enabled are of the instant of the fork, and nothing is
    collected after it."""
    garbage = {}
    for obj in gc.garbage:
        census.add_row(garbage, type(obj), census.size_of(obj))
    return {
        "enabled": enabled, "debug": gc.get_debug(), "threshold": gc.get_threshold(),
        "count": count,
        "stats": gc.get_stats() if hasattr(gc, "get_stats") else None,
        "garbage": {"count": len(gc.garbage), "rows": census.listed(garbage)},
        "frozen": gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else None,
        "callbacks": len(gc.callbacks) if hasattr(gc, "callbacks") else None,
    }
