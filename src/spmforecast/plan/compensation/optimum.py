"""The effort that pays a rep best: a rate with a kink, and a bonus, at quota.

Marginal pay is not monotone in effort, so that there may be several local optima: a grid brackets them all, bisection
polishes each, and the utilities decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Optimum", "best_effort", "expected_pay", "marginal_pay"]

_GRID = 2001
_HALVINGS = 60


@dataclass(frozen=True)
class Optimum:
    """The best effort, and all local optima in ascending order."""

    effort: float
    local: tuple[float, ...]


def marginal_pay(
    effort: float, rate: float, accelerated: float, bonus: float, quota: float, slope: float, sd: float
) -> float:
    """Return what a little more effort pays: ``b [r + (a - r)(1 - Phi(z)) + B phi(z) / sd]``."""
    z = (quota - slope * effort) / sd
    return slope * (rate + (accelerated - rate) * _above(z) + bonus * _density(z) / sd)


def expected_pay(
    effort: float, rate: float, accelerated: float, bonus: float, quota: float, slope: float, sd: float
) -> float:
    """Return expected pay at an effort: ``r b e + (a - r) sd [phi(z) - z (1 - Phi(z))] + B (1 - Phi(z))``."""
    z = (quota - slope * effort) / sd
    over = sd * (_density(z) - z * _above(z))
    return rate * slope * effort + (accelerated - rate) * over + bonus * _above(z)


def best_effort(
    rate: float, accelerated: float, bonus: float, quota: float, *, slope: float, sd: float, cost: float
) -> Optimum:
    """Find the effort with the largest expected pay less cost ``c e**2 / 2``.

    Parameters
    ----------
    rate, accelerated : float
        Pay for a unit of bookings below and above quota.
    bonus : float
        Paid where quota is reached.
    quota : float
        Quota.
    slope, sd : float
        Bookings are normal with mean ``slope * effort`` and this standard deviation.
    cost : float
        Curvature of the cost of effort.

    Returns
    -------
    Optimum
    """
    pay = (rate, accelerated, bonus, quota, slope, sd)
    most = slope * (max(rate, accelerated) + bonus * _density(0.0) / sd) / cost

    def gain(effort: float) -> float:
        return marginal_pay(effort, *pay) - cost * effort

    # The bonus acts within a few standard deviations of quota only: the grid is made fine there.
    near = (quota + np.linspace(-6.0, 6.0, _GRID) * sd) / slope
    grid = np.unique(np.concatenate([np.linspace(0.0, most, _GRID), near[(near > 0) & (near < most)]]))
    local = _falling_roots(grid.tolist(), gain) or [0.0 if gain(0.0) <= 0 else most]
    utility = [expected_pay(one, *pay) - cost * one * one / 2 for one in local]
    return Optimum(local[int(np.argmax(utility))], tuple(local))


def _falling_roots(grid: list[float], gain: object) -> list[float]:
    """Find where a function crosses zero downwards: the local optima of its integral."""
    assert callable(gain)
    values = [gain(one) for one in grid]
    roots = []
    for low, high, first, second in zip(grid, grid[1:], values, values[1:], strict=False):
        if first > 0 >= second:
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                low, high = (middle, high) if gain(middle) > 0 else (low, middle)
            roots.append((low + high) / 2)
    return roots


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _above(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
