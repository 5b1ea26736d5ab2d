"""Marked objects at the end of a chain of every kind of reference, each with the path that leads to
it, spelled as pyleak's contract says; a "*" stands for what has an address in it.

truth.json's "known" is {"paths": {name: {"address", "path"}}}; nothing else holds a marked object,
the list of them least of all: it knows addresses.  What newer syntax needs is text in SINCE_3, so
that Python 2.7 can read this file.
"""

import atexit
import codecs
import collections
import ctypes
import functools
import os
import sys
import threading
import time
import types
import weakref

import truth

PATHS = {}
VERSION = sys.version_info[:2]
PYTHON_3 = VERSION >= (3, 0)
GETTID = 186 if os.uname()[4] == "x86_64" else 178


class Marked(object):
    """What is looked for; it can stand for a function too."""

    def __call__(self, *args, **kwargs):
        return None

    def method(self):
        """What BOUND is bound to."""


def mark(path, obj=None, name=None):
    """A new object, or obj, that `path` leads to."""
    obj = Marked() if obj is None else obj
    PATHS[name or path] = {"address": hex(id(obj)).rstrip("L"), "path": path}
    return obj


def settled(name, path):
    """The path of a marked object is known only now."""
    PATHS[name]["path"] = path


# ---- namespaces and attributes ----

class Holder(object):
    attribute = mark("__main__.Holder.attribute")
    prop = property(mark("__main__.Holder.prop.fget"))
    static = staticmethod(mark("__main__.Holder.static.__func__"))
    of_class = classmethod(mark("__main__.Holder.of_class.__func__"))


class Slotted(object):
    __slots__ = ("first", "second")


class Both(Holder):
    __slots__ = ("slot",)


class ListOf(list):
    pass


class Old:
    pass


GLOBAL = mark("__main__.GLOBAL")
INSTANCE = Holder()
INSTANCE.attr = mark("__main__.INSTANCE.attr")
MATERIALISED = Holder()
MATERIALISED.attr = mark("__main__.MATERIALISED.attr")
vars(MATERIALISED)["not a name"] = mark("__main__.MATERIALISED.__dict__['not a name']")
CLEARED = Holder()
CLEARED.gone = 1
del CLEARED.gone
CLEARED.attr = mark("__main__.CLEARED.attr")
SLOTTED = Slotted()
SLOTTED.second = mark("__main__.SLOTTED.second")
BOTH = Both()
BOTH.slot = mark("__main__.BOTH.slot")
BOTH.attr = mark("__main__.BOTH.attr")
OLD = Old()
OLD.attr = mark("__main__.OLD.attr")
PLUGIN = sys.modules["plugin"] = types.ModuleType("plugin")
PLUGIN.VALUE = mark("plugin.VALUE")
del PLUGIN

# ---- containers ----

TABLE = {"key": mark("__main__.TABLE['key']"), 7: mark("__main__.TABLE[7]"),
         (1, "a"): mark("__main__.TABLE[(1, 'a')]"), "it's": mark('__main__.TABLE["it\'s"]')}
KEYS = {mark("", name="key"): None}
settled("key", "__main__.KEYS<key <__main__.Marked at %s>>" % PATHS["key"]["address"])
LIST = [0, 1, 2, mark("__main__.LIST[3]")]
TUPLE = (0, mark("__main__.TUPLE[1]"))
SET = {0, mark("__main__.SET<set element>")}
FROZEN = frozenset([0, mark("__main__.FROZEN<set element>")])
DEQUE = collections.deque([0, 1, mark("__main__.DEQUE[2]")])
DEFAULT = collections.defaultdict(mark("__main__.DEFAULT.default_factory"))
DEFAULT["k"] = mark("__main__.DEFAULT['k']")
ORDERED = collections.OrderedDict()
ORDERED["k"] = mark("__main__.ORDERED['k']")
LIST_OF = ListOf([0, mark("__main__.LIST_OF[1]")])
LIST_OF.attr = mark("__main__.LIST_OF.attr")
NESTED = {"a": [(0, Holder())]}
NESTED["a"][0][1].attr = mark("__main__.NESTED['a'][0][1].attr")

# ---- functions ----


def closing(first, second):
    def inner():
        return first, second
    return inner


def defaulting(value=mark("__main__.defaulting.__defaults__[0]")):
    return value


def bearing():
    """It has an attribute."""


bearing.attr = mark("__main__.bearing.attr")
CLOSURE = closing(0, mark("__main__.CLOSURE.__closure__[1].cell_contents"))
BOUND = mark("__main__.BOUND.__self__").method
BUILTIN = [mark("__main__.BUILTIN.__self__[0]")].append
PARTIAL = functools.partial(mark("__main__.PARTIAL.func"), mark("__main__.PARTIAL.args[0]"),
                            k=mark("__main__.PARTIAL.keywords['k']"))
TARGET = Holder()
WEAK = weakref.ref(TARGET, mark("__main__.WEAK.__callback__"))
WEAKLY = weakref.WeakValueDictionary()
SLOTTED.first = mark("__main__.SLOTTED.first")
WEAKLY["k"] = SLOTTED.first

