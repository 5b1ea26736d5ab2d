"""Results into files, whole or not at all."""

import os
import stat
import tempfile

from .errors import PyleakError


def save(path: bytes, data: bytes) -> None:
    """An old file is replaced when the new one is complete; a device or a pipe is written directly."""
    try:
        try:
            old = os.stat(path)
        except FileNotFoundError:
            _replace(path, _mode_of_new_files(), data)
        else:
            if stat.S_ISREG(old.st_mode):
                _replace(os.path.realpath(path), stat.S_IMODE(old.st_mode), data)  # a link stays a link
            else:
                with open(path, "wb") as file:
                    file.write(data)
    except OSError as error:
        raise PyleakError("pyleak: cannot write %s (%s)" % (path.decode("utf-8", "backslashreplace"), error.strerror),
                          "check the path and its permissions") from None


def _replace(path: bytes, mode: int, data: bytes) -> None:
    folder, name = os.path.split(path)
    descriptor, temporary = tempfile.mkstemp(prefix=name + b".", dir=folder or b".")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
