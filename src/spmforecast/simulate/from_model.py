"""From a fitted pipeline to the arrays that blocks of trials need: tables of chances, corrected and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.futures import Futures, futures_by_segment
from spmforecast.models.landmarks import PARTS, apply_shift, chance_logit
from spmforecast.models.risksets import day_number
from spmforecast.simulate.capacity import capacity_tables
from spmforecast.simulate.cells import CellPlan, CreationCells, plan_cells
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import WORLDS, NewDeals, OpenDeals, SimulationInputs
from spmforecast.simulate.looking_back import LookingBack, look_back
from spmforecast.simulate.outcomes import mixed_speed, winning_speed
from spmforecast.simulate.streams import Streams

__all__ = ["build_inputs"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEVEL_STEP = 0.3  # shift of the market's level, up and down, by which responses are measured
_LARGEST_RESPONSE = 6.0
_KEYS = 4  # profile, stage, age, month of tenure


def build_inputs(
    model: FittedPipeline, horizon: Horizon, levels: Sequence[str], seed: int, worlds: int = WORLDS
) -> SimulationInputs:
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
    worlds : int
        Draws of the fitted parameters.

    Returns
    -------
    SimulationInputs
    """
    streams = Streams(seed)
    rows = _open_rows(model)
    plan, creation = plan_cells(model, horizon, levels, rows)
    process = model.process
    drawn = process.intensity_draws(
        streams.generator("model", "transitions", "intensities"), worlds, beside_market=True
    )
    shifted = [process.shifted(level) for level in (0.0, -_LEVEL_STEP, _LEVEL_STEP)]
    futures, centre, worse, better = _futures(model, horizon, [drawn.reshape(-1, *drawn.shape[2:]), *shifted])
    back = look_back(model, horizon, centre, rows)
    owners = tuple(sorted({*model.creation.owners, *model.roster.owners, TO_BE_HIRED}))
    win_shape, win_rate = _win_effect(model, owners)
    location = streams.generator("model", "amounts", "location").standard_normal((worlds, len(model.profiles.segments)))
    return SimulationInputs(
        seed=seed,
        plan=plan,
        open_deals=_open_deals(model, rows, (futures, centre, worse, better), horizon, owners, plan, back, streams),
        new_deals=_new_deals(model, (futures, centre, worse, better), horizon, creation, back.lags),
        owners=owners,
        win_shape=win_shape,
        win_rate=win_rate,
        market=model.market,
        month_shares=horizon.month_shares(),
        lived=horizon.lived(),
        won_law=model.amounts.won,
        ratio_law=model.amounts.ratio,
        nothing=model.amounts.nothing,
        location=location * model.amounts.location_sd + model.amounts.coming(len(horizon.days)),
    )


def _open_rows(model: FittedPipeline) -> Ints:
    """Rows of the stays that are still running, in order of deal id so that file order does not matter."""
    rows = np.flatnonzero(model.stays.open_now)
    ids = model.deals["opportunity_id"].to_numpy(dtype=object)[model.stays.deal[rows]]
    return np.asarray(rows[np.argsort(ids.astype(str), kind="stable")], dtype=np.int64)


