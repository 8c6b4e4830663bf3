"""Deals to come before they are drawn: how many are created in every trial, and when who creates them leaves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.common import Common
from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.quantiles import LUCK_BITS, mean_one_lognormal
from spmforecast.simulate.trials import Trials

__all__ = ["Created", "leave_days"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Created:
    """Deals that each seller, and each place's people to be hired, create by cohort in every trial."""

    def __init__(self, inputs: SimulationInputs, trials: Trials, common: Common, together: int) -> None:
        self.inputs, self.trials, self.together = inputs, trials, together
        self.known: dict[int, tuple[Floats, Array]] = {}
        self.market = np.ones((inputs.periods, 1)) if common.market is None else common.market.creation
        self.teams = common.teams
        self.owner = {name: index for index, name in enumerate(inputs.owners)}
        new = inputs.new_deals
        self.hazard = _leave_hazard(inputs, trials)
        self.last = new.created.shape[1] - 1
        self.heirs: Array | None = None
        self.frailty = mean_one_lognormal(new.dispersion)

    def of(self, seller: int) -> Floats:
        """Return them, shape (cohorts, trials or 1)."""
        sellers = self.inputs.new_deals.cells.sellers
        if seller < len(sellers):
            return self._seller(seller)[0]
        if self.heirs is None:
            self.heirs = self._successors()
        return np.asarray(self.heirs[seller - len(sellers)], dtype=np.float32)

    def luck(self, seller: int) -> Array:
        """Return what luck multiplies a seller's deals by, averaged over cohorts, shape (trials or 1,)."""
        sellers = len(self.inputs.new_deals.cells.sellers)
        return self._seller(seller)[1] if seller < sellers else self._at(seller - sellers).mean(axis=0)

    def _seller(self, seller: int) -> tuple[Floats, Array]:
        """Deals of a seller, and the luck in them; kept while the next sellers are asked for."""
        if seller not in self.known:
            if self.known and next(iter(self.known)) // self.together != seller // self.together:
                self.known.clear()
            luck, created = self._luck(seller), self.inputs.new_deals.created[seller]
            leave = self._leave_day(seller)
            made = created[self.last][:, None] if leave is None else created.T[:, leave]
            self.known[seller] = (made * luck).astype(np.float32), luck.mean(axis=0)
        return self.known[seller]

    def _luck(self, seller: int) -> Array:
        """Draw what market, productivity and frailty multiply a seller's deals by, shape (cohorts, trials or 1)."""
        new, name = self.inputs.new_deals, self.inputs.new_deals.cells.sellers[seller]
        table = self.inputs.creation_tables[seller]
        luck = self._moved(-1 if self.teams is None else int(self.teams.plan.of_owner[self.owner[name]]))
        luck = luck if table is None else luck * self.trials.gamma(table, name, "creating")
        return np.asarray(luck * self._frailty(name) if new.dispersion > 0 else luck)

    def _successors(self) -> Array:
        """Deals of all who are hired into each place, shape (places, cohorts, trials)."""
        new = self.inputs.new_deals
        out = np.empty((*new.vacant.shape, self.trials.count))
        for place, seats in enumerate(new.vacant):
            out[place] = seats[:, None] * self._at(place)
        prior = self.inputs.heir_table
        for seller, name in enumerate(new.cells.sellers):
            leave = self._leave_day(seller)
            if leave is not None:
                heir = 1.0 if prior is None else self.trials.gamma(prior, name, "successor")
                place = int(new.cells.place_of[seller])
                out[place] += new.succeeded.T[:, leave] * heir * self._at(place)
        return out

    def _at(self, place: int) -> Array:
        """Take what market and team multiply deals of people to be hired by, shape (cohorts, trials or 1)."""
        return self._moved(-1 if self.teams is None else int(self.teams.plan.of_place[place]))

    def _moved(self, team: int) -> Array:
        """Take what the market, and a team's own shock, multiply deals by, shape (cohorts, trials or 1)."""
        return self.market if self.teams is None or team < 0 else self.market * self.teams.of("creating", team)

    def _leave_day(self, seller: int) -> Ints | None:
        """Day on which a rep leaves in each trial; the last entry stands for staying. None where nobody leaves."""
        return None if self.hazard is None else _leave_day(self.inputs, seller, self.hazard, self.trials)

    def _frailty(self, name: str) -> Floats:
        """Draw a seller's luck in creating, lognormal with mean one, shape (cohorts, trials)."""
        key = self.trials.streams.key("rep", name, "frailty").tolist()
        asked = self.trials.start, self.trials.stop
        bits = np.stack([self.trials.streams.shorts(key, *asked, cohort) for cohort in range(self.inputs.periods)])
        return self.frailty.take(bits >> (16 - LUCK_BITS))


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
