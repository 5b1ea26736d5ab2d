"""Reads memory out of an x86-64 ELF core, in a few lines of Python that share nothing with
pyleak."""

import mmap
import struct
from bisect import bisect_right
from pathlib import Path
from typing import List, Optional, Tuple

PT_LOAD = 1
PN_XNUM = 0xffff


class CoreMemory:
    def __init__(self, path: Path):
        with open(str(path), "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        table, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        if count == PN_XNUM:
            sections, = struct.unpack_from("<Q", self.data, 40)
            count, = struct.unpack_from("<I", self.data, sections + 44)
        self.ranges: List[Tuple[int, int, int]] = []
        for number in range(count):
            header = struct.unpack_from("<IIQQQQ", self.data, table + number * size)
            kind, _, offset, start, _, length = header
            if kind == PT_LOAD and length:
                self.ranges.append((start, length, offset))
        self.ranges.sort()
        self.starts = [start for start, _, _ in self.ranges]

    def word(self, address: int) -> Optional[int]:
        """The 8 bytes at an address as a number; None if the core does not hold them."""
        place = bisect_right(self.starts, address) - 1
        if place < 0:
            return None
        start, length, offset = self.ranges[place]
        if address + 8 > start + length:
            return None
        return struct.unpack_from("<Q", self.data, offset + address - start)[0]
