"""The company's forecast against its plan, period by period."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Section, Table, Text, tabulate
from spmforecast.report.figures import fan
from spmforecast.report.folder import Row, Run
from spmforecast.report.periods import is_year, order
from spmforecast.report.wording import Scale, count, percent, plan_chance, share, tally

__all__ = ["NUMBERS", "forecast_table", "section"]

NUMBERS = (
    ("Booked", "booked"), ("Mean", "mean"), ("Std. dev.", "sd"), ("P5", "p05"), ("P10", "p10"), ("P25", "p25"),
    ("Median", "p50"), ("P75", "p75"), ("P90", "p90"), ("P95", "p95"), ("Plan", "plan"),
)  # fmt: skip


def section(run: Run) -> Section:
    """Make the section on the forecast against the plan."""
    rows = run.company
    short = [row for row in rows if not is_year(row.text("period"))]
    known = {row.text("period") for row in rows}
    past = sorted((row.text("period"), row.number("booked")) for row in run.actuals if row.text("period") not in known)
    past = [pair for pair in past if not is_year(pair[0])] if short else past
    years = [row for row in rows if is_year(row.text("period"))]
    blocks: list[Block] = [
        fan(past, short, [run.comparable(row) for row in years], run.currency),
        forecast_table(run, rows, "Period", [_named(run, row) for row in rows], wide=True),
        *_reading(run, rows),
        *_past_table(run),
    ]
    return Section("forecast", "Forecast", "Forecast against plan", tuple(blocks))


def forecast_table(
    run: Run, rows: Sequence[Row], heading: str, labels: Sequence[str], *, wide: bool = False, folded: str = ""
) -> Table:
    """Make a table of forecast rows.

    Parameters
    ----------
    run : Run
        For the currency.
    rows : sequence of Row
        Of ``forecast.csv``.
    heading : str
        Of the first column.
    labels : sequence of str
        What the first column says of each row.
    wide : bool
        With every quantile, else P10, the median and P90 alone.
    folded : str
        Line under which the table is hidden.

    Returns
    -------
    Table
    """
    narrow = {"booked", "mean", "p10", "p50", "p90", "plan"}
    shown = [(title, name) for title, name in NUMBERS if wide or name in narrow]
    scale = Scale.fitting((row.number(name) for row in rows for _, name in shown), run.currency)

    def money(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column(heading, numeric=False, style="id"), lambda index: labels[index])
    ]
    columns += [(Column(title, style="strong" if name == "mean" else ""), money(name)) for title, name in shown]
    columns += [
        (Column("Mean / plan"), lambda index: _ratio(run.comparable(rows[index]))),
        (Column("P(plan)", style="meterbar"), lambda index: _reached(run.comparable(rows[index]))),
        (Column(f"{run.wins} (80 %)"), lambda index: _wins(rows[index])),
    ]
    return tabulate(columns, len(rows), caption=scale.caption, folded=folded, dense=wide)


def _named(run: Run, row: Row) -> str:
    period = row.text("period")
    return run.label(period)


def chance(value: float, told: str = "") -> Cell:
    """Write a probability with a bar behind it, in the words given if any."""
    return Cell(told or percent(value), (0.0, 100 * min(max(value, 0.0), 1.0)) if math.isfinite(value) else None)


def _reached(row: Row) -> Cell:
    value, *rest = (row.number(name) for name in ("p_plan", "sd", "booked", "plan"))
    return chance(value, plan_chance(value, *rest))


def _ratio(row: Row) -> str:
    plan = row.number("plan")
    return share(row.number("mean") / plan) if plan > 0 else ""


def _wins(row: Row) -> str:
    if not math.isfinite(row.number("deals_mean")):
        return ""
    mean = tally(row.number("deals_mean"))
    low, high = row.number("deals_p10"), row.number("deals_p90")
    return f"{mean} ({count(low)}–{count(high)})" if math.isfinite(low) and math.isfinite(high) else mean


def _reading(run: Run, rows: Sequence[Row]) -> list[Block]:
    text = (
        "How to read it: booked is what was won in the period up to the date of the forecast; every other figure "
        "includes it. P10 is the amount that bookings fall short of in one draw out of ten; P10 to P90 holds 80 % "
        "of the draws. P(plan) is the share of the draws that reach the plan."
    )
    if run.trials:
        error = 50 / math.sqrt(run.trials)
        text += f" With {run.trials:,} trials the standard error of a stated probability is at most {error:.1f} points."
    blocks: list[Block] = [Text(text, "note")]
    cut = sorted((row.text("period") for row in rows if run.is_partial(row.text("period"))), key=order)
    if cut:
        told = f"The forecast ends on {run.fact('until')[:10]}: {_join(cut)} is covered in part"
        planned = any(math.isfinite(row.number("plan")) for row in rows if row.text("period") in cut)
        told += " and so is not held against a plan of the whole period." if planned else "."
        blocks.append(Text(told, "warn"))
    return blocks


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"each of {', '.join(names[:-1])} and {names[-1]}"


def _past_table(run: Run) -> list[Block]:
    past = sorted(run.actuals, key=lambda row: order(row.text("period")))
    if not past:
        return []
    scale = Scale.fitting((row.number("booked") for row in past), run.currency)
    return [
        tabulate(
            [
                (Column("Period", numeric=False), lambda index: past[index].text("period")),
                (Column("Booked"), lambda index: scale.text(past[index].number("booked"))),
                (Column(run.wins), lambda index: count(past[index].number("deals"))),
            ],
            len(past),
            caption=scale.caption,
            folded=f"Past bookings, {past[0].text('period')} to {past[-1].text('period')}",
        )
    ]
