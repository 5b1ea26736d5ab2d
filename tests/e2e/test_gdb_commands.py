"""pyleak in gdb's batch mode: the same answers as the other door, and errors that leave gdb alone."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import gdb

pytestmark = gdb.needed
THING = "__main__.Thing"


@pytest.fixture(scope="module")
def made(core_of):
    return core_of("system", "minimal")


@pytest.fixture(scope="module")
def library():
    from pyleak_gdb.lib.binding import Library
    return Library(str(gdb.LIBRARY))


def one_line_and_hint(answer, *words):
    """The last that gdb said is an error of two lines, the second of them a hint, that says these words."""
    error = "\n".join(answer.stderr.rstrip("\n").split("\n")[-2:])
    assert error.startswith("pyleak: ") and "\n  " in error, answer.stderr
    for word in words:
        assert word in error
    assert "Traceback" not in answer.stderr
    return error


# ---- the same as the other door ----


@pytest.mark.parametrize("format", ["text", "json", "csv"])
@pytest.mark.parametrize("recipe_of", ["system", "trixie-3.13"])
def test_both_doors_print_the_same(recipe_of, format, core_of, pyleak, library):
    """Byte for byte, for every analysis that takes no argument; trixie's core needs its sysroot and debug directory."""
    core = core_of(recipe_of, "minimal")
    names = [name for name in library.analyses() if not library.arguments(name)]
    answer = gdb.batch(["py-leak-%s --format %s" % (name, format) for name in names], core)
    for name, printed in zip(names, answer.printed):
        assert printed == pyleak(name, core, "--format", format, status=None).stdout, name
        assert printed


def test_options_and_arguments_get_through(made, pyleak):
    lines = ["--limit 3 --sort type", "--match '__main__.*' --tracked", '--match "__main__.Th*"', "--limit=1"]
    words = [["--limit", "3", "--sort", "type"], ["--match", "__main__.*", "--tracked"], ["--match", "__main__.Th*"],
             ["--limit=1"]]
    answer = gdb.batch(["py-leak-types " + line for line in lines] + ["py-leak-instances " + THING], made)
    for printed, options in zip(answer.printed, words):
        assert printed == pyleak("types", made, *options).stdout
    assert answer.printed[-1].count(THING) >= 10


def test_notes_go_to_stderr(made, tmp_path, pyleak):
    """What a truncated core lacks is said beside the result, not in it."""
    core = tmp_path / "core"
    core.write_bytes(made.path.read_bytes()[:-4096])
    other = pyleak("types", core, "--exe", made.meta["exe"], status=4)
    answer = gdb.batch(["py-leak-types"], after=[made.meta["exe"], str(core)])
    assert answer.printed == [other.stdout]
    assert "pyleak: warning: " in other.stderr
    assert answer.stderr.endswith(other.stderr)


def test_output_file(made, tmp_path, pyleak):
    answer = gdb.batch(["py-leak-types --output out.txt", "py-leak-types --output no/such/out.txt"], made, cwd=tmp_path)
    assert (tmp_path / "out.txt").read_text() == pyleak("types", made).stdout
    assert answer.printed == ["", ""]
    one_line_and_hint(answer, "cannot write no/such/out.txt (No such file or directory)")


def test_output_file_in_the_home_folder(made, tmp_path, pyleak):
    gdb.batch(["py-leak-types --output ~/out.txt"], made, HOME=str(tmp_path))
    assert (tmp_path / "out.txt").read_text() == pyleak("types", made).stdout


# ---- help ----


def test_help_lists_every_command(library):
    answer = gdb.batch(["help py-leak", "py-leak"])
    for name in library.analyses():
        assert "  py-leak-%s " % name in answer.printed[0]
        assert library.summary(name) in answer.printed[0]
    assert answer.printed[1] == answer.printed[0]


def test_help_of_a_command_needs_no_core(library):
    for name in library.analyses():
        answer = gdb.batch(["help py-leak-" + name, "py-leak-%s --help" % name])
        assert answer.printed == [library.help(name), library.help(name)]
        assert answer.stderr == ""


def test_gdbs_own_lists_show_what_a_command_does(library):
    """gdb takes the first line of a help text for its summary."""
    listed = gdb.batch(["help data"]).printed[0]
    for name in library.analyses():
        summary = library.summary(name)
        assert "py-leak-%s -- %s%s." % (name, summary[0].upper(), summary[1:]) in listed


# ---- loading ----


