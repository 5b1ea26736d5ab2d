"""Files that are no core, or lie about what they are: each gets its exit status and its line."""

import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from elfcore import (EHDR_SIZE, EM_386, EM_AARCH64, ET_DYN, NT_AUXV, NT_FILE, NT_PRPSINFO,
                     NT_PRSTATUS, PHDR_SIZE, PF_R, PF_W, PF_X, Core, note, nt_file,
                     prpsinfo, prstatus)

NOT_USABLE = 3
ANALYSES = ["info", "types"]


@pytest.fixture(params=ANALYSES)
def refused(request, pyleak, tmp_path):
    """refused(file, *parts): pyleak does not use it; its last error line has all the parts."""
    def check(data, *parts: str, stdin: bytes = b"") -> str:
        path = data
        if isinstance(data, bytes):
            path = tmp_path / "core"
            path.write_bytes(data)
        run = pyleak(request.param, path, stdin=stdin)
        assert run.status == NOT_USABLE, run
        assert run.stdout == "", run
        assert run.errors, run
        for part in parts:
            assert part in run.errors[-1], run
        return run.stderr
    return check


def process() -> Core:
    """A process that died of SIGABRT and had one page of memory."""
    core = Core()
    core.process()
    core.load(0x10000, bytes(range(256)) * 16)
    return core


def no_python(refused, core) -> str:
    return refused(core if isinstance(core, bytes) else core.build(), "no CPython")


# ---- files that are no core ----

def test_no_file(refused, tmp_path):
    refused(tmp_path / "nothing", "cannot open", "nothing", "No such file")


def test_directory(refused, tmp_path):
    refused(tmp_path, "is a directory, not a core")


def test_empty_file(refused):
    refused(b"", "is empty, not a core")


def test_text_file(refused):
    refused(b"import os\nos.abort()\n", "is a text file, not a core")


def test_bytes_that_are_nothing(refused):
    refused(b"\x00\x01\x02\x03", "is no ELF file, not a core")


def test_an_executable(refused):
    stderr = refused(Path("/bin/sh").resolve(), "is an ELF executable", "not a core")
    assert "core files" in stderr  # the hint


def test_nothing_on_standard_input(refused):
    refused("-", "standard input is empty")


def test_text_on_standard_input(refused):
    refused("-", "standard input is a text file, not a core", stdin=b"hello\n" * 1000)


def test_broken_compression(refused):
    refused(b"\x28\xb5\x2f\xfd" + b"junk" * 100, "cannot be unpacked")


def test_name_with_control_characters(refused, tmp_path):
    path = tmp_path / "core\x1b[31m\n"
    path.write_bytes(b"")
    stderr = refused(path, "\\x1b[31m\\n is empty")
    assert "\x1b" not in stderr


# ---- other machines ----

def test_aarch64(refused):
    core = process()
    core.machine = EM_AARCH64
    refused(core.build(), "is a core of an aarch64 machine")


def test_32_bit(refused):
    core = process()
    core.ident, core.machine = b"\x7fELF\x01\x01\x01" + bytes(9), EM_386
    refused(core.build(), "is a core of a 32-bit process")


def test_big_endian(refused):
    core = process()
    core.ident, core.type = b"\x7fELF\x02\x02\x01" + bytes(9), 0x400
    refused(core.build(), "is a core of a big-endian machine")


# ---- cores whose headers lie ----

@pytest.mark.parametrize("size", [4, 16, EHDR_SIZE - 1])
def test_cut_in_the_elf_header(refused, size):
    refused(process().build()[:size], "ends after %d bytes, inside its ELF header" % size)


@pytest.mark.parametrize("size", [EHDR_SIZE, EHDR_SIZE + 1, EHDR_SIZE + PHDR_SIZE,
                                  EHDR_SIZE + 2 * PHDR_SIZE, EHDR_SIZE + 2 * PHDR_SIZE + 5, 700])
def test_cut_behind_it(refused, size):
    assert "truncated" in no_python(refused, process().build()[:size])


