"""Views on the fitted process: conversion rates, cycle lengths and the table of all rates behind a forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models.kinds import FORWARD, LOST, WON
from spmforecast.models.passage import first_passage
from spmforecast.models.process import StageProcess
from spmforecast.models.teams import NAMES

if TYPE_CHECKING:
    from spmforecast.models.pipeline import FittedPipeline

__all__ = ["conversion_rates", "cycle_lengths", "even_rates", "rates", "stage_exits", "win_chance"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WORLDS = 200
_CYCLE_WORLDS = 25
_CYCLE_DAYS = 730
_HORIZON_DAYS = 730
_LOW, _HIGH = 0.05, 0.95
_RATE_COLUMNS = ["kind", "stage", "to", "segment", "estimate", "low", "high", "unit", "deals", "shrinkage", "note"]


def stage_exits(rate: Array, of_age: npt.NDArray[np.int64]) -> Array:
    """Chance that a visit to a stage ends in each destination within two years, in closed form.

    Parameters
    ----------
    rate : array of float, shape (n, stages, destinations, bins)
        Intensities per day.
    of_age : array of int, shape (stages, ages)
        Bin of each age; the last bin goes on until the horizon.

    Returns
    -------
    array of float, shape (n, stages, destinations)
        What is left to one over destinations is the chance to stay: deals that are never closed.
    """
    stages, bins = rate.shape[1], rate.shape[3]
    total = rate.sum(axis=2)
    length = np.stack([np.bincount(row, minlength=bins) for row in of_age]).astype(np.float64)
    length[np.arange(stages), of_age[:, -1]] += max(_HORIZON_DAYS - of_age.shape[1], 0)
    out = np.zeros(rate.shape[:3])
    for s in range(stages):
        hazard = total[:, s] * length[s]
        before = np.exp(-(np.cumsum(hazard, axis=1) - hazard))
        leave = -np.expm1(-hazard)
        out[:, s] = np.einsum("njb,nb->nj", rate[:, s] / np.maximum(total[:, s], 1e-300)[:, None], before * leave)
    return out


def win_chance(rate: Array, of_age: npt.NDArray[np.int64]) -> Array:
    """Chance to be won on entering each stage, shape (n, stages): absorption of the embedded chain.

    No visit lasts longer than two years in it; deals that linger beyond count as never closed.
    """
    exits = stage_exits(rate, of_age)
    stages = exits.shape[1]
    inner = np.eye(stages) - exits[:, :, :stages]
    return np.asarray(np.linalg.solve(inner, exits[:, :, stages, None])[..., 0])


def _by_segment(function: Callable[[Array, Ints], Array], rate: Array, segment: Ints, of_age: Ints) -> Array:
    """Apply a view to rows whose ages are cut differently; rows come back in their order."""
    parts = {int(k): function(rate[segment == k], of_age[k]) for k in np.unique(segment)}
    out = np.empty((len(rate), *next(iter(parts.values())).shape[1:]))
    for k, part in parts.items():
        out[segment == k] = part
    return out


def _even(model: FittedPipeline, rate: Array) -> Array:
    """Replace the rhythm of days by its mean over a year."""
    year = np.arange(model.stays.today + 1, model.stays.today + 366)
    mean = model.process.rhythm[:, model.process.types_of(year)].mean(axis=1)
    return np.asarray(rate * mean[:, None])


def _draws(model: FittedPipeline, worlds: int) -> Array:
    """Posterior draws of the intensities for intervals; the seed is fixed, so the same fit shows the same figures."""
    rng = np.random.Generator(np.random.Philox(key=20_240_229))
    return _even(model, model.process.intensity_draws(rng, worlds))


def even_rates(model: FittedPipeline, worlds: int = _WORLDS) -> tuple[Array, Array]:
    """Intensities without the rhythm of days, for views: as estimated, and drawn from their posterior.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    worlds : int
        Number of draws; the seed is fixed, so the same fit shows the same figures.

    Returns
    -------
    point : array of float, shape (profiles, stages, destinations, bins)
    draws : array of float, shape (worlds, profiles, stages, destinations, bins)
    """
    return _even(model, model.process.intensities()), _draws(model, worlds)


def _groups(model: FittedPipeline, by: str | None) -> tuple[list[str], Array]:
    """Name the groups and weigh the profiles within each, shape (groups, profiles)."""
    if by is None:
        size = np.bincount(model.profiles.of_deal, minlength=len(model.profiles.table)).astype(np.float64)
        return ["(all)"], (size / size.sum())[None]
    fitted = model.spec.segment_by if isinstance(model.spec.segment_by, str) else "segment"
    if by not in ("segment", fitted):
        raise InputError(
            Problem(
                "model",
                "rates are fitted by one attribute only",
                f"Use by='{fitted}', by=None, or fit with ModelSpec(segment_by={by!r}).",
                column="by",
                value=by,
            )
        )
    return list(model.profiles.segments), model.process.entry_profile


def conversion_rates(model: FittedPipeline, by: str | None = "segment") -> pd.DataFrame:
    """Chance that a deal that enters a stage is won in the end.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    by : str or None
        ``"segment"``, or None for the whole company.

    Returns
    -------
    pandas.DataFrame
        ``segment, stage, estimate, low, high, deals, won, shrinkage``: the estimate of the competing-risk process
        with open deals censored, its 90 % interval from the posterior of the intensities, and the weight of the pooled
        rate. `deals` are visits to the stage (a deal that comes back counts again); `won` are wins straight out of
        that stage, not all wins of deals that passed through it, so `won` / `deals` is not the estimate.

    Raises
    ------
    InputError
        If rates were not fitted by that attribute.
    """
    names, weight = _groups(model, by)
    of_age, segment = model.process.bins.of_age, model.profiles.table[:, 0]
    point = _by_segment(win_chance, _even(model, model.process.intensities()), segment, of_age)
    draws = _draws(model, _WORLDS)
    flat = draws.reshape(-1, *draws.shape[2:])
    chance = _by_segment(win_chance, flat, np.tile(segment, _WORLDS), of_age).reshape(_WORLDS, *point.shape)
    visits, won, shrinkage = _visits(model)
    rows = []
    for name, share in zip(names, weight, strict=True):
        for s, stage in enumerate(model.stays.stages):
            # The group stands for its profiles, each as often as its deals visit the stage.
            mix = np.where(share > 0, visits[:, s], 0.0)
            mix = mix / mix.sum() if mix.sum() > 0 else share
            low, high = np.quantile(np.einsum("g,wg->w", mix, chance[:, :, s]), [_LOW, _HIGH])
            rows.append(
                {
                    "segment": name,
                    "stage": stage,
                    "estimate": float(mix @ point[:, s]),
                    "low": float(low),
                    "high": float(high),
                    "deals": int(visits[share > 0, s].sum()),
                    "won": int(won[share > 0, s].sum()),
                    "shrinkage": float(mix @ shrinkage[:, s]),
                }
            )
    return pd.DataFrame(rows)


def _visits(model: FittedPipeline) -> tuple[Array, Array, Array]:
    """Count visits and wins by profile and stage, and weigh the pooled rate in each segment's."""
    stays, profiles = model.stays, model.profiles
    shape = (len(profiles.table), len(stays.stages))
    visits, won = np.zeros(shape), np.zeros(shape)
    place = (profiles.of_deal[stays.deal], stays.stage)
    np.add.at(visits, place, 1.0)
    np.add.at(won, place, (stays.to == stays.won).astype(np.float64))
    return visits, won, _shrinkage(model.process) if len(model.profiles.segments) > 1 else np.zeros(shape)


