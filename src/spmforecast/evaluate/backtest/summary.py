"""Scores added up: each method by level, period ahead and week, against this forecast, with what luck allows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.evaluate.backtest.judge import FORECAST, INTERVALS, MIX
from spmforecast.evaluate.backtest.significance import bootstrap_ratio, diebold_mariano, sign_flip
from spmforecast.evaluate.calibration import coverage

__all__ = ["ALL_WEEKS", "SUMMARY_COLUMNS", "best_rival", "summarise"]

ALL_WEEKS = "all"
_KEYS = ["level", "ahead", "week"]
SUMMARY_COLUMNS = (
    "level", "ahead", "week", "method", "cells", "periods", "crps", "wis", "energy", "bias",
    "held_50", "held_80", "held_95", "band_80_low", "band_80_high",
    "ratio", "ratio_low", "ratio_high", "p_value", "dm", "dm_p_value",
)  # fmt: skip


def summarise(cells: pd.DataFrame, joint: pd.DataFrame, origins_a_period: int, seed: int = 1) -> pd.DataFrame:
    """Add scores up.

    Parameters
    ----------
    cells, joint : pandas.DataFrame
        Of :class:`~spmforecast.evaluate.backtest.judge.Judge`.
    origins_a_period : int
        How many neighbouring origins share a target.
    seed : int
        Of permutations and resamples.

    Returns
    -------
    pandas.DataFrame
        :data:`SUMMARY_COLUMNS`. ``ratio`` is the mean CRPS of this forecast over that of the method, on the cells that
        both speak of: below 1 this forecast is better. Its 90 % interval resamples whole periods, ``p_value`` flips the
        signs of whole periods, ``dm`` is for information. ``band_80`` is the exact binomial band of 95 % in which the
        share held by 80 % intervals would lie if they were true and the cells independent.
    """
    frames = [(ALL_WEEKS, cells)] + [(str(week), cells[cells["week"] == week]) for week in sorted(set(cells["week"]))]
    rows = []
    for week, frame in frames:
        for (level, ahead), group in frame.groupby(["level", "ahead"], sort=False):
            own = group[group["method"] == FORECAST]
            for method, mine in group.groupby("method", sort=False):
                head = {"level": level, "ahead": ahead, "week": week, "method": method}
                versus = _against(own, mine, origins_a_period, seed, whole=week == ALL_WEEKS)
                rows.append({**head, **_plain(mine), "energy": _energy(joint, head), **versus})
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _plain(mine: pd.DataFrame) -> dict[str, float]:
    out: dict[str, float] = {"cells": len(mine), "periods": mine["target"].nunique()}
    out |= {name: float(mine[name].mean()) for name in ("crps", "wis")}
    came = float(mine["truth"].sum())
    out["bias"] = float(mine["mean"].sum()) / came - 1 if came > 0 else float("nan")
    for level in INTERVALS:
        out[f"held_{100 * level:.0f}"] = float(mine[f"held_{100 * level:.0f}"].mean())
    out["band_80_low"], out["band_80_high"] = coverage(mine["held_80"].astype(float), 0.8).band()
    return out


def _energy(joint: pd.DataFrame, head: dict[str, object]) -> float:
    if joint.empty:
        return float("nan")
    mine = (joint["level"] == head["level"]) & (joint["ahead"] == head["ahead"]) & (joint["method"] == head["method"])
    if head["week"] != ALL_WEEKS:
        mine &= joint["week"] == int(str(head["week"]))
    return float(joint.loc[mine, "energy"].mean()) if mine.any() else float("nan")


def _against(own: pd.DataFrame, other: pd.DataFrame, origins_a_period: int, seed: int, whole: bool) -> dict[str, float]:
    """Compare this forecast with a method on the cells that both speak of, origin by origin."""
    keys = ["as_of", "target"]
    both = own.merge(other[[*keys, "node", "crps"]], on=[*keys, "node"], suffixes=("", "_other"))
    if both.empty:
        return {}
    mean = both.groupby(keys, sort=True)[["crps", "crps_other"]].mean().reset_index()
    ours, theirs = mean["crps"].to_numpy(dtype=float), mean["crps_other"].to_numpy(dtype=float)
    out = {"ratio": float(ours.mean() / theirs.mean()) if theirs.mean() > 0 else float("nan")}
    if not whole or other["method"].iloc[0] == FORECAST:
        return out
    out["ratio_low"], out["ratio_high"] = bootstrap_ratio(ours, theirs, mean["target"], seed=seed)
    out["p_value"] = sign_flip(ours - theirs, mean["target"], seed)
    out["dm"], out["dm_p_value"] = diebold_mariano(ours - theirs, origins_a_period)
    return out


def best_rival(summary: pd.DataFrame, level: str, ahead: int) -> pd.Series | None:
    """Return the row of the rival with the least CRPS over all weeks, among those that spoke as often as the forecast.

    Parameters
    ----------
    summary : pandas.DataFrame
        Of :func:`summarise`.
    level : str
        ``company``, ``region`` or ``rep``.
    ahead : int
        Periods ahead.

    Returns
    -------
    pandas.Series or None
        None where no rival spoke everywhere.
    """
    rows = summary[(summary["level"] == level) & (summary["ahead"] == ahead) & (summary["week"] == ALL_WEEKS)]
    own = rows.loc[rows["method"] == FORECAST, "cells"]
    rows = rows[~rows["method"].isin([FORECAST, MIX])]
    rows = rows[rows["cells"] == (own.iloc[0] if len(own) else np.nan)]
    return None if rows.empty else rows.iloc[int(rows["crps"].argmin())]
