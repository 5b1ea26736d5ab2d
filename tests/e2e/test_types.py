"""`types` against what the dying process wrote of itself, for every type, on every interpreter."""

from collections import Counter

import pytest

RECIPES = ["minimal", "mixed", "frozen", "forked", "nogc", "subinterp"]
MALLOCS = ["malloc", "debug", "pymalloc_debug", "mimalloc"]


def counts(rows, column):
    """{type: sum of column}: classes of one name are rows of their own in pyleak and in the truth."""
    sums = Counter()
    for row in rows:
        sums[row["type"]] += row[column]
    return {name: n for name, n in sums.items() if n}


def tracked_of(made, pyleak, *options):
    result = pyleak("types", made, "--format", "json", "--tracked", *options)
    assert not result.json["partial"], result.stderr
    return result


def assert_tracked(made, pyleak):
    """Every type's count of tracked objects, none missing and none invented."""
    truth = {name: count for name, (count, _) in made.tracked().items()}
    result = tracked_of(made, pyleak)
    assert counts(result.rows("types"), "tracked") == truth
    assert result.json["tables"]["types"]["total"]["tracked"] == sum(truth.values())


@pytest.mark.parametrize("recipe", RECIPES)
def test_tracked_equals_gc_get_objects(core, pyleak, recipe):
    assert_tracked(core(recipe), pyleak)


@pytest.mark.parametrize("malloc", MALLOCS)
def test_tracked_under_every_allocator(core, pyleak, version, malloc):
    if malloc == "mimalloc" and version < (3, 13):
        pytest.skip("mimalloc came with 3.13")
    if version < (3, 6):
        pytest.skip("PYTHONMALLOC came with 3.6")
    assert_tracked(core("mixed", env={"PYTHONMALLOC": malloc}), pyleak)


def test_tracked_in_development_mode(core, pyleak, version):
    if version < (3, 7):
        pytest.skip("-X dev came with 3.7")
    assert_tracked(core("mixed", flags=["-X", "dev"]), pyleak)


def test_stripped_interpreter_gives_the_same_counts(core, pyleak):
    assert_tracked(core("mixed", stripped=True), pyleak)


def test_sizes_equal_sys_getsizeof(core, pyleak):
    """Of every type whose __sizeof__ is not Python code (that could not be run in a dead process)."""
    made = core("mixed")
    overridden = {row["type"] for row in made.truth["tracked"] if row["overrides_sizeof"]}
    truth = {name: size for name, (_, size) in made.tracked().items() if size >= 0 and name not in overridden}
    found = counts(tracked_of(made, pyleak).rows("types"), "size")
    assert {name: found.get(name) for name in truth} == truth


def test_generations(core, pyleak, version):
    """Each list by itself: gc.get_objects(generation=N) where there is one (3.8)."""
    made = core("mixed")
    rows = made.truth["tracked"]
    if version < (3, 8):
        pytest.skip("gc.get_objects() takes no generation here")
    for generation in "012":
        truth = Counter()
        for row in rows:
            truth[row["type"]] += row["generations"].get(generation, 0)
        found = pyleak("types", made, "--format", "json", "--generation", generation).rows("types")
        assert counts(found, "count") == {name: n for name, n in truth.items() if n}, generation


def test_every_reachable_object_is_counted(core, pyleak):
    """The closure of gc.get_referents() is a lower bound of all objects, type by type."""
    made = core("mixed")
    found = counts(pyleak("types", made, "--format", "json").rows("types"), "count")
    missing = {
        row["type"]: (row["count"], found.get(row["type"], 0))
        for row in made.truth["closure"]["rows"]
        if found.get(row["type"], 0) < row["count"]
    }
    assert not missing


def test_known_instances_exactly(core, pyleak):
    """Objects that the gc does not see: subclasses of str, int, bytes, float, tuple; freed ones are not counted."""
    made = core("mixed")
    found = counts(pyleak("types", made, "--format", "json").rows("types"), "count")
    known = made.truth["known"]["types"]
    assert {name: found.get(name) for name in known} == known


def test_by_module_adds_up(core, pyleak):
    made = core("mixed")
    by_type = pyleak("types", made, "--format", "json").json["tables"]["types"]
    by_module = pyleak("types", made, "--format", "json", "--by", "module").json["tables"]["types"]
    assert by_module["total"] == {key: by_type["total"][key] for key in by_module["total"]}
    assert sum(row["count"] for row in by_module["rows"]) == by_type["total"]["count"]
    assert set(by_module["rows"][0]) == {"module", "count", "tracked", "size"}


def test_match_sort_and_limit(core, pyleak):
    made = core("mixed")
    rows = pyleak("types", made, "--format", "json", "--match", "__main__.*", "--sort", "count", "--limit", "3").rows("types")
    assert len(rows) == 3
    assert all(row["type"].startswith("__main__.") for row in rows)
    assert [row["count"] for row in rows] == sorted((row["count"] for row in rows), reverse=True)


def test_classes_of_one_name_are_kept_apart(core, pyleak):
    """Ambiguous rows carry the address of their type, and the truth has the same addresses."""
    made = core("mixed")
    truth = {(row["type"], row["type_address"]): row["count"] for row in made.truth["tracked"]}
    names = Counter(name for name, _ in truth)
    twins = {key: count for key, count in truth.items() if names[key[0]] > 1}
    assert twins, "the program makes classes of one name"
    rows = pyleak("types", made, "--format", "json").rows("types")
    found = {(row["type"], row["address"]): row["tracked"] for row in rows if row["address"]}
    assert {key: found.get(key) for key in twins} == twins


def test_trace_refs_lists_the_same_objects(core, pyleak):
    """Where the build keeps a list of all objects, every type's count is that list's, and what is more is static: what
    a file's data holds was never handed out, so sys.getobjects() does not list it; pyleak counts it like any object."""
    made = core("mixed")
    if not made.truth["trace_refs"]:
        pytest.skip("not a trace-refs build")
    truth = counts(made.truth["trace_refs"], "count")
    found = counts(pyleak("types", made, "--format", "json").rows("types"), "count")
    static = {row["value"] for row in pyleak("info", made, "--format", "json").rows("objects") if row["key"] == "static"}.pop()
    surplus = {name: found[name] - truth.get(name, 0) for name in found if found[name] != truth.get(name, 0)}
    assert not {name for name in truth if name not in found}
    assert not {name: n for name, n in surplus.items() if n < 0}
    assert sum(surplus.values()) <= static
    if version_27(made):
        # Static types that were never readied are on no list; nothing else is static in 2.7.
        assert set(surplus) <= {"__builtin__.type"}


def version_27(made):
    return made.truth["python"]["hexversion"] >> 16 == 0x0207
