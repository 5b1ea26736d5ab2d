"""A bit of everything: the builtin containers and scalars, every way an instance keeps its
attributes, suspended code, sleeping threads, same-named classes, objects too big for pymalloc, and
freed objects between the living.

What KEEP holds lives; everything made by make_stale() is dead again.  known() states what the
collector cannot see.
"""

import array
import collections
import ctypes
import datetime
import decimal
import functools
import gc
import io
import itertools
import operator
import re
import struct
import sys
import threading
import time
import types
import weakref

import modern
import truth

PY2 = sys.version_info[0] == 2
text = type(u"")
try:
    span = xrange
except NameError:
    span = range
N = 200

KEEP = {}


class Plain(object):
    def __init__(self, number):
        self.number = number
        self.label = "plain"
        self.twin = None


class Slotted(object):
    __slots__ = ("left", "right", "never")

    def __init__(self, left):
        self.left = left
        self.right = (left,)


class SlottedAndDict(Slotted):
    pass


class SlottedWeak(object):
    __slots__ = ("value", "__weakref__")


class Empty(object):
    pass


class NoSlotsAtAll(object):
    __slots__ = ()


class Many(object):
    """More attributes than a shared key table takes."""

    def __init__(self):
        for number in range(45):
            setattr(self, "attribute_%d" % number, number)


class Finalized(object):
    def __del__(self):
        self.peer = None


class OwnSize(object):
    def __sizeof__(self):
        return 123456


class Meta(type):
    def __len__(cls):
        return 7

    @property
    def __module__(cls):
        return "a.lie"


MetaMade = Meta("MetaMade", (object,), {"inherited": 1})


class MyStr(str):
    pass


class MyText(text):
    pass


class MyInt(int):
    pass


class MyFloat(float):
    pass


class MyBytes(bytes):
    pass


class MyTuple(tuple):
    pass


class MyList(list):
    pass


class MyDict(dict):
    pass


class SlottedTuple(tuple):
    __slots__ = ()


class MyError(Exception):
    def __init__(self, message, payload):
        Exception.__init__(self, message)
        self.payload = payload


class Tree(object):
    class Node(object):
        class Leaf(object):
            pass


class OldStyle:
    """A classobj in Python 2, a type after."""

    def __init__(self, number):
        self.number = number


Point = collections.namedtuple("Point", "x y")


class Pair(ctypes.Structure):
    _fields_ = [("first", ctypes.c_int), ("second", ctypes.c_void_p)]


def twin_class(module):
    """A class named Twin, as of module; two calls with one module give two types of one name."""
    made = type("Twin", (object,), {"__module__": module})
    return made


def closure_of(value):
    other = [value]

    def inner():
        return value, other
    return inner


def counting(limit):
    held = {"in": "generator"}
    for number in range(limit):
        yield number, held


def delegating(limit):
    for item in counting(limit):
        yield item


def raise_deep(depth):
    local = [depth]
    if depth == 0:
        raise MyError("deep", local)
    raise_deep(depth - 1)


def caught(depth):
    try:
        raise_deep(depth)
    except MyError:
        return sys.exc_info()


def started(generator):
    next(generator)
    return generator


def make_instances():
    plain = [Plain(number) for number in range(N)]
    for one, two in zip(plain, plain[1:]):
        one.twin = two
    with_dict = [Plain(number) for number in range(N)]
    for number, one in enumerate(with_dict):
        one.__dict__["extra %d" % number] = number
    deleted = [Plain(number) for number in range(N)]
    for one in deleted:
        del one.label
    replaced = [Empty() for _ in range(N)]
    for one in replaced:
        one.__dict__ = {"replaced": one}
    weak_value = SlottedWeak()
    weak_value.value = [1]
    slotted_and_dict = [SlottedAndDict(number) for number in range(N)]
    for one in slotted_and_dict:
        one.more = "in dict"
    KEEP["instances"] = [
        plain, with_dict, deleted, replaced, [Slotted(number) for number in range(N)],
        slotted_and_dict,
        [Empty() for _ in range(N)], [NoSlotsAtAll() for _ in range(N)], [Many() for _ in range(5)],
        [Finalized() for _ in range(7)], [OwnSize() for _ in range(3)],
        [MetaMade() for _ in range(11)],
        [OldStyle(number) for number in range(N)], [Tree.Node.Leaf() for _ in range(13)],
    ]
    KEEP["weak"] = [weak_value, weakref.ref(weak_value), weakref.ref(plain[0], id),
                    weakref.proxy(plain[1]),
                    weakref.WeakValueDictionary(enumerate(plain[:20])),
                    weakref.WeakKeyDictionary((one, 1) for one in plain[:20]),
                    weakref.WeakSet(plain[:20])]


