"""Objects that a C type keeps where its decoder does not look: behind the first words of a long
array, and in the nodes of a list. Needs the extension module listext (tests/e2e/ext/listext.c) on
PYTHONPATH.

What is kept first is a Forgotten, of which one reference more was taken and never given back: so its
keeper holds something that is looked for, and what else is in the keeper's memory must not be taken
for explained.

known
    types      {type: count}: every one of them is held by exactly one reference of C memory
    forgotten  how many Forgotten there are
    often      {type: n}: the one of that type is held n times, by words of one array, and a
               reference to it was forgotten
    few        {type: n}: nothing holds these n but one array of C memory that no object knows of

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


class AsOftenAsShown(object):
    """In an array so often as words of one object are shown."""


class OftenerThanShown(object):
    """And once more."""


class TooFew(object):
    """In an array of C memory one of whose words too few are known to tell that it is one."""


class Enough(object):
    """And one more."""


SHOWN_WORDS = 16  # in analysis/verb/refcounts.c
MANY_WORDS = 16  # in analysis/search/native.c
OFTEN = [(AsOftenAsShown, SHOWN_WORDS), (OftenerThanShown, SHOWN_WORDS + 1)]
FEW = [(TooFew, MANY_WORDS - 1), (Enough, MANY_WORDS)]
ARRAYS = [(AtLimit, LOOKED_AT), (Beyond, LOOKED_AT + 1), (Far, 5 * LOOKED_AT)]
KEEPERS = []


def forgotten(cls=Forgotten):
    made = cls()
    increase = ctypes.pythonapi.Py_IncRef
    increase.argtypes = [ctypes.py_object]
    increase.restype = None
    increase(made)
    return made


def keep_often():
    for cls, count in OFTEN:
        keeper = listext.Keeper()
        items = [forgotten(cls)] * count
        keeper.array(count, items)
        for index in range(count):
            items[index] = None  # a freed list would leave words that name the object
        KEEPERS.append(keeper)


def keep_few():
    libc = ctypes.CDLL(None)
    libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    libc.calloc.restype = ctypes.c_void_p
    increase = ctypes.pythonapi.Py_IncRef
    increase.argtypes = [ctypes.py_object]
    increase.restype = None
    for cls, count in FEW:
        block = libc.calloc(count, 8)
        for index in range(count):
            made = cls()
            increase(made)
            ctypes.c_size_t.from_address(block + 8 * index).value = id(made)


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
    n_forgotten = len(KEEPERS)
    keep_often()
    keep_few()
    truth.die({"types": known, "forgotten": n_forgotten,
               "often": {"__main__." + cls.__name__: count for cls, count in OFTEN},
               "few": {"__main__." + cls.__name__: count for cls, count in FEW}}, closure=False)


main()
