"""Single deals judged: whether they are won by the end of the period as often as was said, young or stale."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from spmforecast.data import History
from spmforecast.evaluate.backtest.predict import Told
from spmforecast.evaluate.calibration import brier, calibration_line, coverage, reliability

__all__ = ["DEAL_SCORES", "by_age", "deal_outcomes", "deal_scores", "reliability_curves", "settle"]

DEAL_SCORES = (
    "ahead", "deals", "won", "chance", "observed", "brier", "brier_base", "brier_skill", "reliability", "resolution",
    "slope", "intercept", "in_the_large",
)  # fmt: skip
_DECILES = 10


def deal_outcomes(said: Iterable[Told], record: History, closed: frozenset[str]) -> pd.DataFrame:
    """Put outcomes beside the chances of every open deal at every scored origin.

    Parameters
    ----------
    said : iterable of Told
        In order of time.
    record : History
        The record at its end.
    closed : frozenset of str
        Targets that are over.

    Returns
    -------
    pandas.DataFrame
        ``as_of, week, target, ahead, opportunity_id, stage, age_days, stage_rate, chance, won``: a row for each origin,
        open deal and target that is over.
    """
    deals = record.opportunities
    won = deals[(deals["status"] == "won").to_numpy()]
    day = pd.Series(won["close_date"].to_numpy(), index=won["opportunity_id"].astype(object))
    parts = []
    for told in said:
        for ahead, target in enumerate(told.targets):
            if target in closed and len(told.deals):
                parts.append(_of_target(told, ahead, target, day))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _of_target(told: Told, ahead: int, target: str, day: pd.Series) -> pd.DataFrame:
    deals = told.deals[["opportunity_id", "stage", "age_days", "stage_rate"]]
    when = pd.to_datetime(deals["opportunity_id"].map(day))
    out = deals.assign(as_of=told.as_of, week=told.week, target=target, ahead=ahead)
    out = out.assign(chance=np.clip(told.deals[f"p_{ahead}"].to_numpy(dtype=float), 0.0, 1.0))
    return out.assign(closed_on=when.to_numpy())


def settle(rows: pd.DataFrame, ends: dict[str, pd.Timestamp]) -> pd.DataFrame:
    """Say of each row whether the deal was won by the end of its target."""
    if rows.empty:
        return rows.assign(won=pd.Series(dtype=float))
    end = rows["target"].map(ends)
    return rows.assign(won=(rows["closed_on"] <= end).astype(float)).drop(columns="closed_on")


def deal_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Score the chances by periods ahead (:data:`DEAL_SCORES`).

    ``brier_base`` is the score of giving every deal the share that was won, known only afterwards; ``brier_skill`` is
    what the forecast saves of it. A calibrated forecast has slope 1 and intercept 0.
    """
    out = []
    for ahead, group in rows.groupby("ahead") if len(rows) else ():
        p, y = group["chance"].to_numpy(), group["won"].to_numpy()
        parts, line = brier(p, y), calibration_line(p, y)
        skill = 1 - parts.score / parts.uncertainty if parts.uncertainty > 0 else float("nan")
        row = (ahead, len(p), y.sum(), p.mean(), y.mean(), parts.score, parts.uncertainty, skill, parts.reliability,
               parts.resolution, line.slope, line.intercept, line.in_the_large)  # fmt: skip
        out.append(row)
    return pd.DataFrame(out, columns=list(DEAL_SCORES))


def reliability_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the reliability curves: ``ahead, lower, upper, n, chance, observed, low, high``."""
    parts = [
        reliability(group["chance"], group["won"]).assign(ahead=ahead)
        for ahead, group in (rows.groupby("ahead") if len(rows) else ())
    ]
    columns = ["ahead", "lower", "upper", "n", "chance", "observed", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def by_age(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare chances with outcomes by decile of the age in stage, to see whether stale deals are promised too much.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of :func:`deal_outcomes`, settled.

    Returns
    -------
    pandas.DataFrame
        ``ahead, decile, age_from, age_to, deals, chance, observed, low, high, inside``: the exact 90 % interval of the
        observed share, as if deals were independent, and whether the mean chance lies in it. Ties of age stay together.
    """
    out = []
    for ahead, group in rows.groupby("ahead") if len(rows) else ():
        age = group["age_days"].to_numpy(dtype=float)
        edges = np.unique(np.quantile(age, np.arange(1, _DECILES) / _DECILES, method="inverted_cdf"))
        decile = np.searchsorted(edges, age, side="left")
        for number, code in enumerate(np.unique(decile), 1):
            mine = decile == code
            p, seen = float(group["chance"].to_numpy()[mine].mean()), coverage(group["won"].to_numpy()[mine], 0.5, 0.9)
            inside = seen.low <= p <= seen.high
            row = (ahead, number, age[mine].min(), age[mine].max(), seen.trials, p, seen.share, seen.low, seen.high)
            out.append((*row, inside))
    columns = ["ahead", "decile", "age_from", "age_to", "deals", "chance", "observed", "low", "high", "inside"]
    return pd.DataFrame(out, columns=columns)
