"""Open deals whose chances differ from trial to trial: two clocks run, one of winning and one of losing.

The market, the draws of the parameters and the owner set the speed of the clock of winning. It rings when the hazard
cumulated reaches what the deal's uniform asks for. The hazards of the periods are worked out in those trials alone in
which it may ring within the horizon (see :mod:`spmforecast.simulate.bounds`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.bounds import Bounds, Levels
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import FINER_LOSS, Luck, finer
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Candidates, Winners

__all__ = ["ByClocks"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]

_CHUNK = 8192  # candidates whose hazards are worked out together: their arrays stay in the second cache
_BITS = 16
_SCALE = np.float32(2**_BITS)
_LAST = 2**_BITS - 1
_MIDDLE = np.float32(2**_BITS - 0.5)
_HIGH = np.uint16(_LAST - 2**12)
_HALF = 0.5 * (1 + 5e-2)
_TINY = 1e-30


@dataclass(frozen=True)
class _Rings:
    """When the clocks of winning ring.

    Parameters
    ----------
    in_time : array of bool, shape (n,)
        Whether within the horizon.
    period : array of int, shape (n,)
        In which period; the last one where it is not in time.
    part : array of float32, shape (n,)
        Share of the period's hazard that is there by then.
    """

    in_time: npt.NDArray[np.bool_]
    period: Ints
    part: Floats


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
        self.levels = Levels.of(shocks)
        self.bounds = Bounds(inputs, trials, self.levels, effects)

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
        may = self.bounds.candidates(rows, luck)
        trial = may.trial
        rings = self._rings(rows, may, trial, luck.outcome.take(may.place))
        slot = may.of_deal(np.arange(len(rows)) * self.inputs.periods)
        slot += rings.period
        amount, won = luck.amount.take(may.place), rings.in_time
        if self.inputs.open_deals.loses:
            amount, won = self._alive(rows, may, trial, slot, rings, amount)
        if won.all():
            return Winners(may, slot, amount)
        here = np.flatnonzero(won)
        return Winners(may.take(here), slot.take(here), amount.take(here))

    def _rings(self, rows: Ints, may: Candidates, trial: Ints, first: Short) -> _Rings:
        """Find when the clocks of winning ring; `first` are the first bits of their uniforms."""
        reached = self._reached(rows, may, trial)
        # Uniforms are at the middle of the steps that their first bits name, unless it matters where they lie.
        asked = first.astype(np.float32)
        np.subtract(_MIDDLE, asked, out=asked)
        asked *= np.float32(2.0**-_BITS)
        np.negative(np.log(asked, out=asked), out=asked)
        effect = self._effect(rows, may, trial)
        if effect is not None:
            asked /= effect
        count = _count(reached[1:], asked)
        period, begin, end = _around(reached, count)
        unsure = _near(asked, begin, end, first, effect)
        if len(unsure):
            asked[unsure] = self._asked(rows, may.place[unsure], first[unsure])
            if effect is not None:
                asked[unsure] /= effect[unsure]
            few = reached[:, unsure]
            count[unsure] = _count(few[1:], asked[unsure])
            period[unsure], begin[unsure], end[unsure] = _around(few, count[unsure])
        asked -= begin
        end -= begin
        asked /= np.maximum(end, np.float32(_TINY), out=end)
        return _Rings(count < len(reached) - 1, period, asked)

    def _asked(self, rows: Ints, place: Ints, first: Short) -> Floats:
        """Hazard that the uniforms ask for, the further bits drawn, before what the owner does to it."""
        deal, trial = np.divmod(place, self.trials.count)
        keys, trial = self.inputs.deal_keys[rows[deal]].tolist(), trial + self.trials.start
        more = [finer(self.trials.streams, *one) for one in zip(keys, trial.tolist(), strict=True)]
        uniform = (first * 2.0**_BITS + np.array(more) + 0.5) * 2.0 ** (-2 * _BITS)
        return np.asarray(-np.log1p(-uniform), dtype=np.float32)

    def _effect(self, rows: Ints, may: Candidates, trial: Ints) -> Floats | None:
        """Look up what the owners multiply the hazard by; neighbours often have the same owner."""
        owner = self.inputs.open_deals.owner[rows]
        bound = np.append(0, np.cumsum(may.number))
        cuts = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(owner)]
        effects = [self.effects[int(owner[first])] for first in cuts[:-1]]
        if all(effect is None for effect in effects):
            return None
        out = np.ones(len(trial), dtype=np.float32)
        for effect, (first, last) in zip(effects, pairwise(cuts), strict=True):
            if effect is not None:
                here = slice(bound[first], bound[last])
                out[here] = effect.take(trial[here])
        return out

    def _reached(self, rows: Ints, may: Candidates, trial: Ints) -> Floats:
        """Hazard cumulated by each period's end, zero first, but for the owner's effect, shape (periods + 1, n)."""
        deals = self.inputs.open_deals
        state, deal = deals.state[rows], may.deal
        win = deals.win[:, state].transpose(1, 0, 2)
        worlds, periods = win.shape[1:]
        win, market = win.reshape(-1, periods), self._market(state)
        out = np.empty((periods + 1, len(trial)), dtype=np.float32)
        out[0] = 0.0
        for first in range(0, len(trial), _CHUNK):
            few = slice(first, first + _CHUNK)
            of_trial, of_deal = trial[few], deal[few]
            speed = win.take(of_deal * worlds + self.trials.world.take(of_trial), axis=0)
            if market is not None:
                speed *= market(of_trial, of_deal)
            out[1:, few] = speed.T
        for period in range(1, periods):
            np.add(out[period], out[period + 1], out=out[period + 1])
        return out

    def _market(self, state: Ints) -> Callable[[Ints, Ints], Floats] | None:
        """Return what the market multiplies the hazards by, shape (n, periods), as a function of trial and deal."""
        levels, deals = self.levels, self.inputs.open_deals
        if levels is None:
            return None
        response, bend = (table[state].astype(np.float32) for table in (deals.response, deals.bend))
        bends = bend.any()

        def factor(trial: Ints, deal: Ints) -> Floats:
            moved = levels.by_period.take(trial, axis=0)
            moved *= response.take(deal, axis=0)
            if bends:
                moved -= levels.bent.take(trial, axis=0) * bend.take(deal, axis=0)
            return np.asarray(np.exp(moved, out=moved))

        return factor

    def _alive(
        self, rows: Ints, may: Candidates, trial: Ints, slot: Ints, rings: _Rings, amount: Short
    ) -> tuple[Short, npt.NDArray[np.bool_]]:
        """Tell who is not lost before the clock of winning rings; what is left of the bits draws the amount."""
        chance = self._kept(rows, may, trial, slot, rings.part)
        chance *= _SCALE
        bits = amount.astype(np.float32)
        held = bits < chance
        held &= rings.in_time
        for i in np.flatnonzero((bits == np.floor(chance)) & rings.in_time).tolist():
            deal, of = divmod(int(may.place[i]), may.trials)
            more = finer(self.trials.streams, self.inputs.deal_keys[rows[deal]], self.trials.start + of, FINER_LOSS)
            held[i] = int(bits[i]) + more / float(_SCALE) < float(chance[i])
        bits *= _SCALE / np.maximum(chance, np.float32(1))
        return np.minimum(bits, _SCALE - 1).astype(np.uint16), held

    def _kept(self, rows: Ints, may: Candidates, trial: Ints, slot: Ints, part: Floats) -> Floats:
        """Chance not to be lost by the moment when the clock of winning rings."""
        deals = self.inputs.open_deals
        lose = deals.lose[:, deals.state[rows]].transpose(1, 0, 2).astype(np.float64)
        number, worlds, periods = lose.shape
        before = (lose - np.cumsum(lose, axis=2)).astype(np.float32).reshape(-1)
        row = slot
        if worlds > 1:
            row = slot + may.of_deal(np.arange(number) * (worlds - 1) * periods)
            row += (self.trials.world * periods).take(trial)
        log = lose.astype(np.float32).reshape(-1).take(row)
        log *= part
        np.subtract(before.take(row), log, out=log)
        return np.exp(log, out=log)


def _count(reached: Floats, asked: Floats) -> npt.NDArray[np.uint8]:
    """Count the periods by whose end the hazard asked for has not been reached."""
    out, below = np.zeros(len(asked), dtype=np.uint8), np.empty(len(asked), dtype=np.bool_)
    for one in reached:
        np.less_equal(one, asked, out=below)
        out += below.view(np.uint8)
    return out


def _near(asked: Floats, begin: Floats, end: Floats, first: Short, effect: Floats | None) -> Ints:
    """Find where the uniform may lie on either side of a period's edge, as far as its first bits tell."""
    if not len(asked):
        return np.zeros(0, dtype=np.int64)
    # Half a step of the uniform moves the hazard asked for by less than half a step over the steps above it.
    least = 1.0 if effect is None else float(effect.min())
    close = np.minimum(end - asked, asked - begin) <= np.float32(_HALF / (_LAST - int(_HIGH)) / least)
    close |= first > _HIGH
    near = np.flatnonzero(close)
    reach = _HALF / np.maximum(_LAST - first[near].astype(np.float64), _TINY)
    if effect is not None:
        reach /= effect[near]
    doubtful = (np.abs(end[near] - asked[near]) <= reach) | (asked[near] - begin[near] <= reach)
    return np.asarray(near[doubtful])


def _around(reached: Floats, count: npt.NDArray[np.uint8]) -> tuple[Ints, Floats, Floats]:
    """Period reached, the last one at most, and the hazard cumulated by its beginning and by its end."""
    period = np.minimum(count, len(reached) - 2).astype(np.int64)
    row = period * len(count)
    row += np.arange(len(count))
    begin = reached.reshape(-1).take(row)
    row += len(count)
    return period, begin, reached.reshape(-1).take(row)
