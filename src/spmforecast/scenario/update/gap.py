"""What is short of the plan when periods have closed, and how much of it each period that is left is to carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from spmforecast.calendar import FiscalCalendar
from spmforecast.plan import AnnualPlan
from spmforecast.plan.rounding import largest_remainder

__all__ = ["gaps", "spread_gap"]

CENT = Decimal("0.01")


def gaps(
    plan: AnnualPlan, calendar: FiscalCalendar, booked: Mapping[str, Decimal], left: Sequence[str]
) -> dict[str, Decimal]:
    """Work out, for each fiscal year that goes on, what its closed periods are short of their plans.

    Parameters
    ----------
    plan : AnnualPlan
        Targets.
    calendar : FiscalCalendar
        Says which periods make a year.
    booked : mapping of str to Decimal
        Bookings of the closed periods.
    left : sequence of str
        Periods that are left.

    Returns
    -------
    dict of str to Decimal
        By year; below zero where more was booked than planned. Closed periods without a target owe nothing, unless
        the year's own target and those of all its periods left are known: then the gap is the year's target less
        what is booked and what the rest is planned to bring.
    """
    out = {}
    for year in dict.fromkeys(calendar.year_of(label) for label in left):
        closed = [label for label in booked if calendar.year_of(label) == year]
        coming = [label for label in left if calendar.year_of(label) == year]
        planned = {label: plan.exact(label) for label in closed}
        whole, rest = plan.exact(year), [plan.exact(label) for label in coming]
        last = calendar.period(coming[-1]).end == calendar.period(year).end
        if closed and None in planned.values() and whole is not None and None not in rest and last:
            due = sum((amount for amount in rest if amount is not None), Decimal(0))
            out[year] = whole - sum((booked[label] for label in closed), Decimal(0)) - due
        else:
            short = [target - booked[label] for label, target in planned.items() if target is not None]
            out[year] = sum(short, Decimal(0))
    return out


def spread_gap(
    amounts: Mapping[str, Decimal], calendar: FiscalCalendar, left: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Spread the gap of each year over its periods left, in proportion to their quotas, exact to the cent.

    Parameters
    ----------
    amounts : mapping of str to Decimal
        Gap by year.
    calendar : FiscalCalendar
        Says which year a period belongs to.
    left : mapping of str to Decimal
        Quotas of the periods left.

    Returns
    -------
    dict of str to Decimal
        By period; they add up to the gaps.
    """
    out: dict[str, Decimal] = {}
    for year, gap in amounts.items():
        own = [label for label in left if calendar.year_of(label) == year]
        whole = sum((left[label] for label in own), Decimal(0))
        even = Decimal(1) / max(len(own), 1)
        targets = [gap * (left[label] / whole if whole else even) for label in own]
        parts = largest_remainder(targets, gap, CENT).multiples if own else ()
        out |= {label: part * CENT for label, part in zip(own, parts, strict=True)}
    return out
