"""Which core gdb has loaded, and what gdb knows about the files that belong to it."""

import os
from typing import List, Optional

import gdb

from ..lib.binding import Target
from ..lib.errors import PyleakError
from ..lib.infofiles import file_named

DEFAULT_DEBUG_DIR = "/usr/lib/debug"  # the library looks there anyway


def current() -> Target:
    """The current inferior's core; PyleakError says what to type when there is none."""
    # With a width, gdb 12 breaks the lines of this answer, in the middle of a path if need be.
    files = gdb.execute("with width 0 -- info files", to_string=True)
    core = _core(files)
    if core is None:
        if gdb.selected_inferior().pid:
            raise PyleakError(
                "pyleak: this is a live process, pyleak reads cores of dead ones",
                'type "gcore FILE" to write its core, then "core-file FILE" in a new gdb',
            )
        raise PyleakError("pyleak: no core is loaded", 'type "core-file FILE"')
    debug_dirs = _debug_dirs()
    return Target(core, _executable(files, debug_dirs), _sysroot(), ":".join(_beyond_default(debug_dirs)) or None)


def _core(files: str) -> Optional[str]:
    inferior = gdb.selected_inferior()
    if hasattr(inferior, "corefile"):  # gdb 17
        return inferior.corefile.filename if inferior.corefile else None
    return file_named(files, "Local core dump file")


def _executable(files: str, debug_dirs: List[str]) -> Optional[str]:
    """The interpreter that the user named, or None.

    Without one, gdb may have loaded what it found by build-id in a debug directory: the library finds
    that too, and knows better under which name.
    """
    path = file_named(files, "Local exec file")
    if path and any(path.startswith(os.path.join(folder, ".build-id", "")) for folder in debug_dirs):
        return None
    return path


def _sysroot() -> Optional[str]:
    """gdb's sysroot, which by default is "target:": the file system of whatever gdb looks at."""
    sysroot = gdb.parameter("sysroot") or ""
    return (sysroot[len("target:"):] if sysroot.startswith("target:") else sysroot) or None


def _debug_dirs() -> List[str]:
    return [folder for folder in (gdb.parameter("debug-file-directory") or "").split(":") if folder]


def _beyond_default(folders: List[str]) -> List[str]:
    return [folder for folder in folders if os.path.normpath(folder) != DEFAULT_DEBUG_DIR]
