from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from spmforecast.errors import InputError
from spmforecast.report import render, report
from spmforecast.report.periods import last_day
from spmforecast.report.wording import Scale, amount, between, percent, significant

QUARTERS = ("2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2")
MONTHS = (*(f"2025-{month:02d}" for month in range(1, 13)), *(f"2026-{month:02d}" for month in range(1, 7)))
PAST = {"2025Q1", "2025Q2", *MONTHS[:6]}
NOW = {"2025Q3", "2025-07"}
SEGMENTS = ("SMB", "Mid", "Enterprise")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")
QUANTILES = {"p05": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass
class Company:
    """A made-up company: draws by rep and period, of which every table of the folder is a sum."""

    reps: int = 8
    periods: tuple[str, ...] = QUARTERS
    regions: tuple[str, ...] = ("North", "South", "East")
    plan: bool = True
    evil: str = ""
    draws: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    booked: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(11)
        self.ids = [f"R{number:03d}" for number in range(1, self.reps + 1)]
        size = self.rng.lognormal(12.8, 0.5, self.reps) / (3 if "-" in self.periods[0] else 1)
        for period in self.periods:
            market = self.rng.lognormal(-0.005, 0.1, 400)
            for rep, typical in zip(self.ids, size, strict=True):
                done = typical if period in PAST else 0.25 * typical * (period in NOW)
                luck = 0.0 if period in PAST else typical * self.rng.gamma(4, 0.25, 400) * market
                self.booked[rep, period] = done
                self.draws[rep, period] = np.full(400, done) + luck

    @property
    def spans(self) -> dict[str, list[str]]:
        years = {year: [p for p in self.periods if p[:4] == year] for year in ("2025", "2026")}
        return {**{p: [p] for p in self.periods}, **{year: inside for year, inside in years.items() if inside}}

    @property
    def groups(self) -> list[tuple[str, str, list[str]]]:
        def every(names: tuple[str, ...], index: int) -> list[str]:
            return [rep for number, rep in enumerate(self.ids) if number % len(names) == index]

        found = [("company", "company", self.ids)]
        found += [("region", name + self.evil, every(self.regions, i)) for i, name in enumerate(self.regions)]
        found += [("segment", name, every(SEGMENTS, i)) for i, name in enumerate(SEGMENTS)]
        return found + [("rep", rep, [rep]) for rep in self.ids]

    def forecast(self) -> list[dict[str, Any]]:
        rows = []
        for level, node, members in self.groups:
            for period, inside in self.spans.items():
                total = np.sum([self.draws[rep, p] for rep in members for p in inside] or [np.zeros(400)], axis=0)
                done = float(sum(self.booked[rep, p] for rep in members for p in inside))
                aim = float(round(total.mean() * 0.97, -4)) if self.plan and level == "company" else None
                rows.append({"node_level": level, "node": node, "period": period} | summary(total, done, aim))
        return rows

    def quotas(self) -> list[dict[str, Any]]:
        rows = []
        for period in self.periods[2:4]:
            for rep in self.ids:
                draws = self.draws[rep, period]
                goal = float(np.quantile(draws, self.rng.uniform(0.3, 0.7)))
                row = {
                    "rep_id": rep,
                    "name": f"Name {rep}{self.evil}",
                    "region": "North",
                    "period": period,
                    "quota": goal,
                }
                row |= {"p_attain": (draws >= goal).mean(), "expected_attainment": (draws / goal).mean()}
                rows.append(
                    row | {"mean": draws.mean()} | {q: np.quantile(draws, QUANTILES[q]) for q in ("p10", "p50", "p90")}
                )
        return rows

    def deals(self) -> list[dict[str, Any]]:
        rows = []
        for number in range(60):
            value, chance = self.rng.lognormal(10.5, 0.9), self.rng.beta(2, 4)
            row = {"opportunity_id": f"O-{number:05d}{self.evil}", "owner_id": self.ids[number % self.reps]}
            row |= {"region": self.regions[0], "segment": SEGMENTS[number % 3], "stage": STAGES[number % 4]}
            row |= {"age_days": 3 + number, "amount": value, "p_win": chance}
            row |= {f"p_win_{period}": chance * 0.4 for period in self.periods[2:]}
            rows.append(row | {"expected_amount": value * chance, "spread_share": value / 2e7})
        return rows


def summary(draws: np.ndarray, booked: float, plan: float | None) -> dict[str, Any]:
    row = {"booked": booked, "mean": draws.mean(), "sd": draws.std() if np.ptp(draws) else 0.0}
    row |= {name: np.quantile(draws, q) for name, q in QUANTILES.items()}
    row |= {"plan": "" if plan is None else plan, "p_plan": "" if plan is None else (draws >= plan).mean()}
    wins = draws / 30_000
    return row | {"deals_mean": wins.mean(), "deals_p10": np.quantile(wins, 0.1), "deals_p90": np.quantile(wins, 0.9)}


def parts(company: Company) -> list[dict[str, Any]]:
    rows = []
    for period in company.periods:
        won = sum(company.booked[rep, period] for rep in company.ids)
        rest = np.sum([company.draws[rep, period] for rep in company.ids], axis=0).mean() - won
        for part, mean in (("won", won), ("open", 0.6 * rest), ("new", 0.4 * rest)):
            low, high = (mean, mean) if part == "won" else (0.7 * mean, 1.3 * mean)
            row = {"period": period, "part": part, "mean": mean, "p10": low, "p50": mean, "p90": high}
            rows.append(row | {"deals_mean": mean / 30_000})
    return rows


def rate(
    kind: str, places: tuple[str, str, str], estimate: float, half: float, unit: str, note: str = ""
) -> dict[str, Any]:
    row = dict(zip(("stage", "to", "segment"), places, strict=True))
    row |= {"kind": kind, "estimate": estimate, "low": estimate - half, "high": estimate + half, "unit": unit}
    return row | {"deals": 240, "shrinkage": 0.12, "note": note}


def rates(rng: np.random.Generator) -> list[dict[str, Any]]:
    steps = [(s, t, g) for s, t in zip(STAGES, [*STAGES[1:], "won"], strict=True) for g in SEGMENTS]
    rows = [rate("conversion", step, rng.uniform(0.2, 0.8), 0.06, "share") for step in steps]
    rows += [rate("cycle", step, rng.uniform(8, 60), 4, "days") for step in steps]
    rows += [rate("creation", ("", "", "SMB"), 41.2, 2.0, "deals a month")]
    return [*rows, rate("market", ("", "", ""), 0.11, 0.03, "log sd", "from 14 quarters")]


def evaluation(company: Company) -> list[dict[str, Any]]:
    values = {"p_plan": 0.61, "expected_attainment": 1.04, "reps_at_quota": 0.48, "plan_gap": -123_456.7}
    rows = [{"metric": f"{m}[{p}]", "value": v} for m, v in values.items() for p in company.periods[2:4]]
    return [*rows, {"metric": "comp_cost", "value": "nan"}]


def facts(rejected: int, period: str, name: str) -> dict[str, Any]:
    used = {"read": 1204, "used": 1194 - rejected, "rejected": rejected, "excluded": 10}
    return {
        "name": name, "version": "0.1.0", "seed": 1, "trials": 10_000, "method": "monte-carlo", "as_of": "2025-06-30",
        "until": "2026-06-30", "period": period, "fiscal_year_start": 1, "currency": "EUR",
        "levels": ["region", "segment"], "versions": {"python": "3.11.9", "numpy": "2.4.0", "pandas": "3.0.0"},
        "inputs": [{"name": "opportunities.csv", "sha256": "9f86d081884c7d65" * 4, "bytes": 123_456}],
        "timings": {"fit": 1.21, "simulate": 3.4}, "warnings": ["5 reps have no region: shown as (none)"],
        "counts": [
            {"table": "opportunities", "file": "opportunities.csv", **used},
            {"table": "reps", "file": "reps.csv", "read": 12, "used": 12, "rejected": 0, "excluded": 0},
        ],
        "exclusions": [{"table": "opportunities", "file": "opportunities.csv", "rows": 10, "reason": "test deals"}],
        "model": {
            "title": "Competing risks by stage, age and segment, with a common market shock.",
            "notes": ["Each stage and segment has its own rates, drawn to the pooled rate where deals are few."],
            "market": {"log_sd": 0.11, "quarters": 14},
        },
    }  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]], columns: list[str] | None = None) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns or list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_run(folder: Path, *, quotas: bool = True, rejected: int = 3, name: str = "baseline", **company: Any) -> Path:
    """Make a plausible run folder."""
    made = Company(**company)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "forecast.csv", made.forecast())
    write(folder / "parts.csv", parts(made))
    earlier = [f"{year}Q{quarter}" for year in (2023, 2024) for quarter in (1, 2, 3, 4)]
    if "-" in made.periods[0]:
        earlier = [f"2024-{month:02d}" for month in range(1, 13)]
    base = sum(made.booked[rep, made.periods[0]] for rep in made.ids) or 1e6
    write(
        folder / "actuals.csv", [{"period": p, "booked": base * made.rng.uniform(0.7, 1), "deals": 90} for p in earlier]
    )
    write(folder / "deals.csv", made.deals())
    write(folder / "rates.csv", rates(made.rng))
    if quotas:
        write(folder / "quotas.csv", made.quotas())
    write(folder / "evaluation.csv", evaluation(made))
    wrong = {"table": "opportunities", "file": "opportunities.csv", "column": "amount", "value": f"12,5{made.evil}"}
    wrong |= {"reason": "is not a number", "mend": "Write decimals with a point."}
    columns = ["table", "file", "line", "column", "value", "reason", "mend"]
    write(folder / "rejected.csv", [wrong | {"line": 17 + line} for line in range(rejected)], columns)
    told = facts(rejected, "month" if "-" in made.periods[0] else "quarter", name)
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


