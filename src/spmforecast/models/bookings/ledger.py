"""The ledger: bookings as lines with their dimensions, as orders, and when each rep was selling.

Rows of one rep, day and account (or of one ``order_id``, where the table has that extra column) are one order; without
either every row is an order. Orders below zero are cancellations. Lines are put into an order of their own, so that the
order of rows in a file changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import History
from spmforecast.data.tables import empty_frame
from spmforecast.models.capacity import MONTH_DAYS, RAMP_MONTHS, RepSpans, tenure_months
from spmforecast.models.risksets import day_number

__all__ = ["Ledger", "MonthGrid", "booking_lines", "booking_spans", "build_ledger", "month_grid"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NEWCOMER_DAYS = 182
_QUIET_DAYS, _QUIET_GAPS = 91.0, 3.0
_AT_THE_START = 92
_ORDER = "order_id"


@dataclass(frozen=True)
class Ledger:
    """Bookings known at the as-of date.

    Parameters
    ----------
    lines : pandas.DataFrame
        A row for each booking, shaped as a deal won on its day (``owner_id``, ``close_date``, ``amount``, ``status``,
        dimensions), with ``order``: the number of its order.
    orders : pandas.DataFrame
        ``owner_id``, ``date``, ``amount`` of each order, the sum of its lines.
    """

    lines: pd.DataFrame
    orders: pd.DataFrame


def build_ledger(history: History) -> Ledger:
    """Collect lines and orders.

    Parameters
    ----------
    history : History
        Cut at its as-of date.

    Returns
    -------
    Ledger
    """
    lines = booking_lines(history)
    texts = lines[["owner_id", "account_id", _ORDER]].astype(object)
    day = lines["close_date"].dt.normalize()
    named = texts[_ORDER].fillna(texts["account_id"])
    single = named.isna()
    named = named.where(~single, np.arange(len(lines)).astype(str))
    number = pd.DataFrame({"owner": texts["owner_id"], "day": day, "named": named, "single": single})
    order = number.groupby(["owner", "day", "named", "single"], sort=True).ngroup().to_numpy(dtype=np.int64)
    first = pd.Series(np.arange(len(lines))).groupby(order).first().to_numpy(dtype=np.int64)
    amount = np.bincount(order, weights=lines["amount"].to_numpy(dtype=np.float64), minlength=len(first))
    orders = pd.DataFrame(
        {
            "owner_id": texts["owner_id"].to_numpy(dtype=object)[first],
            "date": day.to_numpy()[first],
            "amount": np.round(amount, 2),
        }
    )
    return Ledger(lines.assign(order=order), orders)


def booking_lines(history: History, rows: bool = True) -> pd.DataFrame:
    """Shape the bookings as deals won on their day, with resolved dimensions.

    Parameters
    ----------
    history : History
        Any.
    rows : bool
        Without them the columns alone, at no cost.

    Returns
    -------
    pandas.DataFrame
        A row for each booking, in an order that does not depend on the file's. Territory is the booking's own, else
        its account's, else its rep's. Extra columns of the bookings are attributes as those of deals are, and so is
        the account's ``industry``.
    """
    booked = history.bookings if rows else history.bookings.iloc[:0]
    accounts = history.accounts.drop_duplicates("account_id").set_index("account_id")
    shaped = empty_frame("opportunities").reindex(range(len(booked)))
    for column in booked.columns.difference(["rep_id", "date", "status", "stage", "discount", "list_price"]):
        shaped[column] = booked[column].to_numpy()
    own = shaped["territory_id"].astype("str")
    shaped["territory_id"] = own.fillna(shaped["account_id"].map(accounts["territory_id"]).astype("str"))
    shaped["industry"] = shaped["account_id"].map(accounts["industry"]).astype("str").fillna("(none)")
    shaped["owner_id"] = booked["rep_id"].to_numpy()
    shaped["created_date"] = shaped["close_date"] = booked["date"].to_numpy()
    shaped["status"] = pd.Series("won", index=shaped.index, dtype="str")
    if _ORDER not in shaped:
        shaped[_ORDER] = pd.Series(pd.NA, index=shaped.index, dtype="str")
    keys = ["close_date", "owner_id", "account_id", _ORDER, "amount"]
    keys += sorted(str(column) for column in shaped.columns if column not in keys)
    shaped = shaped.sort_values(keys, kind="stable").reset_index(drop=True)
    return replace(history, tables={**history.tables, "opportunities": shaped}).deals()


def booking_spans(history: History, orders: pd.DataFrame, first_day: int, today: int) -> RepSpans:
    """Work out when each rep was selling, from the reps table or else from the bookings.

    Parameters
    ----------
    history : History
        Cut at its as-of date: later hires and leaves are not known.
    orders : pandas.DataFrame
        ``owner_id`` and ``date``.
    first_day, today : int
        The record.

    Returns
    -------
    RepSpans
        Somebody without a known hire date begins with the first order, or with the record where that order is among
        the record's first three months. Somebody who is not listed sells until the last order, unless that is recent.
    """
    day = pd.Series(day_number(orders["date"]), index=orders["owner_id"].to_numpy(dtype=object))
    seen = day.groupby(level=0).agg(["min", "max", "nunique"])
    reps = history.current_reps()
    owners = tuple(sorted({*map(str, seen.index), *map(str, reps.index)}))
    listed = np.array([owner in reps.index for owner in owners], dtype=bool)
    hire, leave = reps["hire_date"].reindex(owners), reps["end_date"].reindex(owners)
    known_hire, known_leave = hire.notna().to_numpy(), leave.notna().to_numpy()
    hired = np.where(known_hire, day_number(hire), first_day - int(MONTH_DAYS * (RAMP_MONTHS + 1)))
    sold = np.isin(np.array(owners, dtype=object), seen.index.to_numpy(dtype=object))
    first = seen["min"].reindex(owners).fillna(today).to_numpy(dtype=np.int64)
    last = seen["max"].reindex(owners).fillna(first_day - 1).to_numpy(dtype=np.int64)
    gap = (last - first) / np.maximum(seen["nunique"].reindex(owners).fillna(1).to_numpy(dtype=np.float64) - 1, 1)
    recent = sold & (today - last < np.maximum(_QUIET_DAYS, _QUIET_GAPS * gap))
    newcomer = known_hire & (hired > today - _NEWCOMER_DAYS)
    active = np.where(listed, ~known_leave & (newcomer | sold), recent)
    end = np.where(active, today, np.where(known_leave, np.maximum(day_number(leave), last), last))
    early = np.where(first < first_day + _AT_THE_START, first_day, first)
    start = np.maximum(np.minimum(np.where(known_hire, hired, early), first), first_day)
    left = listed & known_leave & (day_number(leave) >= first_day)
    return RepSpans(owners, start, np.maximum(end, start - 1), hired, active.astype(bool), left)


@dataclass(frozen=True)
class MonthGrid:
    """Bookings and presence by rep and fiscal month.

    Parameters
    ----------
    months : array of int, shape (months,)
        Numbers of the fiscal months (see :meth:`spmforecast.calendar.FiscalCalendar.month_numbers`).
    amount : array of float, shape (reps, months)
        Net bookings.
    present : array of float, shape (reps, months)
        Months of work: the share of a month's selling days, weighted by their usual bookings, that a rep was there.
    tenure : array of int, shape (reps, months)
        Whole months since hire in the middle of the month, at most twelve.
    """

    months: Ints
    amount: Array
    present: Array
    tenure: Ints


def month_grid(orders: pd.DataFrame, spans: RepSpans, days: Ints, month: Ints, weight: Array) -> MonthGrid:
    """Add up bookings and presence by rep and month.

    Parameters
    ----------
    orders : pandas.DataFrame
        ``owner_id``, ``date``, ``amount``.
    spans : RepSpans
        When each rep was selling.
    days, month : array of int, shape (days,)
        Days of the record and the month of each.
    weight : array of float, shape (days,)
        Weight of each day in months: a usual whole month sums to about one.

    Returns
    -------
    MonthGrid
    """
    months = np.arange(month[0], month[-1] + 1)
    column = month - month[0]
    shape = (len(spans.owners), len(months))
    code = {owner: index for index, owner in enumerate(spans.owners)}
    owner = orders["owner_id"].map(code).to_numpy(dtype=np.int64)
    place = day_number(orders["date"]) - days[0]
    inside = (place >= 0) & (place < len(days))
    amount, present = np.zeros(shape), np.zeros(shape)
    value = orders["amount"].to_numpy(dtype=np.float64)
    np.add.at(amount, (owner[inside], column[place[inside]]), value[inside])
    there = (days >= spans.start[:, None]) & (days <= spans.end[:, None])
    rows, at = np.nonzero(there)
    np.add.at(present, (rows, column[at]), weight[at])
    # Bookings of somebody who was not known to be there need some presence too, or the rate has no floor.
    present[(present == 0) & (amount != 0)] = 1.0
    middle = np.bincount(column, weights=days) / np.bincount(column)
    tenure = tenure_months(middle - spans.hired[:, None])
    return MonthGrid(months, amount, present, tenure)
