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

_ROWS_AT_ONCE = 200_000
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
    exit_cell, exit_day : array of int32, shape (n,)
        Of every exit its place in a table of (profiles, stages, destinations, bins), and its day from the first one.
    first_day : int
        The day that stands first.
    """

    exposure: Array
    exit_cell: npt.NDArray[np.int32]
    exit_day: npt.NDArray[np.int32]
    first_day: int

    @property
    def days(self) -> Ints:
        """Day numbers along the last axis."""
        return self.first_day + np.arange(self.exposure.shape[-1])

    @property
    def events(self) -> Array:
        """Exits by day, shape (profiles, stages, destinations, bins, days): large, for small records only."""
        return self.events_by(np.arange(self.exposure.shape[-1]), self.exposure.shape[-1])

    def events_by(self, group: Ints, groups: int) -> Array:
        """Count the exits, days put together in groups.

        Parameters
        ----------
        group : array of int, shape (days,)
            Group of each day.
        groups : int
            Number of groups.

        Returns
        -------
        array of float, shape (profiles, stages, destinations, bins, groups)
        """
        profiles, stages, bins, _ = self.exposure.shape
        return _counts(self.exit_cell, group[self.exit_day], (profiles, stages, stages + 2, bins, groups))

    def events_of_day(self) -> Array:
        """Count the exits of each day, shape (stages, destinations, days)."""
        profiles, stages, bins, days = self.exposure.shape
        moves = np.arange(stages * (stages + 2), dtype=np.int32)
        move = np.tile(moves.repeat(bins), profiles)[self.exit_cell]
        return _counts(move, self.exit_day, (stages, stages + 2, days))


def _counts(cell: npt.NDArray[np.integer], group: npt.NDArray[np.integer], shape: tuple[int, ...]) -> Array:
    """Count how often each cell of a table is named, the last axis apart from the others."""
    out = np.zeros(int(np.prod(shape)), dtype=np.int64)
    at_once = max(_ROWS_AT_ONCE, len(out))
    for begin in range(0, len(cell), at_once):
        rows = slice(begin, begin + at_once)
        out += np.bincount(cell[rows].astype(np.int64) * shape[-1] + group[rows], minlength=len(out))
    return out.reshape(shape).astype(np.float64)


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
    segment, segments = profiles.segment_of_deal[stays.deal], len(profiles.segments)
    stages = range(len(stays.stages))
    lengths = [_Lengths.of(stays, segment, segments, s) for s in stages]
    scale = np.stack([one.usual() for one in lengths], axis=1)
    cuts = [_edges(*one.relative(scale[:, s]), spec) for s, one in enumerate(lengths)]
    edges = [[_whole_days(cut[0] * scale[k, s]) for s, cut in enumerate(cuts)] for k in range(segments)]
    cap = max(int(stage_edges[-1]) for segment_edges in edges for stage_edges in segment_edges)
    ages = np.arange(cap + 1)
    of_age = np.array([[np.searchsorted(one, ages, side="right") for one in row] for row in edges], dtype=np.int64)
    usual = [float(one.together().usual()[0]) for one in lengths]
    return AgeBins(
        of_age,
        int(of_age.max()) + 1,
        np.array([cut[1] for cut in cuts], dtype=np.int64),
        tuple(np.asarray(cut[0] * usual[s]) for s, cut in enumerate(cuts)),
    )


@dataclass(frozen=True)
class _Lengths:
    """How many stays of each segment in one stage have each length.

    Parameters
    ----------
    exits, stays : array of int32, shape (segments, days)
        Stays of 0, 1, … days that ended, and all of them.
    """

    exits: npt.NDArray[np.int32]
    stays: npt.NDArray[np.int32]

    @classmethod
    def of(cls, stays: Stays, segment: Ints, segments: int, stage: int) -> _Lengths:
        """Count those of a stage; `segment` is that of each stay."""
        rows = np.flatnonzero(stays.stage == stage)
        shape = (segments, int(stays.duration[rows].max(initial=0)) + 1)
        cell, ended = segment[rows] * shape[1] + stays.duration[rows], ~stays.censored[rows]
        counts = [np.bincount(c, minlength=shape[0] * shape[1]).astype(np.int32) for c in (cell[ended], cell)]
        return cls(counts[0].reshape(shape), counts[1].reshape(shape))

    def together(self) -> _Lengths:
        """Put all segments into one."""
        return _Lengths(*(one.sum(axis=0, keepdims=True, dtype=np.int32) for one in (self.exits, self.stays)))

    def usual(self) -> Array:
        """Geometric mean of the days to exit, leaning on the stage's; one without exits; shape (segments,)."""
        moved = self.exits[:, 1:].astype(np.float64)
        if not moved.any():
            return np.ones(len(moved))
        count, total = moved.sum(axis=1), (moved * np.log(np.arange(1, self.exits.shape[1]))).sum(axis=1)
        lean = _SCALE_PRIOR_EXITS * float(total.sum() / count.sum())
        return np.asarray(np.exp((total + lean) / (count + _SCALE_PRIOR_EXITS)))

    def relative(self, usual: Array) -> tuple[Array, Ints, Ints]:
        """Lengths of a day and more over what is usual, rising, and how many exits and stays have each."""
        segment, days = np.nonzero(self.stays[:, 1:])
        value = (days + 1) / usual[segment]
        order = np.argsort(value, kind="stable")
        segment, days = segment[order], days[order] + 1
        exits, stays = (one[segment, days].astype(np.int64) for one in (self.exits, self.stays))
        return value[order], exits, stays


