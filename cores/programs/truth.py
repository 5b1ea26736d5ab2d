"""The truth about a process, written by its own fork in the instant before it dies.

A program calls die().  die() forks with a raw fork(2), so the child is a bit-identical copy of the
parent at that instant: same addresses, same generations, same reference counts.  The child
describes that heap and leaves; the parent, whose only acts after the fork are two foreign calls
that leave nothing behind, dies from the same Python frame.  So what the child writes is what the
core holds.

Rules that make "the same" exact, all kept in die():
 - ctypes.PyDLL calls keep the GIL and run no fork hook; fork(), abort() and pause() take no
   argument, so no argument tuple is alive inside them.
 - everything the child needs is imported, looked up or allocated before the fork, in both.
 - the child's first acts are in die()'s own frame (a deeper frame would be a tracked object up to
   3.6), in the order of what would disturb what: block count, gc count, reference counts, then the
   object lists.  What they allocate is known by id and taken out again.
 - static types are made ready before the fork, as looking at an object would else make them so.
 - no automatic collection can come between fork and death: settle() runs it before, if it is near.

Files, in the current directory:
 truth.json    see Taker in taker.py for its members
 tracked.bin   for each tracked object four little-endian u64: its address, its type's address,
               sys.getsizeof (2**64-1: it raised), generation (0 to 2; 9: this version cannot say)
 closure.bin   for each object of the closure, in address order, at most CLOSURE_CAP, two
               little-endian u64: its address, its type's address
 referents.bin for a sample of the closure (see taker.sample) little-endian u64: an object's address,
               the number n of its referents, the n addresses that gc.get_referents gave, in its order
 truth.error   a traceback instead of truth.json, if the child failed
 dying         the pid of the process that is about to die

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import gc
import os
import sys

import census
import settle
import taker

_libc = ctypes.PyDLL(None)
_fork = _libc.fork
_waitpid = _libc.waitpid
_getpid = _libc.getpid
_get_objects = gc.get_objects
_get_count = gc.get_count
_is_enabled = gc.isenabled
_disable = gc.disable
_blocks = getattr(sys, "getallocatedblocks", None)
_every_object = getattr(sys, "getobjects", None)
_has_generations = sys.version_info >= (3, 8)


def _stay():
    """For PYLEAK_DEATH=none: what the parent does instead of dying."""


def _death():
    """The parent's last call: PYLEAK_DEATH = abort (default), pause (wait to be dumped by gcore),
    none.  The file "dying" tells cores/make.py which process it will be."""
    with open("dying", "w") as out:
        out.write("%d\n" % os.getpid())
    how = os.environ.get("PYLEAK_DEATH", "abort")
    return _stay if how == "none" else getattr(_libc, how)


def crash():
    """Die without truth."""
    _death()()


def die(known=None, marked=None, closure=True, also=()):
    """Write the truth and die; returns only under PYLEAK_DEATH=none.

    known: a JSON-able dict, copied into truth.json as "known": what the program itself knows of its
    heap. marked: {name: object}; each gets a row with its address, type, reference count, size and
    repr. closure: False leaves out the transitive closure (for heaps of millions of objects). also:
    functions that the child calls at last; they may write files of their own.
    """
    death = _death()
    census.ready_types()
    take = taker.Taker(known or {}, marked or {}, closure, also)
    read_refcounts = take.read_refcounts
    describe = take.describe
    read_refcounts()
    _getpid()
    _waitpid(-1, None, 0)
    settle.settle()
    if _fork() == 0:
        blocks = _blocks and _blocks()
        count = _get_count()
        enabled = _is_enabled()
        _disable()
        read_refcounts()
        every = _every_object and _every_object(0)
        if _has_generations:
            generations = [None, None, None]
            generations[2] = _get_objects(2)
            generations[1] = _get_objects(1)
            generations[0] = _get_objects(0)
        else:
            generations = None
        objects = _get_objects()
        describe(blocks, count, enabled, every, generations, objects)
    _waitpid(-1, None, 0)
    death()
