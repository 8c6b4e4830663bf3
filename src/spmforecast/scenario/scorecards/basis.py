"""What all tables of the scorecards rest on: the run, the days they speak of, and what deals brought whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.data.ids import rows_of
from spmforecast.models import FittedPipeline
from spmforecast.models.passing import Passing
from spmforecast.models.risksets import day_number
from spmforecast.scenario.keys import ScorecardKeys
from spmforecast.scenario.run import RunResult
from spmforecast.simulate.credits import divide, shares_of

__all__ = ["OTHERS", "Basis"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OTHERS = "(others)"
"""Stands for owners who no longer sell, so that columns add up to the company."""

_YEAR_DAYS = 365


@dataclass(frozen=True, eq=False)
class Basis:
    """What all tables rest on.

    Parameters
    ----------
    result : RunResult
        The forecast, assumptions included.
    model : FittedPipeline
        The fit to what was known at the as-of date, before anything is assumed.
    passing : Passing
        What the fit says of each stage.
    """

    result: RunResult
    model: FittedPipeline
    passing: Passing

    @property
    def keys(self) -> ScorecardKeys:
        """What the scenario says of scorecards."""
        return self.result.scenario.keys.scorecards

    @property
    def today(self) -> int:
        """Number of the as-of day."""
        return self.model.stays.today

    @cached_property
    def before(self) -> int:
        """Last day before the year that is looked back on; a shorter record is taken whole."""
        began = int(day_number(self.model.deals["created_date"]).min())
        if self.model.history.observed_from is not None:
            began = max(began, int(day_number(pd.DatetimeIndex([self.model.history.observed_from]))[0]))
        return min(max(self.today - _YEAR_DAYS, began - 1), self.today - 1)

    @property
    def days(self) -> int:
        """Days looked back on."""
        return self.today - self.before

    @cached_property
    def period(self) -> str:
        """Label of the period that holds the as-of day: what is done so far is counted in it."""
        return str(self.model.calendar.label(self.model.as_of, self.result.scenario.keys.period))

    @cached_property
    def ahead(self) -> str:
        """Label of the first period that is still open: forecast and quota are those of it."""
        tomorrow = self.model.as_of + pd.Timedelta(days=1)
        return str(self.model.calendar.label(tomorrow, self.result.scenario.keys.period))

    @cached_property
    def year(self) -> str:
        """Label of the fiscal year that holds the as-of day."""
        return str(self.model.calendar.label(self.model.as_of, "year"))

    @cached_property
    def period_start(self) -> int:
        """First day of the period that holds the as-of day."""
        return int(day_number(pd.DatetimeIndex([self.model.calendar.period(self.period).start]))[0])

    @property
    def reps(self) -> tuple[str, ...]:
        """Who sells at the as-of date."""
        return self.model.roster.owners

    @cached_property
    def segment_of_visit(self) -> Ints:
        """Segment of each visit, from 0."""
        return np.asarray(self.model.profiles.segment_of_deal[self.model.stays.deal])

    @cached_property
    def created(self) -> Ints:
        """Day on which each deal was created."""
        return day_number(self.model.deals["created_date"])

    @cached_property
    def closed(self) -> Ints:
        """Day on which each deal closes, or is expected to; the smallest integer where it is not known."""
        return day_number(self.model.deals["close_date"])

    @cached_property
    def status(self) -> npt.NDArray[np.object_]:
        """How each deal stands."""
        return self.model.deals["status"].to_numpy(dtype=object)

    @cached_property
    def owner(self) -> npt.NDArray[np.object_]:
        """Owner of each deal."""
        return self.model.deals["owner_id"].astype(str).to_numpy(dtype=object)

    @cached_property
    def ids(self) -> npt.NDArray[np.object_]:
        """Name of each deal."""
        return self.model.deals["opportunity_id"].astype(str).to_numpy(dtype=object)

    @cached_property
    def credits(self) -> pd.DataFrame:
        """Who is credited with each win: ``row`` of the deal, ``owner_id, share, lead, day`` and ``amount``."""
        rows = np.flatnonzero(self.status == "won")
        deals = self.model.deals.iloc[rows]
        shared = shares_of(deals, self.model.history.splits)
        at = rows[shared["row"].to_numpy(dtype=np.int64)]
        whole = self.model.deals["amount"].to_numpy(dtype=np.float64, na_value=0.0)[at]
        parts = divide(whole, shared["share"].to_numpy(dtype=np.float64), shared["lead"].to_numpy(dtype=bool))
        return shared.assign(row=at, day=self.closed[at], amount=parts)

    def by_rep(self, owner: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Array:
        """Count, or add up, by those who sell now; what others did is left out."""
        at = rows_of(pd.Series(np.asarray(owner, dtype=object), dtype="str"), pd.Series(self.reps, dtype="str"))
        of = None if weight is None else np.asarray(weight, dtype=np.float64)[at >= 0]
        return np.bincount(at[at >= 0], of, minlength=len(self.reps)).astype(np.float64)
