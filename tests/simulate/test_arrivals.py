"""Points of keyed Poisson processes: their laws, and what never moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spmforecast.simulate.arrivals import LENGTH, arrivals
from spmforecast.simulate.streams import Streams

STREAMS = Streams(3)
KEYS = np.array([STREAMS.key("deal", f"O-{k}", "outcome") for k in range(200)])


def draw(rows, reach, start=0, stop=LENGTH):
    rows = np.atleast_1d(rows)
    return arrivals(STREAMS, KEYS[rows], start, stop, np.broadcast_to(np.asarray(reach, dtype=float), len(rows)))


def test_numbers_of_points_are_poisson():
    points = draw(np.arange(200), 0.4)
    expected = 0.4 * LENGTH
    assert points.number.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 200))
    # The index of dispersion of Poisson counts is one.
    assert stats.chi2.cdf((200 - 1) * points.number.var(ddof=1) / points.number.mean(), 199) == pytest.approx(
        0.5, abs=0.49
    )
    many = np.bincount(points.at * LENGTH + points.trial, minlength=200 * LENGTH)
    seen = np.bincount(many, minlength=5)[:5] / len(many)
    chance = stats.poisson.pmf(np.arange(5), 0.4)
    assert (np.abs(seen - chance) < 4 * np.sqrt(chance / len(many))).all()


def test_lowest_points_are_exponential_and_spread_evenly_over_trials():
    points = draw(np.arange(50), 2.0).lowest(LENGTH)
    assert len(np.unique(points.at * LENGTH + points.trial)) == len(points.trial)
    assert len(points.trial) / (50 * LENGTH) == pytest.approx(1 - np.exp(-2.0), abs=0.004)
    given_won = -np.expm1(-points.height) / -np.expm1(-2.0)
    assert stats.kstest(given_won, "uniform").statistic < 1.95 / np.sqrt(len(given_won))
    assert stats.kstest(points.uniform, "uniform").statistic < 1.95 / np.sqrt(len(given_won))
    place = (points.trial + 0.5) / LENGTH
    assert stats.kstest(place, "uniform").statistic < 1.95 / np.sqrt(len(place))
    for one, other in ((given_won, place), (given_won, points.uniform), (place, points.uniform)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(len(place))


@given(st.floats(0.001, 3.0), st.floats(0.001, 3.0))
@settings(max_examples=20, deadline=None)
def test_more_hazard_adds_points_and_moves_none(one, two):
    few, many = draw(5, min(one, two)), draw(5, max(one, two))
    for name in ("trial", "height", "uniform"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[: len(few.trial)])


@pytest.mark.parametrize("length", [64, 512])
def test_points_of_a_piece_are_those_of_the_whole(length):
    whole = draw([3, 9], [0.5, 0.1], LENGTH, 2 * LENGTH)
    for start in range(0, LENGTH, LENGTH // 2):
        piece = draw([3, 9], [0.5, 0.1], LENGTH + start, LENGTH + start + length)
        mine = (whole.trial >= start) & (whole.trial < start + length)
        np.testing.assert_array_equal(piece.trial, whole.trial[mine] - start)
        np.testing.assert_array_equal(piece.at, whole.at[mine])
        np.testing.assert_array_equal(piece.uniform, whole.uniform[mine])


def test_company_of_others_changes_nothing():
    together, alone = draw([1, 2, 3], [0.2, 0.9, 0.4]), draw(2, 0.9)
    np.testing.assert_array_equal(together.height[together.at == 1], alone.height)


def test_periods_are_those_of_the_heights():
    edges = np.array([[0.0, 0.1, 0.3, 0.5], [0.0, 0.0, 0.2, 0.2]])
    points = draw([1, 2], edges[:, -1])
    want = [
        np.searchsorted(edges[at], height, side="right") for at, height in zip(points.at, points.height, strict=True)
    ]
    np.testing.assert_array_equal(points.steps(edges), want)


def test_nothing_is_drawn_where_nothing_can_happen():
    points = draw([1, 2], [0.0, 0.0])
    assert points.number.tolist() == [0, 0]
    assert points.lowest(LENGTH).trial.size == 0
