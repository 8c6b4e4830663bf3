"""People who come, leave or take over: changes of the fitted roster, and of whose name cells carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.adjust import Adjustment, Attrition, HandOver, Hire, Leave, Ramp, Scope
from spmforecast.models.capacity import RAMP_MONTHS
from spmforecast.models.capacity import Attrition as Leaving
from spmforecast.simulate.adjusting.scopes import cells_in
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import SimulationInputs

__all__ = ["PEOPLE", "handed_over", "with_people"]

Array = npt.NDArray[np.float64]

PEOPLE = (Hire, Ramp, Attrition)
"""Adjustments that change the fit itself; all others change what is made of it."""

_CERTAIN = 1e6  # shape of a hazard without doubt
_NEVER = 1e-15  # hazard per day at which nobody leaves
_OPEN = ("open",)
_COMING = ("open", "new")


_Model = TypeVar("_Model", FittedPipeline, FittedBookings, FittedPipeline | FittedBookings)


def with_people(model: _Model, adjustments: Sequence[Adjustment]) -> _Model:
    """Return the fit with other people: those hired, other ramps, another rate of leaving."""
    if isinstance(model, FittedBookings):
        return model
    for one in sorted(adjustments, key=_rank):
        if isinstance(one, Hire):
            model = _hired(model, one)
        elif isinstance(one, Ramp):
            ramp = _stretched(model.creation.ramp, one.factor)
            model = replace(model, creation=replace(model.creation, ramp=ramp))
        elif isinstance(one, Attrition):
            model = replace(model, attrition=_leaving(model, one))
    return model


def _rank(one: Adjustment) -> tuple[bool, str]:
    """Put rates of leaving that are multiplied behind one that is set, whatever the order of the list."""
    return isinstance(one, Attrition) and one.annual is None, repr(one)


def _hired(model: FittedPipeline, hire: Hire) -> FittedPipeline:
    """Put somebody on the roster; those who are there keep their places and order."""
    roster = model.roster
    place = {"territory_id": hire.territory_id, "region": hire.region, "manager_id": hire.manager_id}
    places = pd.concat([roster.places, pd.DataFrame(place, index=[hire.rep_id], dtype=object)])
    hired = np.append(roster.hired, np.datetime64(hire.start, "D").astype(np.int64))
    return replace(model, roster=replace(roster, owners=(*roster.owners, hire.rep_id), places=places, hired=hired))


def _stretched(ramp: Array, factor: float) -> Array:
    """Read a ramp at other months: with a factor of two, the fourth month is as the second was.

    Whoever is past the table is ramped all the same, so that a slow ramp is cut there.
    """
    months = np.arange(RAMP_MONTHS + 1)
    return np.where(months < RAMP_MONTHS, np.interp(months / factor, months, ramp), ramp[-1])


def _leaving(model: FittedPipeline, adjustment: Attrition) -> Leaving:
    """Change the hazard of leaving; where the record holds no leave, a yearly share makes it known without doubt."""
    attrition = model.attrition
    if adjustment.annual is None:
        return replace(attrition, rate=attrition.rate / adjustment.factor) if adjustment.factor > 0 else _none(model)
    if adjustment.annual <= 0:
        return _none(model)
    hazard = -np.log1p(-adjustment.annual) / 365.25
    shape = attrition.shape if attrition.shape > 0 else _CERTAIN
    return replace(attrition, shape=shape, rate=shape / hazard)


def _none(model: FittedPipeline) -> Leaving:
    """Let nobody leave; seats that are vacant today are filled all the same."""
    attrition = model.attrition
    return attrition if attrition.shape == 0 else replace(attrition, shape=_CERTAIN, rate=_CERTAIN / _NEVER)


def handed_over(inputs: SimulationInputs, adjustment: Leave | HandOver, horizon: Horizon) -> SimulationInputs:
    """Let cells carry another owner's name from the period that holds the day on.

    What is won in the period of the day itself goes to whoever has the deals at its end.
    """
    parts: tuple[str, ...]
    if isinstance(adjustment, Leave):
        scope, heir, parts = Scope({"owner_id": (adjustment.rep_id,)}, adjustment.day), adjustment.heir, _OPEN
    else:
        scope, heir, parts = adjustment.scope, adjustment.to, _COMING
    if heir is None:
        return inputs
    frame = inputs.plan.frame
    since = horizon.days[0] if scope.since is None else int(np.datetime64(scope.since, "D").astype(np.int64))
    until = horizon.days[-1] if scope.until is None else int(np.datetime64(scope.until, "D").astype(np.int64))
    ends = [int(np.datetime64(period.end, "D").astype(np.int64)) for period in horizon.periods]
    labels = [
        period.label
        for period, end in zip(horizon.periods, ends, strict=True)
        if since <= end and end <= max(until, since)
    ]
    moved = cells_in(frame, scope) & frame["part"].isin(parts).to_numpy() & frame["period"].isin(labels).to_numpy()
    named = frame.assign(owner_id=frame["owner_id"].where(~moved, heir))
    manager = frame.loc[frame["owner_id"] == heir, "manager_id"]
    if len(manager):
        named["manager_id"] = frame["manager_id"].where(~moved, manager.iloc[0])
    return replace(inputs, plan=replace(inputs.plan, frame=named))
