"""Pay on arrays: shapes, years, what is refused, and properties that any plan of a kind keeps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.plan.compensation import CompPlan, Ledger
from spmforecast.plan.compensation.cents import half_up, round_half_up, to_hundredths

ROOT = Path(__file__).resolve().parents[3]
YEARLY = """
name: yearly
components:
  - name: a
    target_incentive: 40_000
    basis: year-to-date
    accelerators: {above: 100%, multiplier: 2}
"""
PLAIN = "name: plain\ncomponents:\n  - {name: a, rate: 10%, accelerators: {above: 100%, multiplier: 2}}\n"


@pytest.fixture(scope="module")
def yearly():
    return CompPlan.parse(YEARLY)


@pytest.fixture(scope="module")
def plain():
    return CompPlan.parse(PLAIN)


def test_shapes_come_back_as_they_were_given(plain):
    quota = np.array([[100.0, 200.0], [300.0, 400.0], [500.0, 600.0]])
    bookings = np.random.default_rng(1).uniform(0, 900, (7, 3, 2))
    whole = plain.payout(bookings, quota)
    assert whole.shape == (7, 3, 2)
    np.testing.assert_array_equal(plain.payout(bookings[3], quota), whole[3])
    np.testing.assert_array_equal(plain.payout(bookings[3, :, 1], quota[:, 1]), whole[3, :, 1])
    assert plain.payout(bookings[3, 2, 1], 600.0).shape == ()
    assert plain.payout(bookings[3, 2, 1], 600.0) == whole[3, 2, 1]
    each = np.broadcast_to(quota, bookings.shape)
    np.testing.assert_array_equal(plain.payout(bookings, each), whole)


def test_pay_does_not_depend_on_how_many_trials_are_worked_on_at_once(yearly, monkeypatch):
    bookings = np.random.default_rng(2).uniform(0, 90_000, (40, 5, 4))
    whole = yearly.payout(bookings, np.full((5, 4), 50_000.0))
    monkeypatch.setattr("spmforecast.plan.compensation.arrays._BLOCK", 60)
    np.testing.assert_array_equal(yearly.payout(bookings, np.full((5, 4), 50_000.0)), whole)


def test_a_plain_array_is_reps_in_periods_of_their_own_and_with_labels_one_rep(yearly):
    bookings, quota = np.array([100e3, 100e3]), np.array([50e3, 50e3])
    assert yearly.payout(bookings, quota).tolist() == [30_000.0, 30_000.0]
    assert yearly.payout(bookings, quota, periods=["2025Q1", "2025Q2"]).tolist() == [20_000.0, 40_000.0]


def test_fiscal_years_begin_where_the_labels_say(yearly):
    bookings, quota = np.full((1, 4), 100e3), np.full((1, 4), 50e3)
    labels = ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]
    assert yearly.payout(bookings, quota, periods=labels)[0].tolist() == [20e3, 40e3, 20e3, 40e3]
    assert yearly.payout(bookings, quota)[0].tolist() == [20e3, 20e3, 40e3, 40e3]
    months = CompPlan.parse("period: month" + YEARLY)
    paid = months.payout(
        bookings, quota, periods=["2025-05", "2025-06", "2025-07", "2025-08"], calendar=FiscalCalendar(7)
    )
    assert paid[0, 0] == paid[0, 2]
    assert paid[0, 1] == paid[0, 3]
    assert paid[0, 0] < paid[0, 1]


def test_part_of_a_period_is_part_of_the_target_incentive(yearly):
    half = yearly.payout([[50e3]], [[50e3]], active=[[0.5]])
    assert half.item() == 5_000.0


def test_several_measures_and_their_quotas():
    plan = CompPlan.parse(
        "name: x\ntarget_incentive: 40_000\nmeasures: {services: {sum: amount, where: {product: s}}}\n"
        "components:\n  - {name: a, weight: 75%}\n  - {name: b, measure: services, weight: 25%, cap: 150%}\n"
    )
    made = plan.payout(
        {"bookings": np.array([100.0, 50.0]), "services": np.array([10.0, 40.0])}, {"bookings": 100.0, "services": 20.0}
    )
    assert made.tolist() == [7_500.0 + 1_250.0, 3_750.0 + 3_750.0]


def test_without_a_quota_what_is_measured_by_attainment_pays_nothing(plain, yearly):
    assert yearly.payout([100.0, 100.0], [np.nan, 0.0]).tolist() == [0.0, 0.0]
    assert plain.payout([100.0, 100.0], [np.nan, 100.0]).tolist() == [0.0, 10.0]
    assert CompPlan.parse("name: x\ncomponents: [{name: a, rate: 5%}]\n").payout(100.0) == 5.0


@pytest.mark.parametrize(
    ("bookings", "quota", "more", "told"),
    [
        (np.ones((2, 2, 2, 2)), 1.0, {}, "an array of 4 dimensions"),
        ([np.nan], 1.0, {}, "not every number is finite"),
        ([1.0], [-1.0], {}, "a quota below 0"),
        ([1.0], np.inf, {}, "a quota below 0 or without end"),
        (np.ones((2, 3)), np.ones((3, 2)), {}, "does not fit"),
        ([1.0], None, {}, "the plan reads bookings, which is not given"),
        ({"bookinks": [1.0]}, 1.0, {}, "Did you mean bookings"),
        ([1.0], 1.0, {"active": 1.5}, "must be a share of the period"),
        (np.ones((2, 3)), 1.0, {"periods": ["2025Q1"]}, "1 labels for 3 periods"),
        (np.ones((1, 2)), 1.0, {"periods": ["2025Q2", "2025Q1"]}, "not in order of time"),
        (np.ones((2, 3)), 1.0, {"periods": ["2025Q1", "2025Q2", "later"]}, "later"),
    ],
)
def test_what_cannot_be_priced_is_refused(plain, bookings, quota, more, told):
    with pytest.raises(InputError, match=told):
        plain.payout(bookings, quota, **more)


def test_every_problem_of_the_ledger_is_told_at_once():
    rows = [("a", "R1", "2025Q1", 10, 0.5), ("b", "R", "2025Q9", "x", 20), ("c", "R", "2025Q2", 5, 1)]
    frame = pd.DataFrame(rows, columns=["deal", "rep", "period", "amount", "share"])
    frame["cancelled"] = [None, None, "2025Q1"]
    frame["date"] = ["2025-01-01", None, "1st of May"]
    with pytest.raises(InputError, match="ledger") as caught:
        Ledger.from_frame(frame, ["R"], ["2025Q1", "2025Q2"])
    assert [(one.column, one.value) for one in caught.value.problems] == [
        ("rep", "R1"),
        ("period", "2025Q9"),
        ("amount", "x"),
        ("share", ""),
        ("cancelled", "c"),
        ("date", "1st of May"),
    ]
    with pytest.raises(InputError, match="the column is missing"):
        Ledger.from_frame(frame.drop(columns="amount"), ["R"], ["2025Q1"])


def test_winners_of_a_simulation_are_taken_as_arrays(plain):
    rng = np.random.default_rng(4)
    trial, rep, period = rng.integers(0, 5, 60), rng.integers(0, 3, 60), rng.integers(0, 2, 60)
    amount = rng.uniform(1, 90, 60).round(2)
    reps, periods = ["A", "B", "C"], ["2025Q1", "2025Q2"]
    made = Ledger.from_arrays(trial, range(60), rep, period, amount, reps=reps, periods=periods, trials=6)
    named = {"trial": trial, "deal": range(60), "rep": np.take(reps, rep), "period": np.take(periods, period)}
    read = Ledger.from_frame(pd.DataFrame({**named, "amount": amount}), reps, periods, trials=6)
    quota = np.full((3, 2), 100.0)
    paid = plain.pay_ledger(made, quota)
    assert paid.shape == (6, 3, 2)
    np.testing.assert_array_equal(paid, plain.pay_ledger(read, quota))
    assert not paid[5].any()
    deals = plain.pay_deals(made, quota)
    pd.testing.assert_frame_equal(deals, plain.pay_deals(read, quota), check_dtype=False)
    sums = deals.groupby(["trial", "rep", "period"])["pay"].sum()
    for (which, name, label), total in sums.items():
        assert total == pytest.approx(paid[which, reps.index(name), periods.index(label)], abs=1e-9)
    with pytest.raises(InputError, match="there are 2 of them only"):
        Ledger.from_arrays([0], ["d"], [0], [2], [1.0], reps=reps, periods=periods, trials=1)


def test_the_example_plan_pays_the_target_incentive_at_quota():
    plan = CompPlan.load(ROOT / "scenarios" / "comp_plan.yaml")
    paid = plan.payout([[60e3, 90e3, 110e3, 140e3]], [[100e3] * 4])
    # Below the threshold only the draw is paid; it is taken back from the second quarter.
    assert paid[0].tolist() == [3_000.0, 19_500.0, 16_500.0, 21_000.0]
    assert paid.sum() == 60_000.0


def test_shares_must_sum_to_one_unless_overlays_are_allowed(plain):
    frame = pd.DataFrame(
        {"deal": ["d", "d"], "rep": ["A", "B"], "period": "2025Q1", "amount": 100.01, "share": [0.5, 0.4]}
    )
    ledger = Ledger.from_frame(frame, ["A", "B"], ["2025Q1"])
    with pytest.raises(InputError, match="do not sum to 1"):
        plain.statement(ledger, 100.0)
    thirds = Ledger.from_frame(
        pd.DataFrame({"deal": "d", "rep": list("ABC"), "period": "2025Q1", "amount": 100.0, "share": 0.3333}),
        list("ABC"),
        ["2025Q1"],
    )
    assert sum(plain.statement(thirds, 100.0).deals["credit"]) == 100


def test_measures_count_the_deals_that_they_describe():
    plan = CompPlan.parse(
        "name: x\nmeasures: {june: {count: deals, where: {type: [new]}, from: 2025-06-01, until: 2025-06-30}}\n"
        "components: [{name: a, rate: 0}]\nspifs: [{name: s, measure: june, each: 100}]\n"
    )
    frame = pd.DataFrame(
        {
            "deal": list("abcd"),
            "rep": "R",
            "period": "2025Q2",
            "amount": 10,
            "date": ["2025-06-01", "2025-06-30", "2025-05-31", "2025-06-15"],
            "type": ["new", "new", "new", "renewal"],
        }
    )
    ledger = Ledger.from_frame(frame, ["R"], ["2025Q2"])
    assert plan.pay_ledger(ledger).item() == 200.0
    assert plan.pay_deals(ledger).set_index("deal")["s"].to_dict() == {"a": 100.0, "b": 100.0, "c": 0.0, "d": 0.0}
    with pytest.raises(InputError, match="type: the column is missing"):
        plan.statement(Ledger.from_frame(frame.drop(columns="type"), ["R"], ["2025Q2"]))


def test_a_cancelled_deal_is_clawed_back_within_its_window(plain):
    frame = pd.DataFrame(
        {
            "deal": ["a", "b"],
            "rep": "R",
            "period": ["2025Q1", "2025Q1"],
            "amount": [100.0, 50.0],
            "cancelled": [None, "2025Q3"],
        }
    )
    ledger = Ledger.from_frame(frame, ["R"], ["2025Q1", "2025Q2", "2025Q3"])
    statement = plain.statement(ledger, 100.0)
    assert [float(one) for one in statement.pay["paid"]] == [20.0, 0.0, -10.0]
    told = statement.explain("R", "2025Q3")
    assert "clawback of 2025Q1: -50.00 = -10.00" in told
    assert told.endswith("paid: -10.00")
    assert "paid: <b>10.00</b>" in statement._repr_html_()
    short = CompPlan.parse(PLAIN + "clawback: {within: 1}\n")
    assert short.pay_ledger(ledger, 100.0)[0, 0].tolist() == [20.0, 0.0, 0.0]
    kept = CompPlan.parse(PLAIN + "clawback: none\n")
    assert kept.pay_ledger(ledger, 100.0)[0, 0].tolist() == [20.0, 0.0, 0.0]


def test_the_explanation_names_each_tier(plain):
    frame = pd.DataFrame({"deal": ["a"], "rep": "R", "period": "2025Q1", "amount": [150.0]})
    told = plain.statement(Ledger.from_frame(frame, ["R"], ["2025Q1"]), 100.0).explain("R", "2025Q1").splitlines()
    assert told[0].startswith("a: tier 1, from 0: 100.00 × 0.1 = 10.00 (marginal")
    assert told[1].startswith("a: tier 2, from 100 % of quota: 50.00 × 0.2 = 10.00 (marginal")
    assert told[2] == "paid: 20.00"


amounts = st.lists(st.integers(0, 30_000_000), min_size=1, max_size=12)
multiples = st.lists(st.sampled_from([0.0, 0.4, 0.8, 1.0, 1.3, 2.0]), min_size=1, max_size=4)


@st.composite
def marginal_plans(draw):
    factors = draw(multiples)
    bounds = sorted(draw(st.sets(st.integers(5, 200), min_size=len(factors) - 1, max_size=len(factors) - 1)))
    tiers = ", ".join(f"{{from: {b}%, multiplier: {f}}}" for b, f in zip([0, *bounds], factors, strict=True))
    return CompPlan.parse(
        f"name: x\ncomponents:\n  - name: a\n    target_incentive: 12_345.67\n    tiers: [{tiers}]\n"
        f"    basis: {draw(st.sampled_from(['discrete', 'year-to-date']))}\n"
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(marginal_plans(), amounts)
def test_marginal_plans_never_pay_less_for_more(plan, sales):
    sales = np.sort(np.array(sales)) / 100.0
    paid = plan.payout(sales, 77_777.77)
    assert (np.diff(paid) >= 0).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(marginal_plans(), amounts, st.randoms(use_true_random=False))
def test_the_order_of_deals_changes_lines_and_not_the_total(plan, sales, random):
    frame = pd.DataFrame({"deal": range(len(sales)), "rep": "R", "period": "2025Q1", "amount": np.array(sales) / 100.0})
    mixed = frame.iloc[random.sample(range(len(frame)), len(frame))]
    paid = [plan.pay_deals(Ledger.from_frame(one, ["R"], ["2025Q1"]), 77_777.77)["pay"].sum() for one in (frame, mixed)]
    assert paid[0] == pytest.approx(paid[1], abs=1e-6)
    assert paid[0] == pytest.approx(plan.payout(frame["amount"].sum(), 77_777.77).item(), abs=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(marginal_plans(), st.lists(st.integers(-5_000_000, 30_000_000), min_size=4, max_size=4))
def test_the_year_to_date_equals_a_recompute_on_the_year(plan, sales):
    quarters = np.array([sales]) / 100.0
    paid = plan.payout(quarters, np.full((1, 4), 25_000.0))
    if plan.terms.components[0].year_to_date:
        whole = plan.payout([[quarters.sum(), 0, 0, 0]], np.full((1, 4), 25_000.0))
        assert paid.sum() == pytest.approx(whole[0, 0], abs=1e-6)
    else:
        alone = [plan.payout(one, 25_000.0).item() for one in quarters[0]]
        assert paid[0].tolist() == alone


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(-(10**12), 10**12), st.integers(1, 10**9))
def test_half_up_is_that_of_decimals(top, bottom):
    value = Fraction(top, bottom)
    rounded = half_up(value)
    assert abs(value - rounded) <= Fraction(1, 2)
    assert abs(value - rounded) < Fraction(1, 2) or abs(rounded) > abs(value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 10**10), st.integers(1, 10**12), st.integers(0, 10**6))
def test_floats_round_as_the_fractions_that_they_stand_for(top, bottom, size):
    """Ties and near ties of any denominator, in floats that are off by less than what is allowed."""
    exact = Fraction(top, bottom) + Fraction(size) + Fraction(1, 2)
    for value in (exact, exact - Fraction(1, 2 * bottom), Fraction(size) + Fraction(1, 2)):
        floats = np.array([[float(value)]])
        err = np.array([2.0**-50 * float(value)])
        got = round_half_up(floats, err, np.array([float(2 * bottom)]), lambda _, one=value: one)
        assert got.item() == half_up(value)


def test_amounts_are_the_decimals_that_they_print_as():
    given_amounts = [1.005, 2.675, -1.005, 0.125, 1234567.895, 33.335, np.nan]
    cents = to_hundredths(given_amounts)
    assert cents[:-1].tolist() == [101, 268, -101, 13, 123456790, 3334]
    assert np.isnan(cents[-1])
