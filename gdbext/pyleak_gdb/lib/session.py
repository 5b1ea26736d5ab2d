"""The handle of the core that is being looked at: opened on first need, kept until another comes."""

import os
import time
from typing import Callable, List, Optional, Sequence, Tuple

from . import worker
from .binding import Handle, Library, Progress, Result, Target, raw

TAB_PATIENCE = 2.0  # seconds that the Tab key may take to read a core


class Session:
    """One library, and at most one open core."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._handle: Optional[Handle] = None
        self._key: Optional[Tuple[Target, Tuple[int, ...]]] = None
        self._slow = False

    def close(self) -> None:
        """Let go of the core, if one is open."""
        handle, self._handle, self._key = self._handle, None, None
        if handle:
            handle.close()

    def run(self, target: Target, argv: Sequence[str], columns: int, colour: bool,
            show: Callable[[Optional[Progress]], None], tell: Callable[[str], None]) -> Result:
        """Run an analysis of target; show() gets samples of its progress, tell() the text that need
        not wait for its end: the result's output is then the rest. Cancelled on Ctrl-C."""
        handle = self._open(target)
        handle.configure(columns, colour)
        told: List[str] = []

        def tell_early() -> None:
            for piece in handle.early(len(told)):
                told.append(piece)
                tell(piece)

        def tick() -> None:
            tell_early()
            show(handle.progress())

        try:
            result = worker.run(lambda: handle.run(argv), handle.cancel, tick)
        finally:
            tell_early()  # a run that failed leaves it, too
        return result._replace(output=result.output[len("".join(told)):])

    def types(self, target: Target, prefix: str, most: int) -> List[str]:
        """Type names for completion. A core that takes long to read has them after its first analysis."""
        handle = self._open(target)
        handle.configure()
        deadline = time.monotonic() + TAB_PATIENCE

        def give_up() -> None:
            if time.monotonic() > deadline:
                self._slow = True
                handle.cancel()

        return worker.run(lambda: handle.complete_type(prefix, most, not self._slow), handle.cancel, give_up)

    def _open(self, target: Target) -> Handle:
        """The handle of target; one of another core, or of an older file of that name, is closed."""
        key = (target, _identity(target.core))
        if self._handle is None or key != self._key:
            self.close()
            self._handle, self._key, self._slow = Handle(self.library, target), key, False
        return self._handle


def _identity(path: str) -> Tuple[int, ...]:
    try:
        found = os.stat(raw(path))
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
