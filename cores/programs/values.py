"""At least one of every builtin and stdlib type that sizes or prints itself, marked by name.

truth.json says of each marked object what sys.getsizeof() and repr() gave.  "known" adds
    same      names of objects whose repr pyleak must give letter for letter
    spelled   {name: repr} of objects that pyleak spells in its own way, instances say
make_SOMETHING() returns {name: object}; what this interpreter lacks is left out.

Runs on Python 2.7 and 3.6 or newer.
"""

import array
import collections
import ctypes
import datetime
import decimal
import functools
import io
import itertools
import mmap
import pickle
import re
import struct
import sys
import time
import weakref
import xml.etree.ElementTree

import truth

PY2 = sys.version_info[0] == 2
text = type(u"")
long_int = type(2 ** 70)

MODERN = '''
import asyncio, contextvars, enum, functools, types, typing
class Colour(enum.Enum):
    RED = 1
    GREEN = [2]
class Bits(enum.IntFlag):
    READ = 4
async def coroutine():
    await suspend()
async def async_generator():
    yield 1
@types.coroutine
def suspend():
    yield
waiting = coroutine()
waiting.send(None)
context = contextvars.copy_context()
variable = contextvars.ContextVar("variable", default=1)
token = context.run(variable.set, 2)
T = typing.TypeVar("T")
made = {
    "enum member": Colour.RED, "enum of list": Colour.GREEN, "enum flag": Bits.READ,
    "coroutine": waiting, "fresh coroutine": coroutine(), "async generator": async_generator(),
    "context": context, "context variable": variable, "context token": token, "type variable": T,
    "generic alias": typing.List[int], "namespace": types.SimpleNamespace(a=1),
    "mappingproxy": types.MappingProxyType({"a": 1}), "cached function": functools.lru_cache()(len),
}
'''

SINCE_39 = '''
made = {"list of int": list[int]}
'''

SINCE_315 = '''
class MyFrozen(frozendict):
    pass
made = {"same: frozendict": frozendict(a=1), "same: empty frozendict": frozendict(),
        "frozendict subclass": MyFrozen(b=2)}
'''


PARSED = """
def f(a, *b):
    return [a, 1.5, 'text']
"""


class Plain(object):
    pass


class Session(object):
    def __init__(self, user, number):
        self.user = user
        self.number = number


class Slotted(object):
    __slots__ = ("left", "right", "never")


class SlottedChild(Slotted):
    __slots__ = ("more",)


class Printing(object):
    def __repr__(self):
        return "a poem"


class Old:
    """A classobj in Python 2, a type after."""


class Meta(type):
    pass


MetaMade = Meta("MetaMade", (object,), {})


class MyInt(int):
    pass


class MyLong(long_int):
    pass


class MyStr(str):
    pass


class MyText(text):
    pass


class MyBytes(bytes):
    pass


class MyBytearray(bytearray):
    pass


class MyFloat(float):
    pass


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyFrozenset(frozenset):
    pass


class MyDeque(collections.deque):
    pass


class MyDefault(collections.defaultdict):
    pass


class MyOrdered(collections.OrderedDict):
    pass


class MyArray(array.array):
    pass


class MyDate(datetime.date):
    pass


class MyDatetime(datetime.datetime):
    pass


class MyTime(datetime.time):
    pass


class MyDelta(datetime.timedelta):
    pass


class MyStruct(struct.Struct):
    pass


class MyBytesIO(io.BytesIO):
    pass


class MyDecimal(decimal.Decimal):
    pass


class MyElement(xml.etree.ElementTree.Element):
    pass


class MyError(Exception):
    pass


class Money(int):
    def __repr__(self):
        return "a lot"


class Pair(ctypes.Structure):
    _fields_ = [("first", ctypes.c_int), ("second", ctypes.c_void_p)]


Point = collections.namedtuple("Point", "x y")


def with_split_dict(names):
    made = Plain()
    for name in names:
        setattr(made, name, None)
    return made


