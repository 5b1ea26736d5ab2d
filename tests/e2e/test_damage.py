"""Damaged heaps: any word of the core may be wrong.  No crash, no hang, no unbounded memory; what was lost is said."""

import random
import resource
import struct
import subprocess

import pytest

from support import sample
from support.core_memory import changed
from support.pyleak import PYLEAK

ANALYSES = [["info"], ["types"], ["gc"], ["instances", "dict", "--limit", "5"], ["path", "dict"]]
ROUNDS = 12  # where the run is thorough, else
FEW_ROUNDS = 3
WORDS = 400  # of the core that are changed in a round
SECONDS = 60  # far more than any run needs, and less than forever
MEMORY = 3 << 30  # bytes of address space: the core is mapped, and huge counts must not be believed


def pointers_of(data, draw):
    """Offsets of words that look like pointers into the process: those do the most harm."""
    found = []
    while len(found) < WORDS:
        at = draw.randrange(len(data) // 16, len(data) - 8) & ~7
        word = struct.unpack_from("<Q", data, at)[0]
        if word >> 44 in (5, 7) or 0 < word < 1 << 20:
            found.append(at)
    return found


def damaged(data, seed):
    """A copy with WORDS words changed, in one of several ways each."""
    draw = random.Random(seed)
    copy = bytearray(data)
    spots = pointers_of(data, draw)
    for at in spots:
        old = struct.unpack_from("<Q", copy, at)[0]
        new = draw.choice([
            0, 2 ** 64 - 1, 1, old + 8, old ^ 1 << draw.randrange(64), old & ~0xFFF,
            struct.unpack_from("<Q", data, draw.choice(spots))[0], draw.getrandbits(64), draw.getrandbits(40),
        ])
        struct.pack_into("<Q", copy, at, new & (2 ** 64 - 1))
    return copy


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def sanitized():
    """AddressSanitizer reserves terabytes of address space."""
    return b"__asan_init" in PYLEAK.read_bytes()


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda words: words[0])
def test_wrong_words(interpreter, core, tmp_path, analysis):
    made = core("minimal")
    data = made.path.read_bytes()
    path = tmp_path / "core"
    for seed in range(ROUNDS if sample.thorough(interpreter) else FEW_ROUNDS):
        path.write_bytes(damaged(data, seed))
        done = subprocess.run([str(PYLEAK), analysis[0]] + made.options + analysis[1:] + [str(path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS, preexec_fn=None if sanitized() else limited)
        assert done.returncode in (0, 3, 4), (seed, done.returncode, done.stderr[-1000:])
        if done.returncode == 3:
            assert done.stderr.startswith(b"pyleak: "), seed


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_truncated(core, pyleak, tmp_path, share):
    """What is there is counted, what is missing is said, and no type has more objects than it had."""
    made = core("minimal")
    data = made.path.read_bytes()
    path = tmp_path / "core"
    path.write_bytes(data[:int(len(data) * share)])
    result = pyleak("types", path, "--exe", made.meta["exe"], "--format", "json", status=None)
    assert result.status in (3, 4), result
    if result.status == 4:
        document = result.json
        assert document["core"]["truncated"] and document["partial"]
        assert document["core"]["missing_bytes"] > 0
        truth = made.tracked()
        for row in document["tables"]["types"]["rows"]:
            if not row["type"].startswith(("<type at", "?.")) and row["address"] is None:
                assert row["tracked"] <= truth.get(row["type"], (0, 0))[0], row


def test_a_wrong_count_of_what_is_held_often(core, pyleak, tmp_path):
    """Who holds it is asked once for each holder, not once for each of a hundred thousand references: that took minutes."""
    made = core("shared")
    if "3.13t" in made.meta["interpreter"]:
        pytest.skip("free-threaded builds are refused: see test_layout.py")
    known = made.truth["known"]
    flavour = pyleak("info", made, "--format", "json").json["python"]["flavour"]
    count = known["address"] + (16 if "trace-refs" in flavour else 0)
    path = changed(made.path, tmp_path / "core", {count: 1})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = pyleak("triage", path, *made.options, "--format", "json", "--fail-on", "damage", status=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = [row["text"] for row in result.rows("evidence") if row["kind"] == "undercounted"]
    assert told == ["the __main__.Shared at 0x%x has %s references, far more than it counts"
                    % (known["address"], format(known["times"] + 1, ","))]
    assert after.ru_utime - before.ru_utime < 10
