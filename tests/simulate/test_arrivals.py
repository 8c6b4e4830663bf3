"""Points of keyed Poisson processes: their laws, and what never moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spmforecast.simulate.arrivals import LENGTH, STEPS, Points, arrivals
from spmforecast.simulate.streams import Streams

STREAMS = Streams(3)


def draw(row, reach, start=0, stop=LENGTH):
    """All points of a process, heights as expected wins."""
    key, limit = STREAMS.key("stream", f"S-{row}", "winner"), np.atleast_1d(np.asarray(reach, dtype=np.float32))
    parts = list(arrivals(STREAMS, key, start, stop, limit))
    trial, bits = (np.concatenate([getattr(p, name) for p in parts]) for name in ("trial", "bits"))
    height = np.concatenate([p.height.astype(np.float64) + p.base for p in parts])
    return Points(trial, height / STEPS, bits, 0)


def test_numbers_of_points_are_poisson():
    several = [draw(row, 0.4) for row in range(200)]
    number, expected = np.array([len(points.trial) for points in several]), 0.4 * LENGTH
    assert number.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 200))
    # The index of dispersion of Poisson counts is one.
    assert stats.chi2.cdf((200 - 1) * number.var(ddof=1) / number.mean(), 199) == pytest.approx(0.5, abs=0.49)
    many = np.concatenate([np.bincount(points.trial, minlength=LENGTH) for points in several])
    seen = np.bincount(many, minlength=5)[:5] / len(many)
    chance = stats.poisson.pmf(np.arange(5), 0.4)
    assert (np.abs(seen - chance) < 4 * np.sqrt(chance / len(many))).all()


def test_points_are_spread_evenly_over_trials_heights_and_bits():
    points = draw(1, 20.0)
    assert len(points.trial) == pytest.approx(20 * LENGTH, abs=4 * np.sqrt(20 * LENGTH))
    spread = {
        "height": points.height / 20.0,
        "trial": (points.trial + 0.5) / LENGTH,
        "bits": (points.bits + 0.5) / 2**16,
    }
    for one, values in spread.items():
        assert stats.kstest(values, "uniform").statistic < 1.95 / np.sqrt(len(values)), one
    for one, other in (("height", "trial"), ("height", "bits"), ("trial", "bits")):
        assert abs(np.corrcoef(spread[one], spread[other])[0, 1]) < 4 / np.sqrt(len(points.trial))
    assert (np.diff(points.height) >= 0).all()


@given(st.floats(0.001, 30.0), st.floats(0.001, 30.0))
@settings(max_examples=20, deadline=None)
def test_more_wins_expected_add_points_and_move_none(one, two):
    few, many = draw(5, min(one, two)), draw(5, max(one, two))
    for name in ("trial", "height", "bits"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[: len(few.trial)])


def test_each_trial_keeps_the_points_below_its_own_limit():
    limit = np.random.default_rng(1).uniform(0.0, 12.0, LENGTH)
    own, all_of_them = draw(7, limit), draw(7, float(limit.max()))
    below = all_of_them.height < limit.astype(np.float32)[all_of_them.trial]
    for name in ("trial", "height", "bits"):
        np.testing.assert_array_equal(getattr(own, name), getattr(all_of_them, name)[below])


@pytest.mark.parametrize("length", [64, 512])
def test_points_of_a_piece_are_those_of_the_whole(length):
    whole = draw(3, 9.0, LENGTH, 2 * LENGTH)
    for start in range(0, LENGTH, LENGTH // 2):
        piece = draw(3, 9.0, LENGTH + start, LENGTH + start + length)
        mine = (whole.trial >= start) & (whole.trial < start + length)
        np.testing.assert_array_equal(piece.trial, whole.trial[mine] - start)
        np.testing.assert_array_equal(piece.height, whole.height[mine])
        np.testing.assert_array_equal(piece.bits, whole.bits[mine])


def test_nothing_is_drawn_where_nothing_can_happen():
    assert draw(1, 0.0).trial.size == 0
    assert draw(1, np.zeros(LENGTH)).trial.size == 0


def test_heights_of_points_go_on_from_one_run_to_the_next():
    """Two runs of 32,768 points and more: heights rise across their borders, and trials share them as elsewhere."""
    points = draw(2, 50.0)
    assert len(points.trial) == pytest.approx(50 * LENGTH, abs=4 * np.sqrt(50 * LENGTH))
    assert (np.diff(points.height) >= 0).all()
    assert stats.kstest(points.height / 50.0, "uniform").statistic < 1.95 / np.sqrt(len(points.trial))
    own = draw(2, np.full(LENGTH, 50.0))
    for name in ("trial", "height", "bits"):
        np.testing.assert_array_equal(getattr(own, name), getattr(points, name))
