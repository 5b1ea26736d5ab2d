#!/usr/bin/env python3
"""Checks tests/caps.json, the table of the bounds of the code, against the code.

Every constant whose name says that it bounds something (MAX, MOST, KEPT, ...) has a row, with the value
that it has in the code; no row is of a constant that is gone; a row that names a test names one that
is there; a bound that an answer stands on says what is printed when it is reached, or that nothing
is. Prints how many there are and how many of them are tested. See CONTRIBUTING.md.

usage: check_caps.py [--write]    (--write adds rows for what has none, to be filled in)
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TABLE = HERE / "tests" / "caps.json"
KINDS = {
    "answer": "what lies beyond it is missing from an answer",
    "hostile": "only a core that was made or damaged reaches it",
    "never": "no process reaches it, for the reason that the row gives",
    "shown": "rows or words that are shown; how many more there are is said",
    "text": "length of a text or a buffer for one; it is cut",
    "detect": "how far is looked for a layout or an allocator; if in vain, that is said",
    "fact": "a number of CPython's, glibc's or the kernel's, and no choice of ours",
}
WORDS = {"MAX", "MOST", "KEPT", "TRIES", "SAMPLE", "SAMPLES", "LOOKS", "SHOWN", "SPELLED", "LIMIT",
         "ALLOWED", "NAMED", "VOTES", "BLOCKS", "BUDGET"}
ALSO = {"PL_NATIVE_FRAMES", "PL_NATIVE_FRAMES_IN_ALL", "STACK_ROWS", "PL_WALK_KEPT", "PL_WALK_DEPTH", "PL_WALK_STEPS", "PL_WALK_VISITED",
        "PL_SIGNATURE_FRAMES", "PL_RAW_WORDS", "MANY_WORDS"}
DEFINE = re.compile(r"^#define ([A-Z][A-Z0-9_]*)[ \t]+\\?\s*(.+?)[ \t]*(?:/\*.*|\\)?$", re.M)
ENUM = re.compile(r"\benum (?:\w+ )?\{(.*?)\}", re.S)
MEMBER = re.compile(r"\b([A-Z][A-Z0-9_]*)\s*=\s*([^,{}]+)")
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def is_bound(name):
    return name in ALSO or bool(WORDS & set(name.split("_")))


def constants(text):
    """(name, value as it is written) of every #define and enum member that is a bound."""
    text = COMMENT.sub(lambda match: " " * 2, text)
    found = list(DEFINE.findall(text))
    for body in ENUM.findall(text):
        found += MEMBER.findall(body)
    return {name: " ".join(value.split()) for name, value in found
            if is_bound(name) and re.search(r"\d|_MAX\b", value) and not value.startswith('"')}


def in_code():
    """{(file, name): value} of the whole code; enum members that count states are none."""
    found = {}
    for path in sorted((HERE / "cscan").glob("**/*.[ch]")):
        for name, value in constants(path.read_text()).items():
            found[str(path.relative_to(HERE / "cscan")), name] = value
    return found


def test_is_there(named):
    path, _, function = named.partition(" ")
    file = HERE / "tests" / path
    return file.exists() and re.search(r"\b%s\b" % re.escape(function), file.read_text())


def complaints(table, code):
    rows = {(row["file"], row["name"]): row for row in table}
    for key in sorted(set(code) - set(rows)):
        yield "%s: %s is a bound and has no row" % key
    for key in sorted(set(rows) - set(code)):
        yield "%s: %s has a row and is no bound of the code" % key
    for key, row in rows.items():
        if row["value"] != code.get(key, row["value"]):
            yield "%s: %s is %s, its row says %s" % (key + (code[key], row["value"]))
        if row["kind"] not in KINDS:
            yield "%s: %s is of no kind that there is" % key
        if row["kind"] in ("answer", "never") and not row["said"]:
            yield "%s: %s: what is said when it is reached?" % key
        if row["test"] and not test_is_there(row["test"]):
            yield "%s: %s: there is no test %s" % (key + (row["test"],))
    if len(rows) != len(table):
        yield "a bound has two rows"


def write(table):
    """One row a line, so that they stand beside one another."""
    table.sort(key=lambda row: (row["file"], row["name"]))
    lines = ",\n".join("  " + json.dumps(row) for row in table)
    TABLE.write_text("[\n%s\n]\n" % lines)


def main():
    code = in_code()
    table = json.loads(TABLE.read_text()) if TABLE.exists() else []
    if sys.argv[1:] == ["--write"]:
        have = {(row["file"], row["name"]) for row in table}
        table = [row for row in table if (row["file"], row["name"]) in code]
        table += [{"file": file, "name": name, "value": value, "kind": "", "said": "", "test": None}
                  for (file, name), value in code.items() if (file, name) not in have]
        write(table)
    wrong = list(complaints(table, code))
    for line in wrong:
        print("tests/caps.json: " + line, file=sys.stderr)
    print("%d bounds, %d of them stand behind an answer; tested at the limit and above: %d and %d"
          % (len(table), sum(row["kind"] == "answer" for row in table),
             sum(row["test"] is not None for row in table),
             sum(row["kind"] == "answer" and row["test"] is not None for row in table)))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
