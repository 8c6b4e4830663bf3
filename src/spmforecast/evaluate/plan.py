"""How a forecast and its quotas stand against the annual plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.evaluate.fairness import fairness
from spmforecast.plan import QuotaProposal
from spmforecast.simulate import Forecast
from spmforecast.simulate.precision import mean_error, probability_error

__all__ = ["evaluate_plan"]

Line = tuple[str, float, float]

_CENT = 0.005  # half of it: sums of cents may miss an amount by their rounding
_NOTHING = (float("nan"), float("nan"))


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
        ``metric, value, se``; metrics name their period in brackets, as in ``p_plan[2025Q3]``: chance to reach plan,
        plan gap (expected bookings minus plan), expected attainment of plan; and for quotas the expected attainment
        of the sum, expected share of reps at quota, chance that the quotas are carried (sum of bookings capped at
        each quota reaches plan), a stated objective with its bound and what it exceeds that by, and fairness (see
        :class:`~spmforecast.evaluate.fairness.Fairness`). ``se`` is the Monte Carlo standard error of chances and of
        what rests on mean bookings, else missing.
    """
    rows: list[Line] = []
    chance = forecast.p_plan(plan)
    for period, target in plan.items():
        booked, asked = forecast.period_draws(period), float(target)
        mean, error = float(booked.mean()), float(mean_error(booked))
        rows.append(_chance(f"p_plan[{period}]", float(chance[period]), forecast))
        rows.append((f"plan_gap[{period}]", mean - asked, error))
        rows.append((f"expected_attainment[{period}]", *((mean / asked, error / asked) if asked else _NOTHING)))
    if quotas is not None:
        for name, table in quotas.table.groupby("period", sort=False):
            rows.extend(_quota_rows(str(name), table, quotas, forecast, plan.get(str(name))))
    return pd.DataFrame(rows, columns=["metric", "value", "se"])


def _chance(metric: str, value: float, forecast: Forecast) -> Line:
    return metric, value, float(probability_error(value, forecast.trials))


def _quota_rows(
    period: str, table: pd.DataFrame, quotas: QuotaProposal, forecast: Forecast, target: float | None
) -> list[Line]:
    """Measure the quotas of one period."""
    asked, nothing = float(table["quota"].sum()), float("nan")
    drawn = _Drawn.of(period, table, forecast)
    error = float(mean_error(drawn.booked))
    rows: list[Line] = [
        (f"quota_total[{period}]", asked, nothing),
        (f"quota_remainder[{period}]", float(quotas.remainder.get(period, 0)), nothing),
        (
            f"quota_expected_attainment[{period}]",
            *((float(table["mean"].sum()) / asked, error / asked) if asked else _NOTHING),
        ),
        (
            f"reps_at_quota[{period}]",
            float(table.loc[table["quota"] > 0, "p_attain"].mean()),
            float(mean_error(drawn.at_quota)),
        ),
    ]
    if target is not None:
        rows.append(_chance(f"p_plan_carried[{period}]", float((drawn.carried >= target - _CENT).mean()), forecast))
    if len(quotas.proof):
        told = quotas.proof[quotas.proof["period"] == period]
        for name, column in (("", "objective"), ("_bound", "bound"), ("_excess", "gap")):
            rows.extend((f"quota_objective{name}[{period}]", float(value), nothing) for value in told[column])
    known = table[table["quota"] > 0]
    if len(known):
        # Expected bookings are no measure of potential: they are attainment's own numerator. So no slope is given.
        measured = fairness(known["p_attain"], known["expected_attainment"]).metrics()
        rows.extend(
            (f"fairness_{name}[{period}]", value, nothing) for name, value in measured.items() if value == value
        )
    return rows


@dataclass(frozen=True)
class _Drawn:
    """What those with a quota come to in each draw, each of shape (trials,).

    Parameters
    ----------
    booked, carried : array of float
        Their bookings, and the same without what is above anybody's quota.
    at_quota : array of float
        Share of those with a quota above 0 that reach it.
    """

    booked: npt.NDArray[np.float64]
    carried: npt.NDArray[np.float64]
    at_quota: npt.NDArray[np.float64]

    @classmethod
    def of(cls, period: str, table: pd.DataFrame, forecast: Forecast) -> _Drawn:
        """Add up the cells of each rep."""
        inside = (
            forecast.cells["period"].astype(str).map(lambda own: forecast.calendar.contains(period, own)).to_numpy(bool)
        )
        owner = forecast.cells["owner_id"].astype(str).to_numpy()
        booked, carried, reached = np.zeros((3, forecast.trials))
        for rep, quota in zip(table["rep_id"], table["quota"], strict=True):
            own = forecast.draws[:, inside & (owner == rep)].sum(axis=1)
            booked += own
            carried += np.minimum(own, quota)
            reached += (own >= quota - _CENT) & (quota > 0)
        return cls(booked, carried, reached / max(int((table["quota"] > 0).sum()), 1))
