"""Open deals of a block of trials: a word of luck for all, all else for winners alone.

Every deal has a word of its own in every trial (see :mod:`spmforecast.simulate.luck`). Where the chances of a world's
trials do not differ they are read off a table; otherwise two clocks run, of winning and of losing. Only the winners get
an amount.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import keep_freed_memory
from spmforecast.simulate.chances import ByChances
from spmforecast.simulate.clocks import ByClocks
from spmforecast.simulate.common import Common
from spmforecast.simulate.inputs import OpenDeals, SimulationInputs
from spmforecast.simulate.luck import draw_words
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Winners

__all__ = ["play_open_deals"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BATCH = 128  # deals whose winners are handled together
_NOBODY: Ints = np.zeros(0, dtype=np.int64)


def play_open_deals(inputs: SimulationInputs, trials: Trials, common: Common, tally: Tally) -> None:
    """Play every open deal.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    common : Common
        What deals have in common.
    tally : Tally
        Where wins are booked.
    """
    keep_freed_memory()
    deals = inputs.open_deals
    way = ByChances(inputs, trials) if common.settled else ByClocks(inputs, trials, common)
    for rows in _batches(deals, np.array([common.team_of(owner) for owner in range(len(inputs.owners))])):
        words = draw_words(trials.streams, inputs.deal_keys[rows], trials.start, trials.stop)
        _book(inputs, trials, rows, way.play(rows, words), tally)


def _batches(deals: OpenDeals, team_of: Ints) -> Iterator[Ints]:
    """Take deals of one team together; neighbours that are counted in the same cells find them in the cache."""
    team = team_of[deals.owner]
    order = np.lexsort((deals.state, deals.column, team))
    cuts = [0, *(np.flatnonzero(np.diff(team[order])) + 1).tolist(), len(order)]
    for begin, end in pairwise(cuts):
        for first in range(begin, end, _BATCH):
            yield order[first : min(first + _BATCH, end)]


def _book(inputs: SimulationInputs, trials: Trials, rows: Ints, winners: Winners, tally: Tally) -> None:
    """Draw the winners' amounts and book them."""
    deals, found = inputs.open_deals, winners.found
    cents = _cents(inputs, trials, rows, winners)
    if deals.resize is not None:
        cents = deals.resize.of(rows[found.deal], winners.slot % inputs.periods, cents)
    column = deals.column[rows][:, None] + np.arange(inputs.periods)
    if tally.keep:
        tally.note(rows[found.deal], column.reshape(-1).take(winners.slot), found.trial, cents)
    credited = None
    if deals.shared[rows].any():
        credited = _share(inputs, rows, winners, cents, tally)
    # From the place in an array of deals and trials to that among cells and trials.
    column *= tally.stride
    column -= np.arange(len(rows))[:, None] * trials.count
    place = column.reshape(-1).take(winners.slot)
    place += found.place
    tally.open_wins(rows, found.number, place, winners.slot, cents, credited)


def _cents(inputs: SimulationInputs, trials: Trials, rows: Ints, winners: Winners) -> Array:
    """Draw the winners' amounts, in whole cents."""
    laws, found = inputs.open_deals.law[rows], winners.found
    law: Ints | int = found.of_deal(laws) if (laws != laws[0]).any() else int(laws[0])
    base = found.of_deal(inputs.deal_cents[rows])
    trial = found.trial if inputs.money.moved(law) else _NOBODY
    return inputs.money.cents(law, winners.amount, trial, trials.world, base)


def _share(inputs: SimulationInputs, rows: Ints, winners: Winners, cents: Array, tally: Tally) -> Array:
    """Credit partners with their shares, in whole cents; return what is left for the leading reps."""
    credited, partners = cents.copy(), inputs.open_deals.partners
    period, trial = winners.slot % inputs.periods, winners.found.trial
    cuts = np.append(0, np.cumsum(winners.found.number)).tolist()
    for row, own in zip(rows.tolist(), (slice(*pair) for pair in pairwise(cuts)), strict=True):
        for column, share in partners[row]:
            part = np.rint(cents[own] * share)
            tally.share(column + period[own], trial[own], part)
            credited[own] -= part
    return credited
