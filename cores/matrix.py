"""The interpreters of matrix.json: where each one is on this machine, or why it is not.

An id names one interpreter; "ID+stripped" names a private copy of it with neither .symtab nor
DWARF, and with a build-id of its own so that no separate debug file can match (see stripped.py).

matrix.json has five tables.  `roots`: folders unpacked from a Debian suite's packages.  `builds`:
own builds from Debian's source tarballs.  `interpreters`: one row for each id with one of
    path            an executable of the machine
    root and path   an executable inside one of the roots (path as seen inside)
    pyenv           a version under $PYENV_ROOT (~/.pyenv)
    build           one of the builds
and optionally tier "full" (only for `make test-full`), free_threaded, and siblings: ids of the same
minor version from which it differs only in patch release or in where its layout comes from.
`libraries`: folders unpacked from Debian packages of Python libraries, for interpreters of the machine
itself.  `sample`: the few that what is slow is tried on every day, of each choice the first that is
there.  Roots, builds and libraries are provided by scripts/interpreters.py.

What a run is about: PYLEAK_MATRIX=id,id narrows it to these ids, and to nothing else, be it what tests
ask or what is fetched; else PYLEAK_FULL=1 adds the tier "full".
"""

import functools
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

HERE = Path(__file__).resolve().parent
STRIPPED = "+stripped"


class Missing(Exception):
    """An interpreter cannot be had here; str() is the reason, and what to do."""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that is there.

    exe: the executable as this machine sees it.  sysroot: the root it must be run in (chroot), or
    None. debug_dir: where separate debug files are, or None if only the machine's own place counts.
    env: what it needs in its environment to run.
    """
    id: str
    exe: Path
    sysroot: Optional[Path] = None
    debug_dir: Optional[Path] = None
    env: Dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """The executable's path as the process itself sees it."""
        return str(seen_from(self.sysroot, self.exe))

    @property
    def identity(self) -> str:
        """Changes when the executable does: path, size in bytes and modification time in ns."""
        stat = self.exe.stat()
        return "%s %d %d" % (self.exe, stat.st_size, stat.st_mtime_ns)


def seen_from(root: Optional[Path], path: Path) -> Path:
    """A path as a process sees it that runs in root; with no root, the path itself."""
    return path if root is None else Path("/") / path.relative_to(root)


def cache_dir() -> Path:
    """$PYLEAK_CACHE, or .cache in the checkout: made if need be, and ignored by git through a
    file of its own."""
    path = Path(os.environ.get("PYLEAK_CACHE") or HERE.parent / ".cache").resolve()
    if not (path / ".gitignore").exists():
        path.mkdir(parents=True, exist_ok=True)
        (path / ".gitignore").write_text("*\n")
    return path


def table() -> dict:
    """matrix.json as it is."""
    return json.loads((HERE / "matrix.json").read_text())


def ids(full: bool = False) -> List[str]:
    """All ids, in the order of matrix.json; those of tier "full" only if asked for."""
    return [row["id"] for row in table()["interpreters"] if full or row.get("tier") != "full"]


def full() -> bool:
    """Whether this run is of the tier "full"."""
    return os.environ.get("PYLEAK_FULL") == "1"


def named() -> List[str]:
    """The ids of PYLEAK_MATRIX, be it with +stripped; none if it does not narrow this run."""
    return [name for name in os.environ.get("PYLEAK_MATRIX", "").split(",") if name]


def chosen() -> List[str]:
    """The ids that this run is about."""
    return named() or ids(full())


def is_chosen(interpreter_id: str) -> bool:
    """Whether this run may ask that interpreter, or a stripped copy of it."""
    return not named() or plain(interpreter_id) in map(plain, named())


def plain(interpreter_id: str) -> str:
    """The id without +stripped."""
    return interpreter_id.split(STRIPPED)[0]


@functools.lru_cache(maxsize=None)
def sample() -> Tuple[str, ...]:
    """The ids of the sample that are there, of each choice the first."""
    found: List[str] = []
    for choice in table()["sample"]:
        found += [interpreter_id for interpreter_id in choice if _minor(interpreter_id)][:1]
    return tuple(found)


def has_sibling(interpreter_id: str) -> bool:
    """Whether this run also has one that differs from it in no more than its patch release."""
    minor = _minor(plain(interpreter_id))
    siblings = row_of(plain(interpreter_id)).get("siblings", [])
    return bool(minor) and any(is_chosen(other) and _minor(other) == minor for other in siblings)


