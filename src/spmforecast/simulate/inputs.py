"""What a block of trials needs, as plain arrays: made once from a fitted pipeline, handed to every block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models import FittedPipeline
from spmforecast.models.amounts import AmountLaw
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.futures import Futures, futures_by_segment
from spmforecast.models.landmarks import PARTS, apply_shift, chance_logit
from spmforecast.models.market import MarketModel
from spmforecast.simulate.capacity import capacity_tables
from spmforecast.simulate.cells import CellPlan, CreationCells, plan_cells
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.looking_back import LookingBack, look_back
from spmforecast.simulate.outcomes import period_intensities, winning_chances
from spmforecast.simulate.quantiles import GammaTable, MoneyTable
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.trials import gamma_tables

__all__ = ["WORLDS", "NewDeals", "OpenDeals", "SimulationInputs", "build_inputs"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEVEL_STEP = 0.2  # shift of the market's level by which responses are measured
_LARGEST_RESPONSE = 6.0
WORLDS = 64  # draws of the fitted parameters; trial i lives in world i modulo this


@dataclass(frozen=True)
class OpenDeals:
    """Deals open at the as-of date.

    Parameters
    ----------
    ids : tuple of str
        Deals.
    state : array of int, shape (deals,)
        Position of each deal's (profile, stage, age) in the tables.
    response : array of float, shape (states, periods)
        Change of the log chance to be won in a period for one unit of the market's level.
    win, lose : array of float, shape (worlds, states, periods)
        Integrated intensities.
    owner, segment, column : array of int, shape (deals,)
        Owner, segment, and first of the deal's cells (one for each period).
    log_amount : array of float, shape (deals,)
        As it stands, moved by what is still expected to happen to it in its stage; NaN where it is not known.
    partners : tuple of tuple of (int, float)
        For each deal, first cell and share of whoever shares it beside the leading rep.
    """

    ids: tuple[str, ...]
    state: Ints
    response: Array
    win: Array
    lose: Array
    owner: Ints
    segment: Ints
    column: Ints
    log_amount: Array
    partners: tuple[tuple[tuple[int, float], ...], ...]

    @cached_property
    def law(self) -> Ints:
        """Row of each deal's amount in the engine's table of laws: 0 where its present amount is known."""
        return np.where(np.isnan(self.log_amount), self.segment + 1, 0)


@dataclass(frozen=True)
class NewDeals:
    """Deals not yet created.

    Parameters
    ----------
    cells : CreationCells
        Who creates what, and where it is counted.
    response : array of float, shape (segments, cohorts, periods)
        As for open deals.
    win, lose : array of float, shape (worlds, segments, cohorts, periods)
        Integrated intensities of a deal created in a cohort (a period).
    created : array of float, shape (sellers, leave days + 1, cohorts)
        Expected deals of each seller and cohort, given the day of leaving (the last entry: never).
    succeeded : array of float, shape (leave days + 1, cohorts)
        Expected deals of a successor of average productivity.
    vacant : array of float, shape (places, cohorts)
        Expected deals of those who will fill the seats that stand empty at the as-of date.
    leave_shape, leave_rate : float
        Gamma posterior of the hazard of leaving per day; shape zero: nobody leaves.
    creation_shape, creation_rate : array of float, shape (sellers,)
        Gamma posterior of each seller's productivity; posterior of each seller.
    creation_prior : float
        Strength of the prior that a successor's productivity is drawn from.
    dispersion : float
        Variance of the frailty of a seller and cohort.
    """

    cells: CreationCells
    response: Array
    win: Array
    lose: Array
    created: Array
    succeeded: Array
    vacant: Array
    leave_shape: float
    leave_rate: float
    creation_shape: Array
    creation_rate: Array
    creation_prior: float
    dispersion: float


@dataclass(frozen=True)
class SimulationInputs:
    """Everything that a block of trials needs.

    Parameters
    ----------
    seed : int
        Seed of all streams.
    plan : CellPlan
        Cells and the bookings already known.
    open_deals, new_deals : OpenDeals, NewDeals
        What can still be won.
    owners : tuple of str
        Owners of open or new deals.
    win_shape, win_rate : array of float, shape (owners,)
        Gamma posterior of each owner's multiplier on winning.
    market : MarketModel or None
        Common shocks; None for none.
    month_shares : array of float, shape (periods, months)
        Months to come in each period.
    lived : array of float, shape (cohorts, periods, months)
        Months that a deal of a cohort has lived through by the end of a period; the first cohort stands for open deals.
    won_law, ratio_law : AmountLaw
        Amounts of won deals; final over present amounts.
    nothing : array of float, shape (segments,)
        Share of wins that bring nothing.
    location : array of float, shape (worlds, segments)
        Drawn errors of the log amounts' locations, less half their variance: the mean amount is not to grow with doubt.
    """

    seed: int
    plan: CellPlan
    open_deals: OpenDeals
    new_deals: NewDeals
    owners: tuple[str, ...]
    win_shape: Array
    win_rate: Array
    market: MarketModel | None
    month_shares: Array
    lived: Array
    won_law: AmountLaw
    ratio_law: AmountLaw
    nothing: Array
    location: Array

    @property
    def periods(self) -> int:
        """Number of periods to come."""
        return int(self.month_shares.shape[0])

    @property
    def worlds(self) -> int:
        """Draws of the fitted parameters."""
        return len(self.open_deals.win)

    def prepare(self) -> None:
        """Make all tables now, so that they go to other processes with the inputs and are not made again there."""
        for table in ("win_tables", "creation_tables", "heir_table", "leave_table", "money", "deal_keys", "deal_cents"):
            getattr(self, table)

    @cached_property
    def win_tables(self) -> tuple[GammaTable | None, ...]:
        """Law of each owner's multiplier on winning."""
        return gamma_tables(self.win_shape, self.win_rate)

    @cached_property
    def creation_tables(self) -> tuple[GammaTable | None, ...]:
        """Law of each seller's productivity."""
        return gamma_tables(self.new_deals.creation_shape, self.new_deals.creation_rate)

    @cached_property
    def heir_table(self) -> GammaTable | None:
        """Law of a successor's productivity."""
        prior = np.array([self.new_deals.creation_prior])
        return gamma_tables(prior, prior)[0]

    @cached_property
    def leave_table(self) -> GammaTable | None:
        """Law of the hazard of leaving; None where nobody leaves."""
        shape, rate = self.new_deals.leave_shape, self.new_deals.leave_rate
        return GammaTable.of(shape, rate) if shape > 0 else None

    @cached_property
    def money(self) -> MoneyTable:
        """Amount laws: final over present amounts, then a row for each segment."""
        laws = AmountLaw(np.concatenate([self.ratio_law.log_quantiles, self.won_law.log_quantiles]))
        location = np.pad(self.location, ((0, 0), (1, 0)))
        return MoneyTable.of(laws, np.append(0.0, self.nothing), location)

    @cached_property
    def settled(self) -> npt.NDArray[np.float32]:
        """Chance to be won by the end of each period, undisturbed, shape (states, periods + 1, worlds); zero first."""
        deals = self.open_deals
        chances = winning_chances(deals.win, deals.lose, np.ones(self.periods)).transpose(1, 2, 0)
        return np.pad(np.cumsum(chances, axis=1), ((0, 0), (1, 0), (0, 0))).astype(np.float32)

    @cached_property
    def deal_keys(self) -> npt.NDArray[np.uint64]:
        """Key of each open deal's stream, shape (deals, 2)."""
        streams = Streams(self.seed)
        keys = [streams.key("deal", name, "outcome") for name in self.open_deals.ids]
        return np.array(keys, dtype=np.uint64).reshape(-1, 2)

    @cached_property
    def deal_cents(self) -> Array:
        """Median amount in cents that each open deal would be won for."""
        deals, median = self.open_deals, self.money.base[self.open_deals.law]
        known = ~np.isnan(deals.log_amount)
        # The table's first row is the ratio of final to present amounts, in cents as the others.
        return np.where(known, np.exp(np.where(known, deals.log_amount, 0.0)) * median, median)


