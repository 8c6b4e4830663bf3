"""How many people to hire, and what a month's delay costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Section, Table, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.pay_figures import chances_by_hires
from spmforecast.report.wording import Scale, amount, chance, count, percent, tally

__all__ = ["section"]


def section(run: Run) -> Section:
    """Make the section; without blocks where the run asked for no hires."""
    if not run.hiring:
        return Section("hiring", "Hiring", "Hiring", ())
    first = run.hiring[0]
    wanted, period = first.number("wanted"), first.text("period")
    target = amount(first.number("target"), run.currency)
    blocks: list[Block] = [Text(_told(first, period, target, wanted))]
    if run.hiring_curve:
        blocks.append(chances_by_hires(run.hiring_curve, wanted))
    blocks.append(_needed(run, run.hiring))
    if len(run.hiring_delay) > 1:
        blocks.append(_delay(run, run.hiring_delay))
    told = run.fact("hiring")
    return Section("hiring", "Hiring", "Hiring", (*blocks, *([Text(told, "note")] if told else [])))


def _told(row: Row, period: str, target: str, wanted: float) -> str:
    start, hires = row.text("start")[:10], row.number("hires")
    if not math.isfinite(hires):
        return (
            f"{target} in {period} is not reached with a chance of {percent(wanted)} by any number of hires looked at: "
            f"the most, with seats opened on {start}, reach it with {chance(row.number('p_target'))}."
        )
    if hires == 0:
        return f"{target} in {period} is reached with a chance of {chance(row.number('p_target'))} without hires."
    return (
        f"{target} in {period} is reached with the wanted chance of {percent(wanted)} by {count(hires)} hires with "
        f"seats opened on {start}: then with {chance(row.number('p_target'))}."
    )


def _needed(run: Run, rows: Sequence[Row]) -> Table:
    scale = Scale.fitting((row.number("carried_quota") for row in rows), run.currency)

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Seats opened", numeric=False, style="id"), lambda index: rows[index].text("start")[:10]),
        (Column("Hires needed", style="strong"), lambda index: _hires(rows[index])),
        (Column("Chance"), write("p_target", percent)),
        (Column("Where", numeric=False), lambda index: rows[index].text("places")),
        (Column("Ramped months of each"), write("ramped_months", tally)),
        (Column("Carried quota"), write("carried_quota", scale.text)),
        (Column("less attrition"), write("carried_less_attrition", scale.text)),
    ]
    return tabulate(columns, len(rows), caption=scale.caption)


def _hires(row: Row) -> str:
    return count(row.number("hires")) if math.isfinite(row.number("hires")) else "none will do"


def _delay(run: Run, rows: Sequence[Row]) -> Table:
    scale = Scale.fitting((row.number("lost") for row in rows), run.currency)

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Seats opened", numeric=False, style="id"), lambda index: rows[index].text("start")[:10]),
        (Column("Months later"), write("months_later", tally)),
        (Column("Bookings lost", style="strong"), write("lost", scale.text)),
        (Column("95 % from"), write("low", scale.text)),
        (Column("to"), write("high", scale.text)),
        (Column("Chance lost"), write("p_lost", percent)),
        (Column("More hires"), write("hires_more", count)),
    ]
    return tabulate(columns, len(rows), caption=scale.caption)
