"""A mix of the forecast with a rival: some trials keep their course, others take the rival's, and every level follows.

The company's total of a trial and period is taken from the rival's law by a keyed uniform; what is still uncertain in
the trial is stretched to it, deal by deal and rep by rep, so that the draws go on adding up. A trial takes the quantile
of the rival's law that it has in its own: a good trial stays a good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["PoolTerms", "best_weight", "pool_terms", "stretch"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """What the CRPS of a linear pool hangs on: it is a quadratic in the weight.

    Parameters
    ----------
    own, other : float
        Mean distance of either law from what came.
    within_own, within_other, between : float
        Mean distances of two draws, of the same law or of both.
    """

    own: float
    other: float
    within_own: float
    within_other: float
    between: float

    def crps(self, weight: float) -> float:
        """CRPS of the pool with this weight on the own law."""
        rest = 1.0 - weight
        spread = weight**2 * self.within_own + 2 * weight * rest * self.between + rest**2 * self.within_other
        return weight * self.own + rest * self.other - spread / 2


def pool_terms(own: Array, other: Array, came: float) -> PoolTerms:
    """Work out the terms of two samples, shapes (n,) and (m,), and what came."""
    whole = np.sort(own), np.sort(other)
    return PoolTerms(
        own=float(np.abs(own - came).mean()),
        other=float(np.abs(other - came).mean()),
        within_own=_apart(whole[0]),
        within_other=_apart(whole[1]),
        between=_between(*whole),
    )


def best_weight(terms: Sequence[PoolTerms], scales: Sequence[float]) -> float:
    """Return the weight of the own law whose pool had the least mean CRPS, shrunk half-way to equal.

    Parameters
    ----------
    terms : sequence of PoolTerms
        Of the cases that are over.
    scales : sequence of float
        Size of each case, by which its score is divided.

    Returns
    -------
    float
        Between a quarter and three quarters; one half where there is no case.
    """
    if not terms:
        return 0.5
    size = np.asarray(scales, dtype=np.float64)
    ends = [np.mean([term.crps(weight) for term in terms] / size) for weight in (0.0, 0.5, 1.0)]
    bend = 2 * (ends[0] + ends[2]) - 4 * ends[1]
    slope = ends[2] - ends[0] - bend
    best = float(np.clip(-slope / (2 * bend), 0.0, 1.0)) if bend > 0 else float(ends[2] < ends[0])
    return (best + 0.5) / 2


def stretch(draws: Array, booked: Array, total: Array, done: float, law: Array, own: Mask) -> Array:
    """Mix a rival's law of the total into draws of its parts.

    Parameters
    ----------
    draws : array of float, shape (trials, parts)
        Bookings of one period by part, what is booked included.
    booked : array of float, shape (parts,)
        What is booked in each.
    total : array of float, shape (trials,)
        Company's bookings of the period; the parts may be those of several levels.
    done : float
        What the company has booked of it.
    law : array of float, shape (atoms,)
        The rival's law of the company's bookings, equally likely outcomes.
    own : array of bool, shape (trials,)
        Trials that keep their course.

    Returns
    -------
    array of float, shape (trials, parts)
        A trial in which nothing is left to come has nothing to stretch and stays.
    """
    rank = (np.argsort(np.argsort(total, kind="stable"), kind="stable") + 0.5) / len(total)
    wanted = np.quantile(law, rank, method="inverted_cdf")
    rest = total - done
    factor = np.divide(np.maximum(wanted - done, 0.0), rest, out=np.ones(len(total)), where=rest > 0)
    factor = np.where(own, 1.0, factor)
    return np.asarray(booked + (draws - booked) * factor[:, None])


def _apart(ordered: Array) -> float:
    """Mean distance of two draws of a sorted sample, ``mean|x - x'|`` over all n² pairs."""
    n = len(ordered)
    return float(2 * ((2.0 * np.arange(1, n + 1) - n - 1) @ ordered) / n**2)


def _between(one: Array, two: Array) -> float:
    """Mean distance between draws of two sorted samples."""
    place = np.searchsorted(two, one)
    sums = np.concatenate([[0.0], np.cumsum(two)])
    below = one * place - sums[place]
    above = sums[-1] - sums[place] - one * (len(two) - place)
    return float((below + above).mean() / len(two))
