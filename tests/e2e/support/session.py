"""Many questions to one core: the library is asked in this process, and reads the core once.

What the program at the shell does around it is tested where it is the matter; here a question costs
what its analysis costs. The answers are the same, byte for byte.
"""

from typing import Optional

from pyleak_gdb.lib.binding import Handle, Library, Target

from support.cores import Core
from support.pyleak import PYLEAK, Result

LIBRARY = PYLEAK.parents[1] / "lib" / "libpyleak.so"


class Sessions:
    """The core that was asked last stays open."""

    def __init__(self) -> None:
        self._library = Library(str(LIBRARY))
        self._handle: Optional[Handle] = None
        self._target: Optional[Target] = None

    def ask(self, analysis: str, core: Core, *words: str, status: Optional[int] = 0) -> Result:
        """As support.pyleak.run() for a made core; notes and errors are in stderr."""
        options = dict(zip(core.options[::2], core.options[1::2]))
        target = Target(str(core.path), options["--exe"], options.get("--sysroot"),
                        options.get("--debug-dir"))
        if target != self._target:
            self.close()
            self._handle, self._target = Handle(self._library, target), target
            self._handle.configure()
        found = self._handle.run([analysis, *words])
        said = found.notes + ([found.error, found.hint] if found.error else [])
        result = Result([analysis, *words, str(core.path)], found.status, found.output,
                        "".join("%s\n" % line for line in said))
        assert status is None or result.status == status, result
        return result

    def close(self) -> None:
        """Let go of the core."""
        if self._handle:
            self._handle.close()
        self._handle = self._target = None
