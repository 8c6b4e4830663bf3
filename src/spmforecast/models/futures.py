"""Residual futures: when and how a deal ends, given its stage, its age there and today's date.

Everything asked of the fitted process is a view on two exact recursions over days: backwards, from the end of
the horizon to today, for the chance of each outcome from every stage and age at once; and forwards, from entry,
for the law of the time to an outcome. Several moves may happen on one day: a deal that arrives in a stage can
leave it again the same day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["FirstPassage", "Futures", "first_passage", "futures_by_segment", "residual_futures"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_CHUNK = 24  # profiles and worlds stepped together: small enough for the cache, large enough for vector loops


@dataclass(frozen=True)
class Futures:
    """Chances of each outcome cell.

    Parameters
    ----------
    won, lost : array of float32, shape (n, stages, ages, cells)
        From every stage and age at the start of the first day. Ages are ages *on that day*.
    arrival_won, arrival_lost : array of float32, shape (n, stages, cohorts, cells)
        For a deal that arrives in a stage during the days of a cohort, averaged with the cohort's day weights.
    """

    won: Floats
    lost: Floats
    arrival_won: Floats
    arrival_lost: Floats


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
        # A quick segment stops changing long before a slow one: what nothing distinguishes is not stepped through.
        ages = _distinct_ages(of_age[k])
        run = residual_futures(rate[rows], rhythm, of_age[k][:, :ages], day_type, cell, cells, weight)
        parts.append(replace(run, won=_older(run.won, of_age.shape[2]), lost=_older(run.lost, of_age.shape[2])))
    back = np.argsort(np.concatenate(order), kind="stable")
    return Futures(*(np.concatenate([getattr(part, name) for part in parts])[back] for name in Futures.__annotations__))


def _distinct_ages(of_age: Ints) -> int:
    """Count the ages up to the last change of bin, and one more, which stands for all older ones."""
    changes = np.flatnonzero((np.diff(of_age, axis=1) != 0).any(axis=0))
    return int(min(int(changes[-1]) + 2 if len(changes) else 2, of_age.shape[1]))


def _older(table: Floats, ages: int) -> Floats:
    """Give all older ages what the last one has."""
    missing = ages - table.shape[2]
    return np.concatenate([table, np.repeat(table[:, :, -1:], missing, axis=2)], axis=2) if missing else table


@dataclass(frozen=True)
class _Day:
    """Chances of one type of day."""

    stay: Floats  # (stages, ages, n)
    move: Floats  # (stages, destinations, bins, n)
    inverse: Floats  # (n, stages, stages): sums over any number of moves on the day of arrival
    leave_now: Floats  # (stages, destinations, n) at age zero


def residual_futures(
    rate: Array, rhythm: Array, of_age: Ints, day_type: Ints, cell: Ints, cells: int, weight: Array
) -> Futures:
    """Work out the chance of each outcome from every stage and age, exactly, by backward recursion.

    Parameters
    ----------
    rate : array of float, shape (n, stages, destinations, bins)
        Intensities per day; `n` counts parameter draws and profiles.
    rhythm : array of float, shape (destinations, day types)
        Multiplier of each type of day.
    of_age : array of int, shape (stages, ages)
        Bin of each age; the last age stands for all older ones.
    day_type, cell : array of int, shape (days,)
        Type and outcome cell (period) of each day to come.
    cells : int
        Number of cells.
    weight : array of float, shape (days,)
        Weight of each day within its cohort; cohorts are the cells.

    Returns
    -------
    Futures
    """
    parts = [_chunk_futures(rate[chunk], rhythm, of_age, day_type, cell, cells, weight) for chunk in _chunks(len(rate))]
    return Futures(*(np.concatenate([getattr(part, name) for part in parts]) for name in Futures.__annotations__))


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK))


def _chunk_futures(
    rate: Array, rhythm: Array, of_age: Ints, day_type: Ints, cell: Ints, cells: int, weight: Array
) -> Futures:
    n, stages, _, _ = rate.shape
    ages = of_age.shape[1]
    kinds = {int(k): _day(rate, rhythm[:, k], of_age) for k in np.unique(day_type)}
    runs = _bin_lengths(of_age)
    value = np.zeros((stages, ages, n, 2 * cells), dtype=np.float32)
    after = np.empty_like(value)
    arrival = np.zeros((stages, cells, n, 2 * cells), dtype=np.float32)
    for t in range(len(day_type) - 1, -1, -1):
        day, c = kinds[int(day_type[t])], int(cell[t])
        arrived = _arrivals(day, value, c, cells)
        arrival[:, c] += np.float32(weight[t]) * arrived.transpose(1, 0, 2)
        flow = _flows(day, arrived, c, cells)
        np.multiply(value[:, 1:], day.stay[:, :-1, :, None], out=after[:, :-1])
        np.multiply(value[:, -1], day.stay[:, -1, :, None], out=after[:, -1])
        for s in range(stages):
            after[s] += np.repeat(flow[s], runs[s], axis=0)
        value, after = after, value
    table, come = value.transpose(2, 0, 1, 3), arrival.transpose(2, 0, 1, 3)
    return Futures(
        table[..., :cells].copy(), table[..., cells:].copy(), come[..., :cells].copy(), come[..., cells:].copy()
    )


def _bin_lengths(of_age: Ints) -> list[Ints]:
    """Count the ages in each bin, for every stage; bins rise with age."""
    bins = int(of_age.max()) + 1
    return [np.bincount(row, minlength=bins) for row in of_age]


def _day(rate: Array, rhythm: Array, of_age: Ints) -> _Day:
    """Turn intensities into the chances of one type of day."""
    stages = rate.shape[1]
    scaled = rate * rhythm[None, None, :, None]
    total = scaled.sum(axis=2)
    leave = -np.expm1(-total)
    move = scaled * (leave / np.maximum(total, 1e-300))[:, :, None]
    stay_by_bin = np.exp(-total)
    stay = np.stack([stay_by_bin[:, s, of_age[s]] for s in range(stages)], axis=1)
    inverse = np.linalg.inv(np.eye(stages) - move[:, :, :stages, 0])
    return _Day(
        stay=np.ascontiguousarray(stay.transpose(1, 2, 0), dtype=np.float32),
        move=np.ascontiguousarray(move.transpose(1, 2, 3, 0), dtype=np.float32),
        inverse=inverse.astype(np.float32),
        leave_now=np.ascontiguousarray(move[..., 0].transpose(1, 2, 0), dtype=np.float32),
    )


def _arrivals(day: _Day, value: Floats, cell: int, cells: int) -> Floats:
    """Value of arriving in each stage during the day, shape (n, stages, 2 * cells)."""
    stages = value.shape[0]
    # A newcomer that stays the night is one day old tomorrow.
    tomorrow = value[:, min(1, value.shape[1] - 1)]
    direct = tomorrow * day.stay[:, 0, :, None]
    direct[..., cell] += day.leave_now[:, stages]
    direct[..., cells + cell] += day.leave_now[:, stages + 1]
    # Written out rather than handed to BLAS: the bytes must not depend on its threads.
    return np.asarray(np.einsum("nij,jnm->nim", day.inverse, direct), dtype=np.float32)


def _flows(day: _Day, arrived: Floats, cell: int, cells: int) -> Floats:
    """Value that leaves each stage and bin during the day, shape (stages, bins, n, 2 * cells)."""
    stages = day.move.shape[0]
    flow = np.einsum("sjbn,njm->sbnm", day.move[:, :stages], arrived)
    flow[..., cell] += day.move[:, stages]
    flow[..., cells + cell] += day.move[:, stages + 1]
    return np.asarray(flow, dtype=np.float32)


@dataclass(frozen=True)
class FirstPassage:
    """Daily chances, for a new deal, of being won or lost, and what is still open at the end.

    Parameters
    ----------
    won, lost : array of float, shape (n, days + 1)
        Chance of the outcome at each age of the deal.
    """

    won: Array
    lost: Array

    def conversion(self) -> Array:
        """Chance to be won within the horizon, shape (n,)."""
        return np.asarray(self.won.sum(axis=1))

    def cycle_quantile(self, q: float) -> Array:
        """Quantile of the days from creation to win among the deals won, shape (n,); NaN where none is won."""
        total = self.won.sum(axis=1, keepdims=True)
        reached = np.cumsum(self.won, axis=1) >= q * total - 1e-12
        return np.where(total[:, 0] > 0, reached.argmax(axis=1), np.nan)


def first_passage(rate: Array, of_age: Ints, entry: Array, days: int) -> FirstPassage:
    """Follow new deals forward, with an even rhythm of days, until `days` after their creation.

    Parameters
    ----------
    rate : array of float, shape (n, stages, destinations, bins)
        Intensities per day.
    of_age : array of int, shape (stages, ages)
        Bin of each age.
    entry : array of float, shape (n, stages)
        Chance to begin in each stage.
    days : int
        Horizon.

    Returns
    -------
    FirstPassage
    """
    n, stages, _, _ = rate.shape
    ages = of_age.shape[1]
    total = rate.sum(axis=2)
    leave = -np.expm1(-total)
    move = rate * (leave / np.maximum(total, 1e-300))[:, :, None]
    by_age = np.stack([move[:, s][:, :, of_age[s]] for s in range(stages)], axis=1)  # (n, s, j, ages)
    stay = np.stack([1 - leave[:, s][:, of_age[s]] for s in range(stages)], axis=1)  # (n, s, ages)
    same_day = np.linalg.inv(np.eye(stages) - move[:, :, :stages, 0])
    resting = np.zeros((n, stages, ages))
    won, lost = np.zeros((n, days + 1)), np.zeros((n, days + 1))
    arriving = np.asarray(entry, dtype=np.float64)
    for t in range(days + 1):
        out = np.einsum("nsa,nsja->nj", resting, by_age)
        here = np.einsum("ni,nij->nj", arriving + out[:, :stages], same_day)
        won[:, t] = out[:, stages] + np.einsum("ni,ni->n", here, move[:, :, stages, 0])
        lost[:, t] = out[:, stages + 1] + np.einsum("ni,ni->n", here, move[:, :, stages + 1, 0])
        left = resting * stay
        resting[:, :, 1:] = left[:, :, :-1]
        resting[:, :, -1] += left[:, :, -1]
        resting[:, :, min(1, ages - 1)] += here * (1 - leave[:, :, 0])
        resting[:, :, 0] = 0.0
        arriving = np.zeros_like(arriving)
    return FirstPassage(won, lost)
