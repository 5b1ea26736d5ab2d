"""Dies inside a collection; the argument says where.

    start      gc.callbacks, before anything is moved (3.3+)
    stop       gc.callbacks, after everything is put back (3.3+)
    finalizer  a __del__ that the collector calls: the unreachable objects are on a list of the
               collector's own (3.4+)
    weakref    a callback of a weak reference to an unreachable object, before any finalizer
    clear      the release of an object while the collector breaks cycles, some already broken

What gc.get_objects() says at that instant is the truth on "tracked", as ever.  known["in_flight"]:
objects that are then on no generation's list but alive (finalizer and weakref; for clear, at most
so many).
"""

import gc
import sys
import weakref

import truth

WHERE = sys.argv[1]
UNREACHABLE = 300


class Node(object):
    peer = None


class Dying(object):
    def __del__(self):
        die()


class Resource(object):
    """Not part of a cycle: released when the cycle that holds it is broken."""
    __slots__ = ()

    def __del__(self):
        die()


def die():
    truth.die(known={"where": WHERE, "in_flight": {"__main__.Node": UNREACHABLE}})


def on_gc(phase, _):
    if phase == WHERE:
        die()


def make_unreachable():
    """Cycles of two Nodes; returns one object of the first for the caller to hang its trap on."""
    nodes = [Node() for _ in range(UNREACHABLE)]
    for one, two in zip(nodes[::2], nodes[1::2]):
        one.peer = two
        two.peer = one
    return nodes[0]


def set_trap(node):
    """Returns what must stay alive for the trap to spring."""
    if WHERE in ("start", "stop"):
        gc.callbacks.append(on_gc)
    elif WHERE == "weakref":
        return weakref.ref(node, lambda _: die())
    elif WHERE == "finalizer":
        node.dying = Dying()
        node.dying.back = node
    elif WHERE == "clear":
        node.resource = [Resource()]
    else:
        raise SystemExit("unknown place: " + WHERE)


KEPT = [Node() for _ in range(100)]
gc.collect()
gc.disable()
trap = set_trap(make_unreachable())
gc.enable()
gc.collect()
raise SystemExit("survived the collection")
