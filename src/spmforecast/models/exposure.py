"""Sufficient statistics of the stage process: days at risk and exits, counted without a row for each deal and day.

A deal that enters on day ``e`` walks one diagonal of the (age, day) plane. Counting entries and exits on a
(entry day, age) grid and summing along the ages gives every exposure at once, so the work grows with the number
of stays, never with stays times days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.agebins import AgeBins
from spmforecast.models.profiles import Profiles
from spmforecast.models.risksets import CENSORED, Stays

__all__ = ["Statistics", "collect"]

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

_ROWS_AT_ONCE = 200_000


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

    def events_by(self, group: Ints, groups: int, weight: Array | None = None) -> Array:
        """Count the exits, days put together in groups.

        Parameters
        ----------
        group : array of int, shape (days,)
            Group of each day.
        groups : int
            Number of groups.
        weight : array of float, shape (days,), optional
            What an exit of each day counts for; one by default.

        Returns
        -------
        array of float, shape (profiles, stages, destinations, bins, groups)
        """
        profiles, stages, bins, _ = self.exposure.shape
        counted = None if weight is None else weight[self.exit_day]
        return _counts(self.exit_cell, group[self.exit_day], (profiles, stages, stages + 2, bins, groups), counted)

    def events_of_day(self) -> Array:
        """Count the exits of each day, shape (stages, destinations, days)."""
        profiles, stages, bins, days = self.exposure.shape
        moves = np.arange(stages * (stages + 2), dtype=np.int32)
        move = np.tile(moves.repeat(bins), profiles)[self.exit_cell]
        return _counts(move, self.exit_day, (stages, stages + 2, days))


def _counts(
    cell: npt.NDArray[np.integer],
    group: npt.NDArray[np.integer],
    shape: tuple[int, ...],
    weight: Array | None = None,
) -> Array:
    """Count how often each cell of a table is named, the last axis apart from the others."""
    out = np.zeros(int(np.prod(shape)), dtype=np.int64 if weight is None else np.float64)
    at_once = max(_ROWS_AT_ONCE, len(out))
    for begin in range(0, len(cell), at_once):
        rows = slice(begin, begin + at_once)
        named = cell[rows].astype(np.int64) * shape[-1] + group[rows]
        out += np.bincount(named, None if weight is None else weight[rows], minlength=len(out))
    return out.reshape(shape).astype(np.float64)


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
