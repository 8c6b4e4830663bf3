"""The event log: stage history in order of deal and time, as arrays, so that any day's view of it is quick.

Events of one instant keep the order of the file, but a closing comes last wherever the deal's own row says that it is
closed: many exports carry days without times, and some list the newest event first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import codes_of, rows_of

__all__ = ["CLOSED", "EventLog", "Known", "status_codes"]

CLOSED = ("won", "lost")
_STATUS = ("open", *CLOSED)
_OPEN, _UNSAID = 0, -1

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def status_codes(status: pd.Series) -> npt.NDArray[np.int8]:
    """Return 0 for open, 1 for won, 2 for lost and -1 for anything else, shape (n,)."""
    codes = np.full(len(status), _UNSAID, dtype=np.int8)
    for code, word in enumerate(_STATUS):
        codes[(status == word).to_numpy(dtype=bool, na_value=False)] = code
    return codes


def last_of_run(keys: npt.NDArray[np.integer]) -> Mask:
    """Mark the last element of each run of equal keys."""
    return np.append(keys[1:] != keys[:-1], len(keys) > 0)[: len(keys)]


@dataclass(frozen=True, eq=False)
class EventLog:
    """Every event of the known deals, sorted by deal, time and place in the file.

    Parameters
    ----------
    frame : pandas.DataFrame
        Canonical ``stage_history``, in file order.
    row : numpy.ndarray of int, shape (n,)
        Row of `frame` of each event.
    deal : numpy.ndarray of int, shape (n,)
        Row of the opportunities of each event.
    when : numpy.ndarray of datetime64[s], shape (n,)
        When.
    status : numpy.ndarray of int8, shape (n,)
        0 open, 1 won, 2 lost, -1 where the event says nothing of it.
    deals : int
        Number of opportunities.
    """

    frame: pd.DataFrame
    row: Ints
    deal: Ints
    when: npt.NDArray[np.datetime64]
    status: npt.NDArray[np.int8]
    deals: int
    _filled: dict[str, Mask | None] = field(default_factory=dict, repr=False)
    _codes: dict[str, tuple[npt.NDArray[np.int32], tuple[str, ...]]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, deals: pd.DataFrame, history: pd.DataFrame, deal: Ints | None = None) -> EventLog:
        """Sort a stage history.

        Parameters
        ----------
        deals, history : pandas.DataFrame
            Canonical ``opportunities`` (m rows) and ``stage_history`` (n rows).
        deal : numpy.ndarray of int, shape (n,), optional
            Row of the opportunities of each event, -1 where it has none; looked up where not given.
        """
        if deal is None:
            deal = rows_of(history["opportunity_id"], deals["opportunity_id"])
        status = status_codes(history["status"])
        at = history["entered_date"].to_numpy()
        ended = np.append(deals["status"].isin(CLOSED).to_numpy(), False)[deal]  # a deal of -1 is unknown
        order = _order(deal, at, (status > _OPEN) & ended)
        order = order[np.searchsorted(deal[order], 0) :]
        return cls(history, order, deal[order], at[order], status[order], len(deals))

    def rows_before(self, until: np.datetime64, created: Mask) -> Mask:
        """Mark the rows, in file order, that are dated before an instant and of a deal that was created by then."""
        kept = (self.when < until) & created[self.deal]
        rows = np.zeros(len(self.frame), dtype=bool)
        rows[self.row if kept.all() else self.row[kept]] = True
        return rows

    def cut(self, deals: pd.DataFrame, history: pd.DataFrame, created: Mask, until: np.datetime64) -> EventLog:
        """Return the log of tables that are cut back to an instant, as :meth:`of` would make it.

        Parameters
        ----------
        deals, history : pandas.DataFrame
            ``opportunities`` and ``stage_history`` once cut.
        created : numpy.ndarray of bool, shape (deals,)
            Which deals were kept.
        until : numpy.datetime64
            The instant; events dated before it were kept.
        """
        row, deal, when, status = self.row, self.deal, self.when, self.status
        if len(history) < len(self.frame):
            kept = np.flatnonzero((when < until) & created[deal])
            row, deal, when, status = row[kept], deal[kept], when[kept], status[kept]
            inside = np.zeros(len(self.frame), dtype=bool)
            inside[row] = True
            row = (np.cumsum(inside, dtype=np.int32) - 1)[row].astype(np.int64)
        if not created.all():
            deal = (np.cumsum(created) - 1)[deal]
        ended = status_codes(deals["status"]) > _OPEN
        if _sorted(deal, when, (status > _OPEN) & ended[deal], row):
            return EventLog(history, row, deal, when, status, len(deals))
        return EventLog.of(deals, history)  # a deal that was open then has events of one instant in another order

    def arranged(self, order: Ints) -> EventLog:
        """Return the log of the deals in another order; `order` lists the rows in which they stand now."""
        count = np.bincount(self.deal, minlength=self.deals)
        length = count[order]
        begin = (np.cumsum(count) - count)[order] - (np.cumsum(length) - length)
        place = np.repeat(begin, length) + np.arange(len(self.deal))
        deal = np.repeat(np.arange(self.deals), length)
        return EventLog(self.frame, self.row[place], deal, self.when[place], self.status[place], self.deals)

    def parts(self, deals: int) -> Iterator[EventLog]:
        """Hand out the events of so many deals after those of others, as views."""
        edges = [*range(0, max(self.deals, 1), deals), self.deals]
        for begin, end in pairwise(np.searchsorted(self.deal, edges).tolist()):
            rows = slice(begin, end)
            yield EventLog(self.frame, self.row[rows], self.deal[rows], self.when[rows], self.status[rows], self.deals)

    def codes(self, column: str) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
        """Return the number of each row's text in a column, in file order, and the texts; found once."""
        if column not in self._codes:
            self._codes[column] = codes_of(self.frame[column].astype("str"))
        return self._codes[column]

    def filled(self, column: str) -> Mask | None:
        """Mark the events that fill a column, shape (n,); None where all do. Found once for each column."""
        if column not in self._filled:
            mask = self.frame[column].notna().to_numpy()
            self._filled[column] = None if mask.all() else mask[self.row]
        return self._filled[column]

    def before(self, cut: np.datetime64) -> Known:
        """Return what is dated before an instant."""
        return Known(self, np.flatnonzero(self.when < cut))