def function(value, *args, **kwargs):
    def inner():
        return value, args, kwargs
    return inner


def many_cells(one, two, three, four):
    five = one

    def inner():
        return one, two, three, four, five
    return inner


def hot(number):
    """Called often enough for the caches that 3.8 to 3.10 hang on code."""
    total = 0
    for _ in range(3):
        total += len(str(number)) + HOT_GLOBAL
    return total


HOT_GLOBAL = 1


def frames(number):
    held = [number] * number
    if number:
        return frames(number - 1)
    return sys._getframe()


def generator(limit):
    for number in range(limit):
        yield number, [number]


def make_numbers():
    same = {
        "none": None, "true": True, "false": False, "zero": 0, "one": 1, "minus one": -1,
        "digit": 2 ** 30 - 1, "two digits": 2 ** 30, "minus two digits": -2 ** 30,
        "three digits": 2 ** 60, "word": 2 ** 63 - 1, "minus word": -2 ** 63, "big": 7 ** 60,
        "minus big": -7 ** 60, "long zero": long_int(0),
        "int subclass": MyInt(5), "zero int subclass": MyInt(0), "long subclass": MyLong(2 ** 70),
    }
    floats = [0.0, -0.0, 0.1, 1.0, 1.5, -2.5, 1e15, 1e16, 123456789012345678.0, 1e-4, 1e-5, 1e22,
              1e100,
              5e-324, 2.0 ** -44, 2.0 ** -1022, 2.0 ** 1023, 9007199254740993.0,
              1.7976931348623157e308,
              float("inf"), -float("inf"), float("nan"), 1 / 3.0, 100.0, 5.684341886080802e-14]
    same.update(("float %d" % place, value) for place, value in enumerate(floats))
    same["float subclass"] = MyFloat(2.5)
    imaginary = [0j, 1j, 1 + 2j, -1.5j, complex(-0.0, 2), complex(0.5, -float("inf")),
                 complex(float("nan"), 1)]
    same.update(("complex %d" % place, value) for place, value in enumerate(imaginary))
    return same, {"huge": 2 ** 5000, "money": Money(3)}


def make_text():
    same = {
        "empty": "", "letter": "a", "word": "some text", "quote": "it's",
        "both quotes": "it's \"it\"",
        "backslash": "a\\b", "controls": "\x00\x07\x1b\n\r\t\x7f", "latin": u"na\xefve",
        "latin control": u"\x85\xa0\xad", "euro": u"\u20ac 5", "snake": u"\U0001f40d!",
        "bidi": u"\u202etxet", "surrogate": u"\ud800",
        "str subclass": MyStr("mine"), "empty str subclass": MyStr(""),
        "text subclass": MyText(u"\u20ac"),
        "snake subclass": MyText(u"\U0001f40d"), "bytes": b"bytes \x00\xff'", "empty bytes": b"",
        "bytes subclass": MyBytes(b"mine"), "bytearray": bytearray(b"array\x01"),
        "empty bytearray": bytearray(), "bytearray subclass": MyBytearray(b"mine"),
    }
    shifted = bytearray(b"x" * 100)
    del shifted[:50]
    grown = bytearray()
    for _ in range(100):
        grown.append(65)
    # Not the same object as any other: what it gets below must not change another test.
    encoded, wide = u"\xe9" + text(truth.__name__), u"\u20ac" + text(truth.__name__)
    if not PY2:
        ctypes.pythonapi.PyUnicode_AsUTF8.restype = ctypes.c_void_p
        ctypes.pythonapi.PyUnicode_AsUTF8(ctypes.py_object(encoded))
    if (3, 3) < sys.version_info < (3, 12):
        make_wide = ctypes.pythonapi.PyUnicode_AsUnicode
        make_wide.restype = ctypes.c_void_p
        make_wide(ctypes.py_object(wide))
    return same, {
        "shifted bytearray": shifted, "grown bytearray": grown, "with utf8": encoded,
        "with wchar": wide,
        "long": "long " * 1000, "long euro": u"\u20ac" * 1000, "long snake": u"\U0001f40d" * 1000,
        "long bytes": b"b" * 5000,
    }


