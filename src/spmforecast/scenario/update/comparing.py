"""From two runs of one company to the effects between them: who was won, lost, created, and what the refit did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.carrying import carried
from spmforecast.scenario.run import RunResult
from spmforecast.scenario.update.bridge import Bridge, Step, Stock, build_bridge
from spmforecast.scenario.update.effects import Effects, deal_news, group_news, no_effects, single_deals
from spmforecast.scenario.update.orders import order_news
from spmforecast.scenario.update.outlook import (
    Axes,
    DealView,
    GroupView,
    created_since,
    deal_view,
    groups_to_come,
    node_means,
    regions_and_segments,
)
from spmforecast.simulate import Forecast, simulate
from spmforecast.simulate.outlook import creation_outlook

__all__ = ["Compared", "compare_runs"]

Array = npt.NDArray[np.float64]

_NOT_APART = (
    "the record knows stages now that the last fit did not, so that what the refit did cannot be told apart: "
    "it is within the rows of conversion, size and timing"
)


@dataclass(frozen=True)
class Compared:
    """A bridge and what stands behind it.

    Parameters
    ----------
    bridge : Bridge
        From the last forecast to this one.
    deals : pandas.DataFrame
        Known deals whose expectation changed, the largest change first: ``opportunity_id, owner_id, region, status,
        last_expected, expected, converted, timing, size, change``, summed over the horizon, at the rates of the last
        forecast.
    notes : tuple of str
        What could not be told apart.
    """

    bridge: Bridge
    deals: pd.DataFrame
    notes: tuple[str, ...] = ()


def compare_runs(
    old: RunResult,
    new: RunResult,
    kept: pd.DataFrame | None = None,
    jobs: int = 1,
    bare: tuple[RunResult, RunResult] | None = None,
) -> Compared:
    """Build the bridge between the forecasts of two dates.

    Parameters
    ----------
    old, new : RunResult
        Runs of one scenario as of an earlier and a later date.
    kept : pandas.DataFrame, optional
        ``node_level, node, period, mean``: means of the last forecast as they were kept, where it begins from these;
        what they differ from `old` by is the factor ``restated``.
    jobs : int
        Processes; they change no figure.
    bare : pair of RunResult, optional
        The same runs without assumptions, where there are any: what these bring at either date is told apart.

    Returns
    -------
    Compared
    """
    axes = _axes(old, new, *(bare or ()))
    before, after = node_means(old.forecast, axes), _with_closed(new, axes)
    first, last = bare or (old, new)
    plain = node_means(first.forecast, axes), _with_closed(last, axes)
    if isinstance(old.model, FittedPipeline) and isinstance(new.model, FittedPipeline):
        news, sums, deals, notes = _deal_effects(first, last, axes, jobs)
    elif isinstance(old.model, FittedBookings) and isinstance(new.model, FittedBookings):
        news, sums = order_news(old, new, axes)
        deals, notes = pd.DataFrame(), ()
    else:
        news, sums, deals = no_effects(axes), (axes.empty(), axes.empty()), pd.DataFrame()
        news = news.with_("won_as_expected", axes.empty(), _booked(new, axes) - _booked(old, axes))
        notes = (
            "one forecast rests on deals and the other on bookings alone, so the whole change is that of the model",
        )
    start = before if kept is None else _kept_means(kept, before, axes)
    steps = [
        Step("restated", start, before),
        # What no deal or group accounts for (a mixture with a rival, say) belongs to the model at either date.
        Step("model", plain[0] - sums[0], plain[1] - sums[1]),
    ]
    if bare is not None:
        steps.append(Step("assumptions", before - plain[0], after - plain[1]))
    stock = Stock(_booked(old, axes), start)
    bridge = build_bridge(axes, new.scenario.calendar, stock, news, steps, Stock(_booked(new, axes), after))
    return Compared(bridge, deals, tuple(notes))


def _axes(old: RunResult, *others: RunResult) -> Axes:
    """Lay out periods, regions and groups that any of the runs knows."""
    pairs: set[tuple[str, str]] = set()
    for run in (old, *others):
        for frame in (run.forecast.cells, run.model.deals):
            pairs |= set(regions_and_segments(frame))
    return Axes(old.forecast.periods, sorted({region for region, _ in pairs}), sorted(pairs))


def _deal_effects(
    old: RunResult, new: RunResult, axes: Axes, jobs: int
) -> tuple[Effects, tuple[Array, Array], pd.DataFrame, tuple[str, ...]]:
    """Effects of deals and groups at the rates of the last forecast, and the sums of all of them at both dates."""
    assert isinstance(old.model, FittedPipeline)
    assert isinstance(new.model, FittedPipeline)
    keys = new.scenario.keys
    model, forecast = carried(old.model, new.model), new.forecast
    notes: tuple[str, ...] = ()
    if model is None:
        model, notes = new.model, (_NOT_APART,)
    else:
        trials, seed = old.forecast.trials, keys.simulate.seed
        forecast = simulate(model, keys.until, trials, seed, keys.period, keys.levels, jobs)
    ids = pd.Index(sorted({str(name) for run in (old, new) for name in run.model.deals["opportunity_id"]}))
    views = deal_view(old.model, old.forecast, axes, ids), deal_view(model, forecast, axes, ids)
    groups = [_to_come(fit, drawn, axes, new) for fit, drawn in ((old.model, old.forecast), (model, forecast))]
    since = created_since(views[1], views[0], axes)
    news = deal_news(*views, axes)
    news = news + group_news(groups[0][0], since, axes) + group_news(groups[0][1], groups[1][1], axes)
    sums = [_deal_sum(view, axes) for view in views]
    for place, side in enumerate(groups):
        for view in side:
            np.add.at(sums[place], axes.node_of_group, view.value)
    return news, (sums[0], sums[1]), _deal_table(new.model, ids, *views), notes


def _to_come(model: FittedPipeline, forecast: Forecast, axes: Axes, new: RunResult) -> tuple[GroupView, GroupView]:
    """Split a forecast's deals to come at the new date."""
    keys = new.scenario.keys
    outlook = creation_outlook(model, keys.until, new.model.as_of, keys.period, keys.levels)
    return groups_to_come(forecast, outlook, axes)


