"""DOT made an SVG or PNG by Graphviz's dot, a program of its own on the PATH."""

import subprocess

from .errors import PyleakError
from .files import save


def save_picture(path: bytes, kind: str, dot: bytes) -> None:
    """Make the picture and put it at path, which ends in its kind; without Graphviz keep the DOT beside it."""
    try:
        picture = _convert(kind, dot)
    except PyleakError as error:
        beside = path[:-len(kind)] + b"dot"
        save(beside, dot)
        raise PyleakError(
            "%s; the graph is in %s" % (error, _shown(beside)),
            "where Graphviz is installed: dot -T%s %s -o %s" % (kind, _shown(beside), _shown(path)),
        ) from None
    save(path, picture)


def _convert(kind: str, dot: bytes) -> bytes:
    try:
        done = subprocess.run(["dot", "-T" + kind], input=dot, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise PyleakError("pyleak: Graphviz's dot is not installed") from None
    except OSError as error:
        raise PyleakError("pyleak: cannot run Graphviz's dot (%s)" % error.strerror) from None
    if done.returncode < 0:
        raise PyleakError("pyleak: Graphviz's dot was killed by signal %d" % -done.returncode)
    if done.returncode:
        said = done.stderr.decode("ascii", "ignore").partition("\n")[0]
        line = "".join(c for c in said if c.isprintable())
        raise PyleakError("pyleak: Graphviz's dot failed with status %d%s" % (done.returncode, line and ": " + line))
    return done.stdout


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
