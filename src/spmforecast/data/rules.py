"""Rules: what a row of each table must obey beyond the kind of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.data.dimensions import top_parents
from spmforecast.data.ids import KnownIds, all_distinct
from spmforecast.data.sheet import Sheet, Texts
from spmforecast.data.tables import TABLES
from spmforecast.data.threads import in_blocks

__all__ = ["REFERENCES", "RULES", "DealIds"]

Mask = npt.NDArray[np.bool_]

_YEARS = (1970, 2100)
_SHARE_TOLERANCE = 1e-3
_BLOCK = 1 << 18  # rows at a time


@dataclass(frozen=True, eq=False)
class DealIds:
    """The opportunities that other tables may point to.

    Parameters
    ----------
    ids : KnownIds
        ``opportunity_id`` of each usable deal, in the order of the table.
    rejected, left_out : frozenset of str
        Ids of deals that were rejected, or left out on purpose.
    """

    ids: KnownIds
    rejected: frozenset[str]
    left_out: frozenset[str]


def _opportunities(sheet: Sheet, _: DealIds | None) -> None:
    typed = sheet.typed
    closed = sheet.places("status") > 0
    without_close = closed & sheet.empty("close_date")
    mend = "Fill in the day on which it was closed."
    sheet.reject(without_close, "close_date", "a closed deal has no close date", mend)
    close, created = typed["close_date"].to_numpy(), typed["created_date"].to_numpy()
    rows = np.flatnonzero(close < created)
    rows = rows[_days(close[rows]) < _days(created[rows])]
    reasons = _each(f"closes before it was created ({day})" for day in sheet.cells("created_date", rows))
    sheet.reject_rows(rows, "close_date", reasons, "Correct one of the two dates.")
    _plausible(sheet, "created_date")
    _plausible(sheet, "close_date")
    _unique(sheet)


def _stage_history(sheet: Sheet, deals: DealIds | None) -> None:
    _plausible(sheet, "entered_date")
    _orphans(sheet, deals)


def _reps(sheet: Sheet, _: DealIds | None) -> None:
    early = sheet.typed["end_date"] < sheet.typed["hire_date"]
    sheet.reject(early.to_numpy(), "end_date", "left before being hired", "Correct one of the two dates.")
    _unique(sheet)


def _territories(sheet: Sheet, _: DealIds | None) -> None:
    _unique(sheet)
    usable = sheet.typed[~sheet.bad]
    endless = ~usable["territory_id"].isin(top_parents(usable).index)
    mask = np.zeros(len(sheet.text), dtype=bool)
    mask[np.flatnonzero(~sheet.bad)[endless.to_numpy()]] = True
    mend = "Let one territory of the ring have no parent."
    sheet.reject(mask, "parent_id", "its line of parents runs in a ring", mend)


def _dated(sheet: Sheet, _: DealIds | None) -> None:
    _plausible(sheet, TABLES[sheet.name].dated_by)
    _unique(sheet)


def _keyed(sheet: Sheet, _: DealIds | None) -> None:
    _unique(sheet)


def _splits(sheet: Sheet, deals: DealIds | None) -> None:
    _unique(sheet)
    _orphans(sheet, deals)
    total = sheet.typed["share"].fillna(0.0).groupby(sheet.text["opportunity_id"]).transform("sum")
    wrong = ((total - 1.0).abs() > _SHARE_TOLERANCE + 1e-9).to_numpy() & ~sheet.bad
    reason = _each(f"the shares of its deal sum to {sum_of:.4g}, not to 1" for sum_of in total)
    sheet.reject(wrong, "share", reason, "Let the shares of a deal sum to 1.")


Rule = Callable[[Sheet, DealIds | None], None]

RULES: Mapping[str, Rule] = {
    "opportunities": _opportunities,
    "stage_history": _stage_history,
    "reps": _reps,
    "territories": _territories,
    "accounts": _keyed,
    "activities": _dated,
    "enablement": _dated,
    "plan": _keyed,
    "quotas": _keyed,
    "bookings": _dated,
    "submissions": _dated,
    "splits": _splits,
}
"""The rule of each table, called with the table and the opportunities known by then (None where there are none)."""


def _each(words: Iterable[str]) -> Texts:
    return np.array(list(words), dtype=object)


def _days(stamps: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    return stamps.astype("datetime64[D]")


def _plausible(sheet: Sheet, column: str) -> None:
    stamps = sheet.typed[column].to_numpy()
    first, end = (np.datetime64(f"{year}-01-01", "s") for year in (_YEARS[0], _YEARS[1] + 1))

    def wrong(rows: slice) -> npt.NDArray[np.intp]:
        beyond: npt.NDArray[np.intp] = np.flatnonzero((stamps[rows] < first) | (stamps[rows] >= end))
        beyond += rows.start
        return beyond

    rows = np.concatenate([np.array([], dtype=np.intp), *in_blocks(wrong, len(stamps), _BLOCK)])
    told = f"the year is not between {_YEARS[0]} and {_YEARS[1]}"
    sheet.reject_rows(rows, column, told, "Correct the year.")


def _unique(sheet: Sheet) -> None:
    """Reject every row whose key stands in an earlier one."""
    key = [name for name in TABLES[sheet.name].key if name in sheet.text]
    if not key or not len(sheet.text):
        return
    if len(key) == 1 and all_distinct(sheet.typed[key[0]]):
        return
    group = sheet.typed.groupby(key, dropna=False, sort=False).ngroup().to_numpy()
    _, firsts = np.unique(group, return_index=True)
    first = firsts[group]
    again = (first != np.arange(len(group))) & ~sheet.empty(key[0]) & sheet.typed[key[0]].notna().to_numpy()
    rows = np.flatnonzero(again)
    what = "the id" if len(key) == 1 else "the same " + ", ".join(key)
    reasons = _each(f"{what} stands already in {sheet.place(int(first[row]), int(row))}" for row in rows)
    sheet.reject_rows(rows, key[0], reasons, "Keep one of the rows, or give each its own id.")


def _orphans(sheet: Sheet, deals: DealIds | None) -> None:
    if deals is None:
        return
    ids = sheet.text["opportunity_id"]
    sheet.deal = deals.ids.rows_of(ids)
    rows = np.flatnonzero((sheet.deal < 0) & ~sheet.empty("opportunity_id"))
    of_rejected = ids.iloc[rows].isin(deals.rejected).to_numpy()
    mend = "Mend the row of the opportunity."
    sheet.reject_rows(rows[of_rejected], "opportunity_id", "its opportunity was rejected", mend)
    mend = "Add the opportunity, or take the row out."
    told = "opportunities has no such opportunity_id"
    sheet.reject_rows(rows[~of_rejected], "opportunity_id", told, mend)


REFERENCES = (
    ("opportunities", "owner_id", "reps"),
    ("opportunities", "territory_id", "territories"),
    ("opportunities", "account_id", "accounts"),
    ("stage_history", "owner_id", "reps"),
    ("reps", "territory_id", "territories"),
    ("territories", "parent_id", "territories"),
    ("accounts", "owner_id", "reps"),
    ("accounts", "territory_id", "territories"),
    ("activities", "rep_id", "reps"),
    ("activities", "opportunity_id", "opportunities"),
    ("activities", "account_id", "accounts"),
    ("enablement", "rep_id", "reps"),
    ("quotas", "rep_id", "reps"),
    ("bookings", "rep_id", "reps"),
    ("bookings", "territory_id", "territories"),
    ("bookings", "account_id", "accounts"),
    ("splits", "rep_id", "reps"),
)
"""Columns that name a row of another table: table, column, the other table."""