def test_sane_but_not_python(refused):
    no_python(refused, process())


def test_no_segments_at_all(refused):
    no_python(refused, Core())


def test_overlapping_segments(refused):
    core = process()
    core.load(0x10800, b"x" * 4096)
    core.load(0x10000, b"y" * 100)
    assert "2 segments of the core overlap others" in no_python(refused, core)


def test_empty_segments(refused):
    core = process()
    for i in range(100):
        core.load(0x20000 + i, b"", memsz=0)
    no_python(refused, core)


def test_segments_beyond_everything(refused):
    core = process()
    core.load(0xfffffffffffff000, b"x" * 8192)
    core.load(0x20000, b"x", filesz=1 << 63, memsz=1 << 62)
    core.load(1 << 62, b"x", offset=(1 << 64) - 1, filesz=4096, memsz=4096)
    stderr = no_python(refused, core)
    assert "1 are beyond the address space" in stderr
    assert "the core is truncated" in stderr


def test_more_headers_claimed_than_there_are(refused):
    core = process()
    core.phnum = 0xfffe
    assert "of 65534 are there" in no_python(refused, core)


def test_headers_at_the_end_of_the_world(refused):
    core = process()
    core.phoff = (1 << 64) - 8
    assert "ends inside its program headers" in no_python(refused, core)


def test_program_headers_of_another_size(refused):
    core = process()
    core.phentsize = 1
    refused(core.build(), "damaged ELF header")


def test_70000_segments(refused):
    core = Core()
    core.process()
    for i in range(70000):
        core.load(0x10000000 + i * 0x2000, b"x" * 16, memsz=0x1000)
    data = core.build()
    assert "truncated" not in no_python(refused, data)
    # the section header that holds their number is the last thing in the file
    assert "truncated" in no_python(refused, data[:-1])


def test_a_count_that_section_0_lies_about(refused):
    core = process()
    core.phnum, core.shoff = 0xffff, EHDR_SIZE  # sh_info: some bytes of a program header
    no_python(refused, core)


# ---- notes ----

def test_absurd_notes(refused):
    core = process()
    core.notes = [note(NT_FILE, nt_file([], count=1 << 61)), note(NT_PRSTATUS, b"short"),
                  note(NT_AUXV, b"", descsz=0xffffffff)]
    stderr = no_python(refused, core)
    assert "claims 2305843009213693952 entries" in stderr
    assert "claims 4294967295 bytes" in stderr


def test_notes_of_no_length(refused):
    core = process()
    core.notes = [bytes(12)] * 100000
    no_python(refused, core)


def test_notes_that_go_round(refused):
    core = process()
    core.notes = [note(NT_PRSTATUS, prstatus())] * 1000
    core.note_copies = 5000  # each says that all notes are its own
    no_python(refused, core)


def test_mapped_files_that_overlap_and_run_backwards(refused):
    core = process()
    core.notes.append(note(NT_FILE, nt_file([])))
    core.notes[3] = note(NT_FILE, nt_file([
        (0x10000, 0x30000, 0, "/a"), (0x20000, 0x40000, 0, "/b"), (0x9000, 0x8000, 0, "/c"),
        (0, (1 << 64) - 1, 0, "/d"), (0x50000, 0x51000, (1 << 64) - 4096, "/e")], page=1 << 63))
    assert "mapped files overlap others" in no_python(refused, core)


def test_100000_mapped_files(refused):
    core = process()
    core.notes[3] = note(NT_FILE, nt_file([(0x1000 * i, 0x1000 * i + 0x1000, 0, "/f%d" % i)
                                           for i in range(1, 100001)]))
    assert "more than 8192 mapped files" in no_python(refused, core)


