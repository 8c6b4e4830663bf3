"""Deals to come as arrays that blocks of trials need: who creates how many, and what becomes of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.futures import Futures
from spmforecast.models.landmarks import kept_chances
from spmforecast.simulate.capacity import capacity_tables
from spmforecast.simulate.cells import CreationCells
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.inputs import NewDeals
from spmforecast.simulate.looking_back import LookingBack
from spmforecast.simulate.moved import Moved
from spmforecast.simulate.outcomes import mixed_speed, winning_speed

__all__ = ["new_tables"]

Array = npt.NDArray[np.float64]


def new_tables(
    model: FittedPipeline, runs: Moved, horizon: Horizon, cells: CreationCells, back: LookingBack
) -> NewDeals:
    """Lay the deals to come out.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    runs : Moved
        Tables of chances.
    horizon : Horizon
        Days and periods to come.
    cells : CreationCells
        Who creates what, and where it is counted.
    back : LookingBack
        What earlier dates teach about the tables.

    Returns
    -------
    NewDeals
    """
    win = _speed(model, runs.drawn, back)
    response, bend = runs.response(lambda run: _entry_mix(model, run.arrival_won)[0])
    created, succeeded, vacant = capacity_tables(model, horizon, cells.places)
    shape, rate = model.creation.reps.posterior(model.creation.owners, cells.sellers)
    return NewDeals(
        cells=cells,
        response=response,
        bend=bend,
        win=win,
        lose=np.zeros((1, *win.shape[1:]), dtype=np.float32),
        created=created,
        succeeded=succeeded,
        vacant=vacant,
        leave_shape=model.attrition.shape,
        leave_rate=model.attrition.rate,
        creation_shape=shape,
        creation_rate=rate,
        creation_prior=float(model.creation.reps.strength),
        dispersion=_own_frailty(model),
        begins=np.clip(model.roster.hired - horizon.days[0], 0, len(horizon.days)),
    )


def _own_frailty(model: FittedPipeline) -> float:
    """Variance of the frailty of a rep and quarter, but for what the rep's team has in common.

    Both are told from the company's own quarters, so what is taken off is what a team is drawn with.
    """
    shared = 0.0 if model.teams is None else model.teams.creation.variance(model.teams.share)
    return max(model.creation.dispersion - shared, 0.0)


def _speed(model: FittedPipeline, drawn: Futures, back: LookingBack) -> npt.NDArray[np.float32]:
    """Hazards of winning by world, segment, cohort and period."""
    speed = winning_speed(_told_by_lag(back.months * _entry_mix(model, drawn.arrival_won), back.lags))
    return mixed_speed(speed, model.variance_of_rep_wins).astype(np.float32)


def _told_by_lag(won: Array, lags: Array) -> Array:
    """Correct the chances of new deals (..., segments, cohorts, periods) by the periods since their creation."""
    period = np.arange(lags.shape[1])
    return kept_chances(won * lags[:, np.maximum(period[None, :] - period[:, None], 0)])


def _entry_mix(model: FittedPipeline, arrival: npt.NDArray[np.float32]) -> Array:
    """Average the arrival tables over the profiles and entry stages of each segment."""
    process = model.process
    by_world = arrival.reshape(-1, len(model.profiles.table), *arrival.shape[1:]).astype(np.float64)
    by_segment = np.einsum("kg,wgscm->wkscm", process.entry_profile, by_world)
    return np.asarray(np.einsum("ks,wkscm->wkcm", process.entry_stage, by_segment))
