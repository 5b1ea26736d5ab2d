"""Cycles through one object of each type of the standard library that is written in C and can hold
another, and through some of Python's own objects that hold many.

Each factory gets a list and returns what holds it; the list then gets that. Whether it is a dead
cycle to the collector is up to the type's tp_traverse in this version: known["rings"] gives no
state, the files of collected.py do.

Runs on Python 2.7 and 3.6 or newer.
"""

import collections
import copy
import csv
import ctypes
import datetime
import functools
import gc
import io
import itertools
import json
import operator
import re
import struct
import sys
import threading
import types
import weakref

import collected

FACTORIES = []
RINGS = {}


def optional(name):
    try:
        return __import__(name, fromlist=["x"])
    except ImportError:
        return None


def factory(function):
    FACTORIES.append((function.__name__, function))
    return function


class Holder(object):
    def __init__(self, held=None):
        self.held = held

    def write(self, text):
        return len(text)

    def read(self, size=-1):
        return b""


class Text(type(u"")):
    """Text that can hold something."""


class Bytes(bytearray):
    """Bytes that can hold something."""


def holding(cls, held, *args):
    one = cls(*args)
    one.held = held
    return one


# ---- ctypes ----


class Pair(ctypes.Structure):
    _fields_ = [("one", ctypes.py_object), ("two", ctypes.c_void_p)]


@factory
def py_object(held):
    return ctypes.py_object(held)


@factory
def structure(held):
    return Pair(held, None)


@factory
def structure_attribute(held):
    return holding(Pair, held)


@factory
def pointer(held):
    return ctypes.pointer(Pair(held, None))


@factory
def ctypes_array(held):
    return (ctypes.py_object * 3)(held, held)


@factory
def ctypes_callback(held):
    return ctypes.CFUNCTYPE(ctypes.c_int)(held.pop)


@factory
def foreign_function(held):
    function = ctypes.PyDLL(None)["getpid"]
    function.errcheck = held.append
    function.argtypes = [ctypes.c_int]
    return function


@factory
def ctypes_class(held):
    class Local(ctypes.Structure):
        _fields_ = [("number", ctypes.c_int), ("text", ctypes.c_char * 10)]
    Local.held = held
    return [Local(), ctypes.POINTER(Local)(), (Local * 5)()]


# ---- threads, queues, contexts ----


@factory
def local(held):
    return holding(threading.local, held)


@factory
def local_with_arguments(held):
    class Local(threading.local):
        def __init__(self, held):
            pass
    return Local(held)


@factory
def thread(held):
    return threading.Thread(target=held.append, args=(held,))


@factory
def condition(held):
    return holding(threading.Condition, held)


@factory
def simple_queue(held):
    queue = optional("_queue").SimpleQueue()
    queue.put(held)
    return queue


@factory
def context_variable(held):
    return optional("contextvars").ContextVar("name", default=held)


@factory
def context(held):
    contextvars = optional("contextvars")
    one, variable = contextvars.Context(), contextvars.ContextVar("name")
    token = one.run(variable.set, held)
    return [one, token, iter(one), one.items()]


# ---- functions ----


@factory
def cmp_to_key(held):
    return functools.cmp_to_key(lambda one, two: 0)(held)


@factory
def dispatched(held):
    return holding(functools.singledispatch, held, len)


@factory
def getters(held):
    return [operator.itemgetter(held), operator.itemgetter(held, 1),
            operator.attrgetter(holding(Text, held, u"name") if sys.version_info[0] > 2 else "x"),
            operator.methodcaller("name", held, key=held)]


@factory
def more_iterators(held):
    made = [itertools.starmap(held.append, held), itertools.compress(held, held)]
    for name, args in (("zip_longest", (held,)), ("izip_longest", (held,)), ("pairwise", (held,)),
                       ("filterfalse", (None, held)), ("ifilterfalse", (None, held)),
                       ("batched", (held, 2)), ("combinations_with_replacement", (held, 2)),
                       ("imap", (bool, held)), ("izip", (held, held))):
        if hasattr(itertools, name):
            made.append(getattr(itertools, name)(*args))
    return made


@factory
def views(held):
    mapping, ordered = {1: held}, collections.OrderedDict([(1, held)])
    made = [ordered.keys(), ordered.values(), ordered.items(), iter(ordered), reversed(ordered)]
    if sys.version_info >= (3, 8):
        made.extend([reversed(mapping), reversed(mapping.values()), reversed(mapping.items())])
    if sys.version_info[0] > 2:
        made.extend([mapping.values(), iter(mapping.values()), iter(ordered.items())])
    else:
        made.extend([mapping.viewkeys(), mapping.itervalues(), buffer(holding(Bytes, held, b"x"))])
    return made


