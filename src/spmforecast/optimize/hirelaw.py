"""What a hire is expected to bring, and how sure that is: given as plain numbers, or learnt from a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedBookings, FittedPipeline
from spmforecast.models.capacity import MONTH_DAYS, RAMP_MONTHS
from spmforecast.models.risksets import day_number
from spmforecast.plan.ramp import monthly_hazard
from spmforecast.simulate import Forecast

__all__ = ["HireLaw", "learn_hire_law"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HireLaw:
    """Law of the bookings of one hire.

    Parameters
    ----------
    monthly : float
        Bookings of a ramped rep of average productivity in a month.
    ramp : tuple of float
        Productivity by whole months of tenure, 0 to 1; the last entry stays.
    lag_months : float
        From a rep's work to its bookings: the sales cycle. 0 where the ramp is one of bookings already.
    spread : float
        Coefficient of variation of productivity between reps.
    noise : float
        Coefficient of variation of a rep's month around the rep's own level.
    hazard : float
        Hazard of leaving a month.
    backfill_months : float or None
        Months from a leave to the successor's first day, who ramps anew; None where leavers are not replaced.
    delay_months : float
        Mean months from opening a seat to the first day.
    delay_spread : float
        Coefficient of variation of that delay.
    coupling : float
        How much of the company's swing in a period a hire shares, 0 to 1.
    note : str
        Where the numbers come from.

    Raises
    ------
    InputError
        With everything that is out of range.
    """

    monthly: float
    ramp: tuple[float, ...] = (1.0,)
    lag_months: float = 0.0
    spread: float = 0.0
    noise: float = 0.0
    hazard: float = 0.0
    delay_months: float = 0.0
    delay_spread: float = 0.0
    coupling: float = 0.0
    backfill_months: float | None = None
    note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        names = ("monthly", "lag_months", "spread", "noise", "hazard", "delay_months", "delay_spread", "coupling")
        problems = [
            Problem("hiring", "must be a number of at least 0", column=name, value=str(getattr(self, name)))
            for name in names
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0)
        ]
        wait = self.backfill_months
        if wait is not None and not (np.isfinite(wait) and wait >= 0):
            told = "must be a number of at least 0, or nothing"
            problems.append(Problem("hiring", told, column="backfill_months", value=str(wait)))
        if not self.ramp or not all(np.isfinite(share) and share >= 0 for share in self.ramp):
            told = "needs shares of at least 0"
            problems.append(Problem("hiring", told, "For instance (0, 0.25, 0.5, 1).", column="ramp"))
        if self.coupling > 1:
            problems.append(Problem("hiring", "must be at most 1", column="coupling", value=str(self.coupling)))
        if problems:
            raise InputError(problems)

    def ramped_months(self, tenure: Array) -> Array:
        """Integrate the ramp from the first day to a tenure in months, of any shape."""
        table = np.asarray(self.ramp, dtype=np.float64)
        edges = np.arange(len(table) + 1, dtype=np.float64)
        total = np.concatenate([[0.0], np.cumsum(table)])
        inside = np.interp(np.minimum(tenure, edges[-1]), edges, total)
        return np.asarray(inside + np.maximum(tenure - edges[-1], 0.0) * table[-1])


def learn_hire_law(
    model: FittedPipeline | FittedBookings,
    forecast: Forecast,
    delay_months: float = 0.0,
    delay_spread: float = 0.5,
    *,
    reps: Sequence[str] | None = None,
    replaced: bool = False,
) -> HireLaw:
    """Take the law from a fit and its forecast: what ramped reps of today book, how they differ, ramp, attrition.

    Parameters
    ----------
    model : FittedPipeline or FittedBookings
        The fit.
    forecast : Forecast
        Made from it.
    delay_months, delay_spread : float
        Time to fill a seat; records of reps do not show when a seat was opened.
    reps : sequence of str, optional
        Whose bookings a hire's are like, for instance those of a region; everybody who sells by default.
    replaced : bool
        Whether leavers are replaced, after as long as the record shows.

    Returns
    -------
    HireLaw

    Raises
    ------
    InputError
        If the forecast holds no period to come, or nobody sells.

    Notes
    -----
    Productivity is the mean of the reps who are past the ramp (of all where nobody is). Differences between reps are
    those of their expected bookings; noise is what their draws scatter beyond what they share with the company, scaled
    from periods to months as if months were independent. With deals, the ramp is one of creating deals and winning
    them, and bookings follow after the median cycle of won deals.
    """
    draws, months = _future(model, forecast)
    owners = model.roster.owners
    today = int(day_number(pd.DatetimeIndex([model.as_of]))[0])
    ramped = np.array([(today - hired) / MONTH_DAYS >= RAMP_MONTHS for hired in model.roster.hired], dtype=bool)
    like = np.array([reps is None or owner in set(reps) for owner in owners], dtype=bool)
    like = like if like.any() else np.ones(len(owners), dtype=bool)
    used = draws[:, like & ramped if (like & ramped).any() else like]
    mean = used.mean(axis=0)
    hazard = monthly_hazard(model.attrition.annual) if model.attrition.shape > 0 else 0.0
    survival = -np.expm1(-hazard * months) / (hazard * months) if hazard > 0 else 1.0
    coupling, own = _swings(draws, used)
    ramp = model.booking_ramp if isinstance(model, FittedPipeline) else model.factors.ramp
    return HireLaw(
        monthly=float(mean.mean()) / months / float(survival),
        ramp=tuple(float(share) for share in ramp),
        lag_months=_cycle(model) if isinstance(model, FittedPipeline) else 0.0,
        spread=float(mean.std() / mean.mean()) if mean.mean() > 0 else 0.0,
        noise=own * float(np.sqrt(months)),
        hazard=hazard,
        delay_months=delay_months,
        delay_spread=delay_spread,
        coupling=coupling,
        backfill_months=model.attrition.backfill_days / MONTH_DAYS if replaced and hazard > 0 else None,
        note=f"{used.shape[1]} reps {'past the ramp' if (like & ramped).any() else 'of whom none is past the ramp'}",
    )


def _future(model: FittedPipeline | FittedBookings, forecast: Forecast) -> tuple[Array, float]:
    """Bookings of each selling rep from now on, shape (trials, reps), and the months that this spans."""
    periods = [forecast.calendar.period(label) for label in forecast.periods]
    coming = [period for period in periods if period.start > model.as_of]
    if not coming or not model.roster.owners:
        told = "nobody sells, or no period is to come"
        raise InputError(Problem("hiring", told, "Give the law as numbers.", column="forecast"))
    inside = forecast.cells["period"].astype(str).isin([period.label for period in coming]).to_numpy()
    owner = forecast.cells["owner_id"].astype(str).to_numpy()
    sums = [forecast.draws[:, inside & (owner == name)].sum(axis=1) for name in model.roster.owners]
    return np.stack(sums, axis=1), sum(period.days for period in coming) / MONTH_DAYS


def _swings(draws: Array, used: Array) -> tuple[float, float]:
    """How much of the company's swing reps share on average, and the variation that is a rep's own."""
    mean = used.mean(axis=0)
    relative = used[:, mean > 0] / mean[mean > 0] - 1
    company = draws.sum(axis=1) / max(float(draws.sum(axis=1).mean()), 1e-300) - 1
    reps, variance = relative.shape[1], float(company.var())
    if reps < 2 or variance <= 0:
        return 0.0, float(relative.std(axis=0).mean()) if reps else 0.0
    # Mean covariance of two different reps: the variance of their sum less their own variances.
    shared = (float(relative.sum(axis=1).var()) - float(relative.var(axis=0).sum())) / (reps * (reps - 1))
    coupling = float(np.sqrt(min(max(shared / variance, 0.0), 1.0)))
    own = float(relative.var(axis=0).mean()) - max(shared, 0.0)
    return coupling, float(np.sqrt(max(own, 0.0)))


def _cycle(model: FittedPipeline) -> float:
    """Median cycle of won deals in months."""
    table = model.cycle_lengths(by=None)
    return float(table["median"].iloc[0]) / MONTH_DAYS
