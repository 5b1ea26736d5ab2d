"""Results that go where they belong while they are made, and what happens when memory or room runs out."""

import gzip
import hashlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import textwrap

import pytest

from support import gdb
from support.pyleak import PYLEAK, TIMEOUT, run

LIBRARY = PYLEAK.parents[1] / "lib" / "libpyleak.so"
plain = pytest.mark.skipif(PYLEAK.parents[1].name != "build",
                           reason="a sanitizer has address space and memory of its own")
ROWS = ["instances", "*", "--format", "json"]


@pytest.fixture(scope="module")
def small(core_of):
    return core_of("system", "minimal")


@pytest.fixture(scope="module")
def many(core_of):
    """Some 200,000 objects besides those that every Python has."""
    return core_of("system", "big", args=["--objects", "200000"])


def command(core, *words):
    return [str(PYLEAK), words[0], "--quiet", *core.options, *words[1:], str(core.path)]


def peak(core, *words):
    """Resident KiB that a run needed, and how many lines it printed."""
    with subprocess.Popen(command(core, *words), stdout=subprocess.PIPE) as process:
        lines = sum(1 for _ in process.stdout)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss, lines


# ---- rows by the hundred thousand ----


@plain
@pytest.mark.parametrize("form", ["json", "csv"])
def test_rows_are_not_held(many, form):
    """Of all the rows no more is held than of one: the table of objects is there for both, their ids
    are 4 bytes a row and each thread has a piece of rows. Held, a row takes some 250 bytes."""
    one, _ = peak(many, "instances", "*", "--format", form, "--limit", "1")
    every, lines = peak(many, "instances", "*", "--format", form)
    assert lines > 200000
    assert (every - one) * 1024 < 64 * lines


def test_threads_do_not_change_the_order(many):
    answers = set()
    for threads in "1", "2", "7":
        process = subprocess.run(command(many, *ROWS, "--threads", threads), stdout=subprocess.PIPE, check=True)
        answers.add(hashlib.sha256(process.stdout).hexdigest())
    assert len(answers) == 1
    document = json.loads(process.stdout)
    addresses = [int(row["address"], 16) for row in document["tables"]["instances"]["rows"]]
    assert addresses == sorted(addresses) and len(addresses) > 200000
    assert list(document) == ["schema", "analysis", "core", "python", "tables", "notes", "partial"]


def test_a_limit_is_said_behind_the_rows(many):
    document = run("instances", many, "*", "--format", "json", "--limit", "1000").json
    assert len(document["tables"]["instances"]["rows"]) == 1000
    assert [note["code"] for note in document["notes"]] == ["limited"]


@gdb.needed
@pytest.mark.parametrize("words", [ROWS, ["instances", "str", "--format", "csv"], ["types", "--format", "json"],
                                   ["instances", "dict", "--limit", "0"]])
def test_both_doors_print_the_same(small, words):
    answer = gdb.batch(["py-leak-" + " ".join(words)], small)
    assert answer.printed == [run(words[0], small, *words[1:]).stdout]


# ---- writes that are refused ----


