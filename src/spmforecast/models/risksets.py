"""Stays: one row for each visit of a deal to a stage, with right censoring and left truncation.

Time is counted in whole days. A deal that enters a stage on day ``e`` is at risk on the days ``e, e+1, …`` at
the ages ``0, 1, …``; it leaves on day ``x`` at age ``x - e`` (zero for a move on the same day) or is censored at
the close of the as-of day, or of its ``censored_on`` where a deal was lost in a clean-up and is watched no longer.
A stay is at risk at every age ``start <= age <= duration``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.arrays import in_turn
from spmforecast.data import History
from spmforecast.data.arrow import rising, sorted_rows
from spmforecast.data.events import EventLog
from spmforecast.models.moves import Moves, day_number, moves_of

__all__ = ["CENSORED", "Stays", "build_stays", "day_number", "stays_and_events"]

Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.int32]

CENSORED = -1


@dataclass(frozen=True)
class Stays:
    """The sojourn table as arrays; row order is by deal, then time.

    Parameters
    ----------
    stages : tuple of str
        Stages in the order in which deals usually meet them. Destination ``len(stages)`` is won and
        ``len(stages) + 1`` is lost.
    deal, stage, entry, start, duration, to : numpy.ndarray of int, shape (n,)
        Row of the deal, stage, entry day, first age at which the deal was watched, age at exit or at the day
        up to which it is watched, destination or :data:`CENSORED`.
    deals : pandas.DataFrame
        The deals that the rows point to.
    today : int
        The as-of day.
    unplaced : int
        Deals without a stage record of their own; taken as entering the usual first stage at creation.
    """

    stages: tuple[str, ...]
    deal: Ints
    stage: Ints
    entry: Ints
    start: Ints
    duration: Ints
    to: Ints
    deals: pd.DataFrame
    today: int
    unplaced: int = 0

    @property
    def won(self) -> int:
        """Destination code of a win."""
        return len(self.stages)

    @property
    def lost(self) -> int:
        """Destination code of a loss."""
        return len(self.stages) + 1

    @property
    def censored(self) -> npt.NDArray[np.bool_]:
        """Rows whose end was not seen."""
        return np.asarray(self.to == CENSORED)

    @property
    def open_now(self) -> npt.NDArray[np.bool_]:
        """Rows that are still running at the as-of day, not those that are watched no longer."""
        return np.asarray(self.censored & (self.entry + self.duration == self.today))


def build_stays(history: History) -> Stays:
    """Rebuild every visit from the events known to a history.

    Parameters
    ----------
    history : History
        Already cut at its as-of date.

    Returns
    -------
    Stays
    """
    return stays_and_events(history)[0]


def stays_and_events(history: History) -> tuple[Stays, EventLog]:
    """Rebuild every visit, and hand on the events in the order of its deals."""
    assert history.known_at is not None, "stays need a history that is cut at a date"
    today = int(day_number(pd.DatetimeIndex([history.known_at]))[0])
    deals, log = _in_order_of_id(history)
    moves, until = moves_of(deals, log), _watched_until(deals, today)
    return _to_stays(moves, deals, today, until, history.observed_from), log


def _in_order_of_id(history: History) -> tuple[pd.DataFrame, EventLog]:
    """Put the deals in order of id, so that sums, and with them the fit, do not hang on the order of the file."""
    deals, log = history.deals(), history.events
    if rising(deals["opportunity_id"]):
        return deals.reset_index(drop=True), log
    order = sorted_rows(deals["opportunity_id"])
    return deals.take(order).reset_index(drop=True), log.arranged(order)


def _watched_until(deals: pd.DataFrame, today: int) -> Ints:
    """Return the last day on which each deal is watched: today, or the day of ``censored_on`` if it was lost later."""
    until = np.full(len(deals), today, dtype=np.int64)
    if "censored_on" not in deals:
        return until
    day, close = day_number(deals["censored_on"]), day_number(deals["close_date"])
    swept = (deals["status"] == "lost").to_numpy() & deals["censored_on"].notna().to_numpy() & (day < close)
    return np.where(swept, day, until)


def _to_stays(moves: Moves, deals: pd.DataFrame, today: int, until: Ints, observed_from: pd.Timestamp | None) -> Stays:
    """Pair each entry with the event that ends it."""
    begin = -(2**31) if observed_from is None else int(day_number(pd.DatetimeIndex([observed_from]))[0])
    end = until.astype(np.int32)
    parts = in_turn(lambda part: _stays_of(part, len(moves.stages), end, begin), moves.parts, len(moves.parts) > 1)
    columns = (np.concatenate(column, dtype=np.int64) for column in zip(*parts, strict=True))
    deal, stage, entry, start, duration, to = columns
    return Stays(moves.stages, deal, stage, entry, start, duration, to, deals, today, moves.unplaced)


def _stays_of(part: tuple[Short, Short, Short], stages: int, until: Short, begin: int) -> tuple[Short, ...]:
    """List deal, stage, entry, start, duration and destination of the stays of some deals."""
    deal, day, code = part
    known = day <= until[deal]
    if not known.all():
        deal, day, code = deal[known], day[known], code[known]
    goes_on = np.zeros(len(deal), dtype=bool)
    goes_on[:-1] = deal[1:] == deal[:-1]
    leave, to = until[deal], np.full(len(deal), CENSORED, dtype=np.int32)
    rows = np.flatnonzero(goes_on)
    leave[rows], to[rows] = day[rows + 1], code[rows + 1]
    watched_from = np.maximum(day, np.int32(begin))
    kept = (code < stages) & (leave >= watched_from)
    columns = (deal, code, day, watched_from - day, leave - day, to)
    return tuple(column[kept] for column in columns)
