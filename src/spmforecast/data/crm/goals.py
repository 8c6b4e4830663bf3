"""Goals with a first and a last day, as quotas with the label of a fiscal period."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from spmforecast.calendar import FiscalCalendar, PeriodKind
from spmforecast.data.sources.columns import as_text, is_text

__all__ = ["near_midnight", "period_labels"]

_LONGEST: tuple[tuple[int, PeriodKind], ...] = ((31, "month"), (92, "quarter"), (366, "year"))


def near_midnight(values: pd.Series) -> pd.Series:
    """Read days out of dates or time stamps, ISO 8601, of a day's midnight in whatever zone.

    A midnight in Berlin is 23:00 of the day before in UTC, one in New York 05:00 of the day itself: the nearest
    midnight of UTC is that day.

    Parameters
    ----------
    values : pandas.Series, shape (n,)
        Text or datetime64.

    Returns
    -------
    pandas.Series
        datetime64[s] without time of day; missing where there is no date.
    """
    if is_text(values) or not pd.api.types.is_datetime64_any_dtype(values.dtype):
        stamps = pd.to_datetime(as_text(values), format="ISO8601", errors="coerce", utc=True)
    else:
        stamps = values.dt.tz_localize("UTC") if values.dt.tz is None else values.dt.tz_convert("UTC")
    return (stamps.dt.tz_localize(None) + pd.Timedelta(hours=12)).dt.floor("D").astype("datetime64[s]")


def period_labels(first: pd.Series, last: pd.Series, calendar: FiscalCalendar) -> pd.Series:
    """Label the fiscal periods that run from one day to another.

    Parameters
    ----------
    first, last : pandas.Series of datetime64, shape (n,)
        Days, both included.
    calendar : FiscalCalendar
        The company's.

    Returns
    -------
    pandas.Series
        Text; empty where the days are not those of a fiscal month, quarter or year.
    """
    spans = pd.MultiIndex.from_arrays([first, last])
    codes, distinct = pd.factorize(spans, use_na_sentinel=False)
    labels = np.array(list(_labels(distinct, calendar)), dtype=object)
    return pd.Series(labels[codes] if len(labels) else [], index=first.index, dtype="str")


def _labels(spans: Iterable[tuple[pd.Timestamp, pd.Timestamp]], calendar: FiscalCalendar) -> Iterable[str]:
    for first, last in spans:
        yield "" if pd.isna(first) or pd.isna(last) or last < first else _label(first, last, calendar)


def _label(first: pd.Timestamp, last: pd.Timestamp, calendar: FiscalCalendar) -> str:
    days = (last - first).days + 1
    kind = next((kind for longest, kind in _LONGEST if days <= longest), None)
    if kind is None:
        return ""
    period = calendar.period_of(first, kind)
    return period.label if (period.start, period.end) == (first, last) else ""
