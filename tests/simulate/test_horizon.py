"""The time to come: days, periods, weights of the months, and horizons that cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError
from spmforecast.simulate.horizon import build_horizon

CALENDAR = FiscalCalendar()


def horizon(as_of="2025-02-10", until="2025-09-30", kind="quarter", calendar=CALENDAR):
    return build_horizon(pd.Timestamp(as_of), until, kind, calendar)


def test_days_run_from_the_day_after_to_the_end():
    got = horizon()
    days = got.days.astype("datetime64[D]")
    assert (str(days[0]), str(days[-1])) == ("2025-02-11", "2025-09-30")
    assert (np.diff(got.days) == 1).all()
    assert got.labels == ["2025Q1", "2025Q2", "2025Q3"]
    assert got.past == ()


def test_each_day_lies_in_its_own_period():
    got = horizon()
    labels = CALENDAR.labels(got.days.astype("datetime64[D]"), "quarter")
    assert [got.labels[c] for c in got.cell] == labels.tolist()


def test_closed_periods_of_the_fiscal_year_are_past():
    assert [p.label for p in horizon("2025-08-10", "2025-12-31").past] == ["2025Q1", "2025Q2"]
    ended = horizon("2025-06-30", "2025-12-31")
    assert [p.label for p in ended.past] == ["2025Q1", "2025Q2"]
    assert ended.labels == ["2025Q3", "2025Q4"]
    fiscal = horizon("2025-08-10", "2026-01-31", calendar=FiscalCalendar(2))
    assert [p.label for p in fiscal.past] == ["2026Q1", "2026Q2"]
    assert fiscal.labels == ["2026Q3", "2026Q4"]


def test_month_and_year_periods():
    assert horizon(until="2025-04-30", kind="month").labels == ["2025-02", "2025-03", "2025-04"]
    assert horizon(until="2026-12-31", kind="year").labels == ["2025", "2026"]


def test_months_are_numbered_within_their_fiscal_quarter():
    assert horizon(until="2025-07-31", kind="month").months_of_quarter().tolist() == [1, 2, 0, 1, 2, 0]
    from_february = horizon(until="2025-07-31", kind="month", calendar=FiscalCalendar(2))
    assert from_february.months_of_quarter().tolist() == [0, 1, 2, 0, 1, 2]
    of_weeks = FiscalCalendar(1, "4-4-5")
    until = of_weeks.period_of("2025-08-15", "month").end
    told = horizon(until=until, kind="month", calendar=of_weeks).months_of_quarter()
    assert (np.diff(told) % 3 == 1).all()


@pytest.mark.parametrize(("until", "kind"), [("2025-12-31", "quarter"), ("2026-12-31", "year")])
def test_longer_periods_are_no_months_of_a_quarter(until, kind):
    assert not horizon(until=until, kind=kind).months_of_quarter().any()


def test_month_shares_count_the_days_of_each_month():
    got = horizon(until="2025-06-30").month_shares()
    assert got.shape == (2, 5)
    np.testing.assert_allclose(got[0], np.array([18, 31, 0, 0, 0]) / 49)
    np.testing.assert_allclose(got[1], np.array([0, 0, 30, 31, 30]) / 91)


def test_months_lived_weigh_one_from_the_cohort_on():
    got = horizon(until="2025-12-31")
    lived, shares = got.lived(), got.month_shares()
    count = len(got.periods)
    assert lived.shape == (count, count, shares.shape[1])
    assert (lived >= 0).all()
    total = lived.sum(axis=2)
    np.testing.assert_allclose(total, np.triu(np.ones((count, count))))
    # Created in the middle of its period and won in the middle of another: the ends count half.
    np.testing.assert_allclose(lived[0, 2], (0.5 * shares[0] + shares[1] + 0.5 * shares[2]) / 2)
    np.testing.assert_allclose(lived[1, 1], shares[1])
    # Nothing before the cohort's own period, nothing after the period asked about.
    for cohort in range(count):
        for period in range(cohort, count):
            reach = (shares[cohort : period + 1] > 0).any(axis=0)
            assert (lived[cohort, period][~reach] == 0).all()


@pytest.mark.parametrize("until", ["2025-02-10", "2024-12-31"])
def test_end_must_come_after_the_as_of_date(until):
    with pytest.raises(InputError, match=r"must end after as_of \(2025-02-10\).*For instance 2025-03-31"):
        horizon(until=until)


@pytest.mark.parametrize(
    ("until", "kind", "instead"), [("2025-05-31", "quarter", "2025-06-30"), ("2025-05-30", "month", "2025-05-31")]
)
def test_end_must_close_a_period(until, kind, instead):
    with pytest.raises(InputError, match=f"last day of a {kind}.*{instead}") as caught:
        horizon(until=until, kind=kind)
    assert caught.value.problems[0].column == "until"


def test_a_horizon_of_more_months_than_can_be_counted_is_refused():
    with pytest.raises(InputError, match=r"more than 255 periods \(256\).*longer periods"):
        horizon(until="2046-05-31", kind="month")
    assert len(horizon(until="2046-04-30", kind="month").periods) == 255


def test_end_must_be_a_date():
    with pytest.raises(InputError, match="not a date"):
        horizon(until="next year")


WEEKS = FiscalCalendar(1, "4-4-5")


def test_a_horizon_of_weeks_ends_when_a_fiscal_quarter_does():
    got = horizon("2025-06-28", "2025-12-27", calendar=WEEKS)
    assert got.labels == ["2025Q3", "2025Q4"]
    assert [p.label for p in got.past] == ["2025Q1", "2025Q2"]
    assert np.bincount(got.cell).tolist() == [91, 91]
    months = horizon("2025-06-28", "2025-09-27", kind="month", calendar=WEEKS)
    assert months.labels == ["2025P07", "2025P08", "2025P09"]
    assert np.bincount(months.cell).tolist() == [28, 28, 35]
    with pytest.raises(InputError, match=r"last day of a quarter.*2026-03-28"):
        horizon("2025-06-28", "2025-12-31", calendar=WEEKS)


def test_the_market_moves_by_fiscal_months_in_a_calendar_of_weeks():
    got = horizon("2025-06-28", "2025-12-27", calendar=WEEKS).month_shares()
    np.testing.assert_allclose(got, np.array([[4, 4, 5, 0, 0, 0], [0, 0, 0, 4, 4, 5]]) / 13)
