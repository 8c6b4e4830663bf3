"""Quotas in a scenario: keys become limits and trees, and the command writes the study beside the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from spmforecast.cli import app
from spmforecast.errors import InfeasibleError, InputError
from spmforecast.scenario import load_scenario
from spmforecast.scenario.keys import QuotaKeys
from spmforecast.scenario.prepare import quota_totals
from spmforecast.scenario.quotas import quotas_of, rep_fields
from spmforecast.scenario.run import RunResult
from spmforecast.scenario.study import rival, study_run


def propose(result: RunResult, **keys: object) -> pd.DataFrame:
    asked = QuotaKeys.model_validate(keys)
    totals = quota_totals(result.scenario, result.plan)
    return quotas_of(result.scenario, asked, result.model, result.forecast, totals)


def test_fields_come_from_the_record(result: RunResult) -> None:
    fields = rep_fields(result.model, ["2025Q3", "2025Q4"]).set_index(["rep_id", "period"])
    assert set(fields.index.get_level_values("rep_id")) == set(result.model.roster.owners)
    rep = result.model.roster.owners[0]
    won = result.model.deals.query("status == 'won' and owner_id == @rep and close_date >= '2024-07-01'")["amount"]
    hired = result.history.current_reps().loc[rep, "hire_date"]
    served = min(365, (pd.Timestamp("2025-06-30") - hired).days + 1)
    assert fields.loc[(rep, "2025Q3"), "history"] == pytest.approx(won.sum() * 92 / served)
    assert (fields["ramped_months"] <= 92 / 30.4375 + 1e-9).all()
    own = result.history.accounts.query("owner_id == @rep")
    assert fields.loc[(rep, "2025Q3"), "potential"] == pytest.approx(own["potential"].sum())


def test_locks_trees_and_last_quotas(result: RunResult) -> None:
    rep = result.model.roster.owners[0]
    found = propose(
        result,
        over_assignment=0.1,
        hierarchy={"region": 0.05, "manager": 0.0},
        limits={"locks": [{"rep_id": rep, "quota": 12_345.5, "reason": "on leave"}]},
    )
    locked = found.table[found.table["rep_id"] == rep]
    assert (locked["quota"] == 12_345.5).all()
    assert found.overrides["reason"].tolist() == ["on leave", "on leave"]
    earlier = result.history.quotas
    last = earlier[(earlier["rep_id"] == rep) & (earlier["period"] <= "2025Q2")].sort_values("period")["quota"]
    if len(last):
        assert locked["last_quota"].iloc[0] == last.iloc[-1]
    company = found.nodes[found.nodes["node_level"] == "company"].set_index("period")
    assert company.loc["2025Q3", "assigned"] == 440_000
    with pytest.raises(InfeasibleError, match="floor sum to"):
        propose(result, limits={"floor": 10_000_000})


@pytest.mark.parametrize("method", ["even", "growth", "potential", "capacity", "hybrid", "objective"])
def test_every_method_runs_on_the_record(result: RunResult, method: str) -> None:
    table = propose(result, method=method, round_to=100).table
    assert (table.groupby("period")["quota"].sum() % 100 == 0).all()
    assert table.groupby("period")["quota"].sum()["2025Q3"] == 400_000


def test_the_study_stands_beside_the_run(result: RunResult, tmp_path: Path) -> None:
    lines = study_run(result, tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"quotas.csv", "cushions.csv", "schemes.csv", "differences.csv", "overrides.csv", "run.json"} <= written
    schemes = pd.read_csv(tmp_path / "out" / "schemes.csv")
    assert schemes["scheme"].tolist() == ["equal-probability", "proportional", "even", "growth"] * 2
    own = schemes[schemes["period"] == "2025Q3"]
    assert (own["quota_total"] == own["quota_total"].iloc[0]).all()
    cushions = pd.read_csv(tmp_path / "out" / "cushions.csv")
    assert cushions.groupby("period")["p_carried"].apply(lambda one: one.is_monotonic_increasing).all()
    assert any(line.startswith("2025Q3:") for line in lines)


def test_rival_schemes_hold_the_same_limits_or_say_that_they_do_not(result: RunResult) -> None:
    rep = result.model.roster.owners[0]
    lock = {"locks": [{"rep_id": rep, "quota": 50_000.0, "reason": "settled"}]}
    keys = QuotaKeys.model_validate({"method": "objective", "options": {"carry": 1}, "limits": lock})
    asked = replace(result.scenario, keys=result.scenario.keys.model_copy(update={"quotas": keys}))
    totals = quota_totals(result.scenario, result.plan)
    own = quotas_of(asked, keys, result.model, result.forecast, totals)
    for method in ("even", "growth", "equal-probability"):
        name, split = rival(keys, result.model, result.forecast, own, "2025Q3", method)
        assert name == method
        assert split[own.table["rep_id"].tolist().index(rep)] == 50_000
        assert split.sum() == pytest.approx(400_000)
    low = QuotaKeys.model_validate({"limits": {"ceiling": 1.0}})
    name, split = rival(low, result.model, result.forecast, own, "2025Q3", "even")
    assert name == "even (without limits)"
    assert split.sum() == pytest.approx(400_000)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("{method: gorwth}", "quotas.method: no such method.*Did you mean growth"),
        ("{method: growth, options: {grwth: 0.1}}", "quotas.options.grwth: growth has no such option"),
        ("{compare: [lottery]}", "no such method"),
        ("{limits: {locks: [{rep_id: R1, quota: 5}]}}", "reason"),
        ("{limits: {flor: 5}}", "flor"),
        ("{hierarchy: {regoin: 0.1}}", "regoin"),
        ("{cushion: {wanted: 2}}", "wanted"),
    ],
)
def test_wrong_keys_are_named(place: Path, tmp_path: Path, keys: str, told: str) -> None:
    text = (
        (place / "scenario.yaml").read_text(encoding="utf-8").replace("history: company", f"history: {place}/company")
    )
    line = next(one for one in text.splitlines() if one.startswith("quotas:"))
    (tmp_path / "s.yaml").write_text(text.replace(line, f"quotas: {keys}"), encoding="utf-8")
    with pytest.raises(InputError, match=told):
        load_scenario(tmp_path / "s.yaml")


def test_the_command_needs_quotas(place: Path, tmp_path: Path) -> None:
    text = (
        (place / "scenario.yaml").read_text(encoding="utf-8").replace("history: company", f"history: {place}/company")
    )
    line = next(one for one in text.splitlines() if one.startswith("quotas:"))
    (tmp_path / "s.yaml").write_text(text.replace(line, ""), encoding="utf-8")
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, ["quotas", str(tmp_path / "s.yaml")])
    assert isinstance(done.exception, InputError)
    assert "the scenario sets no quotas" in str(done.exception)
