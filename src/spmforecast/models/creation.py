"""Creation of new deals: counts by rep and month with season, ramp and over-dispersion.

The rate of a rep on a day is ``base * rep multiplier * ramp(tenure) * season(month) * day-of-week``, each factor
estimated as observed over expected and shrunk; the market level moves all of it (see ``market``): it is told apart from
the season, and reps and ramp are fitted beside it, so that nobody gets credit for a good market. Months are those of
the calendar, or the fiscal ones where the company counts in weeks: its quarters then set the rhythm. Counts of a rep
and quarter vary more than Poisson ones by a frailty whose variance is estimated by moments (negative binomial).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data.ids import rows_of
from spmforecast.models.capacity import RepSpans
from spmforecast.models.holidays import NO_HOLIDAYS, Holidays
from spmforecast.models.market import MonthlyCounts
from spmforecast.models.newcomers import pool_reps
from spmforecast.models.pooling import GammaPool, fit_gamma_pool
from spmforecast.models.ramp import RAMP_MONTHS, fit_ramp, usual_ramp
from spmforecast.models.risksets import day_number
from spmforecast.models.season import SeasonFit, fit_season, lasting_level
from spmforecast.models.silence import unrecorded

__all__ = ["CreationModel", "fit_creation", "month_of", "month_starts", "quarter_of"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_YEAR_OF_SEASON_MONTHS = 18
_SWEEPS = 10
_DISPERSION_PRIOR, _DISPERSION_PRIOR_CELLS = 0.05, 20.0


@dataclass(frozen=True)
class CreationModel:
    """Fitted creation of deals.

    Parameters
    ----------
    owners : tuple of str
        Owners, as the multipliers are ordered.
    base : float
        Deals a day of a ramped rep of average productivity.
    reps : GammaPool
        Multiplier of each owner; deals of first months of tenure count for less (:mod:`~spmforecast.models.newcomers`).
    ramp : array of float, shape (13,)
        Productivity by month of tenure.
    season : array of float, shape (12,)
        Multiplier of each calendar month, January first; in a calendar of weeks of each fiscal month, P01 first.
    weekday : array of float, shape (7,)
        Multiplier of each day of the week, Monday first, with mean one.
    dispersion : float
        Variance of the frailty of a rep and quarter.
    months : array of int, shape (n,)
        Months of the record since 1970-01, or 1970P01 (see :func:`month_of`).
    observed, expected : array of float, shape (n,)
        Deals created in each month, and expected without market shocks.
    hires : int
        Newcomers behind the ramp.
    by_owner, expected_of : array of float, shape (owners, n)
        Both by owner, as those were on record at the fit.
    calendar : FiscalCalendar
        Decides the months.
    holidays : Holidays
        Days with the rate of a weekend.
    season_fit : SeasonFit
        What the record tells of the season, and how well.
    unrecorded : array of int, shape (stretches, 2)
        First and last day of each stretch in which creations are taken not to have been recorded.
    """

    owners: tuple[str, ...]
    base: float
    reps: GammaPool
    ramp: Array
    season: Array
    weekday: Array
    dispersion: float
    months: Ints
    observed: Array
    expected: Array
    hires: int
    season_fit: SeasonFit
    by_owner: Array
    expected_of: Array
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)
    holidays: Holidays = NO_HOLIDAYS
    unrecorded: Ints = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))

    def day_weights(self, days: Ints) -> Array:
        """Season times day of the week, shape of `days`: the shape of creation in time."""
        month = month_of(days, self.calendar) % 12
        return np.asarray(self.season[month] * self.of_day(days), dtype=np.float64)

    def of_day(self, days: Ints) -> Array:
        """Multiplier of each day by its weekday, a holiday being like a day of a weekend; shape of `days`."""
        return _of_day(days, self.weekday, self.holidays)


def month_of(days: Ints, calendar: FiscalCalendar | None = None) -> Ints:
    """Return the month of each day number.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day numbers since 1970-01-01.
    calendar : FiscalCalendar, optional
        Only one of weeks makes a difference.

    Returns
    -------
    array of int, shape (n,)
        Months since 1970-01; in a calendar of weeks fiscal months since 1970P01.
    """
    if calendar is not None and calendar.of_weeks:
        return calendar.month_numbers(days) - 12 * 1970
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def quarter_of(months: Ints, calendar: FiscalCalendar) -> Ints:
    """Return the fiscal quarter of each month, both numbered on through the years; months as of :func:`month_of`."""
    return months // 3 if calendar.of_weeks else (months + 1 - calendar.year_start) // 3


def month_starts(months: Ints) -> Ints:
    """Day number on which each month (since 1970-01) begins."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def fit_creation(
    deals: pd.DataFrame,
    spans: RepSpans,
    first_day: int,
    today: int,
    calendar: FiscalCalendar,
    holidays: Holidays = NO_HOLIDAYS,
) -> CreationModel:
    """Fit creation from the deals created within the record.

    Parameters
    ----------
    deals : pandas.DataFrame
        Deals with ``owner_id`` and ``created_date``.
    spans : RepSpans
        When each owner was selling.
    first_day, today : int
        First and last day on which every creation is on record.
    calendar : FiscalCalendar
        Decides the months where it is one of weeks, and the place in the quarter where the record is short.
    holidays : Holidays, optional
        Days on which as little is created as on a weekend.

    Returns
    -------
    CreationModel
    """
    created = day_number(deals["created_date"])
    inside = (created >= first_day) & (created <= today)
    created = created[inside]
    owner = rows_of(deals["owner_id"], pd.Series(spans.owners, dtype="str"))[inside]
    days = np.arange(first_day, today + 1)
    weekday = _weekday(created, days)
    of_day = _of_day(days, weekday, holidays)
    month = month_of(days, calendar)
    unknown = unrecorded(created, days, month)
    grid = _Grid(spans, owner, created, days, of_day * ~_within(days, unknown), month)
    grid.fit(calendar)
    seen, hoped = grid.observed.sum(axis=2), grid.expectation().sum(axis=2)
    return CreationModel(
        owners=spans.owners,
        base=grid.base,
        reps=grid.pool,
        ramp=grid.ramp,
        season=grid.season,
        weekday=weekday,
        dispersion=grid.dispersion(),
        months=grid.months,
        observed=seen.sum(axis=0),
        expected=hoped.sum(axis=0),
        hires=grid.hires,
        season_fit=grid.season_fit,
        by_owner=seen,
        expected_of=hoped,
        calendar=calendar,
        holidays=holidays,
        unrecorded=unknown,
    )


