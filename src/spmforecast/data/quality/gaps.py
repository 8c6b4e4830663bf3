"""Gaps: stretches without records, records that begin late, tables whose dates lie apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spmforecast.data.quality.findings import Finding
from spmforecast.data.quality.records import NEVER, Ints, Records, date_text, days_of
from spmforecast.data.silences import silences

__all__ = ["CREATED", "gaps", "late_first_records", "tables_apart"]

CREATED = "created_date"
_QUIET = "the fit takes the silence for a quiet market, and what is forecast is too low."
_UNKNOWN = (
    "where whole months are silent that are not so every year, the fit of creation learns nothing from them; else it "
    "takes the silence for a season or a quiet market."
)
_EXPECTED = 5.0  # closings that should have been seen; by chance none of them is missed once in 150 times
_EARLY_DEALS = 10


def gaps(records: Records) -> Iterator[Finding]:
    """Find stretches within the record in which a table has no row."""
    for table, column, what, day in _streams(records):
        there = day[(day != NEVER) & (day <= records.last_day)]
        found = silences(there, records.limits.gap_days)
        if len(found):
            found = found[np.argsort(found[:, 0] - found[:, 1], kind="stable")]
            told = [f"{date_text(first)} to {date_text(last)}" for first, last in found]
            lost = int((found[:, 1] - found[:, 0] + 1).sum())
            yield Finding(
                "gaps",
                table,
                column,
                lost,
                int(there.max() - there.min()) + 1,
                tuple(told),
                f"For {lost:,} days there are no {what}, though they come every few days: "
                + (_UNKNOWN if column == CREATED else _QUIET),
                "Export the missing weeks, or set observed_from to the end of the last gap.",
            )


def _streams(records: Records) -> Iterator[tuple[str, str, str, Ints]]:
    history = records.history
    yield "opportunities", CREATED, "creations", records.created
    yield "opportunities", "close_date", "closings", np.where(records.closed, records.close, NEVER)
    yield "stage_history", "entered_date", "stage events", days_of(history.stage_history["entered_date"])
    yield "activities", "date", "activities", days_of(history.activities["date"])
    yield "bookings", "date", "bookings", days_of(history.bookings["date"])


def late_first_records(records: Records) -> Iterator[Finding]:
    """Find records that begin later than the deals: closings (left truncation), stage history, activities."""
    yield from _late_closings(records)
    start = _start(records)
    for table, column in (("stage_history", "entered_date"), ("activities", "date")):
        day = days_of(records.history.table(table)[column])
        day = day[day != NEVER]
        if not len(day) or start is None:
            continue
        first = int(day.min())
        earlier = np.flatnonzero((records.created != NEVER) & (records.created < first))
        if first - start > records.limits.gap_days and len(earlier) >= _EARLY_DEALS:
            yield Finding(
                "late_first_records",
                table,
                column,
                len(earlier),
                len(records.deals),
                (f"{table} from {date_text(first)}", f"deals from {date_text(start)}"),
                f"{table} begins on {date_text(first)}, but {len(earlier):,} deals were created before: what happened "
                "to them until then is unknown.",
                f"Set observed_from to {date_text(first)}, or export the earlier rows.",
            )


def _start(records: Records) -> int | None:
    known = records.created[records.created != NEVER]
    return int(known.min()) if len(known) else None


def _late_closings(records: Records) -> Iterator[Finding]:
    done = records.closed & (records.close != NEVER) & (records.created != NEVER) & (records.close >= records.created)
    start = _start(records)
    if start is None or not done.any():
        return
    first = int(records.close[done].min())
    earlier = np.flatnonzero((records.created != NEVER) & (records.created < first))
    later = (records.created != NEVER) & (records.created >= first)
    cycle = np.sort((records.close - records.created)[done & later])
    if not len(earlier) or not later.sum():
        return
    # Had the earlier deals closed as fast as the later ones, so many closings should stand before the first.
    by_then = np.searchsorted(cycle, first - records.created[earlier], side="left") / later.sum()
    if by_then.sum() < _EXPECTED:
        return
    told = _told(records, first)
    yield Finding(
        "late_first_records",
        "opportunities",
        "close_date",
        len(earlier),
        len(records.deals),
        (f"closings from {date_text(first)}", f"deals from {date_text(start)}"),
        f"No deal closes before {date_text(first)}, though {len(earlier):,} were created earlier and about "
        f"{by_then.sum():,.0f} of them should have closed: earlier closings were never recorded (left truncation), so "
        "early deals look slower and likelier to last than they were"
        + ("; observed_from takes that into account." if told else "."),
        "None is needed: observed_from says so." if told else f"Set observed_from to {date_text(first)}.",
    )


def _told(records: Records, first: int) -> bool:
    """Tell whether observed_from already says that tracking began about then."""
    began = records.history.observed_from
    return began is not None and abs((began - np.datetime64(first, "D")).days) <= 7


def tables_apart(records: Records) -> Iterator[Finding]:
    """Find dated columns that lie outside the span of the deals and bookings altogether."""
    history = records.history
    main = np.concatenate([records.created, days_of(history.bookings["date"])])
    main = main[main != NEVER]
    if not len(main):
        return
    low, high = int(main.min()), int(max(main.max(), records.last_day))
    for table, column, late in (
        ("reps", "effective_from", True),
        ("reps", "hire_date", True),
        ("activities", "date", False),
        ("enablement", "completed_date", False),
        ("submissions", "date", False),
    ):
        day = days_of(history.table(table)[column])
        day = day[day != NEVER]
        # Who was hired long ago is nothing odd; who was hired after the end of the record is.
        outside = day > high if late else (day > high) | (day < low)
        if len(day) and outside.mean() > 0.5:
            yield Finding(
                "tables_apart",
                table,
                column,
                int(outside.sum()),
                len(day),
                (
                    f"{table} {date_text(day.min())} to {date_text(day.max())}",
                    f"record {date_text(low)} to {date_text(high)}",
                ),
                f"Most dates of {table} lie outside the record of deals and bookings: they were shifted, or belong to "
                "another export, and as of any day of the record these rows are unknown.",
                "Shift the dates to those of the record, or leave the table out.",
            )