def make_sequences():
    cycle = [1]
    cycle.append(cycle)
    tuple_cycle = ([],)
    tuple_cycle[0].append(tuple_cycle)
    popped = list(range(100))
    del popped[3:]
    grown = []
    for number in range(50):
        grown.append(number)
    queue = collections.deque(range(100))
    for _ in range(70):
        queue.popleft()
    queue.extend(range(70))
    same = {
        "empty list": [], "list": [1, "two", [3.0, None]], "cyclic list": cycle, "empty tuple": (),
        "tuple": (1, (2,)), "single": (u"x" if PY2 else "x",), "cyclic tuple": tuple_cycle,
        "popped list": popped, "list subclass": MyList([1]), "tuple subclass": MyTuple((1, 2)),
        "named tuple": Point(1, [2]), "deque": collections.deque([1, [2]]),
        "empty deque": collections.deque(), "bounded deque": collections.deque([1, 2], 2),
        "slice": slice(1, None, [2]),
        "ellipsis": Ellipsis, "not implemented": NotImplemented, "deque subclass": MyDeque([3]),
        "array subclass": MyArray("d", [1.0]),
    }
    if not PY2:
        same.update({"range": range(5), "range from": range(3, 7), "stepped range": range(1, 9, -2),
                     "big range": range(2 ** 70, 2 ** 71, 2 ** 69)})
    for code in "bBhHilfd" if PY2 else "bBhHiIlLqQfd":
        same["array " + code] = array.array(code, [1, 2])
    same["empty array"] = array.array("i")
    grown_array = array.array("h")
    for number in range(50):
        grown_array.append(number)
    return same, {
        "grown list": grown, "long list": list(range(10000)), "long tuple": tuple(range(1000)),
        "rotated deque": queue, "long deque": collections.deque(range(1000)),
        "grown array": grown_array,
        "time": time.gmtime(0), "flags": sys.flags,
        "version": sys.version_info, "memoryview": memoryview(b"seen"), "repeated": [None] * 5000,
    }


def make_tables():
    cycle = {}
    cycle["self"] = cycle
    deleted = dict.fromkeys(range(100))
    for number in range(97):
        del deleted[number]
    cleared = dict.fromkeys(range(100))
    cleared.clear()
    popped = {"a": 1, "b": 2}
    popped.popitem()
    moved = collections.OrderedDict((number, None) for number in range(100))
    moved.move_to_end(3) if not PY2 else None
    short = collections.OrderedDict([("b", 1), ("a", [2]), ("c", 3)])
    short["b"] = 4
    reordered = collections.OrderedDict([("a", 1), ("b", 2), ("c", 3)])
    reordered["a"] = reordered.pop("a")
    discarded = set(range(100))
    for number in range(97):
        discarded.discard(number)
    same = {
        "empty dict": {}, "dict": {"a": [1]}, "mixed dict": {1: 2}, "cyclic dict": cycle,
        "deleted dict": deleted, "cleared dict": cleared, "popped dict": popped,
        "dict subclass": MyDict(a=1), "empty set": set(), "set": set([1]),
        "frozenset": frozenset([1]),
        "empty frozenset": frozenset(), "set subclass": MySet([1]),
        "frozenset subclass": MyFrozenset([1]),
        "discarded set": discarded, "defaultdict": collections.defaultdict(list, {1: [2]}),
        "plain defaultdict": collections.defaultdict(None), "defaultdict subclass": MyDefault(int),
        "ordered": collections.OrderedDict([("a", 1), ("b", [2])]),
        "empty ordered": collections.OrderedDict(), "ordered subclass": MyOrdered(a=1),
        "short ordered": short, "reordered": reordered,
    }
    if not PY2:
        same["moved ordered"] = collections.OrderedDict.fromkeys("abcd")
        same["moved ordered"].move_to_end("b")
    split = [with_split_dict(["a", "b", "c"]) for _ in range(30)]
    apart = with_split_dict(["a", "b"])
    del apart.a
    wide = with_split_dict(["name %d" % number for number in range(40)])
    return same, {
        "five keys": dict.fromkeys("abcde"), "six keys": dict.fromkeys("abcdef"),
        "hundred keys": dict.fromkeys(range(100)), "many keys": dict.fromkeys(range(70000)),
        "many names": dict.fromkeys("name %d" % number for number in range(3000)),
        "copied dict": deleted.copy(), "split dict": split[-1].__dict__,
        "apart dict": apart.__dict__,
        "wide dict": wide.__dict__, "module dict": sys.__dict__, "keywords": dict(a=1, b=2),
        "counter": collections.Counter("abracadabra"), "moved": moved,
        "long ordered": collections.OrderedDict.fromkeys(range(1000)),
        "ordered of one": collections.OrderedDict(a=1), "ordered child": MyOrdered(a=1),
        "ten members": set(range(10)), "many members": set(range(5000)),
        "many frozen": frozenset(range(50)),
        "split instance": split[0], "apart instance": apart, "wide instance": wide,
        "chain map": getattr(collections, "ChainMap", dict)({"a": 1}),
    }


