"""Types of day: the calendar rhythm of closing (weekends, month ends, the rush at the end of the quarter).

Months and quarters are the fiscal ones: in a calendar of weeks they end when its own periods do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar

__all__ = ["DAY_TYPES", "day_types"]

DAY_TYPES: tuple[str, ...] = (
    "weekend",
    "month 1 of quarter",
    "month 2 of quarter",
    "month 3 of quarter",
    "last two weeks of quarter",
    "month end",
    "quarter end",
)

_RUSH_DAYS = 14


def day_types(days: npt.NDArray[np.int64], calendar: FiscalCalendar) -> npt.NDArray[np.int64]:
    """Classify days; the last day of a month and the last weeks of a quarter are two effects, not one.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day numbers since 1970-01-01.
    calendar : FiscalCalendar
        Decides the months and quarters.

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
    out = np.where(weekend, 0, of_quarter + 1)
    out[(of_quarter == 2) & (to_end < _RUSH_DAYS) & ~weekend] = 4
    ends = (to_end == 0) | last_weekday
    out[ends] = np.where(of_quarter[ends] == 2, 6, 5)
    return out.astype(np.int64)


def _weekdays_left(index: pd.DatetimeIndex, to_end: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count the weekdays that follow a weekday within its month, as far as it decides whether there are any."""
    weekday = np.asarray(index.day_of_week)
    # From a weekday, the days up to Saturday are weekdays; anything past Sunday holds a weekday again.
    before_weekend = np.minimum(np.maximum(4 - weekday, 0), to_end)
    past_weekend = np.maximum(to_end - (6 - weekday), 0)
    return np.asarray(before_weekend + past_weekend, dtype=np.int64)
