"""From the assumptions of a scenario to adjustments, each kind at its own place; names are checked against the data."""

from __future__ import annotations

from collections.abc import Sequence

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
from spmforecast.scenario.inherit import OVERRIDES
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate.cells import ALWAYS
from spmforecast.written import Loc, nearest

__all__ = ["adjustments_of", "assumption_notes", "told_assumptions"]


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
    hired: dict[str, int] = {}
    for index, one in enumerate(scenario.keys.assumptions):
        if one.kind in OVERRIDES:
            continue
        if isinstance(model, FittedBookings):
            reason, mend = "needs deals, and bookings alone are recorded", "Take the assumption out."
            problems.append(scenario.written.problem(("assumptions", index, one.kind), reason, mend))
            continue
        told = _wrong_names(scenario, index, one, model)
        problems += told
        if not told:
            out += _translated(one, model, hired)
    if problems:
        raise InputError(problems)
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


def _translated(one: AssumptionKeys, model: FittedPipeline, hired: dict[str, int]) -> list[Adjustment]:
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
    return _people(one, model, hired)


def _people(one: AssumptionKeys, model: FittedPipeline, hired: dict[str, int]) -> list[Adjustment]:
    if one.hire is not None:
        return _hires(one, model, hired)
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


def _hires(one: AssumptionKeys, model: FittedPipeline, hired: dict[str, int]) -> list[Adjustment]:
    """Name the people to be hired by their territory and number, so that the same hire is the same in all scenarios."""
    assert one.hire is not None
    territory = one.hire.territory_id
    region, manager = _place(model, territory)
    out: list[Adjustment] = []
    for _ in range(one.hire.count):
        hired[territory] = hired.get(territory, 0) + 1
        name = f"{territory} hire {hired[territory]}"
        out.append(Hire(name, pd.Timestamp(one.hire.start), territory, region, manager))
    return out


def _place(model: FittedPipeline, territory: str) -> tuple[str, str]:
    """Region and manager of a territory, from those who stand there, else from the table of territories."""
    places = model.roster.places
    here = places[places["territory_id"].astype(str) == territory]
    if len(here):
        return str(here["region"].iloc[0]), str(here["manager_id"].mode().iloc[0])
    return str(top_parents(model.history.territories).get(territory, territory)), NONE


def _wrong_names(scenario: Scenario, index: int, one: AssumptionKeys, model: FittedPipeline) -> list[Problem]:
    """Name reps and territories that the record does not know."""
    reps = {*map(str, model.creation.owners), *map(str, model.history.reps["rep_id"])}
    places = {*map(str, model.roster.places["territory_id"]), *map(str, model.history.territories["territory_id"])}
    asked: list[tuple[tuple[str, ...], str, set[str], str]] = []
    if one.hire is not None:
        asked.append((("hire", "territory_id"), one.hire.territory_id, places, "territory"))
    if one.leave is not None:
        asked.append((("leave", "rep_id"), one.leave.rep_id, reps, "rep"))
        asked += [] if one.leave.to is None else [(("leave", "to"), one.leave.to, reps, "rep")]
    if one.reassign is not None:
        asked.append((("reassign", "to"), one.reassign.to, reps, "rep"))
    if one.deal is not None:
        rows = model.stays.deal[model.stays.open_now]
        known = set(map(str, model.deals["opportunity_id"].iloc[rows]))
        asked.append((("deal", "opportunity_id"), one.deal.opportunity_id, known, "open deal"))
    problems = []
    for keys, name, known, what in asked:
        if name not in known:
            near = nearest(name, known)
            mend = f"Did you mean {near}?" if near else f"Name one of the record, such as {min(known, default='')}."
            loc: Loc = ("assumptions", index, *keys)
            problems.append(scenario.written.problem(loc, f"the record knows no such {what}", mend, name))
    return problems + _wrong_scope(scenario, index, one, model)


def _wrong_scope(scenario: Scenario, index: int, one: AssumptionKeys, model: FittedPipeline) -> list[Problem]:
    """Name attributes that the draws are not told apart by, and values that no deal has."""
    attributes = list(dict.fromkeys(["owner_id", "manager_id", *ALWAYS, *scenario.keys.levels]))
    problems = []
    for name, values in one.where.items():
        loc = ("assumptions", index, "where", name)
        if name not in attributes:
            near = nearest(name, attributes)
            add = f"Add {name} to levels." if name in model.deals else f"Use one of: {', '.join(attributes)}."
            mend = f"Did you mean {near}?" if near else add
            problems.append(scenario.written.problem(loc, "draws are not told apart by this attribute", mend, name))
            continue
        known = _known_values(model, name)
        for value in values:
            if value not in known:
                near = nearest(value, known)
                mend = f"Did you mean {near}?" if near else f"Known are: {', '.join(sorted(known)[:8])}."
                problems.append(scenario.written.problem(loc, f"no deal has this {name}", mend, value))
    return problems


def _known_values(model: FittedPipeline, name: str) -> set[str]:
    """Values that an attribute has; owners are those who sell or have open deals, as others have no future here."""
    deals = model.deals
    if name in ("owner_id", "manager_id"):
        deals = deals.iloc[model.stays.deal[model.stays.open_now]]
    known = set(deals[name].astype(object).astype(str)) if name in deals else set()
    known |= set(model.roster.places[name].astype(str)) if name in model.roster.places else set()
    return known | (set(model.roster.owners) if name == "owner_id" else set())