def _futures(model: FittedPipeline, horizon: Horizon, rates: list[Array]) -> list[Futures]:
    """Run the exact recursion over the horizon for several sets of intensities at once."""
    process, rate = model.process, np.concatenate(rates)
    weight = model.creation.day_weights(horizon.days)
    total = np.bincount(horizon.cell, weights=weight, minlength=len(horizon.periods))
    segment = model.profiles.table[:, 0]
    every = futures_by_segment(
        rate,
        np.tile(segment, len(rate) // len(segment)),
        process.rhythm,
        process.bins.of_age,
        process.types_of(horizon.days),
        horizon.cell,
        len(horizon.periods),
        weight / total[horizon.cell],
    )
    ends = np.cumsum([len(one) for one in rates]).tolist()
    return [every.rows(first, last) for first, last in pairwise([0, *ends])]


def _response(centre: Array, worse: Array, better: Array) -> tuple[Array, Array]:
    """Log speed of winning as a parabola in the market's level: slope at its mean, and bend.

    Parameters
    ----------
    centre, worse, better : array of float, shape (..., periods)
        Chances to be won with the level at its mean, and a step below and above.

    Returns
    -------
    response, bend : array of float, shape (..., periods)
        The bend is at most half of the response, so that within one unit a better market never wins less.
    """
    speed = winning_speed(centre)
    lower, middle, upper = (np.log(np.maximum(winning_speed(won), 1e-12)) for won in (worse, centre, better))
    told = speed > 1e-9
    response = np.where(told, np.clip((upper - lower) / (2 * _LEVEL_STEP), 0.0, _LARGEST_RESPONSE), 0.0)
    bend = np.where(told, (2 * middle - upper - lower) / (2 * _LEVEL_STEP**2), 0.0)
    return response, np.clip(bend, 0.0, 0.5 * response)


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
    runs: tuple[Futures, Futures, Futures, Futures],
    horizon: Horizon,
    owners: tuple[str, ...],
    plan: CellPlan,
    back: LookingBack,
    streams: Streams,
) -> OpenDeals:
    futures, *moved = runs
    stays, deals, cap = model.stays, model.deals, model.process.bins.cap
    deal = stays.deal[rows]
    age = np.minimum(horizon.days[0] - stays.entry[rows], cap)
    profile = model.profiles.of_deal[deal]
    key = np.stack([profile, stays.stage[rows], age, _tenure(model, deal)], axis=1).reshape(-1, _KEYS)
    told = np.concatenate([key.astype(np.float64), np.round(back.signals, 2)], axis=1)
    full, state = np.unique(told, axis=0, return_inverse=True)
    states = full[:, :_KEYS].astype(np.int64)
    profiles = len(model.profiles.table)

    def pick(table: npt.NDArray[np.float32]) -> Array:
        by_world = table.reshape(-1, profiles, *table.shape[1:])
        return by_world[:, states[:, 0], states[:, 1], states[:, 2]].astype(np.float64)

    won, _ = _told_by_signals(pick(futures.won), pick(futures.lost), back, full[:, _KEYS:], streams)
    # What is lost is in these chances already: beside a clock of losing the market could not move them as it does.
    speed = mixed_speed(winning_speed(won), model.variance_of_rep_wins)
    win = (speed * model.win_ramp.fitted[states[:, 3], None]).astype(np.float32)
    lose = np.zeros((1, *win.shape[1:]), dtype=np.float32)
    place = {owner: index for index, owner in enumerate(owners)}
    amount = deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)[deal]
    shift = model.amounts.stage_shift(stays.stages)
    response, bend = _response(*(pick(run.won)[0] for run in moved))
    return OpenDeals(
        ids=tuple(str(name) for name in deals["opportunity_id"].to_numpy(dtype=object)[deal]),
        state=state.reshape(-1).astype(np.int64),
        response=response,
        bend=bend,
        win=win,
        lose=lose,
        owner=np.asarray(deals["owner_id"].map(place), dtype=np.int64)[deal],
        segment=model.profiles.segment_of_deal[deal],
        column=plan.open_column,
        log_amount=np.log(np.where(amount > 0, amount, np.nan)) + shift[stays.stage[rows]],
        partners=plan.open_partners,
    )


def _tenure(model: FittedPipeline, deal: Ints) -> Ints:
    """Month of tenure in which the owner of each deal created it."""
    owners = {owner: index for index, owner in enumerate(model.spans.owners)}
    owner, created = (model.deals[column].iloc[deal] for column in ("owner_id", "created_date"))
    return model.spans.tenure_at(np.asarray(owner.map(owners), dtype=np.int64), day_number(created))


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
    runs: tuple[Futures, Futures, Futures, Futures],
    horizon: Horizon,
    creation: CreationCells,
    lags: Array,
) -> NewDeals:
    futures, *moved = runs
    pool = model.creation.reps
    mixed = (_entry_mix(model, futures.arrival_won), _entry_mix(model, futures.arrival_lost))
    speed = winning_speed(_told_by_lag(*mixed, lags)[0])
    win = mixed_speed(speed, model.variance_of_rep_wins).astype(np.float32)
    lose = np.zeros((1, *win.shape[1:]), dtype=np.float32)
    place = {owner: index for index, owner in enumerate(model.creation.owners)}
    at = np.array([place.get(owner, -1) for owner in creation.sellers], dtype=np.int64)
    seen = np.where(at >= 0, pool.observed[at], 0.0)
    hoped = np.where(at >= 0, pool.expected[at], 0.0)
    created, succeeded, vacant = capacity_tables(model, horizon, creation.places)
    response, bend = _response(*(_entry_mix(model, run.arrival_won)[0] for run in moved))
    return NewDeals(
        cells=creation,
        response=response,
        bend=bend,
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
        begins=np.clip(model.roster.hired - horizon.days[0], 0, len(horizon.days)),
    )


def _entry_mix(model: FittedPipeline, arrival: npt.NDArray[np.float32]) -> Array:
    """Average the arrival tables over the profiles and entry stages of each segment."""
    process = model.process
    by_world = arrival.reshape(-1, len(model.profiles.table), *arrival.shape[1:]).astype(np.float64)
    by_segment = np.einsum("kg,wgscm->wkscm", process.entry_profile, by_world)
    return np.asarray(np.einsum("ks,wkscm->wkcm", process.entry_stage, by_segment))
