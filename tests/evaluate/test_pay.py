"""What a plan costs on draws, on cases that can be worked out on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.evaluate.pay import price_draws, price_plan
from spmforecast.plan import CompPlan
from spmforecast.plan.compensation.effort import Elasticity
from spmforecast.simulate import Forecast

PLAN = CompPlan.parse("name: p\ncomponents:\n  - {name: a, rate: 10%, accelerators: {above: 100%, multiplier: 2}}\n")
# Two reps in one quarter, four trials; quotas of 100 and 200.
DRAWS = np.array([[50.0, 200.0], [150.0, 200.0], [100.0, 300.0], [100.0, 100.0]])
QUOTAS = pd.DataFrame({"rep_id": ["A", "B"], "period": "2025Q3", "quota": [100.0, 200.0]})
PAY = np.array([[5.0, 20.0], [20.0, 20.0], [10.0, 40.0], [10.0, 10.0]])


@pytest.fixture
def cost():
    cells = pd.DataFrame({"owner_id": ["A", "B"], "period": "2025Q3"})
    return price_plan(Forecast(DRAWS, cells), PLAN, QUOTAS)


def test_pay_is_that_of_each_draw(cost):
    np.testing.assert_array_equal(cost.pay[:, :, 0], PAY)
    assert (cost.reps, cost.periods) == (("A", "B"), ("2025Q3",))
    assert spm.price_plan is price_plan


def test_measures_of_cost_and_reward(cost):
    got = cost.metrics().set_index("metric")["value"]
    assert got["comp_cost"] == PAY.sum(axis=1).mean() == 33.75
    assert got["comp_cost_p90"] == pytest.approx(np.quantile([25, 40, 50, 20], 0.9))
    assert got["comp_cost_sd"] == pytest.approx(np.std([25, 40, 50, 20], ddof=1))
    assert got["comp_cost_at_mean_bookings"] == 10 + 20  # both reach quota exactly on average
    assert got["cost_of_sales"] == 33.75 / 300
    assert got["payout_ratio"] == 33.75 / 30
    assert got["leverage"] == pytest.approx(np.quantile(PAY / [10, 20], 0.9))
    assert got["reps_at_quota"] == 6 / 8
    attained = DRAWS / [100, 200]
    assert got["pay_performance"] == pytest.approx(np.corrcoef(attained.ravel(), (PAY / [10, 20]).ravel())[0, 1])
    assert got["comp_cost[2025Q3]"] == 33.75
    assert not cost.metrics()["metric"].duplicated().any()


def test_expected_pay_is_above_the_pay_of_mean_bookings_with_accelerators(cost):
    got = cost.metrics().set_index("metric")["value"]
    assert got["comp_cost"] > got["comp_cost_at_mean_bookings"]


def test_pay_by_rep_and_by_decile(cost):
    reps = cost.by_rep().set_index("rep_id")
    assert reps.loc["A", ["bookings", "quota", "target_pay", "pay"]].tolist() == [100.0, 100.0, 10.0, 11.25]
    deciles = cost.deciles()
    assert deciles["share"].sum() == pytest.approx(1)
    assert deciles["attainment"].is_monotonic_increasing
    assert len(deciles) == 8  # of eight rep-draws each stands alone
    assert set(deciles["pay"]) == {5.0, 10.0, 20.0, 40.0}


def test_months_are_added_up_to_quarters_and_strangers_left_out():
    cells = pd.DataFrame(
        {
            "owner_id": ["A", "A", "C", "A"],
            "part": ["new", "open", "new", "new"],
            "period": ["2025-07", "2025-08", "2025-07", "2025-10"],
        }
    )
    draws = np.array([[60.0, 60.0, 500.0, 70.0]])
    cost = price_plan(Forecast(draws, cells), PLAN, QUOTAS.iloc[:1])
    assert cost.pay.tolist() == [[[14.0]]]


def test_reps_without_quotas_and_targets_give_missing_figures():
    flat = CompPlan.parse("name: flat\ncomponents: [{name: a, rate: 10%}]\n")
    cost = price_draws(flat, np.array([[[100.0]], [[50.0]]]), [[np.nan]], ["A"], ["2025Q3"])
    got = cost.metrics().set_index("metric")["value"]
    assert got["comp_cost"] == 7.5
    assert got[["leverage", "pay_performance", "reps_at_quota", "payout_ratio"]].isna().all()


def test_effort_is_off_unless_asked_for_and_then_printed(cost):
    assert cost.assumptions == ()
    cells = pd.DataFrame({"owner_id": ["A", "B"], "period": "2025Q3"})
    switch = Elasticity(1.0, 0.1)
    moved = price_plan(Forecast(DRAWS, cells), PLAN, QUOTAS, effort=[switch])
    assert moved.assumptions == (switch.assumption,)
    assert switch.assumption.replace("'", "&#x27;") in moved._repr_html_()
    assert "assumption" not in cost._repr_html_()
    rate = PLAN.marginal(DRAWS[:, :, None], np.array([[100.0], [200.0]])).mean(axis=0)
    np.testing.assert_allclose(moved.bookings, DRAWS[:, :, None] * rate / 0.1)


def test_what_cannot_be_priced_is_refused(cost):
    cells = pd.DataFrame({"owner_id": ["A", "B"], "period": "2025Q3"})
    forecast = Forecast(DRAWS, cells)
    with pytest.raises(InputError, match="a quota is given twice"):
        price_plan(forecast, PLAN, pd.concat([QUOTAS, QUOTAS]))
    with pytest.raises(InputError, match="the forecast does not reach this period"):
        price_plan(forecast, PLAN, QUOTAS.assign(period="2026Q3"))
    with pytest.raises(InputError, match="Give \\(trials, reps, periods\\)"):
        price_draws(PLAN, DRAWS, [[100.0], [200.0]], ["A", "B"], ["2025Q3"])
