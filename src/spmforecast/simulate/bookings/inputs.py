"""What a block of trials of bookings needs, as plain arrays: made once from a fit, handed to every block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.amounts import AmountLaw
from spmforecast.models.bookings import FittedBookings
from spmforecast.models.bookings.factors import day_weights
from spmforecast.models.capacity import MONTH_DAYS, seat_of, tenure_months
from spmforecast.simulate.bookings.cells import BookingStreams, plan_booking_cells
from spmforecast.simulate.cells import CellPlan
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import WORLDS
from spmforecast.simulate.streams import Streams
from spmforecast.simulate.teams import TeamPlan, team_plan

__all__ = ["BookingInputs", "build_booking_inputs"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BookingInputs:
    """Everything that a block of trials needs.

    Parameters
    ----------
    seed : int
        Seed of all streams.
    plan : CellPlan
        Cells and the bookings already known.
    streams : BookingStreams
        Whose orders are counted where.
    of_period : array of float, shape (months, periods)
        One where a month to come lies in a period.
    weight : array of float, shape (grid,)
        Probability of each point of the common factor's grid.
    centre : array of float, shape (grid, months)
        Mean of the common log factor.
    root : array of float, shape (grid, months, months)
        Lower Cholesky factors of its covariance.
    worth : array of float, shape (sellers, leave days, months)
        Bookings of each seller at a level of one and a common factor of one, given the day of leaving (the last
        entry: never; the only one where nobody leaves).
    succeeded : array of float, shape (leave days, months)
        The same of the successor of somebody who leaves on that day.
    vacant : array of float, shape (places, months)
        The same of those who will fill the seats that stand empty at the as-of date.
    level_mean : array of float, shape (sellers,)
        Posterior mean of each seller's level.
    level_shape : array of float, shape (sellers, periods)
        Gamma shape of the level in each period: certainty fades.
    strength : float
        Gamma shape of the prior that a successor's level is drawn from.
    leave_shape, leave_rate : float
        Gamma posterior of the hazard of leaving per day; shape zero: nobody leaves.
    frailty : float
        Variance of the multiplier of a rep's period.
    scale : array of float, shape (worlds,)
        Size of the orders drawn relative to those recorded.
    left : array of float, shape (periods,)
        What that is multiplied by in each period: what is left of a quarter under way scatters more as it gets less.
    sizes : AmountLaw
        Sizes of orders, a row for each seller and one for people to be hired.
    row : array of int, shape (sellers + places,)
        Row of `sizes` of each seller, and of those to be hired.
    cancelled : float
        Cancellations as a share of what is booked before them.
    cancellations : AmountLaw
        Their sizes, one row.
    teams : TeamPlan or None
        Shocks of single teams.
    """

    seed: int
    plan: CellPlan
    streams: BookingStreams
    of_period: Array
    weight: Array
    centre: Array
    root: Array
    worth: Array
    succeeded: Array
    vacant: Array
    level_mean: Array
    level_shape: Array
    strength: float
    leave_shape: float
    leave_rate: float
    frailty: float
    scale: Array
    left: Array
    sizes: AmountLaw
    row: Ints
    cancelled: float
    cancellations: AmountLaw
    teams: TeamPlan | None = None

    @property
    def periods(self) -> int:
        """Number of periods to come."""
        return int(self.of_period.shape[1])


def build_booking_inputs(model: FittedBookings, horizon: Horizon, levels: Sequence[str], seed: int) -> BookingInputs:
    """Prepare a simulation.

    Parameters
    ----------
    model : FittedBookings
        The fit.
    horizon : Horizon
        Days and periods to come.
    levels : sequence of str
        Dimensions of the cells beside owner, part and period.
    seed : int
        Seed of all streams.

    Returns
    -------
    BookingInputs
    """
    plan, streams = plan_booking_cells(model, horizon, levels)
    months, first = np.unique(model.calendar.month_numbers(horizon.days), return_index=True)
    of_period = np.eye(len(horizon.periods))[horizon.cell[first]]
    centre, root = model.factors.common.ahead(months)
    worth, succeeded, vacant = _worth(model, horizon, months, streams)
    code = {owner: index for index, owner in enumerate(model.spans.owners)}
    at = np.array([code[owner] for owner in streams.sellers], dtype=np.int64)
    middle = np.bincount(horizon.cell, weights=horizon.days) / np.bincount(horizon.cell)
    ahead = (middle - horizon.days[0]) / MONTH_DAYS
    factors = model.factors
    noise = Streams(seed).generator("model", "bookings", "noise").standard_normal(WORLDS)
    return BookingInputs(
        seed=seed,
        plan=plan,
        streams=streams,
        of_period=of_period,
        weight=factors.common.weight,
        centre=centre,
        root=root,
        worth=worth,
        succeeded=succeeded,
        vacant=vacant,
        level_mean=factors.levels.mean[at],
        level_shape=factors.levels.shapes_ahead(ahead)[at],
        strength=factors.levels.strength,
        leave_shape=model.attrition.shape,
        leave_rate=model.attrition.rate,
        frailty=_own_frailty(model),
        scale=factors.noise.share * np.exp(factors.noise.log_error * noise),
        left=_left_of_quarter(model, horizon),
        sizes=model.sizes.orders.won,
        row=np.concatenate([at, np.full(len(streams.places), len(code), dtype=np.int64)]),
        cancelled=model.sizes.cancelled,
        cancellations=model.sizes.cancellations,
        teams=_teams(model, horizon, streams),
    )


def _own_frailty(model: FittedBookings) -> float:
    """Variance of the frailty of a rep and quarter, but for what the rep's team has in common."""
    shared = 0.0 if model.teams is None else model.teams.spread.variance(model.teams.share)
    return max(model.factors.noise.frailty - shared, 0.0)


