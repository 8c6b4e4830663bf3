"""Mixes: the quadratic of the pool, the weight, and draws that go on adding up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.evaluate.mixing import best_weight, pool_terms, stretch
from spmforecast.scores import crps

values = st.lists(st.floats(-50, 50), min_size=2, max_size=12)


@settings(max_examples=30, deadline=None)
@given(values, values, st.floats(-60, 60))
def test_the_terms_give_the_crps_of_the_pooled_sample(own: list[float], other: list[float], came: float) -> None:
    a, b = np.array(own), np.array(other)
    # Repeat each sample to the other's size: the pooled sample then has equal weights for both.
    pooled = np.concatenate([np.repeat(a, len(b)), np.repeat(b, len(a))])
    terms = pool_terms(a, b, came)
    assert terms.crps(0.5) == pytest.approx(float(crps(pooled, came)), abs=1e-8)
    assert terms.crps(1.0) == pytest.approx(float(crps(a, came)), abs=1e-8)
    assert terms.crps(0.0) == pytest.approx(float(crps(b, came)), abs=1e-8)


def test_the_weight_is_the_best_one_half_way_to_equal() -> None:
    rng = np.random.default_rng(3)
    sharp, blunt = rng.normal(0, 1, (200, 400)), rng.normal(0.8, 3, (200, 400))
    cases = [pool_terms(a, b, y) for a, b, y in zip(sharp, blunt, rng.normal(0, 1, 200), strict=True)]
    grid = np.linspace(0, 1, 101)
    best = grid[np.argmin([np.mean([case.crps(w) for case in cases]) for w in grid])]
    assert best > 0.8
    assert best_weight(cases, [1.0] * 200) == pytest.approx((best + 0.5) / 2, abs=0.01)
    assert best_weight([], []) == 0.5


def test_a_stretched_trial_reaches_the_rivals_total_and_every_part_follows() -> None:
    rng = np.random.default_rng(4)
    booked = np.array([10.0, 0.0])
    draws = booked + rng.gamma(2.0, 5.0, (1000, 2))
    total, law = draws.sum(axis=1), np.array([20.0, 40.0, 60.0])
    own = np.arange(1000) % 2 == 0
    mixed = stretch(draws, booked, total, 10.0, law, own)
    np.testing.assert_allclose(mixed[own], draws[own])
    assert set(np.round(mixed[~own].sum(axis=1), 6)) == {20.0, 40.0, 60.0}
    assert (mixed >= booked - 1e-9).all()
    # A trial keeps its rank: the better half of them gets the better outcomes.
    high = ~own & (total > np.median(total))
    assert mixed[high].sum(axis=1).mean() > mixed[~own & ~high].sum(axis=1).mean()


def test_a_trial_with_nothing_to_come_stays() -> None:
    mixed = stretch(
        np.array([[5.0], [9.0]]), np.array([5.0]), np.array([5.0, 9.0]), 5.0, np.array([7.0]), np.zeros(2, bool)
    )
    np.testing.assert_allclose(mixed, [[5.0], [7.0]])
