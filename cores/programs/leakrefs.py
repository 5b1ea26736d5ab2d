"""References that C code took and never gave back, to a known number of objects; and others that it
keeps in malloc'd structs.

The C code is the extension module leakrefsext (tests/e2e/ext/leakrefsext.c) if that is on
PYTHONPATH, else ctypes.

known
    forgotten  {address: count}: so many references to it that nobody holds
    kept       {address: word}: one reference is in malloc memory, in the word there
    types      {type: [objects, references that nobody holds]}
    extension  whether it was the extension module

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import struct

import truth

try:
    import leakrefsext
except ImportError:
    leakrefsext = None

FORGOTTEN = {}
KEPT = {}
TYPES = {}
HELD = []
BLOCK = 64
LITTER = 65536


class Unheld(object):
    """Held by nothing but what was forgotten."""


class Listed(object):
    """In a list too."""


class Kept(object):
    """In a malloc'd struct, and that is right."""


class KeptTwice(object):
    """In a malloc'd struct; other references were forgotten."""


class Littered(object):
    """Freed memory and dead stack frames are full of its address."""


class Clean(object):
    """Nothing is wrong with it."""


def allocate():
    libc = ctypes.CDLL(None)
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    return libc


def increase(made, count):
    function = ctypes.pythonapi.Py_IncRef
    function.argtypes = [ctypes.py_object]
    function.restype = None
    for _ in range(count):
        function(made)


def keep_by_ctypes(made):
    block = allocate().malloc(BLOCK)
    ctypes.memset(block, 0, BLOCK)
    increase(made, 1)
    ctypes.c_size_t.from_address(block + 16).value = id(made)
    return block + 16


def litter_by_ctypes(made):
    """As litter() in leakrefsext.c, which says why half of it stays clean; no stack."""
    libc = allocate()
    freed = libc.malloc(LITTER)
    libc.malloc(1)
    word = struct.pack("=Q", id(made))
    ctypes.memmove(freed + LITTER // 2, word * (LITTER // 16), LITTER // 2)
    libc.free(freed)


forget = leakrefsext.forget if leakrefsext else increase
keep_word = leakrefsext.keep if leakrefsext else keep_by_ctypes
litter = leakrefsext.litter if leakrefsext else litter_by_ctypes


def address_of(made):
    return "0x%x" % id(made)


def make(cls, objects, forgotten, listed=False, kept=False, littered=False):
    for _ in range(objects):
        made = cls()
        if listed:
            HELD.append(made)
        if kept:
            KEPT[address_of(made)] = "0x%x" % keep_word(made)
        if littered:
            litter(made)
        if forgotten:
            forget(made, forgotten)
            FORGOTTEN[address_of(made)] = forgotten
    if forgotten:
        TYPES["__main__." + cls.__name__] = [objects, objects * forgotten]


def main():
    make(Unheld, 7, 3)
    make(Listed, 4, 2, listed=True)
    make(Kept, 5, 0, kept=True)
    make(KeptTwice, 3, 2, listed=True, kept=True)
    make(Littered, 2, 1, littered=True)
    make(Clean, 50, 0, listed=True)
    truth.die({"forgotten": FORGOTTEN, "kept": KEPT, "types": TYPES,
               "extension": leakrefsext is not None})


main()
