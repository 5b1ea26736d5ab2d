"""What the collector itself would find in a process that is about to die: its own words, from
children of the process.

A program calls collected.die() in place of truth.die(). Two forks are made first, by truth.py's
rules; each is a copy of the heap that the core will hold, and collects before it does anything
else. One saves everything it finds (gc.DEBUG_SAVEALL), the other really frees. Then truth.die().
The parent itself collects nothing: what it was when they were forked is what the core holds. With
the automatic gc on, truth.json's gc.stats and collected.json's stats are equal if none came
between; tests look.

What the collector calls unreachable it prints on stderr, one line an object, before it runs a
finalizer or a callback: "collectable" or "uncollectable". These lines are the truth.

Files, in the current directory; each .bin holds addresses, little-endian u64, in ascending order:
 unreachable.bin      of all lines
 uncollectable.bin    of the "uncollectable" lines: legacy finalizers, and what hangs off them
 garbage-before.bin   in gc.garbage at death
 garbage-after.bin    new in gc.garbage after the collection that saved nothing
 saved.bin            new in gc.garbage after the collection that saved everything: the unreachable
                      without those that a finalizer or a callback brought back
 collected.json       returned (what gc.collect() gave when it saved everything), stats
                      (gc.get_stats() before, null if there is none), callbacks (their reprs)
 collected.error      a traceback, if a child failed; collector.log: the lines themselves

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import gc
import json
import os
import re
import struct
import sys
import traceback

import census
import settle
import truth

LOG = "collector.log"
LINE = re.compile(br"^gc: (collectable|uncollectable) <.*?(0x[0-9a-f]+)>$", re.MULTILINE)

_libc = ctypes.PyDLL(None)
_fork = _libc.fork
_waitpid = _libc.waitpid
_collect = gc.collect
_disable = gc.disable
_set_debug = gc.set_debug
_dup2 = os.dup2
_printing = gc.DEBUG_COLLECTABLE | gc.DEBUG_UNCOLLECTABLE
# Python 2 prints nothing without one of these for instances, one for the rest.
_printing |= getattr(gc, "DEBUG_INSTANCES", 0) | getattr(gc, "DEBUG_OBJECTS", 0)
_saving = _printing | gc.DEBUG_SAVEALL


def die(known=None, **others):
    """Ask the collector, write the truth and die; the arguments are those of truth.die()."""
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    nothing = os.open(os.devnull, os.O_WRONLY)
    before = _State()
    census.ready_types()
    _waitpid(-1, None, 0)
    settle.settle()
    if _fork() == 0:
        _disable()
        _dup2(log, 2)
        _set_debug(_saving)
        _leave(before.write_saved, _collect())
    _waitpid(-1, None, 0)
    if _fork() == 0:
        _disable()
        _dup2(nothing, 2)
        _set_debug(0)
        _leave(before.write_freed, _collect())
    _waitpid(-1, None, 0)
    truth.die(known, **others)


def _leave(write, returned):
    """Write and leave the process."""
    status = 1
    try:
        _set_debug(0)
        sys.stderr.flush()
        write(returned)
        status = 0
    except BaseException:
        with open("collected.error", "a") as out:
            traceback.print_exc(file=out)
    finally:
        os._exit(status)


class _State(object):
    """What was there before; in both children, as made before the fork."""

    def __init__(self):
        self.garbage = [id(one) for one in gc.garbage]
        self.stats = gc.get_stats() if hasattr(gc, "get_stats") else None
        self.callbacks = [repr(one) for one in getattr(gc, "callbacks", [])]

    def write_saved(self, returned):
        with open(LOG, "rb") as log:
            lines = LINE.findall(log.read())
        _write("unreachable.bin", (int(address, 16) for _, address in lines))
        _write("uncollectable.bin", (int(address, 16) for word, address in lines
                                     if word == b"uncollectable"))
        _write("garbage-before.bin", self.garbage)
        _write("saved.bin", self.new_garbage())
        with open("collected.json", "w") as out:
            json.dump({"returned": returned, "stats": self.stats, "callbacks": self.callbacks},
                      out, indent=1, sort_keys=True)

    def write_freed(self, _):
        _write("garbage-after.bin", self.new_garbage())

    def new_garbage(self):
        return set(id(one) for one in gc.garbage) - set(self.garbage)


def _write(name, addresses):
    with open(name, "wb") as out:
        for address in sorted(addresses):
            out.write(struct.pack("<Q", address))
