"""What newcomers do: how much their first months tell of how many deals they create, and how much less they win.

Who has created little after five months may be a weak rep or a slow beginner. The spread of the first is the one that
reps are pooled by; the spread of the second is what the counts of the first months scatter beyond what the rep's later
months and chance explain. Counts of the first months are taken for as many as would tell as much without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.pooling import GammaPool, fit_gamma_pool

__all__ = ["WinRamp", "fit_win_ramp", "pool_reps"]

Array = npt.NDArray[np.float64]

_FIRST_MONTHS = 6  # of tenure
# Squared coefficient of variation of what beginners create: the usual one, the reps it is worth, and the most that
# counts, since one quick beginner among a few would have all others' first months ignored.
_SPREAD_PRIOR, _SPREAD_PRIOR_REPS, _LARGEST_SPREAD = 0.15, 25.0, 0.4
_DEPTHS = np.linspace(0.0, 0.95, 96)
_USUAL_DEPTH = 0.2  # standard deviation of the half-normal prior; without wins of newcomers it says 0.16


def pool_reps(observed: Array, expected: Array) -> GammaPool:
    """Pool reps by the deals that they created.

    Parameters
    ----------
    observed, expected : array of float, shape (owners, months of tenure + 1)
        Deals created in each month of tenure, and expected of an average rep.

    Returns
    -------
    GammaPool
        Counts of the first months of tenure are weighed down.
    """
    early, due_early = (of[:, :_FIRST_MONTHS].sum(axis=1) for of in (observed, expected))
    later, due_later = (of[:, _FIRST_MONTHS:].sum(axis=1) for of in (observed, expected))
    ramped = fit_gamma_pool(later, due_later)
    weight = 1.0 / (1.0 + _spread(early, due_early, ramped) * due_early)
    return fit_gamma_pool(later + weight * early, due_later + weight * due_early)


def _spread(observed: Array, expected: Array, ramped: GammaPool) -> float:
    """Squared coefficient of variation of beginners' creation beyond chance and their later pace, by moments."""
    known = expected > 0
    pace = ramped.mean[known]
    doubt = 1.0 / (ramped.strength + ramped.expected[known])  # of the later pace, relative
    hoped = expected[known] * pace
    beyond = ((observed[known] - hoped) ** 2 - hoped - hoped**2 * doubt).sum()
    size = np.square(hoped).sum()
    moment = float(np.clip(beyond / size, 0.0, _LARGEST_SPREAD)) if size > 0 else 0.0
    reps = float((hoped > 1.0).sum())
    weight = reps / (reps + _SPREAD_PRIOR_REPS)
    return weight * moment + (1.0 - weight) * _SPREAD_PRIOR


@dataclass(frozen=True)
class WinRamp:
    """How much less often a deal is won if its rep had not ramped yet when it was created.

    Parameters
    ----------
    depth, low, high : float
        Share of the ramp's shortfall that shows in the hazard of a win: posterior mean, 5 % and 95 % quantiles.
    scale : float
        Multiplier of a ramped rep's deals; the average deal of the last year has one.
    wins : int
        Wins of newcomers behind it.
    ramp : array of float, shape (months of tenure + 1,)
        Productivity in creating deals as fitted.
    """

    depth: float
    low: float
    high: float
    scale: float
    wins: int
    ramp: Array

    @property
    def fitted(self) -> Array:
        """Multiplier on the hazard of a win by month of tenure at creation, shape (months of tenure + 1,)."""
        return self.along(self.ramp)

    def along(self, ramp: Array) -> Array:
        """Multiplier on the hazard of a win by month of tenure at creation if newcomers ramp otherwise.

        Parameters
        ----------
        ramp : array of float, shape (n,)
            Productivity in creating deals by month of tenure, one when ramped.

        Returns
        -------
        array of float, shape (n,)
        """
        return np.asarray(self.scale * (1.0 - self.depth * (1.0 - ramp)))


def fit_win_ramp(observed: Array, expected: Array, ramp: Array, lately: Array) -> WinRamp:
    """Weigh depths by the wins of newcomers against those of ramped reps.

    Parameters
    ----------
    observed, expected : array of float, shape (n,)
        Wins of deals by month of tenure at creation, and expected were all reps ramped.
    ramp : array of float, shape (n,)
        Productivity in creating deals, one when ramped.
    lately : array of float, shape (n,)
        Deals of the last year by month of tenure: the average of their multipliers is to be one, as the market's level
        of today already holds how young the team is.

    Returns
    -------
    WinRamp
        Of depth zero where nobody ramps; the prior's depth where no newcomer's deal is known.
    """
    early = ramp < 1.0
    if not early.any():
        return WinRamp(0.0, 0.0, 0.0, 1.0, 0, ramp)
    multiplier = 1.0 - _DEPTHS[:, None] * (1.0 - ramp)
    hoped = np.maximum(multiplier * expected, 1e-12)
    hoped *= observed.sum() / hoped.sum(axis=1, keepdims=True)
    fit = (observed * np.log(np.maximum(hoped, 1e-12))).sum(axis=1) - 0.5 * (_DEPTHS / _USUAL_DEPTH) ** 2
    weight = np.exp(fit - fit.max())
    weight /= weight.sum()
    depth = float(weight @ _DEPTHS)
    low, high = _DEPTHS[np.searchsorted(np.cumsum(weight), [0.05, 0.95])].tolist()
    told = lately.sum()
    average = float(((1.0 - depth * (1.0 - ramp)) * lately).sum() / told) if told > 0 else 1.0
    return WinRamp(depth, low, high, 1.0 / average, int(observed[early].sum()), ramp)
