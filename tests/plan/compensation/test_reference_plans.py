"""Plans with published or independently computed payouts: every case of the reference and of the worked examples."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from spmforecast.plan.compensation import CompPlan, Ledger, prorate

FOLDER = "39_commission_plans"
TIERS = """
    tiers:
      - {from: 0, multiplier: 0.8}
      - {from: 50%, multiplier: 1.2}
      - {from: 100%, multiplier: 1.5}
      - {from: 120%, multiplier: 2.0}
"""
QUARTERS = ["2025Q1", "2025Q2", "2025Q3", "2025Q4"]


def plan_of(component, top="period: year\n"):
    return CompPlan.parse(f"name: test\n{top}components:\n  - name: main\n{component}")


def target(rest="", amount="100_000", top="period: year\n"):
    return plan_of(f"    target_incentive: {amount}\n{rest}", top)


def rate(rest="", base="10%", top="period: year\n"):
    return plan_of(f"    rate: {base}\n{rest}", top)


def pay(plan, sales, quota=1_000_000.0):
    """Pay by arrays, after a check that the exact reckoning gives the same."""
    sales = np.atleast_1d(np.asarray(sales, dtype=float))
    made = plan.payout(sales, quota)
    for one, paid in zip(sales, made, strict=True):
        exact = statement(plan, [one], quota).pay["paid"]
        assert float(exact.iloc[0]) == paid
    return made


def ledger(deals, periods=("2025",)):
    rows = [
        (f"D{i}", "R", *one) if isinstance(one, tuple) else (f"D{i}", "R", "2025", one) for i, one in enumerate(deals)
    ]
    return Ledger.from_frame(pd.DataFrame(rows, columns=["deal", "rep", "period", "amount"]), ["R"], periods)


def statement(plan, deals, quota=1_000_000.0):
    return plan.statement(ledger(deals), quota)


@pytest.fixture(scope="module")
def published(reference):
    return reference(FOLDER)


def test_marginal_tiers(published):
    sales = [0, 450000, 800000, 999999.99, 1000000, 1100000, 1200000, 1500000]
    for one, paid in zip(sales, pay(target(TIERS), sales), strict=True):
        published.compare(f"marginal tiers payout at {one}", paid)
    slopes = target(TIERS).marginal(np.array([999_999.0, 1_000_000.0]), 1_000_000.0)
    published.compare("slope just below/above 100% per extra $ (kink)", slopes.tolist())


def test_retroactive_tiers(published):
    sales = [450000, 999999.99, 1000000, 1100000]
    for one, paid in zip(sales, pay(target(TIERS + "    tier_rule: retroactive\n"), sales), strict=True):
        published.compare(f"retroactive (cliff) tiers at {one}", paid)


def test_thresholds_and_curve(published):
    sales = [599999.99, 600000, 700000]
    first = "threshold 60% at 10%: pay from first dollar once reached; S=599999.99, 600000, 700000"
    published.compare(first, pay(rate("    threshold: 60%\n"), sales).tolist())
    above = rate("    threshold: {at: 60%, pays: above-threshold}\n")
    published.compare("threshold 60%: pay only above threshold; S=599999.99,600000,700000", pay(above, sales).tolist())
    curve = target("    curve: [{at: 60%, pay: 0%}, {at: 100%, pay: 100%}]\n    beyond: extend\n")
    published.compare("linear payout curve 60%->0, 100%->TI (slope 2.5x), S=800000", pay(curve, 800_000)[0])


def test_caps(published):
    capped = target(TIERS + "    cap: 150%\n")
    published.compare("payout cap 150% of TI on marginal tiers at 1,500,000", pay(capped, 1_500_000)[0])
    deal_cap = target(TIERS, top="period: year\ncredit: {deal_cap: 400_000}\n")
    made = deal_cap.pay_ledger(ledger([900_000, 200_000]), 1_000_000.0)
    published.compare("per-deal credit cap 400,000: deals 900k+200k marginal", made.item())
    assert float(statement(deal_cap, [900_000, 200_000]).pay["paid"].iloc[0]) == made.item()


@pytest.mark.parametrize(
    ("deals", "name"),
    [
        ([400_000, 500_000, 300_000], "deal-by-deal lines 400k,500k,300k"),
        ([300_000, 500_000, 400_000], "reversed order 300k,500k,400k: lines differ, same total"),
    ],
)
def test_lines_deal_by_deal(published, deals, name):
    plan = target(TIERS)
    published.compare(name, plan.pay_deals(ledger(deals), 1_000_000.0)["pay"].tolist())
    exact = statement(plan, deals)
    published.compare(name, [float(one) for one in exact.deals["pay"]])
    published.compare("total both orders", float(exact.pay["paid"].iloc[0]))


def test_year_to_date_and_discrete_quarters(published):
    sales = np.array([[150e3, 400e3, 100e3, 450e3]])
    quota = np.full((1, 4), 250e3)
    yearly = target(TIERS + "    basis: year-to-date\n", top="period: quarter\n").payout(sales, quota)[0]
    published.compare("YTD-cumulative on annual quota, quarters 150,400,100,450k", yearly.tolist())
    published.compare("YTD total", yearly.sum())
    discrete = target(TIERS, top="period: quarter\n").payout(sales, quota)[0]
    published.compare("discrete quarterly quotas 250k each, TI/4", discrete.tolist())
    published.compare("discrete total (same annual sales)", discrete.sum())


def test_draws_against_commission(published):
    earned = np.array([[3000, 2000, 9000, 12000]]) * 10.0
    plan = rate(top="period: month\ndraw: {amount: 5_000}\n")
    paid = plan.payout(earned, None)[0]
    published.compare("recoverable draw 5000/mo, earned 3000,2000,9000,12000: paid", paid.tolist())
    months = [f"2025-0{month}" for month in range(1, 5)]
    deals = ledger(list(zip(months, earned[0], strict=True)), months)
    exact = plan.statement(deals)
    assert [float(one) for one in exact.pay["paid"]] == paid.tolist()
    published.compare("draw balance owed after each month", [float(one) for one in exact.pay["owed"]])
    kept = rate(top="period: month\ndraw: {amount: 5_000, recoverable: false}\n")
    published.compare("non-recoverable draw: paid", kept.payout(earned, None)[0].tolist())


def test_clawback_is_a_recompute(published):
    rows = [("D0", "R", "2025", 900_000, None), ("D1", "R", "2025", 200_000, "2026")]
    frame = pd.DataFrame(rows, columns=["deal", "rep", "period", "amount", "cancelled"])
    plan = target(TIERS)
    both = Ledger.from_frame(frame, ["R"], ["2025", "2026"])
    exact = plan.statement(both, 1_000_000.0)
    back = -plan.pay_ledger(both, 1_000_000.0)[0, 0, 1]
    published.compare("clawback of a 200k deal from 1.1M: recompute", back)
    assert float(exact.pay["clawed_back"].iloc[1]) == -back
    published.compare("clawback at flat base rate (common wrong shortcut)", pay(rate(), 200_000)[0])


def test_multiplier_of_a_second_measure(published):
    plan = CompPlan.parse(
        f"name: test\nperiod: year\nmeasures: {{retention: {{count: deals}}}}\n"
        f"components:\n  - name: main\n    target_incentive: 100_000\n{TIERS}"
        "multipliers:\n  - {name: gate, measure: retention, steps: [{at: 80%, times: 0.8}, {at: 120%, times: 1.2}]}\n"
    )
    second = np.array([70.0, 80.0, 100.0, 115.0, 130.0])
    quota = {"bookings": np.full(5, 1e6), "retention": np.full(5, 100.0)}
    made = plan.payout({"bookings": np.full(5, 800_000.0), "retention": second}, quota)
    name = (
        "secondary-measure multiplier: linear .8 at 80% to 1.2 at 120%, clipped; attainments 70,80,100,115,130% on "
        "payout 76000"
    )
    published.compare(name, made.tolist())


def test_spif(published):
    plan = CompPlan.parse(
        "name: test\nmeasures: {logos: {count: deals, where: {type: new}}}\n"
        "components:\n  - {name: main, rate: 0}\nspifs:\n  - {name: logo, measure: logos, each: 2_000, at_most: 3}\n"
    )
    made = plan.payout({"bookings": np.zeros(3), "logos": np.array([0, 2, 5])})
    published.compare("SPIF 2000 per new logo, max 3: 0,2,5 logos", made.tolist())


def _shared_deal(shares, credit="sum-to-one"):
    rows = [("D", rep, "2025", 300_000, share) for rep, share in zip("AB", shares, strict=True)]
    frame = pd.DataFrame(rows, columns=["deal", "rep", "period", "amount", "share"])
    plan = rate(top=f"period: year\ncredit: {{splits: {credit}}}\n")
    exact = plan.statement(Ledger.from_frame(frame, ["A", "B"], ["2025"]))
    return [float(one) for one in exact.deals["credit"]], [float(one) for one in exact.pay["paid"]]


def test_splits_and_overlays(published):
    credit, paid = _shared_deal([0.6, 0.4])
    published.compare("split 60/40 on 300k: credit; commission at 10%", [credit, paid])
    credit, _ = _shared_deal([1, 1], "overlay")
    published.compare("overlay at 100% double credit: total credited on 300k", sum(credit))


def test_proration_by_calendar_days(published):
    made = [float(prorate(one, "2025-01-01", "2025-12-31", hired="2025-07-01")) for one in (1_000_000, 100_000)]
    published.compare("mid-year hire 1 July (184 of 365 days): prorated quota, TI", made)


def test_public_examples_of_the_reference(published):
    three = plan_of("    tiers: [{from: 0, rate: 5%}, {from: 100_000, rate: 6%}, {from: 125_000, rate: 7%}]\n")
    lines = statement(three, [150_000], np.nan).lines["amount"]
    published.compare("public example: 5% to 100k, 6% to 125k, 7% above; 150k", [float(one) for one in lines])
    two = plan_of("    tiers: [{from: 0, rate: 5%}, {from: 100_000, rate: 7%}]\n")
    published.compare("public example: 5%/7% at 100k on 180k", pay(two, 180_000, np.nan)[0])
    fast = rate("    accelerators: {above: 100%, multiplier: 1.25}\n", base="6%")
    deals = fast.pay_deals(ledger([1_000_000, 50_000]), 1_000_000.0)["pay"]
    published.compare("public example: 6% x 1.25 accelerator on a 50k deal when above 100%", deals.iloc[1])


def test_rounding_of_lines_or_of_the_total(published):
    """Three components, each worth 33.335."""
    parts = "".join(f"  - {{name: part {i}, rate: 10%}}\n" for i in range(3))
    got = []
    for rounding in ("line", "total"):
        plan = CompPlan.parse(f"name: test\nperiod: year\nrounding: {rounding}\ncomponents:\n{parts}")
        exact = statement(plan, [333.35])
        got.append([float(one) for one in exact.lines["amount"]])
        assert plan.payout(333.35) == float(exact.pay["paid"].iloc[0])
    name = "rounding: three lines of 1/3 cent-bearing 33.335 each half-up per line vs on the total"
    published.compare(name, [got[0], round(sum(got[0]), 2), round(sum(got[1]), 2)])


def test_every_check_of_the_reference_is_used(published, request):
    source = request.path.read_text(encoding="utf-8").replace('"\n        "', "")
    families = ("marginal tiers payout at", "retroactive (cliff) tiers at")
    unused = [name for name in published.checks if name not in source and not name.startswith(families)]
    assert unused == []
    assert len(published.checks) == 39


@pytest.fixture(scope="module")
def examples(shared_data):
    return {one["id"]: one for one in json.loads((shared_data("incentive_examples") / "examples.json").read_text())}


MARGINAL = [
    "oracle_step",
    "oracle_blended",
    "spiff_mamount",
    "excelforum_quarter_quota",
    "mytime",
    "salkin_declining_minimum",
    "sparrowgenie_nonretroactive",
    "referello",
    "salestool",
    "gherkin_two_tier",
]


def tiers_of(example, rule="marginal"):
    tiers = ", ".join(f"{{from: {low}, rate: {percent:.10f}}}" for low, _, percent in example["tiers"])
    least = f"    minimum: {example['minimum']}\n" if "minimum" in example else ""
    # Bounds in the examples are amounts, some of them small.
    return plan_of(f"    tiers: [{tiers}]\n    tier_rule: {rule}\n{least}")


@pytest.mark.parametrize("name", MARGINAL)
def test_published_marginal_examples(examples, name):
    example = examples[name]
    plan, prior = tiers_of(example), example.get("prior", 0)
    within = 0.021 if name == "mytime" else 0  # that page itself rounds 425.0005 to 424.98
    for amount, expected in example["cases"]:
        made = plan.pay_deals(ledger([prior, amount]), np.nan)["pay"].iloc[1] if prior else pay(plan, amount, np.nan)[0]
        assert made == pytest.approx(expected, abs=within, rel=0)
    if "total" in example:
        assert sum(pay(plan, [amount for amount, _ in example["cases"]], np.nan)) == example["total"]


def test_published_interpolated_example(examples):
    example, total = examples["oracle_interpolated"], 0
    points = ["{at: 0, pay: 0}"]
    for _, high, amount in example["tiers"]:
        total += amount
        points.append(f"{{at: {high}, pay: {total}}}")
    plan = plan_of(f"    curve: [{', '.join(points)}]\n")
    made = pay(plan, [amount for amount, _ in example["cases"]], np.nan)
    assert made.tolist() == [expected for _, expected in example["cases"]]
    assert made.sum() == example["total"]


@pytest.mark.parametrize("name", ["oracle_flat_rate", "oracle_boundary"])
def test_published_flat_examples_and_the_rule_of_bounds(examples, name):
    plan = tiers_of(examples[name], "retroactive")
    for amount, percent in examples[name]["rate_cases"]:
        assert pay(plan, amount, np.nan)[0] == pytest.approx(amount * percent, abs=1e-9)


def test_published_recoverable_draw(examples):
    rows = examples["siebel_recoverable_draw"]["rows"]
    months = [f"2002-{int(row['month'].split('/')[0]):02d}" for row in rows]
    plan = rate(base="100%", top=f"period: month\ndraw: {{amount: {rows[0]['draw']}}}\n")
    exact = plan.statement(ledger([(month, row["gross"]) for month, row in zip(months, rows, strict=True)], months)).pay
    assert exact["paid"].tolist() == [Decimal(row["net"]) for row in rows]
    assert exact["owed"].tolist() == [max(Decimal(-row["balance"]), Decimal(0)) for row in rows]
    made = plan.payout(np.array([[row["gross"] for row in rows]]))
    assert made[0].tolist() == [row["net"] for row in rows]


def test_published_rules_without_figures(examples):
    """Retroactive at a million, and mixed tiers of a month: the rules are published, the figures follow from them."""
    plan = tiers_of(examples["sparrowgenie_retroactive"], "retroactive")
    assert pay(plan, [999_999.99, 1_000_000, 1_200_000], np.nan).tolist() == [50_000.0, 70_000.0, 84_000.0]
    quota = examples["quotapath_decelerator"]["quota"]
    mixed = plan_of(
        "    tiers: [{from: 0, rate: 5%}, {from: 50%, rate: 10%, retroactive: true}, {from: 100%, rate: 20%}]\n"
    )
    made = pay(mixed, [16_499.99, 16_500, 33_000, 40_000], quota)
    assert made.tolist() == [825.0, 1_650.0, 3_300.0, 4_700.0]


def test_every_published_example_is_used(examples):
    others = {"oracle_interpolated", "oracle_flat_rate", "oracle_boundary", "siebel_recoverable_draw"}
    assert set(examples) == {*MARGINAL, *others, "sparrowgenie_retroactive", "quotapath_decelerator"}
    assert len(examples) == 16
