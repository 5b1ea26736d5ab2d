"""`path` of objects that a C extension alone holds: where the reference is, named by file, symbol,
block or stack."""

import matrix
import pytest
from support import extensions, paths


@pytest.fixture(scope="session")
def extension(interpreter):
    """The folder with leakext.so for `interpreter`."""
    try:
        return extensions.built(interpreter, "leakext")
    except matrix.Missing as reason:
        pytest.skip("%s: %s" % (interpreter, reason))


def test_paths_begin_where_c_code_holds_the_object(core, extension, pyleak):
    made = core("hidden", env={"PYTHONPATH": str(extension)})
    assert paths.wrong(pyleak, made) == {}


def test_paths_lead_through_a_distribution_package(core_of, pyleak):
    """pycurl.Curl keeps its callbacks in a struct whose layout pyleak does not know."""
    assert paths.wrong(pyleak, core_of("system", "curls")) == {}