def _left_of_quarter(model: FittedBookings, horizon: Horizon) -> Array:
    """Scatter of what is left of the quarter under way over that of whole quarters, shape (periods,); one after it."""
    calendar = model.calendar
    quarter = calendar.month_numbers(horizon.days) // 3
    first, stop = calendar.month_starts(np.array([3 * quarter[0], 3 * quarter[0] + 3]))
    whole = np.arange(first, stop)
    weight = day_weights(whole, calendar, model.rhythm)
    part = float(weight[whole >= horizon.days[0]].sum() / weight.sum())
    inside = np.bincount(horizon.cell, weights=quarter == quarter[0]) / np.bincount(horizon.cell)
    return np.asarray(1.0 + inside * (model.factors.noise.of_part(part) - 1.0))


def _teams(model: FittedBookings, horizon: Horizon, streams: BookingStreams) -> TeamPlan | None:
    """Find whose bookings the shocks of teams move."""
    shocks = model.teams
    if shocks is None:
        return None
    known = dict(zip(model.spans.owners, shocks.teams.team.tolist(), strict=True))
    spreads = {"booking": shocks.spread}
    return team_plan(shocks.teams, shocks.share, spreads, known, model.roster, horizon, streams.sellers, streams.places)


def _worth(
    model: FittedBookings, horizon: Horizon, months: Ints, streams: BookingStreams
) -> tuple[Array, Array, Array]:
    """Tabulate bookings at a level of one by the day on which a rep leaves: sellers, successors, empty seats."""
    days, factors = horizon.days, model.factors
    weight = factors.base * day_weights(days, model.calendar, model.rhythm)
    month = np.searchsorted(months, model.calendar.month_numbers(days))
    in_month = np.eye(len(months))[month]
    code = {owner: index for index, owner in enumerate(model.spans.owners)}
    leaving = model.attrition.shape > 0
    worth = np.zeros((len(streams.sellers), len(days) + 1 if leaving else 1, len(months)))
    for s, owner in enumerate(streams.sellers):
        tenure = tenure_months(days - model.roster.hired[s])
        place = factors.places[code[owner]][months % 3]
        by_day = (weight * factors.ramp[tenure])[:, None] * in_month * place
        worth[s] = np.concatenate([np.zeros((1, len(months))), np.cumsum(by_day, axis=0)]) if leaving else by_day.sum(0)
    vacant = np.zeros((len(streams.places), len(months)))
    if not leaving:
        return worth, np.zeros((1, len(months))), vacant
    delay = round(model.attrition.backfill_days)
    succeeded = [_newcomer(factors.ramp, weight, in_month, leave + delay) for leave in range(len(days))]
    for vacancy in model.attrition.vacancies:
        if (seat := seat_of(vacancy, streams.places)) is not None:
            vacant[seat] += _newcomer(factors.ramp, weight, in_month, vacancy.days)
    return worth, np.stack([*succeeded, np.zeros(len(months))]), vacant


def _newcomer(ramp: Array, weight: Array, in_month: Array, first: int) -> Array:
    """Bookings by month of somebody of level one who starts on a day of the horizon."""
    tenure = tenure_months(np.arange(max(len(weight) - first, 0)))
    return np.asarray((weight[first:] * ramp[tenure]) @ in_month[first:])
