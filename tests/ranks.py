"""Simulation-based calibration: where the truth of a drawn company stands among the draws of its fit.

If parameters come from the prior and data from the parameters, the rank of the truth among exchangeable draws of the
posterior is uniform (Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv:1804.06788).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

import drawn
import spmforecast as spm
from spmforecast.data import read_history
from spmforecast.models import PipelineModel
from spmforecast.models.passage import first_passage
from spmforecast.models.views import win_chance

DRAWS = 63
BINS = 8  # of eight ranks each
CYCLE_DRAWS = 31
CYCLE_DAYS = 400
_YEAR = np.arange(drawn.TODAY + 1, drawn.TODAY + 366)


def ranks(n: int, seed: int, progress=None) -> pd.DataFrame:
    """Draw n companies, fit each and rank the truth of every reported quantity; a row each, ranks within [0, 1]."""
    companies = drawn.draw(n, seed)
    tables = drawn.live(companies, seed)
    rows = []
    for number, own in enumerate(tables):
        rng = np.random.default_rng([seed, 2, number])
        model = PipelineModel().fit(read_history(own), drawn.AS_OF)
        true, said = truth(companies, number), _said(model, rng)
        true |= _came(own)
        said |= _foreseen(model, seed + number)
        rows.append({name: _rank(true[name], said[name], rng) for name in said})
        if progress:
            progress(number + 1, n)
    return pd.DataFrame(rows)


def _rank(true: float, said: np.ndarray, rng: np.random.Generator) -> float:
    """Rank of the truth among the draws, as the middle of its share of [0, 1]; ties are broken at random."""
    below, same = int((said < true).sum()), int((said == true).sum())
    return (below + int(rng.integers(0, same + 1)) + 0.5) / (len(said) + 1)


def judged(table: pd.DataFrame, level: float = 0.01) -> pd.DataFrame:
    """Test each column for uniformity by chi-square, with Holm's correction over all columns.

    Returns
    -------
    pandas.DataFrame
        Indexed by quantity: ``mean_rank, inside_50, inside_80, inside_95`` (shares of truths inside central intervals),
        ``chi_square, p, holm, uniform``.
    """
    rows = {}
    for name, values in table.items():
        rank = values.to_numpy()
        seen = np.bincount((rank * BINS).astype(int), minlength=BINS)
        centred = np.abs(rank - 0.5)
        inside = {f"inside_{q}": float((centred < q / 200).mean()) for q in (50, 80, 95)}
        test = stats.chisquare(seen)
        rows[name] = {"mean_rank": float(rank.mean()), **inside, "chi_square": test.statistic}
        rows[name]["p"] = test.pvalue
    out = pd.DataFrame(rows).T
    order = np.argsort(out["p"].to_numpy(), kind="stable")
    factor = len(out) - np.arange(len(out))
    holm = np.empty(len(out))
    holm[order] = np.minimum(np.maximum.accumulate(out["p"].to_numpy()[order] * factor), 1.0)
    return out.assign(holm=holm, uniform=holm >= level)


def truth(companies: drawn.Companies, number: int) -> dict[str, float]:
    """Reported quantities of one company as its parameters have them."""
    rate, made = companies.rate[number], companies.made[number]
    rhythm = companies.rhythm[number][:, drawn.day_types(_YEAR, drawn.CALENDAR, drawn.HOLIDAYS)].mean(axis=1)
    weight = made / made.sum()
    mean, now = companies.mean[number, :, 23], companies.level[number, :, 23]
    reps = np.repeat(rate[None], drawn.REPS, axis=0) * rhythm[:, None]
    reps[:, :, :, rate.shape[1]] *= companies.wins[number][:, None, None, None]
    start = companies.entry_stage
    out = {}
    for k, called in enumerate(companies.called[number]):
        name = drawn.prior().segments[called]
        of_age = np.tile(drawn.prior().of_age[k], (rate.shape[1], 1))
        chance = [_won(drawn.at_level(reps[:, k], at, 2), of_age, start) for at in (mean[1], now[1])]
        out[f"win rate, {name}"], out[f"win rate now, {name}"] = (float(weight @ one) for one in chance)
        density = _won_by_day(drawn.at_level(reps[:, k], mean[1], 2), of_age, start)
        out[f"median cycle, {name}"] = float(_median(weight @ density))
        out[f"mean amount, {name}"] = float(
            np.exp(companies.amount[number, k] + companies.amount_sd[number, k] ** 2 / 2)
        )
    out["creation, long run"], out["creation now"] = (float(made.sum() * np.exp(at[0])) for at in (mean, now))
    out["market sd, creation"], out["market sd, odds"] = companies.tau[number].tolist()
    return out


def _said(model, rng: np.random.Generator) -> dict[str, np.ndarray]:
    process, profiles = model.process, model.profiles
    assert profiles.bands == 2, "without early amounts there is one profile a segment"
    rhythm = process.rhythm[:, process.types_of(_YEAR)].mean(axis=1)
    rate = process.intensity_draws(rng, DRAWS, beside_market=True) * rhythm[:, None]
    creation, odds = (_levels(shock, rng) for shock in (model.market.creation, model.market.conversion))
    out = {}
    for k, name in enumerate(profiles.segments):
        of_age, start = process.bins.of_age[k], process.entry_stage[k]
        for label, at in (("win rate", odds["mean"]), ("win rate now", odds["now"])):
            moved = drawn.at_level(rate[:, k], at[:, None, None, None], 2)
            out[f"{label}, {name}"] = _won(moved, of_age, start)
            if label == "win rate":
                few = moved[:CYCLE_DRAWS]
                out[f"median cycle, {name}"] = _median(_won_by_day(few, of_age, start))
        spread = model.amounts.mean_sd[k] * rng.standard_normal(DRAWS)
        out[f"mean amount, {name}"] = model.amounts.won.mean()[k] * np.exp(spread)
    reps = model.creation.reps.quantile(rng.random((DRAWS, len(model.creation.owners)))).sum(axis=1)
    out["creation, long run"] = model.creation.base * reps * np.exp(creation["mean"])
    out["creation now"] = model.creation.base * reps * np.exp(creation["now"])
    out["market sd, creation"], out["market sd, odds"] = creation["tau"], odds["tau"]
    return out


def _levels(shock, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw long-run mean, present level and standard deviation as the forecast draws them."""
    point = np.minimum(np.searchsorted(np.cumsum(shock.weight), rng.random(DRAWS)), len(shock.weight) - 1)
    apart = shock.mean_sd[point] * rng.standard_normal(DRAWS)
    mean, tau = shock.mean[point] + apart, shock.tau[point]
    level = shock.level[point] + shock.slope[point] * apart + shock.level_sd[point] * rng.standard_normal(DRAWS)
    return {"mean": mean, "tau": tau, "now": mean + level - 0.5 * tau**2}


