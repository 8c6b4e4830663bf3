"""Moves: what each deal entered, stage by stage and at last won or lost, as arrays in order of deal and time.

Texts are numbered once; everything after that is arithmetic on whole columns, so that millions of events take as many
hundredths of a second as they are hundred thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import codes_of
from spmforecast.data.events import EventLog, status_codes

__all__ = ["Moves", "day_number", "moves_of"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Short = npt.NDArray[np.int32]  # half the memory is half the time

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
    deal, day : array of int, shape (n,)
        Row of the deal and day of the event.
    state : array of int, shape (n,)
        Stage entered; ``len(stages)`` is won, ``len(stages) + 1`` lost.
    unplaced : int
        Deals without an event of their own among others that have some; they begin where most deals do.
    """

    stages: tuple[str, ...]
    deal: Short
    day: Short
    state: Short
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
    names, deal, day, state = _recorded(log)
    first = _first_stage(deal, state, len(names))
    missing = np.bincount(deal, minlength=len(deals)) == 0
    if first == len(names):
        names, state = (*names, _SINGLE_STAGE), np.where(state >= len(names), state + 1, state).astype(np.int32)
    deal, day, state = _with_own_events(deals, (deal, day, state), missing, first, len(names))
    deal, day, state = _kept(_not_the_closing(deal, day, state, len(names)), deal, day, state)
    deal, day, state = _kept(_changes(deal, state), deal, day, state)
    order = _stage_order(deal, state, names, len(deals))
    place = np.zeros(len(names) + 2, dtype=np.int32)
    place[order] = np.arange(len(order))
    place[len(names) :] = len(order) + np.arange(2)
    unplaced = 0 if missing.all() else int(np.count_nonzero(missing))
    return Moves(tuple(names[s] for s in order), deal, day, place[state], unplaced)


def _kept(mask: Mask, *columns: Short) -> tuple[Short, ...]:
    """Take the rows of a mask; copied only where it leaves something out."""
    if mask.all():
        return columns
    rows = np.flatnonzero(mask)
    return tuple(column[rows] for column in columns)


def _changes(deal: Short, state: Short) -> Mask:
    """Mark the rows that are no repeat of their deal's state."""
    fresh = np.ones(len(deal), dtype=bool)
    fresh[1:] = (deal[1:] != deal[:-1]) | (state[1:] != state[:-1])
    return fresh


def _recorded(log: EventLog) -> tuple[tuple[str, ...], Short, Short, Short]:
    """Name the stages, and list deal, day and state of every event; closings come last of what has the same time."""
    code, names = codes_of(log.frame["stage"])
    closing, deal, when = log.status > 0, log.deal.astype(np.int32), log.when
    state = code.astype(np.int32)[log.row]
    if closing.any():
        state[closing] = len(names) - 1 + log.status[closing]
        wrong = (deal[1:] == deal[:-1]) & (closing[1:] < closing[:-1]) & (when[1:] == when[:-1])
        if wrong.any():
            order = np.lexsort((log.row, closing, when, deal))
            deal, when, state = deal[order], when[order], state[order]
    return names, deal, _days(when), state


def _days(when: npt.NDArray[np.datetime64]) -> Short:
    """Count the days since 1970-01-01 of times that are all known."""
    return (when.astype("datetime64[s]").view(np.int64) // _DAY_SECONDS).astype(np.int32)


def _first_stage(deal: Short, state: Short, stages: int) -> int:
    """Return the stage in which most deals begin; the number of stages where none is known."""
    begins = np.ones(len(deal), dtype=bool)
    begins[1:] = deal[1:] != deal[:-1]
    first = state[begins]
    count = np.bincount(first[first < stages], minlength=1)
    return int(count.argmax()) if count.any() else stages


def _with_own_events(
    deals: pd.DataFrame, recorded: tuple[Short, Short, Short], missing: Mask, first: int, stages: int
) -> tuple[Short, Short, Short]:
    """Add what the deals' own rows tell, entries of those without an event and closings; drop what is dated later."""
    status, close = status_codes(deals["status"]), day_number(deals["close_date"])
    ends = (status > 0) & deals["close_date"].notna().to_numpy()
    limit = np.where(ends, close, _NEVER).astype(np.int32)
    deal, day, state = _kept(recorded[1] <= limit[recorded[0]], *recorded)
    created = np.where(missing, day_number(deals["created_date"]), 0).astype(np.int32)
    begins = missing & (created <= limit)
    count = np.bincount(deal, minlength=len(deals))
    size = count + begins + ends
    offset = np.cumsum(size) - size
    at = (offset - (np.cumsum(count) - count)).astype(np.int32)[deal] + np.arange(len(deal), dtype=np.int32)
    entry, last = offset[begins], (offset + size - 1)[ends]

    def together(of_record: Short, of_entry: Short | int, of_closing: npt.NDArray[np.integer]) -> Short:
        out = np.empty(int(size.sum()), dtype=np.int32)
        out[at], out[entry], out[last] = of_record, of_entry, of_closing
        return out

    rows = np.arange(len(deals), dtype=np.int32)
    return (
        together(deal, rows[begins], rows[ends]),
        together(day, created[begins], close[ends]),
        together(state, first, stages - 1 + status[ends]),
    )


def _not_the_closing(deal: Short, day: Short, state: Short, stages: int) -> Mask:
    """Mark all but the rows of a stage that is only ever entered on the day of the closing that follows."""
    at_closing = np.zeros(len(deal), dtype=bool)
    at_closing[:-1] = (state[1:] >= stages) & (day[1:] == day[:-1]) & (deal[1:] == deal[:-1])
    at_closing &= state < stages
    if not at_closing.any():
        return ~at_closing
    rested = np.bincount(state, minlength=stages + 2) > np.bincount(state[at_closing], minlength=stages + 2)
    return ~at_closing | rested[state]


def _stage_order(deal: Short, state: Short, names: tuple[str, ...], deals: int) -> list[int]:
    """Order stages by their mean place among a deal's first visits, names deciding ties."""
    of_deal, stage = _kept(state < len(names), deal, state)
    wide = np.dtype(np.int32 if deals * len(names) < _NEVER else np.int64)
    key = of_deal.astype(wide) * len(names) + stage
    number = np.arange(len(key), dtype=wide)
    earliest = np.zeros(deals * len(names), dtype=wide)
    earliest[key[::-1]] = number[::-1]  # of equal keys the one written last stays
    of_deal, stage = _kept(earliest[key] == number, of_deal, stage)
    begins = np.ones(len(of_deal), dtype=bool)
    begins[1:] = of_deal[1:] != of_deal[:-1]
    number = np.arange(len(of_deal), dtype=wide)
    place = number - np.maximum.accumulate(np.where(begins, number, 0))
    count = np.bincount(stage, minlength=len(names))
    mean = np.bincount(stage, weights=place, minlength=len(names)) / np.maximum(count, 1)
    return sorted(np.flatnonzero(count).tolist(), key=lambda s: (mean[s], names[s]))
