"""The commands: py-leak, and py-leak-NAME for every row of the library's registry."""

from ..lib import find
from ..lib.binding import Library
from ..lib.session import Session
from ..side.errors import shown
from .analysis import AnalysisCommand
from .overview import OverviewCommand

_registered = False


def register() -> None:
    """Load the library and make its commands, once."""
    global _registered
    if _registered:
        return
    with shown():
        library = Library(find.library())
        session = Session(library)
        for name in library.analyses():
            AnalysisCommand(session, name)
        OverviewCommand(library)
    _registered = True
