"""Fiscal periods by their labels: when they end and how they sort."""

from __future__ import annotations

import re
from datetime import date, timedelta

__all__ = ["day", "is_year", "last_day", "order"]

_LABEL = re.compile(r"(\d{4})(?:Q([1-4])|-(0[1-9]|1[0-2]))?")


def is_year(label: str) -> bool:
    """Tell whether a label names a fiscal year."""
    return re.fullmatch(r"\d{4}", label) is not None


def order(label: str) -> tuple[bool, str]:
    """Return the sort key of a period: quarters and months before years, each in the order of time."""
    return (is_year(label), label)


def day(text: str) -> date | None:
    """Read the day of an ISO 8601 date with or without a time, None where it is not one."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def last_day(label: str, year_start: int) -> date | None:
    """Return the last day of a fiscal period.

    Parameters
    ----------
    label : str
        ``2025``, ``2025Q3`` (fiscal, named by the year in which they end) or ``2025-07`` (calendar month). Periods
        of a calendar of weeks cannot be told from their labels: the run says when they end.
    year_start : int
        Month in which the fiscal year begins.

    Returns
    -------
    datetime.date or None
        None where the label is of no known kind.
    """
    match = _LABEL.fullmatch(label)
    if match is None:
        return None
    year, quarter, month = int(match[1]), match[2], match[3]
    if month:
        after = year * 12 + int(month)
    else:
        first = (year - (year_start > 1)) * 12 + year_start - 1
        after = first + (3 * int(quarter) if quarter else 12)
    if not 12 <= after < 9999 * 12:
        return None
    return date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
