"""At least one of every core builtin that refers to something, and what it refers to by name.

known adds
    edges    rows {name, address, edges: [[edge, kind, address of the target], ...]}: each is an edge
             that `referents` must show so.  What a type keeps to itself and no attribute hands out
             is not among them; gc.get_referents() in referents.bin says that much of it.
    leaked   {address: count}: objects of __main__.Leaked that count so many references too many
    hidden   {address, word}: the object is referred to from malloc memory only, by the word there

Runs on Python 2.7 and 3.6 or newer.
"""

import collections
import ctypes
import datetime
import io
import sys
import time
import types
import weakref

import truth

PY2 = sys.version_info[0] == 2
text = type(u"")

HELD = []
LEAKED = {}
HIDDEN = {}

SINCE_3 = '''
def make(hold, held):
    import functools
    one, two = ["one"], ["two"]
    pairs = zip(one, two)
    next(pairs)
    hold("zip", pairs)
    hold("map", map(make, one), {"<function>": make})
    hold("filter", filter(make, one), {"<function>": make})
    big = range(2 ** 70, 2 ** 71, 2 ** 69)
    hold("range", big, {".start": big.start, ".stop": big.stop, ".step": big.step})
    hold("long range iterator", iter(big))
    table = {"key": one}
    hold("keys", table.keys(), {".mapping": table})
    hold("values", table.values(), {".mapping": table})
    hold("items", table.items(), {".mapping": table})
    hold("mappingproxy", type("Proxied", (), {"a": one}).__dict__)
    hold("proxy of dict", types.MappingProxyType(table), {"<mapping>": table})
    hold("namespace", types.SimpleNamespace(a=one), {})
    raw = b"exported"
    hold("memoryview", memoryview(raw), {".obj": ("borrowed", raw)})
    hold("sliced memoryview", memoryview(raw)[2:4], {".obj": ("borrowed", raw)})
    hold("str iterator", iter("text"), {"<sequence>": "text"})
    hold("wide str iterator", iter("\\u20ac"))
    hold("bytes iterator", iter(raw), {"<sequence>": raw})
    hold("class with keywords", type("Named", (Exception,), {"__slots__": ("a", "b")}))
    class Unsized:
        def __getitem__(self, index):
            return index
    unsized = Unsized()
    hold("iterator", iter(unsized), {"<sequence>": unsized})
    counting = enumerate(one, 2 ** 70)
    next(counting)
    hold("enumerate", counting)
    ordered = __import__("collections").OrderedDict(a=one)
    for name, made in (("keys", ordered), ("values", ordered.values()), ("items", ordered.items())):
        walking = iter(made)
        next(walking)
        hold("ordered %s iterator" % name, walking, {"<dict>": ordered})
    hold("ordered keys", ordered.keys(), {".mapping": ordered})
    for made in (make, one.append, functools.wraps(make)(lambda: one)):
        hold("callable %s" % type(made), made)
'''

SINCE_3_8 = '''
def make(hold, held):
    import pickle
    raw = bytearray(b"exported")
    hold("pickle buffer", pickle.PickleBuffer(raw), {".raw().obj": raw})
    hold("reversed dict", reversed({"a": [1]}))
'''

SINCE_3_9 = '''
def make(hold, held):
    alias = list[dict]
    hold("alias", alias, {".__origin__": list, ".__args__": alias.__args__})
    import typing
    T = typing.TypeVar("T")
    hold("parametrised", dict[str, T])
    hold("deprecated alias", typing.List[T])
'''

SINCE_3_10 = '''
def make(hold, held):
    union = int | list[str]
    hold("union", union, {".__args__": union.__args__})
    hold("union of alias", list[str] | None)
'''

SINCE_3_11 = '''
def make(hold, held):
    hold("unpacking alias", iter(tuple[int]))
'''

