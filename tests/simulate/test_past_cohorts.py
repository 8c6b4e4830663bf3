"""New deals of earlier quarters held against the tables: what is missed in each month of a quarter is made up for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import UNTIL
from spmforecast.calendar import FiscalCalendar
from spmforecast.data import ExampleCompany, read_history
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.looking_back import look_back
from spmforecast.simulate.moved import run_together
from spmforecast.simulate.open_tables import open_rows
from spmforecast.simulate.past_cohorts import _comparable


def looked_back(model, kind, until=UNTIL):
    horizon = build_horizon(model.as_of, until, kind, model.calendar)
    (centre,) = run_together(model, horizon, [model.process.shifted(0.0)])
    return look_back(model, horizon, centre, open_rows(model))


def test_deals_that_agreed_wait_for_the_end_of_the_quarter():
    tables = ExampleCompany(seed=7, character="calm", size="small").tables()
    months = looked_back(PipelineModel().fit(read_history(tables), as_of="2025-06-30"), "month", "2025-12-31").months
    assert months[0] < 0.97 < months[1] < 1.03 < months[2]
    np.testing.assert_array_equal(months[3:6], months[:3])


def test_quarters_know_no_months(model):
    back = looked_back(model, "quarter")
    np.testing.assert_array_equal(back.months, np.ones(len(back.months)))


def test_months_sum_to_the_quarters_that_are_forecast_directly(model, forecast):
    by_month = simulate(model, until=UNTIL, period="month", trials=1000, seed=5)
    whole = [made.draws.sum(axis=1).mean() for made in (by_month, forecast)]
    assert whole[0] == pytest.approx(whole[1], rel=0.06)


@pytest.mark.parametrize("kind", ["month", "quarter"])
@pytest.mark.parametrize("as_of", ["2024-12-31", "2025-03-31", "2025-06-30", "2025-02-10", "2025-05-31"])
def test_cohorts_of_earlier_quarters_are_held_against_those_that_lie_alike_in_the_calendar(as_of, kind):
    calendar, today = FiscalCalendar(), pd.Timestamp(as_of)
    horizon = build_horizon(today, "2026-06-30", kind, calendar)
    tomorrow = today + pd.Timedelta(days=1)
    alike = [tomorrow - pd.DateOffset(months=3 * k) - pd.Timedelta(days=1) for k in range(1, 9)]
    dates = [int(np.datetime64(day, "D").astype(int)) for day in alike]
    number = int(np.datetime64(today, "D").astype(int))
    seen = 0
    for at, lag, moved in _comparable(horizon, dates, number):
        begins = int(np.searchsorted(horizon.cell, at)) + 1  # day after the as-of date on which the cohort begins
        then, now = (pd.Timestamp(day, unit="D") for day in (begins - moved, number + begins))
        assert then <= today
        assert abs(then.day - now.day) <= 3 or {then.day, now.day} <= {1, 2, 28, 29, 30, 31}
        assert (then.month - now.month) % 3 == 0 or abs(then.day - now.day) > 20
        seen += lag == 0
    assert seen >= len(dates)