def _shrinkage(process: StageProcess) -> Array:
    """Weight of other segments and other stages in a segment's rates of each stage, shape (profiles, stages).

    What is its own in a stage has to get past both of its multipliers: that of a type of move, and the stage's own.
    """
    factor = process.factors[0]
    main = factor.main.shrinkage[factor.level][:, [FORWARD, WON, LOST]].mean(axis=1)
    exits = process.observed.sum(axis=0) + 1e-9
    of_stage = np.einsum("lsj,sj->ls", factor.fine.shrinkage, exits / exits.sum(axis=1, keepdims=True))
    return np.asarray(1.0 - (1.0 - main[:, None]) * (1.0 - of_stage[factor.level]))


def cycle_lengths(model: FittedPipeline, by: str | None = "segment") -> pd.DataFrame:
    """Days from creation to win, among the deals won.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    by : str or None
        ``"segment"``, or None for the whole company.

    Returns
    -------
    pandas.DataFrame
        ``segment, p25, median, p75, median_low, median_high, deals``: quantiles of the fitted process (censoring and
        truncation accounted for), the median's 90 % interval and the won deals behind it. The fit counts deals still
        open, of which the slow ones are many, and restarts the clock in each stage: its median differs from that of a
        CRM's won deals, which leaves out the slow ones that are still open.

    Raises
    ------
    InputError
        If the process was not fitted by that attribute.
    """
    names, weight = _groups(model, by)
    rows = []
    mean = _even(model, model.process.intensities())[None]
    won_by_age, *drawn = _won_by_age(model, np.concatenate([mean, _draws(model, _CYCLE_WORLDS)]))
    of_segment = np.eye(len(model.profiles.segments))[model.profiles.table[:, 0]]
    won = (model.deals["status"] == "won").to_numpy()
    for name, share in zip(names, weight, strict=True):
        mix = share @ of_segment
        p25, median, p75 = (_quantile(mix @ won_by_age, q) for q in (0.25, 0.5, 0.75))
        low, high = np.quantile([_quantile(mix @ one, 0.5) for one in drawn], [_LOW, _HIGH])
        deals = int(won[(share > 0)[model.profiles.of_deal]].sum())
        rows.append(
            {
                "segment": name,
                "p25": p25,
                "median": median,
                "p75": p75,
                "median_low": float(low),
                "median_high": float(high),
                "deals": deals,
            }
        )
    return pd.DataFrame(rows)


