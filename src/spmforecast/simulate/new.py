"""Deals to come in a block of trials: winners of each stream as points below the wins expected, then their amounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.arrivals import arrivals
from spmforecast.simulate.cohorts import Created
from spmforecast.simulate.expected import MovedWins, SettledWins
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials

__all__ = ["play_new_deals"]

Floats = npt.NDArray[np.float32]

_SELLERS = 32  # sellers whose deals are kept while the segments go by


def play_new_deals(
    inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None], tally: Tally
) -> None:
    """Play the deals to come; arguments as in :func:`spmforecast.simulate.open.play_open_deals`."""
    cells = inputs.new_deals.cells
    created = Created(inputs, trials, shocks, _SELLERS)
    chances = _chances(inputs, trials, shocks, effects)
    for k in np.lexsort((cells.seller, cells.segment, cells.seller // _SELLERS)).tolist():
        made = created.of(int(cells.seller[k]))
        made = made if cells.tilt is None else made * cells.tilt[k].astype(np.float32)[:, None]
        mean = chances.expected(made * np.float32(cells.share[k]), k)
        _winners(inputs, trials, k, mean, tally)


def _chances(
    inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None]
) -> MovedWins | SettledWins:
    """Choose how to work out the wins expected."""
    owners = {owner: index for index, owner in enumerate(inputs.owners)}
    of_seller = [effects[owners[name]] for name in inputs.new_deals.cells.sellers]
    if shocks is None and all(effect is None for effect in of_seller):
        return SettledWins(inputs, trials)
    return MovedWins(inputs, trials, shocks, of_seller)


def _winners(inputs: SimulationInputs, trials: Trials, stream: int, mean: Floats, tally: Tally) -> None:
    """Draw the winners of one stream as points below the wins expected in each trial, then each one's amount."""
    cells, column = inputs.new_deals.cells, int(inputs.new_deals.cells.column[stream])
    key = trials.streams.key("stream", cells.ids[stream], "winner")
    for won in arrivals(trials.streams, key, trials.start, trials.stop, _cumulated(mean)):
        cents = inputs.money.cents(int(cells.segment[stream]) + 1, won.bits, won.trial, trials.world)
        if inputs.new_deals.resize is not None:
            cents = inputs.new_deals.resize.of(stream, won.place // trials.count, cents)
        place = won.place
        place += column * trials.count
        if tally.keep:
            tally.note(-1 - stream, place // trials.count, won.trial, cents)
        tally.win(place, cents)


def _cumulated(mean: Floats) -> Floats:
    """Add the periods up in place, row by row: NumPy's own sums along columns are several times slower."""
    for row, before in zip(mean[1:], mean[:-1], strict=True):
        row += before
    return mean
