"""Open deals of a block of trials: winners first, all else for them alone.

A deal's points (see :mod:`spmforecast.simulate.arrivals`) are drawn up to the most hazard that any trial cumulates; the
lowest in a trial counts. Where the chances of a world's trials do not differ, its height picks the outcome from the
exact table of chances. Otherwise two clocks run: one of winning, whose speed the market, the parameters and the owner
set, and one of losing. The height says when the first rings; trials in which it does not ring within the horizon, or
that would have been lost before, are dropped. Only the winners get an amount.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.arrivals import Points, arrivals
from spmforecast.simulate.inputs import OpenDeals, SimulationInputs
from spmforecast.simulate.quantiles import pick
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials

__all__ = ["play_open_deals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_BATCH = 32  # deals whose winners are handled together; the arrays of so many fit the cache


@dataclass(frozen=True)
class _Tables:
    """Tables of the deals of a batch, each beginning with zero before the first period.

    Parameters
    ----------
    win : array of float32, shape (deals, periods + 1, columns)
        Speed of winning added up; a column for each world, or for each trial where trials of a world differ. Without
        clocks it is what would give the chances of being won if nothing were lost.
    lose : array of float32, shape (deals, periods + 1, worlds), or None
        Speed of losing, added up; None without clocks.
    column : array of int, shape (trials,)
        Column of each trial in `win`.
    """

    win: Floats
    lose: Floats | None
    column: Ints


@dataclass(frozen=True)
class _Winners:
    """Winners of a batch, in order of the deals.

    Parameters
    ----------
    at, trial, period : array of int, shape (n,)
        Deal within the batch, trial, and period of the win.
    uniform : array of float32, shape (n,)
        What draws the amount.
    """

    at: Ints
    trial: Ints
    period: Ints
    uniform: Floats


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
    deals = inputs.open_deals
    clocks = shocks is not None or any(effects[owner] is not None for owner in set(deals.owner.tolist()))
    tables = _ByState(inputs, trials, shocks, clocks)
    # Neighbours that share a state share its table; without clocks tables are there, and those that share cells gain.
    order = np.lexsort((deals.column, deals.state) if clocks else (deals.state, deals.column))
    for first in range(0, len(order), _BATCH):
        rows = order[first : first + _BATCH]
        batch = tables.of(deals.state[rows])
        own = [effects[int(owner)] for owner in deals.owner[rows]]
        lowest = _lowest(inputs, trials, rows, batch, own)
        winners = _by_clocks(batch, trials, own, lowest) if clocks else _by_table(batch, lowest)
        _book(inputs, trials, rows, winners, tally)


class _ByState:
    """Tables by state; neighbouring deals often share one, so those of the last batch are kept."""

    def __init__(self, inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, clocks: bool) -> None:
        self.deals, self.shocks = inputs.open_deals, shocks
        self.settled = None if clocks else inputs.settled
        self.column = trials.world if shocks is None else np.arange(trials.count, dtype=np.int64)
        self.world = trials.world
        self.known: dict[int, tuple[Floats, Floats]] = {}

    def of(self, states: Ints) -> _Tables:
        """Stack the tables of some states."""
        if self.settled is not None:
            return _Tables(self.settled[states], None, self.column)
        wanted = states.tolist()
        self.known = {state: self.known.get(state) or self._work_out(state) for state in wanted}
        pairs = [self.known[state] for state in wanted]
        win, lose = (np.stack([pair[part] for pair in pairs]) for part in (0, 1))
        return _Tables(win, lose, self.column)

    def _work_out(self, state: int) -> tuple[Floats, Floats]:
        speed = self.deals.win[:, state].T.astype(np.float32)
        if self.shocks is not None:
            speed = speed[:, self.world]
            response, bend = (
                table[state].astype(np.float32)[:, None] for table in (self.deals.response, self.deals.bend)
            )
            speed *= np.exp(self.shocks.level[0] * response - self.shocks.bent[0] * bend)
        return _summed(speed), _summed(self.deals.lose[:, state].T.astype(np.float32))


def _summed(speed: Floats) -> Floats:
    """Add up over periods, beginning with zero."""
    out = np.zeros((speed.shape[0] + 1, speed.shape[1]), dtype=np.float32)
    for period in range(speed.shape[0]):
        np.add(out[period], speed[period], out=out[period + 1])
    return out


def _lowest(
    inputs: SimulationInputs, trials: Trials, rows: Ints, tables: _Tables, effects: list[Floats | None]
) -> Points:
    """Draw each deal's points up to a bound that holds for all trials, and keep the lowest of every trial."""
    reach = tables.win[:, -1].max(axis=1).astype(np.float64)
    for index, effect in enumerate(effects):
        if effect is not None:
            reach[index] = (tables.win[index, -1].take(tables.column) * effect).max()
    return arrivals(trials.streams, inputs.deal_keys[rows], trials.start, trials.stop, reach).lowest(trials.count)


