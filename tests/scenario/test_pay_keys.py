"""Compensation in a scenario: pay on the draws with the proposed quotas, what a plan asks of them, and its mistakes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.plan import CompPlan
from spmforecast.scenario import RunResult, load_scenario
from spmforecast.scenario.hiring import hiring_of, hiring_tables
from spmforecast.scenario.keys import HiringKeys, OutlierKeys, PayKeys, QuotaKeys
from spmforecast.scenario.pay import pay_case
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.pay_run import effort_of, pay_tables, priced
from spmforecast.scenario.prepare import quota_totals
from spmforecast.scenario.quotas import choice_of, outliers, quotas_of, rep_fields
from spmforecast.scenario.schema import Scenario

FLAT = "name: Flat\ncomponents: [{name: a, rate: 10%}]\n"
YEAR = """\
name: Year
components:
  - {name: a, target_incentive: 40_000, basis: year-to-date, accelerators: {above: 100%, multiplier: 2}}
"""
COUNTED = """\
name: Counted
measures: {smalls: {count: deals, where: {segment: SMB}}}
components: [{name: a, rate: 10%}, {name: b, measure: smalls, each: 100}]
"""


def asking(result: RunResult, **keys: object) -> Scenario:
    """Return the scenario with a compensation key."""
    asked = {"compensation": PayKeys.model_validate({"plan": "plan.yaml", **keys})}
    own = result.scenario
    return replace(own, keys=own.keys.model_copy(update=asked))


def case_of(result: RunResult, text: str, **keys: object):
    assert result.quotas is not None
    scenario = asking(result, **keys)
    return pay_case(scenario, CompPlan.parse(text), result.forecast, result.quotas, result.history.quotas)


def test_a_flat_rate_pays_its_share_of_the_draws(result: RunResult) -> None:
    scenario = asking(result)
    cost, told = priced(scenario, {"Flat": CompPlan.parse(FLAT)}, result.model, result.forecast, result.quotas)
    assert cost is not None
    assert told == ()
    assert cost.periods == ("2025Q3", "2025Q4")
    cells = result.forecast.cells
    mine = cells["owner_id"].isin(cost.reps).to_numpy() & cells["period"].isin(cost.periods).to_numpy()
    booked = result.forecast.draws[:, mine].sum(axis=1)
    np.testing.assert_allclose(cost.pay.sum(axis=(1, 2)), 0.1 * booked, atol=0.05)
    tables = pay_tables(cost)
    assert tables["pay"]["pay"].sum() == pytest.approx(cost.pay.sum(axis=(1, 2)).mean())
    shares = tables["pay_costs"].groupby("period")["share"].sum()
    assert shares.tolist() == pytest.approx([1.0, 1.0, 1.0])


def test_a_plan_of_the_year_sees_closed_quarters_and_their_quotas(result: RunResult) -> None:
    case = case_of(result, YEAR)
    assert case.periods == ("2025Q1", "2025Q2", "2025Q3", "2025Q4")
    assert case.closed == 2
    won = result.model.deals.query("status == 'won' and '2025-01-01' <= close_date <= '2025-03-31'")
    rep = won["owner_id"].value_counts().index[0]
    place = case.reps.index(rep)
    assert (case.credits["bookings"][:, place, 0] == won.loc[won["owner_id"] == rep, "amount"].sum()).all()
    table = result.history.quotas.set_index(["rep_id", "period"])["quota"]
    assert case.quotas["bookings"][place, 0] == table[rep, "2025Q1"]
    cost = case.price()
    whole = case.plan.payout(
        case.credits["bookings"], case.quotas["bookings"], periods=case.periods, calendar=case.calendar
    )
    np.testing.assert_array_equal(cost.pay, whole[..., 2:])
    without = result.history.quotas.iloc[:0]
    assert result.quotas is not None
    bare = pay_case(asking(result), case.plan, result.forecast, result.quotas, without)
    assert any("no quota is on record in 2025Q1, 2025Q2" in note for note in bare.notes)


def test_pay_of_one_period_is_that_of_the_whole(result: RunResult) -> None:
    case = case_of(result, YEAR)
    reps, at = list(reversed(case.reps)), [case.reps.index(rep) for rep in reversed(case.reps)]
    pay = case.payout("2025Q4", reps)
    made, asked = case.credits["bookings"][:, at, 3:], case.quotas["bookings"][at, 3:]
    np.testing.assert_array_equal(pay(made, asked), case.price().pay[:, at, 1:])


def test_counts_are_a_measure_where_the_plan_needs_them(result: RunResult) -> None:
    case = case_of(result, COUNTED)
    cells, counts = result.forecast.cells, result.forecast.counts
    assert counts is not None
    mine = cells["owner_id"].isin(case.reps) & (cells["segment"] == "SMB") & cells["period"].isin(case.periods)
    assert case.credits["smalls"].sum() == pytest.approx(counts[:, mine.to_numpy()].sum())
    assert case.credits["smalls"].sum() > 0


def test_effort_leaves_what_is_over_as_it_was(result: RunResult) -> None:
    assert effort_of(PayKeys(plan="x"), case_of(result, YEAR), result.model) == []
    keys = PayKeys.model_validate(
        {"plan": "x", "effort": {"elasticity": {"elasticity": 0.5, "reference": 0.05}, "timing": {"fraction": 0.5}}}
    )
    case = case_of(result, YEAR)
    switches = effort_of(keys, case, result.model)
    moved, plain = case.price(switches), case.price()
    assert len(moved.assumptions) == 2
    assert all(told.startswith("Assumed, not estimated") for told in moved.assumptions)
    assert moved.bookings.sum() != plain.bookings.sum()
    timing = case.price(switches[1:])
    np.testing.assert_allclose(timing.bookings.sum(axis=2), plain.bookings.sum(axis=2))


def test_the_cushion_is_chosen_in_a_run(result: RunResult) -> None:
    keys = QuotaKeys.model_validate({"cushion": {"choose": True, "wanted": 0.01}})
    totals = {"2025Q3": quota_totals(result.scenario, result.plan)["2025Q3"] / 3}
    found = quotas_of(result.scenario, keys, result.model, result.forecast, totals)
    choice = choice_of(keys, result.model, result.forecast, found, "2025Q3", None)
    assert choice is not None
    assert choice.cushion == found.cushions["2025Q3"] == pytest.approx(found.over_assignment)
    assert found.table["quota"].sum() == pytest.approx(float(totals["2025Q3"]) * (1 + choice.cushion), abs=0.01)
    assert any("the smallest that carries the plan" in note for note in found.notes)
    hard = QuotaKeys.model_validate({"cushion": {"choose": True, "wanted": 1.0}})
    none = quotas_of(result.scenario, hard, result.model, result.forecast, totals)
    assert none.over_assignment == 0.0
    assert any("no cushion will do" in note for note in none.notes)


def test_outlier_deals_are_left_out_and_named(result: RunResult) -> None:
    keys = OutlierKeys(above_times_median=2.0)
    gone = outliers(result.model, keys)
    won = result.model.deals.query("status == 'won' and close_date >= '2024-07-01'")["amount"]
    assert (gone["amount"] > 2 * won.median()).all()
    assert len(gone) == (won > 2 * won.median()).sum() > 0
    plain, less = (rep_fields(result.model, ["2025Q3"], one).set_index("rep_id")["history"] for one in (None, keys))
    assert (less <= plain).all()
    assert less.sum() < plain.sum()
    asked = QuotaKeys.model_validate({"method": "growth", "leave_out": {"above_times_median": 2.0}})
    totals = quota_totals(result.scenario, result.plan)
    found = quotas_of(result.scenario, asked, result.model, result.forecast, totals)
    largest = gone.sort_values("amount")["opportunity_id"].iloc[-1]
    assert any(str(largest) in note for note in found.notes)


def test_hiring_is_asked_with_a_few_keys(result: RunResult) -> None:
    own = result.scenario
    keys = HiringKeys(wanted=0.5, most=3, where="region", lag_days=0)
    asked = replace(own, keys=own.keys.model_copy(update={"hiring": keys}))
    answer = hiring_of(asked, result.model, result.forecast, result.targets)
    assert answer is not None
    assert answer.plan.period == "2025Q4"
    assert answer.plan.target == 500_000
    tables = hiring_tables(answer)
    assert tables["hiring"]["start"].tolist() == ["2025-07-01", "2025-08-01", "2025-09-01", "2025-10-01"]
    assert set(answer.laws) == set(result.model.roster.places["region"])
    assert "books" in answer.told()
    assert hiring_of(own, result.model, result.forecast, result.targets) is None


@pytest.fixture
def written(place: Path, tmp_path: Path):
    """Write the scenario with other keys; returns its path."""

    def write(compensation: str, plan: str = FLAT, quotas: str = "{}", more: str = "") -> Path:
        text = (place / "scenario.yaml").read_text(encoding="utf-8")
        text = text.replace("history: company", f"history: {place}/company")
        line = next(one for one in text.splitlines() if one.startswith("quotas:"))
        text = text.replace(line, f"quotas: {quotas}")
        (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
        (tmp_path / "s.yaml").write_text(f"{text}{compensation}\n{more}", encoding="utf-8")
        return tmp_path / "s.yaml"

    return write


@pytest.mark.parametrize(
    ("keys", "plan", "told"),
    [
        ("plan.yml", FLAT, "s.yaml, line 10, compensation.plan: there is no such file"),
        ("plan.yaml", FLAT.replace("rate", "rat"), "plan.yaml, line 2.*Did you mean rate"),
        ("plan.yaml", FLAT + "period: month\n", "it pays by month, and the scenario's periods are quarters"),
        ("plan.yaml", COUNTED.replace("segment: SMB", "type: new"), "depends on type.*Add it to levels"),
        ("{plan: plan.yaml, compare: [plan.yaml]}", FLAT, "two plans have this name"),
        ("{plan: plan.yaml, quotas: {smals: 3}}", COUNTED, "Did you mean smalls"),
    ],
)
def test_mistakes_are_told_with_their_own_lines(written, keys: str, plan: str, told: str) -> None:
    scenario = load_scenario(written(f"compensation: {keys}", plan))
    with pytest.raises(InputError, match=told):
        pay_plans(scenario)


def test_clashing_limits_end_the_command_with_status_3(written) -> None:
    path = written("", quotas="{limits: {floor: 10_000_000}}")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "spmforecast.cli",
            "quotas",
            str(path),
            "-o",
            str(path.parent / "out"),
            "--trials",
            "50",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "floor sum to" in done.stderr
    assert "total" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (path.parent / "out").exists()


def test_the_command_shows_pay_and_schemes_on_its_page(written) -> None:
    plan = YEAR
    path = written("compensation: {plan: plan.yaml}", plan, "{compare: [even]}", "hiring: {wanted: 0.5, most: 2}\n")
    from typer.testing import CliRunner

    from spmforecast.cli import app

    out = path.parent / "out"
    done = CliRunner().invoke(app, ["quotas", str(path), "-o", str(out), "--trials", "60"])
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text(encoding="utf-8")
    for anchor in ("schemes", "pay", "hiring"):
        assert f'id="{anchor}"' in page
    schemes = pd.read_csv(out / "schemes.csv")
    assert (schemes["pay"] == "Year").all()
    assert schemes["payout_mean"].notna().all()
    assert {"payout", "p_carried"} <= set(pd.read_csv(out / "differences.csv")["metric"])
    cushions = pd.read_csv(out / "cushions.csv")
    assert cushions.loc[cushions["cushion"] == 0.1, "payout_p90"].notna().all()
    assert (out / "frontier-2025Q3.svg").read_text(encoding="utf-8").startswith("<?xml")
    metrics = pd.read_csv(out / "evaluation.csv")["metric"]
    assert {"comp_cost", "cost_of_sales", "comp_cost[2025Q3]"} <= set(metrics)
    assert not metrics.duplicated().any()
