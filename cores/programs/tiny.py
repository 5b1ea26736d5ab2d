"""A small core with one object of many kinds, for what reads the same core a thousand times.

Writes no truth and imports only modules that are built in, so that with -S the core is about as
small as that of an interpreter gets. Runs on Python 2.7 and 3.6 or newer.
"""

import _collections
import _functools
import _weakref
import posix
import sys

try:
    import _signal as signal
    import _thread as thread
except ImportError:
    import signal
    import thread


class Plain(object):
    pass


class Slotted(object):
    __slots__ = ("left", "right", "__weakref__")


class Dict(dict):
    pass


def closure(x):
    def inner(y=3):
        return x, y
    return inner


def generator():
    held = ["held"]
    yield held
    yield None


def waits(lock, ready):
    local = {"in": "a thread"}
    ready.release()
    with lock:
        del local


def failed():
    try:
        {}["missing"]
    except KeyError:
        return sys.exc_info()


def make():
    """One list that holds everything."""
    plain, slotted, suspended = Plain(), Slotted(), generator()
    plain.me, plain.name = plain, u"caf\xe9 \u4e2d \U0001f600"
    slotted.left, slotted.right = plain, (1, 2.5, 3j, None, 1 << 70, -7)
    next(suspended)
    return [
        plain, slotted, suspended, closure([1]), failed(), Dict(a=1), list(range(40)),
        {i: str(i) for i in range(20)}, {(1, 2), frozenset([3])}, _collections.deque(range(70), 99),
        _collections.defaultdict(list, a=[1]), _functools.partial(make, 1, two=2),
        _weakref.ref(plain, failed), _weakref.proxy(slotted), bytearray(b"bytes"), memoryview(b"view"),
        slice(1, 2), iter([1]), reversed([1]), enumerate("ab"), zip([1], [2]), property(make),
        staticmethod(make), classmethod(make), super(Slotted, slotted), plain.__init__, [].append,
    ]


def die(everything):
    """The end of cores/programs/truth.py without its truth: see there for the words."""
    with open("dying", "w") as out:
        out.write("%d\n" % posix.getpid())
    how = posix.environ.get(b"PYLEAK_DEATH", b"abort")
    if how == b"pause":
        signal.pause()
    elif how != b"none":
        posix.abort()


LOCK, READY = thread.allocate_lock(), thread.allocate_lock()
LOCK.acquire()
READY.acquire()
thread.stack_size(1 << 16)  # the whole of it is in the core
thread.start_new_thread(waits, (LOCK, READY))
READY.acquire()
die(make())
