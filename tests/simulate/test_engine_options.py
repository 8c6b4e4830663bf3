"""Periods, fiscal years, levels and worlds that a simulation may be asked for, and what is refused."""

from __future__ import annotations

import pytest

import spmforecast as spm
from companies import AS_OF, UNTIL, example_tables
from spmforecast.calendar import FiscalCalendar
from spmforecast.data import read_history
from spmforecast.errors import InputError
from spmforecast.models import PipelineModel
from spmforecast.simulate import simulate


def test_months_as_periods(model):
    got = simulate(model, until="2024-09-30", trials=200, period="month", levels=())
    assert set(got.cells.loc[got.cells["part"] != "won", "period"]) == {"2024-08", "2024-09"}
    assert set(got.cells.loc[got.cells["part"] == "won", "period"]) <= {f"2024-{m:02d}" for m in range(1, 9)}
    assert (got.period_draws("2024Q3") >= got.period_draws("2024-09")).all()


def test_other_fiscal_year():
    shifted = PipelineModel(fiscal_year_start=2).fit(read_history(example_tables()), as_of=AS_OF)
    got = simulate(shifted, until="2024-10-31", trials=100)
    assert set(got.cells.loc[got.cells["part"] != "won", "period"]) == {"2025Q3"}
    assert got.years == ["2025"]
    with pytest.raises(InputError, match=r"last day of a quarter.*2024-10-31"):
        simulate(shifted, until="2024-09-30", trials=100)


def test_levels_become_columns_and_change_no_total_much(model):
    got = simulate(model, until="2024-09-30", trials=100, levels=["product", "lead_source"])
    assert {"product", "lead_source", "region", "segment"} <= set(got.cells)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"trials": 0}, "whole number of at least 1"),
        ({"jobs": 0}, "whole number of at least 1"),
        ({"until": "2024-08-15"}, "must end after as_of"),
        ({"until": "2024-11-30"}, "last day of a quarter"),
        ({"until": "2024-10-15", "period": "month"}, "last day of a month"),
        ({"until": "someday"}, "not a date"),
        ({"levels": ["colour"]}, "deals have no such attribute"),
    ],
)
def test_what_cannot_be_simulated_is_refused(model, options, told):
    with pytest.raises(InputError, match=told):
        simulate(model, **{"until": UNTIL, "trials": 10} | options)


def test_all_numbers_that_are_wrong_are_told_at_once(model):
    with pytest.raises(InputError, match=r"at least 1") as caught:
        simulate(model, until=UNTIL, trials=-1, jobs=0, worlds=0)
    assert [problem.column for problem in caught.value.problems] == ["trials", "jobs", "worlds"]


def test_fewer_draws_of_the_parameters_tell_less_of_what_is_in_doubt(model, forecast):
    sure = simulate(model, until=UNTIL, trials=len(forecast.draws), seed=1, worlds=1)
    assert set(sure.drivers.world) == {0}
    assert set(forecast.drivers.world) == set(range(64))
    assert sure.draws.sum(axis=1).mean() == pytest.approx(forecast.draws.sum(axis=1).mean(), rel=0.1)


def test_public_name_is_the_engine(model):
    assert isinstance(spm.simulate(model, until="2024-09-30", trials=8), spm.Forecast)
    assert spm.simulate(model, until="2024-09-30", trials=8).calendar == FiscalCalendar()
