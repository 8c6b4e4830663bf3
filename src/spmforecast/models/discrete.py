"""Discrete-time hazards: chances to leave in a period given that one is still there, as regressions of person-periods.

A row for each period that a deal lived through turns a hazard into the chance of a yes-or-no outcome: censoring and
left truncation need nothing more than the right rows, and covariates may change from row to row. With nothing but a
level for each period the fit is the life table, exits over those at risk.

Sources: Allison (1982), Sociol Methodol 13:61; Singer & Willett (1993), J Educ Stat 18:155; Tutz & Schmid (2016),
Modeling Discrete Time-to-Event Data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import Floats, columns, finite, require
from spmforecast.models.counting import count_risks

__all__ = ["DiscreteHazard", "PersonPeriods", "cumulative_incidence", "fit_discrete_hazard", "person_periods"]

_TOPIC = "discrete hazards"
_LINKS = ("logit", "cloglog")


@dataclass(frozen=True)
class PersonPeriods:
    """One row for each period that each deal was at risk in.

    Parameters
    ----------
    deal : array of int, shape (rows,)
        Row of the deal in what was handed in.
    period : array of int, shape (rows,)
        Counted from 1.
    outcome : array of float, shape (rows,)
        1 in the period of an exit that was seen.
    """

    deal: npt.NDArray[np.int64]
    period: npt.NDArray[np.int64]
    outcome: Floats


def person_periods(last: npt.ArrayLike, event: npt.ArrayLike, first: npt.ArrayLike | None = None) -> PersonPeriods:
    """Spread deals over the periods in which they were watched.

    Parameters
    ----------
    last : array-like of int, shape (n,)
        Period of the exit, or last one watched, from 1.
    event : array-like of 0 and 1, shape (n,)
        Whether the exit was seen.
    first : array-like of int, shape (n,), optional
        First period watched (left truncation); 1 where absent.

    Returns
    -------
    PersonPeriods

    Raises
    ------
    InputError
        If periods are not whole, begin before 1 or end before they begin, or `event` is not 0 or 1.
    """
    end, seen, begin = columns(
        _TOPIC, {"last": last, "event": event, "first": np.ones(np.shape(last)) if first is None else first}
    )
    require((end == np.round(end)).all() and (begin == np.round(begin)).all(), _TOPIC, "periods must be whole", "last")
    require(((begin >= 1) & (end >= begin)).all(), _TOPIC, "a deal must be watched from period 1 or later on", "first")
    require(np.isin(seen, (0.0, 1.0)).all(), _TOPIC, "values must be 0 or 1", "event")
    length = (end - begin + 1).astype(np.int64)
    deal = np.repeat(np.arange(len(end)), length)
    within = np.arange(len(deal)) - np.repeat(np.cumsum(length) - length, length)
    period = begin.astype(np.int64)[deal] + within
    return PersonPeriods(deal, period, ((period == end[deal]) & (seen[deal] == 1)).astype(np.float64))


@dataclass(frozen=True)
class DiscreteHazard:
    """Fitted regression of the hazard.

    Parameters
    ----------
    link : str
        ``logit`` or ``cloglog`` (proportional hazards in continuous time).
    level : array of float, shape (periods,)
        Intercept of each period; the last stands for all later ones.
    slope : array of float, shape (covariates,)
        Coefficients of the covariates.
    covariance : array of float, shape (periods + covariates,) twice
        Of the coefficients.
    deviance, log_likelihood : float
        Of the fit.
    """

    link: str
    level: Floats
    slope: Floats
    covariance: Floats
    deviance: float
    log_likelihood: float

    @property
    def coefficients(self) -> Floats:
        """Levels, then slopes."""
        return np.concatenate([self.level, self.slope])

    def hazard(self, period: npt.ArrayLike, covariates: npt.ArrayLike | None = None) -> Floats:
        """Chance to leave in a period, given that one is still there.

        Parameters
        ----------
        period : array-like of int, shape (n,)
            From 1.
        covariates : array-like, shape (n, covariates), optional
            Zero where absent.

        Returns
        -------
        array of float, shape (n,)
        """
        at = np.minimum(np.asarray(period, dtype=np.int64), len(self.level)) - 1
        eta = self.level[at]
        if covariates is not None:
            eta = eta + np.asarray(covariates, dtype=np.float64) @ self.slope
        return np.asarray(special.expit(eta) if self.link == "logit" else -np.expm1(-np.exp(eta)))


def fit_discrete_hazard(
    period: npt.ArrayLike,
    outcome: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    link: str = "logit",
    cap: int | None = None,
) -> DiscreteHazard:
    """Fit the hazard to person-periods by maximum likelihood (statsmodels' binomial regression).

    Parameters
    ----------
    period, outcome : array-like, shape (rows,)
        As of :class:`PersonPeriods`.
    covariates : array-like, shape (rows, covariates), optional
        May change from period to period.
    link : str
        ``logit`` or ``cloglog``.
    cap : int, optional
        Periods from which on the level stays the same: a plateau.

    Returns
    -------
    DiscreteHazard

    Raises
    ------
    InputError
        If values do not fit, or a period has no exit or nothing but exits: pool it by `cap`.
    """
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM

    k, y = columns(_TOPIC, {"period": period, "outcome": outcome})
    require(link in _LINKS, _TOPIC, f"unknown link {link!r}; use one of {', '.join(_LINKS)}", "link")
    (x,) = finite(_TOPIC, {"covariates": np.zeros((len(k), 0)) if covariates is None else covariates})
    require(x.ndim == 2 and len(x) == len(k), _TOPIC, f"covariates of shape {x.shape} for {len(k)} rows", "covariates")
    at = (np.minimum(k, cap) if cap is not None else k).astype(np.int64)
    top = int(at.max())
    exits, held = (np.bincount(at, weights=w, minlength=top + 1)[1:] for w in (y, np.ones(len(y))))
    bad = np.flatnonzero((exits == 0) | (exits == held)) + 1
    told = f"period {bad[0] if len(bad) else 0} has no exit, or nothing but exits"
    require(len(bad) == 0, _TOPIC, told, "period", "Pool late periods with cap=, or take longer ones.")
    design = np.column_stack([np.eye(top)[at - 1], x])
    family = Binomial(links.Logit() if link == "logit" else links.CLogLog())
    fit = GLM(y, design, family=family).fit(tol=1e-12, maxiter=200)
    beta = np.asarray(fit.params, dtype=np.float64)
    covariance = np.asarray(fit.cov_params(), dtype=np.float64)
    return DiscreteHazard(link, beta[:top], beta[top:], covariance, float(fit.deviance), float(fit.llf))


def cumulative_incidence(
    last: npt.ArrayLike, cause: npt.ArrayLike, causes: int, at: npt.ArrayLike, first: npt.ArrayLike | None = None
) -> Floats:
    """Chance of each outcome by the end of each period, with nothing assumed: ``sum S(k-1) d_k / n_k``.

    Parameters
    ----------
    last : array-like of int, shape (n,)
        Period of the exit, or last one watched.
    cause : array-like of int, shape (n,)
        Outcome, from 1; 0 where the exit was not seen.
    causes : int
        Number of outcomes.
    at : array-like of int, shape (m,)
        Periods asked for.
    first : array-like of int, shape (n,), optional
        First period watched; 1 where absent.

    Returns
    -------
    array of float, shape (m, causes)
    """
    entry = 0.0 if first is None else np.asarray(first, dtype=np.float64) - 1
    table = count_risks(entry, last, cause, causes=causes)
    before = np.concatenate([[1.0], table.survival[:-1]])
    reached = np.concatenate([np.zeros((1, causes)), np.cumsum(before[:, None] * table.hazard, axis=0)])
    return np.asarray(reached[np.searchsorted(table.time, np.asarray(at, dtype=np.float64), side="right")])
