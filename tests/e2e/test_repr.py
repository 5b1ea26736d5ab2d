"""The repr of an object is what the program itself printed, or, where pyleak knows better, spelled
in its own way: see cores/programs/values.py."""

import unicodedata

from support import objects

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def shown(made, names):
    """{name: repr} of marked objects by pyleak."""
    found = objects.by_address(made)
    return {row["name"]: found[int(row["address"], 16)]["repr"]
            for row in made.truth["marked"] if row["name"] in names}


def test_letter_for_letter(core, ask):
    made = core("values")
    same = set(made.truth["known"]["same"])
    assert len(same) > 130
    truth = {row["name"]: row["repr"] for row in made.truth["marked"] if row["name"] in same}
    assert shown(made, same) == truth


def test_spelled_in_our_own_way(core, ask):
    made = core("values")
    spelled = made.truth["known"]["spelled"]
    assert shown(made, spelled) == spelled


def test_nothing_unsafe_for_a_terminal(core, ask):
    """No control character, no text direction mark, no line break in the repr of any object."""
    made = core("values")
    found = objects.by_address(made)
    bad = {hex(address): row["repr"] for address, row in found.items()
           if any(unicodedata.category(letter) in UNSAFE for letter in row["repr"])}
    assert bad == {}


def test_every_object_has_one(core, ask):
    """Nothing that the collector knows is unreadable, and no repr is longer than its limit."""
    made = core("mixed")
    found = objects.by_address(made)
    for address, _, _, _ in made.tracked_records():
        text = found[address]["repr"]
        assert text and not text.startswith("<unreadable"), (hex(address), text)
        assert len(text) <= 200, text