def make_code():
    started, finished = generator(3), generator(1)
    next(started)
    list(finished)
    for number in range(3000):
        hot(number)
    try:
        raise MyError("raised", [1])
    except MyError:
        caught = sys.exc_info()
    frame = frames(5)
    locals_read = frames(2)
    locals_read.f_locals
    bound = [1].append
    same = {
        "builtin type": dict, "class": Plain, "static type": type, "exception class": MyError,
        "metaclass": Meta, "class of metaclass": MetaMade, "ctypes class": Pair,
        "function": function, "closure": function(1), "builtin": len, "bound builtin": bound,
        "code": function.__code__, "code with cells": many_cells.__code__, "hot code": hot.__code__,
        "inner code": many_cells(1, 2, 3, 4).__code__, "lambda": lambda: None,
        "fresh generator": generator(1), "started generator": started,
        "finished generator": finished,
        "cell": function([1]).__closure__[2] if not PY2 else function([1]).__closure__[0],
        "partial": functools.partial(len, [1], key=2), "weak reference": weakref.ref(Plain),
        "bound method": MyList([1]).append, "exception": caught[1], "exception without": KeyError(),
        "exception of one": ValueError("x"), "os error": OSError(2, "none"),
    }
    if PY2:
        del same["class of metaclass"], same["partial"]
    other = {
        "frame": frame, "outer frame": frame.f_back, "read frame": locals_read,
        "traceback": caught[2],
        "generator frame": started.gi_frame, "caught": caught[1], "slotted class": SlottedChild,
        "ctypes array class": ctypes.c_int * 10, "ctypes pointer class": ctypes.POINTER(Pair),
        "ctypes function class": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int),
        "simple class": ctypes.c_double,
        "nested array class": (ctypes.c_short * 3) * 4, "method": Session.__init__,
        "property": property(len),
        "static method": staticmethod(len), "class method": classmethod(len),
        "super": super(MyInt, MyInt(1)),
        "module": sys, "list iterator": iter([1]), "dict items": {"a": 1}.items(), "old class": Old,
        "tuple class": Point, "ctypes value": ctypes.c_int(1),
        "ctypes array": (ctypes.c_int * 10)(),
        "proxy": weakref.proxy(Plain), "weak value": weakref.WeakValueDictionary(), "pair": Pair(1),
        "stg dict": getattr(Pair, "__dict__", None),
    }
    return same, other


