"""Assumptions of the last forecast that events have overtaken: what became of them stands in the record."""

from __future__ import annotations

from dataclasses import replace

from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.scenario.assumed_days import is_past
from spmforecast.scenario.assuming import told_assumptions
from spmforecast.scenario.keys import AssumptionKeys
from spmforecast.scenario.schema import Scenario

__all__ = ["still_assumed"]


def still_assumed(scenario: Scenario, model: FittedPipeline | FittedBookings) -> tuple[Scenario, tuple[str, ...]]:
    """Leave out what is assumed of days that have passed, deals that are closed and people who have left.

    Parameters
    ----------
    scenario : Scenario
        As of the new date.
    model : FittedPipeline or FittedBookings
        Fitted to what is known then.

    Returns
    -------
    tuple of Scenario and tuple of str
        The scenario with what can still come true; and a line for each assumption that is left out. Whoever is hired
        later keeps the name that the last forecast gave.
    """
    as_of, every = scenario.keys.as_of, scenario.keys.assumptions
    kept = tuple(one for one in every if not is_past(one, as_of) and not _settled(one, model))
    gone = [line for one, line in zip(every, told_assumptions(every), strict=True) if one not in kept]
    notes = tuple(f"overtaken by events, and no longer assumed: {line}" for line in gone)
    return replace(scenario, keys=scenario.keys.model_copy(update={"assumptions": kept})), notes


def _settled(one: AssumptionKeys, model: FittedPipeline | FittedBookings) -> bool:
    """Tell whether the record knows how a deal ended, or that somebody has left."""
    history = model.history
    if one.deal is not None:
        deals = history.opportunities
        ended = deals.loc[deals["status"].isin(["won", "lost"]), "opportunity_id"].astype(str)
        return one.deal.opportunity_id in set(ended)
    if one.leave is not None and one.leave.rep_id not in model.roster.owners:
        return one.leave.rep_id in set(history.reps["rep_id"].astype(str))
    return False
