"""People's calls beside the model's forecast: how they came true before, and what they say of the periods to come."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.evaluate.people import Realisation, fit_realisation
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.scenario.nodes import NODES, node_draws
from spmforecast.simulate import Forecast

__all__ = ["people_tables"]

_COMPANY = "company"


def people_tables(model: FittedPipeline | FittedBookings, forecast: Forecast) -> dict[str, pd.DataFrame]:
    """Score the submissions known at the as-of date, and hold the latest of each period to come against the draws.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit, with the record it rests on.
    forecast : Forecast
        Its draws.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``people``: a row for each caller and category (see :class:`~spmforecast.evaluate.people.Realisation`).
        ``calls``: the last call of each caller, node and period to come: ``submitted_by, node_level, node, period,
        category, date, call, expected, expected_sd, model_mean, model_p10, model_p90, p_reached``; `expected` is the
        call times the caller's realisation, `p_reached` the share of draws that reach the call. Empty without
        submissions.
    """
    calls = _latest(model)
    if calls.empty:
        return {}
    booked = _booked(model, calls)
    fits = {
        str(category): fit_realisation(rows)
        for category, rows in booked[booked["call"] > 0].groupby("category", sort=True)
    }
    scored = [fit.table.assign(category=category, pooled=fit.pooled) for category, fit in fits.items()]
    out = {}
    if scored:
        table = pd.concat(scored, ignore_index=True).rename(columns={"caller": "submitted_by"})
        out["people"] = table[
            ["submitted_by", "category", *(c for c in table if c not in ("submitted_by", "category"))]
        ]
    coming = calls[~calls["closed"] & calls["period"].isin(forecast.periods)]
    if len(coming):
        out["calls"] = _beside(coming, fits, forecast)
    return out


def _latest(model: FittedPipeline | FittedBookings) -> pd.DataFrame:
    """Return the last call of each caller, node, period and category made before the period was over."""
    book, calendar = model.history.submissions, model.calendar
    if book.empty:
        return pd.DataFrame({"closed": []})
    level = book["node_level"].astype(object).fillna(_COMPANY)
    rows = pd.DataFrame(
        {
            "caller": book["submitted_by"].astype(str),
            "node_level": level.astype(str),
            "node": book["node"].astype(object).where(level != _COMPANY, _COMPANY).fillna(_COMPANY).astype(str),
            "period": book["period"].astype(str),
            "category": book["category"].astype(str),
            "date": book["date"],
            "call": book["amount"].astype("float64"),
        }
    )
    end = rows["period"].map({label: calendar.period(label).end for label in rows["period"].unique()})
    rows = rows.assign(closed=end <= model.as_of)[(rows["date"] <= end).to_numpy()]
    rows = rows.sort_values("date", kind="stable")
    return rows.drop_duplicates(["caller", "node_level", "node", "period", "category"], keep="last")


def _booked(model: FittedPipeline | FittedBookings, calls: pd.DataFrame) -> pd.DataFrame:
    """Put what was booked beside the calls of closed periods that the record holds whole."""
    deals = model.deals[(model.deals["status"] == "won").to_numpy()]
    first = model.history.observed_from or (deals["close_date"].min() if len(deals) else model.as_of)
    closed = calls[calls["closed"].to_numpy()]
    start = closed["period"].map({label: model.calendar.period(label).start for label in closed["period"].unique()})
    closed = closed[(start >= first.normalize()).to_numpy()]
    known = {
        key: amount
        for level, kind in closed[["node_level", "period"]].drop_duplicates().itertuples(index=False, name=None)
        for key, amount in _sums(deals, level, kind, model.calendar).items()
    }
    keys = zip(closed["node_level"], closed["node"], closed["period"], strict=True)
    return closed.assign(booked=[known.get(key, 0.0) for key in keys])


def _sums(deals: pd.DataFrame, level: str, period: str, calendar: FiscalCalendar) -> dict[tuple[str, str, str], float]:
    """Add up the won deals of a period by the nodes of a level."""
    asked = calendar.period(period)
    rows = deals[
        deals["close_date"].between(asked.start, asked.end + pd.Timedelta(days=1), inclusive="left").to_numpy()
    ]
    if level == _COMPANY:
        return {(level, _COMPANY, period): float(rows["amount"].sum())}
    column = NODES.get(level, level)
    if column not in rows:
        return {}
    by_node = rows.groupby(rows[column].astype(str))["amount"].sum()
    return {(level, str(node), period): float(amount) for node, amount in by_node.items()}


def _beside(calls: pd.DataFrame, fits: dict[str, Realisation], forecast: Forecast) -> pd.DataFrame:
    laws = {}
    for level in calls["node_level"].unique():
        column = None if level == _COMPANY else NODES.get(level, level)
        if column is None or column in forecast.cells:
            groups, draws = node_draws(forecast, column)
            for at, (node, period) in enumerate(zip(groups["node"], groups["period"], strict=True)):
                laws[level, node, period] = draws[:, at]
    rows = []
    ordered = calls.sort_values(["period", "node_level", "node", "category", "caller"])
    for one in ordered.to_dict("records"):
        fit, call = fits.get(one["category"]), float(one["call"])
        expected, sd = (np.nan, np.nan) if fit is None else fit.expect(one["caller"], call)
        law = laws.get((one["node_level"], one["node"], one["period"]))
        low, high = (np.nan, np.nan) if law is None else np.quantile(law, [0.1, 0.9])
        rows.append(
            {
                "submitted_by": one["caller"],
                "node_level": one["node_level"],
                "node": one["node"],
                "period": one["period"],
                "category": one["category"],
                "date": str(pd.Timestamp(one["date"]).date()),
                "call": call,
                "expected": expected,
                "expected_sd": sd,
                "model_mean": np.nan if law is None else float(law.mean()),
                "model_p10": float(low),
                "model_p90": float(high),
                "p_reached": np.nan if law is None else float((law >= call - 0.005).mean()),
            }
        )
    return pd.DataFrame(rows)
