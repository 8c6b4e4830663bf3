"""Run folders that are damaged, lack files or hold no forecast of the company."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_runs import make_run
from parsed_page import Page
from spmforecast.errors import InputError
from spmforecast.report import render, report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def test_a_folder_with_the_two_needed_files_alone_gives_a_page(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name not in {"run.json", "forecast.csv"}:
            path.unlink()
    (folder / "run.json").write_text("{}")
    parsed = Page(render(folder))
    assert parsed.open == []
    assert "The run folder holds no rates." in parsed.text


def test_what_is_no_run_folder_is_told_once_with_what_was_meant(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    # A table of a data folder may be called as one of a run folder.
    (data / "territories.csv").write_text("territory_id,name\nT1,North\n")
    scenario = tmp_path / "baseline.yaml"
    scenario.write_text("name: baseline\n")
    left = "Give a folder that `spmforecast run` left, such as runs/NAME."
    for place, reason, mend in (
        (tmp_path / "nowhere", "there is no such folder", left),
        (tmp_path / "rum", "there is no such folder", f"Did you mean {folder}?"),
        (data, "no run.json is in it, so this is no run folder", left),
        (tmp_path, "no run.json is in it, so this is no run folder", f"Give one of those in it, such as {folder}."),
        (data / "territories.csv", "this is a file, and no run folder", left),
        (folder / "rates.csv", "this is a file, and no run folder", f"Give the folder that it lies in: {folder}."),
        (scenario, "this is a file, and no run folder", f"Run it first, with `spmforecast run {scenario}`"),
    ):
        with pytest.raises(InputError, match="folder") as caught:
            report(place)
        (problem,) = caught.value.problems
        assert (problem.file, problem.reason) == (str(place), reason)
        assert problem.mend.startswith(mend)
    assert [path.name for path in data.iterdir()] == ["territories.csv"]


def test_missing_files_of_a_run_folder_are_named(folder: Path) -> None:
    (folder / "forecast.csv").unlink()
    with pytest.raises(InputError, match="this is no run folder") as caught:
        report(folder)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["forecast.csv"]
    assert all("spmforecast run" in problem.mend for problem in caught.value.problems)


def test_damaged_files_are_named_all_at_once(folder: Path) -> None:
    (folder / "run.json").write_text("[1")
    (folder / "parts.csv").write_text("period,part,mean\n2025Q3,won,much\n")
    (folder / "deals.csv").write_text("a,b\n1,2\n")
    (folder / "rates.csv").write_bytes(b"kind,estimate\n\xff,1\n")
    with pytest.raises(InputError, match="not valid JSON") as caught:
        render(folder)
    problems = {Path(problem.file).name: problem for problem in caught.value.problems}
    assert set(problems) == {"run.json", "parts.csv", "deals.csv", "rates.csv"}
    assert (problems["parts.csv"].line, problems["parts.csv"].column, problems["parts.csv"].value) == (
        2,
        "mean",
        "much",
    )
    assert "is missing" in problems["deals.csv"].reason


def test_a_forecast_without_the_company_is_no_forecast(folder: Path) -> None:
    lines = (folder / "forecast.csv").read_text().splitlines()
    (folder / "forecast.csv").write_text("\n".join(line for line in lines if not line.startswith("company")))
    with pytest.raises(InputError, match="no row of the level company"):
        render(folder)
