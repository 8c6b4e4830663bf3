"""Quotas and target incentives of what components look at: a period, or a fiscal year to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.plan.compensation.cents import half_up, to_hundredths
from spmforecast.plan.compensation.terms import Component, Terms

__all__ = ["Grid", "year_starts"]

Array = npt.NDArray[np.float64]


def year_starts(count: int, per_year: int, labels: Sequence[str] | None, calendar: FiscalCalendar) -> tuple[int, ...]:
    """Return, for each period, the number of the first one of its fiscal year.

    Parameters
    ----------
    count : int
        Periods.
    per_year : int
        Periods of a year, which counts from the first period where there are no labels.
    labels : sequence of str, optional
        Labels of the periods, in order of time.
    calendar : FiscalCalendar
        Decides to which year a label belongs.
    """
    if labels is None:
        return tuple(p - p % per_year for p in range(count))
    years = [calendar.year_of(str(label)) for label in labels]
    return tuple(years.index(year) for year in years)


@dataclass(frozen=True)
class Grid:
    """The cells in which pay is worked out, and what is asked for in each.

    Parameters
    ----------
    terms : Terms
        The plan.
    quotas : dict of str to array of float, shape (reps, periods)
        Quota of each measure, hundredths; NaN where there is none.
    active : array of float, shape (reps, periods)
        Share of each period in which the rep is on the plan; scales the target incentive.
    years : tuple of int
        For each period the first one of its fiscal year.
    """

    terms: Terms
    quotas: dict[str, Array]
    active: Array
    years: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Reps and periods."""
        return (int(self.active.shape[0]), int(self.active.shape[1]))

    def quota(self, measure: str, rep: int, period: int, component: Component) -> int | None:
        """Return the quota, in hundredths, of the span that a component looks at; None where there is none."""
        given = self.quotas.get(measure)
        if given is None:
            return None
        if not component.year_to_date:
            asked = given[rep, [period]]
        else:
            asked = given[rep, self._span(period, component.to_date)]
        known = asked[~np.isnan(asked)]
        return sum(int(one) for one in known) if len(known) else None

    def target(self, component: Component, rep: int, period: int) -> Fraction:
        """Return the target incentive, in hundredths, of the span that a component looks at."""
        span = self._span(period, component.to_date) if component.year_to_date else slice(period, period + 1)
        return self._summed(component.target, rep, span)

    def period_target(self, rep: int, period: int, yearly: bool) -> Fraction:
        """Return the plan's target incentive of a period or of its fiscal year, hundredths."""
        span = self._span(period, to_date=False) if yearly else slice(period, period + 1)
        return self._summed(self.terms.target, rep, span)

    def _summed(self, target: Fraction | None, rep: int, span: slice) -> Fraction:
        """Add up the periods' parts of a year's target; where the rep is there for a part only, to the cent."""
        whole = (target or Fraction(0)) / self.terms.periods_per_year
        shares = self.active[rep, span].tolist()
        full = shares.count(1.0)
        parts = [half_up(whole * Fraction(str(share))) for share in shares if share != 1.0]
        return Fraction(whole * full + sum(parts))

    def _span(self, period: int, to_date: bool) -> slice:
        """Return the periods of the fiscal year, all of them or those so far."""
        first = self.years[period]
        end = period + 1 if to_date else max(p for p, start in enumerate(self.years) if start == first) + 1
        return slice(first, end)

    def accumulate(self, credit: Array, component: Component) -> Array:
        """Return what a component looks at, for credits of shape (n, reps, periods)."""
        return self.to_date(credit) if component.year_to_date else credit

    def to_date(self, values: Array) -> Array:
        """Add up over the periods of each fiscal year."""
        return self._by_year(values, lambda piece: np.cumsum(piece, axis=-1))

    def by_period(self, values: Array) -> Array:
        """Undo :meth:`to_date`."""
        return self._by_year(values, lambda piece: np.diff(piece, axis=-1, prepend=0.0))

    def _by_year(self, values: Array, change: Callable[[Array], Array]) -> Array:
        out = np.empty_like(values)
        for first in sorted(set(self.years)):
            here = [p for p, start in enumerate(self.years) if start == first]
            out[..., here] = change(values[..., here])
        return out


def hundredths(values: npt.ArrayLike, shape: tuple[int, int]) -> Array:
    """Read quotas in hundredths and spread them over reps and periods."""
    return np.broadcast_to(to_hundredths(values), shape)