def _won_by_age(model: FittedPipeline, rate: Array) -> Array:
    """Daily chance of a new deal to be won, shape (worlds, segments, days), from (worlds, profiles, …) intensities.

    The amount bands of a segment are averaged: they differ in chance far more than in pace.
    """
    out = []
    for k, share in enumerate(model.process.entry_profile):
        mixed = np.einsum("g,wgsjb->wsjb", share, rate)
        start = np.tile(model.process.entry_stage[k], (len(rate), 1))
        out.append(first_passage(mixed, model.process.bins.of_age[k], start, _CYCLE_DAYS).won)
    return np.stack(out, axis=1)


def _quantile(density: Array, q: float) -> float:
    """Quantile in days of a daily density that need not sum to one."""
    reached = np.cumsum(density)
    return float(np.searchsorted(reached, q * reached[-1])) if reached[-1] > 0 else float("nan")


def rates(model: FittedPipeline) -> pd.DataFrame:
    """Collect every rate that the forecast uses in one table.

    Parameters
    ----------
    model : FittedPipeline
        The fit.

    Returns
    -------
    pandas.DataFrame
        ``kind, stage, to, segment, estimate, low, high, unit, deals, shrinkage, note``; intervals are 90 %.
    """
    frames = [_conversion_rows(model), _cycle_rows(model), _amount_rows(model), _other_rows(model)]
    return pd.concat([frame.reindex(columns=_RATE_COLUMNS) for frame in frames if len(frame)], ignore_index=True)


def _conversion_rows(model: FittedPipeline) -> pd.DataFrame:
    table = conversion_rates(model).drop(columns="won")
    return table.assign(kind="conversion", to="won", unit="share", note="of the visits to this stage, won in the end")


def _cycle_rows(model: FittedPipeline) -> pd.DataFrame:
    table = cycle_lengths(model)
    names = {"median": "estimate", "median_low": "low", "median_high": "high"}
    told = [f"quartiles {a:.0f} to {b:.0f} days" for a, b in zip(table["p25"], table["p75"], strict=True)]
    return table.rename(columns=names).assign(kind="cycle", stage="", to="won", unit="days (median)", note=told)


