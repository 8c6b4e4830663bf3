"""The quotas, what each asks of its rep, and how the plan as a whole is judged."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from spmforecast.report import wording
from spmforecast.report.blocks import Block, Cell, Column, Heading, Section, Table, Text, tabulate
from spmforecast.report.figures import attainment
from spmforecast.report.folder import Row, Run
from spmforecast.report.pages.forecast import chance
from spmforecast.report.pages.quota_limits import decided, down
from spmforecast.report.periods import order
from spmforecast.report.wording import Scale, amount, percent, share, significant

__all__ = ["section"]

_OPEN = 12
_METRIC = re.compile(r"(?P<name>[^\[]+)\[(?P<period>.+)\]")
_TOLD = {
    "p_plan": "Probability of reaching the plan",
    "expected_attainment": "Expected attainment",
    "reps_at_quota": "Reps expected at or above quota",
    "fairness_spread": "Spread of P(attain) between reps",
    "plan_gap": "Mean less plan",
    "comp_cost": "Cost of compensation",
    "quota_total": "Sum of quotas",
    "quota_remainder": "Left unassigned by rounding",
    "quota_expected_attainment": "Expected attainment of quotas",
    "quota_objective": "Stated objective",
    "quota_objective_bound": "Its proven bound",
    "quota_objective_excess": "Above the bound",
    "p_plan_carried": "Probability that the plan is carried within quotas",
    "fairness_p_range": "Largest difference of P(attain)",
    "fairness_p_sd": "Standard deviation of P(attain)",
    "fairness_share_healthy": "Reps with P(attain) of 40 to 75 %",
    "fairness_gini": "Gini of expected attainment",
    "fairness_theil": "Theil of expected attainment",
}
_LIMITS = {
    "ratchet_up": "largest rise",
    "ratchet_down": "largest fall",
    "least_change": "smallest change",
    "lock": "lock",
}
_PAY = ("comp_cost_", "cost_of_sales", "payout_ratio", "leverage", "pay_performance")
"""Measures that the section on pay tells."""


def section(run: Run) -> Section:
    """Make the section on quotas."""
    periods = sorted({row.text("period") for row in run.quotas}, key=order)
    blocks: list[Block] = []
    for number, period in enumerate(periods):
        rows = _sorted(run, period)
        if number == 0:
            blocks += _chart(rows, period)
        fold = f"Quotas, {period}" if number or len(rows) > _OPEN else ""
        blocks += [Text(_sums(run, period, rows)), _table(run, rows, period, fold)]
        blocks += down(run, period, f"Down the levels, {period}")
    if run.overrides:
        blocks += [Heading("Decisions on single reps", "overrides"), decided(run)]
    if not periods:
        blocks.append(Text("This run set no quotas.", "note"))
    if run.evaluation:
        blocks += [Heading("The plan as a whole", "evaluation"), _evaluation(run)]
    return Section("quotas", "Quotas", "Quotas and the plan as a whole", tuple(blocks))


def _sorted(run: Run, period: str) -> list[Row]:
    rows = [row for row in run.quotas if row.text("period") == period]
    return sorted(rows, key=lambda row: (-_low(row.number("p_attain")), row.text("rep_id")))


def _chart(rows: Sequence[Row], period: str) -> list[Block]:
    known = [row for row in rows if math.isfinite(row.number("p_attain"))]
    return [attainment(known, [_label(row) for row in known], period)] if known else []


def _label(row: Row) -> str:
    name, rep = row.text("name"), row.text("rep_id")
    return f"{name} ({rep})" if name and name != rep else rep


def _sums(run: Run, period: str, rows: Sequence[Row]) -> str:
    set_ = [row.number("quota") for row in rows if math.isfinite(row.number("quota"))]
    total = math.fsum(set_)
    plan = next((row.number("plan") for row in run.level("company", period)), math.nan)
    told = f"{period}: {len(set_):,} quotas sum to {amount(total, run.currency)}"
    if not plan > 0:
        return f"{told}."
    over = total / plan - 1
    compared = "exactly" if abs(over) < 5e-4 else f"{share(abs(over))} {'above' if over > 0 else 'below'}"
    return f"{told}, {compared} the plan of {amount(plan, run.currency)}."


def _table(run: Run, rows: Sequence[Row], period: str, folded: str) -> Table:
    money = ("quota", "mean", "p10", "p50", "p90")
    scale = Scale.fitting((row.number(name) for row in rows for name in money), run.currency)

    def write(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column(f"Rep, {period}", numeric=False, style="id"), lambda index: _label(rows[index])),
        (Column("Region", numeric=False, style="id"), lambda index: rows[index].text("region")),
        (Column("Quota", style="strong"), write("quota")),
        (Column("Last quota"), write("last_quota")),
        (Column("Change"), lambda index: _change(rows[index])),
        (
            Column("Held by", numeric=False),
            lambda index: _LIMITS.get(rows[index].text("limit"), rows[index].text("limit")),
        ),
        (Column("P(attain)", style="meterbar"), lambda index: _attained(rows[index])),
        (Column("Expected attainment"), lambda index: percent(rows[index].number("expected_attainment"))),
        (Column("Mean"), write("mean")),
        (Column("P10"), write("p10")),
        (Column("Median"), write("p50")),
        (Column("P90"), write("p90")),
    ]
    return tabulate(columns, len(rows), caption=scale.caption, folded=folded)


def _attained(row: Row) -> Cell:
    value = row.number("p_attain")
    return chance(value, wording.chance(value, certain=row.number("quota") <= 0))


def _change(row: Row) -> str:
    """Write the change against the last quota as a share of it."""
    last, moved = row.number("last_quota"), row.number("change")
    return f"{'+' if moved > 0 else ''}{percent(moved / last)}" if last > 0 and math.isfinite(moved) else ""


def _evaluation(run: Run) -> Table:
    """Lay the metrics out with a column a period; a metric of the whole run has a column of its own."""
    values: dict[str, dict[str, str]] = {}
    for row in run.evaluation:
        if row.text("metric").startswith(_PAY):
            continue
        match = _METRIC.fullmatch(row.text("metric"))
        name, period = (match["name"], match["period"]) if match else (row.text("metric"), "")
        values.setdefault(name, {})[period] = row.text("value")
    periods = sorted({period for found in values.values() for period in found}, key=order)
    metrics = [
        name for name, found in values.items() if any(text.lower() not in {"", "nan"} for text in found.values())
    ]

    certain = {
        row.text("period")
        for row in run.company
        if run.is_past(row) or row.number("booked") >= row.number("plan") - 0.005
    }

    def write(period: str) -> Callable[[int], str]:
        settled = period in certain
        return lambda index: _value(metrics[index], values[metrics[index]], period, run.currency, settled)

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Measure", numeric=False), lambda index: _TOLD.get(metrics[index], metrics[index]))
    ]
    columns += [(Column(run.label(period) or "Whole run"), write(period)) for period in periods]
    return tabulate(columns, len(metrics))


def _value(metric: str, values: dict[str, str], period: str, currency: str, certain: bool) -> str:
    if period not in values:
        return ""
    number = _float(values[period])
    if math.isnan(number):
        return "" if values[period].lower() in {"nan", ""} else values[period]
    if metric.endswith(("_cost", "_gap", "_amount", "_target", "_total")):
        return amount(number, currency)
    if metric.startswith("p_"):
        return wording.chance(number, certain)
    if metric.endswith(("attainment", "_share", "_rate")):
        return percent(number)
    if metric in {"reps_at_quota", "fairness_spread"} and all(0 <= _float(text) <= 1 for text in values.values()):
        return percent(number)
    if metric in {"fairness_p_range", "fairness_p_sd", "fairness_share_healthy"}:
        return percent(number)
    if metric in {"quota_objective", "quota_objective_bound", "quota_remainder"}:
        return amount(number, currency)
    if metric == "quota_objective_excess":
        return f"{100 * number:.2f} %"
    return significant(number)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _low(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
