"""Threads that wait in every way that there is: their native stacks are whole, and what they wait
for is told.  See cores/programs/waits.py."""

import struct
from functools import lru_cache

import matrix
import pytest

from support import pyleak as pyleak_binary, sample

# Of libpthread or the C library, by their names up to 2.33 and from 2.34 on.
LIBC = ("libc.so.6", "libc-2.", "libpthread-2.", "libpthread.so.0")


@pytest.fixture(params=["waits", "waits-gcore"])
def waits(request, interpreter, core):
    if request.param == "waits-gcore" and not sample.thorough(interpreter):
        pytest.skip("a gcore of sixteen threads is large: with PYLEAK_FULL=1, else of few")
    made = core(request.param)
    if "3.13t" in made.meta["interpreter"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    return made


def known(core):
    """{lwp: how}; what `join` waits for, a thread that sleeps, is not named in the truth."""
    return {int(lwp): how for lwp, how in core.truth["known"]["waits"].items()}


def native(result):
    found = {}
    for row in result.rows("native"):
        found.setdefault(row["thread"], []).append(row)
    return found


@lru_cache(maxsize=None)
def stacks(path, options):
    """`threads --native` of a core: it is large, and has the same answer whoever asks."""
    return pyleak_binary.run("threads", path, *options, "--native", "--format", "json")


def test_native_stacks_are_whole(waits):
    """From the system call to the thread's first function, which glibc's own rules say it is."""
    result = stacks(waits.path, tuple(waits.options))
    ends = {row["thread"]: row["end"] for row in result.rows("native_ends")}
    assert set(known(waits)) < set(ends) and len(ends) == len(known(waits)) + 1
    assert set(ends.values()) == {"whole"}
    for lwp, rows in native(result).items():
        assert rows[0]["kind"] == rows[-1]["kind"] == "native"
        if lwp == waits.meta["pid"]:
            assert rows[-1]["function"] == "_start"
        else:
            assert rows[-1]["file"].startswith(LIBC) and rows[-2]["file"].startswith(LIBC)
            # What CPython begins a thread with: up to 3.7 t_bootstrap() itself. No symbols, no names.
            stripped = waits.meta["interpreter"].endswith(matrix.STRIPPED)
            assert rows[-3]["function"] in ((None,) if stripped else ("pythread_wrapper", "t_bootstrap"))


def test_python_calls_are_among_the_native_ones(waits):
    result = stacks(waits.path, tuple(waits.options))
    for lwp, how in known(waits).items():
        rows = native(result)[lwp]
        python = [at for at, row in enumerate(rows) if row["kind"] == "python"]
        assert how in [rows[at]["function"].split(".")[-1] for at in python]
        # The call that waits is inside of them, the thread's beginning outside.
        assert 0 < python[0] and python[-1] < len(rows) - 2


def test_who_waits_for_a_lock(waits, pyleak):
    """Condition, Event and join() wait for locks too; the rest for something that is none."""
    locks = {"lock", "nested_lock", "lock_with_a_limit", "condition", "event", "join"}
    result = pyleak("triage", waits, "--format", "json")
    main = {"died, holds the GIL"} if waits.meta["signal"] else {None}
    states = {row["thread"]: row["state"] for row in result.rows("threads")}
    for lwp, how in known(waits).items():
        if how == "main":
            assert states[lwp] in main
        else:
            assert states[lwp] == ("waits for a lock" if how in locks else None), how
    assert "deadlock" not in [row["verdict"] for row in result.rows("verdict")]


def segments(data):
    """(address, place in the file, size) of the PT_LOADs."""
    e_phoff, e_phnum = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for at in range(e_phoff, e_phoff + 56 * e_phnum, 56):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, at)
        if kind == 1 and size:
            yield address, offset, size


def stack_pointers(data):
    """{lwp: stack pointer}, of the NT_PRSTATUS notes (struct elf_prstatus of x86-64)."""
    found = {}
    e_phoff, e_phnum = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for at in range(e_phoff, e_phoff + 56 * e_phnum, 56):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, at)
        note = offset
        while kind == 4 and note < offset + size:
            n_name, n_desc, what = struct.unpack_from("<III", data, note)
            desc = note + 12 + (n_name + 3 & ~3)
            if what == 1:
                lwp = struct.unpack_from("<I", data, desc + 32)[0]
                found[lwp] = struct.unpack_from("<Q", data, desc + 112 + 19 * 8)[0]
            note = desc + (n_desc + 3 & ~3)
    return found


@pytest.fixture
def without_stacks(core, tmp_path):
    """As gcore of gdb before 18 writes a core where guard and stack are one mapping (glibc 2.42,
    Linux 6.13): zeros for the stack of every thread but the main one. See cores/guarded.py."""
    made = core("death-deadlock")
    data = bytearray(made.path.read_bytes())
    pointers = stack_pointers(data)
    assert len(pointers) == 2
    for lwp, pointer in pointers.items():
        if lwp != made.meta["pid"]:
            [(offset, size)] = [(offset, size) for address, offset, size in segments(data)
                                if address <= pointer < address + size]
            data[offset:offset + size] = bytes(size)
    path = tmp_path / "core"
    path.write_bytes(data)
    return made, path


def test_a_stack_that_is_not_in_the_core(without_stacks, pyleak):
    made, path = without_stacks
    result = pyleak("threads", path, *made.options, "--native", "--format", "json", status=4)
    ends = {row["thread"]: (row["calls"], row["end"]) for row in result.rows("native_ends")}
    assert ends.pop(made.meta["pid"])[1] == "whole"
    assert list(ends.values()) == [(1, "the core has only zeros where the native stack was")]
    [note] = [note for note in result.json["notes"] if note["code"] == "missing-stacks"]
    assert "the stacks of 1 of its 2 threads" in note["text"]


def test_the_system_call_tells_that_it_waits(without_stacks, pyleak):
    """Not for what."""
    made, path = without_stacks
    result = pyleak("triage", path, *made.options, "--format", "json", status=4)
    assert sorted(row["state"] for row in result.rows("threads")) == ["waits", "waits for a lock"]
    verdicts = {row["verdict"]: row["confidence"] for row in result.rows("verdict")}
    assert verdicts["deadlock"] == "possible"
    told = [row["text"] for row in result.rows("evidence") if row["kind"] in ("stack", "deadlock")]
    assert told == ["of 1 of them only the system call tells that they wait",
                    "of 1 threads the core has only zeros where the native stack was"]
