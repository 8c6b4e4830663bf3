"""Tests of draws that keep their margins."""

import numpy as np
import pytest

from spmforecast.models.margins import held_average, moved_odds, same_odds

# One stage that goes up (0), to won (1) or is lost (2), and one from which deals are won or lost.
RISES = np.array([[False, True, True, False], [False, False, True, False]])
FALLS = np.array([[False, False, False, True], [False, False, False, True]])


def _rates(rng, *shape):
    rate = rng.gamma(4.0, 0.01, size=(*shape, 2, 4, 3))
    return np.where((RISES | FALLS)[:, :, None], rate, 0.0)


def _odds(drawn, mean, seen):
    moves = (drawn / np.maximum(mean, 1e-300) * seen).sum(axis=(-1, -4))
    return (moves * RISES).sum(axis=(-1, -2)) / (moves * FALLS).sum(axis=(-1, -2))


def test_draws_of_a_group_bring_the_events_of_its_means_in_every_world():
    rng = np.random.default_rng(1)
    mean, expected = rng.gamma(9.0, 1 / 9.0, (3, 4)), rng.gamma(2.0, 20.0, (3, 4))
    group = np.array([[0, 0, 1, 1]] * 3)
    drawn = mean * rng.gamma(20.0, 1 / 20.0, (50, 3, 4))
    held = held_average(drawn, mean, expected, group)
    for one in range(2):
        own = group == one
        np.testing.assert_allclose((held * expected)[:, own].sum(axis=1), (mean * expected)[own].sum())
    ratio = held / drawn
    np.testing.assert_allclose(ratio[:, group == 0], ratio[:, :1, 0] * np.ones(6))  # one factor for each group


def test_a_multiplier_alone_in_its_group_is_known_and_one_without_data_keeps_its_doubt():
    rng = np.random.default_rng(2)
    drawn = rng.gamma(5.0, 0.2, (200, 2, 1))
    mean, expected = np.array([[1.1], [1.0]]), np.array([[40.0], [0.0]])
    held = held_average(drawn, mean, expected, np.array([[0], [1]]))
    np.testing.assert_allclose(held[:, 0], 1.1)
    np.testing.assert_array_equal(held[:, 1], drawn[:, 1])


def test_spread_of_a_segment_is_that_of_its_own_count_and_not_that_of_every_multiplier_together():
    rng = np.random.default_rng(3)
    expected = np.array([[100.0], [300.0]])
    drawn = rng.gamma(expected + 1.0, 1 / (expected + 1.0), (20_000, 2, 1))
    held = held_average(drawn, np.ones((2, 1)), expected, np.zeros((2, 1), dtype=np.int64))
    total = rng.gamma(400.0, 1 / 400.0, (20_000, 1, 1))  # what the coarser multiplier says of both together
    np.testing.assert_allclose((held * total).std(axis=0)[:, 0], 1 / np.sqrt(expected[:, 0]), rtol=0.03)


def test_what_moves_all_odds_at_once_is_taken_out_of_draws():
    rng = np.random.default_rng(4)
    mean, seen = _rates(rng, 2), _rates(rng, 2) * 5_000
    moved = np.stack([moved_odds(mean, level, RISES) for level in (-0.4, 0.0, 0.3)])
    np.testing.assert_allclose(same_odds(moved, mean, seen, RISES, FALLS), np.stack([mean] * 3), rtol=0.02)


def test_draws_expect_the_odds_of_the_means_and_keep_pace_and_differences():
    rng = np.random.default_rng(5)
    mean, seen = _rates(rng, 2), _rates(rng, 2) * 5_000
    drawn = mean * rng.gamma(15.0, 1 / 15.0, (30, *mean.shape))
    held = same_odds(drawn, mean, seen, RISES, FALLS)
    np.testing.assert_allclose(_odds(held, mean, seen), _odds(mean, mean, seen), rtol=0.01)
    np.testing.assert_allclose(held.sum(axis=3), drawn.sum(axis=3))
    one, other = (np.log(rate[:, 0, 0, 2] / rate[:, 0, 0, 1]) for rate in (held, drawn))
    np.testing.assert_allclose(one, other)  # win against advance: both go up


@pytest.mark.parametrize("only", [RISES, FALLS])
def test_without_losses_or_advances_there_are_no_odds_to_hold(only):
    rng = np.random.default_rng(6)
    mean = _rates(rng, 1)
    seen = np.where(only[:, :, None], 50.0, 0.0) * np.ones_like(mean)
    drawn = mean * rng.gamma(15.0, 1 / 15.0, (5, *mean.shape))
    np.testing.assert_array_equal(same_odds(drawn, mean, seen, RISES, FALLS), drawn)
