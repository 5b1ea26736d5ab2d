"""Dies in the way that the argument names: the functions below with a row in DEATHS.

truth.json holds only "known", what was planted:
    death     the kind of death: a word of `triage`'s table "verdict"
    state     list of deadlock, in-collection, in-finalizer, in-signal-handler: what it was at
    memory    the verdict on what is wrong with the memory
    damage    heap-damage
    type      of the object that matters, module.qualname
    function  of Python that was running
    message   a part of what the process said last
    raised    the function that raised the MemoryError
    asked     bytes that could not be had
    kept      number of MemoryErrors that objects hold
    lacking   kernel's numbers of the threads whose errno is ENOMEM
    stack     size of the stack that is overrun, or the limit of the main thread's
    signal    number; not where the address is one that no process can have: Linux sends SIGBUS
              instead of SIGSEGV if the compiler happened to have it in the frame register
each only where it was planted.  The signature of a death is that of the frames below.

The deaths with a + need the extension module deathext (tests/e2e/ext/deathext.c) on PYTHONPATH.

"faulthandler-NAME" is the death NAME under faulthandler, "aborting-NAME" and "raising-NAME" are so
under a handler of the C library's own, which gives up or raises the signal again: what was planted
is the same.

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import gc
import json
import mmap
import os
import resource
import signal
import sys
import tempfile
import threading
import time

try:
    import deathext
except ImportError:
    deathext = None

UNMAPPED = 0x123456789ab0
ROWS = []
KEPT = []
DEATHS = {}
libc = ctypes.CDLL(None)
under_gil = ctypes.PyDLL(None)


def death(function):
    DEATHS[function.__name__.replace("_", "-")] = function
    return function


def plant(word, **known):
    """Write down what is coming; the file "dying" tells cores/make.py which process it will be."""
    known["death"] = word
    with open("truth.json", "w") as out:
        json.dump({"known": known}, out, indent=1, sort_keys=True)
    with open("dying", "w") as out:
        out.write("%d\n" % os.getpid())


class Node(object):
    peer = None


class Row(object):
    def __init__(self, number):
        self.number = number
        self.text = "row %06d" % number


# ---- a signal ----


@death
def abort():
    plant("abort", function="abort", signal=signal.SIGABRT)
    os.abort()


@death
def abort_handling():
    """While an exception is handled that was raised while another was."""
    try:
        try:
            {}["missing"]
        except KeyError:
            raise ValueError("planted")
    except ValueError:
        plant("abort", function="abort_handling", type="builtins.ValueError",
              signal=signal.SIGABRT)
        os.abort()


@death
def killed():
    plant("killed-by-signal", function="killed", signal=signal.SIGQUIT)
    os.kill(os.getpid(), signal.SIGQUIT)
    time.sleep(60)


@death
def sigsegv():
    """raise(SIGSEGV): nothing was read, so there is no fault address. What faulthandler._sigsegv()
    does too, but that leaves no core."""
    plant("killed-by-signal", function="sigsegv", signal=signal.SIGSEGV)
    under_gil["raise"](int(signal.SIGSEGV))


@death
def bus_error():
    """A mapped file that was made shorter."""
    descriptor, name = tempfile.mkstemp(dir=".")
    os.write(descriptor, b"x" * 8192)
    mapped = mmap.mmap(descriptor, 8192)
    os.ftruncate(descriptor, 0)
    os.unlink(name)
    plant("bus-error", function="bus_error", signal=signal.SIGBUS)
    return mapped[5000]


# ---- a bad address ----


@death
def null_read():
    plant("segfault-null", function="null_read", signal=signal.SIGSEGV)
    return ctypes.c_long.from_address(0).value


@death
def null_type():
    """The interpreter is asked about a type that is none."""
    plant("segfault-null", function="null_type", message="where a type has its tp_",
          signal=signal.SIGSEGV)
    ctypes.pythonapi.PyType_IsSubtype(None, None)


@death
def wild_read():
    plant("segfault-wild", function="wild_read", signal=signal.SIGSEGV)
    ctypes.string_at(UNMAPPED)


@death
def null_call():
    """A function pointer out of a table whose address was NULL."""
    plant("segfault-null", function="null_call", signal=signal.SIGSEGV)
    ctypes.CFUNCTYPE(None)(16)()


@death
def divide():
    """An instruction that cannot be done, in C."""
    plant("killed-by-signal", function="divide", signal=signal.SIGFPE)
    libc.div(1, 0)


@death
def null_member():
    """+ A struct's pointer is null; what is read lies at a small offset from it."""
    plant("segfault-null", function="null_member", signal=signal.SIGSEGV)
    deathext.null_member()


