"""Records: one history as the rules see it, with what several of them need worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.history import History
from spmforecast.data.quality.limits import QualityRules

__all__ = [
    "NEVER",
    "WHOLE_CYCLE",
    "Codes",
    "Ints",
    "Mask",
    "Moves",
    "Records",
    "Visits",
    "codes_of",
    "date_text",
    "days_of",
    "tally",
]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).min
"""Day number of a missing date."""

WHOLE_CYCLE = "(whole cycle)"
"""Stands for the stage of deals without any stage history, from creation to closing."""

_TAIL = 0.005
_TAIL_GAP = 60


@dataclass(frozen=True, eq=False)
class Codes:
    """Texts as whole numbers: ``names[code]`` is the text, -1 where there is none."""

    code: Ints
    names: npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Moves:
    """Stage history of the known deals in order of deal, time and place in the file, closings of an instant last.

    Parameters
    ----------
    row : numpy.ndarray of int, shape (n,)
        Row in ``stage_history``.
    deal, day : numpy.ndarray of int, shape (n,)
        Row of the deal in ``opportunities``, and day number.
    stage : Codes
        Stage of each row.
    open, closed : numpy.ndarray of bool, shape (n,)
        Whether the row's status says so; neither where it says nothing.
    """

    row: Ints
    deal: Ints
    day: Ints
    stage: Codes
    open: Mask
    closed: Mask


@dataclass(frozen=True, eq=False)
class Visits:
    """Stays of deals in stages: one row for each run of the same stage.

    Parameters
    ----------
    deal, stage, entry, leave : numpy.ndarray of int, shape (n,)
        Row of the deal, code of the stage, day of entry, day of leaving or :data:`NEVER` while it lasts.
    stages : numpy.ndarray of str
        Name of each code. The last is for the whole cycle of deals without any stage history.
    """

    deal: Ints
    stage: Ints
    entry: Ints
    leave: Ints
    stages: npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Records:
    """A history under examination.

    Parameters
    ----------
    history : History
        Cut at a day or not.
    limits : QualityRules
        Limits of the rules.
    """

    history: History
    limits: QualityRules

    @cached_property
    def deals(self) -> pd.DataFrame:
        """Opportunities."""
        return self.history.opportunities

    @cached_property
    def created(self) -> Ints:
        """Day of creation of each deal."""
        return days_of(self.deals["created_date"])

    @cached_property
    def close(self) -> Ints:
        """Close date of each deal, actual or expected."""
        return days_of(self.deals["close_date"])

    @cached_property
    def won(self) -> Mask:
        """Deals that are won."""
        return (self.deals["status"] == "won").to_numpy(dtype=bool)

    @cached_property
    def lost(self) -> Mask:
        """Deals that are lost."""
        return (self.deals["status"] == "lost").to_numpy(dtype=bool)

    @property
    def closed(self) -> Mask:
        """Deals that are won or lost."""
        return self.won | self.lost

    @cached_property
    def open(self) -> Mask:
        """Deals that are open."""
        return ~self.closed

    @cached_property
    def amount(self) -> npt.NDArray[np.float64]:
        """Amount of each deal."""
        return self.deals["amount"].to_numpy(dtype=np.float64)

    @cached_property
    def _coded(self) -> dict[tuple[str, str], Codes]:
        return {}

    def codes(self, table: str, column: str) -> Codes:
        """Return the texts of a column as codes, worked out once."""
        key = (table, column)
        if key not in self._coded:
            self._coded[key] = codes_of(self.history.table(table)[column])
        return self._coded[key]

    @property
    def segment(self) -> Codes:
        """Segment of each deal."""
        return self.codes("opportunities", "segment")

    @cached_property
    def stamps(self) -> Ints:
        """Days of everything that happened to deals, and of bookings and activities, sorted."""
        parts = [self.created, self.close[self.closed], days_of(self.history.stage_history["entered_date"])]
        parts += [days_of(self.history.table(name)["date"]) for name in ("activities", "bookings")]
        every = np.concatenate(parts)
        return np.sort(every[every != NEVER])

    @cached_property
    def day(self) -> int:
        """Day at whose close the records are looked at: that of the cut, else the last that is no stray date."""
        if self.history.known_at is not None:
            return int(days_of(pd.Series([self.history.known_at]))[0])
        return self.last_day

    @cached_property
    def last_day(self) -> int:
        """Day on which the records end; a few stray dates after a long silence do not count."""
        if not len(self.stamps):
            return 0
        tail = self.stamps[int((1 - _TAIL) * (len(self.stamps) - 1)) :]
        silent = np.flatnonzero(np.diff(tail) > _TAIL_GAP)
        return int(tail[silent[0]]) if len(silent) else int(tail[-1])

    @cached_property
    def moves(self) -> Moves:
        """Stage history in order."""
        log = self.history.events
        stage = self.codes("stage_history", "stage")
        return Moves(
            row=log.row,
            deal=log.deal,
            day=log.when.astype("datetime64[D]").astype(np.int64),
            stage=Codes(stage.code[log.row], stage.names),
            open=log.status == 0,
            closed=log.status > 0,
        )

    @cached_property
    def has_moves(self) -> Mask:
        """Deals with at least one row of stage history."""
        out = np.zeros(len(self.deals), dtype=bool)
        out[self.moves.deal] = True
        return out

    @cached_property
    def visits(self) -> Visits:
        """Stays in stages; of deals without stage history the whole cycle."""
        moves = self.moves
        begins = np.ones(len(moves.deal), dtype=bool)
        same = (moves.deal[1:] == moves.deal[:-1]) & (moves.stage.code[1:] == moves.stage.code[:-1])
        begins[1:] = ~(same & (moves.closed[1:] == moves.closed[:-1]))
        run = np.flatnonzero(begins)
        deal, day, closing = moves.deal[run], moves.day[run], moves.closed[run]
        last = np.append(deal[1:] != deal[:-1], True)[: len(run)]
        ended = np.where(self.closed, self.close, NEVER)[deal]
        leave = np.where(last, ended, np.append(day[1:], NEVER)[: len(run)])
        bare = np.flatnonzero(~self.has_moves & (self.created != NEVER))
        whole = len(moves.stage.names)
        stay = ~closing
        return Visits(
            deal=np.append(deal[stay], bare),
            stage=np.append(moves.stage.code[run][stay], np.full(len(bare), whole)),
            entry=np.append(day[stay], self.created[bare]),
            leave=np.append(leave[stay], np.where(self.closed, self.close, NEVER)[bare]),
            stages=np.append(moves.stage.names, WHOLE_CYCLE),
        )

    def ids(self, rows: Sequence[int] | Ints) -> tuple[str, ...]:
        """Return the ids of a few deals by row."""
        return tuple(str(one) for one in self.deals["opportunity_id"].iloc[np.asarray(rows, dtype=np.int64)[:5]])


def days_of(dates: pd.Series) -> Ints:
    """Count days since 1970-01-01; missing dates become :data:`NEVER`."""
    return np.asarray(dates, dtype="datetime64[D]").astype(np.int64)


def date_text(day: int | np.int64) -> str:
    """Write a day number as a date."""
    return str(np.datetime64(int(day), "D"))


def tally(count: int, one: str, many: str = "") -> str:
    """Write a number of things: ``1 day``, ``2 days``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def codes_of(values: pd.Series) -> Codes:
    """Turn texts into codes, in order of first appearance."""
    code, names = pd.factorize(values)
    return Codes(np.asarray(code, dtype=np.int64), np.asarray(names, dtype=object))
