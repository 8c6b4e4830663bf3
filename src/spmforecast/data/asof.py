"""What was known at the close of a day: the tables cut back to it, with nothing of what came later.

Conventions, stated once:

* The close of a day is the next midnight; a record is known when it is dated before that midnight.
* A deal of which ``stage_history`` tells a closing (a row with status ``won`` or ``lost``) by then stands as its last
  known status says; a closing that is taken back is open again, and so is what it booked.
* For any other deal its own row in ``opportunities`` tells, by ``status`` and ``close_date``. Where the history tells
  nearly all closings, or speaks of the deal's status, such a deal counts as open for :data:`GRACE` more days: the event
  of a closing that was dated back is still to come.
* While a deal is open, its stage, amount, expected close and category are those of its last known history row.
  Values of the deal's own row count only when nothing in the records is later than the day, because otherwise
  they were written later, and having them for deals that are still open today would tell which ones survived.
* No decision rests on an event that is dated later, not even on its being there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import choose, picked, select, words_at
from spmforecast.data.events import CLOSED, EventLog, Known, status_codes
from spmforecast.data.ids import rows_of
from spmforecast.data.lazy import Tables
from spmforecast.data.tables import TABLES
from spmforecast.data.threads import each

__all__ = ["BLANK_WINS", "FINAL_ONLY", "GRACE", "NOTE", "Cut", "close_of", "tables_as_of"]

FINAL_ONLY = frozenset({"list_price", "discount"})
"""Columns of a deal that are settled with its end and so unknown while it is open."""

NOTE = "As of "
"""How every note of a cut begins, so that a second cut can replace the notes of the first."""

BLANK_WINS = "won deals without a known amount count as 0"
"""How a note on wins of unknown worth ends; a cut counts anew."""

GRACE = np.timedelta64(31, "D")
"""By how much a closing is dated back at most, where the history tells when closings were entered."""

_NEARLY_ALL = 0.9
_CARRIED = ("stage", "amount", "close_date", "forecast_category")
_STATUS = ("open", *CLOSED)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cut:
    """What an earlier cut took away, so that a second one gives what it would have given at once.

    Parameters
    ----------
    own : pandas.DataFrame
        The deals' own rows as they were read, those of later deals among them, which nobody asks for:
        ``opportunity_id``, ``status``, ``owner_id`` and whatever is carried or final only.
    recorded_until : pandas.Timestamp
        Last event of the whole record, which is when the deals' own rows were true.
    """

    own: pd.DataFrame
    recorded_until: pd.Timestamp

    def restored(self, deals: pd.DataFrame) -> pd.DataFrame:
        """Give deals their own rows back; rows that were taken out since stay out."""
        row = rows_of(deals["opportunity_id"], self.own["opportunity_id"])
        names = [name for name in self.own.columns if name != "opportunity_id" and name in deals.columns]
        return deals.assign(**{name: self.own[name].take(row).set_axis(deals.index) for name in names})


def close_of(day: pd.Timestamp) -> pd.Timestamp:
    """Return the instant at which a day closes: the next midnight."""
    return day.normalize() + pd.Timedelta(days=1)


def tables_as_of(
    tables: Mapping[str, pd.DataFrame],
    log: EventLog,
    day: pd.Timestamp,
    earlier: Cut | None = None,
    final_only: frozenset[str] = FINAL_ONLY,
) -> tuple[Mapping[str, pd.DataFrame], tuple[str, ...], Cut | None]:
    """Cut every table back to the close of a day.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Typed canonical tables.
    log : EventLog
        Their events.
    day : pandas.Timestamp
        The day.
    earlier : Cut, optional
        What the cut did that `tables` come from, if any.
    final_only : frozenset of str
        Columns of `opportunities` that are known of closed deals only.

    Returns
    -------
    tables : mapping of str to pandas.DataFrame
        New frames; the given ones are left alone. Events and splits are picked out when they are asked for.
    notes : tuple of str
        What could not be known, with counts.
    done : Cut or None
        For a further cut; None where there are no deals.
    """
    cut = close_of(day)
    if "opportunities" not in tables:
        return {name: _cut_dated(name, frame, cut) for name, frame in tables.items()}, (), None
    deals = tables["opportunities"] if earlier is None else earlier.restored(tables["opportunities"])
    status = status_codes(deals["status"])
    recorded_until = _recorded_until(deals, status, log) if earlier is None else earlier.recorded_until
    created = (deals["created_date"] < cut).to_numpy()
    states = _States(deals, status, log.before(np.datetime64(cut, "s")), cut, recorded_until < cut)
    out = {name: _cut_dated(name, frame, cut) for name, frame in tables.items() if name not in _OF_DEALS}
    out["opportunities"] = states.frame(created, final_only)
    later = {
        name: partial(_known_part, name, tables[name], log, created, deals, cut)
        for name in _OF_DEALS[1:]
        if name in tables
    }
    notes = _notes(out["opportunities"], states.status[created], day)
    if "reps" in out and recorded_until >= cut:
        notes += _undated_reps(out["reps"], day)
    own = deals[["opportunity_id", "status", "owner_id", *_CARRIED, *sorted(final_only & set(deals.columns))]]
    return Tables(out, later, tuple(tables)), notes, Cut(own, recorded_until)


_OF_DEALS = ("opportunities", "stage_history", "splits")


def _known_part(
    name: str, frame: pd.DataFrame, log: EventLog, created: Mask, deals: pd.DataFrame, cut: pd.Timestamp
) -> pd.DataFrame:
    """Return the rows of a table of deals that are known: dated by then, and of a deal that was created by then."""
    if name == "splits":
        return select(frame, frame["opportunity_id"].isin(deals["opportunity_id"][created]).to_numpy())
    return select(frame, log.rows_before(np.datetime64(cut, "s"), created))


def _cut_dated(name: str, frame: pd.DataFrame, cut: pd.Timestamp) -> pd.DataFrame:
    """Drop rows that are dated at or after an instant; take back what reps' rows tell of the future."""
    dated_by = TABLES[name].dated_by
    if dated_by:
        return select(frame, (frame[dated_by] < cut).to_numpy())
    if name == "reps":
        future = (frame["hire_date"] >= cut) | (frame["effective_from"] >= cut)
        kept = frame[~future].reset_index(drop=True)
        return kept.assign(end_date=kept["end_date"].where(kept["end_date"] < cut))
    return frame


