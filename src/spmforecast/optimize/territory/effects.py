"""What each rep brings to whatever they hold, taken from a fit: odds to win, and deals for the potential held."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from spmforecast.evaluate.newmap import Effects
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.pooling import fit_gamma_pool

__all__ = ["rep_effects"]


def rep_effects(
    model: FittedPipeline | FittedBookings, accounts: pd.DataFrame, kind: Literal["none", "wins", "all"] = "wins"
) -> Effects:
    """Read rep effects off a fit.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        Without deals there is nothing to tell a rep's effect from that of the accounts, so every effect is 1.
    accounts : pandas.DataFrame
        ``owner_id, potential`` of today.
    kind : {"none", "wins", "all"}
        ``wins``: multipliers on the odds to win. ``all``: also deals created for the potential held, shrunk towards the
        company's mean. The latter blames a rep for potential that nobody could work, so it flatters maps that share
        accounts out evenly.

    Returns
    -------
    Effects
    """
    if kind == "none" or isinstance(model, FittedBookings):
        return Effects()
    owners = model.creation.owners
    wins = dict(zip(owners, model.rep_wins.mean.tolist(), strict=True))
    closed = model.deals[model.deals["status"] != "open"]
    chance = float((closed["status"] == "won").mean()) if len(closed) else 0.0
    return Effects(wins, _productivity(model, accounts) if kind == "all" else {}, chance)


def _productivity(model: FittedPipeline, accounts: pd.DataFrame) -> dict[str, float]:
    """Deals created, first months weighed down, over those expected of the potential held, for those who sell."""
    held = accounts.groupby(accounts["owner_id"].astype(str))["potential"].sum()
    place = {owner: index for index, owner in enumerate(model.creation.owners)}
    reps = [rep for rep in model.roster.owners if rep in place and float(held.get(rep, 0.0)) > 0]
    if not reps:
        return {}
    own = np.array([place[rep] for rep in reps])
    potential = held.reindex(reps).to_numpy(dtype=np.float64)
    seen = model.creation.reps.observed[own]
    hoped = model.creation.reps.expected[own] * potential / potential.mean()
    hoped = hoped * seen.sum() / hoped.sum() if seen.sum() > 0 and hoped.sum() > 0 else hoped
    return dict(zip(reps, fit_gamma_pool(seen, hoped).mean.tolist(), strict=True))