SINCE_3_12 = '''
import typing
type Alias[T: (int, str), *Ts, **P] = list[T]
class Box[T: list]:
    pass
def make(hold, held):
    T, Ts, P = Alias.__type_params__
    hold("type alias", Alias, {".__type_params__": Alias.__type_params__})
    T.__constraints__
    hold("constrained type variable", T, {".__constraints__": T.__constraints__})
    bound = Box.__type_params__[0]
    bound.__bound__
    hold("bound type variable", bound, {".__bound__": list})
    hold("type variable tuple", Ts)
    hold("parameter specification", P)
    hold("args of it", P.args, {".__origin__": P})
    hold("kwargs of it", P.kwargs, {".__origin__": P})
    hold("unevaluated", Box)
    hold("memory iterator", iter(memoryview(b"walked")))
'''

SINCE_3_14 = '''
def make(hold, held):
    name = ["world"]
    template = t"hello {name!r:>{len(name)}} and {held}"
    hold("template", template, {".strings": template.strings,
                                ".interpolations": template.interpolations})
    first = template.interpolations[0]
    hold("interpolation", first, {".value": name, ".expression": first.expression,
                                  ".conversion": first.conversion,
                                  ".format_spec": first.format_spec})
    walking = iter(template)
    next(walking)
    hold("template iterator", walking)
'''

SINCE_3_15 = '''
def make(hold, held):
    missing = sentinel("missing")
    hold("sentinel", missing, {".__name__": missing.__name__})
    value = ["frozen"]
    hold("frozendict", frozendict(key=value, other=[1]), {"['key']": value})
    hold("frozendict of all", frozendict({1: value, None: value}), {"[1]": value})
'''

SOURCES = [((3, 0), SINCE_3), ((3, 8), SINCE_3_8), ((3, 9), SINCE_3_9), ((3, 10), SINCE_3_10),
           ((3, 11), SINCE_3_11), ((3, 12), SINCE_3_12), ((3, 14), SINCE_3_14),
           ((3, 15), SINCE_3_15)]


def hold(name, made, edges=()):
    """Keep an object; edges {edge: target} are strong, {edge: (kind, target)} of that kind."""
    HELD.append((name, made, dict(edges)))


def known():
    rows = []
    for name, made, edges in HELD:
        row = {"name": name, "address": address_of(made), "edges": []}
        for edge, target in sorted(edges.items()):
            kind = "strong"
            if type(target) is tuple and len(target) == 2 and target[0] in KINDS:
                kind, target = target
            row["edges"].append([edge, kind, address_of(target)])
        rows.append(row)
    return {"edges": rows, "leaked": LEAKED, "hidden": HIDDEN}


KINDS = ("strong", "weak", "borrowed")


def address_of(obj):
    return "0x%x" % id(obj)


class Plain(object):
    def __init__(self, **attributes):
        for name, value in sorted(attributes.items()):
            setattr(self, name, value)


class Slotted(object):
    __slots__ = ("left", "_Slotted__private", "empty")


class SlottedChild(Slotted):
    __slots__ = ("__weakref__", "right", "__dict__")


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyInt(int):
    pass


class MyDict(dict):
    pass


class MyDefault(collections.defaultdict):
    pass


class MyOrdered(collections.OrderedDict):
    pass


class MyRef(weakref.ref):
    __slots__ = ("key",)


class MyModule(types.ModuleType):
    pass


class Meta(type):
    pass


MetaMade = Meta("MetaMade", (list,), {"__slots__": ("slot",), "attribute": [1]})


class Old:
    """A classobj in Python 2."""

    inherited = ["of the class"]


class Leaked(object):
    pass


class Hidden(object):
    pass


def callback(reference):
    return reference


