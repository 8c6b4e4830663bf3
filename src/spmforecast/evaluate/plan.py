"""How a forecast and its quotas stand against the annual plan."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spmforecast.evaluate.fairness import fairness
from spmforecast.plan import QuotaProposal
from spmforecast.simulate import Forecast

__all__ = ["evaluate_plan"]


def evaluate_plan(forecast: Forecast, plan: Mapping[str, float], quotas: QuotaProposal | None = None) -> pd.DataFrame:
    """Judge a forecast, and the quotas proposed on it, against the plan.

    Parameters
    ----------
    forecast : Forecast
        Draws.
    plan : mapping of str to float
        Company target of each period and year that the forecast reaches.
    quotas : QuotaProposal, optional
        Proposed quotas.

    Returns
    -------
    pandas.DataFrame
        ``metric, value``; metrics name their period in brackets, as in ``p_plan[2025Q3]``: chance to reach plan,
        plan gap (expected bookings minus plan), expected attainment of plan; and for quotas the expected attainment
        of the sum, expected share of reps at quota, chance that the quotas are carried (sum of bookings capped at
        each quota reaches plan), a stated objective with its bound and what it exceeds that by, and fairness (see
        :class:`~spmforecast.evaluate.fairness.Fairness`).
    """
    rows: list[tuple[str, float]] = []
    chance = forecast.p_plan(plan)
    for period, target in plan.items():
        mean = float(forecast.period_draws(period).mean())
        rows.append((f"p_plan[{period}]", float(chance[period])))
        rows.append((f"plan_gap[{period}]", mean - float(target)))
        rows.append((f"expected_attainment[{period}]", mean / float(target) if target else float("nan")))
    if quotas is not None:
        for name, table in quotas.table.groupby("period", sort=False):
            rows.extend(_quota_rows(str(name), table, quotas, forecast, plan.get(str(name))))
    return pd.DataFrame(rows, columns=["metric", "value"])


def _quota_rows(
    period: str, table: pd.DataFrame, quotas: QuotaProposal, forecast: Forecast, target: float | None
) -> list[tuple[str, float]]:
    """Measure the quotas of one period."""
    asked = float(table["quota"].sum())
    rows = [
        (f"quota_total[{period}]", asked),
        (f"quota_remainder[{period}]", float(quotas.remainder.get(period, 0))),
        (f"quota_expected_attainment[{period}]", float(table["mean"].sum()) / asked if asked else float("nan")),
        (f"reps_at_quota[{period}]", float(table.loc[table["quota"] > 0, "p_attain"].mean())),
    ]
    if target is not None:
        rows.append((f"p_plan_carried[{period}]", _carried(period, table, forecast, target)))
    if len(quotas.proof):
        told = quotas.proof[quotas.proof["period"] == period]
        for name, column in (("", "objective"), ("_bound", "bound"), ("_excess", "gap")):
            rows.extend((f"quota_objective{name}[{period}]", float(value)) for value in told[column])
    known = table[table["quota"] > 0]
    if len(known):
        # Expected bookings are no measure of potential: they are attainment's own numerator. So no slope is given.
        measured = fairness(known["p_attain"], known["expected_attainment"]).metrics()
        rows.extend((f"fairness_{name}[{period}]", value) for name, value in measured.items() if value == value)
    return rows


def _carried(period: str, table: pd.DataFrame, forecast: Forecast, target: float) -> float:
    """Chance that plan is reached without anybody's bookings above quota."""
    inside = (
        forecast.cells["period"].astype(str).map(lambda own: forecast.calendar.contains(period, own)).to_numpy(bool)
    )
    owner = forecast.cells["owner_id"].astype(str).to_numpy()
    carried = np.zeros(forecast.trials)
    for rep, quota in zip(table["rep_id"], table["quota"], strict=True):
        own = forecast.draws[:, inside & (owner == rep)].sum(axis=1)
        carried += np.minimum(own, quota)
    return float((carried >= target - 0.005).mean())
