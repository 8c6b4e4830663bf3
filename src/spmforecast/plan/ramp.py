"""Ramp, attrition and capacity as people reckon them: productive months of a hire, and carried quota."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "Ramp",
    "carried_quota",
    "gompertz_ramp",
    "logistic_ramp",
    "monthly_hazard",
    "productive_months",
    "table_ramp",
]

Array = npt.NDArray[np.float64]
Ramp = Callable[[Array], Array]
"""Productivity by tenure in months: an array of tenures to an array of shares, 1 when ramped."""

_NODES = 24


def logistic_ramp(steepness: float, midpoint: float) -> Ramp:
    """Return the ramp ``1 / (1 + exp(-steepness * (t - midpoint)))``, tenure t in months."""
    from scipy.special import expit

    return lambda tenure: np.asarray(expit(steepness * (tenure - midpoint)))


def gompertz_ramp(displacement: float, rate: float) -> Ramp:
    """Return the ramp ``exp(-displacement * exp(-rate * t))``, tenure t in months."""
    return lambda tenure: np.exp(-displacement * np.exp(-rate * tenure))


def table_ramp(shares: Sequence[float] | Array) -> Ramp:
    """Return the ramp of a table by whole months of tenure; the last share stays, nothing before the hire."""
    table = np.asarray(shares, dtype=np.float64)

    def ramp(tenure: Array) -> Array:
        month = np.floor(np.asarray(tenure, dtype=np.float64))
        return np.where(month < 0, 0.0, table[np.clip(month, 0, len(table) - 1).astype(np.int64)])

    return ramp


def monthly_hazard(annual: float) -> float:
    """Turn the share that leaves within a year into a constant hazard a month, ``-ln(1 - annual) / 12``."""
    return float(-np.log1p(-annual) / 12)


def productive_months(ramp: Ramp, start: float, stop: float, hazard: float = 0.0) -> float:
    """Integrate ramp times survival over a stretch of tenure.

    Parameters
    ----------
    ramp : callable
        Productivity by tenure.
    start, stop : float
        Tenure in months, 0 on the day of hire; what lies before the hire counts nothing.
    hazard : float
        Constant hazard of leaving a month, without a successor.

    Returns
    -------
    float
        Months of a ramped rep.

    Notes
    -----
    Gauss-Legendre by month of tenure, so that tables (steps at whole months) are exact and smooth curves as good as.
    """
    start = max(start, 0.0)
    if stop <= start:
        return 0.0
    inner = np.arange(np.floor(start) + 1, stop)
    edges = np.concatenate([[start], inner[inner > start], [stop]])
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges)[:, None] / 2
    tenure = edges[:-1, None] + half * (node + 1)
    return float((half * weight * ramp(tenure) * np.exp(-hazard * tenure)).sum())


def carried_quota(ramped_reps: float, monthly_quota: float, months: float, attainment: float = 1.0) -> float:
    """Reckon what a team carries: ramped reps × monthly quota × months × attainment factor."""
    return ramped_reps * monthly_quota * months * attainment
