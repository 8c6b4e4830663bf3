"""The manager's view: each team as a whole, and the company."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spmforecast.scenario.scorecards.basis import OTHERS, Basis
from spmforecast.scenario.scorecards.cards import rep_draws_of

__all__ = ["team_table"]

_COMPANY = "(company)"
_SUMS = ("open_deals", "open_amount", "over_limit", "booked_period", "booked_year", "deals_created_4w")
_CENT = 0.005


def team_table(basis: Basis, cards: pd.DataFrame, actions: pd.DataFrame, weekly: pd.DataFrame) -> pd.DataFrame:
    """Add the cards up by manager.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    cards, actions, weekly : pandas.DataFrame
        Scorecards, deals to act on, and the week against its targets.

    Returns
    -------
    pandas.DataFrame
        ``manager_id, name, reps, ramping``, the cards' sums, ``forecast_mean, p10, p50, p90`` of the team's bookings in
        the period ahead (quantiles of the summed draws, which are not sums of quantiles), ``quota, reps_with_quota,
        p_quota`` (chance that those with a quota reach the sum of theirs), ``reps_below_half`` (whose chance to reach
        the quota is below one half), ``actions`` and ``targets_met`` (share of the week's targets). The last row is
        the company; bookings of owners who no longer sell are counted there alone.
    """
    own = cards[cards["rep_id"] != OTHERS].reset_index(drop=True)
    draws = rep_draws_of(basis, basis.ahead)
    names = basis.model.history.current_reps()["name"].astype(object)
    rows = []
    for manager in sorted(own["manager_id"].unique()):
        inside = (own["manager_id"] == manager).to_numpy()
        row = _row(own[inside], draws[:, inside], actions, weekly)
        rows.append({"manager_id": manager, "name": str(names.get(manager, "") or ""), **row})
    whole = _row(own, draws, actions, weekly)
    for name in ("booked_period", "booked_year"):
        whole[name] = float(np.round(cards[name].sum(), 2))
    everybody = np.round(basis.result.forecast.period_draws(basis.ahead), 2)
    whole["actions"] = len(actions)  # those of owners who no longer sell, too
    whole |= _law(everybody)
    return pd.DataFrame([*rows, {"manager_id": _COMPANY, "name": "", **whole}])


def _law(draws: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, float]:
    p10, p50, p90 = np.quantile(draws, [0.1, 0.5, 0.9])
    return {"forecast_mean": float(draws.mean()), "p10": float(p10), "p50": float(p50), "p90": float(p90)}


def _row(
    own: pd.DataFrame, draws: np.ndarray[tuple[int, int], np.dtype[np.float64]], actions: pd.DataFrame,
    weekly: pd.DataFrame,
) -> dict[str, float]:  # fmt: skip
    quota = own["quota"].to_numpy(dtype=np.float64)
    known = np.isfinite(quota)
    total = float(np.round(quota[known].sum(), 2))
    judged = weekly[weekly["rep_id"].isin(own["rep_id"]).to_numpy() & (weekly["met"] != "").to_numpy()]
    reached = float((draws[:, known].sum(axis=1) >= total - _CENT).mean()) if known.any() else np.nan
    return {
        "reps": len(own),
        "ramping": int((own["ramp"] < 1.0).sum()),
        **{name: float(np.round(own[name].sum(), 2)) for name in _SUMS},
        **_law(draws.sum(axis=1)),
        "quota": total if known.any() else np.nan,
        "reps_with_quota": int(known.sum()),
        "p_quota": reached,
        "reps_below_half": float((own["p_quota"] < 0.5).sum()) if own["p_quota"].notna().any() else np.nan,
        "actions": int(actions["rep_id"].isin(own["rep_id"]).sum()),
        "targets_met": float((judged["met"] == "yes").mean()) if len(judged) else np.nan,
    }
