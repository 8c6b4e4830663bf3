"""Fiscal calendars of weeks: published calendars, and what must hold of every one of them."""

from __future__ import annotations

import calendar as plain
import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.calendar import FiscalCalendar, calendar_of
from spmforecast.errors import InputError

ONE = dt.timedelta(days=1)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PATTERNS = ("4-4-5", "4-5-4", "5-4-4")
DATES = st.dates(dt.date(1960, 1, 1), dt.date(2080, 12, 31))
KINDS = st.sampled_from(["month", "quarter", "year"])
CALENDARS = st.builds(
    FiscalCalendar,
    st.integers(1, 12),
    st.sampled_from(PATTERNS),
    st.sampled_from(DAYS),
    st.sampled_from(["last", "nearest"]),
)
RETAIL = FiscalCalendar(2, "4-5-4", "saturday", "nearest")
SEPTEMBER = FiscalCalendar(10, "4-4-5", "saturday", "last")


def span(calendar, label):
    period = calendar.period(label)
    return str(period.start.date()), str(period.end.date())


def year_end(calendar, year):
    """Find the last day of a fiscal year by looking at one day after the other."""
    month = (calendar.year_start - 2) % 12 + 1
    last = dt.date(year, month, plain.monthrange(year, month)[1])
    near = [last + n * ONE for n in (range(-6, 1) if calendar.ends == "last" else range(-3, 4))]
    (found,) = [day for day in near if DAYS[day.weekday()] == calendar.weekday]
    return found


@pytest.mark.parametrize(
    ("label", "first", "last", "weeks"),
    [
        # The National Retail Federation names these years 2012, 2017, 2022, 2023 and 2024, by their beginning.
        ("2013", "2012-01-29", "2013-02-02", 53),
        ("2018", "2017-01-29", "2018-02-03", 53),
        ("2023", "2022-01-30", "2023-01-28", 52),
        ("2024", "2023-01-29", "2024-02-03", 53),
        ("2025", "2024-02-04", "2025-02-01", 52),
        ("2026", "2025-02-02", "2026-01-31", 52),
    ],
)
def test_the_retail_calendar(label, first, last, weeks):
    assert span(RETAIL, label) == (first, last)
    assert RETAIL.period(label).days == 7 * weeks


def test_the_retail_calendar_has_long_years_where_the_federation_says():
    years = range(2001, 2025)  # its fiscal 2000 to 2023
    assert [year for year in years if RETAIL.period(str(year)).days == 371] == [2001, 2007, 2013, 2018, 2024]


def test_months_and_quarters_of_the_retail_calendar():
    assert span(RETAIL, "2025P01") == ("2024-02-04", "2024-03-02")  # February, 4 weeks
    assert span(RETAIL, "2025P02") == ("2024-03-03", "2024-04-06")  # March, 5 weeks
    assert span(RETAIL, "2025P03") == ("2024-04-07", "2024-05-04")  # April, 4 weeks
    assert span(RETAIL, "2025Q1") == ("2024-02-04", "2024-05-04")
    assert span(RETAIL, "2025Q4") == ("2024-11-03", "2025-02-01")
    assert span(RETAIL, "2024P12") == ("2023-12-31", "2024-02-03")  # the 53rd week
    assert span(RETAIL, "2024Q4") == ("2023-10-29", "2024-02-03")


@pytest.mark.parametrize(
    ("label", "first", "last", "weeks"),
    [
        ("2017", "2016-09-25", "2017-09-30", 53),
        ("2023", "2022-09-25", "2023-09-30", 53),
        ("2024", "2023-10-01", "2024-09-28", 52),
        ("2025", "2024-09-29", "2025-09-27", 52),
    ],
)
def test_years_that_end_on_the_last_saturday_of_september(label, first, last, weeks):
    assert span(SEPTEMBER, label) == (first, last)
    assert SEPTEMBER.period(label).days == 7 * weeks


def test_a_year_is_named_by_its_nominal_last_month_even_where_it_ends_in_the_next():
    december = FiscalCalendar(1, "4-4-5", "saturday", "nearest")
    assert span(december, "2025") == ("2024-12-29", "2026-01-03")
    assert december.label("2026-01-03", "year") == "2025"
    assert december.label("2026-01-03", "month") == "2025P12"
    assert december.label("2026-01-04", "quarter") == "2026Q1"
    assert FiscalCalendar(1, "4-4-5").label("2025-12-28", "year") == "2026"


@given(calendar=CALENDARS, date=DATES)
def test_years_end_where_a_walk_through_the_days_says(calendar, date):
    label = calendar.label(date, "year")
    period = calendar.period(label)
    assert period.end.date() == year_end(calendar, int(label))
    assert period.start.date() == year_end(calendar, int(label) - 1) + ONE
    assert period.start.date() <= date <= period.end.date()
    assert period.days in (364, 371)


