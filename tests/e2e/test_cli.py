"""The command line's own part: words, exit statuses, files, the terminal, signals."""

import csv
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("PYLEAK_BUILD") or Path(__file__).resolve().parents[2] / "build")
PYLEAK = BUILD / "bin" / "pyleak"
TIMEOUT = 120  # seconds; a sanitizer build on a busy machine

pytestmark = pytest.mark.skipif(not PYLEAK.exists(), reason="build/bin/pyleak is not built: make")


@pytest.fixture(scope="session")
def core(core_of):
    return str(core_of("system", "minimal").path)


def run(*words, env=None, **more):
    return subprocess.run([str(PYLEAK), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, universal_newlines=True, encoding="utf-8",
                          env=dict(os.environ, **(env or {})), **more)


def on_terminal(*words, columns=80, typed=None, when=None, env=None):
    """(exit status, everything shown) of pyleak on a pseudo-terminal; typed is sent once `when` is on it."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", **(env or {}))
        os.execv("/bin/sh", ["sh", "-c", 'stty cols %d; exec "$0" "$@"' % columns, str(PYLEAK), *words])
    shown = b""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                got = os.read(fd, 65536)
            except OSError:  # Linux: the other side is closed
                break
            shown += got
        if typed and re.search(when, shown):
            os.write(fd, typed)
            typed = None
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode("utf-8")


# ---- words and exit statuses ----

def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"pyleak \d+\.\d+\.\d+\n", done.stdout)
    assert done.stderr == ""


def test_help_lists_every_analysis():
    done = run("--help")
    assert done.returncode == 0
    for name in ("info", "types", "gc", "instances"):
        assert re.search(r"^  %s " % name, done.stdout, re.M)
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("words", [("types", "--help"), ("help", "types"), ("--help", "types"),
                                   ("types", "--he", "nosuchcore")])
def test_help_of_an_analysis(words):
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: pyleak types [OPTIONS] CORE\n")
    for part in ("--tracked", "--format text|json|csv", "--sysroot DIR", "\nExample:\n  pyleak types "):
        assert part in done.stdout


@pytest.mark.parametrize("words, said", [
    ((), "no analysis and no core are given"),
    (("types",), "types needs CORE"),
    (("instances", "core"), "instances needs TYPE and CORE"),
    (("nosuch", "core"), "no analysis is called 'nosuch'"),
    (("help", "nosuch"), "no analysis is called 'nosuch'"),
    (("--nosuch", "types", "core"), "unknown option '--nosuch'"),
    (("-x", "types", "core"), "unknown option '-x'"),
    (("types", "--nosuch", "core"), "unknown option '--nosuch'"),
    (("types", "--exe"), "option '--exe' needs a value"),
    (("types", "--quiet=1", "core"), "option '--quiet' takes no value"),
    (("types", "--threads", "0", "core"), "--threads needs a number from 1 to 4096, not '0'"),
    (("types", "--limit", "x", "core"), "--limit needs a number of rows, not 'x'"),
    (("types", "--format", "xml", "core"), "--format cannot be 'xml'"),
    (("types", "--s", "x", "core"), "option '--s' is ambiguous"),  # --sysroot and --sort
    (("types", "one", "core"), "types does not take 'one'"),
])
def test_bad_usage(words, said):
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "pyleak: " + said
    assert len(lines) <= 2 and all(line.startswith("  ") for line in lines[1:])


def test_bad_column_names_the_columns(core):
    done = run("types", "--sort", "weight", core)
    assert done.returncode == 2
    assert "no column 'weight'" in done.stderr
    assert "columns: type count tracked size" in done.stderr


def test_not_usable(tmp_path):
    missing = run("types", str(tmp_path / "nosuch"))
    assert (missing.returncode, missing.stdout) == (3, "")
    assert str(tmp_path / "nosuch") in missing.stderr
    text = tmp_path / "text"
    text.write_text("hello\n" * 100)
    assert run("types", str(text)).returncode == 3


def test_options_stand_anywhere(core):
    plain = run("types", "--limit", "3", core)
    assert plain.returncode == 0
    for words in (("--threads", "2", "types", core, "--limit=3"),
                  ("types", core, "--lim", "3", "--thr=1"),
                  ("--quiet", "types", "--limit", "3", "--", core)):
        assert run(*words).stdout == plain.stdout


# ---- what is printed ----

def test_formats_tell_the_same(core):
    document = json.loads(run("types", "--format", "json", core).stdout)
    rows = document["tables"]["types"]["rows"]
    table = list(csv.DictReader(io.StringIO(run("types", "--format", "csv", core).stdout)))
    assert [(row["type"], int(row["count"]), int(row["size"])) for row in table] == \
        [(row["type"], row["count"], row["size"]) for row in rows]
    total = document["tables"]["types"]["total"]
    assert total["count"] == sum(row["count"] for row in rows)
    text = run("types", "--limit", "0", "--sort", "type", core).stdout.splitlines()
    assert len(text) == 2 + 1 + len(rows) + 1  # head, empty, header; total
    for line, name in zip(text[3:-1], sorted(row["type"] for row in rows)):
        head, _, tail = line.split()[0].partition("…")  # a long name gives way in the middle
        assert name.startswith(head) and name.endswith(tail), line
    assert text[-1].split()[:2] == ["total", "{:,}".format(total["count"])]


def test_a_limit_is_said(core):
    rows = json.loads(run("types", "--format", "json", core).stdout)["tables"]["types"]["rows"]
    text = run("types", core).stdout
    assert "... %s more (--limit 0 for all)" % format(len(rows) - 20, ",") in text
    document = json.loads(run("types", "--format", "json", "--limit", "2", core).stdout)
    assert len(document["tables"]["types"]["rows"]) == 2
    assert [note["code"] for note in document["notes"]] == ["limited"]


def test_head_line(core):
    head = run("types", core).stdout.splitlines()[0]
    assert re.fullmatch(r"CPython \d+\.\d+\.\S+ \(\S+, layout from \S+\) · core of pid \d+, SIGABRT"
                        r" · [\d,]+ objects · [\d.]+ [KMG]iB", head)


# ---- files ----

def test_output_file(core, tmp_path):
    file = tmp_path / "out.txt"
    old = os.umask(0o027)
    try:
        done = run("types", "--output", str(file), core)
    finally:
        os.umask(old)
    assert (done.returncode, done.stdout) == (0, "")
    assert file.read_text(encoding="utf-8") == run("types", core).stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["out.txt"]  # no temporary file is left


def test_output_replaces_a_linked_file(core, tmp_path):
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "real"
    file.write_text("old")
    file.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(file)
    assert run("types", "--output", str(link), core).returncode == 0
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8").startswith("CPython ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_output_is_not_touched_by_a_failure(tmp_path):
    file = tmp_path / "out"
    file.write_text("precious")
    assert run("types", "--output", str(file), str(tmp_path / "nosuch")).returncode == 3
    assert file.read_text() == "precious"


@pytest.mark.parametrize("path", ["/dev/full", "/nonexistent/out"])
def test_output_cannot_be_written(core, path):
    done = run("types", "--output", path, core)
    assert done.returncode == 3
    assert done.stderr.startswith("pyleak: cannot write %s (" % path)


def test_output_to_standard_output(core):
    assert run("types", "--output", "-", core).stdout == run("types", core).stdout


def test_full_standard_output(core):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(PYLEAK), "types", core], stdout=full, stderr=subprocess.PIPE,
                              timeout=TIMEOUT)
    assert done.returncode == 3
    assert b"cannot write the result (No space left on device)" in done.stderr


# ---- the terminal ----

def test_colour_only_on_a_terminal(core):
    assert "\033" not in run("types", core).stdout
    status, shown = on_terminal("types", "--no-progress", core)
    assert status == 0
    assert "\033[1mCPython " in shown
    status, shown = on_terminal("types", "--no-progress", core, env={"NO_COLOR": "1"})
    assert status == 0
    assert "\033" not in shown
    assert "CPython " in shown


def test_the_width_of_the_terminal(core):
    status, shown = on_terminal("info", "--no-progress", core, columns=60, env={"NO_COLOR": "1"})
    assert status == 0
    rows = [line for line in shown.splitlines() if line.startswith("  ") and "/" in line]
    assert rows and max(map(len, rows)) <= 60


def test_no_progress_off_a_terminal(core):
    assert run("types", core).stderr == ""


# ---- signals ----

def test_interrupt(core):
    """The core comes from a pipe that never ends: nothing but the signal can end the wait."""
    took = []
    for _ in range(5):
        with subprocess.Popen([str(PYLEAK), "types", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            with open(core, "rb") as file:
                process.stdin.write(file.read(1 << 20))  # more than a pipe holds: it listens and reads
            process.stdin.flush()
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.wait(TIMEOUT)
            took.append(time.monotonic() - start)
            assert process.returncode == 130
            assert process.stderr.read() == b"pyleak: cancelled\n"
            assert process.stdout.read() == b""
    assert min(took) < 0.2, took  # the best of them: a busy machine lets it wait, never the other way round


def test_interrupt_on_a_terminal(tmp_path):
    """Progress is shown while it waits, and is gone in the end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    holder = os.open(pipe, os.O_RDWR)
    try:
        status, shown = on_terminal("types", str(pipe), typed=b"\x03", when=rb"\033\[K\w")
    finally:
        os.close(holder)
    assert status == 130
    assert shown.rstrip().endswith("\033[Kpyleak: cancelled")


def test_a_reader_that_goes_away(core):
    script = '"$0" types --limit 0 --format json "$1" | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(["bash", "-c", script, str(PYLEAK), core], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert done.stderr == b""
    assert int(done.stdout) in (0, 128 + signal.SIGPIPE)  # 0: all of it fitted into the pipe


# ---- under a checker ----

@pytest.mark.skipif(not shutil.which("valgrind") or BUILD.name != "build",
                    reason="needs valgrind, and a build without sanitizers")
@pytest.mark.parametrize("words", [("types",), ("gc", "--format", "json"), ("info", "--format", "csv"),
                                   ("instances", "dict", "--limit", "5"), ("types", "--nosuch")])
def test_valgrind_finds_nothing(core, words):
    done = subprocess.run(["valgrind", "-q", "--error-exitcode=99", "--leak-check=full",
                           "--errors-for-leak-kinds=definite,indirect", str(PYLEAK), *words, core],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
                          universal_newlines=True, encoding="utf-8")
    assert done.returncode == (2 if "--nosuch" in words else 0), done.stderr