@death
def freed():
    """+ C code kept a pointer to an object and no reference."""
    record = deathext.Record()
    deathext.remember(record)
    plant("segfault-freed", function="freed", type="deathext.Record")
    del record  # the last thing: nothing else is to get its memory
    deathext.read_remembered()


@death
def double_decref():
    """+ The object in the list is freed under it, by one Py_DECREF too many."""
    KEPT.append(deathext.Record())
    plant("segfault-freed", damage="heap-damage", function="double_decref",
          type="deathext.Record")
    deathext.drop(KEPT[0])  # the last thing: nothing else is to get its memory
    deathext.read(KEPT)


def neighbours():
    """Two bytes objects with nothing between them but what a debug build puts there."""
    while True:
        KEPT.extend(b"%d is a number" % len(KEPT) for _ in range(100))
        places = sorted((id(one), at) for at, one in enumerate(KEPT))
        for one, two in zip(places[100:], places[101:]):
            if two[0] - one[0] < 2 * KEPT[one[1]].__sizeof__():
                return KEPT[one[1]], KEPT[two[1]]


@death
def overrun():
    """C code writes past the end of one object, over the head of the next."""
    one, two = neighbours()
    write = deathext.overrun if deathext else ctypes.memset
    plant("segfault-wild", damage="heap-damage", function="overrun",
          type="builtins.bytes" if bytes is not str else "__builtin__.str")
    end = id(one) + one.__sizeof__()
    write(end, 0x41, id(two) + object.__basicsize__ - end)
    return two.anything


# ---- the stack ----


def small_stack():
    """So that the limits on recursion of 3.12 and newer, which count on the stack that there was
    at the start, come too late."""
    resource.setrlimit(resource.RLIMIT_STACK,
                       (1 << 19, resource.getrlimit(resource.RLIMIT_STACK)[1]))


def deeper(number):
    """From 3.11 on a call from Python to Python takes none of the C stack; this one is C's."""
    return sorted([number], key=deeper)


@death
def recursion_python():
    small_stack()
    sys.setrecursionlimit(1 << 28)
    plant("stack-overflow", function="deeper", signal=signal.SIGSEGV)
    deeper(1)


@death
def recursion_c():
    """An iterator of an iterator of an iterator ..."""
    small_stack()
    chain = iter([])
    for _ in range(100000):
        chain = enumerate(chain)
    plant("stack-overflow", function="recursion_c", signal=signal.SIGSEGV)
    next(chain)


# ---- what the C code itself gave up on ----


@death
def fatal_error():
    """What needs the GIL is called without it. The text is a constant of the interpreter's, as it
    nearly always is: what is made for the call is let go before it dies."""
    message = "no current thread" if sys.version_info < (3, 9) else "the function must be called"
    plant("abort-fatal-error", function="fatal_error", message=message, signal=signal.SIGABRT)
    ctypes.CDLL(None).PyThreadState_Get()


