"""Draws by node and period: the levels that a forecast knows, added up by node, fiscal years beneath their periods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data import NONE
from spmforecast.simulate import Forecast

__all__ = ["NODES", "NodeSums", "node_draws", "node_levels", "node_names", "node_sums"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NODES = {
    "region": "region",
    "territory": "territory_id",
    "manager": "manager_id",
    "rep": "owner_id",
    "segment": "segment",
    "product": "product",
}


@dataclass(frozen=True, eq=False)
class NodeSums:
    """Draws added up by node and period, years included.

    Parameters
    ----------
    groups : pandas.DataFrame
        The columns added up by and ``period``, as text, a row for each sum: by node, then time.
    draws : array of float, shape (trials, rows)
        Bookings.
    wins : array of float, shape (trials, rows)
        Numbers of wins; missing where none were simulated.
    """

    groups: pd.DataFrame
    draws: Array
    wins: Array


def node_levels(forecast: Forecast) -> Iterator[tuple[str, str]]:
    """List the levels whose nodes are known, then any further dimension of the cells."""
    other = {str(name): str(name) for name in forecast.cells.columns if name not in {*NODES.values(), "part", "period"}}
    for level, column in {**NODES, **other}.items():
        if column in forecast.cells and (forecast.cells[column].astype(str) != NONE).any():
            yield level, column


def node_draws(forecast: Forecast, column: str | None) -> tuple[pd.DataFrame, Array]:
    """Add the draws up by node and period, years included.

    Parameters
    ----------
    forecast : Forecast
        Draws.
    column : str or None
        Dimension of the cells; None for the company.

    Returns
    -------
    tuple of DataFrame and array of float, shape (trials, rows)
        ``node, period`` of each row, by node, then time; amounts in whole cents.
    """
    totals = forecast.totals(_keys(column))
    laid = _layout(forecast, totals.groups.astype(str), _keys(column))
    told = pd.DataFrame({"node": node_names(laid.groups, column), "period": laid.groups["period"]})
    # Bookings are cents; sums of cents in floating point are cents but for their last bits.
    return told, np.round(laid.fill(totals.draws), 2)


def node_sums(forecast: Forecast, column: str | None) -> NodeSums:
    """Add bookings and wins up by one dimension of the cells (None for the company) and period, years included."""
    totals = forecast.totals(_keys(column))
    laid = _layout(forecast, totals.groups.astype(str), _keys(column))
    draws = laid.fill(totals.draws)
    if forecast.counts is None:
        return NodeSums(laid.groups, draws, np.full_like(draws, np.nan))
    return NodeSums(laid.groups, draws, laid.fill(forecast.totals(_keys(column), counts=True).draws))


def node_names(groups: pd.DataFrame, column: str | None) -> pd.Series:
    """Name the node of each row."""
    return groups[column].astype(str) if column is not None else pd.Series("company", index=groups.index)


def _keys(column: str | None) -> list[str]:
    return ["period"] if column is None else [column, "period"]


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where sums by period, and sums of these by year, come to stand.

    Parameters
    ----------
    groups : pandas.DataFrame
        A row for each sum, in the order wanted.
    source : array of int, shape (periods,)
        Column of the totals that each node and period takes; -1 where the node has no cell in it.
    year : array of int, shape (periods,)
        The year's number among all nodes' years.
    place : array of int, shape (periods + years,)
        Row of `groups` for each node and period, then for each node and year.
    """

    groups: pd.DataFrame
    source: Ints
    year: Ints
    place: Ints

    def fill(self, totals: Array) -> Array:
        """Bring totals of shape (trials, groups) into shape (trials, rows), zeros where a node has no cell."""
        out = np.zeros((len(totals), len(self.place)), order="F")
        for place, source in zip(self.place, self.source, strict=False):
            if source >= 0:
                out[:, place] = totals[:, source]
        periods, years = np.split(self.place, [len(self.source)])
        for number, place in enumerate(years):
            out[:, place] = out[:, periods[self.year == number]].sum(axis=1)
        return out


def _layout(forecast: Forecast, groups: pd.DataFrame, by: list[str]) -> _Layout:
    """Lay the periods of every node out in time, each fiscal year after them."""
    every, source = _every_period(forecast, groups, by)
    year_of = {label: forecast.calendar.year_of(label) for label in every["period"].unique()}
    yearly = every.assign(period=every["period"].map(year_of))
    year = np.asarray(yearly.groupby(by, sort=True).ngroup(), dtype=np.int64)
    years = yearly.assign(_year=year).drop_duplicates("_year").sort_values("_year").drop(columns="_year")
    both = pd.concat([every, years], ignore_index=True)
    end = {label: forecast.calendar.period(label).end for label in both["period"].unique()}
    rank = both.assign(_end=both["period"].map(end), _long=both["period"].str.len() == 4)
    order = rank.sort_values([*by[:-1], "_long", "_end"], kind="stable").index.to_numpy()
    return _Layout(both.loc[order].reset_index(drop=True), source, year, np.argsort(order))


def _every_period(forecast: Forecast, groups: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, Ints]:
    """List every node in every period, and the group that it is; -1 where a node has no cell in a period."""
    if by == ["period"]:
        return groups, np.arange(len(groups))
    nodes = groups[by[0]].drop_duplicates()
    every = pd.MultiIndex.from_product([nodes, forecast.periods], names=by).to_frame(index=False)
    place = {key: index for index, key in enumerate(groups.itertuples(index=False, name=None))}
    source = np.array([place.get(key, -1) for key in every.itertuples(index=False, name=None)])
    return every.astype(str), source