def test_a_full_disk_is_one_line(many):
    with open("/dev/full", "w") as full:
        done = subprocess.run(command(many, *ROWS), stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert done.returncode == 3
    assert done.stderr.decode().splitlines()[0] == "pyleak: cannot write the result (No space left on device)"


def test_nothing_is_left_of_a_file_that_does_not_fit(many, tmp_path):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    file = tmp_path / "rows.json"
    file.write_text("precious")
    done = subprocess.run(command(many, *ROWS, "--output", str(file)), stderr=subprocess.PIPE, timeout=TIMEOUT,
                          preexec_fn=little_room)
    assert done.returncode == 3
    assert done.stderr.decode().startswith("pyleak: cannot write %s (File too large)\n" % file)
    assert file.read_text() == "precious" and os.listdir(str(tmp_path)) == ["rows.json"]


def test_interrupted_before_a_reader_who_does_not_read(many):
    """The pipe is full and nobody empties it."""
    with subprocess.Popen(command(many, *ROWS), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert select.select([process.stdout], [], [], TIMEOUT)[0]
        process.send_signal(signal.SIGINT)
        process.wait(TIMEOUT)
        assert process.returncode == 130
        assert process.stderr.read() == b"pyleak: cancelled\n"


# ---- memory that runs out ----


def limited(words, most):
    """A run that may have so many bytes of address space."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, preexec_fn=limit)


@plain
@pytest.mark.parametrize("words", [["types"], ["triage"], ["cycles"], ["path", "dict"], ["refcounts"], ROWS])
def test_memory_that_runs_out_is_an_error(small, words):
    """From less than is needed to begin with to more than is needed: each run ends by itself, with an
    answer or with a line that says why not."""
    statuses = []
    for most in [step << 20 for step in range(16, 320, 16)] + [4 << 30]:
        if limited([str(PYLEAK), "--version"], most).returncode:
            continue  # not enough for the libraries
        done = limited(command(small, *words, "--threads", "2"), most)
        assert done.returncode in (0, 3, 70), (most, done.stderr)
        assert bool(done.returncode) == done.stderr.startswith(b"pyleak: "), (most, done.stderr)
        statuses.append(done.returncode)
    assert 70 in statuses and statuses[-1] == 0


IN_PROCESS = """
    import resource, sys
    sys.path.insert(0, %r)
    from pyleak_gdb.lib.binding import Handle, Library, Target

    handle = Handle(Library(%r), Target(%r))
    handle.configure()
    whole = handle.run(["types"]).output
    assert whole
    seen = set()
    for words in ["types"], ["cycles"], ["instances", "*", "--format", "json"], ["triage"]:
        for more in range(0, 256, 32):
            fresh = Handle(Library(%r), Target(%r))
            fresh.configure()
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (more << 20), resource.RLIM_INFINITY))
            result = fresh.run(words)
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert bool(result.error) == (result.status in (3, 70)), result
            assert not (result.error and result.output), result
            seen.add(result.status)
            # The same handle answers as if nothing had been, when there is memory again.
            if result.status == 70:
                assert fresh.run(["types"]).output == whole
            fresh.close()
    assert 70 in seen and seen <= {0, 3, 70}, seen
"""


@plain
def test_a_host_lives_on_when_memory_runs_out(small):
    folder = str(gdb.CHECKOUT / "gdbext")
    code = textwrap.dedent(IN_PROCESS) % (folder, str(LIBRARY), str(small.path), str(LIBRARY), str(small.path))
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr.decode()


# ---- packed cores ----


def test_rubbish_behind_a_packed_core(small, tmp_path):
    """Zeros and noise that the core's headers do not name are not unpacked, also from a pipe."""
    whole = small.path.read_bytes()
    packed = tmp_path / "core.gz"
    packed.write_bytes(gzip.compress(whole + bytes(64 << 20) + os.urandom(1 << 20), 1))
    size = str(len(whole))
    known = run("types", small).stdout
    assert run("types", packed, *small.options, "--max-unpacked", size).stdout == known
    assert run("types", "-", *small.options, "--max-unpacked", size, input=packed.read_bytes()).stdout == known
    refused = run("types", packed, *small.options, "--max-unpacked", "1M", status=3)
    assert refused.stderr.startswith("pyleak: %s unpacks to %d bytes, and --max-unpacked allows 1048576\n"
                                     % (packed, len(whole)))


@pytest.mark.parametrize("size", ["", "0", "-1", "1X", "1.5.2G", "G", "1GG", "nan"])
def test_sizes_that_are_none(small, size):
    refused = run("types", small, "--max-unpacked", size, status=2)
    assert "--max-unpacked needs a size such as 500M or 20G" in refused.stderr


def test_no_room_to_unpack(small, tmp_path):
    packed, folder = tmp_path / "core.gz", tmp_path / "tmp"
    packed.write_bytes(gzip.compress(small.path.read_bytes(), 1))
    folder.mkdir()

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run([str(PYLEAK), "types", *small.options, str(packed)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT, preexec_fn=little_room,
                          env=dict(os.environ, TMPDIR=str(folder)))
    assert done.returncode == 3 and done.stdout == b""
    first, hint = done.stderr.decode().splitlines()
    assert first == "pyleak: cannot unpack %s to %s (File too large)" % (packed, folder)
    assert "TMPDIR" in hint
    assert os.listdir(str(folder)) == []
