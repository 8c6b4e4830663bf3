"""What-ifs on the same trials: nobody else's draws move, and differences are known far better than on fresh draws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.precision import paired_error
from spmforecast.simulate.trials import Trials
from workloads import scaled, workload


@pytest.fixture(scope="module")
def inputs():
    return workload(deals=1500, streams=40, created=1500.0, reps=10, shocks=True, dispersion=0.1, leave=True)


def company(inputs, ledger=False):
    return simulate_block(inputs, 0, 4096, ledger)


def without(inputs, gone):
    deals = inputs.open_deals
    rows = np.delete(np.arange(len(deals.ids)), gone)
    kept = {name: getattr(deals, name)[rows] for name in ("state", "owner", "segment", "column", "log_amount")}
    return dataclasses.replace(
        inputs,
        open_deals=dataclasses.replace(
            deals, ids=tuple(deals.ids[i] for i in rows), partners=tuple(deals.partners[i] for i in rows), **kept
        ),
    )


def test_paired_runs_know_a_difference_at_least_twenty_times_better(inputs):
    base = company(inputs)
    segment = np.flatnonzero(inputs.open_deals.segment == 3)
    rate = base.deal_wins[segment].sum() / len(segment) / 4096
    likelier = scaled(inputs, segment, (rate + 0.05) / rate)
    for other in (likelier, without(likelier, [7])):
        _, _, gain = paired_error(base.amounts.sum(axis=1), company(other).amounts.sum(axis=1))
        assert gain > 20


def test_editing_one_segment_moves_nobody_else(inputs):
    segment = np.flatnonzero(inputs.open_deals.segment == 3)
    base, edited = company(inputs), company(scaled(inputs, segment, 1.3))
    rest = np.setdiff1d(np.arange(1500), segment)
    np.testing.assert_array_equal(edited.deal_wins[rest], base.deal_wins[rest])
    np.testing.assert_array_equal(edited.deal_sum[rest], base.deal_sum[rest])
    assert edited.deal_wins[segment].sum() > base.deal_wins[segment].sum()


def test_a_likelier_deal_is_won_wherever_it_was_won_before_or_sooner(inputs):
    base, likelier = company(inputs, ledger=True).ledger, company(scaled(inputs, [5], 1.5), ledger=True).ledger
    before, after = base.trial[base.deal == 5], likelier.trial[likelier.deal == 5]
    assert set(before) < set(after)


def test_removing_a_rep_leaves_all_others_alone(inputs):
    gone = inputs.open_deals.owner == 4
    cells = inputs.new_deals.cells
    rows = np.flatnonzero(cells.seller != 4)
    fewer = without(inputs, np.flatnonzero(gone))
    streams = dataclasses.replace(
        cells,
        ids=tuple(cells.ids[k] for k in rows),
        **{name: getattr(cells, name)[rows] for name in ("seller", "segment", "share", "column")},
    )
    fewer = dataclasses.replace(fewer, new_deals=dataclasses.replace(inputs.new_deals, cells=streams))
    base, less = company(inputs), company(fewer)
    own = np.isin(np.arange(base.amounts.shape[1]) // 4, [4])
    assert less.amounts[:, ~own].tobytes() == base.amounts[:, ~own].tobytes()
    assert (less.amounts[:, own] == 0).all()


def test_ledger_holds_every_winner_once(inputs):
    got = company(inputs, ledger=True)
    ledger = got.ledger
    booked = np.zeros(got.amounts.shape)
    np.add.at(booked, (ledger.trial, ledger.cell), ledger.amount)
    np.testing.assert_allclose(booked, got.amounts, atol=1e-6)
    wins = np.bincount(ledger.deal[ledger.deal >= 0], minlength=1500)
    np.testing.assert_array_equal(wins, got.deal_wins.sum(axis=1))
    assert (np.diff(ledger.trial) >= 0).all()


def test_every_deal_and_trial_has_one_word_whatever_its_chance(inputs, monkeypatch):
    asked = []
    words = Trials.words
    monkeypatch.setattr(
        Trials, "words", lambda self, key, lane=0: asked.append((key[0], lane)) or words(self, key, lane)
    )
    for factor in (0.1, 1.0, 3.0):
        asked.clear()
        simulate_block(without(scaled(inputs, np.arange(1500), factor), np.arange(100, 1500)), 0, 64)
        keys = {int(key) for key in inputs.deal_keys[:100, 0]}
        assert sorted(int(key) for key, lane in asked if int(key) in keys) == sorted(keys)
