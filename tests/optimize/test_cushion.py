"""The cushion: what it carries and costs, the smallest that will do, and a plain word where none will."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.errors import InfeasibleError, InputError
from spmforecast.evaluate.carried import p_carried
from spmforecast.optimize.cushion import choose_cushion, cushion_curve
from spmforecast.optimize.splits import equal_probability
from spmforecast.plan import Limits

GRID = tuple(np.round(np.arange(-0.1, 0.61, 0.05), 2))


def pay(bookings, quota):
    return 0.05 * bookings + 0.05 * np.maximum(bookings - quota, 0.0)


@pytest.fixture(scope="module")
def draws():
    rng = np.random.default_rng(3)
    return np.exp(rng.normal(np.linspace(9, 10, 20), 0.5, (2000, 20)))


@pytest.fixture(scope="module")
def plan(draws):
    return 0.85 * float(draws.mean(axis=0).sum())


@pytest.fixture(scope="module")
def curve(draws, plan):
    return cushion_curve(draws, plan, GRID, pay)


def test_the_curve_measures_the_equal_chance_split(draws, plan, curve):
    row = curve[curve["cushion"] == 0.1].iloc[0]
    quota = equal_probability(draws, 1.1 * plan)
    assert row["p_attain"] == pytest.approx((draws[:, 0] >= quota[0]).mean(), abs=0.001)
    assert row["p_attain_max"] - row["p_attain_min"] <= 0.001
    assert row["p_carried"] == p_carried(draws, quota, plan)
    total = pay(draws, quota).sum(axis=1)
    assert row["payout_mean"] == pytest.approx(total.mean())
    assert row["payout_p90"] == pytest.approx(np.quantile(total, 0.9))


def test_more_cushion_carries_more_and_leaves_less_chance_and_pay(curve):
    assert curve["p_carried"].is_monotonic_increasing
    assert curve["p_attain"].is_monotonic_decreasing
    assert curve["payout_mean"].is_monotonic_decreasing
    assert curve["p_carried"].iloc[0] == 0.0
    assert curve["p_carried"].iloc[-1] > 0.7


def test_the_smallest_that_will_do_is_taken(curve):
    found = choose_cushion(curve, 0.5)
    assert found.cushion is not None
    assert curve.loc[curve["cushion"] < found.cushion, "p_carried"].max() < 0.5
    assert curve.loc[curve["cushion"] == found.cushion, "p_carried"].iloc[0] >= 0.5
    assert found.curve["allowed"].sum() == (curve["p_carried"] >= 0.5).sum()
    assert "smallest" in found.told


def test_where_none_will_do_that_is_said_with_what_stands_in_the_way(curve):
    never = choose_cushion(curve, 1.0)
    assert never.cushion is None
    assert "carried with a chance of at most" in never.told
    clash = choose_cushion(curve, 0.5, least_p_attain=0.9)
    assert clash.cushion is None
    assert "not with P(attain) of at least 90 %" in clash.told
    costly = choose_cushion(curve, 0.5, most_payout=1.0, most_payout_p90=2.0)
    assert "payout_mean of at most 1 and payout_p90 of at most 2" in costly.told
    assert "none will do" in costly._repr_html_()


def test_limits_leave_out_cushions_that_they_cannot_hold(draws, plan):
    reps = [f"R{i}" for i in range(20)]
    bounds = Limits(ceiling=plan / 20 * 1.2).bounds(reps)
    assert cushion_curve(draws, plan, GRID, bounds=bounds)["cushion"].max() == 0.2
    with pytest.raises(InfeasibleError, match="ceiling sum to"):
        cushion_curve(draws, plan, (0.3, 0.4), bounds=bounds)


def test_wrong_wishes_are_named(draws, curve):
    with pytest.raises(InputError, match="a plan must be positive") as caught:
        cushion_curve(draws, 0.0, (-1.0,))
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="no cushion is given"):
        cushion_curve(draws, 1.0, ())
    with pytest.raises(InputError, match="must be a chance from 0 to 1"):
        choose_cushion(curve, 1.5)
    with pytest.raises(InputError, match="the curve knows no pay"):
        choose_cushion(curve.drop(columns="payout_mean"), most_payout=5.0)
