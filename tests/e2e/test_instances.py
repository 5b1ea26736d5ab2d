"""`instances --sort`: the rows of the listing in address order, put into order by Python."""

import pytest


def rows(ask, made, *options):
    return ask("instances", made, "*", "--format", "json", "--limit", "0", *options).rows("instances")


@pytest.fixture
def made(core):
    return core("tiny")


@pytest.fixture
def listed(ask, made):
    """All objects, by address."""
    found = rows(ask, made)
    addresses = [int(row["address"], 16) for row in found]
    assert len(found) > 1000 and addresses == sorted(addresses)
    return found


@pytest.mark.parametrize("column", ["refcount", "size"])
def test_numbers_descend(ask, made, listed, column):
    """Of equal ones the lower address is first, either way; one that cannot be read counts as 0."""
    assert len({row[column] for row in listed}) > 10
    assert rows(ask, made, "--sort", column) == sorted(listed, key=lambda row: -(row[column] or 0))
    assert rows(ask, made, "--sort", "-" + column) == sorted(listed, key=lambda row: row[column] or 0)


def test_addresses(ask, made, listed):
    assert rows(ask, made, "--sort", "address") == listed[::-1]
    assert rows(ask, made, "--sort", "-address") == listed


def test_types_ascend(ask, made, listed):
    assert len({row["type"] for row in listed}) > 10
    assert rows(ask, made, "--sort", "type") == sorted(listed, key=lambda row: row["type"].encode())
    assert rows(ask, made, "--sort", "-type") == \
        sorted(listed, key=lambda row: row["type"].encode(), reverse=True)


def test_generations(ask, made, listed):
    """From the youngest to what is frozen; what the collector does not track is last either way."""
    order = ["0", "young", "1", "old0", "2", "old1", "permanent"]
    tracked = [row for row in listed if row["generation"] is not None]
    untracked = [row for row in listed if row["generation"] is None]
    assert tracked and untracked
    assert rows(ask, made, "--sort", "generation") == \
        sorted(tracked, key=lambda row: order.index(row["generation"])) + untracked
    assert rows(ask, made, "--sort", "-generation") == \
        sorted(tracked, key=lambda row: -order.index(row["generation"])) + untracked


@pytest.mark.parametrize("column", ["address", "type", "refcount", "size", "generation", "-size"])
def test_limit_takes_the_first(ask, made, column):
    every = rows(ask, made, "--sort", column)
    result = ask("instances", made, "*", "--format", "json", "--limit", "7", "--sort", column)
    assert result.rows("instances") == every[:7]


def test_a_type_alone(ask, made, listed):
    found = ask("instances", made, "dict", "--sort", "size", "--format", "json",
                "--limit", "0").rows("instances")
    assert found and found == sorted((row for row in listed if row["type"].split(".")[1:] == ["dict"]
                                      and row["type"].split(".")[0] in ("builtins", "__builtin__")),
                                     key=lambda row: -row["size"])


@pytest.mark.parametrize("column", ["repr", "nosuch", ""])
def test_no_such_column(ask, made, column):
    result = ask("instances", made, "dict", "--sort", column, status=2)
    assert "cannot sort by '%s'" % column in result.stderr
    assert "address type refcount size generation" in result.stderr
