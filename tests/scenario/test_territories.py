"""Territories of a scenario: keys, the command, what it leaves in its folder, and given maps."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from spmforecast.cli import app
from spmforecast.errors import InputError
from spmforecast.report import render
from spmforecast.scenario import RunResult, load_scenario, run
from spmforecast.scenario.newmap import given_map, selling_reps
from spmforecast.scenario.territory_files import map_lines

TEXT = """\
name: tiny
history: company
as_of: 2025-06-30
until: 2025-12-31
currency: EUR
plan: {2025Q3: 400_000, 2025Q4: 500_000}
simulate: {trials: 300, seed: 3}
quotas: {over_assignment: 0.10, round_to: 1000, method: potential}
"""
PROPOSE = """\
territories:
  propose: {balance: {potential: 0.2}, max_moved: 0.4, frontier: [0, 0.4]}
  hold_days: 60
  disturbance: {lost: 0.1, days: 90}
"""


def scenario(place: Path, name: str, territories: str) -> Path:
    path = place / f"{name}.yaml"
    path.write_text(TEXT + territories, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def planned(place: Path) -> RunResult:
    return run(scenario(place, "propose", PROPOSE))


@pytest.fixture(scope="module")
def folder(planned: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planned.save(tmp_path_factory.mktemp("runs") / "tiny")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_what_passes_is_what_the_accounts_say(planned: RunResult) -> None:
    plan = planned.territories
    assert plan is not None
    assert 0 < plan.proposal.assignment.moved_share <= 0.4
    before, after = (one.totals(["owner_id", "part"]) for one in (planned.forecast, plan.forecast))
    lost = (after.draws.sum(axis=1) - before.draws.sum(axis=1)).mean()
    told = plan.comparison[plan.comparison["metric"] == "bookings"]
    assert list(told["period"]) == ["2025Q3", "2025Q4"]
    assert told["difference"].sum() == pytest.approx(lost)
    assert lost < 0
    accounts = plan.proposal.accounts
    held = accounts.groupby("proposed_owner_id")["potential"].sum()
    quotas = plan.quotas
    assert quotas is not None
    own = quotas.table[(quotas.table["period"] == "2025Q3") & quotas.table["rep_id"].isin(held.index)]
    share = held.reindex(own["rep_id"]).to_numpy() / held.sum()
    np.testing.assert_allclose(own["quota"], share * 440_000, atol=1_000)


def test_the_folder_tells_it_all(folder: Path, planned: RunResult) -> None:
    moves = rows(folder / "moves.csv")
    assert list(moves[0])[:4] == ["account_id", "from", "to", "reason"]
    assert all(row["reason"] for row in moves)
    accounts = {row["account_id"]: row for row in rows(folder / "territory_accounts.csv")}
    for row in moves:
        assert accounts[row["account_id"]]["owner_id"] == row["from"]
        assert accounts[row["account_id"]]["proposed_owner_id"] == row["to"]
    assert {row["metric"] for row in rows(folder / "territory_evaluation.csv")} >= {
        "bookings",
        "p_plan",
        "reps_at_quota",
    }
    assert rows(folder / "territory_quotas.csv")
    assert len(rows(folder / "territory_frontier.csv")) == 2
    for stem in ("map", "balance", "frontier"):
        assert (folder / f"territory_{stem}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (folder / f"territory_{stem}.svg").read_bytes()
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))["territories"]
    assert told["moves"] == len(moves)
    assert any("10 % of what accounts that move would book is lost for 90 days" in rule for rule in told["rules"])
    assert planned.territories is not None
    assert map_lines(planned.territories, "EUR")[0].startswith(f"{len(moves)} of {len(accounts)} accounts move")


def test_the_page_is_made_of_the_files(folder: Path) -> None:
    page = render(folder)
    first = rows(folder / "moves.csv")[0]
    assert 'id="territories"' in page
    assert first["account_id"] in page
    assert "is lost for 90 days" in page
    assert "Accounts by owner" in page
    assert page == render(folder)


def test_the_command(place: Path, tmp_path: Path) -> None:
    path = scenario(place, "command", "territories:\n  propose: {balance: {potential: 0.2}}\n")
    done = CliRunner().invoke(app, ["territories", str(path), "-o", str(tmp_path / "out"), "--trials", "50"])
    assert done.exit_code == 0, done.output
    assert "accounts move" in done.output
    assert "Disturbance, an assumption: none" in done.output
    assert (tmp_path / "out" / "report.html").is_file()
    kept = scenario(place, "kept", "")
    refused = CliRunner().invoke(app, ["territories", str(kept)])
    assert isinstance(refused.exception, InputError)
    assert "keeps today's territories" in str(refused.exception)


def test_a_given_map_of_today_moves_no_bookings(place: Path, planned: RunResult) -> None:
    accounts = pd.read_csv(place / "company" / "accounts.csv", dtype=str)
    sellers = list(planned.model.roster.owners)
    owner = accounts["owner_id"].where(accounts["owner_id"].isin(sellers), sellers[0])
    accounts[["account_id"]].assign(owner_id=owner).to_csv(place / "same.csv", index=False)
    same = run(scenario(place, "same", "territories: {map: same.csv}\n"))
    assert same.territories is not None
    assert set(same.territories.proposal.moves["from"]) <= set(accounts["owner_id"].fillna("")) - set(sellers)
    assert same.territories.forecast.draws.tobytes() == planned.forecast.draws.tobytes()


def test_a_wrong_map_is_named_line_by_line(place: Path, planned: RunResult) -> None:
    def read(name: str) -> dict[str, str]:
        question = load_scenario(scenario(place, name, f"territories: {{map: {name}.csv}}\n"))
        return given_map(question, planned.model, selling_reps(planned.model))

    (place / "wrong.csv").write_text("account_id,owner_id\nA-00001,Nobody\nNone,R001\n", encoding="utf-8")
    with pytest.raises(InputError, match="nobody of this name sells") as found:
        read("wrong")
    assert {problem.line for problem in found.value.problems} >= {2, 3}
    (place / "bare.csv").write_text("account\nA-00001\n", encoding="utf-8")
    with pytest.raises(InputError, match="the column is missing"):
        read("bare")
    with pytest.raises(InputError, match="the map cannot be read"):
        read("absent")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("{keep: true, map: a.csv}", "keep and map are both given"),
        ("{hold_days: 30}", "hold_days without a new map"),
        ("{propose: {}, starts: 2025-06-30}", "must lie after as_of"),
        ("{propose: {balanse: {}}}", "unknown key"),
        ("{propose: {forbidden: [[a]]}}", "must be a list of pairs"),
        ("{propose: {balance: {potential: 2}}}", "at most 1"),
        ("{propose: {}, disturbance: {lost: -1}}", "at least 0"),
    ],
)
def test_wrong_keys(tmp_path: Path, keys: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_scenario(scenario(tmp_path, "wrong", f"territories: {keys}\n"))


def test_a_bare_propose_stands_for_its_defaults(tmp_path: Path) -> None:
    keys = load_scenario(scenario(tmp_path, "bare", "territories: {propose: true}\n")).keys.territories
    assert keys.propose is not None
    assert keys.propose.balance == {"potential": 0.10, "workload": 0.10}
    assert keys.new_map
