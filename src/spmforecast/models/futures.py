"""Residual futures: when a deal is won, given its stage, its age there and today's date.

The chance to be won by period is worked out exactly, from the end of the horizon back to today. Several moves may
happen on one day: a deal that arrives in a stage can leave it again the same day.

Ages are not stepped through one by one. Within a run of ages the intensities are the same, so that all that tells two
ages of a run apart is when they leave it. Be U what a deal would be worth if the run never ended: U of a day is the
flow of that day plus the chance to stay times U of the next. A deal that leaves the run after m days is worth U, plus
the chance to be still there times what the next run's beginning is worth more than U on that day. So values are kept
for the beginnings of runs alone, and every age's own is read off at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.ageruns import AgeRuns

__all__ = ["Futures", "futures_by_segment", "residual_futures"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_ROOM = 2**24  # numbers that a chunk of profiles and worlds keeps of every day
_MOST = 128  # rows stepped together: more leave the cache


@dataclass(frozen=True)
class Futures:
    """Chances to be won in each cell; the rest is lost or still open, and nothing asks which.

    Parameters
    ----------
    won : array of float32, shape (n, stages, ages, cells)
        From every stage and age at the start of the first day. Ages are ages *on that day*.
    arrival_won : array of float32, shape (n, stages, cohorts, cells)
        For a deal that arrives in a stage during the days of a cohort, averaged with the cohort's day weights.
    """

    won: Floats
    arrival_won: Floats

    def rows(self, first: int, last: int) -> Futures:
        """Keep the rows from `first` to before `last`."""
        return Futures(*(getattr(self, name)[first:last] for name in Futures.__annotations__))


def futures_by_segment(
    rate: Array, segment: Ints, rhythm: Array, of_age: Ints, day_type: Ints, cell: Ints, cells: int, weight: Array
) -> Futures:
    """Run :func:`residual_futures` for rows whose ages are cut differently.

    Parameters
    ----------
    rate : array of float, shape (n, stages, destinations, bins)
        Intensities per day.
    segment : array of int, shape (n,)
        Segment of each row.
    of_age : array of int, shape (segments, stages, ages)
        Bin of each age in each segment.
    rhythm, day_type, cell, cells, weight
        As in :func:`residual_futures`.

    Returns
    -------
    Futures
        Rows as in `rate`.
    """
    order, parts = [], []
    for k in np.unique(segment):
        rows = np.flatnonzero(segment == k)
        order.append(rows)
        parts.append(residual_futures(rate[rows], rhythm, of_age[k], day_type, cell, cells, weight))
    back = np.argsort(np.concatenate(order), kind="stable")
    return Futures(*(np.concatenate([getattr(part, name) for part in parts])[back] for name in Futures.__annotations__))


def residual_futures(
    rate: Array, rhythm: Array, of_age: Ints, day_type: Ints, cell: Ints, cells: int, weight: Array
) -> Futures:
    """Work out the chance to be won in each cell from every stage and age, exactly, by backward recursion.

    Parameters
    ----------
    rate : array of float, shape (n, stages, destinations, bins)
        Intensities per day, to the stages, to won and to lost; `n` counts parameter draws and profiles.
    rhythm : array of float, shape (destinations, day types)
        Multiplier of each type of day.
    of_age : array of int, shape (stages, ages)
        Bin of each age; the last age stands for all older ones.
    day_type, cell : array of int, shape (days,)
        Type and cell (period) of each day to come; cells rise.
    cells : int
        Number of cells.
    weight : array of float, shape (days,)
        Weight of each day within its cohort; cohorts are the cells.

    Returns
    -------
    Futures
    """
    runs, days = AgeRuns.of(of_age), _Days(day_type, cell, cells, weight.astype(np.float32))
    kept = runs.bin.size * cells * len(cell)
    chunk = int(np.clip(_ROOM // max(kept, 1), 1, _MOST))
    rows = np.array_split(np.arange(len(rate)), max(-(-len(rate) // chunk), 1))
    parts = [_chunk_futures(rate[some], rhythm, runs, days) for some in rows]
    return Futures(*(np.concatenate([getattr(part, name) for part in parts]) for name in Futures.__annotations__))


@dataclass(frozen=True)
class _Days:
    """The days to come, as :func:`residual_futures` takes them."""

    type: Ints
    cell: Ints
    cells: int
    weight: Floats


@dataclass(frozen=True)
class _Kind:
    """Chances of one type of day; rows stand last."""

    total: Array  # (stages, runs, n): hazard of leaving
    stay: Floats  # (stages, runs, n)
    move: Floats  # (stages, stages and won, runs, n)
    moves: list[tuple[int, int]]  # between stages that there are
    inverse: Floats  # (stages, stages, n): sums over any number of moves on the day of arrival
    won_now: Floats  # (stages, n): on the day of arrival

    @classmethod
    def of(cls, rate: Array, rhythm: Array, runs: AgeRuns) -> _Kind:
        """Turn intensities into chances."""
        stages = rate.shape[1]
        scaled = rate * rhythm[None, None, :, None]
        total = scaled.sum(axis=2)
        move = scaled * (-np.expm1(-total) / np.maximum(total, 1e-300))[:, :, None]
        by_run = np.stack([total[:, s, bins] for s, bins in enumerate(runs.bin)], axis=1)
        moved = np.stack([move[:, s][:, :, bins] for s, bins in enumerate(runs.bin)], axis=1)
        inverse = np.linalg.inv(np.eye(stages) - move[:, :, :stages, 0])
        last = np.ascontiguousarray(by_run.transpose(1, 2, 0))
        return cls(
            total=last,
            stay=np.exp(-last).astype(np.float32),
            move=np.ascontiguousarray(moved[:, :, : stages + 1].transpose(1, 2, 3, 0), dtype=np.float32),
            moves=[(s, j) for s in range(stages) for j in range(stages) if rate[:, s, j].any()],
            inverse=np.ascontiguousarray(inverse.transpose(1, 2, 0), dtype=np.float32),
            won_now=np.ascontiguousarray(move[:, :, stages, 0].T, dtype=np.float32),
        )

    def arrivals(self, tomorrow: Floats) -> Floats:
        """Value of arriving in each stage during the day, shape (stages, cells left, n).

        Parameters
        ----------
        tomorrow : array of float32, shape (stages, cells left, n)
            Value of being one day old tomorrow, as a newcomer is that stays the night.
        """
        direct = tomorrow * self.stay[:, 0, None]
        direct[:, 0] += self.won_now
        # Written out rather than handed to BLAS: the bytes must not depend on its threads.
        return np.asarray(np.einsum("ijn,jcn->icn", self.inverse, direct))

    def step(self, worth: Floats, arrived: Floats) -> None:
        """Step back from a day's end to its beginning in runs that never end, in place.

        Parameters
        ----------
        worth : array of float32, shape (stages, runs, cells left, n)
            Values.
        arrived : array of float32, shape (stages, cells left, n)
            Value of arriving in each stage during the day.
        """
        stages, part = len(worth), np.empty_like(worth[0])
        worth *= self.stay[:, :, None]
        for s, j in self.moves:
            np.multiply(self.move[s, j][:, None], arrived[j], out=part)
            worth[s] += part
        worth[:, :, 0] += self.move[:, stages]


def _chunk_futures(rate: Array, rhythm: Array, runs: AgeRuns, days: _Days) -> Futures:
    (n, stages), (cells, end) = rate.shape[:2], (days.cells, len(days.cell))
    kinds = {int(k): _Kind.of(rate, rhythm[:, k], runs) for k in np.unique(days.type)}
    hazard = np.zeros((end + 1, *runs.bin.shape, n))
    for t, k in enumerate(days.type.tolist()):
        np.add(hazard[t], kinds[k].total, out=hazard[t + 1])
    shape = (*runs.bin.shape, cells, n)
    # Worth if the run never ended, worth, and by how much the next run's beginning is worth more, day by day.
    endless, worth = np.zeros((2, *shape), dtype=np.float32)
    more = np.zeros((*runs.bin.shape, end + 1, cells, n), dtype=np.float32)
    arrival = np.zeros((stages, cells, cells, n), dtype=np.float32)
    stage, run = np.indices(runs.bin.shape)
    for t in range(end - 1, -1, -1):
        day, c = kinds[int(days.type[t])], int(days.cell[t])
        arrived = day.arrivals(worth[:, 1, c:])
        arrival[:, c, c:] += days.weight[t] * arrived
        day.step(endless[:, :, c:], arrived)
        leave = np.minimum(t + runs.length, end)
        there = np.exp(hazard[t] - hazard[leave, stage, run]).astype(np.float32)
        gain, now = more[stage, run, leave, c:], worth[:, :, c:]
        gain *= there[:, :, None]
        np.add(endless[:, :, c:], gain, out=now)
        np.maximum(now, 0, out=now)  # a run in which nothing is won may be missed by a rounding
        np.subtract(now[:, 1:], endless[:, :-1, c:], out=more[:, :-1, t, c:])
    return Futures(_by_age(endless, more, hazard, runs), np.ascontiguousarray(arrival.transpose(3, 0, 1, 2)))


def _by_age(endless: Floats, more: Floats, hazard: Array, runs: AgeRuns) -> Floats:
    """Read off what every age is worth on the first day, shapes (n, stages, ages, cells)."""
    stages, _, cells, n = endless.shape
    out = np.empty((n, stages, runs.of_age.shape[1], cells), dtype=np.float32)
    for stage, (run, left) in enumerate(zip(runs.of_age, runs.left, strict=True)):
        leave = np.minimum(left, len(hazard) - 1)
        there = np.exp(-hazard[leave, stage, run]).astype(np.float32)
        worth = np.maximum(endless[stage, run] + there[:, None] * more[stage, run, leave], 0)
        out[:, stage] = worth.transpose(2, 0, 1)
    return out