def build_inputs(model: FittedPipeline, horizon: Horizon, levels: Sequence[str], seed: int) -> SimulationInputs:
    """Prepare a simulation.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    levels : sequence of str
        Dimensions of the cells beside owner, part and period.
    seed : int
        Seed of all streams.

    Returns
    -------
    SimulationInputs
    """
    streams = Streams(seed)
    rows = _open_rows(model)
    plan, creation = plan_cells(model, horizon, levels, rows)
    process = model.process
    drawn = process.intensity_draws(streams.generator("model", "transitions", "intensities"), WORLDS)
    futures = _futures(model, horizon, drawn.reshape(-1, *drawn.shape[2:]))
    centre, moved = (_futures(model, horizon, process.shifted(level)) for level in (0.0, _LEVEL_STEP))
    back = look_back(model, horizon, centre, rows)
    owners = tuple(sorted({*model.creation.owners, TO_BE_HIRED}))
    win_shape, win_rate = _win_effect(model, owners)
    location = streams.generator("model", "amounts", "location").standard_normal((WORLDS, len(model.profiles.segments)))
    return SimulationInputs(
        seed=seed,
        plan=plan,
        open_deals=_open_deals(model, rows, (futures, centre, moved), horizon, owners, plan, back, streams),
        new_deals=_new_deals(model, (futures, centre, moved), horizon, creation, back.lags),
        owners=owners,
        win_shape=win_shape,
        win_rate=win_rate,
        market=model.market,
        month_shares=horizon.month_shares(),
        lived=horizon.lived(),
        won_law=model.amounts.won,
        ratio_law=model.amounts.ratio,
        nothing=model.amounts.nothing,
        location=location * model.amounts.location_sd - 0.5 * model.amounts.location_sd**2,
    )


