"""What reps might do about their pay: closed forms where there are any, and never without being asked."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from spmforecast.errors import InputError
from spmforecast.plan.compensation import CompPlan, Ledger
from spmforecast.plan.compensation.effort import Elasticity, Kink, Reckoning, Timing
from spmforecast.plan.compensation.optimum import best_effort, expected_pay, marginal_pay
from spmforecast.plan.compensation.windows import windows

FLAT = "name: flat\ncomponents:\n  - {name: a, rate: 8%}\n"
KINKED = "name: kinked\ncomponents:\n  - {name: a, rate: 8%, accelerators: {above: 100%, multiplier: 2}}\n"


def reckoning(text):
    return Reckoning(CompPlan.parse(text))


def test_elasticity_on_a_flat_rate_has_a_closed_form():
    bookings = np.random.default_rng(1).uniform(10, 90, (50, 3, 2))
    got = Elasticity(0.5, 0.02).respond(reckoning(FLAT), bookings, np.full((3, 2), 50.0))
    np.testing.assert_allclose(got, bookings * 2.0, rtol=1e-12)
    same = Elasticity(0.0, 0.02).respond(reckoning(KINKED), bookings, np.full((3, 2), 50.0))
    np.testing.assert_array_equal(same, bookings)


def test_elasticity_uses_the_average_marginal_rate():
    bookings = np.array([40.0, 60.0, 70.0, 80.0]).reshape(4, 1, 1)
    got = Elasticity(1.0, 0.08).respond(reckoning(KINKED), bookings, np.array([[50.0]]))
    np.testing.assert_allclose(got, bookings * (1 + 3 * 2) / 4)


def test_expected_pay_is_the_integral_of_pay():
    rate, fast, bonus, quota, slope, sd, effort = 0.1, 0.2, 7.0, 120.0, 100.0, 30.0, 1.1

    def pay(sales):
        over = max(sales - quota, 0.0)
        return rate * sales + (fast - rate) * over + bonus * (sales >= quota)

    mean = slope * effort
    parts = [
        quad(lambda s: pay(s) * norm.pdf(s, mean, sd), low, high)[0]
        for low, high in ((mean - 12 * sd, quota), (quota, mean + 12 * sd))
    ]
    assert expected_pay(effort, rate, fast, bonus, quota, slope, sd) == pytest.approx(sum(parts), rel=1e-9)
    step = 1e-5
    up, down = (expected_pay(effort + one, rate, fast, bonus, quota, slope, sd) for one in (step, -step))
    assert marginal_pay(effort, rate, fast, bonus, quota, slope, sd) == pytest.approx(
        (up - down) / (2 * step), rel=1e-7
    )


@pytest.mark.parametrize(
    ("fast", "quota", "effort"),
    [
        (0.1, 100.0, 2.0),  # no kink: b r / c
        (0.3, -1e6, 6.0),  # quota long passed: b a / c
        (0.3, 1e6, 2.0),  # quota out of reach: b r / c
    ],
)
def test_best_effort_at_the_ends_has_a_closed_form(fast, quota, effort):
    got = best_effort(0.1, fast, 0.0, quota, slope=100.0, sd=20.0, cost=5.0)
    assert got.effort == pytest.approx(effort, rel=1e-9)
    assert len(got.local) == 1


def test_at_quota_the_kink_pays_the_mean_of_both_rates():
    """With quota at b e the chance to pass it is a half, so that e = b (r + a) / 2 c."""
    got = best_effort(0.1, 0.3, 0.0, 400.0, slope=100.0, sd=500.0, cost=5.0)
    assert got.effort == pytest.approx(4.0, rel=1e-9)


def test_the_first_order_condition_holds_and_the_best_of_several_optima_is_taken():
    pay = (0.1, 0.1, 40.0, 300.0)
    got = best_effort(*pay, slope=100.0, sd=10.0, cost=10.0)
    assert len(got.local) == 2
    for one in got.local:
        assert marginal_pay(one, *pay, 100.0, 10.0) == pytest.approx(10.0 * one, rel=1e-9)
    utility = [expected_pay(one, *pay, 100.0, 10.0) - 5.0 * one**2 for one in got.local]
    assert got.effort == got.local[int(np.argmax(utility))]
    grid = np.linspace(0, 5, 50_001)
    most = max(expected_pay(one, *pay, 100.0, 10.0) - 5.0 * one**2 for one in grid)
    assert max(utility) == pytest.approx(most, abs=1e-6)
    small = best_effort(0.1, 0.1, 5.0, 300.0, slope=100.0, sd=10.0, cost=10.0)
    assert small.effort == pytest.approx(1.0, rel=1e-6)  # the bonus is not worth the way to quota


def test_the_kink_shifts_draws_and_a_flat_rate_changes_nothing():
    bookings = np.random.default_rng(3).normal(100, 20, (4000, 1, 1))
    quota = np.array([[100.0]])
    np.testing.assert_allclose(Kink(0.1, 0.1).respond(reckoning(FLAT), bookings, quota), bookings, rtol=1e-9)
    mean, sd = bookings.mean(), bookings.std()
    got = Kink(0.1, 0.2).respond(reckoning(FLAT), bookings, quota)
    factor = got.mean() / mean
    z = (100.0 - mean * factor) / sd
    assert factor == pytest.approx(1 + norm.sf(z), rel=1e-9)
    assert got.std() == pytest.approx(sd)


def test_timing_moves_deals_where_that_pays_and_keeps_the_sum():
    """Quota passed in the first quarter and missed in the second: what can be pulled forward earns twice the rate."""
    bookings = np.array([[[120.0, 50.0], [10.0, 120.0], [20.0, 30.0]]])
    late = np.array([[[20.0, 0.0], [10.0, 0.0], [10.0, 0.0]]])
    early = np.array([[[0.0, 10.0], [0.0, 10.0], [0.0, 10.0]]])
    switch = Timing(0.5, late, early, 14)
    got = switch.respond(reckoning(KINKED), bookings, np.full((3, 2), 100.0))
    assert got[0].tolist() == [[125.0, 45.0], [5.0, 125.0], [20.0, 30.0]]
    np.testing.assert_allclose(got.sum(axis=2), bookings.sum(axis=2))
    assert (
        Timing(0.0, late, early, 14).respond(reckoning(KINKED), bookings, np.full((3, 2), 100.0)).tolist()
        == bookings.tolist()
    )


def test_windows_add_up_what_lies_near_the_ends_of_periods():
    frame = pd.DataFrame(
        {
            "deal": list("abcd"),
            "rep": "R",
            "period": ["2025Q1", "2025Q1", "2025Q1", "2025Q2"],
            "amount": [1.0, 2.0, 4.0, 8.0],
            "date": ["2025-01-02", "2025-03-29", "2025-03-30", "2025-04-01"],
        }
    )
    terms = CompPlan.parse(FLAT).terms
    late, early = windows(Ledger.from_frame(frame, ["R"], ["2025Q1", "2025Q2"]), terms, 2)
    assert late[0, 0].tolist() == [4.0, 0.0]
    assert early[0, 0].tolist() == [1.0, 8.0]
    with pytest.raises(InputError, match="a deal has no date"):
        windows(Ledger.from_frame(frame.drop(columns="date"), ["R"], ["2025Q1", "2025Q2"]), terms, 2)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Elasticity(-1, 0.1), "elasticity: must not be negative"),
        (lambda: Elasticity(1, 0), "reference: must be positive"),
        (lambda: Kink(0, 0.1), "rate: must be positive"),
        (lambda: Kink(0.1, 0.1, -5), "bonus: must not be negative"),
        (lambda: Timing(2, np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), 7), "fraction: must be between 0 and 1"),
        (lambda: Timing(0.5, np.zeros((1, 1, 2)), np.zeros((1, 1, 3)), 7), "early: shapes differ"),
    ],
)
def test_impossible_assumptions_are_refused(make, told):
    with pytest.raises(InputError, match=told):
        make()


def test_each_assumption_says_that_it_is_one():
    switches = (Elasticity(0.3, 0.08), Kink(0.1, 0.2, 500), Timing(0.2, np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), 10))
    assert all(one.assumption.startswith("Assumed, not estimated: ") for one in switches)
    assert "0.3 %" in switches[0].assumption
    assert "bonus of 500" in switches[1].assumption
    assert "20 % of what is booked within 10 days" in switches[2].assumption
    assert not math.isnan(switches[1].rate)
