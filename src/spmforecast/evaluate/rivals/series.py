"""Series models as rivals: exponential smoothing and ARIMA on the company's months (or weeks, where months are asked).

They forecast the steps that the targets still lack; what is booked so far is kept. Reps and regions get their share of
the company by their last year: a series of one rep is too thin for either model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.evaluate.baselines import baseline
from spmforecast.evaluate.rivals.lines import COMPANY
from spmforecast.evaluate.rivals.snapshot import Snapshot
from spmforecast.models.risksets import day_number

__all__ = ["arima", "exponential_smoothing"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MONTHS, _FEWEST = 12, 2


@dataclass(frozen=True)
class _Steps:
    """Bounds of past and coming steps; the first coming one may be under way."""

    past: tuple[Ints, Ints]
    coming: tuple[Ints, Ints]
    season: int


def exponential_smoothing(seen: Snapshot) -> Array:
    """Exponential smoothing, trend and season chosen by AICc (:func:`spmforecast.evaluate.baselines.baseline`)."""
    return _from_series(seen, "smoothing")


def arima(seen: Snapshot) -> Array:
    """Airline model (0,1,1)(0,1,1), ARIMA(0,1,1) on short records."""
    return _from_series(seen, "arima")


def _from_series(seen: Snapshot, kind: str) -> Array:
    out = seen.blank
    steps = _steps(seen)
    if steps is None:
        return out
    past = seen.lines.sums([COMPANY], *steps.past)[0]
    if not past.any():
        return out
    told = np.maximum(baseline(kind, past, len(steps.coming[0]), steps.season).mean, 0.0)
    share = _shares(seen)
    done = seen.lines.sums([COMPANY], steps.coming[0], np.minimum(steps.coming[1], seen.today))[0]
    for ahead, target in enumerate(seen.targets):
        first, last = _day(target.start), _day(target.end)
        low, high = np.maximum(steps.coming[0], first), np.minimum(steps.coming[1], last)
        part = np.maximum(high - low + 1, 0) / (steps.coming[1] - steps.coming[0] + 1)
        # A step under way keeps what it has booked; only the rest of it is forecast.
        rest = (np.maximum(told, done) * part)[part > 0].sum() - (done * part)[part > 0].sum()
        out[:, ahead] = seen.booked[:, ahead] + share * max(float(rest), 0.0)
    return out


def _shares(seen: Snapshot) -> Array:
    """Share of each node in the company's bookings of the last four periods, shape (nodes,)."""
    recent = seen.closed[:, -4:].sum(axis=1) + seen.booked.sum(axis=1)
    return recent / recent[0] if recent[0] > 0 else np.full(len(recent), np.nan)


def _steps(seen: Snapshot) -> _Steps | None:
    """Cut time into fiscal months, or into weeks back from the origin; None where the record holds too few."""
    if not len(seen.lines.day):
        return None
    first, last = int(seen.lines.day.min()), _day(seen.targets[-1].end)
    if seen.kind == "month":
        back = (seen.today - first + 1) // 7
        ends = seen.today - 7 * np.arange(back)[::-1]
        later = seen.today + 7 * np.arange(1, -(-(last - seen.today) // 7) + 1)
        made = _Steps((ends - 6, ends), (later - 6, later), 1)
    else:
        month = seen.calendar.month_numbers(np.array([first, seen.today + 1, last]))
        begins = seen.calendar.month_starts(np.arange(month[0] + 1, month[2] + 2))
        starts, stops = begins[:-1], begins[1:] - 1
        over = stops <= seen.today
        made = _Steps((starts[over], stops[over]), (starts[~over], stops[~over]), _MONTHS)
    return made if len(made.past[0]) >= _FEWEST and len(made.coming[0]) else None


def _day(stamp: pd.Timestamp) -> int:
    return int(day_number(pd.DatetimeIndex([stamp]))[0])