@factory
def namespaces(held):
    return [types.SimpleNamespace(held=held), collections.ChainMap({1: held})]


@factory
def aliases(held):
    made = [types.GenericAlias(list, (held,)), types.GenericAlias(Holder, (int, held))]
    if sys.version_info >= (3, 11):
        made.extend([int | made[0], iter(made[0])])
    return made


@factory
def typing_variables(held):
    import typing
    one = typing.TypeVar("T", bound=typing.List[int])
    one.__name_of_mine__ = held
    return one


@factory
def type_alias(held):
    names = {"held": held}
    exec("type Alias[T: held] = [T, held]\ndef generic[T](x: T): return held", names)
    names["Alias"].__type_params__[0].__bound__
    return [names["Alias"], names["generic"]]


@factory
def template(held):
    return eval("t'x{held}y'", {"held": held})


@factory
def frozen_dict(held):
    import builtins
    return builtins.frozendict(held=held)


# ---- input, output, text ----


@factory
def streams(held):
    made = [holding(io.BytesIO, held), holding(io.StringIO, held)]
    raw = holding(io.BytesIO, held, b"raw")
    made.append(io.TextIOWrapper(io.BufferedReader(raw)))
    made.append(io.BufferedRWPair(raw, raw))
    made.append(io.BufferedRandom(raw))
    return made


@factory
def zones(held):
    class Zone(datetime.tzinfo):
        def utcoffset(self, when):
            return datetime.timedelta(0)
    zone = holding(Zone, held)
    return [datetime.datetime(2020, 1, 1, tzinfo=zone), datetime.time(1, tzinfo=zone)]


@factory
def readers(held):
    return [csv.reader(held), csv.writer(Holder(held))]


@factory
def patterns(held):
    text = holding(Text, held, u"abc")
    pattern = re.compile(u"b")
    return [pattern.search(text), pattern.scanner(text), pattern.finditer(text)]


@factory
def unpacking(held):
    return struct.iter_unpack("<i", holding(Bytes, held, b"12345678"))


@factory
def memory_view(held):
    return memoryview(holding(Bytes, held, b"12345678"))


@factory
def pickle_buffer(held):
    import pickle
    return pickle.PickleBuffer(holding(Bytes, held, b"12345678"))


@factory
def scanner(held):
    return json.JSONDecoder(object_hook=held.append).scan_once


@factory
def encoder(held):
    return json.encoder.c_make_encoder({}, held.append, json.encoder.encode_basestring_ascii,
                                       None, ":", ",", False, False, True)


@factory
def element(held):
    tree = optional("xml.etree.ElementTree") if sys.version_info[0] > 2 else optional(
        "xml.etree.cElementTree")
    one = tree.Element("tag", {"held": held})
    one.text = one.tail = held
    one.append(tree.Element("child"))
    return [one, one.iter(), one.itertext()]


@factory
def tree_builder(held):
    tree = optional("xml.etree.ElementTree")
    return [tree.TreeBuilder(held.append), tree.XMLParser(target=Holder(held))]


@factory
def expat(held):
    parser = optional("pyexpat").ParserCreate()
    parser.StartElementHandler = held.append
    return parser


@factory
def document(held):
    from xml.dom import minidom
    return holding(minidom.Document, held)


@factory
def pickler(held):
    pickle = optional("_pickle") or optional("cPickle")
    one = pickle.Pickler(Holder(held), 2)
    one.dump(held)
    return one


@factory
def unpickler(held):
    pickle = optional("_pickle") or optional("cPickle")
    return pickle.Unpickler(holding(io.BytesIO, held, b""))


@factory
def database(held):
    connection = optional("sqlite3").connect(":memory:")
    connection.row_factory = held.append
    connection.create_function("held", 1, Holder(held).write)
    return [connection, connection.cursor()]


@factory
def secure(held):
    ssl = optional("ssl")
    one = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_SERVER", ssl.PROTOCOL_SSLv23))
    one.set_servername_callback(held.append)
    return one


@factory
def socket(held):
    return holding(type("Local", (optional("_socket").socket,), {}), held)


@factory
def decimal_context(held):
    return holding(type("Local", (optional("decimal").Context,), {}), held)


@factory
def profiler(held):
    return optional("_lsprof").Profiler(held.append)


# ---- asyncio ----


