"""Quotas in force and who carries them now: leavers, newcomers and relief, pro-rated by calendar day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from spmforecast.calendar import Period
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.plan.proration import active_share, prorate
from spmforecast.plan.ramp import Ramp
from spmforecast.scenario.keys import ReliefKeys

__all__ = ["CENT", "Seat", "carried_quotas", "relieved"]

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Seat:
    """One who sells now, or sold when quotas were set.

    Parameters
    ----------
    rep_id, territory_id : str
        Who and where.
    hired, left : date-like or None
        First day, and last day; None for one who stays.
    """

    rep_id: str
    territory_id: str
    hired: pd.Timestamp | None = None
    left: pd.Timestamp | None = None


def carried_quotas(
    quotas: Mapping[str, Decimal], seats: Mapping[str, Seat], period: Period, ramp: Ramp | None = None
) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Hand the quotas of leavers on, by calendar day; the sum is kept to the cent.

    Parameters
    ----------
    quotas : mapping of str to Decimal
        In force, by rep.
    seats : mapping of str to Seat
        Of all who have a quota or sell now.
    period : Period
        Of the quotas.
    ramp : callable, optional
        Productivity by months of tenure: a newcomer's share of the days is weighted by it.

    Returns
    -------
    quotas : dict of str to Decimal
        Those who stay keep theirs; a leaver keeps the share of days served; a newcomer of the same territory takes over
        what is left of a leaver's quota for the share of days on which the newcomer sells; the rest rests on the open
        seat, as the quota of ``(to be hired)``.
    reasons : dict of str to str
        Why a quota changed.
    """
    out: dict[str, Decimal] = {}
    free: dict[str, list[Decimal]] = {}
    reasons: dict[str, str] = {}
    for rep, quota in quotas.items():
        seat = seats.get(rep, Seat(rep, ""))
        if seat.left is None or rep == TO_BE_HIRED:
            out[rep] = quota
            continue
        kept = prorate(quota, active_share(period, left=seat.left))
        if kept:
            out[rep] = kept
        reasons[rep] = f"left on {seat.left.date()}"
        free.setdefault(seat.territory_id, []).append(quota - kept)
    for rep, seat in sorted(seats.items()):
        if rep in quotas or seat.left is not None or not free.get(seat.territory_id):
            continue
        # The largest quota that was left behind in the territory is the newcomer's, as far as the days go.
        behind = sorted(free[seat.territory_id])
        taken = prorate(behind[-1], active_share(period, hired=seat.hired, ramp=ramp))
        free[seat.territory_id] = [*behind[:-1]]
        free.setdefault("", []).append(behind[-1] - taken)
        out[rep] = taken
        reasons[rep] = "takes over a quota left behind, by the days of service"
    open_seats = sum((amount for amounts in free.values() for amount in amounts), Decimal(0))
    if open_seats:
        out[TO_BE_HIRED] = out.get(TO_BE_HIRED, Decimal(0)) + open_seats
        reasons[TO_BE_HIRED] = "quotas left behind by leavers"
    return out, reasons


def relieved(
    quotas: Mapping[str, Decimal], relief: tuple[ReliefKeys, ...], reasons: dict[str, str]
) -> tuple[dict[str, Decimal], Decimal]:
    """Lower the quotas of those with relief; return them and what others are to take over."""
    out, free = dict(quotas), Decimal(0)
    for one in relief:
        if one.rep_id in out:
            less = (out[one.rep_id] * Decimal(str(one.share))).quantize(CENT, ROUND_HALF_UP)
            out[one.rep_id] -= less
            free += less
            reasons[one.rep_id] = f"relief: {one.reason}"
    return out, free
