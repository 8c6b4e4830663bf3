"""Silences: stretches of days without a row in a record that otherwise has one every few days."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["silences"]

Ints = npt.NDArray[np.int64]

_LEAST_ROWS = 200
_USUAL_STEPS = 4


def silences(day: Ints, least_days: int) -> Ints:
    """Find stretches without rows that are far longer than the usual ones.

    Parameters
    ----------
    day : array of int, shape (rows,)
        Day of each row, in any order.
    least_days : int
        Shorter ones are none.

    Returns
    -------
    array of int, shape (silences, 2)
        First and last day of each, in order of time; none where fewer than 200 rows show what is usual.
    """
    known = np.unique(day)
    if len(day) < _LEAST_ROWS or len(known) < 2:
        return np.empty((0, 2), dtype=np.int64)
    step = np.diff(known)
    wide = step - 1 >= max(least_days, _USUAL_STEPS * float(np.quantile(step, 0.99)))
    return np.column_stack([known[:-1][wide] + 1, known[1:][wide] - 1])
