"""Leaderboards: who booked most, and who did most with what they had.

Raw bookings hang on the territory, on tenure and on luck. Two comparisons take these out:

* **Deals opened** against what an average rep of the same tenure opened in the same months, in the same territory. The
  months standardise for season and market; how rich a territory is, is told apart from who works it by hierarchical
  credibility (Bühlmann & Straub, 1970; Jewell, 1975): a territory counts as richer only as far as its reps differ less
  among themselves than territories do.
* **Bookings won** against what deals of the same segment and size, at the same ages, won of the same amounts.

Their product is what a rep books over what an average, ramped rep would with the same territory, segments and time.
Either is shrunk towards one by a gamma prior whose strength the reps' own spread decides, so a newcomer is near one
with a wide interval, not at the top or at the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.arrays import columns, require
from spmforecast.models.pooling import GammaPool, fit_gamma_pool

__all__ = ["Index", "standing", "territory_levels"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TOPIC = "leaderboard"
_LOW, _HIGH = 0.05, 0.95


def territory_levels(observed: npt.ArrayLike, expected: npt.ArrayLike, territory: npt.ArrayLike) -> Array:
    """Estimate how rich each territory is from what its reps did over what was expected of them.

    Parameters
    ----------
    observed, expected : array-like of float, shape (reps,)
        Counts: seen, and expected of an average rep of the same tenure in the same months. Nonnegative.
    territory : array-like of int, shape (reps,)
        Place of each rep's territory, from 0.

    Returns
    -------
    array of float, shape (territories,)
        Level of each, one on average over what was expected. All ones where no territory had two reps: then nothing
        tells a rich territory from a good rep.

    Raises
    ------
    InputError
        If counts are missing or negative, or lengths differ.

    Notes
    -----
    With ratios ``X = O / E`` and weights ``E``, the variance among reps of a territory beyond chance is estimated by
    moments, then that among territories beyond both; a territory's ratio has the weight
    ``t / (t + s / n + 1 / E)``, `t` and `s` the two variances, `n` its effective number of reps.
    """
    seen, hoped, place = columns(_TOPIC, {"observed": observed, "expected": expected, "territory": territory})
    require(bool((seen >= 0).all() and (hoped >= 0).all()), _TOPIC, "counts must not be negative", "observed")
    code = place.astype(np.int64)
    size = int(code.max()) + 1
    of, due = (np.bincount(code, one, size).astype(np.float64) for one in (seen, hoped))
    ratio = np.divide(of, due, out=np.ones(size), where=due > 0)
    square = np.bincount(code, hoped**2, size)
    number = np.divide(due**2, square, out=np.zeros(size), where=square > 0)  # effective reps
    within = _within(seen, hoped, code, ratio, due)
    if within is None:
        return np.ones(size)
    noise = np.divide(within, number, out=np.zeros(size), where=number > 0) + np.divide(
        1.0, due, out=np.zeros(size), where=due > 0
    )
    between = _between(ratio, due, noise)
    weight = between / np.maximum(between + noise, 1e-300)
    level = 1.0 + np.where(due > 0, weight, 0.0) * (ratio - 1.0)
    whole = float((level * due).sum() / due.sum()) if due.sum() > 0 else 1.0
    return np.asarray(level / max(whole, 1e-300))


def _within(seen: Array, hoped: Array, code: Ints, ratio: Array, due: Array) -> float | None:
    """Variance of reps of one territory beyond chance, relative to their mean; None where no territory has two."""
    mean = ratio[code] * hoped
    share = np.divide(hoped, due[code], out=np.ones_like(hoped), where=due[code] > 0)
    free = float(((1.0 - share) * hoped**2 * ratio[code] ** 2).sum())
    if free <= 0:
        return None
    beyond = float(((seen - mean) ** 2 - mean * (1.0 - share)).sum())
    return max(beyond / free, 0.0)


def _between(ratio: Array, due: Array, noise: Array) -> float:
    """Variance of territories beyond what chance and reps bring, by moments weighted by what is expected."""
    known = due > 0
    if known.sum() < 2:
        return 0.0
    weight = due[known] / due[known].sum()
    free = 1.0 - float((weight**2).sum())
    spread = float((weight * (ratio[known] - float(weight @ ratio[known])) ** 2).sum())
    chance = float((weight * (1.0 - weight) * noise[known]).sum())
    return max((spread - chance) / max(free, 1e-9), 0.0)


@dataclass(frozen=True)
class Index:
    """How reps stand against an average one; arrays have one value for each rep.

    Parameters
    ----------
    index, low, high : array of float
        Opened times won: posterior mean and 90 % interval. One is average.
    opened, won : GammaPool
        The two factors.
    p_best : array of float
        Probability to be among the best quarter (at least one) of those ranked.
    rank : array of int
        By index, 1 the best; equal ones in the order of the reps.
    """

    index: Array
    low: Array
    high: Array
    opened: GammaPool
    won: GammaPool
    p_best: Array
    rank: Ints


def standing(
    opened: tuple[npt.ArrayLike, npt.ArrayLike],
    won: tuple[npt.ArrayLike, npt.ArrayLike],
    unit: npt.ArrayLike,
    uniforms: npt.ArrayLike,
    ranked: npt.ArrayLike,
) -> Index:
    """Rank reps by what they did over what was expected.

    Parameters
    ----------
    opened : pair of array-like of float, shape (reps,)
        Deals opened and expected.
    won : pair of array-like of float, shape (reps,)
        Bookings and expected ones, in money.
    unit : array-like of float, shape (reps,)
        What one win is worth as a piece of evidence: ``sum h a^2 / sum h a`` over the deals at hand with their hazards
        and amounts, so that money over it has the mean and variance of a count.
    uniforms : array-like of float, shape (2, draws, reps)
        Uniforms for the joint posterior, within (0, 1).
    ranked : array-like of bool, shape (reps,)
        Who is ranked; the others only tell how reps differ.

    Returns
    -------
    Index

    Raises
    ------
    InputError
        If lengths differ or values are missing or negative.
    """
    names = ("opened", "opened expected", "won", "won expected", "unit")
    table = dict(zip(names, (*opened, *won, unit), strict=True))
    made, due, money, hoped, one = columns(_TOPIC, table)
    require(all(bool((part >= 0).all()) for part in (made, due, hoped, one)), _TOPIC, "must not be negative", "opened")
    piece = np.where(one > 0, one, 1.0)
    first = fit_gamma_pool(made, due, averaged=True)
    second = fit_gamma_pool(np.maximum(money, 0.0) / piece, hoped / piece, averaged=True)
    u, v = np.asarray(uniforms, dtype=np.float64)
    draws = first.quantile(u) * second.quantile(v)
    inside = np.asarray(ranked, dtype=bool)
    mean = first.mean * second.mean
    low, high = np.quantile(draws, [_LOW, _HIGH], axis=0)
    return Index(mean, low, high, first, second, _best(draws, inside), _ranks(mean, inside))


def _best(draws: Array, inside: npt.NDArray[np.bool_]) -> Array:
    """Share of the draws in which each rep is in the best quarter; NaN for those not ranked."""
    out = np.full(draws.shape[1], np.nan)
    own = draws[:, inside]
    if own.shape[1]:
        best = max(own.shape[1] // 4, 1)
        place = np.argsort(np.argsort(-own, axis=1, kind="stable"), axis=1)
        out[inside] = (place < best).mean(axis=0)
    return out


def _ranks(value: Array, inside: npt.NDArray[np.bool_]) -> Ints:
    """Rank from the largest down; 0 for those not ranked."""
    out = np.zeros(len(value), dtype=np.int64)
    rows = np.flatnonzero(inside)
    out[rows[np.argsort(-value[rows], kind="stable")]] = np.arange(1, len(rows) + 1)
    return out