def make_instances():
    value, other = ["value"], ["other"]
    attributes = [Plain(first=value, second=other) for _ in range(20)]
    inline = attributes[3]
    if sys.version_info >= (3, 11):
        hold("instance", inline, {".first": value, ".second": other})
    wrapped = attributes[4]
    hold("wrapped instance", wrapped, {".__dict__": wrapped.__dict__})
    hold("its dict", wrapped.__dict__, {"['first']": value, "['second']": other})
    general = Plain()
    general.__dict__[1] = value
    hold("instance with a general dict", general, {".__dict__": general.__dict__})
    hold("general dict", general.__dict__, {"[1]": value})
    replaced = Plain(first=value)
    replaced.__dict__ = {"first": other}
    hold("instance with another dict", replaced, {".__dict__": replaced.__dict__})
    deleted = Plain(first=value, second=other)
    del deleted.first
    hold("instance that lost one", deleted)
    many = Plain(**dict(("attribute_%d" % number, [number]) for number in range(40)))
    hold("instance of many", many)
    slotted = SlottedChild()
    slotted.left, slotted.right, slotted.more = value, other, 1
    slotted._Slotted__private = value
    hold("slots", slotted, {".left": value, ".right": other, "._Slotted__private": value})
    for name, cls, arguments in (("list", MyList, ([value],)), ("tuple", MyTuple, ((value,),)),
                                 ("dict", MyDict, ({"key": value},)), ("int", MyInt, (5,)),
                                 ("ordered", MyOrdered, ([("key", value)],)),
                                 ("default", MyDefault, (list, {"key": value}))):
        made = cls(*arguments)
        made.attribute = other
        edges = {"list": {"[0]": value}, "tuple": {"[0]": value}, "int": {}}
        if PY2 and name == "ordered":
            hold("subclass of ordered", made)
        else:
            hold("subclass of %s" % name, made, edges.get(name, {"['key']": value}))
    meta_made = MetaMade([value])
    meta_made.slot = other
    hold("instance of a metaclass's", meta_made, {"[0]": value, ".slot": other})


def make_containers():
    value, key = ["value"], "key"
    queue = collections.deque([value] * 100)
    queue.popleft()
    queue.append("last")
    deleted = dict((number, [number]) for number in range(20))
    for number in range(15):
        del deleted[number]
    hold("list", [None, value], {"[1]": value})
    hold("tuple", (None, value), {"[1]": value})
    hold("set", set(["member"]), {"<set element>": "member"})
    hold("frozenset", frozenset(["member"]), {"<set element>": "member"})
    hold("dict", {"key": value, "other": 1}, {"['key']": value, "<key 'key'>": key})
    hold("general dict", {1: value, None: 1}, {"[1]": value, "[None]": 1})
    hold("dict of tuple keys", {(1, "a"): value}, {"[(1, 'a')]": value})
    hold("dict after deletions", deleted, {"[17]": deleted[17]})
    hold("deque", queue, {"[0]": value, "[99]": "last"})
    hold("defaultdict", collections.defaultdict(callback, a=value),
         {".default_factory": callback, "['a']": value})
    hold("ordered", collections.OrderedDict([("a", value)]), {} if PY2 else {"['a']": value})
    point = collections.namedtuple("Point", "x y")(value, 1)
    hold("named tuple", point, {"[0]": value})
    moment = time.localtime(0)
    hold("struct sequence", moment, {"[0]": moment[0]} if PY2 else
         {"[0]": moment[0], ".tm_zone": moment.tm_zone, ".tm_gmtoff": moment.tm_gmtoff})
    hold("sizes", sys.float_info, {"[0]": sys.float_info[0]})


def make_types():
    hold("class", Slotted, {".__mro__": Slotted.__mro__, ".__bases__": Slotted.__bases__,
                            ".__base__": object, ".__name__": Slotted.__name__})
    hold("child class", SlottedChild, {".__base__": Slotted})
    hold("metaclass", Meta, {".__base__": type})
    hold("class of a metaclass", MetaMade, {".__class__": Meta, ".__base__": list})
    hold("static type", dict, {".__mro__": dict.__mro__})
    module = MyModule("made")
    module.attribute = [1]
    hold("module", module, {".__dict__": module.__dict__})
    hold("module with C state", io, {".__dict__": io.__dict__})
    hold("static module", sys, {".__dict__": sys.__dict__})


def make_weak():
    referent = Plain(first=1)
    HELD.append(("referent", referent, {}))
    hold("weakref", weakref.ref(referent), {"()": ("weak", referent)})
    hold("weakref with callback", weakref.ref(referent, callback),
         {"()": ("weak", referent), ".__callback__": callback})
    mine = MyRef(referent, callback)
    mine.key = referent
    hold("weakref with key", mine, {"()": ("weak", referent), ".key": referent})
    HELD.append(("proxy", weakref.proxy(referent, callback),
                 {"()": ("weak", referent), ".__callback__": callback}))
    callable_referent = MyList
    HELD.append(("callable proxy", weakref.proxy(callable_referent),
                 {"()": ("weak", callable_referent)}))
    gone = Plain()
    dead = weakref.ref(gone, callback)
    del gone
    hold("dead weakref", dead)


