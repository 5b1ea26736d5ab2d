"""Objects that a C type keeps where its decoder does not look: behind the first words of a long
array, and in the nodes of a list. Needs the extension module listext (tests/e2e/ext/listext.c) on
PYTHONPATH.

What is kept first is a Forgotten, of which one reference more was taken and never given back: so its
keeper holds something that is looked for, and what else is in the keeper's memory must not be taken
for explained.

known
    types      {type: count}: every one of them is held by exactly one reference of C memory
    forgotten  how many Forgotten there are

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes

import listext
import truth

LOOKED_AT = 4096  # words of a block that an object of an unknown type points to: PL_RAW_WORDS
NODES = 500


class Forgotten(object):
    """Held where the others are, and a reference too much."""


class AtLimit(object):
    """In an array of as many words as are looked at."""


class Beyond(object):
    """In an array of one more."""


class Far(object):
    """In an array of many more."""


class InNode(object):
    """In a node of a list."""


ARRAYS = [(AtLimit, LOOKED_AT), (Beyond, LOOKED_AT + 1), (Far, 5 * LOOKED_AT)]
KEEPERS = []


def forgotten():
    made = Forgotten()
    increase = ctypes.pythonapi.Py_IncRef
    increase.argtypes = [ctypes.py_object]
    increase.restype = None
    increase(made)
    return made


def main():
    known = {}
    for cls, count in ARRAYS:
        keeper = listext.Keeper()
        keeper.array(count, [forgotten()] + [cls() for _ in range(count - 1)])
        KEEPERS.append(keeper)
        known["__main__." + cls.__name__] = count - 1
    keeper = listext.Keeper()
    for _ in range(NODES):
        keeper.node(InNode())
    keeper.node(forgotten())
    KEEPERS.append(keeper)
    known["__main__.InNode"] = NODES
    truth.die({"types": known, "forgotten": len(KEEPERS)}, closure=False)


main()
