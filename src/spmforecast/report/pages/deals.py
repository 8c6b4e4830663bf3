"""The few open deals that decide the forecast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Section, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.pages.forecast import chance
from spmforecast.report.periods import order
from spmforecast.report.wording import Scale, amount, count, percent, share

__all__ = ["section"]

_SHOWN = 15
_PERIODS = 3  # columns of P(win) by period that still fit the page


def section(run: Run) -> Section:
    """Make the section on the deals that decide."""
    title = "The deals that decide"
    if run.on_bookings:
        told = "The record holds no deals: the forecast rests on what the reps have booked."
        return Section("deals", "Deals", title, (Text(told, "note"),))
    if not run.deals:
        return Section("deals", "Deals", title, (Text("No deal was open at the date of the forecast.", "note"),))
    ordered = sorted(run.deals, key=_weight)
    top = ordered[:_SHOWN]
    blocks: list[Block] = [Text(_told(run, top)), _table(run, top)]
    return Section("deals", "Deals", title, tuple(blocks))


def _weight(row: Row) -> tuple[float, float, str]:
    return (-_zero(row.number("spread_share")), -_zero(row.number("expected_amount")), row.text("opportunity_id"))


def _told(run: Run, top: Sequence[Row]) -> str:
    expected = [_zero(row.number("expected_amount")) for row in run.deals]
    total, shown = math.fsum(expected), math.fsum(_zero(row.number("expected_amount")) for row in top)
    told = f"{len(run.deals):,} deals are open"
    if total > 0:
        told += f", worth {amount(total, run.currency)} in expectation"
        told += f"; the {len(top)} below hold {percent(shown / total)} of it"
    spread = [row.number("spread_share") for row in top if math.isfinite(row.number("spread_share"))]
    if spread:
        told += f" and carry {percent(math.fsum(spread))} of the variance of the company's forecast"
    return f"{told}."


def _table(run: Run, rows: Sequence[Row]) -> Block:
    scale = Scale.fitting((row.number(name) for row in rows for name in ("amount", "expected_amount")), run.currency)
    periods = sorted({name[6:] for row in rows for name in row.numbers if name.startswith("p_win_")}, key=order)[
        :_PERIODS
    ]

    def text(name: str) -> Callable[[int], str]:
        return lambda index: rows[index].text(name)

    def win(name: str) -> Callable[[int], str]:
        return lambda index: percent(rows[index].number(name))

    titles = (
        ("Deal", "opportunity_id"),
        ("Owner", "owner_id"),
        ("Region", "region"),
        ("Segment", "segment"),
        ("Stage", "stage"),
    )
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column(title, numeric=False, style="id"), text(name)) for title, name in titles
    ]
    columns += [
        (Column("Age, days"), lambda index: count(rows[index].number("age_days"))),
        (Column("Amount"), lambda index: scale.text(rows[index].number("amount"))),
        (Column("P(win)", style="meterbar"), lambda index: chance(rows[index].number("p_win"))),
    ]
    columns += [(Column(f"in {period}"), win(f"p_win_{period}")) for period in periods]
    columns += [
        (Column("Expected", style="strong"), lambda index: scale.text(rows[index].number("expected_amount"))),
        (Column("Share of spread"), lambda index: share(rows[index].number("spread_share"))),
    ]
    return tabulate(columns, len(rows), caption=_caption(scale))


def _caption(scale: Scale) -> str:
    return ", ".join(part for part in ("By share of the spread, then by expected amount", scale.caption) if part)


def _zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0
