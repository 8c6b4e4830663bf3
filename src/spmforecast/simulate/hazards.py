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

_CHUNK = 32_768  # candidates whose hazards are worked out together
_GROUP = 8  # periods looked at together: 32 bytes, which NumPy takes from a table as one
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
    """The market's level in each trial: by period, as it is and bent; its extremes over the horizon.

    Periods are in groups, each of shape (trials, 8) or less.
    """

    by_period: list[Floats]
    bent: list[Floats]
    top: Floats
    low: Floats
    _bounds: dict[tuple[int, int], Floats] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, shocks: Shocks | None) -> Levels | None:
        """Take those that open deals meet; None without a market."""
        if shocks is None:
            return None
        level = shocks.level[0]
        return cls(_grouped(level.T), _grouped(shocks.bent[0].T), level.max(axis=0), level.min(axis=0))

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
class Moving:
    """What a team multiplies hazards by in each trial: by period, in groups as :class:`Levels` has them; and the most.

    Shapes (trials, 8) or less, and (trials,).
    """

    by_period: list[Floats]
    top: Floats

    @classmethod
    def of(cls, luck: Floats) -> Moving:
        """Lay multipliers (periods, trials) out."""
        return cls(_grouped(luck.T), luck.max(axis=0))


@dataclass(frozen=True)
class Rings:
    """When the clocks of winning ring.

    Parameters
    ----------
    period : array of int, shape (n,)
        In which period; their number or more where not within the horizon.
    part : array of float32, shape (n,) or (0,)
        Share of the period's hazard that is there by then, where it was asked for.
    """

    period: Ints
    part: Floats

    @classmethod
    def empty(cls, size: int, parts: bool) -> Rings:
        """Make room for so many."""
        return cls(np.empty(size, dtype=np.int64), np.empty(size if parts else 0, dtype=np.float32))


class Hazards:
    """Hazards of some deals, but for what their owners multiply them by.

    Periods are looked at in groups of up to eight, each by those alone whose clock has not rung before.

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
    team : Moving or None
        What the team of all of them multiplies hazards by.
    """

    def __init__(
        self, deals: OpenDeals, state: Ints, levels: Levels | None, world: Ints, team: Moving | None = None
    ) -> None:
        self.worlds, states, periods = deals.win.shape
        # Worlds of a deal side by side: its trials find them in the first cache.
        row = (state[:, None] + np.arange(self.worlds) * states).reshape(-1)
        self.win = _grouped(deals.win.reshape(-1, periods).take(row, axis=0))
        self.levels, self.world, self.team = levels, world, team
        self.response, self.bend = (_grouped(table[state]) for table in (deals.response, deals.bend))
        self.bends = any(group.any() for group in self.bend)

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
            self._ring(deal[few], trial[few], asked[few], Rings(out.period[few], out.part[few]))
        return out

    def _ring(self, deal: Ints, trial: Ints, asked: Floats, out: Rings) -> None:
        """Find when those of a chunk ring."""
        before: Floats | float = 0.0
        at: Ints | slice = slice(None)
        for group in range(len(self.win)):
            reached = self._reached(group, deal, trial, before)
            count = _count(reached[1:], asked)
            out.period[at] = count + np.int64(group * _GROUP)
            if len(out.part):
                out.part[at] = _part(reached, count, asked)
            rest = np.flatnonzero(count == len(reached) - 1)
            deal, trial = deal.take(rest), trial.take(rest)
            asked, before = asked.take(rest), reached[-1].take(rest)
            at = rest if isinstance(at, slice) else at.take(rest)

    def _reached(self, group: int, deal: Ints, trial: Ints, before: Floats | float) -> Floats:
        """Hazard cumulated by the beginning of a group's periods and by each one's end, shape (periods + 1, n)."""
        speed = self.win[group].take(deal * self.worlds + self.world.take(trial), axis=0)
        if self.levels is not None:
            speed *= self._market(self.levels, group, deal, trial)
        if self.team is not None:
            speed *= self.team.by_period[group].take(trial, axis=0)
        out = np.empty((speed.shape[1] + 1, len(trial)), dtype=np.float32)
        out[0] = before
        out[1:] = speed.T
        for row, last in zip(out[1:], out[:-1], strict=True):
            row += last
        return out

    def _market(self, levels: Levels, group: int, deal: Ints, trial: Ints) -> Floats:
        """Work out what the market multiplies the hazards of a group's periods by, shape (n, periods)."""
        moved = levels.by_period[group].take(trial, axis=0)
        moved *= self.response[group].take(deal, axis=0)
        if self.bends:
            moved -= levels.bent[group].take(trial, axis=0) * self.bend[group].take(deal, axis=0)
        return np.asarray(np.exp(moved, out=moved))


def _grouped(table: npt.NDArray[np.floating]) -> list[Floats]:
    """Lay periods out in groups, (n, periods) to a list of (n, 8); the last, filled up with zeros, may be narrower."""
    out = []
    for first in range(0, table.shape[1], _GROUP):
        part = table[:, first : first + _GROUP]
        group = np.zeros((len(part), 1 << (part.shape[1] - 1).bit_length()), dtype=np.float32)
        group[:, : part.shape[1]] = part
        out.append(group)
    return out


def _count(reached: Floats, asked: Floats) -> npt.NDArray[np.uint8]:
    """Count the periods by whose end the hazard asked for has not been reached."""
    return np.asarray(np.add.reduce((reached <= asked).view(np.uint8), axis=0, dtype=np.uint8))


def _part(reached: Floats, count: npt.NDArray[np.uint8], asked: Floats) -> Floats:
    """Share of the period's hazard that is there when the clock rings."""
    row = np.minimum(count, np.uint8(len(reached) - 2)) * np.int64(len(asked))
    row += np.arange(len(asked))
    begin, end = (rows.reshape(-1).take(row) for rows in (reached[:-1], reached[1:]))
    end -= begin
    np.subtract(asked, begin, out=begin)
    begin /= np.maximum(end, _TINY, out=end)
    return begin
