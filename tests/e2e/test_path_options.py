"""`path` with --via, --without, --count and --max-nodes, against the chains that
cores/programs/steps.py knows it built."""

import re
import resource
from fnmatch import fnmatchcase
from unittest.mock import ANY

import pytest

ALL = "99"  # as --count: more chains than any object of the program has
MOST = str(2 ** 64 - 1)
TYPES = ["list", "__main__.Slotted", "__main__.Holder", "*.Other", "__main__.[HO]*", "no.Such"]
STEPS = [".a", ".b", ".[ab]", ".c", ".deep", ".OUTER", ".W*", "[0]", "[1]", "[*]", "['key']", "[[]'*",
         "<*"]
# Times the processor time of the run without the option. Who decodes a list of 100,000 again for
# each of its items takes some hundred times; labelling them once takes about as long as reading the
# heap.
NOT_MANY = 10


def fits_step(glob, label):
    """A bracket that the glob begins with means itself, too."""
    return fnmatchcase(label, glob) or (glob[0] == "[" and fnmatchcase(label, "[[]" + glob[1:]))


def fits_type(glob, name):
    return name is not None and (fnmatchcase(name, glob) or fnmatchcase(name.split(".")[-1], glob))


def is_step(glob):
    return glob is not None and glob[0] in ".[<"


def names(step, without):
    """Those of a step's names that a path may go by."""
    return [label for label in step["labels"] if not (is_step(without) and fits_step(without, label))]


def left_out(chain, without):
    return any(not names(step, without) or (without and not is_step(without) and
                                            fits_type(without, step["type"])) for step in chain)


def wanted(chain, via, without):
    if is_step(via):
        return any(fits_step(via, label) for step in chain for label in names(step, without))
    return via is None or any(fits_type(via, step["type"]) for step in chain)


def spelled(chain, via, without):
    """Each step by the first name that is asked for, or else by the first that is not left out."""
    path = "__main__"
    for step in chain:
        labels = names(step, without)
        path += ([label for label in labels if is_step(via) and fits_step(via, label)] + labels)[0]
    return path


def expected(target, via=None, without=None):
    return sorted(spelled(chain, via, without) for chain in target["chains"]
                  if not left_out(chain, without) and wanted(chain, via, without))


@pytest.fixture
def made(core):
    return core("steps")


@pytest.fixture
def targets(made):
    return made.truth["known"]["targets"]


@pytest.fixture
def paths(ask, made):
    """paths(words...) -> ({path: row}, notes)"""
    def asked(*words):
        result = ask("path", made, *words, "--format", "json")
        rows = result.rows("paths")
        found = {row["path"]: row for row in rows}
        assert len(found) == len(rows)
        return found, result.stderr
    return asked


def wrong(paths, targets, **options):
    """What is not as it should be of all chains to all targets."""
    words = [word for name, glob in options.items() for word in ("--" + name, glob)]
    found = {}
    for name, target in targets.items():
        right = expected(target, **options)
        told, notes = paths(target["address"], "--count", ALL, *words)
        if sorted(told) != right or ("no chain fits" in notes) != (not right):
            found[name, str(words)] = (right, told, notes)
    return found


@pytest.mark.parametrize("glob", STEPS + TYPES)
def test_one_option(paths, targets, glob):
    assert wrong(paths, targets, without=glob) == {}
    assert wrong(paths, targets, via=glob) == {}


@pytest.mark.parametrize("via, without", [
    (".a", ".b"), (".b", ".a"), (".a", ".a"), (".[ab]", ".a"), ("[*]", "[0]"), ("[0]", "[*]"),
    ("list", "[0]"), (".b", "list"), ("__main__.Slotted", ".a"), (".inner", "__main__.Slotted")])
def test_both_options(paths, targets, via, without):
    assert wrong(paths, targets, via=via, without=without) == {}


def test_what_is_told_without_options(paths, targets):
    """The options above are judged by all chains: these are they."""
    assert wrong(paths, targets) == {}


# ---- --count ----


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_count(paths, targets, count):
    """The shortest chains, as many as there are."""
    target = targets["many ways"]
    found, notes = paths(target["address"], "--count", str(count))
    assert set(found) <= set(expected(target))
    assert [row["length"] for row in found.values()] == sorted(row["length"] for row in found.values())
    all_of_them, _ = paths(target["address"], "--count", ALL)
    assert len(all_of_them) == 4
    assert list(found) == list(all_of_them)[:count]


def test_count_of_nothing_is_one(paths, targets):
    assert len(paths(targets["many ways"]["address"], "--count", "0")[0]) == 1


@pytest.mark.parametrize("count", [MOST, str(2 ** 58), str(2 ** 64 - 5)])
def test_count_beyond_all_bounds(paths, targets, count):
    """64 times as many are looked at for --via, some more for words of C memory."""
    target = targets["many ways"]
    assert sorted(paths(target["address"], "--count", count)[0]) == expected(target)
    assert sorted(paths(target["address"], "--count", count, "--via", "[*]")[0]) == \
        expected(target, via="[*]")


