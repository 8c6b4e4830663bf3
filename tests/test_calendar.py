"""Fiscal calendar against pandas' fiscal frequencies and plain arithmetic."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spmforecast.calendar import FiscalCalendar, to_day
from spmforecast.errors import InputError

DATES = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
STARTS = st.integers(1, 12)


@given(date=DATES, start=STARTS)
def test_labels_follow_the_months_of_the_fiscal_year(date, start):
    calendar = FiscalCalendar(start)
    place = (date.month - start) % 12
    year = date.year + (1 if start > 1 and date.month >= start else 0)
    assert calendar.label(date, "year") == str(year)
    assert calendar.label(date, "quarter") == f"{year}Q{place // 3 + 1}"
    assert calendar.label(date, "month") == f"{date.year}-{date.month:02d}"


@given(date=DATES, start=STARTS, kind=st.sampled_from(["month", "quarter", "year"]))
def test_a_period_holds_its_days_and_no_others(date, start, kind):
    calendar = FiscalCalendar(start)
    period = calendar.period_of(date, kind)
    assert period.start <= pd.Timestamp(date) <= period.end
    assert period.days == (period.end - period.start).days + 1
    label = calendar.label(date, kind)
    assert calendar.label(period.start, kind) == calendar.label(period.end, kind) == period.label == label
    assert calendar.label(period.start - pd.Timedelta(days=1), kind) != label
    assert calendar.label(period.end + pd.Timedelta(days=1), kind) != label
    assert calendar.kind(label) == kind
    assert calendar.period(label) == period


def test_the_contracts_example():
    calendar = FiscalCalendar(2)
    assert calendar.frequency("quarter") == "Q-JAN"
    assert calendar.frequency("year") == "Y-JAN"
    assert calendar.label("2025-02-01", "quarter") == "2026Q1"
    assert calendar.label("2025-01-31", "quarter") == "2025Q4"
    assert calendar.year_of("2026Q1") == "2026"
    assert calendar.year_of("2025-01") == "2025"
    assert FiscalCalendar().frequency("quarter") == "Q-DEC"
    assert FiscalCalendar().frequency("month") == "M"


def test_missing_dates_have_no_label():
    dates = np.array(["2025-07-01", "NaT", "2025-12-31"], dtype="datetime64[D]")
    assert FiscalCalendar().labels(dates, "quarter").tolist() == ["2025Q3", "", "2025Q4"]
    assert FiscalCalendar().labels(dates, "month").tolist() == ["2025-07", "", "2025-12"]
    assert FiscalCalendar().labels([], "year").tolist() == []


@given(first=DATES, length=st.integers(0, 900), start=STARTS, kind=st.sampled_from(["month", "quarter", "year"]))
def test_periods_cover_a_range_without_gaps(first, length, start, kind):
    last = first + dt.timedelta(days=length)
    got = FiscalCalendar(start).periods(first, last, kind)
    assert got[0].start <= pd.Timestamp(first) <= got[0].end
    assert got[-1].start <= pd.Timestamp(last) <= got[-1].end
    for earlier, later in itertools.pairwise(got):
        assert later.start - earlier.end == pd.Timedelta(days=1)


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(InputError, match=r"ends before it begins \(2025-07-02\)"):
        FiscalCalendar().periods("2025-07-02", "2025-07-01", "month")


def test_years_hold_quarters_hold_months():
    calendar = FiscalCalendar(2)
    assert calendar.contains("2026", "2026Q1")
    assert calendar.contains("2026", "2025-02")
    assert calendar.contains("2026Q4", "2026-01")
    assert calendar.contains("2026Q1", "2026Q1")
    assert not calendar.contains("2026Q1", "2026")
    assert not calendar.contains("2026", "2025-01")
    assert not calendar.contains("2025", "2026Q1")


@pytest.mark.parametrize(
    "label", ["", "2025Q5", "2025Q0", "2025-13", "2025-7", "Q3 2025", "25Q3", "2025Q3 ", "2025-07-01"]
)
def test_what_names_no_period_is_refused(label):
    with pytest.raises(InputError, match=r"not a fiscal period"):
        FiscalCalendar().kind(label)
    with pytest.raises(InputError, match=r"not a fiscal period"):
        FiscalCalendar().period(label)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_year_begins_in_a_month_there_is(month):
    with pytest.raises(InputError, match=r"month from 1 to 12") as caught:
        FiscalCalendar(month)
    assert caught.value.problems[0].column == "fiscal_year_start"


@pytest.mark.parametrize(
    "date",
    [
        "2025-07-03",
        "2025-07-03T23:59:59",
        dt.date(2025, 7, 3),
        dt.datetime(2025, 7, 3, 5),
        pd.Timestamp("2025-07-03 12:00+09:00"),
    ],
)
def test_whatever_names_a_day_becomes_that_day(date):
    day = to_day(date)
    assert day == pd.Timestamp("2025-07-03")
    assert day.tzinfo is None
    assert day.unit == "s"


@pytest.mark.parametrize("date", ["soon", None, pd.NaT, "2025-02-30", {}])
def test_what_is_no_date_is_refused(date):
    with pytest.raises(InputError, match=r"not a date.*YYYY-MM-DD"):
        to_day(date)
