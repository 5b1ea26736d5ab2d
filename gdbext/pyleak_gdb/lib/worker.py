"""Runs a long C call so that Ctrl-C still works and the caller never returns before it has ended.

The call has a thread of its own with every signal blocked; threads that the library starts inherit
that. The calling thread waits in short steps. It blocks the signals that ask to stop too, and
looks for them between two steps instead: an interrupt that arrived as a KeyboardInterrupt could do
so between any two bytecodes, so also after the loop that watches the thread was left.
"""

import contextlib
import signal
import threading
from typing import Callable, Generic, Iterator, List, Optional, TypeVar

T = TypeVar("T")

STEP = 0.05  # seconds between two looks; Ctrl-C has to work within 0.2 s, most of that is for the library
RETRY = 0.01  # seconds until a call is asked again to stop
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP}
STOPPERS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


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

    tick() is called every STEP seconds meanwhile, and again at once if it says so. On a request to stop, cancel() is called again and
    again until the call has ended, because one that has only just begun does not hear it; then
    KeyboardInterrupt is raised. SIGINT is used up by that; SIGTERM and SIGHUP reach the process's own
    handlers afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - FAULTS)
    try:
        job = _Job(call)
        job.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before | STOPPERS)
        stopped = _watch(job, cancel, tick)
        signal.sigtimedwait({signal.SIGINT}, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if stopped:
        raise KeyboardInterrupt
    return job.value()


def _watch(job: "_Job[T]", cancel: Callable[[], None], tick: Callable[[], bool]) -> bool:
    """Until the job has ended; True when it was asked to stop."""
    stopped = busy = False
    try:
        while True:
            try:
                if job.wait(RETRY if stopped else 0 if busy else STEP):
                    return stopped or bool(signal.sigpending() & STOPPERS)
                stopped = stopped or bool(signal.sigpending() & STOPPERS)
                if stopped:
                    cancel()
                else:
                    busy = tick()
            except KeyboardInterrupt:
                # Blocked here, the signal went to a thread that another extension left open to it.
                stopped = True
    finally:
        while not job.wait(RETRY):
            cancel()
