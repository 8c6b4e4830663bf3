"""Bins of the age in a stage: cut where a stage's exits fall, at the pace of each segment.

Quantiles and means are taken of counts by whole days, so that a million stays cost as much as a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import Stays
from spmforecast.models.spec import ModelSpec

__all__ = ["AgeBins", "age_bins"]

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

_STALE = (1.5, 2.5)  # multiples of the plateau's age at which further bins begin
_MOST_LATE = 3  # cuts between the plateau and the last exits
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
    late = _quantiles(moved, often, _late(int(often.sum()), spec))
    last = float(late[-1]) if len(late) else plateau
    past = [float((np.maximum(relative - last * factor, 0.0) * stays).sum()) for factor in _STALE]
    stale = [last * factor for factor, usual in zip(_STALE, past, strict=True) if usual >= _STALE_STAYS]
    edges = np.unique(np.concatenate([[0.0], inner, [plateau], late, stale]))
    return edges, int(np.searchsorted(edges, plateau)) + 1


def _late(exits: int, spec: ModelSpec) -> Array:
    """Share of the exits before each cut past the plateau: the rest is halved while a half is as many as a bin needs.

    Where thousands of deals were seen to the end, silence begins at an age of its own: the last of them must not lend
    their pace to those that are merely never closed.
    """
    left = 1.0 - spec.plateau
    out: list[float] = []
    while left * exits / 2 >= spec.events_per_bin and len(out) < _MOST_LATE:
        left /= 2
        out.append(1.0 - left)
    return np.array(out)


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