# ---- --max-nodes ----


def test_max_nodes(paths, targets):
    """The target and the 40 lists are looked at, the last of which the namespace of __main__ holds."""
    address = targets["deep"]["address"]
    path = {"__main__.DEEP" + 40 * "[0]"}
    for enough in ("41", "1000", "0", MOST):
        found, notes = paths(address, "--max-nodes", enough)
        assert (set(found), notes) == (path, "")
    for short in ("1", "10", "40"):
        found, notes = paths(address, "--max-nodes", short)
        assert not found
        assert notes == "warning: stopped looking after %s objects: there may be a chain\n" % short


def test_max_nodes_of_some_chains(paths, targets):
    """What was found before the end is told: the long chain has three lists."""
    address = targets["near and far"]["address"]
    near, far = "__main__.NEAR", "__main__.FAR[0][0][0]"
    assert paths(address, "--count", ALL, "--max-nodes", "4") == ({near: ANY, far: ANY}, "")
    for short in ("2", "3"):
        assert paths(address, "--count", ALL, "--max-nodes", short) == (
            {near: ANY}, "warning: stopped looking after %s objects: there may be more chains\n" % short)


# ---- of a type ----


@pytest.mark.parametrize("options, rows", [
    ([], {"TWICE.a": 1, "SLOTS.a": 1, "LIST[*]": 1}),
    (["--without", ".a"], {"TWICE.b": 1, "SLOTS.b": 1, "LIST[*]": 1}),
    (["--without", "[0]"], {"TWICE.a": 1, "SLOTS.a": 1, "LIST[*]": 1}),
    (["--without", "[*]"], {"TWICE.a": 1, "SLOTS.a": 1}),
    (["--without", "__main__.Slotted"], {"TWICE.a": 1, "LIST[*]": 1}),
    (["--via", ".b"], {"TWICE.b": 1, "SLOTS.b": 1}),
    (["--via", "__main__.*"], {"TWICE.a": 1, "SLOTS.a": 1}),
    (["--via", "list", "--without", ".a"], {"LIST[*]": 1}),
    (["--via", ".c"], {}),
])
def test_type(paths, options, rows):
    found, notes = paths("__main__.Twice", *options)
    assert {path: row["objects"] for path, row in found.items()} == \
        {"__main__." + path: n for path, n in rows.items()}
    assert all(row["share"] == pytest.approx(1 / 3) for row in found.values())
    lost = 3 - len(rows) if "--without" in options and "--via" not in options else 0
    assert ("%d of 3 objects are reached from no root that --without leaves" % lost in notes) == \
        (lost > 0)


def test_type_of_many(paths, made):
    many = made.truth["known"]["many"]
    for name, other in (("ITEMS", "AGAIN"), ("AGAIN", "ITEMS")):
        for options in (["--without", "." + other], ["--without", "." + other, "--via", "[*]"]):
            found, notes = paths("__main__.Item", "--count", "1", *options)
            assert {path: (row["objects"], row["share"]) for path, row in found.items()} == \
                {"__main__.%s[*]" % name: (many, 1)}
            assert notes == ""


def test_type_count(ask, made):
    result = ask("path", made, "__main__.Twice", "--count", "2", "--format", "json")
    assert len(result.rows("paths")) == 2


# ---- a list of 100,000 ----


def processor_time(call):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_many(pyleak, made):
    """Two lists of 100,000 hold the same items, and these one object: a search for it asks of both
    lists in turn, once for each item, of which the globs exclude none, some and all."""
    hub = made.truth["known"]["hub"]
    plain = processor_time(lambda: pyleak("path", made, hub))
    for target, option, glob in ((hub, "--without", ".attr"), (hub, "--without", "[77*"),
                                 (hub, "--without", "[*]"), (hub, "--via", "[7]"),
                                 ("__main__.Item", "--without", "[77*")):
        took = processor_time(lambda: pyleak("path", made, target, option, glob))
        assert took < NOT_MANY * plain, (target, option, glob, took, plain)


def test_many_are_found(paths, made):
    index, address = made.truth["known"]["item"]
    for options in ([], ["--without", ".attr"], ["--without", "[777]"], ["--via", "[%d]" % index]):
        found, _ = paths(address, "--count", ALL, *options)
        assert set(found) == {"__main__.ITEMS[%d]" % index, "__main__.AGAIN[%d]" % index}
    assert paths(address, "--without", "[%d]" % index)[0] == {}
    assert paths(made.truth["known"]["hub"], "--without", "[*]")[0] == {}
    (found,), _ = paths(made.truth["known"]["hub"], "--without", "[?????]", "--via", ".ITEMS",
                        "--count", ALL)
    assert re.fullmatch(r"__main__\.ITEMS\[\d{1,4}\]\.hub", found)