@pytest.mark.parametrize("how", ["twice", "link", "relative", "before the core", "gdbinit"])
def test_loading(how, made, tmp_path, pyleak):
    expected = pyleak("types", made).stdout
    files = gdb.files(made)
    if how == "twice":
        answer = gdb.batch(["source %s" % gdb.SCRIPT, "py-leak-types"], made, before=["-x", str(gdb.SCRIPT)])
    elif how == "link":
        (tmp_path / "another name").symlink_to(gdb.SCRIPT)
        answer = gdb.batch(["py-leak-types"], made, script=tmp_path / "another name")
    elif how == "relative":
        path = os.path.relpath(str(gdb.SCRIPT), str(tmp_path))
        answer = gdb.batch(["source " + path, "py-leak-types"], made, script=None, cwd=tmp_path)
    elif how == "before the core":
        answer = gdb.batch(["file " + files[0], "core-file " + files[1], "py-leak-types"])
    else:
        (tmp_path / "init").write_text("source %s\n" % gdb.SCRIPT)
        answer = gdb.batch(["py-leak-types"], made, script=None, before=["-ix", str(tmp_path / "init")])
    assert answer.printed[-1] == expected
    assert "pyleak:" not in answer.stderr


def test_a_second_copy_is_refused(made, tmp_path):
    shutil.copytree(str(gdb.CHECKOUT / "gdbext"), str(tmp_path / "gdbext"))
    shutil.copy(str(gdb.SCRIPT), str(tmp_path))
    answer = gdb.batch(["py-leak-types"], made, before=["-x", str(tmp_path / "pyleak.gdb")])
    assert "pyleak: already loaded from %s/gdbext\n" % tmp_path in answer.stderr
    assert THING in gdb.batch(["py-leak-types --match " + THING], made, script=tmp_path / "pyleak.gdb").printed[0]


def test_a_script_without_its_package_says_so(tmp_path):
    shutil.copy(str(gdb.SCRIPT), str(tmp_path))
    answer = gdb.batch([], script=tmp_path / "pyleak.gdb")
    one_line_and_hint(answer, "no pyleak_gdb in %s\n" % tmp_path)


def test_a_library_that_is_not_there(made):
    answer = gdb.batch(["print 6*7"], made, PYLEAK_LIB="/no/such/libpyleak.so")
    assert "pyleak: cannot load /no/such/libpyleak.so" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.printed == ["$1 = 42\n"]


@pytest.mark.skipif(gdb.BUILD != gdb.CHECKOUT / "build", reason="make install is for plain builds")
def test_installed(made, tmp_path, pyleak):
    """From make install (of what is built: -o all), with the checkout nowhere in sight."""
    subprocess.run(["make", "-s", "-o", "all", "-C", str(gdb.CHECKOUT), "install", "PREFIX=%s" % tmp_path], check=True,
                   stdout=subprocess.DEVNULL, timeout=gdb.TIMEOUT)
    answer = gdb.batch(["py-leak-types", "python print(__import__('pyleak_gdb').lib.find.library())"], made,
                       script=tmp_path / "share" / "pyleak" / "pyleak.gdb", PYLEAK_LIB="")
    assert answer.printed == [pyleak("types", made).stdout, "%s/lib/libpyleak.so\n" % tmp_path]
    assert (tmp_path / "share" / "pyleak" / "triage.schema.json").exists()


# ---- which core ----


def test_no_core():
    answer = gdb.batch(["py-leak-types"])
    assert one_line_and_hint(answer) == 'pyleak: no core is loaded\n  type "core-file FILE"'
    assert answer.status == 1


def test_live_process():
    answer = gdb.batch(["starti", "py-leak-types", "print 6*7"], after=["/bin/true"])
    one_line_and_hint(answer, "live process", "gcore FILE")
    assert answer.printed[1:] == ["", "$1 = 42\n"]


def test_the_core_may_change(made, core_of, pyleak):
    """Another core-file command, and none: each answer is about the core that is loaded."""
    other = core_of("system", "mixed")
    answer = gdb.batch(["py-leak-types", "core-file %s" % other.path, "py-leak-types", "core-file", "py-leak-types",
                        "core-file %s" % made.path, "py-leak-types"], made)
    first, second = pyleak("types", made).stdout, pyleak("types", other).stdout
    assert first != second
    assert [answer.printed[n] for n in (0, 2, 4, 6)] == [first, second, "", first]
    assert "pyleak: no core is loaded" in answer.stderr


