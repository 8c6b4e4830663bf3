"""Months that the record of creations does not tell of: a migration of the CRM is neither a season nor a market."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.data.silences import silences

__all__ = ["unrecorded"]

Ints = npt.NDArray[np.int64]

_LEAST_DAYS = 21


def unrecorded(created: Ints, days: Ints, month: Ints) -> Ints:
    """Find the stretches of days on which creations are taken not to have been recorded.

    Each is far longer than the usual time between two creations, holds a whole month, and not every month in it is as
    silent in each other year: a company that closes every August has a season.

    Parameters
    ----------
    created : array of int, shape (deals,)
        Day of creation of each deal.
    days, month : array of int, shape (days,)
        Days of the record, one after the other, and the month of each.

    Returns
    -------
    array of int, shape (stretches, 2)
        First and last day of each.
    """
    names, column = np.unique(month, return_inverse=True)
    told = np.bincount(column, weights=np.isin(days, created), minlength=len(names)) > 0
    start = days[np.append(True, np.diff(month) > 0)]
    end = np.append(start[1:] - 1, days[-1])
    whole = np.ones(len(names), dtype=bool)
    whole[[0, -1]] = False  # these may be cut
    found = [
        (first, last)
        for first, last in silences(created, _LEAST_DAYS).tolist()
        if any(
            not _each_year(names, told, whole, at) for at in np.flatnonzero(whole & (start >= first) & (end <= last))
        )
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _each_year(names: Ints, told: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_], at: np.intp) -> bool:
    """Tell whether the same month of every other year is silent, too."""
    others = whole & (names % 12 == names[at] % 12)
    others[at] = False
    return bool(others.any() and not told[others].any())
