"""`path` of objects that a C extension alone holds: where the reference is, named by file, symbol,
block or stack."""

import subprocess
from pathlib import Path

import matrix
import pytest
from support import paths

SOURCE = Path(__file__).resolve().parent / "ext" / "leakext.c"
ASK = "import sysconfig; print(sysconfig.get_paths()['include'])"


def headers_of(interpreter_id):
    """Where its Python.h is: no headers, no test. An interpreter in a root of its own could not
    find the module here, and its C library may be an older one."""
    interpreter = matrix.find(interpreter_id)
    if interpreter.sysroot:
        pytest.skip("%s: it lives in a root of its own" % interpreter_id)
    include = subprocess.run([interpreter.command, "-c", ASK], stdout=subprocess.PIPE, check=True)
    folder = Path(include.stdout.decode().strip())
    if not (folder / "Python.h").exists():
        pytest.skip("%s: no %s/Python.h" % (interpreter_id, folder))
    return folder


@pytest.fixture(scope="session")
def extension(interpreter, tmp_path_factory):
    """The folder with leakext.so for `interpreter`; kept, because the cores name it."""
    include = headers_of(interpreter)
    folder = matrix.cache_dir() / "ext" / interpreter
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "leakext.so"
    if not target.exists() or target.stat().st_mtime < SOURCE.stat().st_mtime:
        made = tmp_path_factory.mktemp("ext") / "leakext.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-I%s" % include, "-o", str(made),
                        str(SOURCE)], check=True)
        target.write_bytes(made.read_bytes())
    return folder


def test_paths_begin_where_c_code_holds_the_object(core, extension, pyleak):
    made = core("hidden", env={"PYTHONPATH": str(extension)})
    assert paths.wrong(pyleak, made) == {}
