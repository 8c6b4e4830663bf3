"""Open deals whose chances are the same in every trial of a world: outcomes read off the table of chances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import Luck, finer
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Winners

__all__ = ["ByChances"]

Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
Edges = npt.NDArray[np.uint32]

_BITS = 16


class ByChances:
    """Plays open deals by their chances to be won by the end of each period, in steps of 2**-32.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    """

    def __init__(self, inputs: SimulationInputs, trials: Trials) -> None:
        self.inputs, self.trials = inputs, trials
        self.edges = inputs.settled

    def play(self, rows: Ints, luck: Luck) -> Winners:
        """Find the winners of some deals.

        Parameters
        ----------
        rows : array of int, shape (deals,)
            Which.
        luck : Luck
            Their bits.

        Returns
        -------
        Winners
        """
        edges = self.edges[self.inputs.open_deals.state[rows]]
        first = (edges >> _BITS).astype(np.uint16)
        last = first[:, -1] if edges.shape[2] == 1 else first[:, -1].take(self.trials.world, axis=1)
        winners = Winners.at_places(np.flatnonzero(luck.outcome <= last), luck.amount)
        bits = luck.outcome.take(winners.place)
        period, doubt = np.zeros(len(bits), dtype=np.uint8), np.zeros(len(bits), dtype=np.bool_)
        for k in range(edges.shape[1]):
            reached = self._of(winners, first[:, k])
            period += (bits > reached).view(np.uint8)
            doubt |= bits == reached
        unsure = np.flatnonzero(doubt)
        if len(unsure):
            period[unsure] = [self._settle(rows, edges, winners, int(i), int(bits[i])) for i in unsure]
        return winners.lasting(period, edges.shape[1])

    def _of(self, winners: Winners, of_deal: Short) -> Short:
        """Hand every winner what its deal has, given by deal and world."""
        if of_deal.shape[1] == 1:
            return np.repeat(of_deal[:, 0], winners.number)
        row = winners.at * of_deal.shape[1] + self.trials.world.take(winners.trial)
        return np.asarray(of_deal.reshape(-1).take(row))

    def _settle(self, rows: Ints, edges: Edges, winners: Winners, place: int, bits: int) -> int:
        """Draw the further bits where the first ones are those of a chance."""
        at, trial = int(winners.at[place]), int(winners.trial[place])
        key = self.inputs.deal_keys[rows[at]]
        uniform = bits << _BITS | finer(self.trials.streams, key, self.trials.start + trial)
        world = int(self.trials.world[trial]) if edges.shape[2] > 1 else 0
        return int((edges[at, :, world] <= uniform).sum())
