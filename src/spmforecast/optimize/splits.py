"""Equal probability of attainment: the one level at which the quantiles of all reps sum to the total."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.optimize.filling import fill, meet

__all__ = ["equal_probability", "proportional"]

Array = npt.NDArray[np.float64]

_BLOCK = 64  # reps copied at a time, so that each rep's draws come to lie together in cache


def equal_probability(draws: Array, total: float, lower: Array | float = 0.0, upper: Array | float = np.inf) -> Array:
    """Give every rep the same chance to attain: the same quantile of each one's own bookings, within bounds.

    Parameters
    ----------
    draws : array of float, shape (trials, reps)
        Bookings of each rep.
    total : float
        Sum of the quotas, between the sums of the bounds.
    lower, upper : float or array of float, shape (reps,)
        Bounds of the quotas; 0 and none by default.

    Returns
    -------
    array of float, shape (reps,)
        Linear-interpolation quantiles at the one level at which they sum to `total` once clipped to their bounds. A
        total above the sum of the largest bookings scales those up; nobody can be expected to attain it.

    Notes
    -----
    The clipped quantiles sum to a continuous non-decreasing function of the level, so clipping inside the bisection is
    exact: those between their bounds have the same chance, those at a ceiling a higher one, those at a floor a lower
    one (the conditions of Karush, Kuhn and Tucker of the least expected miss with equal costs). The level is found on
    order statistics by a joint quickselect: all reps are partitioned at the same place and one half is kept, so that
    the work is linear in the draws. It is the comonotone split: the company's own chance to reach the total differs.
    """
    reps = draws.shape[1]
    floor, cap = (np.broadcast_to(np.asarray(bound, dtype=np.float64), (reps,)) for bound in (lower, upper))

    def clip(values: Array) -> Array:
        return np.minimum(np.maximum(values, floor), cap)

    ordered = _by_rep(draws)
    smallest, largest = ordered.min(axis=1), ordered.max(axis=1)
    if total >= float(clip(largest).sum()):
        return fill(np.maximum(largest, 0.0), total, clip(largest), np.asarray(cap))
    if total <= float(clip(smallest).sum()):
        return meet(lambda scale: clip(scale * np.maximum(smallest, 0.0)), total, 0.0, 1.0)
    below, above = _neighbours(ordered, total, floor, cap)
    return meet(lambda share: clip(below + share * (above - below)), total, 0.0, 1.0)


def _by_rep(draws: Array) -> Array:
    """Copy the draws with each rep's own side by side, shape (reps, trials)."""
    out = np.empty((draws.shape[1], draws.shape[0]))
    for start in range(0, len(out), _BLOCK):
        out[start : start + _BLOCK] = draws[:, start : start + _BLOCK].T
    return out


def _neighbours(ordered: Array, total: float, floor: Array, cap: Array) -> tuple[Array, Array]:
    """Find the adjacent order statistics between whose clipped sums the total lies; `ordered` is used up."""
    below, above = ordered.min(axis=1), ordered.max(axis=1)
    part = ordered
    while part.shape[1]:
        middle = part.shape[1] // 2
        part.partition(middle, axis=1)
        found = part[:, middle].copy()
        if float(np.minimum(np.maximum(found, floor), cap).sum()) <= total:
            below, part = found, part[:, middle + 1 :]
        else:
            above, part = found, part[:, :middle]
    return below, above


def proportional(draws: Array, total: float, lower: Array | float = 0.0, upper: Array | float = np.inf) -> Array:
    """Split in proportion to expected bookings; evenly where nobody is expected to book anything.

    Parameters
    ----------
    draws : array of float, shape (trials, reps)
        Bookings of each rep.
    total : float
        Sum of the quotas, between the sums of the bounds.
    lower, upper : float or array of float, shape (reps,)
        Bounds of the quotas; 0 and none by default.

    Returns
    -------
    array of float, shape (reps,)
        All with the same expected attainment where no bound binds, which is not the same chance to attain.
    """
    reps = draws.shape[1]
    floor, cap = (np.broadcast_to(np.asarray(bound, dtype=np.float64), (reps,)) for bound in (lower, upper))
    return fill(np.maximum(draws.mean(axis=0), 0.0), total, np.asarray(floor), np.asarray(cap))
