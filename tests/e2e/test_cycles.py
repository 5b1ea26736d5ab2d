"""`cycles` and `uncollectable` against what the collector itself found in forks of the dying
process: see cores/programs/collected.py."""

import pytest
from support import collected, extension

RINGS = ["rings-young", "rings-old", "rings-pending", "rings-zero", "rings-frozen",
         "rings-garbage"]
RECIPES = RINGS + ["ringtypes", "ringsext", "server", "website", "download"]
# How `uncollectable` says what ringsext.py knows; then, why a dead cycle that has
# no finalizer in its way is still there, by the moment of death.
REASONS = {"legacy tp_del": "legacy tp_del", "tp_traverse omits": "omits a reference",
           "not a gc type": "is no gc type", "not tracked": "not tracked",
           "held from C": "held from C"}
STAYS = {recipe: "gc is disabled" for recipe in
         ("rings-young", "rings-old", "rings-frozen", "rings-garbage", "ringsext")}
STAYS["rings-zero"] = "threshold 0"


@pytest.fixture
def dead(core, interpreter):
    """dead(recipe) -> Core."""
    def made(recipe):
        if recipe != "ringsext":
            return core(recipe)
        folder = extension.built(interpreter, "ringext", flags=["-O2"])
        return core(recipe, env={"PYTHONPATH": str(folder)})
    return made