def make_small():
    value = ["value"]
    hold("slice", slice(value, "stop", None),
         {".start": value, ".stop": "stop", ".step": None})
    plain = Plain()
    hold("super", super(Plain, plain),
         {".__thisclass__": Plain, ".__self__": plain, ".__self_class__": Plain})
    hold("unbound super", super(Plain), {".__thisclass__": Plain})
    hold("list iterator", iter(value), {"<sequence>": value})
    pair = ("a", "b")
    hold("tuple iterator", iter(pair), {"<sequence>": pair})
    hold("reversed list", reversed(value), {"<sequence>": value})
    hold("reversed", reversed(pair), {"<sequence>": pair})
    hold("set iterator", iter(set(value)), {})
    table = {"key": value}
    hold("dict iterator", iter(table), {"<dict>": table})
    hold("callable iterator", iter(callback, value),
         {"<callable>": callback, "<sentinel>": value})
    buffer_ = bytearray(b"mutable")
    hold("bytearray", buffer_)
    hold("bytearray iterator", iter(buffer_), {"<sequence>": buffer_})
    hold("memoryview of bytearray", memoryview(buffer_))
    exhausted = iter([])
    list(exhausted)
    hold("exhausted iterator", exhausted)
    hold("date", datetime.date(2020, 1, 2))


OLD = '''
def make(hold, held):
    value = ["value"]
    made = Old()
    made.attribute = value
    hold("old instance", made, {".__class__": Old, ".__dict__": made.__dict__})
    hold("old class", Old, {".__bases__": Old.__bases__, ".__dict__": Old.__dict__})
    opened = open("/dev/null")
    hold("file", opened, {".name": opened.name, ".mode": opened.mode})
    raw = "exported"
    hold("buffer", buffer(raw), {"<base>": raw})
    hold("memoryview", memoryview(raw), {"<base>": raw, ".obj": raw})
    encoded = u"\\u20ac text"
    hash(encoded)
    hold("unicode", encoded)
    hold("dictproxy", Plain.__dict__)
    hold("range", xrange(5))
    hold("unicode iterator", iter(encoded), {"<sequence>": encoded})
    counting = enumerate(value, 2 ** 70)
    next(counting)
    hold("enumerate", counting)
    table = {"key": value}
    hold("keys", table.viewkeys(), {".mapping": table})
    walking = table.iteritems()
    hold("items iterator", walking, {"<dict>": table})
'''


def take(made, count):
    """Let C code take references to an object that nobody gives back."""
    increase = ctypes.pythonapi.Py_IncRef
    increase.argtypes = [ctypes.py_object]
    increase.restype = None
    for _ in range(count):
        increase(made)


def make_leaked():
    for number in range(1, 4):
        made = Leaked()
        take(made, number)
        LEAKED[address_of(made)] = number
        if number % 2:
            HELD.append(("leaked", made, {}))


def make_hidden():
    allocate = ctypes.CDLL(None).malloc
    allocate.argtypes = [ctypes.c_size_t]
    allocate.restype = ctypes.c_void_p
    made = Hidden()
    take(made, 1)
    block = allocate(64)
    words = (ctypes.c_void_p * 8).from_address(block)
    words[3] = id(made)
    HIDDEN.update(address=address_of(made), word="0x%x" % (block + 24))


def make_versions():
    """What needs the syntax or the builtins of a version."""
    sources = [((2, 7), OLD)] if PY2 else [row for row in SOURCES if sys.version_info >= row[0]]
    for _, source in sources:
        space = dict(globals())
        exec(compile(source, "source.py", "exec"), space)
        space["make"](hold, HELD)


def main():
    make_instances()
    make_containers()
    make_types()
    make_weak()
    make_small()
    make_leaked()
    make_hidden()
    make_versions()
    truth.die(known(), dict(("%d %s" % (number, row[0]), row[1]) for number, row in enumerate(HELD)
                            if "roxy" not in row[0]))


main()
