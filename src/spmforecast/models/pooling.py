"""Partial pooling: gamma-Poisson multipliers on observed over expected counts, and beta-binomial rates.

Observed counts ``O ~ Poisson(theta * E)`` with ``theta ~ Gamma(a, a)`` (mean 1). The prior's strength `a` is
estimated by maximum marginal (negative binomial) likelihood; without over-dispersion it runs to its upper
bound, which is full pooling. A cell without data keeps the prior's mean and its whole width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["GammaPool", "fit_beta_binomial", "fit_gamma_pool", "gamma_quantile"]

Array = npt.NDArray[np.float64]

_MIN_STRENGTH, _MAX_STRENGTH = 0.5, 1e4
_VARIANCES = 60  # points of the grid over the variance of the cells


@dataclass(frozen=True)
class GammaPool:
    """Posterior of multipliers around 1: ``Gamma(strength + observed, strength + expected)`` for each cell.

    Parameters
    ----------
    strength : float or numpy.ndarray broadcast against the cells
        Prior strength `a` in expected events.
    observed, expected : numpy.ndarray
        Counts, any common shape.
    """

    strength: float | Array
    observed: Array
    expected: Array

    @property
    def mean(self) -> Array:
        """Posterior mean of each multiplier."""
        return (self.strength + self.observed) / (self.strength + self.expected)

    @property
    def shrinkage(self) -> Array:
        """Weight of the pooled value in each posterior mean (1 = no data of its own)."""
        return self.strength / (self.strength + self.expected)

    def variance(self, weight: Array) -> float:
        """Variance of the multiplier of one drawn at random, doubt included, over the square of its mean.

        Parameters
        ----------
        weight : array of float, shape of the cells
            How often each is drawn; where all are zero a new cell of the prior is.
        """
        if weight.sum() <= 0:
            return float(np.mean(1.0 / np.asarray(self.strength)))
        rate = self.strength + self.expected
        mean = float((weight * self.mean).sum() / weight.sum())
        square = float((weight * (self.mean**2 + self.mean / rate)).sum() / weight.sum())
        return square / mean**2 - 1.0

    def posterior(self, names: Sequence[str], asked: Sequence[str]) -> tuple[Array, Array]:
        """Shape and rate of the multipliers of those who are asked for; who has no cell keeps the prior.

        Parameters
        ----------
        names : sequence of str
            Name of each cell.
        asked : sequence of str
            Names.

        Returns
        -------
        shape, rate : array of float, shape (asked,)
        """
        place = {name: cell for cell, name in enumerate(names)}
        at = np.array([place.get(name, -1) for name in asked], dtype=np.int64)
        seen, hoped = (np.where(at >= 0, of[at], 0.0) for of in (self.observed, self.expected))
        return self.strength + seen, self.strength + hoped

    def quantile(self, uniform: npt.ArrayLike) -> Array:
        """Inverse distribution function, broadcast against the cells."""
        return gamma_quantile(uniform, self.strength + self.observed, self.strength + self.expected)


def gamma_quantile(uniform: npt.ArrayLike, shape: npt.ArrayLike, rate: npt.ArrayLike) -> Array:
    """Quantile of ``Gamma(shape, rate)``; a shape of zero gives zero."""
    shape = np.asarray(shape, dtype=np.float64)
    safe = np.maximum(shape, 1e-8)
    return np.where(shape > 0, special.gammaincinv(safe, uniform) / np.asarray(rate, dtype=np.float64), 0.0)


def fit_gamma_pool(
    observed: npt.ArrayLike, expected: npt.ArrayLike, averaged: bool = False, usual_variance: float = 0.1
) -> GammaPool:
    """Estimate how much cells truly differ, and each cell's multiplier.

    Parameters
    ----------
    observed, expected : array-like of float, same shape
        Events seen and events that the pooled model expects.
    averaged : bool
        Take the posterior mean of the cells' variance ``1/a`` instead of its mode: where counts are too few to show
        that cells differ, the mode says that they do not, and every one would be forecast as if it were certain.
    usual_variance : float
        Mean of the exponential prior on the cells' variance.

    Returns
    -------
    GammaPool

    Notes
    -----
    A weak exponential prior on ``1/a`` keeps a handful of cells from claiming either no spread or a boundless one.
    """
    seen = np.asarray(observed, dtype=np.float64)
    hoped = np.asarray(expected, dtype=np.float64)
    with_data = hoped > 0
    if np.count_nonzero(with_data) < 2:
        return GammaPool(_MAX_STRENGTH if not with_data.any() else 50.0, seen, hoped)
    o, e = seen[with_data], hoped[with_data]

    def negative_log_likelihood(a: Array) -> Array:
        a = np.asarray(a, dtype=np.float64)[..., None]
        terms = special.gammaln(a + o) - special.gammaln(a) + a * np.log(a / (a + e)) + o * np.log(e / (a + e))
        return np.asarray(-terms.sum(axis=-1) + 1.0 / (usual_variance * a[..., 0]))

    if averaged:
        variance = np.geomspace(1.0 / _MAX_STRENGTH, 1.0 / _MIN_STRENGTH, _VARIANCES)
        loss = negative_log_likelihood(1.0 / variance)
        weight = np.exp(loss.min() - loss) * variance  # the prior is one of the variance, the grid even in its log
        return GammaPool(float(weight.sum() / (weight * variance).sum()), seen, hoped)
    from scipy import optimize

    best = optimize.minimize_scalar(
        lambda log_a: float(negative_log_likelihood(np.exp(log_a))),
        bounds=(np.log(_MIN_STRENGTH), np.log(_MAX_STRENGTH)),
        method="bounded",
    )
    return GammaPool(float(np.exp(best.x)), seen, hoped)


def fit_beta_binomial(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[float, float]:
    """Estimate the beta prior of a set of rates by maximum marginal likelihood.

    Parameters
    ----------
    successes, trials : array-like of int, shape (n,)
        Counts of each group.

    Returns
    -------
    tuple of float
        ``(alpha, beta)``; the posterior mean of a group is ``(y + alpha) / (n + alpha + beta)``.
    """
    y = np.asarray(successes, dtype=np.float64)
    n = np.asarray(trials, dtype=np.float64)
    rate = np.clip(y.sum() / max(n.sum(), 1.0), 1e-3, 1 - 1e-3)

    def negative_log_likelihood(theta: Array) -> float:
        alpha, beta = np.exp(theta)
        return float(-(special.betaln(y + alpha, n - y + beta) - special.betaln(alpha, beta)).sum())

    start = np.log([20.0 * rate, 20.0 * (1 - rate)])
    limits = [(-10.0, 12.0), (-10.0, 12.0)]
    from scipy import optimize

    best = optimize.minimize(negative_log_likelihood, start, method="L-BFGS-B", bounds=limits, tol=1e-14)
    alpha, beta = np.exp(best.x)
    return float(alpha), float(beta)
