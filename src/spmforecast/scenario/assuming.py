"""From the assumptions of a scenario to adjustments, each kind at its own place; names are checked against the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from spmforecast.data import NONE
from spmforecast.data.dimensions import top_parents
from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.adjust import (
    Adjustment,
    Attrition,
    DealOutcome,
    Faster,
    HandOver,
    Hire,
    Larger,
    Leave,
    Likelier,
    More,
    Ramp,
    Scope,
)
from spmforecast.scenario.assumed_names import wrong_names
from spmforecast.scenario.inherit import OVERRIDES
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.schema import Scenario

__all__ = ["adjustments_of", "assumption_notes", "hire_names", "told_assumptions"]


def adjustments_of(scenario: Scenario, model: FittedPipeline | FittedBookings) -> list[Adjustment]:
    """Translate assumptions.

    Parameters
    ----------
    scenario : Scenario
        The question; its messages name lines.
    model : FittedPipeline
        The fit, against which names are checked.

    Returns
    -------
    list of Adjustment

    Raises
    ------
    InputError
        With every rep, territory, deal and attribute that is not known, at once; and where bookings alone are recorded.
    """
    problems: list[Problem] = []
    out: list[Adjustment] = []
    every, places = _placed(scenario)
    names = hire_names(every)
    hired = {name for place in places for name in names.get(place, ())}
    absent = {name for each in names.values() for name in each} - hired
    for place, one in zip(places, scenario.keys.assumptions, strict=True):
        if one.kind in OVERRIDES:
            continue
        if isinstance(model, FittedBookings):
            reason, mend = "needs deals, and bookings alone are recorded", "Take the assumption out."
            problems.append(scenario.written.problem(("assumptions", place, one.kind), reason, mend))
            continue
        told = wrong_names(scenario, place, one, model, hired | absent)
        problems += told
        if not told:
            out += _without(_translated(one, model, names.get(place, [])), absent)
    if problems:
        raise InputError(problems)
    return out


def _placed(scenario: Scenario) -> tuple[list[AssumptionKeys], list[int]]:
    """List all assumptions that are written down, and the place of each that is made; those of others come last."""
    every = list(scenario.every)
    places: list[int] = []
    for one in scenario.keys.assumptions:
        here = [place for place, other in enumerate(every) if other == one and place not in places]
        places.append(here[0] if here else len(every))
        every += [] if here else [one]
    return every, places


def hire_names(every: Sequence[AssumptionKeys]) -> dict[int, list[str]]:
    """Name those to be hired by their territory and a number in order of their start, whichever hires are made.

    Returns
    -------
    dict of int to list of str
        By the place of the assumption.
    """
    hires = [(place, one.hire) for place, one in enumerate(every) if one.hire is not None]
    number: dict[str, int] = {}
    out: dict[int, list[str]] = {}
    for place, hire in sorted(hires, key=lambda pair: (pair[1].start, pair[0])):
        first = number.get(hire.territory_id, 0) + 1
        number[hire.territory_id] = first + hire.count - 1
        out[place] = [f"{hire.territory_id} hire {first + more}" for more in range(hire.count)]
    return out


def _without(adjustments: list[Adjustment], absent: set[str]) -> list[Adjustment]:
    """Leave out what is said of people whose hire is not assumed this time."""
    out: list[Adjustment] = []
    for one in adjustments:
        match one:
            case Leave() if one.rep_id in absent:
                pass
            case Leave() if one.heir in absent:
                out.append(replace(one, heir=None))
            case HandOver() if one.to in absent:
                pass
            case Likelier() | Faster() | Larger() | More() | HandOver():
                where = {name: tuple(v for v in values if v not in absent) for name, values in one.scope.where.items()}
                if all(where.values()):
                    out.append(replace(one, scope=replace(one.scope, where=where)))
            case _:
                out.append(one)
    return out


def told_assumptions(assumptions: Sequence[AssumptionKeys]) -> list[str]:
    """Say each assumption in one line, for run.json and the report."""
    return [f"{one.label}: {_figures(one)}{_when(one)}" for one in assumptions]


def assumption_notes(assumptions: Sequence[AssumptionKeys], mixed: bool) -> list[str]:
    """Say what was supposed, wherever an answer rests on it."""
    told = [f"assumed: {line}" for line in told_assumptions(assumptions)]
    if told and mixed:
        told.append(
            "the rival that is mixed in knows nothing of the assumptions, so they weigh as much as the model does"
        )
    return told


def _figures(one: AssumptionKeys) -> str:
    value = getattr(one, one.kind)
    if isinstance(value, str):
        return value
    given = value if isinstance(value, dict) else value.model_dump(exclude_unset=True)
    plain = {key.replace("_", " "): f"{part:g}" if isinstance(part, float) else part for key, part in given.items()}
    return ", ".join(f"{key} {part}" for key, part in plain.items())


def _when(one: AssumptionKeys) -> str:
    since = f", from {one.since}" if one.since else ""
    return since + (f", until {one.until}" if one.until else "")


def _scope(one: AssumptionKeys) -> Scope:
    def day(value: object) -> pd.Timestamp | None:
        return None if value is None else pd.Timestamp(str(value))

    return Scope(dict(one.where), day(one.since), day(one.until))


def _translated(one: AssumptionKeys, model: FittedPipeline, names: Sequence[str]) -> list[Adjustment]:
    scope = _scope(one)
    if one.win_rate is not None:
        return [Likelier(_multiplied(one.win_rate.multiply), one.win_rate.add or 0.0, scope)]
    if one.deal_size is not None:
        return [Larger(_multiplied(one.deal_size.multiply), one.deal_size.add or 0.0, scope)]
    if one.creation is not None:
        return [More(_multiplied(one.creation.multiply), one.creation.add or 0.0, scope)]
    if one.cycle_length is not None:
        return [Faster(one.cycle_length.multiply, scope)]
    if one.price is not None:
        price = 1.0 + one.price.change
        return [Larger(price, scope=scope), Likelier(price**one.price.elasticity, scope=scope)]
    if one.market is not None:
        creation, win_rate = (
            _multiplied(part if one.market.multiply is None else one.market.multiply)
            for part in (one.market.creation, one.market.win_rate)
        )
        return [More(creation, scope=scope), Likelier(win_rate, scope=scope)]
    if one.activity is not None:
        return [More(one.activity.multiply**one.activity.elasticity, scope=scope)]
    if one.reassign is not None:
        return [HandOver(one.reassign.to, scope)]
    return _people(one, model, names)


def _people(one: AssumptionKeys, model: FittedPipeline, names: Sequence[str]) -> list[Adjustment]:
    if one.hire is not None:
        territory = one.hire.territory_id
        region, manager = _place(model, territory)
        return [Hire(name, pd.Timestamp(one.hire.start), territory, region, manager) for name in names]
    if one.leave is not None:
        return [Leave(one.leave.rep_id, pd.Timestamp(one.leave.start), one.leave.to)]
    if one.ramp is not None:
        return [Ramp(one.ramp.multiply)]
    if one.attrition is not None:
        return [Attrition(_multiplied(one.attrition.multiply), one.attrition.annual)]
    if one.deal is not None:
        day = None if one.deal.date is None else pd.Timestamp(one.deal.date)
        deal = one.deal
        return [DealOutcome(deal.opportunity_id, deal.outcome, day, deal.amount, deal.slip_days or 0)]
    return []


def _multiplied(value: float | None) -> float:
    return 1.0 if value is None else value


def _place(model: FittedPipeline, territory: str) -> tuple[str, str]:
    """Region and manager of a territory, from those who stand there, else from the table of territories."""
    places = model.roster.places
    here = places[places["territory_id"].astype(str) == territory]
    if len(here):
        return str(here["region"].iloc[0]), str(here["manager_id"].mode().iloc[0])
    return str(top_parents(model.history.territories).get(territory, territory)), NONE
