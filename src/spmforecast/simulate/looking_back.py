"""Looking back: the forecast's own tables held against the deals of earlier dates that lie alike in their quarter.

The tables of chances start on the day after the as-of date. A quarter (two, three ...) earlier the days lie alike, so
the same tables say what the process would have expected of the deals that were open, or were created, then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models import FittedPipeline
from spmforecast.models.futures import Futures
from spmforecast.models.landmarks import PARTS, Landmark, Landmarks, fit_landmarks
from spmforecast.models.risksets import day_number
from spmforecast.models.signals import open_rows
from spmforecast.simulate.deal_signals import DealSignals, told_of_signals
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.past_cohorts import QUARTER_DAYS, past_cohorts

__all__ = ["LookingBack", "look_back"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_DEALS = 5  # open at a landmark, or it tells nothing
_WARM_UP_DAYS = 180  # of a record, in which the pipeline fills


@dataclass(frozen=True)
class LookingBack:
    """What earlier dates teach about the tables of chances.

    Parameters
    ----------
    landmarks : Landmarks
        Correction of open deals.
    signals : array of float, shape (open deals, columns)
        Signals of the deals open now, in the order of the rows handed in.
    lags : array of float, shape (segments, periods)
        Multipliers of new deals' chances, by periods since creation.
    months : array of float, shape (periods,)
        Multipliers of all deals' chances in each period, by the month of the quarter that it is; ones where periods are
        no months.
    told : tuple of str
        What open deals are corrected by, in words.
    """

    landmarks: Landmarks
    signals: Array
    lags: Array
    months: Array
    told: tuple[str, ...] = ()


def look_back(model: FittedPipeline, horizon: Horizon, centre: Futures, rows: Ints) -> LookingBack:
    """Hold the tables against earlier dates.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    centre : Futures
        Tables at the fitted intensities, a row a profile.
    rows : array of int, shape (deals,)
        Stays that are running now.

    Returns
    -------
    LookingBack
    """
    stays, reader = model.stays, DealSignals.of(model)
    won_on = _won_on(model.deals)
    dates = _alike(model, horizon)
    cohorts = past_cohorts(model, horizon, centre, dates, won_on)
    lags = cohorts.lags()
    months = cohorts.months(lags)
    parts: list[Landmark] = []
    for day in dates:
        then = open_rows(stays, day)
        if len(then) >= _LEAST_DEALS:
            won = _by_period(won_on[stays.deal[then]] - day, horizon)
            chance, ended = months * _chances(model, centre, then, day), _ended(horizon, stays.today - day)
            parts.append(Landmark(reader.read(then, day), chance, won, ended))
    landmarks = fit_landmarks(parts, reader.optional, reader.levels) if parts else _nothing(reader.columns)
    now = reader.read(rows, stays.today)[:, : landmarks.coefficients.shape[1]]
    told = told_of_signals(landmarks, len(parts), reader.activities)
    return LookingBack(landmarks, now, lags, months, told)


def _nothing(columns: int) -> Landmarks:
    return Landmarks(np.zeros((PARTS, columns)), np.zeros((PARTS, columns, columns)), (0.0,) * PARTS, 0)


def _alike(model: FittedPipeline, horizon: Horizon) -> list[int]:
    """Earlier days that lie in their quarter as the as-of date does in its own, oldest first."""
    today, first = model.stays.today, int(model.stays.entry.min(initial=model.stays.today)) + _WARM_UP_DAYS
    if horizon.calendar.of_weeks:
        return sorted(range(today - QUARTER_DAYS, first, -QUARTER_DAYS))
    tomorrow = pd.Timestamp(today + 1, unit="D")
    back = [tomorrow - pd.DateOffset(months=3 * k) - pd.Timedelta(days=1) for k in range(1, 1 + (today - first) // 89)]
    return sorted(day for day in (int(day_number(pd.DatetimeIndex([date]))[0]) for date in back) if day > first)


def _ended(horizon: Horizon, days: int) -> Ints:
    """Periods that end within so many days."""
    last = np.array([np.flatnonzero(horizon.cell == p)[-1] + 1 for p in range(len(horizon.periods))])
    return np.flatnonzero(last <= days)


def _by_period(after: Ints, horizon: Horizon) -> Array:
    """Tell, 0 or 1, in which period each of these days after a landmark lies."""
    out = np.zeros((len(after), len(horizon.periods)))
    inside = (after >= 1) & (after <= len(horizon.days))
    out[np.flatnonzero(inside), horizon.cell[after[inside] - 1]] = 1.0
    return out


def _won_on(deals: pd.DataFrame) -> Ints:
    """Day on which each deal was won; far in the past where it was not."""
    won = (deals["status"] == "won").to_numpy() & deals["close_date"].notna().to_numpy()
    return np.where(won, day_number(deals["close_date"]), np.iinfo(np.int32).min)


def _chances(model: FittedPipeline, centre: Futures, rows: Ints, day: int) -> Array:
    stays = model.stays
    age = np.minimum(day + 1 - stays.entry[rows], model.process.bins.cap)
    return np.asarray(centre.won[model.profiles.of_deal[stays.deal[rows]], stays.stage[rows], age], dtype=np.float64)
