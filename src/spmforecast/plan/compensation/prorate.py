"""Quotas and target incentives of reps who come or go within a period."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pandas as pd

from spmforecast.calendar import to_day
from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.cents import half_up, money

__all__ = ["active_share", "prorate"]


def prorate(
    amount: float | Decimal | str,
    start: object,
    end: object,
    hired: object | None = None,
    left: object | None = None,
) -> Decimal:
    """Return the part of an amount that falls on the calendar days on which a rep was there, to the cent, half up.

    Parameters
    ----------
    amount : number
        Quota or target incentive of the whole period.
    start, end : date-like
        First and last day of the period.
    hired, left : date-like, optional
        First and last day of the rep.

    Returns
    -------
    Decimal

    Raises
    ------
    InputError
        If the period ends before it begins.
    """
    return money(half_up(Fraction(Decimal(str(amount))) * 100 * active_share(start, end, hired, left)))


def active_share(start: object, end: object, hired: object | None = None, left: object | None = None) -> Fraction:
    """Return the share of a period's calendar days on which a rep was there (see :func:`prorate`)."""
    first, last = to_day(start), to_day(end)
    if last < first:
        raise InputError(Problem("period", "ends before it begins", "Give a later end.", value=str(end)))
    here = first if hired is None else max(first, to_day(hired))
    gone = last if left is None else min(last, to_day(left))
    return Fraction(max(_days(here, gone), 0), _days(first, last))


def _days(first: pd.Timestamp, last: pd.Timestamp) -> int:
    return int((last - first).days) + 1
