"""Trials in which an open deal may be won within the horizon: bounds on its hazard, cheap for all trials at once.

A bound changes no draw: it only spares the trials in which the clock of winning cannot ring in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import Luck
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Candidates

__all__ = ["Bounds", "Levels"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]

_ROWS = 16  # deals bounded together: their arrays stay in the second cache
_SCALE = np.float32(2**16)
_SLACK = np.float32(1 + 1e-4)  # the bound must hold whatever is rounded
_STEPS = 64  # responses are rounded outwards to such parts of one, so that many deals share a bound
_KEPT = 256  # bounds kept
_COARSE, _COARSE_SHIFT = 256, 8  # steps of the bound on what is won before it is lost


@dataclass(frozen=True)
class Levels:
    """The market's level in each trial: by period and bent, shape (trials, periods); its extremes over the horizon."""

    by_period: Floats
    bent: Floats
    top: Floats
    low: Floats
    _bounds: dict[tuple[int, int], Floats] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, shocks: Shocks | None) -> Levels | None:
        """Take those that open deals meet; None without a market."""
        if shocks is None:
            return None
        level = shocks.level[0]
        bent = np.ascontiguousarray(shocks.bent[0].T)
        return cls(np.ascontiguousarray(level.T), bent, level.max(axis=0), level.min(axis=0))

    def bounds(self, response: npt.NDArray[np.floating]) -> list[Floats]:
        """Bound what the market multiplies the hazard of any period by; what bends it only lowers it.

        Parameters
        ----------
        response : array of float, shape (deals, periods)
            Change of the log hazard for one unit of the level.

        Returns
        -------
        list of array of float32, shape (trials,)
            A bound for each deal.
        """
        least = np.floor(response.min(axis=1) * _STEPS).astype(np.int64)
        most = np.ceil(response.max(axis=1) * _STEPS).astype(np.int64)
        return [self._bound(*pair) for pair in zip(least.tolist(), most.tolist(), strict=True)]

    def _bound(self, least: int, most: int) -> Floats:
        if (least, most) not in self._bounds:
            if len(self._bounds) >= _KEPT:
                self._bounds.clear()
            low, high = np.float32(least / _STEPS), np.float32(most / _STEPS)
            # What is linear in response and level is largest at a corner.
            log = np.maximum(low * self.top, high * self.top)
            if low < 0:
                np.maximum(log, np.maximum(low * self.low, high * self.low), out=log)
            self._bounds[least, most] = np.exp(log, out=log)
        return self._bounds[least, most]


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

    def candidates(self, rows: Ints, luck: Luck) -> Candidates:
        """Find the trials in which the clocks of winning may ring within the horizon, and before the deal is lost.

        Parameters
        ----------
        rows : array of int, shape (deals,)
            Which deals.
        luck : Luck
            Their bits.

        Returns
        -------
        Candidates
        """
        deals, trials = luck.outcome.shape
        state = self.inputs.open_deals.state[rows]
        factors, shares = self._factors(rows, state), self._shares(state)
        places = []
        for first in range(0, deals, _ROWS):
            few = slice(first, first + _ROWS)
            hazard = self.trials.spread(self.inputs.open_deals.whole[state[few]])
            for one, by in zip(hazard, factors[few], strict=True):
                for factor in by:
                    one *= factor
            if shares is not None:
                _lower(hazard, shares[few], luck.amount[few])
            places.append(np.flatnonzero(luck.outcome[few] <= _first_bits(hazard)))
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


def _lower(hazard: Floats, shares: Floats, amount: Short) -> None:
    """Leave the share of the hazard that is there before the deal is lost, by the first bits that decide about that."""
    coarse = (amount >> _COARSE_SHIFT).astype(np.int64)
    for one, share, bits in zip(hazard, shares, coarse, strict=True):
        one *= share.take(bits)


def _first_bits(hazard: Floats) -> Short:
    """Bound the first 16 bits of the uniforms that win by this hazard, which is overwritten."""
    # 1 - exp(-H) is at most 2 H / (2 + H).
    chance = hazard + np.float32(2)
    np.divide(hazard, chance, out=chance)
    chance *= np.float32(2 * _SCALE * _SLACK)
    np.minimum(chance, _SCALE - 1, out=chance)
    return np.asarray(chance.astype(np.uint16))


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