# ---- frames that do not run, exceptions ----


def generating():
    held = mark("__main__.GENERATOR.gi_frame.f_locals['held']")
    yield held


GENERATOR = generating()
next(GENERATOR)


def failing():
    held = mark("", name="local of a traceback's frame")
    raise ValueError(mark("__main__.ERROR.args[0]"), held is None)


try:
    failing()
except ValueError as error:
    ERROR = error
    TRACEBACK = sys.exc_info()[2].tb_next
if PYTHON_3:
    ERROR.__traceback__ = None
else:
    sys.exc_clear()
    del error
settled("local of a traceback's frame", "__main__.TRACEBACK.tb_frame.f_locals['held']")
ERROR.attr = mark("__main__.ERROR.attr")

# ---- the runtime ----

codecs.register_error("marked", mark("<codecs>.error_registry['marked']"))
LOCAL = threading.local()
THREAD_READY = threading.Event()


def sleeping():
    held = mark("", name="local of a sleeping thread")
    by_thread = "dicts" if VERSION >= (3, 13) else "dummies"
    LOCAL.value = mark("__main__.LOCAL<%s>[*]['value']" % by_thread)
    lwp = ctypes.CDLL(None).syscall(GETTID)
    line = sys._getframe().f_lineno + 4
    settled("local of a sleeping thread",
            "<frame sleeping chains.py:%d thread %d>.held" % (line, lwp))
    THREAD_READY.set()
    time.sleep(3600)
    return held


THREAD = threading.Thread(target=sleeping)
THREAD.daemon = True
THREAD.start()
THREAD_READY.wait()
while sys._current_frames()[THREAD.ident].f_code is not sleeping.__code__:
    time.sleep(0.01)

SINCE_3 = '''
import gc
def keyword_only(*, k=mark("__main__.keyword_only.__kwdefaults__['k']")):
    return k
def chaining():
    try:
        raise KeyError("cause")
    except KeyError as error:
        error.attr = mark("__main__.CHAINED.__cause__.attr")
        raise ValueError("effect") from error
try:
    chaining()
except ValueError as error:
    CHAINED = error
CHAINED.__traceback__ = None
CHAINED.__cause__.__traceback__ = None
CHAINED.__context__ = KeyError("context")
CHAINED.__context__.attr = mark("__main__.CHAINED.__context__.attr")
@types.coroutine
def suspending():
    yield
async def inner():
    held = mark("__main__.COROUTINE.cr_await.cr_frame.f_locals['held']")
    await suspending()
    return held
async def outer():
    held = mark("__main__.COROUTINE.cr_frame.f_locals['held']")
    await inner()
    return held
COROUTINE = outer()
COROUTINE.send(None)
async def asynchronous():
    held = mark("__main__.ASYNC_GENERATOR.ag_frame.f_locals['held']")
    yield held
ASYNC_GENERATOR = asynchronous()
try:
    ASYNC_GENERATOR.asend(None).send(None)
except StopIteration:
    pass
gc.callbacks.append(mark("<gc.callbacks>[%d]" % len(gc.callbacks)))
def wrapped(argument):
    return argument
CACHED = functools.lru_cache(None)(wrapped)
CACHED.attr = mark("__main__.CACHED.attr")
KEPT = CACHED(mark("__main__.CACHED<cache>[*]"))
del KEPT
'''

SINCE_3_7 = '''
import contextvars
VARIABLE = contextvars.ContextVar("variable")
VARIABLE.set(mark("<thread %d>.context<variables><root>[*]" % os.getpid()))
CONTEXT = contextvars.copy_context()
os.register_at_fork(before=mark("<fork hooks>.before[0]"))
'''

if PYTHON_3:
    exec(SINCE_3)
if VERSION >= (3, 7):
    exec(SINCE_3_7)
EARLIER = atexit._ncallbacks() if PYTHON_3 else len(atexit._exithandlers)
atexit.register(mark("", name="atexit function"), mark("", name="atexit argument"))
if VERSION >= (3, 14):
    ENTRY = ("<atexit>[%d][0]", "<atexit>[%d][1][0]")
elif PYTHON_3:
    ENTRY = ("<atexit>[%d].func", "<atexit>[%d].args[0]")
else:
    ENTRY = ("atexit._exithandlers[%d][0]", "atexit._exithandlers[%d][1][0]")
settled("atexit function", ENTRY[0] % EARLIER)
settled("atexit argument", ENTRY[1] % EARLIER)


def end():
    sys.excepthook = mark("sys.excepthook")
    held = mark("", name="local of the main thread")
    cell = mark("", name="cell of the main thread")
    line = sys._getframe().f_lineno + 4
    where = "<frame end chains.py:%d thread %d>" % (line, os.getpid())
    settled("local of the main thread", where + ".held")
    settled("cell of the main thread", where + ".cell")
    truth.die(known={"paths": PATHS})
    return held, lambda: cell


end()
