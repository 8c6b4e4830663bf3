"""First passage: how long a new deal takes to be won or lost, by recursion forwards from its creation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.ageruns import AgeRuns

__all__ = ["FirstPassage", "first_passage"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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
    runs = AgeRuns.of(of_age)
    total = rate.sum(axis=2)
    move = rate * (-np.expm1(-total) / np.maximum(total, 1e-300))[:, :, None]
    same_day = np.linalg.inv(np.eye(stages) - move[:, :, :stages, 0])
    hazard = np.stack([total[:, s, bins] for s, bins in enumerate(runs.bin)], axis=1)  # (n, stages, runs)
    moves = np.stack([move[:, s][:, :, bins] for s, bins in enumerate(runs.bin)], axis=1)
    stay, whole = np.exp(-hazard), np.exp(-hazard * runs.length)
    stage, run = np.indices(runs.bin.shape)
    # Who begins a run on which day; who rests in it; who arrives in a stage.
    began, resting = np.zeros((days + 2, n, *runs.bin.shape)), np.zeros(hazard.shape)
    won, lost = np.zeros((n, days + 1)), np.zeros((n, days + 1))
    arriving = np.asarray(entry, dtype=np.float64)
    for t in range(days + 1):
        out = np.einsum("nsr,nsjr->nj", resting, moves)
        here = np.einsum("ni,nij->nj", arriving + out[:, :stages], same_day)
        won[:, t] = out[:, stages] + np.einsum("ni,ni->n", here, move[:, :, stages, 0])
        lost[:, t] = out[:, stages + 1] + np.einsum("ni,ni->n", here, move[:, :, stages + 1, 0])
        ends = began[np.maximum(t + 1 - runs.length, 0), :, stage, run].transpose(2, 0, 1) * whole
        began[t + 1, :, :, 1:] = ends[:, :, :-1]
        began[t + 1, :, :, 1] += here * np.exp(-total[:, :, 0])
        resting = np.maximum(resting * stay - ends + began[t + 1], 0.0)
        arriving = np.zeros_like(arriving)
    return FirstPassage(won, lost)
