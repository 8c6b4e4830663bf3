"""The three parts of the forecast: already won, open deals, deals not yet created."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Heading, Section, Text, tabulate
from spmforecast.report.figures import BOOKING_PARTS, PARTS, stacked
from spmforecast.report.folder import Row, Run
from spmforecast.report.periods import is_year, order
from spmforecast.report.wording import MISSING, Scale, percent, tally

__all__ = ["section"]

_TITLE = "What is won, what is open, what is still to be created"
_EMPTY = Row({})
_Grid = Mapping[tuple[str, str], Row]
_Filled = tuple[Column, Callable[[int], Cell | str]]


def section(run: Run) -> Section:
    """Make the section on the three parts."""
    title = "What is booked, what is to come" if run.on_bookings else _TITLE
    if not run.parts:
        return Section("parts", "Parts", title, (Text("The run folder holds no parts.csv.", "note"),))
    periods = sorted({row.text("period") for row in run.parts}, key=order)
    grid = {(row.text("period"), row.text("part")): row for row in run.parts}
    short = [period for period in periods if not is_year(period)] or periods
    plans = {row.text("period"): row.number("plan") for row in run.company}
    drawn = [grid[period, part] for period in short for part in PARTS if (period, part) in grid]
    blocks: list[Block] = [
        stacked(drawn, plans, run.currency, BOOKING_PARTS if run.on_bookings else PARTS),
        *_table(run, periods, grid),
        *_variance(run),
    ]
    return Section("parts", "Parts", title, tuple(blocks))


def _table(run: Run, periods: Sequence[str], grid: _Grid) -> list[Block]:
    told = {row.text("period"): row.number("mean") for row in run.company}
    means = [told.get(period, math.nan) for period in periods]
    sums = [math.fsum(_zero(grid.get((period, part), _EMPTY).number("mean")) for part in PARTS) for period in periods]
    scale = Scale.fitting([*sums, *(row.number("p90") for row in grid.values())], run.currency)
    columns = [
        *_of_parts(run, periods, grid, scale),
        (Column("Sum of means", style="strong"), lambda index: scale.text(sums[index])),
        (Column("Forecast mean"), lambda index: scale.text(means[index])),
        *_of_wins(run, periods, grid),
    ]
    note = "Means add up across the parts; quantiles do not, since the parts are seldom all high or all low at once."
    blocks: list[Block] = [tabulate(columns, len(periods), caption=_caption(scale)), Text(note, "note")]
    off = [
        period
        for period, total, mean in zip(periods, sums, means, strict=True)
        if abs(total - mean) > 1e-6 * max(abs(total), 1.0)
    ]
    if off:
        warning = f"The parts do not add up to the forecast in {', '.join(off)}: the files of this folder disagree."
        blocks.append(Text(warning, "warn"))
    return blocks


def _of_parts(run: Run, periods: Sequence[str], grid: _Grid, scale: Scale) -> list[_Filled]:
    """Columns of the period, of what is booked, and of mean and range of each part that is to come."""

    def mean(part: str) -> Callable[[int], str]:
        return lambda index: scale.text(grid.get((periods[index], part), _EMPTY).number("mean"))

    def spread(part: str) -> Callable[[int], str]:
        return lambda index: _range(grid.get((periods[index], part), _EMPTY), scale)

    columns: list[_Filled] = [
        (Column("Period", numeric=False), lambda index: run.label(periods[index])),
        (Column("Already booked" if run.on_bookings else "Already won"), mean("won")),
    ]
    to_come = (("new", "To come"),) if run.on_bookings else (("open", "Open deals"), ("new", "Not yet created"))
    for part, name in to_come:
        columns += [(Column(name), mean(part)), (Column("P10–P90"), spread(part))]
    return columns


def _of_wins(run: Run, periods: Sequence[str], grid: _Grid) -> list[_Filled]:
    """Columns of how many deals each part wins."""

    def wins(part: str) -> Callable[[int], str]:
        return lambda index: tally(grid.get((periods[index], part), _EMPTY).number("deals_mean"))

    counted = {"won": "booked", "new": "to come"} if run.on_bookings else {part: part for part in PARTS}
    return [(Column(f"{run.wins}, {name}"), wins(part)) for part, name in counted.items()]


def _variance(run: Run) -> list[Block]:
    """Tell where the company's spread comes from."""
    rows = [row for row in run.variance if row.text("node_level") == "company" and math.isfinite(row.number("process"))]
    if not rows:
        return []
    scale = Scale.fitting((row.number("sd") for row in rows), run.currency)

    def bar(name: str) -> Callable[[int], Cell]:
        return lambda index: Cell(percent(rows[index].number(name)), (0.0, 100.0 * rows[index].number(name)))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Period", numeric=False), lambda index: run.label(rows[index].text("period"))),
        (Column("Standard deviation"), lambda index: scale.text(rows[index].number("sd"))),
        (Column("Doubt about rates", style="meterbar"), bar("parameters")),
        (Column("The market", style="meterbar"), bar("shocks")),
        (Column("Luck of deals", style="meterbar"), bar("process")),
    ]
    told = (
        "Three parts of the variance: what the record leaves in doubt about rates, amounts and reps; the market's "
        "path; and the luck of each deal and rep, given both. More history makes only the first part smaller."
    )
    return [
        Heading("Where the spread comes from"),
        tabulate(columns, len(rows), caption=scale.caption),
        Text(told, "note"),
    ]


def _caption(scale: Scale) -> str:
    return ", ".join(part for part in ("Means by part", scale.caption) if part)


def _range(row: Row, scale: Scale) -> str:
    low, high = scale.text(row.number("p10")), scale.text(row.number("p90"))
    return MISSING if MISSING in (low, high) or low == high else f"{low}–{high}"


def _zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0
