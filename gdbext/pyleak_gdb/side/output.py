"""Where text goes: the result to gdb's standard output, everything else to its standard error."""

import os
from typing import Optional

import gdb

from ..lib.binding import Progress, Result
from ..lib.errors import PyleakError
from ..lib.picture import save_picture
from ..lib.progress import Meter

ECHO = "^C"  # what a terminal puts behind the line for the key that ends it


def columns(interactive: bool) -> int:
    """The width of text; 0 leaves it to the library, which then prints what it prints to a pipe."""
    return gdb.parameter("width") or 0 if interactive else 0


def colour(interactive: bool) -> bool:
    """Whether someone looks at a terminal that shows colours, and wants them.

    Under "pipe" and where Python catches the output gdb's width is unlimited (gdb 12 to 18), and
    nothing else tells these from the screen.
    """
    return bool(interactive and os.isatty(1) and columns(interactive) and gdb.parameter("style enabled")
                and not os.environ.get("NO_COLOR"))


def tell(text: str) -> None:
    """Print a piece of a result."""
    gdb.write(text)
    gdb.flush()


def show(result: Result) -> None:
    """What a run had to say beside what it printed: the notes, then as a PyleakError what went wrong."""
    if not result.error and result.picture:
        save_picture(result.output_file, result.picture, result.output.encode("utf-8", "surrogateescape"))
    for note in result.notes:
        gdb.write("pyleak: %s\n" % note, gdb.STDERR)
    if result.error:
        raise PyleakError("pyleak: " + result.error, result.hint)


class ProgressLine:
    """One line on standard error that is written over again and again, and gone at the end."""

    def __init__(self, interactive: bool) -> None:
        self._wanted = interactive and os.isatty(2)
        self._meter = Meter()
        self._shown = 0

    def update(self, progress: Optional[Progress]) -> None:
        text = self._meter.line(progress) if self._wanted else None
        if text is not None:
            width = gdb.parameter("width") or 80
            self._write(text[:width - len(ECHO) - 1])

    def clear(self) -> None:
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        # Blanks wipe out the line before on every terminal, also on one without escape sequences.
        if text:
            line = "\r" + text.ljust(self._shown)
        else:
            line = "\r" + " " * (self._shown + len(ECHO)) + "\r"
        gdb.write(line, gdb.STDERR)
        gdb.flush(gdb.STDERR)
        self._shown = len(text)
