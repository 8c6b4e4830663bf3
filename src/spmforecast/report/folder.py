"""The run folder as the report sees it: rows of text and numbers, checked as they are read."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from spmforecast.errors import InputError, Problem
from spmforecast.report.files import FILES, FileSpec
from spmforecast.report.periods import day, is_year, last_day, order
from spmforecast.written import nearest

__all__ = ["Row", "Run", "read_run", "read_tables"]

_RERUN = "Make the folder again with `spmforecast run`."


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its text by column and, where a column is numeric, its number (NaN where empty)."""

    texts: Mapping[str, str]
    numbers: Mapping[str, float] = field(default_factory=dict)

    def text(self, column: str) -> str:
        """Return the text of a column, empty where the table lacks it."""
        return self.texts.get(column, "")

    def number(self, column: str) -> float:
        """Return the number of a column, NaN where it is empty or the table lacks it."""
        return self.numbers.get(column, math.nan)


@dataclass(frozen=True)
class Run:
    """All that the report knows of a run.

    Parameters
    ----------
    facts : mapping
        Content of ``run.json``.
    forecast, parts, actuals, deals, rates, quotas, evaluation, quality, rejected, drift, pay, pay_costs, pay_deciles,
    overrides, nodes, cushions, schemes, differences, hiring, hiring_curve, hiring_delay, variance, people, calls,
    moves, territories, territory_accounts, territory_evaluation, territory_frontier, bridge,
    bridge_deals, landing, remaining_quotas, exact : tuple of Row
        The tables of the folder; empty where the run left none.
    """

    facts: Mapping[str, Any]
    forecast: tuple[Row, ...]
    parts: tuple[Row, ...] = ()
    actuals: tuple[Row, ...] = ()
    deals: tuple[Row, ...] = ()
    rates: tuple[Row, ...] = ()
    quotas: tuple[Row, ...] = ()
    overrides: tuple[Row, ...] = ()
    nodes: tuple[Row, ...] = ()
    evaluation: tuple[Row, ...] = ()
    quality: tuple[Row, ...] = ()
    rejected: tuple[Row, ...] = ()
    drift: tuple[Row, ...] = ()
    pay: tuple[Row, ...] = ()
    pay_costs: tuple[Row, ...] = ()
    pay_deciles: tuple[Row, ...] = ()
    cushions: tuple[Row, ...] = ()
    schemes: tuple[Row, ...] = ()
    differences: tuple[Row, ...] = ()
    hiring: tuple[Row, ...] = ()
    hiring_curve: tuple[Row, ...] = ()
    hiring_delay: tuple[Row, ...] = ()
    variance: tuple[Row, ...] = ()
    people: tuple[Row, ...] = ()
    calls: tuple[Row, ...] = ()
    moves: tuple[Row, ...] = ()
    territories: tuple[Row, ...] = ()
    territory_accounts: tuple[Row, ...] = ()
    territory_evaluation: tuple[Row, ...] = ()
    territory_frontier: tuple[Row, ...] = ()
    bridge: tuple[Row, ...] = ()
    bridge_deals: tuple[Row, ...] = ()
    landing: tuple[Row, ...] = ()
    remaining_quotas: tuple[Row, ...] = ()
    exact: tuple[Row, ...] = ()

    def fact(self, key: str) -> str:
        """Return a fact of ``run.json`` as text, empty where it is absent."""
        value = self.facts.get(key)
        return "" if value is None else str(value)

    def records(self, key: str) -> tuple[Mapping[str, Any], ...]:
        """Return a list of objects of ``run.json``, empty where it is absent."""
        value = self.facts.get(key)
        return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Return an object of ``run.json``, empty where it is absent."""
        value = self.facts.get(key)
        return value if isinstance(value, dict) else {}

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a list of texts of ``run.json``, empty where it is absent."""
        value = self.facts.get(key)
        return tuple(str(one) for one in value) if isinstance(value, list) else ()

    @property
    def currency(self) -> str:
        """Currency of every amount, empty where the run does not say."""
        return self.fact("currency")

    @property
    def trials(self) -> int:
        """Number of draws, 0 where the run does not say."""
        value = self.facts.get("trials")
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    @property
    def on_bookings(self) -> bool:
        """Whether the forecast rests on bookings alone, so that there are orders but no deals."""
        return self.fact("basis") == "bookings"

    @property
    def wins(self) -> str:
        """What is counted beside amounts."""
        return "Orders" if self.on_bookings else "Wins"

    @property
    def year_start(self) -> int:
        """Month in which the fiscal year begins."""
        value = self.facts.get("fiscal_year_start")
        return value if isinstance(value, int) and 1 <= value <= 12 else 1

    def last_day(self, period: str) -> date | None:
        """Return the last day of a period: as the run says, else by the months of its fiscal year, else None."""
        told = self.mapping("periods").get(period)
        if isinstance(told, list) and len(told) == 2:
            return day(str(told[1]))
        return last_day(period, self.year_start)

    def level(self, name: str, period: str = "") -> tuple[Row, ...]:
        """Return the forecast rows of a level, of one period where it is given."""
        return tuple(
            row
            for row in self.forecast
            if row.text("node_level") == name and (not period or row.text("period") == period)
        )

    @property
    def company(self) -> tuple[Row, ...]:
        """The company's rows, quarters or months first, then years, each in the order of time."""
        return tuple(sorted(self.level("company"), key=lambda row: order(row.text("period"))))

    def is_past(self, row: Row) -> bool:
        """Tell whether a row's period was over at ``as_of``, so that nothing in it is uncertain."""
        end, today = self.last_day(row.text("period")), day(self.fact("as_of"))
        if end is None or today is None:
            return row.number("sd") == 0 and row.number("booked") == row.number("mean")
        return end <= today

    def is_partial(self, period: str) -> bool:
        """Tell whether the forecast ends before the period does."""
        end, until = self.last_day(period), day(self.fact("until"))
        return end is not None and until is not None and until < end

    def label(self, period: str) -> str:
        """Write a period, with a word where the forecast ends before it does."""
        return f"{period} (part)" if self.is_partial(period) else period

    def comparable(self, row: Row) -> Row:
        """Return a row without its plan where the forecast covers only part of the plan's period."""
        if not self.is_partial(row.text("period")):
            return row
        return Row(row.texts, {name: value for name, value in row.numbers.items() if name not in {"plan", "p_plan"}})

    @property
    def focus(self) -> tuple[str, ...]:
        """The periods that charts of levels show: the first open one and, where it is known, its fiscal year."""
        ahead = [row.text("period") for row in self.company if not self.is_past(row)] or [
            row.text("period") for row in self.company
        ]
        short = [period for period in ahead if not is_year(period)]
        years = [period for period in ahead if is_year(period) and not self.is_partial(period)]
        return (*short[:1], *years[:1]) or tuple(ahead[:1])


