"""A company that counts in weeks, from the scenario's key to the report."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.report import report
from spmforecast.report.folder import read_run
from spmforecast.scenario import load_scenario, run
from spmforecast.scenario.check import check_source

LEAST = "name: weeks\nhistory: company\nas_of: 2025-06-28\nuntil: 2025-12-27\n"
WEEKS = "fiscal_calendar: {pattern: 4-4-5}\n"
REST = "simulate: {trials: 200, seed: 3}\n"


@pytest.fixture
def own(place: Path, tmp_path: Path) -> Path:
    """A folder with the company, in which a scenario may be written."""
    shutil.copytree(place / "company", tmp_path / "company")
    return tmp_path


def _write(folder: Path, text: str) -> Path:
    path = folder / "weeks.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _problems(folder: Path, text: str) -> str:
    with pytest.raises(InputError, match=r".") as caught:
        load_scenario(_write(folder, text))
    return "\n".join(map(str, caught.value.problems))


@pytest.fixture(scope="module")
def folder(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a year in months of four and five weeks; read only."""
    home = tmp_path_factory.mktemp("weeks")
    shutil.copytree(place / "company", home / "company")
    plan = "plan: {2025P07: 40_000, 2025P08: 40_000, 2025P09: 50_000, 2025Q4: 120_000, 2025: 600_000}\n"
    quotas = "quotas: {over_assignment: 0.1, round_to: 100}\n"
    result = run(_write(home, LEAST + "period: month\n" + WEEKS + plan + quotas + REST))
    made = result.save(home / "run")
    report(made)
    return made


