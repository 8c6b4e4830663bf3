"""The stage-weighted pipeline: each open deal times the share of earlier ones won after being in its stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import Period
from spmforecast.data import History
from spmforecast.evaluate.rivals.lines import LEVELS, Node
from spmforecast.models.risksets import Stays, build_stays

__all__ = ["Pipeline", "weigh"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pipeline:
    """Weighted open deals by node.

    Parameters
    ----------
    due : array of float, shape (nodes, targets)
        Of the deals whose expected close lies in each target; an overdue deal is due in the first.
    whole : array of float, shape (nodes,)
        Of all open deals.
    ids : array of str, shape (open deals,)
        The deals.
    chance : array of float, shape (open deals,)
        Share of closed deals that were won after being in the deal's stage.
    dated : bool
        Whether any open deal has an expected close.
    """

    due: Array
    whole: Array
    ids: npt.NDArray[np.object_]
    chance: Array
    dated: bool


def weigh(known: History, nodes: list[Node], targets: tuple[Period, ...]) -> Pipeline:
    """Weigh the open deals of a record.

    Parameters
    ----------
    known : History
        Cut at the origin.
    nodes : list of (level, name)
        Where they are counted.
    targets : tuple of Period
        When they may be due.

    Returns
    -------
    Pipeline
    """
    stays = build_stays(known)
    rows = np.flatnonzero(stays.open_now)
    deals = stays.deals.iloc[stays.deal[rows]]
    chance = stage_rates(stays)[stays.stage[rows]]
    won = stays.deals.loc[(stays.deals["status"] == "won").to_numpy(), "amount"]
    usual = float(won.mean()) if won.notna().any() else 0.0
    value = chance * deals["amount"].astype(np.float64).fillna(usual).to_numpy()
    expected = deals["close_date"]
    overdue = expected.notna() & (expected <= targets[0].end)
    when = [overdue] + [(expected >= one.start) & (expected <= one.end) for one in targets[1:]]
    weights = np.stack([value * mine.to_numpy(dtype=bool) for mine in when] + [value], axis=1)
    sums = _by_node(deals, weights, nodes)
    return Pipeline(
        due=sums[:, :-1],
        whole=sums[:, -1],
        ids=deals["opportunity_id"].astype(object).to_numpy(),
        chance=chance,
        dated=bool(expected.notna().any()),
    )


def stage_rates(stays: Stays) -> Array:
    """Share of closed deals that were won after being in each stage, shape (stages,); the overall share where none."""
    status = stays.deals["status"].to_numpy()[stays.deal]
    visits = pd.DataFrame({"deal": stays.deal, "stage": stays.stage, "won": status == "won"})[status != "open"]
    visits = visits.drop_duplicates(["deal", "stage"])
    size = np.bincount(visits["stage"], minlength=len(stays.stages)).astype(np.float64)
    won = np.bincount(visits["stage"], weights=visits["won"], minlength=len(stays.stages))
    overall = float(visits["won"].mean()) if len(visits) else 0.0
    return np.asarray(np.divide(won, size, out=np.full(len(size), overall), where=size > 0))


def _by_node(deals: pd.DataFrame, weights: Array, nodes: list[Node]) -> Array:
    """Add weights up by node, shape (nodes, columns)."""
    out = np.zeros((len(nodes), weights.shape[1]))
    columns = {"region": "region", "rep": "owner_id"}
    for level in LEVELS:
        rows = [row for row, node in enumerate(nodes) if node[0] == level]
        if level == "company":
            out[rows] = weights.sum(axis=0)
            continue
        place = {nodes[row][1]: row for row in rows}
        at = np.array([place.get(name, -1) for name in deals[columns[level]].astype(object).tolist()], dtype=np.int64)
        np.add.at(out, at[at >= 0], weights[at >= 0])
    return out
