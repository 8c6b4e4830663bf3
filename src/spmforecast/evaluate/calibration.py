"""Are chances and intervals true? Coverage tests, parts of the Brier score, calibration line and goodness of fit.

Sources: Kupiec (1995), J Derivatives 3:73; Christoffersen (1998), Int Econ Rev 39:841; Murphy (1973), J Appl Meteor
12:595; Stephenson, Coelho & Jolliffe (2008), Weather Forecast 23:752; Cox (1958), Biometrika 45:562; Spiegelhalter
(1986), Stat Med 5:421; Hosmer & Lemeshow (1980), Commun Stat A9:1043.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from spmforecast.arrays import Floats, columns, require

__all__ = [
    "Brier",
    "CalibrationLine",
    "Coverage",
    "Independence",
    "brier",
    "calibration_line",
    "coverage",
    "hosmer_lemeshow",
    "independence",
    "log_loss",
    "reliability",
    "spiegelhalter",
]

_TOPIC = "calibration"
_CLIP = 1e-12


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often something happened against how often it should.

    Parameters
    ----------
    events, trials : int
        How often it happened, out of how many.
    nominal : float
        Chance that was claimed.
    low, high : float
        Exact (Clopper–Pearson) interval of the true chance.
    statistic, p_value : float
        Kupiec's likelihood ratio (one degree of freedom) and its p-value.
    """

    events: int
    trials: int
    nominal: float
    low: float
    high: float
    statistic: float
    p_value: float

    @property
    def share(self) -> float:
        """Observed share."""
        return self.events / self.trials

    def band(self, level: float = 0.95) -> tuple[float, float]:
        """Central binomial band of the share that would be seen if the claimed chance were true."""
        from scipy import stats

        tail = (1 - level) / 2
        low, high = (float(stats.binom.ppf(q, self.trials, self.nominal)) for q in (tail, 1 - tail))
        return low / self.trials, high / self.trials


def coverage(hits: npt.ArrayLike, nominal: float, level: float = 0.95) -> Coverage:
    """Test whether hits (an interval held, or a limit was broken) come as often as claimed.

    Parameters
    ----------
    hits : array-like of 0 and 1, shape (n,)
        What happened.
    nominal : float
        Claimed chance, strictly between 0 and 1.
    level : float
        Level of the exact interval.

    Returns
    -------
    Coverage

    Raises
    ------
    InputError
        If hits are not 0 or 1, or a level is out of range.
    """
    from scipy import stats

    (seen,) = _binary(hits=hits)
    _fraction(nominal=nominal, level=level)
    x, n, tail = int(seen.sum()), seen.size, (1 - level) / 2
    low = float(stats.beta.ppf(tail, x, n - x + 1)) if x > 0 else 0.0
    high = float(stats.beta.isf(tail, x + 1, n - x)) if x < n else 1.0
    statistic = 2 * (_log_binomial(x, n, x / n) - _log_binomial(x, n, nominal))
    return Coverage(x, n, nominal, low, high, statistic, _upper_tail(statistic, 1))


@dataclass(frozen=True, slots=True)
class Independence:
    """Whether hits come in clusters.

    Parameters
    ----------
    transitions : array of int, shape (2, 2)
        How often state i (0 no hit, 1 hit) was followed by state j.
    statistic, p_value : float
        Christoffersen's likelihood ratio against a first-order Markov chain (one degree of freedom).
    joint_statistic, joint_p_value : float
        Sum with Kupiec's ratio: right share and independent (two degrees of freedom).
    """

    transitions: npt.NDArray[np.int64]
    statistic: float
    p_value: float
    joint_statistic: float
    joint_p_value: float


def independence(hits: npt.ArrayLike, nominal: float) -> Independence:
    """Test whether hits follow each other as if independent; arguments as :func:`coverage`, in order of time."""
    (seen,) = _binary(hits=hits)
    state = seen.astype(np.int64)
    moves = np.bincount(2 * state[:-1] + state[1:], minlength=4).reshape(2, 2)
    to_hit, rows = moves[:, 1], moves.sum(axis=1)
    pooled = to_hit.sum() / max(rows.sum(), 1)
    own = sum(_log_binomial(int(x), int(n), x / n) for x, n in zip(to_hit, rows, strict=True) if n > 0)
    statistic = max(2 * (own - _log_binomial(int(to_hit.sum()), int(rows.sum()), float(pooled))), 0.0)
    joint = statistic + coverage(hits, nominal).statistic
    return Independence(moves, statistic, _upper_tail(statistic, 1), joint, _upper_tail(joint, 2))


