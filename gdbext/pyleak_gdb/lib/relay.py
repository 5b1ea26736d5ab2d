"""A pipe from the thread that makes a result to the one that shows it: no more of it is held at a time."""

import codecs
import fcntl
import os
from typing import Iterator

PIECE = 64 << 10  # bytes
ROOM = 1 << 20    # of the pipe, in bytes: what is made while something else is done
F_SETPIPE_SZ = 1031  # <linux/fcntl.h>; in Python's fcntl from 3.10 on


class Relay:
    """Bytes go in at a descriptor, text comes out; a context that closes both ends."""

    def __init__(self) -> None:
        self._exit, self.entrance = os.pipe()
        os.set_blocking(self._exit, False)
        os.set_blocking(self.entrance, False)  # so that the library takes a part of what it wants
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        try:
            fcntl.fcntl(self._exit, F_SETPIPE_SZ, ROOM)
        except OSError:
            pass  # a limit of the host's: slower, no more

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()
        os.close(self._exit)

    def finish(self) -> None:
        """Nothing more goes in. Calling it again does nothing."""
        entrance, self.entrance = self.entrance, -1
        if entrance >= 0:
            os.close(entrance)

    def piece(self) -> str:
        """What is there, at most some; "" when nothing is."""
        try:
            return self._decoder.decode(os.read(self._exit, PIECE))
        except BlockingIOError:
            return ""

    def rest(self) -> Iterator[str]:
        """All that is left, after finish()."""
        while True:
            data = os.read(self._exit, PIECE)
            text = self._decoder.decode(data, not data)
            if text:
                yield text
            if not data:
                return