@given(calendar=CALENDARS, date=DATES)
def test_quarters_have_13_weeks_but_the_last_of_a_long_year(calendar, date):
    year = calendar.period_of(date, "year")
    weeks = [period.days / 7 for period in calendar.periods(year.start, year.end, "quarter")]
    assert weeks == [13, 13, 13, 14 if year.days == 371 else 13]
    months = [period.days // 7 for period in calendar.periods(year.start, year.end, "month")]
    wanted = [int(n) for n in calendar.pattern.split("-")] * 4
    wanted[-1] += year.days == 371
    assert months == wanted


@given(calendar=CALENDARS, date=DATES, kind=KINDS)
def test_a_period_holds_its_days_and_no_others(calendar, date, kind):
    period = calendar.period_of(date, kind)
    assert period.start <= pd.Timestamp(date) <= period.end
    assert calendar.label(period.start, kind) == calendar.label(period.end, kind) == period.label
    assert calendar.label(period.start - pd.Timedelta(days=1), kind) != period.label
    assert calendar.label(period.end + pd.Timedelta(days=1), kind) != period.label
    assert calendar.kind(period.label) == kind
    assert calendar.period(period.label) == period
    assert period.end.day_name().lower() == calendar.weekday


@given(calendar=CALENDARS, first=DATES, length=st.integers(0, 1200), kind=KINDS)
def test_periods_tile_a_range_without_gap_or_overlap(calendar, first, length, kind):
    last = first + dt.timedelta(days=length)
    got = calendar.periods(first, last, kind)
    assert got[0].start <= pd.Timestamp(first) <= got[0].end
    assert got[-1].start <= pd.Timestamp(last) <= got[-1].end
    assert len({period.label for period in got}) == len(got)
    for earlier, later in itertools.pairwise(got):
        assert later.start - earlier.end == pd.Timedelta(days=1)


@given(calendar=CALENDARS, date=DATES)
def test_years_hold_quarters_hold_months(calendar, date):
    year, quarter, month = (calendar.label(date, kind) for kind in ("year", "quarter", "month"))
    assert calendar.contains(year, quarter)
    assert calendar.contains(quarter, month)
    assert not calendar.contains(month, quarter)
    assert not calendar.contains(str(int(year) + 1), month)
    assert calendar.year_of(month) == calendar.year_of(quarter) == year


@given(calendar=CALENDARS, numbers=st.lists(st.integers(12 * 1900, 12 * 2100), min_size=1, max_size=40))
def test_month_numbers_and_starts_undo_each_other(calendar, numbers):
    numbers = np.array(numbers, dtype=np.int64)
    starts = calendar.month_starts(numbers)
    np.testing.assert_array_equal(calendar.month_numbers(starts), numbers)
    np.testing.assert_array_equal(calendar.month_numbers(starts - 1), numbers - 1)


@given(calendar=CALENDARS, dates=st.lists(st.none() | DATES, max_size=30), kind=KINDS)
def test_many_labels_are_those_of_each_day(calendar, dates, kind):
    got = calendar.labels(np.array(dates, dtype="datetime64[s]"), kind)
    assert got.tolist() == ["" if date is None else calendar.label(date, kind) for date in dates]


def test_no_days_have_no_months():
    assert SEPTEMBER.month_numbers(np.array([], dtype=np.int64)).shape == (0,)


@pytest.mark.parametrize("calendar", [FiscalCalendar(), FiscalCalendar(2), RETAIL, SEPTEMBER])
@pytest.mark.parametrize("label", ["2025Q5", "2025P00", "2025P13", "2025P7", "2025P07 ", "P07", "0000", "２０２５"])
def test_what_names_no_period_is_refused(calendar, label):
    with pytest.raises(InputError, match="not a fiscal period"):
        calendar.period(label)


def test_a_month_of_the_other_kind_is_refused_and_the_right_form_named():
    with pytest.raises(InputError, match=r"a calendar month, but .* weeks \(4-4-5\).*Write it as .*2025P07") as caught:
        SEPTEMBER.kind("2025-07")
    assert caught.value.problems[0].value == "2025-07"
    with pytest.raises(InputError, match=r"fiscal month of weeks.*Write it as .*2025-07.*fiscal_calendar"):
        FiscalCalendar().period("2025P07")


def test_pandas_has_no_frequency_for_weeks():
    with pytest.raises(InputError, match="no frequency for fiscal weeks"):
        RETAIL.frequency("quarter")


def test_everything_that_is_no_calendar_is_named_at_once():
    with pytest.raises(InputError, match="month from 1 to 12") as caught:
        FiscalCalendar(0, "4-4-4", "someday", "first")
    assert [problem.column for problem in caught.value.problems] == [
        "fiscal_year_start",
        "fiscal_calendar.pattern",
        "fiscal_calendar.weekday",
        "fiscal_calendar.ends",
    ]
    assert "4-4-5" in caught.value.problems[1].mend


def test_a_calendar_describes_what_has_an_effect():
    assert RETAIL.describe() == {"year_start": 2, "pattern": "4-5-4", "weekday": "saturday", "ends": "nearest"}
    assert FiscalCalendar(4, weekday="friday").describe() == {"year_start": 4, "pattern": "months"}


def test_a_whole_calendar_or_its_first_month_may_be_given_but_not_two_years():
    assert calendar_of() == FiscalCalendar()
    assert calendar_of(4) == FiscalCalendar(4)
    assert calendar_of(calendar=RETAIL) is calendar_of(2, RETAIL) is RETAIL
    with pytest.raises(InputError, match=r"begins its year in month 2.*alone"):
        calendar_of(4, RETAIL)
