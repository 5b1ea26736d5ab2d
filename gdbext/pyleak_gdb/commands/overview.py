"""py-leak: what there is."""

import gdb

from ..lib.binding import Library
from ..side.errors import shown
from .analysis import PREFIX


class OverviewCommand(gdb.Command):
    """The command that gives "help py-leak"; its help text is made from the registry."""

    def __init__(self, library: Library) -> None:
        self.__doc__ = overview(library)
        super().__init__("py-leak", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, arguments: str, from_tty: bool) -> None:
        with shown():
            gdb.write(self.__doc__ + "\n")


def overview(library: Library) -> str:
    names = library.analyses()
    width = max(map(len, names))
    rows = ["  %s%-*s  %s" % (PREFIX, width, name, library.summary(name)) for name in names]
    return "\n".join([
        "Find memory leaks in the core of a dead CPython process (pyleak %s)." % library.version(),
        "",
        *rows,
        "",
        'Type "help %s%s" for what one of them takes.' % (PREFIX, names[0]),
        "",
        "Example: gdb -x pyleak.gdb PYTHON CORE, then",
        "  (gdb) %stypes --limit 5" % PREFIX,
    ])
