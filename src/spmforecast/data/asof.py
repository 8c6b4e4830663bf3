"""What was known at the close of a day: the tables cut back to it, with nothing of what came later.

Conventions, stated once:

* The close of a day is the next midnight; a record is known when it is dated before that midnight.
* A deal whose closing stands in ``stage_history`` (a row with status ``won`` or ``lost``) is judged by the rows
  known by then. For any other deal its own row in ``opportunities`` tells, by ``status`` and ``close_date``.
* While a deal is open, its stage, amount, expected close and category are those of its last known history row.
  Values of the deal's own row count only when nothing in the records is later than the day, because otherwise
  they were written later, and having them for deals that are still open today would tell which ones survived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.tables import TABLES, empty_frame

__all__ = ["FINAL_ONLY", "NOTE", "Cut", "close_of", "tables_as_of"]

FINAL_ONLY = frozenset({"list_price", "discount"})
"""Columns of a deal that are settled with its end and so unknown while it is open."""

NOTE = "As of "
"""How every note of a cut begins, so that a second cut can replace the notes of the first."""

_CARRIED = ("stage", "amount", "close_date", "forecast_category")
_CLOSED = ("won", "lost")

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cut:
    """What an earlier cut did, so that a second one gives what it would have given at once.

    Parameters
    ----------
    owners : pandas.Series
        Owner in each deal's own row as it was read, indexed by ``opportunity_id``; stands in where the history has
        told none by then.
    by_events : frozenset of str
        Closed deals whose figures are those of their events, because their own row speaks of a later closing.
    """

    owners: pd.Series
    by_events: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Events:
    """Stage history of the known deals in order of deal, time and place in the file.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows, with a fresh index.
    deal : numpy.ndarray of int, shape (rows,)
        Row of the deal that each event belongs to.
    deals : int
        Number of deals.
    """

    frame: pd.DataFrame
    deal: Ints
    deals: int

    def before(self, cut: pd.Timestamp | pd.Series) -> _Events:
        """Keep what is dated before an instant, which may be another one for each deal."""
        limit = cut if isinstance(cut, pd.Timestamp) else cut.iloc[self.deal].to_numpy()
        known = (self.frame["entered_date"] < limit).to_numpy()
        return _Events(self.frame[known].reset_index(drop=True), self.deal[known], self.deals)

    def last(self, column: str) -> pd.Series:
        """Return each deal's last filled value of a column, shape (deals,), missing where there is none."""
        values = self.frame[column]
        filled = np.flatnonzero(values.notna().to_numpy())
        return self._place(values, filled[_last_of_run(self.deal[filled])])

    def last_status_since(self) -> pd.Series:
        """Return when each deal's last known status began, shape (deals,)."""
        status = self.frame["status"]
        filled = np.flatnonzero(status.notna().to_numpy())
        deal, value = self.deal[filled], status.to_numpy(dtype=object)[filled]
        begins = np.ones(len(filled), dtype=bool)
        begins[1:] = (deal[1:] != deal[:-1]) | (value[1:] != value[:-1])
        filled, deal = filled[begins], deal[begins]
        return self._place(self.frame["entered_date"], filled[_last_of_run(deal)])

    def _place(self, values: pd.Series, rows: Ints) -> pd.Series:
        found = values.iloc[rows].set_axis(self.deal[rows])
        return found.reindex(range(self.deals))


def _last_of_run(keys: Ints) -> Mask:
    """Mark the last element of each run of equal keys."""
    return np.append(keys[1:] != keys[:-1], len(keys) > 0)[: len(keys)]


def close_of(day: pd.Timestamp) -> pd.Timestamp:
    """Return the instant at which a day closes: the next midnight."""
    return day.normalize() + pd.Timedelta(days=1)


