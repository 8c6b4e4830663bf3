"""Words of luck of open deals, and what is made of them: chances to 32 bits, bounds that change no draw, exact sums."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.simulate import bounds
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.chances import ByChances
from spmforecast.simulate.hazards import Levels, asked_of
from spmforecast.simulate.luck import draw_words, leading_bits, turned
from spmforecast.simulate.quantiles import distinct_rows, mean_one_lognormal, pick
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.tally import Overflow, Tally
from spmforecast.simulate.trials import Trials
from workloads import scaled, workload

STREAMS = Streams(3)
KEYS = np.array([STREAMS.key("deal", f"O-{k}", "outcome") for k in range(20)])
SMALL = {"deals": 60, "streams": 0, "reps": 4, "periods": 4}


@pytest.mark.parametrize(("start", "stop"), [(0, 8), (3, 700), (256, 512), (1000, 1024), (4096, 5001)])
def test_words_of_some_trials_are_those_of_all(start, stop):
    whole, part = draw_words(STREAMS, KEYS, 0, 5001), draw_words(STREAMS, KEYS[4:7], start, stop)
    np.testing.assert_array_equal(part, whole[4:7, start:stop])


def test_words_are_uniform_and_what_they_are_turned_into_has_nothing_to_do_with_them():
    words = draw_words(STREAMS, KEYS, 0, 20_000).ravel()
    kinds = [leading_bits(words), leading_bits(turned(words))]
    for bits in [*kinds, words.astype(np.uint16)]:
        seen = np.bincount(bits >> 8, minlength=256)
        assert ((seen - seen.mean()) ** 2 / seen.mean()).sum() < 340  # chi-squared of 255: 1 in 5,000
    assert abs(np.corrcoef(*kinds)[0, 1]) < 4 / np.sqrt(len(words))
    together = np.bincount((kinds[0] >> 12).astype(np.int64) * 16 + (kinds[1] >> 12), minlength=256)
    assert ((together - together.mean()) ** 2 / together.mean()).sum() < 340


@pytest.mark.parametrize("length", [1, 2, 10, 4000, 300_000])
def test_words_of_any_interval_turn_into_even_ones(length):
    for start in np.random.default_rng(length).integers(0, 2**32 - length, 10).tolist():
        got = np.sort(turned(np.arange(start, start + length, dtype=np.uint32))) / 2.0**32
        rank = np.arange(length)
        # The largest gap of the distribution function, in words.
        assert max((rank + 1 - got * length).max(), (got * length - rank).max()) < 5


def test_chances_hold_to_the_last_bit_of_a_word():
    inputs = workload(**SMALL)
    way = ByChances(inputs, Trials(1, 0, 8, 1))
    edges = way.edges[inputs.open_deals.state[:1]][0, :, 0]
    words = np.stack([edges - 1, edges], axis=1).reshape(1, -1)
    got = way.play(np.array([0]), words)
    # A word below the edge still belongs to the period, one at it to the next; at the last edge nothing is won.
    np.testing.assert_array_equal(got.found.place, np.arange(7))
    np.testing.assert_array_equal(got.slot, [0, 1, 1, 2, 2, 3, 3])


def test_hazards_asked_for_are_known_to_a_millionth_of_themselves():
    words = np.concatenate([np.arange(300), 2 ** np.arange(32), 2**32 - 2 ** np.arange(32)]).astype(np.uint32)
    words = np.concatenate([words, draw_words(STREAMS, KEYS[:1], 0, 10_000)[0]])
    np.testing.assert_allclose(asked_of(words), -np.log1p(-(words + 0.5) / 2.0**32), rtol=1e-6)


def without_losses(inputs):
    none = np.zeros_like(inputs.open_deals.lose)
    return dataclasses.replace(inputs, open_deals=dataclasses.replace(inputs.open_deals, lose=none))


@pytest.mark.parametrize("lost", [True, False])
def test_bounds_leave_no_winner_out(monkeypatch, lost):
    inputs = workload(**SMALL, shocks=True)
    if not lost:
        inputs = without_losses(inputs)
    drawn = simulate_block(inputs, 0, 2048)
    monkeypatch.setattr(bounds, "_half_asked", lambda words: np.zeros(words.shape, dtype=np.float32))
    unbounded = simulate_block(inputs, 0, 2048)
    assert drawn.counts.sum() > 10_000
    assert unbounded.amounts.tobytes() == drawn.amounts.tobytes()
    assert unbounded.counts.tobytes() == drawn.counts.tobytes()


def test_bounds_hold_where_the_market_slows_deals_down():
    level = np.random.default_rng(1).normal(0, 1, (50, 4)).astype(np.float32)
    levels = Levels([level], [level**2], level.max(axis=1), level.min(axis=1))
    response = np.array([[0.5, 1.5, 1.0, 0.7], [-0.5, 0.2, -1.0, 0.1], [-0.5, -0.2, -1.0, -0.1]], dtype=np.float32)
    for bound, one in zip(levels.bounds(response), response, strict=True):
        most = np.exp(level * one).max(axis=1)
        assert (bound >= most * (1 - 1e-6)).all()
        assert (bound <= most * np.exp(4 * (np.ptp(one) + 1 / 32))).all()


def test_bounds_of_what_is_won_before_it_is_lost_hold_and_are_tight():
    rng = np.random.default_rng(1)
    share = np.sort(rng.random((5, 6)), axis=1).astype(np.float32)
    kept = -np.sort(-rng.random((5, 6)), axis=1).astype(np.float32)
    got = bounds._share_in_time(share, kept)
    # Not lost by the end of a period: bits below its chance. The last period that has begun by then counts.
    for bits in range(256):
        begun = (kept[:, :-1] >= bits / 256).sum(axis=1)
        np.testing.assert_array_equal(got[:, bits], share[np.arange(5), begun])


@pytest.mark.parametrize("shocks", [False, True])
def test_likelier_deals_keep_their_wins_in_both_ways(shocks):
    inputs = workload(**SMALL, shocks=shocks)
    likelier = scaled(inputs, np.arange(60), 1.2)
    rows = [
        {(d, t) for d, t in zip(one.ledger.deal.tolist(), one.ledger.trial.tolist(), strict=True)}
        for one in (simulate_block(inputs, 0, 1024, True), simulate_block(likelier, 0, 1024, True))
    ]
    assert rows[0] < rows[1]


def test_chances_of_open_deals_are_those_of_the_draws():
    inputs = workload(**SMALL)
    trials = 16_384
    wins = simulate_block(inputs, 0, trials).deal_wins
    edges = inputs.settled[inputs.open_deals.state, :, 0] / 2.0**32
    chance = np.diff(edges, axis=1, prepend=0.0)
    off = (wins - trials * chance) / np.sqrt(trials * chance * (1 - chance))
    assert np.abs(off).max() < 4.2
    assert (off**2).mean() == pytest.approx(1.0, abs=0.4)


@given(st.integers(1, 30), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_halving_finds_what_counting_finds(count, seed):
    rng = np.random.default_rng(seed)
    rows = (1 << count.bit_length()) - 1
    steps = np.full((rows, 7), np.inf, dtype=np.float32)
    steps[:count] = np.cumsum(rng.exponential(1.0, (count, 7)), axis=0)
    column, value = rng.integers(0, 7, 200), rng.uniform(0, 1.2 * count, 200).astype(np.float32)
    got = pick(steps, column, value)
    np.testing.assert_array_equal(got, (steps[:, column] <= value).sum(axis=0))


def test_a_lognormal_multiplier_has_mean_one_and_its_variance():
    table = mean_one_lognormal(0.1).astype(np.float64)
    assert table.mean() == pytest.approx(1.0, abs=1e-7)
    assert table.var() == pytest.approx(0.1, rel=2e-3)
    assert (np.diff(table) > 0).all()
    np.testing.assert_array_equal(mean_one_lognormal(0.0), 1.0)


def test_equal_rows_are_kept_once():
    distinct, place = distinct_rows(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [-0.0, 3.0]]))
    assert distinct.tolist() == [[1.0, 2.0], [0.0, 3.0]]
    assert place.tolist() == [0, 1, 0, 1]


# --- sums of wins and cents in one number ---------------------------------------------------------------------------


def test_wins_and_cents_that_run_into_each_other_are_noticed():
    tally = Tally(0, 2, 1, 0, 1)
    tally.win(np.array([0, 0, 1]), np.array([2.0**39, 2.0**39, 7.0]))
    with pytest.raises(Overflow, match=r"sums of cents"):
        tally.result()


def test_amounts_of_any_size_are_added_up_exactly():
    inputs = workload(**SMALL)
    deals = inputs.open_deals
    large = dataclasses.replace(deals, log_amount=np.where(np.arange(60) % 2, np.log(3e11), deals.log_amount))
    ordinary = simulate_block(inputs, 0, 512, True)
    got = simulate_block(dataclasses.replace(inputs, open_deals=large), 0, 512, True)
    np.testing.assert_array_equal(got.counts, ordinary.counts)
    np.testing.assert_array_equal(got.deal_wins, ordinary.deal_wins)
    sums = np.zeros_like(got.amounts)
    np.add.at(sums, (got.ledger.trial, got.ledger.cell), np.round(got.ledger.amount * 100))
    np.testing.assert_array_equal(np.round(got.amounts * 100), sums)
    by_deal = np.bincount(got.ledger.deal, weights=np.round(got.ledger.amount * 100), minlength=60)
    np.testing.assert_allclose(got.deal_sum * 100, by_deal, rtol=1e-12)