def _within(days: Ints, stretches: Ints) -> npt.NDArray[np.bool_]:
    """Mark the days that lie in one of the stretches: without exposure they tell nothing."""
    return np.asarray(((days[:, None] >= stretches[:, 0]) & (days[:, None] <= stretches[:, 1])).any(axis=1))


def _weekday(created: Ints, days: Ints) -> Array:
    """Relative rate of each day of the week, leaning on an even week."""
    seen = np.bincount((created + 3) % 7, minlength=7) + 1.0
    there = np.bincount((days + 3) % 7, minlength=7) + 1.0
    rate = seen / there
    return np.asarray(rate / rate.mean(), dtype=np.float64)


def _of_day(days: Ints, weekday: Array, holidays: Holidays) -> Array:
    """Rate of each day by its weekday; on a holiday that of a weekend, where it is lower."""
    own = weekday[(days + 3) % 7]
    return np.where(holidays.on(days), np.minimum(own, weekday[5:].mean()), own)


class _Grid:
    """Counts and exposure by owner, month and month of tenure, and the cyclic fit on them."""

    def __init__(self, spans: RepSpans, owner: Ints, created: Ints, days: Ints, weight: Array, month: Ints) -> None:
        self.months = np.arange(month[0], month[-1] + 1)
        column = month - month[0]
        shape = (len(spans.owners), len(self.months), RAMP_MONTHS + 1)
        self.observed = np.zeros(shape)
        self.exposure = np.zeros(shape)
        tenure = spans.tenure_months(days)
        there = (days >= spans.start[:, None]) & (days <= spans.end[:, None])
        rows, at = np.nonzero(there)
        np.add.at(self.exposure, (rows, column[at], tenure[rows, at]), weight[at])
        place = created - days[0]
        np.add.at(self.observed, (owner, column[place], tenure[owner, place]), 1.0)
        # Deals of owners who were not known to be selling that month need exposure too, or the rate has no floor.
        bare = (self.exposure.sum(axis=2) == 0) & (self.observed.sum(axis=2) > 0)
        self.exposure[bare, RAMP_MONTHS] += 1.0
        self.hires = int(((spans.hired >= days[0]) & (spans.hired <= days[-1])).sum())
        self.base = self.observed.sum() / max(self.exposure.sum(), 1.0)
        self.season = np.ones(12)
        self.level = np.ones(len(self.months))  # of the market, for the fit of what is not the market
        self.ramp = usual_ramp() if self.hires else np.ones(RAMP_MONTHS + 1)
        self.pool = fit_gamma_pool(self.observed.sum(axis=(1, 2)), self.base * self.exposure.sum(axis=(1, 2)))

    def expectation(self) -> Array:
        """Multiply the factors out: expected deals of each owner, month and tenure."""
        season = self.season[self.months % 12]
        return np.asarray(
            self.base * self.exposure * self.pool.mean[:, None, None] * season[None, :, None] * self.ramp,
            dtype=np.float64,
        )

    def fit(self, calendar: FiscalCalendar) -> None:
        """Update base, rep multipliers, ramp, season and market level in turn."""
        place = self._season_groups(calendar)
        for _ in range(_SWEEPS):
            expected = self._expected()
            self.base *= (self.observed.sum() + 0.5) / (expected.sum() + 0.5)
            self.pool = pool_reps(self.observed.sum(axis=1), self._expected().sum(axis=1) / self.pool.mean[:, None])
            expected = self._expected() / self.ramp
            self.ramp = fit_ramp(self.observed.sum(axis=(0, 1)), expected.sum(axis=(0, 1)), self.hires)
            self.season_fit = self._fit_season(place)
            self.season = self.season_fit.factors()
            self.level = self._fit_level()

    def _expected(self) -> Array:
        """Multiply the factors out, the market's level included."""
        return np.asarray(self.expectation() * self.level[None, :, None])

    def _fit_season(self, place: Ints) -> SeasonFit:
        month = self.months % 12
        expected = self.expectation().sum(axis=(0, 2)) / self.season[month]
        counts = MonthlyCounts(self.observed.sum(axis=(0, 2)), expected)
        return fit_season(*counts.log_ratio(), month, place)

    def _fit_level(self) -> Array:
        """Level of the market in each month, relative to its mean over what was expected."""
        expected = self.expectation().sum(axis=(0, 2))
        counts = MonthlyCounts(self.observed.sum(axis=(0, 2)), expected)
        level = np.exp(lasting_level(*counts.log_ratio(), self.season_fit.tau, self.season_fit.phi))
        return np.asarray(level * expected.sum() / max(float((level * expected).sum()), 1e-300))

    def _season_groups(self, calendar: FiscalCalendar) -> Ints:
        """Months that share a multiplier: each its own with enough years, else those at one place in the quarter."""
        month = np.arange(12)
        if len(self.months) >= _YEAR_OF_SEASON_MONTHS:
            return month
        if len(self.months) < 6:
            return np.zeros(12, dtype=np.int64)
        return month % 3 if calendar.of_weeks else (month + 1 - calendar.year_start) % 3

    def dispersion(self) -> float:
        """Variance of the frailty of a rep and quarter beyond Poisson counts and the market's level, by moments."""
        seen, hoped = self.observed.sum(axis=2), self.expectation().sum(axis=2)
        level = (seen.sum(axis=0) + 5.0) / (hoped.sum(axis=0) + 5.0)
        quarters = len(self.months) // 3
        if quarters == 0:
            return _DISPERSION_PRIOR
        tail = slice(len(self.months) - 3 * quarters, None)
        o = seen[:, tail].reshape(len(seen), quarters, 3).sum(axis=2)
        e = (hoped * level)[:, tail].reshape(len(seen), quarters, 3).sum(axis=2)
        o, e = o[e > 1.0], e[e > 1.0]
        if len(o) == 0:
            return _DISPERSION_PRIOR
        moment = max(float(((o - e) ** 2 - e).sum() / (e**2).sum()), 0.0)
        weight = len(o) / (len(o) + _DISPERSION_PRIOR_CELLS)
        return weight * moment + (1 - weight) * _DISPERSION_PRIOR