@pytest.mark.parametrize("name", ["a core", "it's", 'a "b" `c', "x, file type y", "höhe"])
def test_odd_names_of_a_core(name, made, tmp_path, pyleak):
    core = tmp_path / name
    core.symlink_to(made.path)
    answer = gdb.batch(["py-leak-types --format json --match " + THING], after=[made.meta["exe"], str(core)])
    other = pyleak("types", core, "--exe", made.meta["exe"], "--format", "json", "--match", THING)
    assert other.json["core"]["path"] == str(core)
    assert answer.printed == [other.stdout]


def test_without_an_executable(made, pyleak):
    """gdb 13 loads none then, gdb 16 finds it by itself: the answer is that of the command line in any case."""
    answer = gdb.batch(["py-leak-types"], after=["-c", str(made.path)])
    assert answer.printed == [pyleak("types", made.path).stdout]


def test_an_executable_that_gdb_found_by_build_id(made, tmp_path, pyleak):
    """Its name is one of the debug directory then (gdb 16 knows a better one): the answer is the same."""
    notes = subprocess.run(["readelf", "-n", made.meta["exe"]], stdout=subprocess.PIPE, check=True).stdout.decode()
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes).group(1)
    copy = tmp_path / ".build-id" / build_id[:2] / build_id[2:]
    copy.parent.mkdir(parents=True)
    shutil.copy(made.meta["exe"], str(copy))  # gdb would see through a link
    answer = gdb.batch(["info files", "py-leak-info"], after=["-c", str(made.path)],
                       before=["-iex", "set debug-file-directory /no/such:%s:/usr/lib/debug" % tmp_path])
    assert "Local exec file:" in answer.printed[0]
    assert answer.printed[1] == pyleak("info", made.path, "--debug-dir", str(tmp_path)).stdout


def test_a_core_of_something_else(tmp_path):
    """A core, but no CPython in it: what the library says, as one line and a hint."""
    sleeper = subprocess.Popen(["/bin/sleep", "1000"])
    try:
        subprocess.run(["gcore", "-o", str(tmp_path / "core"), str(sleeper.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=gdb.TIMEOUT)
    finally:
        sleeper.kill()
        sleeper.wait()
    answer = gdb.batch(["py-leak-types"], after=["-c", str(next(Path(str(tmp_path)).glob("core.*")))])
    one_line_and_hint(answer, "Python")
    assert answer.printed == [""]


# ---- errors ----


@pytest.mark.parametrize("command, word", [
    ("py-leak-types --no-such-option", "--no-such-option"),
    ("py-leak-types --limit", "--limit"),
    ("py-leak-types --sort nonsense", "nonsense"),
    ("py-leak-instances", "TYPE"),
])
def test_misuse_is_one_line_and_a_hint(command, word, made):
    answer = gdb.batch([command], made)
    one_line_and_hint(answer, word)
    assert answer.printed == [""] and answer.status == 1


def test_gdb_lives_on_after_an_error(made, pyleak):
    answer = gdb.batch(["py-leak-types --limit x", "py-leak-types"], made)
    assert answer.printed == ["", pyleak("types", made).stdout]
    assert answer.status == 0


def test_a_bug_of_ours_is_one_line_too(made):
    """The traceback is there for who asks gdb for it."""
    bug = "python import pyleak_gdb.lib.binding as b; b.Handle.configure = lambda *_: 1 / 0"
    answer = gdb.batch([bug, "py-leak-types"], made)
    one_line_and_hint(answer, "ZeroDivisionError: division by zero", "set python print-stack full")
    answer = gdb.batch([bug, "set python print-stack full", "py-leak-types"], made)
    assert "Traceback (most recent call last)" in answer.stderr


def test_batch_has_no_colour(made):
    """Also where a terminal would show it: a script's output is for a machine."""
    with gdb.terminal(None) as terminal:
        terminal.type("shell %s\n" % " ".join(
            ["PYLEAK_LIB=%s" % gdb.LIBRARY] + gdb.GDB + ["-nx", "-q", "-batch", "-iex", "'set style enabled on'",
             "-x", str(gdb.SCRIPT), "-ex", "'echo <1>\\n'", "-ex", "py-leak-types", "-ex", "'echo <2>\\n'"]
            + gdb.files(made)))
        terminal.expect("\n<1>")
        # gdb itself resets the colour before it writes on, with \x1b[m
        assert "\x1b[" not in terminal.expect("<2>").replace("\x1b[m", "")
