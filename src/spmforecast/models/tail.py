"""The tail of deal sizes: a generalised Pareto law above a high threshold, where enough deals stand there.

A lognormal's tail is far too thin for the few largest deals, and an empirical one ends at the largest deal seen. Above
the threshold ``u`` excesses follow ``P(X - u > y) = (1 + xi y / beta)^(-1/xi)``.

Sources: McNeil (1997), ASTIN Bull 27:117; Embrechts, Klüppelberg & Mikosch (1997), Modelling Extremal Events, ch. 6;
Hill (1975), Ann Stat 3:1163.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.arrays import Floats, columns, require
from spmforecast.models.amounts import AmountLaw, AmountModel
from spmforecast.models.parametric.likelihood import maximise
from spmforecast.models.profiles import Profiles

__all__ = ["LEAST_EXCEEDANCES", "ParetoTail", "fit_tail", "hill", "lognormal_moments", "with_pareto_tail"]

_TOPIC = "tail"
LEAST_EXCEEDANCES = 30
_THRESHOLD = 0.95
_XI_PRIOR = (0.25, 0.15)  # of the tail index: what company sizes and insurance losses show
_XI_RANGE = (-0.2, 0.8)


@dataclass(frozen=True)
class ParetoTail:
    """A fitted tail.

    Parameters
    ----------
    threshold : float
        Where it begins.
    xi, beta : float
        Index (0 exponential, larger heavier) and scale.
    exceedances, total : int
        Values above the threshold, of how many.
    log_likelihood : float
        Of the excesses, the prior left out.
    xi_se, log_beta_se : float
        Standard errors from the curvature.
    """

    threshold: float
    xi: float
    beta: float
    exceedances: int
    total: int
    log_likelihood: float
    xi_se: float
    log_beta_se: float

    def excess(self, survival: npt.ArrayLike) -> Floats:
        """Excess over the threshold that is passed with a chance, given that the threshold is."""
        log_s = np.log(np.asarray(survival, dtype=np.float64))
        if abs(self.xi) < 1e-9:
            return np.asarray(-self.beta * log_s)
        return np.asarray(self.beta / self.xi * np.expm1(-self.xi * log_s))

    def quantile(self, q: npt.ArrayLike) -> Floats:
        """Quantile of all values at levels within the tail (value at risk)."""
        return np.asarray(self.threshold + self.excess((1 - np.asarray(q)) * self.total / self.exceedances))

    def mean_beyond(self, value: npt.ArrayLike) -> Floats:
        """Mean of the values above a value in the tail; infinite for an index of 1 and more."""
        v = np.asarray(value, dtype=np.float64)
        if self.xi >= 1:
            return np.full(v.shape, np.inf)
        return np.asarray(v + (self.beta + self.xi * (v - self.threshold)) / (1 - self.xi))

    def shortfall(self, q: npt.ArrayLike) -> Floats:
        """Mean of the values beyond a quantile (expected shortfall)."""
        return self.mean_beyond(self.quantile(q))


def fit_tail(values: npt.ArrayLike, threshold: float, prior: bool = False) -> ParetoTail:
    """Fit the tail above a threshold.

    Parameters
    ----------
    values : array-like, shape (n,)
        All values.
    threshold : float
        Where the tail begins.
    prior : bool
        Lean on a normal prior of the index (mean 0.25, standard deviation 0.15) and keep it within -0.2 and 0.8: thirty
        deals do not tell it. Otherwise maximum likelihood.

    Returns
    -------
    ParetoTail

    Raises
    ------
    InputError
        If values are missing, or fewer than five lie above the threshold.
    """
    (x,) = columns(_TOPIC, {"values": values})
    y = x[x > threshold] - threshold
    require(len(y) >= 5, _TOPIC, f"only {len(y)} values lie above the threshold", "threshold", "Lower it.")
    unit, ones = float(y.mean()), np.ones((len(y), 1))
    excess = y / unit
    centre, precision = np.array([0.0, _XI_PRIOR[0]]), np.array([0.0, _XI_PRIOR[1] ** -2])

    def value(log_beta: Floats, xi: Floats) -> Floats:
        safe = np.where(np.abs(xi) < 1e-7, 1e-7, xi)
        return np.asarray(-log_beta - (1 / safe + 1) * np.log1p(safe * excess * np.exp(-log_beta)))

    best = maximise(value, [ones, ones], np.array([0.0, 0.2]), (centre, precision) if prior else None)
    log_beta, xi = (float(c) for c in best.coefficients)
    xi = float(np.clip(xi, *_XI_RANGE)) if prior else xi
    level = float(value(np.full(len(y), log_beta), np.full(len(y), xi)).sum()) - len(y) * float(np.log(unit))
    se = np.sqrt(np.diag(np.linalg.pinv(best.information, hermitian=True)))
    beta = float(np.exp(log_beta)) * unit
    return ParetoTail(threshold, xi, beta, len(y), len(x), level, float(se[1]), float(se[0]))


def hill(values: npt.ArrayLike, k: int) -> float:
    """Hill's estimate of the tail index from the `k` largest values, over the next largest."""
    (x,) = columns(_TOPIC, {"values": values}, least=2)
    require(1 <= k < len(x), _TOPIC, f"k must lie between 1 and {len(x) - 1}", "k")
    top = np.sort(x)[-k - 1 :]
    require(bool(top[0] > 0), _TOPIC, "the largest values must be positive", "values")
    return float(np.log(top[1:]).mean() - np.log(top[0]))