def make_same_names():
    twins = [twin_class("first.module"), twin_class("second.module"), twin_class("second.module")]
    KEEP["twins"] = [twins,
                     [[cls() for _ in range(10 * (place + 1))] for place, cls in enumerate(twins)]]


def make_subclasses():
    """Of builtins, most unseen by the collector: known() counts these."""
    KEEP["subclasses"] = [
        [MyStr("string %d" % number) for number in range(1234)],
        [MyText(u"text \u20ac %d" % number) for number in range(77)],
        [MyInt(number) for number in range(2345)],
        [MyFloat(number) for number in range(345)],
        [MyBytes(b"bytes" * (number % 50)) for number in range(456)],
        [MyTuple((number, 1)) for number in range(567)],
        [SlottedTuple((number, 2)) for number in range(89)],
        [MyList([number]) for number in range(67)],
        [MyDict(a=number) for number in range(78)],
    ]


def make_scalars():
    """Values with recognisable content: known() states their patterns."""
    KEEP["strings"] = ["pyleak-live-%08d" % number for number in range(1, 3001)]
    KEEP["texts"] = [u"pyleak-\xe9-%08d" % number for number in range(1, 501)]
    KEEP["wide"] = [u"pyleak-\u20ac-%08d" % number for number in range(1, 401)]
    KEEP["astral"] = [u"pyleak-\U0001f40d-%08d" % number for number in range(1, 301)]
    KEEP["bytes"] = [("pyleak-bytes-%08d" % number).encode("ascii") for number in range(1, 1001)]
    KEEP["floats"] = [1e6 * 1000 + number + 0.5 for number in range(1, 2001)]
    KEEP["ints"] = [10 ** 30 + number for number in range(1, 1501)]
    KEEP["complex"] = [complex(number, -number) for number in range(1, 50)]
    KEEP["small"] = [None, True, False, Ellipsis, NotImplemented, 0, -1, 255, 2 ** 31, -2 ** 63,
                     2 ** 64, 2 ** 5000,
                     0.0, float("nan"), "", u"", b"", (), frozenset()]


def make_containers():
    KEEP["containers"] = [
        [[] for _ in range(N)], [{} for _ in range(N)], [set() for _ in range(N)],
        [(number,) for number in range(N)],
        [([number],) for number in range(N)], [{number: [number]} for number in range(N)],
        [{"key": [number]} for number in range(N)],
        [set([number, "member"]) for number in range(N)],
        [frozenset([number, "frozen"]) for number in range(N)],
        [bytearray(b"small") for _ in range(N)],
        [collections.deque([number, []]) for number in range(N)],
        [collections.deque(range(200), 150) for _ in range(5)],
        [collections.defaultdict(list, {number: []}) for number in range(N)],
        [collections.OrderedDict([(number, []), ("two", 2)]) for number in range(N)],
        [collections.Counter("abracadabra") for _ in range(5)],
        [array.array("d", [1.0] * number) for number in range(N)],
        [Point(number, []) for number in range(N)],
        [slice(number, [], None) for number in range(N)],
        [memoryview(b"seen") for _ in range(10)], [span(number, 10 ** 6) for number in range(3)],
    ]
    cycle = [1]
    cycle.append(cycle)
    KEEP["cycle"] = cycle
    shrunk = {}
    for number in range(1000):
        shrunk[number] = number
    for number in range(990):
        del shrunk[number]
    KEEP["shrunk"] = [shrunk, [shrunk] * 500]