def tables_as_of(
    tables: Mapping[str, pd.DataFrame],
    day: pd.Timestamp,
    earlier: Cut | None = None,
    final_only: frozenset[str] = FINAL_ONLY,
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...], Cut | None]:
    """Cut every table back to the close of a day.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Typed canonical tables.
    day : pandas.Timestamp
        The day.
    earlier : Cut, optional
        What the cut did that `tables` come from, if any.
    final_only : frozenset of str
        Columns of `opportunities` that are known of closed deals only.

    Returns
    -------
    tables : dict of str to pandas.DataFrame
        New frames; the given ones are left alone.
    notes : tuple of str
        What could not be known, with counts.
    done : Cut or None
        For a further cut; None where there are no deals.
    """
    cut = close_of(day)
    out = {name: _cut_dated(name, frame, cut) for name, frame in tables.items()}
    if "opportunities" not in tables:
        return out, (), None
    history = tables.get("stage_history", empty_frame("stage_history"))
    current = _recorded_until(tables["opportunities"], history) < cut
    deals = out["opportunities"]
    events = _events(history, deals)
    earlier = earlier or Cut(tables["opportunities"].set_index("opportunity_id")["owner_id"])
    states = _States(deals, events, cut, current, earlier)
    out["opportunities"] = states.frame(final_only)
    for name in ("stage_history", "splits"):
        if name in out:
            known = out[name]["opportunity_id"].isin(deals["opportunity_id"])
            out[name] = out[name][known].reset_index(drop=True)
    return out, _notes(out["opportunities"][~states.closed], day), Cut(earlier.owners, states.by_events())


def _cut_dated(name: str, frame: pd.DataFrame, cut: pd.Timestamp) -> pd.DataFrame:
    """Drop rows that are dated at or after an instant; take back what reps' rows tell of the future."""
    dated_by = TABLES[name].dated_by
    if dated_by:
        return frame[frame[dated_by] < cut].reset_index(drop=True)
    if name == "reps":
        future = (frame["hire_date"] >= cut) | (frame["effective_from"] >= cut)
        kept = frame[~future].reset_index(drop=True)
        return kept.assign(end_date=kept["end_date"].where(kept["end_date"] < cut))
    return frame


def _recorded_until(deals: pd.DataFrame, history: pd.DataFrame) -> pd.Timestamp:
    """Return the last event that the records tell of, which is when the deals' own rows were true."""
    ends = deals.loc[deals["status"].isin(_CLOSED), "close_date"]
    last = [column.max() for column in (deals["created_date"], ends, history["entered_date"])]
    known = [stamp for stamp in last if not pd.isna(stamp)]
    return max(known) if known else pd.Timestamp.min


def _events(history: pd.DataFrame, deals: pd.DataFrame) -> _Events:
    deal = pd.Index(deals["opportunity_id"]).get_indexer(pd.Index(history["opportunity_id"])).astype(np.int64)
    # Events of one instant keep the order of the file, but a closing comes last wherever the deal's own row says that
    # it is closed: many exports carry days without times, and some list the newest event first.
    ended = np.append(deals["status"].isin(_CLOSED).to_numpy(), False)[deal]  # a deal of -1 is unknown
    closing = (history["status"].isin(_CLOSED).to_numpy() & ended).astype(np.int8)
    order = np.lexsort((closing, history["entered_date"].to_numpy(), deal))
    order = order[deal[order] >= 0]
    return _Events(history.iloc[order].reset_index(drop=True), deal[order], len(deals))


