"""An exception of ours as gdb shows errors: a line and a hint, and the session lives on."""

import contextlib
import traceback
from typing import Iterator

import gdb

from ..lib.errors import PyleakError


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """What happens inside ends well or in a gdb.GdbError; of KeyboardInterrupt gdb makes its "Quit"."""
    try:
        yield
    except gdb.GdbError:
        raise
    except PyleakError as error:
        raise gdb.GdbError(str(error)) from None
    except UnicodeDecodeError:
        raise gdb.GdbError("pyleak: gdb cannot read a file name in its character set %s\n"
                           '  type "set host-charset UTF-8"' % gdb.host_charset()) from None
    except Exception as error:
        if gdb.parameter("python print-stack") == "full":
            gdb.write(traceback.format_exc(), gdb.STDERR)
        text = "pyleak: %s: %s" % (type(error).__name__, " ".join(str(error).split()))
        raise gdb.GdbError(text + '\n  for all of it: "set python print-stack full", and again') from None
