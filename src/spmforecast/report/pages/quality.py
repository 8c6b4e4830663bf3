"""What is odd about the data, what that does to the forecast, and what was repaired on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spmforecast.report import wording
from spmforecast.report.blocks import Block, Cell, Column, Heading, Section, Text, tabulate
from spmforecast.report.folder import Row, Run

__all__ = ["section"]


def section(run: Run) -> Section:
    """Make the section on the quality of the data."""
    return Section("quality", "Data quality", "How good the data are", (*_findings(run), *_repairs(run)))


def _findings(run: Run) -> list[Block]:
    rows = run.quality
    if not rows:
        return [Text("The run found nothing odd in what was known, or did not look.", "note")]
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Finding", numeric=False, style="strong"), lambda index: _words(rows[index].text("rule"))),
        (Column("Table", numeric=False), lambda index: rows[index].text("table")),
        (Column("Column", numeric=False), lambda index: rows[index].text("column")),
        (Column("Rows"), lambda index: wording.count(rows[index].number("rows"))),
        (Column("Share"), lambda index: _share(rows[index].number("share"))),
        (Column("What it does to the forecast", numeric=False, style="note"), lambda index: rows[index].text("effect")),
    ]
    told = Text("What was known at the as-of date, most telling first. Nothing is repaired unless asked for.", "note")
    return [told, tabulate(columns, len(rows)), _examples(rows)]


def _examples(rows: tuple[Row, ...]) -> Block:
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Finding", numeric=False), lambda index: _words(rows[index].text("rule"))),
        (Column("Table", numeric=False), lambda index: rows[index].text("table")),
        (Column("Column", numeric=False), lambda index: rows[index].text("column")),
        (Column("For example", numeric=False, style="note"), lambda index: rows[index].text("examples")),
        (Column("How to mend it", numeric=False, style="note"), lambda index: rows[index].text("mend")),
    ]
    return tabulate(columns, len(rows), folded="Examples, and how to mend it")


def _repairs(run: Run) -> list[Block]:
    records = run.records("repairs")
    if not records:
        return []

    def text(name: str) -> Callable[[int], str]:
        return lambda index: _text(records[index].get(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Repair", numeric=False), lambda index: _words(_text(records[index].get("repair")))),
        (Column("Table", numeric=False), text("table")),
        (Column("Column", numeric=False, style="id"), text("column")),
        (Column("Rows"), lambda index: _count(records[index].get("rows"))),
        (Column("For example", numeric=False, style="note"), text("examples")),
    ]
    told = Text("The scenario asked for these; the findings above are those before the repairs.", "note")
    return [Heading("Repaired on request"), tabulate(columns, len(records)), told]


def _share(value: float) -> str:
    """Write a share, never rounding something to nothing."""
    return f"<{wording.share(0.001)}" if 0 < value < 0.0005 else wording.share(value)


def _words(rule: str) -> str:
    return rule.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else wording.MISSING
