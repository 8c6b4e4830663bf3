"""Quota proposals: sums that are exact, chances that are equal, and every wrong wish named."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.objective import Objective
from spmforecast.optimize.splits import equal_probability, proportional
from spmforecast.plan import QuotaProposal
from spmforecast.simulate import Forecast

REPS = ["Ann", "Bob", "Cleo", "Dan", "Eve"]


def lognormal(trials=4000, reps=5, seed=1):
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(np.linspace(9.0, 12.0, reps), np.linspace(0.2, 1.0, reps), size=(trials, reps)))


def forecast_of(draws, names=REPS, period="2025Q3"):
    return Forecast(draws, pd.DataFrame({"owner_id": names, "period": period}))


@pytest.fixture(scope="module")
def draws():
    return lognormal()


@pytest.fixture(scope="module")
def forecast(draws):
    return forecast_of(draws)


@pytest.fixture(scope="module")
def two_periods(draws):
    cells = pd.DataFrame({"owner_id": REPS * 2, "period": ["2025Q3"] * 5 + ["2025Q4"] * 5})
    return Forecast(np.hstack([draws, 1.5 * lognormal(seed=2)]), cells)


def exact_sum(table):
    return sum((Decimal(str(quota)) for quota in table["quota"]), Decimal(0))


# --- sums -----------------------------------------------------------------------------------------------------------


@given(
    total=st.decimals(0, 10**7, places=2),
    over=st.decimals("-0.5", "0.6", places=3),
    round_to=st.sampled_from([None, 0.01, 0.05, 1, 100, 1000, 2500]),
    method=st.sampled_from(["equal-probability", "proportional"]),
    reps=st.integers(1, 7),
    seed=st.integers(0, 50),
)
@settings(max_examples=60)
def test_quotas_and_remainder_sum_to_the_cushioned_total(total, over, round_to, method, reps, seed):
    forecast = forecast_of(lognormal(60, reps, seed), [f"R{i}" for i in range(reps)])
    got = propose_quotas(forecast, total, method, float(over), round_to)
    cushioned = (total * (1 + over)).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    left = got.remainder.get("2025Q3", Decimal(0))
    assert exact_sum(got.table) + left == cushioned
    assert 0 <= left < Decimal(str(round_to or 0.01))
    assert (got.table["quota"] >= 0).all()
    if round_to:
        assert all(Decimal(str(quota)) % Decimal(str(round_to)) == 0 for quota in got.table["quota"])


def test_cushion_comes_on_top(forecast):
    got = propose_quotas(forecast, 1_000_000, over_assignment=0.1)
    assert exact_sum(got.table) == 1_100_000
    assert got.total == {"2025Q3": Decimal(1_000_000)}
    assert got.over_assignment == 0.1
    assert got.remainder == {}
    assert got.assigned().to_dict() == {"2025Q3": 1_100_000.0}


def test_what_no_step_holds_is_declared(forecast):
    got = propose_quotas(forecast, 1_000_500, round_to=1000)
    assert got.remainder == {"2025Q3": Decimal(500)}
    assert exact_sum(got.table) == 1_000_000


def test_each_period_has_its_own_total(two_periods):
    got = propose_quotas(two_periods, {"2025Q4": 700_000, "2025Q3": 400_000})
    assert got.table["period"].tolist() == ["2025Q4"] * 5 + ["2025Q3"] * 5
    assert got.assigned().to_dict() == {"2025Q4": 700_000.0, "2025Q3": 400_000.0}


def test_a_year_is_judged_by_all_its_bookings(two_periods):
    got = propose_quotas(two_periods, {"2025": 1_000_000})
    both = two_periods.draws[:, :5] + two_periods.draws[:, 5:]
    np.testing.assert_allclose(got.table["mean"], both.mean(axis=0))
    np.testing.assert_allclose(got.table["quota"], equal_probability(both, 1e6), atol=0.011)


# --- equal chances --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0, 1.2, 1.6])
def test_everybody_has_the_same_chance_before_rounding(draws, share):
    quota = equal_probability(draws, share * draws.mean(axis=0).sum())
    chance = (draws >= quota).mean(axis=0)
    assert np.ptp(chance) <= 0.001
    assert quota.sum() == pytest.approx(share * draws.mean(axis=0).sum())


def test_normal_bookings_follow_the_closed_form():
    mean, sd = np.array([100.0, 200.0, 50.0]), np.array([10.0, 40.0, 5.0])
    z = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    quota = equal_probability(mean + sd * z[:, None], 400.0)
    np.testing.assert_allclose(quota, mean + sd * (400 - mean.sum()) / sd.sum(), rtol=1e-4)


def test_higher_totals_never_lower_a_quota(draws):
    quotas = np.stack([equal_probability(draws, total) for total in np.linspace(1e4, 2e6, 60)])
    assert (np.diff(quotas, axis=0) >= -1e-6).all()


def test_order_of_the_reps_does_not_matter(draws):
    order = [3, 0, 4, 2, 1]
    one = propose_quotas(forecast_of(draws), 500_000).table
    names = [REPS[i] for i in order]
    other = propose_quotas(forecast_of(draws[:, order], names), 500_000, reps=names).table
    assert one["rep_id"].tolist() == REPS
    assert other["rep_id"].tolist() == names
    again = other.set_index("rep_id").loc[REPS, "quota"]
    np.testing.assert_allclose(again, one["quota"], atol=0.011)


def test_several_cells_of_a_rep_are_added_up(draws):
    cells = pd.DataFrame({"owner_id": REPS * 2, "period": "2025Q3", "part": ["open"] * 5 + ["new"] * 5})
    split = Forecast(np.hstack([0.3 * draws, 0.7 * draws]), cells)
    one, two = (propose_quotas(f, 500_000).table for f in (split, forecast_of(draws)))
    np.testing.assert_allclose(one["quota"], two["quota"], atol=0.011)


def test_total_beyond_all_bookings_is_scaled_and_said(forecast, draws):
    highest = draws.max(axis=0).sum()
    got = propose_quotas(forecast, round(2 * highest, 2))
    np.testing.assert_allclose(got.table["quota"], 2 * draws.max(axis=0), rtol=1e-6)
    assert (got.table["p_attain"] == 0).all()
    assert any("nobody can be expected to attain" in note for note in got.notes)


def test_total_below_all_bookings_is_scaled():
    draws = np.array([[10.0, 30.0], [20.0, 50.0]])
    np.testing.assert_allclose(equal_probability(draws, 20.0), [5.0, 15.0])
    assert equal_probability(draws, 0.0).tolist() == [0.0, 0.0]


def test_who_books_nothing_in_most_draws_gets_nothing_and_that_is_said(draws):
    idle = draws.copy()
    idle[:3600, 0] = 0.0
    got = propose_quotas(forecast_of(idle), round(float(idle.mean(axis=0).sum()), 2))
    assert got.table.set_index("rep_id").loc["Ann", "quota"] == 0.0
    assert np.isnan(got.table.set_index("rep_id").loc["Ann", "expected_attainment"])
    assert any("no quota is left for Ann" in note for note in got.notes)


def test_nobody_books_anything_and_a_single_draw_are_borne():
    even = propose_quotas(forecast_of(np.zeros((10, 5))), 1000.0)
    assert even.table["quota"].tolist() == [200.0] * 5
    one = propose_quotas(forecast_of(np.array([[10.0, 20.0, 30.0, 40.0, 100.0]])), 100)
    np.testing.assert_allclose(one.table["quota"], [5, 10, 15, 20, 50])


# --- proportional ---------------------------------------------------------------------------------------------------


def test_proportional_quotas_have_equal_expected_attainment(forecast, draws):
    got = propose_quotas(forecast, 500_000, method="proportional")
    np.testing.assert_allclose(got.table["expected_attainment"], draws.mean(axis=0).sum() / 500_000, rtol=1e-5)
    np.testing.assert_allclose(got.table["quota"], proportional(draws, 500_000), atol=0.011)
    assert got.notes == ()
    assert proportional(np.zeros((3, 4)), 100).tolist() == [25.0] * 4


# --- the table ------------------------------------------------------------------------------------------------------


def test_table_judges_each_quota_on_the_reps_own_draws(forecast, draws):
    got = propose_quotas(forecast, 500_000)
    assert isinstance(got, QuotaProposal)
    assert got.method == "equal-probability"
    assert list(got.table.columns[:5]) == ["rep_id", "period", "quota", "p_attain", "expected_attainment"]
    quota = got.table["quota"].to_numpy()
    np.testing.assert_allclose(got.table["p_attain"], (draws >= quota - 0.005).mean(axis=0))
    np.testing.assert_allclose(got.table["expected_attainment"], draws.mean(axis=0) / quota)
    np.testing.assert_allclose(got.table[["p10", "p50", "p90"]].T, np.quantile(draws, [0.1, 0.5, 0.9], axis=0))
    assert spm.propose_quotas is propose_quotas


def test_a_stated_objective_comes_with_its_bound(two_periods):
    limits = spm.Limits(floor=5_000, locks={"Bob": 20_000}, last=dict.fromkeys(REPS, 60_000))
    weights = {"carry": 2.0, "change": 0.1}
    wanted = {"2025Q3": 400_000, "2025Q4": 500_000}
    got = propose_quotas(two_periods, wanted, "objective", 0.1, 1000, options=weights, limits=limits)
    assert got.proof["period"].tolist() == ["2025Q3", "2025Q4"]
    assert (got.proof["bound"] <= got.proof["objective"]).all()
    assert (got.proof["gap"] < 0.005).all()
    parts = got.proof["spread"] + 2 * got.proof["carry"] + 0.1 * got.proof["change"]
    np.testing.assert_allclose(got.proof["objective"], parts)
    other = propose_quotas(two_periods, wanted, "even", 0.1, limits=limits).table.query("period == '2025Q3'")["quota"]
    stated = Objective(carry=2.0, change=0.1, plan=400_000, last=np.full(5, 60_000.0))
    assert stated.value(two_periods.draws[:, :5], other.to_numpy()) >= got.proof["bound"].iloc[0]
    told = spm.evaluate_plan(two_periods, {}, got).set_index("metric")["value"]
    assert told["quota_objective_excess[2025Q4]"] == got.proof["gap"].iloc[1]
    assert propose_quotas(two_periods, wanted).proof.empty


def test_only_the_reps_named_get_a_quota(forecast):
    got = propose_quotas(forecast, 100_000, reps=["Eve", "Bob"])
    assert got.table["rep_id"].tolist() == ["Eve", "Bob"]
    assert exact_sum(got.table) == 100_000


def test_it_shows_itself(forecast):
    assert "over-assignment 10 %" in propose_quotas(forecast, 100_000, over_assignment=0.1)._repr_html_()


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "equal-probabilty"}, "no such method.*Did you mean 'equal-probability'"),
        (
            {"method": "lottery"},
            "no such method.*Use one of: equal-probability, objective, proportional, even, weighted",
        ),
        ({"over_assignment": -1.0}, "must be a share above -1"),
        ({"over_assignment": float("nan")}, "must be a share above -1"),
        ({"round_to": 0}, "must be at least a cent"),
        ({"round_to": -100}, "must be at least a cent"),
        ({"round_to": float("inf")}, "must be at least a cent"),
        ({"reps": ["Ann", "Ann"]}, "a rep is named twice"),
        ({"reps": []}, "no rep is named"),
        ({"total": -1}, "must be an amount of at least 0"),
        ({"total": float("nan")}, "must be an amount of at least 0"),
        ({"total": float("inf")}, "must be an amount of at least 0"),
        ({"total": "a lot"}, "must be an amount of at least 0"),
        ({"total": {"2026Q1": 5}}, "does not reach this period.*It holds 2025Q3"),
    ],
)
def test_wrong_wishes_are_named(forecast, options, told):
    with pytest.raises(InputError, match=told):
        propose_quotas(forecast, **{"total": 100_000} | options)


def test_one_number_needs_one_period(two_periods):
    with pytest.raises(InputError, match=r"one number needs a forecast of one period.*Give \{period: amount\}"):
        propose_quotas(two_periods, 100_000)


def test_draws_must_say_whose_they_are(draws):
    with pytest.raises(InputError, match=r"no column owner_id"):
        propose_quotas(Forecast(draws, pd.DataFrame({"period": ["2025Q3"] * 5})), 100_000)


def test_everything_wrong_is_told_at_once(two_periods):
    with pytest.raises(InputError, match=r"no such method") as caught:
        propose_quotas(two_periods, {"2025Q3": -5, "2030": 1}, "x", over_assignment=-2, round_to=0, reps=["A", "A"])
    columns = [problem.column for problem in caught.value.problems]
    assert columns == ["method", "over_assignment", "round_to", "reps", "reps", "total[2025Q3]", "total"]
