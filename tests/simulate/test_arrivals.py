"""Points of keyed Poisson processes: their laws, and what never moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spmforecast.simulate.arrivals import arrivals
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.widths import LENGTH, SLOTS, Widths

STREAMS = Streams(3)
EVEN = Widths.of(np.ones(LENGTH))
LUCK = np.random.default_rng(1).lognormal(0.0, 0.4, LENGTH)


def draw(row, reached, start=0, stop=LENGTH, widths=(EVEN, EVEN)):
    """All points of a process: period, trial and bits of each, in order of trial, period and bits."""
    key = STREAMS.key("stream", f"S-{row}", "winner")
    table = np.asarray(reached, dtype=np.float32)
    table = table.reshape(-1, 1) if table.ndim < 2 else table
    parts = list(
        arrivals(STREAMS, key, start, stop, table, widths[: -(-stop // LENGTH) - start // LENGTH], stop - start)
    )
    none = np.zeros(0, dtype=np.int64)
    place, trial, bits = (np.concatenate([none, *(getattr(p, x) for p in parts)]) for x in ("place", "trial", "bits"))
    period = (place - trial) // (stop - start)
    np.testing.assert_array_equal(place, period * (stop - start) + trial)
    return np.stack([trial, period, bits])[:, np.lexsort((bits, period, trial))]


def alike(row, height):
    """All points below a height that all trials have in common."""
    return draw(row, [height])


def test_numbers_of_points_are_poisson():
    several = np.stack([np.bincount(alike(row, 0.4)[0], minlength=LENGTH) for row in range(200)])
    expected = 0.4 * LENGTH
    assert several.sum(axis=1).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 200))
    seen = np.bincount(several.ravel(), minlength=5)[:5] / several.size
    chance = stats.poisson.pmf(np.arange(5), 0.4)
    assert (np.abs(seen - chance) < 4 * np.sqrt(chance / several.size)).all()


@pytest.mark.parametrize("height", [0.05, 0.4, 1.0, 1.4, 3.0])
def test_trials_hardly_know_of_each_other(height):
    """Numbers of points of all trials together vary nearly as those of independent trials do."""
    number = np.array([alike(row, height).shape[1] for row in range(200)])
    dispersion = number.var(ddof=1) / number.mean()
    # Between 0.6 (seldom won) and 1 (whole layers), each within three standard errors of the estimate.
    assert 0.6 * (1 - 3 * np.sqrt(2 / 199)) < dispersion < 1 + 3 * np.sqrt(2 / 199)
    assert number.mean() == pytest.approx(height * LENGTH, abs=4 * np.sqrt(height * LENGTH / 200))


def test_seldom_won_streams_keep_their_mean():
    """Less than one point is expected in a block of trials."""
    number = np.array([alike(row, 0.3 / LENGTH).shape[1] for row in range(1000)])
    assert set(number.tolist()) == {0, 1}
    assert number.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 1000))


def test_points_are_spread_evenly_over_trials_periods_and_bits():
    trial, period, bits = draw(1, np.linspace(0.5, 20.0, 40))
    assert len(trial) == pytest.approx(20 * LENGTH, abs=4 * np.sqrt(20 * LENGTH))
    spread = {"trial": (trial + 0.5) / LENGTH, "bits": (bits + 0.5) / 2**16}
    for one, values in spread.items():
        assert stats.kstest(values, "uniform").statistic < 1.95 / np.sqrt(len(values)), one
    by_period = np.bincount(period, minlength=40)
    assert (np.abs(by_period - LENGTH / 2) < 4 * np.sqrt(LENGTH / 2)).all()
    spread["period"] = period
    for one, other in (("period", "trial"), ("period", "bits"), ("trial", "bits")):
        assert abs(np.corrcoef(spread[one], spread[other])[0, 1]) < 4 / np.sqrt(len(trial))


@given(st.floats(0.001, 30.0), st.floats(0.001, 30.0))
@settings(max_examples=20, deadline=None)
def test_more_wins_expected_add_points_and_move_none(one, two):
    few, many = alike(5, min(one, two)), alike(5, max(one, two))
    kept = set(map(tuple, few[[0, 2]].T.tolist()))
    assert kept <= set(map(tuple, many[[0, 2]].T.tolist()))
    assert len(kept) <= many.shape[1]


def test_each_trial_has_the_points_below_its_own_heights():
    """What one trial has does not depend on what others expect."""
    rng = np.random.default_rng(1)
    own = rng.uniform(0.0, 3.0, (4, LENGTH)).cumsum(axis=0)
    every = draw(7, own)
    for trial in (0, 17, LENGTH - 1):
        alone = np.repeat(own[:, [trial]], LENGTH, axis=1)
        for others in (alone, alone * (np.arange(LENGTH) == trial)):
            got = draw(7, others)
            np.testing.assert_array_equal(got[:, got[0] == trial], every[:, every[0] == trial])


def test_slots_are_shared_out_in_proportion_to_luck():
    got = Widths.of(LUCK)
    number = np.bincount(got.trial, minlength=LENGTH)
    assert number.sum() == SLOTS
    assert number.min() >= 1
    np.testing.assert_allclose(got.height * number, SLOTS / LENGTH, rtol=1e-6)
    assert np.abs(number[:-1] - (SLOTS - LENGTH) * LUCK[:-1] / LUCK.sum()).max() <= 1
    assert (EVEN.height == 1).all()
    assert (Widths.of(3 * LUCK).trial == got.trial).all()


def test_numbers_of_trials_with_other_shares_are_poisson_of_the_wins_expected():
    """Expected wins go with luck in half of the trials, and against it in the others."""
    expected = np.where(np.arange(LENGTH) % 2, LUCK, 1 / LUCK).astype(np.float32)
    reached = np.stack([0.3 * expected, expected])
    streams, number = 300, np.zeros((2, LENGTH))
    moments = np.zeros(2)
    for row in range(streams):
        trial, period, _ = draw(row, reached, widths=[Widths.of(LUCK)])
        one = np.stack([np.bincount(trial[period == p], minlength=LENGTH) for p in (0, 1)])
        number += one
        moments += [one.sum(), (one.sum(axis=0) * (one.sum(axis=0) - 1.0)).sum()]
    share = np.array([[0.3], [0.7]])
    off = (number - streams * share * expected) / np.sqrt(streams * share * expected)
    assert np.abs(off).max() < 5
    assert (off**2).mean() == pytest.approx(1.0, abs=0.1)
    # Poisson: the mean of N (N - 1) is the square of that of N.
    assert moments[1] / streams == pytest.approx((expected.astype(float) ** 2).sum(), rel=0.01)


def test_what_a_trial_has_hangs_on_its_own_share_and_heights_alone():
    own = np.random.default_rng(2).uniform(0.0, 3.0, (4, LENGTH)).cumsum(axis=0)
    widths = [Widths.of(LUCK)]
    every = draw(7, own, widths=widths)
    for trial in (0, 17, LENGTH - 1):
        got = draw(7, own * (np.arange(LENGTH) == trial), widths=widths)
        np.testing.assert_array_equal(got[:, got[0] == trial], every[:, every[0] == trial])


def test_heights_are_the_same_whether_trials_are_alike_or_not():
    """60 expected wins: more points than are worked on together."""
    reached = np.linspace(5.0, 60.0, 12)
    np.testing.assert_array_equal(draw(2, reached), draw(2, np.repeat(reached[:, None], LENGTH, axis=1)))


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("length", [64, 512])
def test_points_of_a_piece_are_those_of_the_whole(length, each):
    reached = np.repeat(np.array([[2.0], [5.0], [9.0]]), 2 * LENGTH if each else 1, axis=1)
    widths = [Widths.of(LUCK), EVEN]
    whole = draw(3, reached, 0, 2 * LENGTH, widths)
    for start in range(0, 2 * LENGTH, LENGTH // 2):
        piece = draw(3, reached[:, :length], start, start + length, widths[start // LENGTH :])
        mine = whole[:, (whole[0] >= start) & (whole[0] < start + length)]
        mine[0] -= start
        np.testing.assert_array_equal(piece, mine)


def test_nothing_is_drawn_where_nothing_can_happen():
    assert alike(1, 0.0).size == 0
    assert draw(1, np.zeros((1, LENGTH))).size == 0
