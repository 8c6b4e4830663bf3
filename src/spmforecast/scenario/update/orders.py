"""The bridge where bookings are all that is known: closed periods by number and size of orders, the rest as refit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.scenario.run import RunResult
from spmforecast.scenario.update.effects import Effects, group_news, no_effects
from spmforecast.scenario.update.outlook import Axes, GroupView, cell_places

__all__ = ["order_news"]

Array = npt.NDArray[np.float64]


def order_news(old: RunResult, new: RunResult, axes: Axes) -> tuple[Effects, tuple[Array, Array]]:
    """Compare what was expected of the periods closed since with what came.

    Parameters
    ----------
    old, new : RunResult
        Forecasts from bookings alone.
    axes : Axes
        Periods and places.

    Returns
    -------
    effects : Effects
        Number and size of orders in closed periods. In open ones what was booked since counts as won as expected, and
        all that changed as the model's.
    sums : pair of array of float, shape (nodes, periods)
        What the effects lead from and to.
    """
    calendar, today = new.scenario.calendar, new.model.as_of
    closed = np.array([calendar.period(label).end <= today for label in axes.periods])
    hoped, hoped_orders = _expected(old, axes)
    before, orders_before = _actual(old, axes)
    after, orders_after = _actual(new, axes)
    came, orders = after - before, orders_after - orders_before
    out = no_effects(axes)
    for column in np.flatnonzero(closed):
        only = np.zeros_like(hoped)
        only[:, column] = 1.0
        sides = [(hoped_orders, hoped, np.zeros_like(hoped)), (orders, came, came)]
        views = [GroupView(n[:, column], n[:, column], v * only, b * only) for n, v, b in sides]
        out = out + group_news(views[0], views[1], axes)
    start, since = axes.empty(), axes.empty()
    np.add.at(start, axes.node_of_group, before + hoped * closed)
    np.add.at(since, axes.node_of_group, came)
    out = out.with_("won_as_expected", axes.empty(), since - out.booked.sum(axis=0))
    return out, (start, start + out.amount.sum(axis=0))


def _expected(run: RunResult, axes: Axes) -> tuple[Array, Array]:
    """Bookings and orders to come, shape (groups, periods)."""
    cells = run.forecast.cells
    new = (cells["part"] != "won").to_numpy()
    counts = run.forecast.counts
    assert counts is not None
    return (
        _laid(cells[new], np.asarray(run.forecast.draws[:, new].mean(axis=0)), axes),
        _laid(cells[new], np.asarray(counts[:, new].mean(axis=0), dtype=np.float64), axes),
    )


def _actual(run: RunResult, axes: Axes) -> tuple[Array, Array]:
    """Bookings and orders known, shape (groups, periods)."""
    lines = run.model.deals
    won = lines[(lines["status"] == "won").to_numpy()]
    kind = run.scenario.calendar.kind(axes.periods[0])
    won = won.assign(period=run.scenario.calendar.labels(won["close_date"].to_numpy(), kind))
    won = won[won["period"].astype(str).isin(axes.periods)]
    amount = won["amount"].astype("float64").fillna(0.0).to_numpy()
    return _laid(won, np.asarray(amount), axes), _laid(won, np.ones(len(won)), axes)


def _laid(frame: pd.DataFrame, values: Array, axes: Axes) -> Array:
    group, column = cell_places(frame, axes)
    out = np.zeros((len(axes.groups), len(axes.periods)))
    np.add.at(out, (group, column), values)
    return out
