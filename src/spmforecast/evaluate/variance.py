"""Where the spread of a forecast comes from: parameters, shocks and process, as three parts of the variance.

*Parameters*: what the record leaves in doubt about rates, amounts, reps and leaving. *Shocks*: the market's path,
common to all deals. *Process*: the luck of each deal and of each rep's quarter, given both. The first two are drawn
independently, so the law of total variance gives each its part as the variance of the mean given the part (the main
effect); process is the rest, and holds what the two do together. Parts are estimated from the draws: between the worlds
in which parameters were drawn by the analysis of variance, of all other drivers by a quadratic regression with adjusted
R².
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["PARTS", "variance_parts"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PARTS = ("parameters", "shocks", "process")


def variance_parts(draws: Array, world: Ints, parameters: Array, shocks: Array) -> pd.DataFrame:
    """Split the variance of totals.

    Parameters
    ----------
    draws : array of float, shape (trials, totals)
        Drawn totals.
    world : array of int, shape (trials,)
        Draw of the parameters that many trials share.
    parameters : array of float, shape (trials, p)
        Parameters drawn anew in each trial.
    shocks : array of float, shape (trials, s)
        Common shocks of each trial.

    Returns
    -------
    pandas.DataFrame
        ``sd, parameters, shocks, process``, a row for each total; the three shares are at least 0 and sum to 1. NaN
        where nothing varies or trials are too few.
    """
    trials = len(draws)
    spread = draws.std(axis=0)
    terms = _quadratic(parameters), _quadratic(shocks)
    moving = np.ptp(draws, axis=0) > 0
    enough = moving if trials >= 4 * max(part.shape[1] for part in terms) + 8 else np.zeros_like(moving)
    shares = np.full((draws.shape[1], 3), np.nan)
    if enough.any():
        scaled = (draws[:, enough] - draws[:, enough].mean(axis=0)) / spread[enough]
        known = np.stack([_between(scaled, world) + _explained(scaled, terms[0]), _explained(scaled, terms[1])], axis=1)
        known /= np.maximum(known.sum(axis=1, keepdims=True), 1.0)
        shares[enough] = np.column_stack([known, 1.0 - known.sum(axis=1)])
    table = pd.DataFrame(shares, columns=list(PARTS))
    table.insert(0, "sd", np.where(moving, spread, 0.0))
    return table


def _between(scaled: Array, world: Ints) -> Array:
    """Variance of the worlds' true means (method of moments for a one-way layout), shape (totals,)."""
    lived = np.unique(world, return_inverse=True)[1]
    count = np.bincount(lived)
    worlds, trials = len(count), len(lived)
    if worlds < 2 or trials - worlds < 2:
        return np.zeros(scaled.shape[1])
    sums = np.stack([np.bincount(lived, weights=total) for total in scaled.T])
    between = (sums**2 / count).sum(axis=1)
    within = (scaled**2).sum(axis=0) - between
    size = (trials - float((count**2).sum()) / trials) / (worlds - 1)
    return np.asarray(np.maximum((between / (worlds - 1) - within / (trials - worlds)) / size, 0.0))


def _quadratic(drivers: Array) -> Array:
    """Standardised drivers, their squares, and the product of the sums of their halves; shape (trials, terms)."""
    moving = drivers[:, np.ptp(drivers, axis=0) > 0] if drivers.shape[1] else drivers
    if not moving.shape[1]:
        return np.zeros((len(drivers), 0))
    plain = (moving - moving.mean(axis=0)) / moving.std(axis=0)
    half = plain.shape[1] // 2
    both = [plain[:, :half].mean(axis=1) * plain[:, half:].mean(axis=1)] if half else []
    return np.column_stack([plain, plain**2, *both])


def _explained(scaled: Array, terms: Array) -> Array:
    """Share of the variance that a regression explains, corrected for the number of terms, shape (totals,)."""
    if not terms.shape[1]:
        return np.zeros(scaled.shape[1])
    base, upper = np.linalg.qr(terms - terms.mean(axis=0))
    base = base[:, np.abs(np.diag(upper)) > 1e-9 * np.abs(np.diag(upper)).max()]
    plain = ((base.T @ scaled) ** 2).sum(axis=0) / (scaled**2).sum(axis=0)
    trials = len(scaled)
    return np.asarray(np.maximum(1.0 - (1.0 - plain) * (trials - 1) / max(trials - base.shape[1] - 1, 1), 0.0))
