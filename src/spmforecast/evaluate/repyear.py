"""What each rep opened and won in a span of days, and what an average one would have in the same seat and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.ids import rows_of
from spmforecast.models import FittedPipeline
from spmforecast.models.pooling import fit_gamma_pool
from spmforecast.models.risksets import day_number
from spmforecast.models.watched import expected_wins
from spmforecast.simulate.credits import divide, shares_of

__all__ = ["RepYear", "rep_year"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RepYear:
    """Done and expected of every owner of the record, in the order of ``owners``.

    Parameters
    ----------
    owners : tuple of str
        All owners.
    opened, opened_expected : array of float
        Deals created within the span; expected is what the company created in each calendar month, shared out by
        days at work times the ramp of tenure. The two have the same sum.
    won, won_expected : array of float
        Bookings credited within the span; expected is the hazard of a win that each deal met at its ages, as deals of
        its segment and size do (those lost stay at risk until the span ends), times the amount that it is worth if
        won. The two have the same sum.
    unit : array of float
        ``sum h a^2 / sum h a`` over those deals: the size of one win as a piece of evidence.
    wins : array of float
        Number of wins, as they are credited.
    """

    owners: tuple[str, ...]
    opened: Array
    opened_expected: Array
    won: Array
    won_expected: Array
    unit: Array
    wins: Array


def rep_year(model: FittedPipeline, before: int) -> RepYear:
    """Compare the owners over the days after one, up to the as-of day.

    Parameters
    ----------
    model : FittedPipeline
        The fit, for ramp, segments and sizes.
    before : int
        Last day before the span.

    Returns
    -------
    RepYear
    """
    deals, owners = model.deals, model.spans.owners
    owner = rows_of(deals["owner_id"].astype("str"), pd.Series(owners, dtype="str"))
    created = day_number(deals["created_date"])
    opened = np.bincount(owner[created > before], minlength=len(owners)).astype(np.float64)
    hazard, worth, booked, lately = _deal_by_deal(model, before, owner, created)
    shared = shares_of(deals, model.history.splits)
    row, share, lead = (shared[name].to_numpy() for name in ("row", "share", "lead"))
    credited = rows_of(shared["owner_id"].astype("str"), pd.Series(owners, dtype="str"))
    known = credited >= 0

    def add(of: Array) -> Array:
        return np.bincount(credited[known], of[known], minlength=len(owners)).astype(np.float64)

    won = add(divide(booked[row], share, lead.astype(bool)))
    hoped, square = add((hazard * worth)[row] * share), add((hazard * worth**2)[row] * share)
    unit = np.divide(square, hoped, out=np.ones(len(owners)), where=hoped > 0)
    return RepYear(
        owners=owners,
        opened=opened,
        opened_expected=_opened_expected(model, before, created),
        won=np.round(won, 2),
        won_expected=hoped,
        unit=unit,
        wins=add(lately[row].astype(np.float64) * share),
    )


def _opened_expected(model: FittedPipeline, before: int, created: Ints) -> Array:
    """Share the deals of each calendar month out by days at work times the ramp."""
    spans = model.spans
    days = np.arange(before + 1, model.stays.today + 1)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    month -= month[0]
    of_deal = created[created > before]
    seen = np.bincount(month[of_deal - before - 1], minlength=int(month[-1]) + 1)
    there = (days >= spans.start[:, None]) & (days <= spans.end[:, None])
    at_work = there * model.creation.ramp[spans.tenure_months(days)]
    by_month = np.stack([at_work[:, month == m].sum(axis=1) for m in range(len(seen))], axis=1)
    whole = by_month.sum(axis=0)
    return np.asarray((by_month * np.divide(seen, whole, out=np.zeros(len(seen)), where=whole > 0)).sum(axis=1))


def _deal_by_deal(
    model: FittedPipeline, before: int, owner: Ints, created: Ints
) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
    """Hazard of a win that each deal met, its worth if won, what it booked, and whether it was won in the span."""
    deals, today, segment = model.deals, model.stays.today, model.profiles.segment_of_deal
    status = deals["status"].to_numpy(dtype=object)
    closed = day_number(deals["close_date"])
    lately = (status == "won") & (closed > before)
    there = (created <= today) & ((status == "open") | (closed > before))
    age = np.where(lately, closed, today) - created
    start = np.clip(before + 1 - created, 0, np.maximum(age, 0))
    hazard, rows = np.zeros(len(deals)), np.flatnonzero(there)
    hazard[rows] = expected_wins(segment[rows], start[rows], np.maximum(age[rows], 0), lately[rows])
    hazard *= _pooled(model.profiles.of_deal, lately, hazard)
    hazard *= model.win_ramp.fitted[model.spans.tenure_at(owner, created)]
    amount = deals["amount"].to_numpy(dtype=np.float64, na_value=0.0)
    booked = np.where(lately, amount, 0.0)
    worth = _worth(model.profiles.amount, segment, booked, lately)
    due = float((hazard * worth).sum())
    return hazard * (float(booked.sum()) / due if due > 0 else 1.0), worth, booked, lately


def _pooled(group: Ints, won: npt.NDArray[np.bool_], hazard: Array) -> Array:
    """Multiplier of each deal's profile on the chance to win."""
    return np.asarray(fit_gamma_pool(np.bincount(group, won), np.bincount(group, hazard)).mean[group])


def _worth(entry: Array, segment: Ints, booked: Array, won: npt.NDArray[np.bool_]) -> Array:
    """Amount of each deal if won: the one known at its beginning times what wins of the segment keep of theirs."""
    usual = float(booked[won].mean()) if won.any() else 1.0
    out = np.full(len(entry), usual)
    for k in np.unique(segment):
        own = segment == k
        mine, known = own & won, np.isfinite(entry) & (entry > 0)
        mean = float(booked[mine].mean()) if mine.any() else usual
        told = mine & known
        kept = float(booked[told].sum() / entry[told].sum()) if told.any() else 1.0
        out[own] = np.where(known[own], np.nan_to_num(entry[own]) * kept, mean)
    return out
