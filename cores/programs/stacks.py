"""Threads that stand in every kind of frame, generators that stand at every kind of line, coroutines
and tasks that wait for each other; and what each of them would say of itself.

Writes stacks.json beside truth.json:
 threads     {lwp, name, frames, handled}: innermost frame first; the main thread's begin with
             truth.die(), whose line and locals are those of the fork, not of the death
   frames    {function, file, line, locals}: locals is {name: address}, null where they are globals
   handled   the exception being handled with what led to it, outermost last, or []: {address, type,
             link, traceback}: link is how the one before it leads there ("cause", "context", ""),
             traceback a list of {function, file, line} or null (Python 2: only of the first one)
 suspended   {address, kind, function, state, file, line, waits_for} of every generator, coroutine and
             async generator that the collector knew at the fork
 tasks       {address, name, coro} of asyncio.all_tasks(); name is null before 3.8

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import gc
import json
import opcode
import platform
import struct
import sys
import threading
import time

import census
import stacks_modern
import truth

READY = threading.Semaphore(0)
FOREVER = threading.Lock()
LWPS = {}
HANDLED = {}
KEEP = []
_gettid = ctypes.CDLL(None).syscall
_GETTID = {"x86_64": 186, "aarch64": 178}[platform.machine()]


def wait():
    READY.release()
    FOREVER.acquire()


def handles(name):
    """Remember what is handled where this is called: Python 2 does so to the end of the function."""
    HANDLED[name] = sys.exc_info()


def nested(first=1, second=2, *rest, **named):
    held = [first]
    deleted = rest
    del deleted

    def middle(third):
        def inner(fourth):
            both = (held, third, fourth)
            wait()
            return both
        second_held = inner
        return inner(third + 1) or second_held
    return middle(second + 1) or (rest, named)


def argument_in_a_cell(cell=7, plain=8):
    def inner():
        return cell
    wait()
    return inner, plain


def in_list():
    before = "list"
    return [wait() for place in range(3) if before]


def in_set():
    return set(wait() for place in (1,)), {wait() for place in (1,)}


def in_dict():
    outer = [1]
    return {place: [wait(), outer] for place in ("a",)}


def in_generator():
    def counting(limit):
        for number in range(limit):
            wait()
            yield number
    for number in counting(3):
        print(number)


def in_generators_of_generators():
    inner = (wait() for number in (1, 2))
    outer = ([number] for number in inner)
    return list(outer)


class Owner(object):
    def __init__(self):
        self.kept = []

    def method(self, argument=1):
        return self.managed(argument)

    @classmethod
    def managed(cls, argument):
        with cls() as entered:
            return entered, argument

    def __enter__(self):
        return self

    def __exit__(self, *why):
        return self.attribute

    @property
    def attribute(self):
        return self.from_static()

    @staticmethod
    def from_static():
        return Owner.Inner()["key"]

    class Inner(object):
        def __getitem__(self, key):
            wait()


def in_class():
    outside = [1]

    class Body(object):
        attribute = [2]
        other = outside

        class Deeper(object):
            more = wait()
    return Body


def in_exec():
    code = compile("\n" * 300 + "total = [1]\nwait()\n", "<generated>", "exec")
    mapping = {"given": 1}
    exec(code, {"wait": wait}, mapping)


def in_exec_of_a_module():
    exec(compile("import sys\n\nwait()", "a_module.py", "exec"), {"wait": wait, "__name__": "a_module"})


def in_eval():
    return eval("wait() or [given]", {"wait": wait}, {"given": 5})


def in_callback():
    return sorted([3, 2, 1], key=lambda number: wait())


def in_lambdas():
    return (lambda first: (lambda second: wait() or (first, second))(2))(1)


def deep(depth=300):
    if depth == 0:
        wait()
    else:
        deep(depth - 1)


def many_lines_apart(
        argument=(1,
                  2)):
    total = [
        argument,



        wait(
        ),
    ]
    return total


def handling():
    try:
        try:
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ValueError("second", error)
        except ValueError:
            fail("third")
    except TypeError:
        handles("handling")
        wait()


def fail(why):
    local = [why]
    raise TypeError(local)


def handling_twice():
    try:
        fail("outer")
    except TypeError:
        try:
            fail("inner")
        except TypeError:
            handles("handling_twice")
            wait()


def called_while_handling():
    try:
        fail("caller")
    except TypeError:
        handles("called_while_handling")
        in_list()


def handled_before():
    try:
        fail("forgotten")
    except TypeError:
        pass
    handles("handled_before")
    wait()


def in_finally():
    try:
        fail("on its way")
    finally:
        handles("in_finally")
        wait()


class Dying(object):
    def __del__(self):
        wait()


def in_finalizer():
    held = Dying()
    del held


def begin(name, function):
    LWPS[name] = (int(_gettid(_GETTID)), threading.current_thread().ident)
    function()


THREADS = [nested, argument_in_a_cell, in_list, in_set, in_dict, in_generator, in_generators_of_generators,
           Owner().method,
           in_class, in_exec, in_exec_of_a_module, in_eval, in_callback, in_lambdas, deep,
           many_lines_apart, handling, handling_twice, called_while_handling, handled_before, in_finally,
           in_finalizer]


def start(functions):
    FOREVER.acquire()
    for function in functions:
        thread = threading.Thread(target=begin, args=(function.__name__, function))
        thread.daemon = True
        thread.start()
        KEEP.append(thread)
    for _ in functions:
        READY.acquire()
    time.sleep(0.2)


def line_source():
    """A generator function whose yields stand wherever line tables are hard: far apart, far back,
    behind long code, in expressions of many lines, in blocks that end without a line."""
    lines = ["def everywhere(stop):"]
    for gap in (0, 1, 5, 126, 127, 128, 129, 254, 255, 256, 300, 70, 1000):
        lines += [""] * gap
        lines.append("    x = yield %d" % gap)
    for size in (10, 40, 60, 127, 128, 300, 3000):
        lines.append("    stop = [%s]; yield %d" % ("stop, " * size, size))
        lines += ["    x = (yield 1,", "" * 3] + ["        stop,"] * (size % 200) + ["        (yield 2))"]
    lines += ["    for number in (1, 2):", "        try:", "            yield number",
              "        except ValueError:",
              "            yield 5", "        else:", "            if number == 1:",
              "                continue", "            yield 3", "        finally:", "            yield 4",
              "    while stop:", "        yield (", "            [1,"] + [""] * 200 + \
             ["             2].index(", "                 2", "             )", "        )", "        break"]
    lines += ["    try:", "        raise KeyError", "    except KeyError as error:", "        yield error",
              "    finally:", "        yield 6", "    return", ""]
    return "\n".join(lines)


def make_generators():
    """One generator for each place it can stand at, one that has not begun and one that is done."""
    namespace = {}
    exec(compile(line_source(), "everywhere.py", "exec"), namespace)
    steps = 0
    for _ in namespace["everywhere"](1):
        steps += 1
    made = []
    for number in range(steps + 2):
        one = namespace["everywhere"](1)
        for _ in range(number):
            next(one, None)
        made.append(one)
    return made


def function_of(code):
    return getattr(code, "co_qualname", code.co_name)


def describe_frame(frame):
    found = frame.f_locals
    return {"function": function_of(frame.f_code), "file": frame.f_code.co_filename,
            "line": frame.f_lineno,
            "locals": None if found is frame.f_globals else
            dict((name, census.hex_address(id(value))) for name, value in found.items())}


def describe_stack(frame):
    frames = []
    while frame is not None:
        frames.append(describe_frame(frame))
        frame = frame.f_back
    return frames


def describe_traceback(traceback):
    entries = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        entries.append({"function": function_of(code), "file": code.co_filename,
                        "line": traceback.tb_lineno})
        traceback = traceback.tb_next
    return entries


def describe_exception(info):
    """info: of sys.exc_info()."""
    error, traceback, link = info[1], info[2], ""
    rows = []
    while error is not None:
        own = getattr(error, "__traceback__", traceback)
        rows.append({"address": census.hex_address(id(error)), "type": census.type_name(type(error)),
                     "link": link, "traceback": own and describe_traceback(own)})
        traceback = None
        cause, context = getattr(error, "__cause__", None), getattr(error, "__context__", None)
        hidden = getattr(error, "__suppress_context__", False)
        error, link = (cause, "cause") if cause is not None else (None if hidden else context, "context")
    return rows


def describe_threads(main):
    stacks = sys._current_frames()
    threads = []
    for name, (lwp, ident) in sorted(LWPS.items()):
        handled = describe_exception(HANDLED[name]) if name in HANDLED else []
        frame = stacks[ident]
        if name == "main":
            frame = main
            while frame.f_code.co_name != "die":
                frame = frame.f_back
        threads.append({"lwp": lwp, "name": name, "frames": describe_stack(frame), "handled": handled})
    return threads


KINDS = {"generator": "gi", "coroutine": "cr", "async_generator": "ag"}


def describe_suspended(objects, running):
    """running: the frames on the stacks of threads by their ids."""
    rows = []
    for one in objects:
        prefix = KINDS.get(type(one).__name__)
        if prefix is None or type(one).__module__ not in ("builtins", "__builtin__"):
            continue
        frame, code = getattr(one, prefix + "_frame"), getattr(one, prefix + "_code")
        waits_for = getattr(one, {"gi": "gi_yieldfrom"}.get(prefix, prefix + "_await"), None)
        if frame is None:
            state = "finished"
        elif id(frame) in running:
            state = "running"
        elif not_begun(one, prefix, frame):
            state = "created"
        else:
            state = "suspended" if waits_for is None else "waiting"
        rows.append({"address": census.hex_address(id(one)), "kind": type(one).__name__.replace("_", " "),
                     "function": getattr(one, "__qualname__", code.co_name),
                     "state": state, "file": code.co_filename, "line": frame and frame.f_lineno,
                     "waits_for": None if waits_for is None else census.hex_address(id(waits_for))})
    return rows


def not_begun(one, prefix, frame):
    """Since 3.11 the first instruction makes the generator and has run when there is one."""
    if hasattr(one, prefix + "_suspended"):
        return not getattr(one, prefix + "_suspended")
    first = opcode.opmap.get("RETURN_GENERATOR")
    return frame.f_lasti < 0 or (first is not None and frame.f_code.co_code[frame.f_lasti] == first)


def frames_on_stacks():
    """{id: frame}: since 3.11 frames are made when asked for, and must be kept for their ids to last."""
    frames = {}
    for frame in sys._current_frames().values():
        while frame is not None:
            frames[id(frame)] = frame
            frame = frame.f_back
    return frames


def write():
    """In the child: stacks.json."""
    with open("tracked.bin", "rb") as file:
        data = file.read()
    known = set(address for address, _, _, _ in (struct.unpack_from("<4Q", data, start)
                                                 for start in range(0, len(data), 32)))
    objects = [one for one in gc.get_objects() if id(one) in known]
    document = {
        "threads": describe_threads(sys._getframe()),
        "suspended": describe_suspended(objects, frames_on_stacks()),
        "tasks": stacks_modern.describe_tasks(),
    }
    with open("stacks.json", "w") as out:
        json.dump(document, out, indent=1, sort_keys=True)


def main():
    LWPS["main"] = (int(_gettid(_GETTID)), threading.current_thread().ident)
    KEEP.append(make_generators())
    functions = THREADS + stacks_modern.make(sys.modules[__name__])
    start(functions)
    try:
        fail("in main")
    except TypeError:
        handles("main")
        truth.die(also=[write])


main()
