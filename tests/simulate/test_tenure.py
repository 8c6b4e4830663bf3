"""Newcomers win less often: open deals carry the tenure of their creation, deals to come count for their worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from companies import example_fit
from spmforecast.models.adjust import Ramp
from spmforecast.models.newcomers import WinRamp
from spmforecast.models.risksets import day_number
from spmforecast.simulate.adjusting.people import with_people
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import build_horizon


@pytest.fixture(scope="module")
def both():
    model = example_fit()
    ramp = model.creation.ramp
    even, steep = WinRamp(0.0, 0.0, 0.0, 1.0, 0, ramp), WinRamp(0.5, 0.3, 0.7, 1.1, 80, ramp)
    horizon = build_horizon(model.as_of, "2025-03-31", "quarter", model.calendar)
    return model, [build_inputs(replace(model, win_ramp=ramp), horizon, ("region",), 1, 8) for ramp in (even, steep)]


def test_open_deals_carry_the_tenure_of_their_creation(both):
    model, (even, steep) = both
    deals = model.deals.set_index("opportunity_id").loc[list(even.open_deals.ids)]
    hired = dict(zip(model.spans.owners, model.spans.hired.tolist(), strict=True))
    tenure = day_number(deals["created_date"]) - np.array([hired[owner] for owner in deals["owner_id"]])
    month = np.clip(tenure // 30.4375, 0, 12).astype(int)
    expected = 1.1 * (1.0 - 0.5 * (1.0 - model.creation.ramp[month]))
    won = [one.open_deals.win[:, one.open_deals.state].sum(axis=2) for one in (even, steep)]
    np.testing.assert_allclose(won[1] / won[0], np.broadcast_to(expected, won[0].shape), rtol=1e-4)
    assert len(np.unique(expected)) > 1


def test_deals_to_come_are_counted_by_what_they_are_worth(both):
    model, (even, steep) = both
    ratio = steep.new_deals.created[:, -1] / np.maximum(even.new_deals.created[:, -1], 1e-12)
    ramped = model.roster.hired < day_number(model.deals["created_date"]).max() - 400
    assert ramped.any()
    np.testing.assert_allclose(ratio[ramped], 1.1)
    plain, less = (one.new_deals.succeeded[0] for one in (even, steep))  # of whoever follows a leaver of the first day
    fresh = less[plain > 0] / plain[plain > 0]
    assert fresh[0] < 0.9
    assert (np.diff(fresh) > 0).all()


def test_a_slower_ramp_to_come_leaves_veterans_and_open_deals_alone(both):
    model, (_, steep) = both
    horizon = build_horizon(model.as_of, "2025-03-31", "quarter", model.calendar)
    fitted = replace(model, win_ramp=WinRamp(0.5, 0.3, 0.7, 1.1, 80, model.creation.ramp))
    slow = build_inputs(with_people(fitted, [Ramp(2.0)]), horizon, ("region",), 1, 8)
    np.testing.assert_array_equal(slow.open_deals.win, steep.open_deals.win)
    ramped = model.roster.hired < day_number(model.deals["created_date"]).max() - 400
    np.testing.assert_array_equal(slow.new_deals.created[ramped], steep.new_deals.created[ramped])
    assert (slow.new_deals.succeeded[0] < steep.new_deals.succeeded[0]).any()


def test_rates_tell_newcomers_wins_with_their_interval():
    model = example_fit()
    row = model.summary().query("unit == 'relative hazard of a win'").iloc[0]
    assert row["low"] < row["estimate"] < row["high"] <= 1.0
    assert row["deals"] == model.win_ramp.wins