def _won(rate: np.ndarray, of_age: np.ndarray, start: np.ndarray) -> np.ndarray:
    return win_chance(rate, of_age) @ start


def _won_by_day(rate: np.ndarray, of_age: np.ndarray, start: np.ndarray) -> np.ndarray:
    return first_passage(rate, of_age, np.tile(start, (len(rate), 1)), CYCLE_DAYS).won


def _median(density: np.ndarray) -> np.ndarray:
    """Median in days, to the fraction of a day."""
    reached = np.cumsum(density, axis=-1)
    half = reached[..., -1:] / 2
    day = (reached < half).sum(axis=-1)
    before = np.take_along_axis(np.concatenate([np.zeros_like(half), reached], axis=-1), day[..., None], axis=-1)
    own = np.take_along_axis(density, day[..., None], axis=-1)
    return day + ((half - before) / np.maximum(own, 1e-300))[..., 0]


def _came(tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    deals = tables["opportunities"]
    won = deals[(deals["status"] == "won") & (deals["close_date"] > pd.Timestamp(drawn.AS_OF))]
    return {"bookings, next quarter": float(won["amount"].sum()), "wins, next quarter": float(len(won))}


def _foreseen(model, seed: int) -> dict[str, np.ndarray]:
    forecast = spm.simulate(model, drawn.UNTIL, trials=DRAWS, seed=seed)
    ahead = (forecast.cells["period"] == "2024Q1").to_numpy()
    return {
        "bookings, next quarter": forecast.draws[:, ahead].sum(axis=1),
        "wins, next quarter": np.asarray(forecast.counts)[:, ahead].sum(axis=1),
    }
