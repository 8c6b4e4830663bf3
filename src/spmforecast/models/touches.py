"""Recent activity on open deals: calls, mails, meetings, proposals, as they stood at the close of a day.

Somebody who still talks to us may sign. What is written down of a deal anyway (stages, pushes) goes with much of it, so
these signals have to earn their place beside the others (:func:`spmforecast.models.landmarks.fit_landmarks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.ids import rows_of
from spmforecast.models.risksets import day_number

__all__ = ["Touches", "read_touches"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TALKS = ("meeting", "proposal_sent", "proposal_accepted")  # in which the customer takes part
_NOT_OF_THE_DEAL = ("coaching",)
_WINDOW = 28  # days that are recent
_LULL, _SILENT = 14, 45  # days without an activity
_SPAN = 1 << 20  # more days than there are


@dataclass(frozen=True)
class Touches:
    """Activities on deals.

    Parameters
    ----------
    every, talks : array of int, shape (n,) and (m,)
        Row of the deal times 2**20, and the day, in order: of all activities, and of talks alone.
    since : int
        First day on which an activity on any deal is on record.
    """

    every: Ints
    talks: Ints
    since: int

    COLUMNS = 4

    def signals(self, day: int, deals: Ints, age: Ints) -> Array:
        """Describe the recent activity on open deals.

        Parameters
        ----------
        day : int
            The day.
        deals : array of int, shape (n,)
            Rows of deals that are open at its close.
        age : array of int, shape (n,)
            Days since each was created.

        Returns
        -------
        array of float, shape (n, 4)
            Log of one and the activities of the last 28 days (of a younger deal: at the same pace), whether there was a
            talk among them, none for 15 to 45 days, none for longer. Zeros while no activity was on record yet.
        """
        if day - _WINDOW < self.since:
            return np.zeros((len(deals), self.COLUMNS))
        pace = _between(self.every, deals, day - _WINDOW, day) * (_WINDOW / np.clip(age + 1, 1, _WINDOW))
        quiet = np.minimum(day - _last(self.every, deals, day), age)
        talked = _between(self.talks, deals, day - _WINDOW, day) > 0
        return np.column_stack([np.log1p(pace), talked, (quiet > _LULL) & (quiet <= _SILENT), quiet > _SILENT])


def read_touches(activities: pd.DataFrame, deals: pd.DataFrame) -> Touches | None:
    """Read the activities on deals; None where there are none.

    Parameters
    ----------
    activities : pandas.DataFrame
        Cut at the as-of date.
    deals : pandas.DataFrame
        Deals in the order of their rows.

    Returns
    -------
    Touches or None
    """
    if activities.empty:
        return None
    row = rows_of(activities["opportunity_id"], deals["opportunity_id"])
    kind = activities["type"].astype(object)
    here = (row >= 0) & ~kind.isin(_NOT_OF_THE_DEAL).to_numpy()
    if not here.any():
        return None
    day = day_number(activities["date"])
    key = row * _SPAN + day
    talks = here & kind.isin(_TALKS).to_numpy()
    return Touches(np.sort(key[here]), np.sort(key[talks]), int(day[here].min()))


def _between(keys: Ints, deals: Ints, after: int, until: int) -> Ints:
    """Count the activities on each deal after one day and until another."""
    first, last = (np.searchsorted(keys, deals * _SPAN + day, "right") for day in (after, until))
    return np.asarray(last - first, dtype=np.int64)


def _last(keys: Ints, deals: Ints, day: int) -> Ints:
    """Day of the last activity on each deal until a day; long ago where there is none."""
    at = np.searchsorted(keys, deals * _SPAN + day, "right") - 1
    found = (at >= 0) & (keys[at] // _SPAN == deals)
    return np.where(found, keys[at] % _SPAN, day - _SPAN)
