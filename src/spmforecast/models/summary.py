"""The table of all rates behind a forecast, each with its interval, the deals behind it and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spmforecast.models.teams import NAMES
from spmforecast.models.views import HIGH, LOW, conversion_rates, cycle_lengths

if TYPE_CHECKING:
    from spmforecast.models.pipeline import FittedPipeline

__all__ = ["summary_table"]

_RATE_COLUMNS = ["kind", "stage", "to", "segment", "estimate", "low", "high", "unit", "deals", "shrinkage", "note"]


def summary_table(model: FittedPipeline) -> pd.DataFrame:
    """Collect every rate that the forecast uses in one table.

    Parameters
    ----------
    model : FittedPipeline
        The fit.

    Returns
    -------
    pandas.DataFrame
        ``kind, stage, to, segment, estimate, low, high, unit, deals, shrinkage, note``; intervals are 90 %.
    """
    frames = [_conversion_rows(model), _cycle_rows(model), _amount_rows(model), _other_rows(model)]
    return pd.concat([frame.reindex(columns=_RATE_COLUMNS) for frame in frames if len(frame)], ignore_index=True)


def _conversion_rows(model: FittedPipeline) -> pd.DataFrame:
    table = conversion_rates(model).drop(columns=["won", "open"])
    note = f"of the visits to this stage, won in the end{_guess(model)}"
    return table.assign(kind="conversion", to="won", unit="share", note=note)


def _guess(model: FittedPipeline) -> str:
    """Say so where no win is behind a rate of wins."""
    return "" if (model.deals["status"] == "won").any() else "; nothing is won yet, so this is a guess"


def _cycle_rows(model: FittedPipeline) -> pd.DataFrame:
    table = cycle_lengths(model)
    names = {"median": "estimate", "median_low": "low", "median_high": "high"}
    guess = _guess(model)
    told = [f"quartiles {a:.0f} to {b:.0f} days{guess}" for a, b in zip(table["p25"], table["p75"], strict=True)]
    return table.rename(columns=names).assign(kind="cycle", stage="", to="won", unit="days (median)", note=told)


def _amount_rows(model: FittedPipeline) -> pd.DataFrame:
    law = model.amounts
    mean, sd = law.won.mean(), law.mean_sd
    return pd.DataFrame(
        {
            "kind": "amount",
            "stage": "",
            "to": "won",
            "segment": list(model.profiles.segments),
            "estimate": mean,
            "low": mean * np.exp(-1.645 * sd),
            "high": mean * np.exp(1.645 * sd),
            "unit": "mean amount of a won deal",
            "deals": law.deals,
            "shrinkage": law.shrinkage,
            "note": "nothing is won yet: amounts of all deals stand in" if _guess(model) else "",
        }
    )


def _other_rows(model: FittedPipeline) -> pd.DataFrame:
    creation, market, leaving = model.creation, model.market, model.attrition
    active = len(model.roster.owners)
    year = float(creation.base * 365.25)
    error = 1.645 / np.sqrt(max(creation.observed.sum(), 1.0))
    rows = [
        _row("creation", year, year * np.exp(-error), year * np.exp(error), "deals a year, ramped rep",
             int(creation.observed.sum()), f"{active} owners sell at the as-of date; {creation.hires} newcomers seen"),
        *_recent_activity(model),
        *(
            _row("market", shock.tau_mean(), shock.tau_quantile(LOW), shock.tau_quantile(HIGH),
                 "sd of the log", int(total), f"of {name}, monthly level; {shock.months} months")
            for name, shock, total in (
                ("creation", market.creation, creation.observed.sum()),
                ("the odds of going up", market.conversion, (model.deals["status"] == "won").sum()),
            )
        ),
    ]  # fmt: skip
    rows += _teams(model)
    if model.win_ramp.depth > 0:
        rows.append(_newcomers(model))
    if leaving.shape > 0:
        from scipy import stats

        low, high = (-np.expm1(-365.25 * stats.gamma.ppf([LOW, HIGH], leaving.shape) / leaving.rate)).tolist()
        note = f"successors after {leaving.backfill_days:.0f} days"
        note += f" ({leaving.backfills} seen)" if leaving.backfills else " (assumed)"
        rows.append(
            _row("capacity", leaving.annual, low, high, "share", leaving.leaves, f"of reps leave in a year; {note}")
        )
    return pd.DataFrame(rows)


def _teams(model: FittedPipeline) -> list[dict[str, object]]:
    """List the spread of shocks of single teams; nothing where there are no two."""
    if model.teams is None:
        return []
    shocks, created = model.teams, int(model.creation.observed.sum())
    won = int((model.deals["status"] == "won").sum())
    by = f"team ({NAMES[shocks.teams.by]}) beside the company, by quarter"
    return [
        _row("teams", spread.tau_mean(), spread.tau_quantile(LOW), spread.tau_quantile(HIGH),
             "sd of the log", deals, f"of {name}, {by}; {spread.cells} quarters of teams")
        for name, spread, deals in (
            ("creation", shocks.creation, created),
            ("the hazard of a win", shocks.winning, won),
        )
    ]  # fmt: skip


def _newcomers(model: FittedPipeline) -> dict[str, object]:
    """How often deals of the first month of tenure are won, over those of ramped reps."""
    ramp = model.win_ramp
    estimate, high, low = (1.0 - depth * (1.0 - ramp.ramp[0]) for depth in (ramp.depth, ramp.low, ramp.high))
    note = "deals created in the first month of tenure, over those of ramped reps; wins of the first year"
    return _row("capacity", estimate, low, high, "relative hazard of a win", ramp.wins, note)


def _recent_activity(model: FittedPipeline) -> list[dict[str, object]]:
    """Tell by what recent activity multiplies the next month's creations, and by what score; nothing without any."""
    funnel = model.funnel
    if funnel is None:
        return []
    ends = [float(funnel.factors(error)[0]) if funnel.used else 1.0 for error in (-1.645, 0.0, 1.645)]
    told = (ends[1], min(ends), max(ends), "times, next month")
    return [_row("creation", *told, int(model.creation.observed.sum()), funnel.told())]


def _row(kind: str, estimate: float, low: float, high: float, unit: str, deals: int, note: str) -> dict[str, object]:
    return {
        "kind": kind, "stage": "", "to": "", "segment": "", "estimate": estimate, "low": float(low),
        "high": float(high), "unit": unit, "deals": deals, "shrinkage": np.nan, "note": note,
    }  # fmt: skip
