"""The event log: stage history in order of deal and time, as arrays, so that any day's view of it is quick.

Events of one instant keep the order of the file, but a closing comes last wherever the deal's own row says that it is
closed: many exports carry days without times, and some list the newest event first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import codes_of, missing_column, places_among
from spmforecast.data.eventorder import ordered
from spmforecast.data.ids import rows_of
from spmforecast.data.threads import block_by_block, each

__all__ = ["CLOSED", "EventLog", "Known", "status_codes"]

CLOSED = ("won", "lost")
_STATUS = ("open", *CLOSED)
_OPEN, _UNSAID = 0, -1
_BLOCK = 1 << 16  # events at a time, so that they stay in the processor's cache

T = TypeVar("T", bound=np.generic)

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.signedinteger]
"""Places in the log, in half the room where that is enough."""


def status_codes(status: pd.Series) -> npt.NDArray[np.int8]:
    """Return 0 for open, 1 for won, 2 for lost and -1 for anything else, shape (n,)."""
    return places_among(status, _STATUS)


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
    _latest: dict[str, Places] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        deals: pd.DataFrame,
        history: pd.DataFrame,
        deal: Ints | None = None,
        status: Mapping[str, npt.NDArray[np.int8]] | None = None,
    ) -> EventLog:
        """Sort a stage history.

        Parameters
        ----------
        deals, history : pandas.DataFrame
            Canonical ``opportunities`` (m rows) and ``stage_history`` (n rows).
        deal : numpy.ndarray of int, shape (n,), optional
            Row of the opportunities of each event, -1 where it has none; looked up where not given.
        status : mapping of str to numpy.ndarray of int, optional
            Codes of the status of ``opportunities`` and ``stage_history``, as :func:`status_codes` finds them.
        """
        known = status or {}
        if deal is None:
            deal = rows_of(history["opportunity_id"], deals["opportunity_id"])
        now, then = (
            known[name] if name in known else status_codes(frame["status"])
            for name, frame in (("opportunities", deals), ("stage_history", history))
        )
        ended = np.append(now > _OPEN, False)  # a deal of -1 is unknown
        of = deal
        last = block_by_block(lambda rows: (then[rows] > _OPEN) & ended[of[rows]], len(of), _BLOCK, np.bool_)
        row, deal, when = ordered(of, history["entered_date"].to_numpy(), last, len(deals))
        told = block_by_block(lambda rows: then[row[rows]], len(row), _BLOCK, np.int8)
        return cls(history, row, deal, when, told, len(deals))

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

    @cached_property
    def bounds(self) -> Ints:
        """Places between which each deal's events stand: those of deal d from ``bounds[d]`` up to ``bounds[d + 1]``."""
        return np.append(0, np.cumsum(np.bincount(self.deal, minlength=self.deals)))

    @cached_property
    def latest(self) -> np.datetime64:
        """When the last event of all was, NaT where there is none."""
        return self.when.max() if len(self.when) else np.datetime64("NaT", "s")

    def before(self, cut: np.datetime64) -> Known:
        """Return what is dated before an instant."""
        whole = Known(self, self.bounds[1:])
        return whole.until(np.full(self.deals, cut))

    def prepare(self) -> None:
        """Find all that the states of the deals are read off, side by side; each is found once for all views."""
        found = (self.latest_told, self.latest_open, self.latest_closing, self.latest_change)
        each(lambda find: find(), found, len(self.row))

    def latest_filled(self, column: str) -> Places | None:
        """Return the place of the last event up to each that fills a column (-1: none), of whatever deal; None: itself.

        As the following ones found once, so that every later view takes a look at one event a deal.
        """
        mask = self.filled(column)
        return None if mask is None else self._latest_of(column, mask)

    def latest_told(self) -> Places | None:
        """Return the place of the last event up to each that tells a status; None where all do."""
        told = self.status != _UNSAID
        return None if told.all() else self._latest_of("|told", told)

    def latest_open(self) -> Places:
        """Return the place of the last event up to each that says that its deal is open."""
        return self._latest_of("|open", self.status == _OPEN)

    def latest_closing(self) -> Places:
        """Return the place of the last event up to each that closes its deal."""
        return self._latest_of("|closing", self.status > _OPEN)

    def latest_change(self) -> Places:
        """Return the place of the last event up to each with which a status began."""
        if "|change" in self._latest:
            return self._latest["|change"]
        known = self.status != _UNSAID
        told = slice(None) if known.all() else np.flatnonzero(known)
        deal, status = self.deal[told], self.status[told]
        begins = np.zeros(len(self.status), dtype=bool)
        begins[told] = np.append(True, (deal[1:] != deal[:-1]) | (status[1:] != status[:-1]))[: len(deal)]
        return self._latest_of("|change", begins)

    def _latest_of(self, what: str, mask: Mask) -> Places:
        if what not in self._latest:
            kind: type[np.signedinteger] = np.int32 if len(mask) < np.iinfo(np.int32).max else np.int64
            places = block_by_block(
                lambda rows: np.where(mask[rows], np.arange(rows.start, rows.stop), -1), len(mask), _BLOCK, kind
            )
            self._latest[what] = np.maximum.accumulate(places, out=places)
        return self._latest[what]


