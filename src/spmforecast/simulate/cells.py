"""Cells: the smallest boxes that bookings are counted in, one for each owner, part, period and level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE
from spmforecast.errors import InputError
from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.profiles import check_attribute
from spmforecast.models.risksets import day_number
from spmforecast.simulate.horizon import Horizon

__all__ = ["CellPlan", "CreationCells", "plan_cells"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ALWAYS = ("region", "territory_id", "segment")
_RECENT_DAYS = 365
_PRIOR_DEALS = 5.0
_SMALLEST_SHARE = 0.01


@dataclass(frozen=True)
class CellPlan:
    """All cells and what is already booked in them.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row for each cell: ``owner_id, part, period``, then the dimensions and ``manager_id``.
    amount, count : array of float, shape (cells,)
        Bookings and wins that are past: constant in every trial.
    open_column : array of int, shape (open deals,)
        First cell of each open deal; its periods follow.
    """

    frame: pd.DataFrame
    amount: Array
    count: Array
    open_column: Ints


@dataclass(frozen=True)
class CreationCells:
    """Streams of deals to come: who creates them, of which segment, and where they are counted.

    Parameters
    ----------
    sellers : tuple of str
        Owners selling at the as-of date.
    places : tuple of (str, str)
        Territories (with their regions) whose leavers are succeeded by people to be hired.
    place_of : array of int, shape (sellers,)
        Place of each seller.
    seller : array of int, shape (streams,)
        Seller, or ``len(sellers) + place`` for people to be hired.
    segment, column : array of int, shape (streams,)
        Segment of the model, and first cell.
    share : array of float, shape (streams,)
        Share of the seller's deals.
    ids : tuple of str
        Names of the random streams.
    """

    sellers: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    place_of: Ints
    seller: Ints
    segment: Ints
    share: Array
    column: Ints
    ids: tuple[str, ...]


def plan_cells(
    model: FittedPipeline, horizon: Horizon, levels: Sequence[str], open_rows: Ints
) -> tuple[CellPlan, CreationCells]:
    """Lay out the cells of the past, of open deals and of deals to come.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Periods.
    levels : sequence of str
        Attributes of deals that become dimensions, beside region, territory and segment.
    open_rows : array of int
        Rows of the stays of the open deals.

    Returns
    -------
    tuple of CellPlan and CreationCells

    Raises
    ------
    InputError
        If a level is not an attribute of the deals.
    """
    dims = _dimensions(model.deals, levels)
    won, amount, count = _won_cells(model, horizon, dims)
    deals = model.deals.loc[model.stays.deal[open_rows], ["owner_id", *dims]]
    mix = _creation_mix(model, dims)
    labels = [period.label for period in horizon.past]
    labels += horizon.labels if deals.empty and mix.empty else []
    won, amount, count = _with_quiet_periods(won, amount, count, labels)
    groups = _Groups(len(won), len(horizon.periods))
    open_column = groups.place("open", deals)
    new_column = groups.place("new", mix[["owner_id", *dims]])
    frame = pd.concat([won, groups.frame(dims, horizon)], ignore_index=True)
    manager = frame["owner_id"].map(model.roster.places["manager_id"]).astype(object)
    frame["manager_id"] = manager.fillna(_managers(model, frame))
    rest = len(frame) - len(won)
    plan = CellPlan(
        frame=frame,
        amount=np.concatenate([amount, np.zeros(rest)]),
        count=np.concatenate([count, np.zeros(rest)]),
        open_column=open_column,
    )
    return plan, _creation_cells(model, mix, new_column, dims)


def _dimensions(deals: pd.DataFrame, levels: Sequence[str]) -> list[str]:
    dims = list(dict.fromkeys([*_ALWAYS, *levels]))
    wrong = [check_attribute(level, deals) for level in levels]
    problems = [replace(problem, column="levels") for problem in wrong if problem is not None]
    dims = [level for level in dims if level not in ("owner_id", "part", "period")]
    if problems:
        raise InputError(problems)
    return dims


def _managers(model: FittedPipeline, frame: pd.DataFrame) -> pd.Series:
    """Find the manager of owners who no longer sell, from their deals; none for people to be hired."""
    by_owner = model.deals.drop_duplicates("owner_id", keep="last").set_index("owner_id")["manager_id"]
    return frame["owner_id"].map(by_owner).fillna(NONE)


def _won_cells(model: FittedPipeline, horizon: Horizon, dims: list[str]) -> tuple[pd.DataFrame, Array, Array]:
    """Sum this fiscal year's bookings up to the as-of date."""
    deals = model.deals
    kind = model.calendar.kind(horizon.labels[0])
    year = model.calendar.period_of(model.as_of, "year")
    close = day_number(deals["close_date"])
    booked = (deals["status"] == "won").to_numpy() & (close >= day_number(pd.DatetimeIndex([year.start]))[0])
    rows = deals.loc[booked, ["owner_id", *dims]].astype(object)
    rows["period"] = model.calendar.labels(deals.loc[booked, "close_date"].to_numpy(), kind)
    rows["amount"] = deals.loc[booked, "amount"].to_numpy(dtype=np.float64, na_value=0.0)
    keys = ["owner_id", *dims, "period"]
    table = rows.groupby(keys, sort=True, dropna=False)["amount"].agg(["sum", "size"]).reset_index()
    cells = table[["owner_id", *dims, "period"]].copy()
    cells.insert(1, "part", "won")
    cells = cells[["owner_id", "part", "period", *dims]]
    return cells, np.round(table["sum"].to_numpy(dtype=np.float64), 2), table["size"].to_numpy(dtype=np.float64)


