"""Common shocks on a rate: how much whole cohorts of deals are lucky or unlucky together, and what that does to totals.

Two laws of a shocked win rate: beta (closed forms), and logit-normal (``logit p = mean + tau Z``), in which shocks of
several sources add up. Without a shock both are the binomial. Estimators from cohorts: maximum likelihood by adaptive
Gauss–Hermite quadrature, and two by moments that need no iteration.

Sources: Pinheiro & Bates (1995), J Comput Graph Stat 4:12; Bates et al. (2015), JSS 67(1); DerSimonian & Laird (1986),
Control Clin Trials 7:177; Williams (1982), Appl Stat 31:144; Vasicek (2002), Risk 15(12):160.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.arrays import Floats, columns, finite, require

__all__ = [
    "LogitNormal",
    "LogitNormalFit",
    "beta_of_correlation",
    "beta_wins",
    "fit_logit_normal",
    "heterogeneity",
    "logit_normal",
    "moment_correlation",
    "moment_variance",
    "one_factor_quantile",
]

_TOPIC = "shocks"
_NODES = 200
_SMALLEST_SD = 1e-3


@dataclass(frozen=True)
class LogitNormal:
    """A rate whose logit is normal.

    Parameters
    ----------
    centre : float
        Mean of the logit.
    tau : float
        Its standard deviation, at least 0.
    """

    centre: float
    tau: float

    def moments(self) -> tuple[float, float]:
        """Mean and variance of the rate."""
        rate, weight = self._rates()
        mean = float(weight @ rate)
        return mean, float(weight @ (rate - mean) ** 2)

    def wins(self, deals: int) -> Floats:
        """Chance of each number of wins out of a number of deals that share one shock, shape (deals + 1,)."""
        rate, weight = self._rates()
        k = np.arange(deals + 1)
        log_choose = -special.betaln(k + 1, deals - k + 1) - np.log(deals + 1)
        log_mass = log_choose + special.xlogy(k, rate[:, None]) + special.xlog1py(deals - k, -rate[:, None])
        return np.asarray((weight[:, None] * np.exp(log_mass)).sum(axis=0))

    def quantile(self, uniform: npt.ArrayLike) -> Floats:
        """Rates by the inverse distribution function."""
        z: Floats = special.ndtri(np.asarray(uniform, dtype=np.float64))
        return np.asarray(1 / (1 + np.exp(-self.centre - self.tau * z)))

    def _rates(self) -> tuple[Floats, Floats]:
        nodes, weight = _hermite(_NODES)
        return special.expit(self.centre + self.tau * nodes), weight


def logit_normal(mean: float, tau: float) -> LogitNormal:
    """Find the law of that mean: a shock on the logit must not move the mean rate.

    Parameters
    ----------
    mean : float
        Mean rate, strictly between 0 and 1.
    tau : float
        Standard deviation of the logit, at least 0.

    Returns
    -------
    LogitNormal
    """
    from scipy import optimize

    _rate(mean=mean)
    require(tau >= 0, _TOPIC, "tau must not be negative", "tau")
    start = float(special.logit(mean))
    reach = 1.0 + tau**2
    found = optimize.brentq(
        lambda m: LogitNormal(float(m), tau).moments()[0] - mean, start - reach, start + reach, xtol=1e-13
    )
    return LogitNormal(float(found), tau)


def beta_of_correlation(mean: float, correlation: float) -> tuple[float, float]:
    """Beta law of a rate under which any two deals are correlated: ``(alpha, beta)``, ``1/(alpha+beta+1)``."""
    _rate(mean=mean, correlation=correlation)
    size = 1 / correlation - 1
    return mean * size, (1 - mean) * size


def beta_wins(deals: int, mean: float, correlation: float) -> Floats:
    """Chance of each number of wins under a beta shock, shape (deals + 1,); binomial at a correlation of 0."""
    from scipy import stats

    k = np.arange(deals + 1)
    if correlation == 0:
        return np.asarray(stats.binom.pmf(k, deals, mean))
    return np.asarray(stats.betabinom.pmf(k, deals, *beta_of_correlation(mean, correlation)))


def one_factor_quantile(mean: float, correlation: float, q: float) -> float:
    """Quantile of the win rate of very many deals with one Gaussian factor behind them (Vasicek's limit).

    Parameters
    ----------
    mean : float
        Mean rate.
    correlation : float
        Share of each deal's variance that is common.
    q : float
        Level.
    """
    _rate(mean=mean, correlation=correlation, q=q)
    lift = special.ndtri(mean) + np.sqrt(correlation) * special.ndtri(q)
    return float(special.ndtr(lift / np.sqrt(1 - correlation)))


@dataclass(frozen=True)
class LogitNormalFit:
    """Fitted spread of cohorts.

    Parameters
    ----------
    coefficients : array of float, shape (p,)
        Fixed effects on the logit, the mean first unless a design was given.
    tau : float
        Standard deviation between cohorts.
    log_likelihood : float
        With the binomial coefficients.
    """

    coefficients: Floats
    tau: float
    log_likelihood: float


def fit_logit_normal(
    wins: npt.ArrayLike,
    deals: npt.ArrayLike,
    cohort: npt.ArrayLike | None = None,
    design: npt.ArrayLike | None = None,
    nodes: int = 25,
) -> LogitNormalFit:
    """Estimate the spread of a rate between cohorts by maximum likelihood.

    Parameters
    ----------
    wins, deals : array-like of int, shape (n,)
        Counts.
    cohort : array-like, shape (n,), optional
        Which rows share a shock (a quarter, a team); every row its own where absent.
    design : array-like, shape (n, p), optional
        Covariates; an intercept where absent.
    nodes : int
        Points of the adaptive quadrature; 1 is Laplace's approximation.

    Returns
    -------
    LogitNormalFit
        With few cohorts the estimate of `tau` may be 0: for a forecast use a posterior, as the market model does.

    Raises
    ------
    InputError
        If counts or shapes do not fit.
    """
    from scipy import optimize

    y, n = _cohorts(wins, deals)
    (x,) = finite(_TOPIC, {"design": np.ones((len(y), 1)) if design is None else design})
    require(x.ndim == 2 and len(x) == len(y), _TOPIC, f"a design of shape {x.shape} for {len(y)} rows", "design")
    require(nodes >= 1, _TOPIC, "at least one node is needed", "nodes")
    labels = np.arange(len(y)) if cohort is None else np.unique(np.asarray(cohort), return_inverse=True)[1].reshape(-1)
    require(len(labels) == len(y), _TOPIC, f"{len(labels)} cohorts for {len(y)} rows", "cohort")
    problem = _Integral(y, n, labels, nodes)
    rate = (y.sum() + 0.5) / (n.sum() + 1.0)
    begin = np.linalg.lstsq(x, np.full(len(y), special.logit(rate)), rcond=None)[0]

    def loss(beta: Floats) -> float:
        return -problem.log_likelihood(x @ beta[:-1], float(np.exp(beta[-1])))

    bounds = [(-30.0, 30.0)] * x.shape[1] + [(np.log(_SMALLEST_SD), 3.0)]
    best = optimize.minimize(loss, np.append(begin, np.log(0.4)), method="L-BFGS-B", bounds=bounds, tol=1e-13)
    polished = optimize.minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    found = polished.x if polished.fun < best.fun else best.x
    tau = float(np.exp(found[-1]))
    flat = tau < 2 * _SMALLEST_SD
    return LogitNormalFit(np.asarray(found[:-1]), 0.0 if flat else tau, -float(min(best.fun, polished.fun)))


class _Integral:
    """Likelihood of cohorts with the shock integrated out around its mode."""

    def __init__(self, wins: Floats, deals: Floats, cohort: npt.NDArray[np.int64], nodes: int) -> None:
        self.wins, self.deals, self.cohort = wins, deals, cohort
        self.groups = int(cohort.max()) + 1
        self.nodes, self.weight = _hermite(nodes)
        log_choose = -special.betaln(wins + 1, deals - wins + 1) - np.log(deals + 1)
        self.constant = self._sum(log_choose)

    def _sum(self, values: Floats) -> Floats:
        return np.bincount(self.cohort, weights=values, minlength=self.groups).astype(np.float64)

    def log_likelihood(self, eta: Floats, tau: float) -> float:
        """Sum over cohorts of the log of the integral."""
        mode = np.zeros(self.groups)
        for _ in range(60):
            rate = special.expit(eta + tau * mode[self.cohort])
            slope = tau * self._sum(self.wins - self.deals * rate) - mode
            curve = tau**2 * self._sum(self.deals * rate * (1 - rate)) + 1
            # At most one standard deviation a step, so that extreme cohorts do not make Newton's method leap.
            step = np.clip(slope / curve, -1, 1)
            mode = mode + step
            if np.abs(step).max() < 1e-11:
                break
        rate = special.expit(eta + tau * mode[self.cohort])
        width = 1 / np.sqrt(tau**2 * self._sum(self.deals * rate * (1 - rate)) + 1)
        terms = []
        for node, weight in zip(self.nodes, self.weight, strict=True):
            z = mode + width * node
            at = eta + tau * z[self.cohort]
            inside = self._sum(self.wins * at - self.deals * np.logaddexp(0, at)) - z**2 / 2
            terms.append(inside + node**2 / 2 + np.log(weight))
        return float((special.logsumexp(terms, axis=0) + np.log(width) + self.constant).sum())


def moment_variance(wins: npt.ArrayLike, deals: npt.ArrayLike) -> float:
    """DerSimonian–Laird variance of the logits between cohorts, half a deal added to wins and to losses."""
    y, n = _cohorts(wins, deals)
    logit = np.log((y + 0.5) / (n - y + 0.5))
    weight = 1 / (1 / (y + 0.5) + 1 / (n - y + 0.5))
    centre = (weight @ logit) / weight.sum()
    excess = float(weight @ (logit - centre) ** 2) - (len(y) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    return max(0.0, excess / scale) if scale > 0 else 0.0


def heterogeneity(wins: npt.ArrayLike, deals: npt.ArrayLike) -> tuple[float, int, float]:
    """Pearson's test that cohorts share one rate: statistic, degrees of freedom, p-value."""
    y, n = _cohorts(wins, deals)
    rate = y.sum() / n.sum()
    if rate in (0.0, 1.0):
        return 0.0, len(y) - 1, 1.0
    statistic = float(((y - n * rate) ** 2 / (n * rate * (1 - rate))).sum())
    return statistic, len(y) - 1, float(special.chdtrc(len(y) - 1, statistic))


def moment_correlation(wins: npt.ArrayLike, deals: npt.ArrayLike) -> float:
    """Williams' estimate of the correlation between two deals of one cohort, at least 0."""
    y, n = _cohorts(wins, deals)
    statistic, degrees, _ = heterogeneity(y, n)
    scale = float((n - 1).sum() - (n * (n - 1)).sum() / n.sum())
    return max(0.0, (statistic - degrees) / scale) if scale > 0 else 0.0


def _hermite(nodes: int) -> tuple[Floats, Floats]:
    """Points and weights for the mean over a standard normal."""
    x, w = special.roots_hermitenorm(nodes)
    kept = w > 0
    return np.asarray(x[kept]), np.asarray(w[kept] / np.sqrt(2 * np.pi))


def _cohorts(wins: npt.ArrayLike, deals: npt.ArrayLike) -> tuple[Floats, Floats]:
    y, n = columns(_TOPIC, {"wins": wins, "deals": deals})
    require((n > 0).all(), _TOPIC, "a cohort without deals tells nothing", "deals", "Leave it out.")
    require(((y >= 0) & (y <= n)).all(), _TOPIC, "wins must lie between 0 and the number of deals", "wins")
    return y, n


def _rate(**values: float) -> None:
    for name, value in values.items():
        require(0 < value < 1, _TOPIC, f"{name} must lie strictly between 0 and 1", name)
