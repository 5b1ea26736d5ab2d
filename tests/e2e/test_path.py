"""`path` of marked objects against the paths that the program knows it built."""

from support import paths


def test_every_kind_of_chain_is_spelled_as_python(core, pyleak):
    assert paths.wrong(pyleak, core("chains")) == {}


def test_without_symbols_and_debug_information(core, pyleak):
    assert paths.wrong(pyleak, core("chains", stripped=True)) == {}