def test_names_that_a_terminal_would_obey(refused):
    """Mapped files are named in the notes for the user; the names are the core's."""
    core = Core()
    evil = "/lib\x1b]0;owned\x07\x1b[2J\nfake: line\u202e.so"
    core.process([(0x10000, 0x11000, 0, evil)])
    core.notes.append(note(NT_PRPSINFO, prpsinfo(args=b"\x1b[31m\xff\xfe")))
    core.load(0x10000, b"\x7fELF\x02\x01\x01".ljust(64, b"\0"), memsz=4096, flags=PF_R | PF_X)
    stderr = no_python(refused, core)
    assert "\\x1b]0;owned\\x07" in stderr
    assert not any(c in stderr for c in "\x1b\x07\u202e")
    assert "\nfake" not in stderr


def test_a_core_that_names_pipes_and_devices(refused, tmp_path):
    """To open them would wait for ever."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    core = Core()
    core.process([(0x10000, 0x11000, 0, str(fifo)), (0x20000, 0x21000, 0, "/dev/zero"),
                  (0x30000, 0x31000, 0, "relative"), (0x40000, 0x41000, 0, "")], phdr=0x10040)
    core.load(0x10000, b"x" * 4096, flags=PF_X)
    no_python(refused, core)


# ---- the interpreter's file lies ----

def elf_file(size: int = 0x3000) -> bytes:
    """A shared library without sections that claims to hold everything it is asked for."""
    core = Core()
    core.type = ET_DYN
    core.notes = [struct.pack("<III4s20s", 4, 20, 3, b"GNU\0", b"i" * 20)]
    core.load(0, b"", filesz=size, memsz=1 << 40, offset=0, flags=PF_R | PF_W | PF_X)
    return core.build().ljust(size, b"\xff")


@pytest.mark.parametrize("seed", range(20))
def test_an_interpreter_with_random_section_headers(refused, tmp_path, seed):
    rng = random.Random(seed)
    data = bytearray(elf_file())
    data[40:48] = struct.pack("<Q", 0x1000)  # e_shoff
    data[58:64] = struct.pack("<HHH", 64, 20, rng.randrange(20))
    for i in range(20):
        kind = rng.choice([1, 2, 3, 4, 8, 11, 0x6ffffff6])
        fields = [rng.choice([0, 1, 0x10, 0x1000, 0x2fff, 1 << 31, 1 << 63, (1 << 64) - 1])
                  for _ in range(6)]
        data[0x1000 + 64 * i:0x1040 + 64 * i] = struct.pack(
            "<IIQQQQIIQQ", rng.randrange(64), kind, rng.choice([0, 2, 0x800]), fields[0],
            fields[1], fields[2], rng.randrange(20), rng.randrange(20), fields[3],
            rng.choice([0, 1, 24]))
    path = tmp_path / "libpython3.11.so.1.0"
    path.write_bytes(data)
    core = Core()
    core.process([(0x10000, 0x13000, 0, str(path))], phdr=0x10040)
    core.load(0x10000, bytes(data[:4096]), memsz=0x3000, flags=PF_R | PF_X)
    core.load(0x20000, b"z" * 4096)
    # it may be called anything but usable: what it says about an interpreter is not there
    refused(core.build())


# ---- a real core of another program ----

@pytest.fixture(scope="module")
def c_core(tmp_path_factory):
    """The core of a C program that aborted."""
    where = tmp_path_factory.mktemp("c")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("no C compiler")
    (where / "prog.c").write_text("#include <stdlib.h>\nint main(void) { abort(); }\n")
    subprocess.run([compiler, "-o", "prog", "prog.c"], cwd=where, check=True)
    subprocess.run("ulimit -c unlimited; ./prog", shell=True, cwd=where,
                   stderr=subprocess.DEVNULL)
    found = sorted(where.glob("core*"))
    if not found:
        pytest.skip("the kernel of this machine leaves no core in the working directory")
    return found[0]


def test_a_core_of_a_c_program(refused, c_core):
    no_python(refused, c_core.read_bytes())


def test_a_core_of_a_c_program_through_a_pipe(refused, c_core):
    refused("-", "no CPython", stdin=c_core.read_bytes())
