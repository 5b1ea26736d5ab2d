"""Fixtures of the end-to-end tests.

A test that takes `interpreter` runs once for each interpreter of cores/matrix.json that is due():
that function is the whole difference between the tiers.  PYLEAK_MATRIX=id,id narrows the run to these
ids, "ID+stripped" asks for the stripped copy of one, and no core of another is made; PYLEAK_FULL=1
leaves nothing out.  What is not on this machine is skipped with the reason (pytest -rs).
"""

import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "cores"), str(HERE.parents[1] / "gdbext")]

import matrix  # noqa: E402
from support import cores, deaths, extension, pyleak as pyleak_binary, session  # noqa: E402

# What each of two interpreters runs that differ only in their patch release or in where their layout
# comes from: what another layout could put out of order shows in these.
OF_EACH = {"test_types", "test_referents", "test_cycles", "test_layout"}
# And what needs a C extension, which the one that lives in a root of its own cannot load.
OF_EXTENSIONS = {"test_native", "test_refcounts", "test_visits"}


def due(chosen, file, fixtures):
    """Those of the chosen interpreters that this file's tests run on, if they use these fixtures.

    A death leaves its signature and its verdict whatever the layout: the sample's die, if there is one
    of it. Of siblings one does the rest; what is of the sample does all.
    """
    if matrix.full():
        return chosen
    few = [one for one in chosen if one in matrix.sample()]
    if "death_of" in fixtures:
        return few or chosen
    return [one for one in chosen if file in OF_EACH | OF_EXTENSIONS or one in few or not matrix.has_sibling(one)]


def pytest_generate_tests(metafunc):
    if "interpreter" in metafunc.fixturenames:
        file = metafunc.module.__name__.split(".")[-1]
        metafunc.parametrize("interpreter", due(matrix.chosen(), file, metafunc.fixturenames),
                             indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    """All tests of an interpreter in one process of several: what one of them has read the others
    know."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and "interpreter" in callspec.params:
            item.add_marker(pytest.mark.xdist_group(callspec.params["interpreter"]))


@pytest.fixture(scope="session")
def interpreter(request):
    """The id of an interpreter that is there."""
    try:
        cores.version_of(request.param)
    except matrix.Missing as reason:
        pytest.skip("%s: %s" % (request.param, reason))
    return request.param


@pytest.fixture(scope="session")
def version(interpreter):
    """(3, 11, 2) of `interpreter`."""
    return cores.version_of(interpreter)


@pytest.fixture(scope="session")
def core_of():
    """core_of(interpreter_id, recipe_id, **options) -> Core; skips the test, with the reason, if it
    cannot be made here. Options as of make.make() in cores/make.py."""
    def made(interpreter_id, recipe_id, **options):
        if not matrix.is_chosen(interpreter_id):
            pytest.skip("%s is not of PYLEAK_MATRIX" % interpreter_id)
        try:
            return cores.made(interpreter_id, recipe_id, **options)
        except matrix.Missing as reason:
            pytest.skip("%s: %s" % (interpreter_id, reason))
    return made


@pytest.fixture(scope="session")
def core(interpreter, core_of):
    """core(recipe_id, stripped=False, **options) -> Core, made by `interpreter`."""
    def made(recipe_id, stripped=False, **options):
        wanted = matrix.plain(interpreter) + matrix.STRIPPED if stripped else interpreter
        return core_of(wanted, recipe_id, **options)
    return made


@pytest.fixture(scope="session")
def death_of(core_of):
    """death_of(interpreter_id, recipe_id, **options) -> Core of a death, with the C extension where
    there can be one."""
    def made(interpreter_id, recipe_id, env=None):
        if not deaths.is_due(interpreter_id, recipe_id):
            pytest.skip("%s: %s is made with PYLEAK_FULL=1, else by few"
                        % (interpreter_id, recipe_id))
        env = dict(env or {})
        try:
            env["PYTHONPATH"] = str(extension.built(interpreter_id, "deathext", flags=["-O2"]))
        except pytest.skip.Exception:
            if recipe_id in deaths.NEED_EXTENSION:
                raise
        return core_of(interpreter_id, recipe_id, env=env)
    return made


@pytest.fixture(scope="session")
def death(interpreter, death_of):
    """death(recipe_id, **options) -> Core, made by `interpreter`."""
    return lambda recipe_id, **options: death_of(interpreter, recipe_id, **options)


@pytest.fixture(scope="session")
def pyleak():
    """pyleak(analysis, core, *options, status=0) -> Result: see support/pyleak.py; skips if it
    is not built."""
    if not pyleak_binary.PYLEAK.exists():
        pytest.skip("build/bin/pyleak is not built: make")
    return pyleak_binary.run


@pytest.fixture(scope="session")
def ask():
    """ask(analysis, core, *options, status=0) -> Result, for many questions to one core: see
    support/session.py."""
    if not session.LIBRARY.exists():
        pytest.skip("build/lib/libpyleak.so is not built: make")
    sessions = session.Sessions()
    yield sessions.ask
    sessions.close()
