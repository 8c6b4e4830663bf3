"""Hiring in a scenario: how many, where and from when, asked with a few keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from spmforecast.errors import InputError
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.capacity import MONTH_DAYS
from spmforecast.scenario.keys import HiringKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

if TYPE_CHECKING:
    from spmforecast.optimize import HireLaw, HiringPlan

__all__ = ["HiringAnswer", "hiring_of", "hiring_tables"]

Model = FittedPipeline | FittedBookings
_LEVELS = {"region": "region", "territory": "territory_id", "manager": "manager_id"}
_STARTS = 4


@dataclass(frozen=True)
class HiringAnswer:
    """What hires do, and the laws that it rests on.

    Parameters
    ----------
    plan : HiringPlan
        The answer.
    laws : mapping of str to HireLaw
        By place; one, under the empty name, where places are not told apart.
    """

    plan: HiringPlan
    laws: Mapping[str, HireLaw]

    def told(self) -> str:
        """Say in words what a hire is taken to bring."""
        one = next(iter(self.laws.values()))
        monthly = sorted(law.monthly for law in self.laws.values())
        books = f"{monthly[0]:,.0f}" if len(monthly) == 1 else f"{monthly[0]:,.0f} to {monthly[-1]:,.0f} by place"
        ramp = sum(1 for share in one.ramp if share < 1)
        stay = "nobody leaves"
        if one.hazard > 0:
            stay = f"{100 * one.hazard:.1f} % leave in a month and "
            stay += (
                "are not replaced"
                if one.backfill_months is None
                else (f"are replaced after {one.backfill_months * MONTH_DAYS:.0f} days by somebody who ramps anew")
            )
        lag, delay = (months * MONTH_DAYS for months in (one.lag_months, one.delay_months))
        return (
            f"A ramped hire books {books} a month, as {one.note} do; the ramp takes {ramp} months, bookings follow "
            f"work by {lag:.0f} days, a seat is filled after {delay:.0f} days on average; {stay}. "
            "Carried quota is the customary arithmetic: hires × ramped months × a month's bookings."
        )


def hiring_of(
    scenario: Scenario, model: Model, forecast: Forecast, targets: Mapping[str, float]
) -> HiringAnswer | None:
    """Answer the scenario's question on hiring; None where it asks none.

    Parameters
    ----------
    scenario : Scenario
        The question.
    model : FittedPipeline or FittedBookings
        The fit.
    forecast : Forecast
        Its draws.
    targets : mapping of str to float
        Company targets by period.

    Returns
    -------
    HiringAnswer or None

    Raises
    ------
    InputError
        If the period is not reached or has no target.
    """
    keys = scenario.keys.hiring
    if keys is None:
        return None
    from spmforecast.optimize import plan_hiring  # few scenarios ask for it

    period = keys.by or _last(scenario, targets)
    _check(scenario, forecast, period)
    target = keys.target if keys.target is not None else targets.get(period)
    if target is None:
        told, mend = "there is no target to reach", "Give target under hiring, or a plan for the period."
        raise InputError(scenario.written.problem(("hiring",), told, mend, period))
    laws = _laws(keys, model, forecast)
    starts = keys.starts or _months(scenario, forecast, period)
    seed = scenario.keys.simulate.seed
    plan = plan_hiring(forecast, period, target, laws, starts, keys.wanted, keys.most, seed)
    return HiringAnswer(plan, laws)


def _last(scenario: Scenario, targets: Mapping[str, float]) -> str:
    """Return the last period to come that has a target."""
    calendar, today = scenario.calendar, pd.Timestamp(scenario.keys.as_of)
    kind = scenario.keys.period
    coming = [one for one in targets if calendar.kind(one) == kind and calendar.period(one).end > today]
    if not coming:
        told, mend = "no period to come has a target", "Say by which period, and give target."
        raise InputError(scenario.written.problem(("hiring",), told, mend))
    return max(coming, key=lambda one: calendar.period(one).end)


def _check(scenario: Scenario, forecast: Forecast, period: str) -> None:
    try:
        forecast.period_draws(period)
    except InputError as error:
        told = error.problems[0]
        raise InputError(scenario.written.problem(("hiring", "by"), told.reason, told.mend, period)) from error


def _laws(keys: HiringKeys, model: Model, forecast: Forecast) -> dict[str, HireLaw]:
    """Learn what a hire brings, by place where asked."""
    from spmforecast.optimize import learn_hire_law

    delay = keys.delay_days / MONTH_DAYS
    owners = list(model.roster.owners)
    places = {"": owners}
    if keys.where is not None:
        column = model.roster.places.reindex(owners)[_LEVELS[keys.where]].astype(str)
        places = {
            place: [o for o, own in zip(owners, column, strict=True) if own == place] for place in sorted(set(column))
        }
    laws = {
        place: learn_hire_law(model, forecast, delay, reps=reps, replaced=keys.replace_leavers)
        for place, reps in places.items()
    }
    if keys.lag_days is None:
        return laws
    return {place: replace(law, lag_months=keys.lag_days / MONTH_DAYS) for place, law in laws.items()}


def _months(scenario: Scenario, forecast: Forecast, period: str) -> list[pd.Timestamp]:
    """Propose the first days of the next months as starts, as far as they lie before the period's end."""
    first = pd.Timestamp(scenario.keys.as_of) + pd.Timedelta(days=1)
    days = [first + pd.DateOffset(months=step) for step in range(_STARTS)]
    return [day for day in days if day <= forecast.calendar.period(period).end]


def hiring_tables(answer: HiringAnswer) -> dict[str, pd.DataFrame]:
    """Make ``hiring.csv``, ``hiring_curve.csv`` and ``hiring_delay.csv``."""
    plan = answer.plan
    needed = plan.needed.assign(period=plan.period, target=plan.target, wanted=plan.wanted)
    tables = {"hiring": needed, "hiring_curve": plan.curve, "hiring_delay": plan.delay}
    return {name: table.assign(start=table["start"].dt.strftime("%Y-%m-%d")) for name, table in tables.items()}
