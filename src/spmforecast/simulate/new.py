"""Deals to come in a block of trials: how many of each stream win, then when and for how much, one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.arrivals import Points, arrivals
from spmforecast.simulate.cohorts import Chances, Created
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.quantiles import pick
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials

__all__ = ["play_new_deals"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_SELLERS = 32  # sellers whose deals are kept while the segments go by


def play_new_deals(
    inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None], tally: Tally
) -> None:
    """Play the deals to come; arguments as in :func:`spmforecast.simulate.open.play_open_deals`."""
    cells = inputs.new_deals.cells
    created = Created(inputs, trials, shocks, _SELLERS)
    chances = Chances(inputs, trials, shocks, effects)
    for k in np.lexsort((cells.seller, cells.segment, cells.seller // _SELLERS)).tolist():
        seller, segment = int(cells.seller[k]), int(cells.segment[k])
        made = created.of(seller)
        made = made if cells.tilt is None else made * cells.tilt[k].astype(np.float32)[:, None]
        mean = chances.expected(made * np.float32(cells.share[k]), seller, segment)
        _winners(inputs, trials, k, mean, tally)


def _winners(inputs: SimulationInputs, trials: Trials, stream: int, mean: Floats, tally: Tally) -> None:
    """Draw the winners of one stream as points below the wins expected in each trial, then each one's amount."""
    cells = inputs.new_deals.cells
    steps = np.zeros((len(mean) + 1, mean.shape[1]), dtype=np.float32)
    np.cumsum(mean, axis=0, out=steps[1:])
    if 1 < steps.shape[1] < trials.count:
        steps = trials.spread(steps)
    key, most = trials.streams.key("stream", cells.ids[stream], "winner"), float(steps[-1].max())
    for points in arrivals(trials.streams, key, trials.start, trials.stop, most):
        won, period = _periods(steps, points)
        cents = inputs.money.cents(int(cells.segment[stream]) + 1, won.bits, won.trial, trials.world)
        if inputs.new_deals.resize is not None:
            cents = inputs.new_deals.resize.of(stream, period, cents)
        cell = period + int(cells.column[stream])
        tally.win(cell, won.trial, cents)
        tally.note(-1 - stream, cell, won.trial, cents)


def _periods(steps: Floats, points: Points) -> tuple[Points, Ints]:
    """Keep the points below the expected wins of their trials, and find the period of each."""
    periods, columns = len(steps) - 1, steps.shape[1]
    if columns == 1:
        # Points rise, so those of a period follow each other.
        bound = points.height.searchsorted(steps[:, 0].astype(np.float64))
        bound[-1] = len(points.height)
        return points, np.repeat(np.arange(periods), np.diff(bound))
    height = points.height.astype(np.float32)
    here = np.flatnonzero(height < steps[-1].take(points.trial))
    won = points.take(here)
    return won, pick(steps[1:], won.trial, columns, periods - 1, height.take(here))
