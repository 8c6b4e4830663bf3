"""Deals to come in a block of trials: how many of each stream win, then when and for how much, one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.arrivals import Points, arrivals
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.quantiles import pick
from spmforecast.simulate.shocks import Shocks
from spmforecast.simulate.tally import Tally
from spmforecast.simulate.trials import Trials

__all__ = ["leave_days", "play_new_deals"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def play_new_deals(
    inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None], tally: Tally
) -> None:
    """Play the deals to come; arguments as in :func:`spmforecast.simulate.open.play_open_deals`."""
    cells = inputs.new_deals.cells
    created = _Created(inputs, trials, shocks)
    chances = _Chances(inputs, trials, shocks, effects)
    for k in range(len(cells.ids)):
        seller, segment = int(cells.seller[k]), int(cells.segment[k])
        made = created.of(seller)
        made = made if cells.tilt is None else made * cells.tilt[k].astype(np.float32)[:, None]
        mean = _meet(made * np.float32(cells.share[k]), chances.of(seller, segment), trials.world)
        _winners(inputs, trials, k, mean, tally)


def _meet(made: Floats, chance: Floats, world: Ints) -> Floats:
    """Add up the wins expected in each period over the cohorts that can bring them, shape (periods, trials or worlds).

    Both arguments have a column for each trial, or fewer where trials of a world do not differ.
    """
    columns = max(made.shape[1], chance.shape[2])
    if 1 < chance.shape[2] < columns:
        chance = chance[:, :, world]
    out = np.zeros((chance.shape[1], columns), dtype=np.float32)
    for cohort in range(chance.shape[0]):
        out[cohort:] += made[cohort] * chance[cohort, cohort:]
    return out


def _winners(inputs: SimulationInputs, trials: Trials, stream: int, mean: Floats, tally: Tally) -> None:
    """Draw the winners of one stream as points below the wins expected in each trial, then each one's amount."""
    cells = inputs.new_deals.cells
    name, law = cells.ids[stream], int(cells.segment[stream]) + 1
    steps = np.zeros((len(mean) + 1, mean.shape[1]), dtype=np.float32)
    np.cumsum(mean, axis=0, out=steps[1:])
    key, most = trials.streams.key("stream", name, "winner")[None], np.array([steps[-1].max()], dtype=np.float64)
    points = arrivals(trials.streams, key, trials.start, trials.stop, most)
    trial, uniform, period = points.trial, points.uniform, _periods(steps, trials, points)
    if steps.shape[1] > 1:
        won = np.flatnonzero(period < inputs.periods)
        trial, uniform, period = trial.take(won), uniform.take(won), period.take(won)
    rows = np.full(len(trial), law, dtype=np.int64)
    cents = inputs.money.cents(rows, uniform, trials.world.take(trial))
    if inputs.new_deals.resize is not None:
        cents = inputs.new_deals.resize.of(stream, period, cents)
    cell = int(cells.column[stream]) + period
    tally.win(cell, trial, cents)
    tally.note(-1 - stream, cell, trial, cents)


def _periods(steps: Floats, trials: Trials, points: Points) -> Ints:
    """Find the period of each point; the number of periods where it lies above its trial's expected wins."""
    periods, columns = len(steps) - 1, steps.shape[1]
    if columns == 1:
        return points.steps(steps.T.astype(np.float64)) - 1
    column = trials.world.take(points.trial) if columns < trials.count else points.trial
    return pick(steps, column + columns, columns, periods, points.height.astype(np.float32))


class _Chances:
    """Chance of each period for a deal of each cohort, by seller and segment."""

    def __init__(
        self, inputs: SimulationInputs, trials: Trials, shocks: Shocks | None, effects: dict[int, Floats | None]
    ) -> None:
        self.inputs, self.trials, self.shocks = inputs, trials, shocks
        owners = {owner: index for index, owner in enumerate(inputs.owners)}
        self.effect = [effects[owners[name]] for name in inputs.new_deals.cells.sellers]
        self.known: dict[tuple[int, int], Floats] = {}

    def of(self, seller: int, segment: int) -> Floats:
        """Return them, shape (cohorts, periods, trials or worlds); streams of a seller follow each other."""
        key = (seller, segment)
        if key not in self.known:
            if len(self.known) and next(iter(self.known))[0] != seller:
                self.known.clear()
            self.known[key] = self._work_out(segment, self.effect[seller] if seller < len(self.effect) else None)
        return self.known[key]

    def _work_out(self, segment: int, effect: Floats | None) -> Floats:
        new, varied = self.inputs.new_deals, self.shocks is not None or effect is not None
        win, lose = (table[:, segment].transpose(1, 2, 0).astype(np.float32) for table in (new.win, new.lose))
        columns = self.trials.count if varied else win.shape[2]
        out = np.zeros((*win.shape[:2], columns), dtype=np.float32)
        response, bend = (table[segment].astype(np.float32)[..., None] for table in (new.response, new.bend))
        for cohort in range(win.shape[0]):
            speed, away = win[cohort, cohort:], lose[cohort, cohort:]
            if varied:
                speed, away = speed[:, self.trials.world], away[:, self.trials.world]
            if self.shocks is not None:
                level, square = self.shocks.level[cohort, cohort:], self.shocks.bent[cohort, cohort:]
                speed *= np.exp(level * response[cohort, cohort:] - square * bend[cohort, cohort:])
            if effect is not None:
                speed *= effect
            out[cohort, cohort:] = _won(speed, away)
        return out


