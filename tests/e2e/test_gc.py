"""`gc` against gc.get_stats(), get_count(), get_threshold(), isenabled() of the dying process."""

import pytest

RECIPES = ["minimal", "mixed", "frozen", "nogc"]


def state_of(result):
    return {row["key"]: row["value"] for row in result.rows("state")}


@pytest.mark.parametrize("recipe", RECIPES)
def test_counts_thresholds_and_statistics(core, ask, recipe):
    made = core(recipe)
    truth = made.truth["gc"]
    result = ask("gc", made, "--format", "json")
    rows = [row for row in result.rows("generations") if row["generation"] != "permanent"]
    assert [row["threshold"] for row in rows] == truth["threshold"]
    assert [row["count"] for row in rows] == truth["count"]
    if truth.get("stats"):
        for column in ("collections", "collected", "uncollectable"):
            assert [row[column] for row in rows] == [one[column] for one in truth["stats"]], column
    objects = sum(row["objects"] for row in rows)
    assert objects == sum(row["count"] for row in made.truth["tracked"])


@pytest.mark.parametrize("recipe", RECIPES)
def test_state(core, ask, recipe):
    made = core(recipe)
    truth = made.truth["gc"]
    state = state_of(ask("gc", made, "--format", "json"))
    assert state["enabled"] == truth["enabled"]
    assert state["collecting"] is False
    assert state["garbage"] == truth["garbage"]["count"]
    if truth.get("callbacks") is not None:
        assert state["callbacks"] == truth["callbacks"]
    if truth.get("frozen") is not None:
        assert state["frozen"] == truth["frozen"]
