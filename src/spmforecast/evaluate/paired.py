"""Two maps on the same draws: what one changes about the other, with an interval for the difference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.plan import QuotaProposal
from spmforecast.simulate import Forecast

__all__ = ["PAIRED_COLUMNS", "compare_maps", "compare_quotas"]

Array = npt.NDArray[np.float64]
Side = tuple[Forecast, QuotaProposal | None]

PAIRED_COLUMNS = ("metric", "period", "today", "proposed", "difference", "low", "high", "p05", "p95")
_SIDES = 1.959963984540054  # standard normal quantile of 97.5 %


def compare_maps(
    today: Forecast,
    proposed: Forecast,
    plan: Mapping[str, float],
    quotas: tuple[QuotaProposal | None, QuotaProposal | None] = (None, None),
) -> pd.DataFrame:
    """Judge two maps against the annual plan and each other by paired draws.

    Parameters
    ----------
    today, proposed : Forecast
        With the same trials.
    plan : mapping of str to float
        Company target by period.
    quotas : pair of QuotaProposal, optional
        Under today's and the proposed map.

    Returns
    -------
    pandas.DataFrame
        ``metric, period, today, proposed, difference, low, high, p05, p95``. Metrics: ``bookings`` (mean), ``p_plan``,
        and with quotas ``reps_at_quota``, ``p_plan_carried`` (plan is reached without bookings above quota) and
        ``p_attain_range`` (between reps). `low` and `high` are the 95 % interval of the mean difference over the draws,
        which tells the error of simulation, not that of the model; `p05` and `p95` are quantiles of the difference
        itself where it is an amount or a share of each draw.
    """
    rows: list[tuple[object, ...]] = []
    labels = [*today.periods, *(label for label in plan if label not in today.periods)]
    for label in labels:
        before, after = today.period_draws(label), proposed.period_draws(label)
        if np.ptp(before) == 0 and np.ptp(after) == 0:
            continue  # a period that was over before the new map
        rows.append(("bookings", label, *_paired(before, after, spread=True)))
        if label in plan:
            target = float(plan[label]) - 0.005
            rows.append(("p_plan", label, *_paired(_reached_in(before, target), _reached_in(after, target))))
    old, new = quotas
    if old is not None and new is not None:
        for label in old.total:
            rows += _quota_rows(label, (today, old), (proposed, new), plan.get(label))
    return pd.DataFrame(rows, columns=list(PAIRED_COLUMNS))


def compare_quotas(old: QuotaProposal, new: QuotaProposal, proposed: Forecast) -> pd.DataFrame:
    """Set quotas of both maps beside each other, and what becomes of today's quotas under the new map.

    Parameters
    ----------
    old, new : QuotaProposal
        Under today's and the proposed map.
    proposed : Forecast
        Draws under the proposed map.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, period, quota_today, quota, change, mean_today, mean, p_attain_today, p_attain_unchanged, p_attain``;
        ``p_attain_unchanged`` is the chance to reach today's quota under the new map.
    """
    keys = ["rep_id", "period"]
    before = old.table[[*keys, "quota", "mean", "p_attain"]]
    after = new.table[[*keys, "quota", "mean", "p_attain"]]
    both = before.merge(after, on=keys, how="outer", suffixes=("_today", ""), sort=True)
    both["change"] = both["quota"].fillna(0.0) - both["quota_today"].fillna(0.0)
    both["p_attain_unchanged"] = [
        _reached(proposed, str(row["period"]), str(row["rep_id"]), float(row["quota_today"]))
        for row in both.to_dict("records")
    ]
    told = ("quota_today", "quota", "change", "mean_today", "mean", "p_attain_today", "p_attain_unchanged", "p_attain")
    return both[[*keys, *told]]


def _reached_in(draws: Array, target: float) -> Array:
    return (draws >= target).astype(np.float64)


def _reached(forecast: Forecast, period: str, rep: str, quota: float) -> float:
    if not quota > 0:
        return float("nan")
    return float((_own(forecast, period, [rep])[:, 0] >= quota - 0.005).mean())


def _own(forecast: Forecast, period: str, reps: list[str]) -> Array:
    """Bookings of each rep in a period, shape (trials, reps)."""
    inside = np.array([forecast.calendar.contains(period, str(own)) for own in forecast.cells["period"]])
    owner = forecast.cells["owner_id"].astype(str).to_numpy(dtype=object)
    return np.stack([forecast.draws[:, inside & (owner == rep)].sum(axis=1) for rep in reps], axis=1)


def _quota_rows(label: str, old: Side, new: Side, target: float | None) -> list[tuple[object, ...]]:
    share, carried, spread = zip(*(_measured(label, *side, target) for side in (old, new)), strict=True)
    nothing = float("nan")
    rows: list[tuple[object, ...]] = [("reps_at_quota", label, *_paired(share[0], share[1], spread=True))]
    if target is not None:
        rows.append(("p_plan_carried", label, *_paired(carried[0], carried[1])))
    gap = (spread[0], spread[1], spread[1] - spread[0])
    return [*rows, ("p_attain_range", label, *gap, nothing, nothing, nothing, nothing)]


def _measured(
    label: str, forecast: Forecast, quotas: QuotaProposal | None, target: float | None
) -> tuple[Array, Array, float]:
    """Share of reps at quota and whether plan is carried in each draw, and the spread of chances to attain."""
    assert quotas is not None
    table = quotas.table[quotas.table["period"] == label]
    quota = table["quota"].to_numpy(dtype=np.float64)
    own = _own(forecast, label, [str(rep) for rep in table["rep_id"]])
    asked = quota > 0
    share = (own[:, asked] >= quota[asked] - 0.005).mean(axis=1) if asked.any() else np.zeros(len(own))
    carried = _reached_in(np.minimum(own, quota).sum(axis=1), (target or 0.0) - 0.005)
    chance = table.loc[asked, "p_attain"].to_numpy(dtype=np.float64)
    return share, carried, float(np.ptp(chance)) if len(chance) else float("nan")


def _paired(before: Array, after: Array, spread: bool = False) -> tuple[float, ...]:
    """Means, mean difference with its 95 % interval, and quantiles of the difference."""
    gap = after - before
    error = _SIDES * float(gap.std(ddof=1)) / float(np.sqrt(len(gap))) if len(gap) > 1 else float("nan")
    middle = float(gap.mean())
    sides = np.quantile(gap, [0.05, 0.95]) if spread else np.full(2, np.nan)
    return (
        float(before.mean()),
        float(after.mean()),
        middle,
        middle - error,
        middle + error,
        float(sides[0]),
        float(sides[1]),
    )
