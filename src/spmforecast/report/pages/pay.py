"""What the compensation plan pays: its law, what it rewards, and each rep's part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Block, Cell, Column, Heading, Listing, Section, Table, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.pay_figures import pay_law
from spmforecast.report.periods import order
from spmforecast.report.wording import Scale, amount, between, share, significant

__all__ = ["section"]

_OPEN = 12
_MONEY = ("bookings", "quota", "target_pay", "pay", "pay_p10", "pay_p50", "pay_p90")


def section(run: Run) -> Section:
    """Make the section on pay; without blocks where the run priced no plan."""
    if not run.pay:
        return Section("pay", "Pay", "Pay", ())
    metrics = {row.text("metric"): _number(row.text("value")) for row in run.evaluation}
    about = run.mapping("compensation")
    blocks: list[Block] = [*_told(run, str(about.get("name", "")), metrics)]
    assumed = _texts(about.get("assumptions"))
    if assumed:
        blocks.append(Listing(assumed, tone="warn", title="Assumed, not estimated"))
    whole = [row for row in run.pay_costs if row.text("period") == "all"]
    marks = {"mean": metrics.get("comp_cost", math.nan), "P90": metrics.get("comp_cost_p90", math.nan)}
    if whole and run.pay_deciles:
        blocks.append(pay_law(whole, run.pay_deciles, marks, run.currency))
    for number, period in enumerate(sorted({row.text("period") for row in run.pay}, key=order)):
        rows = sorted(
            (row for row in run.pay if row.text("period") == period),
            key=lambda row: (-row.number("pay"), row.text("rep_id")),
        )
        blocks.append(_table(run, rows, period, f"Pay, {period}" if number or len(rows) > _OPEN else ""))
    parts = about.get("parts")
    if isinstance(parts, list) and parts:
        blocks += [Heading("The plan", "pay-plan"), _rules([one for one in parts if isinstance(one, dict)])]
    notes = _texts(about.get("notes"))
    if notes:
        blocks.append(Listing(notes))
    return Section("pay", "Pay", "Pay", tuple(blocks))


def _told(run: Run, name: str, metrics: dict[str, float]) -> list[Block]:
    """Say cost and reward in sentences."""

    def get(metric: str) -> float:
        return metrics.get(metric, math.nan)

    periods = sorted({row.text("period") for row in run.pay}, key=order)
    span = periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"
    cost = (
        f"{name or 'The plan'} pays {amount(get('comp_cost'), run.currency)} on average over {span}, 80 % "
        f"{between(get('comp_cost_p10'), get('comp_cost_p90'), run.currency)}: {share(get('cost_of_sales'))} of "
        f"bookings. Mean bookings alone would pay {amount(get('comp_cost_at_mean_bookings'), run.currency)}; the "
        "difference is what accelerators, thresholds, caps and guarantees do when bookings vary."
    )
    facts = []
    if math.isfinite(get("payout_ratio")):
        facts.append(f"pay is {share(get('payout_ratio'))} of what quota exactly would pay")
    if math.isfinite(get("leverage")):
        facts.append(f"a rep in the best tenth earns at least {significant(get('leverage'))} times that")
    if math.isfinite(get("pay_performance")):
        facts.append(f"attainment and pay correlate {significant(get('pay_performance'))}")
    sentence = "; ".join(facts)
    return [Text(cost), *([Text(f"{sentence[0].upper()}{sentence[1:]}.")] if sentence else [])]


def _table(run: Run, rows: Sequence[Row], period: str, folded: str) -> Table:
    scale = Scale.fitting((row.number(name) for row in rows for name in _MONEY), run.currency)
    names = {row.text("rep_id"): row.text("name") for row in run.quotas}

    def write(name: str) -> Callable[[int], str]:
        return lambda index: scale.text(rows[index].number(name))

    def label(index: int) -> str:
        rep = rows[index].text("rep_id")
        name = names.get(rep, "")
        return f"{name} ({rep})" if name and name != rep else rep

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column(f"Rep, {period}", numeric=False, style="id"), label),
        (Column("Bookings, mean"), write("bookings")),
        (Column("Quota"), write("quota")),
        (Column("Pay at quota"), write("target_pay")),
        (Column("Pay, mean", style="strong"), write("pay")),
        (Column("P10"), write("pay_p10")),
        (Column("Median"), write("pay_p50")),
        (Column("P90"), write("pay_p90")),
    ]
    return tabulate(columns, len(rows), caption=scale.caption, folded=folded)


def _rules(parts: Sequence[dict[str, object]]) -> Table:
    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (Column("Part", numeric=False), lambda index: str(parts[index].get("part", ""))),
        (Column("Rule", numeric=False), lambda index: str(parts[index].get("rule", ""))),
    ]
    return tabulate(columns, len(parts))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
