"""Months that the record does not tell of are told in the run's warnings, wherever these stand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from spmforecast.scenario import run
from spmforecast.scenario.check import check_source, findings_of


def test_a_gap_in_the_record_is_told_by_check_and_run(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "own")
    company = tmp_path / "own" / "company"
    deals = pd.read_csv(company / "opportunities.csv", dtype=str)
    lost = deals.loc[deals["created_date"].between("2023-09-01", "2023-12-31"), "opportunity_id"]
    for path in company.glob("*.csv"):
        table = pd.read_csv(path, dtype=str)
        if "opportunity_id" in table:
            table[~table["opportunity_id"].isin(lost)].to_csv(path, index=False)
    history, problems = check_source(tmp_path / "own" / "scenario.yaml")
    assert problems == []
    assert history is not None
    assert "gaps" in {one.rule for one in findings_of(tmp_path / "own" / "scenario.yaml", history)}
    result = run(tmp_path / "own" / "scenario.yaml", trials=50)
    (told,) = (one for one in result.warnings if "created from" in one)
    assert told.startswith("no deal was created from 2023-09-01 to 2023-12-31")
    assert "taken as not recorded" in told
    assert told in json.loads((result.save(tmp_path / "run") / "run.json").read_text(encoding="utf-8"))["warnings"]


def test_no_gap_is_told_where_there_is_none(place: Path) -> None:
    result = run(place / "scenario.yaml", trials=50)
    assert not any("nothing for" in one or "created from" in one for one in result.warnings)