def make_big():
    """Over the 512 bytes of pymalloc, over the 128 KiB where malloc maps."""
    KEEP["big"] = [
        list(range(1000)), list(range(40000)), dict((number, number) for number in range(6000)),
        dict(("key %d" % number, number) for number in range(6000)), set(range(6000)),
        tuple(range(20000)),
        "s" * 600, "s" * 200000, u"\u20ac" * 100000, b"b" * 200000, bytearray(1000),
        bytearray(500000),
        tuple([None] * 100), array.array("i", range(50000)),
        [bytes(b"x" * 700) + b"%d" for _ in range(50)],
        collections.deque(range(5000)), frozenset(range(5000)), 7 ** 20000,
        ctypes.create_string_buffer(300000),
    ]


def make_code():
    KEEP["code"] = [
        [closure_of(number) for number in range(N)], [lambda: KEEP for _ in range(N)],
        [started(counting(5)) for _ in range(N)], [counting(5) for _ in range(N)],
        [started(delegating(5)) for _ in range(20)],
        [Plain(number).__init__ for number in range(N)], [[].append for _ in range(N)],
        [functools.partial(closure_of, number) for number in range(N)],
        [operator.itemgetter(number) for number in range(20)],
        [operator.attrgetter("a.b") for _ in range(20)],
        [iter([number]) for number in range(20)], [iter((number,)) for number in range(20)],
        [iter({number: 1}) for number in range(20)],
        [itertools.count(number) for number in range(20)],
        [itertools.chain([number], (number,)) for number in range(20)],
        [enumerate([number]) for number in range(20)], [reversed([number]) for number in range(20)],
        [property(closure_of), staticmethod(closure_of), classmethod(closure_of),
         super(Plain, Plain(1))],
        [re.compile("a(b|c)%d" % number) for number in range(20)],
        [re.match("a(b)", "ab") for _ in range(20)],
        [types.ModuleType("made_%d" % number) for number in range(10)],
        compile("x = [i for i in (1, 2)]", "made.py", "exec"),
    ]
    KEEP["errors"] = [caught(depth) for depth in range(20)]
    KEEP["raised"] = [MyError("never raised", number) for number in range(N)]


def make_library():
    KEEP["library"] = [
        [datetime.datetime(2020, 1, 1 + number % 28) for number in range(50)],
        [datetime.timedelta(number) for number in range(50)],
        [datetime.date(2020, 1, 1 + number % 28) for number in range(50)],
        [decimal.Decimal(number) / 7 for number in range(50)],
        [struct.Struct("<%di" % number) for number in range(1, 20)],
        [threading.Lock() for _ in range(20)], [threading.RLock() for _ in range(20)],
        [threading.local() for _ in range(5)], [io.BytesIO(b"held" * 100) for _ in range(20)],
        [io.StringIO(u"held") for _ in range(20)],
        [ctypes.c_int(number) for number in range(20)], [Pair(number) for number in range(20)],
        [ctypes.pointer(ctypes.c_int(number)) for number in range(20)],
        [(ctypes.c_int * 1000)() for _ in range(5)],
        [time.localtime(number) for number in range(20)], sys.version_info, sys.flags,
        open(__file__, "rb"), open(__file__),
    ]
    KEEP["library"][7][0].value = ["in a thread local"]


def make_stale():
    """Blocks that held objects and are free again, among living ones: nothing of this may be
    counted."""
    between = []
    for number in range(1, 2001):
        dead = ["pyleak-dead-%08d" % number, Empty(), MyStr("dead"), [number], {"dead": number},
                (number, []), 5e8 + number]
        between.append(("alive", dead[3]))
        del dead
    KEEP["between"] = between
    several = [[[] for _ in range(500)], [{} for _ in range(500)],
               [(number, 1, 2) for number in range(500)], [MyInt(5) for _ in range(500)]]
    del several[:]
    for size in range(1, 20):
        [tuple(range(size)) for _ in range(50)]


