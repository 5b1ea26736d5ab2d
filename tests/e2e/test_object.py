"""object: where a thing was written, what a class derives from, and whose memory it lies in. See
cores/programs/whole.py."""

import re

import pytest

@pytest.fixture(scope="module")
def made(core):
    one = core("whole")
    if "free-threaded" in one.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    return one


@pytest.fixture(scope="module")
def tables(made, ask):
    """tables(address) -> {table: rows} of `object`."""
    def of(address):
        found = ask("object", made, address, "--format", "json").json["tables"]
        return {name: table["rows"] for name, table in found.items()}
    return of


def marked(made, name):
    return next(row for row in made.truth["marked"] if row["name"] == name)


def test_source_is_what_code_objects_say(made, tables):
    wrong = []
    for row in made.truth["known"]["sources"]:
        found = [[one["name"], one["file"], one["line"]]
                 for one in tables(row["address"]).get("source", [])]
        if sorted(found) != sorted(row["rows"]):
            wrong.append((row["name"], found, row["rows"]))
    assert wrong == []


def test_bases(made, tables):
    wrong = []
    for row in made.truth["known"]["bases"]:
        found = [[one["name"], one["address"]] for one in tables(row["address"])["bases"]]
        if found != row["rows"]:
            wrong.append((row["name"], found, row["rows"]))
    assert wrong == []


def test_only_classes_have_bases(made, tables):
    assert "bases" not in tables(marked(made, "instance")["address"])


def is_hooked(made):
    """A debug build's allocators put words of their own around a block, and 0xdd over a freed one."""
    return "debug" in made.truth["python"]["flavour"]


def location(made, tables, name):
    return tables(marked(made, name)["address"])["object"][0]["location"]


def test_an_object_of_pymalloc(made, tables, version):
    """Its pool begins where the address rounded down says (Objects/obmalloc.c: 16 KiB with the radix
    tree of 3.10), its block is the next multiple of the alignment, 8 or 16."""
    row = marked(made, "small")
    pool_bytes = 4096 if version < (3, 10) else 16384
    found = re.fullmatch(r"pymalloc arena (\d+), pool (0x[0-9a-f]+), block of ([\d,]+) bytes",
                         location(made, tables, "small"))
    assert found, location(made, tables, "small")
    assert int(found.group(2), 16) == int(row["address"], 16) & -pool_bytes
    if is_hooked(made):  # three words of the hooks' own are not counted
        assert int(found.group(3)) in {-(-(row["size"] + 24) // align) * align - 24
                                       for align in (8, 16)}
        return
    assert int(found.group(3)) in {-(-row["size"] // align) * align for align in (8, 16)}


@pytest.mark.parametrize("name, words", [("large", "malloc chunk"), ("huge", "mmapped malloc chunk")])
def test_an_object_of_malloc(name, words, made, tables):
    row = made.truth["known"]["blocks"][name]
    if is_hooked(made):
        pytest.skip("malloc_usable_size() cannot be asked of what lies behind the debug hooks")
    assert location(made, tables, name) == "%s 0x%x, block of %d bytes" % (
        words, int(row["address"], 16) - 16, row["usable"])


def test_static_objects_by_symbol(made, tables, version):
    kind = "PyInt_Type" if version < (3,) else "PyLong_Type"
    assert re.fullmatch(kind + r" in \S+", location(made, tables, "int"))
    assert re.fullmatch(r"_Py_NoneStruct in \S+", location(made, tables, "none"))


@pytest.mark.parametrize("name", ["__main__.Wide", "__main__.WithDict"])
def test_freed_blocks_say_what_they_last_held(name, made, ask):
    for address in made.truth["known"]["freed"][name][::40]:
        said = ask("object", made, address, status=2).stderr
        held = "" if is_hooked(made) else " that last held a %s" % name
        assert "there is a freed block%s\n" % held in said


def test_dead_objects_on_free_lists(made, ask):
    name = marked(made, "small list")["type"]
    for address in made.truth["known"]["kept"][::5]:
        said = ask("object", made, address, status=2).stderr
        assert "there is a dead %s that a free list keeps\n" % name in said


def test_an_anonymous_mapping(made, ask):
    known = made.truth["known"]["mapping"]
    said = ask("object", made, "0x%x" % (int(known["address"], 16) + 64), status=2).stderr
    found = re.search(r"the address is in: shared anonymous mapping (0x[0-9a-f]+)-(0x[0-9a-f]+)\n", said)
    assert found, said
    assert int(found.group(1), 16) <= int(known["address"], 16)
    assert int(found.group(2), 16) >= int(known["end"], 16)


def test_the_inside_of_an_object(made, ask):
    row = marked(made, "large")
    said = ask("object", made, "0x%x" % (int(row["address"], 16) + 16), status=2).stderr
    assert "this is inside the %s at %s, 0x10 bytes from its start" % (
        row["type"], row["address"]) in said
