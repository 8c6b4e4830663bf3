"""Splitting the change of a product among its factors, whatever the order in which they are thought to change.

Shapley (1953), "A value for n-person games": each factor gets the mean, over all orders, of what its change does when
the factors before it have changed and those after it have not. For two factors that is the difference of one times the
mean of the other; the shares always add up to the change of the product.
"""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

__all__ = ["deal_factors", "split_product"]

Array = npt.NDArray[np.float64]


def split_product(old: Array, new: Array) -> Array:
    """Split ``prod(new) - prod(old)`` among the factors.

    Parameters
    ----------
    old, new : array of float, shape (factors, ...)
        Factors before and after.

    Returns
    -------
    array of float, shape (factors, ...)
        What each factor's change brought; they add up to the change of the product.
    """
    count = len(old)
    out = np.zeros(np.broadcast_shapes(old.shape, new.shape))
    for i in range(count):
        others = [j for j in range(count) if j != i]
        rest = np.zeros(out.shape[1:])
        for size in range(count):
            weight = factorial(size) * factorial(count - 1 - size) / factorial(count)
            for changed in combinations(others, size):
                product = np.full(out.shape[1:], weight)
                for j in others:
                    product = product * (new[j] if j in changed else old[j])
                rest += product
        out[i] = (new[i] - old[i]) * rest
    return out


def deal_factors(
    count: tuple[Array, Array], wins: tuple[Array, Array], value: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Write expected bookings as count × chance × timing × amount, before and after.

    Parameters
    ----------
    count : pair of array of float, shape (n,)
        Deals in each row: 1 for single deals.
    wins : pair of array of float, shape (n,)
        Wins expected of them within the horizon.
    value : pair of array of float, shape (n, periods)
        Bookings expected of them.

    Returns
    -------
    pair of array of float, shape (4, n, periods)
        Their product is `value`. A factor that is not defined on one side (the amount where nothing is won, the chance
        where there is no deal) is taken from the other, so that it does not count as changed.
    """
    sides = [_factors(*side) for side in zip(count, wins, value, strict=True)]
    filled = []
    for own, other in (sides, sides[::-1]):
        known = np.where(np.isnan(own), other, own)
        filled.append(np.where(np.isnan(known), 0.0, known))
    return filled[0], filled[1]


def _factors(count: Array, wins: Array, value: Array) -> Array:
    """Return them with NaN where they are not defined."""
    total = value.sum(axis=1)
    out = np.full((4, *value.shape), np.nan)
    some, won, paid = count > 0, (count > 0) & (wins > 0), (count > 0) & (wins > 0) & (total != 0)
    out[0] = count[:, None]
    out[1, some] = (wins[some] / count[some])[:, None]
    out[2, paid] = value[paid] / total[paid, None]
    out[3, won] = (total[won] / wins[won])[:, None]
    return out
