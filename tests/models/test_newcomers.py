"""Tests of what a newcomer's first months tell of the rep."""

import numpy as np

from spmforecast.models.newcomers import pool_reps
from spmforecast.models.pooling import fit_gamma_pool

MONTHS = 13


def _team(spread: float, seed: int, reps: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts, expectations and true paces of reps, two thirds of whom have later months, too."""
    random = np.random.default_rng(seed)
    pace = random.gamma(8.0, 1.0 / 8.0, reps)
    start = random.gamma(1.0 / spread, spread, reps) if spread > 0 else np.ones(reps)
    expected = np.zeros((reps, MONTHS))
    expected[:, :6] = 2.0
    expected[: 2 * reps // 3, 6:] = 8.0
    tempo = np.where(np.arange(MONTHS) < 6, start[:, None], 1.0)
    return random.poisson(expected * pace[:, None] * tempo).astype(float), expected, pace


def test_beginners_who_all_ramp_differently_are_judged_by_less():
    observed, expected, pace = _team(0.5, seed=4)
    ours, plain = pool_reps(observed, expected), fit_gamma_pool(observed.sum(axis=1), expected.sum(axis=1))
    new = np.arange(60) >= 40
    error, former = (np.abs(np.log(pool.mean / pace))[new].mean() for pool in (ours, plain))
    assert error < 0.85 * former
    assert (ours.expected[new] < 0.5 * plain.expected[new]).all()


def test_beginners_who_ramp_alike_are_judged_by_nearly_all():
    observed, expected, _ = _team(0.0, seed=4)
    ours, plain = pool_reps(observed, expected), fit_gamma_pool(observed.sum(axis=1), expected.sum(axis=1))
    assert (ours.expected > 0.5 * plain.expected).all()
    np.testing.assert_allclose(ours.mean[:40], plain.mean[:40], rtol=0.1)


def test_later_months_count_in_full():
    observed, expected, _ = _team(0.5, seed=1)
    observed[:, :6] = expected[:, :6] = 0.0
    ours = pool_reps(observed, expected)
    np.testing.assert_array_equal(ours.expected, expected.sum(axis=1))
    np.testing.assert_array_equal(ours.observed, observed.sum(axis=1))


def test_one_quick_beginner_does_not_silence_the_others():
    expected = np.full((8, MONTHS), 1.0)
    observed = expected.copy()
    observed[0, :6] = 40.0
    expected[0, 6:] = observed[0, 6:] = 0.0
    ours = pool_reps(observed, expected)
    assert (ours.expected[1:] > 7.0 + 6.0 / (1.0 + 0.4 * 6.0)).all()
    assert ours.mean[0] > 1.3
