"""What mixed.py needs newer syntax or modules for; make() leaves out what the running version
lacks.

The sources are text, so that Python 2.7 can read this file.
"""

import sys
import types

SINCE_3 = '''
import enum, functools, types
class Colour(enum.Enum):
    RED = 1
    GREEN = 2
class Bits(enum.IntFlag):
    A = 1
    B = 2
class WithMeta(metaclass=type("MetaOfWith", (type,), {})):
    def method(self):
        return super().method
@functools.lru_cache(maxsize=None)
def cached(number):
    return [number]
@functools.lru_cache(maxsize=100)
def bounded(number):
    return [number]
for number in range(150):
    cached(number)
    bounded(number)
def outer():
    return (yield from inner())
def inner():
    held = [1]
    yield held
    yield held
async def coroutine(waited):
    return await waited
async def agen():
    held = [2]
    yield held
@types.coroutine
def suspend():
    held = ["suspended"]
    yield held
def chained():
    try:
        try:
            1 / 0
        except ZeroDivisionError as cause:
            raise ValueError("chained") from cause
    except ValueError as error:
        return error
generators = [outer() for _ in range(30)]
for one in generators:
    next(one)
never_started = [coroutine(suspend()) for _ in range(10)]
waiting = [coroutine(suspend()) for _ in range(10)]
for one in waiting:
    one.send(None)
async_generators = [agen() for _ in range(10)]
errors = [chained() for _ in range(10)]
kept = [WithMeta(), types.SimpleNamespace(a=[1]), types.MappingProxyType({"a": []})]
keyword_only = lambda *, k=1: k
members = [Colour.RED, Bits.A | Bits.B]
def annotations(a: int, b: "str" = "x", *, c: list = None) -> dict:
    return {}
'''

SINCE_3_7 = '''
import contextvars, dataclasses
variable = contextvars.ContextVar("variable", default=[0])
contexts = []
for number in range(40):
    context = contextvars.copy_context()
    context.run(variable.set, [number])
    contexts.append(context)
token = variable.set(["token"])
@dataclasses.dataclass
class Data:
    a: int
    b: list = dataclasses.field(default_factory=list)
data = [Data(number) for number in range(50)]
'''

SINCE_3_9 = '''
aliases = [list[int], dict[str, list[int]]]
class Generic:
    def __class_getitem__(cls, item):
        return [item]
'''

SINCE_3_10 = '''
unions = [int | str, list | None]
import dataclasses
@dataclasses.dataclass(slots=True)
class SlotData:
    a: int
slot_data = [SlotData(number) for number in range(50)]
'''

SINCE_3_11 = '''
group = ExceptionGroup("group", [ValueError(1), TypeError(2)])
noted = ValueError("noted")
noted.add_note("a note")
'''

SINCE_3_12 = '''
type Alias[T] = list[T]
def generic[T](value: T) -> T:
    return value
class Box[T]:
    def __init__(self, value):
        self.value = value
boxes = [Box(number) for number in range(20)]
alias = Alias[int]
'''

SINCE_3_14 = '''
name = "world"
template = t"hello {name}"
def lazily(a: undefined_name) -> undefined_name:
    pass
'''

SINCE_3_15 = '''
frozen = [frozendict(a=[number]) for number in range(20)]
'''

SOURCES = [((3, 0), SINCE_3), ((3, 7), SINCE_3_7), ((3, 9), SINCE_3_9), ((3, 10), SINCE_3_10),
           ((3, 11), SINCE_3_11),
           ((3, 12), SINCE_3_12), ((3, 14), SINCE_3_14), ((3, 15), SINCE_3_15)]


def make():
    """[module]: one module for each source that this version can run, holding what the source
    made."""
    modules = []
    for since, source in SOURCES:
        if sys.version_info >= since:
            name = "modern_%d_%d" % since
            module = types.ModuleType(name)
            sys.modules[name] = module
            exec(compile(source, name + ".py", "exec"), module.__dict__)
            modules.append(module)
    return modules
