"""Moves: what each deal entered, stage by stage and at last won or lost, as arrays in order of deal and time.

Texts are numbered once; all that follows is arithmetic on columns of whole numbers, for some ten thousand deals at a
time, so that the same few megabytes of memory are used again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.arrays import in_turn
from spmforecast.data.events import EventLog, status_codes

__all__ = ["DEALS_AT_ONCE", "Moves", "day_number", "moves_of"]

Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.int32]  # half the memory is half the time
Mask = npt.NDArray[np.bool_]
Events = tuple[Short, Short, Short]  # deal, day and state of each

DEALS_AT_ONCE = 50_000
_SINGLE_STAGE = "Open"
_NEVER = np.iinfo(np.int32).max
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Moves:
    """What deals entered, in order of deal and time.

    Parameters
    ----------
    stages : tuple of str
        Stages in the order in which deals usually meet them.
    parts : sequence of tuple of array of int32
        For some deals after others three arrays of one length: row of the deal, day of the event and state entered. A
        state is a stage, ``len(stages)`` for won or ``len(stages) + 1`` for lost.
    unplaced : int
        Deals without an event of their own among others that have some; they begin where most deals do.
    """

    stages: tuple[str, ...]
    parts: Sequence[Events]
    unplaced: int


def day_number(dates: pd.Series | pd.DatetimeIndex) -> Ints:
    """Count days since 1970-01-01; missing dates become the smallest integer."""
    return np.asarray(dates, dtype="datetime64[D]").astype(np.int64)


def moves_of(deals: pd.DataFrame, log: EventLog) -> Moves:
    """Put entries, moves and closings of all deals in order.

    Parameters
    ----------
    deals : pandas.DataFrame
        One row a deal.
    log : EventLog
        Their events, by rows of `deals`. An event of status won or lost is a closing, whatever its stage is called.

    Returns
    -------
    Moves
        Without repeats of a state and what is dated after the close of a closed deal. A stage in which no open deal
        ever rested ("Closed Won" without a status) is the closing itself.
    """
    code, names = log.codes("stage")
    names = (*names, _SINGLE_STAGE)  # in which deals are while no stage at all is known
    own = _OwnRows.of(deals)
    many = len(deals) > DEALS_AT_ONCE
    events = in_turn(lambda part: _recorded(part, code, len(names)), log.parts(DEALS_AT_ONCE), many)
    first = _first_stage(events, len(names))
    added = in_turn(
        lambda part: own.added_to(part[1], part[0] * DEALS_AT_ONCE, first, len(names)), enumerate(events), many
    )
    unplaced = sum(missing for missing, _ in added)
    rested = _rested([part for _, part in added], len(names))
    parts = in_turn(lambda part: _tidy(part[1], rested, len(names)), added, many)
    order = _stage_order(parts, names)
    place = np.zeros(len(names) + 2, dtype=np.int32)
    place[order] = np.arange(len(order))
    place[len(names) :] = len(order) + np.arange(2)
    told = [(deal, day, place[state]) for deal, day, state in parts]
    return Moves(tuple(names[s] for s in order), told, 0 if unplaced == len(deals) else unplaced)


def _recorded(log: EventLog, code: Short, stages: int) -> Events:
    """List deal, day and state of every event; closings come last of what has the same time."""
    closing, deal, when = log.status > 0, log.deal.astype(np.int32), log.when.astype("datetime64[s]")
    state = code[log.row]
    if closing.any():
        state[closing] = stages - 1 + log.status[closing]
        wrong = (deal[1:] == deal[:-1]) & (closing[1:] < closing[:-1]) & (when[1:] == when[:-1])
        if wrong.any():
            order = np.lexsort((log.row, closing, when, deal))
            deal, when, state = deal[order], when[order], state[order]
    return deal, (when.view(np.int64) // _DAY_SECONDS).astype(np.int32), state


def _first_stage(parts: list[Events], stages: int) -> int:
    """Return the stage in which most deals begin; the last one, which stands for all, where none is known."""
    count = np.zeros(stages + 2, dtype=np.int64)
    for deal, _, state in parts:
        count += np.bincount(state[_begins(deal)], minlength=stages + 2)
    return int(count[:stages].argmax()) if count[:stages].any() else stages - 1


def _begins(deal: Short) -> Mask:
    """Mark the first row of each deal."""
    out = np.ones(len(deal), dtype=bool)
    out[1:] = deal[1:] != deal[:-1]
    return out


@dataclass(frozen=True)
class _OwnRows:
    """What the deals' own rows tell, each of shape (deals,).

    Parameters
    ----------
    created : array of int32
        Day of creation.
    ends : array of bool
        Whether the row states a closing.
    close : array of int32
        Its day; a day that never comes where there is none.
    status : array of int8
        0 open, 1 won, 2 lost.
    """

    created: Short
    ends: Mask
    close: Short
    status: npt.NDArray[np.int8]

    @classmethod
    def of(cls, deals: pd.DataFrame) -> _OwnRows:
        status = status_codes(deals["status"])
        ends = (status > 0) & deals["close_date"].notna().to_numpy()
        close = np.where(ends, day_number(deals["close_date"]), _NEVER).astype(np.int32)
        return cls(day_number(deals["created_date"]).astype(np.int32), ends, close, status)

    def added_to(self, events: Events, number: int, entered: int, stages: int) -> tuple[int, Events]:
        """Add entries of deals without an event and all closings; drop what is dated after a closing.

        Returns
        -------
        missing : int
            Deals without an event.
        events : tuple of array
            Deal, day and state of those of :data:`DEALS_AT_ONCE` deals, from a number on.
        """
        mine = slice(number, number + DEALS_AT_ONCE)
        created, ends, close, status = self.created[mine], self.ends[mine], self.close[mine], self.status[mine]
        missing = np.bincount(events[0] - number, minlength=len(close)) == 0
        deal, day, state = _kept(events[1] <= close[events[0] - number], *events)
        deal = deal - np.int32(number)
        begins, rows = missing & (created <= close), np.arange(len(missing), dtype=np.int32)
        count = np.bincount(deal, minlength=len(missing))
        size = count + begins + ends
        offset = np.cumsum(size) - size
        at = (offset - (np.cumsum(count) - count))[deal] + np.arange(len(deal))
        entry, last = offset[begins], (offset + size - 1)[ends]

        def together(of_event: Short, of_entry: Short | int, of_closing: npt.NDArray[np.integer]) -> Short:
            out = np.empty(int(size.sum()), dtype=np.int32)
            out[at], out[entry], out[last] = of_event, of_entry, of_closing
            return out

        return int(np.count_nonzero(missing)), (
            together(deal, rows[begins], rows[ends]) + np.int32(number),
            together(day, created[begins], close[ends]),
            together(state, entered, stages - 1 + status[ends]),
        )


def _kept(mask: Mask, *columns: Short) -> Events:
    """Take the rows of a mask; copied only where it leaves something out."""
    one, two, three = columns if mask.all() else (column[mask] for column in columns)
    return one, two, three


def _at_closing(deal: Short, day: Short, state: Short, stages: int) -> Mask:
    """Mark the stages entered on the day of the closing that follows."""
    out = np.zeros(len(deal), dtype=bool)
    out[:-1] = (state[1:] >= stages) & (day[1:] == day[:-1]) & (deal[1:] == deal[:-1])
    return out & (state < stages)


def _rested(parts: list[Events], stages: int) -> Mask:
    """Mark the states that are entered otherwise than on the day of the closing that follows."""
    count = np.zeros(stages + 2, dtype=np.int64)
    for part in parts:
        count += np.bincount(part[2][~_at_closing(*part, stages)], minlength=stages + 2)
    return count > 0


def _tidy(part: Events, rested: Mask, stages: int) -> Events:
    """Drop the rows of a stage that is the closing itself, then repeats of a deal's state."""
    if not rested.all():
        part = _kept(~_at_closing(*part, stages) | rested[part[2]], *part)
    deal, _, state = part
    fresh = _begins(deal)
    fresh[1:] |= state[1:] != state[:-1]
    return _kept(fresh, *part)


def _stage_order(parts: list[Events], names: tuple[str, ...]) -> list[int]:
    """Order stages by their mean place among a deal's first visits, names deciding ties."""
    stages = len(names)
    count, total = np.zeros(stages, dtype=np.int64), np.zeros(stages)
    for part in parts:
        deal, _, stage = _kept(part[2] < stages, *part)
        key = (deal - deal[:1].sum()) * stages + stage
        number = np.arange(len(key), dtype=np.int32)
        earliest = np.zeros(int(key.max(initial=-1)) + 1, dtype=np.int32)
        earliest[key[::-1]] = number[::-1]  # of equal keys the one written last stays
        deal, _, stage = _kept(earliest[key] == number, deal, deal, stage)
        number = np.arange(len(deal), dtype=np.int32)
        place = number - np.maximum.accumulate(np.where(_begins(deal), number, 0))
        count += np.bincount(stage, minlength=stages)
        total += np.bincount(stage, weights=place, minlength=stages)
    mean = total / np.maximum(count, 1)
    return sorted(np.flatnonzero(count).tolist(), key=lambda s: (mean[s], names[s]))
