"""The card of one rep: the pyramid in figures, the week against its targets, deals to act on, what went well."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spmforecast.report.blocks import Card, Cell, Column, Facts, Listing, Table, Text, tabulate
from spmforecast.report.folder import Row, Run
from spmforecast.report.wording import MISSING, amount, chance, count, percent, share, tally

__all__ = ["orphans", "rep_card"]

_MOST = 5
_MEASURES = {
    "call": "Calls",
    "email": "Emails",
    "meeting": "Meetings",
    "proposal_sent": "Proposals sent",
    "proposal_accepted": "Proposals accepted",
    "referral_given": "Referrals given",
    "referral_received": "Referrals received",
    "event": "Events",
    "coaching": "Coaching",
    "deals_created": "Deals created",
    "deals_qualified": "Deals qualified",
    "deals_won": "Deals won",
    "bookings": "Booked",
}


def rep_card(facts: Run, row: Row, weekly: Sequence[Row], actions: Sequence[Row], well: Sequence[Row]) -> Card:
    """Make a rep's card from the rows of the folder's tables."""
    left: list[Table | Text | Listing | Facts] = [Facts(_pyramid(facts, row)), *_todo(facts, actions)]
    right: list[Table | Text | Listing | Facts] = [_week(facts, weekly), *_praise(facts, well)]
    where = [row.text("role"), row.text("territory_id"), row.text("manager_id"), _tenure(row)]
    return Card(
        f"{row.text('rep_id')}  {row.text('name')}".strip(),
        " · ".join(part for part in where if part and part != "(none)"),
        (tuple(left), tuple(right)),
        f"rep-{row.text('rep_id')}",
    )


def _tenure(row: Row) -> str:
    months, ramp = row.number("tenure_months"), row.number("ramp")
    if not math.isfinite(months):
        return ""
    told = f"{count(months)} {'month' if months == 1 else 'months'} here"
    return told if ramp >= 1 else f"{told}, ramped to {percent(ramp)}"


def _pyramid(facts: Run, row: Row) -> tuple[tuple[str, str], ...]:
    ahead, money = facts.fact("period_ahead"), facts.currency
    low, high = (amount(row.number(name), money) for name in ("p10", "p90"))
    behind = _deals(row.number("win_rate_deals"))
    wins = f"{percent(row.number('win_rate'))} ({_range(row, 'win_rate')}; {behind})"
    told = [
        (f"Booked {facts.fact('period')}", _of_quota(row, "booked_period", money)),
        (f"Booked {facts.fact('fiscal_year')}", amount(row.number("booked_year"), money)),
        (f"Forecast {ahead}", f"{amount(row.number('p50'), money)} ({low} to {high})"),
        (f"Quota {ahead}", _quota(row, money)),
        ("Open pipeline", f"{amount(row.number('open_amount'), money)} in {_deals(row.number('open_deals'))}"),
        ("Coverage, and needed", _coverage(row)),
        ("Win rate", wins),
        ("Cycle", _behind(row, "cycle_days", "cycle_deals", lambda value: f"{count(value)} days")),
        ("Mean discount", _behind(row, "discount", "discount_deals", share)),
        ("Deals created, 4 weeks", count(row.number("deals_created_4w"))),
    ]
    return tuple((name, text) for name, text in told if text != MISSING)


def _of_quota(row: Row, name: str, money: str) -> str:
    attained = row.number("attainment_period")
    told = amount(row.number(name), money)
    return f"{told}, {percent(attained)} of quota" if math.isfinite(attained) else told


def _quota(row: Row, money: str) -> str:
    if not row.number("quota") > 0:
        return MISSING
    source = " (proposed)" if row.text("quota_from") == "proposed" else ""
    reached = chance(row.number("p_quota"), certain=row.number("left") <= 0)
    return f"{amount(row.number('quota'), money)}{source}, P = {reached}"


def _coverage(row: Row) -> str:
    over, needed = row.number("coverage"), row.number("coverage_needed")
    if not math.isfinite(over):
        return MISSING
    return f"{over:.1f}×, {needed:.1f}×" if math.isfinite(needed) else f"{over:.1f}×"


def _range(row: Row, name: str) -> str:
    return f"{100 * row.number(f'{name}_low'):.0f}–{100 * row.number(f'{name}_high'):.0f} %"


def _behind(row: Row, name: str, deals: str, write: Callable[[float], str]) -> str:
    value, number = row.number(name), row.number(deals)
    if not math.isfinite(value):
        return MISSING
    return f"{write(value)} ({_deals(number)})"


def _deals(number: float) -> str:
    return f"{count(number)} {'deal' if number == 1 else 'deals'}"


def _week(facts: Run, rows: Sequence[Row]) -> Table:
    kept = [row for row in rows if row.number("done") > 0 or math.isfinite(row.number("target"))]

    def done(index: int) -> Cell | str:
        row = kept[index]
        value, target = row.number("done"), row.number("target")
        told = amount(value) if row.text("measure") == "bookings" else count(value)
        if not target > 0:
            return told
        return Cell(told, (0.0, 100.0 * min(value / target, 1.0)))

    columns: list[tuple[Column, Callable[[int], Cell | str]]] = [
        (
            Column(f"Week of {facts.fact('week')}", numeric=False),
            lambda index: _MEASURES.get(kept[index].text("measure"), kept[index].text("measure")),
        ),
        (Column("Done", style="meterbar"), done),
        (Column("Target"), lambda index: _target(kept[index].number("target"))),
        (Column("Usual"), lambda index: _usual(kept[index])),
    ]
    return tabulate(columns, len(kept), dense=True)


def _target(value: float) -> str:
    if not math.isfinite(value):
        return MISSING
    return count(value) if value == round(value) else tally(value)


def _usual(row: Row) -> str:
    value = row.number("usual")
    if not math.isfinite(value):
        return MISSING
    return amount(value) if row.text("measure") == "bookings" else tally(value)


def orphans(facts: Run, rows: Sequence[Row]) -> tuple[Listing, ...]:
    """List the deals that ask for something and whose owners no longer sell, so that no card has them."""
    items = _asking(facts, rows, lambda row: f"{row.text('opportunity_id')} of {row.text('rep_id')}")
    return (Listing(items, title="To act on, of owners who no longer sell"),) if items else ()


def _todo(facts: Run, rows: Sequence[Row]) -> list[Listing | Text]:
    items = _asking(facts, rows, lambda row: row.text("opportunity_id"))
    return [Listing(items, title="To act on")] if items else [Text("No deal asks for anything.", "note")]


def _asking(facts: Run, rows: Sequence[Row], name: Callable[[Row], str]) -> tuple[str, ...]:
    items = [
        f"{name(row)}, {amount(row.number('amount'), facts.currency)}, "
        f"P(win) {chance(row.number('p_win'))}: {row.text('detail')}"
        for row in rows[:_MOST]
    ]
    if len(rows) > _MOST:
        items.append(f"and {len(rows) - _MOST} more in actions.csv")
    return tuple(items)


def _praise(facts: Run, rows: Sequence[Row]) -> list[Listing]:
    items = [_well(facts, row) for row in rows if row.text("what") != "above target"]
    above = [_above(row) for row in rows if row.text("what") == "above target"]
    if above:
        items.append(f"target reached: {', '.join(above)}")
    if len(items) > _MOST + 1:
        items = [*items[:_MOST], f"and {len(items) - _MOST} more in well.csv"]
    return [Listing(tuple(items), title="Went well")] if items else []


def _well(facts: Run, row: Row) -> str:
    told = f"{row.text('opportunity_id')} {row.text('what')}"
    if math.isfinite(row.number("amount")):
        told += f", {amount(row.number('amount'), facts.currency)}"
    return f"{told}, {row.text('detail')}" if row.text("detail") else told


def _above(row: Row) -> str:
    measure = row.text("detail").partition(":")[0]
    return _MEASURES.get(measure, measure).lower()
