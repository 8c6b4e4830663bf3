"""Periods of a scenario: those that the data name and its calendar does not have, and the dates of those it answers."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from spmforecast.calendar import FiscalCalendar, to_day
from spmforecast.data import TABLES, History
from spmforecast.errors import InputError, Problem
from spmforecast.simulate import Forecast

__all__ = ["period_dates", "wrong_periods"]

_LABELLED = ("quotas", "submissions")


def wrong_periods(history: History, calendar: FiscalCalendar, as_of: object) -> list[Problem]:
    """Name the periods of quotas and known submissions that a fiscal calendar does not have; a plan checks its own.

    Parameters
    ----------
    history : History
        The record.
    calendar : FiscalCalendar
        The scenario's.
    as_of : date-like
        Submissions of later days are not looked at.

    Returns
    -------
    list of Problem
        One for each table and reason, with the first label and the number of rows.
    """
    problems = []
    for table in _LABELLED:
        frame, dated_by = history.table(table), TABLES[table].dated_by
        known = frame[dated_by] < to_day(as_of) + pd.Timedelta(days=1) if dated_by else slice(None)
        rows = frame.loc[known, "period"].value_counts(sort=False)
        wrong: dict[tuple[str, str], list[str]] = {}
        for label in map(str, rows.index):
            try:
                calendar.kind(label)
            except InputError as error:
                wrong.setdefault((error.problems[0].reason, error.problems[0].mend), []).append(label)
        for (reason, mend), labels in wrong.items():
            count = int(rows.loc[labels].sum())
            told = f"{reason}; {count:,} {'row' if count == 1 else 'rows'}"
            problems.append(Problem(table, told, mend, column="period", value=min(labels)))
    return problems


def period_dates(forecast: Forecast, further: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return first and last day of periods, as ISO 8601 text, for those who read the run folder later.

    Parameters
    ----------
    forecast : Forecast
        Its periods and fiscal years.
    further : iterable of str
        Other periods, for instance those of a plan.

    Returns
    -------
    dict of str to list of str
        First and last day of each, both included.
    """
    labels = dict.fromkeys([*forecast.periods, *forecast.years, *further])
    periods = [forecast.calendar.period(label) for label in labels]
    return {one.label: [str(one.start.date()), str(one.end.date())] for one in periods}
