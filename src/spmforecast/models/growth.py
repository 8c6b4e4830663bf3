"""What growth of creation a forecast goes on with: a little, as most companies show, or as much as the record does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FREE", "GROWTHS", "STEADY", "GrowthPrior", "Trend"]

Array = npt.NDArray[np.float64]

STEADY, FREE = "steady", "free"
_FAST = 0.1  # a year; more than that is no matter of a few per cent
_CLEAR = 0.8  # chance of such growth, free to be so, from which it is told


@dataclass(frozen=True)
class GrowthPrior:
    """Prior of the growth of a long-run mean, on a grid.

    Parameters
    ----------
    month : array of float, shape (n,)
        Growth of the log mean in a month.
    log : array of float, shape (n,)
        Log probability of each, up to a constant.
    """

    month: Array
    log: Array

    @classmethod
    def mixture(cls, year: list[float], sds: list[float], shares: list[float]) -> GrowthPrior:
        """Mix normal laws around none; growth and standard deviations a year."""
        month, sd = np.array(year) / 12.0, np.array(sds) / 12.0
        density = (np.exp(-0.5 * (month[:, None] / sd) ** 2) / sd) @ np.array(shares)
        return cls(month, np.log(density) + np.log(np.gradient(month)))


_FEW = [-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06]
GROWTHS = {
    STEADY: GrowthPrior.mixture(_FEW, [0.03], [1.0]),
    FREE: GrowthPrior.mixture(
        [-0.8, -0.55, -0.35, -0.2, -0.1, *_FEW, 0.1, 0.2, 0.35, 0.55, 0.8, 1.1], [0.03, 0.3], [0.8, 0.2]
    ),
}
"""By name: shrunk to none by a standard deviation of 3 % a year, or in one of five companies by one of 30 %."""


@dataclass(frozen=True)
class Trend:
    """How fast creation by a rep has grown, free to have grown at any pace.

    Parameters
    ----------
    year, low, high : float
        Change of the log in a year: posterior mean, and 5 and 95 % quantiles.
    fast : float
        Posterior chance of more than ten per cent a year, up or down.
    """

    year: float
    low: float
    high: float
    fast: float

    @classmethod
    def of(cls, growth: Array, weight: Array) -> Trend:
        """Read a posterior over growth in a month, each of shape (grid,)."""
        year = 12.0 * growth
        order = np.argsort(year, kind="stable")
        reached = np.cumsum(weight[order])
        low, high = (float(year[order][np.searchsorted(reached, q * reached[-1])]) for q in (0.05, 0.95))
        return cls(float(weight @ year), low, high, float(weight[np.abs(year) >= _FAST - 1e-9].sum()))

    @property
    def clear(self) -> bool:
        """Whether the record leaves little doubt that it is no matter of a few per cent."""
        return self.fast >= _CLEAR
