"""Dies full of dead cycles; the argument says when they died.

    young     never collected since
    old       alive through three full collections, then let go of: in the oldest generation
    pending   the gc on, but they were moved to the oldest generation when far fewer than a quarter
              of its objects, so no full collection came (the rule of 2.7 to 3.13)
    zero      the gc on, its first threshold 0
    frozen    frozen by gc.freeze() and then let go of, and as many that died after it (3.7+)
    garbage   some in gc.garbage, by an earlier collection

known["rings"]: {name: {"addresses": [...], "state", "finalizer"}}; state: unreachable, garbage,
frozen, held or reachable; addresses: some members; finalizer: see ringmakers.py.  Among them rings
that are not dead: held by one reference that C code has, by a module's global, by a frame of a
sleeping thread.

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import gc
import sys
import threading

import collected
import ringframes
import ringmakers

MOMENT = sys.argv[1]
LONG_LIVED = 60000
YOUNGER = 15
RINGS = {}
GLOBAL = []
FILLING = []


def note(name, objects, state, finalizer):
    RINGS[name] = {"addresses": ["%#x" % id(one) for one in objects], "state": state,
                   "finalizer": finalizer}


def make(state, suffix=""):
    """One ring of each kind; returns what keeps them alive."""
    keep = []
    for name, maker, finalizer in ringmakers.MAKERS:
        objects = maker()
        note(name + suffix, objects, state, finalizer)
        keep.append(objects)
    return keep


def plain():
    one = ringmakers.Plain()
    one.me = one
    return one


def make_alive():
    one = plain()
    GLOBAL.append(one)
    note("module global", [one], "reachable", None)
    phoenix = ringmakers.Phoenix()
    del phoenix
    GLOBAL.append(ringmakers.Phoenix.ashes.pop())
    note("resurrected", [GLOBAL[-1]], "reachable", "finalized" if ringmakers.PY3 else "legacy")
    if "t" in getattr(sys, "abiflags", ""):
        return  # 3.13's first thread would make every function and class immortal
    started, forever = threading.Event(), threading.Event()
    thread = threading.Thread(target=sleep, args=(started, forever))
    thread.daemon = True
    thread.start()
    started.wait()


def sleep(started, forever):
    one = plain()
    note("sleeping frame", [one], "reachable", None)
    started.set()
    forever.wait()


def make_held():
    """Kept by a reference count of which no word tells, and by a word of C memory."""
    one = plain()
    note("counted only", [one], "held", None)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))
    two = plain()
    note("in C memory", [two], "held", None)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(two))
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    block = libc.malloc(64)
    ctypes.memset(block, 0, 64)
    ctypes.cast(block, ctypes.POINTER(ctypes.c_void_p))[3] = id(two)
    # Its list counts one reference less than there are words for it, where a generator borrows.
    three = ringframes.generator_in_call()
    note("counted only, borrowed by a generator", three[:2], "held", None)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(three[0]))


def make_garbage():
    """A class with __del__ is enough for Python 2; others need DEBUG_SAVEALL."""
    one = ringmakers.with_del()
    note("saved", one[:2], "garbage", ringmakers.DEL)
    two = ringmakers.tail()
    note("saved tail", two[:2], "garbage", None)
    del one, two
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    gc.garbage[:] = [one for one in gc.garbage
                     if type(one) in (ringmakers.WithDel, ringmakers.Plain)]


def hang_off_frozen(keep):
    """A ring that was never frozen, held by one that was."""
    one = plain()
    keep[0][0].later = one
    note("held by a frozen one", [one], "frozen", None)


def make_others():
    make_held()
    scrub()
    make_alive()


def scrub(depth=250):
    """Overwrite what ended calls left in the memory of frames, which the next calls get: in a
    running frame's unused part it looks like more of its operands."""
    if depth:
        max(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, scrub(depth - 1))
    return 0


def main():
    gc.disable()
    if MOMENT == "garbage":
        gc.collect()
        make_garbage()
    if MOMENT == "pending":
        FILLING.extend([[] for _ in range(LONG_LIVED)])
        gc.collect()
    keep = make("frozen" if MOMENT == "frozen" else "unreachable")
    if MOMENT != "frozen":
        make_others()
    if MOMENT == "old":
        for _ in range(3):
            gc.collect()
    elif MOMENT == "pending":
        for _ in range(YOUNGER):  # so many that a full one would be due
            gc.collect(1)
    elif MOMENT == "frozen":
        gc.freeze()
        hang_off_frozen(keep)
    del keep
    if MOMENT == "frozen":
        make("unreachable", ", after")
        make_others()
    if MOMENT in ("pending", "zero"):
        if MOMENT == "zero":
            gc.set_threshold(0)
        gc.enable()
    scrub()
    collected.die({"rings": RINGS})


main()
