"""The leaderboard: reps by what they booked, and by what they made of their territory, segments and time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.arrow import codes_of
from spmforecast.evaluate.leaderboard import Index, standing, territory_levels
from spmforecast.evaluate.repyear import RepYear, rep_year
from spmforecast.scenario.scorecards.basis import Basis
from spmforecast.simulate.streams import Streams

__all__ = ["leaderboard"]

Array = npt.NDArray[np.float64]

_DRAWS = 4000


def leaderboard(basis: Basis) -> pd.DataFrame:
    """Rank those who sell, raw and adjusted.

    Parameters
    ----------
    basis : Basis
        What all rests on.

    Returns
    -------
    pandas.DataFrame
        ``rep_id, name, territory_id, tenure_months, rank, bookings, wins, rank_adjusted, index, index_low, index_high,
        p_best_quarter, expected_bookings, opened, opened_expected, opened_index, won_index, territory_level,
        shrinkage_opened, shrinkage_won, days``, by adjusted rank. `expected_bookings` is what an average, ramped rep
        would have booked in the same seat, segments and time. The estimators stand in
        :mod:`spmforecast.evaluate.leaderboard`.
    """
    model = basis.model
    year = rep_year(model, basis.before)
    place = {owner: at for at, owner in enumerate(year.owners)}
    rows = np.array([place[rep] for rep in basis.reps], dtype=np.int64)
    level = _levels(basis, year)
    index = _standing(basis, year, level, rows)
    raw = np.zeros(len(year.owners), dtype=np.int64)
    raw[rows[np.argsort(-year.won[rows], kind="stable")]] = np.arange(1, len(rows) + 1)
    names = model.history.current_reps()["name"].astype(object)
    hired = model.history.current_reps()["hire_date"].reindex(list(basis.reps))
    table = pd.DataFrame(
        {
            "rep_id": list(basis.reps),
            "name": [str(names.get(rep, "") or "") for rep in basis.reps],
            "territory_id": model.roster.places["territory_id"].astype(str).to_numpy(),
            "tenure_months": tenure_months(basis, hired),
            "rank": raw[rows],
            "bookings": year.won[rows],
            "wins": year.wins[rows],
            "rank_adjusted": index.rank[rows],
            "index": index.index[rows],
            "index_low": index.low[rows],
            "index_high": index.high[rows],
            "p_best_quarter": index.p_best[rows],
            "expected_bookings": (year.won_expected / index.opened.mean)[rows],
            "opened": year.opened[rows],
            "opened_expected": (year.opened_expected * level)[rows],
            "opened_index": index.opened.mean[rows],
            "won_index": index.won.mean[rows],
            "territory_level": level[rows],
            "shrinkage_opened": index.opened.shrinkage[rows],
            "shrinkage_won": index.won.shrinkage[rows],
            "days": basis.days,
        }
    )
    return table.sort_values("rank_adjusted", kind="stable").reset_index(drop=True)


def _standing(basis: Basis, year: RepYear, level: Array, rows: npt.NDArray[np.int64]) -> Index:
    """Adjust what each owner opened and won, and rank those of some rows; draws are keyed by who they concern."""
    streams = Streams(basis.result.scenario.keys.simulate.seed)
    uniforms = np.stack(
        [
            np.stack([streams.uniforms("rep", owner, purpose, 0, _DRAWS) for owner in year.owners], axis=1)
            for purpose in ("opened index", "won index")
        ]
    )
    ranked = np.isin(np.arange(len(year.owners)), rows)
    opened, won = (year.opened, year.opened_expected * level), (year.won, year.won_expected)
    return standing(opened, won, year.unit, uniforms, ranked)


def _levels(basis: Basis, year: RepYear) -> Array:
    """How rich the territory of each owner is."""
    reps = basis.model.history.current_reps()
    own = reps["territory_id"].reindex(list(year.owners))
    usual = basis.model.deals.drop_duplicates("owner_id", keep="last").set_index("owner_id")["territory_id"]
    own = own.fillna(pd.Series(year.owners, index=year.owners).map(usual)).fillna("(none)")
    code, _ = codes_of(own.astype("str"))
    levels = territory_levels(year.opened, year.opened_expected, code.astype(np.int64))
    return np.asarray(levels[code])


def tenure_months(basis: Basis, hired: pd.Series) -> Array:
    """Months since hire, by average months; NaN where the day is not known."""
    days = (basis.model.as_of - hired).dt.days.to_numpy(dtype=np.float64)
    return np.asarray(np.floor(days / 30.4375))
