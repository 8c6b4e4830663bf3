"""Season and market of monthly creation, told apart: both move every rep at once, and a short record shows few years.

The log of deals created over expectation is season by calendar month + a latent AR(1) level + its mean + Poisson noise.
Season factors are random effects with a spread of their own and add up to zero. All is Gaussian given the spreads, so
a Kalman filter whose state holds the season beside the level says what the record tells, at every point of a grid over
the spreads at once. A season read as mere shares of the months would take three Januaries of a good market for a
season, and the market would seem calmer than it is by as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["SeasonFit", "fit_season", "lasting_level", "overfit"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MEAN_PRIOR_SD = 0.3  # of the long-run mean of a level
_DRIFT = 0.012  # of that mean in a month: the middle of what the market's own fit chooses from
_TAU_GRID = np.array([0.03, 0.08, 0.15, 0.25, 0.4])
_PHI_GRID = np.array([0.6, 0.85, 0.95])
_SPREAD_GRID = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8])
_TAU_PRIOR_SD, _SPREAD_PRIOR_SD = 0.3, 0.3


@dataclass(frozen=True)
class SeasonFit:
    """What a record of months tells of its season.

    Parameters
    ----------
    place : array of int, shape (12,)
        Group of each calendar month; months of a group share a factor.
    log : array of float, shape (groups,)
        Log factors, averaged over the posterior of the spreads.
    spread : float
        Posterior mean of the standard deviation of the log factors.
    tau, phi : float
        Posterior means of the level's standard deviation and monthly persistence.
    """

    place: Ints
    log: Array
    spread: float
    tau: float
    phi: float

    def factors(self) -> Array:
        """Multiplier of each calendar month, with mean one; shape (12,)."""
        factor = np.exp(self.log)[self.place]
        return np.asarray(factor / factor.mean())


def fit_season(ratio: Array, noise: Array, month: Ints, place: Ints) -> SeasonFit:
    """Fit season and level together.

    Parameters
    ----------
    ratio, noise : array of float, shape (months,)
        Log of observed over expected without season, and its variance; infinite where a month tells nothing.
    month : array of int, shape (months,)
        Calendar month of each, 0 to 11.
    place : array of int, shape (12,)
        Group of each calendar month, from 0 without gaps.

    Returns
    -------
    SeasonFit
    """
    tau, phi, spread = (grid.ravel() for grid in np.meshgrid(_TAU_GRID, _PHI_GRID, _SPREAD_GRID, indexing="ij"))
    log_likelihood, season = _filtered(ratio, noise, place[month], int(place.max()) + 1, tau, phi, spread)
    width = np.multiply.outer(np.gradient(_TAU_GRID), np.ones(len(_PHI_GRID)))
    width = np.multiply.outer(width, np.gradient(_SPREAD_GRID)).ravel()
    log_prior = np.log(width) - 0.5 * (tau / _TAU_PRIOR_SD) ** 2 - 0.5 * (spread / _SPREAD_PRIOR_SD) ** 2
    log_posterior = log_likelihood + log_prior
    weight = np.exp(log_posterior - special.logsumexp(log_posterior))
    mean = (weight[:, None] * season).sum(axis=0)
    return SeasonFit(place, mean, *(float((weight * of).sum()) for of in (spread, tau, phi)))


def lasting_level(ratio: Array, noise: Array, tau: float, phi: float) -> Array:
    """Posterior mean of level and long-run mean in each month, given the whole record; shape (months,).

    Parameters
    ----------
    ratio, noise : array of float, shape (months,)
        Log of observed over expected, season included, and its variance; infinite where a month tells nothing.
    tau, phi : float
        Standard deviation and persistence of the level.
    """
    at = np.arange(len(ratio))
    covariance = tau**2 * phi ** np.abs(at[:, None] - at) + _DRIFT**2 * np.minimum(at[:, None], at) + MEAN_PRIOR_SD**2
    told = np.flatnonzero(np.isfinite(noise))
    if not len(told):
        return np.zeros(len(ratio))
    pull = np.linalg.solve(covariance[np.ix_(told, told)] + np.diag(noise[told]), ratio[told])
    return np.asarray((covariance[:, told] * pull).sum(axis=1))


def overfit(ratio: Array, noise: Array, month: Ints, season: SeasonFit, tau: Array, phi: Array) -> Array:
    """Log likelihood of spreads of the level with the season in doubt, less that with the season as fitted.

    A fitted season has taken part of the level with it. What is left makes small levels too likely; adding this puts
    it right.

    Parameters
    ----------
    ratio, noise : array of float, shape (months,)
        Log of observed over expected, season included, and its variance.
    month : array of int, shape (months,)
        Calendar month of each, 0 to 11.
    season : SeasonFit
        What the expectation holds.
    tau, phi : array of float, shape (grid,)
        Standard deviation and persistence of the level.

    Returns
    -------
    array of float, shape (grid,)
    """
    place, spread = season.place[month], np.full(len(tau), season.spread)
    bare = ratio + np.log(season.factors())[month]
    in_doubt, _ = _filtered(bare, noise, place, len(season.log), tau, phi, spread)
    settled, _ = _filtered(ratio, noise, place, 0, tau, phi, np.zeros(len(tau)))
    return in_doubt - settled


def _filtered(
    ratio: Array, noise: Array, place: Ints, places: int, tau: Array, phi: Array, spread: Array
) -> tuple[Array, Array]:
    """Filter level, mean and season at every point of a grid; log likelihoods, and the season's means at the end."""
    state = np.zeros((len(tau), 2 + places))
    covariance = np.zeros((len(tau), 2 + places, 2 + places))
    covariance[:, 0, 0], covariance[:, 1, 1] = tau**2, MEAN_PRIOR_SD**2
    if places:
        covariance[:, 2:, 2:] = (spread**2)[:, None, None] * (np.eye(places) - 1.0 / places)
    log_likelihood = np.zeros(len(tau))
    for month in range(len(ratio)):
        if month > 0:
            state[:, 0] *= phi
            covariance[:, 0] *= phi[:, None]
            covariance[:, :, 0] *= phi[:, None]
            covariance[:, 0, 0] += (1 - phi**2) * tau**2
            covariance[:, 1, 1] += _DRIFT**2
        if np.isfinite(noise[month]):
            seen = [0, 1, 2 + int(place[month])] if places else [0, 1]
            gain = covariance[:, :, seen].sum(axis=2)
            total = gain[:, seen].sum(axis=1) + noise[month]
            surprise = ratio[month] + 0.5 * tau**2 - state[:, seen].sum(axis=1)
            state += gain * (surprise / total)[:, None]
            covariance -= gain[:, :, None] * (gain / total[:, None])[:, None, :]
            log_likelihood -= 0.5 * (np.log(total) + surprise**2 / total)
    return log_likelihood, state[:, 2:]
