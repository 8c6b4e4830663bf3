"""Forecast on draws written down by hand: sums, quantiles and chances that can be checked on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.simulate import Forecast

DRAWS = np.array(
    [
        [10.0, 1.0, 5.0, 0.0],
        [10.0, 2.0, 0.0, 7.0],
        [10.0, 3.0, 5.0, 1.0],
        [10.0, 4.0, 0.0, 0.0],
        [10.0, 5.0, 5.0, 2.0],
    ]
)
CELLS = pd.DataFrame(
    {
        "owner_id": ["A", "A", "B", "B"],
        "part": ["won", "open", "open", "new"],
        "period": ["2025Q3", "2025Q3", "2025Q3", "2025Q4"],
        "region": ["N", "N", "S", "S"],
    }
)


@pytest.fixture
def forecast():
    return Forecast(DRAWS, CELLS, counts=(DRAWS > 0).astype(np.float32))


def test_it_keeps_what_it_was_given(forecast):
    np.testing.assert_array_equal(forecast.draws, DRAWS)
    pd.testing.assert_frame_equal(forecast.cells, CELLS)
    assert forecast.trials == 5
    assert forecast.periods == ["2025Q3", "2025Q4"]
    assert forecast.years == ["2025"]
    assert spm.Forecast is Forecast


def test_index_of_the_cells_does_not_matter():
    got = Forecast(DRAWS, CELLS.set_axis([9, 4, 4, 1]))
    pd.testing.assert_frame_equal(got.cells, CELLS)


def test_totals_add_cells_up(forecast):
    by_period = forecast.totals(["period"])
    assert by_period.groups["period"].tolist() == ["2025Q3", "2025Q4"]
    np.testing.assert_array_equal(by_period.draws, np.stack([DRAWS[:, :3].sum(axis=1), DRAWS[:, 3]], axis=1))
    by_two = forecast.totals(["region", "period"])
    assert by_two.groups.to_numpy().tolist() == [["N", "2025Q3"], ["S", "2025Q3"], ["S", "2025Q4"]]
    np.testing.assert_array_equal(by_two.draws, np.stack([DRAWS[:, :2].sum(axis=1), DRAWS[:, 2], DRAWS[:, 3]], axis=1))
    np.testing.assert_array_equal(forecast.totals([]).draws[:, 0], DRAWS.sum(axis=1))
    np.testing.assert_array_equal(forecast.totals([], counts=True).draws[:, 0], (DRAWS > 0).sum(axis=1))


def test_every_level_adds_up_in_every_trial(forecast):
    for by in (["period"], ["owner_id"], ["region", "part"], ["owner_id", "part", "period", "region"]):
        np.testing.assert_array_equal(forecast.totals(by).draws.sum(axis=1), DRAWS.sum(axis=1))


def test_groups_with_missing_values_are_kept():
    cells = CELLS.assign(region=["N", None, None, "S"])
    got = Forecast(DRAWS, cells).totals(["region"])
    assert len(got.groups) == 3
    np.testing.assert_array_equal(got.draws.sum(axis=1), DRAWS.sum(axis=1))


def test_quantiles_are_numpys_of_the_sums(forecast):
    got = forecast.quantiles(by=["region", "period"], q=[0.1, 0.5, 0.9])
    assert got.columns.tolist() == [0.1, 0.5, 0.9]
    assert got.index.names == ["region", "period"]
    np.testing.assert_allclose(got.loc[("N", "2025Q3")], np.quantile(DRAWS[:, :2].sum(axis=1), [0.1, 0.5, 0.9]))
    one = forecast.quantiles(by=["period"], q=[0.5])
    assert one.index.name == "period"
    assert one.loc["2025Q3", 0.5] == 16.0
    assert forecast.quantiles(q=[0.5], counts=True).loc["2025Q4", 0.5] == 1.0


def test_chance_to_reach_plan_counts_draws_at_or_above(forecast):
    got = forecast.p_plan({"2025Q3": 14.0, "2025Q4": 1.0, "2025": 16.0})
    assert got.index.name == "period"
    assert got.to_dict() == {"2025Q3": 0.8, "2025Q4": 0.6, "2025": 0.8}


def test_plan_met_to_the_cent_is_met():
    # In floating point 0.7 + 0.1 falls short of 0.8.
    cents = np.array([[0.7, 0.1], [0.7, 0.09]])
    assert cents[0].sum() < 0.8
    got = Forecast(cents, CELLS.iloc[:2]).p_plan({"2025Q3": 0.8})
    assert got["2025Q3"] == 0.5
    assert Forecast(cents, CELLS.iloc[:2]).p_plan({"2025Q3": 0.81})["2025Q3"] == 0.0


def test_a_year_holds_its_quarters_and_months(forecast):
    np.testing.assert_array_equal(forecast.period_draws("2025"), DRAWS.sum(axis=1))
    months = Forecast(DRAWS[:, :2], pd.DataFrame({"period": ["2025-07", "2025-10"]}))
    np.testing.assert_array_equal(months.period_draws("2025Q3"), DRAWS[:, 0])
    np.testing.assert_array_equal(months.period_draws("2025"), DRAWS[:, :2].sum(axis=1))


def test_fiscal_years_are_named_by_their_end():
    fiscal = Forecast(DRAWS[:, :2], pd.DataFrame({"period": ["2026Q4", "2027Q1"]}), fiscal_year_start=2)
    assert fiscal.years == ["2026", "2027"]
    np.testing.assert_array_equal(fiscal.period_draws("2027"), DRAWS[:, 1])
    months = Forecast(DRAWS[:, :2], pd.DataFrame({"period": ["2025-01", "2025-02"]}), fiscal_year_start=2)
    assert months.years == ["2025", "2026"]


def test_periods_stand_in_order_of_time():
    got = Forecast(DRAWS[:, :3], pd.DataFrame({"period": ["2026Q1", "2025Q4", "2025Q2"]}))
    assert got.periods == ["2025Q2", "2025Q4", "2026Q1"]


def test_unknown_columns_and_periods_are_refused(forecast):
    with pytest.raises(InputError, match=r"cells have no such column.*owner_id, part, period, region.*") as caught:
        forecast.totals(["colour", "shape"])
    assert [problem.value for problem in caught.value.problems] == ["colour", "shape"]
    with pytest.raises(InputError, match=r"does not reach this period.*2026Q1.*2025Q3, 2025Q4"):
        forecast.period_draws("2026Q1")
    with pytest.raises(InputError, match=r"does not reach this period"):
        forecast.p_plan({"2025Q3": 1.0, "2024": 1.0})
    with pytest.raises(InputError, match=r"not a fiscal period"):
        forecast.p_plan({"Q3": 1.0})


def test_without_counts_there_are_no_numbers_of_wins():
    with pytest.raises(InputError, match=r"holds no numbers of wins"):
        Forecast(DRAWS, CELLS).totals(["period"], counts=True)


@pytest.mark.parametrize(
    ("draws", "cells", "counts", "told"),
    [
        (DRAWS[:, :3], CELLS, None, r"draws have shape \(5, 3\), cells 4 rows"),
        (DRAWS[0], CELLS, None, r"draws have shape \(4,\)"),
        (np.empty((0, 4)), CELLS, None, r"draws have shape \(0, 4\)"),
        (np.where(DRAWS == 7, np.nan, DRAWS), CELLS, None, "not finite"),
        (np.where(DRAWS == 7, np.inf, DRAWS), CELLS, None, "not finite"),
        (DRAWS, CELLS, np.ones((5, 3)), r"counts have shape \(5, 3\)"),
        (DRAWS, CELLS.drop(columns="period"), None, "no column period"),
        (DRAWS, CELLS.assign(period="third quarter"), None, "not a fiscal period"),
    ],
)
def test_draws_and_cells_must_fit(draws, cells, counts, told):
    with pytest.raises(InputError, match=told):
        Forecast(draws, cells, counts=counts)


def test_everything_wrong_is_told_at_once():
    with pytest.raises(InputError, match=r"draws have shape") as caught:
        Forecast(DRAWS[:, :3], CELLS.drop(columns="period"), counts=np.ones((2, 2)))
    assert len(caught.value.problems) == 3


def test_it_shows_itself(forecast):
    assert repr(forecast) == "Forecast(5 trials × 4 cells, 2025Q3 to 2025Q4)"
    assert "2025Q4" in forecast._repr_html_()


def test_a_calendar_of_weeks_travels_with_the_draws():
    weeks = FiscalCalendar(2, "4-5-4", "saturday", "nearest")
    cells = pd.DataFrame({"owner_id": "R1", "period": ["2025P12", "2026P01", "2026Q1"]})
    forecast = spm.Forecast([[1.0, 2.0, 4.0]], cells, calendar=weeks)
    assert forecast.calendar is weeks
    assert forecast.years == ["2025", "2026"]
    assert forecast.period_draws("2026Q1").tolist() == [6.0]
    with pytest.raises(InputError, match=r"fiscal month of weeks.*calendar="):
        spm.Forecast([[1.0, 2.0, 4.0]], cells, fiscal_year_start=2)
    with pytest.raises(InputError, match=r"begins its year in month 2"):
        spm.Forecast([[1.0, 2.0, 4.0]], cells, fiscal_year_start=3, calendar=weeks)