def sleeper(barrier, forever, payload):
    mine = {"of": payload}
    threading.current_thread().mine = mine
    barrier.release()
    forever.acquire()


def start_threads(count):
    """Threads that wait for ever, each known to have reached its wait."""
    barrier = threading.Semaphore(0)
    forever = threading.Lock()
    forever.acquire()
    KEEP["threads"] = []
    for number in range(count):
        thread = threading.Thread(target=sleeper, args=(barrier, forever, number))
        thread.daemon = True
        thread.start()
        KEEP["threads"].append(thread)
    for _ in range(count):
        barrier.acquire()
    time.sleep(0.2)


def known():
    """What lives and is not seen by the collector.  values: pattern of the repr, in the type, of
    exactly count objects."""
    string = "__builtin__.str" if PY2 else "builtins.str"
    unicode_ = "__builtin__.unicode" if PY2 else "builtins.str"
    escaped = [r"\\xe9", r"\\u20ac", r"\\U0001f40d"]
    letters = escaped if PY2 else [u"\xe9", u"\u20ac", u"\U0001f40d"]
    prefix = "u" if PY2 else ""
    values = [
        {"type": string, "repr": r"^'pyleak-live-\d{8}'$", "count": 3000},
        {"type": string, "repr": r"^'pyleak-dead-\d{8}'$", "count": 0},
        {"type": "__builtin__.str" if PY2 else "builtins.bytes",
         "repr": r"^b?'pyleak-bytes-\d{8}'$", "count": 1000},
        {"type": "__builtin__.float" if PY2 else "builtins.float", "repr": r"^100000\d{4}\.5$",
         "count": 2000},
        {"type": "__builtin__.long" if PY2 else "builtins.int",
         "repr": r"^10{25}(?!00000)\d{5}L?$", "count": 1500},
    ]
    values.extend({"type": unicode_, "repr": u"^" + prefix + u"'pyleak-" + letter + u"-\\d{8}'$",
                   "count": count} for letter, count in zip(letters, (500, 400, 300)))
    return {
        "types": {"__main__.MyStr": 1234, "__main__.MyText": 77, "__main__.MyInt": 2345,
                  "__main__.MyFloat": 345,
                  "__main__.MyBytes": 456, "__main__.MyTuple": 567, "__main__.SlottedTuple": 89,
                  "__main__.MyList": 67,
                  "__main__.MyDict": 78, "__main__.NoSlotsAtAll": N,
                  "__main__.Plain": 3 * N + N + 1},
        "values": values,
    }


def marked():
    plain = KEEP["instances"][0]
    return {
        "plain": plain[0], "plain last": plain[-1], "with dict": KEEP["instances"][1][3],
        "slotted": KEEP["instances"][4][5],
        "class": Plain, "static type": dict, "list": KEEP["containers"][0],
        "dict": KEEP["shrunk"][0], "tuple": KEEP["between"][0],
        "string": KEEP["strings"][7], "wide string": KEEP["wide"][7], "int": KEEP["ints"][7],
        "small int": 77,
        "float": KEEP["floats"][7], "bytes": KEEP["bytes"][7], "my str": KEEP["subclasses"][0][5],
        "my int": KEEP["subclasses"][2][5],
        "generator": KEEP["code"][2][0], "function": KEEP["code"][0][0],
        "cell": KEEP["code"][0][0].__closure__[0],
        "module": sys, "empty dict": KEEP["containers"][1][0], "big list": KEEP["big"][1],
        "mapped string": KEEP["big"][7],
        "exception": KEEP["errors"][3][1], "traceback": KEEP["errors"][3][2],
        "set": KEEP["containers"][7][3],
        "deque": KEEP["containers"][10][3], "lock": KEEP["library"][5][0],
        "weak reference": KEEP["weak"][1],
    }


def main():
    make_instances()
    make_same_names()
    make_subclasses()
    make_scalars()
    make_containers()
    make_big()
    make_code()
    make_library()
    KEEP["modern"] = modern.make()
    gc.collect()
    make_stale()
    start_threads(3)
    truth.die(known(), marked())


main()
