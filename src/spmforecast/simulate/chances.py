"""Open deals whose chances are the same in every trial of a world: outcomes read off the table of chances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import Luck, finer
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Candidates, Winners, left_out

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
        deals, trials = luck.outcome.shape
        edges = self.edges[self.inputs.open_deals.state[rows]]
        first = (edges >> _BITS).astype(np.uint16)
        last = first[:, -1] if edges.shape[2] == 1 else first[:, -1].take(self.trials.world, axis=1)
        found = Candidates.at(np.flatnonzero(luck.outcome <= last), deals, trials)
        bits = luck.outcome.take(found.place)
        world = None if edges.shape[2] == 1 else self.trials.world.take(found.trial)
        slot = found.of_deal(np.arange(deals) * edges.shape[1])
        slot += _passed(first, found, world, bits)
        # Nobody lies beyond the last step, so that everybody has a next one, which the first bits may be those of.
        unsure = np.flatnonzero(bits == _next(first, slot, world))
        if len(unsure):
            found, slot = self._settled(rows, edges, found, slot, bits, unsure)
        return Winners(found, slot, luck.amount.take(found.place))

    def _settled(
        self, rows: Ints, edges: Edges, found: Candidates, slot: Ints, bits: Short, unsure: Ints
    ) -> tuple[Candidates, Ints]:
        """Draw the further bits where the first ones are those of a chance; drop whoever is not won."""
        deal, trial = np.divmod(found.place[unsure], found.trials)
        keys, start = self.inputs.deal_keys[rows[deal]].tolist(), self.trials.start
        more = [finer(self.trials.streams, *one) for one in zip(keys, (start + trial).tolist(), strict=True)]
        uniform = bits[unsure].astype(np.uint32) << _BITS | np.array(more, dtype=np.uint32)
        world = self.trials.world[trial] if edges.shape[2] > 1 else 0
        period = (edges[deal, :, world] <= uniform[:, None]).sum(axis=1)
        slot[unsure] = deal * edges.shape[1] + period
        return found.without(unsure[period == edges.shape[1]]), left_out(slot, unsure[period == edges.shape[1]])


def _passed(first: Short, found: Candidates, world: Ints | None, bits: Short) -> npt.NDArray[np.uint8]:
    """Count the steps below the first bits of each; `first` has shape (deals, periods, worlds)."""
    out, below = np.zeros(len(bits), dtype=np.uint8), np.empty(len(bits), dtype=np.bool_)
    row = None if world is None else found.of_deal(np.arange(len(first)) * first.shape[2]) + world
    for period in range(first.shape[1] - 1):
        step = first[:, period]
        np.greater(bits, found.of_deal(step[:, 0]) if row is None else step.reshape(-1).take(row), out=below)
        out += below.view(np.uint8)
    return out


def _next(first: Short, slot: Ints, world: Ints | None) -> Short:
    """Look up the step that ends each one's period."""
    row = slot if world is None else slot * first.shape[2] + world
    return np.asarray(first.reshape(-1).take(row))
