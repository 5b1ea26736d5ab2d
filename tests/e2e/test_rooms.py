"""The checks of the house notice what they are there for: each planted fault is found and named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.pyleak import CHECKOUT, PYLEAK

TOP = CHECKOUT
BUILD = PYLEAK.parent.parent


def check(script: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(TOP / "scripts" / script), *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def plant(top: Path, path: str, text: str) -> None:
    (top / "cscan" / path).parent.mkdir(parents=True, exist_ok=True)
    with open(top / "cscan" / path, "a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize("path, line, said", [
    ("graph/scc.c", '#include "object/objects.h"', "graph/ must not include object/objects.h"),
    ("session/life.c", '#include "analysis/args.h"', "session/ must not include analysis/args.h"),
    ("object/value/text.c", '#include "object/list/listing.h"',
     "object/value/ must not include object/list/listing.h"),
    ("analysis/search/reason.c", '#include "analysis/triage/say.h"',
     "analysis/search/ must not include analysis/triage/say.h"),
    ("analysis/death/death_fault.c", '#include "analysis/triage/triage.h"',
     "analysis/death/ must not include analysis/triage/triage.h"),
    ("heap/mimalloc.c", '#include "heap/glibc.h"', "must not know each other"),
    ("report/csv.c", "#include <libelf.h>", "elfutils outside image/"),
    ("object/objects.c", "bool b(void) { return l->hexversion >= 3; }", "a version test"),
    ("attic/old.c", "int x;", "no room is called attic"),
])
def test_planted_line(tmp_path: Path, path: str, line: str, said: str) -> None:
    shutil.copytree(str(TOP / "cscan"), str(tmp_path / "cscan"))
    assert check("check_rooms.py", str(tmp_path)).returncode == 0
    plant(tmp_path, path, line + "\n")
    found = check("check_rooms.py", str(tmp_path))
    assert found.returncode == 1
    assert "cscan/" + path in found.stdout and said in found.stdout


def objects(folder: Path) -> "list[str]":
    """The built objects of cscan/, linked into folder, which more can be added to."""
    built = BUILD / "obj" / "cscan"
    for path in sorted(built.rglob("*.o")):
        place = folder / path.relative_to(built)
        if not (TOP / "cscan" / path.relative_to(built)).with_suffix(".c").exists():
            continue  # of a file that is no more
        place.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(str(path), str(place))
    return [str(path) for path in sorted(folder.rglob("*.o"))]


def compiled(folder: Path, path: str, source: str) -> str:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".c").write_text(source)
    subprocess.run(["cc", "-c", "-o", str(target), str(target.with_suffix(".c"))], check=True)
    return str(target)


@pytest.mark.parametrize("planted, said", [
    # A decoder that calls another one: both include decode.h, so no #include shows it.
    ({"object/decode/planted.o": "void pl_decode_list(void); void p(void) { pl_decode_list(); }"},
     "object/decode/planted and object/decode/containers must not know each other"),
    ({"analysis/verb/planted.o": "extern int pl_analysis_gc; int *p(void) { return &pl_analysis_gc; }"},
     "analysis/verb/planted and analysis/verb/gc must not know each other"),
    ({"graph/planted.o": "void pl_objects_id(void); void p(void) { pl_objects_id(); }"},
     "graph/planted must not call object/objects (pl_objects_id)"),
    ({"session/one.o": "void two(void); void one(void) { two(); }",
      "session/two.o": "void one(void); void two(void) { one(); }"},
     "a circle: session/one session/two"),
])
def test_planted_symbol(tmp_path: Path, planted: dict, said: str) -> None:
    built = objects(tmp_path)
    assert len(built) > 100
    assert check("check_symbols.py", str(tmp_path), *built).returncode == 0
    more = [compiled(tmp_path, path, source) for path, source in planted.items()]
    found = check("check_symbols.py", str(tmp_path), *built, *more)
    assert found.returncode == 1
    assert said in found.stdout