@death
def fatal_error_under_gil():
    """So that giving up, which frees memory, does not lead to another death: under faulthandler the
    one above does in 3.12, 3.13 and debug builds."""
    message = "NULL tstate" if sys.version_info < (3, 9) else "the function must be called"
    plant("abort-fatal-error", function="fatal_error_under_gil", message=message,
          signal=signal.SIGABRT)
    under_gil.PyEval_RestoreThread(None)


@death
def assertion():
    plant("abort-assert", function="assertion", message="planted > 0", signal=signal.SIGABRT)
    under_gil["__assert_fail"](b"planted > 0", b"planted.c", 33, b"planter")


@death
def double_free():
    """The C library sees it."""
    libc.malloc.restype = ctypes.c_void_p
    block = ctypes.c_void_p(libc.malloc(40))
    plant("abort-glibc", function="double_free", message="double free", signal=signal.SIGABRT)
    libc.free(block)
    libc.free(block)


@death
def memory_error():
    """The limit is one that it has already passed: there may be no /proc that says where it is."""
    ROWS.extend(bytearray(1 << 20) for _ in range(32))
    plant("out-of-memory", function="memory_error", memory="memory-dominated",
          type="builtins.bytearray" if str is not bytes else "__builtin__.bytearray",
          signal=signal.SIGABRT)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 24,) * 2)
    try:
        while True:
            ROWS.append(bytearray(1 << 20))
    except MemoryError:
        os.abort()


# ---- memory runs out ----

TOO_MUCH = (1 << 47) + 4096  # more than a process has addresses


def limit_memory():
    """Nothing can be mapped any more."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 24,) * 2)


def measure():
    """The file "statm": what the kernel says of the address space, the last thing before the death.
    A root of its own may have no /proc."""
    try:
        source = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return
    target = os.open("statm", os.O_WRONLY | os.O_CREAT)
    os.write(target, os.read(source, 200))


def take_too_much():
    return bytearray(1 << 20) and bytearray(TOO_MUCH)


@death
def memory_error_nested():
    """Raised two calls further in than where it is handled."""
    limit_memory()
    plant("out-of-memory", function="memory_error_nested", raised="take_too_much",
          signal=signal.SIGABRT)
    try:
        [take_too_much() for _ in range(1)]
    except MemoryError:
        measure()
        os.abort()


@death
def memory_error_pending():
    """+ C code goes on after a call that failed, with what it did not get."""
    plant("segfault-null", function="memory_error_pending", lacking=[os.getpid()],
          signal=signal.SIGSEGV)
    deathext.use_bytes(TOO_MUCH)


@death
def unchecked_malloc():
    """+ C code writes to what malloc() did not give."""
    plant("segfault-null", function="unchecked_malloc", lacking=[os.getpid()],
          signal=signal.SIGSEGV)
    deathext.write_unchecked(TOO_MUCH)


@death
def unchecked_malloc_ctypes():
    libc.malloc.restype = ctypes.c_void_p
    plant("segfault-null", function="unchecked_malloc_ctypes", lacking=[os.getpid()],
          signal=signal.SIGSEGV)
    libc.memset(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(TOO_MUCH))), 0, 1)


@death
def fatal_no_memory():
    """+ Of an extension's own."""
    plant("out-of-memory", function="fatal_no_memory", message="deathext: out of memory",
          signal=signal.SIGABRT)
    deathext.give_up()


@death
def bad_alloc():
    """operator new() throws through code that knows no C++."""
    new = ctypes.CDLL("libstdc++.so.6")._Znwm
    plant("out-of-memory", function="bad_alloc", asked=TOO_MUCH, message="std::bad_alloc",
          lacking=[os.getpid()], signal=signal.SIGABRT)
    new(ctypes.c_size_t(TOO_MUCH))


class NoRoom(ValueError, MemoryError):
    pass


def survive(kind):
    try:
        raise kind("planted")
    except MemoryError as error:
        KEPT.append(error)


