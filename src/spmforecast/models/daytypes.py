"""Types of day: the calendar rhythm of closing (weekends and holidays, month ends, the rush at a quarter's end).

Months and quarters are the fiscal ones: in a calendar of weeks they end when its own periods do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.holidays import NO_HOLIDAYS, Holidays

__all__ = ["DAY_TYPES", "day_types", "ordinary"]

DAY_TYPES: tuple[str, ...] = (
    "weekend or holiday",
    "month 1 of quarter",
    "month 2 of quarter",
    "month 3 of quarter",
    "last two weeks of quarter",
    "month end",
    "quarter end",
)

_RUSH_DAYS = 14


def day_types(
    days: npt.NDArray[np.int64], calendar: FiscalCalendar, holidays: Holidays = NO_HOLIDAYS
) -> npt.NDArray[np.int64]:
    """Classify days; the last day of a month and the last weeks of a quarter are two effects, not one.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day numbers since 1970-01-01.
    calendar : FiscalCalendar
        Decides the months and quarters.
    holidays : Holidays, optional
        Days like those of a weekend; a month's end stays one.

    Returns
    -------
    array of int, shape (n,)
        Index into :data:`DAY_TYPES`. A month ends on its last day and on its last weekday.
    """
    index = pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[s]"))
    month = calendar.month_numbers(days)
    of_quarter = month % 3
    weekend = np.asarray(index.day_of_week) >= 5
    to_end = calendar.month_starts(month + 1) - 1 - days
    last_weekday = ~weekend & (_weekdays_left(index, to_end) == 0)
    out = of_quarter + 1
    out[(of_quarter == 2) & (to_end < _RUSH_DAYS)] = 4
    out[weekend | holidays.on(days)] = 0
    ends = (to_end == 0) | last_weekday
    out[ends] = np.where(of_quarter[ends] == 2, 6, 5)
    return out.astype(np.int64)


def ordinary(kind: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which types of day are those of weekdays on which no month ends."""
    return np.asarray((kind > 0) & (kind < DAY_TYPES.index("month end")))


def _weekdays_left(index: pd.DatetimeIndex, to_end: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count the weekdays that follow a weekday within its month, as far as it decides whether there are any."""
    weekday = np.asarray(index.day_of_week)
    # From a weekday, the days up to Saturday are weekdays; anything past Sunday holds a weekday again.
    before_weekend = np.minimum(np.maximum(4 - weekday, 0), to_end)
    past_weekend = np.maximum(to_end - (6 - weekday), 0)
    return np.asarray(before_weekend + past_weekend, dtype=np.int64)
