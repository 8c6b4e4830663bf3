"""Measures of inequality of non-negative amounts: 0 where all are equal, except :func:`jain` (1).

Cowell (2011), Measuring Inequality. All are free of the unit. Where the mean is 0 nobody has anything to share and
every measure is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from spmforecast.errors import InputError, Problem

__all__ = [
    "Decomposition",
    "atkinson",
    "coefficient_of_variation",
    "gini",
    "hoover",
    "jain",
    "theil_decomposition",
    "theil_l",
    "theil_t",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Theil T in two parts that add up: inequality between the groups' means and within the groups."""

    between: float
    within: float
    total: float


def gini(values: npt.ArrayLike, unbiased: bool = False) -> float:
    """Gini coefficient.

    Parameters
    ----------
    values : array-like, shape (n,)
        Non-negative amounts.
    unbiased : bool
        Multiply by n / (n - 1), so that one who has all makes it 1; NaN for a single value.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If values are missing, infinite or negative, or there are none.
    """
    x = np.sort(_amounts(values))
    n = x.size
    if x.sum() == 0 or (unbiased and n == 1):
        return float("nan")
    population = float((2.0 * np.arange(1, n + 1) - n - 1) @ x / (n * x.sum()))
    return population * n / (n - 1) if unbiased else population


def theil_t(values: npt.ArrayLike) -> float:
    """Theil's T, ``mean(r ln r)`` of the ratios r to the mean; 0 ln 0 = 0. Arguments as :func:`gini`."""
    r = _ratios(values)
    return float(xlogy(r, r).mean())


def theil_l(values: npt.ArrayLike) -> float:
    """Theil's L (mean log deviation), ``-mean(ln r)``; infinite where a value is 0. Arguments as :func:`gini`."""
    r = _ratios(values)
    return float("inf") if np.any(r == 0) else float(-np.log(r).mean())


def atkinson(values: npt.ArrayLike, epsilon: float = 0.5) -> float:
    """Atkinson's index: the share of the total that could be given up if the rest were shared equally.

    Parameters
    ----------
    values : array-like, shape (n,)
        Non-negative amounts.
    epsilon : float
        Aversion to inequality, positive; at 1 and above a single 0 makes the index 1.

    Returns
    -------
    float

    Raises
    ------
    InputError
        As :func:`gini`, or if `epsilon` is not positive.
    """
    if not (epsilon > 0 and np.isfinite(epsilon)):
        raise InputError(Problem("inequality", "epsilon must be positive", column="epsilon", value=str(epsilon)))
    r = _ratios(values)
    if epsilon >= 1 and np.any(r == 0):
        return 1.0
    if epsilon == 1:
        return float(1 - np.exp(np.log(r).mean()))
    return float(1 - (r ** (1 - epsilon)).mean() ** (1 / (1 - epsilon)))


def hoover(values: npt.ArrayLike) -> float:
    """Hoover's index: the share of the total that would have to change hands. Arguments as :func:`gini`."""
    return float(np.abs(_ratios(values) - 1).mean() / 2)


def coefficient_of_variation(values: npt.ArrayLike) -> float:
    """Divide the population standard deviation by the mean. Arguments as :func:`gini`."""
    return float(_ratios(values).std())


def jain(values: npt.ArrayLike) -> float:
    """Jain's fairness index ``1 / (1 + CV²)``: 1 if all are equal, 1/n if one has all. Arguments as :func:`gini`."""
    return float(1 / (_ratios(values) ** 2).mean())


def theil_decomposition(values: npt.ArrayLike, groups: npt.ArrayLike) -> Decomposition:
    """Split Theil's T into what lies between groups and within them.

    Parameters
    ----------
    values : array-like, shape (n,)
        Non-negative amounts.
    groups : array-like, shape (n,)
        Label of each value's group.

    Returns
    -------
    Decomposition

    Raises
    ------
    InputError
        As :func:`gini`, or if lengths differ.
    """
    r = _ratios(values)
    labels = np.asarray(groups)
    if labels.shape != r.shape:
        raise InputError(Problem("inequality", f"{labels.size} group labels for {r.size} values", column="groups"))
    _, member = np.unique(labels, return_inverse=True)
    size = np.bincount(member)
    mean = np.bincount(member, weights=r) / size
    share = size * mean / r.size
    between = float(xlogy(share, mean).sum())
    total = float(xlogy(r, r).mean())
    within = sum(float(part) * theil_t(r[member == g]) for g, part in enumerate(share) if part > 0)
    return Decomposition(between, float(within) if np.isfinite(total) else total, total)


def _amounts(values: npt.ArrayLike) -> Floats:
    x = np.asarray(values, dtype=float)
    reason = ""
    if x.ndim != 1 or x.size == 0:
        reason = "values must be a list of at least one"
    elif not np.isfinite(x).all():
        reason = "values are missing or infinite"
    elif (x < 0).any():
        reason = "values must not be negative"
    if reason:
        raise InputError(Problem("inequality", reason, column="values"))
    return x


def _ratios(values: npt.ArrayLike) -> Floats:
    x = _amounts(values)
    mean = x.mean()
    return x / mean if mean > 0 else np.full(x.shape, np.nan)
