"""Dated rows of reps: a past fit and forecast know no later hire, move, leaver, manager or territory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import AS_OF, example_fit, example_tables
from spmforecast.data import read_history
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate

LATER = "2024-08-16"


def with_rows(rows):
    """Add rows to the reps table of the example; what is not said is as in the rep's own row."""
    reps = example_tables()["reps"]
    own = reps.set_index("rep_id", drop=False)
    told = [{**(own.loc[row["rep_id"]].to_dict() if row["rep_id"] in own.index else {}), **row} for row in rows]
    return {**example_tables(), "reps": pd.concat([reps, pd.DataFrame(told)], ignore_index=True)}


def sellers():
    return example_fit().roster.owners


def places_of_one():
    """Where the first seller stands, and another territory."""
    places = example_fit().roster.places["territory_id"]
    return places.iloc[0], places[places != places.iloc[0]].iloc[0]


def changes():
    """Rows that take effect on the day after AS_OF, by what they tell."""
    one, two = sellers()[:2]
    place = places_of_one()[1]
    return {
        "hire": [{"rep_id": "R900", "territory_id": place, "hire_date": LATER, "effective_from": LATER}],
        "undated hire": [{"rep_id": "R901", "territory_id": place, "hire_date": LATER, "effective_from": None}],
        "move": [{"rep_id": one, "territory_id": place, "effective_from": LATER}],
        "manager": [{"rep_id": one, "manager_id": "M-new", "effective_from": LATER}],
        "leaver": [{"rep_id": two, "end_date": LATER, "effective_from": LATER}],
        "role": [{"rep_id": two, "role": "manager", "name": "Somebody Else", "effective_from": LATER}],
    }


@pytest.fixture(scope="module")
def forecast():
    return simulate(example_fit(), until="2024-12-31", trials=200, seed=5)


@pytest.mark.parametrize("what", ["hire", "undated hire", "move", "manager", "leaver", "role"])
def test_a_later_row_changes_nothing_of_a_past_forecast(what, forecast):
    history = read_history(with_rows(changes()[what]), max_rejected_share=0.0)
    model = PipelineModel().fit(history, as_of=AS_OF)
    pd.testing.assert_frame_equal(model.roster.places, example_fit().roster.places)
    pd.testing.assert_frame_equal(model.deals, example_fit().deals)
    pd.testing.assert_frame_equal(model.history.current_reps(), example_fit().history.current_reps())
    assert model.attrition == example_fit().attrition
    again = simulate(model, until="2024-12-31", trials=200, seed=5)
    np.testing.assert_array_equal(again.draws, forecast.draws)
    pd.testing.assert_frame_equal(again.cells, forecast.cells)


@pytest.mark.parametrize("what", ["hire", "move", "manager", "leaver"])
def test_on_its_day_the_same_row_is_known(what):
    history = read_history(with_rows(changes()[what]), max_rejected_share=0.0)
    then, before = (PipelineModel().fit(history, as_of=day).roster for day in (LATER, AS_OF))
    one, two = before.owners[:2]
    if what == "hire":
        assert set(then.owners) - set(before.owners) == {"R900"}
    elif what == "leaver":
        assert set(before.owners) - set(then.owners) == {two}
    else:
        column = {"move": "territory_id", "manager": "manager_id"}[what]
        assert then.places.loc[one, column] == changes()[what][0][column] != before.places.loc[one, column]


def test_an_end_date_that_is_still_to_come_is_not_known():
    tables = dict(example_tables())
    reps = tables["reps"].copy()
    rows = (reps["rep_id"] == sellers()[0]).to_numpy()
    reps["end_date"] = reps["end_date"].astype(object).mask(rows, LATER)
    tables["reps"] = reps
    model = PipelineModel().fit(read_history(tables), as_of=AS_OF)
    assert model.roster.owners == sellers()
    assert model.attrition == example_fit().attrition


def test_deals_of_a_mover_stay_where_they_were_won_and_new_ones_follow_the_mover():
    moved = "2024-06-01"
    won = example_fit().deals.query("status == 'won' and close_date >= '2024-01-01'")
    early, late = (set(won.loc[side, "owner_id"]) for side in (won["close_date"] < moved, won["close_date"] >= moved))
    one = next(owner for owner in sellers() if owner in early & late)
    places = example_fit().roster.places["territory_id"]
    old = places[one]
    new = places[places != old].iloc[0]
    tables = with_rows([{"rep_id": one, "territory_id": new, "effective_from": moved}])
    tables["opportunities"] = tables["opportunities"].drop(columns=["territory_id", "region"], errors="ignore")
    model = PipelineModel().fit(read_history(tables), as_of=AS_OF)
    deals = model.deals[model.deals["owner_id"] == one]
    closed = deals["status"] != "open"
    before = deals[closed & (deals["close_date"] < moved)]
    after = deals[closed & (deals["close_date"] >= moved)]
    assert set(before["territory_id"]) == {old}
    assert set(after["territory_id"]) == set(deals.loc[~closed, "territory_id"]) == {new}
    cells = simulate(model, until="2024-12-31", trials=20, seed=5).cells
    own = cells[cells["owner_id"] == one]
    assert set(own.loc[own["part"] == "new", "territory_id"]) == {new}
    assert set(own.loc[own["part"] == "won", "territory_id"]) == {old, new}
