"""Meeting a total within bounds: the one arithmetic under every split.

All paths here are arrays that grow with one number, clipped to their bounds; the number at which they sum to the total
is found by bisection, and the last step is exact up to floating point.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["fill", "meet"]

Array = npt.NDArray[np.float64]

_BISECTIONS = 80


def meet(path: Callable[[float], Array], total: float, low: float, high: float) -> Array:
    """Follow a non-decreasing path of arrays to the point at which it sums to a total.

    Parameters
    ----------
    path : callable
        From a number to an array of shape (reps,), each entry non-decreasing.
    total : float
        Sum wanted; it lies between the sums at `low` and `high`.
    low, high : float
        Ends of the search.

    Returns
    -------
    array of float, shape (reps,)
    """
    below, above = path(low), path(high)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        found = path(middle)
        if found.sum() <= total:
            low, below = middle, found
        else:
            high, above = middle, found
    return between(below, above, total)


def between(below: Array, above: Array, total: float) -> Array:
    """Go the same part of the way from one array to a larger one for everybody, so that the sum is the total."""
    gap = float((above - below).sum())
    share = (total - float(below.sum())) / gap if gap > 0 else 0.0
    return np.asarray(below + min(max(share, 0.0), 1.0) * (above - below))


def fill(weights: Array, total: float, lower: Array, upper: Array) -> Array:
    """Split a total in proportion to weights as far as bounds allow.

    Parameters
    ----------
    weights : array of float, shape (reps,)
        Non-negative.
    total : float
        Between the sums of the bounds.
    lower, upper : array of float, shape (reps,)
        Bounds; `upper` may be infinite.

    Returns
    -------
    array of float, shape (reps,)
        ``clip(s * weights, lower, upper)`` with the one `s` that meets the total. Who has no weight stays at the
        lower bound, unless the others cannot hold the total: what is left is then spread evenly over them.
    """
    held = np.where(weights > 0, upper, lower)
    if float(held.sum()) < total:
        # Those with weight are full (or there are none): the rest goes evenly to those without.
        return _scaled((weights <= 0).astype(np.float64), total, np.where(weights > 0, upper, lower), upper)
    return _scaled(weights, total, lower, upper)


def _scaled(weights: Array, total: float, lower: Array, upper: Array) -> Array:
    largest = float(weights.max(initial=0.0))
    if largest <= 0:
        return lower.copy()
    unit = weights / largest

    def path(scale: float) -> Array:
        return np.minimum(np.maximum(scale * unit, lower), upper)

    high = max(total, 1.0)
    while float(path(high).sum()) < total and high < 1e300:
        high *= 4.0
    return meet(path, total, 0.0, high)
