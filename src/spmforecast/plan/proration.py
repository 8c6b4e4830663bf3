"""Quotas during the year, pro-rated by calendar day: hires, leavers, leave, ramp, and accounts that move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import Period, to_day
from spmforecast.errors import InputError, Problem
from spmforecast.plan.ramp import Ramp

__all__ = ["active_share", "move_accounts", "prorate"]

Array = npt.NDArray[np.float64]
_CENT = Decimal("0.01")
_MONTH_DAYS = 30.4375


def active_share(
    period: Period,
    hired: object = None,
    left: object = None,
    away: Sequence[tuple[object, object]] = (),
    ramp: Ramp | None = None,
) -> float:
    """Share of a period's days on which a rep sells, each day weighted by the ramp.

    Parameters
    ----------
    period : Period
        The period.
    hired, left : date-like, optional
        First and last day of service; None is beyond the period.
    away : sequence of (date-like, date-like)
        Stretches of leave, first and last day included.
    ramp : callable, optional
        Productivity by months of tenure (:mod:`spmforecast.plan.ramp`); it needs `hired`.

    Returns
    -------
    float
        0 to 1: the mean of the days' weights.
    """
    days = np.arange(period.days)
    at_work = np.ones(period.days)
    if hired is not None:
        tenure = days - (to_day(hired) - period.start).days
        at_work = (tenure >= 0).astype(np.float64)
        if ramp is not None:
            at_work *= ramp(np.maximum(tenure, 0) / _MONTH_DAYS)
    if left is not None:
        at_work *= days <= (to_day(left) - period.start).days
    for first, last in away:
        start, stop = ((to_day(day) - period.start).days for day in (first, last))
        at_work *= (days < start) | (days > stop)
    return float(at_work.mean())


def prorate(quota: float | Decimal, share: float) -> Decimal:
    """Take a share of a quota, half up to the cent."""
    return (Decimal(str(quota)) * Decimal(str(share))).quantize(_CENT, ROUND_HALF_UP)


def move_accounts(
    quotas: Mapping[str, float | Decimal], moves: pd.DataFrame, period: Period
) -> tuple[dict[str, Decimal], pd.DataFrame]:
    """Let quota follow accounts that move during a period, for the days that are left.

    Parameters
    ----------
    quotas : mapping of str to number
        Quota of each rep in the period.
    moves : pandas.DataFrame
        ``account_id, from, to, date, quota``: the part of the giver's quota that rests on the account in the whole
        period, and the first day with the new rep.
    period : Period
        The period.

    Returns
    -------
    quotas : dict of str to Decimal
        Quotas after the moves; their sum is unchanged to the cent.
    lines : pandas.DataFrame
        The moves with ``share`` of the period's days left and ``moved``, the amount that went over.

    Raises
    ------
    InputError
        With every move that names an unknown rep, or takes more than the giver has left.
    """
    after = {rep: Decimal(str(amount)).quantize(_CENT, ROUND_HALF_UP) for rep, amount in quotas.items()}
    problems, lines = [], []
    for row in moves.sort_values(["date", "account_id"], kind="stable").to_dict("records"):
        strangers = [side for side in ("from", "to") if row[side] not in after]
        problems += [
            Problem("moves", "no such rep has a quota", column=side, value=str(row[side])) for side in strangers
        ]
        if strangers:
            continue
        left = min(max((period.end - to_day(row["date"])).days + 1, 0), period.days)
        share = left / period.days
        moved = prorate(row["quota"], share)
        if moved > after[row["from"]]:
            told = f"the account carries more than the {after[row['from']]:,} that {row['from']} has left"
            problems.append(Problem("moves", told, column="quota", value=str(row["account_id"])))
            continue
        after[row["from"]] -= moved
        after[row["to"]] += moved
        lines.append({**row, "share": share, "moved": float(moved)})
    if problems:
        raise InputError(problems)
    return after, pd.DataFrame(lines, columns=[*map(str, moves.columns), "share", "moved"])