def _won(win: Floats, lose: Floats) -> Floats:
    """Chance to be won in each period, as :func:`spmforecast.simulate.outcomes.winning_chances`, periods first."""
    total = win + lose
    share = win / np.maximum(total, np.float32(1e-30))
    leave = np.expm1(-total) if total.size < 1024 else np.exp(-total) - np.float32(1)
    reached = np.cumsum(total, axis=0) - total
    return np.asarray(-np.exp(-reached) * leave * share)


class _Created:
    """Deals that each seller, and each place's people to be hired, create by cohort in every trial."""

    def __init__(self, inputs: SimulationInputs, trials: Trials, shocks: Shocks | None) -> None:
        self.inputs, self.trials = inputs, trials
        self.market = np.ones((inputs.periods, 1)) if shocks is None else shocks.creation
        new = inputs.new_deals
        self.hazard = _leave_hazard(inputs, trials)
        self.last = new.created.shape[1] - 1
        self.heirs: Array | None = None

    def of(self, seller: int) -> Floats:
        """Return them, shape (cohorts, trials or 1)."""
        sellers = self.inputs.new_deals.cells.sellers
        if seller < len(sellers):
            return self._seller(seller).astype(np.float32)
        if self.heirs is None:
            self.heirs = self._successors()
        return np.asarray(self.heirs[seller - len(sellers)], dtype=np.float32)

    def _seller(self, seller: int) -> Array:
        new, name = self.inputs.new_deals, self.inputs.new_deals.cells.sellers[seller]
        leave = self._leave_day(seller)
        made = new.created[seller][self.last][:, None] if leave is None else new.created[seller].T[:, leave]
        made = made * self.market
        table = self.inputs.creation_tables[seller]
        if table is not None:
            made = made * self.trials.gamma(table, name, "creating")
        return np.asarray(made * self._frailty(name) if new.dispersion > 0 else made)

    def _successors(self) -> Array:
        """Deals of all who are hired into each place, shape (places, cohorts, trials)."""
        new = self.inputs.new_deals
        out = np.repeat((new.vacant[:, :, None] * self.market)[:, :, :1], self.trials.count, axis=2)
        out[:] = new.vacant[:, :, None] * self.market
        prior = self.inputs.heir_table
        for seller, name in enumerate(new.cells.sellers):
            leave = self._leave_day(seller)
            if leave is not None:
                heir = 1.0 if prior is None else self.trials.gamma(prior, name, "successor")
                out[new.cells.place_of[seller]] += new.succeeded.T[:, leave] * heir * self.market
        return out

    def _leave_day(self, seller: int) -> Ints | None:
        """Day on which a rep leaves in each trial; the last entry stands for staying. None where nobody leaves."""
        return None if self.hazard is None else _leave_day(self.inputs, seller, self.hazard, self.trials)

    def _frailty(self, name: str) -> Array:
        """Draw a seller's luck in creating, lognormal with mean one, shape (cohorts, trials)."""
        sigma2 = np.log1p(self.inputs.new_deals.dispersion)
        draws = [self.trials.normal("rep", name, "frailty", cohort) for cohort in range(self.inputs.periods)]
        scaled = (np.sqrt(sigma2) * np.stack(draws) - 0.5 * sigma2).astype(np.float32)
        return np.asarray(np.exp(scaled), dtype=np.float64)


def leave_days(inputs: SimulationInputs, trials: Trials) -> list[Ints] | None:
    """Day of the horizon on which each seller leaves in each trial, its length for staying; None if nobody leaves."""
    hazard = _leave_hazard(inputs, trials)
    if hazard is None:
        return None
    return [_leave_day(inputs, seller, hazard, trials) for seller in range(len(inputs.new_deals.cells.sellers))]


def _leave_hazard(inputs: SimulationInputs, trials: Trials) -> Array | None:
    """Draw the hazard of leaving, a parameter common to all reps."""
    table = inputs.leave_table
    return None if table is None else table.at(trials.normal("model", "capacity", "leaving"))


def _leave_day(inputs: SimulationInputs, seller: int, hazard: Array, trials: Trials) -> Ints:
    """Draw the days until each trial's leave; who is supposed to be gone by then does not leave a second time."""
    new = inputs.new_deals
    last = new.created.shape[1] - 1
    first = 0 if new.begins is None else int(new.begins[seller])
    end = last if new.ends is None else int(new.ends[seller])
    waited = -np.log(trials.uniform("rep", new.cells.sellers[seller], "leaving"))
    day = first + np.floor(waited / np.maximum(hazard, 1e-300))
    return np.asarray(np.where((waited < hazard * last) & (day < end), np.minimum(day, last), last), np.int64)
