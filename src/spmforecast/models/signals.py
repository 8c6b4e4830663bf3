"""Signals of open deals: what their records tell on a day beyond stage, age and amount.

A close date that has passed, one that is far, pushes, forecast category, how long ago anything was written down, how
the deal fared in its earlier stages: each is read as it stood at the close of the day, from events dated on it or
before. A column of the record that is empty gives columns of zeros, which weigh nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.risksets import Stays, day_number

__all__ = ["EventTable", "Known", "event_table", "open_rows", "signals"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MONTH, _QUARTER = 31, 92
_LATE, _VERY_LATE = 3, 15  # days by which a close date has passed
_QUIET, _SILENT = 14, 45  # days without an event
_MOST_LEVELS = 8  # categories told apart


@dataclass(frozen=True)
class EventTable:
    """Events of deals in order of deal and time, as plain arrays.

    Parameters
    ----------
    deal, day : array of int, shape (n,)
        Row of the deal and day of the event.
    due : array of int, shape (n,)
        Close date expected from then on; the smallest integer where it is not known.
    pushes : array of int, shape (n,)
        Times that it had been moved back by then.
    category : array of int, shape (n,)
        Code of the forecast category; -1 where it is not known.
    categories : int
        Number of categories.
    """

    deal: Ints
    day: Ints
    due: Ints
    pushes: Ints
    category: Ints
    categories: int

    def last_until(self, day: int, deals: Ints) -> Ints:
        """Row of each deal's last event up to a day; -1 where there is none."""
        seen = np.flatnonzero(self.day <= day)
        last = np.full(int(max(self.deal.max(initial=-1), deals.max(initial=-1))) + 1, -1, dtype=np.int64)
        last[self.deal[seen]] = seen  # rows rise with time, so the last one written stays
        return np.asarray(last[deals])


@dataclass(frozen=True)
class Known:
    """What is known of each deal from its first day.

    Parameters
    ----------
    source : array of int, shape (deals,)
        Code of its lead source; -1 where there is none.
    size : array of float, shape (deals,)
        Log of its amount over what is typical of its segment; 0 where it is not known.
    segment : array of int, shape (deals,)
        Code of its segment.
    """

    source: Ints
    size: Array
    segment: Ints

    @property
    def segments(self) -> int:
        """Segments told apart; none where there is one only, or too many to learn of each."""
        count = int(self.segment.max(initial=-1)) + 1
        return count if 1 < count <= _MOST_LEVELS else 0


def event_table(stage_history: pd.DataFrame, deals: pd.DataFrame) -> EventTable:
    """Read the events that signals are made of.

    Parameters
    ----------
    stage_history : pandas.DataFrame
        Cut at the as-of date.
    deals : pandas.DataFrame
        Deals in the order of their rows.

    Returns
    -------
    EventTable
    """
    row_of = pd.Series(np.arange(len(deals)), index=deals["opportunity_id"])
    known = stage_history[stage_history["opportunity_id"].isin(row_of.index)]
    deal = row_of.reindex(known["opportunity_id"]).to_numpy(dtype=np.int64)
    when = known["entered_date"].to_numpy("datetime64[ns]").astype(np.int64)
    order = np.lexsort((np.arange(len(known)), when, deal))
    known, deal = known.iloc[order], deal[order]
    due = day_number(known["close_date"])
    same = np.append(False, deal[1:] == deal[:-1])
    moved = same & (due > np.append(0, due[:-1])) & (np.append(0, due[:-1]) > 0) & (due > 0)
    total = np.cumsum(moved)
    first = np.maximum.accumulate(np.where(same, 0, np.arange(len(deal))))
    code, names = pd.factorize(known["forecast_category"].astype(object), sort=True)
    usable = code if len(names) <= _MOST_LEVELS else np.full(len(code), -1)
    return EventTable(
        deal=deal,
        day=day_number(known["entered_date"]),
        due=due,
        pushes=np.asarray(total - total[first] if len(deal) else total, dtype=np.int64),
        category=np.asarray(usable, dtype=np.int64),
        categories=min(len(names), _MOST_LEVELS),
    )


def open_rows(stays: Stays, day: int) -> Ints:
    """Rows of the stays that were running at the close of a day."""
    ends = np.where(
        stays.censored & (stays.entry + stays.duration == stays.today), day + 1, stays.entry + stays.duration
    )
    begins = stays.entry + np.where(stays.start > 0, stays.start, 0)
    return np.flatnonzero((begins <= day) & (ends > day))


def signals(stays: Stays, events: EventTable, rows: Ints, day: int, usual: Array, known: Known) -> Array:
    """Describe the open deals of some stays as they stood at the close of a day.

    Parameters
    ----------
    stays : Stays
        Visits.
    events : EventTable
        What was written down.
    rows : array of int, shape (n,)
        Stays running on that day.
    day : int
        The day.
    usual : array of float, shape (stays,)
        Usual length of each stay, in days.
    known : Known
        What is known of each deal from its first day.

    Returns
    -------
    array of float, shape (n, columns)
        Indicators and small numbers, each of the size of one.
    """
    deal, stage = stays.deal[rows], stays.stage[rows]
    last = events.last_until(day, deal)
    found = last >= 0

    def of(column: Ints, missing: int) -> Ints:
        return np.where(found, column[last], missing) if len(column) else np.full(len(rows), missing)

    due, pushes = of(events.due, 0), of(events.pushes, 0)
    gap, dated = due - day, due > 0
    quiet = np.where(found, day - of(events.day, day), 0)
    category = of(events.category, -1)
    columns = [stage >= 0, *(known.segment[deal] == s for s in range(known.segments))]
    columns += [*(stage == s for s in range(len(stays.stages)))]
    columns += [dated & (gap < -_VERY_LATE), dated & (gap >= -_VERY_LATE) & (gap < -_LATE)]
    columns += [dated & (gap >= -_LATE) & (gap <= _MONTH), dated & (gap > _QUARTER)]
    columns += [pushes == 1, pushes >= 2, (quiet > _QUIET) & (quiet <= _SILENT), quiet > _SILENT]
    columns += [category == c for c in range(events.categories)]
    columns += [known.source[deal] == c for c in range(int(known.source.max(initial=-1)) + 1)]
    numbers = [known.size[deal], _slowness(stays, rows, usual)]
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in [*columns, *numbers]])


def _slowness(stays: Stays, rows: Ints, usual: Array) -> Array:
    """Log of the days spent in earlier stays over what is usual for those, leaning on usual; 0 in the first stay."""
    moved = np.maximum(stays.duration, 0).astype(np.float64)
    spent, hoped = np.cumsum(moved) - moved, np.cumsum(usual) - usual
    first = np.append(True, stays.deal[1:] != stays.deal[:-1])
    begin = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
    before, expected = spent - spent[begin], hoped - hoped[begin]
    lean = float(usual.mean()) if len(usual) else 1.0
    return np.asarray(np.log((before + lean) / (expected + lean))[rows])