def _open_rows(model: FittedPipeline) -> Ints:
    """Rows of the stays that are still running, in order of deal id so that file order does not matter."""
    rows = np.flatnonzero(model.stays.open_now)
    ids = model.deals["opportunity_id"].to_numpy(dtype=object)[model.stays.deal[rows]]
    return np.asarray(rows[np.argsort(ids.astype(str), kind="stable")], dtype=np.int64)


def _futures(model: FittedPipeline, horizon: Horizon, rate: Array) -> Futures:
    """Run the exact recursion over the horizon for many intensities at once."""
    process = model.process
    weight = model.creation.day_weights(horizon.days)
    total = np.bincount(horizon.cell, weights=weight, minlength=len(horizon.periods))
    segment = model.profiles.table[:, 0]
    return futures_by_segment(
        rate,
        np.tile(segment, len(rate) // len(segment)),
        process.rhythm,
        process.bins.of_age,
        process.types_of(horizon.days),
        horizon.cell,
        len(horizon.periods),
        weight / total[horizon.cell],
    )


def _response(centre: Array, moved: Array) -> Array:
    """Log change of the chance to be won for one unit of the market's level."""
    ratio = np.log(np.maximum(moved, 1e-12) / np.maximum(centre, 1e-12)) / _LEVEL_STEP
    return np.asarray(np.where(centre > 1e-9, np.clip(ratio, 0.0, _LARGEST_RESPONSE), 0.0))


def _win_effect(model: FittedPipeline, owners: tuple[str, ...]) -> tuple[Array, Array]:
    """Posterior of each owner's multiplier on winning; an owner without history keeps the prior."""
    pool = model.rep_wins
    place = {owner: index for index, owner in enumerate(model.creation.owners)}
    at = np.array([place.get(owner, -1) for owner in owners])
    seen = np.where(at >= 0, pool.observed[at], 0.0)
    hoped = np.where(at >= 0, pool.expected[at], 0.0)
    return pool.strength + seen, pool.strength + hoped


def _open_deals(
    model: FittedPipeline,
    rows: Ints,
    runs: tuple[Futures, Futures, Futures],
    horizon: Horizon,
    owners: tuple[str, ...],
    plan: CellPlan,
    back: LookingBack,
    streams: Streams,
) -> OpenDeals:
    futures, centre, moved = runs
    stays, deals, cap = model.stays, model.deals, model.process.bins.cap
    deal = stays.deal[rows]
    age = np.minimum(horizon.days[0] - stays.entry[rows], cap)
    profile = model.profiles.of_deal[deal]
    key = np.stack([profile, stays.stage[rows], age], axis=1) if len(rows) else np.zeros((0, 3), dtype=np.int64)
    told = np.concatenate([key.astype(np.float64), np.round(back.signals, 2)], axis=1)
    full, state = np.unique(told, axis=0, return_inverse=True)
    states = full[:, :3].astype(np.int64)
    profiles = len(model.profiles.table)

    def pick(table: npt.NDArray[np.float32]) -> Array:
        by_world = table.reshape(-1, profiles, *table.shape[1:])
        return by_world[:, states[:, 0], states[:, 1], states[:, 2]].astype(np.float64)

    win, lose = period_intensities(*_told_by_signals(pick(futures.won), pick(futures.lost), back, full[:, 3:], streams))
    place = {owner: index for index, owner in enumerate(owners)}
    amount = deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)[deal]
    shift = model.amounts.stage_shift(stays.stages)
    return OpenDeals(
        ids=tuple(str(name) for name in deals["opportunity_id"].to_numpy(dtype=object)[deal]),
        state=state.reshape(-1).astype(np.int64),
        response=_response(pick(centre.won)[0], pick(moved.won)[0]),
        win=win,
        lose=lose,
        owner=np.asarray(deals["owner_id"].map(place), dtype=np.int64)[deal],
        segment=model.profiles.segment_of_deal[deal],
        column=plan.open_column,
        log_amount=np.log(np.where(amount > 0, amount, np.nan)) + shift[stays.stage[rows]],
        partners=plan.open_partners,
    )


