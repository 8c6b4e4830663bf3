"""Outcome arithmetic: intensities give their chances back, and counts are exact Poisson quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from spmforecast.simulate.outcomes import (
    mixed_speed,
    period_intensities,
    poisson_quantile,
    win_cells,
    winning_chances,
    winning_speed,
)


def chances(seed, rows=200, periods=4):
    """Chances to be won and lost in each period, with something left over."""
    parts = np.random.default_rng(seed).dirichlet(np.full(2 * periods + 1, 0.7), rows)
    return parts[:, :periods], parts[:, periods : 2 * periods]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_a_shock_the_chances_come_back(seed):
    won, lost = chances(seed)
    np.testing.assert_allclose(winning_chances(*period_intensities(won, lost), np.ones(4)), won, atol=1e-8)


@pytest.mark.parametrize(
    ("won", "lost"),
    [
        ([0.0, 0.0], [0.0, 0.0]),
        ([1.0, 0.0], [0.0, 0.0]),
        ([0.0, 0.0], [0.4, 0.6]),
        ([0.0, 0.3], [0.0, 0.0]),
        ([0.5, 0.0], [0.5, 0.0]),
    ],
)
def test_ends_of_the_range_come_back(won, lost):
    win, lose = period_intensities(np.array(won), np.array(lost))
    assert np.isfinite([win, lose]).all()
    assert (np.array([win, lose]) >= 0).all()
    np.testing.assert_allclose(winning_chances(win, lose, np.ones(2)), won, atol=1e-8)


def test_alone_the_speed_of_winning_gives_the_chances_and_moves_them_as_a_whole():
    won, _ = chances(6)
    speed = winning_speed(won)
    np.testing.assert_allclose(winning_chances(speed, np.zeros_like(won), np.ones(4)), won, atol=1e-8)
    rare = won / 200
    lifted = winning_chances(winning_speed(rare), np.zeros_like(won), np.full(4, 1.4))
    np.testing.assert_allclose(lifted, 1.4 * rare, rtol=0.01)


def test_larger_multipliers_win_more_and_never_more_than_all():
    win, lose = period_intensities(*chances(4))
    multipliers = [0.0, 0.3, 0.8, 1.0, 1.7, 5.0, 50.0]
    total = np.stack([winning_chances(win, lose, np.full(4, m)).sum(axis=1) for m in multipliers])
    assert (np.diff(total, axis=0) > 0).all()
    assert (total[0] == 0).all()
    assert (total <= 1 + 1e-12).all()


def test_multiplier_of_one_period_acts_from_then_on():
    win, lose = period_intensities(*chances(5))
    even = winning_chances(win, lose, np.ones(4))
    lifted = winning_chances(win, lose, np.array([1.0, 1.0, 2.0, 1.0]))
    np.testing.assert_allclose(lifted[:, :2], even[:, :2])
    assert (lifted[:, 2] > even[:, 2]).all()
    assert (lifted[:, 3] < even[:, 3]).all()


def test_win_cells_split_the_unit_interval():
    chance = np.array([[0.2, 0.0, 0.3]] * 6)
    uniform = np.array([0.0001, 0.1999, 0.2001, 0.4999, 0.5001, 0.9999])
    assert win_cells(chance, uniform).tolist() == [0, 0, 2, 2, 3, 3]


def test_win_cells_come_as_often_as_their_chances():
    chance = np.array([0.1, 0.25, 0.05, 0.2])
    grid = (np.arange(10_000) + 0.5) / 10_000
    got = np.bincount(win_cells(np.tile(chance, (10_000, 1)), grid), minlength=5) / 10_000
    np.testing.assert_allclose(got, [*chance, 0.4], atol=1e-4)


MEANS = [0.0, 1e-9, 0.01, 0.5, 1.0, 3.7, 12.0, 39.9, 40.0, 40.1, 100.0, 1234.5, 1e5]
UNIFORMS = [2.0**-54, 1e-12, 1e-6, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-6, 1 - 1e-12]


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_quantiles_are_those_of_scipy(mean):
    got = poisson_quantile(np.array(UNIFORMS), np.full(len(UNIFORMS), mean))
    np.testing.assert_array_equal(got, stats.poisson.ppf(UNIFORMS, mean) if mean > 0 else np.zeros(len(UNIFORMS)))


@given(mean=st.floats(0.01, 3000), seed=st.integers(0, 10_000))
@settings(max_examples=60)
def test_poisson_quantiles_anywhere(mean, seed):
    uniform = np.random.default_rng(seed).random(50)
    got = poisson_quantile(uniform, np.full(50, mean))
    np.testing.assert_array_equal(got, stats.poisson.ppf(uniform, mean))


@pytest.mark.parametrize("mean", [0.3, 7.0, 39.0, 41.0, 500.0])
def test_poisson_quantile_is_the_smallest_count_that_reaches_the_uniform(mean):
    steps = stats.poisson.cdf(np.arange(int(mean), int(mean) + 4), mean)
    uniform = np.concatenate([steps * (1 - 1e-9), steps * (1 + 1e-9)])
    got = poisson_quantile(uniform, np.full(len(uniform), mean))
    np.testing.assert_array_equal(got, [int(mean) + k + more for more in (0, 1) for k in range(4)])


@pytest.mark.parametrize("mean", [41.0, 77.7, 500.0, 12_345.6])
def test_poisson_quantile_of_a_step_is_the_step(mean):
    count = np.arange(int(mean) - 30, int(mean) + 30)
    step = special.pdtr(count, mean)
    np.testing.assert_array_equal(poisson_quantile(step, np.full(len(count), mean)), count)
    np.testing.assert_array_equal(poisson_quantile(step * (1 + 1e-10), np.full(len(count), mean)), count + 1)


def test_poisson_quantile_ends_next_to_one():
    almost = np.full(3, 1 - 2.0**-53)
    got = poisson_quantile(almost, np.array([0.5, 20.0, 100.0]))
    assert (got > [5, 40, 150]).all()
    assert (got < [40, 100, 300]).all()


def test_rows_have_their_own_means():
    mean = np.array([0.0, 55.0, 2.0, 300.0, 0.1])
    got = poisson_quantile(np.full(5, 0.6), mean)
    np.testing.assert_array_equal(got[1:], stats.poisson.ppf(0.6, mean[1:]))
    assert got[0] == 0
    assert poisson_quantile(np.empty(0), np.empty(0)).shape == (0,)


@pytest.mark.parametrize("variance", [0.0, 0.05, 0.6])
def test_reps_who_differ_win_together_what_deals_as_a_whole_do(variance):
    win = np.array([[0.1, 0.3, 0.0, 0.9], [0.01, 0.0, 0.02, 0.0]])
    rep = (np.arange(200_000) + 0.5) / 200_000
    theta = np.ones(1) if variance == 0 else stats.gamma(1 / variance, scale=variance).ppf(rep)
    kept = np.exp(-np.cumsum(mixed_speed(win, variance), axis=1)[..., None] * theta).mean(axis=-1)
    np.testing.assert_allclose(kept, np.exp(-np.cumsum(win, axis=1)), rtol=1e-4)


def test_hazards_without_end_stay_finite_where_reps_differ():
    assert np.isfinite(mixed_speed(np.array([30.0, 200.0]), 0.5)).all()
