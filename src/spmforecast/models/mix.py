"""When in the year each segment's deals are created: renewals come due in months of their own.

The season of creation (see ``creation``) is the company's. A segment's share of a month's creations may differ from
its share of the year's; that ratio is gamma-Poisson, shrunk towards one by as much as few deals demand.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.creation import CreationModel, month_of
from spmforecast.models.pooling import fit_gamma_pool
from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import day_number

__all__ = ["segment_seasons"]

Array = npt.NDArray[np.float64]

_LEAST_MONTHS = 18


def segment_seasons(deals: pd.DataFrame, profiles: Profiles, creation: CreationModel) -> Array:
    """Estimate how a segment's share of creations varies over the year.

    Parameters
    ----------
    deals : pandas.DataFrame
        Deals with ``created_date``.
    profiles : Profiles
        Segment of each deal.
    creation : CreationModel
        The months on record.

    Returns
    -------
    array of float, shape (segments, 12)
        Share in each month relative to the share of the year, months as in ``creation.season``; one throughout where
        the record is shorter than a year and a half.
    """
    segments = len(profiles.segments)
    if len(creation.months) < _LEAST_MONTHS or segments < 2:
        return np.ones((segments, 12))
    month = month_of(day_number(deals["created_date"]), creation.calendar)
    inside = (month >= creation.months[0]) & (month <= creation.months[-1])
    seen = np.zeros((segments, 12))
    np.add.at(seen, (profiles.segment_of_deal[inside], month[inside] % 12), 1.0)
    # Years on record count alike for all segments, so the year's shares may be taken over all months as they are.
    by_month = seen.sum(axis=0)
    hoped = seen.sum(axis=1, keepdims=True) * by_month / max(by_month.sum(), 1.0)
    pool = fit_gamma_pool(seen, hoped)
    weight = hoped / np.maximum(hoped.sum(axis=1, keepdims=True), 1e-12)
    mean = (pool.mean * weight).sum(axis=1, keepdims=True)
    return np.asarray(np.where(mean > 0, pool.mean / np.maximum(mean, 1e-12), 1.0))
