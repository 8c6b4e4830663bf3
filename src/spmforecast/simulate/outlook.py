"""Deals to come as expectations by cell: how many are created by a day and after it, and how many of them are won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import PeriodKind, to_day
from spmforecast.models import FittedPipeline
from spmforecast.models.risksets import day_number
from spmforecast.simulate.exact.conditional import expected_cohorts
from spmforecast.simulate.from_model import build_inputs
from spmforecast.simulate.horizon import Horizon, build_horizon

__all__ = ["CreationOutlook", "creation_outlook"]

Array = npt.NDArray[np.float64]

_WORLDS = 8  # expectations need fewer draws of the parameters than spreads do


@dataclass(frozen=True)
class CreationOutlook:
    """What is expected of deals to come, stream by stream.

    Parameters
    ----------
    streams : pandas.DataFrame
        Dimensions of the cells that each stream is counted in.
    periods : list of str
        Periods to come.
    created : array of float, shape (2, streams)
        Deals created up to the day asked for, and after it.
    won : array of float, shape (2, streams, periods)
        Wins of these in each period.
    """

    streams: pd.DataFrame
    periods: list[str]
    created: Array
    won: Array


def creation_outlook(
    model: FittedPipeline, until: object, day: object, period: PeriodKind, levels: Sequence[str]
) -> CreationOutlook:
    """Split what is expected of deals to come by the day of their creation.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    until, period, levels
        As in :func:`spmforecast.simulate.simulate`.
    day : date-like
        Deals created up to the close of this day stand apart from later ones.

    Returns
    -------
    CreationOutlook

    Notes
    -----
    Deals of the period that holds the day are split by the days' weights in creation; those of either part are taken
    to be won as the whole cohort.
    """
    horizon = build_horizon(model.as_of, until, period, model.calendar)
    inputs = build_inputs(model, horizon, levels, seed=1, worlds=_WORLDS)
    made, won = expected_cohorts(inputs)
    early = _share_by(model, horizon, to_day(day))
    parts = np.stack([early, 1.0 - early])
    frame = inputs.plan.frame.iloc[inputs.new_deals.cells.column].reset_index(drop=True)
    return CreationOutlook(
        streams=frame.drop(columns="period"),
        periods=horizon.labels,
        created=np.einsum("kc,tc->tk", made, parts),
        won=np.einsum("kcp,tc->tkp", won, parts),
    )


def _share_by(model: FittedPipeline, horizon: Horizon, day: pd.Timestamp) -> Array:
    """Share of each cohort that is created up to a day, shape (cohorts,)."""
    weight = model.creation.day_weights(horizon.days)
    past = horizon.days <= int(day_number(pd.DatetimeIndex([day]))[0])
    size = len(horizon.periods)
    whole = np.bincount(horizon.cell, weights=weight, minlength=size)
    return np.asarray(np.bincount(horizon.cell, weights=weight * past, minlength=size) / np.maximum(whole, 1e-300))