@dataclass(frozen=True, slots=True)
class Brier:
    """Brier score and the parts that add up to it.

    ``score = reliability - resolution + uncertainty + within_variance - within_covariance`` holds exactly; the last
    two are what the forecasts vary within bins, which Murphy's three parts leave out.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float


def brier(chance: npt.ArrayLike, outcome: npt.ArrayLike, bins: int = 10) -> Brier:
    """Brier score in parts.

    Parameters
    ----------
    chance : array-like, shape (n,)
        Forecast chances, 0 to 1.
    outcome : array-like of 0 and 1, shape (n,)
        What came.
    bins : int
        Equal bins of the chance, closed on the right; the first holds 0.

    Returns
    -------
    Brier

    Raises
    ------
    InputError
        If chances or outcomes are out of range or lengths differ.
    """
    p, y = _forecasts(chance, outcome)
    bin_of = _bin(p, bins)
    size = np.bincount(bin_of, minlength=bins)
    held = np.maximum(size, 1)
    mean_p = np.bincount(bin_of, weights=p, minlength=bins) / held
    mean_y = np.bincount(bin_of, weights=y, minlength=bins) / held
    share, base = size / p.size, y.mean()
    off_p, off_y = p - mean_p[bin_of], y - mean_y[bin_of]
    return Brier(
        score=float(np.mean((p - y) ** 2)),
        reliability=float(share @ (mean_p - mean_y) ** 2),
        resolution=float(share @ (mean_y - base) ** 2),
        uncertainty=float(base * (1 - base)),
        within_variance=float(np.mean(off_p**2)),
        within_covariance=float(2 * np.mean(off_p * off_y)),
    )


def reliability(chance: npt.ArrayLike, outcome: npt.ArrayLike, bins: int = 10, level: float = 0.9) -> pd.DataFrame:
    """Forecast against observed shares by bin of the forecast: the points of a reliability curve.

    Parameters
    ----------
    chance, outcome, bins
        As :func:`brier`.
    level : float
        Level of the band.

    Returns
    -------
    pandas.DataFrame
        A row for each bin that holds a forecast: ``lower, upper, n, chance, observed, low, high``; `low` and `high` are
        the exact (Clopper–Pearson) interval of the observed share.
    """
    p, y = _forecasts(chance, outcome)
    _fraction(level=level)
    bin_of, rows = _bin(p, bins), []
    for b in np.unique(bin_of):
        here = bin_of == b
        seen = coverage(y[here], 0.5, level)
        rows.append((b / bins, (b + 1) / bins, seen.trials, p[here].mean(), seen.share, seen.low, seen.high))
    return pd.DataFrame(rows, columns=["lower", "upper", "n", "chance", "observed", "low", "high"])


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Logistic regression of outcomes on the log odds of the forecast; 0 and 1 if calibrated.

    Parameters
    ----------
    intercept, slope : float
        A slope below 1 means forecasts too extreme. NaN where outcomes or forecasts do not vary enough to tell.
    intercept_se, slope_se : float
        Standard errors.
    in_the_large : float
        Intercept with the slope held at 1: below 0 where the forecast promises too much.
    """

    intercept: float
    slope: float
    intercept_se: float
    slope_se: float
    in_the_large: float


def calibration_line(chance: npt.ArrayLike, outcome: npt.ArrayLike) -> CalibrationLine:
    """Fit Cox's calibration line; arguments as :func:`brier`. Chances are held off 0 and 1 by 1e-12."""
    p, y = _forecasts(chance, outcome)
    odds = special.logit(np.clip(p, _CLIP, 1 - _CLIP))
    line, error = _logistic(np.column_stack([np.ones_like(odds), odds]), y, np.zeros_like(odds))
    large, _ = _logistic(np.ones((odds.size, 1)), y, odds)
    return CalibrationLine(float(line[0]), float(line[1]), float(error[0]), float(error[1]), float(large[0]))


