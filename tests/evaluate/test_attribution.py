"""Shapley values: they add up, treat equals equally, give nothing to who changes nothing, and do not know an order."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.evaluate.attribution import EXACT_UP_TO, exact_shares, sampled_shares, shapley


def game(changes: int, seed: int):
    """Return any value of sets of changes, with two figures."""
    table = np.random.default_rng(seed).normal(size=(2**changes, 2))
    return lambda made: table[sum(1 << one for one in made)]


@settings(max_examples=25)
@given(st.integers(1, 5), st.integers(0, 1000))
def test_shares_sum_to_the_difference(changes, seed):
    told = exact_shares(game(changes, seed), changes)
    np.testing.assert_allclose(told.shares.sum(axis=0), told.total, atol=1e-12)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_a_share_is_the_average_over_all_orders(seed):
    value = game(4, seed)
    every = sampled_shares(value, list(permutations(range(4))))
    np.testing.assert_allclose(exact_shares(value, 4).shares, every.shares, atol=1e-12)


def test_names_do_not_matter():
    value = game(4, 5)
    turned = [2, 0, 3, 1]
    renamed = exact_shares(lambda made: value(frozenset(turned[one] for one in made)), 4)
    np.testing.assert_allclose(renamed.shares, exact_shares(value, 4).shares[turned], atol=1e-12)


def test_who_changes_nothing_gets_nothing_and_equals_get_the_same():
    # Gloves: 0 and 1 hold a left one, 2 a right one, 3 none; a pair is worth 1.
    told = exact_shares(lambda made: np.array(float(bool({0, 1} & made) and 2 in made)), 4)
    np.testing.assert_allclose(told.shares, [1 / 6, 1 / 6, 2 / 3, 0.0], atol=1e-12)


def test_beyond_six_changes_orders_are_sampled_and_still_add_up():
    value = game(8, 3)
    told = shapley(value, 8, np.random.default_rng(1), pairs=5)
    assert told.orders == 10
    assert EXACT_UP_TO < 8
    np.testing.assert_allclose(told.shares.sum(axis=0), told.total, atol=1e-12)


def test_sampled_orders_come_near_to_all_of_them():
    def value(made):
        return np.array(sum(one + 1.0 for one in made) + 3.0 * ({0, 5} <= made))

    told = shapley(value, 7, np.random.default_rng(1), pairs=40)
    expected = [1 + 1.5, 2, 3, 4, 5, 6 + 1.5, 7]
    assert told.shares == pytest.approx(expected, abs=0.5)
