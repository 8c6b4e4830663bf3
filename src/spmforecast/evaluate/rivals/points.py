"""The rivals that people know, each a point forecast of every node and target from a snapshot; NaN where it is silent.

What a rival says before its past errors are put round it is one number. A rival never hears of anything that the
snapshot does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from spmforecast.evaluate.rivals.commit import commit_realised
from spmforecast.evaluate.rivals.series import arima, exponential_smoothing
from spmforecast.evaluate.rivals.snapshot import Snapshot

__all__ = ["POINTS", "run_rate", "seasonal_naive", "stage_weighted", "usual_rest"]

Array = npt.NDArray[np.float64]

_PACE_PERIODS = 8


def stage_weighted(seen: Snapshot) -> Array:
    """Booked so far plus the weighted open deals that are due; all of them where none has a date.

    Deals without a date cannot be laid into a period: then every target gets the whole weighted pipeline, and the
    rival's past errors say which part of it comes.
    """
    pipe = seen.pipeline
    if pipe is None:
        return seen.blank
    due = pipe.due if pipe.dated else np.repeat(pipe.whole[:, None], len(seen.targets), axis=1)
    return np.asarray(seen.booked + due)


def run_rate(seen: Snapshot) -> Array:
    """Booked so far over the share that earlier periods had booked by then; the last period where that tells nothing.

    Share and fallback are the company's, because a rep's own are mostly luck; the next period is taken to go on like
    this one.
    """
    if not seen.past:
        return seen.blank
    share = _usual_share(seen)
    told = seen.booked[:, 0] / share if share > 0 and seen.booked[0, 0] > 0 else seen.closed[:, -1]
    return np.repeat(np.asarray(told)[:, None], len(seen.targets), axis=1)


def usual_rest(seen: Snapshot) -> Array:
    """Booked so far plus what the last four periods added after the same day; then the mean of those periods."""
    if not seen.past:
        return seen.blank
    out = np.repeat(seen.recent()[:, None], len(seen.targets), axis=1)
    out[:, 0] = seen.booked[:, 0] + (seen.closed - seen.paced)[:, -4:].mean(axis=1)
    return out


def seasonal_naive(seen: Snapshot) -> Array:
    """Take the same period a year ago, the last whole one where that is not on record."""
    if not seen.past:
        return seen.blank
    out = seen.blank
    for ahead in range(len(seen.targets)):
        back = seen.a_year - ahead
        out[:, ahead] = seen.closed[:, -back] if 0 < back <= len(seen.past) else seen.closed[:, -1]
    return out


def _usual_share(seen: Snapshot) -> float:
    """Share of a period that the company had usually booked by this day of it."""
    whole = seen.closed[0, -_PACE_PERIODS:].sum()
    return float(seen.paced[0, -_PACE_PERIODS:].sum() / whole) if whole > 0 else 0.0


POINTS: Mapping[str, Callable[[Snapshot], Array]] = {
    "stage-weighted": stage_weighted,
    "run rate": run_rate,
    "usual rest": usual_rest,
    "commit × realisation": commit_realised,
    "seasonal naive": seasonal_naive,
    "exponential smoothing": exponential_smoothing,
    "ARIMA": arima,
}
