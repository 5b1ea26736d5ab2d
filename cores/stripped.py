"""Copies of an interpreter that carry neither .symtab nor DWARF, to be run in its place.

A copy has a build-id of its own, so that no separate debug file of the original matches it.  What
it consists of: the executable, the libpython beside it if it uses a shared one, and a standard
library of links to the original's files, except lib-dynload, whose extension modules are stripped
copies too.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import matrix

BUILD_ID = re.compile(r"Build ID: ([0-9a-f]+)")


def copy_of(original: matrix.Interpreter) -> matrix.Interpreter:
    """The stripped copy, made on first use; matrix.Missing if binutils are."""
    for tool in ("strip", "readelf"):
        if not shutil.which(tool):
            raise matrix.Missing("%s is not installed" % tool)
    top = original.sysroot / "opt" if original.sysroot else matrix.cache_dir()
    prefix = top / "stripped" / original.id
    if not prefix.is_dir():
        prefix.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=prefix.name + ".", dir=str(prefix.parent)))
        try:
            work.chmod(0o755)
            _copy(original, work)
            os.rename(str(work), str(prefix))
        finally:
            shutil.rmtree(str(work), ignore_errors=True)
    inside = matrix.seen_from(original.sysroot, prefix)
    return replace(original, id=original.id + matrix.STRIPPED,
                   exe=prefix / "bin" / original.exe.name, debug_dir=None,
                   env=dict(original.env, PYTHONHOME=str(inside),
                            LD_LIBRARY_PATH=str(inside / "lib")))


def _copy(original: matrix.Interpreter, target: Path) -> None:
    home = original.exe.parent.parent
    (target / "bin").mkdir()
    _strip(original.exe, target / "bin" / original.exe.name)
    (target / "lib").mkdir()
    for library in home.glob("lib/libpython*.so*"):
        if not library.is_symlink():
            _strip(library, target / "lib" / library.name)
    version = "%d.%d" % matrix.version_of(original)[:2]
    for standard in sorted(home.glob("lib/python%s*" % version)) + sorted(home.glob("lib/python3")):
        if standard.is_dir():
            _link_library(original, standard, target / "lib" / standard.name)


def _link_library(original: matrix.Interpreter, source: Path, target: Path) -> None:
    """One folder of links into source, as the running process will see it, with a lib-dynload of
    its own."""
    target.mkdir()
    seen = matrix.seen_from(original.sysroot, source)
    for entry in source.iterdir():
        if entry.name != "lib-dynload":
            (target / entry.name).symlink_to(seen / entry.name)
    if (source / "lib-dynload").is_dir():
        (target / "lib-dynload").mkdir()
        for entry in (source / "lib-dynload").iterdir():
            if entry.suffix == ".so":
                _strip(entry, target / "lib-dynload" / entry.name)


def _strip(source: Path, target: Path) -> None:
    """Copy an ELF file with everything stripped that can be, and every byte of its build-id
    changed."""
    shutil.copy(str(source), str(target))
    subprocess.run(["strip", "--strip-all", "-R", ".gnu_debuglink", "-R", ".gnu_debugdata",
                    str(target)], check=True)
    notes = subprocess.run(["readelf", "--notes", "--wide", str(target)], check=True,
                           stdout=subprocess.PIPE,
                           universal_newlines=True).stdout
    found = BUILD_ID.search(notes)
    if found:
        old = bytes.fromhex(found.group(1))
        content = target.read_bytes()
        target.write_bytes(content.replace(old, bytes(byte ^ 0xff for byte in old), 1))
