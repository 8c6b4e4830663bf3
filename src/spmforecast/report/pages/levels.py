"""Where the bookings come from: regions, segments, reps and whatever other level the run knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from spmforecast.report.blocks import Block, Heading, Section, Table, Text
from spmforecast.report.figures import intervals
from spmforecast.report.folder import Row, Run
from spmforecast.report.pages.forecast import forecast_table
from spmforecast.report.periods import is_year
from spmforecast.report.wording import amount

__all__ = ["names", "section"]

_LEVELS = (
    ("region", "regions"), ("segment", "segments"), ("territory", "territories"), ("manager", "managers"),
    ("product", "products"), ("type", "types"), ("industry", "industries"), ("rep", "reps"),
)  # fmt: skip
_CHARTED = 30  # nodes in a chart
_OPEN = 12  # rows of a table that is not folded


def section(run: Run) -> Section:
    """Make the section on the levels."""
    known = [(level, plural) for level, plural in (*_LEVELS, *_others(run)) if run.level(level)]
    blocks: list[Block] = [
        Text(
            "Means add up from level to level, since every figure is computed from the same draws; quantiles do not.",
            "note",
        )
    ]
    for level, plural in known:
        blocks += [Heading(f"By {level.replace('_', ' ')}", f"by-{level}"), *_level(run, level, plural)]
    if not known:
        blocks = [Text("The run knows the company alone: its deals name no region, segment or rep.", "note")]
    return Section("levels", "Levels", "Where it comes from", tuple(blocks))


def _others(run: Run) -> list[tuple[str, str]]:
    """List the levels of this run that are known to no other."""
    listed = {"company", *(level for level, _ in _LEVELS)}
    found = dict.fromkeys(row.text("node_level") for row in run.forecast)
    return [(level, f"values of {level.replace('_', ' ')}") for level in found if level not in listed]


def names(run: Run) -> Mapping[str, str]:
    """Return the names of reps by id, as far as the quotas state them."""
    return {row.text("rep_id"): row.text("name") for row in run.quotas if row.text("name")}


def _level(run: Run, level: str, plural: str) -> list[Block]:
    nodes = sorted({row.text("node") for row in run.level(level)})
    if len(nodes) == 1:
        return [
            Text(f"All deals belong to one {level}, “{nodes[0] or '(none)'}”: its figures are the company's.", "note")
        ]
    focus = [period for period in run.focus if run.level(level, period)]
    ahead = [row.text("period") for row in run.company if not run.is_past(row)]
    ordered = [*focus, *(period for period in ahead if period not in focus)] or _periods(run, level)
    blocks: list[Block] = []
    if focus:
        blocks += _chart(run, level, plural, focus)
    for period in ordered:
        rows = _sorted(run.level(level, period))
        if rows:
            fold = period != ordered[0] or len(rows) > _OPEN
            told = f"All {len(rows)} {plural}, {period}" if len(rows) > _OPEN else f"{plural.capitalize()}, {period}"
            blocks.append(_table(run, level, rows, told if fold else "", period))
    return [*blocks, *_sums(run, level, ordered[0] if ordered else "")]


def _periods(run: Run, level: str) -> list[str]:
    return sorted({row.text("period") for row in run.level(level)})[-1:]


def _chart(run: Run, level: str, plural: str, focus: Sequence[str]) -> list[Block]:
    rows = _sorted(run.level(level, focus[0]))
    shown = [row.text("node") for row in rows[:_CHARTED]]
    called = names(run) if level == "rep" else {}
    labels = [_label(node, called) for node in shown]
    panels = []
    for period in focus:
        found = {row.text("node"): row for row in run.level(level, period)}
        title = f"Fiscal year {period}" if is_year(period) else period
        panels.append((title, [found.get(node, Row({})) for node in shown]))
    blocks: list[Block] = [intervals(level, panels, labels, run.currency)]
    if len(rows) > len(shown):
        blocks.append(
            Text(f"The {len(shown)} {plural} with the largest mean of {len(rows)}; the tables hold all.", "note")
        )
    return blocks


def _table(run: Run, level: str, rows: Sequence[Row], folded: str, period: str) -> Table:
    called = names(run) if level == "rep" else {}
    labels = [_label(row.text("node"), called) for row in rows]
    return forecast_table(run, rows, f"{level.capitalize()}, {period}", labels, folded=folded)


def _sums(run: Run, level: str, period: str) -> list[Block]:
    """Say whether the level's means add up to the company's."""
    company = next((row.number("mean") for row in run.level("company", period)), math.nan)
    total = math.fsum(row.number("mean") for row in run.level(level, period) if math.isfinite(row.number("mean")))
    if not math.isfinite(company):
        return []
    told = f"{period}: the means add up to {amount(total, run.currency)}"
    if abs(total - company) <= 1e-6 * max(abs(company), 1.0):
        return [Text(f"{told}, the company's mean.", "note")]
    return [Text(f"{told}; the company's mean is {amount(company, run.currency)}.", "note")]


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-_low(row.number("mean")), row.text("node")))


def _low(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _label(node: str, called: Mapping[str, str]) -> str:
    name = called.get(node, "")
    return f"{name} ({node})" if name and name != node else node or "(none)"
