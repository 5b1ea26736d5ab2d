"""The references of objects: against gc.get_referents(), against what the program knows it built,
and against ob_refcnt."""

from collections import Counter, defaultdict

import pytest
from support import edges, objects

RECIPES = ["mixed", "holding", "extensions", "corners"]


@pytest.fixture
def gil_core(core):
    """core(recipe), unless the interpreter is one that pyleak refuses."""
    def made(recipe):
        one = core(recipe)
        if "free-threaded" in one.truth["python"]["flavour"]:
            pytest.skip("free-threaded builds are refused: see test_layout.py")
        return one
    return made


# ---- gc.get_referents() ----

def is_state_of_a_module(made, found, address, missing, extra):
    """Words that take two pointers of a module's C state to reach are not told apart: if m_traverse
    visits any of them, all count as visited (_decimal's leaves out the first of an array)."""
    return not missing and set(extra) <= {edge.target for edge in found[address]
                                          if edge.kind == "native"}


def is_name_of_a_type_variable(made, found, address, missing, extra):
    """typevar_traverse() and its like came to visit their names, which are strings, in the course
    of 3.13."""
    return version(made) < (3, 14) and not missing and \
        all(edge.edge == ".__name__" for edge in found[address] if edge.target in extra)


def is_fixed_by_the_distribution(made, found, address, missing, extra):
    """gh-142516 let SSL contexts visit two callbacks more and the name of the key log, from 3.13.13
    on; Debian put it into 3.13.5 too, as nothing but the code of context_traverse() says."""
    return version(made) == (3, 13, 5) and not extra and set(missing) <= {
        edge.target for edge in found[address] if edge.kind == "strong" and edge.edge in (
            ".keylog_filename", "<psk client callback>", "<psk server callback>")}


def is_string_that_the_taker_let_go(made, found, address, missing, extra):
    """A dict of interned strings owns none of them: one goes when its last owner does, and that may
    be in the child that writes the truth."""
    return not missing and all(edge.kind == "borrowed" for edge in found[address]
                               if edge.target in extra)


EXPLAINED = {
    "builtins.dict": [is_string_that_the_taker_let_go],
    "ssl.SSLContext": [is_fixed_by_the_distribution],
    "builtins.module": [is_state_of_a_module],
    "typing.TypeVar": [is_name_of_a_type_variable],
    "typing.TypeVarTuple": [is_name_of_a_type_variable],
    "typing.ParamSpec": [is_name_of_a_type_variable],
    "typing.TypeAliasType": [is_name_of_a_type_variable],
}


def version(made):
    return tuple(int(part) for part in made.truth["python"]["version"].split("."))


def differences(made, found):
    """{type: [(address, missing, extra)]} of sampled objects whose traversed edges are not what
    gc.get_referents() gave, as a multiset, explained ones left out; and how many were compared."""
    rows = objects.by_address(made)
    wrong, compared = defaultdict(list), 0
    for address, referents in made.referents().items():
        if address not in rows:
            continue
        compared += 1
        truth = Counter(referents)
        seen = Counter(edge.target for edge in found[address] if edge.traversed)
        missing, extra = truth - seen, seen - truth
        name = rows[address]["type"]
        if (missing or extra) and not any(
                explains(made, found, address, missing, extra)
                for explains in EXPLAINED.get(name, [])):
            wrong[name].append((address, missing, extra))
    return wrong, compared


@pytest.mark.parametrize("recipe", RECIPES)
def test_traversed_edges_are_what_gc_get_referents_gave(gil_core, ask, recipe):
    made = gil_core(recipe)
    found = edges.by_address(made)
    wrong, compared = differences(made, found)
    assert compared > 0.99 * len(made.referents()), "sampled objects that pyleak does not list"
    assert not wrong, "\n".join(
        "%s: %d objects, 0x%x lacks %s, has %s too" % (
            name, len(rows), rows[0][0],
            ["%#x" % target for target in rows[0][1].elements()],
            ["%#x %s" % (edge.target, edge.edge) for edge in found[rows[0][0]]
             if edge.target in rows[0][2]])
        for name, rows in sorted(wrong.items()))


# ---- names and kinds ----

def test_edges_have_the_names_that_a_programmer_would_write(gil_core, ask):
    made = gil_core("holding")
    found = edges.by_address(made)
    lacking = []
    for row in made.truth["known"]["edges"]:
        seen = [(edge.edge, edge.kind, edge.target) for edge in found[int(row["address"], 16)]]
        lacking += [(row["name"], edge, kind, target, seen)
                    for edge, kind, target in row["edges"]
                    if (edge, kind, int(target, 16)) not in seen]
    assert not lacking


def test_one_object_has_the_edges_that_the_list_of_all_gives_it(gil_core, ask):
    made = gil_core("holding")
    found = edges.by_address(made)
    for row in made.truth["known"]["edges"][::20]:
        one = ask("referents", made, row["address"], "--format", "json").rows("referents")
        assert [(edge["edge"], edge["kind"], int(edge["address"], 16), edge["traversed"])
                for edge in one] == \
            [(edge.edge, edge.kind, edge.target, edge.traversed)
             for edge in found[int(row["address"], 16)]]


# ---- both directions agree ----

