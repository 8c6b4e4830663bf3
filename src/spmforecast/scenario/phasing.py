"""A year's plan over its quarters or months, as the scenario decides: by the learnt season, by days, by shares."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import Period
from spmforecast.data import History
from spmforecast.display import money, percent
from spmforecast.errors import InputError
from spmforecast.models.bookings.ledger import booking_lines
from spmforecast.plan import AnnualPlan
from spmforecast.plan.phasing import learn_season, phase
from spmforecast.scenario.fitting import without_deals
from spmforecast.scenario.schema import Scenario

__all__ = ["phased_plan"]

Array = npt.NDArray[np.float64]
_COMPANY = ("company", "company")


def phased_plan(scenario: Scenario, plan: AnnualPlan, history: History) -> tuple[AnnualPlan, tuple[str, ...]]:
    """Give the periods of a scenario that have no target their part of the year's, or the quarter's, that has one.

    Parameters
    ----------
    scenario : Scenario
        With `phasing`; without, the plan stays as it is.
    plan : AnnualPlan
        Targets as given.
    history : History
        As known at the scenario's date: it shows the season, and what closed periods have booked.

    Returns
    -------
    plan : AnnualPlan
        With the company's targets of the periods; what is given stays, and parts sum to it to the cent. With
        ``reallocate`` that share of what closed periods have missed is added to those to come, in proportion (what
        they have booked beyond target is taken off).
    notes : tuple of str
        What was phased, and how.

    Raises
    ------
    InputError
        If the season cannot be learnt, or shares are not as many as a year has periods.
    """
    keys = scenario.keys.phasing
    if keys is None:
        return plan, ()
    won = _won(history)
    weights = _weights(scenario, won)
    notes = []
    for whole in _wholes(scenario, plan):
        parts = scenario.calendar.periods(whole.start, whole.end, scenario.keys.period)
        made = _phased(plan, whole, parts, weights)
        if made:
            targets = {one.label: amount for one in parts if (amount := plan.exact(one.label)) is not None}
            moved = _reallocated(made, {**targets, **made}, parts, won, scenario)
            plan = AnnualPlan(plan.calendar, {**plan.given, **{(label, *_COMPANY): moved[label] for label in moved}})
            told = ", ".join(f"{label} {money(float(amount))}" for label, amount in moved.items())
            notes.append(f"plan of {whole.label} phased {_how(scenario)}: {told}")
    return plan, tuple(notes)


def _how(scenario: Scenario) -> str:
    keys = scenario.keys.phasing
    assert keys is not None
    by = {"season": "by the season of past years", "days": "by days"}
    told = by[keys.by] if isinstance(keys.by, str) else "by the shares given"
    return told + (f", {percent(keys.reallocate)} of what closed periods missed moved on" if keys.reallocate else "")


def _won(history: History) -> pd.DataFrame:
    deals = booking_lines(history) if without_deals(history) else history.deals()
    return deals[deals["status"] == "won"]


def _weights(scenario: Scenario, won: pd.DataFrame) -> Mapping[int, float] | None:
    """Weight of each period by its place in the year, or None for its days."""
    keys, kind = scenario.keys.phasing, scenario.keys.period
    assert keys is not None
    if keys.by == "days":
        return None
    wanted = 4 if kind == "quarter" else 12
    if not isinstance(keys.by, str):
        if len(keys.by) != wanted or min(keys.by) < 0 or not sum(keys.by) > 0:
            told = f"a year has {wanted} shares of at least 0, not all 0"
            raise InputError(scenario.written.problem(("phasing", "by"), told, "", str(list(keys.by))))
        return dict(enumerate(keys.by))
    try:
        learnt = learn_season(won["close_date"].to_numpy(), won["amount"].to_numpy(), scenario.calendar, kind)
    except InputError as error:
        mend = "Give shares, {by: [0.2, 0.25, 0.25, 0.3]}, or {by: days}."
        raise InputError(scenario.written.problem(("phasing", "by"), error.problems[0].reason, mend)) from error
    return dict(enumerate(learnt.tolist()))


def _wholes(scenario: Scenario, plan: AnnualPlan) -> list[Period]:
    """List the periods that touch the horizon and have a target to spread: for months quarters first, then years."""
    keys, calendar = scenario.keys, scenario.calendar
    first = pd.Timestamp(keys.as_of) + pd.Timedelta(days=1)
    quarters = calendar.periods(first, keys.until, "quarter") if keys.period == "month" else []
    years = calendar.periods(first, keys.until, "year")
    return [one for one in [*quarters, *years] if (one.label, *_COMPANY) in plan.given]


def _phased(
    plan: AnnualPlan, whole: Period, parts: list[Period], weights: Mapping[int, float] | None
) -> dict[str, Decimal]:
    """Spread what the periods that have a target leave of the whole's over those that have none."""
    known = {one.label: plan.exact(one.label) for one in parts}
    open_ = [one for one in parts if known[one.label] is None]
    rest = plan.given[whole.label, *_COMPANY] - sum((x for x in known.values() if x is not None), Decimal(0))
    if not open_ or rest <= 0:
        return {}
    year = plan.calendar.period(plan.calendar.year_of(whole.label))
    kind = plan.calendar.kind(parts[0].label)
    place = {one.label: number for number, one in enumerate(plan.calendar.periods(year.start, year.end, kind))}
    share = [float(one.days) if weights is None else weights[place[one.label]] for one in open_]
    share = share if sum(share) > 0 else [1.0] * len(share)
    return dict(zip([one.label for one in open_], phase(rest, share), strict=True))


def _reallocated(
    made: Mapping[str, Decimal],
    targets: Mapping[str, Decimal],
    parts: list[Period],
    won: pd.DataFrame,
    scenario: Scenario,
) -> dict[str, Decimal]:
    """Let the periods to come that are phased carry a share of what the closed ones have missed."""
    keys, today = scenario.keys.phasing, pd.Timestamp(scenario.keys.as_of)
    closed = [one for one in parts if one.end <= today and one.label in targets]
    coming = [one.label for one in parts if one.end > today and one.label in made]
    whole = sum((made[label] for label in coming), Decimal(0))
    if keys is None or not keys.reallocate or not closed or whole <= 0:
        return dict(made)
    booked = sum(float(won.loc[won["close_date"].between(one.start, one.end), "amount"].sum()) for one in closed)
    missed = float(sum((targets[one.label] for one in closed), Decimal(0))) - booked
    after = max(whole + Decimal(str(round(keys.reallocate * missed, 2))), Decimal(0))
    moved = phase(after, [float(made[label]) for label in coming])
    return {**made, **dict(zip(coming, moved, strict=True))}
