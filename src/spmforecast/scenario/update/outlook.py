"""What a forecast expects, taken apart for the bridge: deal by deal, and of deals not known before by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import NONE
from spmforecast.models import FittedPipeline
from spmforecast.simulate import Forecast
from spmforecast.simulate.outlook import CreationOutlook

__all__ = [
    "Axes",
    "DealView",
    "GroupView",
    "cell_places",
    "created_since",
    "deal_view",
    "group_of",
    "groups_to_come",
    "node_means",
    "regions_and_segments",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Axes:
    """What the bridge is laid out over.

    Parameters
    ----------
    periods : list of str
        Of the last forecast, in order.
    nodes : list of str
        Regions.
    groups : list of (str, str)
        Region and segment of the groups in which deals are compared that are not the same deals.
    """

    periods: list[str]
    nodes: list[str]
    groups: list[tuple[str, str]]

    @property
    def node_of_group(self) -> Ints:
        """Node of each group."""
        return np.array([self.nodes.index(region) for region, _ in self.groups], dtype=np.int64)

    def empty(self) -> Array:
        """Zeros, shape (nodes, periods)."""
        return np.zeros((len(self.nodes), len(self.periods)))


@dataclass(frozen=True)
class DealView:
    """What is known or expected of single deals.

    Parameters
    ----------
    known : array of bool, shape (deals,)
        Which of the deals exist yet.
    chance : array of float, shape (deals,)
        To be won within the horizon; 1 once won, 0 once lost.
    value : array of float, shape (deals, periods)
        Expected bookings.
    booked : array of bool, shape (deals,)
        Won already.
    node, group : array of int, shape (deals,)
        Where they are counted.
    """

    known: Mask
    chance: Array
    value: Array
    booked: Mask
    node: Ints
    group: Ints


@dataclass(frozen=True)
class GroupView:
    """What is expected of a group of deals.

    Parameters
    ----------
    count, wins : array of float, shape (groups,)
        Deals, and how many of them are won within the horizon.
    value : array of float, shape (groups, periods)
        Expected bookings.
    booked : array of float, shape (groups, periods)
        What of them is won already.
    """

    count: Array
    wins: Array
    value: Array
    booked: Array


def deal_view(model: FittedPipeline, forecast: Forecast, axes: Axes, ids: pd.Index) -> DealView:
    """Look at every deal as a model and its forecast do.

    Parameters
    ----------
    model : FittedPipeline
        Its deals are those known at its as-of date.
    forecast : Forecast
        Chances and expected amounts of the open ones.
    axes : Axes
        Periods and places.
    ids : pandas.Index
        Deals, known or not.

    Returns
    -------
    DealView
    """
    deals = model.deals.set_index(model.deals["opportunity_id"].astype(str))
    row = deals.index.get_indexer(ids)
    known = row >= 0
    own = deals.iloc[np.where(known, row, 0)]
    won = known & (own["status"] == "won").to_numpy()
    value = np.zeros((len(ids), len(axes.periods)))
    column = _columns(own["close_date"], axes.periods, model.calendar)
    inside = np.flatnonzero(won & (column >= 0))
    value[inside, column[inside]] = own["amount"].to_numpy(dtype=np.float64, na_value=0.0)[inside]
    chance = won.astype(np.float64)
    _add_open(chance, value, forecast, axes, ids)
    node, group = _places(own, axes)
    return DealView(known, chance, value, won, node, group)


def _columns(dates: pd.Series, periods: list[str], calendar: FiscalCalendar) -> Ints:
    """Position of the period of each day, -1 where it is not among them or there is no day."""
    there = dates.notna().to_numpy()
    out = np.full(len(dates), -1, dtype=np.int64)
    if there.any():
        place = {label: index for index, label in enumerate(periods)}
        labels = calendar.labels(dates[there].to_numpy(), calendar.kind(periods[0]))
        out[there] = [place.get(str(label), -1) for label in labels]
    return out


def _add_open(chance: Array, value: Array, forecast: Forecast, axes: Axes, ids: pd.Index) -> None:
    table = forecast.deals
    if table is None or table.empty:
        return
    at = ids.get_indexer(pd.Index(table["opportunity_id"].astype(str)))
    chance[at] = table["p_win"].to_numpy(dtype=np.float64)
    for place, label in enumerate(axes.periods):
        if f"expected_{label}" in table:
            value[at, place] = table[f"expected_{label}"].to_numpy(dtype=np.float64)


def regions_and_segments(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Region and segment of each row of deals, bookings or cells; what a frame does not know is ``(none)``."""
    columns = [
        frame[name].astype(str).tolist() if name in frame else [NONE] * len(frame) for name in ("region", "segment")
    ]
    return list(zip(*columns, strict=True))


