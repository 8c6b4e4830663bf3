"""Assumptions of a scenario: names checked against the record, and the questions of the repository answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from spmforecast.errors import InputError
from spmforecast.models.adjust import HandOver, Hire, Larger, Leave, Likelier, More
from spmforecast.scenario import load_scenario
from spmforecast.scenario.assuming import adjustments_of, hire_names, told_assumptions
from spmforecast.scenario.prepare import prepare
from spmforecast.scenario.run import run_scenario

ROOT = Path(__file__).resolve().parents[2]
TEXT = """\
name: what if
history: {example: {seed: 7, character: tiny}}
as_of: 2025-06-30
until: 2025-09-30
plan: {2025Q3: 400_000}
simulate: {trials: 200, seed: 3}
quotas: {round_to: 1000}
assumptions:
"""


def load(folder: Path, *lines: str):
    path = folder / "what_if.yaml"
    path.write_text(TEXT + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return load_scenario(path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assumed")
    return prepare(load(folder, "{creation: {multiply: 1}}"), 1, False, lambda *_: None)


def test_each_kind_becomes_what_it_says(tmp_path, ready):
    lines = (
        "{price: {change: 0.1, elasticity: -2}, where: {segment: SMB}}",
        "{market: {creation: 0.9, win_rate: 0.8}}",
        "{market: {multiply: 0.7}}",
        "{activity: {type: call, multiply: 4, elasticity: 0.5}}",
    )
    made = adjustments_of(load(tmp_path, *lines), ready.model)
    assert [type(one) for one in made] == [Larger, Likelier, More, Likelier, More, Likelier, More]
    assert [one.factor for one in made] == pytest.approx([1.1, 1.1**-2, 0.9, 0.8, 0.7, 0.7, 2.0])
    assert made[0].scope.where == {"segment": ("SMB",)}


def test_hires_are_numbered_by_their_start_whatever_the_order_and_whichever_are_made(tmp_path, ready):
    late = "{hire: {count: 2, territory_id: North-1, start: 2025-09-01}}"
    early = "{hire: {territory_id: North-1, start: 2025-08-01}}"
    scenario = load(tmp_path, late, early)
    assert hire_names(scenario.every) == {1: ["North-1 hire 1"], 0: ["North-1 hire 2", "North-1 hire 3"]}
    made = adjustments_of(scenario.supposing({0}), ready.model)
    assert [one.rep_id for one in made] == ["North-1 hire 2", "North-1 hire 3"]
    assert {(one.region, one.start) for one in made} == {("North", pd.Timestamp("2025-09-01"))}
    elsewhere = replace(load(tmp_path, "{creation: {multiply: 1}}"), keys=scenario.keys)
    assert [one.rep_id for one in adjustments_of(elsewhere, ready.model)] == [
        "North-1 hire 2",
        "North-1 hire 3",
        "North-1 hire 1",
    ]
    turned = load(tmp_path, early, late)
    assert {name for names in hire_names(turned.every).values() for name in names} == {
        f"North-1 hire {number}" for number in (1, 2, 3)
    }


def test_an_assumption_may_name_whom_another_one_hires(tmp_path, ready):
    rep = ready.model.roster.owners[0]
    scenario = load(
        tmp_path,
        "{win_rate: {multiply: 1.1}, where: {owner_id: North-1 hire 1}}",
        "{leave: {rep_id: North-1 hire 1, start: 2025-09-15}}",
        f"{{leave: {{rep_id: {rep}, start: 2025-09-15, to: North-1 hire 1}}}}",
        f"{{reassign: {{to: North-1 hire 1}}, where: {{owner_id: {rep}}}}}",
        "{hire: {territory_id: North-1, start: 2025-08-01}}",
    )
    assert [type(one) for one in adjustments_of(scenario, ready.model)] == [Likelier, Leave, Leave, HandOver, Hire]
    # Without the hire, what is said of the hire alone means nothing.
    without = adjustments_of(scenario.supposing({0, 1, 2, 3}), ready.model)
    assert without == [Leave(rep, pd.Timestamp("2025-09-15"))]


def test_every_wrong_name_is_told_with_its_line_and_the_nearest_right_one(tmp_path, ready):
    rep = ready.model.roster.owners[0]
    deal = str(ready.model.deals["opportunity_id"].iloc[0])
    scenario = load(
        tmp_path,
        f"{{leave: {{rep_id: {rep}0, start: 2025-09-01}}}}",
        f"{{leave: {{rep_id: {rep}, start: 2025-09-01, to: {rep}0}}}}",
        "{reassign: {to: Zoe}, where: {segment: SMB}}",
        "{hire: {territory_id: Nroth-1, start: 2025-09-01}}",
        f"{{deal: {{opportunity_id: {deal}, outcome: lost}}}}",
        "{creation: {multiply: 1.1}, where: {segmnt: SMB}}",
        "{creation: {multiply: 1.1}, where: {segment: SBM}}",
        "{creation: {multiply: 1.1}, where: {source: web}}",
    )
    with pytest.raises(InputError, match=r"line 9, .*Did you mean R0") as caught:
        adjustments_of(scenario, ready.model)
    told = caught.value.problems
    assert [problem.line for problem in told] == list(range(9, 17))
    assert told[2].mend == f"Name one of the record, such as {min(ready.model.roster.owners)}."
    assert "Did you mean North-1?" in told[3].mend
    assert told[4].reason == f"this deal was {ready.model.deals['status'].iloc[0]} by as_of already"
    assert "Did you mean segment?" in told[5].mend
    assert "Did you mean SMB?" in told[6].mend


def test_a_run_says_what_it_supposes(tmp_path, ready):
    lines = (
        "{win_rate: {multiply: 1.2}, where: {segment: SMB}, from: 2025-07-01}",
        "{quotas: {method: even}, name: Even}",
    )
    scenario = load(tmp_path, *lines)
    done, plain = run_scenario(scenario, prepared=ready), run_scenario(scenario.supposing(()), prepared=ready)
    assert told_assumptions(scenario.keys.assumptions) == [
        "win rate of SMB: multiply 1.2, from 2025-07-01",
        "Even: method even",
    ]
    assert {f"assumed: {line}" for line in told_assumptions(scenario.keys.assumptions)} <= set(done.warnings)
    assert not any(line.startswith("assumed") for line in plain.warnings)
    assert done.forecast.draws.sum() > plain.forecast.draws.sum()
    assert done.quotas.table["quota"].nunique() < plain.quotas.table["quota"].nunique()


@pytest.mark.parametrize("name", ["hire_four", "price_rise", "market_dip", "new_quota_scheme"])
def test_the_questions_of_the_repository_run_on_a_small_company(tmp_path, ready, name):
    text = (ROOT / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "?" in text.splitlines()[0]
    base = (
        TEXT.replace("assumptions:\n", "")
        .replace("name: what if", "name: baseline")
        .replace("2025-09-30", "2026-06-30")
    )
    (tmp_path / "baseline.yaml").write_text(base, encoding="utf-8")
    (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    done = run_scenario(load_scenario(tmp_path / f"{name}.yaml", {"trials": 40}), prepared=ready)
    assert done.forecast.trials == 40
    assert any(line.startswith("assumed") for line in done.warnings)
    if name == "hire_four":
        assert {"North-1 hire 2", "South-1 hire 2"} <= set(done.forecast.cells["owner_id"])
