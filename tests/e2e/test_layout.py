"""Where the layout of each interpreter comes from, and that it is the same whatever the source.

The sources are debug information, and tables written from it earlier; here each must say what the
others say, and give the objects that the process itself counted.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.pyleak import PYLEAK

REPO = Path(__file__).resolve().parents[2]
TABLES = REPO / "cscan" / "layout" / "tables"
GENERATOR = PYLEAK.parent / "gen_layout"

# Statics of 2.7 and 3.6, told as offsets from the collector's generations: they depend on where the
# linker put them, and a stripped binary hides them.
STATICS = re.compile("gc_(enabled|debug|collecting|garbage|callbacks|long_lived_.*|stats|"
                     "generations)$")


def python_of(result):
    return {row["key"]: row["value"] for row in result.rows("python")}


def fields_of(result):
    """{field: (source, offset)} of those that this version has."""
    return {row["field"]: (row["source"], row["offset"]) for row in result.rows("layout")
            if row["source"] != "absent"}


def offsets(fields):
    return {name: offset for name, (_, offset) in fields.items() if not STATICS.match(name)}


def table_of(made):
    """The committed table of exactly that version and kind of build, or None."""
    version = ".".join(str(n) for n in made.truth["python"]["version_info"][:3])
    found = [path for path in TABLES.glob(version + "-*.def")
             if ("-debug" in path.name) == ("debug" in made.truth["python"]["flavour"])]
    return found[0] if found else None


def has_debug_information(made, result):
    """Is there a .debug_info for the interpreter's own file, in it or in a file by its build-id?"""
    library = python_of(result)["library"]
    sysroot = made.meta["sysroot"] or ""
    build_id = next(row["build_id"] for row in result.rows("modules") if row["file"] == library)
    folders = [made.meta["debug_dir"], sysroot + "/usr/lib/debug"]
    files = [Path(sysroot + library)]
    files += [Path(folder, ".build-id", build_id[:2], build_id[2:] + ".debug")
              for folder in folders if folder]
    return any(b".debug_info\0" in path.read_bytes() for path in files if path.exists())


def info(pyleak, core, *options, **more):
    return pyleak("info", core, "--format", "json", *options, **more)


@pytest.fixture
def nothing(tmp_path):
    """Options that hide every file the core names."""
    return ["--sysroot", str(tmp_path)]


def test_version_and_flavour(core, pyleak):
    made = core("minimal")
    result = info(pyleak, made)
    truth = made.truth["python"]
    assert int(python_of(result)["hexversion"], 16) == truth["hexversion"]
    assert result.json["python"]["hexversion"] == truth["hexversion"]
    assert ("debug" in result.json["python"]["flavour"]) == ("debug" in truth["flavour"])


def test_debug_information_goes_first(core, pyleak):
    made = core("minimal")
    result = info(pyleak, made)
    if not has_debug_information(made, result):
        pytest.skip("no debug information of this interpreter is installed")
    assert python_of(result)["layout"] == "dwarf"
    assert "rejected" not in result.json["tables"]
    sources = [source for source, _ in fields_of(result).values()]
    # the rest are structs of extension modules that were not loaded
    assert sources.count("dwarf") > 0.8 * len(sources)
    assert set(sources) <= {"dwarf", "table", "same-minor", "symbol"}


def test_stripped_gives_the_same_offsets(core, pyleak):
    made, stripped = core("minimal"), core("minimal", stripped=True)
    result = info(pyleak, stripped)
    expected = "table" if table_of(made) else "same-minor"
    assert python_of(result)["layout"] == expected
    if expected == "table":
        assert offsets(fields_of(result)) == offsets(fields_of(info(pyleak, made)))


def test_no_file_at_all_gives_the_same_offsets_and_objects(core, pyleak, nothing):
    made = core("minimal")
    result = info(pyleak, made.path, *nothing)
    whole = info(pyleak, made)
    assert python_of(result)["hexversion"] == python_of(whole)["hexversion"]
    if table_of(made):
        assert python_of(result)["layout"] == "table"
        assert offsets(fields_of(result)) == offsets(fields_of(whole))
    types = pyleak("types", made.path, "--format", "json", *nothing).json["tables"]["types"]
    assert types["total"]["tracked"] == sum(row["count"] for row in made.truth["tracked"])


def test_free_threaded_is_refused_in_one_sentence(core_of, pyleak, nothing):
    made = core_of("build-3.13t", "minimal")
    for core in (made, made.path):
        result = pyleak("info", core, *([] if core is made else nothing), status=3)
        assert result.stdout == ""
        assert "free-threaded CPython 3.13" in result.stderr


def test_table_is_what_the_generator_writes(core):
    made = core("minimal")
    if not GENERATOR.exists():
        pytest.skip("build/bin/gen_layout is not built: make build/bin/gen_layout")
    committed = table_of(made)
    if committed is None:
        pytest.skip("no table of exactly this version: make layout adds it")
    variant = committed.stem.split("-")[1]
    command = [sys.executable, str(REPO / "scripts" / "gen_layout.py"), "--print", "--tool",
               str(GENERATOR), "--variant", variant]
    if made.meta["sysroot"]:
        command += ["--root", made.meta["sysroot"]]
    exe = made.meta["exe"]
    if made.meta["sysroot"] and exe.startswith(made.meta["sysroot"]):
        exe = exe[len(made.meta["sysroot"]):]
    done = subprocess.run(command + [exe], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ), universal_newlines=True)
    if "has no debug information" in done.stderr:
        pytest.skip("no debug information of this interpreter is installed")
    assert done.returncode == 0, done.stderr
    same = [path for path in TABLES.glob("*.def") if path.read_text() == done.stdout]
    assert [path.stem for path in same] == [re.search('PL_TABLE."([^"]+)"', done.stdout).group(1)]