def _logistic(design: Floats, y: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """Maximum likelihood by Newton steps, halved while they do not help; NaN where there is no finite maximum."""
    k = design.shape[1]
    nothing = np.full(k, np.nan)
    if y.min() == y.max() or np.linalg.matrix_rank(design) < k:
        return nothing, nothing
    beta, best = np.zeros(k), -np.inf
    for _ in range(100):
        mean = special.expit(offset + design @ beta)
        information = design.T @ (design * (mean * (1 - mean))[:, None])
        if np.linalg.cond(information) > 1e14 or np.abs(beta).max() > 50:
            return nothing, nothing
        step = np.linalg.solve(information, design.T @ (y - mean))
        best = _log_likelihood(offset + design @ beta, y)
        while _log_likelihood(offset + design @ (beta + step), y) < best - 1e-9:
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def _log_likelihood(eta: Floats, y: Floats) -> float:
    return float(np.sum(y * eta - np.logaddexp(0, eta)))


def spiegelhalter(chance: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[float, float]:
    """Return Spiegelhalter's z and p-value: whether the Brier score is what calibrated forecasts would have.

    Arguments as :func:`brier`. Forecasts that are all 0, ½ or 1 leave nothing to test: ``(nan, nan)``.
    """
    p, y = _forecasts(chance, outcome)
    variance = float(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    if variance <= 0:
        return float("nan"), float("nan")
    z = float(np.sum((y - p) * (1 - 2 * p))) / np.sqrt(variance)
    return float(z), float(2 * special.ndtr(-abs(z)))


def hosmer_lemeshow(chance: npt.ArrayLike, outcome: npt.ArrayLike, groups: int = 10) -> tuple[float, float]:
    """Hosmer–Lemeshow statistic over groups by rank of the forecast, and its p-value.

    Parameters
    ----------
    chance, outcome : array-like, shape (n,)
        As :func:`brier`; ties keep their order.
    groups : int
        Groups, as equal in size as may be.

    Returns
    -------
    tuple of float
        Statistic and p-value with `groups` degrees of freedom: the forecasts were not fitted to these outcomes.
    """
    p, y = _forecasts(chance, outcome)
    require(1 <= groups <= p.size, _TOPIC, f"groups must lie between 1 and {p.size}", "groups")
    rank = np.empty(p.size, dtype=np.int64)
    rank[np.argsort(p, kind="stable")] = np.arange(p.size)
    group = rank * groups // p.size
    size, hoped = np.bincount(group), np.bincount(group, weights=p)
    missed = np.bincount(group, weights=y) - hoped
    spread = hoped * (1 - hoped / size)
    # A group of certain forecasts has no spread: a miss there is worth infinitely much.
    terms = np.divide(missed**2, spread, out=np.where(missed == 0, 0.0, np.inf), where=spread > 0)
    statistic = float(terms.sum())
    return statistic, _upper_tail(statistic, groups)


def log_loss(chance: npt.ArrayLike, outcome: npt.ArrayLike) -> float:
    """Mean negative log likelihood, in nats; infinite where a certain forecast failed. Arguments as :func:`brier`."""
    p, y = _forecasts(chance, outcome)
    return float(-np.mean(special.xlogy(y, p) + special.xlog1py(1 - y, -p)))


def _bin(p: Floats, bins: int) -> npt.NDArray[np.int64]:
    require(bins >= 1, _TOPIC, "there must be at least one bin", "bins")
    edges = np.arange(1, bins) / bins
    return np.searchsorted(edges, p, side="left").astype(np.int64)


def _upper_tail(statistic: float, degrees: int) -> float:
    return float(special.chdtrc(degrees, max(statistic, 0.0)))


def _log_binomial(x: int, n: int, p: float) -> float:
    return float(special.xlogy(x, p) + special.xlog1py(n - x, -p))


def _binary(**values: npt.ArrayLike) -> list[Floats]:
    arrays = columns(_TOPIC, dict(values))
    for name, array in zip(values, arrays, strict=True):
        require(np.isin(array, (0.0, 1.0)).all(), _TOPIC, "values must be 0 or 1", name)
    return arrays


def _fraction(**values: float) -> None:
    for name, value in values.items():
        require(0 < value < 1, _TOPIC, f"{name} must lie strictly between 0 and 1", name)


def _forecasts(chance: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[Floats, Floats]:
    p, y = columns(_TOPIC, {"chance": chance, "outcome": outcome})
    _binary(outcome=y)
    require(((p >= 0) & (p <= 1)).all(), _TOPIC, "chances must lie between 0 and 1", "chance")
    return p, y
