"""Draws that keep their margins, so that no doubt is counted twice.

Rates are products of nested multipliers, each drawn from a posterior of its own: a base, what a segment does beyond it,
what a segment does in one stage beyond that, and the market's mean beyond all. The wins of one segment speak in each of
these posteriors. Given the total of a group, its parts differ only among themselves (Poisson counts given their sum are
multinomial), so that finer multipliers are drawn with their average held, and whatever moves the odds of all visits at
once is left to the market.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["held_average", "moved_odds", "same_odds"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_PASSES = 3  # shifting each visit's odds moves those of all together by less: what is left is taken out anew


def held_average(drawn: Array, mean: Array, expected: Array, group: npt.NDArray[np.int64]) -> Array:
    """Divide draws of multipliers by what they change their group's total by.

    Parameters
    ----------
    drawn : array of float, shape (worlds, rows, cells)
        Draws.
    mean, expected : array of float, shape (rows, cells)
        Their means, and the events that a multiplier of one would bring.
    group : array of int, shape (rows, cells)
        Cells of one group share a total.

    Returns
    -------
    array of float, shape (worlds, rows, cells)
        In every world the events expected of a group are those of the means. A group that expects none is left alone.
    """
    groups = int(group.max()) + 1
    fitted = np.bincount(group.ravel(), (mean * expected).ravel(), minlength=groups)
    total = np.stack([np.bincount(group.ravel(), (one * expected).ravel(), minlength=groups) for one in drawn])
    told = fitted > 0
    change = np.where(told, total / np.where(told, fitted, 1.0), 1.0)
    return np.asarray(drawn / np.maximum(change, 1e-12)[:, group])


def same_odds(drawn: Array, mean: Array, seen: Array, rises: Mask, falls: Mask) -> Array:
    """Take out of draws of intensities what moves the odds of going up of all visits at once.

    Parameters
    ----------
    drawn : array of float, shape (worlds, profiles, stages, destinations, bins)
        Draws.
    mean : array of float, shape (profiles, stages, destinations, bins)
        Their means.
    seen : array of float, shape (profiles, stages, destinations, bins)
        Exits that the means stand for.
    rises, falls : array of bool, shape (stages, destinations)
        Moves that go up, and losses.

    Returns
    -------
    array of float, shape of `drawn`
        In every world advances and wins over losses expected of the record are as the means have them, to about 1 %.
    """
    known = seen.sum(axis=(0, 3))
    up, down = (np.where(which, known, 0.0).sum() for which in (rises, falls))
    if up <= 0 or down <= 0:
        return drawn
    weight = seen / np.maximum(mean, 1e-300)
    for _ in range(_PASSES):
        moves = np.einsum("gsjb,wgsjb->wsj", weight, drawn)
        odds = (moves * rises).sum(axis=(1, 2)) / up / ((moves * falls).sum(axis=(1, 2)) / down)
        drawn = moved_odds(drawn, -np.log(odds)[:, None, None, None, None], rises)
    return drawn


def moved_odds(rate: Array, level: Array | float, rises: Mask) -> Array:
    """Shift the log odds of going up at the same pace: how visits end changes, not when.

    Parameters
    ----------
    rate : array of float, shape (..., stages, destinations, bins)
        Intensities.
    level : float or array, broadcast against `rate`
        Shift of the log odds.
    rises : array of bool, shape (stages, destinations)
        Moves that go up.

    Returns
    -------
    array of float, shape of `rate`
    """
    scaled = rate * np.where(rises[:, :, None], np.exp(level), 1.0)
    total = np.maximum(scaled.sum(axis=-2, keepdims=True), 1e-300)
    return np.asarray(scaled * rate.sum(axis=-2, keepdims=True) / total)
