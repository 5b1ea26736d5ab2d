"""Where libpyleak.so lies: named by PYLEAK_LIB, in the checkout's build folder, or installed."""

import os
import sysconfig
from typing import List, Mapping

from .errors import PyleakError

NAME = "libpyleak.so"
PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def candidates(package: str = PACKAGE) -> List[str]:
    """The places that belong to this copy of the package, best first; never another copy's."""
    parent = os.path.dirname(package)
    if os.path.basename(parent) == "gdbext":
        return [os.path.join(os.path.dirname(parent), "build", "lib", NAME)]
    prefix = os.path.dirname(os.path.dirname(parent))  # of PREFIX/share/pyleak/pyleak_gdb
    folders = ["lib", "lib64", os.path.join("lib", sysconfig.get_config_var("MULTIARCH") or "")]
    return [os.path.join(prefix, folder, NAME) for folder in folders]


def library(environ: Mapping[str, str] = os.environ, package: str = PACKAGE) -> str:
    """The path to load. PYLEAK_LIB wins even when it names nothing: then loading it says so."""
    named = environ.get("PYLEAK_LIB")
    if named:
        return named
    places = candidates(package)
    for path in places:
        if os.path.isfile(path):
            return path
    raise PyleakError(
        "pyleak: no %s in %s" % (NAME, ", ".join(os.path.dirname(path) for path in places)),
        "run make in the checkout, or set PYLEAK_LIB to the library's path",
    )
