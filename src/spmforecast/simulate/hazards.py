"""Hazards of winning of single deals in single trials, cumulated period by period, and when a clock rings by them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import OpenDeals
from spmforecast.simulate.shocks import Shocks

__all__ = ["Hazards", "Levels", "Rings", "asked_of"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]

_CHUNK = 8192  # candidates whose hazards are worked out together: their arrays stay in the second cache
_STEPS = 64  # responses are rounded outwards to such parts of one, so that many deals share a bound
_KEPT = 256  # bounds kept
_TINY = np.float32(1e-30)


def asked_of(word: Words) -> Floats:
    """Hazard that is to be reached for a win, by the word that draws it.

    Parameters
    ----------
    word : array of uint32, shape (n,)
        Uniforms in steps of 2**-32.

    Returns
    -------
    array of float32, shape (n,)
        ``-log(1 - u)`` at the middle of each step, to a millionth of itself.
    """
    left = np.subtract(2.0**32 - 0.5, word)
    out = left.astype(np.float32)
    # Single precision leaves of a complement near one too little to see a small chance by: the rest is made up for.
    left -= out
    rest = left.astype(np.float32)
    rest /= out
    out *= np.float32(2.0**-32)
    np.log(out, out=out)
    out += rest
    return np.negative(out, out=out)


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
class Rings:
    """When the clocks of winning ring.

    Parameters
    ----------
    in_time : array of bool, shape (n,)
        Whether within the horizon.
    period : array of int, shape (n,)
        In which period; the last one where it is not in time.
    part : array of float32, shape (n,) or (0,)
        Share of the period's hazard that is there by then, where it was asked for.
    """

    in_time: npt.NDArray[np.bool_]
    period: Ints
    part: Floats

    @classmethod
    def empty(cls, size: int, parts: bool) -> Rings:
        """Make room for so many."""
        part = np.empty(size if parts else 0, dtype=np.float32)
        return cls(np.empty(size, dtype=np.bool_), np.empty(size, dtype=np.int64), part)


class Hazards:
    """Hazards of some deals, but for what their owners multiply them by.

    Parameters
    ----------
    deals : OpenDeals
        All deals.
    state : array of int, shape (few,)
        States of those that are asked for.
    levels : Levels or None
        The market.
    world : array of int, shape (trials,)
        World of each trial.
    """

    def __init__(self, deals: OpenDeals, state: Ints, levels: Levels | None, world: Ints) -> None:
        self.worlds, states, self.periods = deals.win.shape
        # Worlds of a deal side by side: its trials find them in the first cache.
        row = (state[:, None] + np.arange(self.worlds) * states).reshape(-1)
        self.win = deals.win.reshape(-1, self.periods).take(row, axis=0)
        self.levels, self.world = levels, world
        self.response, self.bend = (table[state].astype(np.float32) for table in (deals.response, deals.bend))
        self.bends = bool(self.bend.any())

    def rings(self, deal: Ints, trial: Ints, asked: Floats, parts: bool) -> Rings:
        """Find when the hazards reach what is asked for.

        Parameters
        ----------
        deal, trial : array of int, shape (n,)
            Which of the deals, and in which trial.
        asked : array of float32, shape (n,)
            Hazards to be reached.
        parts : bool
            Work out at which part of the period's hazard, too.

        Returns
        -------
        Rings
        """
        out = Rings.empty(len(asked), parts)
        for first in range(0, len(asked), _CHUNK):
            few = slice(first, first + _CHUNK)
            reached = self.reached(deal[few], trial[few])
            count = _count(reached[1:], asked[few])
            out.in_time[few] = count < self.periods
            period = np.minimum(count, self.periods - 1, out=out.period[few], casting="unsafe")
            if parts:
                out.part[few] = _part(reached, period, asked[few])
        return out

    def reached(self, deal: Ints, trial: Ints) -> Floats:
        """Hazard cumulated by each period's end, zero first, shape (periods + 1, n)."""
        speed = self.win.take(deal * self.worlds + self.world.take(trial), axis=0)
        if self.levels is not None:
            speed *= self._market(self.levels, deal, trial)
        out = np.empty((self.periods + 1, len(trial)), dtype=np.float32)
        out[0] = 0.0
        out[1:] = speed.T
        for period in range(1, self.periods):
            np.add(out[period], out[period + 1], out=out[period + 1])
        return out

    def _market(self, levels: Levels, deal: Ints, trial: Ints) -> Floats:
        """Work out what the market multiplies the hazards by, shape (n, periods)."""
        moved = levels.by_period.take(trial, axis=0)
        moved *= self.response.take(deal, axis=0)
        if self.bends:
            moved -= levels.bent.take(trial, axis=0) * self.bend.take(deal, axis=0)
        return np.asarray(np.exp(moved, out=moved))


def _count(reached: Floats, asked: Floats) -> npt.NDArray[np.uint8]:
    """Count the periods by whose end the hazard asked for has not been reached."""
    return np.asarray(np.add.reduce((reached <= asked).view(np.uint8), axis=0, dtype=np.uint8))


def _part(reached: Floats, period: Ints, asked: Floats) -> Floats:
    """Share of the period's hazard that is there when the clock rings."""
    row = period * len(asked)
    row += np.arange(len(asked))
    begin, end = (rows.reshape(-1).take(row) for rows in (reached[:-1], reached[1:]))
    end -= begin
    np.subtract(asked, begin, out=begin)
    begin /= np.maximum(end, _TINY, out=end)
    return begin
