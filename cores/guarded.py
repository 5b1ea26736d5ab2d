#!/usr/bin/env python3
"""Write into a core that gdb wrote what gdb left out: guarded.py PID CORE.

glibc 2.42 makes the guard page of a thread's stack with madvise(MADV_GUARD_INSTALL), where Linux has
it (6.13), and no longer with a mapping of its own (nptl/allocatestack.c). So guard and stack are one
mapping whose first page nobody can read. gdb before 18 copies a mapping by the megabyte and gives it
up at the first megabyte that it cannot read as a whole (gdb/gcore.c, gcore_copy_callback(); mended by
commit c1da013915e9): of the stack of every thread but the main one only zeros are in the core.

Here such mappings are copied page by page. PID must still stand where gdb found it.
"""

import os
import struct
import sys
from typing import BinaryIO, Iterator, Optional, Tuple

PAGE = 4096
BLOCK = 1 << 20  # what gdb copies at a time
PT_LOAD, PF_W, PN_XNUM = 1, 2, 0xffff


def segments(core: BinaryIO) -> Iterator[Tuple[int, int, int]]:
    """Address, place in the file and size of the writable segments."""
    header = core.read(64)
    e_phoff, e_shoff = struct.unpack_from("<QQ", header, 32)
    number = struct.unpack_from("<H", header, 56)[0]
    if number == PN_XNUM:
        core.seek(e_shoff + 44)
        number = struct.unpack("<I", core.read(4))[0]
    for index in range(number):
        core.seek(e_phoff + 56 * index)
        kind, flags, offset, address, _, size = struct.unpack("<IIQQQQ", core.read(40))
        if kind == PT_LOAD and flags & PF_W:
            yield address, offset, size


def piece(memory: int, address: int, size: int) -> Optional[bytes]:
    """Exactly that many bytes, or None."""
    try:
        found = os.pread(memory, size, address)
    except OSError:
        return None
    return found if len(found) == size else None


def complete(memory: int, core: BinaryIO) -> int:
    """The number of pages that were written."""
    written = 0
    for start, offset, size in list(segments(core)):
        given_up = False
        for at in range(0, size, BLOCK):
            end = min(at + BLOCK, size)
            given_up = given_up or piece(memory, start + at, end - at) is None
            for page in range(at, end, PAGE) if given_up else ():
                found = piece(memory, start + page, min(PAGE, end - page))
                if found and found.strip(b"\0"):
                    core.seek(offset + page)
                    core.write(found)
                    written += 1
    return written


def main() -> int:
    memory = os.open("/proc/%s/mem" % sys.argv[1], os.O_RDONLY)
    with open(sys.argv[2], "r+b") as core:
        print("guarded.py: %d pages" % complete(memory, core))
    os.close(memory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
