"""Chances over the horizon from a fitted process: as drawn, and with the market at its mean, worse and better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.futures import Futures, futures_by_segment
from spmforecast.models.mending import StageMend
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.outcomes import winning_speed
from spmforecast.simulate.streams import Streams

__all__ = ["Moved", "moved_futures", "run_together"]

Array = npt.NDArray[np.float64]

_LEVEL_STEP = 0.3  # shift of the market's level, up and down, by which responses are measured
_LARGEST_RESPONSE = 6.0


@dataclass(frozen=True)
class Moved:
    """Tables of what comes of deals.

    Parameters
    ----------
    drawn : Futures
        With intensities as drawn, a row for each world and profile.
    centre, worse, better : Futures
        With intensities as fitted, a row a profile: the market at its mean, a step below and a step above.
    """

    drawn: Futures
    centre: Futures
    worse: Futures
    better: Futures

    def response(self, won: Callable[[Futures], Array]) -> tuple[Array, Array]:
        """Log speed of winning as a parabola in the market's level: slope at its mean, and bend.

        Parameters
        ----------
        won : callable
            Picks the chances to be won out of a table, shape (..., periods).

        Returns
        -------
        response, bend : array of float, shape (..., periods)
            The bend is at most half of the response, so that within one unit a better market never wins less.
        """
        speed = [winning_speed(won(run)) for run in (self.worse, self.centre, self.better)]
        lower, middle, upper = (np.log(np.maximum(one, 1e-12)) for one in speed)
        told = speed[1] > 1e-9
        response = np.where(told, np.clip((upper - lower) / (2 * _LEVEL_STEP), 0.0, _LARGEST_RESPONSE), 0.0)
        bend = np.where(told, (2 * middle - upper - lower) / (2 * _LEVEL_STEP**2), 0.0)
        return response, np.clip(bend, 0.0, 0.5 * response)


def moved_futures(
    model: FittedPipeline, horizon: Horizon, streams: Streams, worlds: int, mend: StageMend | None = None
) -> Moved:
    """Work the tables out, with a draw of the intensities for each world; with a stage mended where that is asked."""
    process = model.process
    generator = streams.generator("model", "transitions", "intensities")
    drawn = process.intensity_draws(generator, worlds, beside_market=True)
    moved = [process.shifted(level) for level in (0.0, -_LEVEL_STEP, _LEVEL_STEP)]
    rates = [drawn.reshape(-1, *drawn.shape[2:]), *moved]
    return Moved(*run_together(model, horizon, rates if mend is None else [mend.of(rate) for rate in rates]))


def run_together(model: FittedPipeline, horizon: Horizon, rates: Sequence[Array]) -> list[Futures]:
    """Run the exact recursion over the horizon for several sets of intensities at once."""
    process, rate = model.process, np.concatenate(rates)
    weight = model.creation.day_weights(horizon.days)
    total = np.bincount(horizon.cell, weights=weight, minlength=len(horizon.periods))
    segment = model.profiles.table[:, 0]
    every = futures_by_segment(
        rate,
        np.tile(segment, len(rate) // len(segment)),
        process.rhythm,
        process.bins.of_age,
        process.types_of(horizon.days),
        horizon.cell,
        len(horizon.periods),
        weight / total[horizon.cell],
    )
    ends = np.cumsum([len(one) for one in rates]).tolist()
    return [every.rows(first, last) for first, last in pairwise([0, *ends])]
