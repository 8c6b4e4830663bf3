"""Adjustments: each does what it says for whom it names, and not a bit of anything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companies import example_fit
from spmforecast.errors import InputError
from spmforecast.models.adjust import (
    DealOutcome,
    Faster,
    HandOver,
    Larger,
    Leave,
    Likelier,
    More,
    Scope,
)
from spmforecast.simulate.adjusting import adjusted, check_scopes
from spmforecast.simulate.adjusting.creation import expected_deals
from spmforecast.simulate.adjusting.scopes import deals_in, streams_in
from spmforecast.simulate.block import simulate_block
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import build_horizon
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.precision import paired_error

TRIALS = 400
SMB = Scope({"segment": ("SMB",)})
MID = Scope({"segment": ("Mid",)})


def day(text):
    return pd.Timestamp(text)


@pytest.fixture(scope="module")
def horizon():
    model = example_fit()
    return build_horizon(model.as_of, "2025-06-30", "quarter", model.calendar)


@pytest.fixture(scope="module")
def inputs(horizon):
    return build_inputs(example_fit(), horizon, ("region", "segment"), 1)


@pytest.fixture(scope="module")
def base(inputs):
    return simulate_block(inputs, 0, TRIALS, ledger=True)


@pytest.fixture(scope="module")
def draw(inputs, horizon):
    return lambda *adjustments: simulate_block(adjusted(inputs, adjustments, horizon), 0, TRIALS, ledger=True)


def meant(inputs, scope):
    """Cells of those whom a scope names."""
    frame = inputs.plan.frame
    inside = np.ones(len(frame), dtype=bool)
    for name, values in scope.where.items():
        inside &= frame[name].isin(values).to_numpy()
    return inside


def by_world(inputs):
    """Chance of each open deal to be won in each period in each world, market and reps at their means."""
    deals = inputs.open_deals
    return winning_chances(deals.win, deals.lose, np.ones(inputs.periods))[:, deals.state]


def chances(inputs):
    """Mean of the same over the worlds."""
    return by_world(inputs).mean(axis=0)


def new_chances(inputs):
    new = inputs.new_deals
    return winning_chances(new.win, new.lose, np.ones(inputs.periods)).mean(axis=0)[new.cells.segment]


def test_no_adjustment_changes_no_bit(inputs, horizon, base):
    again = simulate_block(adjusted(inputs, [], horizon), 0, TRIALS, ledger=True)
    assert again.amounts.tobytes() == base.amounts.tobytes()


@pytest.mark.parametrize(
    "adjustment",
    [
        Likelier(1.2, scope=SMB),
        Likelier(points=0.05, scope=SMB),
        Faster(1.5, scope=SMB),
        Larger(1.1, scope=SMB),
        More(0.7, scope=SMB),
        More(count=3, scope=SMB),
    ],
    ids=lambda one: f"{type(one).__name__}",
)
def test_only_those_named_are_touched(inputs, base, draw, adjustment):
    inside = meant(inputs, SMB)
    other = draw(adjustment)
    assert other.amounts[:, ~inside].tobytes() == base.amounts[:, ~inside].tobytes()
    assert other.counts[:, ~inside].tobytes() == base.counts[:, ~inside].tobytes()
    assert other.amounts[:, inside].tobytes() != base.amounts[:, inside].tobytes()


def test_chances_to_win_are_multiplied_in_each_period_and_stay_below_one(inputs, horizon):
    before, after = by_world(inputs), by_world(adjusted(inputs, [Likelier(1.1, scope=SMB)], horizon))
    rows = deals_in(inputs, SMB)
    assert len(rows)
    possible = 1.1 * before[:, rows].sum(axis=-1) < 1
    np.testing.assert_allclose(after[:, rows][possible], 1.1 * before[:, rows][possible], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(after[:, rows][~possible].sum(axis=-1), 1, atol=1e-6)
    others = np.setdiff1d(np.arange(before.shape[1]), rows)
    assert after[:, others].tobytes() == before[:, others].tobytes()
    capped = chances(adjusted(inputs, [Likelier(50.0)], horizon))
    assert (capped.sum(axis=1) <= 1).all()
    assert capped.sum(axis=1).max() > 0.999


def test_five_points_are_five_points_within_the_horizon(inputs, horizon):
    within = by_world(inputs).sum(axis=-1)
    after = by_world(adjusted(inputs, [Likelier(points=0.05, scope=SMB)], horizon)).sum(axis=-1)
    rows = deals_in(inputs, SMB)
    np.testing.assert_allclose(after[:, rows], np.minimum(within[:, rows] + 0.05, 1), atol=1e-6)


def test_fewer_wins_are_losses_and_free_nothing_for_later(inputs, horizon):
    before, after = chances(inputs), chances(adjusted(inputs, [Likelier(0.5)], horizon))
    np.testing.assert_allclose(after, 0.5 * before, rtol=1e-6, atol=1e-9)


def test_dates_bound_the_periods(inputs, horizon, base, draw):
    assert horizon.labels == ["2024Q3", "2024Q4", "2025Q1", "2025Q2"]
    scope = Scope({}, day("2024-10-01"), day("2025-03-31"))
    period = inputs.plan.frame["period"].to_numpy()
    for adjustment in (Likelier(1.3, scope=scope), Larger(1.3, scope=scope)):
        other = draw(adjustment)
        for label in ("2024Q3", "2025Q2") if isinstance(adjustment, Larger) else ("2024Q3",):
            here = period == label
            assert other.amounts[:, here].tobytes() == base.amounts[:, here].tobytes()
        here = period == "2024Q4"
        assert other.amounts[:, here].sum() > base.amounts[:, here].sum()
    before, after = chances(inputs), chances(adjusted(inputs, [Likelier(0.7, scope=scope)], horizon))
    np.testing.assert_allclose(after, before * [1, 0.7, 0.7, 1], rtol=1e-6, atol=1e-9)


def test_half_a_period_takes_half_of_the_change(inputs, horizon):
    scope = Scope({}, day("2025-02-15"), day("2025-03-31"))  # 45 of the quarter's 90 days
    before, after = chances(inputs), chances(adjusted(inputs, [Likelier(0.8, scope=scope)], horizon))
    np.testing.assert_allclose(after, before * [1, 1, 0.9, 1], rtol=1e-6, atol=1e-9)


def test_amounts_are_multiplied_draw_by_draw_then_added_to(inputs, base, draw):
    other = draw(Larger(1.1), Larger(amount=-9_000.0))
    assert (other.ledger.cell == base.ledger.cell).all()
    wanted = np.maximum(np.rint(base.ledger.amount * 100 * 1.1 - 900_000), 0) / 100
    np.testing.assert_allclose(other.ledger.amount, wanted, atol=0.0101)  # a half cent may fall either way
    assert (other.ledger.amount >= 0).all()
    assert (other.ledger.amount == 0).any()


def test_creation_scales_the_deals_expected_and_open_deals_not_at_all(inputs, horizon, base, draw):
    rows = streams_in(inputs, SMB)
    before, after = expected_deals(inputs), expected_deals(adjusted(inputs, [More(1.5, scope=SMB)], horizon))
    np.testing.assert_allclose(after[rows], 1.5 * before[rows])
    other, is_open = draw(More(1.5)), (inputs.plan.frame["part"] == "open").to_numpy()
    assert other.amounts[:, is_open].tobytes() == base.amounts[:, is_open].tobytes()
    wins = other.counts[:, ~is_open].sum() / base.counts[:, ~is_open].sum()
    assert 1.4 < wins < 1.6
    none = draw(More(0.0))
    assert none.counts[:, (inputs.plan.frame["part"] == "new").to_numpy()].sum() == 0


def test_a_number_of_deals_is_added_to_each_period_named(inputs, horizon):
    scope = Scope({"segment": ("SMB",)}, day("2024-10-01"), day("2024-12-31"))
    more = expected_deals(adjusted(inputs, [More(count=4.0, scope=scope)], horizon)) - expected_deals(inputs)
    np.testing.assert_allclose(more.sum(axis=0), [0, 4, 0, 0], atol=1e-9)


def test_a_longer_cycle_brings_wins_later_and_loses_none(inputs, horizon):
    slow = adjusted(inputs, [Faster(1.5)], horizon)
    quick = adjusted(inputs, [Faster(0.02)], horizon)
    now, later, sooner = (np.cumsum(chances(one), axis=1) for one in (inputs, slow, quick))
    assert (later <= now + 1e-9).all()
    assert (sooner >= now - 1e-9).all()
    # Whoever hurries fifty times has won within the first period no less than within the horizon before.
    assert (sooner[:, 0] >= now[:, -1] - 1e-9).all()
    first = np.cumsum(new_chances(inputs), axis=-1)[:, 0]
    assert (np.cumsum(new_chances(slow), axis=-1)[:, 0] <= first + 1e-9).all()


def test_a_slower_pace_is_undone_by_a_quicker_one_where_the_horizon_is_even(inputs, horizon):
    there = adjusted(inputs, [Faster(2.0, Scope({}, day("2025-04-01")))], horizon)
    first_three = np.s_[:, :3]
    np.testing.assert_allclose(chances(there)[first_three], chances(inputs)[first_three], rtol=1e-9)
    assert (chances(there)[:, 3] < chances(inputs)[:, 3]).any()


def surest(inputs):
    """Open deal that is most likely won in the first period."""
    return inputs.open_deals.ids[int(np.argmax(chances(inputs)[:, 0]))]


def test_a_deal_that_slips_keeps_its_chance(inputs, horizon, base, draw):
    name = surest(inputs)
    row = inputs.open_deals.ids.index(name)
    first = int((horizon.cell == 0).sum())
    before = chances(inputs)[row]
    after = chances(adjusted(inputs, [DealOutcome(name, slip_days=first)], horizon))[row]
    assert after[0] == 0
    assert after.sum() == pytest.approx(before.sum(), abs=0.02)
    assert after[1] > 0.8 * before[0]
    sooner = chances(adjusted(inputs, [DealOutcome(name, slip_days=-first)], horizon))[row]
    assert sooner[0] == pytest.approx(before[0] + before[1] * first / 92, abs=0.02)
    other = draw(DealOutcome(name, slip_days=first))
    rest = np.delete(np.arange(len(inputs.open_deals.ids)), row)
    assert other.deal_sum[rest].tobytes() == base.deal_sum[rest].tobytes()


def test_a_deal_that_ends_as_stated(inputs, horizon, draw):
    name = surest(inputs)
    row = inputs.open_deals.ids.index(name)
    lost = draw(DealOutcome(name, "lost"))
    assert lost.deal_wins[row].sum() == 0
    won = draw(DealOutcome(name, "won", day("2024-11-30"), 77_777.77), Larger(1.5))
    np.testing.assert_array_equal(won.deal_wins[row], [0, TRIALS, 0, 0])
    mine = won.ledger.deal == row
    assert set(won.ledger.amount[mine]) == {77_777.77}
    undated = draw(DealOutcome(name, "won"))
    np.testing.assert_array_equal(undated.deal_wins[row], [TRIALS, 0, 0, 0])


def test_a_deal_that_is_not_open_is_refused(inputs, horizon):
    with pytest.raises(InputError, match="no open deal has this id"):
        adjusted(inputs, [DealOutcome("O-99999", "lost")], horizon)


def test_deals_pass_to_somebody_else_and_the_company_keeps_every_cent(inputs, horizon, base):
    scope = Scope({"owner_id": ("R001",)}, day("2024-10-01"))
    passed = adjusted(inputs, [HandOver("R002", scope)], horizon)
    other = simulate_block(passed, 0, TRIALS)
    assert other.amounts.tobytes() == base.amounts.tobytes()
    before, after = inputs.plan.frame, passed.plan.frame
    moved = (before["owner_id"] == "R001") & (before["part"] != "won") & (before["period"] != "2024Q3")
    assert set(after.loc[moved, "owner_id"]) == {"R002"}
    assert set(after.loc[moved, "manager_id"]) == set(before.loc[before["owner_id"] == "R002", "manager_id"])
    pd.testing.assert_frame_equal(after[~moved], before[~moved])
    kept = ["part", "period", "region", "segment"]
    pd.testing.assert_frame_equal(after[kept], before[kept])


def test_who_leaves_creates_nothing_more_and_leaves_open_deals_to_the_heir(inputs, horizon, base):
    gone = adjusted(inputs, [Leave("R001", day("2025-01-01"), "R002")], horizon)
    np.testing.assert_allclose(gone.new_deals.created[0, -1], inputs.new_deals.created[0, -1] * [1, 1, 0, 0], rtol=1e-9)
    other = simulate_block(gone, 0, TRIALS)
    frame = inputs.plan.frame
    mine, is_open = (frame["owner_id"] == "R001").to_numpy(), (frame["part"] == "open").to_numpy()
    touched = mine & ~is_open
    assert other.amounts[:, ~touched].tobytes() == base.amounts[:, ~touched].tobytes()
    assert other.amounts[:, touched].sum() < base.amounts[:, touched].sum()
    later = frame["period"].isin(["2025Q1", "2025Q2"]).to_numpy()
    assert set(gone.plan.frame.loc[mine & is_open & later, "owner_id"]) == {"R002"}
    assert set(gone.plan.frame.loc[mine & is_open & ~later, "owner_id"]) == {"R001"}


def test_a_scope_that_names_nobody_is_refused(inputs):
    wrong = [Likelier(1.1, scope=Scope({"segmnt": ("SMB",), "region": ("Nrth",)}))]
    with pytest.raises(InputError, match="Did you mean segment") as caught:
        check_scopes(inputs.plan.frame, example_fit().deals, wrong)
    assert "Did you mean North" in str(caught.value)


KINDS = st.one_of(
    st.builds(Likelier, st.sampled_from([0.7, 0.9, 1.1, 1.37]), scope=st.sampled_from([SMB, MID, Scope()])),
    st.builds(Likelier, points=st.sampled_from([-0.03, 0.05, 0.1]), scope=st.sampled_from([SMB, Scope()])),
    st.builds(Faster, st.sampled_from([0.8, 1.3]), st.sampled_from([SMB, MID, Scope()])),
    st.builds(Larger, st.sampled_from([0.9, 1.07]), scope=st.sampled_from([SMB, MID])),
    st.builds(Larger, amount=st.sampled_from([-300.0, 500.0]), scope=st.sampled_from([SMB, Scope()])),
    st.builds(More, st.sampled_from([0.8, 1.21]), scope=st.sampled_from([SMB, MID])),
    st.builds(More, count=st.sampled_from([1.0, 2.5]), scope=st.sampled_from([SMB, Scope()])),
    st.builds(HandOver, st.sampled_from(["R001", "R004"]), st.sampled_from([SMB, MID])),
)


@settings(max_examples=8)
@given(st.lists(KINDS, min_size=2, max_size=5), st.randoms())
def test_the_order_of_the_list_changes_no_byte(inputs, horizon, listed, random):
    mixed = list(listed)
    random.shuffle(mixed)
    one, other = (adjusted(inputs, adjustments, horizon) for adjustments in (listed, mixed))
    pd.testing.assert_frame_equal(one.plan.frame, other.plan.frame)
    drawn = [simulate_block(each, 0, 64).amounts.tobytes() for each in (one, other)]
    assert drawn[0] == drawn[1]


@settings(max_examples=10)
@given(st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_factors_of_one_kind_multiply(inputs, horizon, first, second):
    both = adjusted(inputs, [Likelier(first), Likelier(second)], horizon)
    np.testing.assert_allclose(chances(both), chances(inputs) * first * second, rtol=1e-7, atol=1e-12)
    made = expected_deals(adjusted(inputs, [More(first), More(second)], horizon))
    np.testing.assert_allclose(made, expected_deals(inputs) * first * second, rtol=1e-9)


@pytest.mark.parametrize("gone", [False, True], ids=["five points", "and a deal lost"])
def test_paired_draws_know_the_difference_twenty_times_better(inputs, horizon, base, gone):
    """Five points more of one segment's win rate, by the variance of the difference."""
    supposed = [Likelier(points=0.05, scope=MID)]
    supposed += [DealOutcome(surest(inputs), "lost")] if gone else []
    other = simulate_block(adjusted(inputs, supposed, horizon), 0, 4 * TRIALS).amounts.sum(axis=1)
    plain = simulate_block(inputs, 0, 4 * TRIALS).amounts.sum(axis=1)
    _, _, gain = paired_error(plain, other)
    fresh = simulate_block(adjusted(replace(inputs, seed=2), supposed, horizon), 0, 4 * TRIALS).amounts.sum(axis=1)
    assert gain > 20
    assert (other - plain).var() * 20 < (fresh - plain).var()
