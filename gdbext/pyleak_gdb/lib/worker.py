"""Runs a long C call so that Ctrl-C still works and the caller never returns before it has ended.

The call has a thread of its own with every signal blocked; threads that the library starts inherit
that. The calling thread waits in short steps. It blocks the signals that ask to stop too, and
looks for them between two steps instead: an interrupt that arrived as a KeyboardInterrupt could do
so between any two bytecodes, so also after the loop that watches the thread was left. And where the
signal goes to another thread, which an extension left open to it, it is noted and raises nothing: of
two in a row the second would leave even the "finally" that waits for the call.
"""

import contextlib
import ctypes
import signal
import threading
from typing import Callable, Generic, Iterator, List, Optional, TypeVar

T = TypeVar("T")

STEP = 0.05  # seconds between two looks; Ctrl-C has to work within 0.2 s, most of that is for the library
RETRY = 0.01  # seconds until a call is asked again to stop
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP}
STOPPERS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
SIGACTION = 512  # bytes, more than struct sigaction has anywhere: 152 in glibc on x86-64


class _Job(Generic[T]):
    """A call on its own thread."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._value: List[T] = []
        self._error: Optional[BaseException] = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._main, name="pyleak", daemon=True)

    def _main(self) -> None:
        try:
            self._value.append(self._call())
        except BaseException as error:  # handed to the caller by value()
            self._error = error
        finally:
            self._done.set()

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        # Not Thread.join(): after an interrupt Python 3.11 reports a running thread as finished.
        return self._done.wait(seconds)

    def value(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value[0]


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """In a tick: Ctrl-C is heard at once, as where nothing is run."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(call: Callable[[], T], cancel: Callable[[], None], tick: Callable[[], bool] = lambda: False) -> T:
    """call() on a worker thread, from the main thread; returns or raises what it does.

    tick() is called every STEP seconds meanwhile, and again at once if it says so. On a request to
    stop, cancel() is called again and again until the call has ended, because one that has only just
    begun does not hear it; then KeyboardInterrupt is raised. SIGINT is used up by that; SIGTERM and
    SIGHUP reach the process's own handlers afterwards.
    """
    with _interrupts_noted() as noted:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - FAULTS)
        try:
            job = _Job(call)
            job.start()
            signal.pthread_sigmask(signal.SIG_SETMASK, before | STOPPERS)
            stopped = _watch(job, cancel, tick, noted)
            signal.sigtimedwait({signal.SIGINT}, 0)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if stopped or noted:
        raise KeyboardInterrupt
    return job.value()


@contextlib.contextmanager
def _interrupts_noted() -> Iterator[List[int]]:
    """While the body runs, a SIGINT that Python hears of is put into the list and raises nothing.

    Only Python's handler changes. signal.signal() sets the process's too, which is gdb's own: that is
    put back at once, each time.
    """
    noted: List[int] = []
    usual = signal.getsignal(signal.SIGINT)
    if not callable(usual):  # ignored, or deadly: Python does not hear of it
        yield noted
        return
    sigaction = ctypes.CDLL(None).sigaction
    process = ctypes.create_string_buffer(SIGACTION)
    sigaction(signal.SIGINT, None, process)
    try:
        signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
        sigaction(signal.SIGINT, process, None)
        yield noted
    finally:
        try:
            signal.signal(signal.SIGINT, usual)
        finally:
            sigaction(signal.SIGINT, process, None)


def _watch(job: "_Job[T]", cancel: Callable[[], None], tick: Callable[[], bool], noted: List[int]) -> bool:
    """Until the job has ended; True when it was asked to stop."""
    stopped = busy = False
    try:
        while True:
            try:
                if job.wait(RETRY if stopped else 0 if busy else STEP):
                    return stopped or _asked(noted)
                stopped = stopped or _asked(noted)
                if stopped:
                    cancel()
                else:
                    busy = tick()
            except KeyboardInterrupt:
                stopped = True  # gdb's own, out of a tick that writes
    finally:
        while not job.wait(RETRY):
            cancel()


def _asked(noted: List[int]) -> bool:
    """Whether a request to stop has come, here or to another thread; pending ones stay so."""
    return bool(noted or signal.sigpending() & STOPPERS)
