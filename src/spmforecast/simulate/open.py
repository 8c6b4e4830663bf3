"""Open deals of a block of trials: winners first, all else for them alone.

Two clocks run for a deal: one of winning, whose speed the market, the parameters and the owner set, and one of losing.
An exponential variable says when the first rings. Trials in which it cannot ring within the horizon are never touched;
of the others, those that would have been lost before are dropped, and only the winners get an amount.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.quantiles import exponential, lower_uniform, pick
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials

__all__ = ["play_open_deals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_BATCH = 16  # deals whose winners are handled together; the arrays of so many fit the cache


@dataclass(frozen=True)
class _Clocks:
    """Clocks of the deals of a batch.

    Parameters
    ----------
    win : array of float32, shape (deals, periods + 1, columns)
        Speed of winning added up to the end of each period, beginning with zero; a column for each trial, or for
        each world where trials of a world do not differ.
    lose : array of float32, shape (deals, periods + 1, worlds)
        The same of losing.
    column : array of int, shape (trials,)
        Column of each trial in `win`.
    """

    win: Floats
    lose: Floats
    column: Ints


def play_open_deals(
    inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None], tally: Tally
) -> None:
    """Play every open deal.

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
    tally : Tally
        Where wins are booked.
    """
    clocks = _Speeds(inputs, trials, shocks)
    deals = inputs.open_deals
    for first in range(0, len(deals.ids), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(deals.ids)))
        _play(inputs, trials, rows, clocks.of(deals.state[rows]), effects, tally)


class _Speeds:
    """Speeds of the clocks by state; neighbouring deals often share one, so the last few are kept."""

    def __init__(self, inputs: SimulationInputs, trials: Trials, shocks: Shocks | None) -> None:
        deals = inputs.open_deals
        self.deals, self.shocks = deals, shocks
        self.column = trials.world if shocks is None else np.arange(trials.count, dtype=np.int64)
        self.world = trials.world
        self.known: dict[int, tuple[Floats, Floats]] = {}

    def of(self, states: Ints) -> _Clocks:
        """Stack the clocks of some states."""
        wanted = states.tolist()
        self.known = {state: pair for state, pair in self.known.items() if state in set(wanted)}
        for state in wanted:
            if state not in self.known:
                self.known[state] = self._work_out(state)
        win, lose = (np.stack([self.known[state][part] for state in wanted]) for part in (0, 1))
        return _Clocks(win, lose, self.column)

    def _work_out(self, state: int) -> tuple[Floats, Floats]:
        win = self.deals.win[:, state].T.astype(np.float32)
        lose = _summed(self.deals.lose[:, state].T.astype(np.float32))
        if self.shocks is None:
            return _summed(win), lose
        speed = self.shocks.level[0] * self.deals.response[state].astype(np.float32)[:, None]
        np.exp(speed, out=speed)
        speed *= win[:, self.world]
        return _summed(speed), lose


def _summed(speed: Floats) -> Floats:
    """Add speeds up over periods, beginning with zero."""
    out = np.zeros((speed.shape[0] + 1, speed.shape[1]), dtype=np.float32)
    for period in range(speed.shape[0]):
        np.add(out[period], speed[period], out=out[period + 1])
    return out


def _play(
    inputs: SimulationInputs,
    trials: Trials,
    rows: Ints,
    clocks: _Clocks,
    effects: dict[int, Floats | None],
    tally: Tally,
) -> None:
    """Play the deals of one batch."""
    periods = inputs.periods
    found = list(_rung(inputs, trials, rows, clocks, effects))
    at = np.repeat(np.arange(len(rows)), [len(trial) for trial, _, _ in found])
    trial, wait, lower = (np.concatenate([part[k] for part in found]) for k in range(3))
    columns, worlds = clocks.win.shape[2], clocks.lose.shape[2]
    win_row = at * ((periods + 1) * columns) + clocks.column[trial]
    period = pick(clocks.win, win_row + columns, columns, periods - 1, wait)
    begin = clocks.win.reshape(-1).take(win_row + period * columns)
    end = clocks.win.reshape(-1).take(win_row + (period + 1) * columns)
    lose_row = at * ((periods + 1) * worlds) + trials.world[trial] + period * worlds
    lost = clocks.lose.reshape(-1).take(lose_row)
    lost_later = clocks.lose.reshape(-1).take(lose_row + worlds)
    part = (wait - begin) / np.maximum(end - begin, np.float32(1e-30))
    alive = np.exp(-(lost + part * (lost_later - lost)))
    won = np.flatnonzero(lower <= alive)
    # What is left of the uniform, given that it lies below the chance to be alive, is uniform: it draws the amount.
    _book(inputs, trials, rows, at[won], trial[won], period[won], (lower[won] / alive[won]), tally)


def _rung(
    inputs: SimulationInputs, trials: Trials, rows: Ints, clocks: _Clocks, effects: dict[int, Floats | None]
) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Yield, for each deal, the trials whose clock of winning rings within the horizon, when, and a fresh uniform."""
    deals = inputs.open_deals
    for index, row in enumerate(rows.tolist()):
        reach, effect = clocks.win[index, -1], effects[int(deals.owner[row])]
        whole = reach[clocks.column] * effect if effect is not None else reach
        bound = float(-np.expm1(-whole.max() * np.float32(1.000001)))
        trial, words = trials.below("deal", deals.ids[row], "outcome", bound)
        wait = exponential(words)
        rings = np.flatnonzero(wait < (whole[trial] if effect is not None else whole[clocks.column[trial]]))
        trial, wait, words = trial[rings], wait[rings], words[rings]
        yield trial, wait if effect is None else wait / effect[trial], lower_uniform(words)


def _book(
    inputs: SimulationInputs,
    trials: Trials,
    rows: Ints,
    at: Ints,
    trial: Ints,
    period: Ints,
    uniform: Floats,
    tally: Tally,
) -> None:
    """Draw the winners' amounts and book them."""
    deals, money = inputs.open_deals, inputs.money
    law = deals.law[rows][at]
    cents = money.cents(law, uniform, trials.world[trial], inputs.deal_cents[rows][at])
    deal, cell = rows[at], deals.column[rows][at] + period
    credited = cents.copy() if any(deals.partners[row] for row in rows.tolist()) else None
    if credited is not None:
        for index, row in enumerate(rows.tolist()):
            own = np.flatnonzero(at == index) if deals.partners[row] else None
            for column, share in deals.partners[row] if own is not None else ():
                part = np.rint(cents[own] * share)
                tally.share(column + period[own], trial[own], part)
                credited[own] -= part
    tally.win(cell, trial, cents, credited)
    tally.note(deal, cell, trial, cents)
    tally.open_wins(deal, period, cents, int(rows[0]), len(rows))