@factory
def future(held):
    loop = LOOP
    one = loop.create_future()
    one.add_done_callback(held.append)
    one.add_done_callback(held.pop)
    two = loop.create_future()
    two.set_result(held)
    return [one, two, iter(one)]


@factory
def task(held):
    names = {}
    exec("async def wait(future, held):\n    return await future\n", names)
    one = LOOP.create_task(names["wait"](LOOP.create_future(), held))
    LOOP.call_soon(LOOP.stop)
    LOOP.run_forever()
    return one


@factory
def task_done(held):
    names = {}
    exec("async def fail(held):\n    raise ValueError(held)\n", names)
    one = LOOP.create_task(names["fail"](held))
    LOOP.call_soon(LOOP.stop)
    LOOP.run_forever()
    one.exception()
    return one


@factory
def event_loop(held):
    loop = asyncio.new_event_loop()
    loop.call_later(1000, held.append, held)
    return loop


@factory
def asyncio_queue(held):
    queue = asyncio.Queue()
    queue.put_nowait(held)
    return queue


# ---- Python's own ----


@factory
def exceptions(held):
    made = [SystemExit(held), StopIteration(held), OSError(1, held), KeyError(held),
            SyntaxError("x", (held, 1, 1, "x")), UnicodeDecodeError("utf-8", b"x", 0, 1, "why")]
    made[-1].held = held
    if sys.version_info[0] > 2:
        made.append(ImportError("x", name=held, path=held))
    if sys.version_info >= (3, 10):
        made.extend([AttributeError("x", name="y", obj=held), NameError("x", name=held)])
    if sys.version_info >= (3, 11):
        import builtins
        made.append(builtins.ExceptionGroup("x", [ValueError(held)]))
        made[-1].add_note("note")
    return made


@factory
def frames(held):
    def look():
        return sys._getframe()
    one = look()
    one.f_trace = held.append
    if sys.version_info >= (3, 13):
        one.f_locals["extra"] = held
        return [one, one.f_locals]
    return one


@factory
def enumeration(held):
    enum = optional("enum")
    one = enum.Enum("Colour", "RED GREEN")
    one.RED.held = held
    return one


@factory
def data_class(held):
    made = optional("dataclasses").make_dataclass("Record", [("x", int), ("y", list)])
    made.example = made(1, held)
    return made


@factory
def abstract_class(held):
    import abc
    Base = abc.ABCMeta("Base", (object,), {"held": held})
    Base.register(Holder)
    isinstance(3, Base)
    return Base


@factory
def logger(held):
    import logging
    one = logging.Logger("made")
    one.addHandler(logging.NullHandler())
    one.handlers[0].held = held
    return one


@factory
def finalizer(held):
    return holding(Holder, held) and weakref.finalize(Holder(), held.append, held)


@factory
def method_descriptors(held):
    class Local(object):
        __slots__ = ("slot",)

        def method(self):
            return held
    return [Local.method, Local.__dict__["slot"], Local().__init__, Local.__subclasshook__]


@factory
def copies(held):
    return copy.copy(Holder(held)).__reduce_ex__(2)


@factory
def scandir(held):
    import os
    one = os.scandir(holding(Text, held, u"."))
    return [one, list(os.scandir(holding(Text, held, u".")))]


@factory
def random_state(held):
    return holding(type("Local", (optional("_random").Random,), {}), held)


@factory
def mapped(held):
    return holding(type("Local", (optional("mmap").mmap,), {}), held, -1, 4096)


@factory
def arrays(held):
    array = optional("array").array
    one = holding(type("Local", (array,), {}), held, "i", [1, 2])
    return [one, iter(one)]


def make_ring(name, make, index):
    """A ring of a list and what a factory made of it, or that at an index of what it made; returns
    how many it made, 0 if it makes no list of them."""
    held = []
    one = make(held)
    count = len(one) if type(one) is list else 0
    if index is not None:
        one = one[index]
        name = "%s %d, %s" % (name, index, type(one).__name__)
    held.append(one)
    RINGS[name] = {"addresses": ["%#x" % id(held), "%#x" % id(one)], "state": None,
                   "finalizer": None}
    return count


def make_all():
    """One ring through each, so that one which the collector does not see hides no other; those
    that this version has not are left out, and named in known["absent"]."""
    absent = {}
    for name, make in FACTORIES:
        try:
            for index in range(make_ring(name, make, None)):
                make_ring(name, make, index)
        except Exception as error:
            absent[name] = str(error)
            error = None
    return absent


gc.disable()
asyncio = optional("asyncio")
LOOP = asyncio and asyncio.new_event_loop()
collected.die({"rings": RINGS, "absent": make_all()})
