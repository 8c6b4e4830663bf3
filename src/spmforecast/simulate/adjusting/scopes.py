"""Who and when: the open deals, streams of deals to come and periods that a scope means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.adjust import Scope
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import SimulationInputs

__all__ = ["cells_in", "day_flags", "deals_in", "period_shares", "streams_in"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def cells_in(frame: pd.DataFrame, scope: Scope) -> Mask:
    """Mark the cells whose attributes a scope names, whatever its dates; shape (cells,)."""
    inside = np.ones(len(frame), dtype=bool)
    for name, values in scope.where.items():
        inside &= frame[name].astype(object).astype(str).isin([str(value) for value in values]).to_numpy()
    return inside


def deals_in(inputs: SimulationInputs, scope: Scope) -> npt.NDArray[np.int64]:
    """Rows of the open deals that a scope names, by the attributes of their cells."""
    inside = cells_in(inputs.plan.frame, scope)
    return np.flatnonzero(inside[inputs.open_deals.column]) if len(inputs.open_deals.ids) else np.zeros(0, np.int64)


def streams_in(inputs: SimulationInputs, scope: Scope) -> npt.NDArray[np.int64]:
    """Rows of the streams of deals to come that a scope names."""
    cells = inputs.new_deals.cells
    inside = cells_in(inputs.plan.frame, scope)
    return np.flatnonzero(inside[cells.column]) if len(cells.ids) else np.zeros(0, np.int64)


def day_flags(scope: Scope, horizon: Horizon) -> Array:
    """Tell of each day to come whether a scope holds on it, 0 or 1; shape (days,)."""
    inside = np.ones(len(horizon.days))
    if scope.since is not None:
        inside[horizon.days < _number(scope.since)] = 0.0
    if scope.until is not None:
        inside[horizon.days > _number(scope.until)] = 0.0
    return inside


def period_shares(scope: Scope, horizon: Horizon) -> Array:
    """Share of each period's days to come on which a scope holds, shape (periods,)."""
    count = np.bincount(horizon.cell, minlength=len(horizon.periods))
    return np.asarray(np.bincount(horizon.cell, weights=day_flags(scope, horizon), minlength=len(count)) / count)


def _number(day: pd.Timestamp) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))
