"""Dead cycles through the types of the extension module ringext (tests/e2e/ext/ringext.c), which
must be on PYTHONPATH: the collector sees some of these cycles, and others not.

known["rings"] as of rings.py, with the reason why a cycle stays: "legacy tp_del", "tp_traverse
omits", "not a gc type", "not tracked", "held from C", or null. A null state: not unreachable, or
not at once.

Runs on Python 2.7 and 3.6 or newer.
"""

import gc
import sys

import ringext

import collected

PY3 = sys.version_info[0] >= 3
HEAP_VISITED = sys.version_info >= (3, 9)
RINGS = {}


class Plain(object):
    pass


def note(name, objects, state="unreachable", reason=None, finalizer=None):
    RINGS[name] = {"addresses": ["%#x" % id(one) for one in objects], "state": state,
                   "finalizer": finalizer, "reason": reason}


def ring(cls, field):
    """A Plain and a cls that hold each other, cls in one of its two fields."""
    one, two = Plain(), cls()
    one.held = two
    setattr(two, field, one)
    return one, two


def make_static():
    for field in ("first", "second"):
        note("Complete." + field, ring(ringext.Complete, field))
        note("NoGC." + field, ring(ringext.NoGC, field)[:1], "held", "not a gc type")
        if PY3:
            note("Finalized." + field, ring(ringext.Finalized, field), finalizer="tp_finalize")
        # A static type's tp_del is nothing to Python 2's collector.
        note("Legacy." + field, ring(ringext.Legacy, field),
             reason="legacy tp_del" if PY3 else None, finalizer="legacy tp_del" if PY3 else None)
    note("Partial.first", ring(ringext.Partial, "first"))
    note("Partial.second", ring(ringext.Partial, "second"), "held", "tp_traverse omits")


def make_tails():
    """Hanging off a dead cycle."""
    one = Plain()
    one.me, one.partial = one, ringext.Partial()
    one.partial.second = tail = Plain()
    note("tail that Partial hides", [tail], None)  # freed with what holds it
    note("cycle before it", [one, one.partial])
    two = ringext.Complete()
    two.first, two.second = two, Plain()
    note("tail that Complete shows", [two, two.second])


def make_taken():
    one = Plain()
    one.me = one
    ringext.take(one)
    note("taken", [one], "held", "held from C")
    two = []
    two.append(two)
    ringext.untrack(two)
    note("untracked", [two], "held", "not tracked")


def make_heap():
    """Instances of types that die with them: each type is in a cycle of its own anyway."""
    for name in ("Heap", "Forgetful"):
        cls = ringext.make_type(name)
        one = cls()
        one.first = one
        # Before 3.9 the instance of such a type does not visit it, be it as its author wants.
        seen = name == "Heap" and HEAP_VISITED
        note(name + " instance", [one])
        # An unseen one can be found dead when its instance has been freed, not before.
        note(name + " type", [cls], "unreachable" if seen else None)


gc.disable()
make_static()
make_tails()
make_taken()
if PY3:
    make_heap()
collected.die({"rings": RINGS})
