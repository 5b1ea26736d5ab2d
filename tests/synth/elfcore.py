"""ELF cores written byte by byte, the wrong ones among them.

A Core is a list of program headers and the bytes they point to. Every field that the builder would
fill in can be given instead, so a test says exactly which lie its file tells. Layouts are those of
64-bit Linux on x86-64 (elf.h, fs/binfmt_elf.c).
"""

import struct
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
EM_386, EM_X86_64, EM_AARCH64 = 3, 62, 183
PT_LOAD, PT_NOTE = 1, 4
PF_X, PF_W, PF_R = 1, 2, 4
PN_XNUM = 0xffff
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV = 1, 3, 6
NT_SIGINFO, NT_FILE = 0x53494749, 0x46494c45
AT_PHDR, AT_ENTRY = 3, 9
EHDR_SIZE, PHDR_SIZE, SHDR_SIZE = 64, 56, 64
PAGE = 4096

# user_regs_struct: index of rip, rsp and fs_base in pr_reg, and how many words that has
RIP, RSP, FS_BASE, N_REGS = 16, 19, 21, 27


def note(kind: int, desc: bytes, name: bytes = b"CORE\0", descsz: Optional[int] = None) -> bytes:
    """One note, padded to 4 bytes; descsz is what its header claims."""
    def pad(b: bytes) -> bytes:
        return b + bytes(-len(b) % 4)
    size = len(desc) if descsz is None else descsz
    return struct.pack("<III", len(name), size, kind) + pad(name) + pad(desc)


def prstatus(lwp: int = 4242, signal: int = 6, regs: Optional[Dict[int, int]] = None) -> bytes:
    """The description of an NT_PRSTATUS; regs by index."""
    words = [(regs or {}).get(i, 0) for i in range(N_REGS)]
    return (struct.pack("<iiih2x16x4i64x", signal, 0, 0, signal, lwp, 1, lwp, lwp)
            + struct.pack("<%dQ" % N_REGS, *words) + bytes(8))


def prpsinfo(pid: int = 4242, args: bytes = b"./prog") -> bytes:
    """The description of an NT_PRPSINFO."""
    return struct.pack("<4x4xQIIiiii16s80s", 0, 0, 0, pid, 1, pid, pid, b"prog", args)


def auxv(pairs: Iterable[Tuple[int, int]]) -> bytes:
    """The description of an NT_AUXV."""
    return b"".join(struct.pack("<QQ", *p) for p in [*pairs, (0, 0)])


def nt_file(maps: Sequence[Tuple[int, int, int, str]], count: Optional[int] = None,
            page: int = PAGE) -> bytes:
    """The description of an NT_FILE from (lo, hi, offset in bytes, path); count is the claim."""
    head = struct.pack("<QQ", len(maps) if count is None else count, page)
    entries = [struct.pack("<QQQ", lo, hi, offset // PAGE) for lo, hi, offset, _ in maps]
    return b"".join([head] + entries + [path.encode() + b"\0" for _, _, _, path in maps])


class Core:
    """An ELF file in the making. Attributes that start as None are computed when it is built."""

    def __init__(self) -> None:
        self.ident = b"\x7fELF\x02\x01\x01" + bytes(9)  # 64-bit, little-endian
        self.type, self.machine = ET_CORE, EM_X86_64
        self.phentsize = PHDR_SIZE
        self.phnum: Optional[int] = None
        self.phoff: Optional[int] = None
        self.shoff: Optional[int] = None
        self.notes: List[bytes] = []
        self.note_copies = 1  # PT_NOTE headers that point to the same bytes
        self._loads: List[dict] = []

    def load(self, vaddr: int, data: bytes = b"", memsz: Optional[int] = None,
             flags: int = PF_R | PF_W, filesz: Optional[int] = None,
             offset: Optional[int] = None) -> None:
        """A PT_LOAD: data at vaddr; memsz, filesz and offset are what its header claims."""
        self._loads.append(dict(vaddr=vaddr, data=data, flags=flags, offset=offset,
                                memsz=len(data) if memsz is None else memsz,
                                filesz=len(data) if filesz is None else filesz))

    def process(self, maps: Sequence[Tuple[int, int, int, str]] = (), phdr: int = 0) -> None:
        """The notes of a process of one thread that died of SIGABRT."""
        self.notes.append(note(NT_PRSTATUS, prstatus()))
        self.notes.append(note(NT_PRPSINFO, prpsinfo()))
        self.notes.append(note(NT_AUXV, auxv([(AT_PHDR, phdr)])))
        self.notes.append(note(NT_FILE, nt_file(maps)))

    def build(self) -> bytes:
        """The bytes of the file."""
        n = len(self._loads) + self.note_copies
        notes = b"".join(self.notes)
        at = EHDR_SIZE + n * PHDR_SIZE
        phdrs = self.note_copies * [
            struct.pack("<IIQQQQQQ", PT_NOTE, 0, at, 0, 0, len(notes), 0, 4)]
        at += len(notes)
        body = [notes]
        for s in self._loads:
            offset = at if s["offset"] is None else s["offset"]
            phdrs.append(struct.pack("<IIQQQQQQ", PT_LOAD, s["flags"], offset, s["vaddr"], 0,
                                     s["filesz"], s["memsz"], PAGE))
            body.append(s["data"])
            at += len(s["data"])
        phnum, shoff, shnum = self.phnum, self.shoff, 0
        if phnum is None:
            phnum = min(n, PN_XNUM)
        if n >= PN_XNUM and self.phnum is None:
            # the real number is in section header 0, which the kernel writes at the end
            body.append(struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, n, 0, 0))
            shoff, shnum = at if shoff is None else shoff, 1
        head = self.ident + struct.pack(
            "<HHIQQQIHHHHHH", self.type, self.machine, 1, 0,
            EHDR_SIZE if self.phoff is None else self.phoff, shoff or 0, 0, EHDR_SIZE,
            self.phentsize, phnum, SHDR_SIZE if shnum else 0, shnum, 0)
        return head + b"".join(phdrs) + b"".join(body)

    def write(self, path: Path) -> Path:
        """Write it to path, which is returned."""
        path.write_bytes(self.build())
        return path
