"""How much better or worse each rep wins than colleagues do with deals of the same segment, age and time.

A rep who wins more does so all the way from creation on. Wins are therefore held against what the deals had to win
since they were created (:mod:`~spmforecast.models.watched`). Deals of one quarter of a year are compared with each
other, or reps who sold in good times would look good, and newcomers' deals with newcomers', or whoever has just begun
would be taken for somebody who wins little for ever.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.models.newcomers import WinRamp, fit_win_ramp
from spmforecast.models.pooling import GammaPool, fit_gamma_pool
from spmforecast.models.watched import Watched

__all__ = ["fit_rep_wins"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_QUARTER_DAYS = 91  # deals created within as many days, counted from the first, are compared with each other
_SWEEPS = 8  # quarters, reps and newcomers in turn
_YEAR_DAYS = 365
_PASSES = 4  # multipliers are shrunk, so that their average goes down by less than what it is divided by


def fit_rep_wins(watched: Watched, ramp: Array, made: Array) -> tuple[GammaPool, WinRamp]:
    """Compare each owner's wins with those of all deals of the same segment, age, quarter and tenure.

    Parameters
    ----------
    watched : Watched
        The deals, with their owners as the multipliers are ordered.
    ramp : array of float, shape (months of tenure + 1,)
        Productivity in creating deals, one when ramped.
    made : array of float, shape (owners,)
        What each creates from now on, in any unit: the average of the multipliers, so weighted, is to be one, as the
        process and the market speak of the team as it is.

    Returns
    -------
    pool : GammaPool
        Wins seen and expected of each owner.
    newcomers : WinRamp
        How much less deals are won that a newcomer created.
    """
    lately = _sum(watched.tenure, watched.created > watched.today - _YEAR_DAYS, len(ramp))
    quarter = (watched.created - watched.created.min(initial=watched.today)) // _QUARTER_DAYS
    due = watched.expected
    newcomers = fit_win_ramp(np.zeros(len(ramp)), np.zeros(len(ramp)), ramp, lately)
    for _ in range(_SWEEPS):
        pool, of_reps = _owners(watched, due, newcomers.fitted[watched.tenure], quarter, made)
        seen, hoped = (_sum(watched.tenure, of, len(ramp)) for of in (watched.won, of_reps))
        newcomers = fit_win_ramp(seen, hoped, ramp, lately)
    return pool, newcomers


def _owners(watched: Watched, due: Array, ramped: Array, quarter: Ints, made: Array) -> tuple[GammaPool, Array]:
    """Compare owners within quarters.

    Parameters
    ----------
    watched : Watched
        The deals.
    due, ramped : array of float, shape (deals,)
        Wins due to each as its segment wins, and multiplier of its month of tenure.
    quarter : array of int, shape (deals,)
        Quarter of a year in which each was created.
    made : array of float, shape (owners,)
        Weights of the owners, as in :func:`fit_rep_wins`.

    Returns
    -------
    pool : GammaPool
        The owners' multipliers.
    expected : array of float, shape (deals,)
        What each deal is to win with its owner, in its quarter, were nobody new.
    """
    expected = due * ramped
    times = _times(quarter, watched.won, expected)
    seen, hoped = (_sum(watched.owner, of, len(made)) for of in (watched.won, expected * times))
    pool = _of_team(seen, hoped, made)
    return pool, due * times * pool.mean[watched.owner]


def _times(quarter: Ints, won: npt.NDArray[np.bool_], expected: Array) -> Array:
    """Multiplier of each deal's quarter of creation.

    It is told without the reps: whoever sold in good times alone would else be taken for what made them good.
    """
    hoped = np.bincount(quarter, expected)
    return np.asarray(fit_gamma_pool(np.bincount(quarter, won), hoped, averaged=True).mean[quarter])


def _sum(group: Ints, of: npt.NDArray[np.generic], groups: int) -> Array:
    """Add a column up by group."""
    return np.bincount(group, weights=of, minlength=groups).astype(np.float64)


def _of_team(seen: Array, hoped: Array, made: Array) -> GammaPool:
    """Pool the owners, the multiplier of those who sell being one on average."""
    pool = fit_gamma_pool(seen, hoped, averaged=True)
    for _ in range(_PASSES if made.sum() > 0 else 0):
        hoped = hoped * float((pool.mean * made).sum() / made.sum())
        pool = fit_gamma_pool(seen, hoped, averaged=True)
    return pool
