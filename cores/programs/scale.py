"""Much of one thing: what costs a little for each object, or the square of their number, shows.

--buffered N   N objects of an extension type, each with two malloc'd buffers, of which the second
               holds the only reference to an Owned; the list BUFFERED holds them. Needs the
               extension module scaleext (tests/e2e/ext/scaleext.c) on PYTHONPATH.
--long N       N objects in the list LONG, and nowhere else.
--array N      N objects that nothing but one malloc'd array holds, as C code keeps what it owns.

known
    types      {type: count}: how many of each there are
    buffered   a sample of the first: [address, address of its Owned]
    long       a sample of the second: [index, address]
    array      where that begins
    arrayed    a sample of the third: [index, address]

Runs on Python 2.7 and 3.6 or newer.
"""

import argparse
import ctypes
import gc

import truth

SAMPLES = 10
BUFFERED = []
LONG = []


class Owned(object):
    """Held by one word of a buffer of one extension object."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class Item(object):
    """Held by one item of LONG."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class Arrayed(object):
    """Held by one word of a malloc'd array."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


def address_of(made):
    return "0x%x" % id(made)


def is_sample(index, count):
    return index % (count // SAMPLES or 1) == 0


def make_buffered(count):
    """As many Buffered; a sample of them."""
    import scaleext
    sample = []
    for index in range(count):
        owned = Owned(index)
        made = scaleext.Buffered(owned)
        BUFFERED.append(made)
        if is_sample(index, count):
            sample.append([address_of(made), address_of(owned)])
    return sample


def make_long(count):
    """As many Items; a sample of them."""
    sample = []
    for index in range(count):
        made = Item(index)
        LONG.append(made)
        if is_sample(index, count):
            sample.append([index, address_of(made)])
    return sample


def make_array(count):
    """Where the array begins, and a sample of what it has. By ctypes: what counts is that no object
    knows of the memory."""
    libc = ctypes.CDLL(None)
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.malloc.restype = ctypes.c_void_p
    increase = ctypes.pythonapi.Py_IncRef
    increase.argtypes = [ctypes.py_object]
    increase.restype = None
    block = libc.malloc(8 * count)
    # Written where it stays: an array that grows leaves its words behind wherever it was.
    words = (ctypes.c_size_t * count).from_address(block)
    sample = []
    for index in range(count):
        made = Arrayed(index)
        increase(made)
        words[index] = id(made)
        if is_sample(index, count):
            sample.append([index, address_of(made)])
    return "0x%x" % block, sample


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--buffered", type=int, default=0)
    parser.add_argument("--long", type=int, default=0)
    parser.add_argument("--array", type=int, default=0)
    given = parser.parse_args()
    known = {"types": {}}
    gc.disable()
    if given.buffered:
        known["buffered"] = make_buffered(given.buffered)
        known["types"].update({"scaleext.Buffered": given.buffered,
                               "__main__.Owned": given.buffered})
    if given.long:
        known["long"] = make_long(given.long)
        known["types"]["__main__.Item"] = given.long
    if given.array:
        known["array"], known["arrayed"] = make_array(given.array)
        known["types"]["__main__.Arrayed"] = given.array
    gc.enable()
    truth.die(known, closure=False)


main()
