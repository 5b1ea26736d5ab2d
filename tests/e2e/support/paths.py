"""The paths that pyleak finds, against those that cores/programs/chains.py and hidden.py know."""

import re


def shortest(ask, made, address):
    """The path of the object at that address, or "" if nothing reaches it."""
    rows = ask("path", made, "--format", "json", address).rows("paths")
    return rows[0]["path"] if rows else ""


def fits(found, path):
    """Whether a path is the expected one, whose every "*" stands for any text."""
    return re.fullmatch(".*".join(re.escape(part) for part in path.split("*")), found) is not None


def wrong(ask, made):
    """{name: (expected path, found path)} of the marked objects that are not found as they should
    be."""
    rows = made.truth["known"]["paths"]
    assert all(row["path"] for row in rows.values())
    found = {name: shortest(ask, made, row["address"]) for name, row in rows.items()}
    return {name: (rows[name]["path"], found[name]) for name in rows
            if not fits(found[name], rows[name]["path"])}
