"""Marked objects that the runtime alone holds: an object for each table and member that belongs to no
Python object, each with the path that leads to it, as in chains.py.

truth.json's "known" is
    thread    the thread that dies
    paths     {name: {"address", "path"}}
    borrowed  {name: address}: objects that are listed by the runtime and held by nobody but themselves
    tasks     addresses of asyncio's C tasks that wait, by the id of the thread that made them, or
              "interpreter" when it has ended
    cached    {name: address}: what the type cache may hold as a name, besides who else does
    values    {name: address}: what the type cache may hold as a value

A second thread dies, so that the main thread, which alone makes pending calls, cannot make them.

Runs on Python 2.7 and 3.6 or newer.
"""

import codecs
import ctypes
import functools
import gc
import operator
import os
import signal
import sys
import threading
import time

import truth

gc.disable()  # or it would take what nobody holds

VERSION = sys.version_info[:2]
GETTID = 186 if os.uname()[4] == "x86_64" else 178
NAMES = 32

PATHS = {}
BORROWED = {}
TASKS = {}
VALUES = {}
CACHED = []


class Marked(object):
    def __call__(self, *args, **kwargs):
        return None


def mark(path, obj=None):
    """A new object, or obj, that `path` leads to."""
    obj = Marked() if obj is None else obj
    PATHS[path] = {"address": address_of(obj), "path": path}
    return obj


def address_of(obj):
    return "0x%x" % id(obj)


def thread_id():
    return ctypes.CDLL(None).syscall(GETTID)


def keep(obj):
    """Let C code own a reference."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))
    return obj


# ---- hooks ----

def hook():
    handler = mark("<signal handlers>[%d]" % signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, handler)
    codecs.register(mark("<codecs>.search_path[*]"))
    gc.garbage.append(mark("<gc.garbage>[0]"))
    if VERSION >= (3, 7):
        os.register_at_fork(before=mark("<fork hooks>.before[*]"),
                            after_in_parent=mark("<fork hooks>.after_in_parent[*]"),
                            after_in_child=mark("<fork hooks>.after_in_child[*]"))
    if VERSION >= (3, 8):
        # It is called at every event, so it is one that leaves nothing behind.
        sys.addaudithook(mark("<audit hooks>[0]", functools.partial(operator.is_)))
    if VERSION >= (3, 12):
        monitoring = sys.monitoring
        monitoring.use_tool_id(3, mark("<monitoring>.tool_names[3]", "".join(["to", "ol"])))
        monitoring.register_callback(3, monitoring.events.PY_RETURN,
                                     mark("<monitoring>.callables[3][2]"))


def hook_modules():
    """What the C state of a module holds."""
    try:
        import readline
    except ImportError:
        return
    for name in "startup_hook", "pre_input_hook", "completer":
        getattr(readline, "set_" + name)(mark("readline<%s>" % name))


# ---- asyncio ----

SINCE_3_7 = '''
import asyncio
LOOP = asyncio.new_event_loop()

async def waiting(future):
    await future

def orphan(task_class):
    """A task and the future it waits for hold each other."""
    future = LOOP.create_future()
    future.awaited = task = task_class(waiting(future), loop=LOOP)
    return task

def make_task_of_no_thread():
    """When a thread ends, its tasks are the interpreter's. Not among BORROWED: the C library keeps
    the thread's stack for the next one, with words that still point to the task."""
    TASKS["interpreter"] = [address_of(orphan(asyncio.Task))]

async def settle():
    await asyncio.sleep(0)

def make_tasks():
    kinds = [("task of C", asyncio.Task)] * 3 + [("task of Python", asyncio.tasks._PyTask)]
    for number, (name, kind) in enumerate(kinds):
        made = orphan(kind)
        BORROWED["%s %d" % (name, number)] = address_of(made)
        if kind is asyncio.Task:
            TASKS.setdefault(str(thread_id()), []).append(address_of(made))
    thread = threading.Thread(target=make_task_of_no_thread)
    thread.start()
    thread.join()
    LOOP.run_until_complete(settle())
    LOOP.call_soon(mark("__main__.LOOP._ready[*]._callback"))
    for number, kind in enumerate([asyncio.Task, asyncio.tasks._PyTask]):
        made = mark("__main__.LOOP._ready[%d]._callback.__self__" % (1 + number),
                    kind(waiting(None), loop=LOOP))
        if kind is asyncio.Task:
            TASKS[str(thread_id())].append(address_of(made))
        del made

def enter():
    """A loop, and a task of it, run in this thread."""
    where = "<thread %d>" % thread_id()
    if VERSION >= (3, 13):
        loop = mark(where + ".running_loop")
    elif VERSION >= (3, 12):
        loop = mark(where + ".dict['__asyncio_running_event_loop__']")
    else:
        loop = mark(where + ".dict['__asyncio_running_event_loop__']<loop>")
    asyncio._set_running_loop(loop)
    if VERSION >= (3, 14):
        asyncio.tasks._enter_task(loop, mark(where + ".running_task"))
'''


# ---- threads ----

LOCAL = threading.local()


def hook_thread():
    where = "<thread %d>" % thread_id()
    LOCAL.value = 1
    if VERSION >= (3, 6):
        sys.set_asyncgen_hooks(firstiter=mark(where + ".asyncgen_firstiter"),
                               finalizer=mark(where + ".asyncgen_finalizer"))
    if hasattr(sys, "set_coroutine_wrapper"):
        sys.set_coroutine_wrapper(mark(where + ".coroutine_wrapper"))


def interrupt_main(ident, lwp):
    """The main thread sleeps: the exception waits for it."""
    exception = mark("<thread %d>.async_exc" % lwp, type("Waiting", (Exception,), {}))
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(exception))


# ---- tables ----

def fill_type_cache():
    """A lookup by a name that nobody interned leaves the name in the cache."""
    cls = type("Looked", (object,), {})
    globals()["Looked"] = cls
    for number in range(NAMES):
        name = "".join(["attribute", "_of_", "looked_%d" % number])
        value = Marked()
        setattr(cls, name, value)
        VALUES["value %d" % number] = address_of(value)
        CACHED.append(name)
    for name in CACHED:
        getattr(cls, name)


def add_pending_calls():
    never = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p)
    add = ctypes.pythonapi.Py_AddPendingCall
    for number in (0, 2):
        waiting = keep(mark("<pending calls>[%d].arg" % number))
        add(never, ctypes.c_void_p(id(waiting)))
        del waiting
        add(never, ctypes.c_void_p(8))


def sleeping():
    time.sleep(3600)


def dying(main_ident, main_lwp):
    while sys._current_frames()[main_ident].f_code is not sleeping.__code__:
        time.sleep(0.01)
    time.sleep(0.1)  # from there into the call
    hook_thread()
    if VERSION >= (3, 7):
        globals()["enter"]()
    interrupt_main(main_ident, main_lwp)
    add_pending_calls()
    fill_type_cache()
    known = {"thread": thread_id(), "paths": PATHS, "borrowed": BORROWED, "tasks": TASKS,
             "values": VALUES, "cached": dict((name, address_of(name)) for name in CACHED)}
    truth.die(known)


def main():
    hook()
    if VERSION >= (3, 3):
        hook_modules()
    if VERSION >= (3, 7):
        exec(compile(SINCE_3_7, "since_3_7.py", "exec"), globals())
        globals()["make_tasks"]()
    get_ident = getattr(threading, "get_ident", None) or __import__("thread").get_ident
    thread = threading.Thread(target=dying, args=(get_ident(), thread_id()))
    thread.daemon = True
    thread.start()
    sleeping()


main()
