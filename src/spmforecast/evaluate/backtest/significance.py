"""Is a difference in score more than luck? The unit is the period: origins within one are not independent.

Sources: Diebold & Mariano (1995), JBES 13:253; Harvey, Leybourne & Newbold (1997), Int J Forecasting 13:281.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import columns
from spmforecast.simulate.streams import Streams

__all__ = ["bootstrap_ratio", "diebold_mariano", "sign_flip"]

Array = npt.NDArray[np.float64]

_TOPIC = "significance"
_EXACT_BLOCKS = 14
_FLIPS, _RESAMPLES = 9999, 2000


def sign_flip(difference: npt.ArrayLike, block: npt.ArrayLike, seed: int = 1) -> float:
    """Test by permutation that differences are symmetric about zero, whole blocks changing sign together.

    Parameters
    ----------
    difference : array-like, shape (n,)
        Score of one method minus that of another, case by case.
    block : array-like, shape (n,)
        Block (the period) of each case; blocks are independent of each other.
    seed : int
        Key of the random flips.

    Returns
    -------
    float
        Two-sided p-value: over all sign patterns up to 14 blocks, else over 9,999 random ones and the one seen. With k
        blocks it cannot be less than ``2 / 2**k``.
    """
    sums = _block_sums(difference, block)
    seen = abs(sums.sum())
    if len(sums) <= _EXACT_BLOCKS:
        signs = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float((np.abs(signs @ sums) >= seen * (1 - 1e-12)).mean())
    flips = Streams(seed).generator("significance", "sign-flip", "signs").random((_FLIPS, len(sums))) < 0.5
    other = np.abs(np.where(flips, -1.0, 1.0) @ sums)
    return float((1 + (other >= seen * (1 - 1e-12)).sum()) / (1 + _FLIPS))


def bootstrap_ratio(
    score: npt.ArrayLike, other: npt.ArrayLike, block: npt.ArrayLike, level: float = 0.9, seed: int = 1
) -> tuple[float, float]:
    """Interval of the ratio of two mean scores, by resampling whole blocks.

    Parameters
    ----------
    score, other : array-like, shape (n,)
        Scores of the same cases.
    block : array-like, shape (n,)
        Block of each case.
    level : float
        Of the central percentile interval.
    seed : int
        Key of the resamples.

    Returns
    -------
    tuple of float
        NaN with fewer than two blocks, which tell nothing of how much blocks differ.
    """
    top, bottom = _block_sums(score, block), _block_sums(other, block)
    k = len(top)
    if k < 2:
        return float("nan"), float("nan")
    pick = (Streams(seed).generator("significance", "bootstrap", "blocks").random((_RESAMPLES, k)) * k).astype(np.int64)
    below = bottom[pick].sum(axis=1)
    ratio = top[pick].sum(axis=1) / np.where(below > 0, below, np.nan)
    if np.isnan(ratio).any():
        return float("nan"), float("nan")
    low, high = np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def diebold_mariano(difference: npt.ArrayLike, overlap: int = 1) -> tuple[float, float]:
    """Diebold–Mariano statistic with the small-sample correction of Harvey, Leybourne and Newbold.

    Parameters
    ----------
    difference : array-like, shape (n,)
        Score of one method minus that of another, in order of time.
    overlap : int
        How many neighbours depend on each other: autocovariances up to ``overlap - 1`` enter the variance.

    Returns
    -------
    tuple of float
        Statistic and two-sided p-value of Student's law with n - 1 degrees of freedom; NaN where the variance cannot be
        estimated.
    """
    (d,) = columns(_TOPIC, {"difference": difference})
    n = d.size
    if n < 2 or overlap >= n:
        return float("nan"), float("nan")
    off = d - d.mean()
    covariance = [float(off[lag:] @ off[: n - lag]) / n for lag in range(overlap)]
    variance = (covariance[0] + 2 * sum(covariance[1:])) / n
    correction = (n + 1 - 2 * overlap + overlap * (overlap - 1) / n) / n
    if variance <= 0 or correction <= 0:
        return float("nan"), float("nan")
    statistic = float(d.mean() / np.sqrt(variance) * np.sqrt(correction))
    return statistic, float(2 * special.stdtr(n - 1, -abs(statistic)))


def _block_sums(values: npt.ArrayLike, block: npt.ArrayLike) -> Array:
    (v,) = columns(_TOPIC, {"values": values})
    _, code = np.unique(np.asarray(block).astype(str), return_inverse=True)
    return np.bincount(code, weights=v).astype(np.float64)