def lognormal_moments(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Mean and standard deviation of the logs by maximum likelihood, and the log likelihood."""
    (x,) = columns(_TOPIC, {"values": values})
    require((x > 0).all(), _TOPIC, "values must be positive", "values")
    log_x = np.log(x)
    mean, sd = float(log_x.mean()), float(log_x.std())
    require(sd > 0, _TOPIC, "all values are the same", "values")
    likelihood = -log_x.sum() - len(x) * (np.log(sd) + 0.5 * np.log(2 * np.pi) + 0.5)
    return mean, sd, float(likelihood)


def with_pareto_tail(model: AmountModel, deals: pd.DataFrame, profiles: Profiles) -> AmountModel:
    """Put a Pareto tail on the laws of won amounts.

    Amounts of all segments are pooled relative to their segment's median; the tail begins at the 95 % quantile of that.

    Parameters
    ----------
    model : AmountModel
        Fitted amounts.
    deals : pandas.DataFrame
        What they were fitted to.
    profiles : Profiles
        Segment of each deal.

    Returns
    -------
    AmountModel
        As it was, where fewer than :data:`LEAST_EXCEEDANCES` won deals are that large.
    """
    amount = deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)
    good = (deals["status"] == "won").to_numpy() & np.isfinite(amount) & (amount > 0)
    if np.count_nonzero(good) * (1 - _THRESHOLD) < LEAST_EXCEEDANCES:
        return model
    middle = np.median(model.won.log_quantiles, axis=1)
    relative = np.exp(np.log(amount[good]) - middle[profiles.segment_of_deal[good]])
    threshold = float(np.quantile(relative, _THRESHOLD))
    if np.count_nonzero(relative > threshold) < LEAST_EXCEEDANCES:
        return model
    tail = fit_tail(relative, threshold, prior=True)
    rows = [_spliced(row - m, tail) + m for row, m in zip(model.won.log_quantiles, middle, strict=True)]
    return replace(model, won=AmountLaw(np.stack(rows)))


def _spliced(log_quantiles: Floats, tail: ParetoTail) -> Floats:
    """Replace what lies above the threshold; the last point stands for the mean of its cell and all beyond."""
    grid = len(log_quantiles)
    above = np.flatnonzero(log_quantiles > np.log(tail.threshold))
    if len(above) == 0:
        return log_quantiles
    share = len(above) / grid
    survival = 1 - (above + 0.5) / grid
    value = tail.threshold + tail.excess(survival / share)
    value[-1] = tail.mean_beyond(tail.threshold + tail.excess(1 / grid / share)) if len(above) > 1 else value[-1]
    out = log_quantiles.copy()
    out[above] = np.log(value)
    return out