@death
def memory_errors_kept():
    """Of which two are no objects' any more."""
    for kind in (MemoryError, NoRoom, MemoryError, MemoryError, NoRoom):
        survive(kind)
    del KEPT[2:4]
    plant("abort", function="memory_errors_kept", kept=3, signal=signal.SIGABRT)
    os.abort()


def rest_with(value, numbers):
    where = libc.__errno_location
    where.restype = ctypes.POINTER(ctypes.c_int)
    numbers.append(libc.syscall(186))  # gettid; not all C libraries have the function
    place = where()
    place[0] = value
    libc.pause()  # not a lock: to look whether one is free leaves EAGAIN


@death
def errno_in_threads():
    """Of four threads two, and not the one that dies."""
    numbers = {12: [], 11: [], 0: []}
    for value in (12, 11, 12, 0):
        thread = threading.Thread(target=rest_with, args=(value, numbers[value]))
        thread.daemon = True
        thread.start()
    while sum(map(len, numbers.values())) < 4:
        time.sleep(0.01)
    time.sleep(0.3)
    plant("abort", function="errno_in_threads", lacking=sorted(numbers[12]),
          signal=signal.SIGABRT)
    os.abort()


def nest():
    """The C library's compiler of regular expressions calls itself for each parenthesis."""
    libc.regcomp(ctypes.create_string_buffer(1024), b"(" * 100000, 1)


@death
def overflow_in_thread():
    threading.stack_size(1 << 20)
    thread = threading.Thread(target=nest)
    plant("stack-overflow", function="nest", stack=1 << 20, signal=signal.SIGSEGV)
    thread.start()
    thread.join()


@death
def overflow_in_main():
    small_stack()
    plant("stack-overflow", function="nest", stack=1 << 19, signal=signal.SIGSEGV)
    nest()


# ---- a state ----


@death
def deadlock():
    """Each of two threads holds the lock that the other waits for."""
    locks = threading.Lock(), threading.Lock()
    locked = threading.Event()

    def other():
        with locks[1]:
            locked.set()
            with locks[0]:
                pass
    thread = threading.Thread(target=other)
    thread.daemon = True
    with locks[0]:
        thread.start()
        locked.wait()
        time.sleep(0.3)
        plant("snapshot", state=["deadlock"], function="deadlock")
        with locks[1]:
            pass


@death
def traverse():
    """+ tp_traverse of a broken object, in a collection."""
    gc.disable()
    KEPT.append(deathext.Broken())
    plant("segfault-wild", state=["in-collection"], function="traverse",
          type="deathext.Broken", signal=signal.SIGSEGV)
    gc.collect()


@death
def collection():
    """A list whose only item is no address."""
    gc.disable()
    KEPT.append([None])
    item = ctypes.c_void_p.from_address(id(KEPT[0]) + list.__basicsize__ - 16).value
    ctypes.c_size_t.from_address(item).value = UNMAPPED
    plant("segfault-wild", state=["in-collection"], damage="heap-damage", function="collection",
          type="builtins.list" if str is not bytes else "__builtin__.list",
          signal=signal.SIGSEGV)
    gc.collect()


class Finalized(object):
    """No gc type: it is released when what holds it is."""
    __slots__ = ()
    states = ["in-finalizer"]

    def __del__(self):
        plant("abort", state=self.states, function="__del__", type="__main__.Finalized",
              signal=signal.SIGABRT)
        os.abort()


@death
def finalizer():
    one = Finalized()
    one = None
    return one


@death
def finalizer_in_collection():
    """Of an object that is released as the collector empties the list of a dead cycle."""
    gc.disable()
    Finalized.states = ["in-finalizer", "in-collection"]
    node = Node()
    node.peer = [node, Finalized()]
    del node
    gc.collect()


def handler(number, frame):
    plant("abort", state=["in-signal-handler"], function="handler", signal=signal.SIGABRT)
    os.abort()


@death
def signal_handler():
    signal.signal(signal.SIGUSR1, handler)
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(1000000):
        pass


