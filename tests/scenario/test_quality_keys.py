"""Quality of the data in a scenario: its key, what a run leaves of it, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from spmforecast.cli import app
from spmforecast.data import write_tables
from spmforecast.data.quality import REPAIRS, RULES, QualityRules
from spmforecast.errors import InputError
from spmforecast.report import report
from spmforecast.scenario import RunResult, load_scenario, run
from spmforecast.scenario.check import check_source, findings_of
from spmforecast.scenario.quality import RuleKeys
from tidy import tidy_tables

SWEEP = pd.Timestamp("2024-03-15")
SCENARIO = """\
name: spoilt
history: {folder: company}
as_of: 2024-06-30
until: 2024-12-31
simulate: {trials: 40, seed: 3}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company that has a misspelt product, a clean-up day, rejected rows; and its scenario."""
    folder = tmp_path_factory.mktemp("quality")
    tables = tidy_tables()
    deals = tables["opportunities"]
    deals.loc[0, "product"] = "Core sytem"
    lost = (deals["status"] == "lost") & (deals["created_date"] < "2024-03-01")
    mine = deals.index[lost & (deals["owner_id"] == "R1")][:25]
    deals.loc[mine, "close_date"] = SWEEP
    events = tables["stage_history"]
    closing = events["opportunity_id"].isin(deals.loc[mine, "opportunity_id"]) & (events["status"] == "lost")
    events.loc[closing, "entered_date"] = SWEEP
    deals.loc[deals.index[-12:], "close_date"] = pd.Timestamp("2020-01-01")
    write_tables(tables, folder / "company")
    (folder / "plain.yaml").write_text(SCENARIO, encoding="utf-8")
    keys = "quality: {repair: nearest_keys, clean_ups: censor, rules: {skip: back_moves, past_close_days: 30}}\n"
    (folder / "mended.yaml").write_text(SCENARIO + keys, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plain(place: Path) -> RunResult:
    return run(place / "plain.yaml")


@pytest.fixture(scope="module")
def mended(place: Path) -> RunResult:
    return run(place / "mended.yaml")


@pytest.fixture(scope="module")
def folder(mended: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mended.save(tmp_path_factory.mktemp("run") / "r")


def test_the_keys_are_the_limits() -> None:
    assert RuleKeys().limits() == QualityRules()
    assert set(RuleKeys.model_fields) == {field.name for field in fields(QualityRules)}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("{rule: {}}", "Did you mean rules?"),
        ("{rules: {gap_day: 3}}", "Did you mean gap_days?"),
        ("{rules: {gap_days: -3}}", "at least 0"),
        ("{rules: {skip: [dead_deal]}}", "there is no such rule (found 'dead_deal'). Did you mean dead_deals?"),
        ("{repair: [nearest_key]}", "Did you mean nearest_keys?"),
        ("{clean_ups: censored}", "Did you mean censor?"),
    ],
)
def test_a_wrong_key_is_told_with_its_line(tmp_path: Path, keys: str, told: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(f"{SCENARIO}quality: {keys}\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 6") as caught:
        load_scenario(file)
    assert told in str(caught.value)


def test_findings_are_those_of_the_as_of_date_before_any_repair(plain: RunResult, mended: RunResult) -> None:
    rules = [one.rule for one in plain.examined.findings]
    assert {"misspellings", "clean_up_days"} <= set(rules)
    assert [one for one in mended.examined.findings if one.rule == "misspellings"] == [
        one for one in plain.examined.findings if one.rule == "misspellings"
    ]
    assert {one.rule for one in plain.examined.of_files} == {"rejected_rows"}


def test_nothing_is_repaired_unless_asked_for(plain: RunResult, mended: RunResult) -> None:
    assert plain.history.repairs.empty
    assert "censored_on" not in plain.history.opportunities
    assert plain.model.stays.censored.sum() == plain.model.stays.open_now.sum()
    assert mended.history.repairs["repair"].tolist() == ["nearest_keys", "censor_clean_ups"]
    assert "Core sytem" not in set(mended.history.opportunities["product"])


def test_censored_deals_are_neither_lost_in_the_fit_nor_open_in_the_forecast(
    plain: RunResult, mended: RunResult
) -> None:
    watched, all_of = mended.model.stays, plain.model.stays
    assert (all_of.to == all_of.lost).sum() - (watched.to == watched.lost).sum() == 25
    assert watched.open_now.sum() == all_of.open_now.sum()
    assert watched.censored.sum() == all_of.censored.sum() + 25
    assert set(mended.forecast.deals["opportunity_id"]) == set(plain.forecast.deals["opportunity_id"])
    # What is booked is a fact and does not hang on how the fit looks at lost deals.
    assert mended.history.opportunities["status"].tolist() == plain.history.opportunities["status"].tolist()


def test_what_a_run_leaves(mended: RunResult, folder: Path) -> None:
    table = pd.read_csv(folder / "quality.csv")
    assert table["rule"].tolist() == [one.rule for one in mended.examined.findings]
    assert list(table.columns) == ["rule", "table", "column", "rows", "share", "examples", "effect", "mend"]
    rejected = pd.read_csv(folder / "rejected.csv")
    assert list(rejected.columns) == ["table", "file", "line", "column", "value", "reason", "mend"]
    told = rejected[rejected["line"].isna()]
    assert len(rejected) - len(told) == len(mended.history.rejected)
    assert told.index.tolist() == list(range(len(mended.history.rejected), len(rejected)))
    assert "misspellings: 1 of " in told["reason"].str.cat()
    assert told["file"].isna().all()
    repairs = json.loads((folder / "run.json").read_text(encoding="utf-8"))["repairs"]
    assert [one["repair"] for one in repairs] == ["nearest_keys", "censor_clean_ups"]
    assert repairs[1]["rows"] == 25


def test_the_report_has_a_section_on_it(folder: Path) -> None:
    page = report(folder).read_text(encoding="utf-8")
    section = page[page.index('<section id="quality">') :]
    section = section[: section.index("</section>")]
    for text in ("How good the data are", "Clean up days", "Misspellings", "Repaired on request", "Core sytem → Core"):
        assert text in section
    data = page[page.index('<section id="data">') : page.index('<section id="quality">')]
    assert "closes before it was created (…)" in data
    assert "clean_up_days:" not in data


def test_a_future_that_is_made_up_changes_nothing(place: Path, tmp_path: Path, plain: RunResult) -> None:
    tables = tidy_tables()
    read = pd.read_csv(place / "company" / "opportunities.csv")
    later = read["created_date"] > "2024-06-30"
    read.loc[later, "product"] = [f"Core syst{k}" for k in np.arange(later.sum()) % 7]
    read.loc[later, "amount"] = 1e12
    events = pd.read_csv(place / "company" / "stage_history.csv")
    events.loc[events["entered_date"] > "2024-06-30", "amount"] = 7.0
    write_tables({**tables, "opportunities": read, "stage_history": events}, tmp_path / "company")
    (tmp_path / "plain.yaml").write_text(SCENARIO, encoding="utf-8")
    assert run(tmp_path / "plain.yaml").examined.findings == plain.examined.findings


def test_check_prints_the_findings_and_groups_what_is_rejected(place: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(place / "plain.yaml")])
    assert done.exit_code == 0
    assert "Findings on the data, most telling first" in done.stdout
    assert "clean_up_days" in done.stdout
    assert "Core sytem ~ Core system (1)" in done.stdout
    assert done.stderr.count("rejected: opportunities.csv, line ") == 10
    assert "rejected: … and 2 more of opportunities, close_date: closes before it was created" in done.stderr
    assert "stage_history, opportunity_id: " in done.stderr
    assert done.stderr.count("its opportunity was rejected") == 1


def test_check_follows_the_scenarios_rules(place: Path) -> None:
    history, problems = check_source(place / "mended.yaml")
    assert history is not None
    assert problems == []
    assert "back_moves" not in {one.rule for one in findings_of(place / "mended.yaml", history)}
    history, _ = check_source(place / "company")
    assert "misspellings" in {one.rule for one in findings_of(place / "company", history)}


def test_a_folder_with_nothing_odd_says_so(tmp_path: Path) -> None:
    write_tables(tidy_tables(), tmp_path / "company")
    done = CliRunner().invoke(app, ["check", str(tmp_path / "company")])
    assert "Nothing odd was found in the data." in done.stdout


def test_every_rule_limit_and_repair_is_described() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")
    for name in (*RULES, *REPAIRS):
        assert f"`{name}`" in page
    for field in fields(QualityRules):
        if field.name != "skip":
            shown = f"{field.default:.2f}" if field.name.endswith(("_share", "_spread")) else f"{field.default:g}"
            told = shown if field.name != "outcome_auc" else "0.95"
            assert f"`{field.name}` ({told})" in page
