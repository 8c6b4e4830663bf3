"""Open deals whose chances are the same in every trial of a world: outcomes read off the table of chances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import leading_bits, turned
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Candidates, Winners

__all__ = ["ByChances"]

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]


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

    def play(self, rows: Ints, words: Words) -> Winners:
        """Find the winners of some deals.

        Parameters
        ----------
        rows : array of int, shape (deals,)
            Which.
        words : array of uint32, shape (deals, trials)
            Their luck.

        Returns
        -------
        Winners
        """
        deals, trials = words.shape
        edges = self.edges[self.inputs.open_deals.state[rows]]
        worlds = edges.shape[2]
        last = edges[:, -1] if worlds == 1 else edges[:, -1].take(self.trials.world, axis=1)
        found = Candidates.at(np.flatnonzero(words < last), deals, trials)
        word = words.take(found.place)
        slot = found.of_deal(np.arange(deals) * edges.shape[1])
        slot += _passed(edges, found, None if worlds == 1 else self.trials.world.take(found.trial), word)
        return Winners(found, slot, leading_bits(turned(word)))


def _passed(edges: Words, found: Candidates, world: Ints | None, word: Words) -> npt.NDArray[np.uint8]:
    """Count the edges that each word has reached; `edges` has shape (deals, periods, worlds)."""
    out, reached = np.zeros(len(word), dtype=np.uint8), np.empty(len(word), dtype=np.bool_)
    row = None if world is None else found.of_deal(np.arange(len(edges)) * edges.shape[2]) + world
    for period in range(edges.shape[1] - 1):
        edge = edges[:, period]
        np.less_equal(found.of_deal(edge[:, 0]) if row is None else edge.reshape(-1).take(row), word, out=reached)
        out += reached.view(np.uint8)
    return out
