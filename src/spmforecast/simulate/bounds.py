"""Trials in which an open deal may be won within the horizon: bounds on its hazard, cheap for all trials at once.

A bound changes no draw: it only spares the trials in which the clock of winning cannot ring in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.hazards import Levels
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import turned
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Candidates

__all__ = ["Bounds"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]

_ROWS = 16  # deals bounded together: their arrays stay in the second cache
_TWICE = np.float32(2**33)  # twice the steps of a uniform
_SLACK = 1 + 1e-4  # the bound must hold whatever is rounded
_HALF = np.float32(0.5 * _SLACK)
_COARSE, _COARSE_SHIFT = 256, 24  # steps of the bound on what is won before it is lost


@dataclass(frozen=True)
class Bounds:
    """Finds the trials in which deals may be won.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    levels : Levels or None
        The market.
    effects : dict of int to array of float32, shape (trials,), or None
        Each owner's multiplier on winning.
    """

    inputs: SimulationInputs
    trials: Trials
    levels: Levels | None
    effects: dict[int, Floats | None]

    def candidates(self, rows: Ints, words: Words, of_team: Floats | None = None) -> Candidates:
        """Find the trials in which the clocks of winning may ring within the horizon, and before the deal is lost.

        Parameters
        ----------
        rows : array of int, shape (deals,)
            Which deals.
        words : array of uint32, shape (deals, trials)
            Their luck.
        of_team : array of float32, shape (trials,), optional
            Most that their team multiplies the hazard of a period by.

        Returns
        -------
        Candidates
        """
        deals, trials = words.shape
        state = self.inputs.open_deals.state[rows]
        factors, shares = self._factors(rows, state), self._shares(state)
        places = []
        for first in range(0, deals, _ROWS):
            few = slice(first, first + _ROWS)
            half = self.trials.spread(self.inputs.open_deals.whole[state[few]] * _HALF)
            if of_team is not None:
                half *= of_team
            for one, by in zip(half, factors[few], strict=True):
                for factor in by:
                    one *= factor
            if shares is not None:
                _lower(half, shares[few], turned(words[few]))
            places.append(np.flatnonzero(_half_asked(words[few]) <= half))
            places[-1] += first * trials
        return Candidates.at(np.concatenate(places), deals, trials)

    def _factors(self, rows: Ints, state: Ints) -> list[list[Floats]]:
        """List what bounds the factors of each deal's hazard: the market's, and the owner's."""
        deals = self.inputs.open_deals
        out = [[effect] if (effect := self.effects[owner]) is not None else [] for owner in deals.owner[rows].tolist()]
        if self.levels is not None:
            for by, bound in zip(out, self.levels.bounds(deals.response[state]), strict=True):
                by.append(bound)
        return out

    def _shares(self, state: Ints) -> Floats | None:
        """Bound the share of each deal's hazard before it is lost; None where no clock of losing runs."""
        deals = self.inputs.open_deals
        return _share_in_time(deals.share[state], deals.kept[state]) if deals.loses else None


def _half_asked(words: Words) -> Floats:
    """Bound half of the hazard that these words ask for from below."""
    # -log(1 - u) is at least 2 u / (2 - u).
    out = words.astype(np.float32)
    out /= np.subtract(_TWICE, out)
    return out


def _lower(hazard: Floats, shares: Floats, luck: Words) -> None:
    """Leave the share of the hazard that is there before the deal is lost, by the first bits that decide about that."""
    coarse = (luck >> np.uint32(_COARSE_SHIFT)).astype(np.int64)
    for one, share, bits in zip(hazard, shares, coarse, strict=True):
        one *= share.take(bits)


def _share_in_time(share: Floats, kept: Floats) -> Floats:
    """Bound the share of a deal's hazard of winning before it is lost, by the first bits that decide the loss.

    Parameters
    ----------
    share : array of float32, shape (deals, periods)
        Most of the hazard of winning that is there by each period's end.
    kept : array of float32, shape (deals, periods)
        Most of the chance not to be lost by then.

    Returns
    -------
    array of float32, shape (deals, 256)
    """
    # Winning needs a period at whose beginning the deal is not lost yet: the last one falls as the bits rise.
    begun = np.floor(kept[:, -2::-1] * np.float32(_COARSE * _SLACK)).astype(np.int64) + 1
    cuts = np.empty((len(share), share.shape[1] + 1), dtype=np.int64)
    cuts[:, 0], cuts[:, -1] = 0, _COARSE
    np.minimum(begun, _COARSE, out=cuts[:, 1:-1])
    return np.repeat(share[:, ::-1], np.diff(cuts, axis=1).ravel()).reshape(len(share), _COARSE)
