"""New deals of earlier quarters held against the tables of chances: how soon they win, and in which month of a quarter.

Each stay forgets the others. A deal that agreed in July and waits for the end of September to sign is, to the process,
a deal in its last stage like any other; so more deals than it says are won in a quarter's last month, and fewer in its
first. What is missed is much the same however long ago the deals were created.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.futures import Futures
from spmforecast.models.landmarks import fit_lags, fit_months
from spmforecast.simulate.horizon import Horizon

__all__ = ["QUARTER_DAYS", "PastCohorts", "past_cohorts"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

QUARTER_DAYS = 91
_SHORTEST_QUARTER = 90


@dataclass(frozen=True)
class PastCohorts:
    """Wins of earlier new deals, and what the tables expect of the same deals.

    Parameters
    ----------
    seen, hoped : array of float, shape (segments, lags, months)
        Wins by periods since creation and by month of the quarter; one month where periods are no months.
    month : array of int, shape (periods,)
        Month of its quarter that each period of the horizon is.
    """

    seen: Array
    hoped: Array
    month: Ints

    def lags(self) -> Array:
        """Multipliers of new deals' chances by periods since creation, shape (segments, periods)."""
        return fit_lags(self.seen.sum(axis=-1), self.hoped.sum(axis=-1))

    def months(self, lags: Array) -> Array:
        """Multipliers of all deals' chances in each period, by its month of the quarter, beside those of lags.

        Parameters
        ----------
        lags : array of float, shape (segments, periods)
            Of :meth:`lags`.

        Returns
        -------
        array of float, shape (periods,)
        """
        hoped = self.hoped * lags[:, :, None]
        return fit_months(self.seen.sum(axis=(0, 1)), hoped.sum(axis=(0, 1)))[self.month]


def past_cohorts(
    model: FittedPipeline, horizon: Horizon, centre: Futures, dates: list[int], won_on: Ints
) -> PastCohorts:
    """Hold the deals that were created in the quarters after earlier dates against the tables of arrivals.

    Deals are held against the cohort of the horizon that lies in the same quarter of the year, as creation within a
    quarter has its seasons; where the horizon ends too early for a lag, against the first one.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    centre : Futures
        Tables at the fitted intensities, a row a profile.
    dates : list of int
        Earlier days that lie in their quarter as the as-of date does in its own.
    won_on : array of int, shape (all deals,)
        Day on which each deal was won; far in the past where it was not.

    Returns
    -------
    PastCohorts
    """
    stays, month = model.stays, horizon.months_of_quarter()
    first = np.append(True, stays.deal[1:] != stays.deal[:-1])[: len(stays.deal)] & (stays.start == 0)
    deal, stage, born = stays.deal[first], stays.stage[first], stays.entry[first]
    segment, segments = model.profiles.segment_of_deal[deal], len(model.profiles.segments)
    seen, hoped = np.zeros((2, segments, len(month), int(month.max()) + 1))
    for at, lag, moved in _comparable(horizon, dates, stays.today):
        mine = _period_at(born + moved, horizon) == at
        won = _period_at(won_on[deal[mine]] + moved, horizon) == at + lag
        table = centre.arrival_won[model.profiles.of_deal[deal[mine]], stage[mine], at, at + lag]
        cell = np.s_[:, lag, month[at + lag]]
        seen[cell] += np.bincount(segment[mine], weights=won, minlength=segments)
        hoped[cell] += np.bincount(segment[mine], weights=table.astype(np.float64), minlength=segments)
    return PastCohorts(seen, hoped, month)


def _comparable(horizon: Horizon, dates: list[int], today: int) -> Iterator[tuple[int, int, int]]:
    """Find the cohorts of earlier quarters that were watched for long enough.

    Yields
    ------
    at, lag, moved : int
        Cohort of the horizon that it is held against, periods that follow it, and the days by which what came then has
        to be moved to come now, counted from the as-of date.
    """
    periods, in_quarter = len(horizon.periods), _periods_in_quarter(horizon)
    begins = np.searchsorted(horizon.cell, np.arange(periods + 1))
    for day in dates:
        turn = (-round((today - day) / QUARTER_DAYS)) % 4 * in_quarter
        for cohort in np.flatnonzero(begins[:-1] < _SHORTEST_QUARTER).tolist():
            # What is left of a period that has begun has no like later on.
            moves_on = turn if cohort > 0 or begins[1] == horizon.periods[0].days else 0
            for lag in range(periods - cohort):
                at = cohort + moves_on if cohort + moves_on + lag < periods else cohort
                moved = int(begins[at] - begins[cohort]) - day
                if begins[at + lag + 1] - moved <= today:
                    yield at, lag, moved


def _periods_in_quarter(horizon: Horizon) -> int:
    """Count the periods that make a quarter; none where they are longer than that."""
    last = horizon.calendar.month_numbers(horizon.days[horizon.cell == len(horizon.periods) - 1])
    return {1: 3, 3: 1}.get(len(np.unique(last)), 0)


def _period_at(after: Ints, horizon: Horizon) -> Ints:
    """Period in which each day after the as-of date lies (1 is the first one), -1 outside of the horizon."""
    inside = (after >= 1) & (after <= len(horizon.days))
    return np.where(inside, horizon.cell[np.clip(after, 1, len(horizon.days)) - 1], -1)
