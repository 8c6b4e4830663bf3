"""What a new map leaves in the run folder: tables, pictures, a record of rules and bound, and lines for the screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from spmforecast.display import money, percent
from spmforecast.plan import territory_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spmforecast.scenario.territories import MapPlan

__all__ = ["map_lines", "map_record", "territory_tables", "write_pictures"]

_ACCOUNT_COLUMNS = ["account_id", "owner_id", "proposed_owner_id", "potential", "workload", "latitude", "longitude"]
_TOLD = {
    "p_plan": "P(plan)",
    "reps_at_quota": "reps at quota",
    "p_plan_carried": "plan carried",
    "p_attain_range": "spread of P(attain)",
}
_MOVES = ("account_id", "from", "to", "reason")


def territory_tables(plan: MapPlan | None) -> dict[str, pd.DataFrame]:
    """Return the tables of a new map by file name without ``.csv``; none where today's map is kept."""
    if plan is None:
        return {}
    moves = plan.proposal.moves
    out = {
        "moves": moves[[*_MOVES, *(name for name in moves.columns if name not in _MOVES)]],
        "territories": _with_bookings(plan),
        "territory_accounts": plan.proposal.accounts[_ACCOUNT_COLUMNS],
        "territory_summary": plan.proposal.summary,
        "territory_evaluation": plan.comparison,
    }
    if plan.quota_changes is not None:
        out["territory_quotas"] = plan.quota_changes
    if plan.frontier is not None:
        out["territory_frontier"] = plan.frontier
    return out


def _with_bookings(plan: MapPlan) -> pd.DataFrame:
    """Put what each rep would book under the new map, over the whole horizon, beside loads."""
    totals = plan.forecast.totals(["owner_id"])
    mean = dict(zip(totals.groups["owner_id"].astype(str), totals.draws.mean(axis=0).tolist(), strict=True))
    table = plan.proposal.table
    return table.assign(bookings_mean=[mean.get(str(rep), 0.0) for rep in table["rep_id"]])


def map_record(plan: MapPlan | None) -> dict[str, Any]:
    """Return what ``run.json`` says of a new map: rules, bound and gap."""
    if plan is None:
        return {}
    found = plan.proposal.assignment
    return {
        "territories": {
            "rules": list(plan.rules),
            "objective": found.objective,
            "bound": _known(found.bound),
            "gap": _known(found.gap),
            "status": found.status,
            "moves": found.moves,
            "moved_share": _known(found.moved_share),
            "measures": dict(plan.proposal.tolerance),
        }
    }


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def write_pictures(folder: Path, plan: MapPlan | None) -> None:
    """Write the pictures of a new map, each as PNG and SVG."""
    if plan is None:
        return
    drawn: dict[str, Callable[[], Figure]] = {
        "territory_map": plan.proposal.plot_maps,
        "territory_balance": plan.proposal.plot_balance,
    }
    points = plan.frontier
    if points is not None:
        drawn["territory_frontier"] = lambda: territory_pictures.frontier(points)
    for name, draw in drawn.items():
        territory_pictures.save(draw(), folder / name)


def map_lines(plan: MapPlan, currency: str = "") -> list[str]:
    """Say in lines what a new map comes to."""
    found = plan.proposal.assignment
    gap = "unknown" if math.isnan(found.gap) else f"{100 * found.gap:.2f} %"
    lines = [
        f"{found.moves:,} of {len(plan.proposal.accounts):,} accounts move, {percent(found.moved_share)} of potential; "
        f"{found.status}, gap to the bound {gap}",
        *(f"  {rule}" for rule in plan.rules),
    ]
    for row in plan.comparison.to_dict("records"):
        write = (lambda value: money(value, currency)) if row["metric"] == "bookings" else _share
        named = _TOLD.get(row["metric"], row["metric"])
        lines.append(
            f"{row['period']} {named}: today {write(row['today'])}, proposed {write(row['proposed'])}, "
            f"difference {write(row['difference'])}" + _interval(row, write)
        )
    return lines


def _interval(row: dict[Any, Any], write: Callable[[float], str]) -> str:
    if math.isnan(row["low"]):
        return ""
    return f" (95 % {write(row['low'])} to {write(row['high'])})"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
