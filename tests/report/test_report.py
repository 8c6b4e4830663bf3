"""The page: the same bytes for the same folder, well formed, and its figures and sentences those of the files."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from made_runs import MONTHS, make_run, write
from parsed_page import Page
from spmforecast.report import render, report


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "base")


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page(render(run))


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def row_of(folder: Path, level: str, node: str, period: str) -> dict[str, str]:
    with (folder / "forecast.csv").open(encoding="utf-8") as stream:
        return next(
            row
            for row in csv.DictReader(stream)
            if (row["node_level"], row["node"], row["period"]) == (level, node, period)
        )


def test_report_writes_the_page_that_render_returns(copy: Path) -> None:
    path = report(copy)
    assert path == copy / "report.html"
    assert path.read_text(encoding="utf-8") == render(str(copy))
    assert sorted(p.name for p in copy.iterdir() if "report" in p.name) == ["report.html"]


def test_the_page_is_the_same_for_a_copy_of_the_folder_and_under_other_matplotlib_settings(
    run: Path, copy: Path
) -> None:
    with mpl.rc_context({"font.size": 20, "axes.grid": True, "svg.hashsalt": "other", "text.parse_math": True}):
        other = render(copy)
        assert mpl.rcParams["font.size"] == 20
    assert other == render(run)


def test_the_page_is_well_formed_self_contained_and_linked_within(page: Page, run: Path) -> None:
    html = render(run)
    assert page.open == []
    assert len(page.ids()) == len(set(page.ids()))
    assert not re.search(r"https?://|@import|<script|<link[^>]+stylesheet|src=", html)
    targets = {attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert targets
    assert {f"#{name}" for name in page.ids()} >= targets
    used = {attrs["xlink:href"] for tag, attrs in page.tags if tag == "use"}
    assert used
    assert {f"#{name}" for name in page.ids()} >= used


def test_headline_states_expectation_interval_plan_and_chance(page: Page, run: Path) -> None:
    row = row_of(run, "company", "company", "2025Q3")
    mean, plan, low, high = (float(row[name]) for name in ("mean", "plan", "p10", "p90"))
    sentence = f"{mean / 1e6:.2f} M EUR expected, 80 % between {low / 1e6:.2f} and {high / 1e6:.2f} M"
    assert sentence in page.text
    assert f"plan {plan / 1e6:.2f} M: {100 * float(row['p_plan']):.0f} % likely" in page.text
    for told in ("2025-06-30", "2026-06-30", "10,000", "5 reps have no region", "3 of 1,204 rows of opportunities"):
        assert told in page.text


def test_a_year_that_the_forecast_covers_in_part_is_not_held_against_its_plan(page: Page, copy: Path) -> None:
    assert "2026 (part)" in page.text
    assert "up to 2026-06-30 only, not comparable with its plan" in page.text
    assert "2025 (part)" not in page.text
    edit(copy, until="2026-12-31")
    assert "(part)" not in Page(render(copy)).text


def test_figures_of_the_tables_are_those_of_the_files(page: Page, run: Path) -> None:
    company, rep = row_of(run, "company", "company", "2025Q4"), row_of(run, "rep", "R003", "2025")
    for row, decimals in ((company, 0), (rep, 1)):
        cells = " ".join(f"{float(row[name]) / 1e3:,.{decimals}f}" for name in ("booked", "mean"))
        assert cells in page.text
    assert "the means add up to" in page.text
    assert "the company's mean" in page.text


def test_parts_that_do_not_add_up_are_told(page: Page, copy: Path) -> None:
    assert "do not add up" not in page.text
    text = (copy / "parts.csv").read_text()
    line = next(line for line in text.splitlines() if line.startswith("2025Q4,new"))
    (copy / "parts.csv").write_text(text.replace(line, "2025Q4,new,1,1,1,1,1"))
    assert "The parts do not add up to the forecast in 2025Q4" in Page(render(copy)).text


def test_rows_that_are_not_accounted_for_are_told(page: Page, copy: Path) -> None:
    assert "Every row is accounted for" in page.text
    edit(copy, counts=[{"table": "reps", "file": "reps.csv", "read": 12, "used": 11, "rejected": 0, "excluded": 0}])
    assert "The rows of reps are not all accounted for" in Page(render(copy)).text


def test_markup_in_the_data_is_shown_and_never_run(tmp_path: Path) -> None:
    evil = "</title></style><script>alert(1)</script><b onload='x'>\"&amp; $x$ \u6771\u4eac"
    html = render(make_run(tmp_path / "evil", evil=evil, name=f"plan {evil}"))
    parsed = Page(html)
    assert parsed.open == []
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert not [attrs for _, attrs in parsed.tags if "onload" in attrs]
    assert f"North{evil}" in parsed.text
    assert re.search(rf"O-\d{{5}}{re.escape(evil)}", parsed.text)


def test_what_is_not_known_is_a_dash_never_nan(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "gaps")
    with (folder / "quotas.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[0] |= {"p_attain": "nan", "expected_attainment": "inf", "p10": ""}
    write(folder / "quotas.csv", rows)
    parsed = Page(render(folder))
    assert "–" in parsed.text
    assert not re.search(r"\b(nan|NaN|inf|None)\b", parsed.text)


@pytest.mark.parametrize(
    ("company", "shown", "absent"),
    [
        ({"plan": False}, "given no plan", "% likely"),
        ({"quotas": False}, "This run set no quotas.", "quotas sum to"),
        ({"regions": ("(none)",)}, "All deals belong to one region, “(none)”", "Regions, 2025"),
        ({"rejected": 0}, "No row was rejected.", "could not be used"),
        ({"rejected": 80}, "The first 50 of 80 problems", "Row by row"),
        ({"periods": MONTHS}, "The later periods, 2025-11 to 2026-06", "2025Q3"),
        ({"reps": 60}, "The 30 reps with the largest mean of 60", "Reps, 2025Q3"),
        ({"periods": ("2025Q3",), "quotas": False}, "2025Q3", "2025Q4"),
    ],
    ids=["no plan", "no quotas", "one region", "no rejects", "many rejects", "months", "many reps", "one period"],
)
def test_the_page_fits_the_run(tmp_path: Path, company: dict[str, Any], shown: str, absent: str) -> None:
    parsed = Page(render(make_run(tmp_path / "run", **company)))
    assert parsed.open == []
    assert shown in parsed.text
    assert absent not in parsed.text
