"""Common shocks of a block of trials: the market's paths, and each owner's multiplier on winning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import bent
from spmforecast.simulate.trials import Trials

__all__ = ["Shocks", "draw_shocks", "draw_win_effects"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shocks:
    """The market in a block.

    Parameters
    ----------
    creation : array of float, shape (cohorts, trials)
        Multipliers of creation.
    level : array of float32, shape (cohorts, periods, trials)
        The market's level as a deal of a cohort has met it by a period; the first cohort stands for open deals.
    bent : array of float32, shape (cohorts, periods, trials)
        Its square, by which chances saturate.
    """

    creation: Array
    level: Floats
    bent: Floats


def draw_shocks(inputs: SimulationInputs, trials: Trials) -> Shocks | None:
    """Draw the market's paths; conversion shares part of creation's innovations.

    Parameters
    ----------
    inputs : SimulationInputs
        Everything needed.
    trials : Trials
        Which trials.

    Returns
    -------
    Shocks or None
        None without a market.
    """
    market, shares = inputs.market, inputs.month_shares
    if market is None:
        return None
    months = range(shares.shape[1])
    own = np.stack([trials.normal("market", "creation", "innovation", m) for m in months], axis=1)
    other = np.stack([trials.normal("market", "conversion", "innovation", m) for m in months], axis=1)
    rho = market.correlation
    joint = rho * own + np.sqrt(1 - rho**2) * other
    creation, conversion = (
        posterior.paths(
            trials.uniform("market", name, "law"),
            trials.normal("market", name, "mean"),
            trials.normal("market", name, "level"),
            innovation,
            np.stack([trials.normal("market", name, "drift", m) for m in months], axis=1),
        )
        for name, posterior, innovation in (
            ("creation", market.creation, own),
            ("conversion", market.conversion, joint),
        )
    )
    level = np.einsum("tm,cpm->cpt", conversion, inputs.lived).astype(np.float32)
    return Shocks(creation=np.einsum("tm,pm->pt", np.exp(creation), shares), level=level, bent=bent(level))


def draw_win_effects(inputs: SimulationInputs, trials: Trials) -> dict[int, Floats | None]:
    """Draw each owner's multiplier on winning, by owner; only owners with something to win.

    Returns
    -------
    dict of int to array of float32, shape (trials,), or None
        None where the multiplier is certain to be one.
    """
    sellers = {owner: index for index, owner in enumerate(inputs.owners)}
    wanted = {*inputs.open_deals.owner.tolist(), *(sellers[name] for name in inputs.new_deals.cells.sellers)}
    out: dict[int, Floats | None] = {}
    for index in sorted(wanted):
        table = inputs.win_tables[index]
        if table is None:
            out[index] = None
        else:
            out[index] = trials.gamma(table, inputs.owners[index], "winning").astype(np.float32)
    return out
