"""Deals to come in a block of trials: winners of each stream as points below the wins expected, then their amounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.arrivals import arrivals
from spmforecast.simulate.cohorts import Created
from spmforecast.simulate.common import Common
from spmforecast.simulate.expected import MovedWins, SettledWins
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.widths import LENGTH, Widths

__all__ = ["play_new_deals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_SELLERS = 32  # sellers whose deals are kept while the segments go by


def play_new_deals(inputs: SimulationInputs, trials: Trials, common: Common, tally: Tally) -> None:
    """Play the deals to come; arguments as in :func:`spmforecast.simulate.open.play_open_deals`."""
    cells = inputs.new_deals.cells
    sellers = _Sellers(inputs, trials, common)
    chances = _chances(inputs, trials, common)
    for k in np.lexsort((cells.seller, cells.segment, cells.seller // _SELLERS)).tolist():
        made = sellers.made(int(cells.seller[k]))
        made = made if cells.tilt is None else made * cells.tilt[k].astype(np.float32)[:, None]
        mean = chances.expected(made * np.float32(cells.share[k]), k)
        _winners(inputs, trials, k, mean, sellers.widths(int(cells.seller[k])), tally)


class _Sellers:
    """What sellers create in every trial, and how trials share the points of their deals.

    Shares are those of whole blocks of 2,048 trials, whichever trials are asked for.
    """

    def __init__(self, inputs: SimulationInputs, trials: Trials, common: Common) -> None:
        whole = trials.widened(LENGTH)
        if whole is not trials:
            common = Common.drawn(inputs, whole)
        self.created = Created(inputs, whole, common, _SELLERS)
        self.asked = slice(trials.start - whole.start, trials.stop - whole.start)
        self.winning, self.count = _Winning(inputs, common), whole.count
        self.market: Array | float = 1.0
        if common.market is not None:
            # Answers of deals differ; that to one unit of the level is about one.
            self.market = np.exp(common.market.level[np.triu_indices(inputs.periods)].mean(axis=0, dtype=np.float64))
        self.known: dict[int, list[Widths]] = {}

    def made(self, seller: int) -> Floats:
        """Deals created, shape (cohorts, trials or 1)."""
        made = self.created.of(seller)
        return made if made.shape[1] == 1 else made[:, self.asked]

    def widths(self, seller: int) -> list[Widths]:
        """Shares of the trials of each block."""
        if seller not in self.known:
            if len(self.known) >= _SELLERS:
                self.known.clear()
            luck = self.market * self.created.luck(seller)
            effect = self.winning.of(seller)
            if effect is not None:
                luck = luck * (effect if effect.ndim == 1 else effect.mean(axis=0))
            luck = np.broadcast_to(luck, self.count)
            self.known[seller] = [Widths.of(block) for block in luck.reshape(-1, LENGTH)]
        return self.known[seller]


class _Winning:
    """What sellers, and people to be hired, multiply the hazard of a win by."""

    def __init__(self, inputs: SimulationInputs, common: Common) -> None:
        self.common, sellers = common, inputs.new_deals.cells.sellers
        number = {owner: index for index, owner in enumerate(inputs.owners)}
        self.owner = [number[name] for name in sellers]

    def of(self, seller: int) -> Floats | None:
        """Return it, shape (trials,) or (periods, trials); None for one."""
        heir = seller - len(self.owner)
        if heir < 0:
            return self.common.winning(self.owner[seller], self.common.team_of(self.owner[seller]))
        teams = self.common.teams
        return self.common.winning(None, -1 if teams is None else int(teams.plan.of_place[heir]))


def _chances(inputs: SimulationInputs, trials: Trials, common: Common) -> MovedWins | SettledWins:
    """Choose how to work out the wins expected."""
    if common.settled:
        return SettledWins(inputs, trials)
    return MovedWins(inputs, trials, common.market, _Winning(inputs, common).of)


def _winners(
    inputs: SimulationInputs, trials: Trials, stream: int, mean: Floats, widths: list[Widths], tally: Tally
) -> None:
    """Draw the winners of one stream as points below the wins expected in each trial, then each one's amount."""
    cells, column = inputs.new_deals.cells, int(inputs.new_deals.cells.column[stream])
    key = trials.streams.key("stream", cells.ids[stream], "winner")
    for won in arrivals(trials.streams, key, trials.start, trials.stop, _cumulated(mean), widths, tally.stride):
        cents = inputs.money.cents(int(cells.segment[stream]) + 1, won.bits, won.trial, trials.world)
        if inputs.new_deals.resize is not None:
            cents = inputs.new_deals.resize.of(stream, won.place // tally.stride, cents)
        place = won.place
        place += column * tally.stride
        if tally.keep:
            tally.note(-1 - stream, place // tally.stride, won.trial, cents)
        tally.win(place, cents)


def _cumulated(mean: Floats) -> Floats:
    """Add the periods up in place, row by row: NumPy's own sums along columns are several times slower."""
    for row, before in zip(mean[1:], mean[:-1], strict=True):
        row += before
    return mean
