"""From a list of adjustments to changed inputs, in one fixed order that does not depend on that of the list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models.adjust import Adjustment, DealOutcome, Faster, HandOver, Larger, Leave, Likelier, More
from spmforecast.simulate.adjusting.amounts import larger, stated
from spmforecast.simulate.adjusting.chances import likelier, outcome, paced, slipped
from spmforecast.simulate.adjusting.creation import leaving, more
from spmforecast.simulate.adjusting.people import handed_over
from spmforecast.simulate.adjusting.scopes import deals_in, streams_in
from spmforecast.simulate.adjusting.tables import Change, change_new, change_open
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.written import nearest

__all__ = ["adjusted", "check_scopes"]

_ORDER = (Faster, Likelier, More, Larger, DealOutcome, Leave, HandOver)
"""First what changes tables, last what changes names: scopes speak of owners as they are today."""


def adjusted(inputs: SimulationInputs, adjustments: Sequence[Adjustment], horizon: Horizon) -> SimulationInputs:
    """Apply adjustments to what a simulation needs; people who are hired are there already.

    Parameters
    ----------
    inputs : SimulationInputs
        Of the model that :func:`~spmforecast.simulate.adjusting.people.with_people` gave.
    adjustments : sequence of Adjustment
        In any order; those of one kind multiply.
    horizon : Horizon
        Days and periods to come.

    Returns
    -------
    SimulationInputs

    Raises
    ------
    InputError
        If a deal is not open.
    """
    for kind in _ORDER:
        for one in sorted((one for one in adjustments if isinstance(one, kind)), key=_rank):
            inputs = _apply(inputs, one, horizon)
    return inputs


def _rank(one: Adjustment) -> tuple[bool, str]:
    """Put what is added behind what is multiplied, and all else in an order that does not depend on the list's."""
    return _adds(one), repr(one)


def _adds(one: Adjustment) -> bool:
    """Tell whether an adjustment adds to a figure."""
    match one:
        case Likelier():
            return one.points != 0
        case Larger():
            return one.amount != 0
        case More():
            return one.count != 0
        case _:
            return False


def _apply(inputs: SimulationInputs, one: Adjustment, horizon: Horizon) -> SimulationInputs:
    match one:
        case Likelier():
            return _everywhere(inputs, one, likelier(one, horizon))
        case Faster():
            return _everywhere(inputs, one, paced(one, horizon))
        case More():
            return more(inputs, one, horizon)
        case Larger():
            return larger(inputs, one, horizon)
        case DealOutcome():
            return _deal(inputs, one, horizon)
        case Leave():
            return handed_over(leaving(inputs, one, horizon), one, horizon)
        case HandOver():
            return handed_over(inputs, one, horizon)
        case _:
            return inputs


def _everywhere(inputs: SimulationInputs, one: Likelier | Faster, change: Change) -> SimulationInputs:
    """Change the tables of open deals and of deals to come alike."""
    inputs = change_open(inputs, deals_in(inputs, one.scope), change)
    return change_new(inputs, streams_in(inputs, one.scope), change)


def _deal(inputs: SimulationInputs, one: DealOutcome, horizon: Horizon) -> SimulationInputs:
    ids = inputs.open_deals.ids
    if one.opportunity_id not in ids:
        near = nearest(one.opportunity_id, ids)
        mend = f"Did you mean {near}?" if near else "Name a deal that is open at the as-of date."
        told = "no open deal has this id"
        raise InputError(Problem("assumptions", told, mend, column="opportunity_id", value=one.opportunity_id))
    row = ids.index(one.opportunity_id)
    change = slipped(one.slip_days, horizon) if one.outcome is None else outcome(one, horizon)
    return stated(change_open(inputs, np.array([row]), change), one, row)


def check_scopes(frame: pd.DataFrame, deals: pd.DataFrame, adjustments: Sequence[Adjustment]) -> None:
    """Refuse scopes that name what cells do not have, or a value that neither a cell nor a deal of the record has.

    Raises
    ------
    InputError
        With all of them at once.
    """
    problems: list[Problem] = []
    for one in adjustments:
        scope = getattr(one, "scope", None)
        for name, values in ({} if scope is None else scope.where).items():
            problems += _wrong_scope(frame, deals, name, values)
    if problems:
        raise InputError(problems)


def _wrong_scope(frame: pd.DataFrame, deals: pd.DataFrame, name: str, values: Sequence[str]) -> list[Problem]:
    if name not in frame or name in ("part", "period"):
        known = [str(column) for column in frame if column not in ("part", "period")]
        near = nearest(name, known)
        mend = f"Did you mean {near}?" if near else f"Use one of {', '.join(known)}, or add it to levels."
        return [Problem("assumptions", "cells have no such attribute", mend, column="where", value=name)]
    there = {str(value) for table in (frame, deals) if name in table for value in table[name].dropna().unique()}
    problems = []
    for value in map(str, values):
        if value not in there:
            near = nearest(value, there)
            mend = f"Did you mean {near}?" if near else f"Known are {', '.join(sorted(there)[:8])}."
            problems.append(
                Problem("assumptions", f"no deal has this {name}", mend, column=f"where.{name}", value=value)
            )
    return problems
