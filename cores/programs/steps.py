"""Objects that several chains of references lead to, for the options of `path`, and a list of MANY
objects that all hold one.

truth.json's "known" is {"targets": {name: {"address", "chains"}}, "many": MANY, "hub": address,
"item": [index, address]}.  A chain is a list of steps, each {"labels", "type"}: the names of all
the references that lead from one object to the next, in the order of their making, and the type of
the object that they come from.  The first object is the namespace of __main__, whose type is left
out, as is the __dict__ that some versions keep attributes in.  No other chain leads there.
"""

import threading

import truth

MANY = 100000
LIST_TYPE = "%s.list" % list.__module__
DICT_TYPE = "%s.dict" % dict.__module__
TARGETS = {}


class Holder(object):
    """Has attributes."""


class Other(object):
    """So has this."""


class Slotted(object):
    __slots__ = ("a", "b")


class Item(object):
    __slots__ = ("hub",)


class Target(object):
    """What is looked for."""


class Twice(object):
    """What has one chain, whose last step has two names."""


def target(name, *chains):
    """A new object; chains: pairs of labels and a type, separated by spaces, each a step."""
    made = (Twice if name.startswith("twice") else Target)()
    TARGETS[name] = {"address": hex(id(made)).rstrip("L"), "chains": [
        [{"labels": labels.split(), "type": type} for labels, type in chain] for chain in chains]}
    return made


TWICE = Holder()
TWICE.a = TWICE.b = target("twice", [(".TWICE", None), (".a .b", "__main__.Holder")])
SLOTS = Slotted()
SLOTS.a = SLOTS.b = target("twice in slots", [(".SLOTS", None), (".a .b", "__main__.Slotted")])
LIST = [None, None]
LIST[0] = LIST[1] = target("twice in a list", [(".LIST", None), ("[0] [1]", LIST_TYPE)])

OUTER = Holder()
OUTER.inner = Other()
TABLE = {}
WAY = Slotted()
ROW = [0]
ROW.append(target(
    "many ways",
    [(".ROW", None), ("[1]", LIST_TYPE)],
    [(".WAY", None), (".b", "__main__.Slotted")],
    [(".TABLE", None), ("['key']", DICT_TYPE)],
    [(".OUTER", None), (".inner", "__main__.Holder"), (".deep", "__main__.Other")]))
WAY.b = TABLE["key"] = OUTER.inner.deep = ROW[1]

DEEP = [target("deep", [(".DEEP", None)] + [("[0]", LIST_TYPE)] * 40)]
for _ in range(39):
    DEEP = [DEEP]

NEAR = target("near and far", [(".NEAR", None)], [(".FAR", None)] + [("[0]", LIST_TYPE)] * 3)
FAR = [[[NEAR]]]


ITEMS = []
KNOWN = {"targets": TARGETS, "many": MANY}


def fill():
    """On a stack of its own, where what a loop has had in hand is left over."""
    hub = Target()
    for _ in range(MANY):
        item = Item()
        item.hub = hub
        ITEMS.append(item)
    KNOWN["hub"] = hex(id(hub)).rstrip("L")
    KNOWN["item"] = [77777, hex(id(ITEMS[77777])).rstrip("L")]


THREAD = threading.Thread(target=fill)
THREAD.start()
THREAD.join()
AGAIN = list(ITEMS)
truth.die(closure=False, known=KNOWN)
