"""A change log that is replayed with its accounts kept: which rows became events, and why the others did not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.crm.changes import FIELDS, instants, replay
from spmforecast.errors import Problem

__all__ = ["Retold", "retell"]

_AT_ONCE = np.timedelta64(60, "s")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Retold:
    """Events of deals in order of deal and time.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``opportunity_id, entered_date`` and the fields that the log follows, as they stood from then on; text, empty
        where unknown.
    lines : numpy.ndarray of int, shape (n,)
        Line of the first row of each event; 0 where it is the creation of the deal alone.
    broken : tuple of Problem
        Rows of the log whose time cannot be read.
    exclusions : mapping of str to int
        Rows of the log that made no event of their own, by reason.
    """

    frame: pd.DataFrame
    lines: Ints
    broken: tuple[Problem, ...]
    exclusions: Mapping[str, int]


def retell(changes: pd.DataFrame, start: pd.DataFrame, followed: Collection[str], file: str) -> Retold:
    """Replay a log (see :func:`~spmforecast.data.crm.changes.replay`).

    Rows read = events that begin with one of them + broken rows + exclusions; events that tell a creation alone come
    on top. Within a minute of its creation a deal is being created: what changes then, holds from the creation.

    Parameters
    ----------
    changes : pandas.DataFrame
        ``opportunity_id, at, field, new, line`` and perhaps ``old``.
    start : pandas.DataFrame
        A row a deal: ``opportunity_id, created`` and perhaps current values.
    followed : collection of str
        Fields that the log follows.
    file : str
        For messages.

    Returns
    -------
    Retold
    """
    start = start.drop_duplicates("opportunity_id").reset_index(drop=True)
    deal = pd.Index(start["opportunity_id"]).get_indexer(pd.Index(changes["opportunity_id"])).astype(np.int64)
    at = instants(changes["at"]).at
    known, read = deal >= 0, ~np.isnat(at)
    broken = tuple(_unread(changes[known & ~read], file))
    near = np.abs(at - instants(start["created"]).take(deal).at) <= _AT_ONCE
    born = changes["at"].mask(near, pd.Series(start["created"].array.take(deal, allow_fill=True), index=changes.index))
    used = changes.assign(at=born)[known & read].reset_index(drop=True)
    events = replay(used, start, tracked=followed)
    staged = (events["stage"].fillna("") != "").to_numpy()
    told = (events["line"] > 0).to_numpy()
    exclusions = {
        "its deal is not in the export": int((~known).sum()),
        "told together with another change of the same instant": len(used) - int(told.sum()),
        "the stage of its deal is not known yet": int((told & ~staged).sum()),
    }
    events = events[staged].reset_index(drop=True)
    names = [name for name in FIELDS if name in followed]
    frame = events[["opportunity_id", "entered_date"]].assign(**{name: events[name].fillna("") for name in names})
    lines = events["line"].to_numpy(dtype=np.int64)
    return Retold(frame, lines, broken, {reason: rows for reason, rows in exclusions.items() if rows})


def _unread(rows: pd.DataFrame, file: str) -> list[Problem]:
    told, mend = "not a time stamp", "Write it as ISO 8601, for instance 2025-06-30T17:05:00Z."
    found = zip(rows["line"], rows["at"], strict=True)
    return [Problem("stage_history", told, mend, file, int(line), "entered_date", str(at)) for line, at in found]
