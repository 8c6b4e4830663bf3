"""Regression of counts with more spread than Poisson's: NB2, ``Var = mu + mu² / theta``, log link.

For deals created by segment and week with season, trend and an offset of ramped capacity. Coefficients given theta come
from statsmodels' generalised linear model; theta given the means by its own likelihood; in turn until both stand still.

Source: Venables & Ripley (2002), Modern Applied Statistics with S, 4th ed., section 7.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import Floats, columns, finite, require

__all__ = ["CountRegression", "fit_negative_binomial", "overdispersion"]

_TOPIC = "counts"
_LARGEST = 1e7  # of theta: Poisson for every purpose


@dataclass(frozen=True)
class CountRegression:
    """Fitted NB2 regression.

    Parameters
    ----------
    coefficients, se : array of float, shape (p,)
        On the log scale; standard errors given theta.
    theta, theta_se : float
        Size of the spread: large is Poisson. Infinite error where the counts are no wider than Poisson.
    log_likelihood : float
        Maximised, all constants in.
    mean : array of float, shape (n,)
        Fitted means.
    """

    coefficients: Floats
    se: Floats
    theta: float
    theta_se: float
    log_likelihood: float
    mean: Floats

    @property
    def aic(self) -> float:
        """Akaike's criterion, theta counted."""
        return 2 * (len(self.coefficients) + 1) - 2 * self.log_likelihood

    def quantile(self, uniform: npt.ArrayLike, mean: npt.ArrayLike) -> Floats:
        """Return counts by the inverse distribution function, for means of one's own."""
        from scipy import stats

        mu = np.asarray(mean, dtype=np.float64)
        return np.asarray(
            stats.nbinom.ppf(np.asarray(uniform, dtype=np.float64), self.theta, self.theta / (self.theta + mu))
        )


def fit_negative_binomial(
    count: npt.ArrayLike, design: npt.ArrayLike, exposure: npt.ArrayLike | None = None
) -> CountRegression:
    """Fit by maximum likelihood.

    Parameters
    ----------
    count : array-like of int, shape (n,)
        Counts.
    design : array-like, shape (n, p)
        Covariates, an intercept among them.
    exposure : array-like, shape (n,), optional
        Positive capacity or time behind each count; its log is the offset.

    Returns
    -------
    CountRegression

    Raises
    ------
    InputError
        If counts are negative, values are missing, shapes differ or columns of the design repeat each other.
    """
    from statsmodels.genmod.families import NegativeBinomial, Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    y, x, held = _checked(count, design, exposure)
    offset = np.log(held)
    fit = GLM(y, x, family=Poisson(), offset=offset).fit(tol=1e-10)
    theta = _theta(y, np.asarray(fit.mu, dtype=np.float64))
    for _ in range(100):
        family = NegativeBinomial(alpha=1 / theta)
        fit = GLM(y, x, family=family, offset=offset).fit(tol=1e-10, start_params=fit.params)
        before, theta = theta, _theta(y, np.asarray(fit.mu, dtype=np.float64))
        if abs(np.log(theta / before)) < 1e-9:
            break
    mean = np.asarray(fit.mu, dtype=np.float64)
    se = np.asarray(np.sqrt(np.diag(fit.normalized_cov_params)), dtype=np.float64)
    beta = np.asarray(fit.params, dtype=np.float64)
    return CountRegression(beta, se, theta, _theta_se(theta, y, mean), _log_likelihood(theta, y, mean), mean)


def overdispersion(count: npt.ArrayLike, design: npt.ArrayLike, exposure: npt.ArrayLike | None = None) -> float:
    """Pearson's statistic over its degrees of freedom after a Poisson fit: 1 if Poisson; arguments as the fit."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    y, x, held = _checked(count, design, exposure)
    require(len(y) > x.shape[1], _TOPIC, "there are as many coefficients as counts", "design")
    mean = np.asarray(GLM(y, x, family=Poisson(), offset=np.log(held)).fit(tol=1e-12).mu)
    return float(((y - mean) ** 2 / mean).sum() / (len(y) - x.shape[1]))


def _checked(
    count: npt.ArrayLike, design: npt.ArrayLike, exposure: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    y, held = columns(_TOPIC, {"count": count, "exposure": np.ones(np.shape(count)) if exposure is None else exposure})
    (x,) = finite(_TOPIC, {"design": design})
    require((y >= 0).all(), _TOPIC, "counts must not be negative", "count")
    require(y.sum() > 0, _TOPIC, "nothing is counted", "count")
    require((held > 0).all(), _TOPIC, "exposure must be positive", "exposure")
    require(x.ndim == 2 and len(x) == len(y), _TOPIC, f"a design of shape {x.shape} for {len(y)} counts", "design")
    full = np.linalg.matrix_rank(x) == x.shape[1]
    require(bool(full), _TOPIC, "columns of the design repeat each other", "design")
    return y, x, held


def _log_likelihood(theta: float, y: Floats, mean: Floats) -> float:
    # Through log1p and the beta function: gamma functions of a huge theta would cancel to nothing.
    terms = special.xlogy(y, mean / (theta + mean)) - theta * np.log1p(mean / theta)
    binomial = -special.betaln(theta, np.maximum(y, 1)) - np.log(np.maximum(y, 1))
    return float((terms + np.where(y > 0, binomial, 0.0)).sum())


def _theta(y: Floats, mean: Floats) -> float:
    from scipy import optimize

    best = optimize.minimize_scalar(
        lambda log_theta: -_log_likelihood(float(np.exp(log_theta)), y, mean),
        bounds=(np.log(1e-4), np.log(_LARGEST)),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(np.exp(best.x))


def _theta_se(theta: float, y: Floats, mean: Floats) -> float:
    """Error of theta from its observed information, given the means."""
    parts = special.polygamma(1, theta) - special.polygamma(1, theta + y) - 1 / theta
    parts = parts + 2 / (theta + mean) - (y + theta) / (theta + mean) ** 2
    information = float(parts.sum())
    return float(1 / np.sqrt(information)) if information > 0 else float("inf")
