"""Open deals of a block of trials: bits of luck for all, all else for winners alone.

Every deal has bits of its own in every trial (see :mod:`spmforecast.simulate.luck`). Where the chances of a world's
trials do not differ they are read off a table; otherwise two clocks run, of winning and of losing. Only the winners get
an amount.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.chances import ByChances
from spmforecast.simulate.clocks import ByClocks
from spmforecast.simulate.inputs import OpenDeals, SimulationInputs
from spmforecast.simulate.luck import draw_luck
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Winners

__all__ = ["play_open_deals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_BATCH = 32  # deals whose winners are handled together


def play_open_deals(
    inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None], tally: Tally
) -> None:
    """Play every open deal.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    shocks : Shocks or None
        The market.
    effects : dict of int to array of float32, shape (trials,), or None
        Each owner's multiplier on winning.
    tally : Tally
        Where wins are booked.
    """
    deals = inputs.open_deals
    clocks = shocks is not None or any(effects[owner] is not None for owner in set(deals.owner.tolist()))
    way = ByClocks(inputs, trials, shocks, effects) if clocks else ByChances(inputs, trials)
    # Neighbours that are counted in the same cells find them in the cache.
    order = np.lexsort((deals.state, deals.column))
    for first in range(0, len(order), _BATCH):
        rows = order[first : first + _BATCH]
        luck = draw_luck(trials.streams, inputs.deal_keys[rows], trials.start, trials.stop)
        _book(inputs, trials, rows, way.play(rows, luck), tally)


def _book(inputs: SimulationInputs, trials: Trials, rows: Ints, winners: Winners, tally: Tally) -> None:
    """Draw the winners' amounts and book them."""
    deals = inputs.open_deals
    at, trial, period, number = winners.at, winners.trial, winners.period, winners.number
    laws = deals.law[rows]
    law: Ints | int = np.repeat(laws, number) if (laws != laws[0]).any() else int(laws[0])
    base = np.repeat(inputs.deal_cents[rows], number)
    cents = inputs.money.cents(law, winners.amount, trial, trials.world, base)
    if deals.resize is not None:
        cents = deals.resize.of(rows[at], period, cents)
    if tally.keep:
        tally.note(rows[at], np.repeat(deals.column[rows], number) + period, trial, cents)
    credited = cents
    if any(deals.partners[row] for row in rows.tolist()):
        credited = _share(deals, rows, winners, cents, tally)
    place = period * trials.count
    place += trial
    place += np.repeat(deals.column[rows] * trials.count, number)
    both = tally.win(place, credited)
    place = np.repeat(np.arange(len(rows)) * inputs.periods, number)
    place += period
    tally.open_wins(number, place, cents, both if credited is cents else None, rows)


def _share(deals: OpenDeals, rows: Ints, winners: Winners, cents: Array, tally: Tally) -> Array:
    """Credit partners with their shares, in whole cents; return what is left for the leading reps."""
    credited = cents.copy()
    for index, row in enumerate(rows.tolist()):
        own = np.flatnonzero(winners.at == index)
        for column, share in deals.partners[row]:
            part = np.rint(cents[own] * share)
            tally.share(column + winners.period[own], winners.trial[own], part)
            credited[own] -= part
    return credited