def test_the_key_makes_the_calendar(tmp_path: Path) -> None:
    text = LEAST.replace("2025-12-27", "2026-01-31").replace("2025-06-28", "2025-06-30")
    keys = "fiscal_year_start: 2\nfiscal_calendar: {pattern: 4-5-4, weekday: saturday, ends: nearest}\n"
    scenario = load_scenario(_write(tmp_path, text + keys))
    assert scenario.calendar == FiscalCalendar(2, "4-5-4", "saturday", "nearest")
    assert load_scenario(scenario.path, {"trials": 5}).calendar == scenario.calendar
    assert load_scenario(_write(tmp_path, LEAST.replace("27", "31"))).calendar == FiscalCalendar()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST + "fiscal_calendar: {pattern: 4-4-4}\n", "line 5, fiscal_calendar.pattern: this word is not known here"),
        (LEAST + "fiscal_calendar: {patern: 4-4-5}\n", "Did you mean pattern?"),
        (LEAST + "fiscal_calendar: {pattern: 4-4-5, weekday: satruday}\n", "Did you mean saturday?"),
        (
            LEAST.replace("27", "31") + "fiscal_calendar: {ends: nearest}\n",
            "fiscal_calendar.ends: has no effect without a pattern of weeks (found 'nearest'). Give a pattern",
        ),
        (
            LEAST.replace("12-27", "12-31") + WEEKS,
            "until: must be the last day of a quarter (found '2025-12-31'). "
            "The quarter that holds it ends on 2026-03-28.",
        ),
        (LEAST + WEEKS + "plan: {2025-07: 5}\n", "a calendar month, but the fiscal months are weeks (4-4-5)"),
        (LEAST.replace("27", "31") + "plan: {2025P07: 5}\n", "a fiscal month of weeks, but the fiscal months are"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert told in _problems(tmp_path, text)


def test_quotas_and_plans_in_months_of_another_calendar_are_refused(own: Path) -> None:
    quotas = pd.read_csv(own / "company" / "quotas.csv", dtype=str)
    quotas.loc[[0, 1], "period"] = ["2025-07", "2025-08"]
    quotas.to_csv(own / "company" / "quotas.csv", index=False)
    scenario = _write(own, LEAST + WEEKS + REST)
    with pytest.raises(InputError, match=r"quotas, period: a calendar month.*2 rows.*'2025-07'.*2025P07"):
        run(scenario)
    told = "\n".join(map(str, check_source(scenario)[1]))
    assert "Write it as 2025Q3, 2025 or 2025P07." in told
    assert check_source(_write(own, LEAST.replace("-27", "-31").replace("-28", "-30") + REST))[1] == []


def test_a_submission_that_is_still_to_come_is_not_looked_at(own: Path) -> None:
    path = own / "company" / "submissions.csv"
    calls = pd.read_csv(path, dtype=str)
    calls.loc[0, ["date", "period"]] = ["2025-06-29", "2025-07"]
    calls.to_csv(path, index=False)
    scenario = _write(own, LEAST + WEEKS + REST)
    assert check_source(scenario)[1] == []
    calls.loc[0, "date"] = "2025-06-28T23:30:00"
    calls.to_csv(path, index=False)
    assert "submissions, period: a calendar month" in str(check_source(scenario)[1][0])


def test_the_run_folder_counts_in_fiscal_months(folder: Path) -> None:
    cells = pd.read_csv(folder / "cells.csv", dtype=str, keep_default_na=False)
    assert sorted(cells["period"].unique()) == [f"2025P{month:02d}" for month in range(1, 13)]
    table = pd.read_csv(folder / "forecast.csv", dtype={"period": str})
    company = table[table["node_level"] == "company"].set_index("period")
    assert list(company.index) == [*sorted(cells["period"].unique()), "2025"]
    assert company["plan"].dropna().to_dict() == {"2025P07": 40_000, "2025P08": 40_000, "2025P09": 50_000, "2025": 6e5}
    quotas = pd.read_csv(folder / "quotas.csv")
    assert quotas.groupby("period")["quota"].sum().to_dict() == {"2025P07": 44e3, "2025P08": 44e3, "2025P09": 55e3}
    assert set(pd.read_csv(folder / "actuals.csv")["period"]) >= {"2025P06", "2024P12"}
    assert "p_win_2025P07" in pd.read_csv(folder / "deals.csv", nrows=0).columns


def test_every_level_adds_up(folder: Path) -> None:
    draws = np.load(folder / "draws.npy")
    cells = pd.read_csv(folder / "cells.csv", dtype=str, keep_default_na=False)
    table = pd.read_csv(folder / "forecast.csv", dtype={"period": str})
    for level in ("company", "region", "segment", "rep"):
        rows = table[table["node_level"] == level].groupby("period")["mean"].sum()
        for period in ("2025P07", "2025P12"):
            inside = (cells["period"] == period).to_numpy()
            assert rows[period] == pytest.approx(draws[:, inside].sum(axis=1).mean(), abs=1.0)
        assert rows["2025"] == pytest.approx(draws.sum(axis=1).mean(), abs=1.0)


def test_what_is_booked_lies_in_the_weeks_of_its_month(folder: Path) -> None:
    deals = pd.read_csv(folder.parent / "company" / "opportunities.csv", parse_dates=["close_date"])
    won = deals[(deals["status"] == "won") & deals["close_date"].between("2025-05-25", "2025-06-28")]
    table = pd.read_csv(folder / "forecast.csv", dtype={"period": str})
    june = table[(table["node_level"] == "company") & (table["period"] == "2025P06")].iloc[0]
    assert june["booked"] == june["mean"] == pytest.approx(won["amount"].sum(), abs=0.005)
    assert june["deals_mean"] == len(won) > 0


def test_the_record_of_the_run_tells_the_calendar_and_its_dates(folder: Path) -> None:
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert facts["fiscal_calendar"] == {"year_start": 1, "pattern": "4-4-5", "weekday": "saturday", "ends": "last"}
    assert facts["periods"]["2025P06"] == ["2025-05-25", "2025-06-28"]
    assert facts["periods"]["2025"] == ["2024-12-29", "2025-12-27"]
    assert facts["periods"]["2025Q4"] == ["2025-09-28", "2025-12-27"]


def test_the_report_knows_which_weeks_are_over(folder: Path) -> None:
    known = read_run(folder)
    past = [row.text("period") for row in known.company if known.is_past(row)]
    assert past == [f"2025P{month:02d}" for month in range(1, 7)]
    assert known.focus == ("2025P07", "2025")
    assert not known.is_partial("2025")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "2025P07" in page
    assert "2025P07 (part)" not in page
    ticks = re.findall(r">(P\d\d)<", page)  # short on the axes of drawings, where the whole labels would overlap
    assert {f"P{month:02d}" for month in range(1, 13)} <= set(ticks)


def test_an_older_run_folder_without_dates_is_still_read(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    facts = json.loads((tmp_path / "old" / "run.json").read_text(encoding="utf-8"))
    del facts["periods"], facts["fiscal_calendar"]
    (tmp_path / "old" / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    known = read_run(tmp_path / "old")
    assert str(known.last_day("2025Q2")) == "2025-06-30"
    assert known.last_day("2025P07") is None