def _order(deal: Ints, at: npt.NDArray[np.datetime64], last: Mask) -> Ints:
    """Sort by deal, then time, then `last`; equal ones keep their order."""
    seconds = at.astype("datetime64[s]").astype(np.int64)
    spread = int(seconds.max() - seconds.min() + 1) if len(seconds) else 1
    if (int(deal.max(initial=0)) + 2) * spread * 2 < np.iinfo(np.int64).max:
        # One key for all three sorts several times quicker than three keys.
        key = (((deal + 1) * spread) + (seconds - seconds.min(initial=seconds[0] if len(seconds) else 0))) * 2 + last
        return np.argsort(key, kind="stable")
    return np.lexsort((last, at, deal))


def _sorted(deal: Ints, when: npt.NDArray[np.datetime64], last: Mask, row: Ints) -> bool:
    """Tell whether events stand in order of deal, time, `last` and row, given that deals and times do."""
    tied = np.flatnonzero((deal[1:] == deal[:-1]) & (when[1:] == when[:-1]))
    later, rank = last[tied + 1], last[tied]
    return bool(((later > rank) | ((later == rank) & (row[tied + 1] > row[tied]))).all())


@dataclass(frozen=True, eq=False)
class Known:
    """Events of a log that are known at some instant.

    Parameters
    ----------
    log : EventLog
        All events.
    place : numpy.ndarray of int, shape (k,)
        Places in the sorted log of those that are known, rising.
    """

    log: EventLog
    place: Ints

    def until(self, limit: npt.NDArray[np.datetime64]) -> Known:
        """Keep what is dated before an instant of each deal's own; `limit` has an element a deal."""
        kept = self.log.when[self.place] < limit[self.log.deal[self.place]]
        return self if kept.all() else Known(self.log, self.place[kept])

    def last(self, column: str) -> pd.Series:
        """Return each deal's last filled value of a column, shape (deals,), missing where there is none."""
        values = self.log.frame[column]
        filled = self.log.filled(column)
        place = self.place if filled is None else self._told(filled[self.place])
        return self._at_deals(values, place[last_of_run(self.log.deal[place])])

    def last_status(self) -> npt.NDArray[np.int8]:
        """Return each deal's last known status as a code, -1 where no event tells one; shape (deals,)."""
        place = self._told(self.log.status[self.place] != _UNSAID)
        ends = place[last_of_run(self.log.deal[place])]
        out = np.full(self.log.deals, _UNSAID, dtype=np.int8)
        out[self.log.deal[ends]] = self.log.status[ends]
        return out

    def last_status_since(self) -> npt.NDArray[np.datetime64]:
        """Return when each deal's last known status began, NaT where no event tells one; shape (deals,)."""
        place = self._told(self.log.status[self.place] != _UNSAID)
        deal, status = self.log.deal[place], self.log.status[place]
        begins = np.ones(len(place), dtype=bool)
        begins[1:] = (deal[1:] != deal[:-1]) | (status[1:] != status[:-1])
        return self._when(place[begins])

    def last_open(self) -> npt.NDArray[np.datetime64]:
        """Return when an event last said that each deal is open, NaT where none does; shape (deals,)."""
        return self._when(self._told(self.log.status[self.place] == _OPEN))

    def has_closing(self) -> Mask:
        """Mark the deals of which a closing is known, shape (deals,)."""
        told = np.zeros(self.log.deals, dtype=bool)
        told[self.log.deal[self.place[self.log.status[self.place] > _OPEN]]] = True
        return told

    def _told(self, mask: Mask) -> Ints:
        """Return the places that a mask over them keeps; the same array where that is all of them."""
        return self.place if mask.all() else self.place[mask]

    def _when(self, place: Ints) -> npt.NDArray[np.datetime64]:
        ends = place[last_of_run(self.log.deal[place])]
        out = np.full(self.log.deals, np.datetime64("NaT"), dtype="datetime64[s]")
        out[self.log.deal[ends]] = self.log.when[ends]
        return out

    def _at_deals(self, values: pd.Series, place: Ints) -> pd.Series:
        row = np.full(self.log.deals, -1, dtype=np.int64)
        row[self.log.deal[place]] = self.log.row[place]
        return pd.Series(values.array.take(row, allow_fill=True), index=range(self.log.deals))
