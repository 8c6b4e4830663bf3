"""Plan files: what may stand in them, and what is said about what may not."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.plan.compensation import CompPlan
from spmforecast.plan.compensation.schema import (
    AcceleratorText,
    ComponentText,
    DeceleratorText,
    MeasureText,
    MultiplierText,
    PlanText,
    SpifText,
    TierText,
)
from spmforecast.plan.compensation.terms import Size

ROOT = Path(__file__).resolve().parents[3]


def problems(text):
    with pytest.raises(InputError, match=r".") as caught:
        CompPlan.parse(text)
    return [(one.line, one.column, one.reason, one.mend) for one in caught.value.problems]


def told(text):
    return [(line, reason) for line, _, reason, _ in problems(text)]


def one(keys):
    return f"name: x\ncomponents:\n  - name: a\n{keys}"


@pytest.mark.parametrize("name", ["comp_plan.yaml", "comp_plan_team.yaml"])
def test_the_example_plans_of_the_repository_are_right(name):
    plan = spm.CompPlan.load(ROOT / "scenarios" / name)
    assert plan.measures[0] == "bookings"
    assert plan.target_incentive in (60_000.0, 80_000.0)
    assert str(plan)


def test_numbers_are_the_decimals_that_are_written():
    plan = CompPlan.parse(one("    rate: 0.1\n    cap: 1_000.10\n    threshold: 33.3%\n"))
    part = plan.terms.components[0]
    assert part.rate == Fraction(1, 10)
    assert part.cap == Size(Fraction(100_010))
    assert part.threshold.at == Size(Fraction(333, 1000), share=True)


def test_accelerators_and_decelerators_are_tiers_around_the_base_rate():
    text = one(
        "    rate: 10%\n    decelerators: {below: 50%, multiplier: 0.5}\n"
        "    accelerators: [{above: 100%, multiplier: 1.5}, {above: 150%, multiplier: 2, retroactive: true}]\n"
    )
    tiers = CompPlan.parse(text).terms.components[0].tiers
    assert [(tier.start.value, tier.factor, tier.retroactive) for tier in tiers] == [
        (0, Fraction(1, 2), False),
        (Fraction(1, 2), 1, False),
        (1, Fraction(3, 2), False),
        (Fraction(3, 2), 2, True),
    ]


def test_a_decelerator_may_end_where_an_accelerator_begins():
    keys = (
        "    rate: 10%\n    decelerators: {below: 100%, multiplier: 0.5}\n"
        "    accelerators: {above: 100%, multiplier: 2}\n"
    )
    plan = CompPlan.parse(one(keys))
    assert plan.payout([50.0, 100.0, 200.0], 100.0).tolist() == [2.5, 5.0, 25.0]


def test_faults_of_keys_and_of_the_whole_are_told_together_with_lines():
    text = (
        "name: x\ncomponents:\n  - name: a\n    rate: 8\n    thresold: 50%\n  - name: b\n    target_incentive: 10\n"
        "    rate: 5%\n  - name: c\n    basis: monthly\ndraw: {amount: 100.005}\n"
    )
    assert problems(text) == [
        (4, "components.rate", "a rate above 100 %", "Write 8 % as 8% or 0.08."),
        (5, "components.thresold", "unknown key", "Did you mean threshold?"),
        (10, "components.basis", "this word is not known here", "Use 'discrete' or 'year-to-date'."),
        (
            7,
            "components.target_incentive",
            "rate and target_incentive are both given",
            "Keep one: it sets the base rate.",
        ),
        (11, "draw.amount", "smaller than a cent", "Write at most two decimals."),
    ]


@pytest.mark.parametrize(
    ("keys", "line", "reason"),
    [
        ("    rate: -5%\n", 4, "must not be negative"),
        ("    rate: ten\n", 4, "not a number"),
        ("    rate: .nan\n", 4, "not a number"),
        ("    rate: 1e99\n", 4, "not a number"),
        ("    rate: 5%\n    cap: 200_000_000_000_000\n", 5, "too large"),
        ("    measure: bookings\n", 3, "the component has no base rate"),
        ("    target_incentive: 50%\n", 4, "an amount is expected here"),
        ("    rate: 5%\n    minimum: 10%\n", 5, "a share of the target incentive, and the component has none"),
        ("    rate: 5%\n    quota: to-date\n", 5, "has no effect on discrete periods"),
        ("    rate: 5%\n    measure: bookinks\n", 5, "there is no such measure"),
        ("    rate: 5%\n    threshold: 0.5\n", 5, "an amount below 10 as a bound"),
        ("    rate: 5%\n    minimum: 100\n    cap: 50\n", 5, "the minimum is above the cap"),
        ("    rate: 5%\n    tiers:\n      - {from: 10%, multiplier: 1}\n", 6, "the tiers leave a gap below the first"),
        ("    rate: 5%\n    tiers:\n      - {from: 0}\n", 6, "the tier says nothing of its rate"),
        (
            "    rate: 5%\n    tiers:\n      - {from: 0, multiplier: 1, rate: 5%}\n",
            6,
            "multiplier and rate are both given",
        ),
        (
            "    rate: 5%\n    tiers:\n      - {from: 0, multiplier: 1}\n      - {from: 90%, multiplier: 2}\n"
            "      - {from: 80%, multiplier: 3}\n",
            8,
            "is not above the one before",
        ),
        (
            "    rate: 5%\n    tiers:\n      - {from: 0, multiplier: 1}\n      - {from: 900, multiplier: 2}\n"
            "      - {from: 80%, multiplier: 3}\n",
            7,
            "shares of quota and amounts are mixed",
        ),
        ("    curve: [{at: 50%, pay: 100}]\n", 4, "a curve needs two points"),
        ("    rate: 5%\n    curve: [{at: 50%, pay: 10}, {at: 60%, pay: 20}]\n", 4, "a curve says itself what is paid"),
        (
            "    rate: 5%\n    decelerators: {below: 120%, multiplier: 0}\n"
            "    accelerators: {above: 100%, multiplier: 2}\n",
            6,
            "an accelerator begins where a decelerator still holds",
        ),
        ("    rate: 5%\n    accelerators: {above: 0, multiplier: 2}\n", 5, "begins or ends at nothing"),
        ("    weight: 40%\n", 2, "weights need the plan's target_incentive"),
    ],
)
def test_what_a_component_may_not_say(keys, line, reason):
    assert (line, reason) in told(one(keys))


@pytest.mark.parametrize(
    ("keys", "line", "reason"),
    [
        ("target_incentive: 100\n", 5, "has no effect: no component has a weight"),
        ("cap: 200%\n", 5, "a share of the target incentive, and the plan has none"),
        ("credit: {deal_cap: 0.001}\n", 5, "smaller than a cent"),
        ("measures: {m: {count: deals, sum: amount}}\n", 5, "sum and count are both given"),
        ("measures: {m: {from: 2025-12-01, until: 2025-01-01}}\n", 5, "ends before it begins"),
        ("spifs: [{name: s, measure: bookings}]\n", 5, "the SPIF says nothing of its amount"),
        ("spifs: [{name: a, measure: bookings, rate: 1%}]\n", 5, "two parts have the same name"),
        (
            "multipliers: [{name: m, measure: bookings, on: b, steps: [{at: 1%, times: 1}]}]\n",
            5,
            "there is no such component",
        ),
        (
            "multipliers: [{name: m, measure: bookings, steps: [{at: 5, times: 1}]}]\n",
            5,
            "an attainment is expected here",
        ),
        ("draw: {amount: 100, periods: 0}\n", 5, "must be at least 1"),
        ("rounding: cents\n", 5, "this word is not known here"),
        ("name: y\n", 5, "the key stands here twice"),
    ],
)
def test_what_a_plan_may_not_say(keys, line, reason):
    assert told(one("    rate: 5%\n") + keys) == [(line, reason)]


def test_a_plan_needs_a_component():
    assert told("name: x\ncomponents: []\n") == [(2, "the plan has no component")]
    assert told("name: x\n") == [(1, "the key components is missing")]


def test_weights_must_sum_to_one():
    text = "name: x\ntarget_incentive: 1000\ncomponents:\n  - {name: a, weight: 70%}\n  - {name: b, weight: 40%}\n"
    assert told(text) == [(3, "the weights sum to 110 %, not to 100 %")]


def test_small_bounds_are_right_for_counts():
    text = (
        "name: x\nmeasures: {logos: {count: deals}}\ncomponents:\n"
        "  - {name: a, measure: logos, tiers: [{from: 0, each: 100}, {from: 3, each: 200}]}\n"
    )
    assert CompPlan.parse(text).payout([2.0, 3.0, 4.0]).tolist() == [200.0, 300.0, 500.0]


def test_a_missing_file_is_told():
    with pytest.raises(InputError, match="the compensation plan cannot be read"):
        CompPlan.load("no such plan.yaml")


def test_a_plan_shows_itself_in_words():
    plan = CompPlan.load(ROOT / "scenarios" / "comp_plan_team.yaml")
    shown = plan._repr_html_()
    assert "70 %" not in shown
    assert "56,000 a year at quota" in shown
    assert "at most 250 % of target incentive in a fiscal year" in str(plan)


def _page():
    return (ROOT / "docs" / "compensation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "model",
    [PlanText, ComponentText, TierText, AcceleratorText, DeceleratorText, SpifText, MeasureText, MultiplierText],
)
def test_every_key_is_described(model):
    page = _page()
    keys = [info.alias or name for name, info in model.model_fields.items()]
    assert [key for key in keys if f"`{key}`" not in page and f"`{key}:" not in page] == []


def test_plans_in_the_text_are_right():
    blocks = re.findall(r"```yaml\n(.*?)```", _page(), re.DOTALL)
    assert blocks
    for block in blocks:
        assert CompPlan.parse(block).name
