"""Objects that `object` shows whole: classes, functions and code with where they were written, and
things in every kind of memory.

known:
    sources  {address, name, rows: [[name, file, line]]} as table `source` has them, in any order
    bases    {address, name, rows: [[name, address]]} as table `bases` has them
    blocks   {name: {address, usable}}: objects in malloc's memory, usable as malloc_usable_size()
             says
    freed    {name: addresses} of instances that were freed
    kept     addresses of dead lists that the interpreter keeps for new ones
    mapping  {address, end} of an anonymous mapping that holds no object

Runs on Python 2.7 and 3.6 or newer.
"""

import collections
import ctypes
import gc
import mmap
import sys

import census
import truth

PY2 = sys.version_info[0] == 2

SINCE_3 = '''
import functools
async def coroutine():
    pass
class Cached(object):
    @functools.lru_cache(maxsize=4)
    def cached(self):
        return 1
'''


class Base(object):
    def inherited(self):
        return 1


class Mixin(object):
    pass


class Session(Base, Mixin):
    constant = 5
    other_class = Base

    def __init__(self, user):
        self.user = user

    def close(self):
        def inner():
            return self
        return inner

    @staticmethod
    def make(user):
        return Session(user)

    @classmethod
    def of(cls):
        return cls("nobody")

    @property
    def size(self):
        return len(self.user)

    @size.setter
    def size(self, value):
        self.user = value

    shortcut = lambda self: 1  # noqa: E731


class Old:
    """A classobj in Python 2."""

    def method(self):
        return 1


class OldChild(Old):
    pass


class Wide(object):
    """Of a size that little else has."""

    __slots__ = ["slot%d" % number for number in range(46)]


class WithDict(object):
    def __init__(self):
        self.name = 1


def generator():
    yield 1
    yield 2


def described(function, name=None):
    code = function.__code__
    return [name or getattr(function, "__qualname__", function.__name__), code.co_filename,
            code.co_firstlineno]


def code_rows(code):
    return [[getattr(code, "co_qualname", code.co_name), code.co_filename, code.co_firstlineno]]


def standing(frame):
    code = frame.f_code
    return [[getattr(code, "co_qualname", code.co_name), code.co_filename, frame.f_lineno]]


def main():
    made, sources, bases = {}, [], []

    def source(name, obj, rows):
        made[name] = obj
        sources.append({"address": census.hex_address(id(obj)), "name": name, "rows": rows})

    def base(name, cls):
        made.setdefault(name, cls)
        bases.append({"address": census.hex_address(id(cls)), "name": name,
                      "rows": [[census.type_name(one) if isinstance(one, type) else repr(one),
                                census.hex_address(id(one))] for one in cls.__bases__]})

    session = Session("bob")
    closure = session.close()
    halfway, fresh, finished = generator(), generator(), generator()
    next(halfway)
    list(finished)
    own = Session.__dict__
    source("class", Session, [
        described(own["__init__"], "__init__"), described(own["close"], "close"),
        described(own["make"].__get__(None, Session), "make.__func__"),
        described(getattr(own["of"].__get__(None, Session), "__func__"), "of.__func__"),
        described(own["size"].fget, "size.fget"), described(own["size"].fset, "size.fset"),
        described(own["shortcut"], "shortcut")])
    source("base class", Base, [described(Base.__dict__["inherited"], "inherited")])
    source("class without methods", Mixin, [])
    source("old class", Old, [described(Old.__dict__["method"], "method")])
    source("function", described, [described(described)])
    source("closure", closure, [described(closure)])
    source("lambda", own["shortcut"], [described(own["shortcut"])])
    source("bound method", session.close, [described(own["close"])])
    source("code", main.__code__, code_rows(main.__code__))
    source("inner code", closure.__code__, code_rows(closure.__code__))
    source("generator", halfway, standing(halfway.gi_frame))
    source("fresh generator", fresh, standing(fresh.gi_frame))
    source("generator's frame", halfway.gi_frame, standing(halfway.gi_frame))
    source("builtin", len, [])
    source("instance", session, [])
    source("static type", list, [])
    source("exec", *executed())
    if not PY2:
        scope = {"__name__": "__main__"}
        exec(compile(SINCE_3, "<since 3>", "exec"), scope)
        coroutine = scope["coroutine"]()
        source("coroutine", coroutine, standing(coroutine.cr_frame))
        cached = scope["Cached"].__dict__["cached"]
        source("class with a cached method", scope["Cached"],
               [described(cached.__wrapped__, "cached.__wrapped__")])
    base("class", Session)
    base("base class", Base)
    base("static type", list)
    base("bool", bool)
    base("class of C", collections.defaultdict)
    base("old child", OldChild)

    large, huge = b"x" * 5000, b"y" * (1 << 20)
    usable = ctypes.CDLL(None).malloc_usable_size
    usable.argtypes, usable.restype = [ctypes.c_void_p], ctypes.c_size_t
    blocks = dict((name, {"address": census.hex_address(id(obj)), "usable": usable(id(obj))})
                  for name, obj in (("large", large), ("huge", huge)))
    made.update({"large": large, "huge": huge})
    small = [bytes(bytearray([number] * 40)) for number in range(100)]
    made.update({"small": small[50], "small list": small, "int": int, "none": None, "len": len})
    mapped = mmap.mmap(-1, 3 << 20)
    start = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    made["mapped"] = mapped

    freed = {}
    for cls in (Wide, WithDict):
        every = [cls() for _ in range(3000)]
        # Every other one stays, so that no pool is given back.  Pools of the middle hold nothing
        # else, and what is made until the end finds room in those at the ends.
        freed[census.type_name(cls)] = [census.hex_address(id(obj)) for obj in every[1401:1601:2]]
        made["kept " + cls.__name__] = every[::2]
        del every[1::2]
        del every
    # The interpreter keeps up to 80; what is made until the end takes those freed last,
    # the first of a list.
    # A full collection would give them back; after one the next is far.
    gc.collect()
    dead = [[number] for number in range(60)]
    kept = [census.hex_address(id(one)) for one in dead[-10:]]
    del dead[:]
    truth.die(known={"sources": sources, "bases": bases, "blocks": blocks, "freed": freed,
                     "kept": kept,
                     "mapping": {"address": census.hex_address(start),
                                 "end": census.hex_address(start + (3 << 20))}},
              marked=made, closure=False)


def executed():
    """A function and a class of which the file is none."""
    scope = {"__name__": "__main__"}
    exec(compile("\n\ndef written(): pass\n", "<a template>", "exec"), scope)
    return scope["written"], [described(scope["written"])]


main()
