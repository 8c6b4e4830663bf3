"""A year's amount over its quarters or months, by the season that the past shows; every sum exact."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar, PeriodKind
from spmforecast.errors import InputError, Problem
from spmforecast.plan.rounding import largest_remainder

__all__ = ["learn_season", "phase", "round_shares", "season_shares"]

Array = npt.NDArray[np.float64]


def season_shares(history: npt.ArrayLike, pooled: bool = False) -> Array:
    """Average the shares that each period had of its year.

    Parameters
    ----------
    history : array-like of float, shape (years, periods)
        Bookings of whole years.
    pooled : bool
        Divide sums over all years instead, so that large years weigh more.

    Returns
    -------
    array of float, shape (periods,)
        Shares that sum to 1 up to floating point (see :func:`round_shares`).

    Raises
    ------
    InputError
        If amounts are missing or negative, or a year has none.
    """
    amounts = np.atleast_2d(np.asarray(history, dtype=np.float64))
    if not amounts.size or not np.isfinite(amounts).all() or (amounts < 0).any() or (amounts.sum(axis=1) <= 0).any():
        told = "each year needs amounts of at least 0, not all 0"
        raise InputError(Problem("phasing", told, "Leave out years that are not whole.", column="history"))
    if pooled:
        return np.asarray(amounts.sum(axis=0) / amounts.sum())
    return np.asarray((amounts / amounts.sum(axis=1, keepdims=True)).mean(axis=0))


def learn_season(
    dates: npt.ArrayLike, amounts: npt.ArrayLike, calendar: FiscalCalendar, kind: PeriodKind = "quarter"
) -> Array:
    """Learn the season from dated bookings: the whole fiscal years between the first and the last of them.

    Parameters
    ----------
    dates : array-like of datetime64, shape (n,)
        Days of the bookings.
    amounts : array-like of float, shape (n,)
        Bookings; cancellations are negative.
    calendar : FiscalCalendar
        Decides on years and periods.
    kind : {"quarter", "month"}
        Periods within the year.

    Returns
    -------
    array of float, shape (4,) or (12,)
        Mean of the yearly shares.

    Raises
    ------
    InputError
        If no fiscal year is whole, or one has no bookings.
    """
    days = pd.DatetimeIndex(np.asarray(dates, dtype="datetime64[s]"))
    if len(days):
        years = calendar.periods(days.min(), days.max(), "year")
        # The first days and the last ones of a year may be quiet: a week's grace at both ends.
        grace = pd.Timedelta(days=7)
        years = [one for one in years if one.start >= days.min() - grace and one.end <= days.max() + grace]
    if not len(days) or not years:
        told = "no fiscal year is whole in the record"
        raise InputError(Problem("phasing", told, "Give shares, or a longer history.", column="dates"))
    label = calendar.labels(np.asarray(days), kind)
    total = pd.Series(np.asarray(amounts, dtype=np.float64)).groupby(label).sum()
    table = [[float(total.get(p.label, 0.0)) for p in calendar.periods(y.start, y.end, kind)] for y in years]
    return season_shares(np.maximum(table, 0.0))


def round_shares(shares: npt.ArrayLike, digits: int = 4) -> tuple[Decimal, ...]:
    """Round shares to some digits so that they sum to 1 exactly (largest remainder)."""
    step = Fraction(1, 10**digits)
    found = largest_remainder(_shares(shares), 1, step, lower=0)
    return tuple(Decimal(count) / 10**digits for count in found.multiples)


def phase(amount: float | Decimal, shares: npt.ArrayLike, step: float | Decimal = 0.01) -> tuple[Decimal, ...]:
    """Split an amount over periods so that they sum to it exactly.

    Parameters
    ----------
    amount : number
        Amount of the year, in cents.
    shares : array-like of float, shape (periods,)
        Shares of at least 0; they are scaled to sum to 1.
    step : number
        Periods become whole multiples of it; what no step holds goes to the period with the largest share.

    Returns
    -------
    tuple of Decimal
        One amount for each period.

    Raises
    ------
    InputError
        If shares are negative or all 0, or the step is not positive.
    """
    part, whole = _shares(shares), Fraction(str(amount))
    rounded = largest_remainder([share * whole for share in part], whole, step, lower=0, residual="declare")
    exact = [count * rounded.step for count in rounded.multiples]
    exact[part.index(max(part))] += rounded.residual
    return tuple(Decimal(value.numerator) / Decimal(value.denominator) for value in exact)


def _shares(shares: npt.ArrayLike) -> list[Fraction]:
    values: Sequence[float] = np.asarray(shares, dtype=np.float64).tolist()
    if not values or not all(np.isfinite(value) and value >= 0 for value in values) or not sum(values) > 0:
        told = "shares must be at least 0 and not all 0"
        raise InputError(Problem("phasing", told, column="shares", value=str(list(values))))
    exact = [Fraction(str(value)) for value in values]
    return [value / sum(exact) for value in exact]
