"""What is left of a quarter under way: its orders come on any day, however regularly accounts buy by the quarter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from spmforecast.data import read_history
from spmforecast.models import BookingsModel
from spmforecast.simulate.bookings.block import simulate_booking_block
from spmforecast.simulate.bookings.inputs import build_booking_inputs
from spmforecast.simulate.horizon import build_horizon

REPS, ACCOUNTS = 12, 10


@pytest.fixture(scope="module")
def tables():
    """Every account orders once in every quarter, on any of its days."""
    rng, rows = np.random.default_rng(4), []
    for quarter in pd.period_range("2020Q1", "2024Q2", freq="Q"):
        days = (quarter.end_time - quarter.start_time).days + 1
        for rep in range(REPS):
            for account in range(ACCOUNTS):
                day = quarter.start_time + pd.Timedelta(days=int(rng.integers(days)))
                amount = round(1000.0 * np.exp(0.3 * rng.standard_normal()), 2)
                rows.append({"rep_id": f"R{rep:02d}", "account_id": f"A{rep}-{account}", "date": day, "amount": amount})
    return {"bookings": pd.DataFrame(rows)}


def inputs_at(tables, as_of, until, period="quarter"):
    model = BookingsModel().fit(read_history(tables), as_of)
    return model, build_booking_inputs(model, build_horizon(model.as_of, until, period, model.calendar), (), 1)


def test_whole_quarters_scatter_as_they_were_seen_to(tables):
    model, inputs = inputs_at(tables, "2023-12-31", "2024-06-30")
    assert model.factors.noise.share < 0.3
    np.testing.assert_allclose(inputs.left, 1.0, rtol=1e-12)


def test_the_less_is_left_the_more_it_scatters_up_to_independent_orders(tables):
    factors = []
    for as_of in ("2024-01-20", "2024-02-20", "2024-03-20", "2024-03-30"):
        model, inputs = inputs_at(tables, as_of, "2024-06-30")
        assert inputs.left[1] == 1.0
        share = model.factors.noise.share
        days = (pd.Timestamp("2024-03-31") - pd.Timestamp(as_of)).days
        factors.append(inputs.left[0] * share)
        assert factors[-1] == pytest.approx(1 - days / 91 * (1 - share), abs=0.02)
    assert factors == sorted(factors)
    assert factors[-1] < 1.0


def test_months_of_the_quarter_under_way_and_a_year_that_begins_with_it(tables):
    _, months = inputs_at(tables, "2024-02-20", "2024-06-30", "month")
    assert months.left[0] == months.left[1] > 1.0
    np.testing.assert_array_equal(months.left[2:], 1.0)
    _, year = inputs_at(tables, "2024-02-20", "2024-12-31", "year")
    days = 40 / 315  # of the year's rest, those that lie in the quarter
    assert year.left[0] - 1 == pytest.approx((months.left[0] - 1) * days, rel=0.01)


def test_intervals_of_the_rest_of_a_quarter_hold_what_comes(tables):
    """Each rep's rest after 70 days of ten quarters; as if the quarter's scatter were the rest's, few would be held."""
    booked = tables["bookings"]
    held: dict[str, list[bool]] = {"as it is": [], "as whole quarters": []}
    for quarter in pd.period_range("2022Q1", "2024Q2", freq="Q"):
        as_of = quarter.start_time + pd.Timedelta(days=69)
        _, inputs = inputs_at(tables, as_of, quarter.end_time.normalize())
        rest = booked[(booked["date"] > as_of) & (booked["date"] <= quarter.end_time)]
        truth = rest.groupby("rep_id")["amount"].sum().reindex([f"R{k:02d}" for k in range(REPS)], fill_value=0.0)
        plain = dataclasses.replace(inputs, left=np.ones_like(inputs.left))
        for name, one in (("as it is", inputs), ("as whole quarters", plain)):
            frame = one.plan.frame
            draws = simulate_booking_block(one, 0, 400).amounts
            for rep, came in truth.items():
                cells = ((frame["owner_id"] == rep) & (frame["part"] == "new")).to_numpy()
                low, high = np.quantile(draws[:, cells].sum(axis=1), [0.1, 0.9])
                held[name].append(low <= came <= high)
    assert len(held["as it is"]) == 120
    assert 0.7 <= np.mean(held["as it is"]) <= 0.9
    assert np.mean(held["as whole quarters"]) < 0.6