def _by_table(tables: _Tables, lowest: Points) -> _Winners:
    """Pick outcomes from the table of chances."""
    _, ends, columns = tables.win.shape
    if columns == 1:
        period = lowest.steps(tables.win[:, :, 0].astype(np.float64)) - 1
        return _Winners(lowest.at, lowest.trial, period, lowest.uniform)
    row = lowest.at * (ends * columns) + tables.column.take(lowest.trial)
    period = pick(tables.win, row + columns, columns, ends - 1, lowest.height.astype(np.float32))
    won = np.flatnonzero(period < ends - 1)
    return _Winners(lowest.at.take(won), lowest.trial.take(won), period.take(won), lowest.uniform.take(won))


def _by_clocks(tables: _Tables, trials: Trials, effects: list[Floats | None], lowest: Points) -> _Winners:
    """Let the clock of winning ring, and drop deals that were lost before."""
    assert tables.lose is not None
    _, ends, columns = tables.win.shape
    worlds = tables.lose.shape[2]
    at, trial = lowest.at, lowest.trial
    flat, wait = tables.win.reshape(-1), lowest.height.astype(np.float32)
    if any(effect is not None for effect in effects):
        one = np.ones(trials.count, dtype=np.float32)
        speed = np.stack([one if effect is None else effect for effect in effects])
        wait /= speed.reshape(-1).take(at * trials.count + trial)
    row = at * (ends * columns) + tables.column.take(trial)
    rings = np.flatnonzero(wait < flat.take(row + (ends - 1) * columns))
    at, trial, row, wait = at.take(rings), trial.take(rings), row.take(rings), wait.take(rings)
    period = pick(flat, row + columns, columns, ends - 2, wait)
    row += period * columns
    begin = flat.take(row)
    part = (wait - begin) / np.maximum(flat.take(row + columns) - begin, np.float32(1e-30))
    lost = at * (ends * worlds) + trials.world.take(trial) + period * worlds
    before = tables.lose.reshape(-1).take(lost)
    alive = np.exp(-(before + part * (tables.lose.reshape(-1).take(lost + worlds) - before)))
    lower = lowest.uniform.take(rings)
    won = np.flatnonzero(lower <= alive)
    # What is left of the uniform, given that it lies below the chance to be alive, is uniform: it draws the amount.
    return _Winners(at.take(won), trial.take(won), period.take(won), lower.take(won) / alive.take(won))


def _book(inputs: SimulationInputs, trials: Trials, rows: Ints, winners: _Winners, tally: Tally) -> None:
    """Draw the winners' amounts and book them."""
    deals = inputs.open_deals
    at, trial, period = winners.at, winners.trial, winners.period
    number = np.bincount(at, minlength=len(rows))
    world = trials.world.take(trial) if inputs.money.location.any() else trial
    base = np.repeat(inputs.deal_cents[rows], number)
    cents = inputs.money.cents(np.repeat(deals.law[rows], number), winners.uniform, world, base)
    if deals.resize is not None:
        cents = deals.resize.of(rows[at], period, cents)
    cell = np.repeat(deals.column[rows], number) + period
    credited = None
    if any(deals.partners[row] for row in rows.tolist()):
        credited = _share(deals, rows, winners, cents, tally)
    tally.win(cell, trial, cents, credited)
    tally.note(rows[at], cell, trial, cents)
    tally.open_wins(number, at * inputs.periods + period, cents, rows)


def _share(deals: OpenDeals, rows: Ints, winners: _Winners, cents: Array, tally: Tally) -> Array:
    """Credit partners with their shares, in whole cents; return what is left for the leading reps."""
    credited = cents.copy()
    for index, row in enumerate(rows.tolist()):
        own = np.flatnonzero(winners.at == index)
        for column, share in deals.partners[row]:
            part = np.rint(cents[own] * share)
            tally.share(column + winners.period[own], winners.trial[own], part)
            credited[own] -= part
    return credited
