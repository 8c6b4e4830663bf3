"""What a day of the calendar does to the company: season, weekends, month ends and the rush before a quarter closes."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from spmforecast.data.example import figures as fig

__all__ = ["Today", "day_number", "iso", "today"]

_EPOCH = dt.date(1970, 1, 1)
_SIGN = (0.070, 0.085, 0.125)  # chance that an agreed deal is signed on a working day, by month of the quarter
_RUSH = (0.85, 0.95, 1.25)  # pace of deals late in their life, likewise


@dataclass(frozen=True, slots=True)
class Today:
    """A day and what it does.

    Parameters
    ----------
    day : int
        Days since 1970-01-01.
    work : float
        How much of a working day it is.
    season : float
        Multiplies creation.
    rush : float
        Multiplies the pace of deals at Proposal and Negotiation.
    sign : float
        Chance that an agreed deal is signed.
    month_end, quarter_end : bool
        Last calendar day of a month, of a quarter.
    years : float
        Since the company's first day.
    """

    day: int
    work: float
    season: float
    rush: float
    sign: float
    month_end: bool
    quarter_end: bool
    years: float


def day_number(date: str) -> int:
    """Return an ISO date as days since 1970-01-01."""
    return (dt.date.fromisoformat(date) - _EPOCH).days


def iso(day: int) -> str:
    """Return days since 1970-01-01 as an ISO date."""
    return (_EPOCH + dt.timedelta(days=int(day))).isoformat()


def today(day: int, start: int) -> Today:
    """Describe a day.

    Parameters
    ----------
    day, start : int
        The day and the company's first one, both since 1970-01-01.

    Returns
    -------
    Today
    """
    date = _EPOCH + dt.timedelta(days=day)
    last = calendar.monthrange(date.year, date.month)[1]
    month = (date.month - 1) % 3
    left = last - date.day
    weekend = date.weekday() >= 5
    holidays = (date.month == 12 and date.day in (24, 25, 26)) or (date.month == 1 and date.day == 1)
    work = 0.08 if weekend or holidays else 1.0
    rush, sign = _RUSH[month], _SIGN[month] * work
    if month == 2 and left < 14:
        rush, sign = 1.5, sign * 1.5
    if left == 0:  # contracts are signed on the last day even where it is a Sunday
        work, sign = max(work, 0.5), 0.42 if month == 2 else 0.24
    return Today(
        day=day,
        work=work,
        season=float(fig.SEASON[date.month - 1]) * (1.35 * work if work == 1.0 else work),
        rush=rush,
        sign=sign,
        month_end=left == 0,
        quarter_end=left == 0 and month == 2,
        years=(day - start) / 365.25,
    )
