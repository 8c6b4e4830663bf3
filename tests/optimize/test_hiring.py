"""Hiring: what is certain on paper, pairing of draws, and the price of delay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.optimize.hirelaw import HireLaw, learn_hire_law
from spmforecast.optimize.hiring import hire_bookings, plan_hiring
from spmforecast.plan.ramp import productive_months, table_ramp
from spmforecast.simulate import Forecast

RAMP = (0.0, 0.0, 0.25, 0.5, 0.75, 1.0)
SURE = HireLaw(monthly=10_000.0, ramp=RAMP)
LAW = HireLaw(10_000.0, RAMP, 1.0, 0.3, 0.5, 0.02, 1.5, 0.5, 0.5)
STARTS = ["2025-07-01", "2025-08-01", "2025-09-01"]


@pytest.fixture(scope="module")
def forecast():
    rng = np.random.default_rng(1)
    draws = np.exp(rng.normal(12, 0.15, (2000, 4)))
    return Forecast(draws, pd.DataFrame({"owner_id": "A", "period": ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]}))


def test_a_sure_hire_brings_the_ramped_months(forecast):
    got = hire_bookings(SURE, forecast, "2025Q4", "2025-08-16", 2)
    months = productive_months(table_ramp(RAMP), 2 - 15 / 31, 5 - 15 / 31)
    np.testing.assert_allclose(got, 10_000 * months)
    assert (hire_bookings(SURE, forecast, "2025Q4", "2026-01-01", 1) == 0).all()


def test_leavers_and_delay_have_the_mean_of_the_formula(forecast):
    law = HireLaw(10_000.0, RAMP, hazard=0.03, spread=0.4, noise=0.6)
    got = hire_bookings(law, forecast, "2026Q2", "2025-07-01", 30).mean()
    assert got == pytest.approx(10_000 * productive_months(table_ramp(RAMP), 9, 12, 0.03), rel=0.01)
    late = HireLaw(10_000.0, (1.0,), delay_months=2.0)
    assert hire_bookings(late, forecast, "2025Q3", "2025-07-01", 1).mean() == pytest.approx(10_000)


def test_swings_of_the_company_are_shared(forecast):
    law = HireLaw(10_000.0, coupling=1.0)
    got = hire_bookings(law, forecast, "2025Q3", "2025-07-01", 1)[:, 0]
    company = forecast.period_draws("2025Q3")
    np.testing.assert_allclose(got, 30_000 * company / company.mean())


def test_nobodys_luck_changes_with_more_hires_or_other_places(forecast):
    few, more = (hire_bookings(LAW, forecast, "2026Q1", "2025-07-01", n, seed=3) for n in (2, 5))
    np.testing.assert_array_equal(few, more[:, :2])
    other = hire_bookings(LAW, forecast, "2026Q1", "2025-07-01", 2, seed=3, place="North")
    assert not np.allclose(few, other)


def test_a_later_start_never_brings_more(forecast):
    stays = replace(LAW, hazard=0.0)  # who starts later may be there when who started earlier has left
    early, late = (hire_bookings(stays, forecast, "2026Q1", day, 6) for day in ("2025-07-01", "2025-10-01"))
    assert (late <= early + 1e-6).all()


def test_the_smallest_number_is_found_and_delay_has_its_price(forecast):
    base = forecast.period_draws("2026Q2")
    target = float(np.quantile(base, 0.5)) + 60_000
    plan = plan_hiring(forecast, "2026Q2", target, SURE, STARTS, wanted=0.8)
    # A sure hire from July is ramped by April: 30,000 in the quarter.
    count = int(np.argmax([(base + 30_000 * n >= target).mean() >= 0.8 for n in range(21)]))
    assert plan.needed["hires"].tolist()[0] == count
    curve = plan.curve[plan.curve["start"] == "2025-07-01"]
    assert curve["p_target"].is_monotonic_increasing
    assert curve.loc[curve["hires"] < count, "p_target"].max() < 0.8
    assert plan.needed["carried_quota"].iloc[0] == pytest.approx(count * 30_000)
    year = plan_hiring(forecast, "2025Q4", 1.0, SURE, STARTS, wanted=0.8, most=3)
    assert year.needed["hires"].tolist() == [0, 0, 0]
    late = plan_hiring(forecast, "2025Q4", 10.0**9, SURE, STARTS, most=3)
    assert late.needed["hires"].isna().all()
    # Three hires a month later: ramped months 0.25 + 0.5 + 0.75 + … fall by one step of the ramp each month.
    lost = late.delay["lost"].tolist()
    assert lost[0] == 0.0
    assert lost[1] == pytest.approx(3 * 10_000 * (2.25 - 1.5))
    assert late.delay["months_later"].tolist() == [0.0, 1.0, 2.0]


def test_hires_go_where_they_help_most(forecast):
    places = {"small": HireLaw(5_000.0), "large": HireLaw(20_000.0)}
    plan = plan_hiring(forecast, "2025Q4", 10.0**7, places, ["2025-07-01"], most=3)
    assert plan.curve["place"].tolist() == ["", "large", "large", "large"]
    assert plan.needed["places"].tolist() == ["large 3"]


def test_the_plan_does_not_depend_on_what_else_is_asked(forecast):
    one = plan_hiring(forecast, "2026Q1", 300_000, LAW, STARTS[1:2], most=4).curve
    all_ = plan_hiring(forecast, "2026Q1", 300_000, LAW, STARTS, most=4).curve
    again = all_[all_["start"] == "2025-08-01"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, again)


@pytest.mark.parametrize("character", ["tiny"])
def test_the_law_is_learnt_from_a_fit(character):
    history = spm.read_history(spm.ExampleCompany(seed=7, character=character).tables())
    model = spm.PipelineModel().fit(history, as_of="2025-06-30")
    forecast = spm.simulate(model, until="2025-12-31", trials=200, seed=1)
    law = learn_hire_law(model, forecast, delay_months=2.0)
    company = forecast.period_draws("2025").mean()
    assert 0.3 < law.monthly * 6 * len(model.roster.owners) / company < 3
    assert law.lag_months == pytest.approx(model.cycle_lengths(by=None)["median"].iloc[0] / 30.4375)
    assert law.delay_months == 2.0
    assert 0 <= law.coupling <= 1
    assert law.noise > 0
    plan = plan_hiring(forecast, "2025Q4", company, law, ["2025-07-01"], most=2)
    assert plan.curve["added"].is_monotonic_increasing


def test_wrong_questions_are_named(forecast):
    with pytest.raises(InputError, match="must be a number of at least 0") as caught:
        HireLaw(-1.0, (), coupling=2.0)
    assert [problem.column for problem in caught.value.problems] == ["monthly", "ramp", "coupling"]
    with pytest.raises(InputError, match="does not reach this period") as caught:
        plan_hiring(forecast, "2030Q1", -1, SURE, ["soon"], wanted=0, most=0)
    assert len(caught.value.problems) == 5
    with pytest.raises(InputError, match="no start is given"):
        plan_hiring(forecast, "2025Q4", 1, SURE, [])


def test_leavers_are_replaced_where_the_law_says(forecast):
    gone = HireLaw(10_000.0, (1.0,), hazard=0.1)
    back = replace(gone, backfill_months=1.0)
    alone, held = (hire_bookings(law, forecast, "2026Q1", "2025-07-01", 20) for law in (gone, back))
    assert (held >= alone - 1e-9).all()
    # A seat that is empty for a month after a mean stay of ten is held ten elevenths of the time in the long run.
    assert held.mean() == pytest.approx(30_000 * 10 / 11, rel=0.03)
    at_once = hire_bookings(replace(gone, backfill_months=0.0), forecast, "2026Q1", "2025-07-01", 5)
    np.testing.assert_allclose(at_once, 30_000)
