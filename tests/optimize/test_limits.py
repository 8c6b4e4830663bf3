"""Limits and hierarchies: any configuration keeps sums, bounds and locks, or is refused by name."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.errors import InfeasibleError, InputError
from spmforecast.optimize import propose_quotas
from spmforecast.optimize.splits import equal_probability
from spmforecast.plan import Hierarchy, Limits
from spmforecast.simulate import Forecast

REPS = [f"R{i}" for i in range(8)]
PLACES = pd.DataFrame(
    {"region": ["N", "N", "N", "S", "S", "S", "S", "S"], "manager": ["a", "a", "b", "c", "c", "d", "d", "d"]},
    index=REPS,
)
FIELDS = pd.DataFrame({"rep_id": REPS, "history": [1, 2, 3, 4, 5, 6, 7, 8]})


def draws_of(seed=1, trials=300):
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(np.linspace(9, 11, 8), np.linspace(0.2, 0.9, 8), (trials, 8)))


@pytest.fixture(scope="module")
def forecast():
    return Forecast(draws_of(), pd.DataFrame({"owner_id": REPS, "period": "2025Q3"}))


def by_rep(proposal):
    return proposal.table.set_index("rep_id")["quota"]


def exact(values):
    return sum((Decimal(str(value)) for value in values), Decimal(0))


# --- any configuration ----------------------------------------------------------------------------------------------

AMOUNT = st.one_of(st.none(), st.integers(0, 60_000).map(float))


@st.composite
def wishes(draw):
    some = st.dictionaries(st.sampled_from(REPS), st.integers(0, 60_000).map(float), max_size=3)
    last = {rep: 5_000.0 * (i + 1) for i, rep in enumerate(REPS[: draw(st.integers(0, 8))])}
    limits = {
        "floor": draw(st.one_of(AMOUNT, some)),
        "ceiling": draw(st.one_of(st.none(), st.integers(20_000, 90_000).map(float), some)),
        "locks": draw(some),
        "ratchet_up": draw(st.one_of(st.none(), st.floats(0, 1.5))),
        "ratchet_down": draw(st.one_of(st.none(), st.floats(0, 0.9))),
        "least_change": draw(st.sampled_from([0.0, 0.0, 1500.0])),
        "last": last,
    }
    tree = draw(st.sampled_from([None, {}, {"region": 0.05}, {"region": 0.1, "manager": 0.03}]))
    return {
        "total": draw(st.integers(0, 500_000)),
        "over": draw(st.sampled_from([0.0, 0.1, -0.05])),
        "step": draw(st.sampled_from([None, 100, 1000])),
        "method": draw(st.sampled_from(["equal-probability", "objective", "even", "growth"])),
        "figures": draw(st.one_of(st.just({}), st.dictionaries(st.sampled_from(REPS), AMOUNT, max_size=3))),
        "figures_as": draw(st.sampled_from(["fixed", "base"])),
        "tree": tree,
        "limits": limits,
    }


@given(wishes())
@settings(max_examples=50, deadline=None)
def test_sums_bounds_and_locks_hold_or_the_clash_is_named(wish):
    forecast = Forecast(draws_of(), pd.DataFrame({"owner_id": REPS, "period": "2025Q3"}))
    limits = Limits(**wish["limits"])
    tree = None if wish["tree"] is None else Hierarchy(PLACES, wish["tree"])
    try:
        got = propose_quotas(
            forecast,
            wish["total"],
            wish["method"],
            wish["over"],
            wish["step"],
            fields=FIELDS,
            limits=limits,
            figures=wish["figures"],
            figures_as=wish["figures_as"],
            hierarchy=tree,
        )
    except InfeasibleError as error:
        refused = error
    else:
        check_sums(got, wish)
        check_limits(by_rep(got), wish)
        return
    assert refused.limits
    assert all(refused.limits)


def check_sums(got, wish):
    left = got.remainder.get("2025Q3", Decimal(0))
    if got.nodes is None:
        assert exact(got.table["quota"]) + left == Decimal(str(wish["total"])) * (1 + Decimal(str(wish["over"])))
        return
    nodes = got.nodes
    for _, node in nodes.iterrows():
        children = nodes[(nodes["parent"] == node["node"]) & (nodes["node_level"] != "company")]["quota"]
        if node["node_level"] == "manager":
            children = by_rep(got)[PLACES.index[PLACES["manager"] == node["node"]]]
        assert exact(children) + Decimal(str(node["remainder"])) == exact([node["assigned"]])
        assert node["assigned"] == pytest.approx(node["quota"] * (1 + node["cushion"]), abs=0.0051)


def check_limits(quota, wish):
    limits, figures = wish["limits"], wish["figures"]
    for rep in REPS:
        value = quota[rep]
        for name, sign in (("floor", 1), ("ceiling", -1)):
            bound = limits[name].get(rep) if isinstance(limits[name], dict) else limits[name]
            assert bound is None or sign * value >= sign * bound - 0.011
        figure = figures.get(rep)
        fixed = figure is not None and wish["figures_as"] == "fixed"
        assert rep not in limits["locks"] or value == limits["locks"][rep]
        assert not fixed or value == figure
        assert figure is None or value >= figure - 0.011
        if rep in limits["last"] and rep not in limits["locks"]:
            check_change(value, limits["last"][rep], limits, free=not figure and not fixed)


def check_change(value, last, limits, free):
    up, down, least = limits["ratchet_up"], limits["ratchet_down"], limits["least_change"]
    assert up is None or value <= last * (1 + up) + 0.011
    assert down is None or value >= last * (1 - down) - 0.011
    if least and free:
        assert abs(value - last) < 0.011 or abs(value - last) >= least - 0.011


# --- single rules ---------------------------------------------------------------------------------------------------


def test_those_within_their_bounds_have_the_same_chance(forecast):
    draws = forecast.draws
    lower, upper = np.full(8, 9_000.0), np.full(8, 35_000.0)
    quota = equal_probability(draws, 0.9 * draws.mean(axis=0).sum(), lower, upper)
    chance = (draws >= quota).mean(axis=0)
    free = (quota > 9_000.01) & (quota < 34_999.99)
    assert 1 < free.sum() < 8
    assert np.ptp(chance[free]) <= 1 / 300 + 1e-9
    assert (chance[quota <= 9_000.01] <= chance[free].min() + 1e-9).all()
    assert (chance[quota >= 34_999.99] >= chance[free].max() - 1e-9).all()
    assert quota.sum() == pytest.approx(0.9 * draws.mean(axis=0).sum())


def test_a_lock_keeps_its_cents_and_its_reason(forecast):
    limits = Limits(locks={"R2": 12_345.67}, reasons={"R2": "on leave until May"})
    got = propose_quotas(forecast, 200_000, round_to=1000, limits=limits)
    assert by_rep(got)["R2"] == 12_345.67
    assert got.remainder["2025Q3"] == Decimal("654.33")
    row = got.overrides.iloc[0]
    assert (row["rep_id"], row["limit"], row["amount"]) == ("R2", "lock", 12_345.67)
    assert row["reason"] == "on leave until May"
    assert row["without_limits"] == pytest.approx(equal_probability(forecast.draws, 200_000)[2], abs=0.01)
    assert got.table.set_index("rep_id")["limit"]["R2"] == "lock"


def test_bottom_up_figures_stand_and_zero_is_one(forecast):
    figures = {"R0": 0.0, "R1": 10_000.0, "R2": None}
    got = propose_quotas(forecast, 100_000, "even", figures=figures)
    assert by_rep(got).tolist() == [0.0, 10_000.0] + [15_000.0] * 6


def test_the_rest_can_be_spread_on_top_of_the_figures(forecast):
    figures = {rep: 10_000.0 * (i + 1) for i, rep in enumerate(REPS)}
    got = propose_quotas(forecast, 400_000, "even", figures=figures, figures_as="base")
    assert by_rep(got).tolist() == [10_000.0 * (i + 1) + 5_000 for i in range(8)]
    with pytest.raises(InfeasibleError, match=r"figures sum to 360,000.00, more than the total of 300,000.00"):
        propose_quotas(forecast, 300_000, "even", figures=figures, figures_as="base")


def test_small_changes_are_not_made(forecast):
    last = dict.fromkeys(REPS, 25_000.0)
    fields = pd.DataFrame({"rep_id": REPS, "weight": [1, 1, 1, 1, 1, 1, 2, 2]})
    limits = Limits(least_change=2_000, last=last)
    got = propose_quotas(forecast, 250_000, "weighted", fields=fields, limits=limits)
    assert by_rep(got).tolist() == [25_000.0] * 6 + [50_000.0] * 2
    # Nobody may move by 625 alone, so that few move by enough.
    few = propose_quotas(forecast, 205_000, "even", limits=limits).table["change"]
    assert few.sum() == pytest.approx(5_000)
    assert (few[few != 0].abs() >= 2_000).all()


def test_a_hierarchy_adds_a_cushion_at_each_level(forecast):
    tree = Hierarchy(PLACES, {"region": 0.05, "manager": 0.02}, {("region", "N"): 50_000.0})
    got = propose_quotas(forecast, 200_000, over_assignment=0.1, hierarchy=tree)
    nodes = got.nodes.set_index(["node_level", "node"])
    assert nodes.loc[("company", "company"), "assigned"] == 220_000
    assert nodes.loc[("region", "N"), "quota"] == 50_000
    assert nodes.loc[("region", "S"), "quota"] == 170_000
    assert nodes.loc[("region", "N"), "assigned"] == 52_500
    assert float(exact(got.table["quota"])) == pytest.approx(220_000 * 1.05 * 1.02, abs=0.03)


def test_without_cushions_between_the_tree_changes_nothing(forecast):
    flat = by_rep(propose_quotas(forecast, 200_000))
    deep = by_rep(propose_quotas(forecast, 200_000, hierarchy=Hierarchy(PLACES)))
    np.testing.assert_allclose(deep, flat, atol=0.05)


@pytest.mark.parametrize(
    ("total", "limits", "told", "names"),
    [
        (100, {"floor": 50.0}, "floor sum to 400.00, more than the total of 100.00", ("floor", "total")),
        (1000, {"ceiling": 50.0}, "ceiling sum to 400.00, less than the total", ("ceiling", "total")),
        (
            1000,
            {"floor": {"R1": 60.0}, "locks": {"R1": 50.0}},
            "R1: floor 60.00 is above lock 50.00",
            ("floor", "lock"),
        ),
        (
            1000,
            {"floor": 60.0, "ratchet_up": 0.1, "last": {"R1": 50.0}},
            "above ratchet_up 55.00",
            ("floor", "ratchet_up"),
        ),
        (1000, {"locks": dict.fromkeys(REPS, 1.0)}, "lock sum to 8.00, less", ("lock", "total")),
    ],
)
def test_clashing_limits_are_named(forecast, total, limits, told, names):
    with pytest.raises(InfeasibleError, match=told) as caught:
        propose_quotas(forecast, total, limits=Limits(**limits))
    assert caught.value.limits == names
    assert caught.value.exit_status == 3


def test_no_whole_step_within_the_limits_is_named(forecast):
    limits = Limits(floor=1_100.0, ceiling=1_900.0)
    with pytest.raises(InfeasibleError, match="no multiples of 1000 within the limits") as caught:
        propose_quotas(forecast, 12_000, round_to=1000, limits=limits)
    assert {"round_to", "floor", "ceiling"} <= set(caught.value.limits)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Limits(floor=-1), "limits.floor: must be an amount of at least 0"),
        (lambda: Limits(ceiling={"R1": float("nan")}), r"limits.ceiling\[R1\]: must be an amount"),
        (lambda: Limits(ratchet_up=-0.1), "limits.ratchet_up: must be at least 0"),
        (lambda: Limits(least_change=-5), "limits.least_change"),
        (lambda: Hierarchy(PLACES, {"regoin": 0.1}), "no such level.*region, manager"),
        (lambda: Hierarchy(PLACES, {"region": -1.0}), "must be a share above -1"),
        (lambda: Hierarchy(PLACES, {}, {("region", "X"): 1.0}), "no such node"),
        (lambda: Hierarchy(PLACES, {}, {("region", "N"): -1.0}), "must be an amount of at least 0"),
        (lambda: Hierarchy(pd.concat([PLACES, PLACES])), "a rep stands twice"),
    ],
)
def test_wrong_limits_are_named(make, told):
    with pytest.raises(InputError, match=told):
        make()


def test_limits_speak_of_reps_that_get_a_quota(forecast):
    with pytest.raises(InputError, match="no such rep gets a quota") as caught:
        propose_quotas(
            forecast,
            1000,
            limits=Limits(locks={"R11": 5}, last={"Gone": 3}),
            figures={"Z": 1, "R1": -2},
            hierarchy=Hierarchy(PLACES.iloc[1:]),
            figures_as="loose",
        )
    columns = [problem.column for problem in caught.value.problems]
    assert columns == ["figures[R1]", "figures_as", "limits.locks", "figures", "hierarchy", "hierarchy"]
