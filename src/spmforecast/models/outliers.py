"""Amounts far beyond all others: how much the largest of so many may count for.

The mean of few skewed amounts hangs on the largest one. A deal of 72 million among 335 of some 10,000, once in four
years or a slip of the keyboard, would be forecast again and again, and be all of the forecast. Winsorised means have
the smaller error there (Searls 1966, J Am Stat Assoc 61:1200; Rivest 1994, Biometrika 81:373). So no amount counts for
more than the largest of so many would be in nine of ten records, were amounts to go on beyond the largest tenth as
that tenth itself does (a Pareto tail, exponential in logs).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["largest_plausible"]

Array = npt.NDArray[np.float64]

_TAIL, _LEAST_TAIL = 0.1, 5  # share of the amounts that tell the tail, and how many at least, where there are as many
_EXCEEDED = 0.1  # chance of a largest amount beyond the limit
_USUAL_EXCESS, _USUAL_DEALS = 0.8, 5.0  # mean excess of log amounts where nothing is known, and its weight in deals


def largest_plausible(residual: Array) -> float:
    """Limit of log amounts relative to what is typical.

    Parameters
    ----------
    residual : array of float, shape (n,)
        Log amounts less the typical one of their segment.

    Returns
    -------
    float
        Infinite where there are no two of them.
    """
    n = len(residual)
    if n < 2:
        return math.inf
    tail = min(max(math.ceil(_TAIL * n), _LEAST_TAIL), n // 2)
    rising = np.sort(residual)
    start = rising[n - tail - 1]
    # The largest itself is what is asked about: it must not set its own limit.
    excess = float((rising[n - tail : n - 1] - start).sum())
    mean = (excess + _USUAL_DEALS * _USUAL_EXCESS) / (tail - 1 + _USUAL_DEALS)
    return float(start + mean * math.log(tail / _EXCEEDED))
