"""Deals to act on, and what went well in the last full week."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from spmforecast.scenario.scorecards.basis import Basis
from spmforecast.scenario.scorecards.weekly import Week

__all__ = ["action_table", "well_table"]

_DECISIVE = 0.5  # the deals that together make up this share of the open deals' spread
_COLUMNS = ["rep_id", "opportunity_id", "reason", "detail", "stage", "age_days", "close_date", "amount", "p_win",
            "expected_amount", "spread_share"]  # fmt: skip


def action_table(basis: Basis, breaches: pd.DataFrame) -> pd.DataFrame:
    """List the open deals that ask for something, with every reason in words.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    breaches : pandas.DataFrame
        Deals beyond their stage's healthy time.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, opportunity_id, reason, detail, stage, age_days, close_date, amount, p_win, expected_amount,
        spread_share``; a row for each deal, its reasons (``stale``, ``close date past``, ``due``, ``decisive``) joined
        by ``; ``. By rep, then by expected amount.
    """
    deals = basis.result.forecast.deals
    assert deals is not None
    place = {name: at for at, name in enumerate(basis.ids)}
    stale = breaches.set_index("opportunity_id")
    decisive = _decisive(deals)
    rows = []
    for deal in deals.to_dict("records"):
        name = str(deal["opportunity_id"])
        due = int(basis.closed[place[name]])
        reasons = _reasons(basis, name, due, stale, decisive)
        if reasons:
            told: dict[Hashable, object] = {
                "rep_id": deal["owner_id"],
                "reason": "; ".join(reason for reason, _ in reasons),
                "detail": "; ".join(detail for _, detail in reasons),
                "close_date": str(np.datetime64(due, "D")) if due > 0 else "",
            }
            rows.append({**deal, **told})
    table = pd.DataFrame(rows, columns=_COLUMNS)
    order = ["rep_id", "expected_amount", "opportunity_id"]
    return table.sort_values(order, ascending=[True, False, True], kind="stable").reset_index(drop=True)


def _reasons(
    basis: Basis, name: str, due: int, stale: pd.DataFrame, decisive: dict[str, float]
) -> list[tuple[str, str]]:
    out = []
    if name in stale.index:
        row = stale.loc[name]
        out.append(("stale", f"{row['age_days']:.0f} days in {row['stage']}, healthy up to {row['longest_days']:.0f}"))
    if 0 < due <= basis.today:
        out.append(("close date past", f"was expected to close on {np.datetime64(due, 'D')}"))
    elif basis.today < due <= basis.today + basis.keys.due_days:
        out.append(("due", f"expected to close in {due - basis.today} {'day' if due - basis.today == 1 else 'days'}"))
    if name in decisive:
        out.append(("decisive", f"{100 * decisive[name]:.0f} % of the spread of all open deals"))
    return out


def _decisive(deals: pd.DataFrame) -> dict[str, float]:
    """Return the fewest deals that together make half of the open deals' spread, with the share of each."""
    spread = deals.set_index(deals["opportunity_id"].astype(str))["spread_share"].astype("float64")
    total = float(spread.sum())
    if total <= 0:
        return {}
    share = (spread / total).sort_values(ascending=False, kind="stable")
    before = share.cumsum() - share
    return {str(name): float(value) for name, value in share[before < _DECISIVE].items()}


def well_table(basis: Basis, weekly: pd.DataFrame, week: Week) -> pd.DataFrame:
    """List what went well in the week: deals won, deals that moved on, and targets that were passed.

    Parameters
    ----------
    basis : Basis
        What all rests on.
    weekly : pandas.DataFrame
        The week against its targets.
    week : Week
        Which.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, week, what, opportunity_id, amount, detail``; `what` is ``won``, ``moved on`` or ``above target``.
    """
    columns = ["rep_id", "week", "what", "opportunity_id", "amount", "detail"]
    rows = [*_won(basis, week), *_moved(basis, week)]
    passed = weekly[(weekly["met"] == "yes").to_numpy() & (weekly["done"] > 0).to_numpy()]
    for row in passed.to_dict("records"):
        detail = f"{row['measure']}: {row['done']:,.0f}, target {row['target']:.1f}"
        rows.append({"rep_id": row["rep_id"], "what": "above target", "detail": detail})
    table = pd.DataFrame(rows, columns=columns).assign(week=week.label)
    table = table[table["rep_id"].isin(basis.reps).to_numpy()]
    rank = table["what"].map({"won": 0, "moved on": 1, "above target": 2})
    order = table.assign(_rank=rank).sort_values(["rep_id", "_rank", "opportunity_id", "detail"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _won(basis: Basis, week: Week) -> list[dict[str, object]]:
    credits = basis.credits[basis.credits["day"].between(week.first, week.last).to_numpy()]
    return [
        {
            "rep_id": row["owner_id"],
            "what": "won",
            "opportunity_id": basis.ids[row["row"]],
            "amount": row["amount"],
            "detail": "" if row["share"] == 1 else f"{100 * row['share']:.0f} % of the deal",
        }
        for row in credits.to_dict("records")
    ]


def _moved(basis: Basis, week: Week) -> list[dict[str, object]]:
    stays = basis.model.stays
    day = stays.entry + stays.duration
    up = (stays.to > stays.stage) & (stays.to < len(stays.stages)) & (day >= week.first) & (day <= week.last)
    amount = basis.model.deals["amount"].to_numpy(dtype=np.float64, na_value=np.nan)
    return [
        {
            "rep_id": basis.owner[stays.deal[row]],
            "what": "moved on",
            "opportunity_id": basis.ids[stays.deal[row]],
            "amount": amount[stays.deal[row]],
            "detail": f"{stays.stages[stays.stage[row]]} → {stays.stages[stays.to[row]]}",
        }
        for row in np.flatnonzero(up)
    ]
