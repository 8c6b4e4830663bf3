"""Running a scenario: the parts fit together, the file decides everything, and nothing else does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.errors import InputError
from spmforecast.scenario import RunResult, load_plan, load_scenario, run


def _scenario(tmp_path: Path, place: Path, **changes: str) -> Path:
    """Write the scenario again with some lines changed (or added, or left out where empty)."""
    lines = dict(line.split(":", 1) for line in (place / "scenario.yaml").read_text().splitlines())
    lines |= {key: f" {value}" for key, value in changes.items()}
    lines["history"] = changes.get("history", f" {place / 'company'}")
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "".join(
            f"{key}:{value if value[:1] == ' ' else ' ' + value}\n" for key, value in lines.items() if value.strip()
        )
    )
    return path


def test_the_forecast_is_that_of_the_parts_by_hand(place: Path, result: RunResult) -> None:
    history = spm.read_history(place / "company")
    model = spm.PipelineModel().fit(history, as_of="2025-06-30")
    forecast = spm.simulate(model, "2025-12-31", trials=400, seed=3, levels=["region", "segment", "product"])
    np.testing.assert_array_equal(forecast.draws, result.forecast.draws)
    pd.testing.assert_frame_equal(forecast.cells, result.forecast.cells)


def test_more_trials_keep_the_first_ones_and_progress_is_told(place: Path, result: RunResult) -> None:
    told: list[tuple[str, int, int]] = []
    more = run(place / "scenario.yaml", trials=600, progress=lambda *step: told.append(step))
    np.testing.assert_array_equal(more.forecast.draws[:400], result.forecast.draws)
    assert [step for step, done, _ in told if done == 0] == ["read", "choose", "fit", "simulate", "combine", "evaluate"]
    assert ("simulate", 600, 600) in told


def test_another_seed_gives_other_draws(place: Path, result: RunResult) -> None:
    other = run(place / "scenario.yaml", seed=4)
    assert not np.array_equal(other.forecast.draws, result.forecast.draws)
    own, mine = (r.forecast.period_draws("2025Q3").mean() for r in (other, result))
    assert own == pytest.approx(mine, rel=0.2)


def test_what_comes_after_as_of_changes_nothing(place: Path, tmp_path: Path) -> None:
    """The future is rewritten: later deals vanish, later closings change sides and size, later events are lost."""
    shutil.copytree(place / "company", tmp_path / "company")
    cut = "2024-12-31"
    deals = pd.read_csv(tmp_path / "company" / "opportunities.csv", dtype=str, keep_default_na=False)
    later = deals["created_date"] > cut
    deals = deals[~later].copy()
    late = (deals["status"] != "open") & (deals["close_date"] > cut)
    assert late.sum() >= 5
    deals.loc[late, "status"] = "won"
    deals.loc[late, "amount"] = "123456.78"
    deals.loc[late, "stage"] = "Closed Won"
    deals.to_csv(tmp_path / "company" / "opportunities.csv", index=False)
    events = pd.read_csv(tmp_path / "company" / "stage_history.csv", dtype=str, keep_default_na=False)
    events = events[events["opportunity_id"].isin(deals["opportunity_id"]) & (events["entered_date"] <= cut)]
    # One event stays behind that date, so that the record is seen to go on.
    last = events[events["opportunity_id"].isin(deals.loc[late, "opportunity_id"])].tail(1)
    events = pd.concat([events, last.assign(entered_date="2025-05-01", stage="Elsewhere", amount="1.00")])
    events.to_csv(tmp_path / "company" / "stage_history.csv", index=False)
    for name, column in (("activities", "opportunity_id"),):
        frame = pd.read_csv(tmp_path / "company" / f"{name}.csv", dtype=str, keep_default_na=False)
        frame[frame[column].isin(["", *deals["opportunity_id"]])].to_csv(
            tmp_path / "company" / f"{name}.csv", index=False
        )
    path = _scenario(tmp_path, place, until="2025-06-30", plan="{2025Q1: 300_000}", simulate="{trials: 200, seed: 1}")
    truth = run(path, as_of=cut)
    path = _scenario(tmp_path, place, until="2025-06-30", plan="{2025Q1: 300_000}", simulate="{trials: 200, seed: 1}",
                     history=f" {tmp_path / 'company'}")  # fmt: skip
    rewritten = run(path, as_of=cut)
    np.testing.assert_array_equal(truth.forecast.draws, rewritten.forecast.draws)
    pd.testing.assert_frame_equal(truth.model.summary(), rewritten.model.summary())


def test_quotas_carry_the_plan_with_its_cushion(result: RunResult) -> None:
    assert result.quotas is not None
    assert set(result.quotas.table["period"]) == {"2025Q3", "2025Q4"}
    for period, target in (("2025Q3", 440_000), ("2025Q4", 550_000)):
        assert result.quotas.assigned()[period] + float(result.quotas.remainder.get(period, 0)) == target
    assert (result.quotas.table["quota"] % 1000 == 0).all()
    assert {*result.model.roster.owners} <= {*result.quotas.table["rep_id"]}


def test_the_year_is_judged_by_the_sum_of_its_quarters(result: RunResult) -> None:
    assert result.targets == {"2025Q1": 1e5, "2025Q2": 2e5, "2025Q3": 4e5, "2025Q4": 5e5, "2025": 1.2e6}
    value = result.evaluation.set_index("metric")["value"]
    year = sum(result.forecast.period_draws(f"2025Q{q}") for q in range(1, 5))
    assert value["p_plan[2025]"] == pytest.approx((year >= 1.2e6).mean())
    assert value["plan_gap[2025]"] == pytest.approx(year.mean() - 1.2e6)


def test_without_a_plan_nothing_is_judged_and_that_is_said(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "company", tmp_path / "company")
    (tmp_path / "company" / "plan.csv").unlink()
    path = _scenario(tmp_path, place, plan="", quotas="", history=f" {tmp_path / 'company'}")
    answer = run(path, trials=50)
    assert answer.quotas is None
    assert answer.evaluation.empty
    assert any("nothing is judged against plan" in warning for warning in answer.warnings)
    with pytest.raises(InputError, match="quotas need a plan for at least one period of the forecast"):
        run(_scenario(tmp_path, place, plan="", history=f" {tmp_path / 'company'}"), trials=50)


def test_the_plan_may_come_from_the_tables_or_a_file(place: Path, tmp_path: Path) -> None:
    history = spm.read_history(place / "company")
    from_tables = load_plan(load_scenario(_scenario(tmp_path, place, plan="")), history)
    assert from_tables.target("2025Q3") == history.plan.set_index("period")["target"]["2025Q3"]
    (tmp_path / "plan.csv").write_text("period,target\n2025Q3,123456.5\n", encoding="utf-8")
    scenario = load_scenario(_scenario(tmp_path, place, plan="plan.csv"))
    assert load_plan(scenario, history).target("2025Q3") == 123456.5
    (tmp_path / "plan.csv").write_text("period,target\n2025Q9,a lot\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"plan\.csv, line 2, period: not a fiscal period"):
        load_plan(scenario, history)
    with pytest.raises(InputError, match=r"line \d+, plan: the plan cannot be read"):
        load_plan(load_scenario(_scenario(tmp_path, place, plan="none.csv")), history)


def test_an_example_needs_no_file(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "name: e\nhistory: {example: {character: tiny}}\nas_of: 2025-06-30\nuntil: 2025-09-30\nsimulate: {trials: 40}\n"
    )
    answer = run(path)
    assert answer.forecast.periods == ["2025Q1", "2025Q2", "2025Q3"]
    assert {source.name for source in answer.history.sources} >= {"opportunities", "plan"}


def test_months_add_up_to_quarters_that_are_past(place: Path, tmp_path: Path, result: RunResult) -> None:
    monthly = run(_scenario(tmp_path, place, period="month", quotas=""), trials=60).forecast
    assert monthly.periods[-6:] == [f"2025-{month:02d}" for month in range(7, 13)]
    for quarter in ("2025Q1", "2025Q2"):
        by_month, by_quarter = (f.period_draws(quarter)[0] for f in (monthly, result.forecast))
        assert by_month == pytest.approx(by_quarter, abs=0.01)


def test_bookings_of_the_past_are_those_of_the_table(place: Path, result: RunResult) -> None:
    deals = pd.read_csv(place / "company" / "opportunities.csv")
    won = deals[(deals["status"] == "won") & deals["close_date"].between("2025-04-01", "2025-06-30")]
    draws = result.forecast.period_draws("2025Q2")
    assert draws == pytest.approx(np.full(400, won["amount"].sum()))


def test_saving_twice_replaces_the_run(result: RunResult, tmp_path: Path) -> None:
    first = result.save(tmp_path / "run")
    (first / "mine.txt").write_text("in the way", encoding="utf-8")
    again = result.save(tmp_path / "run")
    assert not (again / "mine.txt").exists()
    facts = json.loads((again / "run.json").read_text(encoding="utf-8"))
    assert (facts["name"], facts["seed"], facts["trials"]) == ("tiny", 3, 400)
    assert len(facts["inputs"]) == 11
    assert all(len(source["sha256"]) == 64 for source in facts["inputs"])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_result_shows_itself_in_a_notebook(result: RunResult) -> None:
    html = result._repr_html_()
    assert "Run: tiny" in html
    assert "p_plan[2025Q3]" in html