def _whole_days(edges: Array) -> Array:
    """Round up to whole days, at least one; the last bits of a product must not decide."""
    return np.asarray(np.maximum(np.ceil(np.round(edges, 6)), 1.0))


def _edges(relative: Array, exits: Ints, stays: Ints, spec: ModelSpec) -> tuple[Array, int]:
    """Return the first relative age of each bin after that of age zero, and the bin in which the plateau begins.

    Past the age by which nearly all exits have happened, deals that are merely never closed gather. They get bins of
    their own, as far as they were watched, so that they neither lend their silence to deals that still move nor
    borrow the others' chances.
    """
    seen = exits > 0
    moved, often = relative[seen], exits[seen]
    if len(moved) == 0:
        return np.zeros(1), 1
    plateau = float(_quantiles(moved, often, np.array([spec.plateau]))[0])
    inner_bins = int(np.clip(often.sum() // spec.events_per_bin, 1, spec.max_age_bins - 2))
    inner = _quantiles(moved, often, np.linspace(0, spec.plateau, inner_bins + 1)[1:-1])
    past = [float((np.maximum(relative - plateau * factor, 0.0) * stays).sum()) for factor in _STALE]
    stale = [plateau * factor for factor, usual in zip(_STALE, past, strict=True) if usual >= _STALE_STAYS]
    edges = np.unique(np.concatenate([[0.0], inner, [plateau], stale]))
    return edges, int(np.searchsorted(edges, plateau)) + 1


def _quantiles(value: Array, count: Ints, q: Array) -> Array:
    """Quantiles of values that stand several times each, as NumPy's of them all; values rising."""
    until = np.cumsum(count)
    place = q * (until[-1] - 1)
    low = np.floor(place)
    share = place - low
    one = value[np.searchsorted(until, low, side="right")]
    other = value[np.searchsorted(until, np.minimum(low + 1, until[-1] - 1), side="right")]
    # Which end to start from decides the last bit; NumPy takes the nearer one.
    near = other - (other - one) * (1 - share)
    return np.asarray(np.where(share >= 0.5, near, one + (other - one) * share))


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
    stages = len(stays.stages)
    first_day = int((stays.entry + stays.start).min(initial=stays.today))
    days = stays.today - first_day + 1
    segment = profiles.table[:, 0]
    exposure = np.zeros((len(segment), stages, bins.bins, days))
    group = profiles.of_deal.astype(np.int32)[stays.deal] * stages + stays.stage.astype(np.int32)
    small = group.astype(np.int16) if len(segment) * stages < np.iinfo(np.int16).max else group
    order = np.argsort(small, kind="stable")  # of short integers by counting them
    ends = np.cumsum(np.bincount(group, minlength=len(segment) * stages))
    for cell, (begin, end) in enumerate(zip(np.append(0, ends), ends, strict=False)):
        if begin < end:
            g, s = divmod(cell, stages)
            rows, of_age = order[begin:end], bins.of_age[segment[g], s]
            visits = _Visits(stays.entry[rows], stays.start[rows], stays.duration[rows])
            exposure[g, s] = visits.exposure(of_age, bins.bins, first_day, days)
    return Statistics(exposure, *_exits(stays, group, segment, bins, first_day), first_day)


def _exits(
    stays: Stays, group: npt.NDArray[np.int32], segment: Ints, bins: AgeBins, first_day: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Find the cell (profile, stage, destination, bin) and the day of each exit; `group` is profile and stage."""
    # The age bins of each profile and stage in a row of their own.
    of_age = bins.of_age[segment].astype(np.int32).reshape(-1)
    cells, days = [], []
    for begin in range(0, len(group), _ROWS_AT_ONCE):
        rows = begin + np.flatnonzero(stays.to[begin : begin + _ROWS_AT_ONCE] != CENSORED)
        own, duration = group[rows], stays.duration[rows]
        bin_of = of_age[own * (bins.cap + 1) + np.minimum(duration, bins.cap)]
        cells.append((own * (len(stays.stages) + 2) + stays.to[rows].astype(np.int32)) * bins.bins + bin_of)
        days.append((stays.entry[rows] + duration - first_day).astype(np.int32))
    none = np.empty(0, dtype=np.int32)
    return np.concatenate([none, *cells]), np.concatenate([none, *days])


@dataclass(frozen=True)
class _Visits:
    """Stays of one profile in one stage: entry day, first age watched, last age; each of shape (n,)."""

    entry: Ints
    start: Ints
    duration: Ints

    def exposure(self, of_age: Ints, bins: int, first_day: int, days: int) -> Array:
        """Count the days at risk by (bin, day)."""
        cap, first = len(of_age) - 1, int(self.entry.min())
        at_risk = self._at_risk(cap, first)
        # Those who entered on one day are all of one age: along the days, an age is that age's row moved on.
        out = np.zeros((bins, max(first_day - first, 0) + days + cap), dtype=np.int64)
        moved = max(first - first_day, 0)
        for age in np.flatnonzero(at_risk.any(axis=1)):
            out[of_age[age], moved + age : moved + age + at_risk.shape[1]] += at_risk[age]
        seen = out[:, max(first_day - first, 0) :][:, :days].astype(np.float64)
        old = self.duration >= cap
        begin = self.entry[old] + np.maximum(self.start[old], cap) - first_day
        end = self.entry[old] + self.duration[old] + 1 - first_day
        tail = np.bincount(begin, minlength=days + 1) - np.bincount(end, minlength=days + 1)
        seen[of_age[cap]] += np.cumsum(tail)[:days]
        return seen

    def _at_risk(self, cap: int, first: int) -> Ints:
        """Count the deals at risk by age below the cap and day of entry, shape (oldest age + 1, days of entry)."""
        births = int(self.entry.max()) - first + 1
        column, high = self.entry - first, np.minimum(self.duration + 1, cap)
        ages = int(high.max()) + 1
        steps = -np.bincount(high * births + column, minlength=ages * births).reshape(ages, births)
        if self.start.any():
            low = np.minimum(self.start, cap)
            steps += np.bincount(low * births + column, minlength=ages * births).reshape(ages, births)
        else:
            steps[0] += np.bincount(column, minlength=births)
        return np.asarray(np.cumsum(steps, axis=0, out=steps)[:cap])
