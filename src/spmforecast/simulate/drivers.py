"""What a trial's answer hangs on beside luck: the market's paths and the parameters that were drawn, trial by trial."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.shocks import draw_shocks
from spmforecast.simulate.trials import Trials

__all__ = ["DRIVERS", "drivers"]

Array = npt.NDArray[np.float64]

DRIVERS = {
    "market_win": "the market: odds of winning",
    "market_creation": "the market: deals created",
    "rates": "fitted rates of moving and winning",
    "amounts": "fitted amounts",
    "leaving": "fitted rate of leaving",
}


def drivers(inputs: SimulationInputs, trials: int) -> pd.DataFrame:
    """Draw what is uncertain and common to many deals, as a simulation of the same inputs does.

    Parameters
    ----------
    inputs : SimulationInputs
        Prepared.
    trials : int
        How many; a multiple of four.

    Returns
    -------
    pandas.DataFrame
        A row for each trial, a column for each of :data:`DRIVERS` that varies: the market's level and log creation,
        averaged over the horizon; deals expected to be won at the drawn rates; mean log amount; hazard of leaving.
    """
    drawn = Trials(inputs.seed, 0, trials, inputs.worlds)
    out: dict[str, Array] = {}
    shocks = draw_shocks(inputs, drawn)
    if shocks is not None:
        out["market_win"] = shocks.level[0].mean(axis=0).astype(np.float64)
        out["market_creation"] = np.log(shocks.creation).mean(axis=0)
    out["rates"] = _wins(inputs)[drawn.world]
    out["amounts"] = inputs.location.mean(axis=1)[drawn.world]
    if inputs.leave_table is not None:
        out["leaving"] = inputs.leave_table.at(drawn.normal("model", "capacity", "leaving"))
    return pd.DataFrame({name: values for name, values in out.items() if np.ptp(values) > 0})


def _wins(inputs: SimulationInputs) -> Array:
    """Wins expected of open deals and deals to come at each world's rates, shape (worlds,)."""
    deals, new = inputs.open_deals, inputs.new_deals
    out = np.zeros(inputs.worlds)
    if len(deals.ids):
        chance = winning_chances(deals.win, deals.lose, np.ones(inputs.periods)).sum(axis=-1)
        out += chance[:, deals.state].sum(axis=1)
    made = np.concatenate([new.created[:, -1], new.vacant])
    for cohort in range(new.win.shape[2]):
        here = np.s_[:, :, cohort, cohort:]
        chance = winning_chances(new.win[here], new.lose[here], np.ones(inputs.periods - cohort)).sum(axis=-1)
        weight = made[new.cells.seller, cohort] * new.cells.share
        by_segment = np.bincount(new.cells.segment, weights=weight, minlength=new.win.shape[1])
        out += chance @ by_segment
    return out
