"""Draws against commission: pay of each period at least the draw, and what was advanced taken from later pay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.plan.compensation.terms import Draw

__all__ = ["apply_draw"]

Array = npt.NDArray[np.float64]


def apply_draw(draw: Draw | None, earned: Array) -> tuple[Array, Array]:
    """Turn what is earned into what is paid.

    Parameters
    ----------
    draw : Draw or None
        The draw; None pays what is earned.
    earned : array of float, shape (..., periods)
        Cents.

    Returns
    -------
    paid : array of float, shape (..., periods)
        Cents. Once the draw has ended nothing is advanced any more, but what is owed is still taken from pay.
    owed : array of float, shape (..., periods)
        What the rep owes after each period.
    """
    if draw is None:
        return earned, np.zeros_like(earned)
    paid, owed = np.empty_like(earned), np.zeros_like(earned)
    debt = np.zeros(earned.shape[:-1])
    for period in range(earned.shape[-1]):
        running = draw.periods is None or period < draw.periods
        if not draw.recoverable:
            paid[..., period] = np.maximum(earned[..., period], draw.amount) if running else earned[..., period]
            continue
        net = earned[..., period] - debt
        paid[..., period] = np.maximum(net, draw.amount if running else 0.0)
        debt = paid[..., period] - net
        owed[..., period] = debt
    return paid, owed
