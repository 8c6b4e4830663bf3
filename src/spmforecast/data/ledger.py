"""Views on the event log: visits to stages, pushes of the close date, and the ledger of what was booked and taken back.

All of them speak of a history as it is given; cut it with :meth:`~spmforecast.data.history.History.as_of` first to ask
what was known on a day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from spmforecast.data.events import EventLog
    from spmforecast.data.history import History

__all__ = ["ledger", "pushes", "visits"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_WON = 1


def visits(history: History) -> pd.DataFrame:
    """List every visit of a deal to a stage, to the second.

    Parameters
    ----------
    history : History
        With a stage history; events that change nothing but an amount or a date do not begin a new visit.

    Returns
    -------
    pandas.DataFrame
        ``opportunity_id, stage, entered, left``, in order of the deals and of time; a visit that goes on has no
        ``left``. A stage that is entered again is a new visit. Without a stage history there are no rows.
    """
    log = history.events
    stage = log.frame["stage"].to_numpy(dtype=object)[log.row]
    begins = _begins(log.deal, stage)
    deal, entered = log.deal[begins], log.when[begins]
    left = np.append(entered[1:], np.datetime64("NaT", "s"))[: len(deal)]
    left[np.append(deal[1:] != deal[:-1], True)[: len(deal)]] = np.datetime64("NaT")
    ids = history.opportunities["opportunity_id"].take(deal).reset_index(drop=True)
    return pd.DataFrame(
        {"opportunity_id": ids, "stage": pd.Series(stage[begins], dtype="str"), "entered": entered, "left": left}
    )


def pushes(history: History) -> pd.Series:
    """Count how often the expected close of each deal was moved to a later day.

    Parameters
    ----------
    history : History
        With a stage history that carries close dates.

    Returns
    -------
    pandas.Series of int64
        Indexed by ``opportunity_id``, in the order of the deals.
    """
    log, deals = history.events, history.opportunities
    close = log.frame["close_date"].to_numpy()[log.row].astype("datetime64[D]")
    counted = ~np.isnat(close) & (log.status < _WON)  # the date written by the closing itself is no push
    deal, close = log.deal[counted], close[counted]
    later = np.append(False, (deal[1:] == deal[:-1]) & (close[1:] > close[:-1]))[: len(deal)]
    counts = np.bincount(deal[later], minlength=len(deals))
    return pd.Series(counts.astype(np.int64), index=pd.Index(deals["opportunity_id"]), name="pushes")


def ledger(history: History) -> pd.DataFrame:
    """List what was booked, and what was taken back when a won deal was opened again.

    Parameters
    ----------
    history : History
        Deals with or without stage history.

    Returns
    -------
    pandas.DataFrame
        ``opportunity_id, owner_id, date, amount, kind`` in order of date, then of the deals; kind is ``won`` or
        ``reversed``, a reversal has the negative amount of the win before. The last win of a deal that is won has the
        deal's own date and amount, so the ledger sums to the amounts of the won deals. An amount that nothing tells
        is missing, in the win and in its reversal alike.
    """
    log, deals = history.events, history.opportunities
    deal, place, ends = _won_runs(log)
    last = np.append(deal[1:] != deal[:-1], True)[: len(deal)]
    is_won = (deals["status"] == "won").to_numpy()
    standing = last & (ends < 0) & is_won[deal]
    amount = _amounts_by(log, deal, ends)
    earlier = _entries(deals, deal[~standing], log.when[place[~standing]], amount[~standing], "won")
    back = ends >= 0
    reversed_ = _entries(deals, deal[back], log.when[ends[back]], -amount[back], "reversed")
    rows = np.flatnonzero(is_won)
    own = _entries(deals, rows, deals["close_date"].to_numpy()[rows], deals["amount"].to_numpy()[rows], "won")
    whole = pd.concat([earlier, reversed_, own], ignore_index=True)
    order = np.lexsort((whole["deal"].to_numpy(), whole["date"].to_numpy()))
    return whole.drop(columns="deal").iloc[order].reset_index(drop=True)


def _begins(deal: Ints, value: npt.NDArray[np.generic]) -> Mask:
    """Mark where a run of one value of one deal begins."""
    first = np.ones(len(deal), dtype=bool)
    first[1:] = (deal[1:] != deal[:-1]) | (value[1:] != value[:-1])
    return first


def _won_runs(log: EventLog) -> tuple[Ints, Ints, Ints]:
    """Return deal, place of the first event and place of the event that takes it back (-1: none) of each won run."""
    said = np.flatnonzero(log.status >= 0)
    first = said[_begins(log.deal[said], log.status[said])]
    deal = log.deal[first]
    follows = np.append(deal[1:] == deal[:-1], False)[: len(deal)]
    ends = np.where(follows, np.append(first[1:], -1)[: len(first)], -1)
    won = log.status[first] == _WON
    return deal[won], first[won], ends[won]


def _amounts_by(log: EventLog, deal: Ints, ends: Ints) -> npt.NDArray[np.float64]:
    """Return the amount that each won run had at its end: the last one filled before it was taken back."""
    amount = log.frame["amount"].to_numpy()[log.row]
    filled = np.flatnonzero(~np.isnan(amount))
    if not len(filled):
        return np.full(len(deal), np.nan)
    stop = np.where(ends >= 0, ends, len(log.row))
    found = np.searchsorted(filled, stop) - 1
    at = filled[np.maximum(found, 0)]
    mine = (found >= 0) & (log.deal[at] == deal)
    return np.where(mine, amount[at], np.nan)


def _entries(deals: pd.DataFrame, deal: Ints, date: npt.ArrayLike, amount: npt.ArrayLike, kind: str) -> pd.DataFrame:
    named = deals[["opportunity_id", "owner_id"]].take(deal).reset_index(drop=True)
    date = np.asarray(date, dtype="datetime64[s]")
    return named.assign(date=date, amount=np.asarray(amount, dtype=np.float64), kind=kind, deal=deal)
