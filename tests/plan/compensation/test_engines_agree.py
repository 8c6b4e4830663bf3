"""The two reckonings share no arithmetic and agree to the cent, on random plans, bookings and ledgers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spmforecast.plan.compensation import CompPlan, Ledger
from spmforecast.plan.compensation.terms import (
    Cap,
    Clawback,
    Component,
    Credit,
    Draw,
    Measure,
    Multiplier,
    Point,
    Size,
    Step,
    Terms,
    Threshold,
    Tier,
)

PERIODS = ["2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2"]
MEASURES = {"bookings": Measure("bookings"), "logos": Measure("logos", True, {"type": ("new",)})}
ZERO = Size(Fraction(0))

cents = st.integers(0, 3_000_000)
large = st.integers(200_000, 5_000_000)
rarely = st.sampled_from([False, False, False, True])
rates = st.sampled_from(["0", "0.001", "0.05", "0.0333", "0.1", "0.125"]).map(Fraction)
factors = st.sampled_from(["0", "0.5", "0.8", "1", "1.25", "1.5", "2", "0.333"]).map(Fraction)
bare_shares = st.sampled_from(["0.25", "0.5", "0.6", "0.75", "1", "1.2", "1.333"])
shares = bare_shares.map(lambda text: Size(Fraction(text), True))
sums = st.one_of(st.sampled_from([100_000, 333_333, 1_000_000, 1_000_001]), cents).map(lambda n: Size(Fraction(n)))
bounds = st.one_of(st.lists(shares, max_size=3), st.lists(sums, max_size=3))


def rising(items):
    unique = {item.value: item for item in items if item.value > 0}
    return [unique[value] for value in sorted(unique)]


@st.composite
def tiers(draw, based):
    found = [ZERO, *rising(draw(bounds))]
    out = []
    for start in found:
        own = not based or draw(st.booleans())
        rate, factor = (draw(rates), None) if own else (None, draw(factors))
        out.append(Tier(start, factor, rate, bool(start.value) and draw(rarely)))
    return tuple(out)


@st.composite
def curves(draw):
    found = [ZERO, *rising(draw(bounds))]
    if len(found) < 2:
        found.append(Size(Fraction(1), True))
    pays = st.one_of(sums, shares)
    return tuple(Point(start, draw(pays)) for start in found)


@st.composite
def components(draw, name):
    measure = draw(st.sampled_from(["bookings", "bookings", "logos"]))
    base = draw(st.sampled_from(["rate", "target", "none"]))
    curved = base == "target" and draw(st.booleans())
    yearly = draw(st.booleans())
    target = Fraction(draw(st.sampled_from([10_000_000, 1_234_567, 4_000_000]))) if base == "target" else None
    return Component(
        name,
        measure,
        rate=draw(rates) if base == "rate" else None,
        target=target,
        year_to_date=yearly,
        to_date=yearly and draw(st.booleans()),
        threshold=draw(st.builds(Threshold, shares | sums, st.booleans())) if draw(rarely) else None,
        tiers=draw(tiers(base != "none")) if not curved else (Tier(ZERO, Fraction(1)),),
        curve=draw(curves()) if curved else (),
        extend=draw(st.booleans()),
        minimum=draw(cents.map(lambda n: Size(Fraction(n, 3)))) if draw(rarely) else None,
        cap=draw(sums | shares) if draw(rarely) else None,
    )


@st.composite
def multipliers(draw):
    at = sorted(set(draw(st.lists(st.sampled_from(["0", "0.5", "0.8", "1", "1.2"]), min_size=1, max_size=3))))
    steps = tuple(Step(Fraction(one), draw(factors)) for one in at)
    return Multiplier("factor", draw(st.sampled_from(["bookings", "logos"])), steps, draw(st.booleans()))


@st.composite
def plans(draw):
    parts = tuple(draw(components(f"part {i}")) for i in range(draw(st.integers(1, 3))))
    caps = st.builds(Cap, large.map(lambda n: Size(Fraction(n))), st.booleans())
    draws = st.builds(Draw, st.sampled_from([0, 50_000, 333_333]), st.booleans(), st.none() | st.integers(1, 4))
    return CompPlan(
        Terms(
            "random",
            parts,
            MEASURES,
            periods_per_year=4,
            round_lines=draw(st.booleans()),
            multipliers=draw(st.just(()) | st.tuples(multipliers())),
            cap=draw(caps) if draw(rarely) else None,
            draw=draw(st.none() | draws),
            clawback=draw(st.builds(Clawback, st.booleans(), st.none() | st.integers(0, 2))),
            credit=draw(st.builds(Credit, st.none() | large, st.just(True))),
        )
    )


@st.composite
def deals(draw, trials=1):
    periods = draw(st.lists(st.integers(0, 5), min_size=4, max_size=14))
    rows = []
    for number, period in enumerate(periods):
        later = draw(st.integers(period, 5)) if draw(rarely) else None
        rows.append(
            {
                "trial": draw(st.integers(0, trials - 1)),
                "deal": f"D{number}",
                "rep": draw(st.sampled_from(["A", "B"])),
                "period": PERIODS[period],
                "amount": draw(st.one_of(large, large, st.integers(-200_000, 200_000))) / 100,
                "share": draw(st.sampled_from([1, 0.6, 0.333333, 1.5])),
                "type": draw(st.sampled_from(["new", "renewal"])),
                "cancelled": None if later is None else PERIODS[later],
            }
        )
    names = ["trial", "deal", "rep", "period", "amount", "share", "type", "cancelled"]
    return pd.DataFrame(rows, columns=names)


# Only generated, not shrunk: plans are large, and shrinking them takes minutes.
quota_values = st.sampled_from([10_000.0, 25_000.0, 3333.33, 7919.77, 20_000.01, np.nan, 0.0])


@st.composite
def quotas(draw):
    return {
        "bookings": np.array(draw(st.lists(quota_values, min_size=12, max_size=12))).reshape(2, 6),
        "logos": np.array(draw(st.lists(st.sampled_from([1.0, 2.0, 3.0, np.nan]), min_size=12, max_size=12))).reshape(
            2, 6
        ),
    }


active = st.lists(st.sampled_from([1.0, 1.0, 0.0, 0.504109589]), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate])
@given(plans(), deals(), quotas(), active)
def test_arrays_pay_the_same_cents_as_the_reckoning(plan, frame, quota, there):
    _same_cents(plan, frame, quota, there)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, derandomize=True, phases=[Phase.generate])
@given(plans(), deals(), quotas(), active)
def test_arrays_pay_the_same_cents_on_many_more_plans(plan, frame, quota, there):
    _same_cents(plan, frame, quota, there)


def _same_cents(plan, frame, quota, there):
    ledger = Ledger.from_frame(frame, ["A", "B"], PERIODS, trials=1)
    there = np.array(there).reshape(2, 6)
    statement = plan.statement(ledger, quota, active=there)
    exact = np.array([float(one) for one in statement.pay["paid"]]).reshape(1, 2, 6)
    np.testing.assert_array_equal(plan.pay_ledger(ledger, quota, active=there), exact)
    lines = statement.lines.groupby(["rep", "period"], sort=False)["amount"].sum()
    for rep, period, paid in statement.pay[["rep", "period", "paid"]].itertuples(index=False):
        assert lines.get((rep, period), 0) == paid


@settings(max_examples=30, deadline=None, derandomize=True, phases=[Phase.generate])
@given(plans(), deals(), quotas())
def test_pay_by_deal_is_the_same_in_both(plan, frame, quota):
    ledger = Ledger.from_frame(frame, ["A", "B"], PERIODS, trials=1)
    exact = plan.statement(ledger, quota).deals
    made = plan.pay_deals(ledger, quota).set_index("deal")
    for deal, _, _, component, _, pay in exact.itertuples(index=False):
        assert made.loc[deal, component] == float(pay)
    assert round(made["pay"].sum(), 2) == float(sum(exact["pay"], 0))


@settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate])
@given(plans(), deals(trials=3), quotas())
def test_each_trial_is_paid_as_if_it_were_alone(plan, frame, quota):
    whole = plan.pay_ledger(Ledger.from_frame(frame, ["A", "B"], PERIODS, trials=3), quota)
    for trial in range(3):
        alone = frame[frame["trial"] == trial].drop(columns="trial")
        statement = plan.statement(Ledger.from_frame(alone, ["A", "B"], PERIODS), quota)
        exact = np.array([float(one) for one in statement.pay["paid"]]).reshape(2, 6)
        np.testing.assert_array_equal(whole[trial], exact)