class Page(HTMLParser):
    """The parsed page: its text, its elements, and a check that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.tags if "id" in attrs]


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


def test_a_folder_with_the_two_needed_files_alone_gives_a_page(copy: Path) -> None:
    for path in copy.iterdir():
        if path.name not in {"run.json", "forecast.csv"}:
            path.unlink()
    (copy / "run.json").write_text("{}")
    parsed = Page(render(copy))
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


def test_damaged_files_are_named_all_at_once(copy: Path) -> None:
    (copy / "run.json").write_text("[1")
    (copy / "parts.csv").write_text("period,part,mean\n2025Q3,won,much\n")
    (copy / "deals.csv").write_text("a,b\n1,2\n")
    (copy / "rates.csv").write_bytes(b"kind,estimate\n\xff,1\n")
    with pytest.raises(InputError, match="not valid JSON") as caught:
        render(copy)
    problems = {Path(problem.file).name: problem for problem in caught.value.problems}
    assert set(problems) == {"run.json", "parts.csv", "deals.csv", "rates.csv"}
    assert (problems["parts.csv"].line, problems["parts.csv"].column, problems["parts.csv"].value) == (
        2,
        "mean",
        "much",
    )
    assert "is missing" in problems["deals.csv"].reason


def test_a_forecast_without_the_company_is_no_forecast(copy: Path) -> None:
    lines = (copy / "forecast.csv").read_text().splitlines()
    (copy / "forecast.csv").write_text("\n".join(line for line in lines if not line.startswith("company")))
    with pytest.raises(InputError, match="no row of the level company"):
        render(copy)


@pytest.mark.parametrize(
    ("label", "start", "end"),
    [
        ("2025", 1, date(2025, 12, 31)),
        ("2025Q1", 1, date(2025, 3, 31)),
        ("2026", 2, date(2026, 1, 31)),
        ("2026Q1", 2, date(2025, 4, 30)),
        ("2025-02", 7, date(2025, 2, 28)),
        ("soon", 1, None),
    ],
)
def test_last_day_of_a_fiscal_period(label: str, start: int, end: date | None) -> None:
    assert last_day(label, start) == end


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4_312_458, "4.31 M EUR"),
        (999_950, "1.00 M EUR"),
        (431_200, "431 k EUR"),
        (1_234, "1,234 EUR"),
        (-123_456, "−123 k EUR"),
        (-0.0, "0 EUR"),
        (2.5e9, "2.50 bn EUR"),
        (float("nan"), "–"),
    ],
)
def test_amounts_are_written_in_sensible_units(value: float, text: str) -> None:
    assert amount(value, "EUR").replace("\u00a0", " ") == text


def test_numbers_are_written_without_exponent_or_nan() -> None:
    assert between(3.9e6, 4.84e6, "EUR") == "between 3.90 and 4.84\u00a0M\u00a0EUR"
    assert between(9e6, 1.35e7) == "between 9.0 and 13.5\u00a0M"
    assert [significant(value) for value in (0.01234, 12.345, 12345.6, float("inf"))] == [
        "0.0123",
        "12.3",
        "12,346",
        "–",
    ]
    assert [percent(value) for value in (0.001, 0.614, 0.999, float("nan"))] == [
        "<1\u00a0%",
        "61\u00a0%",
        ">99\u00a0%",
        "–",
    ]
    scale = Scale.fitting([4.3e6, float("nan")], "EUR")
    assert (scale.text(4_312_458.2), scale.text(-1.0), scale.caption) == ("4,312.5", "0.0", "amounts in thousand EUR")
