"""What-ifs on the same trials: nobody else's draws move, and differences are known far better than on fresh draws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.precision import paired_error
from workloads import scaled, workload


@pytest.fixture(scope="module")
def inputs():
    return workload(deals=1500, streams=40, created=1500.0, reps=10, shocks=True, dispersion=0.1, leave=True)


@pytest.fixture(scope="module")
def base(inputs):
    """The block as it is, with its ledger; treat it as read-only."""
    return company(inputs, ledger=True)


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


def test_paired_runs_know_a_difference_at_least_twenty_times_better(inputs, base):
    segment = np.flatnonzero(inputs.open_deals.segment == 3)
    rate = base.deal_wins[segment].sum() / len(segment) / 4096
    likelier = scaled(inputs, segment, (rate + 0.05) / rate)
    for other in (likelier, without(likelier, [7])):
        _, _, gain = paired_error(base.amounts.sum(axis=1), company(other).amounts.sum(axis=1))
        assert gain > 20


def test_editing_one_segment_moves_nobody_else(inputs, base):
    segment = np.flatnonzero(inputs.open_deals.segment == 3)
    edited = company(scaled(inputs, segment, 1.3))
    rest = np.setdiff1d(np.arange(1500), segment)
    np.testing.assert_array_equal(edited.deal_wins[rest], base.deal_wins[rest])
    np.testing.assert_array_equal(edited.deal_sum[rest], base.deal_sum[rest])
    assert edited.deal_wins[segment].sum() > base.deal_wins[segment].sum()


def test_a_likelier_deal_is_won_wherever_it_was_won_before_or_sooner(inputs, base):
    likelier = company(scaled(inputs, [5], 1.5), ledger=True).ledger
    before, after = base.ledger.trial[base.ledger.deal == 5], likelier.trial[likelier.deal == 5]
    assert set(before) < set(after)


def test_likelier_deals_to_come_are_won_as_often_in_every_trial_or_more(inputs, base):
    new = inputs.new_deals
    likelier = dataclasses.replace(inputs, new_deals=dataclasses.replace(new, win=new.win * np.float32(1.2)))
    number = []
    for ledger in (base.ledger, company(likelier, ledger=True).ledger):
        coming = ledger.deal < 0
        number.append(np.bincount(ledger.trial[coming] * 40 - 1 - ledger.deal[coming], minlength=4096 * 40))
    assert (number[1] >= number[0]).all()
    assert number[1].sum() > 1.1 * number[0].sum()


def test_removing_a_rep_leaves_all_others_alone(inputs, base):
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
    less = company(fewer)
    own = np.isin(np.arange(base.amounts.shape[1]) // 4, [4])
    assert less.amounts[:, ~own].tobytes() == base.amounts[:, ~own].tobytes()
    assert (less.amounts[:, own] == 0).all()


def test_ledger_holds_every_winner_once(inputs, base):
    plain = company(inputs)
    assert plain.amounts.tobytes() == base.amounts.tobytes()  # keeping a ledger changes no draw
    got, ledger = base, base.ledger
    booked = np.zeros(got.amounts.shape)
    np.add.at(booked, (ledger.trial, ledger.cell), ledger.amount)
    np.testing.assert_allclose(booked, got.amounts, atol=1e-6)
    wins = np.bincount(ledger.deal[ledger.deal >= 0], minlength=1500)
    np.testing.assert_array_equal(wins, got.deal_wins.sum(axis=1))
    assert (np.diff(ledger.trial) >= 0).all()


def _alone(inputs, rows, start, stop):
    """Draw blocks of some of the deals only, in the order given."""
    deals = inputs.open_deals
    kept = {name: getattr(deals, name)[rows] for name in ("state", "owner", "segment", "column", "log_amount")}
    fewer = dataclasses.replace(
        deals, ids=tuple(deals.ids[i] for i in rows), partners=tuple(deals.partners[i] for i in rows), **kept
    )
    return simulate_block(dataclasses.replace(inputs, open_deals=fewer), start, stop, ledger=True).ledger


def test_reference_of_invariance(reference):
    ref = reference("41_counter_rng")
    inputs = workload(deals=40, streams=3, created=60.0, reps=4, shocks=True, leave=True)
    whole = simulate_block(inputs, 0, 256, ledger=True).ledger
    less = _alone(inputs, np.delete(np.arange(40), 7)[::-1], 0, 256)
    parts = [simulate_block(inputs, start, start + 64, ledger=True).ledger for start in range(0, 256, 64)]
    names = np.delete(np.arange(40), 7)[::-1]
    same = []
    for deal in range(-3, 40):
        mine = whole.deal == deal
        other = less.deal == (np.flatnonzero(names == deal)[0] if deal >= 0 and deal != 7 else deal)
        if deal != 7:
            same += [np.array_equal(whole.trial[mine], less.trial[other])]
            same += [np.array_equal(whole.amount[mine], less.amount[other])]
    joined = np.concatenate([part.amount for part in parts])
    ref.compare(
        "PROPERTY: removing/adding/reordering entity k leaves every other entity draw bit-identical; "
        "chunked trial blocks equal one big block; worker count irrelevant",
        bool(all(same) and np.array_equal(joined, whole.amount)),
    )
