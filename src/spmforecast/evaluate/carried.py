"""What quotas carry: plan reached without anybody's bookings above quota, and what pay then costs, draw by draw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Payout", "attained", "carried", "p_carried", "paid"]

Array = npt.NDArray[np.float64]
Payout = Callable[[Array, Array], Array]
"""Pay for bookings of shape (trials, reps, periods) against quotas of shape (reps, periods), like-shaped."""

_CENT = 0.005  # sums of cents in floating point may fall a hair short of what they meet


def carried(bookings: Array, quota: Array) -> Array:
    """Add up each trial's bookings, each rep's capped at quota.

    Parameters
    ----------
    bookings : array of float, shape (trials, reps)
        Draws of one period.
    quota : array of float, shape (reps,)
        Quotas.

    Returns
    -------
    array of float, shape (trials,)
    """
    return np.asarray(np.minimum(bookings, quota).sum(axis=1))


def p_carried(bookings: Array, quota: Array, plan: float) -> float:
    """Chance that plan is made without leaning on overachievers; arguments as :func:`carried`."""
    return float((carried(bookings, quota) >= plan - _CENT).mean())


def attained(bookings: Array, quota: Array) -> npt.NDArray[np.bool_]:
    """Tell who reaches quota in which trial, shape (trials, reps); arguments as :func:`carried`."""
    return np.asarray(bookings >= quota - _CENT)


def paid(payout: Payout, bookings: Array, quota: Array) -> Array:
    """Pay of each rep in each trial of one period.

    Parameters
    ----------
    payout : callable
        As :data:`Payout`.
    bookings : array of float, shape (trials, reps)
        Draws of one period.
    quota : array of float, shape (reps,)
        Quotas.

    Returns
    -------
    array of float, shape (trials, reps)
    """
    return np.asarray(payout(bookings[:, :, None], quota[:, None]), dtype=np.float64).reshape(bookings.shape)
