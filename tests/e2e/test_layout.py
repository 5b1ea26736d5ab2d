"""Where the layout of each interpreter comes from, and that it is the same whatever the source.

The sources are debug information, and tables written from it earlier; here each must say what the
others say, and give the objects that the process itself counted.
"""

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
    """The file of the committed table of that very build, or None."""
    truth = made.truth["python"]
    origin = made.meta["interpreter"].split("-")[0]
    variant = {"pyenv": "pyenv", "build": "source"}.get(origin, "debian")
    name = truth["version"] + "-" + variant
    name += "-debug" if "debug" in truth["flavour"] else ""
    name += "-tracerefs" if "trace-refs" in truth["flavour"] else ""
    path = TABLES / (name + ".def")
    return path if path.exists() else None


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
def minimal(core):
    """A core of the smallest program; skips builds that are refused."""
    made = core("minimal")
    if "free-threaded" in made.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: test_free_threaded_is_refused...")
    return made


@pytest.fixture
def nothing(tmp_path):
    """Options that hide every file the core names."""
    return ["--sysroot", str(tmp_path)]


def test_version_and_flavour(minimal, pyleak):
    result = info(pyleak, minimal)
    truth = minimal.truth["python"]
    assert int(python_of(result)["hexversion"], 16) == truth["hexversion"]
    assert result.json["python"]["hexversion"] == truth["hexversion"]
    assert ("debug" in result.json["python"]["flavour"]) == ("debug" in truth["flavour"])


def test_debug_information_goes_first(minimal, pyleak):
    result = info(pyleak, minimal)
    if not has_debug_information(minimal, result):
        pytest.skip("no debug information of this interpreter is installed")
    assert python_of(result)["layout"] == "dwarf"
    assert "rejected" not in result.json["tables"]
    sources = [source for source, _ in fields_of(result).values()]
    # the rest are structs of extension modules that were not loaded: two fifths of all fields in 2.7
    assert sources.count("dwarf") > 0.5 * len(sources)
    assert set(sources) <= {"dwarf", "table", "same-minor", "symbol"}


def test_stripped_gives_the_same_offsets(minimal, core, pyleak):
    result = info(pyleak, core("minimal", stripped=True))
    expected = "table" if table_of(minimal) else "same-minor"
    assert python_of(result)["layout"] == expected
    if expected == "table":
        assert offsets(fields_of(result)) == offsets(fields_of(info(pyleak, minimal)))


def test_no_file_at_all_gives_the_same_offsets_and_objects(minimal, pyleak, nothing):
    result = info(pyleak, minimal.path, *nothing)
    whole = info(pyleak, minimal)
    assert python_of(result)["hexversion"] == python_of(whole)["hexversion"]
    if table_of(minimal):
        assert python_of(result)["layout"] == "table"
        assert offsets(fields_of(result)) == offsets(fields_of(whole))
    types = pyleak("types", minimal.path, "--format", "json", *nothing).json["tables"]["types"]
    assert types["total"]["tracked"] == sum(row["count"] for row in minimal.truth["tracked"])


def test_free_threaded_is_refused_in_one_sentence(core_of, pyleak, nothing):
    made = core_of("build-3.13t", "minimal")
    for core in (made, made.path):
        result = pyleak("info", core, *([] if core is made else nothing), status=3)
        assert result.stdout == ""
        assert "free-threaded CPython 3.13" in result.stderr


def test_table_is_what_the_generator_writes(minimal):
    if not GENERATOR.exists():
        pytest.skip("build/bin/gen_layout is not built: make build/bin/gen_layout")
    committed = table_of(minimal)
    if committed is None:
        pytest.skip("no table of exactly this build: make layout adds it")
    variant = committed.stem.split("-")[1]
    command = [sys.executable, str(REPO / "scripts" / "gen_layout.py"), "--print", "--tool",
               str(GENERATOR), "--variant", variant]
    if minimal.meta["sysroot"]:
        command += ["--root", minimal.meta["sysroot"]]
    exe = minimal.meta["exe"]
    if minimal.meta["sysroot"]:
        exe = exe[len(minimal.meta["sysroot"]):]
    done = subprocess.run(command + [exe], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
    if "has no debug information" in done.stderr:
        pytest.skip("no debug information of this interpreter is installed")
    assert done.returncode == 0, done.stderr
    assert done.stdout == committed.read_text()
