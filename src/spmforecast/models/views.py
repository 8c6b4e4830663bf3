"""Views on the fitted process: conversion rates and cycle lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models.kinds import FORWARD, LOST, WON
from spmforecast.models.passage import first_passage
from spmforecast.models.process import StageProcess
from spmforecast.models.profiles import check_attribute
from spmforecast.models.spec import attributes

if TYPE_CHECKING:
    from spmforecast.models.pipeline import FittedPipeline

__all__ = ["HIGH", "LOW", "conversion_rates", "cycle_lengths", "even_rates", "stage_exits", "win_chance"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WORLDS = 200
_CYCLE_WORLDS = 25
_CYCLE_DAYS = 730
_HORIZON_DAYS = 730
LOW, HIGH = 0.05, 0.95


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


def _groups(model: FittedPipeline, by: str | Sequence[str] | None) -> tuple[list[str], Array]:
    """Name the groups and weigh the profiles within each, shape (groups, profiles)."""
    if by is None:
        size = np.bincount(model.profiles.of_deal, minlength=len(model.profiles.table)).astype(np.float64)
        return ["(all)"], (size / size.sum())[None]
    asked, fitted = (by,) if isinstance(by, str) else tuple(by), attributes(model.spec.segment_by)
    if asked not in (("segment",), fitted):
        raise InputError(_other_groups(model, asked, fitted))
    return list(model.profiles.segments), model.process.entry_profile


def _other_groups(model: FittedPipeline, asked: tuple[str, ...], fitted: tuple[str, ...]) -> list[Problem]:
    """Say why rates cannot be told apart by attributes: they are none, or the fit did not look at them."""
    wrong = [check_attribute(name, model.deals) for name in asked]
    if any(wrong):
        return [replace(one, table="model", column="by") for one in wrong if one is not None]
    own, other = (repr(names[0] if len(names) == 1 else names) for names in (fitted, asked))
    mend = f"Use by={own}, by=None, or fit with ModelSpec(segment_by={other})."
    return [
        Problem("model", f"rates were fitted by {' and '.join(fitted)} alone", mend, "", None, "by", ", ".join(asked))
    ]


def conversion_rates(model: FittedPipeline, by: str | Sequence[str] | None = "segment") -> pd.DataFrame:
    """Chance that a deal that enters a stage is won in the end.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    by : str, sequence of str or None
        What the rates were fitted by: ``"segment"`` unless the specification says otherwise. None: the whole company.

    Returns
    -------
    pandas.DataFrame
        ``segment, stage, estimate, low, high, deals, won, open, shrinkage``: the estimate of the competing-risk process
        with open deals censored, its 90 % interval from the posterior of the intensities, and the weight of the pooled
        rate. `deals` are visits to the stage (a deal that comes back counts again); of these, `won` are of deals won by
        now and `open` of deals still open. `won` / (`deals` - `open`) differs from the estimate, as it leaves out what
        open deals tell: the slow ones are still among them.

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
    visits, won, undecided, shrinkage = _visits(model)
    rows = []
    for name, share in zip(names, weight, strict=True):
        for s, stage in enumerate(model.stays.stages):
            # The group stands for its profiles, each as often as its deals visit the stage.
            mix = np.where(share > 0, visits[:, s], 0.0)
            mix = mix / mix.sum() if mix.sum() > 0 else share
            low, high = np.quantile(np.einsum("g,wg->w", mix, chance[:, :, s]), [LOW, HIGH])
            rows.append(
                {
                    "segment": name,
                    "stage": stage,
                    "estimate": float(mix @ point[:, s]),
                    "low": float(low),
                    "high": float(high),
                    "deals": int(visits[share > 0, s].sum()),
                    "won": int(won[share > 0, s].sum()),
                    "open": int(undecided[share > 0, s].sum()),
                    "shrinkage": float(mix @ shrinkage[:, s]),
                }
            )
    return pd.DataFrame(rows)


def _visits(model: FittedPipeline) -> tuple[Array, Array, Array, Array]:
    """Count visits by profile and stage: all, of deals won by now, of open ones; and weigh the pooled rate in each."""
    stays, profiles = model.stays, model.profiles
    shape = (len(profiles.table), len(stays.stages))
    place, status = (profiles.of_deal[stays.deal], stays.stage), model.deals["status"].to_numpy()[stays.deal]
    counts = np.zeros((3, *shape))
    for count, wanted in zip(counts, (True, status == "won", status == "open"), strict=True):
        np.add.at(count, place, np.asarray(wanted, dtype=np.float64))
    return *counts, _shrinkage(model.process) if len(model.profiles.segments) > 1 else np.zeros(shape)


def _shrinkage(process: StageProcess) -> Array:
    """Weight of other segments and other stages in a segment's rates of each stage, shape (profiles, stages).

    What is its own in a stage has to get past both of its multipliers: that of a type of move, and the stage's own.
    """
    factor = process.factors[0]
    main = factor.main.shrinkage[factor.level][:, [FORWARD, WON, LOST]].mean(axis=1)
    exits = process.observed.sum(axis=0) + 1e-9
    of_stage = np.einsum("lsj,sj->ls", factor.fine.shrinkage, exits / exits.sum(axis=1, keepdims=True))
    return np.asarray(1.0 - (1.0 - main[:, None]) * (1.0 - of_stage[factor.level]))


def cycle_lengths(model: FittedPipeline, by: str | Sequence[str] | None = "segment") -> pd.DataFrame:
    """Days from creation to win, among the deals won.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    by : str, sequence of str or None
        What the rates were fitted by: ``"segment"`` unless the specification says otherwise. None: the whole company.

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
        low, high = np.quantile([_quantile(mix @ one, 0.5) for one in drawn], [LOW, HIGH])
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
