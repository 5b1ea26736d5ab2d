"""The words of a progress line, the same as the command line's: what is being done, how far it is, how
long it may take."""

import time
from typing import Callable, Optional

from .binding import Progress

PATIENCE = 0.3  # seconds before anything is shown: most runs end sooner
INTERVAL = 0.1  # seconds between two lines
ESTIMATE = 1.0  # seconds that a stage must have taken before its end is guessed


class Meter:
    """Turns samples of a running call into lines, not too many of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + PATIENCE
        self._stage = ""
        self._since = 0.0

    def line(self, progress: Optional[Progress]) -> Optional[str]:
        """A line to show now, or None when the last one still does."""
        now = self._clock()
        if progress is None:
            return None
        if progress.stage != self._stage:
            self._stage, self._since = progress.stage, now
        if now < self._next:
            return None
        self._next = now + INTERVAL
        return describe(progress, now - self._since)


def describe(progress: Progress, elapsed: float) -> str:
    """elapsed: seconds that this stage has taken so far."""
    stage, done, total = progress
    if not total:
        return "%s %d" % (stage, done) if done else stage
    share = min(done / total, 1.0)
    text = "%s %.0f %%" % (stage, 100 * share)
    if elapsed >= ESTIMATE and share > 0.01:
        text += ", about %.0f s left" % (elapsed * (1 - share) / share)
    return text