def _amount_rows(model: FittedPipeline) -> pd.DataFrame:
    law = model.amounts
    mean, sd = law.won.mean(), law.mean_sd
    return pd.DataFrame(
        {
            "kind": "amount",
            "stage": "",
            "to": "won",
            "segment": list(model.profiles.segments),
            "estimate": mean,
            "low": mean * np.exp(-1.645 * sd),
            "high": mean * np.exp(1.645 * sd),
            "unit": "mean amount of a won deal",
            "deals": law.deals,
            "shrinkage": law.shrinkage,
            "note": "",
        }
    )


def _other_rows(model: FittedPipeline) -> pd.DataFrame:
    creation, market, leaving = model.creation, model.market, model.attrition
    active = len(model.roster.owners)
    year = float(creation.base * 365.25)
    error = 1.645 / np.sqrt(max(creation.observed.sum(), 1.0))
    rows = [
        _row("creation", year, year * np.exp(-error), year * np.exp(error), "deals a year, ramped rep",
             int(creation.observed.sum()), f"{active} owners sell at the as-of date; {creation.hires} newcomers seen"),
        *(
            _row("market", shock.tau_mean(), shock.tau_quantile(_LOW), shock.tau_quantile(_HIGH),
                 "sd of the log", int(total), f"of {name}, monthly level; {shock.months} months")
            for name, shock, total in (
                ("creation", market.creation, creation.observed.sum()),
                ("the odds of going up", market.conversion, (model.deals["status"] == "won").sum()),
            )
        ),
    ]  # fmt: skip
    rows += _teams(model)
    if model.win_ramp.depth > 0:
        rows.append(_newcomers(model))
    rows += _recent_activity(model)
    if leaving.shape > 0:
        from scipy import stats

        low, high = (-np.expm1(-365.25 * stats.gamma.ppf([_LOW, _HIGH], leaving.shape) / leaving.rate)).tolist()
        note = f"successors after {leaving.backfill_days:.0f} days"
        note += f" ({leaving.backfills} seen)" if leaving.backfills else " (assumed)"
        rows.append(
            _row("capacity", leaving.annual, low, high, "share", leaving.leaves, f"of reps leave in a year; {note}")
        )
    return pd.DataFrame(rows)


def _teams(model: FittedPipeline) -> list[dict[str, object]]:
    """List the spread of shocks of single teams; nothing where there are no two."""
    if model.teams is None:
        return []
    shocks, created = model.teams, int(model.creation.observed.sum())
    won = int((model.deals["status"] == "won").sum())
    by = f"team ({NAMES[shocks.teams.by]}) beside the company, by quarter"
    return [
        _row("teams", spread.tau_mean(), spread.tau_quantile(_LOW), spread.tau_quantile(_HIGH),
             "sd of the log", deals, f"of {name}, {by}; {spread.cells} quarters of teams")
        for name, spread, deals in (
            ("creation", shocks.creation, created),
            ("the hazard of a win", shocks.winning, won),
        )
    ]  # fmt: skip


def _newcomers(model: FittedPipeline) -> dict[str, object]:
    """How often deals of the first month of tenure are won, over those of ramped reps."""
    ramp = model.win_ramp
    estimate, high, low = (1.0 - depth * (1.0 - ramp.ramp[0]) for depth in (ramp.depth, ramp.low, ramp.high))
    note = "deals created in the first month of tenure, over those of ramped reps; wins of the first year"
    return _row("capacity", estimate, low, high, "relative hazard of a win", ramp.wins, note)


def _recent_activity(model: FittedPipeline) -> list[dict[str, object]]:
    """Tell by what recent activity multiplies the next month's creations, and by what score; nothing without any."""
    funnel = model.funnel
    if funnel is None:
        return []
    ends = [float(funnel.factors(error)[0]) if funnel.used else 1.0 for error in (-1.645, 0.0, 1.645)]
    told = (ends[1], min(ends), max(ends), "times, next month")
    return [_row("creation", *told, int(model.creation.observed.sum()), funnel.told())]


def _row(kind: str, estimate: float, low: float, high: float, unit: str, deals: int, note: str) -> dict[str, object]:
    return {
        "kind": kind, "stage": "", "to": "", "segment": "", "estimate": estimate, "low": float(low),
        "high": float(high), "unit": unit, "deals": deals, "shrinkage": np.nan, "note": note,
    }  # fmt: skip
