"""Quota schemes and pay plans side by side, on the same draws: what each is likely to bring, cost and ask of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.display import card
from spmforecast.errors import InputError, Problem
from spmforecast.evaluate.carried import Payout, attained, carried, paid
from spmforecast.evaluate.fairness import fairness
from spmforecast.evaluate.inequality import atkinson
from spmforecast.plan import CompPlan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SchemeComparison", "compare_schemes"]

Array = npt.NDArray[np.float64]
_CENT = 0.005
_Z = 1.959963984540054  # 97.5 % quantile of the standard normal law
_NO_PAY = "(none)"


@dataclass(frozen=True)
class SchemeComparison:
    """Schemes × pay plans.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each pair ``scheme, pay``: ``quota_total, p_plan, p_carried, expected_attainment, reps_at_quota,
        p_attain_range, p_attain_sd, slope, slope_p, gini, theil, atkinson, change``, and with a pay plan
        ``payout_mean, payout_p90, cost_of_sales, leverage, pay_correlation``.
    differences : pandas.DataFrame
        ``scheme, pay, base, metric, difference, low, high, p_above``: means of paired differences against the first
        pair, their 95 % interval, and the share of draws in which the difference is positive.
    """

    table: pd.DataFrame
    differences: pd.DataFrame

    def frontier(self) -> Figure:
        """Draw the chance to carry the plan against cost, with fairness as colour; see :func:`frontier`."""
        from spmforecast.evaluate.frontier import frontier

        return frontier(self.table)

    def _repr_html_(self) -> str:
        return card("Quota schemes", {"pairs": len(self.table)}, self.table, shares=("change",))


def compare_schemes(
    bookings: npt.ArrayLike,
    schemes: Mapping[str, npt.ArrayLike],
    plan: float,
    pays: Mapping[str, Payout | CompPlan] | None = None,
    potential: npt.ArrayLike | None = None,
    last: npt.ArrayLike | None = None,
) -> SchemeComparison:
    """Compare any number of quota schemes and pay plans on the same draws.

    Parameters
    ----------
    bookings : array-like of float, shape (trials, reps)
        Draws of one period.
    schemes : mapping of str to array-like of float, shape (reps,)
        Quotas; the first is what the others are compared with.
    plan : float
        What is to be carried.
    pays : mapping of str to CompPlan or callable, optional
        Pay plans, any number: compensation plans, which see this one period, or functions
        ``payout(bookings, quota)`` of shapes (trials, reps, periods) and (reps, periods).
    potential : array-like of float, shape (reps,), optional
        Potential of each rep's territory, for the fairness slope; NaN where it is not known.
    last : array-like of float, shape (reps,), optional
        Quotas of today, NaN where there is none.

    Returns
    -------
    SchemeComparison

    Raises
    ------
    InputError
        If there is no scheme, or shapes do not fit.
    """
    draws = np.asarray(bookings, dtype=np.float64)
    quotas = {name: np.asarray(quota, dtype=np.float64) for name, quota in schemes.items()}
    _check(draws, quotas)
    plans: dict[str, Payout | None] = {_NO_PAY: None}
    if pays:
        plans = {name: one.payout if isinstance(one, CompPlan) else one for name, one in pays.items()}
    rows, traces = [], {}
    for scheme, quota in quotas.items():
        own = _own(draws, quota, float(plan), potential, last)
        for name, payout in plans.items():
            pay = None if payout is None else paid(payout, draws, quota)
            costs = {} if pay is None or payout is None else _costs(pay, draws, quota, payout)
            rows.append({"scheme": scheme, "pay": name, **own, **costs})
            traces[scheme, name] = _traces(draws, quota, float(plan), pay)
    return SchemeComparison(pd.DataFrame(rows), _differences(traces))


def _own(
    draws: Array, quota: Array, plan: float, potential: npt.ArrayLike | None, last: npt.ArrayLike | None
) -> dict[str, float]:
    """Measure what does not depend on pay."""
    asked = quota > 0
    chance = attained(draws, quota).mean(axis=0)[asked]
    mean = draws.mean(axis=0)
    ratio = np.maximum(mean[asked], 0.0) / quota[asked]
    measured = fairness(chance, ratio) if asked.any() else None
    where = np.full(len(quota), np.nan) if potential is None else np.asarray(potential, dtype=np.float64)
    known = np.isfinite(where[asked])
    sloped = fairness(chance[known], ratio[known], where[asked][known]) if known.any() else None
    nan = float("nan")
    return {
        "quota_total": float(quota.sum()),
        "p_plan": float((draws.sum(axis=1) >= plan - _CENT).mean()),
        "p_carried": float((carried(draws, quota) >= plan - _CENT).mean()),
        "expected_attainment": float(mean.sum() / quota.sum()) if quota.sum() > 0 else nan,
        "reps_at_quota": float(chance.mean()) if asked.any() else nan,
        "p_attain_range": measured.p_range if measured else nan,
        "p_attain_sd": measured.p_sd if measured else nan,
        "slope": sloped.slope if sloped else nan,
        "slope_p": sloped.slope_p if sloped else nan,
        "gini": measured.gini if measured else nan,
        "theil": measured.theil if measured else nan,
        "atkinson": atkinson(ratio) if asked.any() else nan,
        "change": _change(quota, last),
    }


def _change(quota: Array, last: npt.ArrayLike | None) -> float:
    """Sum of the moves against today's quotas, as a share of these."""
    today = np.full(len(quota), np.nan) if last is None else np.asarray(last, dtype=np.float64)
    known = np.isfinite(today)
    base = float(today[known].sum())
    return float(np.abs(quota[known] - today[known]).sum()) / base if base > 0 else float("nan")


