"""Fairness of quotas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spmforecast.errors import InputError
from spmforecast.evaluate.fairness import fairness

P = [0.4, 0.5, 0.75, 0.76, 0.39, 0.6]
ATTAINMENT = np.array([0.9, 1.0, 1.1, 1.2, 0.7, 1.05])
POTENTIAL = np.array([1.0, 2.0, 4.0, 3.0, 7.0, 5.0])


def test_spread_and_share():
    got = fairness(P, ATTAINMENT)
    assert got.p_range == pytest.approx(0.37)
    assert got.p_sd == pytest.approx(np.std(P))
    assert got.share_healthy == pytest.approx(4 / 6)
    assert got.slope_note == "no potential is known"
    assert np.isnan([got.slope, got.slope_se, got.slope_p]).all()
    assert "slope_note" not in got.metrics()
    assert got.metrics()["p_range"] == got.p_range


def test_equal_chances_are_fair():
    got = fairness([0.6] * 5, [1.0] * 5, [1, 2, 3, 4, 5])
    assert (got.p_range, got.p_sd, got.share_healthy) == pytest.approx((0, 0, 1))
    assert (got.gini, got.theil, got.slope) == pytest.approx((0, 0, 0))


def test_slope_is_least_squares_with_hc3_error():
    got = fairness(P, ATTAINMENT, POTENTIAL)
    z = (POTENTIAL - POTENTIAL.mean()) / POTENTIAL.std(ddof=1)
    slope = z @ ATTAINMENT / (z @ z)
    left = (ATTAINMENT - ATTAINMENT.mean() - slope * z) / (1 - 1 / 6 - z**2 / (z @ z))
    error = np.sqrt((z**2 * left**2).sum()) / (z @ z)
    assert got.slope == pytest.approx(slope)
    assert got.slope_se == pytest.approx(error)
    assert got.slope_p == pytest.approx(2 * stats.t.sf(abs(slope / error), 4))
    assert got.slope_note == ""


def test_slope_does_not_depend_on_the_unit_of_potential():
    one, two = fairness(P, ATTAINMENT, POTENTIAL), fairness(P, ATTAINMENT, 1e6 * POTENTIAL + 5)
    assert two.slope == pytest.approx(one.slope)
    assert two.slope_p == pytest.approx(one.slope_p)


def test_quotas_that_ignore_potential_are_found_unfair():
    generator = np.random.default_rng(20)
    potential = generator.lognormal(size=200)
    sales = potential * generator.lognormal(sigma=0.1, size=200)
    flat = fairness(np.full(200, 0.5), sales / sales.mean(), potential)
    right = fairness(np.full(200, 0.5), sales / potential, potential)
    assert flat.slope_p < 1e-6
    assert flat.slope > 0.5
    assert abs(right.slope) < 0.05
    assert right.gini < flat.gini


@pytest.mark.parametrize(
    ("potential", "note"),
    [
        ([1, 2, 3, 4], "4 reps are too few"),
        ([2.0] * 6, "same potential"),
        ([1, 1, 1, 1, 1, 9], "one territory alone"),
    ],
)
def test_no_slope_where_it_says_nothing(potential, note):
    n = len(potential)
    got = fairness(P[:n], ATTAINMENT[:n], potential)
    assert note in got.slope_note
    assert np.isnan(got.slope)


def test_every_bad_column_is_named_at_once():
    with pytest.raises(InputError, match="must not exceed 1") as caught:
        fairness([0.5, 1.5], [1.0, -1.0], [1.0])
    assert [problem.column for problem in caught.value.problems] == ["p_attain", "expected_attainment", "potential"]


def test_missing_values_are_refused():
    with pytest.raises(InputError, match="missing or infinite"):
        fairness([0.5, np.nan], [1.0, 1.0])
    with pytest.raises(InputError, match="at least one rep"):
        fairness([], [])