def make_library():
    memo = pickle_module().Pickler(io.BytesIO(), 2)
    memo.dump([[number] for number in range(100)])
    unpickler = pickle_module().Unpickler(io.BytesIO(pickle.dumps([["x"], {"y": 1}, set([3])], 2)))
    unpickler.load()
    element = xml.etree.ElementTree.Element
    family = element("parent")
    crowd = element("crowd", {"a": "b"})
    for number in range(3):
        family.append(element("child"))
    for number in range(30):
        crowd.append(element("child %d" % number))
    held = b"held by another " * 10
    written = io.BytesIO()
    for number in range(100):
        written.write(b"0123456789")
    plain_decimal = ["0", "1.5", "-12.340", "1E+5", "1E-7", "0.00001", "-0", "NaN", "Infinity",
                     "-Infinity",
                     "sNaN", "12345678901234567890123", "1.2345E+30", "0E-8", "0E+3"]
    same = {
        "date": datetime.date(2020, 2, 29), "datetime": datetime.datetime(2020, 1, 2, 3, 4),
        "seconds": datetime.datetime(2020, 1, 2, 3, 4, 5),
        "micro": datetime.datetime(2020, 1, 2, 3, 4, 5, 6),
        "time of day": datetime.time(1, 2, 0, 5), "no time": datetime.timedelta(0),
        "timedelta": datetime.timedelta(1, 2, 3), "minus": datetime.timedelta(microseconds=-1),
        "days": datetime.timedelta(5), "seconds alone": datetime.timedelta(0, 5),
        "days and micro": datetime.timedelta(5, 0, 7), "date subclass": MyDate(2020, 1, 2),
        "datetime subclass": MyDatetime(2020, 1, 2), "time subclass": MyTime(1),
        "timedelta subclass": MyDelta(1),
    }
    if not PY2:
        hour = datetime.timezone(datetime.timedelta(hours=1))
        same["utc"] = datetime.timezone.utc
        same["zone"] = hour
        same["named zone"] = datetime.timezone(datetime.timedelta(0), "GMT")
        same["in a zone"] = datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)
        same["time in a zone"] = datetime.time(1, 2, tzinfo=hour)
        same["fold"] = datetime.datetime(2020, 1, 2, fold=1)
        same["element"] = family
        same["decimal subclass"] = MyDecimal("1.5")
        same.update(("decimal " + value, decimal.Decimal(value)) for value in plain_decimal)
    return same, {
        "big decimal": decimal.Decimal(10) ** 25 / 7 + decimal.Decimal("1" * 200),
        "bytesio": io.BytesIO(b"alone" * 20),
        "empty bytesio": io.BytesIO(), "written bytesio": written,
        "shared bytesio": io.BytesIO(held), "held": held,
        "bytesio subclass": MyBytesIO(b"x"), "stringio": io.StringIO(u"held"),
        "reader": open(__file__, "rb"),
        "small reader": io.open(__file__, "rb", 100), "text file": io.open(__file__),
        "writer": io.open("/dev/null", "wb"),
        "pair of pipes": io.BufferedRWPair(io.BytesIO(), io.BytesIO()),
        "random file": io.BufferedRandom(io.BytesIO(b"abc")), "pickler": memo,
        "fresh pickler": pickle_module().Pickler(io.BytesIO()),
        "unpickler": unpickler, "fresh unpickler": pickle_module().Unpickler(io.BytesIO()),
        "product": itertools.product([1, 2], "abc", [3]), "empty product": itertools.product(),
        "combinations": itertools.combinations(range(10), 4),
        "permutations": itertools.permutations(range(5), 3),
        "with replacement": itertools.combinations_with_replacement(range(5), 3),
        "count": itertools.count(5),
        "chain": itertools.chain([1], [2]), "tee": itertools.tee([1, 2])[0],
        "islice": itertools.islice([1], 1),
        "struct": struct.Struct("<10i4sHq"), "empty struct": struct.Struct(""),
        "struct subclass": MyStruct("ii"),
        "crowd": crowd, "element subclass": MyElement("mine"), "pattern": re.compile("a(b|c)+"),
        "match": re.match("a(b)", "ab"),
        "mapped": mmap.mmap(-1, 4096), "other time": datetime.timedelta(5),
    }


def pickle_module():
    """The one written in C and with a size of its own (3.x)."""
    if PY2:
        import cPickle
        return cPickle
    return pickle


