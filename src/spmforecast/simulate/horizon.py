"""The time to come: the days from the as-of date to the end, and the periods they fall into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import MOST_PERIODS, FiscalCalendar, Period, PeriodKind, to_day
from spmforecast.errors import InputError, Problem
from spmforecast.models.creation import month_of

__all__ = ["Horizon", "build_horizon"]

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Horizon:
    """Days and periods to be simulated.

    Parameters
    ----------
    days : array of int, shape (days,)
        Day numbers, the first after the as-of date.
    cell : array of int, shape (days,)
        Position of each day's period among `periods`.
    periods : tuple of Period
        Periods touched by the days.
    past : tuple of Period
        Earlier periods of the fiscal year that holds the as-of date.
    calendar : FiscalCalendar
        Decides the months by which the market moves.
    """

    days: Ints
    cell: Ints
    periods: tuple[Period, ...]
    past: tuple[Period, ...]
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)

    @property
    def labels(self) -> list[str]:
        """Labels of the periods to come."""
        return [period.label for period in self.periods]

    def month_shares(self) -> Array:
        """Share of each month to come in each period, shape (periods, months)."""
        month = month_of(self.days, self.calendar)
        out = np.zeros((len(self.periods), int(month[-1] - month[0]) + 1))
        np.add.at(out, (self.cell, month - month[0]), 1.0)
        return np.asarray(out / out.sum(axis=1, keepdims=True))

    def months_of_quarter(self) -> Ints:
        """Month of its quarter (0 to 2) that each period is; all zeros where periods are no months."""
        month = self.calendar.month_numbers(self.days)
        begins = np.searchsorted(self.cell, np.arange(len(self.periods)))
        months = len(self.periods) > 1 and len(np.unique(month)) == len(self.periods)
        return month[begins] % 3 if months else np.zeros_like(begins)

    def lived(self) -> Array:
        """Months that a deal created in a cohort (a period) has lived through by the end of each period.

        Returns
        -------
        array of float, shape (cohorts, periods, months)
            Averaging weights that sum to one over months wherever the period is not before the cohort; a deal is
            taken as created, and won, in the middle of its period.
        """
        shares = self.month_shares()
        count = len(self.periods)
        out = np.zeros((count, count, shares.shape[1]))
        for cohort in range(count):
            for period in range(cohort, count):
                span = shares[cohort : period + 1].sum(axis=0) - 0.5 * (shares[cohort] + shares[period])
                out[cohort, period] = span / span.sum() if span.sum() > 0 else shares[period]
        return out


def build_horizon(as_of: pd.Timestamp, until: object, kind: PeriodKind, calendar: FiscalCalendar) -> Horizon:
    """Lay out the days from the day after `as_of` to the end of the period that holds `until`.

    Parameters
    ----------
    as_of : pandas.Timestamp
        The last day known.
    until : date-like
        Ends a period.
    kind : {"month", "quarter", "year"}
        Length of the periods.
    calendar : FiscalCalendar
        The fiscal year.

    Returns
    -------
    Horizon

    Raises
    ------
    InputError
        If there is no such `kind`, or `until` is not after `as_of`, does not end a period or lies more than 255 periods
        ahead.
    """
    if kind not in get_args(PeriodKind):
        mend = f"Use one of: {', '.join(get_args(PeriodKind))}."
        raise InputError(Problem("scenario", "no such length of a period", mend, column="period", value=str(kind)))
    last = to_day(until)
    if last <= as_of:
        raise _wrong_end(f"the horizon must end after as_of ({as_of.date()})", last, calendar, as_of, kind)
    closing = calendar.period_of(last, kind).end
    if closing != last:
        raise _wrong_end(f"until must be the last day of a {kind}", last, calendar, last, kind)
    first = as_of + pd.Timedelta(days=1)
    periods = tuple(calendar.periods(first, last, kind))
    if len(periods) > MOST_PERIODS:
        told, mend = (
            f"more than {MOST_PERIODS} periods ({len(periods)})",
            "End it earlier, or count in longer periods.",
        )
        raise InputError(Problem("scenario", told, mend, column="until", value=str(last.date())))
    days = np.arange(_number(first), _number(last) + 1)
    ends = np.array([_number(period.end) for period in periods])
    year = calendar.period_of(as_of, "year")
    past = tuple(period for period in calendar.periods(year.start, year.end, kind) if period.end <= as_of)
    return Horizon(days, np.searchsorted(ends, days), periods, past, calendar)


def _wrong_end(
    reason: str, last: pd.Timestamp, calendar: FiscalCalendar, near: pd.Timestamp, kind: PeriodKind
) -> InputError:
    mend = f"For instance {calendar.period_of(near + pd.Timedelta(days=1), kind).end.date()}."
    return InputError(Problem("scenario", reason, mend, column="until", value=str(last.date())))


def _number(day: pd.Timestamp) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))
