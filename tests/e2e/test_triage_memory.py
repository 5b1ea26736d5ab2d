"""What triage says of the memory: who fills it, what is dead, what C code holds, what is damaged.

The damaged heaps are copies of a sound core in which a word or two are another number, each as a
wrong write or a wrong count would leave it; the sound core itself is without a finding."""

import re

import pytest

from support.core_memory import CoreMemory, changed

MEMORY = {"memory-dominated", "gc-disabled", "gc-frozen", "leak-unreachable", "leak-uncollectable",
          "leak-held-from-c"}
SOUND = ["mixed", "leak", "chains", "forked", "nogc", "collecting-start", "collecting-finalizer"]
SHOUTING = 0x4141414141414141  # "AAAAAAAA", written past the end of something
GC_HEAD = 16
TYPE = 8  # offset of ob_type
LIST_SIZE, LIST_ITEMS = 16, 24  # of ob_size and ob_item in a list
FREEBLOCK = 8  # offset in a pool's header


class Triage:
    """The document that triage made of a core, and its rows."""

    def __init__(self, pyleak, core, *options, **status):
        self.result = pyleak("triage", core, *options, "--format", "json", **status)
        self.tables = {name: table["rows"] for name, table in self.result.json["tables"].items()}
        self.verdicts = {row["verdict"]: row for row in self.tables["verdict"]}
        self.signature = [row["value"] for row in self.tables["signature"] if row["kind"] == "heap"]

    def evidence(self, kind):
        return [row for row in self.tables["evidence"] if row["kind"] == kind]


@pytest.fixture(scope="module")
def triage(pyleak, core):
    """triage(recipe_id, *options, **status) -> Triage of that core; the plain ones made once."""
    done = {}

    def run(recipe, *options, **status):
        if options:
            return Triage(pyleak, core(recipe), *options, **status)
        if recipe not in done:
            done[recipe] = Triage(pyleak, core(recipe), status=None)
        return done[recipe]
    return run


def ids_of(version, recipe):
    since = {"collecting-start": (3, 3), "collecting-finalizer": (3, 4)}.get(recipe, (2, 7))
    if version < since:
        pytest.skip("%s needs Python %d.%d" % ((recipe,) + since))
    return recipe


# ---- who fills it ----


def test_one_holder(triage):
    """Twenty thousand sessions in one dict, which is named; and nothing else is wrong."""
    result = triage("leak")
    verdict = result.verdicts["memory-dominated"]
    assert "__main__.SESSIONS[*]" in verdict["summary"]
    assert "20,000" in verdict["summary"]
    types = {row["text"].split(":")[0]: row for row in result.evidence("type")}
    connection = types["__main__.Connection"]
    assert "20,000 objects" in connection["text"]
    assert "100 % of them at __main__.SESSIONS[*].connection" in connection["text"]
    assert connection["analysis"] == "path __main__.Connection"


def test_no_value_of_the_program(triage):
    """Keys are left open, so nothing that the sessions hold is shown."""
    text = triage("leak").result.stdout
    assert "session-" not in text and "10.0.0." not in text and "reader" not in text


def test_types_by_their_bytes(triage, pyleak, core):
    """Counts and sizes are those of `types`, without static objects."""
    listed = {row["type"]: row for row in pyleak("types", core("leak"), "--format", "json").rows("types")}
    told = triage("leak").evidence("type")
    assert 1 <= len(told) <= 5
    for row in told:
        name, objects = re.match(r"(\S+): ([\d,]+) objects", row["text"]).groups()
        assert int(objects.replace(",", "")) <= listed[name]["count"], name


# ---- what is dead ----


def test_collector_off(triage, pyleak, core):
    """gc.garbage holds 20 rings of 3, but for those that a variable of the program still holds."""
    result = triage("nogc")
    assert "gc is disabled" in result.verdicts["gc-disabled"]["summary"]
    assert "leak-unreachable" not in result.verdicts, "the reason is the verdict"
    rows = pyleak("uncollectable", core("nogc"), "--format", "json").rows("uncollectable")
    saved = sum(row["objects"] for row in rows if row["reason"].startswith("in gc.garbage"))
    assert saved >= 54 and "frees %d dead objects" % saved in result.evidence("uncollectable")[0]["text"]
    shapes = [row["text"] for row in result.evidence("cycle")]
    assert any("500 cycles" in text and "__main__.Ring" in text for text in shapes), shapes


def test_uncollectable_is_a_finding(triage):
    triage("nogc", "--fail-on", "uncollectable", status=1)
    triage("nogc", "--fail-on", "damage", status=0)
    triage("chains", "--fail-on", "any", status=None)


def test_threshold_zero(triage):
    """Few are dead: the state is told, and no verdict made of it."""
    text = [row["text"] for row in triage("rings-zero").evidence("gc-state")]
    assert any("threshold 0" in one for one in text), text


def test_frozen(triage, version):
    """Few are dead here too."""
    if version < (3, 7):
        pytest.skip("gc.freeze() needs Python 3.7")
    text = [row["text"] for row in triage("rings-frozen").evidence("gc-state")]
    assert any(one.startswith("gc.freeze() took") for one in text), text