def _costs(pay: Array, draws: Array, quota: Array, payout: Payout) -> dict[str, float]:
    """Measure pay: its law, what it is of sales, and what it rewards."""
    total, sales = pay.sum(axis=1), float(draws.sum(axis=1).mean())
    at_quota = float(paid(payout, quota[None, :], quota).sum())
    asked = quota > 0
    ratio, pays = (draws[:, asked] / quota[asked]).ravel(), pay[:, asked].ravel()
    varies = ratio.size > 1 and ratio.std() > 0 and pays.std() > 0
    return {
        "payout_mean": float(total.mean()),
        "payout_p90": float(np.quantile(total, 0.9)),
        "cost_of_sales": float(total.mean()) / sales if sales > 0 else float("nan"),
        "leverage": float(np.quantile(pay, 0.9, axis=0).sum()) / at_quota if at_quota > 0 else float("nan"),
        "pay_correlation": float(np.corrcoef(ratio, pays)[0, 1]) if varies else float("nan"),
    }


def _traces(draws: Array, quota: Array, plan: float, pay: Array | None) -> dict[str, Array]:
    """Keep what is compared trial by trial."""
    asked = quota > 0
    reached = attained(draws, quota)[:, asked]
    out = {
        "p_carried": (carried(draws, quota) >= plan - _CENT).astype(np.float64),
        "reps_at_quota": reached.mean(axis=1) if asked.any() else np.full(len(draws), np.nan),
        "expected_attainment": draws.sum(axis=1) / quota.sum() if quota.sum() > 0 else np.full(len(draws), np.nan),
    }
    return out if pay is None else {**out, "payout": pay.sum(axis=1)}


def _differences(traces: Mapping[tuple[str, str], Mapping[str, Array]]) -> pd.DataFrame:
    """Compare every pair with the first, draw by draw."""
    (base, base_pay), first = next(iter(traces.items()))
    rows = []
    for (scheme, pay), own in traces.items():
        if (scheme, pay) == (base, base_pay):
            continue
        for metric in own:
            gap = own[metric] - first[metric]
            mean, error = float(gap.mean()), float(gap.std(ddof=1)) / len(gap) ** 0.5 if len(gap) > 1 else float("nan")
            told = (scheme, pay, f"{base}, {base_pay}", metric, mean, mean - _Z * error, mean + _Z * error)
            rows.append((*told, float((gap > 0).mean())))
    columns = ["scheme", "pay", "base", "metric", "difference", "low", "high", "p_above"]
    return pd.DataFrame(rows, columns=columns)


def _check(draws: Array, quotas: Mapping[str, Array]) -> None:
    problems = []
    if draws.ndim != 2 or not draws.size:
        told = f"draws have shape {draws.shape}"
        problems.append(Problem("schemes", told, "Give (trials, reps) of one period.", column="bookings"))
    if not quotas:
        problems.append(Problem("schemes", "there is no scheme to compare", column="schemes"))
    for name, quota in quotas.items():
        if draws.ndim == 2 and quota.shape != draws.shape[1:]:
            told = f"shape {quota.shape} for {draws.shape[1]} reps"
            problems.append(Problem("schemes", told, "Give one quota a rep.", column=name))
        elif not (np.isfinite(quota).all() and (quota >= 0).all()):
            problems.append(Problem("schemes", "quotas must be amounts of at least 0", "0 is no quota.", column=name))
    if problems:
        raise InputError(problems)
