"""The page of scorecards: made from its folder alone, again the same, and safe whatever names stand in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from spmforecast.cli import app
from spmforecast.data import ExampleCompany
from spmforecast.errors import InputError
from spmforecast.report import render, report

QUESTION = """\
name: page
history: company
as_of: 2025-06-30
until: 2025-09-30
currency: EUR
simulate: {trials: 100, seed: 3}
quotas: {}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page")
    ExampleCompany(seed=7, character="tiny").write(place / "company")
    (place / "scenario.yaml").write_text(QUESTION, encoding="utf-8")
    told = CliRunner().invoke(app, ["scorecards", str(place / "scenario.yaml"), "-o", str(place / "cards")])
    assert told.exit_code == 0, told.output
    assert "is the bottleneck" in told.output or "No stage stands out" in told.output
    return place / "cards"


def test_the_page_shows_river_team_board_and_a_card_for_each_rep(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    cards = pd.read_csv(folder / "scorecards.csv")
    reps = cards[cards["rep_id"] != "(others)"]["rep_id"]
    assert all(f'id="rep-{rep}"' in page for rep in reps)
    assert page.count('<article class="card"') == len(reps)
    for anchor in ("river", "limits", "team", "board", "reps", "method"):
        assert f'<section id="{anchor}">' in page
    facts = json.loads((folder / "scorecards.json").read_text())
    assert facts["bottleneck"]["reason"] in page
    assert page.count("<svg ") == 2
    assert all(stage in page for stage in facts["stages"])


def test_report_makes_the_same_page_again_from_the_files_alone(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "moved")
    (tmp_path / "moved" / "report.html").unlink()
    told = CliRunner().invoke(app, ["report", str(tmp_path / "moved")])
    assert told.exit_code == 0
    assert (tmp_path / "moved" / "report.html").read_bytes() == (folder / "report.html").read_bytes()


def test_one_deal_is_one_and_only_columns_that_are_there_are_explained(folder: Path, tmp_path: Path) -> None:
    assert "P(quotas): chance that a team" in (folder / "report.html").read_text()
    shutil.copytree(folder, tmp_path / "plain")
    for name, values in (
        ("team", {"quota": "", "p_quota": "", "reps_below_half": ""}),
        ("scorecards", {"win_rate_deals": 1, "open_deals": 1}),
    ):
        path = tmp_path / "plain" / f"{name}.csv"
        pd.read_csv(path).assign(**values).to_csv(path, index=False)
    page = render(tmp_path / "plain")
    assert "P(quotas)" not in page
    assert "The company&#39;s bookings and deals to act on hold those of owners" in page
    assert "; 1 deal)" in page
    assert "in 1 deal<" in page


def test_deals_of_those_who_have_left_are_not_lost(folder: Path, tmp_path: Path) -> None:
    assert "of owners who no longer sell</" not in (folder / "report.html").read_text()
    shutil.copytree(folder, tmp_path / "left")
    path = tmp_path / "left" / "actions.csv"
    actions = pd.read_csv(path, dtype=str)
    actions.loc[actions.index[0], "rep_id"] = "R-gone"
    actions.to_csv(path, index=False)
    page = render(tmp_path / "left")
    assert "To act on, of owners who no longer sell" in page
    assert f"{actions['opportunity_id'].iloc[0]} of R-gone, " in page


def test_names_cannot_become_markup(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "evil")
    for name in ("scorecards", "leaderboard", "river"):
        path = tmp_path / "evil" / f"{name}.csv"
        table = pd.read_csv(path)
        column = "stage" if name == "river" else "name"
        table[column] = "<script>alert(1)</script>"
        table.to_csv(path, index=False)
    assert "<script>" not in render(tmp_path / "evil")


def test_missing_and_damaged_files_are_named(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "team.csv").unlink()
    mends = pd.read_csv(tmp_path / "broken" / "mends.csv", dtype=str).assign(worth="much")
    mends.to_csv(tmp_path / "broken" / "mends.csv", index=False)
    with pytest.raises(InputError, match="team") as caught:
        report(tmp_path / "broken")
    assert any("not a number" in problem.reason for problem in caught.value.problems)


def test_an_empty_company_still_has_a_page(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "empty")
    for name in ("breaches", "leaderboard", "weekly", "actions", "well"):
        path = tmp_path / "empty" / f"{name}.csv"
        pd.read_csv(path).head(0).to_csv(path, index=False)
    cards = pd.read_csv(tmp_path / "empty" / "scorecards.csv")
    cards[cards["rep_id"] == "(others)"].to_csv(tmp_path / "empty" / "scorecards.csv", index=False)
    page = render(tmp_path / "empty")
    assert "Nobody sells at this date." in page
    assert '<section id="reps">' not in page


def test_a_run_of_another_name_is_left_alone(folder: Path) -> None:
    other = folder.parent / "other.yaml"
    other.write_text(QUESTION.replace("name: page", "name: other"))
    told = CliRunner().invoke(app, ["scorecards", str(other), "-o", str(folder)])
    assert isinstance(told.exception, InputError)
    assert "stands there" in str(told.exception)