def _sorted(deal: Ints, when: npt.NDArray[np.datetime64], last: Mask, row: Ints) -> bool:
    """Tell whether events stand in order of deal, time, `last` and row, given that deals and times do."""
    tied = np.flatnonzero((deal[1:] == deal[:-1]) & (when[1:] == when[:-1]))
    later, rank = last[tied + 1], last[tied]
    return bool(((later > rank) | ((later == rank) & (row[tied + 1] > row[tied]))).all())


@dataclass(frozen=True, eq=False)
class Known:
    """Events of a log that are known at some instant: of each deal the first few, because they stand in order of time.

    Parameters
    ----------
    log : EventLog
        All events.
    end : numpy.ndarray of int, shape (deals,)
        Place in the log up to which each deal's events are known.
    """

    log: EventLog
    end: Ints

    def until(self, limit: npt.NDArray[np.datetime64]) -> Known:
        """Keep what is dated before an instant of each deal's own; `limit` has an element a deal."""
        when, end = self.log.when, self.end.copy()
        deal = np.flatnonzero(end > self._begin)
        deal = deal[~(when[end[deal] - 1] < limit[deal])]  # most deals' last event is early enough
        low, high, limit = self._begin[deal], end[deal] - 1, limit[deal]
        while len(deal):
            middle = (low + high) >> 1
            early = when[middle] < limit
            low, high = np.where(early, middle + 1, low), np.where(early, high, middle)
            end[deal] = low
            on = low < high
            deal, low, high, limit = deal[on], low[on], high[on], limit[on]
        return Known(self.log, end)

    def last(self, column: str, of: Mask | None = None, among: Mask | None = None) -> pd.Series:
        """Give each deal's last filled value of a column, missing where there is none.

        Parameters
        ----------
        column : str
            The column.
        of : numpy.ndarray of bool, shape (k,), optional
            Which of the deals to look up; the others' value is missing.
        among : numpy.ndarray of bool, shape (deals,), optional
            The k deals to speak of; all where not given.

        Returns
        -------
        pandas.Series, shape (k,)
        """
        place = self._last(self.log.latest_filled(column))
        place = place if among is None else place[among]
        asked = np.flatnonzero(place >= 0 if of is None else (place >= 0) & of)
        if not len(asked):
            return missing_column(str(self.log.frame[column].dtype), pd.RangeIndex(len(place)))
        row = np.full(len(place), -1, dtype=np.int64)
        row[asked] = self.log.row[place[asked]]
        return pd.Series(self.log.frame[column].array.take(row, allow_fill=True), index=range(len(row)))

    def last_status(self) -> npt.NDArray[np.int8]:
        """Return each deal's last known status as a code, -1 where no event tells one; shape (deals,)."""
        place = self._last(self.log.latest_told())
        return np.where(place >= 0, self._at(self.log.status, place), np.int8(_UNSAID))

    def last_status_since(self) -> npt.NDArray[np.datetime64]:
        """Return when each deal's last known status began, NaT where no event tells one; shape (deals,)."""
        return self._when(self.log.latest_change())

    def last_open(self) -> npt.NDArray[np.datetime64]:
        """Return when an event last said that each deal is open, NaT where none does; shape (deals,)."""
        return self._when(self.log.latest_open())

    def has_closing(self) -> Mask:
        """Mark the deals of which a closing is known, shape (deals,)."""
        return self._last(self.log.latest_closing()) >= 0

    @property
    def _begin(self) -> Ints:
        return self.log.bounds[:-1]

    def _last(self, latest: Places | None) -> Ints:
        """Return the place of each deal's last known event, or of the latest of a kind up to it; -1 where none is."""
        last = self.end - 1
        if latest is not None:
            last = self._at(latest, last)
        return np.where((self.end > self._begin) & (last >= self._begin), last, -1)

    def _when(self, latest: Places) -> npt.NDArray[np.datetime64]:
        place = self._last(latest)
        return np.where(place >= 0, self._at(self.log.when, place), np.datetime64("NaT", "s"))

    @staticmethod
    def _at(values: npt.NDArray[T], place: Ints) -> npt.NDArray[T]:
        """Return the values at places, anything at -1."""
        return values[place] if len(values) else np.zeros(len(place), dtype=values.dtype)
