"""Open deals whose chances differ from trial to trial: two clocks run, one of winning and one of losing.

The market, the draws of the parameters and the owner set the speed of the clock of winning. It rings when the hazard
cumulated reaches what the deal's uniform asks for; a bound on the hazard, cheap for all trials at once, leaves those
trials alone in which it may ring within the horizon. Only there are the hazards of the periods worked out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

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
_COARSE, _COARSE_SHIFT = 256, 8  # steps of the bound on what is won before it is lost


@dataclass(frozen=True)
class _Levels:
    """The market's level in each trial: by period and bent, shape (trials, periods); its extremes over the horizon."""

    by_period: Floats
    bent: Floats
    top: Floats
    low: Floats

    @classmethod
    def of(cls, shocks: Shocks | None) -> _Levels | None:
        if shocks is None:
            return None
        level = shocks.level[0]
        bent = np.ascontiguousarray(shocks.bent[0].T)
        return cls(np.ascontiguousarray(level.T), bent, level.max(axis=0), level.min(axis=0))

    def bound(self, response: Floats) -> Floats:
        """Bound the change of the log hazard of any period, shape (deals, trials); what bends it only lowers it."""
        most, least = response.max(axis=1)[:, None], response.min(axis=1)[:, None]
        out = np.maximum(most * self.top, least * self.top)
        if (least < 0).any():
            np.maximum(out, least * self.low, out=out)
        return np.asarray(out)


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
        self.loses = inputs.open_deals.loses

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
        response, bend = (table[state].astype(np.float32) for table in (deals.response, deals.bend))
        effects = [self.effects[owner] for owner in deals.owner[rows].tolist()]
        most = self._most(deals.whole[state], response, effects)
        place = np.flatnonzero(luck.outcome <= _first_bits(most))
        if self.loses:
            place = _in_time(place, luck, most, _share_in_time(deals.share[state], deals.kept[state]))
        may = Winners.at_places(place, luck.amount)
        asked = self._asked(rows, luck, may)
        cumulated = self._cumulated(win, response, bend, may)
        period = _count(cumulated[1:], asked)
        if self.loses:
            return self._alive(rows, may, cumulated, asked, period)
        return may.lasting(period, self.inputs.periods)

    def _most(self, whole: Floats, response: Floats, effects: list[Floats | None]) -> Floats:
        """Bound the hazard of winning within the horizon, shape (deals, trials); `whole` is that without shocks."""
        most = self.trials.spread(whole)
        if self.levels is not None:
            bound = self.levels.bound(response)
            most *= np.exp(bound, out=bound)
        for row, effect in enumerate(effects):
            if effect is not None:
                most[row] *= effect
        return most

    def _lose(self, rows: Ints) -> Floats:
        """Hazards of being lost, shape (deals, worlds, periods)."""
        lose = self.inputs.open_deals.lose[:, self.inputs.open_deals.state[rows]]
        return lose.transpose(1, 0, 2).astype(np.float32)

    def _asked(self, rows: Ints, luck: Luck, may: Winners) -> Floats:
        """Hazard that the uniforms ask for, before what the owner does to it."""
        trials = self.trials
        more = finer_all(trials.streams, self.inputs.deal_keys[rows], trials.start, trials.stop)
        uniform = more.take(may.place).astype(np.float32)
        uniform += np.float32(0.5)
        uniform *= np.float32(2.0**-16)
        uniform += luck.outcome.take(may.place)
        uniform *= np.float32(2.0**-16)
        left = np.maximum(np.float32(1) - uniform, np.float32(2.0**-32))
        # log(1 - u) for a u that 1 - u has rounded: what was rounded away is put right to first order.
        uniform -= np.float32(1) - left
        uniform /= left
        uniform -= np.log(left, out=left)
        self._slowed(uniform, rows, may)
        return uniform

    def _slowed(self, asked: Floats, rows: Ints, may: Winners) -> None:
        """Divide by what the owners do to the hazard; neighbours often have the same owner."""
        owner = self.inputs.open_deals.owner[rows]
        bound = np.append(0, np.cumsum(may.number))
        cuts = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(owner)]
        for first, last in pairwise(cuts):
            effect = self.effects[int(owner[first])]
            if effect is not None:
                here = slice(bound[first], bound[last])
                asked[here] /= effect.take(may.trial[here])

    def _cumulated(self, win: Floats, response: Floats, bend: Floats, may: Winners) -> Floats:
        """Hazard cumulated by each period's end, zero first, but for the owner's effect, shape (periods + 1, n)."""
        _, worlds, periods = win.shape
        row = may.at * worlds
        row += self.trials.world.take(may.trial)
        speed = win.reshape(-1, periods).take(row, axis=0)
        if self.levels is not None:
            moved = self.levels.by_period.take(may.trial, axis=0)
            moved *= response.take(may.at, axis=0)
            if bend.any():
                moved -= self.levels.bent.take(may.trial, axis=0) * bend.take(may.at, axis=0)
            speed *= np.exp(moved, out=moved)
        out = np.empty((periods + 1, len(row)), dtype=np.float32)
        out[0], out[1:] = 0.0, speed.T
        for period in range(1, periods):
            np.add(out[period], out[period + 1], out=out[period + 1])
        return out

    def _alive(
        self, rows: Ints, may: Winners, cumulated: Floats, asked: Floats, period: npt.NDArray[np.uint8]
    ) -> Winners:
        """Drop deals that were lost before their clock of winning rang; what is left of the bits draws the amount."""
        periods = self.inputs.periods
        rings = period < periods
        when = np.minimum(period, periods - 1).astype(np.int64)
        chance = self._hazard_of_loss(rows, may, when, _part(cumulated, when, asked))
        np.negative(chance, out=chance)
        np.exp(chance, out=chance)
        chance *= _SCALE
        bits = may.amount.astype(np.float32)
        held = bits < chance
        held &= rings
        for i in np.flatnonzero((bits == np.floor(chance)) & rings).tolist():
            key, trial = self.inputs.deal_keys[rows[may.at[i]]], self.trials.start + int(may.trial[i])
            more = finer(self.trials.streams, key, trial, FINER_LOSS)
            held[i] = int(bits[i]) + more / float(_SCALE) < float(chance[i])
        bits *= _SCALE / np.maximum(chance, np.float32(1))
        amount = np.minimum(bits, _SCALE - 1).astype(np.uint16)
        return replace(may, amount=amount, period=when).take(np.flatnonzero(held))

    def _hazard_of_loss(self, rows: Ints, may: Winners, when: Ints, part: Floats) -> Floats:
        """Hazard of being lost, cumulated up to the moment when the clock of winning rings."""
        lose = self._lose(rows)
        deals, worlds, periods = lose.shape
        edges = np.zeros((deals, worlds, periods + 1), dtype=np.float32)
        np.cumsum(lose, axis=2, out=edges[:, :, 1:])
        row = np.repeat(np.arange(deals) * (worlds * (periods + 1)), may.number)
        row += when
        if worlds > 1:
            row += (self.trials.world * (periods + 1)).take(may.trial)
        before, after = edges.reshape(-1).take(row), edges.reshape(-1).take(row + 1)
        after -= before
        after *= part
        after += before
        return after


