"""Landmarks: what the fitted process would have said of the open deals at earlier dates like today, and what came.

The stage process forgets much: that a deal was slow before, that its close date passed unpushed, that a quarter has
just ended and whoever was ready has signed. At dates one, two, three ... quarters before the as-of date the deals then
open are given their chances by the process, and a logistic regression with those chances as offset and the deals'
signals as columns learns what they leave out (van Houwelingen's landmarking). Its ridge is chosen by rolling score:
fitted on the older landmarks, scored on the later ones, a mild one being preferred where few deals decide; where no
correction wins, none is made. Signals of recent activity are among them only where that makes the score better. New
deals are corrected likewise, by the periods since their creation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models.pooling import fit_gamma_pool

__all__ = [
    "PARTS",
    "Landmark",
    "Landmarks",
    "chance_logit",
    "fit_lags",
    "fit_landmarks",
    "fit_months",
    "kept_chances",
    "part_of",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PARTS = 4  # the period at hand, the next one, the third, all later ones
_PRIOR_SDS = (0.0, 0.1, 0.2, 0.4)  # of a coefficient; the first one means: no correction
_PREFERENCE = (3.0, 1.0, 0.0, 1.0)  # log score by which each must be better than a mild correction
_EARNED = 1.0  # log score that optional signals must add
_LEVEL_SD, _SEGMENT_SD = 0.5, 0.25  # of the coefficients that all deals, and those of a segment, share, at least
_USUAL_MONTHS = 0.03  # variance of months' multipliers, which hold what the process's own rhythm of days misses
_FEW_ROWS = 40
_STEPS = 12
_SETTLED = 1e-10
_LARGEST_CHANCE = 0.995


@dataclass(frozen=True)
class Landmark:
    """The deals open at an earlier date.

    Parameters
    ----------
    x : array of float, shape (n, columns)
        Their signals.
    chance, won : array of float, shape (n, periods)
        What the process says and, 0 or 1, what came, by period from that date on.
    watched : array of int
        Periods that had ended by the as-of date.
    """

    x: Array
    chance: Array
    won: Array
    watched: Ints


@dataclass(frozen=True)
class Landmarks:
    """Correction of the chances of open deals: a shift of their log odds.

    Parameters
    ----------
    coefficients : array of float, shape (parts, columns)
        By part: the period at hand, the next one and so on, see :func:`part_of`.
    root : array of float, shape (parts, columns, columns)
        Roots of their posterior covariances.
    prior_sd : tuple of float
        Ridge chosen for each; 0 where no correction won.
    deals : int
        Deals at landmarks behind it.
    gain : tuple of float
        Log score of later landmarks that optional signals add, for each part; 0 where there are none.
    used : tuple of bool
        Whether they are in.
    """

    coefficients: Array
    root: Array
    prior_sd: tuple[float, ...]
    deals: int
    gain: tuple[float, ...] = (0.0,) * PARTS
    used: tuple[bool, ...] = (False,) * PARTS

    def shifts(self, x: Array, normal: Array) -> Array:
        """Draw shifts of the log odds.

        Parameters
        ----------
        x : array of float, shape (n, columns)
            Signals.
        normal : array of float, shape (worlds, parts, columns)
            Standard normals.

        Returns
        -------
        array of float, shape (worlds, n, parts)
        """
        drawn = self.coefficients + np.einsum("gij,wgj->wgi", self.root, normal)
        return np.asarray(np.einsum("ni,wgi->wng", x, drawn))

    def corrected(self, chance: Array, x: Array, normal: Array) -> Array:
        """Draw corrected chances, which are on average what the coefficients themselves make of them.

        A normal law of log odds has more chance above its middle than below. What the landmarks have seen holds for the
        mean of the chances, not for their middle; so half of what the log odds' doubt adds is taken off beforehand.

        Parameters
        ----------
        chance : array of float, shape (worlds, n, periods)
            What the process says.
        x, normal
            As in :meth:`shifts`.

        Returns
        -------
        array of float, shape (worlds, n, periods)
        """
        part = part_of(np.arange(chance.shape[-1]))
        odds = chance_logit(chance)
        middle = special.expit(odds + np.einsum("ni,gi->ng", x, self.coefficients)[:, part])
        doubt = (np.einsum("ni,gij->ngj", x, self.root) ** 2).sum(axis=-1)[:, part]
        shift = self.shifts(x, normal)[..., part] - (0.5 - middle) * doubt
        return np.asarray(special.expit(odds + shift) * (chance > 0))


def part_of(period: Ints | int) -> Ints:
    """Part of the corrections that periods of the horizon fall under; the first one has number 0."""
    return np.minimum(period, PARTS - 1)


def chance_logit(chance: Array) -> Array:
    """Log odds of chances, kept away from zero and one."""
    return np.asarray(special.logit(np.clip(chance, 1e-6, 1 - 1e-6)))


def fit_landmarks(marks: list[Landmark], optional: int = 0, levels: int = 1) -> Landmarks:
    """Fit the corrections.

    Parameters
    ----------
    marks : list of Landmark
        Oldest first; at least one.
    optional : int
        Last columns of the signals, which are in only where they make the score of later landmarks better. Where no
        part has them, the corrections have no such columns.
    levels : int
        First columns of the signals, those of all deals and of segments: they are held but loosely.

    Returns
    -------
    Landmarks
    """
    columns = marks[0].x.shape[1]
    coefficients, root = np.zeros((PARTS, columns)), np.zeros((PARTS, columns, columns))
    prior, gain, used = [0.0] * PARTS, [0.0] * PARTS, [False] * PARTS
    for part in range(PARTS):
        rows = _rows(marks, part)
        if rows is None:
            continue
        design, offset, seen, of_mark = rows
        prior[part], gain[part] = _choose(design, offset, seen, of_mark, optional, levels)
        used[part] = gain[part] > _EARNED
        own = columns if used[part] else columns - optional
        fitted = _fit(design[:, :own], offset, seen, prior[part], levels)
        coefficients[part, :own], root[part, :own, :own] = fitted
    kept = columns if any(used) else columns - optional
    deals = sum(len(mark.x) for mark in marks)
    return Landmarks(coefficients[:, :kept], root[:, :kept, :kept], tuple(prior), deals, tuple(gain), tuple(used))


def _rows(marks: list[Landmark], part: int) -> tuple[Array, Array, Array, Ints] | None:
    """Signals, log odds, outcomes and landmark of the deals that tell of a part; None where they are too few."""
    rows = [
        (mark.x, chance_logit(mark.chance[:, p]), mark.won[:, p], np.full(len(mark.x), k))
        for k, mark in enumerate(marks)
        for p in mark.watched
        if part_of(p) == part
    ]
    if not rows or sum(len(row[0]) for row in rows) < _FEW_ROWS:
        return None
    design, offset, seen, of_mark = (np.concatenate([row[i] for row in rows]) for i in range(4))
    return design, offset, seen, of_mark


def _choose(x: Array, offset: Array, seen: Array, mark: Ints, optional: int, levels: int) -> tuple[float, float]:
    """Choose the ridge by the log score of later landmarks under the fit to older ones; say what optional signals add.

    Returns
    -------
    prior_sd, gain : float
        The ridge with those signals where they are to be in, else without them.
    """
    without = _losses(x[:, : x.shape[1] - optional], offset, seen, mark, levels)
    with_all = _losses(x, offset, seen, mark, levels) if optional else without
    gain = float(without.min() - with_all.min())
    return _PRIOR_SDS[int(np.argmin(with_all if gain > _EARNED else without))], gain


def _losses(x: Array, offset: Array, seen: Array, mark: Ints, levels: int) -> Array:
    """Log score of later landmarks for each ridge, with what it has to be better by; the smaller the better."""
    marks = np.unique(mark)
    loss = np.array(_PREFERENCE)
    for cut in sorted({int(marks[len(marks) // 2]), int(marks[3 * len(marks) // 4])}):
        old, new = mark < cut, mark >= cut
        if not old.any():
            continue
        for i, sd in enumerate(_PRIOR_SDS):
            eta = offset[new] + _combined(x[new].T, _fit(x[old], offset[old], seen[old], sd, levels)[0])
            loss[i] += float((np.logaddexp(0.0, eta) - seen[new] * eta).sum())
    return loss


def _fit(x: Array, offset: Array, seen: Array, prior_sd: float, levels: int) -> tuple[Array, Array]:
    """Fit a ridge logistic regression with offset by Newton steps; coefficients and a root of their covariance.

    Sums over deals are numpy's own, never matrix products of a linear algebra library: those add in an order that hangs
    on the number of threads, and the same record would not always give the same bytes.
    """
    columns = x.shape[1]
    beta = np.zeros(columns)
    if prior_sd == 0.0:
        return beta, np.zeros((columns, columns))
    ridge = np.full(columns, prior_sd**-2.0)
    # That all deals, or those of a segment, win less often than the process says needs no small effect.
    ridge[0] = min(ridge[0], _LEVEL_SD**-2.0)
    ridge[1:levels] = np.minimum(ridge[1:levels], _SEGMENT_SD**-2.0)
    row = np.ascontiguousarray(x.T)
    hessian = np.diag(ridge)
    for _ in range(_STEPS):
        p = special.expit(offset + _combined(row, beta))
        hessian = _products(row, p * (1 - p)) + np.diag(ridge)
        step = np.linalg.solve(hessian, (row * (seen - p)).sum(axis=1) - ridge * beta)
        beta = beta + step
        if np.abs(step).max(initial=0.0) < _SETTLED:
            break
    return beta, np.asarray(np.linalg.cholesky(np.linalg.inv(hessian)), dtype=np.float64)


def _combined(row: Array, beta: Array) -> Array:
    """Sum of the rows (columns of the design) times their coefficients, shape (n,)."""
    out = np.zeros(row.shape[1])
    for column, coefficient in zip(row, beta, strict=True):
        out += coefficient * column
    return out


def _products(row: Array, weight: Array) -> Array:
    """Weighted products of the rows with each other, summed over deals; shape (columns, columns)."""
    out = np.zeros((len(row), len(row)))
    for i, column in enumerate(row):
        out[i, i:] = (row[i:] * (column * weight)).sum(axis=1)
        out[i:, i] = out[i, i:]
    return out


def fit_lags(seen: Array, hoped: Array) -> Array:
    """Compare new deals' wins by periods since their creation with what the process expects of the same deals.

    Parameters
    ----------
    seen, hoped : array of float, shape (segments, lags)
        Wins.

    Returns
    -------
    array of float, shape (segments, lags)
        Multipliers. Those of a lag, all segments together, lean on one by as much as lags are alike; those of a segment
        lean on its lag's, as what the process misses at a lag it misses in every segment. What was not watched takes
        its lag's.
    """
    together = fit_gamma_pool(seen.sum(axis=0), hoped.sum(axis=0), averaged=True).mean
    return together * fit_gamma_pool(seen, hoped * together, averaged=True).mean


def fit_months(seen: Array, hoped: Array) -> Array:
    """Compare wins by month of the quarter with what the process expects of the same deals.

    Parameters
    ----------
    seen, hoped : array of float, shape (months,)
        Wins.

    Returns
    -------
    array of float, shape (months,)
        Multipliers, which lean on one by as much as months are alike; a quarter as a whole wins as many as before.
    """
    if not (seen.sum() > 0 and hoped.sum() > 0):
        return np.ones_like(hoped)
    apart = fit_gamma_pool(seen, hoped * (seen.sum() / hoped.sum()), True, _USUAL_MONTHS).mean
    return np.asarray(apart * hoped.sum() / (apart * hoped).sum())


def kept_chances(won: Array) -> Array:
    """Scale corrected chances of winning down where a deal's would sum to one or more; shape (..., periods)."""
    return np.asarray(won * np.minimum(1.0, _LARGEST_CHANCE / np.maximum(won.sum(axis=-1, keepdims=True), 1e-300)))
