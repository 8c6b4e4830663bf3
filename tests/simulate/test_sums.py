"""Sums of cents and wins in one number: taken apart, turned and joined without a change."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.sums import WIN, Sums
from workloads import workload


@pytest.fixture
def booked():
    """Cents and wins of more cells and trials than a tile holds, neither a multiple of its sides."""
    rng = np.random.default_rng(1)
    shape = (101, 523)
    return np.rint(rng.lognormal(12, 3, shape)), rng.poisson(2.0, shape).astype(np.float32)


def test_wins_and_cents_come_apart_as_they_went_in(booked):
    cents, wins = booked
    sums = Sums(cents + wins * WIN)
    assert sums.hold(int(wins.sum()))
    amounts, counts = sums.tables
    np.testing.assert_array_equal(amounts, cents.T / 100.0)
    np.testing.assert_array_equal(counts, wins.T)
    apart = Sums(cents, wins).tables
    assert amounts.tobytes() == apart[0].tobytes()
    assert counts.tobytes() == apart[1].tobytes()


def test_what_is_known_beforehand_is_added_in_every_trial(booked):
    cents, wins = booked
    amount, count = np.arange(101) + 0.25, np.arange(101.0)
    draws, counts = np.empty((523, 101)), np.empty((523, 101), dtype=np.float32)
    Sums(cents + wins * WIN).put(draws, counts, amount, count)
    np.testing.assert_array_equal(draws, cents.T / 100.0 + amount)
    np.testing.assert_array_equal(counts, wins.T + count)


def test_cents_that_ran_into_wins_are_noticed_unless_kept_apart(booked):
    cents, wins = booked
    cents[3, 7] = WIN
    assert not Sums(cents + wins * WIN).hold(int(wins.sum()))
    assert Sums(cents, wins).hold(int(wins.sum()))
    # Where sums are no longer exact, they do not hold, whatever their number of wins.
    wins[3, 7] = 2.0**13
    assert not Sums(cents + wins * WIN).hold(int(wins.sum()) + 1)


def test_blocks_are_joined_whether_wins_are_apart_or_not(booked):
    cents, wins = booked
    whole = Sums(cents, wins).tables
    parts = [Sums(cents[:, :200] + wins[:, :200] * WIN), Sums(cents[:, 200:], wins[:, 200:])]
    joined = Sums.joined(parts).tables
    assert joined[0].tobytes() == whole[0].tobytes()
    assert joined[1].tobytes() == whole[1].tobytes()


def test_sums_are_taken_apart_where_they_lie(booked):
    cents, wins = booked
    larger = np.full((101, 600), np.nan)
    part = larger[:, 40:563]
    part[:] = cents + wins * WIN
    counts = np.empty(wins.shape, dtype=np.float32)
    sums = Sums(part)
    assert sums.hold(int(wins.sum()))
    sums.put(part.T, counts.T)
    np.testing.assert_array_equal(part, cents / 100.0)
    np.testing.assert_array_equal(counts, wins)
    assert np.isnan(larger[:, :40]).all()
    assert np.isnan(larger[:, 563:]).all()


def test_a_block_is_the_same_in_a_larger_table():
    inputs = workload(deals=60, streams=8, created=300.0, reps=5, shocks=True, dispersion=0.1, leave=True)
    alone = simulate_block(inputs, 0, 320, ledger=True)
    larger = np.full((len(inputs.plan.frame), 500), 7.0)
    within = simulate_block(inputs, 0, 320, True, larger[:, 100:420])
    assert within.amounts.tobytes() == alone.amounts.tobytes()
    assert within.counts.tobytes() == alone.counts.tobytes()
    assert within.ledger.cell.tobytes() == alone.ledger.cell.tobytes()
    assert (larger[:, :100] == 7).all()
    assert (larger[:, 420:] == 7).all()


def test_nothing_booked_holds_nothing():
    assert Sums(np.zeros((0, 5))).hold(0)
    assert Sums(np.zeros((0, 5))).tables[0].shape == (5, 0)
