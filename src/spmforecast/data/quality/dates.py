"""Dates that cannot be right, or that have been overtaken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import NEVER, Mask, Records, date_text, days_of, tally

__all__ = ["bulk_creation", "events_out_of_time", "impossible_dates", "instant_closings", "past_close_dates"]

_DATED = (("opportunities", "created_date"), ("stage_history", "entered_date"), ("activities", "date"))
_FEW = 50


def impossible_dates(records: Records) -> Iterator[Finding]:
    """Find deals that close before they are created, and records dated after the end of all others."""
    early = np.flatnonzero(records.closed & (records.close != NEVER) & (records.close < records.created))
    if len(early):
        yield Finding(
            "impossible_dates",
            "opportunities",
            "close_date",
            len(early),
            len(records.deals),
            records.ids(early),
            "Deals close before they are created: their cycle lengths are impossible.",
            "Correct one of the two dates.",
        )
    yield from _future(records)


def _future(records: Records) -> Iterator[Finding]:
    end = max(records.day, records.last_day) if records.history.known_at is None else records.day
    columns = [(table, column, days_of(records.history.table(table)[column])) for table, column in _DATED]
    columns.append(("opportunities", "close_date", np.where(records.closed, records.close, NEVER)))
    columns.append(("bookings", "date", days_of(records.history.bookings["date"])))
    for table, column, day in columns:
        late = np.flatnonzero(day > end)
        if len(late):
            examples = tuple(dict.fromkeys(date_text(one) for one in np.sort(day[late])[::-1]))
            yield Finding(
                "impossible_dates",
                table,
                column,
                len(late),
                len(day),
                examples,
                f"Records are dated after {date_text(end)}, where the record ends but for them: such events have "
                "not happened yet and stretch the record.",
                "Correct the year, or leave the rows out with a map.",
            )


def events_out_of_time(records: Records) -> Iterator[Finding]:
    """Find stage rows before their deal's creation, and rows after its closing that re-open nothing."""
    moves = records.moves
    before = moves.day < records.created[moves.deal]
    settled = (records.closed & (records.close != NEVER))[moves.deal]
    after = settled & (moves.day > records.close[moves.deal]) & ~moves.open & ~moves.closed
    told = (
        (before, "Stage rows are dated before their deal was created: the stay in the first stage is misdated."),
        (after, "Stage rows are dated after their deal was closed, without re-opening it: they are not used."),
    )
    for wrong, effect in told:
        if wrong.any():
            deals = np.unique(moves.deal[wrong])
            yield Finding(
                "events_out_of_time",
                "stage_history",
                "entered_date",
                int(wrong.sum()),
                len(wrong),
                records.ids(deals),
                effect,
                "Check time zones and the export's creation dates.",
            )


def past_close_dates(records: Records) -> Iterator[Finding]:
    """Find open deals whose expected close is long past."""
    late = records.day - records.close
    wrong = records.open & (records.close != NEVER) & (late > records.limits.past_close_days)
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    oldest = rows[np.argsort(-late[rows], kind="stable")]
    yield Finding(
        "past_close_dates",
        "opportunities",
        "close_date",
        len(rows),
        int(records.open.sum()),
        records.ids(oldest),
        f"Open deals should have closed more than {records.limits.past_close_days} days ago: their close date says "
        "nothing any more, and many are likely dead.",
        "Have owners close them or date them anew.",
    )


def instant_closings(records: Records) -> Iterator[Finding]:
    """Find an outcome that is often reached on the day of creation."""
    for status, chosen in (("won", records.won), ("lost", records.lost)):
        rows = np.flatnonzero(chosen & (records.close == records.created) & (records.created != NEVER))
        of = int(chosen.sum())
        if of < _FEW or len(rows) < records.limits.instant_share * of:
            continue
        yield Finding(
            "instant_closings",
            "opportunities",
            "close_date",
            len(rows),
            of,
            records.ids(rows),
            f"{len(rows):,} of {of:,} {status} deals are {status} on the day of their creation ({_soon(records, rows)})"
            ": they were decided elsewhere, by a rule or before they were entered, and say nothing about how long a "
            "deal takes.",
            "Leave them out with a map if they never were in sellers' hands.",
        )


def _soon(records: Records, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    """Say within what time half of them are closed, where the stamps carry times."""
    deals = records.deals.iloc[rows]
    minutes = (deals["close_date"] - deals["created_date"]).dt.total_seconds() / 60
    half = float(minutes.median())
    return f"half of them within {tally(max(round(half), 1), 'minute')}" if half > 0 else "no time of day is recorded"


def bulk_creation(records: Records) -> Iterator[Finding]:
    """Find days on which so many deals were created that they must have been imported."""
    known = records.created[records.created != NEVER]
    if len(known) < _FEW:
        return
    day, count = np.unique(known, return_counts=True)
    usual = float(np.median(count))
    big: Mask = count > max(_FEW, 20 * usual, records.limits.bulk_share * len(known))
    if not big.any():
        return
    order = np.argsort(-count[big], kind="stable")
    told = [f"{date_text(day[big][k])}: {count[big][k]:,}" for k in order]
    yield Finding(
        "bulk_creation",
        "opportunities",
        "created_date",
        int(count[big].sum()),
        len(known),
        tuple(told),
        f"Deals were created in bulk on {tally(int(big.sum()), 'day')} (usual: {usual:.0f} a day): most likely an "
        "import, whose date stands in for the true creation, so ages and cycles are too short and creation is not "
        "steady.",
        "Give their true creation date, or set observed_from to the day after.",
    )
