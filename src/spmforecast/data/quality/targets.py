"""Targets: quotas and plans that do not fit what was booked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import NEVER, Ints, Records, date_text, days_of, tally

__all__ = ["quotas_beyond_record", "quotas_of_managers", "quotas_out_of_scale"]

_SCALE = (0.4, 2.5)
_FAR = 366
_LEAST = 20
_OVERLAP = 0.25
_YEAR = r"(\d{4})(?:Q(\d)|-(\d\d))?"


def _starts(periods: pd.Series) -> tuple[Ints, Ints]:
    """Return the first day of each period and its length in months, by calendar years; NEVER where it is none.

    Fiscal years begin elsewhere, which moves a period by less than a year: enough to tell what is far off.
    """
    parts = periods.astype("str").str.extract(_YEAR)
    year = pd.to_numeric(parts[0], errors="coerce")
    quarter, month = (pd.to_numeric(parts[k], errors="coerce") for k in (1, 2))
    months = np.where(quarter.notna(), 3, np.where(month.notna(), 1, 12)).astype(np.int64)
    index = (year - 1970) * 12 + np.where(quarter.notna(), (quarter - 1) * 3, month.fillna(1) - 1)
    known = index.notna().to_numpy()
    start = np.full(len(periods), NEVER)
    whole = index[known].to_numpy(dtype=np.int64)
    start[known] = whole.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return start, months


def _booked(records: Records) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return days and amounts of what was booked: the ledger where there is one, else the won deals."""
    ledger = records.history.bookings
    if len(ledger):
        return days_of(ledger["date"]), ledger["amount"].to_numpy(dtype=np.float64)
    return records.close[records.won], np.nan_to_num(records.amount[records.won])


def quotas_beyond_record(records: Records) -> Iterator[Finding]:
    """Find quotas of periods that begin more than a year after the record ends, or before it begins."""
    quotas = records.history.quotas
    day, _ = _booked(records)
    if not len(quotas) or not len(day):
        return
    end = int(day[day != NEVER].max(initial=records.last_day))
    begin = int(day[day != NEVER].min(initial=end))
    start, _ = _starts(quotas["period"])
    early = np.flatnonzero((start != NEVER) & (start < begin - _FAR))
    if len(early):
        first = str(quotas["period"].iloc[int(early[np.argmin(start[early])])])
        yield _beyond_record(
            (len(early), len(quotas)),
            (f"quotas from {first}", f"record from {date_text(begin)}"),
            f"Quotas begin with {first}, more than a year before the record, which begins on {date_text(begin)}: "
            "dates of one of the two were moved, or the record lacks its first years.",
            "Bring both to the same years, or leave out what the record cannot judge.",
        )
    late = np.flatnonzero(start > end + _FAR)
    if len(late):
        last = str(quotas["period"].iloc[int(np.argmax(start))])
        yield _beyond_record(
            (len(late), len(quotas)),
            (f"quotas to {last}", f"record to {date_text(end)}"),
            f"Quotas reach to {last}, more than a year beyond the record, which ends on {date_text(end)}: they belong "
            "to another export, or to targets never meant for these people.",
            "Leave out what the record cannot judge.",
        )


def _beyond_record(rows: tuple[int, int], examples: tuple[str, ...], effect: str, mend: str) -> Finding:
    return Finding("quotas_beyond_record", "quotas", "period", *rows, examples, effect, mend)


def quotas_out_of_scale(records: Records) -> Iterator[Finding]:
    """Find quotas whose sum is far from what was booked in the same periods."""
    quotas = records.history.quotas
    day, amount = _booked(records)
    if len(quotas) < _LEAST or not len(day):
        return
    start, months = _starts(quotas["period"])
    low, high = int(day.min()), int(day.max())
    inside = (start >= low - 31) & (start <= high)
    if inside.sum() < _LEAST or len(np.unique(months[inside])) != 1:
        return
    total = float(quotas["quota"].to_numpy(dtype=np.float64)[inside].sum())
    first = int(start[inside].min())
    booked = float(amount[day >= first].sum())
    ratio = booked / total if total > 0 else np.nan
    if not ratio or _SCALE[0] <= ratio <= _SCALE[1]:
        return
    yield Finding(
        "quotas_out_of_scale",
        "quotas",
        "quota",
        int(inside.sum()),
        len(quotas),
        (f"quotas {total:,.0f}", f"booked {booked:,.0f}"),
        f"Quotas of the recorded periods sum to {total:,.0f}, of which {100 * ratio:.0f} % were booked: they are "
        "counted several times (a manager's beside those of the team), or are no quotas of these people.",
        "Keep one quota for each rep and period; take managers' targets out.",
    )


def quotas_of_managers(records: Records) -> Iterator[Finding]:
    """Find managers who have quotas beside those of their reps."""
    reps, quotas = records.history.reps, records.history.quotas
    if not len(reps) or not len(quotas):
        return
    leads = reps["role"].astype("str").str.contains("manager|director|head of|vice president", case=False, na=False)
    bosses = set(reps["rep_id"][leads]) | set(reps["manager_id"].dropna())
    theirs = quotas["rep_id"].isin(list(bosses)).to_numpy(dtype=bool)
    if not theirs.any() or theirs.all():
        return
    names = quotas["rep_id"][theirs].unique()
    worth = quotas["quota"].to_numpy(dtype=np.float64)
    if worth[theirs].sum() < _OVERLAP * worth[~theirs].sum():
        return  # managers who sell themselves have small quotas of their own
    yield Finding(
        "quotas_of_managers",
        "quotas",
        "rep_id",
        int(theirs.sum()),
        len(quotas),
        tuple(str(one) for one in names[:5]),
        f"{tally(len(names), 'manager')} with quotas ({worth[theirs].sum():,.0f}) beside those of the reps "
        f"({worth[~theirs].sum():,.0f}): where a manager's quota is the sum of the team's, it is counted twice.",
        "Keep a manager's quota only for what that person sells.",
    )
