"""Wins expected of deals to come in each period: what cohorts create, times the chance to be won after so long."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.trials import Trials

__all__ = ["MovedWins", "SettledWins"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_TINY = np.float32(1e-30)
_TOGETHER = 1 << 16  # chances worked out in one go


class SettledWins:
    """Wins expected where chances are those of a world: neither the market nor the seller moves them.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    """

    def __init__(self, inputs: SimulationInputs, trials: Trials) -> None:
        self.new, self.trials = inputs.new_deals, trials
        worlds, self.segments, periods = self.new.win.shape[:3]
        self.together = max(1, _TOGETHER // (worlds * periods * periods))
        self.first, self.known = -1, np.empty(0, dtype=np.float32)

    def expected(self, made: Floats, stream: int) -> Floats:
        """Add up the wins of a stream expected in each period over the cohorts that can bring them.

        Parameters
        ----------
        made : array of float32, shape (cohorts, trials or 1)
            Deals created.
        stream : int
            Which stream; those of a segment had best follow each other.

        Returns
        -------
        array of float32, shape (periods, trials or 1)
            One column where all trials are alike.
        """
        chance = self._chances(int(self.new.cells.segment[stream]))
        if made.shape[1] == 1:
            out = np.asarray((chance * made[:, :, None]).sum(axis=0))
            return self._wide(out)
        out = np.zeros(made.shape, dtype=np.float32)
        for cohort, deals in enumerate(made):
            out[cohort:] += self._wide(chance[cohort, cohort:]) * deals
        return out

    def _chances(self, segment: int) -> Floats:
        """Chances of a segment, shape (cohorts, periods, worlds); neighbours' are worked out with them."""
        first = segment - segment % self.together
        if first != self.first:
            win, lose = (np.triu(table[:, first : first + self.together]) for table in (self.new.win, self.new.lose))
            chances = winning_chances(win, lose, np.ones(win.shape[-1]))
            self.first, self.known = first, chances.transpose(1, 2, 3, 0).astype(np.float32, order="C")
        return np.asarray(self.known[segment - first])

    def _wide(self, table: Floats) -> Floats:
        """Give every trial what its world has, where worlds differ."""
        return self.trials.spread(table) if table.shape[-1] > 1 else table


class MovedWins:
    """Wins expected where the market or sellers move chances from trial to trial.

    Pairs of a cohort and a period are laid out by the periods between them, the lag: what happens to all cohorts at a
    lag is one step.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.
    shocks : Shocks or None
        The market.
    winning : callable
        Each seller's multiplier on winning, of shape (trials,) or (periods, trials); None for one.
    """

    def __init__(
        self,
        inputs: SimulationInputs,
        trials: Trials,
        shocks: Shocks | None,
        winning: Callable[[int], Floats | None],
    ) -> None:
        self.new, self.trials, self.winning = inputs.new_deals, trials, winning
        self.loses = bool(self.new.lose.any())
        self.pairs, self.lags = _by_lag(inputs.periods)
        self.level = None if shocks is None else shocks.level[self.pairs]
        self.bent = None if shocks is None else shocks.bent[self.pairs]
        # Segments that answer the market alike share what it multiplies hazards by.
        self.answer, self.moved = np.empty(0), np.ones(1, dtype=np.float32)
        self.segment, self.win, self.lose = -1, np.empty(0, dtype=np.float32), np.empty(0, dtype=np.float32)

    def expected(self, made: Floats, stream: int) -> Floats:
        """Add up the wins expected; as :meth:`SettledWins.expected`, with a column for each trial.

        As :func:`spmforecast.simulate.outcomes.winning_chances`, followed lag by lag by what is left of each cohort.
        """
        seller, segment = int(self.new.cells.seller[stream]), int(self.new.cells.segment[stream])
        if segment != self.segment:
            self.segment, self.win, self.lose = segment, self._speed(segment), self._loss(segment)
        effect = self.winning(seller)
        alive, speed, left = np.empty((3, len(made), self.trials.count), dtype=np.float32)
        out = np.zeros_like(alive)
        alive[:] = made
        for lag, pairs in enumerate(self.lags):
            alive, speed, left = (one[: len(out) - lag] for one in (alive, speed, left))
            win = self.win[pairs]
            if effect is not None:
                win = np.multiply(win, effect if effect.ndim == 1 else effect[lag:], out=speed)
            gone = np.add(win, self.lose[pairs], out=left) if self.loses else win
            share = np.divide(win, gone, out=speed) if self.loses else None
            np.exp(gone, out=left)
            left *= alive
            alive -= left
            if share is not None:
                alive *= share
            out[lag:] += alive
            alive, left = left, alive
        return out

    def _speed(self, segment: int) -> Floats:
        """Hazards of winning as the market moves them, less than zero, shape (pairs, trials)."""
        return np.asarray(self._wide(-self.new.win[:, segment]) * self._market(segment))

    def _market(self, segment: int) -> Floats:
        """Work out what the market multiplies hazards by, shape (pairs, trials)."""
        if self.level is None or self.bent is None:
            return self.moved
        answer = np.stack([table[segment][self.pairs] for table in (self.new.response, self.new.bend)])
        if not np.array_equal(answer, self.answer):
            response, bend = answer.astype(np.float32)[..., None]
            self.answer, moved = answer, self.level * response
            if bend.any():
                moved -= self.bent * bend
            self.moved = np.exp(moved, out=moved)
        return self.moved

    def _loss(self, segment: int) -> Floats:
        """Hazards of losing, below zero so that shares of all hazards can be taken; empty where nothing is lost."""
        return np.asarray(np.minimum(self._wide(-self.new.lose[:, segment]), -_TINY)) if self.loses else self.lose

    def _wide(self, table: Floats) -> Floats:
        """Lay hazards (worlds, cohorts, periods) out by pair, and give every trial what its world has."""
        of_worlds = table[:, *self.pairs].T
        return self.trials.spread(of_worlds) if len(table) > 1 else of_worlds


def _by_lag(periods: int) -> tuple[tuple[Ints, Ints], list[slice]]:
    """Cohort and period of all pairs, in order of the lag between them, and where each lag's pairs are."""
    number = np.arange(periods, 0, -1)
    cohort = np.concatenate([np.arange(rows) for rows in number])
    lag = np.repeat(np.arange(periods), number)
    return (cohort, cohort + lag), [slice(*ends) for ends in pairwise([0, *np.cumsum(number).tolist()])]
