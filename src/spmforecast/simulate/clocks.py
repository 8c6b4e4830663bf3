"""Open deals whose chances differ from trial to trial: two clocks run, one of winning and one of losing.

The market, the draws of the parameters and the owner set the speed of the clock of winning. It rings when the hazard
cumulated reaches what the deal's uniform asks for; a bound on the hazard, cheap for all trials at once, leaves those
trials alone in which it may ring within the horizon. Only there are the hazards of the periods worked out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import FINER_LOSS, Luck, finer, finer_all
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Winners

__all__ = ["ByClocks"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]

_SCALE = np.float32(2**16)
_SLACK = np.float32(1 + 1e-4)  # the bound must hold whatever is rounded
_TINY = np.float32(1e-30)


@dataclass(frozen=True)
class _Levels:
    """The market's level in each trial: by period, shape (trials, periods), and its extremes over the horizon."""

    by_period: Floats
    top: Floats
    low: Floats

    @classmethod
    def of(cls, shocks: Shocks | None) -> _Levels | None:
        if shocks is None:
            return None
        level = shocks.level[0]
        return cls(np.ascontiguousarray(level.T), level.max(axis=0), level.min(axis=0))

    def bound(self, response: Floats) -> Floats:
        """Bound the change of the log hazard of any period, shape (deals, trials)."""
        most, least = response.max(axis=1)[:, None], response.min(axis=1)[:, None]
        out = np.maximum(most * self.top, least * self.top)
        if (least < 0).any():
            np.maximum(out, least * self.low, out=out)
        return out


class ByClocks:
    """Plays open deals by their clocks.

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
    """

    def __init__(
        self, inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None]
    ) -> None:
        self.inputs, self.trials, self.effects = inputs, trials, effects
        self.levels = _Levels.of(shocks)
        self.lost = bool(inputs.open_deals.lose.any())

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
        deals = self.inputs.open_deals
        state = deals.state[rows]
        win = deals.win[:, state].transpose(1, 0, 2).astype(np.float32)
        response = deals.response[state].astype(np.float32)
        effects = [self.effects[owner] for owner in deals.owner[rows].tolist()]
        may = Winners.where(luck.outcome <= self._ceiling(win, response, effects), luck.amount)
        asked = self._asked(rows, luck, may, effects)
        reached = self._reached(win, response, may)
        period = _count(reached, asked)
        if not self.lost:
            return may.lasting(period, len(reached))
        return self._alive(rows, may, reached, asked, period)

    def _ceiling(self, win: Floats, response: Floats, effects: list[Floats | None]) -> Short:
        """Bound the first bits of the uniforms that can win, shape (deals, trials)."""
        most = self.trials.spread(win.sum(axis=2))
        if self.levels is not None:
            bound = self.levels.bound(response)
            most *= np.exp(bound, out=bound)
        for row, effect in enumerate(effects):
            if effect is not None:
                most[row] *= effect
        # 1 - exp(-H) is at most 2 H / (2 + H).
        chance = most / (most + np.float32(2))
        chance *= np.float32(2 * _SCALE * _SLACK)
        np.minimum(chance, _SCALE - 1, out=chance)
        return np.asarray(chance.astype(np.uint16))

    def _asked(self, rows: Ints, luck: Luck, may: Winners, effects: list[Floats | None]) -> Floats:
        """Hazard that the uniforms ask for, before what the owner does to it."""
        trials = self.trials
        more = finer_all(trials.streams, self.inputs.deal_keys[rows], trials.start, trials.stop)
        uniform = more.take(may.place).astype(np.float32)
        uniform += np.float32(0.5)
        uniform *= np.float32(2.0**-32)
        uniform += luck.outcome.take(may.place) * np.float32(2.0**-16)
        left = np.maximum(np.float32(1) - uniform, np.float32(2.0**-32))
        # log(1 - u) for a u that 1 - u has rounded: what was rounded away is put right to first order.
        asked = ((np.float32(1) - left) - uniform) / left
        asked += np.log(left)
        np.negative(asked, out=asked)
        first = 0
        for effect, number in zip(effects, may.number.tolist(), strict=True):
            if effect is not None:
                asked[first : first + number] /= effect.take(may.trial[first : first + number])
            first += number
        return asked

    def _reached(self, win: Floats, response: Floats, may: Winners) -> Floats:
        """Hazard cumulated by the end of each period, but for what the owner does to it, shape (periods, n)."""
        _, worlds, periods = win.shape
        row = may.at * worlds
        row += self.trials.world.take(may.trial)
        speed = win.reshape(-1, periods).take(row, axis=0)
        if self.levels is not None:
            moved = self.levels.by_period.take(may.trial, axis=0)
            moved *= response.take(may.at, axis=0)
            speed *= np.exp(moved, out=moved)
        out = np.ascontiguousarray(speed.T)
        for period in range(1, periods):
            np.add(out[period - 1], out[period], out=out[period])
        return out

    def _alive(self, rows: Ints, may: Winners, reached: Floats, asked: Floats, period: npt.NDArray[np.uint8]) -> Winners:
        """Drop deals that were lost before their clock of winning rang; what is left of the bits draws the amount."""
        rings = np.flatnonzero(period < len(reached))
        won = may.take(rings)
        when = period.take(rings).astype(np.int64)
        part = _part(reached, rings, when, asked.take(rings))
        chance = np.exp(-self._hazard_of_loss(rows, won, when, part))
        chance *= _SCALE
        held = won.amount < chance
        for i in np.flatnonzero(won.amount == np.floor(chance)).tolist():
            key, trial = self.inputs.deal_keys[rows[won.at[i]]], self.trials.start + int(won.trial[i])
            more = finer(self.trials.streams, key, trial, FINER_LOSS)
            held[i] = int(won.amount[i]) + more / float(_SCALE) < float(chance[i])
        left = won.amount * (_SCALE / np.maximum(chance, _TINY))
        amount = np.minimum(left, _SCALE - 1).astype(np.uint16)
        return Winners(won.number, won.at, won.trial, won.place, amount, when).take(np.flatnonzero(held))

    def _hazard_of_loss(self, rows: Ints, won: Winners, when: Ints, part: Floats) -> Floats:
        """Hazard of being lost, cumulated up to the moment when the clock of winning rings."""
        lose = self.inputs.open_deals.lose[:, self.inputs.open_deals.state[rows]].transpose(1, 0, 2)
        deals, worlds, periods = lose.shape
        edges = np.zeros((deals, worlds, periods + 1), dtype=np.float32)
        np.cumsum(lose, axis=2, out=edges[:, :, 1:])
        row = (won.at * worlds + (self.trials.world.take(won.trial) if worlds > 1 else 0)) * (periods + 1) + when
        before, after = edges.reshape(-1).take(row), edges.reshape(-1).take(row + 1)
        return np.asarray(before + part * (after - before))


def _count(reached: Floats, asked: Floats) -> npt.NDArray[np.uint8]:
    """Count the periods by whose end the hazard asked for has not been reached."""
    out, below = np.zeros(len(asked), dtype=np.uint8), np.empty(len(asked), dtype=np.bool_)
    for one in reached:
        np.less_equal(one, asked, out=below)
        out += below.view(np.uint8)
    return out


def _part(reached: Floats, at: Ints, period: Ints, asked: Floats) -> Floats:
    """Share of the period's hazard that was there when the clock rang."""
    flat = reached.reshape(-1)
    row = period * reached.shape[1] + at
    end = flat.take(row)
    begin = np.where(period > 0, flat.take(row - reached.shape[1], mode="clip"), np.float32(0))
    return np.asarray((asked - begin) / np.maximum(end - begin, _TINY))