def read_run(folder: str | Path) -> Run:
    """Read a run folder.

    Parameters
    ----------
    folder : str or pathlib.Path
        What ``spmforecast run`` left.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If it is no run folder, or a file of it is damaged: every file is named at once.
    """
    path = Path(folder)
    if not (path / "run.json").is_file():
        raise InputError(_no_run_folder(path))
    problems: list[Problem] = []
    facts = read_facts(path / "run.json", problems)
    tables = {name: read_table(path / spec.name, spec, problems) for name, spec in FILES.items()}
    if not problems and not any(row.text("node_level") == "company" for row in tables["forecast"]):
        problems.append(Problem("forecast", "has no row of the level company", _RERUN, file=str(path / "forecast.csv")))
    if problems:
        raise InputError(problems)
    return Run(facts, **tables)


def _no_run_folder(path: Path) -> Problem:
    """Say what stands in the place of a run folder, and what was meant."""
    mend = "Give a folder that `spmforecast run` left, such as runs/NAME."
    if path.is_dir():
        told = "no run.json is in it, so this is no run folder"
        runs = sorted(one.parent.name for one in path.glob("*/run.json"))
        mend = f"Give one of those in it, such as {path / runs[0]}." if runs else mend
    elif path.is_file():
        told = "this is a file, and no run folder"
        if (path.parent / "run.json").is_file():
            mend = f"Give the folder that it lies in: {path.parent}."
        elif path.suffix in {".yaml", ".yml"}:
            mend = f"Run it first, with `spmforecast run {path}`, and give the folder that this leaves."
    else:
        told = "there is no such folder"
        near = nearest(path.name, sorted(one.parent.name for one in path.parent.glob("*/run.json")))
        mend = f"Did you mean {path.with_name(near)}?" if near else mend
    return Problem("run folder", told, mend, file=str(path))


def read_tables(
    folder: Path, facts: str, files: Mapping[str, FileSpec]
) -> tuple[Mapping[str, Any], dict[str, tuple[Row, ...]]]:
    """Read the facts and tables of a folder.

    Raises
    ------
    InputError
        If a file is missing or damaged: every one is named.
    """
    problems: list[Problem] = []
    told = read_facts(folder / facts, problems)
    tables = {name: read_table(folder / spec.name, spec, problems) for name, spec in files.items()}
    if problems:
        raise InputError(problems)
    return told, tables


def read_facts(path: Path, problems: list[Problem]) -> Mapping[str, Any]:
    """Read the facts of a folder; what is wrong goes to `problems`."""
    if not path.is_file():
        problems.append(Problem("run", "the file is missing, so this is no run folder", _RERUN, file=str(path)))
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        problems.append(Problem("run", f"is not valid JSON: {fault}", _RERUN, file=str(path)))
        return {}
    if not isinstance(facts, dict):
        problems.append(Problem("run", "must hold one JSON object", _RERUN, file=str(path)))
        return {}
    return facts


def read_table(path: Path, spec: FileSpec, problems: list[Problem]) -> tuple[Row, ...]:
    """Read a table of a folder; what is wrong goes to `problems`."""
    table = spec.name.removesuffix(".csv")
    if not path.is_file():
        if spec.required:
            problems.append(Problem(table, "the file is missing, so this is no run folder", _RERUN, file=str(path)))
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in spec.needed if column not in (reader.fieldnames or ())]
            problems += [Problem(table, "the column is missing", _RERUN, str(path), 1, column) for column in missing]
            return () if missing else tuple(_rows(reader, path, spec, problems))
    except (UnicodeDecodeError, csv.Error) as fault:
        problems.append(Problem(table, f"cannot be read as CSV in UTF-8: {fault}", _RERUN, file=str(path)))
        return ()


def _rows(reader: csv.DictReader[str], path: Path, spec: FileSpec, problems: list[Problem]) -> Iterator[Row]:
    names: Sequence[str] = [str(name) for name in reader.fieldnames or ()]
    numeric = [name for name in names if spec.is_number(name)]
    table = spec.name.removesuffix(".csv")
    for line in reader:
        texts = {name: line.get(name) or "" for name in names}
        numbers: dict[str, float] = {}
        for name in numeric:
            try:
                numbers[name] = float(texts[name]) if texts[name].strip() else math.nan
            except ValueError:
                problems.append(
                    Problem(table, "is not a number", _RERUN, str(path), reader.line_num, name, texts[name])
                )
        yield Row(texts, numbers)
