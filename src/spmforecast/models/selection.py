"""Won amounts against all amounts: what a few wins leave open, the many deals that were asked for tell.

A segment with twenty wins may have hundreds of deals with an amount. Where the won ones stand, in logs, is where all
stand plus a shift for what is won more easily; the shift is small and much alike over segments, so it is shrunk to a
pooled one (a difference estimator, with the shift as a random effect). Price trends show in all deals likewise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Shifts", "fit_shifts", "yearly_trend"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SHIFT_SD = 0.15  # between the segments' true shifts, in logs
_POOLED_SD = 0.5  # of the pooled shift, before any win
_EDITED = 0.1  # share of a won amount's variance that its entry does not tell: edits and discounts
_TREND_SD = 0.03  # a year, of the log amount: prices move by a few per cent, mixes of products too


@dataclass(frozen=True)
class Shifts:
    """Shifts of won deals against all deals.

    Parameters
    ----------
    mean, variance : array of float, shape (segments,)
        Log shift of each segment, and its variance.
    shrinkage : array of float, shape (segments,)
        Weight of the pooled shift.
    """

    mean: Array
    variance: Array
    shrinkage: Array


def fit_shifts(won: Array, won_segment: Ints, every: Array, segment: Ints, segments: int) -> Shifts:
    """Fit the shifts.

    Parameters
    ----------
    won, every : array of float, shape (won deals,) and (deals,)
        Log amounts.
    won_segment, segment : array of int
        Their segments.
    segments : int
        Number of segments.

    Returns
    -------
    Shifts
        A segment without wins takes the pooled shift, and all of the doubt.
    """
    wins, mean_won = _means(won, won_segment, segments)
    deals, mean = _means(every, segment, segments)
    seen = (wins > 0) & (deals > 0)
    if not seen.any():
        return Shifts(np.zeros(segments), np.full(segments, _SHIFT_SD**2 + _POOLED_SD**2), np.ones(segments))
    spread = _variance(won, won_segment, mean_won, wins)
    # The won deals are among all deals: what both means share cancels out.
    rest = np.maximum(1.0 / np.maximum(wins, 1) - 1.0 / np.maximum(deals, 1), 0.0) + _EDITED / np.maximum(wins, 1)
    noise = spread * rest
    own = np.where(seen, mean_won - mean, 0.0)
    weight = np.where(seen, 1.0 / (noise + _SHIFT_SD**2), 0.0)
    precision = weight.sum() + 1.0 / _POOLED_SD**2
    pooled = float((weight * own).sum() / precision)
    trust = np.where(seen, _SHIFT_SD**2 / (_SHIFT_SD**2 + noise), 0.0)
    variance = trust * noise + (1.0 - trust) ** 2 / precision + np.where(seen, 0.0, _SHIFT_SD**2)
    return Shifts(pooled + trust * (own - pooled), variance, 1.0 - trust)


def yearly_trend(log_amount: Array, segment: Ints, since: Array) -> tuple[float, float]:
    """Yearly rise of log amounts within segments, shrunk to none, and its variance.

    Parameters
    ----------
    log_amount : array of float, shape (deals,)
        Log amounts.
    segment : array of int, shape (deals,)
        Their segments.
    since : array of float, shape (deals,)
        Years from each deal to the end of the record.

    Returns
    -------
    tuple of float
    """
    if len(log_amount) < 2:
        return 0.0, _TREND_SD**2
    count = np.maximum(np.bincount(segment), 1)
    x = (np.bincount(segment, weights=since) / count)[segment] - since
    y = log_amount - (np.bincount(segment, weights=log_amount) / count)[segment]
    variance = max(float(y.var()), 0.01)
    precision = (x * x).sum() + variance / _TREND_SD**2
    return float((x * y).sum() / precision), float(variance / precision)


def _means(value: Array, segment: Ints, segments: int) -> tuple[Ints, Array]:
    count = np.bincount(segment, minlength=segments).astype(np.int64)
    return count, np.bincount(segment, weights=value, minlength=segments) / np.maximum(count, 1)


def _variance(value: Array, segment: Ints, mean: Array, count: Ints) -> float:
    """Variance of log amounts within segments, leaning on a usual one where hardly any deal tells."""
    squares = float(((value - mean[segment]) ** 2).sum())
    return (squares + 0.8) / (len(value) - np.count_nonzero(count) + 2.0)