def test_referrers_are_referents_turned_round(gil_core, ask):
    made = gil_core("holding")
    found = edges.by_address(made)
    for row in made.truth["known"]["edges"][::15]:
        address = int(row["address"], 16)
        back = ask("referrers", made, row["address"], "--format", "json").rows("referrers")
        assert Counter((int(edge["address"], 16), edge["edge"], edge["kind"])
                       for edge in back if edge["address"]) == \
            Counter((source, edge.edge, edge.kind) for source in found for edge in found[source]
                    if edge.target == address)


def test_edges_of_a_type_are_those_of_its_objects_added_up(gil_core, ask):
    made = gil_core("mixed")
    instances = ask("instances", made, "__main__.Slotted", "--format", "json").rows("instances")
    for analysis in "referents", "referrers":
        each = ask(analysis, made, "--each", "__main__.Slotted", "--format", "json")
        groups = ask(analysis, made, "__main__.Slotted", "--format", "json")
        rows = each.rows(analysis)
        assert {row["object"] for row in rows} == {row["address"] for row in instances}
        total = Counter()
        for row in groups.rows(analysis):
            total[row["type"], row["kind"]] += row["edges"]
        assert total == Counter((row["type"], row["kind"]) for row in rows)


def test_attributes_are_grouped_by_name_wherever_the_version_keeps_them(gil_core, ask):
    """.label and .twin of Plain, be they in a dict or inline; make_instances() made 200 of the
    objects without .label, and 199 of those that have a twin."""
    made = gil_core("mixed")
    rows = ask("referents", made, "__main__.Plain", "--format", "json").rows("referents")
    # 3.13.0 visits borrowed values too, of instances that have a dict.
    labels = [row for row in rows if row["edge"] == ".label" and row["kind"] == "strong"]
    plain = made.truth["known"]["types"]["__main__.Plain"]
    assert [(row["edges"], row["objects"]) for row in labels] == [(plain - 200, 1)]
    rows = ask("referrers", made, "__main__.Plain", "--format", "json").rows("referrers")
    twins = [row for row in rows if (row["type"], row["edge"]) == ("__main__.Plain", ".twin")]
    assert [(row["edges"], row["objects"]) for row in twins] == [(199, 199)]


# ---- ob_refcnt ----

def counted(made, ask):
    """How many objects count their references: an immortal one's number is none (3.12 on; in 3.11
    static objects start at 999999999)."""
    rows = ask("instances", made, "*", "--format", "json", "--limit", "0").rows("instances")
    return sum(1 for row in rows if row["refcount"] < 400000000)


def is_left_by_property(made, found, row):
    """Up to 3.8 property keeps the tuple of its last call, without the reference in it
    (property_descr_get() in Objects/descrobject.c)."""
    address = int(row["address"], 16)
    holders = [source for source in found
               if any(edge.target == address and edge.kind == "strong" for edge in found[source])]
    referred = {edge.target for source in found for edge in found[source]}
    return version(made) < (3, 9) and row["surplus"] == -1 and any(
        holder not in referred and objects.by_address(made)[holder]["type"] == "builtins.tuple"
        for holder in holders)


@pytest.mark.parametrize("recipe", ["minimal"] + RECIPES)
def test_references_add_up(gil_core, ask, recipe):
    """No object has more references than it counts; and at most one in a thousand counts more than
    what objects, roots and words of C memory hold."""
    made = gil_core(recipe)
    rows = ask("refcounts", made, "--objects", "--format", "json").rows("objects")
    found = edges.by_address(made)
    leaked = made.truth["known"].get("leaked", {})
    assert not [row for row in rows
                if row["surplus"] < 0 and not is_left_by_property(made, found, row)]
    under = Counter(row["type"] for row in rows
                    if row["surplus"] > 0 and row["address"] not in leaked)
    assert sum(under.values()) <= counted(made, ask) / 1000, under.most_common()


def test_leaked_references_are_reported(gil_core, ask):
    made = gil_core("holding")
    leaked = made.truth["known"]["leaked"]
    result = ask("refcounts", made, "--match", "__main__.Leaked", "--objects", "--format", "json")
    assert {row["address"]: row["surplus"] for row in result.rows("objects")} == leaked
    rows = ask("refcounts", made, "--match", "__main__.Leaked", "--format", "json").rows("refcounts")
    worst = max(leaked, key=leaked.get)
    assert [(row["objects"], row["surplus"], row["example"]) for row in rows] == \
        [(len(leaked), sum(leaked.values()), worst)]
    note = ask("referrers", made, worst, "--format", "json").json["notes"]
    assert [row["text"] for row in note if row["code"] == "unexplained"] == \
        ["references counted and found nowhere: %d; C code took them and never gave them back"
         % leaked[worst]]


def test_a_reference_in_malloc_memory_is_found(gil_core, ask):
    made = gil_core("holding")
    hidden = made.truth["known"]["hidden"]
    rows = ask("referrers", made, hidden["address"], "--format", "json").rows("referrers")
    assert (hidden["word"], "<native>", "native") in \
        [(row["address"], row["type"], row["kind"]) for row in rows]
    assert not ask("refcounts", made, "--match", "__main__.Hidden", "--format", "json").rows(
        "refcounts")
