"""Runs real gdb with pyleak.gdb: in batch mode, and on a pseudo-terminal as a user would.

PYLEAK_GDB names another gdb than the one on PATH (a command line, split as the shell does).
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

import pytest

from support.cores import Core

CHECKOUT = Path(__file__).resolve().parents[3]
SCRIPT = CHECKOUT / "pyleak.gdb"
BUILD = CHECKOUT / os.environ.get("PYLEAK_BUILD", "build")
LIBRARY = BUILD / "lib" / "libpyleak.so"
GDB = shlex.split(os.environ.get("PYLEAK_GDB") or "gdb")
TIMEOUT = 120  # seconds; gdb itself reads symbols for a while on a busy machine
PROMPT = "(gdb) "
MARK = "\n<a command begins>\n"


def missing() -> str:
    """Why the library cannot be loaded here; "" if it can."""
    if not LIBRARY.exists():
        return "%s is not built: make" % LIBRARY
    if b"__asan_init" in LIBRARY.read_bytes():
        return "a library with AddressSanitizer can only be loaded by a program that has it too"
    return ""


needed = pytest.mark.skipif(bool(missing()) or not shutil.which(GDB[0]), reason=missing() or "gdb is not installed")

sys.path.insert(0, str(CHECKOUT / "gdbext"))


class Answer(NamedTuple):
    """What gdb said: printed has the standard output of each command."""

    printed: List[str]
    stderr: str
    status: int


def environment(more: Dict[str, str]) -> Dict[str, str]:
    """The library of this build, a plain terminal and locale, nothing of the user's own; and more."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    return {**kept, "PYLEAK_LIB": str(LIBRARY), "TERM": "xterm", "LC_ALL": "C.UTF-8", **more}


def settings(core: Optional[Core]) -> List[str]:
    """Quiet, and with what the core's meta.json says."""
    found = ["-nx", "-q", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no",
             "-iex", "set auto-solib-add off"]
    for name, setting in (("sysroot", "sysroot"), ("debug_dir", "debug-file-directory")):
        if core and core.meta[name]:
            found += ["-iex", "set %s %s" % (setting, core.meta[name])]
    return found


def files(core: Optional[Core]) -> List[str]:
    return [core.meta["exe"], str(core.path)] if core else []


def batch(commands: Sequence[str], core: Optional[Core] = None, script: Optional[Path] = SCRIPT,
          before: Sequence[str] = (), after: Sequence[str] = (), cwd: Optional[Path] = None, **more: str) -> Answer:
    """gdb -batch with the commands; before and after are further words of its command line.

    The answer's status is that of the last command: 1 if it was an error.
    """
    line = GDB + settings(core) + ["-batch"] + list(before)
    if script:
        line += ["-x", str(script)]
    for number, command in enumerate(commands):
        line += ["-ex", "echo %s" % MARK.replace("\n", "\\n"), "-ex", command]
    line += list(after) or files(core)
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, env=environment(more), cwd=cwd and str(cwd))
    printed = done.stdout.decode("utf-8").split(MARK)[1:]
    assert len(printed) == len(commands), done
    return Answer(printed, done.stderr.decode("utf-8"), done.returncode)


class Terminal:
    """gdb on a pseudo-terminal of 100 columns; without its pager."""

    def __init__(self, core: Optional[Core], commands: Sequence[str], more: Dict[str, str]) -> None:
        line = GDB + settings(core) + ["-iex", "set height 0", "-x", str(SCRIPT)]
        for command in commands:
            line += ["-ex", command]
        line += files(core)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
            os.execvpe(line[0], line, environment(more))
        self._read = ""

    def expect(self, what: str, seconds: float = TIMEOUT) -> str:
        """All that came until and with what."""
        end = self.wait(re.escape(what), seconds).end()
        found, self._read = self._read[:end], self._read[end:]
        return found

    def wait(self, pattern: str, seconds: float = TIMEOUT) -> "re.Match[str]":
        """Until the pattern is in what came; nothing of it is used up."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self._read)
            if found:
                return found
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._fd], [], [], left)[0], "no %r in %r" % (pattern, self._read)
            self._read += os.read(self._fd, 65536).decode("utf-8", "replace")

    def seconds_of_processor(self) -> float:
        """What gdb's threads have used so far, together."""
        words = Path("/proc/%d/stat" % self.pid).read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def command(self, line: str) -> str:
        """What a command prints, with the line's echo and the next prompt."""
        self.type(line + "\n")
        return self.expect(PROMPT)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        os.close(self._fd)
        os.waitpid(self.pid, 0)


@contextlib.contextmanager
def terminal(core: Optional[Core], commands: Sequence[str] = (), **more: str) -> Iterator[Terminal]:
    """An interactive gdb that has run the commands and shows its prompt."""
    found = Terminal(core, commands, more)
    try:
        found.expect(PROMPT)
        yield found
    finally:
        found.close()
