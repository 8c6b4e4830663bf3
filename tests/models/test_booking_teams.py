"""Shocks of teams where bookings alone are recorded: found where they were put in, and how well they are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.data import read_history
from spmforecast.models import BookingsModel

REPS, ACCOUNTS = 12, 10


def tables(swing=0.0):
    """Every account of three regions orders once a quarter, on any day; the North's quarters are good and bad."""
    rng, rows = np.random.default_rng(4), []
    for at, quarter in enumerate(pd.period_range("2020Q1", "2024Q2", freq="Q")):
        days = (quarter.end_time - quarter.start_time).days + 1
        for rep in range(REPS):
            region = ("North", "East", "South")[rep % 3]
            size = 1000.0 * np.exp(swing * (-1) ** at * (region == "North"))
            for account in range(ACCOUNTS):
                day = quarter.start_time + pd.Timedelta(days=int(rng.integers(days)))
                amount = round(size * np.exp(0.3 * rng.standard_normal()), 2)
                row = {"rep_id": f"R{rep:02d}", "account_id": f"A{rep}-{account}", "date": day, "amount": amount}
                rows.append({**row, "region": region})
    return {"bookings": pd.DataFrame(rows)}


@pytest.mark.parametrize("until", ["2024-03-31", "2024-05-10"])
def test_a_region_whose_quarters_swing_is_found_and_none_where_none_does(until):
    swung, calm = (BookingsModel().fit(read_history(tables(swing)), until).teams for swing in (0.4, 0.0))
    assert swung.teams.names == ("East", "North", "South")
    assert swung.teams.by == "region"
    assert swung.spread.tau_mean() > 0.2
    assert calm.spread.tau_mean() < 0.06
    np.testing.assert_allclose(calm.share, 1 / 3, atol=0.03)
    under_way = until == "2024-05-10"
    assert (swung.spread.present != 0).any() == under_way


def test_a_quarter_that_has_just_begun_tells_as_little_as_a_part_of_one_scatters(monkeypatch):
    """Accounts that buy by the quarter scatter little over whole ones, but twenty days hold anybody's orders."""
    from spmforecast.models.bookings import teams

    told = {}
    fit = teams.fit_team_spread

    def spy(**asked):
        told.update(asked)
        return fit(**asked)

    monkeypatch.setattr(teams, "fit_team_spread", spy)
    model = BookingsModel().fit(read_history(tables()), "2024-01-20")
    share = model.factors.noise.share
    assert share < 0.3
    # What is expected of twenty days is twenty days' part, so the error of their log is as many times larger, at least.
    part = 20 / 91
    whole, begun = told["noise"][:, 8:-1].mean(), told["noise"][:, -1].mean()
    assert begun > 0.7 * whole / part * (1 - part * (1 - share)) / share
    assert begun > 2 * whole / part
