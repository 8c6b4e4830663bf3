"""Tables of what a bookings fit holds: levels of reps, season, trend, market, sizes of orders."""

from __future__ import annotations

import calendar as _months

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.bookings.model import FittedBookings
from spmforecast.models.risksets import day_number
from spmforecast.models.teams import NAMES

__all__ = ["monthly_levels", "outlook", "rates"]

Array = npt.NDArray[np.float64]

_LOW, _HIGH = 0.05, 0.95
_Z = 1.645
_OF_ALL = ("season", "market")  # kinds that no number of orders stands behind, but the months on record
_COLUMNS = ["kind", "stage", "to", "segment", "estimate", "low", "high", "unit", "deals", "shrinkage", "note"]


def outlook(model: FittedBookings) -> float:
    """Average the expected common factor over the twelve months to come.

    Parameters
    ----------
    model : FittedBookings
        The fit.

    Returns
    -------
    float
    """
    last = model.calendar.month_numbers(day_number(pd.DatetimeIndex([model.as_of])))[0]
    centre, root = model.factors.common.ahead(last + 1 + np.arange(12))
    mean = np.exp(centre + 0.5 * (root**2).sum(axis=2))
    return float(model.factors.common.weight @ mean.mean(axis=1))


def monthly_levels(model: FittedBookings) -> pd.DataFrame:
    """List what each selling rep is expected to book in a month of the coming year.

    Parameters
    ----------
    model : FittedBookings
        The fit.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, estimate, low, high, orders, months, shrinkage``: the mean month, the 90 % interval of the rep's own
        level (the market apart), orders and months behind it, and the weight of the average rep in it.
    """
    code = {owner: index for index, owner in enumerate(model.spans.owners)}
    at = np.array([code[owner] for owner in model.roster.owners], dtype=np.int64)
    levels, usual = model.factors.levels, model.factors.base * outlook(model)
    orders = model.ledger.orders
    count = orders.loc[orders["amount"] > 0, "owner_id"].value_counts()
    return pd.DataFrame(
        {
            "rep_id": list(model.roster.owners),
            "estimate": usual * levels.mean[at],
            "low": usual * levels.quantile(np.array(_LOW))[at],
            "high": usual * levels.quantile(np.array(_HIGH))[at],
            "orders": count.reindex(list(model.roster.owners), fill_value=0).to_numpy(dtype=np.int64),
            "months": model.factors.months[at].round(1),
            "shrinkage": levels.shrinkage[at],
        }
    )


def rates(model: FittedBookings) -> pd.DataFrame:
    """Collect every rate that the forecast uses in one table.

    Parameters
    ----------
    model : FittedBookings
        The fit.

    Returns
    -------
    pandas.DataFrame
        ``kind, stage, to, segment, estimate, low, high, unit, deals, shrinkage, note`` as for deals: ``segment`` names
        the rep or month, ``deals`` counts orders; intervals are 90 %.
    """
    rows = [*_level_rows(model), *_season_rows(model), *_size_rows(model), *_market_rows(model)]
    rows += [*_team_rows(model), *_leaving_rows(model)]
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    return table.assign(deals=table["deals"].where(~table["kind"].isin(_OF_ALL)).astype("Int64"))


def _row(
    kind: str, name: str, estimate: float, low: float, high: float, unit: str, deals: int, note: str
) -> dict[str, object]:
    return {
        "kind": kind, "stage": "", "to": "", "segment": name, "estimate": float(estimate), "low": float(low),
        "high": float(high), "unit": unit, "deals": int(deals), "shrinkage": np.nan, "note": note,
    }  # fmt: skip


def _level_rows(model: FittedBookings) -> list[dict[str, object]]:
    out = []
    for one in monthly_levels(model).to_dict("records"):
        note = f"{one['months']:.0f} months on record"
        estimate, low, high = (float(one[key]) for key in ("estimate", "low", "high"))
        row = _row("level", str(one["rep_id"]), estimate, low, high, "a month", int(one["orders"]), note)
        out.append({**row, "shrinkage": float(one["shrinkage"])})
    return out


