"""What Salesforce keeps of the past of its opportunities, read into rows that each tell some fields from an instant on.

``OpportunityHistory`` has the state of stage, amount, close date and forecast category after each change of one of
them; ``OpportunityFieldHistory`` the single changes of the fields that are tracked, the owner among them; a warehouse
that keeps versions has the whole state of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.cells import blank
from spmforecast.data.crm.changes import FIELDS, Instants, initial_values, instants, rows_of_changes
from spmforecast.data.crm.salesforce_cells import Cells, days, long_ids, order_of_days, stamps, truth
from spmforecast.data.sources import RawTable
from spmforecast.data.sources.columns import as_text
from spmforecast.errors import Problem

__all__ = ["SNAPSHOT_FIELDS", "Log", "changes_of", "differ", "snapshots_of", "versions_of"]

SNAPSHOT_FIELDS = ("stage", "amount", "close_date", "forecast_category")
"""What OpportunityHistory tells."""

_SNAPSHOTS: Mapping[str, tuple[str, ...]] = {
    "opportunity_id": ("OpportunityId", "Opportunity ID"),
    "at": ("CreatedDate", "Created Date"),
    "stage": ("StageName", "To Stage", "Stage"),
    "amount": ("Amount",),
    "close_date": ("CloseDate", "Close Date"),
    "forecast_category": ("ForecastCategory", "ForecastCategoryName", "Forecast Category"),
    "currency": ("CurrencyIsoCode",),
    "is_deleted": ("IsDeleted", "Deleted"),
}
_REPORTED = ("Last Modified", "Last Modified Date", "Edit Date")
_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "opportunity_id": ("Id", "OpportunityId"),
    "at": ("_fivetran_start",),
    "until": ("_fivetran_end",),
    "stage": ("StageName",),
    "amount": ("Amount",),
    "close_date": ("CloseDate",),
    "owner_id": ("OwnerId",),
    "forecast_category": ("ForecastCategoryName", "ForecastCategory"),
    "currency": ("CurrencyIsoCode",),
    "is_closed": ("IsClosed",),
    "is_won": ("IsWon",),
    "is_deleted": ("IsDeleted",),
}
_CHANGES: Mapping[str, tuple[str, ...]] = {
    "opportunity_id": ("OpportunityId", "Opportunity ID"),
    "at": ("CreatedDate", "Edit Date", "Created Date"),
    "field": ("Field", "Field / Event"),
    "old": ("OldValue", "Old Value"),
    "new": ("NewValue", "New Value"),
    "kind": ("DataType", "Data Type"),
    "is_deleted": ("IsDeleted", "Deleted"),
}
_FIELD_OF = {
    "stagename": "stage",
    "stage": "stage",
    "amount": "amount",
    "closedate": "close_date",
    "close date": "close_date",
    "owner": "owner_id",
    "ownerid": "owner_id",
    "opportunity owner": "owner_id",
    "forecastcategoryname": "forecast_category",
    "forecastcategory": "forecast_category",
    "forecast category": "forecast_category",
}
_CREATION = ("created", "created.", "opportunitycreatedfromlead", "lead converted")
_USER_ID = r"005[0-9A-Za-z]{15}"


@dataclass(frozen=True, eq=False)
class Log:
    """Rows of a log that are used.

    Parameters
    ----------
    name : str
        What the rebuilt table is called.
    file : str
        Where the rows stand.
    rows : pandas.DataFrame
        n rows, oldest first within a deal: ``opportunity_id``, :data:`~spmforecast.data.crm.changes.FIELDS` and
        ``currency`` in text, missing where the row says nothing of it, and ``line``.
    at : Instants
        When, none missing.
    fields : frozenset of str
        Fields that the log follows.
    began : pandas.DataFrame
        Deals with the values before their first change, and from when these are known (``since``).
    broken : tuple of Problem
        Rows whose time cannot be read.
    exclusions : mapping of str to int
        Rows that tell nothing that is followed.
    notes : tuple of str
        What is odd.
    """

    name: str
    file: str
    rows: pd.DataFrame
    at: Instants
    fields: frozenset[str]
    began: pd.DataFrame
    broken: tuple[Problem, ...] = ()
    exclusions: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class _Sieve:
    """Rows of a raw table, sorted out one reason after the other."""

    raw: RawTable
    at: Instants
    kept: npt.NDArray[np.bool_]
    broken: list[Problem]
    exclusions: dict[str, int]

    @classmethod
    def of(cls, raw: RawTable, at: pd.Series) -> _Sieve:
        """Begin with the rows whose time can be read."""
        told, mend = "not a time stamp", "Export it as ISO 8601, for instance 2025-06-30T17:05:00Z."
        read = instants(at)
        missing = np.flatnonzero(np.isnat(read.at))
        words = as_text(at.iloc[missing])
        faults = [
            Problem("stage_history", told, mend, raw.file, int(raw.lines[row]), "entered_date", word)
            for row, word in zip(missing, words, strict=True)
        ]
        return cls(raw, read, ~np.isnat(read.at), [*raw.broken, *faults], dict(raw.exclusions))

    @property
    def when(self) -> npt.NDArray[np.datetime64]:
        """The instants of all rows, NaT where there is none."""
        return self.at.at

    def leave_out(self, mask: pd.Series | npt.NDArray[np.bool_], reason: str) -> None:
        """Leave rows out for a reason."""
        out = self.kept & np.asarray(mask, dtype=bool)
        if out.any():
            self.exclusions[reason] = self.exclusions.get(reason, 0) + int(out.sum())
        self.kept &= ~out


def snapshots_of(raw: RawTable, keep_deleted: bool) -> Log:
    """Read ``OpportunityHistory``.

    Parameters
    ----------
    raw : RawTable
        The table, or the report of the same.
    keep_deleted : bool
        Whether deleted rows count.
    """
    reported = Cells(raw, {"to": ("To Stage",)}).has("to")
    # A report of stages also has the day on which the deal was created.
    cells = Cells(raw, {**_SNAPSHOTS, "at": _REPORTED} if reported else _SNAPSHOTS)
    order = order_of_days([cells.text("at"), cells.text("close_date")])
    sieve = _Sieve.of(raw, stamps(cells.typed("at"), order, cells.utc))
    _leave_deleted(sieve, cells, keep_deleted)
    told = [name for name in SNAPSHOT_FIELDS if cells.has(name)]
    rows = _told(cells, told, order)
    return _log("salesforce_snapshots", sieve, rows, frozenset(told), _nothing_known())


def versions_of(raw: RawTable, keep_deleted: bool) -> Log:
    """Read the versions of opportunities that a warehouse keeps, each with the instant from which it held."""
    cells = Cells(raw, _VERSIONS)
    sieve = _Sieve.of(raw, stamps(cells.typed("at"), None, utc=True))
    _leave_deleted(sieve, cells, keep_deleted)
    told = [name for name in FIELDS if name != "status" and cells.has(name)]
    rows = _told(cells, told, None)
    closed, won = truth(cells.text("is_closed")), truth(cells.text("is_won"))
    if cells.has("is_closed") and cells.has("is_won"):
        rows["status"] = blank(rows.index).mask(closed == "false", "open").mask(closed == "true", "lost")
        rows["status"] = rows["status"].mask((closed != "false") & (won == "true"), "won")
        told.append("status")
    notes = _overlaps(rows["opportunity_id"], sieve, instants(stamps(cells.typed("until"), None, utc=True)))
    return _log("salesforce_versions", sieve, rows, frozenset(told), _nothing_known(), notes)


def changes_of(raw: RawTable, deals: pd.DataFrame, told_else: frozenset[str], keep_deleted: bool) -> Log:
    """Read ``OpportunityFieldHistory``.

    Parameters
    ----------
    raw : RawTable
        The table, or the report of the same.
    deals : pandas.DataFrame
        The opportunities: ``opportunity_id, created`` and their fields as they stand today.
    told_else : frozenset of str
        Fields of which another log has the whole state, so that single changes are not needed.
    keep_deleted : bool
        Whether deleted rows count.
    """
    cells = Cells(raw, _CHANGES)
    order = order_of_days([cells.text("at")])
    sieve = _Sieve.of(raw, stamps(cells.typed("at"), order, cells.utc))
    _leave_deleted(sieve, cells, keep_deleted)
    words = cells.text("field").str.casefold()
    names = words.map(_FIELD_OF).astype("str").fillna("")
    ids = long_ids(cells.text("opportunity_id"))
    born = sieve.kept & words.isin(_CREATION).to_numpy()
    since = _since(deals, ids[born], sieve.when[sieve.kept])
    sieve.leave_out(born, "tells only that the deal was created")
    for name, others in cells.text("field")[sieve.kept & (names == "").to_numpy()].groupby(words):
        sieve.leave_out((words == name) & (names == ""), f"history of a field that is not followed: {others.iloc[0]}")
    for name in sorted(told_else):
        sieve.leave_out(names == name, "told by the history of states too")
    frame = pd.DataFrame({"opportunity_id": ids, "field": names, "line": raw.lines})
    frame = frame.assign(old=_value(cells.text("old"), names), new=_value(cells.text("new"), names))
    sieve.leave_out(
        _owners_by_name(frame, cells.text("kind"), sieve.kept, deals), "the owner's name; the id is told too"
    )
    changes = frame.assign(at=pd.Series(sieve.at.at))[sieve.kept].reset_index(drop=True)
    at = sieve.at.take(np.flatnonzero(sieve.kept))
    if _newest_first(changes["opportunity_id"], at.at):
        changes, at = changes.iloc[::-1].reset_index(drop=True), at.take(np.arange(len(changes))[::-1])
    fields = frozenset(changes["field"])
    began = initial_values(changes, deals.assign(since=since), fields, at)
    rows = rows_of_changes(changes).assign(line=changes["line"])
    notes = (*raw.notes, *_contradictions(changes, at.at, raw.file))
    broken, exclusions = tuple(sieve.broken), sieve.exclusions
    return Log("salesforce_changes", raw.file, rows, at, fields, began, broken, exclusions, notes)


def _leave_deleted(sieve: _Sieve, cells: Cells, keep: bool) -> None:
    if not keep:
        sieve.leave_out(truth(cells.text("is_deleted")) == "true", "deleted in Salesforce")


def _told(cells: Cells, fields: Sequence[str], order: str | None) -> pd.DataFrame:
    """Return the states that rows tell; a field that the file lacks is missing."""
    frame = cells.raw.frame
    out = {"opportunity_id": long_ids(cells.text("opportunity_id"))}
    for name in FIELDS:
        out[name] = cells.text(name) if name in fields else pd.Series(None, index=frame.index, dtype="str")
    if "close_date" in fields:
        out["close_date"] = days(cells.typed("close_date"), order)
    if "owner_id" in fields:
        out["owner_id"] = long_ids(out["owner_id"])
    if cells.has("currency"):
        out["currency"] = cells.text("currency")
    return pd.DataFrame(out, index=frame.index).assign(line=cells.raw.lines)


def _log(
    name: str, sieve: _Sieve, rows: pd.DataFrame, fields: frozenset[str], began: pd.DataFrame, notes: Sequence[str] = ()
) -> Log:
    kept = np.flatnonzero(sieve.kept)
    at, used = sieve.at.take(kept), rows.iloc[kept].reset_index(drop=True)
    if _newest_first(used["opportunity_id"], at.at):
        used, at = used.iloc[::-1].reset_index(drop=True), at.take(np.arange(len(used))[::-1])
    raw = sieve.raw
    return Log(name, raw.file, used, at, fields, began, tuple(sieve.broken), sieve.exclusions, (*raw.notes, *notes))


def _nothing_known() -> pd.DataFrame:
    return pd.DataFrame({"opportunity_id": pd.Series([], dtype="str"), "since": pd.Series([], dtype="datetime64[s]")})


def _newest_first(deals: pd.Series, at: npt.NDArray[np.datetime64]) -> bool:
    """Tell whether a log runs backwards, so that the order of what has one instant must be turned round."""
    names = deals.to_numpy(dtype=object)
    same = names[1:] == names[:-1]
    rises, falls = at[1:] > at[:-1], at[1:] < at[:-1]
    own = int((same & falls).sum()) - int((same & rises).sum())
    return own > 0 or (own == 0 and int(falls.sum()) > int(rises.sum()))


def _since(deals: pd.DataFrame, born: pd.Series, at: npt.NDArray[np.datetime64]) -> pd.Series:
    """Return from when the log tells of each deal, missing where that is its creation.

    A log keeps about two years. A deal whose creation it tells is told whole; where it tells no creations, those are
    that were created after its first row.
    """
    first = at.min() if len(at) else np.datetime64("NaT")
    whole = deals["opportunity_id"].isin(born).to_numpy() if len(born) else np.zeros(len(deals), dtype=bool)
    whole = whole | (instants(deals["created"]).at >= first)
    return pd.Series(np.where(whole, np.datetime64("NaT"), first), index=deals.index).astype("datetime64[s]")


def _value(words: pd.Series, names: pd.Series) -> pd.Series:
    """Bring old and new values to the form of the deals' own cells."""
    close, owner = names == "close_date", names == "owner_id"
    out = words.mask(close, days(words.where(close, ""), order_of_days([words[close]])))
    return out.mask(owner, long_ids(out.where(owner, "")))


