"""Has something changed? Monitors that alert; none of them refits silently.

Sources: Page (1954), Biometrika 41:100; Brook & Evans (1972), Biometrika 59:539; Reynolds & Stoumbos (1999), J Qual
Technol 31:87; Garwood (1936), Biometrika 28:437.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from spmforecast.arrays import Floats, columns, require

__all__ = [
    "Cusum",
    "bernoulli_cusum",
    "cusum_limit",
    "cusum_run_length",
    "homogeneity",
    "observed_expected",
    "stability_index",
    "two_proportions",
]

_TOPIC = "drift"
_HALF = 0.5
_STATES = 200


def stability_index(expected: npt.ArrayLike, actual: npt.ArrayLike) -> float:
    """Return the population stability index ``sum (a - e) ln(a / e)`` of two distributions over the same bins.

    Parameters
    ----------
    expected, actual : array-like, shape (bins,)
        Counts then and now. Where a bin is empty in one of them, every bin counts half a case more in both.

    Returns
    -------
    float
        By custom below 0.1 is stable, above 0.25 a shift.

    Raises
    ------
    InputError
        If counts are missing or negative, lengths differ or all are zero.
    """
    e, a = _counts({"expected": expected, "actual": actual})
    seen = (e > 0) | (a > 0)
    e, a = e[seen], a[seen]
    if (e == 0).any() or (a == 0).any():
        e, a = e + _HALF, a + _HALF
    e, a = e / e.sum(), a / a.sum()
    return float(np.sum((a - e) * np.log(a / e)))


def homogeneity(*rows: npt.ArrayLike) -> tuple[float, int, float]:
    """Chi-square test that groups share one distribution over bins.

    Parameters
    ----------
    *rows : array-like, shape (bins,)
        Counts of each group.

    Returns
    -------
    tuple
        Statistic, degrees of freedom and p-value. Bins empty in every group do not count.
    """
    table = np.stack(_counts({f"row {k + 1}": row for k, row in enumerate(rows)}))
    table = table[:, table.sum(axis=0) > 0]
    hoped = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - hoped) ** 2 / hoped).sum())
    degrees = (table.shape[0] - 1) * (table.shape[1] - 1)
    return statistic, degrees, float(special.chdtrc(degrees, statistic)) if degrees else 1.0


def two_proportions(successes: int, trials: int, other_successes: int, other_trials: int) -> tuple[float, float]:
    """Pooled two-proportion z and its two-sided p-value; NaN where both are all or nothing.

    Parameters
    ----------
    successes, trials, other_successes, other_trials : int
        Counts of the two groups; z is positive where the first has the larger share.

    Returns
    -------
    tuple of float
    """
    for x, n in ((successes, trials), (other_successes, other_trials)):
        require(0 <= x <= n and n > 0, _TOPIC, f"{x} successes of {n} trials cannot be")
    share = (successes + other_successes) / (trials + other_trials)
    variance = share * (1 - share) * (1 / trials + 1 / other_trials)
    if variance == 0:
        return float("nan"), float("nan")
    z = (successes / trials - other_successes / other_trials) / np.sqrt(variance)
    return float(z), float(2 * special.ndtr(-abs(z)))


@dataclass(frozen=True)
class Cusum:
    """Path of a cumulative-sum chart.

    Parameters
    ----------
    path : array of float, shape (n,)
        Evidence for the change after each outcome, in log likelihood ratio, never below 0.
    limit : float
        Alert at or above.
    """

    path: Floats
    limit: float

    @property
    def alert(self) -> int | None:
        """Place of the first outcome at which the limit is reached; None if it never is."""
        reached = np.flatnonzero(self.path >= self.limit)
        return int(reached[0]) if len(reached) else None


def bernoulli_cusum(
    outcomes: npt.ArrayLike, usual: float, changed: float, limit: float | None = None, run_length: float = 500.0
) -> Cusum:
    """Watch a rate for a change, outcome by outcome: ``C = max(0, C + log likelihood ratio)``.

    Parameters
    ----------
    outcomes : array-like of 0 and 1, shape (n,)
        In order of time.
    usual, changed : float
        The rate as it should be, and the one to be found out.
    limit : float, optional
        Alert level; by default the one whose false alarms come every `run_length` outcomes on average.
    run_length : float
        Wanted mean number of outcomes to a false alarm.

    Returns
    -------
    Cusum

    Raises
    ------
    InputError
        If outcomes are not 0 or 1, or rates are out of range or equal.
    """
    (y,) = columns(_TOPIC, {"outcomes": outcomes})
    require(np.isin(y, (0.0, 1.0)).all(), _TOPIC, "values must be 0 or 1", "outcomes")
    up, down = _steps(usual, changed)
    path, level = np.empty(y.size), 0.0
    for k, outcome in enumerate(y):
        level = max(0.0, level + (up if outcome else down))
        path[k] = level
    return Cusum(path, cusum_limit(usual, changed, run_length) if limit is None else limit)


def _steps(usual: float, changed: float) -> tuple[float, float]:
    """Log likelihood ratio of a success and of a failure."""
    for name, rate in (("usual", usual), ("changed", changed)):
        require(0 < rate < 1, _TOPIC, f"{name} must lie strictly between 0 and 1", name)
    require(usual != changed, _TOPIC, "the two rates must differ", "changed")
    return float(np.log(changed / usual)), float(np.log((1 - changed) / (1 - usual)))


def cusum_run_length(usual: float, changed: float, limit: float, rate: float) -> float:
    """Mean number of outcomes until the chart alerts, by a Markov chain over its levels.

    Parameters
    ----------
    usual, changed : float
        Rates of the chart.
    limit : float
        Alert level, positive.
    rate : float
        The rate that really holds.

    Returns
    -------
    float
        Accurate to about 1 % of the limit's width (200 levels).
    """
    require(limit > 0, _TOPIC, "the limit must be positive", "limit")
    up, down = _steps(usual, changed)
    level = np.linspace(0, limit, _STATES, endpoint=False)
    chain = np.zeros((_STATES, _STATES))
    for chance, step in ((rate, up), (1 - rate, down)):
        place = np.maximum(level + step, 0.0) / limit * _STATES
        below = np.floor(place).astype(np.int64)
        # Between two levels the chain goes to each with the chance that keeps the mean.
        for target, part in ((below, 1 - (place - below)), (below + 1, place - below)):
            inside = target < _STATES
            np.add.at(chain, (np.flatnonzero(inside), target[inside]), chance * part[inside])
    return float(np.linalg.solve(np.eye(_STATES) - chain, np.ones(_STATES))[0])


def cusum_limit(usual: float, changed: float, run_length: float) -> float:
    """Alert level at which false alarms come every `run_length` outcomes on average."""
    from scipy import optimize

    require(run_length > 1, _TOPIC, "the run length must be above 1", "run_length")
    low, high = 1e-3, 1.0
    while cusum_run_length(usual, changed, high, usual) < run_length:
        low, high = high, 2 * high

    def excess(limit: float) -> float:
        return float(np.log(cusum_run_length(usual, changed, limit, usual) / run_length))

    return low if excess(low) >= 0 else float(optimize.brentq(excess, low, high, xtol=1e-6))


def observed_expected(
    observed: npt.ArrayLike, expected: npt.ArrayLike, names: list[str] | None = None, level: float = 0.99
) -> pd.DataFrame:
    """Compare counts with their expectation, cohort by cohort, with exact Poisson limits.

    Parameters
    ----------
    observed, expected : array-like, shape (cohorts,)
        Events seen and events that the model expects, for instance wins of the deals created in a quarter.
    names : list of str, optional
        Cohorts.
    level : float
        Level of the limits.

    Returns
    -------
    pandas.DataFrame
        ``cohort, observed, expected, ratio, low, high, p_value, alert``: limits of the true ratio, and the two-sided
        (doubled one-sided) Poisson p-value; `alert` where the limits leave out 1. Without expectation: no ratio.
    """
    o, e = _counts({"observed": observed, "expected": expected}, anything=False)
    require(0 < level < 1, _TOPIC, "level must lie strictly between 0 and 1", "level")
    tail = (1 - level) / 2
    safe = np.where(e > 0, e, np.nan)
    low = np.where(o > 0, special.gammaincinv(np.maximum(o, 1e-9), tail), 0.0) / safe
    high = special.gammaincinv(o + 1, 1 - tail) / safe
    at_least = np.where(o > 0, special.gammainc(np.maximum(o, 1e-9), e), 1.0)
    at_most = special.gammaincc(o + 1, e)
    table = {
        "cohort": names if names is not None else [str(k) for k in range(o.size)],
        "observed": o,
        "expected": e,
        "ratio": o / safe,
        "low": low,
        "high": high,
        "p_value": np.minimum(2 * np.minimum(at_least, at_most), 1.0),
        "alert": (low > 1) | (high < 1),
    }
    return pd.DataFrame(table)


def _counts(values: dict[str, npt.ArrayLike], anything: bool = True) -> list[Floats]:
    arrays = columns(_TOPIC, values)
    for name, array in zip(values, arrays, strict=True):
        require((array >= 0).all(), _TOPIC, "counts must not be negative", name)
        require(not anything or array.sum() > 0, _TOPIC, "nothing is counted", name)
    return arrays
