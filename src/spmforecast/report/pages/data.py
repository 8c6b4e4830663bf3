"""What was read, what was used, and what was left out and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spmforecast.report.blocks import Block, Cell, Column, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.folder import Row, Run

__all__ = ["section"]

_SHOWN = 50
_FIGURES = re.compile(r"\d[\d.,:T+-]*\d|\d")
_COUNTS = ("read", "used", "rejected", "excluded")


def section(run: Run) -> Section:
    """Make the section on the data."""
    blocks: list[Block] = [*_counts(run), *_exclusions(run), *_rejected(run)]
    if run.strings("warnings"):
        blocks += [Heading("Warnings"), Listing(run.strings("warnings"))]
    return Section("data", "Data", "The data it rests on", tuple(blocks))


def _counts(run: Run) -> list[Block]:
    records = run.records("counts")
    if not records:
        return [Text("The run does not say how many rows it read.", "note")]
    rows: list[Mapping[str, Any]] = [*records]
    if len(rows) > 1:
        rows.append(
            {"table": "all tables", **{name: sum(_whole(row.get(name)) for row in records) for name in _COUNTS}}
        )
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Table", numeric=False), lambda index: str(rows[index].get("table", ""))),
        (Column("File", numeric=False, style="id"), lambda index: str(rows[index].get("file", ""))),
    ]
    columns += [(Column(name.capitalize()), _count(rows, name)) for name in _COUNTS]
    columns.append((Column("Adds up", numeric=False), lambda index: "yes" if _adds_up(rows[index]) else "NO"))
    table = tabulate(columns, len(rows), total=len(rows) > 1)
    wrong = [str(row.get("table", "")) for row in records if not _adds_up(row)]
    told: Block = Text("Every row is accounted for: read = used + rejected + excluded.", "note")
    if wrong:
        told = Text(
            f"The rows of {', '.join(wrong)} are not all accounted for: read is not used + rejected + excluded.", "warn"
        )
    return [table, told]


def _count(rows: Sequence[Mapping[str, Any]], name: str) -> Callable[[int], str]:
    return lambda index: f"{_whole(rows[index].get(name)):,}"


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value else 0


def _adds_up(record: Mapping[str, Any]) -> bool:
    read, used, rejected, excluded = (_whole(record.get(name)) for name in _COUNTS)
    return read == used + rejected + excluded


def _exclusions(run: Run) -> list[Block]:
    records = run.records("exclusions")
    if not records:
        return []
    table = tabulate(
        [
            (Column("Table", numeric=False), lambda index: str(records[index].get("table", ""))),
            (Column("File", numeric=False, style="id"), lambda index: str(records[index].get("file", ""))),
            (Column("Rows"), lambda index: f"{_whole(records[index].get('rows')):,}"),
            (Column("Reason", numeric=False, style="note"), lambda index: str(records[index].get("reason", ""))),
        ],
        len(records),
    )
    return [Heading("Left out on purpose"), table]


def _rejected(run: Run) -> list[Block]:
    rows = _lines(run)
    if not rows:
        return [Heading("Rejected"), Text("No row was rejected.", "note")]
    reasons = Counter((row.text("table"), _kind(row.text("reason")), row.text("mend")) for row in rows).most_common()
    summary = tabulate(
        [
            (Column("Table", numeric=False), lambda index: reasons[index][0][0]),
            (Column("Problems"), lambda index: f"{reasons[index][1]:,}"),
            (Column("Reason", numeric=False), lambda index: reasons[index][0][1]),
            (Column("How to mend it", numeric=False, style="note"), lambda index: reasons[index][0][2]),
        ],
        len(reasons),
    )
    blocks: list[Block] = [Heading("Rejected"), summary, _first(run)]
    if len(rows) > _SHOWN:
        blocks.append(Text(f"The first {_SHOWN} of {len(rows):,} problems; rejected.csv holds all.", "note"))
    return blocks


def _lines(run: Run) -> tuple[Row, ...]:
    """Return the rejected rows; what has no line is a finding on the data, which has a section of its own."""
    return tuple(row for row in run.rejected if row.text("line"))


def _kind(reason: str) -> str:
    """Take out of a reason what differs from row to row, so that like ones are counted together."""
    return _FIGURES.sub("…", reason)


def _first(run: Run) -> Table:
    every = _lines(run)
    rows = every[:_SHOWN]

    def text(name: str) -> Callable[[int], str]:
        return lambda index: rows[index].text(name)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (
            Column("File", numeric=False, style="id"),
            lambda index: rows[index].text("file") or rows[index].text("table"),
        ),
        (Column("Line"), text("line")),
        (Column("Column", numeric=False, style="id"), text("column")),
        (Column("Value", numeric=False, style="id"), text("value")),
        (Column("Reason", numeric=False, style="note"), text("reason")),
    ]
    return tabulate(
        columns, len(rows), folded="Row by row" if len(every) <= _SHOWN else f"The first {_SHOWN}, row by row"
    )
