"""Fiscal calendar: years, quarters and months, labelled as the rest of the package speaks of them.

A fiscal year is named by the year in which its last month lies, as pandas' fiscal frequencies do
(``fiscal_year_start=2`` is ``Q-JAN``): a year that begins in February 2025 is ``2026`` and its first quarter
``2026Q1``. Its months are either those of the calendar, ``2025-07``, or runs of four and five whole weeks,
``2025P07`` (4-4-5, 4-5-4, 5-4-4). A calendar of weeks has years of 52 or 53 weeks; the 53rd belongs to the last
fiscal month.

Inside, a fiscal month is a number: twelve times the year that names it, plus its place in it (0 to 11). Quarters and
years are threes and twelves of these numbers, whatever the pattern.
"""

from __future__ import annotations

import calendar as _months
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem

__all__ = [
    "MOST_PERIODS",
    "FiscalCalendar",
    "Pattern",
    "Period",
    "PeriodKind",
    "Weekday",
    "YearEnd",
    "calendar_of",
    "to_day",
]

PeriodKind = Literal["month", "quarter", "year"]
Pattern = Literal["months", "4-4-5", "4-5-4", "5-4-4"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
YearEnd = Literal["last", "nearest"]

Ints = npt.NDArray[np.int64]

MOST_PERIODS = 255
"""Periods that a horizon may have: the simulation counts them in bytes."""

_LABEL = re.compile(
    r"(?P<year>(?!0000)[0-9]{4})(?:Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2])|P(?P<place>0[1-9]|1[0-2]))?"
)
_MONTHS_IN: dict[PeriodKind, int] = {"month": 1, "quarter": 3, "year": 12}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "pattern": get_args(Pattern),
    "weekday": get_args(Weekday),
    "ends": get_args(YearEnd),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A fiscal period: its label and its first and last day, both included."""

    label: str
    start: pd.Timestamp
    end: pd.Timestamp

    @property
    def days(self) -> int:
        """Number of days in the period."""
        return int((self.end - self.start).days) + 1


def to_day(date: object) -> pd.Timestamp:
    """Turn whatever names a day into that day at midnight.

    Parameters
    ----------
    date : str, datetime.date, datetime.datetime or pandas.Timestamp
        ISO 8601 where it is text.

    Returns
    -------
    pandas.Timestamp
        Without time of day or time zone.

    Raises
    ------
    InputError
        If it is not a date.
    """
    try:
        stamp = pd.Timestamp(date)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        stamp = pd.NaT  # type: ignore[assignment]
    if pd.isna(stamp):
        raise InputError(Problem("scenario", "not a date", "Write it as YYYY-MM-DD.", value=str(date)))
    return stamp.tz_localize(None).normalize().as_unit("s")


def calendar_of(fiscal_year_start: int = 1, calendar: FiscalCalendar | None = None) -> FiscalCalendar:
    """Return the calendar given, else that of months which begins its year in the month given.

    Parameters
    ----------
    fiscal_year_start : int
        Month in which the fiscal year begins.
    calendar : FiscalCalendar, optional
        The whole calendar instead.

    Returns
    -------
    FiscalCalendar

    Raises
    ------
    InputError
        If both are given and begin the year in different months.
    """
    if calendar is None:
        return FiscalCalendar(fiscal_year_start)
    if fiscal_year_start not in (1, calendar.year_start):
        reason = f"the calendar begins its year in month {calendar.year_start}"
        mend = "Give the calendar alone."
        raise InputError(Problem("scenario", reason, mend, column="fiscal_year_start", value=str(fiscal_year_start)))
    return calendar


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """Fiscal periods of a company.

    Parameters
    ----------
    year_start : int
        Month (1 to 12) in which the fiscal year begins. A year of weeks ends near the end of the month before it.
    pattern : {"months", "4-4-5", "4-5-4", "5-4-4"}
        Calendar months, or the weeks of the three fiscal months of each quarter.
    weekday : {"monday", …, "sunday"}
        Day on which fiscal weeks, months and years end; of no effect with ``months``.
    ends : {"last", "nearest"}
        Whether a year of weeks ends on the last such day of the month before `year_start`, or on the one nearest to
        that month's end, up to three days into the next month. It is named by the year of that nominal month
        either way: with ``nearest`` a year that ends on 3 January 2026 is ``2025``. Of no effect with ``months``.

    Raises
    ------
    InputError
        With everything that is out of range.

    Notes
    -----
    ``FiscalCalendar(2, "4-5-4", "saturday", "nearest")`` is the retail calendar of the National Retail Federation,
    which names its years by their beginning: its fiscal 2023 is ``2024`` here.
    """

    year_start: int = 1
    pattern: Pattern = "months"
    weekday: Weekday = "saturday"
    ends: YearEnd = "last"

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.year_start <= 12:
            reason = "the fiscal year must begin in a month from 1 to 12"
            mend = "Set fiscal_year_start to the month's number."
            problems.append(Problem("scenario", reason, mend, column="fiscal_year_start", value=str(self.year_start)))
        for name, allowed in _ALLOWED.items():
            given = getattr(self, name)
            if given not in allowed:
                reason, mend = f"no {name} of a fiscal calendar", f"Use one of: {', '.join(allowed)}."
                problems.append(Problem("scenario", reason, mend, column=f"fiscal_calendar.{name}", value=str(given)))
        if problems:
            raise InputError(problems)

    @property
    def of_weeks(self) -> bool:
        """Whether fiscal months are runs of whole weeks."""
        return self.pattern != "months"

    @property
    def forms(self) -> str:
        """How the labels of this calendar are written, for messages."""
        return "2025Q3, 2025 or 2025P07" if self.of_weeks else "2025Q3, 2025 or 2025-07"

    def describe(self) -> dict[str, str | int]:
        """Return the settings that have an effect, for a record in plain text."""
        known: dict[str, str | int] = {"year_start": self.year_start, "pattern": self.pattern}
        return known | ({"weekday": self.weekday, "ends": self.ends} if self.of_weeks else {})

    def frequency(self, kind: PeriodKind) -> str:
        """Return pandas' frequency of these periods, for instance ``Q-JAN``.

        Raises
        ------
        InputError
            If the calendar is one of weeks: pandas has no such frequency.
        """
        if self.of_weeks:
            mend = "Use labels, period or periods instead."
            raise InputError(Problem("scenario", "pandas has no frequency for fiscal weeks", mend, value=self.pattern))
        last_month = _months.month_abbr[(self.year_start - 2) % 12 + 1].upper()
        return {"month": "M", "quarter": f"Q-{last_month}", "year": f"Y-{last_month}"}[kind]

    def month_numbers(self, days: Ints) -> Ints:
        """Return the number of the fiscal month that holds each day.

        Parameters
        ----------
        days : array of int, shape (n,)
            Day numbers since 1970-01-01.

        Returns
        -------
        array of int, shape (n,)
            Twelve times the year that names the fiscal year, plus 0 to 11.
        """
        if not self.of_weeks:
            months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
            return np.asarray(months + 12 * 1970 - self._shift, dtype=np.int64)
        if days.size == 0:
            return np.zeros(days.shape, dtype=np.int64)
        ends = np.array([days.min(), days.max()]).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
        years = np.arange(ends[0] - 1, ends[1] + 3) + 1970
        starts = self._year_ends(years - 1) + 1
        year = np.searchsorted(starts, days, side="right") - 1
        week = np.minimum((days - starts[year]) // 7, 51)  # the 53rd week belongs to the last month
        place = np.repeat(np.arange(12), self._weeks())
        return np.asarray(12 * years[year] + place[week], dtype=np.int64)

    def month_starts(self, numbers: Ints) -> Ints:
        """Return the first day of each fiscal month; undoes :meth:`month_numbers`.

        Parameters
        ----------
        numbers : array of int, shape (n,)
            Numbers of fiscal months.

        Returns
        -------
        array of int, shape (n,)
            Day numbers since 1970-01-01.
        """
        if not self.of_weeks:
            months = (numbers - 12 * 1970 + self._shift).astype("datetime64[M]")
            return np.asarray(months.astype("datetime64[D]").astype(np.int64))
        weeks_before = np.cumsum(self._weeks()) - self._weeks()
        return np.asarray(self._year_ends(numbers // 12 - 1) + 1 + 7 * weeks_before[numbers % 12], dtype=np.int64)

    @property
    def _shift(self) -> int:
        """Calendar months since year 0 minus number of the fiscal month, where months are those of the calendar."""
        return self.year_start - 1 - (12 if self.year_start > 1 else 0)

    def _weeks(self) -> Ints:
        """Weeks of the twelve fiscal months in a year of 52."""
        return np.array([int(weeks) for weeks in self.pattern.split("-")] * 4, dtype=np.int64)

    def _year_ends(self, years: Ints) -> Ints:
        """Last day of fiscal years of weeks."""
        last_month = 12 * (years - 1970) + (self.year_start - 2) % 12
        month_end = (last_month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
        # The nearest such weekday to a day is the last one up to three days after it.
        latest = month_end + (3 if self.ends == "nearest" else 0)
        weekday = _ALLOWED["weekday"].index(self.weekday)
        return np.asarray(latest - (latest + 3 - weekday) % 7, dtype=np.int64)  # 1970-01-01 was a Thursday

    def labels(self, dates: npt.ArrayLike, kind: PeriodKind) -> npt.NDArray[np.object_]:
        """Label each date with its period; missing dates give an empty label.

        Parameters
        ----------
        dates : array-like of datetime64, shape (n,)
            The days.
        kind : {"month", "quarter", "year"}
            Which periods.

        Returns
        -------
        numpy.ndarray of str objects, shape (n,)
            ``2025-07`` or ``2025P07``, ``2025Q3``, or ``2025``.
        """
        stamps = np.asarray(dates, dtype="datetime64[s]")
        known = ~np.isnat(stamps)
        out = np.full(len(stamps), "", dtype=object)
        if known.any():
            period = self.month_numbers(stamps[known].astype("datetime64[D]").astype(np.int64)) // _MONTHS_IN[kind]
            first, last = int(period.min()), int(period.max())
            names = [self._label(number, kind) for number in range(first, last + 1)]
            out[known] = np.array(names, dtype=object)[period - first]
        return out

    def _label(self, number: int, kind: PeriodKind) -> str:
        """Write the label of a period, numbered in periods of its kind."""
        year, place = divmod(number * _MONTHS_IN[kind], 12)
        if kind == "year":
            return f"{year:04d}"
        if kind == "quarter":
            return f"{year:04d}Q{place // 3 + 1}"
        if self.of_weeks:
            return f"{year:04d}P{place + 1:02d}"
        year, place = divmod(number + self._shift, 12)
        return f"{year:04d}-{place + 1:02d}"

    def label(self, date: object, kind: PeriodKind) -> str:
        """Label one day with its period."""
        return str(self.labels([np.datetime64(to_day(date), "s")], kind)[0])

    def kind(self, label: str) -> PeriodKind:
        """Tell whether a label names a month, a quarter or a year.

        Raises
        ------
        InputError
            If it names none of them, or a month as another kind of calendar writes it.
        """
        return self._read(label)[1]

    def _read(self, label: str) -> tuple[int, PeriodKind]:
        """Return the number of the first fiscal month of a period, and its kind."""
        match = _LABEL.fullmatch(label)
        mend = f"Write it as {self.forms}."
        if match is None:
            raise InputError(Problem("scenario", "not a fiscal period", mend, value=label))
        first = 12 * int(match["year"])
        if match["quarter"]:
            return first + 3 * (int(match["quarter"]) - 1), "quarter"
        if match["month"] and not self.of_weeks:
            return first + int(match["month"]) - 1 - self._shift, "month"
        if match["place"] and self.of_weeks:
            return first + int(match["place"]) - 1, "month"
        if not match["month"] and not match["place"]:
            return first, "year"
        if self.of_weeks:
            reason = f"a calendar month, but the fiscal months are weeks ({self.pattern})"
        else:
            reason = "a fiscal month of weeks, but the fiscal months are those of the calendar"
            mend += " Or give the calendar of weeks: fiscal_calendar in a scenario, calendar= in Python."
        raise InputError(Problem("scenario", reason, mend, value=label))

    def period(self, label: str) -> Period:
        """Return the period that a label names.

        Raises
        ------
        InputError
            If it names none.
        """
        first, kind = self._read(label)
        return _periods(self, first // _MONTHS_IN[kind], 1, kind)[0]

    def period_of(self, date: object, kind: PeriodKind) -> Period:
        """Return the period that holds a day."""
        return self.period(self.label(date, kind))

    def periods(self, start: object, end: object, kind: PeriodKind) -> list[Period]:
        """List every period touched between two days, both included.

        Raises
        ------
        InputError
            If `end` is before `start`.
        """
        first, last = to_day(start), to_day(end)
        if last < first:
            raise InputError(
                Problem("scenario", f"the range ends before it begins ({first.date()})", value=str(last.date()))
            )
        days = np.array([first.to_datetime64(), last.to_datetime64()]).astype("datetime64[D]").astype(np.int64)
        begin, finish = (int(number) for number in self.month_numbers(days) // _MONTHS_IN[kind])
        return list(_periods(self, begin, finish - begin + 1, kind))

    def year_of(self, label: str) -> str:
        """Return the fiscal year that holds a period."""
        return self._label(self._read(label)[0] // 12, "year")

    def contains(self, outer: str, inner: str) -> bool:
        """Tell whether the period `inner` lies within the period `outer`."""
        (whole, wide), (part, narrow) = self._read(outer), self._read(inner)
        return whole <= part and part + _MONTHS_IN[narrow] <= whole + _MONTHS_IN[wide]


@lru_cache(maxsize=4096)  # the same few periods are asked for thousands of times
def _periods(calendar: FiscalCalendar, first: int, count: int, kind: PeriodKind) -> tuple[Period, ...]:
    """List periods from one on, numbered in periods of their kind."""
    numbers = np.arange(first, first + count + 1, dtype=np.int64)
    starts = calendar.month_starts(numbers * _MONTHS_IN[kind])
    return tuple(
        Period(calendar._label(first + index, kind), _stamp(starts[index]), _stamp(starts[index + 1] - 1))
        for index in range(count)
    )


def _stamp(day: np.int64) -> pd.Timestamp:
    return pd.Timestamp(np.datetime64(int(day), "D")).as_unit("s")
