"""What may follow on a command line: options, their values, type names, files."""

import os
from typing import Callable, List, NamedTuple, Optional, Sequence

from .binding import Option

TypeNames = Callable[[str], List[str]]


class Grammar(NamedTuple):
    """What an analysis takes: "TYPE" or "ADDRESS|TYPE" in arguments, and its options."""

    arguments: str
    options: Sequence[Option]

    def option(self, name: str) -> Optional[Option]:
        return next((option for option in self.options if option.name == name), None)

    def given(self, name: str, words: Sequence[str]) -> bool:
        """Whether an option is among words, in full or as short as the library understands it."""
        return any(len(word) > 2 and name.startswith(word) and
                   [option.name for option in self.options if option.name.startswith(word)] == [name]
                   for word in words)

    def at_home(self, name: str, words: Sequence[str]) -> List[str]:
        """The words with the ~ of that option's path expanded, as a shell does before a program sees it."""
        found = list(words)
        for i, word in enumerate(words):
            option, equals, path = word.partition("=")
            if not self.given(name, [option]):
                continue
            if equals:
                found[i] = option + "=" + os.path.expanduser(path)
            elif i + 1 < len(words):
                found[i + 1] = os.path.expanduser(words[i + 1])
        return found


def complete(grammar: Grammar, before: Sequence[str], current: str, types: TypeNames) -> List[str]:
    """Whole words that current may become, after the words before."""
    waiting = None  # the option whose value comes next
    places = 0      # arguments given so far
    for word in before:
        if waiting:
            waiting = None
        elif word.startswith("-"):
            option = grammar.option(word)
            waiting = option if option and option.values is not None else None
        else:
            places += 1
    if waiting:
        return _values(waiting, current, types)
    if current.startswith("-"):
        name, equals, value = current.partition("=")
        option = grammar.option(name)
        if equals and option and option.values is not None:
            return [name + "=" + text for text in _values(option, value, types)]
        return [option.name for option in grammar.options if option.name.startswith(current)]
    expected = grammar.arguments.replace("[", "").replace("]", "").split()
    if places < len(expected) and "TYPE" in expected[places].split("|"):
        return types(current)
    return [option.name for option in grammar.options] if not current else []


def _values(option: Option, start: str, types: TypeNames) -> List[str]:
    if option.name == "--output":
        return _files(start)
    if option.name == "--match":
        return types(start)
    return [value for value in option.values or () if value.startswith(start)]


def _files(start: str) -> List[str]:
    """Paths that begin with start, folders with a slash at the end. (gdb's own completion of files
    takes the whole line for a path as soon as another word comes before.)"""
    folder, name = os.path.split(start)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            return sorted(os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                          for entry in entries
                          if entry.name.startswith(name) and (name or not entry.name.startswith(".")))
    except OSError:
        return []
