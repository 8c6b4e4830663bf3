"""How a forecast and its quotas stand against plan, on draws that can be checked on paper."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.evaluate import evaluate_plan
from spmforecast.evaluate.fairness import fairness
from spmforecast.plan import QuotaProposal
from spmforecast.simulate import Forecast

DRAWS = np.array([[10.0, 30.0, 5.0], [20.0, 20.0, 5.0], [30.0, 50.0, 15.0], [40.0, 0.0, 15.0]])
CELLS = pd.DataFrame({"owner_id": ["A", "B", "A"], "period": ["2025Q3", "2025Q3", "2025Q4"]})
PLAN = {"2025Q3": 45.0, "2025": 50.0}


@pytest.fixture
def forecast():
    return Forecast(DRAWS, CELLS)


def metrics(frame):
    assert list(frame.columns) == ["metric", "value", "se"]
    assert frame["metric"].is_unique
    return frame.set_index("metric")["value"]


def quotas_of(rows, remainder=None):
    columns = ["rep_id", "period", "quota", "p_attain", "expected_attainment", "mean"]
    table = pd.DataFrame(rows, columns=columns)
    return QuotaProposal(table, "equal-probability", 0.1, {"2025Q3": Decimal(50)}, remainder or {})


def test_plan_metrics_of_periods_and_years(forecast):
    got = metrics(evaluate_plan(forecast, PLAN))
    # Third quarter: 40, 40, 80, 40; year: 45, 45, 95, 55.
    assert got["p_plan[2025Q3]"] == 0.25
    assert got["p_plan[2025]"] == 0.5
    assert got["plan_gap[2025Q3]"] == 5.0
    assert got["plan_gap[2025]"] == 10.0
    assert got["expected_attainment[2025Q3]"] == pytest.approx(50 / 45)
    assert len(got) == 6
    assert spm.evaluate_plan is evaluate_plan


def test_errors_of_simulation_stand_beside_what_draws_tell(forecast):
    """Third quarter: 40, 40, 80, 40 against 45; A books 10, 20, 30, 40 and B 30, 20, 50, 0, each of a quota of 25."""
    table = quotas_of([["A", "2025Q3", 25.0, 0.5, 1.0, 25.0], ["B", "2025Q3", 25.0, 0.5, 1.0, 25.0]])
    frame = evaluate_plan(forecast, PLAN, table).set_index("metric")
    se = frame["se"]
    assert se["p_plan[2025Q3]"] == pytest.approx(np.sqrt(0.25 * 0.75 / 4))
    assert se["plan_gap[2025Q3]"] == pytest.approx(np.std([40, 40, 80, 40]) / 2)
    assert se["expected_attainment[2025Q3]"] == pytest.approx(np.std([40, 40, 80, 40]) / 2 / 45)
    assert se["quota_expected_attainment[2025Q3]"] == pytest.approx(np.std([40, 40, 80, 40]) / 2 / 50)
    # At quota: B; none; both; A. Carried: 10 + 25, 20 + 20, 50, 25.
    assert frame["value"]["reps_at_quota[2025Q3]"] == 0.5
    assert se["reps_at_quota[2025Q3]"] == pytest.approx(np.std([0.5, 0.0, 1.0, 0.5]) / 2)
    assert frame["value"]["p_plan_carried[2025Q3]"] == 0.25
    assert se["p_plan_carried[2025Q3]"] == pytest.approx(np.sqrt(0.25 * 0.75 / 4))
    assert se[["quota_total[2025Q3]", "quota_remainder[2025Q3]", "fairness_p_range[2025Q3]"]].isna().all()


def test_plan_of_nothing_has_no_attainment(forecast):
    got = metrics(evaluate_plan(forecast, {"2025Q4": 0.0}))
    assert got["p_plan[2025Q4]"] == 1.0
    assert np.isnan(got["expected_attainment[2025Q4]"])


def test_without_plan_there_is_nothing_to_judge(forecast):
    assert evaluate_plan(forecast, {}).empty


def test_quota_metrics(forecast):
    quotas = quotas_of(
        [("A", "2025Q3", 25.0, 0.5, 1.0, 25.0), ("B", "2025Q3", 30.0, 0.5, 25 / 30, 25.0)],
        {"2025Q3": Decimal("0.5")},
    )
    got = metrics(evaluate_plan(forecast, PLAN, quotas))
    assert got["quota_total[2025Q3]"] == 55.0
    assert got["quota_remainder[2025Q3]"] == 0.5
    assert got["quota_expected_attainment[2025Q3]"] == pytest.approx(50 / 55)
    assert got["reps_at_quota[2025Q3]"] == 0.5
    # Capped at quota the reps bring 40, 40, 55, 25 against 45.
    assert got["p_plan_carried[2025Q3]"] == 0.25


def test_fairness_is_that_of_the_fairness_module(forecast):
    rows = [("A", "2025Q3", 25.0, 0.5, 1.0, 25.0), ("B", "2025Q3", 30.0, 0.25, 25 / 30, 25.0)]
    got = metrics(evaluate_plan(forecast, PLAN, quotas_of(rows)))
    want = {name: v for name, v in fairness([0.5, 0.25], [1.0, 25 / 30]).metrics().items() if not np.isnan(v)}
    told = {name.removeprefix("fairness_").split("[")[0]: v for name, v in got.items() if name.startswith("fairness_")}
    assert told == pytest.approx(want)
    assert told["p_range"] == pytest.approx(0.25)


def test_reps_without_quota_do_not_bear_on_fairness(forecast):
    rows = [("A", "2025Q3", 50.0, 0.0, 0.5, 25.0), ("B", "2025Q3", 0.0, np.nan, np.nan, 25.0)]
    got = metrics(evaluate_plan(forecast, PLAN, quotas_of(rows)))
    assert got["fairness_p_range[2025Q3]"] == 0.0
    assert got["p_plan_carried[2025Q3]"] == 0.0
    assert got["reps_at_quota[2025Q3]"] == 0.0


def test_quotas_carry_more_the_higher_they_are(forecast):
    carried = [
        metrics(
            evaluate_plan(
                forecast, {"2025Q3": 40.0}, quotas_of([(rep, "2025Q3", quota, 0.5, 1.0, 25.0) for rep in "AB"])
            )
        )["p_plan_carried[2025Q3]"]
        for quota in (15.0, 20.0, 30.0, 60.0)
    ]
    assert carried == [0.0, 0.5, 0.75, 1.0]


def test_period_without_plan_is_not_said_to_be_carried(forecast):
    rows = [("A", "2025Q4", 10.0, 0.5, 1.0, 10.0)]
    got = metrics(evaluate_plan(forecast, PLAN, quotas_of(rows)))
    assert "p_plan_carried[2025Q4]" not in got
    assert got["quota_total[2025Q4]"] == 10.0


def test_plan_beyond_the_forecast_is_refused(forecast):
    with pytest.raises(InputError, match="does not reach this period"):
        evaluate_plan(forecast, {"2026Q1": 5.0})
