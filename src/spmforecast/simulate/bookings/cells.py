"""Cells of a bookings forecast: what is booked, and what each rep is to book, by the same dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE
from spmforecast.data.dimensions import moved_reps
from spmforecast.models.bookings import FittedBookings
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.risksets import day_number
from spmforecast.simulate.cells import CellPlan
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.layout import Groups, dimensions, merge_shares, with_quiet_periods

__all__ = ["BookingStreams", "plan_booking_cells"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ALWAYS = ("region", "territory_id", "segment")
_RECENT_DAYS = 365
_PRIOR_ORDERS = 2.0


@dataclass(frozen=True)
class BookingStreams:
    """Streams of orders to come: whose they are and where they are counted.

    Parameters
    ----------
    sellers : tuple of str
        Reps selling at the as-of date.
    places : tuple of (str, str)
        Territories (with their regions) whose leavers are succeeded by people to be hired.
    place_of : array of int, shape (sellers,)
        Place of each seller.
    seller : array of int, shape (streams,)
        Seller, or ``len(sellers) + place`` for people to be hired.
    share : array of float, shape (streams,)
        Share of the seller's bookings.
    column : array of int, shape (streams,)
        First cell of each stream; its periods follow.
    ids : tuple of str
        Names of the random streams.
    """

    sellers: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    place_of: Ints
    seller: Ints
    share: Array
    column: Ints
    ids: tuple[str, ...]


def plan_booking_cells(
    model: FittedBookings, horizon: Horizon, levels: Sequence[str]
) -> tuple[CellPlan, BookingStreams]:
    """Lay out the cells of the past and of orders to come.

    Parameters
    ----------
    model : FittedBookings
        The fit.
    horizon : Horizon
        Periods.
    levels : sequence of str
        Attributes of bookings that become dimensions, beside region, territory and segment.

    Returns
    -------
    tuple of CellPlan and BookingStreams

    Raises
    ------
    InputError
        If a level is not an attribute of the bookings.
    """
    dims = dimensions(model.ledger.lines, levels, _ALWAYS)
    won, amount, count = _booked_cells(model, horizon, dims)
    mix = _mix(model, dims)
    labels = [period.label for period in horizon.past] + (horizon.labels if mix.empty else [])
    won, amount, count = with_quiet_periods(won, amount, count, labels)
    groups = Groups(len(won), len(horizon.periods))
    column = groups.place("new", mix[["owner_id", *dims]])
    frame = pd.concat([won, groups.frame(dims, horizon)], ignore_index=True)
    manager = frame["owner_id"].map(model.roster.places["manager_id"]).astype(object)
    frame["manager_id"] = manager.fillna(_last_manager(model, frame))
    rest = np.zeros(len(frame) - len(won))
    nothing_open = np.empty(0, dtype=np.int64)
    plan = CellPlan(frame, np.concatenate([amount, rest]), np.concatenate([count, rest]), nothing_open)
    return plan, _streams(model, mix, column, dims)


def _last_manager(model: FittedBookings, frame: pd.DataFrame) -> pd.Series:
    """Find the manager of reps who no longer sell, from their last booking."""
    last = model.ledger.lines.drop_duplicates("owner_id", keep="last").set_index("owner_id")["manager_id"]
    return frame["owner_id"].map(last).fillna(NONE)


def _booked_cells(model: FittedBookings, horizon: Horizon, dims: list[str]) -> tuple[pd.DataFrame, Array, Array]:
    """Sum this fiscal year's bookings up to the as-of date; an order counts where its largest line does."""
    lines = model.ledger.lines
    kind = model.calendar.kind(horizon.labels[0])
    year = model.calendar.period_of(model.as_of, "year")
    inside = day_number(lines["close_date"]) >= day_number(pd.DatetimeIndex([year.start]))[0]
    rows = lines.loc[inside, ["owner_id", *dims]].astype(object)
    rows["period"] = model.calendar.labels(lines.loc[inside, "close_date"].to_numpy(), kind)
    rows["amount"] = lines.loc[inside, "amount"].to_numpy(dtype=np.float64)
    rows["wins"] = _leading(model)[inside]
    table = rows.groupby(["owner_id", *dims, "period"], sort=True, dropna=False)[["amount", "wins"]].sum().reset_index()
    cells = table[["owner_id", "period", *dims]].copy()
    cells.insert(1, "part", "won")
    amount = np.round(table["amount"].to_numpy(dtype=np.float64), 2)
    return cells, amount, table["wins"].to_numpy(dtype=np.float64)


