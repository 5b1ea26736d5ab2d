"""Cycles of every kind that Python code alone can make, each by a function that returns some of its
members; what is let go of then is a dead cycle.

MAKERS: [(name, function, finalizer)], those that this version can make. finalizer says what a
collection would run or find in the way: None; "__del__"; "finalized" (a __del__ that has run);
"generator", "coroutine" (suspended where something is pending); "tp_finalize" (of a type written in
C); "weakref callback"; and where it makes a cycle uncollectable, in Python 2, "legacy" (a __del__)
and "legacy generator".

Runs on Python 2.7 and 3.6 or newer.
"""

import collections
import functools
import itertools
import sys
import types
import weakref

PY3 = sys.version_info[0] >= 3
DEL = "__del__" if PY3 else "legacy"
MAKERS = []
KEPT = []  # what some cycles need alive: weak references from outside, and their callbacks


def ring(name, finalizer=None, when=True):
    """Decorator: this function makes a ring, if `when`. Used by ringframes.py too."""
    def register(function):
        if when:
            MAKERS.append((name, function, finalizer))
        return function
    return register


class Plain(object):
    def __init__(self, *links):
        self.links = list(links)

    def method(self):
        return self


class Slotted(object):
    __slots__ = ("next", "unset", "value", "__weakref__")


class SlottedChild(Slotted):
    __slots__ = ("more",)


class Bare(object):
    """Its instances get their attributes in two ways: as the class's others, and as none of
    them."""


class WithDel(object):
    def __del__(self):
        self.ran = True


class SlottedWithDel(object):
    __slots__ = ("next",)

    def __del__(self):
        pass


class Phoenix(object):
    """Comes back when it is first let go of."""
    ashes = []

    def __del__(self):
        self.ashes.append(self)


@ring("instances")
def instances():
    one, two, three = Plain(), Plain(), Plain()
    one.next, two.next, three.next = two, three, one
    three.text = "text " * 20
    return [one, two, three]


@ring("instance itself")
def instance_itself():
    one = Bare()
    one.me = one
    return [one]


@ring("instances with odd attributes")
def odd_attributes():
    many = [Bare() for _ in range(4)]
    for number, one in enumerate(many):
        for name in range(number * 20):
            setattr(one, "attribute_%d" % name, many[name % 4])
        one.others = many
    del many[3].attribute_5
    many[0].__dict__["key"] = many[0].__dict__
    many[1].__dict__[7] = many
    return many


@ring("replaced __dict__")
def replaced_dict():
    one, two = Bare(), Bare()
    one.__dict__ = shared = {"one": one, "two": two}
    two.__dict__ = shared
    return [one, two, shared]


@ring("lists")
def lists():
    one, two = [], []
    one.append(two)
    two.extend([one, 1, "x", None])
    return [one, two]


@ring("list itself")
def list_itself():
    one = []
    one.append(one)
    return [one]


@ring("dict itself")
def dict_itself():
    one = {}
    one["me"] = one
    return [one]


@ring("dict with odd keys")
def dict_odd_keys():
    one = {1: "x", (2, 3): None}
    for number in range(300):
        one[number] = one
    for number in range(250):
        del one[number]
    key = Plain(one)
    one[key] = key
    return [one, key]


@ring("tuple and list")
def tuple_and_list():
    inner = []
    outer = (1, inner, (2, inner))
    inner.append(outer)
    return [inner, outer, outer[2]]


@ring("sets")
def sets():
    one, two = Plain(), Plain()
    one.peers = set([one, two] + list(range(50)))
    two.peers = frozenset([one, two])
    return [one, two, one.peers, two.peers]


@ring("tail")
def tail():
    """What only hangs off a cycle: a tree, a long list, an untracked tuple, big strings."""
    one = Plain([[]], {"a": [1]}, (1, 2), (3, []), u"text" * 100, Plain())
    one.links.append(one)
    chain = None
    for _ in range(2000):
        chain = [chain]
    one.chain = chain
    return [one, one.links, chain]


@ring("big")
def big():
    one = Plain(bytearray(1 << 20), b"bytes" * 200000)
    one.links.append(one.links)
    return [one, one.links]


@ring("many")
def many():
    members = [Plain() for _ in range(500)]
    for one, two in zip(members, members[1:] + members[:1]):
        one.next = two
    return members


@ring("__del__", DEL)
def with_del():
    one, two = WithDel(), Plain(["hangs off"])
    one.next, two.next = two, one
    return [one, two, two.links]


@ring("__del__ in slots", DEL)
def slotted_with_del():
    one = SlottedWithDel()
    one.next = [one]
    return [one, one.next]


