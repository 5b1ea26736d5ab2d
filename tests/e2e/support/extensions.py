"""Builds the C extensions of tests/e2e/ext for an interpreter."""

import subprocess
import tempfile
from pathlib import Path

import matrix

SOURCES = Path(__file__).resolve().parents[1] / "ext"
ASK = "import sysconfig; print(sysconfig.get_paths()['include'])"


def built(interpreter_id: str, name: str) -> Path:
    """The folder with NAME.so, of NAME.c, for an interpreter; matrix.Missing if it cannot be built.

    It is kept, as cores name it. Not for an interpreter in a root of its own, which could not find
    the module here, and whose C library may be an older one.
    """
    include = _headers(matrix.find(interpreter_id))
    source = SOURCES / (name + ".c")
    folder = matrix.cache_dir() / "ext" / interpreter_id
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name + ".so")
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        with tempfile.TemporaryDirectory(dir=str(folder)) as work:
            made = Path(work) / target.name
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-I%s" % include, "-o", str(made),
                            str(source)], check=True)
            made.replace(target)
    return folder


def _headers(interpreter: matrix.Interpreter) -> Path:
    if interpreter.sysroot:
        raise matrix.Missing("it lives in a root of its own")
    asked = subprocess.run([interpreter.command, "-c", ASK], stdout=subprocess.PIPE, check=True,
                           env=dict(interpreter.env, PATH="/usr/bin:/bin"))
    folder = Path(asked.stdout.decode().strip())
    if not (folder / "Python.h").exists():
        raise matrix.Missing("no %s/Python.h" % folder)
    return folder
