"""Types of day against a plain reading of the calendar, one day at a time."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.daytypes import DAY_TYPES, day_types
from spmforecast.models.holidays import Holidays, Rule

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
        return "weekend or holiday"
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


def test_a_holiday_is_like_a_weekend_but_for_the_last_day_of_a_month():
    numbers = np.array([(day - dt.date(1970, 1, 1)).days for day in DAYS])
    holidays = Holidays((Rule("date", 5, 1), Rule("date", 12, 29)))
    plain, kept = (day_types(numbers, FiscalCalendar(), *some) for some in ((), (holidays,)))
    other = {DAYS[i].isoformat() for i in np.flatnonzero(plain != kept)}
    # 2023-12-29 is the last weekday of its year, 2024-12-29 a Sunday; in 2025 it is a Monday.
    assert other == {"2023-05-01", "2024-05-01", "2025-05-01", "2025-12-29"}
    assert (kept[plain != kept] == DAY_TYPES.index("weekend or holiday")).all()


def described_in_weeks(day, calendar):
    """Name the type of a day in a calendar of weeks."""
    month, quarter = calendar.period_of(day, "month"), calendar.period_of(day, "quarter")
    place = [period.label for period in calendar.periods(quarter.start, quarter.end, "month")].index(month.label)
    last = month.end.date()
    last_weekday = last
    while last_weekday.weekday() >= 5:
        last_weekday -= ONE
    if day in (last, last_weekday):
        return "quarter end" if place == 2 else "month end"
    if day.weekday() >= 5:
        return "weekend or holiday"
    if place == 2 and (last - day).days < 14:
        return "last two weeks of quarter"
    return f"month {place + 1} of quarter"


@pytest.mark.parametrize(
    "calendar",
    [
        FiscalCalendar(1, "4-4-5"),
        FiscalCalendar(2, "4-5-4", "sunday", "nearest"),
        FiscalCalendar(10, "5-4-4", "friday"),
    ],
)
def test_quarters_of_weeks_peak_where_they_end(calendar):
    numbers = np.array([(day - dt.date(1970, 1, 1)).days for day in DAYS])
    got = [DAY_TYPES[k] for k in day_types(numbers, calendar)]
    assert got == [described_in_weeks(day, calendar) for day in DAYS]
    assert set(got) == set(DAY_TYPES)


def test_a_quarter_of_weeks_ends_on_its_last_friday_and_saturday():
    calendar = FiscalCalendar(1, "4-4-5")
    days = np.array(["2025-06-27", "2025-06-28", "2025-06-30"], dtype="datetime64[D]").astype(np.int64)
    kinds = [DAY_TYPES[k] for k in day_types(days, calendar)]
    assert kinds == ["quarter end", "quarter end", "month 1 of quarter"]
