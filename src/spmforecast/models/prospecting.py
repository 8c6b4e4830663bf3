"""Prospecting: what people do before there is a deal, counted by day, and how much of it lies how many days back.

An activity is prospecting where it names no deal that was there before its day: none at all, or one that was created on
that day or later. Whether a deal came of it is not looked at, so that nothing later is known by it. Proposals and
coaching are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import History
from spmforecast.data.ids import rows_of
from spmforecast.models.risksets import day_number

__all__ = ["LAGS", "LONGEST", "SAME_DAY", "TYPES", "Prospecting", "lagged", "prospecting"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TYPES = ("call", "email", "meeting", "event", "referral_given", "referral_received")
LAGS = np.array([0, 1, 7, 14, 28, 56, 91], dtype=np.int64)
"""Where bins of days from an activity to a deal begin; the last entry ends the last one."""
SAME_DAY = 0
"""The bin of an activity and a deal of one day: it leads nothing."""
LONGEST = int(LAGS[-1]) - 1


@dataclass(frozen=True)
class Prospecting:
    """Prospecting activities of a company.

    Parameters
    ----------
    types : tuple of str
        Types on record.
    first_day : int
        Day of the first one.
    counts : array of float, shape (types, days)
        Activities of each day, from the first one to the as-of date.
    """

    types: tuple[str, ...]
    first_day: int
    counts: Array

    def until(self, day: int) -> Array:
        """Take the counts up to the close of a day, shape (types, days)."""
        return self.counts[:, : day + 1 - self.first_day]


def prospecting(known: History, deals: pd.DataFrame, today: int) -> Prospecting | None:
    """Count prospecting activities.

    Parameters
    ----------
    known : History
        Cut at the as-of date.
    deals : pandas.DataFrame
        Deals with ``opportunity_id`` and ``created_date``.
    today : int
        Day number of the as-of date.

    Returns
    -------
    Prospecting or None
        None where there are none.
    """
    done = known.activities
    if done.empty:
        return None
    day, kind = day_number(done["date"]), pd.Index(TYPES).get_indexer(pd.Index(done["type"].astype(object)))
    deal = rows_of(done["opportunity_id"], deals["opportunity_id"])
    created = np.append(day_number(deals["created_date"]), today)[deal]  # the last one stands for no deal: -1
    counted = (kind >= 0) & (day <= np.where(deal >= 0, created, today))
    if not counted.any():
        return None
    day, kind = day[counted], kind[counted]
    first = int(day.min())
    table = np.zeros((len(TYPES), today + 1 - first))
    np.add.at(table, (kind, day - first), 1.0)
    seen = np.flatnonzero(table.sum(axis=1))
    return Prospecting(tuple(TYPES[at] for at in seen), first, table[seen])


def lagged(counts: Array) -> Array:
    """Average the activities of each lag bin, for each day.

    Parameters
    ----------
    counts : array of float, shape (types, days)
        Activities by day.

    Returns
    -------
    array of float, shape (types, bins, days - 90)
        Activities a day in each bin of days before, for every day from the 91st on.
    """
    total = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    at = np.arange(LONGEST, counts.shape[1])
    # Lags from `near` to `far` - 1 before day t are the days t - far + 1 to t - near.
    near, far = LAGS[:-1, None], LAGS[1:, None]
    return np.asarray((total[:, at - near + 1] - total[:, at - far + 1]) / (far - near))