def _owners_by_name(
    frame: pd.DataFrame, kind: pd.Series, kept: npt.NDArray[np.bool_], deals: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Mark changes of owner that give names, where others give ids: Salesforce writes two rows for each."""
    owner = kept & (frame["field"] == "owner_id").to_numpy()
    by_id = (kind.str.casefold() == "entityid").to_numpy()
    if not (owner & by_id).any():
        known = set(deals["owner_id"]) - {""}
        values = [frame["old"], frame["new"]]
        by_id = np.any([(part.str.fullmatch(_USER_ID) | part.isin(known)).to_numpy() for part in values], axis=0)
    return owner & ~by_id if (owner & by_id).any() else np.zeros(len(frame), dtype=bool)


def _contradictions(changes: pd.DataFrame, at: npt.NDArray[np.datetime64], file: str) -> tuple[str, ...]:
    """Say how often a change starts from another value than the one before it left."""
    order = np.argsort(at, kind="stable")
    key = changes[["opportunity_id", "field"]].iloc[order]
    before = changes["new"].iloc[order].groupby([key["opportunity_id"], key["field"]]).shift()
    old = changes["old"].iloc[order]
    wrong = before.notna() & differ(old, before.fillna(""))
    return tuple(
        f"{file}: {rows:,} changes of {name} start from another value than the change before them left"
        for name, rows in key["field"][wrong].value_counts(sort=False).sort_index().items()
    )


def differ(one: pd.Series, other: pd.Series) -> pd.Series:
    """Tell where two columns of text differ, other than in how a number is written."""
    unlike = one != other
    if unlike.any():
        numbers = pd.to_numeric(one[unlike], errors="coerce") == pd.to_numeric(other[unlike], errors="coerce")
        unlike = unlike.mask(numbers.reindex(one.index, fill_value=False), False)
    return unlike


def _overlaps(deals: pd.Series, sieve: _Sieve, until: Instants) -> tuple[str, ...]:
    """Say how many versions of a deal begin before the one before them ends."""
    order = np.lexsort((sieve.at.at, deals.to_numpy(dtype=object).astype(str)))
    order = order[sieve.kept[order]]
    same = deals.to_numpy()[order][1:] == deals.to_numpy()[order][:-1]
    begin, end = sieve.at.take(order).at, until.take(order).at
    early = int((same & (begin[1:] <= end[:-1])).sum())
    return (f"{sieve.raw.file}: {early:,} versions begin before the one before them ends",) if early else ()
