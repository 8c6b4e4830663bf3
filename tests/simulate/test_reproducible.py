"""The same seed gives the same bytes, whatever the processes, blocks and order of rows; other seeds the same law."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from companies import UNTIL, example_tables, fit, shuffled
from spmforecast.simulate import simulate
from spmforecast.simulate.block import simulate_block


def test_same_seed_same_bytes(model, forecast):
    again = simulate(model, until=UNTIL, trials=1000, seed=5)
    assert again.draws.tobytes() == forecast.draws.tobytes()
    assert again.counts.tobytes() == forecast.counts.tobytes()
    pd.testing.assert_frame_equal(again.cells, forecast.cells)
    pd.testing.assert_frame_equal(again.deals, forecast.deals)


def test_other_seed_other_draws_of_the_same_law(model, forecast):
    other = simulate(model, until=UNTIL, trials=1000, seed=6)
    one, two = forecast.totals([]).draws[:, 0], other.totals([]).draws[:, 0]
    assert not np.array_equal(one, two)
    # 64 draws of the parameters stand behind each run, so the means are known less well than a thousand trials say.
    assert abs(one.mean() - two.mean()) < 6 * one.std() / np.sqrt(64)


def test_longer_runs_and_more_processes_begin_with_the_same_bytes(model, forecast):
    longer = simulate(model, until=UNTIL, trials=2000, seed=5)
    assert longer.draws[:1000].tobytes() == forecast.draws.tobytes()
    spread = simulate(model, until=UNTIL, trials=2000, seed=5, jobs=2)
    assert spread.draws.tobytes() == longer.draws.tobytes()
    assert spread.counts.tobytes() == longer.counts.tobytes()
    pd.testing.assert_frame_equal(spread.deals, longer.deals)


@pytest.mark.parametrize("cut", [4, 200, 396])
def test_where_blocks_are_cut_does_not_matter(inputs, block, cut):
    first, second = simulate_block(inputs, 0, cut), simulate_block(inputs, cut, 400)
    assert np.concatenate([first.amounts, second.amounts]).tobytes() == block.amounts.tobytes()
    assert np.concatenate([first.counts, second.counts]).tobytes() == block.counts.tobytes()
    np.testing.assert_array_equal(first.deal_wins + second.deal_wins, block.deal_wins)
    np.testing.assert_allclose(first.deal_sum + second.deal_sum, block.deal_sum)


def test_order_of_the_input_rows_changes_no_byte(forecast):
    turned = fit(shuffled(example_tables(), np.random.default_rng(9)))
    again = simulate(turned, until=UNTIL, trials=1000, seed=5)
    pd.testing.assert_frame_equal(again.cells, forecast.cells)
    assert again.draws.tobytes() == forecast.draws.tobytes()


def test_progress_is_told(model):
    told = []
    simulate(model, until="2024-09-30", trials=1500, jobs=2, progress=lambda *done: told.append(done))
    assert told == [(1024, 1500), (1500, 1500)]
