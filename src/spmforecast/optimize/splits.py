"""Ways to split an amount over reps, on plain arrays of draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["SPLITS", "equal_probability", "proportional"]

Array = npt.NDArray[np.float64]

_BISECTIONS = 60


def equal_probability(draws: Array, total: float) -> Array:
    """Give every rep the same chance to attain: the same quantile of each one's own bookings.

    Parameters
    ----------
    draws : array of float, shape (trials, reps)
        Bookings of each rep.
    total : float
        Sum of the quotas.

    Returns
    -------
    array of float, shape (reps,)
        Linear-interpolation quantiles at the one level at which they sum to `total`. A total above the sum of the
        largest bookings scales those up; nobody can be expected to attain it.

    Notes
    -----
    The sum of the quantiles is a continuous increasing function of the level, so the level is found by bisection
    and the last step is exact. It is the comonotone split: the company's own chance to reach the total differs.
    """
    ordered = np.sort(draws, axis=0)
    last = len(ordered) - 1
    highest = float(ordered[-1].sum())
    if total >= highest:
        return ordered[-1] * (total / highest) if highest > 0 else np.full(draws.shape[1], total / draws.shape[1])
    if total <= float(ordered[0].sum()):
        lowest = float(ordered[0].sum())
        return ordered[0] * (total / lowest) if lowest > 0 else np.zeros(draws.shape[1])
    low, high = 0.0, float(last)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _at(ordered, middle).sum() <= total else (low, middle)
    below, above = _at(ordered, low), _at(ordered, high)
    gap = float(above.sum() - below.sum())
    share = (total - float(below.sum())) / gap if gap > 0 else 0.0
    return np.asarray(below + share * (above - below))


def _at(ordered: Array, place: float) -> Array:
    """Interpolate the order statistics at a fractional place."""
    index = min(int(place), len(ordered) - 2) if len(ordered) > 1 else 0
    upper = min(index + 1, len(ordered) - 1)
    return np.asarray(ordered[index] + (place - index) * (ordered[upper] - ordered[index]))


def proportional(draws: Array, total: float) -> Array:
    """Split in proportion to expected bookings; evenly where nobody is expected to book anything.

    Parameters
    ----------
    draws : array of float, shape (trials, reps)
        Bookings of each rep.
    total : float
        Sum of the quotas.

    Returns
    -------
    array of float, shape (reps,)
        All with the same expected attainment, which is not the same chance to attain.
    """
    mean = draws.mean(axis=0)
    weight = mean if mean.sum() > 0 else np.ones_like(mean)
    return np.asarray(total * weight / weight.sum())


SPLITS: Mapping[str, Callable[[Array, float], Array]] = {
    "equal-probability": equal_probability,
    "proportional": proportional,
}
