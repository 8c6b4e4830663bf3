"""Nobody's luck hangs on anybody else: without one deal or stream, all others draw the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spmforecast.simulate.block import simulate_block


def keep_open(inputs, rows):
    """Keep some of the open deals, the fit being what it was."""
    deals = inputs.open_deals
    by_deal = ("state", "owner", "segment", "column", "log_amount")
    kept = dataclasses.replace(
        deals, ids=tuple(deals.ids[i] for i in rows), **{name: getattr(deals, name)[rows] for name in by_deal}
    )
    return dataclasses.replace(inputs, open_deals=kept)


def keep_streams(inputs, rows):
    """Keep some of the streams of deals to come."""
    new = inputs.new_deals
    by_stream = ("seller", "segment", "share", "column")
    cells = dataclasses.replace(
        new.cells,
        ids=tuple(new.cells.ids[k] for k in rows),
        **{name: getattr(new.cells, name)[rows] for name in by_stream},
    )
    return dataclasses.replace(inputs, new_deals=dataclasses.replace(new, cells=cells))


@pytest.mark.parametrize("gone", [0, 3, -1])
def test_without_one_open_deal_all_others_draw_the_same(inputs, block, gone):
    deals = inputs.open_deals
    rows = np.delete(np.arange(len(deals.ids)), gone)
    less = simulate_block(keep_open(inputs, rows), 0, 400)
    np.testing.assert_array_equal(less.deal_wins, block.deal_wins[rows])
    np.testing.assert_array_equal(less.deal_sum, block.deal_sum[rows])
    np.testing.assert_array_equal(less.deal_squares, block.deal_squares[rows])
    own = np.zeros(block.amounts.shape[1], dtype=bool)
    own[deals.column[gone] + np.arange(inputs.periods)] = True
    np.testing.assert_array_equal(less.amounts[:, ~own], block.amounts[:, ~own])
    np.testing.assert_array_equal(less.counts[:, ~own], block.counts[:, ~own])
    missing = (block.counts - less.counts)[:, own]
    assert missing.sum() == block.deal_wins[gone].sum()
    assert (missing >= 0).all()


def test_order_of_the_open_deals_does_not_matter(inputs, block):
    rows = np.random.default_rng(1).permutation(len(inputs.open_deals.ids))
    turned = simulate_block(keep_open(inputs, rows), 0, 400)
    np.testing.assert_array_equal(turned.deal_wins, block.deal_wins[rows])
    np.testing.assert_array_equal(turned.deal_sum, block.deal_sum[rows])
    np.testing.assert_array_equal(turned.counts, block.counts)
    np.testing.assert_allclose(turned.amounts, block.amounts, atol=1e-6)


def test_without_one_stream_of_new_deals_all_others_draw_the_same(inputs, block):
    cells = inputs.new_deals.cells
    busiest = int(np.argmax([block.counts[:, c : c + inputs.periods].sum() for c in cells.column]))
    less = simulate_block(keep_streams(inputs, np.delete(np.arange(len(cells.ids)), busiest)), 0, 400)
    own = np.zeros(block.amounts.shape[1], dtype=bool)
    own[cells.column[busiest] + np.arange(inputs.periods)] = True
    np.testing.assert_array_equal(less.amounts[:, ~own], block.amounts[:, ~own])
    assert less.counts[:, own].sum() < block.counts[:, own].sum()


def test_winners_of_one_cell_have_amounts_of_their_own(inputs, block):
    new = np.unique(inputs.new_deals.cells.column[:, None] + np.arange(inputs.periods))
    two = block.amounts[:, new][block.counts[:, new] == 2]
    assert len(two) > 50
    # Twice the same amount would be an even number of cents.
    assert 0.2 < (np.round(two * 100).astype(np.int64) % 2).mean() < 0.8


def test_a_deal_that_is_larger_wins_in_the_same_trials(inputs, block):
    deals = inputs.open_deals
    likely = int(np.argmax(np.where(np.isnan(deals.log_amount), 0, block.deal_wins.sum(axis=1))))
    assert block.deal_wins[likely].sum() > 20
    log_amount = deals.log_amount.copy()
    log_amount[likely] += np.log(2)
    larger = dataclasses.replace(inputs, open_deals=dataclasses.replace(deals, log_amount=log_amount))
    got = simulate_block(larger, 0, 400)
    np.testing.assert_array_equal(got.counts, block.counts)
    assert got.deal_sum[likely] == pytest.approx(2 * block.deal_sum[likely], rel=1e-4)
    rest = np.arange(len(deals.ids)) != likely
    np.testing.assert_array_equal(got.deal_sum[rest], block.deal_sum[rest])
