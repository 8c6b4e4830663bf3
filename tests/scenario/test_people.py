"""Calls of people in a run: scored on closed periods, held against the draws, and no word of the future."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spmforecast as spm
from spmforecast.scenario import RunResult, run
from spmforecast.scenario.people import people_tables

TEXT = """\
name: calls
history: company
as_of: 2025-05-20
until: 2025-12-31
simulate: {trials: 300, seed: 3}
"""


@pytest.fixture(scope="module")
def asked(place: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("people")
    (folder / "company").symlink_to(place / "company", target_is_directory=True)
    (folder / "calls.yaml").write_text(TEXT)
    return run(folder / "calls.yaml")


def test_calls_of_closed_periods_are_scored(asked: RunResult) -> None:
    people = people_tables(asked.model, asked.forecast)["people"]
    row = people[people["category"] == "commit"].iloc[0]
    book = asked.history.submissions
    mine = book[(book["submitted_by"] == row["submitted_by"]) & (book["category"] == "commit")]
    first = str(asked.model.calendar.label(asked.model.deals["close_date"].min(), "quarter"))
    whole = (mine["period"].astype(str) < "2025Q2") & (
        mine["period"].astype(str) > first
    )  # the record begins in `first`
    closed = mine[whole].sort_values("date").drop_duplicates("period", keep="last")
    assert row["periods"] == len(closed)
    assert row["called"] == pytest.approx(closed["amount"].sum())
    deals = asked.model.deals
    won = deals[(deals["status"] == "won").to_numpy() & (deals["region"].astype(str) == closed["node"].iloc[0])]
    quarter = asked.model.calendar.labels(won["close_date"].to_numpy(), "quarter")
    won = won[np.isin(quarter, closed["period"].astype(str))]
    assert row["booked"] == pytest.approx(won["amount"].sum())


def test_the_call_of_the_period_under_way_stands_beside_the_draws(asked: RunResult) -> None:
    calls = people_tables(asked.model, asked.forecast)["calls"]
    assert set(calls["period"]) == {"2025Q2"}
    row = calls.iloc[0]
    rows = (asked.forecast.cells["region"].astype(str) == row["node"]).to_numpy() & (
        asked.forecast.cells["period"].astype(str) == "2025Q2"
    ).to_numpy()
    law = np.round(asked.forecast.draws[:, rows].sum(axis=1), 2)
    assert row["model_mean"] == pytest.approx(law.mean())
    assert row["p_reached"] == (law >= row["call"] - 0.005).mean()


def test_later_calls_and_bookings_are_not_known(asked: RunResult, place: Path, tmp_path: Path) -> None:
    text = (place / "company" / "submissions.csv").read_text().splitlines()
    late = [line for line in text if "2025-06" in line]
    assert late
    (tmp_path / "company").mkdir()
    for file in (place / "company").iterdir():
        (tmp_path / "company" / file.name).write_bytes(file.read_bytes())
    poisoned = [line.replace(",commit,", ",commit,9") if line in late else line for line in text]
    (tmp_path / "company" / "submissions.csv").write_text("\n".join(poisoned) + "\n")
    (tmp_path / "calls.yaml").write_text(TEXT)
    again = run(tmp_path / "calls.yaml")
    for name, table in people_tables(asked.model, asked.forecast).items():
        pd.testing.assert_frame_equal(people_tables(again.model, again.forecast)[name], table)


def test_they_stand_in_the_folder_and_on_the_page(asked: RunResult, tmp_path: Path) -> None:
    folder = asked.save(tmp_path / "run")
    assert len(pd.read_csv(folder / "calls.csv")) > 0
    assert "What calls came to" in spm.report(folder).read_text()


def test_without_submissions_there_is_nothing_to_say(asked: RunResult) -> None:
    history = asked.model.history
    silent = replace(history, tables={**history.tables, "submissions": history.submissions.iloc[:0]})
    assert people_tables(replace(asked.model, history=silent), asked.forecast) == {}
