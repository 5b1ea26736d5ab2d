"""Instances of the types of the extension module visitext (tests/e2e/ext/visitext.c), compiled in
the ways whose folders PYLEAK_VISITEXT lists, and what gc.get_referents() says of them.

truth.json's "known" is {"held": [{"how", "type", "address", "held": [addresses], "visited": [which
of them gc.get_referents gave], "class"}]}; "class" says whether it gave the class.
"""

import gc
import os
import sys

import truth

PLACES = 10
KEEP = []
HELD = []


def address_of(obj):
    return hex(id(obj)).rstrip("L")


def note(how, name, obj, marks):
    seen = set(map(id, gc.get_referents(obj)))
    HELD.append({"how": how, "type": name, "address": address_of(obj),
                 "held": [address_of(mark) for mark in marks],
                 "visited": [id(mark) in seen for mark in marks],
                 "class": id(type(obj)) in seen})


def hold(how, name, cls):
    marks = [[how, name, number] for number in range(PLACES)]
    obj = cls(*marks)
    KEEP.append((obj, marks))
    note(how, name, obj, marks)


def hold_all(folder):
    sys.modules.pop("visitext", None)
    sys.path.insert(0, folder)
    import visitext
    sys.path.pop(0)
    how = os.path.basename(folder)
    for name in sorted(vars(visitext)):
        cls = getattr(visitext, name)
        if not isinstance(cls, type):
            continue
        hold(how, name, cls)

        class Mine(cls):
            pass
        hold(how, "Mine of " + name, Mine)
    if hasattr(visitext, "keep"):
        marks = [["seen"], ["unseen"]]
        visitext.keep(*marks)
        note(how, "module", visitext, marks)
    KEEP.append(visitext)


for each in os.environ["PYLEAK_VISITEXT"].split(os.pathsep):
    hold_all(each)
truth.die(known={"held": HELD})
