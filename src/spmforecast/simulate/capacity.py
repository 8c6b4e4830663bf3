"""How many deals those who sell, and those who will follow them, are expected to create.

A newcomer's deals are won less often. As only winners are drawn, deals are counted by what they are worth: one that is
won as often as the average deal of the last year counts as one. (To be exact the hazard of a win is multiplied, not the
number: where a third of the deals is won, a newcomer's wins come out a twentieth too few.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import seat_of, tenure_months
from spmforecast.simulate.horizon import Horizon

__all__ = ["capacity_tables"]

Array = npt.NDArray[np.float64]


def capacity_tables(
    model: FittedPipeline, horizon: Horizon, places: Sequence[tuple[str, str]]
) -> tuple[Array, Array, Array]:
    """Tabulate expected deals by the day on which a rep leaves.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    places : sequence of (territory, region)
        Where people to be hired are counted.

    Returns
    -------
    created : array of float, shape (sellers, days + 1, cohorts)
        Deals of each seller of average productivity, in deals of average chance, given the day of leaving (the last
        entry: never).
    succeeded : array of float, shape (days + 1, cohorts)
        Deals of the successor of somebody who leaves on that day.
    vacant : array of float, shape (places, cohorts)
        Deals of those who will fill the seats that stand empty already.
    """
    days = horizon.days
    worth = model.booking_ramp * model.win_ramp.scale
    rate = model.daily_creation(days)
    in_cohort = np.eye(len(horizon.periods))[horizon.cell]
    tenure = tenure_months(days - model.roster.hired[:, None])
    there = days >= model.roster.hired[:, None]  # whoever is supposed to be hired creates nothing before
    by_day = (rate * worth[tenure] * there)[:, :, None] * in_cohort
    start = np.zeros((len(tenure), 1, len(horizon.periods)))
    created = np.concatenate([start, np.cumsum(by_day, axis=1)], axis=1)
    delay = round(model.attrition.backfill_days)
    succeeded = np.stack([_newcomer(worth, rate, in_cohort, leave + delay) for leave in range(len(days))])
    vacant = np.zeros((len(places), len(horizon.periods)))
    for vacancy in model.attrition.vacancies:
        if (seat := seat_of(vacancy, places)) is not None:
            vacant[seat] += _newcomer(worth, rate, in_cohort, vacancy.days)
    return created, np.concatenate([succeeded, np.zeros((1, len(horizon.periods)))]), vacant


def _newcomer(worth: Array, rate: Array, in_cohort: Array, first: int) -> Array:
    """Deals by cohort of somebody who starts on a day of the horizon."""
    if first >= len(rate):
        return np.zeros(in_cohort.shape[1])
    tenure = tenure_months(np.arange(len(rate) - first))
    return np.asarray((rate[first:] * worth[tenure]) @ in_cohort[first:])
