"""A core and nothing else: no interpreter, no libraries, as on another machine than that of the crash."""

from collections import Counter

NOWHERE = ("--sysroot", "/nonexistent")


def run(pyleak, made, *options):
    """With no file that the core names, and none of the options that would give one."""
    return pyleak("types", made.path, "--format", "json", "--tracked", *NOWHERE, *options)


def test_tracked_objects_are_all_there(core, pyleak):
    """Exact in number; by type, every name that is told is right, and what has no name is the rest."""
    made = core("mixed")
    truth = Counter({name: count for name, (count, _) in made.tracked().items()})
    result = run(pyleak, made)
    found = Counter()
    for row in result.rows("types"):
        found[row["type"]] += row["tracked"]
    nameless = sum(count for name, count in found.items() if name.startswith("<type at 0x"))
    named = Counter({name: count for name, count in found.items() if not name.startswith("<type at 0x")})
    assert sum(found.values()) == sum(truth.values())
    assert {name: count for name, count in named.items() if truth[name] != count} == {}
    assert nameless == sum((truth - named).values())
    assert nameless < 0.1 * sum(truth.values())


def test_the_types_people_ask_for_have_names(core, pyleak):
    made = core("mixed")
    found = {row["type"] for row in run(pyleak, made).rows("types")}
    module = "__builtin__" if "__builtin__.dict" in found else "builtins"
    assert {module + "." + name for name in ("dict", "list", "tuple", "set", "function", "type")} <= found
    assert "__main__.Plain" in found


def test_missing_files_are_said(core, pyleak):
    """The layout comes from a table, or from the core; the user is told which files would help."""
    result = run(pyleak, core("mixed"))
    assert result.json["python"]["layout"] in ("table", "debug-offsets", "same-minor", "inferred")
    assert any(note["code"] in ("file-missing", "files-missing") for note in result.json["notes"])
