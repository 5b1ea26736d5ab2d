"""Threads that wait in every way that Python's library has, each in a C function of its own.

truth.json holds only "known":
    waits   {lwp: how}: the names of the functions of WAITS; the main thread's is "main"
    locked  of these, those that wait for a lock without a time limit

Runs on Python 2.7 and 3.6 or newer.
"""

import ctypes
import json
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import threading
import time

LONG = 1000
LWPS = {}
KEPT = []
WAITS = []
LOCKED = ["lock", "nested_lock"]
PYTHON_3 = sys.version_info >= (3,)
_gettid = ctypes.CDLL(None).syscall
_GETTID = {"x86_64": 186, "aarch64": 178}[platform.machine()]


def waits(function):
    WAITS.append(function)
    return function


def ready():
    """The very next call waits."""
    LWPS[int(_gettid(_GETTID))] = threading.current_thread().name


def held():
    """A lock that nobody will give back."""
    one = threading.Lock()
    one.acquire()
    return one


@waits
def lock():
    one = held()
    ready()
    one.acquire()


@waits
def nested_lock():
    """Called by C: between two evaluations, and through a finalizer."""
    class Dying(object):
        def __del__(self):
            ready()
            sorted([2, 1], key=lambda number: held().acquire())
    dying = Dying()
    del dying


if PYTHON_3:
    @waits
    def lock_with_a_limit():
        one = held()
        ready()
        one.acquire(timeout=LONG)


@waits
def condition():
    """In Python 2 a limit is kept by sleeping a little, again and again: there is none for it."""
    one = threading.Condition()
    with one:
        ready()
        one.wait(LONG if PYTHON_3 else None)


@waits
def event():
    ready()
    threading.Event().wait(LONG if PYTHON_3 else None)


@waits
def receive():
    pair = socket.socketpair()
    KEPT.append(pair)
    ready()
    pair[0].recv(1)


@waits
def accept():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    KEPT.append(server)
    ready()
    server.accept()


@waits
def read_pipe():
    pipe = os.pipe()
    ready()
    os.read(pipe[0], 1)


@waits
def wait_by_select():
    pipe = os.pipe()
    ready()
    select.select([pipe[0]], [], [], LONG)


@waits
def wait_by_poll():
    poll = select.poll()
    poll.register(os.pipe()[0], select.POLLIN)
    ready()
    poll.poll(LONG * 1000)


@waits
def wait_by_epoll():
    epoll = select.epoll()
    epoll.register(os.pipe()[0], select.EPOLLIN)
    ready()
    epoll.poll(LONG)


@waits
def sleep():
    ready()
    time.sleep(LONG)


@waits
def join():
    other = threading.Thread(target=time.sleep, args=(LONG,))
    other.daemon = True
    other.start()
    KEPT.append(other)
    ready()
    other.join()


@waits
def wait_for_a_child():
    """cores/make.py ends the whole session."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(%d)" % LONG])
    KEPT.append(child)
    ready()
    child.wait()


@waits
def call_of_ctypes():
    """pause(2), of another's code than the interpreter's."""
    ready()
    ctypes.CDLL(None).pause()


def start():
    for function in WAITS:
        thread = threading.Thread(target=function, name=function.__name__)
        thread.daemon = True
        thread.start()
        KEPT.append(thread)
    while len(LWPS) < len(WAITS):
        time.sleep(0.05)
    time.sleep(0.5)  # /proc, which would tell that they sleep, is not in every root


def main():
    start()
    known = dict((str(lwp), how) for lwp, how in LWPS.items())
    known[str(os.getpid())] = "main"
    with open("truth.json", "w") as out:
        json.dump({"known": {"waits": known, "locked": LOCKED}}, out, indent=1, sort_keys=True)
    with open("dying", "w") as out:
        out.write("%d\n" % os.getpid())
    if os.environ["PYLEAK_DEATH"] == "pause":
        signal.pause()
    os.abort()


main()
