"""Who brings how much of a difference: Shapley values, which do not depend on an order and always add up.

The value of a set of changes is what a figure becomes when just these are made. A change's share is what it adds,
averaged over all orders in which the changes could be made (Shapley 1953). Up to six changes all sets are worked out;
beyond that, orders are sampled in pairs of an order and its reverse, and the shares still add up to the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

__all__ = ["EXACT_UP_TO", "Shares", "exact_shares", "sampled_shares", "shapley"]

Array = npt.NDArray[np.float64]
Value = Callable[[frozenset[int]], Array]

EXACT_UP_TO = 6


@dataclass(frozen=True)
class Shares:
    """What each change brings.

    Parameters
    ----------
    shares : array of float, shape (changes, ...)
        Of any shape that the value has; their sum over changes is `total`, but for the last bits of floating point.
    total : array of float
        Value of all changes together less that of none.
    orders : int
        Orders that were sampled; 0 where all of them count.
    """

    shares: Array
    total: Array
    orders: int = 0


def shapley(value: Value, changes: int, generator: np.random.Generator, pairs: int = 12) -> Shares:
    """Share a difference out.

    Parameters
    ----------
    value : callable
        From a set of changes, named by 0 … changes - 1, to an array.
    changes : int
        How many there are.
    generator : numpy.random.Generator
        Draws orders where there are more than six changes.
    pairs : int
        Pairs of orders to draw then.

    Returns
    -------
    Shares
    """
    if changes <= EXACT_UP_TO:
        return exact_shares(value, changes)
    orders: list[Sequence[int]] = []
    for _ in range(pairs):
        order = [int(one) for one in generator.permutation(changes)]
        orders += [order, order[::-1]]
    return sampled_shares(value, orders)


def exact_shares(value: Value, changes: int) -> Shares:
    """Average what each change adds over all sets of the others, weighted by how many orders lead through the set."""
    everyone = range(changes)
    known = {
        frozenset(some): value(frozenset(some)) for size in range(changes + 1) for some in combinations(everyone, size)
    }
    none, whole = known[frozenset()], known[frozenset(everyone)]
    shares = np.zeros((changes, *np.shape(none)))
    for change in everyone:
        others = [one for one in everyone if one != change]
        for size in range(changes):
            weight = factorial(size) * factorial(changes - size - 1) / factorial(changes)
            for some in combinations(others, size):
                shares[change] += weight * (known[frozenset({*some, change})] - known[frozenset(some)])
    return Shares(shares, np.asarray(whole - none))


def sampled_shares(value: Value, orders: Sequence[Sequence[int]]) -> Shares:
    """Average what each change adds over the given orders; in each, the additions sum to the whole difference."""
    changes = len(orders[0])
    known: dict[frozenset[int], Array] = {}

    def of(some: frozenset[int]) -> Array:
        if some not in known:
            known[some] = value(some)
        return known[some]

    none = of(frozenset())
    shares = np.zeros((changes, *np.shape(none)))
    for order in orders:
        before, made = none, frozenset[int]()
        for change in order:
            made = made | {change}
            after = of(made)
            shares[change] += (after - before) / len(orders)
            before = after
    return Shares(shares, np.asarray(of(frozenset(range(changes))) - none), len(orders))