@death
def server():
    """In a task of an asyncio server, as it serves."""
    import server_task
    server_task.run(lambda: plant("abort", function="serve", signal=signal.SIGABRT))


@death
def worker():
    """In a child of os.fork()."""
    child = os.fork()
    if child == 0:
        plant("abort", function="worker", signal=signal.SIGABRT)
        os.abort()
    os.waitpid(child, 0)


# ---- leaks ----


def make_rings(count):
    for _ in range(count):
        one, two = Node(), Node()
        one.peer, two.peer = two, one


@death
def leak_gc_off():
    gc.disable()
    make_rings(20000)
    plant("abort", memory="gc-disabled", type="__main__.Node", function="leak_gc_off")
    os.abort()


@death
def leak_unreachable():
    """The automatic collection is on, and its time has not come: the oldest generation."""
    gc.set_threshold(1 << 28, 1 << 28, 1 << 28)
    make_rings(20000)
    plant("abort", memory="leak-unreachable", type="__main__.Node", function="leak_unreachable")
    os.abort()


class Closing(Node):
    def __del__(self):
        pass


@death
def leak_del():
    """Cycles with a __del__, which Python 2 never frees."""
    for _ in range(10000):
        one = Closing()
        one.peer = one
    del one
    gc.collect()
    plant("abort", memory="leak-uncollectable", type="__main__.Closing", function="leak_del")
    os.abort()


@death
def leak_incref():
    take = ctypes.pythonapi.Py_IncRef
    take.argtypes, take.restype = [ctypes.py_object], None
    for number in range(20000):
        take(Row(number))
    plant("abort", memory="leak-held-from-c", type="__main__.Row", function="leak_incref")
    os.abort()


@death
def leak_list():
    ROWS.extend(Row(number) for number in range(20000))
    plant("abort", memory="memory-dominated", type="__main__.Row", function="leak_list")
    os.abort()


@death
def leak_frozen():
    gc.disable()
    make_rings(20000)
    gc.freeze()
    gc.enable()
    plant("abort", memory="gc-frozen", type="__main__.Node", function="leak_frozen")
    os.abort()


@death
def snapshot():
    """Nothing is wrong: a living process was dumped."""
    plant("snapshot", function="snapshot")
    under_gil.pause()


# ---- handlers of crashes ----


class Action(ctypes.Structure):
    """struct sigaction of glibc on x86-64."""
    _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_ulong * 16),
                ("flags", ctypes.c_uint), ("restorer", ctypes.c_void_p)]


class Stack(ctypes.Structure):
    """stack_t"""
    _fields_ = [("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


SA_SIGINFO, SA_ONSTACK, SA_NODEFER, SA_RESETHAND = 4, 0x08000000, 0x40000000, 0x80000000


def handle(name, flags):
    """Let a function of the C library handle crashes, on a stack of its own."""
    action = Action(handler=ctypes.cast(libc[name], ctypes.c_void_p).value,
                    flags=flags | SA_ONSTACK)
    KEPT.append(ctypes.create_string_buffer(1 << 16))
    stack = Stack(start=ctypes.addressof(KEPT[-1]), size=1 << 16)
    libc.sigaltstack(ctypes.byref(stack), None)
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE):
        libc.sigaction(int(number), ctypes.byref(action), None)


def faulthandler():
    import faulthandler as module
    module.enable()


HANDLERS = {
    "faulthandler": faulthandler,
    "aborting": lambda: handle("abort", 0),  # it is not told what for
    "raising": lambda: handle("raise", SA_SIGINFO | SA_NODEFER | SA_RESETHAND),
}


def main():
    handler, _, name = sys.argv[1].partition("-")
    if handler in HANDLERS:
        HANDLERS[handler]()
    DEATHS[name if handler in HANDLERS else sys.argv[1]]()
    raise SystemExit("survived: " + sys.argv[1])


main()