@ring("__del__ hangs off", DEL)
def del_hangs_off():
    """The cycle has none, but what it holds has."""
    one = Plain()
    one.links.append(one)
    one.held = WithDel()
    return [one, one.held]


@ring("cycle behind __del__", DEL)
def cycle_behind_del():
    """The __del__ is in no cycle itself but holds one."""
    one = WithDel()
    one.inner = [one]
    behind = Plain()
    behind.me = behind
    one.behind = behind
    return [one, behind]


@ring("finalized", "finalized" if PY3 else DEL)
def finalized():
    one = Phoenix()
    one.me = None
    del one
    one = Phoenix.ashes.pop()
    one.me = one
    return [one]


@ring("instance __del__")
def instance_del():
    """A __del__ of an instance, not of its class, is none."""
    one = Plain()
    one.__del__ = one.method
    return [one]


@ring("slots")
def slots():
    one, two = Slotted(), SlottedChild()
    one.next, two.next, two.more = two, one, [two]
    two.value = 12345678901234567890
    return [one, two, two.more]


@ring("closures")
def closures():
    def one():
        return two

    def two(default=[one]):
        return one
    return [one, two, one.__closure__[0], two.__closure__[0], two.__defaults__[0]]


@ring("function attributes")
def function_attributes():
    def one():
        pass
    one.me = one
    one.__globals__["__name__"]
    return [one]


@ring("function defaults")
def function_defaults():
    held = []
    if PY3:
        names = {}
        exec("def one(a, *, named=None) -> None: pass", names)
        one = names["one"]
        one.__kwdefaults__ = {"named": held}
        one.__annotations__ = {"a": held}
    else:
        def one(a=held):
            pass
    held.append(one)
    return [held, one]


@ring("cell itself")
def cell_itself():
    def inner():
        return inner
    cell = inner.__closure__[0]
    inner = cell
    return [cell]


@ring("bound methods")
def bound_methods():
    one = Plain()
    one.bound = one.method
    one.appends = one.links.append
    one.links.append(one.appends)
    return [one, one.bound, one.appends, one.links]


@ring("descriptors")
def descriptors():
    held = []
    made = [property(lambda self: held, None, held.append), staticmethod(held.append),
            classmethod(held.append), super(Plain, Plain(held)), slice(held, None)]
    held.extend(made)
    return [held] + made


@ring("partial")
def partial():
    held = []
    one = functools.partial(held.append, held, key=held)
    one.attribute = one
    held.append(one)
    return [held, one]


@ring("lru_cache", when=PY3)
def lru_cache():
    made = []
    for size in (None, 5, 0):
        held = Plain()

        @functools.lru_cache(maxsize=size)
        def cached(argument, held=held):
            return argument
        for number in range(20):
            cached(number)
        cached(held)
        held.cached = cached
        made.extend([held, cached])
    return made


@ring("cached_property", when=sys.version_info >= (3, 8))
def cached_property():
    class Local(object):
        @functools.cached_property
        def value(self):
            return [self]
    one = Local()
    one.value
    return [one, one.value]


@ring("collections")
def collections_of_them():
    queue = collections.deque(range(200), maxlen=300)
    queue.append(queue)
    queue.rotate(7)
    ordered = collections.OrderedDict([("a", 1), ("b", queue)])
    ordered["me"] = ordered
    default = collections.defaultdict(lambda: default)
    default[1]
    counter = collections.Counter("abc")
    counter["me"] = counter
    queue.extend([ordered, default, counter])
    ordered["queue"], default["queue"], counter["queue"] = queue, queue, queue
    return [queue, ordered, default, counter]


@ring("iterators")
def iterators():
    held, mapping = [1, 2, 3], {"a": 1, "b": 2}
    made = [iter(held), reversed(held), enumerate(held), iter(mapping), iter(tuple([held])),
            itertools.chain(held, [held]), itertools.cycle(held), itertools.count(1),
            itertools.repeat(held), itertools.islice(held, 3), iter(lambda: held, 3),
            itertools.groupby(held), itertools.product(held, held), iter(set([1, 2])),
            itertools.permutations(held), itertools.combinations(held, 2),
            iter(collections.deque(held)), itertools.takewhile(bool, held),
            itertools.dropwhile(bool, held)]
    made.extend(itertools.tee(held))
    if PY3:
        made.extend([map(bool, held), filter(None, held), zip(held, held), mapping.keys(),
                     mapping.items(), types.MappingProxyType(mapping), iter(mapping.items()),
                     itertools.accumulate(held), memoryview(b"abc")])
    for one in made[5:]:
        if hasattr(one, "__next__") or hasattr(one, "next"):
            next(one, None)
    mapping["held"] = held
    held.extend(made)
    return [held, mapping]


