"""Open deals whose chances differ from trial to trial: two clocks run, one of winning and one of losing.

The market, the team, the draws of the parameters and the owner set the speed of the clock of winning. It rings when the
hazard cumulated reaches what the deal's word asks for. The hazards of the periods are worked out in those trials alone
in which it may ring within the horizon (see :mod:`spmforecast.simulate.bounds`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.bounds import Bounds
from spmforecast.simulate.common import Common
from spmforecast.simulate.hazards import Hazards, Levels, Moving, Rings, asked_of
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.luck import leading_bits, turned
from spmforecast.simulate.trials import Trials
from spmforecast.simulate.winners import Candidates, Winners

__all__ = ["ByClocks"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]
Words = npt.NDArray[np.uint32]

_SCALE, _MOST = np.float32(2**16), np.float32(2**16 - 1)
_WORD = np.float32(2**32)


class ByClocks:
    """Plays open deals by their clocks.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    common : Common
        What deals have in common.
    """

    def __init__(self, inputs: SimulationInputs, trials: Trials, common: Common) -> None:
        self.inputs, self.trials, self.common = inputs, trials, common
        self.levels = Levels.of(common.market)
        self.bounds = Bounds(inputs, trials, self.levels, common.owners)
        self.team = -1
        self.luck: Moving | None = None

    def play(self, rows: Ints, words: Words) -> Winners:
        """Find the winners of some deals of one team.

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
        deals = self.inputs.open_deals
        luck = self._of_team(self.common.team_of(int(deals.owner[rows[0]])))
        may = self.bounds.candidates(rows, words, None if luck is None else luck.top)
        trial, word = may.trial, words.take(may.place)
        asked = asked_of(word)
        effect = self._effect(rows, may, trial)
        if effect is not None:
            asked /= effect
        hazards = Hazards(deals, deals.state[rows], self.levels, self.trials.world, luck)
        rings = hazards.rings(may.deal, trial, asked, deals.loses)
        won = rings.period < self.inputs.periods
        slot = may.of_deal(np.arange(len(rows)) * self.inputs.periods)
        slot += np.minimum(rings.period, self.inputs.periods - 1)
        if deals.loses:
            amount, alive = self._alive(rows, may, trial, slot, rings, turned(word))
            won &= alive
        else:
            amount = leading_bits(turned(word))
        here = np.flatnonzero(won)
        return Winners(may.take(here), slot.take(here), amount.take(here))

    def _of_team(self, team: int) -> Moving | None:
        """Lay a team's multipliers out; kept while its deals follow each other."""
        if team != self.team:
            teams = self.common.teams
            self.team, self.luck = team, None if teams is None or team < 0 else Moving.of(teams.of("winning", team))
        return self.luck

    def _effect(self, rows: Ints, may: Candidates, trial: Ints) -> Floats | None:
        """Look up what the owners multiply the hazard by; neighbours often have the same owner."""
        owner = self.inputs.open_deals.owner[rows]
        bound = np.append(0, np.cumsum(may.number))
        cuts = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(owner)]
        effects = [self.common.owners[int(owner[first])] for first in cuts[:-1]]
        if all(effect is None for effect in effects):
            return None
        out = np.ones(len(trial), dtype=np.float32)
        for effect, (first, last) in zip(effects, pairwise(cuts), strict=True):
            if effect is not None:
                here = slice(bound[first], bound[last])
                out[here] = effect.take(trial[here])
        return out

    def _alive(
        self, rows: Ints, may: Candidates, trial: Ints, slot: Ints, rings: Rings, luck: Words
    ) -> tuple[Short, npt.NDArray[np.bool_]]:
        """Tell who is not lost before the clock of winning rings; what is left of the luck draws the amount."""
        chance = self._kept(rows, may, trial, slot, rings.part)
        chance *= _WORD
        left = luck.astype(np.float32)
        alive = left < chance
        left *= _SCALE
        left /= np.maximum(chance, np.float32(1), out=chance)
        return np.minimum(left, _MOST, out=left).astype(np.uint16), alive

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
