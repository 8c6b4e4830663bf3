"""Wins expected of deals to come, against the sum over cohorts written out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spmforecast.simulate.expected import MovedWins, SettledWins
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.shocks import Shocks, draw_shocks
from spmforecast.simulate.trials import Trials
from workloads import workload

TRIALS, PERIODS = 192, 6


def inputs_of(lost=True, worlds=64, **settings):
    """Streams of a few sellers whose chances bend in the market and are those of 64 worlds."""
    inputs = workload(deals=0, streams=7, reps=3, periods=PERIODS, shocks=True, dispersion=0.1, **settings)
    new, rng = inputs.new_deals, np.random.default_rng(1)
    shape = new.response.shape
    return dataclasses.replace(
        inputs,
        new_deals=dataclasses.replace(
            new,
            win=new.win[:worlds],
            lose=new.lose * lost,
            response=rng.uniform(0.2, 1.5, shape),
            bend=rng.uniform(0.0, 0.1, shape),
        ),
    )


def by_hand(inputs, trials, made, stream, multiplier):
    """Expected wins of each trial, cohort by cohort, in double precision; `multiplier` by cohort, period and trial."""
    new, out = inputs.new_deals, np.zeros((PERIODS, trials.count))
    segment = new.cells.segment[stream]
    of_world = trials.world % len(new.win)
    for cohort in range(PERIODS):
        win = new.win[of_world, segment, cohort, cohort:].astype(np.float64)
        lose = new.lose[of_world % len(new.lose), segment, cohort, cohort:]
        chance = winning_chances(win, lose, multiplier[cohort, cohort:].T)
        out[cohort:] += (np.broadcast_to(made, (PERIODS, trials.count))[cohort][:, None] * chance).T
    return out


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("effect", [True, False])
def test_market_and_seller_move_chances_of_every_cohort(lost, effect):
    inputs, trials = inputs_of(lost), Trials(1, 64, 64 + TRIALS, 64)
    rng = np.random.default_rng(2)
    effects = [rng.gamma(40.0, 1 / 40.0, TRIALS).astype(np.float32) if effect else None for _ in range(3)]
    shocks = draw_shocks(inputs, trials)
    assert isinstance(shocks, Shocks)
    way = MovedWins(inputs, trials, shocks, effects.__getitem__)
    made = rng.uniform(1.0, 5.0, (PERIODS, TRIALS)).astype(np.float32)
    for stream in (0, 5, 5, 2):
        segment, seller = (int(x[stream]) for x in (inputs.new_deals.cells.segment, inputs.new_deals.cells.seller))
        response, bend = (x[segment][..., None] for x in (inputs.new_deals.response, inputs.new_deals.bend))
        own = effects[seller]
        multiplier = np.exp(shocks.level * response - shocks.bent * bend) * (1.0 if own is None else own)
        expected = by_hand(inputs, trials, made, stream, multiplier)
        np.testing.assert_allclose(way.expected(made, stream), expected, rtol=2e-5)


@pytest.mark.parametrize("worlds", [1, 64])
@pytest.mark.parametrize("columns", [1, TRIALS])
def test_settled_chances_are_those_of_the_world(worlds, columns):
    inputs, trials = inputs_of(worlds=worlds), Trials(1, 32, 32 + TRIALS, worlds)
    made = np.random.default_rng(2).uniform(1.0, 5.0, (PERIODS, columns)).astype(np.float32)
    way, ones = SettledWins(inputs, trials), np.ones((PERIODS, PERIODS, TRIALS))
    for stream in (0, 6, 1):
        got = way.expected(made, stream)
        assert got.shape[1] == (1 if worlds == columns == 1 else TRIALS)
        expected = by_hand(inputs, trials, made, stream, ones)
        np.testing.assert_allclose(np.broadcast_to(got, expected.shape), expected, rtol=2e-6)


def test_neighbours_worked_out_together_or_alone_are_the_same(monkeypatch):
    inputs, trials = inputs_of(), Trials(1, 0, TRIALS, 64)
    made = np.ones((PERIODS, 1), dtype=np.float32)
    together = [SettledWins(inputs, trials).expected(made, stream) for stream in range(7)]
    monkeypatch.setattr("spmforecast.simulate.expected._TOGETHER", 1)
    alone = SettledWins(inputs, trials)
    assert alone.together == 1
    for stream, expected in enumerate(together):
        assert alone.expected(made, stream).tobytes() == expected.tobytes()
