"""Cells: the smallest boxes that bookings are counted in, one for each owner, part, period and level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE
from spmforecast.data.dimensions import moved_reps
from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import TO_BE_HIRED
from spmforecast.models.creation import month_of
from spmforecast.models.mix import segment_seasons
from spmforecast.models.risksets import day_number
from spmforecast.simulate.credits import divide, shares_of, usual_partners
from spmforecast.simulate.handover import HandOver, plan_heirs
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.layout import Groups, dimensions, merge_shares, with_quiet_periods

__all__ = ["ALWAYS", "CellPlan", "CreationCells", "plan_cells"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ALWAYS = ("region", "territory_id", "segment")
"""Dimensions of the cells beside owner, manager, part and period, whatever levels are asked for."""
_RECENT_DAYS = 365
_PRIOR_DEALS = 5.0


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
    open_partners : tuple of tuple of (int, float)
        For each open deal, first cell and share of whoever shares it beside the leading rep.
    heirs : HandOver, optional
        Who is credited with what leavers leave behind; None where leaving is not modelled.
    """

    frame: pd.DataFrame
    amount: Array
    count: Array
    open_column: Ints
    open_partners: tuple[tuple[tuple[int, float], ...], ...] = ()
    heirs: HandOver | None = None


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
    tilt : array of float, shape (streams, cohorts), or None
        Share of each stream in a cohort relative to `share`, where segments have seasons of their own.
    """

    sellers: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    place_of: Ints
    seller: Ints
    segment: Ints
    share: Array
    column: Ints
    ids: tuple[str, ...]
    tilt: Array | None = None


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
    dims = dimensions(model.deals, levels, ALWAYS)
    won, amount, count = _won_cells(model, horizon, dims)
    deals, shared = _open_credits(model, open_rows, dims)
    mix = _creation_mix(model, dims)
    labels = [period.label for period in horizon.past]
    labels += horizon.labels if deals.empty and mix.empty else []
    won, amount, count = with_quiet_periods(won, amount, count, labels)
    groups = Groups(len(won), len(horizon.periods))
    placed = groups.place("open", deals)
    new_column = groups.place("new", mix[["owner_id", *dims]])
    heirs = None
    if model.attrition.shape > 0:
        begins = np.searchsorted(horizon.cell, np.arange(len(horizon.periods) + 1))
        roster, already = model.roster, model.roster.hired <= model.stays.today
        heirs = HandOver(plan_heirs(groups, dims, roster.owners, roster.places, already), begins)
    frame = pd.concat([won, groups.frame(dims, horizon)], ignore_index=True)
    manager = frame["owner_id"].map(model.roster.places["manager_id"]).astype(object)
    frame["manager_id"] = manager.fillna(_managers(model, frame))
    rest = len(frame) - len(won)
    plan = CellPlan(
        frame=frame,
        amount=np.concatenate([amount, np.zeros(rest)]),
        count=np.concatenate([count, np.zeros(rest)]),
        open_column=placed[shared["lead"].to_numpy(dtype=bool)],
        open_partners=_partners(shared, placed, len(open_rows)),
        heirs=heirs,
    )
    return plan, _creation_cells(model, mix, new_column, dims, horizon)


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
    deals = deals[booked]
    shared = shares_of(deals, model.history.splits)
    at = shared["row"].to_numpy(dtype=np.int64)
    rows = deals[dims].iloc[at].astype(object).reset_index(drop=True)
    rows["owner_id"] = shared["owner_id"].to_numpy(dtype=object)
    rows["period"] = model.calendar.labels(deals["close_date"].to_numpy(), kind)[at]
    amount = deals["amount"].to_numpy(dtype=np.float64, na_value=0.0)[at]
    rows["sum"] = divide(amount, shared["share"].to_numpy(dtype=np.float64), shared["lead"].to_numpy(dtype=bool))
    rows["size"] = shared["lead"].to_numpy(dtype=np.float64)
    keys = ["owner_id", *dims, "period"]
    table = rows.groupby(keys, sort=True, dropna=False)[["sum", "size"]].sum().reset_index()
    cells = table[["owner_id", *dims, "period"]].copy()
    cells.insert(1, "part", "won")
    cells = cells[["owner_id", "part", "period", *dims]]
    return cells, np.round(table["sum"].to_numpy(dtype=np.float64), 2), table["size"].to_numpy(dtype=np.float64)


def _open_credits(model: FittedPipeline, open_rows: Ints, dims: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the open deals with whoever is credited: owner and dimensions of each row, and the shares behind it."""
    deals = model.deals.loc[model.stays.deal[open_rows], ["opportunity_id", "owner_id", *dims]]
    shared = shares_of(deals, model.history.splits)
    rows = deals[dims].iloc[shared["row"]].reset_index(drop=True)
    rows.insert(0, "owner_id", shared["owner_id"].to_numpy(dtype=object))
    return rows, shared


