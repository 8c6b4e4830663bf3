"""Cushions and rival schemes beside the proposed quotas, where ``spmforecast quotas`` looked at them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Heading, Section, Table, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.pay_figures import frontier
from spmforecast.report.periods import order
from spmforecast.report.wording import Scale, chance, percent, share, significant

__all__ = ["section"]

_STEP = 0.05  # cushions that the table shows; the file holds all of them
_METRICS = {
    "p_carried": "plan carried",
    "reps_at_quota": "reps at quota",
    "expected_attainment": "expected attainment",
    "payout": "pay",
}


def section(run: Run) -> Section:
    """Make the section; without blocks where nothing was compared."""
    blocks: list[Block] = []
    for number, period in enumerate(sorted({row.text("period") for row in run.schemes}, key=order)):
        schemes, curve, differences = (
            [row for row in rows if row.text("period") == period]
            for rows in (run.schemes, run.cushions, run.differences)
        )
        blocks.append(Heading(period, f"schemes-{period}"))
        if number == 0:
            blocks.append(
                Text(
                    "Bookings do not depend on quotas here, so neither does the chance to reach the plan. What does "
                    "is who attains, what is paid, and the chance that the plan is carried: made with nobody's "
                    "bookings above quota counted. All schemes split the same sum and hold the same limits on single "
                    "quotas, unless a name says otherwise."
                )
            )
        blocks += [frontier(f"frontier-{period}", schemes, curve, run.currency), _schemes(run, schemes)]
        blocks += [_differences(run, differences, period)] if differences else []
        blocks += [_cushions(run, curve, period)] if curve else []
    return Section("schemes", "Schemes", "Other quotas, cushions and pay plans", tuple(blocks))


def _schemes(run: Run, rows: Sequence[Row]) -> Table:
    scale = Scale.fitting((row.number("payout_p90") for row in rows), run.currency)
    several = len({row.text("pay") for row in rows}) > 1

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("No."), lambda index: str(index + 1)),
        (Column("Scheme", numeric=False, style="id"), lambda index: rows[index].text("scheme")),
        (Column("Pay plan", numeric=False), lambda index: rows[index].text("pay") if several else ""),
        (Column("Plan carried", style="strong"), write("p_carried", chance)),
        (Column("Reps at quota"), write("reps_at_quota", percent)),
        (Column("Chances differ by"), write("p_attain_range", percent)),
        (Column("Slope on potential"), write("slope", _measure)),
        (Column("Gini"), write("gini", _measure)),
        (Column("Change to today"), write("change", percent)),
        (Column("Pay, mean"), write("payout_mean", scale.text)),
        (Column("Pay, P90"), write("payout_p90", scale.text)),
        (Column("Of sales"), write("cost_of_sales", share)),
        (Column("Leverage"), write("leverage", significant)),
        (Column("Pay and attainment"), write("pay_correlation", significant)),
    ]
    paid = any(math.isfinite(row.number("payout_mean")) for row in rows)
    return tabulate(columns, len(rows), caption=scale.caption if paid else "", dense=True)


def _measure(value: float) -> str:
    """Write a measure of fairness, without the noise of floating point around 0."""
    return significant(0.0 if abs(value) < 1e-6 else value)


def _differences(run: Run, rows: Sequence[Row], period: str) -> Table:
    scale = Scale.fitting(
        (row.number(name) for row in rows if row.text("metric") == "payout" for name in ("low", "high")), run.currency
    )

    def write(name: str) -> Callable[[int], str]:
        def told(index: int) -> str:
            row = rows[index]
            value = row.number(name)
            return scale.text(value) if row.text("metric") == "payout" else share(value)

        return told

    several = len({row.text("pay") for row in rows}) > 1
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Scheme", numeric=False, style="id"), lambda index: rows[index].text("scheme")),
        (Column("Pay plan", numeric=False), lambda index: rows[index].text("pay") if several else ""),
        (
            Column("Measure", numeric=False),
            lambda index: _METRICS.get(rows[index].text("metric"), rows[index].text("metric")),
        ),
        (Column("Difference"), write("difference")),
        (Column("95 % from"), write("low")),
        (Column("to"), write("high")),
        (Column("Draws above"), lambda index: chance(rows[index].number("p_above"))),
    ]
    return tabulate(columns, len(rows), folded=f"Differences from the proposal, {period}, draw by draw")


def _cushions(run: Run, rows: Sequence[Row], period: str) -> Table:
    shown = [row for row in rows if math.isclose(row.number("cushion") / _STEP, round(row.number("cushion") / _STEP))]
    scale = Scale.fitting((row.number("quota_total") for row in shown), run.currency)

    def write(name: str, how: Callable[[float], str]) -> Callable[[int], str]:
        return lambda index: how(shown[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Cushion"), write("cushion", percent)),
        (Column("Sum of quotas"), write("quota_total", scale.text)),
        (Column("Plan carried", style="strong"), write("p_carried", chance)),
        (Column("P(attain), median"), write("p_attain", chance)),
        (Column("Reps at quota"), write("reps_at_quota", percent)),
        (Column("Pay, mean"), write("payout_mean", scale.text)),
        (Column("Pay, P90"), write("payout_p90", scale.text)),
        (Column("Of sales"), write("cost_of_sales", share)),
    ]
    return tabulate(columns, len(shown), caption=scale.caption, folded=f"Cushions, {period}")