def skip_refused(made):
    if "free-threaded" in made.truth["python"]["flavour"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")


def objects(ask, analysis, made, *options):
    """{address: row} of table "objects"."""
    skip_refused(made)
    rows = ask(analysis, made, "--objects", "--format", "json", *options).rows("objects")
    found = {int(row["address"], 16): row for row in rows}
    assert len(found) == len(rows)
    return found


def types_of(rows, reason):
    return {address: row["type"] for address, row in rows.items() if reason in row["reason"]}


def assert_same(made, found, wanted):
    lines = collected.difference(made, found, wanted)
    assert not lines, "\n".join(lines)


# ---- the truth itself ----


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_collector_found_the_rings_as_they_were_made(dead, recipe):
    """Else the program, or the taking of the truth, is wrong, and not pyleak."""
    made = dead(recipe)
    assert collected.summary(made)["stats"] == made.truth["gc"]["stats"]
    unreachable = collected.addresses(made, "unreachable")
    garbage = collected.addresses(made, "garbage-before")
    wrong = {}
    for name, ring in collected.rings(made).items():
        for address in ring["addresses"]:
            is_dead = address in unreachable
            if ring["state"] is not None and is_dead != (ring["state"] == "unreachable"):
                wrong[name] = "%#x is %sunreachable" % (address, "" if is_dead else "not ")
    assert wrong == {}
    saved = [ring["addresses"][0] for ring in collected.rings(made).values()
             if ring["state"] == "garbage"]
    assert set(saved) <= garbage
    assert len(unreachable) == len(collected.type_names(made))


# ---- cycles ----


@pytest.mark.parametrize("recipe", RECIPES)
def test_unreachable_is_what_the_collector_finds(dead, ask, recipe):
    made = dead(recipe)
    rows = objects(ask, "cycles", made, "--unreachable")
    found = {address: row["type"] for address, row in rows.items()}
    wanted = collected.addresses(made, "unreachable")
    assert_same(made, found, wanted)
    assert {row["state"] for row in rows.values()} == {"unreachable"}


@pytest.mark.parametrize("recipe", RINGS + ["ringsext"])
def test_states_of_the_rings(dead, ask, recipe):
    """One that lives need not be listed."""
    made = dead(recipe)
    rows = objects(ask, "cycles", made)
    wrong = {}
    for name, ring in collected.rings(made).items():
        states = {rows[address]["state"] if address in rows else "reachable"
                  for address in ring["addresses"]}
        if ring["state"] is not None and states != {ring["state"]}:
            wrong[name] = (ring["state"], sorted(states), "%#x" % ring["addresses"][0])
    assert wrong == {}


# What `cycles` calls the finalizers of cores/programs/ringmakers.py and ringsext.py.
FINALIZERS = {"__del__": "__del__", "finalized": "__del__ (ran)", "legacy": "__del__",
              "generator": "generator", "legacy generator": "generator",
              "coroutine": "generator", "tp_finalize": "tp_finalize", "legacy tp_del": "tp_del",
              "weakref callback": "weakref callback"}


@pytest.mark.parametrize("recipe", RINGS + ["ringsext"])
def test_finalizers_of_the_rings(dead, ask, recipe):
    """--finalizers leaves the cycles with one, and what hangs off them. By name those are compared
    that are the example of their shape."""
    made = dead(recipe)
    skip_refused(made)
    result = ask("cycles", made, "--unreachable", "--finalizers", "--objects",
                    "--format", "json")
    listed = {int(row["address"], 16) for row in result.rows("objects")}
    names = {int(row["example"], 16): row["finalizer"] for row in result.rows("cycles")}
    wrong = {}
    for name, ring in collected.rings(made).items():
        if ring["state"] == "unreachable" and "hangs off" not in name:
            wanted = FINALIZERS.get(ring["finalizer"])
            found = [names[address] for address in ring["addresses"] if address in names]
            in_it = [address for address in ring["addresses"] if address in listed]
            if bool(in_it) != bool(wanted) or any(one != wanted for one in found):
                wrong[name] = (wanted, found, len(in_it), "%#x" % ring["addresses"][0])
    assert wrong == {}


# ---- uncollectable ----


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_finalizers_make_uncollectable(dead, ask, version, recipe):
    """Objects with a finalizer of the kind that this version's collector does not run, and all
    that hangs off them."""
    made = dead(recipe)
    rows = objects(ask, "uncollectable", made)
    rows = {address: row for address, row in rows.items() if "in gc.garbage" not in row["reason"]}
    found = types_of(rows, "on Python 2" if version < (3,) else "legacy tp_del")
    wanted = collected.addresses(made, "uncollectable")
    assert_same(made, found, wanted)


@pytest.mark.parametrize("recipe", RINGS)
def test_what_is_in_garbage(dead, ask, recipe):
    made = dead(recipe)
    found = types_of(objects(ask, "uncollectable", made), "in gc.garbage")
    wanted = collected.addresses(made, "garbage-before")
    assert not wanted - set(found)
    hanging_off = {address for ring in collected.rings(made).values()
                   if ring["state"] == "garbage" for address in ring["addresses"]}
    assert bool(wanted) == (recipe == "rings-garbage")
    assert bool(found) == bool(wanted)
    assert hanging_off <= set(found)


@pytest.mark.parametrize("recipe", sorted(STAYS))
def test_reasons_of_the_rings(dead, ask, version, recipe):
    made = dead(recipe)
    rows = objects(ask, "uncollectable", made)
    wrong = {}
    for name, ring in collected.rings(made).items():
        wanted = reason_of(ring, recipe, version)
        if wanted is None:
            continue
        # Of what hangs off a finalizer more than one may be said; of its own kind one object is.
        found = {rows[address]["reason"] if address in rows else ""
                 for address in ring["addresses"]}
        if not any(wanted in one for one in found):
            wrong[name] = (wanted, sorted(found), "%#x" % ring["addresses"][0])
    assert wrong == {}


def reason_of(ring, recipe, version):
    """A part of the reason of at least one of its objects, None if none is expected."""
    if ring.get("reason"):
        return REASONS[ring["reason"]]
    by_state = {"frozen": "frozen", "held": "held from C", "garbage": "in gc.garbage"}
    if ring["state"] == "unreachable" and (ring["finalizer"] or "").startswith("legacy"):
        return "on Python 2"
    if ring["state"] == "unreachable":
        return STAYS[recipe]
    return by_state.get(ring["state"])


def test_too_old_for_a_full_collection(dead, ask, version):
    """Up to 3.13 none comes before a quarter of the oldest generation is new to it."""
    made = dead("rings-pending")
    if version >= (3, 14):
        pytest.skip("another rule")
    rows = objects(ask, "uncollectable", made)
    found = types_of(rows, "too old")
    legacy = collected.addresses(made, "uncollectable")
    assert_same(made, found, collected.addresses(made, "unreachable") - legacy)
