"""Common shocks: the market that moves every deal at once, estimated from monthly over-dispersion.

The log of observed over expected counts of each month is a latent AR(1) level plus Poisson noise. A grid posterior
over its standard deviation and persistence (half-normal and flat priors) keeps a standard deviation of zero out of
reach; a Kalman filter says where the level stands today. Creation and winning have levels of their own whose
innovations are correlated. The level has mean ``-tau²/2``, so that its exponential has mean one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["MarketModel", "ShockPosterior", "fit_market", "fit_shock"]

Array = npt.NDArray[np.float64]

_TAU_GRID = np.concatenate([np.linspace(0.01, 0.2, 20), np.linspace(0.225, 0.8, 24)])
_PHI_GRID = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.88, 0.94, 0.97])
_TAU_PRIOR_SD = 0.3
_CORRELATION, _CORRELATION_MONTHS = 0.3, 12.0


@dataclass(frozen=True)
class ShockPosterior:
    """Grid posterior of one monthly AR(1) level.

    Parameters
    ----------
    tau, phi : array of float, shape (grid,)
        Stationary standard deviation and monthly persistence at each grid point.
    weight : array of float, shape (grid,)
        Posterior probability.
    level, level_sd : array of float, shape (grid,)
        Filtered mean and standard deviation of the present level, deviation from ``-tau²/2``.
    months : int
        Months behind it.
    """

    tau: Array
    phi: Array
    weight: Array
    level: Array
    level_sd: Array
    months: int

    def tau_mean(self) -> float:
        """Posterior mean of the standard deviation."""
        return float((self.weight * self.tau).sum())

    def tau_quantile(self, q: float) -> float:
        """Posterior quantile of the standard deviation."""
        order = np.argsort(self.tau, kind="stable")
        reached = np.cumsum(self.weight[order])
        return float(self.tau[order][np.searchsorted(reached, q * reached[-1])])

    def paths(self, choice: Array, start: Array, innovation: Array) -> Array:
        """Turn uniforms into paths of the log multiplier.

        Parameters
        ----------
        choice : array of float, shape (trials,)
            Uniforms that pick the grid point.
        start : array of float, shape (trials,)
            Standard normals for the present level.
        innovation : array of float, shape (trials, months)
            Standard normals of the months to come.

        Returns
        -------
        array of float, shape (trials, months)
            Log multipliers, the mean of whose exponential is one in the long run.
        """
        point = np.minimum(np.searchsorted(np.cumsum(self.weight), choice), len(self.weight) - 1)
        tau, phi = self.tau[point], self.phi[point]
        level = self.level[point] + self.level_sd[point] * start
        out = np.empty_like(innovation)
        for month in range(innovation.shape[1]):
            level = phi * level + np.sqrt(1 - phi**2) * tau * innovation[:, month]
            out[:, month] = level - 0.5 * tau**2
        return out


@dataclass(frozen=True)
class MarketModel:
    """Shocks on creation and on winning, and the correlation of their innovations."""

    creation: ShockPosterior
    winning: ShockPosterior
    correlation: float


def fit_market(created: Array, created_expected: Array, won: Array, won_expected: Array) -> MarketModel:
    """Fit both levels from monthly counts.

    Parameters
    ----------
    created, created_expected, won, won_expected : array of float, shape (months,)
        Observed and expected counts of the same months; months in which nothing is expected carry no information.

    Returns
    -------
    MarketModel
    """
    both = (created_expected > 0) & (won_expected > 0)
    a = _log_ratio(created, created_expected)[0][both]
    b = _log_ratio(won, won_expected)[0][both]
    n = len(a)
    seen = float(np.corrcoef(a, b)[0, 1]) if n > 3 and a.std() > 0 and b.std() > 0 else 0.0
    weight = n / (n + _CORRELATION_MONTHS)
    return MarketModel(
        creation=fit_shock(created, created_expected),
        winning=fit_shock(won, won_expected),
        correlation=weight * seen + (1 - weight) * _CORRELATION,
    )


def _log_ratio(observed: Array, expected: Array) -> tuple[Array, Array]:
    """Log of observed over expected (half an event added to both) and its Poisson variance; infinite where unknown."""
    known = expected > 0
    ratio = np.where(known, np.log((observed + 0.5) / np.where(known, expected + 0.5, 1.0)), 0.0)
    variance = np.where(known, 1.0 / np.maximum(expected + 0.5, 1e-9), np.inf)
    return ratio, variance


def fit_shock(observed: Array, expected: Array) -> ShockPosterior:
    """Fit one level by a grid over its standard deviation and persistence.

    Parameters
    ----------
    observed, expected : array of float, shape (months,)
        Counts; expected ones come from the model without shocks.

    Returns
    -------
    ShockPosterior
    """
    tau, phi = (grid.ravel() for grid in np.meshgrid(_TAU_GRID, _PHI_GRID, indexing="ij"))
    ratio, noise = _log_ratio(np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64))
    level, variance, log_likelihood = np.zeros_like(tau), tau**2, np.zeros_like(tau)
    for month, (y, v) in enumerate(zip(ratio, noise, strict=True)):
        if month > 0:
            level, variance = phi * level, phi**2 * variance + (1 - phi**2) * tau**2
        if np.isfinite(v):
            total = variance + v
            surprise = y + 0.5 * tau**2 - level
            log_likelihood += -0.5 * (np.log(total) + surprise**2 / total)
            gain = variance / total
            level, variance = level + gain * surprise, variance * (1 - gain)
    log_posterior = log_likelihood - 0.5 * (tau / _TAU_PRIOR_SD) ** 2 + np.log(np.gradient(_TAU_GRID)).repeat(
        len(_PHI_GRID)
    )
    weight = np.exp(log_posterior - special.logsumexp(log_posterior))
    months = int(np.isfinite(noise).sum())
    return ShockPosterior(tau, phi, weight, level, np.sqrt(variance), months)
