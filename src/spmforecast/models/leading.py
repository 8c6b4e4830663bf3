"""Two levels of creation side by side: what the market's filter expects of the next months, and what activities do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from spmforecast.models.creation import CreationModel, month_of
from spmforecast.models.market import MonthlyCounts, ShockPosterior, fit_shock
from spmforecast.models.prospecting import LONGEST, Prospecting, lagged
from spmforecast.models.risksets import day_number
from spmforecast.models.thinning import Thinning, fit_thinning

__all__ = ["AHEAD", "MarketAhead", "PastLevels", "Record", "market_ahead", "past_levels", "record_of"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

AHEAD = 3
"""Months to come for which activities speak."""
_FIRST_FIT_DAYS = 182  # of activities before the first past month end
_MOST_ORIGINS = 24
_WEEK, _FOUR_WEEKS, _YEAR, _QUARTER = 7, 28, 364, 91
_PRIOR_BLOCKS = 6.0  # of four weeks: what no persistence of the pace is worth
_MOST_KEPT = 0.95
_LEAST_LEVEL = 0.05


@dataclass(frozen=True)
class MarketAhead:
    """What the market's filter expects of the log level in each of the next months, each of shape (months,).

    Parameters
    ----------
    log : array of float
        Mean of the log level.
    variance : array of float
        Its variance, doubt and innovations together.
    log_mean : array of float
        Log of the mean of its exponential.
    """

    log: Array
    variance: Array
    log_mean: Array


def market_ahead(shock: ShockPosterior) -> MarketAhead:
    """Carry the posterior of a level forward, as its paths do.

    Parameters
    ----------
    shock : ShockPosterior
        Posterior after the last month on record.

    Returns
    -------
    MarketAhead
    """
    month = np.arange(1, AHEAD + 1)[:, None]
    kept = shock.phi**month
    log = shock.mean + kept * shock.level + shock.growth * shock.grown(AHEAD)[:, None] - 0.5 * shock.tau**2
    known = shock.mean_sd**2 * (1 + kept * shock.slope) ** 2 + kept**2 * shock.level_sd**2
    variance = known + month * shock.drift**2 + (1 - kept**2) * shock.tau**2
    mean = (shock.weight * log).sum(axis=1)
    spread = (shock.weight * (variance + (log - mean[:, None]) ** 2)).sum(axis=1)
    # Weights too small to be divided by are none: the sum is taken relative to its largest term.
    weight = np.where(shock.weight >= np.finfo(np.float64).tiny, shock.weight, 0.0)
    log_mean = special.logsumexp(log + 0.5 * variance, b=weight, axis=1)
    return MarketAhead(mean, spread, np.asarray(log_mean, dtype=np.float64))


@dataclass(frozen=True)
class Record:
    """Creations and activities by day.

    Parameters
    ----------
    done : Prospecting
        Activities.
    creation : CreationModel
        The direct model.
    days : array of int, shape (days,)
        Days on which every creation is on record.
    month : array of int, shape (days,)
        Their months, from the first one of the record.
    deals, direct : array of float, shape (days,)
        Deals created, and expected of the reps without market.
    """

    done: Prospecting
    creation: CreationModel
    days: Ints
    month: Ints
    deals: Array
    direct: Array

    def fit(self, origin: int) -> Thinning:
        """Fit what activities lead to from whole weeks up to the close of a day."""
        first = max(int(self.days[0]), self.done.first_day + LONGEST)
        weeks = (origin + 1 - first) // _WEEK
        stop = origin + 1 - int(self.days[0])
        own = slice(stop - weeks * _WEEK, stop)
        # Where no creation is on record, what was done then tells nothing of what it leads to.
        weight = self._weekday(self.days[own]) * (self.direct[own] > 0)
        activities = lagged(self.done.until(origin))[:, :, -weeks * _WEEK :] * weight
        return fit_thinning(_by_week(self.deals[own]), _by_week(self.direct[own]), _by_week(activities))

    def ahead(self, origin: int, thinning: Thinning, kept: float) -> Array:
        """Tell the log level of creation that activities make likely in the next months.

        Parameters
        ----------
        origin : int
            Activities up to the close of this day are known. What is done from then on is taken to return from the
            pace of the last four weeks to that of the last year.
        thinning : Thinning
            What activities lead to.
        kept : float
            Share of an unusual pace that is left after four weeks.

        Returns
        -------
        array of float, shape (3,)
        """
        days = np.arange(origin + 1, origin + 1 + 31 * (AHEAD + 1))
        month = month_of(days, self.creation.calendar)
        days = days[month < month[0] + AHEAD]
        month = month[: len(days)] - month[0]
        seen = self.done.until(origin)
        usual, recent = seen[:, -_YEAR:].mean(axis=1), seen[:, -_FOUR_WEEKS:].mean(axis=1)
        left = kept ** (np.arange(1, len(days) + 1) / _FOUR_WEEKS)
        coming = usual[:, None] + (recent - usual)[:, None] * left
        activities = lagged(np.concatenate([seen[:, -LONGEST:], coming], axis=1))
        direct = self._pace(origin) * self.creation.day_weights(days)
        hoped = thinning.bare * direct + thinning.led(activities * self._weekday(days))
        by_month = np.bincount(month, weights=hoped) / np.maximum(np.bincount(month, weights=direct), 1e-12)
        return np.asarray(np.log(np.maximum(by_month, _LEAST_LEVEL)))

    def kept(self, origin: int) -> float:
        """Share of an unusual pace of activity that is left four weeks later: shrunk autocorrelation, not negative."""
        seen = self.done.until(origin).sum(axis=0)
        blocks = len(seen) // _FOUR_WEEKS
        pace = seen[len(seen) - blocks * _FOUR_WEEKS :].reshape(blocks, _FOUR_WEEKS).sum(axis=1)
        apart = pace - pace.mean()
        spread = float(apart @ apart)
        found = float(apart[1:] @ apart[:-1]) / spread if spread > 0 else 0.0
        return float(np.clip(found * blocks / (blocks + _PRIOR_BLOCKS), 0.0, _MOST_KEPT))

    def _weekday(self, days: Ints) -> Array:
        return self.creation.of_day(days)

    def _pace(self, origin: int) -> float:
        """Deals a day expected of the reps in the last quarter, season and weekday taken out."""
        last = slice(max(origin + 1 - _QUARTER - int(self.days[0]), 0), origin + 1 - int(self.days[0]))
        weight = self.creation.day_weights(self.days[last]) * (self.direct[last] > 0)
        return float(self.direct[last].sum()) / max(float(weight.sum()), 1e-12)


def record_of(done: Prospecting, deals: pd.DataFrame, creation: CreationModel, first_day: int, today: int) -> Record:
    """Lay creations out by day beside the activities.

    Parameters
    ----------
    done : Prospecting
        Activities.
    deals : pandas.DataFrame
        Deals with ``created_date``.
    creation : CreationModel
        The direct model; what it expects of a month is spread over its days by their weekday.
    first_day, today : int
        First and last day on which every creation is on record.

    Returns
    -------
    Record
    """
    days = np.arange(first_day, today + 1)
    created = day_number(deals["created_date"])
    created = created[(created >= first_day) & (created <= today)]
    month = month_of(days, creation.calendar) - creation.months[0]
    weight = creation.of_day(days)
    direct = creation.expected[month] * weight / np.bincount(month, weights=weight)[month]
    daily = np.bincount(created - first_day, minlength=len(days)).astype(np.float64)
    return Record(done, creation, days, month, daily, np.asarray(direct, dtype=np.float64))


def _by_week(daily: Array) -> Array:
    """Add days up by weeks along the last axis."""
    return np.asarray(daily.reshape(*daily.shape[:-1], -1, _WEEK).sum(axis=-1))


@dataclass(frozen=True)
class PastLevels:
    """What past month ends would have foretold of the months after, and what came; not a number beyond the record.

    Parameters
    ----------
    apart : array of float, shape (origins, 3)
        Log of the activities' level over the mean of the direct one.
    log_mean, variance : array of float, shape (origins, 3)
        Log of the mean of the direct level, and variance of its log.
    surprise, noise : array of float, shape (origins, 3)
        Log of deals over expectation less the direct log level, and the variance of its counting error.
    count, expected : array of float, shape (origins, 3)
        Deals created, and expected of the reps.
    """

    apart: Array
    log_mean: Array
    variance: Array
    surprise: Array
    noise: Array
    count: Array
    expected: Array


def past_levels(record: Record) -> PastLevels:
    """Look back from every past month end with half a year of activities before it, 24 at most.

    Parameters
    ----------
    record : Record
        Creations and activities.

    Returns
    -------
    PastLevels
    """
    creation = record.creation
    counts = MonthlyCounts(creation.observed, creation.expected)
    ratio, noise = counts.log_ratio()
    last = record.days[np.append(np.flatnonzero(np.diff(record.month)), len(record.days) - 1)]
    whole = len(last) - (month_of(last[-1:] + 1, creation.calendar)[0] == creation.months[-1])
    first = max(int(record.days[0]), record.done.first_day + LONGEST) + _FIRST_FIT_DAYS - LONGEST
    origins = [at for at in range(1, whole - 1) if last[at] >= first][-_MOST_ORIGINS:]
    rows = []
    for at in origins:
        direct = market_ahead(fit_shock(ratio[: at + 1], noise[: at + 1]))
        origin = int(last[at])
        level = record.ahead(origin, record.fit(origin), record.kept(origin))
        come = slice(at + 1, min(at + 1 + AHEAD, whole))
        seen = (ratio[come] - direct.log[: come.stop - come.start], noise[come])
        known = (*seen, creation.observed[come], creation.expected[come])
        rows.append([level - direct.log_mean, direct.log_mean, direct.variance, *map(_filled, known)])
    table = np.array(rows).reshape(len(rows), 7, AHEAD).transpose(1, 0, 2)
    return PastLevels(*table)


def _filled(values: Array) -> Array:
    return np.concatenate([values, np.full(AHEAD - len(values), np.nan)])