def make_optional():
    """What only some versions have."""
    made = {}
    for since, source in (((3, 7), MODERN), ((3, 9), SINCE_39), ((3, 15), SINCE_315)):
        if sys.version_info >= since:
            scope = {"__name__": "__main__"}
            exec(source, scope)
            made.update(scope["made"])
    for module, make in (
            ("parser", lambda parser: {"parse tree": parser.suite(PARSED * 20)}),
            ("queue", lambda queue: {"simple queue": filled(queue.SimpleQueue())}),
            ("zlib", lambda zlib: {"compressor": zlib.compressobj()}),
            ("hashlib", lambda hashlib: {"hash": hashlib.md5(b"x")}),
            ("random", lambda random: {"random": random.Random(1)}),
            ("csv", lambda csv: {"csv reader": csv.reader(["a,b"])}),
            ("threading", lambda threading: {"lock": threading.Lock(), "local": threading.local()}),
            ("sqlite3", lambda sqlite3: {"connection": sqlite3.connect(":memory:")}),
            ("socket", lambda socket: {"socket": socket.socket()})):
        try:
            made.update(make(__import__(module)))
        except (ImportError, AttributeError):
            pass
    return made


def filled(queue):
    for number in range(100):
        queue.put(number)
    return queue


def at(obj):
    return "at 0x%x" % id(obj)


def make_spelled():
    """{name: (object, repr as pyleak spells it)}."""
    session, slotted, poem = Session("bob", [1]), SlottedChild(), Printing()
    odd, parent = Plain(), Plain()
    bound = session.__init__
    bound_name = "__init__" if PY2 else "Session.__init__"
    slotted.left, slotted.more = 1, "m"
    odd.__dict__["no name"] = 1
    child = parent.child = Plain()
    made = {
        "instance": (session, "<__main__.Session %s user='bob' number=[1]>" % at(session)),
        "slots": (slotted, "<__main__.SlottedChild %s left=1 more='m'>" % at(slotted)),
        "odd name": (odd, "<__main__.Plain %s 'no name'=1>" % at(odd)),
        "parent": (parent, "<__main__.Plain %s child=<__main__.Plain %s>>"
                   % (at(parent), at(child))),
        "poem": (poem, "<__main__.Printing %s>" % at(poem)), "money": (Money(12), "Money(12)"),
        "counter": (collections.Counter(a=2), "Counter({'a': 2})"),
        "big int": (2 ** 12344, "<int of 12,345 bits>"),
        "long text": ("x" * 100, "'" + "x" * 60 + "'..."),
        "long list": (list(range(10)), "[0, 1, 2, 3, 4, 5, ...]"),
        "deep list": ([[[[]]]], "[[[...]]]"), "deep tuple": (({"a": {"b": 1}},), "({'a': {...}},)"),
        "module": (sys, "<module 'sys'>"),
        "bound method": (bound, "<bound method %s of <__main__.Session %s user='bob' number=[...]>>"
                         % (bound_name, at(session))),
    }
    if PY2:
        old = Old()
        old.number = 1
        made["old instance"] = (old, "<__main__.Old instance %s number=1>" % at(old))
    return made


def main():
    marked, same = {}, []
    for make in (make_numbers, make_text, make_sequences, make_tables, make_code, make_library):
        exact, other = make()
        for name, made in exact.items():
            marked["same: %s: %s" % (make.__name__, name)] = made
        for name, made in other.items():
            marked["%s: %s" % (make.__name__, name)] = made
    marked.update(make_optional())
    spelled = {}
    for name, (made, shown) in make_spelled().items():
        marked["spelled: " + name] = made
        spelled["spelled: " + name] = shown
    same = [name for name in marked if name.startswith("same: ")]
    # No closure: holding all that it reaches would change the size of a BytesIO, which depends on
    # whether its buffer is shared.
    truth.die(known={"same": same, "spelled": spelled}, marked=marked, closure=False)


main()
