"""Differences between two forecasts of the same draws, by level and period."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.plan import AnnualPlan
from spmforecast.scenario.nodes import node_draws, node_levels
from spmforecast.scenario.tables import company_targets
from spmforecast.simulate import Forecast

__all__ = ["paired_differences", "plan_differences"]

Array = npt.NDArray[np.float64]
Node = tuple[str, str]

_Z95 = 1.959963984540054
_ANSWERED = 0.1  # a difference is taken as answered when its 95 % interval is no wider than this share on either side


def paired_differences(base: Forecast, other: Forecast) -> pd.DataFrame:
    """Compare the bookings of every node and period.

    Parameters
    ----------
    base, other : Forecast
        Of as many trials, drawn with one seed.

    Returns
    -------
    pandas.DataFrame
        ``node_level, node, period, base, mean, difference, se, low, high, p10, p50, p90, p_above, p_below,
        trials_needed``. `base` and `mean` are the two means; `low` and `high` the 95 % interval of the mean difference
        for the error of simulation; `p10` to `p90` quantiles of the difference between paired draws (not differences
        of quantiles); `p_above` the share of draws in which the other one books more. A node that only one of them
        knows books nothing in the other.
    """
    columns = {level: column for one in (base, other) for level, column in node_levels(one)}
    parts = [_level(base, other, "company", None)]
    parts += [_level(base, other, level, column) for level, column in columns.items()]
    return pd.concat(parts, ignore_index=True)


def _level(base: Forecast, other: Forecast, level: str, column: str | None) -> pd.DataFrame:
    (left, left_draws), (right, right_draws) = (_draws(one, column) for one in (base, other))
    nodes = list(dict.fromkeys([*left, *right]))
    nodes.sort(key=lambda node: (node[0], len(node[1]) == 4, base.calendar.period(node[1]).end))
    rows = [_row(_of(left, left_draws, node), _of(right, right_draws, node)) for node in nodes]
    told = pd.DataFrame({"node_level": level, "node": [n for n, _ in nodes], "period": [p for _, p in nodes]})
    return pd.concat([told, pd.DataFrame(rows)], axis=1)


def _draws(forecast: Forecast, column: str | None) -> tuple[dict[Node, int], Array]:
    if column is not None and column not in forecast.cells:
        return {}, np.zeros((forecast.trials, 0))
    groups, draws = node_draws(forecast, column)
    return {
        (node, period): at for at, (node, period) in enumerate(zip(groups["node"], groups["period"], strict=True))
    }, draws


def _of(places: dict[Node, int], draws: Array, node: Node) -> Array:
    return draws[:, places[node]] if node in places else np.zeros(len(draws))


def _row(base: Array, other: Array) -> dict[str, float]:
    apart = np.round(other - base, 2)
    difference, se = float(apart.mean()), float(apart.std() / np.sqrt(len(apart)))
    p10, p50, p90 = np.quantile(apart, [0.1, 0.5, 0.9])
    needed = np.nan if difference == 0 else np.ceil(len(apart) * (_Z95 * se / (_ANSWERED * difference)) ** 2)
    return {
        "base": float(base.mean()),
        "mean": float(other.mean()),
        "difference": difference,
        "se": se,
        "low": difference - _Z95 * se,
        "high": difference + _Z95 * se,
        "p10": float(p10),
        "p50": float(p50),
        "p90": float(p90),
        "p_above": float((apart > 0).mean()),
        "p_below": float((apart < 0).mean()),
        "trials_needed": float(max(needed, 1.0)) if needed == needed else np.nan,
    }


def plan_differences(base: tuple[Forecast, AnnualPlan], other: tuple[Forecast, AnnualPlan]) -> pd.DataFrame:
    """Compare the chances to reach the company's plan.

    Returns
    -------
    pandas.DataFrame
        ``period, plan_base, plan, p_plan_base, p_plan, difference, se, low, high`` of every period and year with a plan
        in both.
    """
    targets = [company_targets(plan, forecast) for forecast, plan in (base, other)]
    rows = []
    for label in (label for label in targets[0] if label in targets[1]):
        reached = [
            (np.round(forecast.period_draws(label), 2) >= target[label] - 0.005).astype(np.float64)
            for (forecast, _), target in zip((base, other), targets, strict=True)
        ]
        apart = reached[1] - reached[0]
        difference, se = float(apart.mean()), float(apart.std() / np.sqrt(len(apart)))
        rows.append(
            {
                "period": label,
                "plan_base": targets[0][label],
                "plan": targets[1][label],
                "p_plan_base": float(reached[0].mean()),
                "p_plan": float(reached[1].mean()),
                "difference": difference,
                "se": se,
                "low": difference - _Z95 * se,
                "high": difference + _Z95 * se,
            }
        )
    columns = ["period", "plan_base", "plan", "p_plan_base", "p_plan", "difference", "se", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
