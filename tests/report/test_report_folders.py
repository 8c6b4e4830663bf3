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


def test_no_run_folder_names_every_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        report(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"run\.json") as caught:
        report(tmp_path)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["run.json", "forecast.csv"]
    assert all("spmforecast run" in problem.mend for problem in caught.value.problems)
    assert list(tmp_path.iterdir()) == []


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