def _minor(interpreter_id: str) -> Tuple[int, ...]:
    """(3, 11); () if it is not there."""
    try:
        return version_of(find(interpreter_id))[:2]
    except Missing:
        return ()


def row_of(interpreter_id: str) -> dict:
    """The row of an id; KeyError if there is none."""
    for row in table()["interpreters"]:
        if row["id"] == interpreter_id:
            return row
    raise KeyError("no interpreter %s in cores/matrix.json" % interpreter_id)


def root_dir(name: str) -> Path:
    return cache_dir() / "roots" / name


def build_dir(name: str) -> Path:
    return cache_dir() / "builds" / name


def find(interpreter_id: str) -> Interpreter:
    """The interpreter of that id ("+stripped" makes the copy if need be); Missing if it is not
    there."""
    if interpreter_id.endswith(STRIPPED):
        import stripped
        return stripped.copy_of(find(interpreter_id[:-len(STRIPPED)]))
    row = row_of(interpreter_id)
    if "root" in row:
        return _in_root(row)
    if "build" in row:
        exe = build_dir(row["build"]) / "bin" / "python3"
        hint = "build it: scripts/interpreters.py fetch --full %s" % interpreter_id
        libraries = {"LD_LIBRARY_PATH": str(build_dir(row["build"]) / "lib")}
    elif "pyenv" in row:
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        exe = pyenv / "versions" / row["pyenv"] / "bin" / "python"
        hint = "pyenv has no %s here" % row["pyenv"]
        libraries = {}
    else:
        exe = Path(row["path"])
        hint = "%s is not installed" % row["path"]
        libraries = {}
    if not exe.exists():
        raise Missing(hint)
    return Interpreter(interpreter_id, exe.resolve(), env=libraries)


@functools.lru_cache(maxsize=None)
def _version_of(command: str, sysroot: Optional[Path],
                env: Tuple[Tuple[str, str], ...]) -> Tuple[int, ...]:
    def enter_root() -> None:
        if sysroot is not None:
            os.chroot(str(sysroot))
            os.chdir("/")

    code = "import ctypes, sys; print('%d %d %d' % sys.version_info[:3])"
    try:
        done = subprocess.run([command, "-c", code], env=dict(env), preexec_fn=enter_root,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)
    except OSError as error:
        raise Missing("it does not start: %s" % error) from error
    if done.returncode != 0:
        raise Missing("it does not run: %s" % done.stderr.strip().replace("\n", "; ")[-300:])
    return tuple(map(int, done.stdout.split()))


def version_of(interpreter: Interpreter) -> Tuple[int, ...]:
    """(3, 11, 2), as the interpreter itself says; Missing if it does not run or has no ctypes."""
    return _version_of(interpreter.command, interpreter.sysroot,
                       tuple(sorted(interpreter.env.items())))


def _in_root(row: dict) -> Interpreter:
    root = root_dir(row["root"])
    if not root.is_dir():
        raise Missing("fetch it: scripts/interpreters.py fetch %s" % row["id"])
    exe = _resolve_in(root, row["path"])
    if not exe.exists():
        raise Missing("%s is not in the packages of %s" % (row["path"], row["root"]))
    if os.geteuid() != 0:
        raise Missing("chroot needs root")
    return Interpreter(row["id"], exe, sysroot=root, debug_dir=root / "usr/lib/debug")


def _resolve_in(root: Path, path: str) -> Path:
    """Follow the links of the last component, as seen inside root."""
    inside = Path(path)
    while (root / inside.relative_to("/")).is_symlink():
        inside = inside.parent / os.readlink(root / inside.relative_to("/"))
    return root / inside.relative_to("/")


def library_dir(name: str) -> Path:
    """Where a folder of `libraries` is, or would be."""
    return cache_dir() / "libraries" / name


def library_env(name: str) -> Dict[str, str]:
    """What the environment of a process needs to find the libraries of that folder."""
    folder = library_dir(name)
    if not folder.is_dir():
        raise Missing("%s is not there: scripts/interpreters.py fetch" % folder)
    return {"PYTHONPATH": str(folder / "usr/lib/python3/dist-packages"),
            "LD_LIBRARY_PATH": str(folder / "usr/lib/x86_64-linux-gnu")}