def _partners(shared: pd.DataFrame, placed: Ints, deals: int) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Collect cells and shares of those who share a deal without leading it."""
    out: list[list[tuple[int, float]]] = [[] for _ in range(deals)]
    for index in np.flatnonzero(~shared["lead"].to_numpy(dtype=bool)):
        out[int(shared["row"].iloc[index])].append((int(placed[index]), float(shared["share"].iloc[index])))
    return tuple(map(tuple, out))


def _creation_mix(model: FittedPipeline, dims: list[str]) -> pd.DataFrame:
    """Split each seller's deals over combinations of dimensions, leaning on the mix of the region or company.

    Returns a frame of ``owner_id``, the dimensions, ``seller``, ``model_segment`` and ``share``.
    """
    deals = model.deals[dims].astype(object).copy()
    deals["owner_id"] = model.deals["owner_id"].astype(object)
    deals["model_segment"] = model.profiles.segment_of_deal
    recent = deals[day_number(model.deals["created_date"]) > model.stays.today - _RECENT_DAYS]
    recent = recent if len(recent) else deals
    keys, owners = [*dims, "model_segment"], [*model.roster.owners]
    places = [*model.roster.places[["territory_id", "region"]].itertuples(index=False, name=None)]
    if model.attrition.shape > 0:
        places += model.roster.seats(model.attrition.vacancies)
        owners += [TO_BE_HIRED] * (len(places) - len(owners))
    columns = ["owner_id", *dims, "model_segment", "share", "seller"]
    if not places:
        return pd.DataFrame(columns=columns)
    parts = [_own_counts(model, recent, keys), _usual_mix(recent, keys, places)]
    mix = merge_shares(pd.concat(parts, ignore_index=True), keys, within="seller")
    mix["owner_id"] = np.array(owners, dtype=object)[mix["seller"].to_numpy(dtype=np.int64)]
    usual = usual_partners(model.deals.loc[recent.index], model.history.splits, model.roster.owners)
    return _spread(mix[columns], usual)


def _own_counts(model: FittedPipeline, recent: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Count the deals of those who go on selling; what a mover creates from now on lies where the mover now stands."""
    number = {owner: index for index, owner in enumerate(model.roster.owners)}
    own = recent.assign(seller=recent["owner_id"].map(number)).dropna(subset="seller").astype({"seller": np.int64})
    moved = own["owner_id"].isin(moved_reps(model.history.reps)).to_numpy()
    for name in ("territory_id", "region"):
        now = model.roster.places[name].to_numpy(dtype=object)[own["seller"]]
        own[name] = np.where(moved, now, own[name].to_numpy(dtype=object))
    return own.groupby(["seller", *keys], sort=True, dropna=False).size().rename("share").reset_index()


def _usual_mix(recent: pd.DataFrame, keys: list[str], places: list[tuple[str, str]]) -> pd.DataFrame:
    """List the mix of each seller's region, or of the company, with the weight of a few deals."""
    free = [name for name in keys if name not in ("region", "territory_id")]
    company = _shares(recent, free)
    by_region = {str(region): _shares(group, free) for region, group in recent.groupby("region")}
    leans = [by_region.get(str(region), company) for _, region in places]
    size = [len(lean) for lean in leans]
    out = pd.concat(leans, ignore_index=True)
    for column, name in enumerate(("territory_id", "region")):
        out[name] = np.repeat(np.array([place[column] for place in places], dtype=object), size)
    return out.assign(seller=np.repeat(np.arange(len(places)), size), share=_PRIOR_DEALS * out["share"])


def _spread(mix: pd.DataFrame, usual: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Credit deals to come as each seller's deals usually are."""
    if not usual:
        return mix
    rows = []
    for row in mix.to_dict("records"):
        for rep, share in usual.get(str(row["owner_id"]), {str(row["owner_id"]): 1.0}).items():
            rows.append({**row, "owner_id": rep, "share": share * row["share"]})
    return pd.DataFrame(rows, columns=mix.columns)


def _shares(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    counts = rows.groupby(keys, sort=True, dropna=False).size().rename("share").reset_index()
    return counts.assign(share=counts["share"] / counts["share"].sum())


def _tilt(model: FittedPipeline, mix: pd.DataFrame, horizon: Horizon) -> Array | None:
    """Let segments made of several attributes be created in seasons of their own; a seller's sum stays what it is."""
    if isinstance(model.spec.segment_by, str):
        return None
    season = segment_seasons(model.deals, model.profiles, model.creation)
    month = month_of(horizon.days, model.creation.calendar) % 12
    weight = model.creation.day_weights(horizon.days)[:, None] * np.eye(len(horizon.periods))[horizon.cell]
    tilt = ((season[:, month] @ weight) / weight.sum(axis=0))[mix["model_segment"].to_numpy(dtype=np.int64)]
    seller, share = mix["seller"].to_numpy(dtype=np.int64), mix["share"].to_numpy(dtype=np.float64)
    total = np.zeros((int(seller.max(initial=-1)) + 1, tilt.shape[1]))
    np.add.at(total, seller, share[:, None] * tilt)
    return np.asarray(tilt / total[seller])


def _creation_cells(
    model: FittedPipeline, mix: pd.DataFrame, column: Ints, dims: list[str], horizon: Horizon
) -> CreationCells:
    places = model.roster.seats(model.attrition.vacancies)
    number = {place: index for index, place in enumerate(places)}
    frame = model.roster.places
    of_seller = [number[str(t), str(r)] for t, r in zip(frame["territory_id"], frame["region"], strict=True)]
    named = mix.assign(model_segment=[model.profiles.segments[k] for k in mix["model_segment"]])
    names = ["|".join(map(str, row)) for row in named[["owner_id", *dims, "model_segment"]].itertuples(index=False)]
    # A partner's share of somebody else's deals is a stream of its own, beside the partner's own deals.
    sellers = [*model.roster.owners, *[TO_BE_HIRED] * len(places)]
    names = [
        name if sellers[seller] == owner else f"{name}|{sellers[seller]}"
        for name, seller, owner in zip(names, mix["seller"], mix["owner_id"], strict=True)
    ]
    return CreationCells(
        sellers=model.roster.owners,
        places=tuple(places),
        place_of=np.array(of_seller, dtype=np.int64),
        seller=mix["seller"].to_numpy(dtype=np.int64),
        segment=mix["model_segment"].to_numpy(dtype=np.int64),
        share=mix["share"].to_numpy(dtype=np.float64),
        column=column,
        ids=tuple(names),
        tilt=_tilt(model, mix, horizon),
    )
