"""Builds the C extensions of tests/e2e/ext for an interpreter."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

import matrix
import pytest

SOURCES = Path(__file__).resolve().parents[1] / "ext"
ASK = "import sysconfig; print(sysconfig.get_paths()['include'])"


def headers_of(interpreter_id: str) -> Path:
    """Where its Python.h is: no headers, no test. An interpreter in a root of its own could not
    find the module here, and its C library may be an older one."""
    try:
        interpreter = matrix.find(interpreter_id)
    except matrix.Missing as reason:
        pytest.skip("%s: %s" % (interpreter_id, reason))
    if interpreter.sysroot:
        pytest.skip("%s: it lives in a root of its own" % interpreter_id)
    include = subprocess.run([interpreter.command, "-c", ASK], stdout=subprocess.PIPE, check=True,
                             env=dict(os.environ, **interpreter.env))
    folder = Path(include.stdout.decode().strip())
    if not (folder / "Python.h").exists():
        pytest.skip("%s: no %s/Python.h" % (interpreter_id, folder))
    return folder


def built(interpreter_id: str, name: str, way: str = "", compiler: str = "cc",
          flags: Sequence[str] = ()) -> Path:
    """The folder with NAME.so for that interpreter, one for each way of compiling it and each state
    of the source; kept, because cores name it, whose build-id it must have."""
    include, source = headers_of(interpreter_id), SOURCES / (name + ".c")
    state = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    folder = matrix.cache_dir() / "ext" / interpreter_id / state / (way or "cc")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name + ".so")
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=str(folder)) as fresh:
            made = Path(fresh) / target.name
            subprocess.run([compiler, "-shared", "-fPIC", *flags, "-I%s" % include, "-o", str(made),
                            str(source)], check=True)
            made.rename(target)
    return folder