def _first_bits(hazard: Floats) -> Short:
    """Bound the first 16 bits of the uniforms that win by this hazard; the hazard is overwritten by no more."""
    # 1 - exp(-H) is at most 2 H / (2 + H).
    chance = hazard / (hazard + np.float32(2))
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
    alive = kept * _SLACK
    least = np.arange(_COARSE, dtype=np.float32) / np.float32(_COARSE)
    # Winning needs a period at whose beginning the deal is not lost yet.
    last = np.repeat(np.arange(len(share)) * share.shape[1], _COARSE).reshape(-1, _COARSE)
    for period in range(share.shape[1] - 1):
        last += alive[:, period, None] >= least
    return share.reshape(-1).take(last)


def _in_time(place: Ints, luck: Luck, most: Floats, share: Floats) -> Ints:
    """Drop candidates that are lost before their clock of winning can have rung."""
    deals, trials = most.shape
    number = np.diff(place.searchsorted(np.arange(deals + 1) * trials))
    row = np.repeat(np.arange(deals) * _COARSE, number)
    row += luck.amount.take(place) >> _COARSE_SHIFT
    bound = share.reshape(-1).take(row)
    bound *= most.take(place)
    return place.take(np.flatnonzero(luck.outcome.take(place) <= _first_bits(bound)))


def _count(reached: Floats, asked: Floats) -> npt.NDArray[np.uint8]:
    """Count the periods by whose end the hazard asked for has not been reached."""
    out, below = np.zeros(len(asked), dtype=np.uint8), np.empty(len(asked), dtype=np.bool_)
    for one in reached:
        np.less_equal(one, asked, out=below)
        out += below.view(np.uint8)
    return out


def _part(reached: Floats, period: Ints, asked: Floats) -> Floats:
    """Share of the period's hazard that was there when the clock rang."""
    flat, count = reached.reshape(-1), len(asked)
    row = period * count
    row += np.arange(count)
    begin = flat.take(row)
    row += count
    width = flat.take(row)
    width -= begin
    np.maximum(width, _TINY, out=width)
    return np.asarray((asked - begin) / width)