def _told_by_signals(won: Array, lost: Array, back: LookingBack, x: Array, streams: Streams) -> tuple[Array, Array]:
    """Correct the chances of open deals (worlds, states, periods) by what their signals tell, a draw in each world."""
    normal = streams.generator("model", "landmarks", "coefficients").standard_normal((len(won), PARTS, x.shape[1]))
    part = np.minimum(np.arange(won.shape[-1]), PARTS - 1)
    shift = back.landmarks.shifts(x, normal)[..., part]
    return apply_shift(won, lost, special.expit(chance_logit(won) + shift) * (won > 0))


def _told_by_lag(won: Array, lost: Array, lags: Array) -> tuple[Array, Array]:
    """Correct the chances of new deals (..., segments, cohorts, periods) by the periods since their creation."""
    period = np.arange(lags.shape[1])
    return apply_shift(won, lost, won * lags[:, np.maximum(period[None, :] - period[:, None], 0)])


def _new_deals(
    model: FittedPipeline,
    runs: tuple[Futures, Futures, Futures],
    horizon: Horizon,
    creation: CreationCells,
    lags: Array,
) -> NewDeals:
    futures, centre, moved = runs
    pool = model.creation.reps
    mixed = (_entry_mix(model, futures.arrival_won), _entry_mix(model, futures.arrival_lost))
    win, lose = period_intensities(*_told_by_lag(*mixed, lags))
    place = {owner: index for index, owner in enumerate(model.creation.owners)}
    at = np.array([place.get(owner, -1) for owner in creation.sellers], dtype=np.int64)
    seen = np.where(at >= 0, pool.observed[at], 0.0)
    hoped = np.where(at >= 0, pool.expected[at], 0.0)
    created, succeeded, vacant = capacity_tables(model, horizon, creation.places)
    base, shifted = (_entry_mix(model, run.arrival_won)[0] for run in (centre, moved))
    return NewDeals(
        cells=creation,
        response=_response(base, shifted),
        win=win,
        lose=lose,
        created=created,
        succeeded=succeeded,
        vacant=vacant,
        leave_shape=model.attrition.shape,
        leave_rate=model.attrition.rate,
        creation_shape=pool.strength + seen,
        creation_rate=pool.strength + hoped,
        creation_prior=float(pool.strength),
        dispersion=model.creation.dispersion,
    )


def _entry_mix(model: FittedPipeline, arrival: npt.NDArray[np.float32]) -> Array:
    """Average the arrival tables over the profiles and entry stages of each segment."""
    process = model.process
    by_world = arrival.reshape(-1, len(model.profiles.table), *arrival.shape[1:]).astype(np.float64)
    by_segment = np.einsum("kg,wgscm->wkscm", process.entry_profile, by_world)
    return np.asarray(np.einsum("ks,wkscm->wkcm", process.entry_stage, by_segment))