def _recorded_until(deals: pd.DataFrame, status: npt.NDArray[np.int8], log: EventLog) -> pd.Timestamp:
    """Return the last event that the records tell of, which is when the deals' own rows were true."""
    ends = deals["close_date"][status > 0]
    last = [deals["created_date"].max(), ends.max(), log.latest]
    known = [pd.Timestamp(stamp) for stamp in last if not pd.isna(stamp)]
    return max(known) if known else pd.Timestamp.min


class _States:
    """The state in which each deal stood at an instant.

    Parameters
    ----------
    deals : pandas.DataFrame
        n deals, as their own rows tell.
    status : numpy.ndarray of int8, shape (n,)
        Codes of the status that those rows tell.
    known : Known
        Their events dated before the instant.
    cut : pandas.Timestamp
        The instant.
    current : bool
        Whether nothing later is recorded, so that an open deal is as its own row says.
    """

    def __init__(
        self, deals: pd.DataFrame, status: npt.NDArray[np.int8], known: Known, cut: pd.Timestamp, current: bool
    ) -> None:
        self.deals, self.known, self.cut = deals, known, np.datetime64(cut, "s")
        known.log.prepare()
        told, seen, self.since = known.has_closing(), known.last_status(), known.last_status_since()
        recorded: Mask = status > 0
        close = deals["close_date"].to_numpy()
        by_record = recorded & (_closed_on(close, known.last_open()) < self.cut)
        if not current:
            by_record &= _not_awaited(by_record, seen, told, close, self.cut)
        self.closed: Mask = np.where(told, seen > 0, by_record)
        self.status = np.where(self.closed, np.where(told, seen, status), np.int8(0))
        # The ledger's figures hold where the deal's own row speaks of this very closing.
        about = np.abs(self.since.astype("datetime64[D]") - close.astype("datetime64[D]")) <= GRACE
        self.own: Mask = self.closed & (self.status == status) & (close < self.cut) & (~told | about)
        # What a closed deal's own row leaves out, its events up to its close fill in.
        self.settled = known.until(
            np.where(self.own, close.astype("datetime64[D]") + 1, self.cut).astype("datetime64[s]")
        )
        self.spare: Mask = self.own | (~self.closed & ~recorded & current)

    def frame(self, created: Mask, final_only: frozenset[str]) -> pd.DataFrame:
        """Return those deals that were created by then in that state, shape (k, columns)."""

        def column(name: str) -> pd.Series:
            if name == "status":
                return words_at(self.status[created], _STATUS)
            recorded = picked(self.deals[name], created)
            if name in _CARRIED:
                return self._carried(name, recorded, created)
            if name == "owner_id":
                seen = self.known.last(name, among=created)
                return choose(recorded, seen, seen.isna().to_numpy())
            return recorded.where(self.closed[created]) if name in final_only else recorded

        names = [str(name) for name in self.deals.columns]
        return pd.DataFrame(dict(zip(names, each(column, names, len(self.deals)), strict=True)), copy=False)

    def _carried(self, name: str, recorded: pd.Series, created: Mask) -> pd.Series:
        """Return a column that changes while a deal goes on, of the deals that were created by then."""
        own, spare = self.own[created], self.spare[created]
        filled = recorded.notna().to_numpy()
        seen = self.settled.last(name, of=~(own & filled), among=created)
        wanted = own | (spare & seen.isna().to_numpy())
        values = choose(recorded, seen, wanted & filled)
        return self._actual_close(values, created) if name == "close_date" else values

    def _actual_close(self, close: pd.Series, created: Mask) -> pd.Series:
        """Date the closings that only history tells: a close date as it stood, unless missing or still to come."""
        stood = (close < self.cut).to_numpy()
        told = (self.closed & ~self.own)[created] & ~stood
        return choose(pd.Series(self.since[created]), close, told)


