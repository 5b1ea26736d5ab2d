"""Which core gdb has loaded, and what gdb knows about the files that belong to it."""

from typing import Optional

import gdb

from ..lib.binding import Target
from ..lib.errors import PyleakError
from ..lib.infofiles import file_named


def current() -> Target:
    """The current inferior's core; PyleakError says what to type when there is none."""
    files = gdb.execute("info files", to_string=True)
    core = _core(files)
    if core is None:
        if gdb.selected_inferior().pid:
            raise PyleakError(
                "pyleak: this is a live process, pyleak reads cores of dead ones",
                'type "gcore FILE" to write its core, then "core-file FILE" in a new gdb',
            )
        raise PyleakError("pyleak: no core is loaded", 'type "core-file FILE"')
    # gdb may have found the executable by itself; the library checks it against the core either way.
    return Target(core, file_named(files, "Local exec file"), _sysroot(), _debug_dir())


def _core(files: str) -> Optional[str]:
    inferior = gdb.selected_inferior()
    if hasattr(inferior, "corefile"):  # gdb 17
        return inferior.corefile.filename if inferior.corefile else None
    return file_named(files, "Local core dump file")


def _sysroot() -> Optional[str]:
    """gdb's sysroot, which by default is "target:": the file system of whatever gdb looks at."""
    sysroot = gdb.parameter("sysroot") or ""
    return (sysroot[len("target:"):] if sysroot.startswith("target:") else sysroot) or None


def _debug_dir() -> Optional[str]:
    """gdb's debug directories, a list separated by ":" as the library takes it."""
    return gdb.parameter("debug-file-directory") or None