def test_held_from_c(triage):
    """Unheld and others lost references; Kept is in a struct that C code owns, Clean is clean."""
    result = triage("leakrefs")
    assert "__main__.Unheld" in result.verdicts["leak-held-from-c"]["summary"]
    rows = result.evidence("held-from-c")
    named = {row["text"].split(":")[0] for row in rows}
    assert "__main__.Unheld" in named
    assert not named & {"__main__.Kept", "__main__.Clean"}
    assert "7 objects count 21 references" in [row["text"] for row in rows
                                               if "__main__.Unheld" in row["text"]][0]


# ---- signature ----


def test_signature_of_the_heap(triage, pyleak, core):
    """The same program in another process, dumped another way: the same; another one: another."""
    first = triage("leak").signature
    assert re.match(r"heap/1:[0-9a-f]{16}$", first[0])
    again = Triage(pyleak, core("leak", kill="gcore"), status=None)
    assert again.signature == first
    assert triage("nogc").signature and triage("nogc").signature != first


# ---- damage ----


@pytest.mark.parametrize("recipe", SOUND)
def test_sound(triage, version, recipe):
    result = triage(ids_of(version, recipe))
    assert "heap-damage" not in result.verdicts, result.tables
    assert not result.evidence("neighbours")


class Heap:
    """The core that is damaged, and where some of its objects are."""

    def __init__(self, pyleak, made, version):
        self.made = made
        self.version = version
        self.memory = CoreMemory(made.path)
        self.pyleak = pyleak

    def objects(self, name, count):
        rows = self.pyleak("instances", self.made, name, "--limit", str(count), "--format",
                           "json").rows("instances")
        return [int(row["address"], 16) for row in rows]

    def pool(self, address):
        """Objects/obmalloc.c: POOL_SIZE is 4 KiB, 16 KiB from 3.10 on."""
        return address & ~((4096 if self.version < (3, 10) else 16384) - 1)

    def freed_block(self):
        """A block that pymalloc has back."""
        for address in self.objects("__main__.Connection", 20000):
            freed = self.memory.word(self.pool(address) + FREEBLOCK)
            if freed:
                return freed
        pytest.skip("no pool of the program's objects has a free block")


@pytest.fixture
def heap(pyleak, core, interpreter, version):
    if interpreter.endswith("-dbg") or "trace-refs" in interpreter:
        pytest.skip("a debug build has other offsets and words around each block")
    return Heap(pyleak, core("leak"), version)


@pytest.fixture
def damaged(pyleak, heap, tmp_path):
    def run(words):
        path = changed(heap.made.path, tmp_path / "core", words)
        result = Triage(pyleak, path, *heap.made.options, "--fail-on", "damage", status=1)
        assert result.verdicts["heap-damage"]["summary"]
        return result
    return run


def rows_with(result, kind, address):
    return [row for row in result.evidence(kind) if "0x%x" % address in row["text"]]


def test_head_overwritten(heap, damaged):
    """Somebody wrote over the head of an object: who refers to it and what lies before it."""
    victim = heap.objects("__main__.Session", 50)[20]
    result = damaged({victim + TYPE: SHOUTING})
    rows = rows_with(result, "broken-object", victim)
    assert rows, result.tables
    assert "__main__.SESSIONS" in rows[0]["text"]
    assert rows[0]["analysis"].startswith("object 0x")
    assert "before it" in rows_with(result, "neighbours", victim)[0]["text"]


def test_wild_reference(heap, damaged):
    """The items of a list were written over."""
    holder = [at for at in heap.objects("list", 20000)
              if heap.memory.word(at + LIST_SIZE) == 1 and heap.memory.word(at + LIST_ITEMS)][-1]
    result = damaged({heap.memory.word(holder + LIST_ITEMS): SHOUTING})
    assert rows_with(result, "wild-reference", holder), result.tables


def test_freed_under_a_reference(heap, damaged):
    """One Py_DECREF too many: a list refers to a block that is free."""
    holder = [at for at in heap.objects("list", 20000)
              if heap.memory.word(at + LIST_SIZE) == 1 and heap.memory.word(at + LIST_ITEMS)][-1]
    freed = heap.freed_block()
    result = damaged({heap.memory.word(holder + LIST_ITEMS): freed})
    rows = rows_with(result, "freed-reference", freed)
    assert rows and "0x%x" % holder in rows[0]["text"], result.tables
    assert "freed block" in rows[0]["text"]


def test_gc_link(heap, damaged):
    victim = heap.objects("__main__.Session", 50)[30]
    result = damaged({victim - GC_HEAD - (0 if heap.version >= (3, 8) else 16): SHOUTING & ~7})
    rows = result.evidence("gc-link")
    assert any("0x%x" % victim in row["text"] for row in rows), result.tables


def test_free_list(heap, damaged):
    """A freed block was written to: its link leads to where no block is."""
    freed = heap.freed_block()
    result = damaged({freed: SHOUTING})
    assert rows_with(result, "free-list", freed), result.tables


def test_impossible_count(heap, damaged):
    if heap.version >= (3, 14):
        pytest.skip("a count is 32 bits wide, and each number one that it can be, or immortal")
    victim = heap.objects("__main__.Session", 50)[25]
    result = damaged({victim: 2 ** 64 - 3})
    rows = rows_with(result, "impossible-refcount", victim)
    assert rows and "counts -3 references" in rows[0]["text"], result.tables
