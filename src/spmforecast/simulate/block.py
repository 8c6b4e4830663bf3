"""One block of trials: a pure function of the inputs and of which trials, so that it can run anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.pooling import gamma_quantile
from spmforecast.simulate.inputs import WORLDS, SimulationInputs
from spmforecast.simulate.outcomes import poisson_quantile, win_cells, winning_chances
from spmforecast.simulate.streams import Streams

__all__ = ["BlockResult", "simulate_block"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BlockResult:
    """What a block of trials booked.

    Parameters
    ----------
    amounts, counts : array of float, shape (trials, cells)
        Bookings and wins of the cells still open; the past is added by the engine.
    deal_wins : array of float, shape (deals, periods)
        Trials in which each open deal was won, by period.
    deal_sum, deal_squares : array of float, shape (deals,)
        Sums over trials of each open deal's bookings and their squares.
    """

    amounts: Array
    counts: npt.NDArray[np.float32]
    deal_wins: Array
    deal_sum: Array
    deal_squares: Array


@dataclass(frozen=True)
class _Shocks:
    """Common shocks of a block.

    Parameters
    ----------
    creation : array of float, shape (trials, periods)
        Multipliers of creation.
    level : array of float, shape (trials, cohorts, periods)
        The market's level as a deal of a cohort has met it by a period; the first cohort stands for open deals.
    """

    creation: Array
    level: Array


def simulate_block(inputs: SimulationInputs, start: int, stop: int) -> BlockResult:
    """Simulate the trials from `start` to `stop`.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    start, stop : int
        Trials; `start` is a multiple of four.

    Returns
    -------
    BlockResult
    """
    return _Block(inputs, start, stop).run()


class _Block:
    """Working arrays of one block."""

    def __init__(self, inputs: SimulationInputs, start: int, stop: int) -> None:
        self.inputs, self.start, self.stop = inputs, start, stop
        self.streams = Streams(inputs.seed)
        self.world = np.arange(start, stop) % WORLDS
        cells = len(inputs.plan.frame)
        self.amounts = np.zeros((stop - start, cells))
        self.counts = np.zeros((stop - start, cells), dtype=np.float32)

    def run(self) -> BlockResult:
        shocks = self._shocks()
        effects = self._win_effects()
        wins, total, squares = self._open(shocks, effects)
        self._new(shocks, effects)
        return BlockResult(self.amounts, self.counts, wins, total, squares)

    def _uniform(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        return self.streams.uniforms(kind, entity, purpose, self.start, self.stop, lane)

    def _normal(self, kind: str, entity: str, purpose: str, lane: int = 0) -> Array:
        return self.streams.normals(kind, entity, purpose, self.start, self.stop, lane)

    def _shocks(self) -> _Shocks:
        """Draw the market's paths; conversion shares part of creation's innovations."""
        market, shares = self.inputs.market, self.inputs.month_shares
        months = range(shares.shape[1])
        own = np.stack([self._normal("market", "creation", "innovation", m) for m in months], axis=1)
        other = np.stack([self._normal("market", "conversion", "innovation", m) for m in months], axis=1)
        rho = market.correlation
        joint = rho * own + np.sqrt(1 - rho**2) * other
        creation, conversion = (
            posterior.paths(
                self._uniform("market", name, "law"),
                self._normal("market", name, "mean"),
                self._normal("market", name, "level"),
                innovation,
                np.stack([self._normal("market", name, "drift", m) for m in months], axis=1),
            )
            for name, posterior, innovation in (
                ("creation", market.creation, own),
                ("conversion", market.conversion, joint),
            )
        )
        return _Shocks(
            creation=np.einsum("tm,pm->tp", np.exp(creation), shares),
            level=np.einsum("tm,cpm->tcp", conversion, self.inputs.lived),
        )

    def _win_effects(self) -> dict[int, Array]:
        """Draw each owner's multiplier on winning, by owner; only owners with something to win."""
        inputs = self.inputs
        sellers = {owner: index for index, owner in enumerate(inputs.owners)}
        wanted = {*inputs.open_deals.owner.tolist(), *(sellers[name] for name in inputs.new_deals.cells.sellers)}
        return {
            index: gamma_quantile(
                self._uniform("rep", inputs.owners[index], "winning"), inputs.win_shape[index], inputs.win_rate[index]
            )
            for index in sorted(wanted)
        }

    def _open(self, shocks: _Shocks, effects: dict[int, Array]) -> tuple[Array, Array, Array]:
        """Play every open deal: its period by one uniform, its amount where it is won."""
        deals, periods = self.inputs.open_deals, self.inputs.periods
        wins = np.zeros((len(deals.ids), periods))
        total, squares = np.zeros(len(deals.ids)), np.zeros(len(deals.ids))
        for i, name in enumerate(deals.ids):
            state = deals.state[i]
            chances = winning_chances(
                deals.win[self.world, state],
                deals.lose[self.world, state],
                np.exp(shocks.level[:, 0] * deals.response[state]) * effects[int(deals.owner[i])][:, None],
            )
            period = win_cells(chances, self._uniform("deal", name, "outcome"))
            won = np.flatnonzero(period < periods)
            amount = self._open_amount(i, won)
            column = deals.column[i] + period[won]
            self.amounts[won, column] += self._credited(deals.partners[i], period, won, amount)
            self.counts[won, column] += 1
            wins[i] = np.bincount(period[won], minlength=periods)
            total[i], squares[i] = amount.sum(), (amount**2).sum()
        return wins, total, squares

    def _credited(self, partners: tuple[tuple[int, float], ...], period: Ints, won: Ints, amount: Array) -> Array:
        """Credit partners with their shares of a deal, to the cent, and return what is left for the leading rep."""
        left = amount
        for column, share in partners:
            part = np.round(amount * share, 2)
            self.amounts[won, column + period[won]] += part
            left = np.round(left - part, 2)
        return left

    def _open_amount(self, deal: int, won: Ints) -> Array:
        """Amounts, in cents, of the trials in which an open deal is won."""
        deals = self.inputs.open_deals
        uniform = self._uniform("deal", deals.ids[deal], "amount")[won]
        log_amount = deals.log_amount[deal]
        if np.isnan(log_amount):
            return self._new_amount(int(deals.segment[deal]), uniform, won)
        return np.asarray(np.round(np.exp(log_amount + self.inputs.ratio_law.draw(0, uniform)), 2))

    def _new_amount(self, segment: int, uniform: Array, trials: Ints) -> Array:
        """Amounts, in cents, drawn from the law of won deals."""
        location = self.inputs.location[self.world[trials], segment]
        nothing = float(self.inputs.nothing[segment])
        rest = np.maximum(uniform - nothing, 0.0) / (1.0 - nothing) if nothing < 1.0 else uniform
        amount = np.round(np.exp(self.inputs.won_law.draw(segment, rest) + location), 2)
        return np.asarray(np.where(uniform < nothing, 0.0, amount))

    def _new(self, shocks: _Shocks, effects: dict[int, Array]) -> None:
        """Play the deals to come: counts of winners by stream and period, then their amounts."""
        cells = self.inputs.new_deals.cells
        created = self._created(shocks)
        owners = {owner: index for index, owner in enumerate(self.inputs.owners)}
        chances: dict[tuple[int, int], Array] = {}
        for k in range(len(cells.ids)):
            seller, segment = int(cells.seller[k]), int(cells.segment[k])
            if (seller, segment) not in chances:
                known = seller < len(cells.sellers)
                effect = effects[owners[cells.sellers[seller]]] if known else np.ones(self.stop - self.start)
                chances[seller, segment] = self._cohort_chances(segment, shocks.level, effect)
            made = created[seller] if cells.tilt is None else created[seller] * cells.tilt[k]
            mean = cells.share[k] * np.einsum("tc,tcp->tp", made, chances[seller, segment])
            for period in range(self.inputs.periods):
                self._winners(k, period, mean[:, period])

    def _cohort_chances(self, segment: int, level: Array, effect: Array) -> Array:
        """Chance of each period for a deal of each cohort, shape (trials, cohorts, periods)."""
        new = self.inputs.new_deals
        multiplier = np.exp(level * new.response[segment]) * effect[:, None, None]
        return winning_chances(new.win[self.world, segment], new.lose[self.world, segment], multiplier)

    def _created(self, shocks: _Shocks) -> list[Array]:
        """Work out the deals that each seller, and each place's people to be hired, create by cohort in every trial."""
        new = self.inputs.new_deals
        last = new.created.shape[1] - 1
        out = []
        successors = new.vacant[:, None, :] * shocks.creation
        hazard = self._leave_hazard()
        for s, name in enumerate(new.cells.sellers):
            leave = self._leave_day(name, hazard, last)
            effect = gamma_quantile(self._uniform("rep", name, "creating"), new.creation_shape[s], new.creation_rate[s])
            out.append(new.created[s][leave] * effect[:, None] * self._frailty(name) * shocks.creation)
            if new.leave_shape > 0:
                heir = gamma_quantile(self._uniform("rep", name, "successor"), new.creation_prior, new.creation_prior)
                successors[new.cells.place_of[s]] += new.succeeded[leave] * heir[:, None] * shocks.creation
        out.extend(successors)
        return out

    def _leave_hazard(self) -> Array:
        """Draw the hazard of leaving, a parameter common to all reps."""
        new = self.inputs.new_deals
        return gamma_quantile(self._uniform("model", "capacity", "leaving"), new.leave_shape, new.leave_rate)

    def _leave_day(self, name: str, hazard: Array, last: int) -> Ints:
        """Day on which a rep leaves in each trial; the last entry stands for staying."""
        waited = -np.log(self._uniform("rep", name, "leaving"))
        return np.where(waited < hazard * last, np.floor(waited / np.maximum(hazard, 1e-300)), last).astype(np.int64)

    def _frailty(self, name: str) -> Array:
        """Draw a seller's luck in creating, lognormal with mean one, shape (trials, cohorts)."""
        sigma2 = np.log1p(self.inputs.new_deals.dispersion)
        draws = [self._normal("rep", name, "frailty", cohort) for cohort in range(self.inputs.periods)]
        return np.asarray(np.exp(np.sqrt(sigma2) * np.stack(draws, axis=1) - 0.5 * sigma2))

    def _winners(self, stream: int, period: int, mean: Array) -> None:
        """Draw the winners of one stream and period, and their amounts."""
        cells = self.inputs.new_deals.cells
        name, segment, column = cells.ids[stream], int(cells.segment[stream]), int(cells.column[stream]) + period
        count = poisson_quantile(self._uniform("stream", name, "winners", period), mean)
        self.counts[:, column] += count.astype(np.float32)
        for number in range(int(count.max(initial=0))):
            won = np.flatnonzero(count > number)
            uniform = self._uniform("stream", name, f"amount {period}", number)[won]
            self.amounts[won, column] += self._new_amount(segment, uniform, won)
