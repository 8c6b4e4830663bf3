"""Fiscal calendar: years, quarters and months, labelled as the rest of the package speaks of them.

A fiscal year is named by the year in which it ends, as pandas' fiscal frequencies do (``fiscal_year_start=2``
is ``Q-JAN``): a year that begins in February 2025 is ``2026`` and its first quarter ``2026Q1``. Months are
calendar months, ``2025-07``.
"""

from __future__ import annotations

import calendar as _months
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem

__all__ = ["FiscalCalendar", "Period", "PeriodKind", "to_day"]

PeriodKind = Literal["month", "quarter", "year"]

_LABEL = re.compile(r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")


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


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """Fiscal periods of a company whose year begins on the first day of a given month.

    Parameters
    ----------
    year_start : int
        Month (1 to 12) in which the fiscal year begins.

    Raises
    ------
    InputError
        If the month is out of range.
    """

    year_start: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.year_start <= 12:
            raise InputError(
                Problem(
                    "scenario",
                    "the fiscal year must begin in a month from 1 to 12",
                    "Set fiscal_year_start to the month's number.",
                    column="fiscal_year_start",
                    value=str(self.year_start),
                )
            )

    def frequency(self, kind: PeriodKind) -> str:
        """Return pandas' frequency of these periods, for instance ``Q-JAN``."""
        last_month = _months.month_abbr[(self.year_start - 2) % 12 + 1].upper()
        return {"month": "M", "quarter": f"Q-{last_month}", "year": f"Y-{last_month}"}[kind]

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
            ``2025-07``, ``2025Q3`` or ``2025``.
        """
        index = pd.DatetimeIndex(np.asarray(dates, dtype="datetime64[s]"))
        out = np.full(len(index), "", dtype=object)
        known = np.asarray(index.notna())
        if known.any():
            periods = index[known].to_period(self.frequency(kind))
            out[known] = np.asarray(periods.strftime("%Y-%m") if kind == "month" else periods.astype(str), dtype=object)
        return out

    def label(self, date: object, kind: PeriodKind) -> str:
        """Label one day with its period."""
        return str(self.labels([np.datetime64(to_day(date), "s")], kind)[0])

    def kind(self, label: str) -> PeriodKind:
        """Tell whether a label names a month, a quarter or a year.

        Raises
        ------
        InputError
            If it names none of them.
        """
        match = _LABEL.fullmatch(label)
        if match is None:
            raise InputError(
                Problem("scenario", "not a fiscal period", "Write it as 2025Q3, 2025 or 2025-07.", value=label)
            )
        if match["quarter"]:
            return "quarter"
        return "month" if match["month"] else "year"

    def period(self, label: str) -> Period:
        """Return the period that a label names.

        Raises
        ------
        InputError
            If it names none.
        """
        found = pd.Period(label, freq=self.frequency(self.kind(label)))
        return Period(label, found.start_time.as_unit("s"), found.end_time.normalize().as_unit("s"))

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
        span = pd.period_range(first, last, freq=self.frequency(kind))
        named = span.strftime("%Y-%m") if kind == "month" else span.astype(str)
        return [self.period(str(label)) for label in named]

    def year_of(self, label: str) -> str:
        """Return the fiscal year that holds a period."""
        return self.label(self.period(label).start, "year")

    def contains(self, outer: str, inner: str) -> bool:
        """Tell whether the period `inner` lies within the period `outer`."""
        whole, part = self.period(outer), self.period(inner)
        return bool(whole.start <= part.start and part.end <= whole.end)
