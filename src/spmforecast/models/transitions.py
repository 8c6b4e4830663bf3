"""Fitting the stage process to visits: counts by age and day, old days counting less if asked, then the cyclic fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.agebins import age_bins
from spmforecast.models.cyclic import CyclicFit
from spmforecast.models.daytypes import DAY_TYPES, day_types
from spmforecast.models.decay import half_life_weights
from spmforecast.models.exposure import Statistics, collect
from spmforecast.models.holidays import NO_HOLIDAYS, Holidays
from spmforecast.models.parametric.hazards import FREE, LawHazards, StageAges
from spmforecast.models.process import Factor, StageProcess
from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import Stays
from spmforecast.models.spec import ModelSpec

__all__ = ["fit_transitions", "fit_with_statistics"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SWEEPS = 40
_LAW_SWEEPS, _LAW_BINS = 4, 24
_QUARTER_DAYS = 365.25 / 4


def fit_transitions(
    stays: Stays, profiles: Profiles, calendar: FiscalCalendar, spec: ModelSpec, holidays: Holidays = NO_HOLIDAYS
) -> StageProcess:
    """Fit the stage process by cyclic observed-over-expected updates (coordinate ascent of the Poisson likelihood).

    Parameters
    ----------
    stays : Stays
        Observed visits, censored and left-truncated.
    profiles : Profiles
        Profile of each deal.
    calendar : FiscalCalendar
        Decides the types of day.
    spec : ModelSpec
        Bins and pooling.
    holidays : Holidays, optional
        Weekdays like weekends.

    Returns
    -------
    StageProcess
    """
    return fit_with_statistics(stays, profiles, calendar, spec, holidays)[0]


def fit_with_statistics(
    stays: Stays, profiles: Profiles, calendar: FiscalCalendar, spec: ModelSpec, holidays: Holidays = NO_HOLIDAYS
) -> tuple[StageProcess, Statistics]:
    """Fit the stage process and hand on the counts it was fitted to."""
    bins = age_bins(stays, profiles, spec if spec.law == FREE else _finer(spec))
    count = collect(stays, profiles, bins)
    kind = day_types(count.days, calendar, holidays)
    weight = _weights(count.days, spec.half_life)
    of_kind = np.eye(len(DAY_TYPES))[kind]
    events = count.events_by(kind, len(DAY_TYPES), weight)
    exposure = count.exposure @ (of_kind if weight is None else of_kind * weight[:, None])
    fit = CyclicFit(events, exposure, profiles, bins)
    for _ in range(_SWEEPS):
        fit.sweep()
    laws = None
    if spec.law != FREE:
        laws = LawHazards(spec.law, tuple(StageAges(e, int(p)) for e, p in zip(bins.edges, bins.plateau, strict=True)))
        for _ in range(_LAW_SWEEPS):
            fit.follow(laws)
    entry_stage, entry_profile = _entries(stays, profiles)
    process = StageProcess(
        stages=stays.stages,
        profiles=profiles,
        bins=bins,
        base_events=fit.base_shape,
        base_exposure=fit.base_rate,
        stage_events=fit.stage_events,
        lean_days=fit.lean_days,
        factors=tuple(Factor(level, main, fine) for level, main, fine in fit.pools()),
        rhythm=fit.rhythm,
        entry_stage=entry_stage,
        entry_profile=entry_profile,
        observed=events.sum(axis=(3, 4)),
        exposure=count.exposure.sum(axis=(2, 3)),
        calendar=calendar,
        holidays=holidays,
        laws=laws,
    )
    return process, count


def _weights(days: Ints, half_life: float) -> Array | None:
    """Weigh the days of the record, the last one whole; None where all count alike."""
    if not np.isfinite(half_life):
        return None
    return half_life_weights((days[-1] - days) / _QUARTER_DAYS, half_life)


def _finer(spec: ModelSpec) -> ModelSpec:
    """Cut ages finely: a law needs no events to hold up each bin."""
    return replace(spec, max_age_bins=max(spec.max_age_bins, _LAW_BINS), events_per_bin=min(spec.events_per_bin, 10))


def _entries(stays: Stays, profiles: Profiles) -> tuple[Array, Array]:
    """Shares of first stages, and of profiles, within each segment; one pseudo-deal leans on the company's shares."""
    segments, stages = len(profiles.segments), len(stays.stages)
    first = np.append(True, stays.deal[1:] != stays.deal[:-1]) if len(stays.deal) else np.empty(0, dtype=bool)
    # Deals first watched midway through tell nothing about where deals begin.
    from_birth = first & (stays.start == 0)
    first = from_birth if from_birth.any() else first
    segment = profiles.segment_of_deal[stays.deal[first]]
    by_stage = np.zeros((segments, stages))
    np.add.at(by_stage, (segment, stays.stage[first]), 1.0)
    by_profile = np.zeros((segments, len(profiles.table)))
    np.add.at(by_profile, (profiles.segment_of_deal, profiles.of_deal), 1.0)
    stage_share = by_stage + (by_stage.sum(axis=0) + 1e-9) / (by_stage.sum() + 1e-9 * stages)
    own = profiles.table[None, :, 0] == np.arange(segments)[:, None]
    profile_share = np.where(own, np.maximum(by_profile, 1e-9), 0.0)
    return (
        stage_share / stage_share.sum(axis=1, keepdims=True),
        profile_share / np.maximum(profile_share.sum(axis=1, keepdims=True), 1e-300),
    )
