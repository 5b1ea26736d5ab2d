"""py-leak-NAME: one analysis as a gdb command."""

from typing import List, Optional

import gdb

from ..lib.completion import Grammar, complete
from ..lib.errors import PyleakError
from ..lib.session import Session
from ..side import output, target
from ..side.errors import shown

PREFIX = "py-leak-"


class AnalysisCommand(gdb.Command):
    """A row of the registry: its help text, its completion, and its run."""

    def __init__(self, session: Session, name: str) -> None:
        library = session.library
        self._session = session
        self._name = name
        self._grammar = Grammar(library.arguments(name), library.options(name))
        self.__doc__ = library.help(name).rstrip("\n")
        super().__init__(PREFIX + name, gdb.COMMAND_DATA)

    def invoke(self, arguments: str, from_tty: bool) -> None:
        """from_tty is gdb's word for "typed by someone at a terminal": false in scripts and -batch."""
        with shown():
            argv = gdb.string_to_argv(arguments)
            if self._grammar.given("--help", argv):
                gdb.write(self.__doc__ + "\n")
                return
            line = output.ProgressLine(from_tty and not self._grammar.given("--no-progress", argv))

            def tell(text: str) -> None:
                line.clear()
                output.tell(text)

            argv = self._grammar.at_home("--output", argv)
            try:
                result = self._session.run(self._target(), [self._name] + argv, output.columns(from_tty),
                                           output.colour(from_tty), line.update, tell)
            finally:
                line.clear()
            output.show(result)

    def complete(self, text: str, word: Optional[str]) -> List[str]:
        """text is the line so far after the command, word the end of it that gdb will replace."""
        if word is None:  # gdb only asks whether we have a word-breaking of our own
            return []
        try:
            before = gdb.string_to_argv(text)
            current = before.pop() if before and not text[-1].isspace() else ""
            found = complete(self._grammar, before, current, self._types)
        except (PyleakError, gdb.error, KeyboardInterrupt):
            return []
        # gdb breaks words at more than blanks ("<", "=", "*"), and then wants the ends only.
        kept = len(current) - len(word)
        return [candidate[kept:] for candidate in found]

    def _types(self, prefix: str) -> List[str]:
        return self._session.types(self._target(), prefix, gdb.parameter("max-completions") or 200)

    def _target(self) -> "target.Target":
        try:
            return target.current()
        except PyleakError:
            self._session.close()  # its core is no longer the one in question
            raise
