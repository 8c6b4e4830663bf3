"""The factors of a rep's month, fitted in turn: base, level, ramp, place in the quarter and what all have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.models.bookings.common import CommonFactor, fit_common
from spmforecast.models.bookings.ledger import MonthGrid
from spmforecast.models.bookings.levels import RepLevels, fit_levels, smoothed_levels
from spmforecast.models.bookings.noise import Noise, fit_noise
from spmforecast.models.daytypes import DAY_TYPES, day_types
from spmforecast.models.market import MonthlyCounts
from spmforecast.models.pooling import GammaPool, fit_gamma_pool
from spmforecast.models.ramp import RAMP_MONTHS, fit_ramp

__all__ = ["Factors", "day_weights", "fit_factors", "fit_rhythm"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MONTH_DAYS = 30.4375
_SWEEPS = 6
_PLACE_MONTHS = 6  # of record before a rep may have a rhythm of its own within the quarter
_RHYTHM_PRIOR_UNITS = 10.0
_LEAST = 1e-9


@dataclass(frozen=True)
class Factors:
    """Fitted factors.

    Parameters
    ----------
    base : float
        Bookings in a usual month of an average, ramped rep where the common factor is one.
    levels : RepLevels
        Each rep's level.
    places : array of float, shape (reps, 3)
        Multiplier of each rep and month of the quarter.
    place_pool : GammaPool
        What it was shrunk with.
    ramp : array of float, shape (13,)
        Productivity by month of tenure.
    common : CommonFactor
        Market, trend and season.
    noise : Noise
        Scatter.
    months : array of int, shape (reps,)
        Months of presence of each rep.
    expected : array of float, shape (reps, months)
        What was expected of each in the months on record, were every level one.
    """

    base: float
    levels: RepLevels
    places: Array
    place_pool: GammaPool
    ramp: Array
    common: CommonFactor
    noise: Noise
    months: Array
    expected: Array


def fit_rhythm(days: Ints, amount: Array, calendar: FiscalCalendar, unit: float) -> Array:
    """Relative bookings of each type of day within its month.

    Parameters
    ----------
    days : array of int, shape (days,)
        Every day of the record.
    amount : array of float, shape (days,)
        Bookings of each day, nowhere negative.
    calendar : FiscalCalendar
        Decides months and types.
    unit : float
        Money that counts as one order.

    Returns
    -------
    array of float, shape (types,)
        One for each of :data:`~spmforecast.models.daytypes.DAY_TYPES`, leaning on an even month.
    """
    kind, month = day_types(days, calendar), calendar.month_numbers(days)
    month = month - month[0]
    even = np.bincount(month, weights=amount) / np.bincount(month)
    seen = np.bincount(kind, weights=amount, minlength=len(DAY_TYPES))
    hoped = np.bincount(kind, weights=even[month], minlength=len(DAY_TYPES))
    prior = _RHYTHM_PRIOR_UNITS * max(unit, _LEAST)
    return np.asarray((seen + prior) / (hoped + prior), dtype=np.float64)


def day_weights(days: Ints, calendar: FiscalCalendar, rhythm: Array) -> Array:
    """Weight of each day in months: days of a month share its length in the rhythm of their types.

    Parameters
    ----------
    days : array of int, shape (days,)
        Consecutive days.
    calendar : FiscalCalendar
        Decides months and types.
    rhythm : array of float, shape (types,)
        From :func:`fit_rhythm`.

    Returns
    -------
    array of float, shape (days,)
    """
    ends = calendar.month_numbers(days[[0, -1]])
    first, stop = calendar.month_starts(np.array([ends[0], ends[1] + 1]))
    every = np.arange(first, stop)
    month = calendar.month_numbers(every) - ends[0]
    weight = rhythm[day_types(every, calendar)]
    mean = np.bincount(month, weights=weight) / np.bincount(month)
    return np.asarray((weight / mean[month])[days[0] - first :][: len(days)] / _MONTH_DAYS, dtype=np.float64)


def fit_factors(grid: MonthGrid, independent: float, hires: int) -> Factors:
    """Fit all factors by turns.

    Parameters
    ----------
    grid : MonthGrid
        Bookings and presence.
    independent : float
        Variance over mean of bookings made of independent orders.
    hires : int
        Newcomers of known hire date within the record.

    Returns
    -------
    Factors
    """
    return _Sweeps(grid, max(independent, _LEAST), hires).run()


class _Sweeps:
    """Working arrays of the cyclic fit."""

    def __init__(self, grid: MonthGrid, independent: float, hires: int) -> None:
        self.grid, self.independent, self.hires = grid, independent, hires
        reps, months = grid.amount.shape
        self.base = max(float(grid.amount.sum() / max(grid.present.sum(), _LEAST)), _LEAST)
        self.places, self.ramp, self.together = np.ones((reps, 3)), np.ones(RAMP_MONTHS + 1), np.ones(months)
        self.place_pool = GammaPool(1e4, np.zeros((reps, 3)), np.zeros((reps, 3)))
        self.noise, self.excess = Noise(independent, 1.0, 0.0, 0), 0.0
        self.levels, self.level = self._update_levels()

    def run(self) -> Factors:
        """Go round a few times."""
        for sweep in range(_SWEEPS):
            common = self._update_common(keep=sweep < _SWEEPS - 1)
            if sweep == _SWEEPS - 1:
                break
            self._update_ramp()
            self._update_places()
            self.levels, self.level = self._update_levels()
            free = self._free()
            unit, memory = self.noise.unit, self.levels.memory
            strength = self.noise.in_quarters(self.levels.strength)
            amount, free = (of[:, : self._whole_quarters()] for of in (self.grid.amount, free))
            self.noise = fit_noise(amount, free, strength, memory, unit, self.independent)
            self.levels, self.level = self._update_levels()
        return Factors(
            base=self.base,
            levels=self.levels,
            places=self.places,
            place_pool=self.place_pool,
            ramp=self.ramp,
            common=common,
            noise=self.noise,
            months=self.grid.present.sum(axis=1),
            expected=self._free(),
        )

    def _whole_quarters(self) -> int:
        """Count the months up to the end of the last fiscal quarter: accounts that buy once a quarter keep to those."""
        last = np.flatnonzero(self.grid.months % 3 == 2)
        return int(last[-1]) + 1 if len(last) else len(self.grid.months)

    def _free(self) -> Array:
        """Work out what is expected of an average rep in each rep's place, shape (reps, months)."""
        place = self.places[:, self.grid.months % 3]
        return np.asarray(self.base * self.grid.present * self.ramp[self.grid.tenure] * place * self.together)

    def _update_levels(self) -> tuple[RepLevels, Array]:
        free, unit = self._free(), self.noise.unit_of_month
        levels = fit_levels(self.grid.amount / unit, free / unit)
        level = smoothed_levels(self.grid.amount / unit, free / unit, levels.strength, levels.memory)
        return levels, level

    def _update_common(self, keep: bool) -> CommonFactor:
        """Fit what all have in common to the company's months; the last time only its law is wanted."""
        expected = self._free() * self.level / self.together
        total, seen = expected.sum(axis=0), np.maximum(self.grid.amount.sum(axis=0), 0.0)
        scatter = self.noise.unit_of_month * total + self.noise.frailty * (expected**2).sum(axis=0)
        unit = np.where(total > 0, np.maximum(scatter, _LEAST) / np.maximum(total, _LEAST), _LEAST)
        ratio, noise = MonthlyCounts(seen / unit, total / unit).log_ratio()
        common = fit_common(self.grid.months, ratio - self.excess, noise)
        if keep:
            factor = np.ones(len(self.together))
            factor[np.isin(self.grid.months, common.months)] = common.expected()
            self._match(factor * total, seen)
            # A level above or below one on average belongs into the base.
            mean = float((factor * total).sum() / max(total.sum(), _LEAST))
            self.base, self.together = self.base * mean, factor / mean
        return common

    def _match(self, expected: Array, seen: Array) -> None:
        """Take from the log ratios what keeps the record's months from adding up to what was booked in them.

        Sums of a few orders of very different sizes are more skewed than counts: their log lies elsewhere below that
        of their mean.
        """
        half = 0.5 * self.noise.unit_of_month
        self.excess += float(np.log((expected.sum() + half) / (seen[expected > 0].sum() + half)))

    def _update_ramp(self) -> None:
        unit = self.noise.unit_of_month
        expected = self._free() * self.level / self.ramp[self.grid.tenure] / unit
        flat = self.grid.tenure.ravel()
        units = np.maximum(self.grid.amount, 0.0) / unit
        seen, hoped = np.zeros(RAMP_MONTHS + 1), np.zeros(RAMP_MONTHS + 1)
        np.add.at(seen, flat, units.ravel())
        np.add.at(hoped, flat, expected.ravel())
        self.ramp = fit_ramp(seen, hoped, self.hires)

    def _update_places(self) -> None:
        if len(self.grid.months) < _PLACE_MONTHS:
            return
        place = np.eye(3)[self.grid.months % 3]
        whole = self._free() * self.level
        hoped = (whole / self.places[:, self.grid.months % 3]) @ place / self.noise.unit_of_month
        seen = np.maximum(self.grid.amount @ place, 0.0) / self.noise.unit_of_month
        # Compared with the rep's own total: levels are not the matter here.
        hoped = hoped * (seen.sum(axis=1) / np.maximum(hoped.sum(axis=1), _LEAST))[:, None]
        self.place_pool = fit_gamma_pool(seen, hoped)
        mean = (self.place_pool.mean * hoped).sum(axis=1) / np.maximum(hoped.sum(axis=1), _LEAST)
        self.places = np.where(mean[:, None] > 0, self.place_pool.mean / np.maximum(mean, _LEAST)[:, None], 1.0)
