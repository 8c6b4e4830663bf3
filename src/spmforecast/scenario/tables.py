"""The tables of a run folder, as frames made from one result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import NONE
from spmforecast.data.quality.findings import as_table
from spmforecast.evaluate.variance import variance_parts
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.plan import AnnualPlan
from spmforecast.scenario.hiring import hiring_tables
from spmforecast.scenario.nodes import node_draws, node_levels, node_names, node_sums
from spmforecast.scenario.pay_run import pay_tables
from spmforecast.scenario.quality import rejected_and_found
from spmforecast.simulate import ExactForecast, Forecast
from spmforecast.simulate.drivers import Drivers
from spmforecast.simulate.precision import mean_error, probability_error, quantile_errors, sd_error

if TYPE_CHECKING:
    from spmforecast.scenario.run import RunResult

__all__ = ["company_table", "company_targets", "covers", "forecast_table", "run_tables"]

Array = npt.NDArray[np.float64]

_QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
_WINS = (0.10, 0.90)
_PAST_PERIODS = 12


def run_tables(result: RunResult) -> dict[str, pd.DataFrame]:
    """Make every table of the run folder.

    Parameters
    ----------
    result : RunResult
        A finished run.

    Returns
    -------
    dict of str to pandas.DataFrame
        By file name without ``.csv``.
    """
    forecast = result.forecast
    tables = {
        "forecast": forecast_table(forecast, result.plan),
        "parts": _parts(forecast),
        "actuals": _actuals(result.model, forecast),
        "cells": forecast.cells,
        "deals": _deals(forecast),
        "rates": result.model.summary(),
        "evaluation": result.evaluation,
        "quality": as_table(result.examined.findings),
        "drift": result.drift,
        "rejected": rejected_and_found(result.history.rejected, [*result.examined.of_files, *result.examined.findings]),
    }
    if forecast.drivers is not None:
        tables["variance"] = variance_table(forecast, forecast.drivers)
    if result.quotas is not None:
        tables["quotas"] = _quotas(result)
    if result.pay is not None:
        tables |= pay_tables(result.pay)
    if result.hiring is not None:
        tables |= hiring_tables(result.hiring)
    if result.exact is not None:
        tables["exact"] = exact_table(result.exact, result.plan)
    return tables


def variance_table(forecast: Forecast, drawn: Drivers) -> pd.DataFrame:
    """Split the variance of the company's and the regions' bookings: ``node_level, node, period, sd``, three shares."""
    market = [name for name in drawn.table if str(name).startswith("market")]
    shared = ["rates", "amounts", *market]  # drawn by world, or no parameters
    own = drawn.table.drop(columns=[name for name in shared if name in drawn.table]).to_numpy(dtype=np.float64)
    parts = []
    for level, column in (("company", None), *((k, v) for k, v in node_levels(forecast) if k == "region")):
        groups, draws = node_draws(forecast, column)
        groups = groups.assign(node_level=level)[["node_level", "node", "period"]].reset_index(drop=True)
        for node, rows in groups.groupby("node", sort=False).indices.items():
            told = variance_parts(
                draws[:, rows], drawn.world, own, _shocks(drawn, str(node) if level == "region" else "")
            )
            parts.append(pd.concat([groups.iloc[rows].reset_index(drop=True), told], axis=1))
    table = pd.concat(parts, ignore_index=True)
    return table[table["sd"] > 0].reset_index(drop=True)


def _shocks(drawn: Drivers, region: str) -> npt.NDArray[np.float64]:
    """Lay the market, and the teams of a region, side by side: all on winning, then all on creating, which multiply.

    Over the company the teams cancel out.
    """
    both = [drawn.market]
    if region in drawn.of_region:
        both.append(drawn.of_region[region].astype(np.float64))
    halves = [(one[:, : one.shape[1] // 2], one[:, one.shape[1] // 2 :]) for one in both]
    return np.concatenate([half for part in zip(*halves, strict=True) for half in part], axis=1)


def exact_table(exact: ExactForecast, plan: AnnualPlan) -> pd.DataFrame:
    """Tabulate the exact laws, each with its plan and the chance to reach it."""
    table = exact.table(_QUANTILES)
    laws = [*exact.company.values(), *exact.reps.values()]
    targets = [
        plan.target(period, level, node)
        for level, node, period in zip(table["node_level"], table["node"], table["period"], strict=True)
    ]
    reached = [np.nan if t is None else law.reach(t) for law, t in zip(laws, targets, strict=True)]
    return table.assign(plan=np.array(targets, dtype=np.float64), p_plan=reached, left_out=exact.left_out)


def company_targets(plan: AnnualPlan, forecast: Forecast) -> dict[str, float]:
    """Return the company's targets of the periods, and of the years that the forecast covers whole."""
    labels = [*forecast.periods, *(year for year in forecast.years if covers(forecast, year))]
    first, last = (forecast.calendar.period(label) for label in (forecast.periods[0], forecast.periods[-1]))
    inside = [forecast.calendar.period(label) for label, level, _ in plan.given if level == "company"]
    labels += sorted(one.label for one in inside if one.start >= first.start and one.end <= last.end)
    targets = {label: plan.target(label) for label in dict.fromkeys(labels)}
    return {label: target for label, target in targets.items() if target is not None}


