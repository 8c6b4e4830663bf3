"""The market's path to come as a normal law: means, covariances between months, and between creation and conversion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.market import MarketModel, ShockPosterior

__all__ = ["Loading", "MarketLaw", "market_law"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MarketLaw:
    """Levels of the months to come.

    Parameters
    ----------
    made : array of float, shape (months,)
        Logarithm of the mean of creation's multiplier.
    level : array of float, shape (months,)
        Mean of conversion's level.
    covariance : array of float, shape (2 * months, 2 * months)
        Of creation's levels, then conversion's.
    """

    made: Array
    level: Array
    covariance: Array

    @classmethod
    def still(cls, months: int) -> MarketLaw:
        """Return a market that does not move."""
        return cls(np.zeros(months), np.zeros(months), np.zeros((2 * months, 2 * months)))

    def loading(self, gradient: Array) -> Loading:
        """Follow the market along one factor.

        Parameters
        ----------
        gradient : array of float, shape (2 * months,)
            Change of what is to be followed for one unit of each level; zeros: nothing is followed.

        Returns
        -------
        Loading
        """
        shared = self.covariance @ gradient
        along = math.sqrt(max(float(gradient @ shared), 0.0))
        followed = shared / along if along > 0 else np.zeros_like(shared)
        return Loading(self, followed, self.covariance - np.outer(followed, followed))


@dataclass(frozen=True)
class Loading:
    """The market along one standard normal factor.

    Parameters
    ----------
    law : MarketLaw
        The market.
    followed : array of float, shape (2 * months,)
        Covariance of each level with the factor.
    rest : array of float, shape (2 * months, 2 * months)
        Covariance of the levels once the factor is known.
    """

    law: MarketLaw
    followed: Array
    rest: Array

    @property
    def months(self) -> int:
        """Months to come."""
        return len(self.law.level)

    def creation(self, factor: float, shares: Array) -> Array:
        """Mean of creation's multiplier given the factor, shape (cohorts,); `shares` of months (cohorts, months)."""
        own = self.followed[: self.months]
        return np.asarray(np.exp(self.law.made - 0.5 * own**2 + own * factor) @ shares.T)

    def conversion(self, factor: float, lived: Array) -> Array:
        """Mean level given the factor that a deal has met, shape of `lived` (..., months) without its last."""
        return np.asarray(lived @ (self.law.level + self.followed[self.months :] * factor))

    def doubt(self, lived: Array) -> Array:
        """Variance of the level that a deal has met once the factor is known."""
        return np.asarray(np.einsum("...m,mn,...n->...", lived, self.rest[self.months :, self.months :], lived))

    def tilt(self, shares: Array, lived: Array) -> Array:
        """How much higher the level stands where deals are created, shape (cohorts, periods).

        A mean over paths of ``exp(c) f(w)``, normal c and w, is that of ``exp(c)`` times that of ``f(w + cov(c, w))``.
        """
        return np.asarray(np.einsum("cm,mn,cpn->cp", shares, self.rest[: self.months, self.months :], lived))


def market_law(market: MarketModel | None, months: int) -> MarketLaw:
    """Take the moments of the paths that :meth:`spmforecast.models.market.ShockPosterior.paths` draws.

    Parameters
    ----------
    market : MarketModel or None
        None: it does not move.
    months : int
        Months to come.

    Returns
    -------
    MarketLaw

    Notes
    -----
    Innovations alone are correlated between creation and conversion; errors of the present levels and of the long-run
    means are not.
    """
    if market is None:
        return MarketLaw.still(months)
    creation, conversion = market.creation, market.conversion
    cross = market.correlation * (_answers(creation, months) @ _answers(conversion, months).T)
    covariance = np.block([[_covariance(creation, months), cross], [cross.T, _covariance(conversion, months)]])
    log = _centre(creation, months) + 0.5 * _variances(creation, months)
    made = np.log(creation.weight @ np.exp(log))
    return MarketLaw(np.asarray(made), conversion.weight @ _centre(conversion, months), covariance)


def _kept(shock: ShockPosterior, months: int) -> Array:
    """Share left of the present level in each month, shape (grid, months)."""
    return np.asarray(shock.phi[:, None] ** np.arange(1, months + 1))


def _centre(shock: ShockPosterior, months: int) -> Array:
    """Mean of the level in each month at each grid point, shape (grid, months)."""
    grown = shock.growth[:, None] * shock.grown(months)
    return np.asarray((shock.mean - 0.5 * shock.tau**2)[:, None] + shock.level[:, None] * _kept(shock, months) + grown)


def _doubts(shock: ShockPosterior, months: int) -> tuple[Array, Array]:
    """Answers to the errors of the long-run mean and of the present level, each of shape (grid, months)."""
    kept = _kept(shock, months)
    return shock.mean_sd[:, None] * (1 + shock.slope[:, None] * kept), shock.level_sd[:, None] * kept


def _variances(shock: ShockPosterior, months: int) -> Array:
    """Variance of the level in each month at each grid point, shape (grid, months)."""
    mean, start = _doubts(shock, months)
    innovations = shock.tau[:, None] ** 2 * (1 - _kept(shock, months) ** 2)
    return np.asarray(mean**2 + start**2 + innovations + shock.drift[:, None] ** 2 * np.arange(1, months + 1))


def _covariance(shock: ShockPosterior, months: int) -> Array:
    """Covariance of the levels over all grid points, shape (months, months)."""
    month = np.arange(1, months + 1)
    weight = shock.weight[:, None]
    mean, start = _doubts(shock, months)
    centre = _centre(shock, months)
    apart = centre - shock.weight @ centre
    out = sum(((weight * one).T @ one for one in (mean, start, apart)), np.zeros((months, months)))
    lasting = (shock.weight * shock.tau**2) @ shock.phi[:, None] ** np.arange(2 * months + 1)
    out += lasting[np.abs(month[:, None] - month)] - lasting[month[:, None] + month]
    return np.asarray(out + float(shock.weight @ shock.drift**2) * np.minimum(month[:, None], month))


def _answers(shock: ShockPosterior, months: int) -> Array:
    """Mean answer of each month's level (rows) to each month's innovation, shape (months, months)."""
    size = shock.weight * shock.tau * np.sqrt(1 - shock.phi**2)
    by_lag = size @ shock.phi[:, None] ** np.arange(months)
    lag = np.arange(months)[:, None] - np.arange(months)
    return np.where(lag >= 0, by_lag[np.maximum(lag, 0)], 0.0)
