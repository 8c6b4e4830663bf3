"""From the exact outcome tables to one trial's outcomes: competing intensities of each period, and shocks on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = [
    "bent",
    "mixed_speed",
    "period_intensities",
    "poisson_quantile",
    "win_cells",
    "winning_chances",
    "winning_speed",
]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_LARGE_MEAN = 40.0
_LARGEST_SPEED = 20.0  # times the variance: all is won long before


def period_intensities(won: Array, lost: Array) -> tuple[Array, Array]:
    """Turn chances by period into the integrated intensities of winning and of losing in each period.

    Parameters
    ----------
    won, lost : array of float, shape (..., periods)
        Chance to be won or lost in each period.

    Returns
    -------
    tuple of array of float, shape (..., periods)
        Intensities of winning and losing, given that the deal is open when the period begins. With
        :func:`winning_chances` and no shock they give `won` back.
    """
    gone = np.cumsum(won + lost, axis=-1)
    alive = np.maximum(1.0 - (gone - won - lost), 1e-9)
    leave = np.clip((won + lost) / alive, 0.0, 1.0 - 1e-9)
    total = -np.log1p(-leave)
    share = won / np.maximum(won + lost, 1e-300)
    return total * share, total * (1 - share)


def winning_speed(won: Array) -> Array:
    """Hazard of being won that, with nothing lost beside it, gives these chances.

    Parameters
    ----------
    won : array of float, shape (..., periods)
        Chances to be won in each period; their sum is at most one.

    Returns
    -------
    array of float, shape (..., periods)
        Hazard cumulated within each period.

    Notes
    -----
    This is the subdistribution hazard of Fine and Gray (1999, JASA 94:496). What multiplies it multiplies small chances
    as a whole. Beside an intensity of losing a multiplier of winning does less: a deal is as soon won as lost, and what
    wins fast has nothing left to win later. How the whole chance changes is what was measured.
    """
    chance = np.asarray(won, dtype=np.float64)
    left = np.maximum(1.0 - (np.cumsum(chance, axis=-1) - chance), 1e-9)
    return np.asarray(-np.log1p(-np.clip(chance / left, 0.0, 1.0 - 1e-9)))


def mixed_speed(win: Array, variance: float) -> Array:
    """Hazard of an average rep's deals, where hazards of deals as a whole are given and reps differ.

    Parameters
    ----------
    win : array of float, shape (..., periods)
        Hazard cumulated within each period, of chances seen in the deals of all reps together.
    variance : float
        Of the reps' multipliers, which have mean one; not negative.

    Returns
    -------
    array of float, shape (..., periods)
        With gamma multipliers the chance of all reps together is as given, since the mean of ``exp(-x * theta)`` is
        ``(1 + v * x) ** (-1 / v)``. A hazard of mean size multiplied by them would win less, as chances saturate.
    """
    if variance <= 0:
        return win
    reached = np.expm1(np.minimum(variance * np.cumsum(win, axis=-1), _LARGEST_SPEED)) / variance
    return np.diff(reached, axis=-1, prepend=0.0)


def winning_chances(win: Array | Floats, lose: Array | Floats, multiplier: Array) -> Array:
    """Chance to be won in each period when the intensity of winning is multiplied.

    Parameters
    ----------
    win, lose : array of float, shape (..., periods)
        Integrated intensities.
    multiplier : array of float, shape (..., periods)
        Common shock times the rep's own effect.

    Returns
    -------
    array of float, shape (..., periods)
    """
    speed = np.asarray(win * multiplier, dtype=np.float64)
    total = speed + lose
    before = np.exp(total - np.cumsum(total, axis=-1))
    return np.asarray(before * -np.expm1(-total) * (speed / np.maximum(total, 1e-300)))


def bent(level: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Square of the market's level, going on straight beyond one; what `bend` of the log speed of winning multiplies.

    Chances saturate: a better market adds less than a worse one takes away, so that the log speed is
    ``response * level - bend * bent(level)``, not a straight line, whose exponential would grow with doubt.
    """
    near = np.clip(level, -1.0, 1.0)
    return np.asarray(near * (2.0 * level - near), dtype=level.dtype)


def win_cells(chances: Array, uniform: Array) -> npt.NDArray[np.int64]:
    """Pick the period in which each trial's deal is won by the inverse distribution function.

    Parameters
    ----------
    chances : array of float, shape (trials, periods)
        Chance of each period.
    uniform : array of float, shape (trials,)
        Uniforms.

    Returns
    -------
    array of int, shape (trials,)
        Period, or the number of periods where the deal is not won within the horizon.
    """
    return np.asarray((uniform[:, None] >= np.cumsum(chances, axis=-1)).sum(axis=-1), dtype=np.int64)


def poisson_quantile(uniform: Array, mean: Array) -> npt.NDArray[np.int64]:
    """Poisson counts by the inverse distribution function.

    Parameters
    ----------
    uniform, mean : array of float, shape (n,)
        Uniforms in (0, 1) and means.

    Returns
    -------
    array of int, shape (n,)
    """
    out = np.zeros(len(mean), dtype=np.int64)
    large = mean > _LARGE_MEAN
    if large.any():
        guess = np.ceil(special.pdtrik(uniform[large], mean[large]))
        # The continuous inverse can land one too high where the uniform sits on a step.
        guess -= special.pdtr(guess - 1, mean[large]) >= uniform[large]
        out[large] = guess.astype(np.int64)
    small = np.flatnonzero(~large) if large.any() else slice(None)
    out[small] = _few(uniform[small], mean[small])
    return out


def _few(uniform: Array, mean: Array) -> npt.NDArray[np.int64]:
    """Add up the probabilities of 0, 1, 2, … until each uniform is reached: all together first, then the stragglers."""
    out = np.zeros(len(mean), dtype=np.int64)
    mass = np.exp(-mean)
    reached, count = mass.copy(), 0
    together = float(mean.mean()) + 2.0 if len(mean) else 0.0
    while count < together:
        out += uniform > reached
        count += 1
        mass *= mean / count
        reached += mass
    rows = np.flatnonzero(uniform > reached)
    # Whoever has not got there yet has passed every step so far.
    out[rows] = count
    mass, reached, target, mu = mass[rows], reached[rows], uniform[rows], mean[rows]
    while len(rows):
        count += 1
        mass = mass * mu / count
        grown = reached + mass
        # Rounding may leave the sum short of a uniform next to one; stop where nothing is added any more.
        more = (target > grown) & (grown > reached)
        out[rows] = count
        rows, mass, reached, target, mu = rows[more], mass[more], grown[more], target[more], mu[more]
    return out