def _leading(model: FittedBookings) -> Array:
    """Mark the largest line of each order that is no cancellation."""
    lines, orders = model.ledger.lines, model.ledger.orders
    order = lines["order"].to_numpy(dtype=np.int64)
    amount = lines["amount"].to_numpy(dtype=np.float64)
    ranked = np.lexsort((np.arange(len(lines)), -amount, order))
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = order[ranked][1:] != order[ranked][:-1]
    out = np.zeros(len(lines))
    out[ranked[first]] = (orders["amount"].to_numpy(dtype=np.float64) > 0)[order[ranked[first]]]
    return out


def _mix(model: FittedBookings, dims: list[str]) -> pd.DataFrame:
    """Split each seller's money over combinations of dimensions, leaning on the mix of the region or company."""
    lines = model.ledger.lines
    rows = lines[["owner_id", *dims]].astype(object)
    rows["share"] = np.maximum(lines["amount"].to_numpy(dtype=np.float64), 0.0)
    day = day_number(lines["close_date"])
    recent = rows[day > day_number(pd.DatetimeIndex([model.as_of]))[0] - _RECENT_DAYS]
    recent = recent if len(recent) and recent["share"].sum() > 0 else rows
    free = [name for name in dims if name not in ("region", "territory_id")]
    company = _shares(recent, free)
    by_region = {str(region): _shares(group, free) for region, group in recent.groupby("region")}
    by_owner = {str(owner): group for owner, group in recent.groupby("owner_id")}
    prior = _PRIOR_ORDERS * float(model.sizes.orders.won.mean()[-1])
    parts = []
    places, moved = model.roster.places, moved_reps(model.history.reps)
    for index, owner in enumerate(model.roster.owners):
        place = places.iloc[index]
        here = {"territory_id": place["territory_id"], "region": place["region"]}
        lean = by_region.get(str(place["region"]), company).assign(**here)
        lean["share"] = prior * lean["share"]
        own = by_owner.get(owner, rows.iloc[:0])
        own = own.assign(**here) if owner in moved else own
        both = pd.concat([own[[*dims, "share"]], lean[[*dims, "share"]]], ignore_index=True)
        parts.append(merge_shares(both, dims).assign(owner_id=owner, seller=index))
    if model.attrition.shape > 0:
        for number, (territory, region) in enumerate(model.roster.seats(model.attrition.vacancies)):
            lean = by_region.get(region, company).assign(territory_id=territory, region=region)
            parts.append(merge_shares(lean, dims).assign(owner_id=TO_BE_HIRED, seller=len(places) + number))
    columns = ["owner_id", *dims, "share", "seller"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _shares(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    total = rows.groupby(keys, sort=True, dropna=False)["share"].sum().reset_index()
    even = pd.Series(1.0 / max(len(total), 1), index=total.index)
    return total.assign(share=total["share"] / total["share"].sum() if total["share"].sum() > 0 else even)


def _streams(model: FittedBookings, mix: pd.DataFrame, column: Ints, dims: list[str]) -> BookingStreams:
    places = model.roster.seats(model.attrition.vacancies)
    number = {place: index for index, place in enumerate(places)}
    frame = model.roster.places
    of_seller = [number[str(t), str(r)] for t, r in zip(frame["territory_id"], frame["region"], strict=True)]
    return BookingStreams(
        sellers=model.roster.owners,
        places=tuple(places),
        place_of=np.array(of_seller, dtype=np.int64),
        seller=mix["seller"].to_numpy(dtype=np.int64),
        share=mix["share"].to_numpy(dtype=np.float64),
        column=column,
        ids=tuple("|".join(map(str, row)) for row in mix[["owner_id", *dims]].itertuples(index=False)),
    )