class _States:
    """The state in which each deal stood at an instant.

    Parameters
    ----------
    deals : pandas.DataFrame
        The n deals created by then, as their own rows tell.
    events : _Events
        All their history.
    cut : pandas.Timestamp
        The instant.
    current : bool
        Whether nothing later is recorded, so that an open deal is as its own row says.
    earlier : Cut
        What was cut before.
    """

    def __init__(self, deals: pd.DataFrame, events: _Events, cut: pd.Timestamp, current: bool, earlier: Cut) -> None:
        known = events.before(cut)
        self.deals, self.cut, self.earlier = deals, cut, earlier
        self.owner, seen_status = known.last("owner_id"), known.last("status")
        self.since = known.last_status_since()
        recorded = deals["status"].isin(_CLOSED).to_numpy()
        told = _closing_is_told(events)
        by_record = recorded & (_closed_on(deals, events) < cut).to_numpy()
        self.closed: Mask = np.where(told, seen_status.isin(_CLOSED).to_numpy(), by_record)
        self.status = deals["status"].where(~told, seen_status).where(self.closed, "open")
        # The ledger's figures hold where the deal's own row speaks of this very closing, which is its last.
        last = ~told | (self.since == events.last_status_since()).to_numpy()
        spoken = ~deals["opportunity_id"].isin(earlier.by_events).to_numpy()
        in_time = (deals["close_date"] < cut).to_numpy()
        self.own: Mask = self.closed & (self.status == deals["status"]).to_numpy() & in_time & last & spoken
        # What a closed deal's own row leaves out, its events up to its close fill in.
        ends = (deals["close_date"].dt.normalize() + pd.Timedelta(days=1)).where(self.own, cut)
        settled = known.before(ends)
        self.seen = {column: settled.last(column) for column in _CARRIED}
        self.spare: Mask = self.own | (~self.closed & ~recorded & current)

    def by_events(self) -> frozenset[str]:
        """Return the closed deals whose figures are those of their events."""
        return frozenset(self.deals["opportunity_id"][self.closed & ~self.own])

    def frame(self, final_only: frozenset[str]) -> pd.DataFrame:
        """Return the deals in that state, shape (n, columns)."""
        out = self.deals.assign(status=self.status)
        for column in _CARRIED:
            recorded = self.deals[column].where(self.spare)
            out[column] = recorded.where(self.own).fillna(self.seen[column]).fillna(recorded)
        out["close_date"] = self._actual_close(out["close_date"])
        owners = self.deals["opportunity_id"].map(self.earlier.owners).astype("str").fillna(self.deals["owner_id"])
        out["owner_id"] = self.owner.fillna(owners)
        for column in final_only & set(out.columns):
            out[column] = out[column].where(self.closed)
        return out

    def _actual_close(self, close: pd.Series) -> pd.Series:
        """Date the closings that only history tells: a close date as it stood, unless missing or still to come."""
        stood = (close < self.cut).to_numpy()
        return close.mask(self.closed & ~self.own & ~stood, self.since)


def _closing_is_told(events: _Events) -> Mask:
    """Mark the deals whose closing stands in the stage history."""
    told = np.zeros(events.deals, dtype=bool)
    told[events.deal[events.frame["status"].isin(_CLOSED).to_numpy()]] = True
    return told


def _closed_on(deals: pd.DataFrame, events: _Events) -> pd.Series:
    """Return when each deal's own row lets it close: its close date, or the day after a later row that says open."""
    close = deals["close_date"]
    is_open = (events.frame["status"] == "open").to_numpy()
    opened = _Events(events.frame[is_open], events.deal[is_open], events.deals).last("entered_date")
    contradicted = (opened.dt.normalize() > close.dt.normalize()).to_numpy()
    return close.mask(contradicted, opened.dt.normalize() + pd.Timedelta(days=1))


def _notes(open_deals: pd.DataFrame, day: pd.Timestamp) -> tuple[str, ...]:
    """Say how much is unknown of the deals that were open."""
    said = []
    for column, word in (("stage", "stage"), ("amount", "amount"), ("close_date", "expected close date")):
        missing = int(open_deals[column].isna().sum())
        if missing:
            said.append(f"{missing:,} without a known {word}")
    if not said:
        return ()
    return (
        f"{NOTE}{day.date()}: of {len(open_deals):,} open deals {', '.join(said)} "
        "(values recorded later are not used; stage_history can carry those of the time).",
    )
