"""The rates behind the forecast, each with the deals that it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Heading, Section, Table, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.wording import count, percent, share, significant

__all__ = ["section"]

_KINDS = {
    "level": "Levels: what each rep is expected to book in a mean month of the coming year",
    "season": "Season: each month against the usual one",
    "order": "Orders",
    "conversion": "Conversion: of the visits of deals to a stage, the share won in the end",
    "cycle": "Cycle length",
    "creation": "Creation of deals",
    "amount": "Deal amounts",
    "market": "The market in common",
    "teams": "Teams: good and bad quarters of their own",
    "capacity": "Capacity of reps",
}
_OPEN = 30
_COUNTED = {"conversion": "Visits"}
_FIRST = {"level": "Rep", "season": "Month"}  # what the column segment names, where it is no segment
_DEALS = (
    "Every rate was learnt from the company's own history. The interval is the 90 % interval of the estimate; "
    "deals says how many it rests on. Shrinkage is the weight that the pooled rate of all deals has in it: "
    "near 0 % the group speaks for itself, near 100 % it has too few deals to."
)
_BOOKINGS = (
    "Every rate was learnt from the company's own history. The interval is the 90 % interval of the estimate; "
    "orders says how many it rests on. Shrinkage is the weight that the average rep has in a rep's level: "
    "near 0 % the rep's own bookings speak, near 100 % there are too few of them to."
)


def section(run: Run) -> Section:
    """Make the section on the rates."""
    if not run.rates:
        blocks: tuple[Block, ...] = (Text("The run folder holds no rates.", "note"),)
        return Section("rates", "Rates", "The rates behind it", blocks)
    made: list[Block] = [Text(_BOOKINGS if run.on_bookings else _DEALS, "note")]
    kinds = list(dict.fromkeys([*_KINDS, *(row.text("kind") for row in run.rates)]))
    for kind in kinds:
        rows = [row for row in run.rates if row.text("kind") == kind]
        if rows:
            made += [Heading(_KINDS.get(kind, kind or "Other")), _table(run, kind, rows)]
    return Section("rates", "Rates", "The rates behind it", tuple(made))


def _table(run: Run, kind: str, rows: Sequence[Row]) -> Table:
    def text(name: str) -> Callable[[int], str]:
        return lambda index: rows[index].text(name)

    def value(name: str) -> Callable[[int], str]:
        return lambda index: _value(rows[index].number(name), rows[index].text("unit"))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column(title, numeric=False, style="id"), text(name))
        for title, name in (("Stage", "stage"), ("To", "to"), (_FIRST.get(kind, "Segment"), "segment"))
    ]
    columns += [
        (Column("Estimate", style="strong"), value("estimate")),
        (Column("Low"), value("low")),
        (Column("High"), value("high")),
        (Column("Unit", numeric=False), lambda index: _unit(rows[index].text("unit"))),
        (Column("90 % interval", numeric=False, style="range"), lambda index: _range(rows, index)),
        (
            Column("Orders" if run.on_bookings else _COUNTED.get(kind, "Deals")),
            lambda index: count(rows[index].number("deals")),
        ),
        (Column("Shrinkage"), lambda index: percent(rows[index].number("shrinkage"))),
        (Column("Note", numeric=False, style="note"), text("note")),
    ]
    return tabulate(columns, len(rows), folded=f"{len(rows):,} rates" if len(rows) > _OPEN else "")


def _is_share(unit: str) -> bool:
    return unit.strip().lower() in {"share", "probability", "fraction", "proportion"}


def _unit(unit: str) -> str:
    return "" if _is_share(unit) else unit


def _value(value: float, unit: str) -> str:
    return share(value) if _is_share(unit) else significant(value)


def _range(rows: Sequence[Row], index: int) -> Cell:
    """Draw an interval on the axis that all rates of the same unit in this table share."""
    row = rows[index]
    low, high, estimate = row.number("low"), row.number("high"), row.number("estimate")
    if not (math.isfinite(low) and math.isfinite(high) and high >= low):
        return Cell("")
    alike = [other for other in rows if other.text("unit") == row.text("unit")]
    ends = [other.number(name) for other in alike for name in ("low", "high", "estimate")]
    ends = [end for end in ends if math.isfinite(end)]
    bottom, top = min(0.0, *ends), max(1e-300, *ends)

    def place(at: float) -> float:
        return 100 * (at - bottom) / (top - bottom)

    return Cell("", (place(low), place(high) - place(low)), place(estimate) if math.isfinite(estimate) else None)