def _closed_on(close: npt.NDArray[np.datetime64], opened: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Return when each deal's own row lets it close: its close date, or the day after a later row that says open."""
    opened = opened.astype("datetime64[D]")
    contradicted = opened > close.astype("datetime64[D]")
    return np.where(contradicted, opened + 1, close).astype("datetime64[s]")


def _not_awaited(
    by_record: Mask, seen: npt.NDArray[np.int8], told: Mask, close: npt.NDArray[np.datetime64], cut: np.datetime64
) -> npt.NDArray[np.bool_]:
    """Mark the closings whose event is not awaited any more.

    Their time is over, or events seldom tell closings; as long as that cannot be judged, those are awaited whose events
    have spoken of the status at all.
    """
    old = close < cut - GRACE
    judged = by_record & old
    if not judged.any():
        return old | (seen < 0)
    return old | bool(np.mean(told[judged]) < _NEARLY_ALL)


def _notes(deals: pd.DataFrame, status: npt.NDArray[np.int8], day: pd.Timestamp) -> tuple[str, ...]:
    """Say how much is unknown of the deals that were open, and of how many won ones the amount is."""
    lacking = int(np.count_nonzero((status == _STATUS.index("won")) & deals["amount"].isna().to_numpy()))
    won = (f"{NOTE}{day.date()}: {lacking:,} {BLANK_WINS}.",) if lacking else ()
    is_open = status == _STATUS.index("open")
    said = []
    for column, word in (("stage", "stage"), ("amount", "amount"), ("close_date", "expected close date")):
        missing = int(np.count_nonzero(deals[column].isna().to_numpy() & is_open))
        if missing:
            said.append(f"{missing:,} without a known {word}")
    if not said:
        return won
    return (
        *won,
        f"{NOTE}{day.date()}: of {np.count_nonzero(is_open):,} open deals {', '.join(said)} "
        "(values recorded later are not used; stage_history can carry those of the time).",
    )


def _undated_reps(reps: pd.DataFrame, day: pd.Timestamp) -> tuple[str, ...]:
    """Say how many reps stand only where the export has them."""
    dated = reps.loc[reps["effective_from"].notna(), "rep_id"]
    count = reps["rep_id"].nunique() - dated.nunique()
    if not count:
        return ()
    told = "reps have no effective_from; their territory and manager are those of the export"
    return (f"{NOTE}{day.date()}: {count:,} {told}.",)