def _deal_sum(view: DealView, axes: Axes) -> Array:
    out = axes.empty()
    np.add.at(out, view.node, np.where(view.known[:, None], view.value, 0.0))
    return out


def _deal_table(model: FittedPipeline, ids: pd.Index, old: DealView, new: DealView) -> pd.DataFrame:
    """List the deals whose expectation changed, those created since included, by what changed it."""
    split, _ = single_deals(old, new)
    sums = split.sum(axis=2)
    table = pd.DataFrame({"opportunity_id": ids.to_numpy(dtype=object)})
    facts = model.deals.set_index(model.deals["opportunity_id"].astype(str)).reindex(ids)
    for name in ("owner_id", "region", "status"):
        table[name] = facts[name].astype(object).to_numpy()
    table["created_since"] = new.known & ~old.known
    table["last_expected"], table["expected"] = old.value.sum(axis=1), new.value.sum(axis=1)
    table["converted"], table["timing"], table["size"] = sums[1], sums[2], sums[3]
    table["change"] = table["expected"] - table["last_expected"]
    moved = np.abs(table["change"].to_numpy()) > 0.005
    order = np.lexsort((table["opportunity_id"].astype(str), -table["change"].abs()))
    shown = order[moved[order]]
    return pd.DataFrame(table.iloc[shown].reset_index(drop=True))


def _kept_means(kept: pd.DataFrame, recomputed: Array, axes: Axes) -> Array:
    """Means as they were kept, by region where these are among them; else the company's, spread as recomputed."""
    regions = kept[kept["node_level"] == "region"].set_index(["node", "period"])["mean"]
    company = kept[kept["node_level"] == "company"].set_index("period")["mean"]
    out = recomputed.copy()
    for column, label in enumerate(axes.periods):
        if label not in company.index:
            continue
        if len(regions):
            out[:, column] = [float(regions.get((node, label), 0.0)) for node in axes.nodes]
        rest = float(company[label]) - out[:, column].sum()
        weight = recomputed[:, column]
        share = weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), 1.0 / len(weight))
        out[:, column] += rest * share
    return out


def _booked(run: RunResult, axes: Axes) -> Array:
    """Bookings known at a run's date, by node and period, closed fiscal years included."""
    deals = run.model.deals
    won = deals[(deals["status"] == "won").to_numpy()]
    kind = run.scenario.calendar.kind(axes.periods[0])
    labels = run.scenario.calendar.labels(won["close_date"].to_numpy(), kind)
    amount = won["amount"].astype("float64").fillna(0.0).to_numpy()
    node = {name: index for index, name in enumerate(axes.nodes)}
    column = {label: index for index, label in enumerate(axes.periods)}
    out = axes.empty()
    at = np.array([column.get(str(label), -1) for label in labels], dtype=np.int64)
    where = np.array([node[region] for region, _ in regions_and_segments(won)], dtype=np.int64)
    np.add.at(out, (where[at >= 0], at[at >= 0]), amount[at >= 0])
    return np.round(out, 2)


def _with_closed(new: RunResult, axes: Axes) -> Array:
    """Means of the new forecast; periods of fiscal years that it no longer holds stand at their bookings."""
    known = set(new.forecast.periods)
    means, booked = node_means(new.forecast, axes), _booked(new, axes)
    gone = [index for index, label in enumerate(axes.periods) if label not in known]
    means[:, gone] = booked[:, gone]
    return means
