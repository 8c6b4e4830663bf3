"""Names in assumptions, checked against the record and the fit."""

from __future__ import annotations

from collections.abc import Set

import pandas as pd

from spmforecast.errors import Problem
from spmforecast.models import FittedPipeline
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate.cells import ALWAYS
from spmforecast.written import Loc, nearest

__all__ = ["wrong_names"]


def wrong_names(
    scenario: Scenario, index: int, one: AssumptionKeys, model: FittedPipeline, hired: Set[str]
) -> list[Problem]:
    """Name what an assumption speaks of and the record does not know.

    Parameters
    ----------
    scenario : Scenario
        For the lines of messages.
    index : int
        Place of the assumption.
    one : AssumptionKeys
        What is assumed.
    model : FittedPipeline
        The fit.
    hired : set of str
        Those who are supposed to be hired.

    Returns
    -------
    list of Problem
        Reps, territories, open deals, attributes and values.
    """
    selling = {*model.roster.owners, *_open_deals(model)["owner_id"].astype(str), *hired}
    reps = {*selling, *map(str, model.creation.owners), *map(str, model.history.reps["rep_id"])}
    places = {*map(str, model.roster.places["territory_id"]), *map(str, model.history.territories["territory_id"])}
    asked: list[tuple[tuple[str, ...], str, set[str], str]] = []
    if one.hire is not None:
        asked.append((("hire", "territory_id"), one.hire.territory_id, places, "territory"))
    if one.leave is not None:
        asked.append((("leave", "rep_id"), one.leave.rep_id, selling, "rep who sells"))
        asked += [] if one.leave.to is None else [(("leave", "to"), one.leave.to, reps, "rep")]
    if one.reassign is not None:
        asked.append((("reassign", "to"), one.reassign.to, reps, "rep"))
    if one.deal is not None:
        known = set(map(str, _open_deals(model)["opportunity_id"]))
        asked.append((("deal", "opportunity_id"), one.deal.opportunity_id, known, "open deal"))
    problems = []
    for keys, name, known, what in asked:
        if name not in known:
            loc: Loc = ("assumptions", index, *keys)
            told, mend = _unknown(name, known, what, model, hired)
            problems.append(scenario.written.problem(loc, told, mend, name))
    return problems + _wrong_scope(scenario, index, one, model, hired)


def _unknown(name: str, known: Set[str], what: str, model: FittedPipeline, hired: Set[str]) -> tuple[str, str]:
    """Say what is wrong with a name that is not among those known, and how to mend it."""
    if what == "open deal":
        status = model.deals.loc[model.deals["opportunity_id"].astype(str) == name, "status"]
        if status.isin(["won", "lost"]).any():
            return f"this deal was {status.iloc[0]} by as_of already", "Take the assumption out, or name an open deal."
    if what == "rep who sells" and name in set(map(str, model.history.reps["rep_id"])):
        return "this rep no longer sells at as_of, or never did", "Take the assumption out, or name one who sells."
    near = nearest(name, known)
    usual = min(known & set(model.roster.owners) or known - hired or known, default="")
    mend = f"Did you mean {near}?" if near else f"Name one of the record, such as {usual}."
    return f"the record knows no such {what}", mend


def _open_deals(model: FittedPipeline) -> pd.DataFrame:
    return model.deals.iloc[model.stays.deal[model.stays.open_now]]


def _wrong_scope(
    scenario: Scenario, index: int, one: AssumptionKeys, model: FittedPipeline, hired: Set[str]
) -> list[Problem]:
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
        known = _known_values(model, name) | (hired if name == "owner_id" else set())
        for value in values:
            if value not in known:
                near = nearest(value, known)
                mend = f"Did you mean {near}?" if near else f"Known are: {', '.join(sorted(known)[:8])}."
                problems.append(scenario.written.problem(loc, f"no deal has this {name}", mend, value))
    return problems


def _known_values(model: FittedPipeline, name: str) -> set[str]:
    """Values that an attribute has; owners are those who sell or have open deals, as others have no future here."""
    deals = _open_deals(model) if name in ("owner_id", "manager_id") else model.deals
    known = set(deals[name].astype(object).astype(str)) if name in deals else set()
    known |= set(model.roster.places[name].astype(str)) if name in model.roster.places else set()
    return known | (set(model.roster.owners) if name == "owner_id" else set())
