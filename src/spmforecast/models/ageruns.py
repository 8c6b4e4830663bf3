"""Runs of ages in a stage within which a deal's intensities are the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["AgeRuns"]

Ints = npt.NDArray[np.int64]

_ENDLESS = 2**40  # days, more than any horizon


@dataclass(frozen=True)
class AgeRuns:
    """Runs of ages with one bin, by stage; age 0 is a run of its own, and stages with fewer runs repeat their last.

    Parameters
    ----------
    bin : array of int, shape (stages, runs)
        Bin of each run.
    length : array of int, shape (stages, runs)
        Days; more than any horizon for the last.
    of_age : array of int, shape (stages, ages)
        Run of each age.
    left : array of int, shape (stages, ages)
        Days from each age until the next run begins.
    """

    bin: Ints
    length: Ints
    of_age: Ints
    left: Ints

    @classmethod
    def of(cls, of_age: Ints) -> AgeRuns:
        """Find the runs.

        Parameters
        ----------
        of_age : array of int, shape (stages, ages)
            Bin of each age; the last age stands for all older ones.

        Returns
        -------
        AgeRuns
        """
        stages, ages = of_age.shape
        wide = of_age if ages > 1 else np.repeat(of_age, 2, axis=1)
        first = np.ones(wide.shape, dtype=np.bool_)
        first[:, 2:] = np.diff(wide[:, 1:], axis=1) != 0
        run = np.cumsum(first, axis=1) - 1
        begin = np.full((stages, int(run.max()) + 2), _ENDLESS, dtype=np.int64)
        stage, age = np.nonzero(first)
        begin[stage, run[stage, age]] = age
        there = begin[:, :-1] < _ENDLESS
        bins = np.take_along_axis(wide, np.where(there, begin[:, :-1], wide.shape[1] - 1), axis=1)
        length = np.where(there, np.diff(begin, axis=1), _ENDLESS)
        run = run[:, :ages]
        return cls(bins, length, run, np.take_along_axis(begin, run + 1, axis=1) - np.arange(ages))
