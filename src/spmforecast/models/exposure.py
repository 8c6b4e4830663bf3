"""Sufficient statistics of the stage process: days at risk and exits, counted without a row for each deal and day.

A deal that enters on day ``e`` walks one diagonal of the (age, day) plane. Counting entries and exits on a
(entry day, age) grid and summing along the ages gives every exposure at once, so the work grows with the number
of stays, never with stays times days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import CENSORED, Stays
from spmforecast.models.spec import ModelSpec

__all__ = ["AgeBins", "Statistics", "age_bins", "collect"]

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

_STALE = (1.5, 2.5)  # multiples of the plateau's age at which further bins begin
_SCALE_PRIOR_EXITS = 10.0
_STALE_STAYS = 25.0  # deals times usual stays that must have been watched there


@dataclass(frozen=True)
class AgeBins:
    """Piecewise-constant ages: for each stage the bin of every age up to the cap, beyond which nothing changes.

    Parameters
    ----------
    of_age : array of int, shape (segments, stages, cap + 1)
        Bin of each age in days; the last age stands for all older ones. Segments move at a pace of their own, so the
        same bin means the same age relative to the segment's usual stay, not the same number of days.
    bins : int
        Number of bins.
    plateau : array of int, shape (stages,)
        Bin in which each stage's plateau begins; later bins hold the stale deals.
    edges : tuple of array of float
        For each stage the age in days, at the pace of the company as a whole, at which bins 0, 1, … end.
    """

    of_age: Ints
    bins: int
    plateau: Ints
    edges: tuple[Array, ...] = ()

    @property
    def cap(self) -> int:
        """Oldest age told apart, in days."""
        return int(self.of_age.shape[2]) - 1


@dataclass(frozen=True)
class Statistics:
    """Exposure and events of every profile and stage.

    Parameters
    ----------
    exposure : array of float, shape (profiles, stages, bins, days)
        Deal-days at risk on each day of the record.
    events : array of float, shape (profiles, stages, destinations, bins, days)
        Exits.
    first_day : int
        The day that stands first.
    """

    exposure: Array
    events: Array
    first_day: int

    @property
    def days(self) -> Ints:
        """Day numbers along the last axis."""
        return self.first_day + np.arange(self.exposure.shape[-1])


def age_bins(stays: Stays, profiles: Profiles, spec: ModelSpec) -> AgeBins:
    """Cut the ages of each stage where its exits fall, with age zero and the plateau as bins of their own.

    Parameters
    ----------
    stays : Stays
        Observed visits.
    profiles : Profiles
        Segment of each deal.
    spec : ModelSpec
        Largest number of bins, exits wanted in each, plateau.

    Returns
    -------
    AgeBins
    """
    segment = profiles.segment_of_deal[stays.deal]
    scale = _usual_stays(stays, segment, len(profiles.segments))
    relative = stays.duration / scale[segment, stays.stage]
    cuts = [
        _edges(relative[stays.stage == s], stays.censored[stays.stage == s], spec) for s in range(len(stays.stages))
    ]
    edges = [[_whole_days(cut[0] * scale[k, s]) for s, cut in enumerate(cuts)] for k in range(len(scale))]
    cap = max(int(stage_edges[-1]) for segment_edges in edges for stage_edges in segment_edges)
    ages = np.arange(cap + 1)
    of_age = np.array([[np.searchsorted(one, ages, side="right") for one in row] for row in edges], dtype=np.int64)
    usual = _usual_stays(stays, np.zeros_like(segment), 1)[0]
    return AgeBins(
        of_age,
        int(of_age.max()) + 1,
        np.array([cut[1] for cut in cuts], dtype=np.int64),
        tuple(np.asarray(cut[0] * usual[s]) for s, cut in enumerate(cuts)),
    )


def _usual_stays(stays: Stays, segment: Ints, segments: int) -> Array:
    """Typical stay of each segment in each stage: geometric mean of the days to exit, leaning on the stage's.

    Parameters
    ----------
    stays : Stays
        Observed visits.
    segment : array of int, shape (rows,)
        Segment of each visit's deal.
    segments : int
        Number of segments.

    Returns
    -------
    array of float, shape (segments, stages)
        Days; one where no exit was seen.
    """
    moved = ~stays.censored & (stays.duration > 0)
    out = np.ones((segments, len(stays.stages)))
    for s in range(len(stays.stages)):
        here = moved & (stays.stage == s)
        if not here.any():
            continue
        log_days = np.log(stays.duration[here])
        count = np.bincount(segment[here], minlength=segments)
        total = np.bincount(segment[here], weights=log_days, minlength=segments)
        lean = _SCALE_PRIOR_EXITS * float(log_days.mean())
        out[:, s] = np.exp((total + lean) / (count + _SCALE_PRIOR_EXITS))
    return out


def _whole_days(edges: Array) -> Array:
    """Round up to whole days, at least one; the last bits of a product must not decide."""
    return np.asarray(np.maximum(np.ceil(np.round(edges, 6)), 1.0))


def _edges(relative: Array, still_open: npt.NDArray[np.bool_], spec: ModelSpec) -> tuple[Array, int]:
    """Return the first relative age of each bin after that of age zero, and the bin in which the plateau begins.

    Past the age by which nearly all exits have happened, deals that are merely never closed gather. They get bins of
    their own, as far as they were watched, so that they neither lend their silence to deals that still move nor
    borrow the others' chances.
    """
    moved = relative[(relative > 0) & ~still_open]
    if len(moved) == 0:
        return np.zeros(1), 1
    plateau = float(np.quantile(moved, spec.plateau))
    inner_bins = int(np.clip(len(moved) // spec.events_per_bin, 1, spec.max_age_bins - 2))
    inner = np.quantile(moved, np.linspace(0, spec.plateau, inner_bins + 1)[1:-1])
    stale = [plateau * factor for factor in _STALE if _stays_past(relative, plateau * factor) >= _STALE_STAYS]
    edges = np.unique(np.concatenate([[0.0], inner, [plateau], stale]))
    return edges, int(np.searchsorted(edges, plateau)) + 1


def _stays_past(relative: Array, age: float) -> float:
    """Usual stays watched past a relative age."""
    return float(np.maximum(relative - age, 0.0).sum())


def collect(stays: Stays, profiles: Profiles, bins: AgeBins) -> Statistics:
    """Count exposure and events by profile, stage, age bin and day.

    Parameters
    ----------
    stays : Stays
        Observed visits.
    profiles : Profiles
        Profile of each deal.
    bins : AgeBins
        Age bins.

    Returns
    -------
    Statistics
    """
    stages, destinations = len(stays.stages), len(stays.stages) + 2
    first_day = int((stays.entry + stays.start).min(initial=stays.today))
    days = stays.today - first_day + 1
    of_row = profiles.of_deal[stays.deal]
    segment = profiles.table[:, 0]
    exposure = np.zeros((len(segment), stages, bins.bins, days))
    for g in range(len(segment)):
        for s in range(stages):
            rows = (of_row == g) & (stays.stage == s)
            if rows.any():
                exposure[g, s] = _exposure(stays, rows, bins.of_age[segment[g], s], bins.bins, first_day, days)
    done = ~stays.censored
    age = np.minimum(stays.duration, bins.cap)
    exit_day = stays.entry + stays.duration - first_day
    shape = (len(segment), stages, destinations, bins.bins, days)
    place = (of_row, stays.stage, stays.to, bins.of_age[segment[of_row], stays.stage, age], exit_day)
    cell = np.ravel_multi_index(tuple(axis[done] for axis in place), shape) if done.any() else np.empty(0, np.int64)
    assert not (stays.to[done] == CENSORED).any()
    events = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
    return Statistics(exposure, events, first_day)


def _exposure(stays: Stays, rows: npt.NDArray[np.bool_], of_age: Ints, bins: int, first_day: int, days: int) -> Array:
    """Count the days at risk of one profile and stage by (bin, day)."""
    entry, start, duration = stays.entry[rows], stays.start[rows], stays.duration[rows]
    cap = len(of_age) - 1
    birth0 = int(entry.min())
    births = int(entry.max()) - birth0 + 1
    low, high = np.minimum(start, cap), np.minimum(duration + 1, cap)
    row = (entry - birth0) * (cap + 1)
    steps = np.bincount(row + low, minlength=births * (cap + 1)) - np.bincount(row + high, minlength=births * (cap + 1))
    at_risk = np.cumsum(steps.reshape(births, cap + 1), axis=1)[:, :cap]
    birth, age = np.nonzero(at_risk)
    day = birth + age + (birth0 - first_day)
    out = np.bincount(of_age[age] * days + day, weights=at_risk[birth, age], minlength=bins * days).reshape(bins, days)
    old = duration >= cap
    begin = entry[old] + np.maximum(start[old], cap) - first_day
    end = entry[old] + duration[old] + 1 - first_day
    tail = np.bincount(begin, minlength=days + 1) - np.bincount(end, minlength=days + 1)
    out[of_age[cap]] += np.cumsum(tail)[:days]
    return np.asarray(out, dtype=np.float64)
