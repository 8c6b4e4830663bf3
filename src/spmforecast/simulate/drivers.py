"""What a trial's answer hangs on beside luck: the market's paths and the parameters that were drawn, trial by trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.outcomes import winning_chances
from spmforecast.simulate.quantiles import GammaTable
from spmforecast.simulate.shocks import draw_shocks
from spmforecast.simulate.teams import draw_team_luck
from spmforecast.simulate.trials import Trials

__all__ = ["NAMES", "Drivers", "drivers"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_TOGETHER = 8192  # trials whose shocks of teams are drawn together

NAMES = {
    "market_win": "the market: odds of winning",
    "market_creation": "the market: deals created",
    "rates": "fitted rates of moving and winning",
    "amounts": "fitted amounts",
    "creating": "fitted multipliers of reps on creating",
    "winning": "fitted multipliers of reps on winning",
    "leaving": "fitted rate of leaving",
}


@dataclass(frozen=True)
class Drivers:
    """What is uncertain and common to many deals, as it was drawn.

    Parameters
    ----------
    world : array of int, shape (trials,)
        Draw of the fitted rates and amounts in which each trial lives.
    table : pandas.DataFrame
        A row for each trial, a column for each of :data:`NAMES` that varies: the market's level and log creation
        averaged over the horizon; wins expected at the drawn rates; mean log amount; the reps' multipliers, weighted by
        what each is expected to create and win; hazard of leaving.
    market : array of float, shape (trials, 2 * periods)
        The market's level by period, and its log creation; no column without a market.
    of_region : dict of str to array of float32, shape (trials, 2 * periods)
        For each region the log shocks of the teams that sell there, on winning and on creating, by period; empty
        without teams.
    """

    world: Ints
    table: pd.DataFrame
    market: Array
    of_region: dict[str, Floats]


def drivers(inputs: SimulationInputs, trials: int) -> Drivers:
    """Draw them again, as a simulation of the same inputs does.

    Parameters
    ----------
    inputs : SimulationInputs
        Prepared.
    trials : int
        How many.

    Returns
    -------
    Drivers
    """
    drawn = Trials(inputs.seed, 0, trials, inputs.worlds)
    out: dict[str, Array] = {}
    shocks, market = draw_shocks(inputs, drawn), np.zeros((trials, 0))
    if shocks is not None:
        level, creation = shocks.level[0].T.astype(np.float64), np.log(shocks.creation).T
        market = np.concatenate([level, creation], axis=1)
        out["market_win"], out["market_creation"] = level.mean(axis=1), creation.mean(axis=1)
    by_owner = _wins(inputs)
    out["rates"] = by_owner.sum(axis=1)[drawn.world]
    out["amounts"] = inputs.location.mean(axis=1)[drawn.world]
    sellers = inputs.new_deals.cells.sellers
    made = inputs.new_deals.created[:, -1].sum(axis=1)
    out["creating"] = _weighted(inputs.creation_tables, sellers, made, "creating", drawn)
    out["winning"] = _weighted(inputs.win_tables, inputs.owners, by_owner.mean(axis=0), "winning", drawn)
    if inputs.leave_table is not None:
        out["leaving"] = inputs.leave_table.at(drawn.normal("model", "capacity", "leaving"))
    table = pd.DataFrame({name: out[name] for name in NAMES if name in out and np.ptp(out[name]) > 0})
    return Drivers(drawn.world, table, market, _of_regions(inputs, by_owner.mean(axis=0), drawn))


def _of_regions(inputs: SimulationInputs, wins: Array, drawn: Trials) -> dict[str, Floats]:
    """Average the teams' log shocks over those who sell in each region, by the wins expected of them."""
    plan, frame = inputs.teams, inputs.plan.frame
    if plan is None or "region" not in frame:
        return {}
    pairs = frame.loc[frame["part"] != "won", ["owner_id", "region"]].astype(str).drop_duplicates()
    owner = pd.Index(inputs.owners).get_indexer(pd.Index(pairs["owner_id"]))
    team = np.where(owner >= 0, plan.of_owner[owner], -1)
    pairs = pairs.assign(team=team, weight=wins[owner])[(team >= 0) & (wins[owner] > 0)]
    weight = pairs.groupby(["region", "team"], sort=True)["weight"].sum().reset_index()
    weight["weight"] /= weight.groupby("region")["weight"].transform("sum")
    out = {region: np.zeros((drawn.count, 2 * inputs.periods), np.float32) for region in weight["region"]}
    # Shocks of all teams in all trials at once would take more memory than all that is kept of them.
    for start in range(drawn.start, drawn.stop, _TOGETHER):
        few = Trials(drawn.seed, start, min(start + _TOGETHER, drawn.stop), drawn.worlds)
        luck = draw_team_luck(plan, few)
        assert luck is not None
        here = slice(few.start - drawn.start, few.stop - drawn.start)
        for region, one, share in weight.itertuples(index=False, name=None):
            logs = np.log(np.concatenate([luck.of("winning", one), luck.of("creating", one)])).T
            out[region][here] += logs * np.float32(share)
    return out


def _weighted(
    tables: tuple[GammaTable | None, ...], names: tuple[str, ...], weight: Array, purpose: str, drawn: Trials
) -> Array:
    """Average the reps' multipliers by weight, shape (trials,)."""
    out = np.zeros(drawn.count)
    for table, name, share in zip(tables, names, weight / max(float(weight.sum()), 1e-300), strict=True):
        if share > 0:
            out += share * (1.0 if table is None else drawn.gamma(table, name, purpose))
    return out


def _wins(inputs: SimulationInputs) -> Array:
    """Wins expected at each world's rates of the open deals and deals to come of each owner, shape (worlds, owners)."""
    deals, new = inputs.open_deals, inputs.new_deals
    number = {owner: index for index, owner in enumerate(inputs.owners)}
    out = np.zeros((inputs.worlds, len(inputs.owners)))
    if len(deals.ids):
        chance = winning_chances(deals.win, deals.lose, np.ones(inputs.periods)).sum(axis=-1)
        np.add.at(out.T, deals.owner, chance[:, deals.state].T)
    made = np.concatenate([new.created[:, -1], new.vacant])
    heirs = len(new.cells.sellers)
    owner = np.array([number[name] for name in new.cells.sellers] + [-1] * len(new.vacant), dtype=np.int64)
    for cohort in range(new.win.shape[2]):
        here = np.s_[:, :, cohort, cohort:]
        chance = winning_chances(new.win[here], new.lose[here], np.ones(inputs.periods - cohort)).sum(axis=-1)
        wins = chance[:, new.cells.segment] * (made[new.cells.seller, cohort] * new.cells.share)
        known = new.cells.seller < heirs
        np.add.at(out.T, owner[new.cells.seller[known]], wins[:, known].T)
    return out
