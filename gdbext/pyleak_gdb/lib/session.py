"""The handle of the core that is being looked at: opened on first need, kept until another comes."""

import os
import time
from typing import Callable, List, Optional, Sequence, Tuple

from . import worker
from .binding import Handle, Library, Progress, Result, Target, raw
from .relay import Relay

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
        """Run an analysis of target; show() gets samples of its progress, tell() the printed result
        in pieces, as it comes. Cancelled on Ctrl-C."""
        handle = self._open(target)
        with Relay() as relay:
            handle.configure(columns, colour, relay.entrance)

            def call() -> Result:
                try:
                    return handle.run(argv)
                finally:
                    relay.finish()

            def tick() -> bool:
                piece = relay.piece()
                if piece:
                    with worker.listening():  # whoever prints may page, and wait for a key
                        tell(piece)
                else:
                    show(handle.progress())
                return bool(piece)

            result = worker.run(call, handle.cancel, tick)
            for piece in relay.rest():
                tell(piece)
        return result

    def types(self, target: Target, prefix: str, most: int) -> List[str]:
        """Type names for completion. A core that takes long to read has them after its first analysis."""
        handle = self._open(target)
        handle.configure()
        deadline = time.monotonic() + TAB_PATIENCE

        def give_up() -> bool:
            if time.monotonic() > deadline:
                self._slow = True
                handle.cancel()
            return False

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
