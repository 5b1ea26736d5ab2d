"""`path` of objects that a C extension alone holds: where the reference is, named by file, symbol,
block or stack."""

from support import extension, paths


def test_paths_begin_where_c_code_holds_the_object(interpreter, core, ask):
    folder = extension.built(interpreter, "leakext", flags=["-O2"])
    made = core("hidden", env={"PYTHONPATH": str(folder)})
    assert paths.wrong(ask, made) == {}


def test_paths_lead_through_a_distribution_package(core_of, ask):
    """pycurl.Curl keeps its callbacks in a struct whose layout pyleak does not know."""
    assert paths.wrong(ask, core_of("system", "curls")) == {}