def _season_rows(model: FittedBookings) -> list[dict[str, object]]:
    """Multiplier of each fiscal month, in the order of the fiscal year."""
    common = model.factors.common
    mean, sd = common.season()
    scale = np.exp(mean).mean()
    years = len(common.months) / 12
    note = f"of the usual month; {years:.1f} years on record"
    return [
        _row("season", _month_name(model, m), np.exp(mean[m]) / scale, np.exp(mean[m] - _Z * sd[m]) / scale,
             np.exp(mean[m] + _Z * sd[m]) / scale, "times", 0, note)
        for m in range(12)
    ]  # fmt: skip


def _month_name(model: FittedBookings, month: int) -> str:
    if model.calendar.of_weeks:
        return f"P{month + 1:02d}"
    return _months.month_name[(model.calendar.year_start - 1 + month) % 12 + 1]


def _size_rows(model: FittedBookings) -> list[dict[str, object]]:
    law, noise = model.sizes.orders, model.factors.noise
    size = float(law.won.mean()[-1])
    error = _Z / np.sqrt(max(model.sizes.count, 1)) * float(np.exp(law.won.log_quantiles[-1]).std() / size)
    rows = [
        _row("order", "", size, size * np.exp(-error), size * np.exp(error), "mean amount of an order",
             model.sizes.count, "all reps; each has a law of its own, leaning on all"),
        _row("order", "", noise.share, noise.share * np.exp(-_Z * noise.log_error),
             noise.share * np.exp(_Z * noise.log_error), "times", noise.cells,
             "scatter of a rep's quarter against orders that come independently; counted are rep-quarters"),
    ]  # fmt: skip
    if model.sizes.cancelled > 0:
        error = _Z / np.sqrt(model.sizes.cancellation_count)
        share = model.sizes.cancelled
        low, high = share * np.exp(-error), min(share * np.exp(error), 1.0)
        told = "of what is booked is cancelled"
        rows.append(_row("order", "", share, low, high, "share", model.sizes.cancellation_count, told))
    return rows


def _market_rows(model: FittedBookings) -> list[dict[str, object]]:
    common = model.factors.common
    growth, error = common.growth()
    seen = f"{len(common.months)} months"
    change = [float(np.expm1(growth + z * error)) for z in (0.0, -_Z, _Z)]
    return [
        _row("market", "", common.mean_scale(0), common.scale_quantile(0, _LOW), common.scale_quantile(0, _HIGH),
             "sd of the log", 0, f"of all bookings, monthly level; {seen}"),
        _row("market", "", change[0], change[1], change[2], "share", 0,
             f"damped trend over the next twelve months; {seen}"),
    ]  # fmt: skip


def _team_rows(model: FittedBookings) -> list[dict[str, object]]:
    if model.teams is None:
        return []
    spread, by = model.teams.spread, NAMES[model.teams.teams.by]
    note = f"of bookings, team ({by}) beside the company, by quarter; {spread.cells} quarters of teams"
    ends = spread.tau_quantile(_LOW), spread.tau_quantile(_HIGH)
    return [_row("teams", "", spread.tau_mean(), *ends, "sd of the log", model.sizes.count, note)]


def _leaving_rows(model: FittedBookings) -> list[dict[str, object]]:
    leaving = model.attrition
    if leaving.shape <= 0:
        return []
    from scipy import stats

    low, high = (-np.expm1(-365.25 * stats.gamma.ppf([_LOW, _HIGH], leaving.shape) / leaving.rate)).tolist()
    note = f"of reps leave in a year; successors after {leaving.backfill_days:.0f} days"
    note += f" ({leaving.backfills} seen)" if leaving.backfills else " (assumed)"
    return [_row("capacity", "", leaving.annual, low, high, "share", leaving.leaves, note)]