def group_of(frame: pd.DataFrame, axes: Axes) -> Ints:
    """Group of each row."""
    place = {pair: index for index, pair in enumerate(axes.groups)}
    return np.array([place[pair] for pair in regions_and_segments(frame)], dtype=np.int64)


def _places(deals: pd.DataFrame, axes: Axes) -> tuple[Ints, Ints]:
    of = group_of(deals, axes)
    return axes.node_of_group[of], of


def created_since(view: DealView, before: DealView, axes: Axes) -> GroupView:
    """Add up by group the deals that an earlier view does not know."""
    fresh = view.known & ~before.known
    at, size = view.group[fresh], len(axes.groups)
    value, booked = np.zeros((2, size, len(axes.periods)))
    np.add.at(value, at, view.value[fresh])
    np.add.at(booked, at, np.where(view.booked[fresh, None], view.value[fresh], 0.0))
    wins = np.bincount(at, weights=view.chance[fresh], minlength=size).astype(np.float64)
    return GroupView(np.bincount(at, minlength=size).astype(np.float64), wins, value, booked)


def groups_to_come(forecast: Forecast, outlook: CreationOutlook, axes: Axes) -> tuple[GroupView, GroupView]:
    """Add up by group the deals not yet created, those up to a day apart from later ones.

    Parameters
    ----------
    forecast : Forecast
        Bookings and wins of the part ``new``.
    outlook : CreationOutlook
        How the model splits them by day of creation.
    axes : Axes
        Periods and places.

    Returns
    -------
    tuple of GroupView and GroupView
        Up to the day, and after it. They add up to what the draws hold.
    """
    cells = forecast.cells
    new = (cells["part"] == "new").to_numpy()
    group, column = cell_places(cells[new], axes)
    value, wins = np.zeros((2, len(axes.groups), len(axes.periods)))
    np.add.at(value, (group, column), forecast.draws[:, new].mean(axis=0))
    counts = forecast.counts
    assert counts is not None
    np.add.at(wins, (group, column), counts[:, new].mean(axis=0, dtype=np.float64))
    created, won = _by_group(outlook, axes)
    early = np.divide(won[0], won.sum(axis=0), out=np.zeros_like(value), where=won.sum(axis=0) > 0)
    none = np.zeros_like(value)
    return (
        GroupView(created[0], (wins * early).sum(axis=1), value * early, none),
        GroupView(created[1], (wins * (1 - early)).sum(axis=1), value * (1 - early), none),
    )


def cell_places(cells: pd.DataFrame, axes: Axes) -> tuple[Ints, Ints]:
    """Find the group and the position of the period of each row."""
    place = {label: index for index, label in enumerate(axes.periods)}
    column = np.array([place[label] for label in cells["period"].astype(str)], dtype=np.int64)
    return group_of(cells, axes), column


def _by_group(outlook: CreationOutlook, axes: Axes) -> tuple[Array, Array]:
    """Deals created, shape (2, groups), and their wins, shape (2, groups, periods)."""
    place = {label: index for index, label in enumerate(axes.periods)}
    of = group_of(outlook.streams, axes)
    columns = np.array([place[label] for label in outlook.periods], dtype=np.int64)
    created = np.zeros((2, len(axes.groups)))
    won = np.zeros((2, len(axes.groups), len(axes.periods)))
    for part in (0, 1):
        np.add.at(created[part], of, outlook.created[part])
        np.add.at(won[part], (of[:, None], columns[None, :]), outlook.won[part])
    return created, won


def node_means(forecast: Forecast, axes: Axes, part: str | None = None) -> Array:
    """Mean bookings of a forecast by node and period, of all parts or of one."""
    used = np.ones(len(forecast.cells), dtype=bool) if part is None else (forecast.cells["part"] == part).to_numpy()
    group, column = cell_places(forecast.cells[used], axes)
    out = axes.empty()
    np.add.at(out, (axes.node_of_group[group], column), forecast.draws[:, used].mean(axis=0))
    return out
