"""What the example company promised: its plan, its quotas and its managers' calls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.data.example import figures as fig
from spmforecast.data.example.figures import Floats, Ints
from spmforecast.data.example.labels import dates, quarter_label, quarter_of, quarter_start, rep_ids
from spmforecast.data.example.staff import Map

__all__ = ["build_plan", "build_quotas", "build_submissions"]

_CALL_DAYS = (35, 65)  # days of a quarter on which managers submit their call
_CALL_BIAS = 0.08


def build_plan(rows: pd.DataFrame, deals: pd.DataFrame, start: int, today: int) -> pd.DataFrame:
    """Return the quarterly company plan by a rule of thumb: deals opened lately, at what a deal brings, plus growth.

    Each half-year's targets are set on its eve. "Lately" is half the last four quarters and half twice the last two;
    what a deal brings is everything booked so far over everything opened until a quarter earlier. What lies beyond
    the next half-year is set from the same figures with more growth.

    Parameters
    ----------
    rows, deals : pandas.DataFrame
        Stage-history rows and deals, in codes.
    start, today : int
        First day, and the day at whose close the records are taken.

    Returns
    -------
    pandas.DataFrame
        Columns ``period, target`` from the second year to the one after `today`.
    """
    won = rows[rows["stage"] == fig.WON]
    first = 4 * (int(quarter_of([start])[0]) // 4)
    complete = int(quarter_of([today + 1])[0])  # the first quarter that is not complete
    last = 4 * (int(quarter_of([today])[0]) // 4) + 8
    booked = np.bincount(quarter_of(won["day"]) - first, won["amount"].to_numpy(dtype=np.float64), last - first)
    opened = np.bincount(quarter_of(deals["day"]) - first, minlength=last - first)
    periods, targets = [], []
    for half in range(first + 4, last, 2):
        eve = min(half, complete) - first
        lately = 0.5 * opened[max(eve - 4, 0) : eve].sum() + opened[max(eve - 2, 0) : eve].sum()
        brings = booked[:eve].sum() / max(opened[: max(eve - 1, 1)].sum(), 1)
        growth = (1.0 + fig.PLAN_GROWTH) ** (1.0 + (half - first - eve) / 4.0)
        for quarter in (half, half + 1):
            periods.append(quarter_label(quarter))
            targets.append(_round(float(lately * brings * growth * fig.QUARTER_SHARE[quarter % 4])))
    plan = pd.DataFrame({"period": periods, "target": np.array(targets, dtype=np.int64)})
    return plan[plan["target"] > 0].reset_index(drop=True)  # no target while nothing is booked to set it from


def build_quotas(plan: pd.DataFrame, people: pd.DataFrame, today: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return quotas of the quarters so far: the plan and a cushion, spread over those who carry a quota.

    Newcomers carry less for half a year; for the rest the spread follows habit more than evidence.

    Parameters
    ----------
    plan, people : pandas.DataFrame
        The plan; people in codes.
    today : int
        Day at whose close the records are taken.
    rng : numpy.random.Generator
        Where the habit comes from.

    Returns
    -------
    pandas.DataFrame
        Columns ``rep_id, period, quota``.
    """
    habit = np.exp(0.25 * rng.standard_normal(len(people)))
    hired = people["day"].to_numpy(dtype=np.float64)
    end = people["end"].fillna(np.inf).to_numpy(dtype=np.float64)
    parts = []
    for period, target in zip(plan["period"], plan["target"], strict=True):
        begin = quarter_start(_quarter(str(period)))
        if begin > today:
            break
        carries = (hired < begin + 45) & (hired <= today) & (end >= begin)
        weight = np.where(carries, habit * np.clip((begin + 45 - hired) / 180.0, 0.15, 1.0), 0.0)
        quota = float(target) * (1.0 + fig.OVER_ASSIGNMENT) * weight / max(float(weight.sum()), 1e-9)
        told = np.maximum(np.round(quota[carries], -3), 1000.0).astype(np.int64)
        parts.append(pd.DataFrame({"rep_id": rep_ids(people["rep"][carries]), "period": period, "quota": told}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["rep_id", "period", "quota"])


def build_submissions(
    rows: pd.DataFrame, deals: pd.DataFrame, plan: pd.DataFrame, sales_map: Map, today: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the managers' calls: what is booked and what their reps filed as sure, with a manager's own bias.

    Parameters
    ----------
    rows, deals, plan : pandas.DataFrame
        Stage-history rows and deals in codes; the plan.
    sales_map : Map
        Regions, each with one manager.
    today : int
        Day at whose close the records are taken.
    rng : numpy.random.Generator
        Where the bias comes from.

    Returns
    -------
    pandas.DataFrame
        Columns ``submitted_by, date, period, category, amount, node_level, node``.
    """
    regions = sales_map.region_names
    region = sales_map.leaf_region[deals["leaf"]]
    mood = np.exp(_CALL_BIAS * rng.standard_normal(len(regions)))
    told = []
    for period in plan["period"]:
        begin = quarter_start(_quarter(str(period)))
        for call in (begin + offset for offset in _CALL_DAYS if begin + offset <= today):
            luck = mood * np.exp(0.5 * _CALL_BIAS * rng.standard_normal(len(regions)))
            for category, sums in _calls(rows, region, call, len(regions)).items():
                for code, amount in enumerate(np.round(sums * luck, -3).astype(np.int64).tolist()):
                    told.append((f"M-{regions[code]}", call, period, category, amount, "region", regions[code]))
    columns = ["submitted_by", "date", "period", "category", "amount", "node_level", "node"]
    table = pd.DataFrame(told, columns=columns)
    table["date"] = dates(table["date"])
    return table


def _calls(rows: pd.DataFrame, region: Ints, call: int, regions: int) -> dict[str, Floats]:
    """Return commit and best case of each region on a day, from the rows written until then."""
    quarter = int(quarter_of([call])[0])
    begin, end = quarter_start(quarter), quarter_start(quarter + 1)
    last = rows[rows["day"] <= call].drop_duplicates("number", keep="last")
    due, stage, filed = (last[name].to_numpy(dtype=np.int64) for name in ("due", "stage", "category"))
    amount, where = last["amount"].to_numpy(dtype=np.float64), region[last["number"].to_numpy(dtype=np.int64) - 1]
    booked = (stage == fig.WON) & (due >= begin)
    expected = (stage < fig.WON) & (due < end)
    sure, likely = booked | (expected & (filed == 2)), booked | (expected & (filed >= 1))
    return {
        "commit": np.bincount(where[sure], amount[sure], regions).astype(np.float64),
        "best_case": np.bincount(where[likely], amount[likely], regions).astype(np.float64),
    }


def _quarter(period: str) -> int:
    return 4 * (int(period[:4]) - 1970) + int(period[-1]) - 1


def _round(amount: float) -> float:
    """Round a target as a board would: to full ten thousands, small companies' to full thousands."""
    return round(amount, -4 if amount >= 1e6 else -3)
