"""The C extensions of tests/e2e/ext, built for an interpreter that has its headers here."""

import subprocess
import tempfile
from pathlib import Path

import matrix

SOURCES = Path(__file__).resolve().parents[1] / "ext"
ASK = "import sysconfig; print(sysconfig.get_paths()['include'])"


def headers_of(interpreter_id: str) -> Path:
    """Where its Python.h is; matrix.Missing. An interpreter in a root of its own could not find the
    module here, and its C library may be an older one."""
    interpreter = matrix.find(interpreter_id)
    if interpreter.sysroot:
        raise matrix.Missing("it lives in a root of its own")
    include = subprocess.run([interpreter.command, "-c", ASK], stdout=subprocess.PIPE, check=True)
    folder = Path(include.stdout.decode().strip())
    if not (folder / "Python.h").exists():
        raise matrix.Missing("no %s/Python.h" % folder)
    return folder


def built(interpreter_id: str, source: str, module: str) -> Path:
    """The folder with the module made of that file of ext/; kept, because the cores name it.
    matrix.Missing without headers."""
    include = headers_of(interpreter_id)
    folder = matrix.cache_dir() / "ext" / interpreter_id
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (module + ".so")
    if not target.exists() or target.stat().st_mtime < (SOURCES / source).stat().st_mtime:
        with tempfile.TemporaryDirectory() as work:
            made = Path(work) / "made.so"
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-I%s" % include, "-o", str(made),
                            str(SOURCES / source)], check=True)
            target.write_bytes(made.read_bytes())
    return folder
