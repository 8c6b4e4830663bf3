"""What moves all reps' bookings at once: market, slow drift, damped trend and season, as one Gaussian process.

The log of the company's bookings over what its reps' levels imply, month by month, is the sum of

* a market level, AR(1) with standard deviation ``tau`` and monthly persistence ``phi``,
* a long-run mean that is unknown and drifts as a slow random walk (the same assumption as in ``models.market``),
* a damped trend: growth a month is itself AR(1) around zero, so it fades and is never carried on for ever,
* a season: multipliers for each month's place in the quarter, for each quarter of the year and for each month of it,

seen through noise of known variance. All scales lie on a grid with half-normal priors; for each point of it everything
else is Gaussian and exact, so a draw of the months to come holds the doubt about season, trend and level together.
Short records keep the priors' width. The market has mean ``-tau²/2``, so that its exponential has mean one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["CommonFactor", "fit_common"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TAU = np.array([0.05, 0.075, 0.1, 0.14, 0.2, 0.28, 0.4, 0.56])
_PHI = np.array([0.3, 0.6, 0.8, 0.93])
_GROWTH = np.array([0.002, 0.006, 0.018])
_YEAR = np.array([0.03, 0.1, 0.3])
_QUARTER = np.array([0.02, 0.1, 0.4])
_PRIORS = (0.3, None, 0.01, 0.2, 0.3)  # half-normal scales of tau, (phi flat), growth, year, quarter
_GROWTH_PERSISTENCE = 0.92
_MEAN_SD, _DRIFT_SD = 0.3, 0.03
_LONGEST = 96  # months: older ones tell little of today
_NEGLIGIBLE = 2e-4


@dataclass(frozen=True)
class CommonFactor:
    """Posterior of the common log factor.

    Parameters
    ----------
    months : array of int, shape (months,)
        Numbers of the fiscal months seen.
    ratio, noise : array of float, shape (months,)
        Log of bookings over expectation, and the variance of its error.
    scales : array of float, shape (grid, 5)
        tau, phi, growth, year, quarter.
    weight : array of float, shape (grid,)
        Posterior probability of each.
    """

    months: Ints
    ratio: Array
    noise: Array
    scales: Array
    weight: Array

    def mean_scale(self, column: int) -> float:
        """Posterior mean of one of the scales."""
        return float(self.weight @ self.scales[:, column])

    def scale_quantile(self, column: int, q: float) -> float:
        """Posterior quantile of one of the scales."""
        order = np.argsort(self.scales[:, column], kind="stable")
        reached = np.cumsum(self.weight[order])
        return float(self.scales[order, column][np.searchsorted(reached, q * reached[-1])])

    def expected(self) -> Array:
        """Posterior mean of the factor itself, not of its log, in each month seen; shape (months,)."""
        parts = _kernels(self.months)
        mean, covariance = self._posterior(parts, parts)
        variance = np.diagonal(covariance, axis1=1, axis2=2) - self.scales[:, :1] ** 2
        return np.asarray(self.weight @ np.exp(mean + 0.5 * variance))

    def ahead(self, months: Ints) -> tuple[Array, Array]:
        """Law of the log factor in months to come, for each point of the grid.

        Parameters
        ----------
        months : array of int, shape (ahead,)
            Numbers of fiscal months; the first may be the last one seen, where that is not over.

        Returns
        -------
        mean : array of float, shape (grid, ahead)
        root : array of float, shape (grid, ahead, ahead)
            Lower Cholesky factors of the covariance.
        """
        both = np.concatenate([self.months, months])
        parts = _kernels(both)
        seen, new = slice(None, len(self.months)), slice(len(self.months), None)
        own = _Parts(*(part[..., new, new] for part in parts.all))
        mean, covariance = self._posterior(_Parts(*(part[..., new, seen] for part in parts.all)), own)
        covariance = covariance + 1e-10 * np.eye(len(months))
        return mean - 0.5 * self.scales[:, :1] ** 2, np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)

    def season(self) -> tuple[Array, Array]:
        """Posterior mean and standard deviation of the log season of each fiscal month, each of shape (12,)."""
        next_year = 12 * (self.months[-1] // 12 + 1) + np.arange(12)
        mean, covariance = self._split(lambda parts: (parts.year, parts.quarter), (3, 4), next_year)
        centre = self.weight @ mean
        variance = self.weight @ (np.diagonal(covariance, axis1=1, axis2=2) + mean**2) - centre**2
        return centre, np.sqrt(np.maximum(variance, 0.0))

    def growth(self) -> tuple[float, float]:
        """Log change that the trend adds over the next twelve months: posterior mean and standard deviation."""
        last = self.months[-1]
        mean, covariance = self._split(lambda parts: (parts.growth,), (2,), np.array([last, last + 12]))
        change = mean[:, 1] - mean[:, 0]
        variance = covariance[:, 0, 0] + covariance[:, 1, 1] - 2 * covariance[:, 0, 1]
        centre = float(self.weight @ change)
        return centre, float(np.sqrt(self.weight @ (variance + change**2) - centre**2))

    def _split(
        self, pick: Callable[[_Parts], tuple[Array, ...]], columns: tuple[int, ...], months: Ints
    ) -> tuple[Array, Array]:
        """Posterior of some parts of the sum alone, in any months."""
        both = np.concatenate([self.months, months])
        parts = _kernels(both)
        seen, new = slice(None, len(self.months)), slice(len(self.months), None)
        scale = self.scales[:, list(columns)] ** 2
        some = np.stack(pick(parts))
        cross = np.einsum("gk,kij->gij", scale, some[:, new, seen])
        own = np.einsum("gk,kij->gij", scale, some[:, new, new])
        return self._condition(cross, own)

    def _posterior(self, cross: _Parts, own: _Parts) -> tuple[Array, Array]:
        return self._condition(_sum(self.scales, cross), _sum(self.scales, own))

    def _condition(self, cross: Array, own: Array) -> tuple[Array, Array]:
        """Condition on the months seen; `cross` of shape (grid, new, seen), `own` (grid, new, new)."""
        whole = _sum(self.scales, _kernels(self.months)) + np.diag(self.noise)
        gain = np.swapaxes(np.linalg.solve(whole, np.swapaxes(cross, 1, 2)), 1, 2)
        seen = self.ratio + 0.5 * self.scales[:, :1] ** 2
        return np.einsum("gij,gj->gi", gain, seen), own - np.einsum("gij,gkj->gik", gain, cross)


def fit_common(months: Ints, ratio: Array, noise: Array) -> CommonFactor:
    """Weigh the grid of scales by what was seen.

    Parameters
    ----------
    months : array of int, shape (months,)
        Numbers of the fiscal months, one after the other.
    ratio, noise : array of float, shape (months,)
        Log of bookings over expectation and the variance of its error; months of infinite variance tell nothing.

    Returns
    -------
    CommonFactor
    """
    known = np.flatnonzero(np.isfinite(noise))[-_LONGEST:]
    months, ratio, noise = months[known], ratio[known], noise[known]
    scales = np.array(list(itertools.product(_TAU, _PHI, _GROWTH, _YEAR, _QUARTER)))
    parts = _kernels(months)
    log_posterior = np.concatenate(
        [_log_likelihood(batch, parts, ratio, noise) for batch in np.array_split(scales, len(_TAU) * len(_PHI))]
    )
    for column, (grid, scale) in enumerate(zip((_TAU, _PHI, _GROWTH, _YEAR, _QUARTER), _PRIORS, strict=True)):
        if scale is None:
            continue
        width = np.log(np.gradient(grid))  # the grid is uneven: a point stands for its surroundings
        log_posterior += (width - 0.5 * (grid / scale) ** 2)[np.searchsorted(grid, scales[:, column])]
    weight = np.exp(log_posterior - special.logsumexp(log_posterior))
    kept = weight > _NEGLIGIBLE
    return CommonFactor(months, ratio, noise, scales[kept], weight[kept] / weight[kept].sum())


@dataclass(frozen=True)
class _Parts:
    """Covariances of unit scale: market by persistence (phi, …), and growth, year, quarter, mean (…)."""

    market: Array
    growth: Array
    year: Array
    quarter: Array
    mean: Array

    @property
    def all(self) -> tuple[Array, ...]:
        return self.market, self.growth, self.year, self.quarter, self.mean


def _kernels(months: Ints) -> _Parts:
    """Covariances between months of every part of the sum, at unit scale."""
    time = (months - months[0]).astype(np.float64)
    apart = np.abs(time[:, None] - time[None, :])
    span = np.arange(time.max() + 1)
    growth = _GROWTH_PERSISTENCE ** np.abs(span[:, None] - span[None, :])
    path = np.cumsum(np.cumsum(growth, axis=0), axis=1)
    at = time.astype(np.int64)
    return _Parts(
        market=_PHI[:, None, None] ** apart,
        growth=path[np.ix_(at, at)],
        year=0.5 * _same(months % 12, 12) + 0.5 * _same(months % 12 // 3, 4),
        quarter=_same(months % 3, 3),
        mean=_MEAN_SD**2 + _DRIFT_SD**2 * np.minimum(time[:, None], time[None, :]),
    )


def _same(group: Ints, groups: int) -> Array:
    """Covariance of effects that sum to zero over the groups."""
    return np.asarray((group[:, None] == group[None, :]) - 1.0 / groups, dtype=np.float64)


def _sum(scales: Array, parts: _Parts) -> Array:
    """Covariance of the sum at each point of the grid, shape (grid, n, m)."""
    tau, phi, growth, year, quarter = scales.T
    market = parts.market[np.searchsorted(_PHI, phi)]
    out = market * (tau**2)[:, None, None] + parts.mean
    for scale, part in ((growth, parts.growth), (year, parts.year), (quarter, parts.quarter)):
        out = out + (scale**2)[:, None, None] * part
    return np.asarray(out)


def _log_likelihood(scales: Array, parts: _Parts, ratio: Array, noise: Array) -> Array:
    root = np.linalg.cholesky(_sum(scales, parts) + np.diag(noise))
    seen = np.broadcast_to(ratio, (len(scales), len(ratio))) + 0.5 * scales[:, :1] ** 2
    residual = np.linalg.solve(root, seen[:, :, None])[:, :, 0]
    half_log_det = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * (residual**2).sum(axis=1) - half_log_det)
