"""Three parts of the variance: found where they are known, never negative, summing to one."""

from __future__ import annotations

import numpy as np
import pytest

from spmforecast.evaluate.variance import PARTS, variance_parts

TRIALS = 8000


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(3)
    world = np.arange(TRIALS) % 64
    own, market, luck = rng.normal(size=(TRIALS, 2)), rng.normal(size=(TRIALS, 4)), rng.normal(size=TRIALS)
    by_world = rng.normal(size=64)
    by_world = (by_world - by_world.mean()) / by_world.std()
    known = 2.0 * by_world[world], 1.0 * own[:, 0], 1.5 * (market[:, 1] ** 2 - 1) / np.sqrt(2), 3.0 * luck
    return world, own, market, np.stack([sum(known), known[3], np.full(TRIALS, 5.0)], axis=1)


def test_each_part_is_found(drawn):
    world, own, market, draws = drawn
    table = variance_parts(draws, world, own, market)
    whole = 4.0 + 1.0 + 2.25 + 9.0
    assert table.loc[0, "parameters"] == pytest.approx(5.0 / whole, abs=0.02)
    assert table.loc[0, "shocks"] == pytest.approx(2.25 / whole, abs=0.02)
    assert table.loc[0, "sd"] == pytest.approx(np.sqrt(whole), rel=0.03)


def test_luck_alone_is_all_process(drawn):
    world, own, market, draws = drawn
    assert variance_parts(draws, world, own, market).loc[1, "process"] > 0.99


def test_shares_sum_to_one_and_none_is_negative(drawn):
    world, own, market, draws = drawn
    for trials in (400, TRIALS):
        shares = variance_parts(draws[:trials, :2], world[:trials], own[:trials], market[:trials])[list(PARTS)]
        assert (shares >= 0).all(axis=None)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_what_is_certain_or_drawn_too_seldom_has_no_parts(drawn):
    world, own, market, draws = drawn
    table = variance_parts(draws, world, own, market)
    assert table.loc[2, "sd"] == 0
    assert table.loc[2, list(PARTS)].isna().all()
    assert variance_parts(draws[:20], world[:20], own[:20], market[:20])["process"].isna().all()
