"""Check Python sources without a linter installed: syntax, unused imports, blanks.

usage: check_python.py FILE...

The gdb extension must parse as Python 3.8, the oldest that gdb 12 is built with.
"""

import ast
import sys
from typing import Iterator, List, Tuple

OLDEST = {"gdbext/": (3, 8)}

Fault = Tuple[int, str]


def imported(tree: ast.AST) -> Iterator[Tuple[str, int]]:
    """The names that the file's own import statements bind."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname or alias.name.split(".")[0]), node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                if alias.name != "*":
                    yield (alias.asname or alias.name), node.lineno


def used(tree: ast.AST) -> "set[str]":
    """Every name that is read, also inside quoted annotations and __all__."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(node.value.replace("[", " ").replace("]", " ").replace(",", " ").split())
    return names


def faults(path: str, text: str) -> List[Fault]:
    version = next((v for prefix, v in OLDEST.items() if path.startswith(prefix)), None)
    try:
        tree = ast.parse(text, path, feature_version=version)
    except SyntaxError as error:
        return [(error.lineno or 0, "syntax: %s" % error.msg)]
    found: List[Fault] = []
    names = used(tree)
    package = path.endswith("__init__.py")
    for name, line in imported(tree):
        if name not in names and not package:
            found.append((line, "%s is imported and not used" % name))
    for number, line in enumerate(text.splitlines(), 1):
        if line.rstrip() != line:
            found.append((number, "blanks at the end of the line"))
        if "\t" in line[: len(line) - len(line.lstrip())]:
            found.append((number, "indented with a tab"))
    return found


def main() -> int:
    bad = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for line, what in sorted(faults(path, text)):
            print("%s:%d: %s" % (path, line, what), file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
