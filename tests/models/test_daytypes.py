"""Types of day against a plain reading of the calendar, one day at a time."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.daytypes import DAY_TYPES, day_types

FIRST = dt.date(2023, 1, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(3 * 365)]
ONE = dt.timedelta(days=1)


def described(day, year_start):
    """Name the type of a day."""
    last = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - ONE
    last_weekday = last
    while last_weekday.weekday() >= 5:
        last_weekday -= ONE
    place = (day.month - year_start) % 3
    if day in (last, last_weekday):
        return "quarter end" if place == 2 else "month end"
    if day.weekday() >= 5:
        return "weekend"
    if place == 2 and (last - day).days < 14:
        return "last two weeks of quarter"
    return f"month {place + 1} of quarter"


@pytest.mark.parametrize("year_start", [1, 2, 3, 10])
def test_every_day_of_three_years(year_start):
    numbers = np.array([(day - dt.date(1970, 1, 1)).days for day in DAYS])
    got = [DAY_TYPES[k] for k in day_types(numbers, FiscalCalendar(year_start))]
    assert got == [described(day, year_start) for day in DAYS]
    assert set(got) == set(DAY_TYPES)


def test_the_type_of_a_day_does_not_hang_on_the_others():
    numbers = np.arange(19_000, 19_400)
    whole = day_types(numbers, FiscalCalendar())
    np.testing.assert_array_equal([day_types(numbers[i : i + 1], FiscalCalendar())[0] for i in range(400)], whole)
