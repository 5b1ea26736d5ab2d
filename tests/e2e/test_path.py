"""`path` of marked objects against the paths that the program knows it built."""

from support import paths


def test_every_kind_of_chain_is_spelled_as_python(core, ask):
    assert paths.wrong(ask, core("chains")) == {}


def test_without_symbols_and_debug_information(core, ask, version):
    wrong = paths.wrong(ask, core("chains", stripped=True))
    if version < (3, 7):
        # The collector's list of callbacks is a static of gcmodule.c there; without its symbol the chain is that of
        # the same list in module gc.
        wrong = {name: (path, found) for name, (path, found) in wrong.items()
                 if found != path.replace("<gc.callbacks>", "gc.callbacks")}
    assert wrong == {}
