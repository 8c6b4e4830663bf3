"""More or fewer deals to come: streams tilted by cohort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spmforecast.models.adjust import Leave, More
from spmforecast.simulate.adjusting.scopes import period_shares, streams_in
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import SimulationInputs

__all__ = ["expected_deals", "leaving", "more"]

Array = npt.NDArray[np.float64]


def expected_deals(inputs: SimulationInputs) -> Array:
    """Deals that each stream is expected to create in each cohort if nobody leaves, shape (streams, cohorts)."""
    new = inputs.new_deals
    by_seller = np.concatenate([new.created[:, -1], new.vacant])
    made = by_seller[new.cells.seller] * new.cells.share[:, None]
    return np.asarray(made if new.cells.tilt is None else made * new.cells.tilt)


def more(inputs: SimulationInputs, adjustment: More, horizon: Horizon) -> SimulationInputs:
    """Multiply the deals that the named streams create, or add a number of them to each period."""
    rows = streams_in(inputs, adjustment.scope)
    if not len(rows):
        return inputs
    share = period_shares(adjustment.scope, horizon)
    factor = np.full(len(share), adjustment.factor)
    if adjustment.count:
        made = expected_deals(inputs)[rows].sum(axis=0)
        factor += np.divide(adjustment.count, made, out=np.zeros_like(made), where=made > 1e-12)
    factor = np.maximum(1.0 + (factor - 1.0) * share, 0.0)
    cells = inputs.new_deals.cells
    tilt = np.ones((len(cells.ids), len(share))) if cells.tilt is None else cells.tilt.copy()
    tilt[rows] *= factor
    return replace(inputs, new_deals=replace(inputs.new_deals, cells=replace(cells, tilt=tilt)))


def leaving(inputs: SimulationInputs, adjustment: Leave, horizon: Horizon) -> SimulationInputs:
    """Let a rep create nothing from a day on; who leaves earlier in a trial is succeeded as usual."""
    new = inputs.new_deals
    if adjustment.rep_id not in new.cells.sellers:
        return inputs
    seller = new.cells.sellers.index(adjustment.rep_id)
    number = int(np.datetime64(adjustment.day, "D").astype(np.int64))
    last = int(np.clip(number - horizon.days[0], 0, len(horizon.days)))
    created = new.created.copy()
    created[seller, last:] = created[seller, last]
    ends = np.full(len(created), len(horizon.days)) if new.ends is None else new.ends.copy()
    ends[seller] = last
    return replace(inputs, new_deals=replace(new, created=created, ends=ends))