def covers(forecast: Forecast, year: str) -> bool:
    """Tell whether the cells reach to the end of a year."""
    return forecast.calendar.period(forecast.periods[-1]).end >= forecast.calendar.period(year).end


def forecast_table(forecast: Forecast, plan: AnnualPlan) -> pd.DataFrame:
    """Tabulate every node and period: bookings so far, the law of all bookings, plan and the chance to reach it.

    Parameters
    ----------
    forecast : Forecast
        Draws.
    plan : AnnualPlan
        Targets by node.

    Returns
    -------
    pandas.DataFrame
        ``node_level, node, period, booked, mean, sd, p05 … p95, plan, p_plan, deals_mean, deals_p10, deals_p90``, and
        the Monte Carlo standard error of each figure, ``mean_se`` and so on.
        A year that the forecast covers only in part has no plan beside it.
    """
    parts = [company_table(forecast, plan)]
    for level, column in node_levels(forecast):
        parts.append(_node_rows(forecast, plan, level, column))
    return pd.concat(parts, ignore_index=True)


def company_table(forecast: Forecast, plan: AnnualPlan) -> pd.DataFrame:
    """Return the company's rows of :func:`forecast_table` alone."""
    return _node_rows(forecast, plan, "company", None)


def _node_rows(forecast: Forecast, plan: AnnualPlan, level: str, column: str | None) -> pd.DataFrame:
    sums = node_sums(forecast, column)
    # Bookings are cents; sums of cents in floating point are cents but for their last bits.
    draws, wins = np.round(sums.draws, 2), sums.wins
    ordered, ordered_wins = np.sort(draws, axis=0), np.sort(wins, axis=0)
    node, period = node_names(sums.groups, column), sums.groups["period"]
    target = _targets(forecast, plan, level, zip(node, period, strict=True))
    planned, reached = ~np.isnan(target), (draws >= target - 0.005).mean(axis=0)
    figures = {
        "booked": np.round(_booked(forecast, sums.groups, column), 2),
        "mean": draws.mean(axis=0),
        "sd": np.where(ordered[-1] > ordered[0], draws.std(axis=0), 0.0),
        **_named("p{:02d}", _QUANTILES, _quantiles(ordered, _QUANTILES)),
        "plan": target,
        "p_plan": np.where(planned, reached, np.nan),
        "deals_mean": wins.mean(axis=0),
        **_named("deals_p{:02d}", _WINS, _quantiles(ordered_wins, _WINS)),
        # The Monte Carlo standard error of every figure follows.
        "mean_se": mean_error(draws),
        "sd_se": sd_error(draws),
        **_named("p{:02d}_se", _QUANTILES, quantile_errors(ordered, _QUANTILES, ordered=True)),
        "p_plan_se": np.where(planned, probability_error(reached, len(draws)), np.nan),
        "deals_mean_se": mean_error(wins),
        **_named("deals_p{:02d}_se", _WINS, quantile_errors(ordered_wins, _WINS, ordered=True)),
    }
    return pd.DataFrame({"node_level": level, "node": node, "period": period, **figures})


def _quantiles(ordered: Array, levels: Sequence[float]) -> Array:
    """Return quantiles of sorted draws of shape (trials, n): rows that lie in order in memory are done with soonest."""
    return np.asarray(np.quantile(ordered.T, levels, axis=1))


def _named(form: str, levels: Sequence[float], rows: Array) -> dict[str, Array]:
    """Name the rows of a table of quantiles by their levels in percent."""
    return {form.format(round(100 * level)): row for level, row in zip(levels, rows, strict=True)}


