"""The split of a product, and the cents of a bridge: sums are exact, and no order matters."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spmforecast.calendar import FiscalCalendar
from spmforecast.scenario.update.bridge import ENDS, FACTORS, Step, Stock, build_bridge
from spmforecast.scenario.update.cents import whole_cents
from spmforecast.scenario.update.effects import Effects, deal_news, group_news, no_effects, single_deals
from spmforecast.scenario.update.outlook import Axes, DealView, GroupView
from spmforecast.scenario.update.shapley import deal_factors, split_product

SIZES = st.floats(0, 1e6, allow_subnormal=False)
PRODUCTS = hnp.arrays(np.float64, (2, 4, 3), elements=st.floats(-100, 100, allow_subnormal=False))
AXES = Axes(["2025Q1", "2025Q2", "2026Q1"], ["North", "South"], [("North", "A"), ("South", "A"), ("South", "B")])


def walked(old, new, order):
    """Change one factor after the other and note what each change does to the product."""
    now, effect = old.copy(), np.zeros_like(old)
    for factor in order:
        before = now.prod(axis=0)
        now[factor] = new[factor]
        effect[factor] = now.prod(axis=0) - before
    return effect


@given(PRODUCTS)
@settings(max_examples=50)
def test_a_split_is_the_mean_over_all_orders_and_adds_up(both):
    old, new = both
    got = split_product(old, new)
    orders = list(permutations(range(4)))
    scale = np.abs(both).max(initial=1.0) ** 4
    np.testing.assert_allclose(got, sum(walked(old, new, order) for order in orders) / len(orders), atol=1e-12 * scale)
    np.testing.assert_allclose(got.sum(axis=0), new.prod(axis=0) - old.prod(axis=0), atol=1e-12 * scale)


@given(PRODUCTS, st.permutations(range(4)))
@settings(max_examples=50)
def test_a_split_follows_the_names_of_its_factors_and_turns_with_time(both, order):
    old, new = both
    got, scale = split_product(old, new), np.abs(both).max(initial=1.0) ** 4
    np.testing.assert_allclose(split_product(old[order], new[order]), got[order], atol=1e-12 * scale)
    np.testing.assert_allclose(split_product(new, old), -got, atol=1e-12 * scale)


def test_a_factor_that_did_not_change_brings_nothing():
    old, new = np.array([[0.4], [0.5], [3.0]]), np.array([[0.4], [0.25], [7.0]])
    assert split_product(old, new)[0] == 0


def test_the_example_of_the_documentation():
    one = np.ones(1)
    old, new = np.array([[30_000.0, 10_000.0]]), np.array([[90_000.0, 0.0]])
    split = split_product(*deal_factors((one, one), (np.array([0.4]), one), (old, new)))
    np.testing.assert_allclose(split[1:, 0], [[49_750, 7_250], [16_500, -16_500], [-6_250, -750]])


def test_a_lost_deal_is_converted_worse_and_nothing_else():
    one = np.ones(1)
    old, none = np.array([[300.0, 100.0]]), np.zeros((1, 2))
    split = split_product(*deal_factors((one, one), (np.array([0.4]), np.zeros(1)), (old, none)))
    np.testing.assert_allclose(split[:, 0], [[0, 0], [-300, -100], [0, 0], [0, 0]])


@given(st.data())
@settings(max_examples=60)
def test_cents_add_up_whatever_the_effects(data):
    start = data.draw(hnp.arrays(np.float64, (2, 3), elements=SIZES))
    effects = data.draw(hnp.arrays(np.float64, (5, 2, 3), elements=st.floats(-1e6, 1e6, allow_subnormal=False)))
    first, last, cents = whole_cents(start, start + effects.sum(axis=0), effects)
    np.testing.assert_array_equal(first + cents.sum(axis=0), last)
    np.testing.assert_array_less(np.abs(cents - 100 * effects), 2.0)
    assert (cents[effects == 0] == 0)[np.broadcast_to((effects != 0).any(axis=0), effects.shape)[effects == 0]].all()


def test_effects_that_do_not_add_up_are_refused():
    with pytest.raises(ArithmeticError, match="do not add up"):
        whole_cents(np.zeros(1), np.array([10.0]), np.array([[9.0]]))


def views(rng, deals=40):
    """Two views of some deals: won, lost, open, moved, not known yet, gone."""
    out = []
    for _ in range(2):
        state = rng.integers(0, 3, deals)  # lost, open, won
        chance = np.where(state == 2, 1.0, np.where(state == 1, rng.uniform(0, 1, deals), 0.0))
        value = rng.exponential(1000, (deals, 3)) * (chance > 0)[:, None]
        group = rng.integers(0, 3, deals)
        known = rng.uniform(size=deals) < 0.8
        chance, value = np.where(known, chance, 0.0), np.where(known[:, None], value, 0.0)
        out.append(DealView(known, chance, value, known & (state == 2), AXES.node_of_group[group], group))
    return out


def group(rng, count):
    value = rng.exponential(1000, (3, 3)) * (rng.uniform(size=(3, 3)) < 0.7)
    wins = np.where(value.sum(axis=1) > 0, rng.uniform(0.1, 3, 3), 0.0)
    return GroupView(np.where(wins > 0, count, 0.0), wins, value, value * rng.uniform(size=(3, 3)))


def by_node(values, node):
    out = AXES.empty()
    np.add.at(out, node, values)
    return out


@pytest.mark.parametrize("seed", range(8))
def test_news_of_deals_lead_from_one_view_to_the_other(seed):
    old, new = views(np.random.default_rng(seed))
    got = deal_news(old, new, AXES)
    change = by_node(new.value[old.known], new.node[old.known]) - by_node(old.value, old.node)
    gone = old.known & ~new.known  # counted where they were
    change -= by_node(new.value[gone], new.node[gone])
    np.testing.assert_allclose(got.amount.sum(axis=0), change, atol=1e-8)
    booked = [np.where((view.booked & old.known)[:, None], view.value, 0.0) for view in (old, new)]
    np.testing.assert_allclose(
        got.booked.sum(axis=0), by_node(booked[1], new.node) - by_node(booked[0], old.node), atol=1e-8
    )
    np.testing.assert_allclose(got.amount[FACTORS.index("moved")].sum(axis=0), 0, atol=1e-9)
    assert (got.amount[FACTORS.index("won_as_expected")] == 0).all()
    split, _ = single_deals(old, new)
    np.testing.assert_allclose(split[2].sum(axis=1), 0, atol=1e-9)  # timing moves money between periods only


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_deals_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    old, new = views(rng)
    order = rng.permutation(len(old.chance))
    turned = [DealView(*(getattr(view, name)[order] for name in DealView.__dataclass_fields__)) for view in (old, new)]
    np.testing.assert_allclose(deal_news(*turned, AXES).amount, deal_news(old, new, AXES).amount, atol=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_news_of_groups_lead_from_one_view_to_the_other(seed):
    rng = np.random.default_rng(seed)
    old, new = group(rng, 5.0), group(rng, 7.0)
    old = GroupView(old.count, old.wins, old.value, np.zeros_like(old.booked))
    got = group_news(old, new, AXES)
    node = AXES.node_of_group
    np.testing.assert_allclose(got.amount.sum(axis=0), by_node(new.value - old.value, node), atol=1e-8)
    np.testing.assert_allclose(got.booked.sum(axis=0), by_node(new.booked, node), atol=1e-8)


def bridge(steps, shift=0.0):
    rng = np.random.default_rng(3)
    start, news = rng.exponential(1e5, (2, 3)), rng.normal(0, 1e4, (4, 2, 3))
    effects = no_effects(AXES)
    for factor, amount in zip(("created", "converted", "timing", "size"), news, strict=True):
        effects = effects.with_(factor, amount, amount / 2)
    end = start + news.sum(axis=0) + sum(step.after - step.before for step in steps) + shift
    booked = start / 2
    ends = Stock(booked, start), Stock(booked + news.sum(axis=0) / 2, end)
    return build_bridge(AXES, FiscalCalendar(), ends[0], effects, steps, ends[1])


def test_every_node_period_and_year_adds_up_to_the_cent_in_every_column():
    steps = [Step("model", np.full((2, 3), 10.0), np.full((2, 3), 7.777)), Step("restated", AXES.empty(), AXES.empty())]
    cents = bridge(steps).cents
    for _, rows in cents.groupby(["node_level", "node", "period"]):
        own = rows.set_index("factor")
        for column in ("amount", "booked", "to_come"):
            assert own[column][list(FACTORS)].sum() == own[column][ENDS[1]] - own[column][ENDS[0]]
    assert (cents["amount"] == cents["booked"] + cents["to_come"]).all()
    regions = cents[cents["node_level"] == "region"].groupby(["period", "factor"])["amount"].sum()
    company = cents[cents["node_level"] == "company"].set_index(["period", "factor"])["amount"]
    assert (regions.sort_index() == company.sort_index()).all()
    whole = company["2025"]
    assert (whole == (company["2025Q1"] + company["2025Q2"])[whole.index]).all()


def test_an_assumption_change_is_exactly_zero_without_one_and_what_it_is_with_one():
    table = bridge([]).table
    assert (table.loc[table["factor"] == "assumptions", ["amount", "booked", "to_come"]] == 0).all(axis=None)
    step = Step("assumptions", np.full((2, 3), 100.0), np.full((2, 3), 150.25))
    assert bridge([step]).of("2025Q1")["assumptions"] == pytest.approx(100.5)


def test_the_order_of_steps_changes_nothing():
    steps = [
        Step("model", np.zeros((2, 3)), np.full((2, 3), 7.77)),
        Step("assumptions", np.zeros((2, 3)), np.full((2, 3), -3.33)),
    ]
    assert bridge(steps).cents.equals(bridge(steps[::-1]).cents)


def test_a_bridge_that_leads_elsewhere_is_refused():
    with pytest.raises(ArithmeticError, match="do not add up"):
        bridge([], shift=5.0)


def test_effects_add():
    one = Effects(np.ones((len(FACTORS), 2, 3)), np.zeros((len(FACTORS), 2, 3)))
    assert ((one + one).amount == 2).all()