@ring("modules")
def modules():
    one = types.ModuleType("made_up")
    one.me = one
    names = {"module": one}
    exec("def function(): return module", names)
    one.function = names["function"]
    return [one, one.function, names]


@ring("dead class")
def dead_class():
    class Dead(object):
        __slots__ = ("slot", "__dict__", "__weakref__")

        def method(self):
            return Dead

        @property
        def value(self):
            return self.slot
    Dead.only = one = Dead()
    one.slot = [one]
    return [Dead, one]


@ring("dead classes")
def dead_classes():
    class Meta(type):
        def __call__(cls, *args):
            return type.__call__(cls, *args)
    Base = Meta("Base", (object,), {})
    Child = Meta("Child", (Base, dict), {"base": Base})
    Child.only = one = Child()
    one["me"] = one
    Record = collections.namedtuple("Record", "x y")
    Record.example = Record(1, Child)

    class Fault(Exception):
        pass
    Fault.example = Fault(Fault)
    isinstance(one, Base)
    one.attribute = one
    return [Meta, Base, Child, one, Record, Fault]


@ring("dead abstract class")
def dead_abstract():
    import abc
    Base = abc.ABCMeta("Base", (object,), {})
    Base.register(Plain)
    isinstance(3, Base)
    isinstance(Plain(), Base)
    return [Base]


@ring("subclasses of builtins")
def subclassed():
    made = []
    for base in (list, dict, set, collections.deque, collections.OrderedDict, tuple, int, str,
                 Exception, collections.defaultdict, frozenset, bytearray, float, weakref.ref,
                 property, types.ModuleType, type(u"")):
        class Derived(base):
            pass
        arguments = {weakref.ref: (Plain,), types.ModuleType: ("x",)}.get(base, ())
        one = Derived(*arguments)
        one.me = one
        one.made = made
        made.append(one)
    made[0].append(made)
    made[1]["made"] = made
    return made


@ring("weakrefs inside")
def weakrefs_inside():
    """The reference, its callback and its target are all in the cycle: the callback never runs."""
    one = Plain()
    one.weak = weakref.ref(one, one.links.append)
    one.proxy = weakref.proxy(one)
    one.mapping = weakref.WeakValueDictionary({"me": one})
    one.keys = weakref.WeakKeyDictionary({one: one})
    one.everyone = weakref.WeakSet([one])
    return [one, one.weak, one.mapping]


@ring("weakref outside", "weakref callback")
def weakref_outside():
    one = Plain()
    one.me = one
    ran = []
    KEPT.append((weakref.ref(one, ran.append), ran))
    return [one]


@ring("weakref outside, no callback")
def weakref_outside_plain():
    one = Plain()
    one.me = one
    KEPT.append(weakref.ref(one))
    return [one]


@ring("weakref brings back", "weakref callback")
def weakref_brings_back():
    """One of two is targeted; the callback is of another's method, which lives."""
    one, two = Plain(), Plain()
    one.next, two.next = two, one
    KEPT.append(weakref.proxy(two, KEPT.count))
    return [one, two]


# ---- Python 2's old-style classes ----

if not PY3:
    exec(compile("""
class Old:
    pass

class OldWithDel:
    def __del__(self):
        pass

class OldHook:
    def __getattr__(self, name):
        raise AttributeError(name)

class OldChild(OldWithDel):
    pass

@ring("old instance")
def old_instance():
    one, two = Old(), OldHook()
    one.next, two.next = two, one
    return [one, two]

@ring("old instance with __del__", "legacy")
def old_with_del():
    one, two = OldWithDel(), OldChild()
    one.next, two.next = two, one
    two.hangs_off = [["list"], Old()]
    return [one, two, two.hangs_off]

@ring("old instance with own __del__", "legacy")
def old_with_own_del():
    one = Old()
    one.__del__ = lambda: None
    one.me = one
    return [one]

@ring("old instance with __del__ hangs off", "legacy")
def old_del_hangs_off():
    one = Old()
    one.me = one
    one.held = OldWithDel()
    return [one, one.held]

@ring("old class")
def old_class():
    class Dead:
        def method(self):
            return Dead
    Dead.only = Dead()
    return [Dead, Dead.only]

@ring("unbound methods")
def unbound():
    class Dead(object):
        def method(self):
            pass
    Dead.saved = Dead.method
    return [Dead, Dead.saved]
""", "older.py", "exec"))
