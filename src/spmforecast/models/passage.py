"""First passage: how long a new deal takes to be won or lost, by recursion forwards from its creation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