def _targets(forecast: Forecast, plan: AnnualPlan, level: str, rows: Iterable[tuple[str, str]]) -> Array:
    """Return the target of each node and period; missing where there is none, or the forecast does not cover a year."""
    known = {(of, node) for _, of, node in plan.given}
    whole = {year for year in forecast.years if covers(forecast, year)}
    targets = [
        plan.target(period, level, node) if (level, node) in known and (len(period) > 4 or period in whole) else None
        for node, period in rows
    ]
    return np.array(targets, dtype=np.float64)


def _booked(forecast: Forecast, groups: pd.DataFrame, column: str | None) -> Array:
    """Sum what is already won in each node and period."""
    won = (forecast.cells["part"] == "won").to_numpy(dtype=bool)
    amount = forecast.draws[0, won] if forecast.trials else np.zeros(int(won.sum()))
    cells = forecast.cells.loc[won]
    node = cells[column].astype(str).to_numpy() if column is not None else np.full(len(cells), "company", dtype=object)
    rows = pd.DataFrame({"node": node, "period": cells["period"].astype(str).to_numpy(), "amount": amount})
    by_period = rows.groupby(["node", "period"])["amount"].sum()
    rows["period"] = rows["period"].map(forecast.calendar.year_of)
    known = pd.concat([by_period, rows.groupby(["node", "period"])["amount"].sum()]).to_dict()
    names = node_names(groups, column)
    return np.array([float(known.get(key, 0.0)) for key in zip(names, groups["period"], strict=True)])


def _parts(forecast: Forecast) -> pd.DataFrame:
    """Show the three parts apart: won, open and to be created; they add up in every draw and so in their means."""
    sums = node_sums(forecast, "part")
    out = sums.groups[["period", "part"]].copy()
    out["mean"] = sums.draws.mean(axis=0)
    out["p10"], out["p50"], out["p90"] = np.quantile(sums.draws, [0.1, 0.5, 0.9], axis=0)
    out["deals_mean"] = sums.wins.mean(axis=0)
    out["mean_se"] = mean_error(sums.draws)
    order = out["part"].map({"won": 0, "open": 1, "new": 2}).fillna(3)
    return out.assign(_order=order).sort_values(["_order"], kind="stable").drop(columns="_order").reset_index(drop=True)


def _actuals(model: FittedPipeline | FittedBookings, forecast: Forecast) -> pd.DataFrame:
    """List the company's bookings of past periods."""
    deals = model.deals[(model.deals["status"] == "won").to_numpy()]
    calendar: FiscalCalendar = model.calendar
    kind = calendar.kind(forecast.periods[0])
    if deals.empty:
        return pd.DataFrame({"period": [], "booked": [], "deals": []})
    first = max(deals["close_date"].min(), model.history.observed_from or deals["close_date"].min())
    label = pd.Series(calendar.labels(deals["close_date"].to_numpy(), kind), index=deals.index)
    whole = [period.label for period in calendar.periods(first, model.as_of, kind) if period.end <= model.as_of]
    amount, count = deals["amount"].groupby(label).sum(), label.value_counts()
    wanted = whole[-_PAST_PERIODS:]
    return pd.DataFrame(
        {
            "period": wanted,
            "booked": amount.reindex(wanted, fill_value=0.0).to_numpy(dtype=np.float64),
            "deals": count.reindex(wanted, fill_value=0).to_numpy(),
        }
    )


def _deals(forecast: Forecast) -> pd.DataFrame:
    """List the open deals, those that decide most first."""
    assert forecast.deals is not None
    order = ["spread_share", "expected_amount"]
    return forecast.deals.sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def _quotas(result: RunResult) -> pd.DataFrame:
    """Put names and regions beside the quotas."""
    assert result.quotas is not None
    table = result.quotas.table.copy()
    names = result.history.current_reps()["name"].astype(object)
    cells = result.forecast.cells
    several = "(several)"
    region = cells.groupby("owner_id")["region"].agg(lambda of: of.iloc[0] if (of == of.iloc[0]).all() else several)
    table.insert(1, "name", table["rep_id"].map(names).astype(object).fillna(""))
    table.insert(2, "region", table["rep_id"].map(region).fillna(NONE))
    error = probability_error(table["p_attain"], result.forecast.trials)
    table.insert(list(table).index("p_attain") + 1, "p_attain_se", error)
    return table
