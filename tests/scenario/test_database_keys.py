"""Scenarios and commands whose history is not a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from commands import command
from spmforecast.data import ExampleCompany, read_history, write_database
from spmforecast.errors import InputError
from spmforecast.scenario import load_scenario, run
from spmforecast.scenario.check import check_source

REST = "as_of: 2025-06-30\nuntil: 2025-09-30\nsimulate: {trials: 20, seed: 3}\n"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables of a company as files, database and workbook; read only."""
    place = tmp_path_factory.mktemp("sources")
    tables = ExampleCompany(seed=7, character="tiny").tables()
    ExampleCompany(seed=7, character="tiny").write(place / "company")
    write_database(tables, place / "company.sqlite")
    with pd.ExcelWriter(place / "company.xlsx") as writer:
        for name, frame in tables.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return place


def _scenario(place: Path, history: str) -> Path:
    path = place / "scenario.yaml"
    path.write_text(f"name: here\nhistory: {history}\n{REST}")
    return path


@pytest.mark.parametrize(
    "history",
    [
        "company.sqlite",
        "{folder: company.sqlite, observed_from: 2020-01-01}",
        "{database: company.sqlite}",
        "sqlite:///company.sqlite",
        "{folder: 'sqlite:///company.sqlite'}",
        "{database: 'sqlite:///company.sqlite', schema: main}",
        "{database: env:CRM_URL}",
        "env:CRM_URL",
        "company.xlsx",
    ],
)
def test_each_way_to_name_a_source_is_understood(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: str
) -> None:
    monkeypatch.setenv("CRM_URL", "sqlite:///company.sqlite")
    monkeypatch.chdir(tmp_path)
    path = _scenario(company, history)
    known, problems = check_source(path)
    assert problems == []
    assert known is not None
    assert len(known.opportunities) == len(read_history(company / "company").as_of("2025-06-30").opportunities)


def test_a_run_on_a_database_says_what_a_run_on_files_says(company: Path, tmp_path: Path) -> None:
    results = {}
    for name in ("company", "company.sqlite"):
        folder = tmp_path / name
        run(_scenario(company, name)).save(folder)
        results[name] = folder
    for name in ("forecast.csv", "deals.csv", "rates.csv", "draws.npy", "cells.csv"):
        assert (results["company"] / name).read_bytes() == (results["company.sqlite"] / name).read_bytes()
    inputs = json.loads((results["company.sqlite"] / "run.json").read_text())["inputs"]
    assert [one["name"] for one in inputs][:2] == ["scenario.yaml", "sqlite:company.sqlite/accounts"]
    assert all(len(one["sha256"]) == 64 for one in inputs)


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ("{folder: a, database: b}", "folder and database are both given. Name the one"),
        ("{map: x.yaml}", "neither folder nor database is given"),
        ("{databse: x}", "unknown key .*Did you mean database"),
        ("{database: ''}", "database: this is empty"),
        ("{database: 5}", "a single text is expected here"),
        ("[a]", "this names no history"),
    ],
)
def test_wrong_keys_are_told(tmp_path: Path, history: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_scenario(_scenario(tmp_path, history))


def test_an_unset_variable_and_a_schema_without_a_database(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_URL", raising=False)
    for history, told in (
        ("env:CRM_URL", "there is no such environment variable"),
        ("{folder: company, schema: crm}", "only databases have schemas"),
        ("company.sqlit", "Did you mean company.sqlite?"),
    ):
        _, problems = check_source(_scenario(company, history))
        assert len(problems) == 1
        assert told in str(problems[0])


def test_a_scenario_shows_no_password(tmp_path: Path) -> None:
    scenario = load_scenario(_scenario(tmp_path, "'postgresql://crm:sesame@127.0.0.1:1/sales'"), {"trials": 5})
    assert "sesame" in scenario.texts["scenario.yaml"]
    assert "sesame" not in repr(scenario)
    _, problems = check_source(scenario.path)
    assert "sesame" not in repr(problems)
    assert problems[0].file == "postgresql://127.0.0.1/sales"


@pytest.mark.parametrize(("format_", "where"), [("parquet", "made"), ("sqlite", "deep/made.sqlite")])
def test_the_example_can_be_written_in_other_ways(tmp_path: Path, format_: str, where: str) -> None:
    made = command("example", where, "--format", format_, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    expected = read_history(ExampleCompany(seed=7, size="small").tables())
    got = read_history(tmp_path / where)
    for name in expected.tables:
        pd.testing.assert_frame_equal(got.tables[name], expected.tables[name], obj=name)
    again = command("example", where, "--format", format_, cwd=tmp_path)
    assert again.returncode == 2
    assert "nothing is overwritten" in again.stderr


def test_a_format_that_is_none(tmp_path: Path) -> None:
    ran = command("example", "x", "--format", "parket", cwd=tmp_path)
    assert ran.returncode == 2
    assert "--format: no such format (found 'parket')" in ran.stderr