def _with_quiet_periods(
    won: pd.DataFrame, amount: Array, count: Array, labels: list[str]
) -> tuple[pd.DataFrame, Array, Array]:
    """Give every one of these periods a cell, so that none is missing where nothing happened."""
    quiet = [label for label in labels if label not in set(won["period"])]
    rows = [{**dict.fromkeys(won.columns, NONE), "part": "won", "period": label} for label in quiet]
    added = pd.DataFrame(rows, columns=won.columns).astype(object)
    zeros = np.zeros(len(rows))
    return pd.concat([won, added], ignore_index=True), np.append(amount, zeros), np.append(count, zeros)


class _Groups:
    """Hands out one run of cells, a cell a period, to each distinct combination of part, owner and dimensions."""

    def __init__(self, first: int, periods: int) -> None:
        self.first, self.periods = first, periods
        self.known: dict[tuple[object, ...], int] = {}

    def place(self, part: str, rows: pd.DataFrame) -> Ints:
        """Return the first cell of each row's combination; new combinations are added in sorted order."""
        keys = [(part, *map(str, row)) for row in rows.itertuples(index=False, name=None)]
        for key in sorted(set(keys) - self.known.keys()):
            self.known[key] = self.first + len(self.known) * self.periods
        return np.array([self.known[key] for key in keys], dtype=np.int64)

    def frame(self, dims: list[str], horizon: Horizon) -> pd.DataFrame:
        """List the cells handed out."""
        rows = [(owner, part, period, *values) for part, owner, *values in self.known for period in horizon.labels]
        return pd.DataFrame(rows, columns=["owner_id", "part", "period", *dims]).astype(object)


def _creation_mix(model: FittedPipeline, dims: list[str]) -> pd.DataFrame:
    """Split each seller's deals over combinations of dimensions, leaning on the mix of the region or company.

    Returns a frame of ``owner_id``, the dimensions, ``seller``, ``model_segment`` and ``share``.
    """
    deals = model.deals[dims].astype(object).copy()
    deals["owner_id"] = model.deals["owner_id"].astype(object)
    deals["model_segment"] = model.profiles.segment_of_deal
    recent = deals[day_number(model.deals["created_date"]) > model.stays.today - _RECENT_DAYS]
    recent = recent if len(recent) else deals
    free = [d for d in dims if d not in ("region", "territory_id")] + ["model_segment"]
    company = _shares(recent, free)
    by_region = {str(region): _shares(group, free) for region, group in recent.groupby("region")}
    by_owner = {str(owner): group for owner, group in recent.groupby("owner_id")}
    parts = []
    places = model.roster.places
    for index, owner in enumerate(model.roster.owners):
        place = places.iloc[index]
        lean = by_region.get(str(place["region"]), company)
        lean = lean.assign(
            territory_id=place["territory_id"], region=place["region"], share=_PRIOR_DEALS * lean["share"]
        )
        own = by_owner.get(owner)
        counts = _shares(own, [*dims, "model_segment"], normalise=False) if own is not None else lean.iloc[:0]
        parts.append(_merge(pd.concat([counts, lean], ignore_index=True), dims).assign(owner_id=owner, seller=index))
    if model.attrition.shape > 0:
        for number, (territory, region) in enumerate(_places(model)):
            lean = by_region.get(region, company).assign(territory_id=territory, region=region)
            parts.append(_merge(lean, dims).assign(owner_id=TO_BE_HIRED, seller=len(model.roster.owners) + number))
    columns = ["owner_id", *dims, "model_segment", "share", "seller"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _shares(rows: pd.DataFrame, keys: list[str], normalise: bool = True) -> pd.DataFrame:
    counts = rows.groupby(keys, sort=True, dropna=False).size().rename("share").reset_index()
    counts["share"] = counts["share"] / (counts["share"].sum() if normalise else 1.0)
    return counts


def _merge(rows: pd.DataFrame, dims: list[str]) -> pd.DataFrame:
    """Add up equal combinations, drop negligible ones and let the shares sum to one."""
    merged = rows.groupby([*dims, "model_segment"], sort=True, dropna=False)["share"].sum().reset_index()
    share = merged["share"] / merged["share"].sum()
    merged = merged[share >= min(_SMALLEST_SHARE, float(share.max()))]
    return merged.assign(share=merged["share"] / merged["share"].sum())


def _places(model: FittedPipeline) -> list[tuple[str, str]]:
    """Territories (with their regions) in which sellers stand or seats are vacant, in order."""
    places = model.roster.places
    taken = {(str(t), str(r)) for t, r in zip(places["territory_id"], places["region"], strict=True)}
    region = model.deals.drop_duplicates("territory_id", keep="last").set_index("territory_id")["region"]
    empty = {(territory, str(region.get(territory, NONE))) for territory, _ in model.attrition.vacancies}
    known = {territory for territory, _ in taken}
    return sorted(taken | {place for place in empty if place[0] not in known})


def _creation_cells(model: FittedPipeline, mix: pd.DataFrame, column: Ints, dims: list[str]) -> CreationCells:
    places = _places(model)
    number = {place: index for index, place in enumerate(places)}
    frame = model.roster.places
    of_seller = [number[str(t), str(r)] for t, r in zip(frame["territory_id"], frame["region"], strict=True)]
    named = mix.assign(model_segment=[model.profiles.segments[k] for k in mix["model_segment"]])
    names = ["|".join(map(str, row)) for row in named[["owner_id", *dims, "model_segment"]].itertuples(index=False)]
    return CreationCells(
        sellers=model.roster.owners,
        places=tuple(places),
        place_of=np.array(of_seller, dtype=np.int64),
        seller=mix["seller"].to_numpy(dtype=np.int64),
        segment=mix["model_segment"].to_numpy(dtype=np.int64),
        share=mix["share"].to_numpy(dtype=np.float64),
        column=column,
        ids=tuple(names),
    )
