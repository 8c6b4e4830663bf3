"""The days from which a backtest forecasts: the same weeks of every closed period."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from spmforecast.calendar import FiscalCalendar, Period, to_day
from spmforecast.data import History
from spmforecast.errors import InputError, Problem
from spmforecast.models import ModelSpec
from spmforecast.models.pipeline import last_recorded
from spmforecast.simulate.inputs import WORLDS

__all__ = ["BacktestSettings", "Origin", "origins_of", "recorded"]

_WEEKS: dict[str, tuple[int, ...]] = {"quarter": (1, 4, 7, 10, 12), "month": (0, 1, 2, 3)}
_LEAST_DAYS = {"quarter": 365, "month": 90}
_WARM_UP = 28  # days of record before even the simplest rival says anything


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """What a backtest asks.

    Parameters
    ----------
    period : {"quarter", "month"}
        Length of the periods.
    weeks : tuple of int
        Weeks of each period at whose close a forecast is made; 0 is the eve of the period. By default 1, 4, 7, 10 and
        12 of a quarter, 0 to 3 of a month.
    ahead : int
        How many period ends are asked for: 2 are that of the period under way and the next.
    periods : int
        Scored periods at most, the latest.
    least_days : int
        Days of record that the first scored forecast must have; by default a year, 90 days where months are asked for.
    trials, seed, worlds : int
        Of the simulation.
    rivals : bool
        Whether rivals speak beside the model.
    spec : ModelSpec
        What is fitted.
    calendar : FiscalCalendar
        The fiscal year.
    """

    period: Literal["quarter", "month"] = "quarter"
    weeks: tuple[int, ...] = ()
    ahead: int = 2
    periods: int = 12
    least_days: int = 0
    trials: int = 1000
    seed: int = 1
    worlds: int = WORLDS
    rivals: bool = True
    spec: ModelSpec = field(default_factory=ModelSpec)
    calendar: FiscalCalendar = field(default_factory=FiscalCalendar)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weeks", tuple(sorted(set(self.weeks))) or _WEEKS[self.period])
        object.__setattr__(self, "least_days", self.least_days or _LEAST_DAYS[self.period])
        most = 13 if self.period == "quarter" else 4
        wrong = [("weeks", str(week), f"must lie from 0 to {most}") for week in self.weeks if not 0 <= week <= most]
        for name, least in (("ahead", 1), ("periods", 1), ("least_days", 1), ("trials", 2), ("worlds", 1)):
            if getattr(self, name) < least:
                wrong.append((name, str(getattr(self, name)), f"must be at least {least}"))
        if wrong:
            raise InputError(Problem("backtest", told, "", column=name, value=value) for name, value, told in wrong)


@dataclass(frozen=True, slots=True)
class Origin:
    """A day at whose close a forecast is made.

    Parameters
    ----------
    as_of : pandas.Timestamp
        The day.
    week : int
        Week of the period that it closes.
    targets : tuple of Period
        What is asked for: the period under way, then those that follow.
    scored : bool
        Whether the model is judged; otherwise only the rivals speak, who learn their errors that way.
    """

    as_of: pd.Timestamp
    week: int
    targets: tuple[Period, ...]
    scored: bool

    @property
    def name(self) -> str:
        """Day and week, for instance ``2024-05-12-w06``."""
        return f"{self.as_of.date()}-w{self.week:02d}"


def recorded(history: History) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first and the last day on which something is on record.

    Raises
    ------
    InputError
        If there is neither a deal nor a booking.
    """
    deals, bookings = history.opportunities, history.bookings
    if deals.empty and bookings.empty:
        raise InputError(Problem("opportunities", "there is neither a deal nor a booking to look back on"))
    if deals.empty:
        first, last = bookings["date"].min(), bookings["date"].max()
    else:
        first, last = deals["created_date"].min(), last_recorded(history)
    begun = pd.Timestamp(first) if history.observed_from is None else max(pd.Timestamp(first), history.observed_from)
    return to_day(begun), to_day(last)


def origins_of(history: History, settings: BacktestSettings, until: pd.Timestamp) -> tuple[Origin, ...]:
    """List the origins in order of time.

    Parameters
    ----------
    history : History
        The record.
    settings : BacktestSettings
        Weeks and periods.
    until : pandas.Timestamp
        Last day for which the record is whole: a period that ends later is not scored.

    Returns
    -------
    tuple of Origin
        The period under way is closed by `until` in all of them.

    Raises
    ------
    InputError
        If the record is too short for a single scored origin.
    """
    first, _ = recorded(history)
    every = settings.calendar.periods(first, until + pd.Timedelta(days=400), settings.period)
    closed = [place for place, period in enumerate(every) if period.end <= until]
    out = []
    for place in closed:
        for week in settings.weeks:
            as_of = every[place].start + pd.Timedelta(days=7 * week - 1)
            if as_of < first + pd.Timedelta(days=_WARM_UP) or as_of >= every[place].end:
                continue
            long_enough = as_of >= first + pd.Timedelta(days=settings.least_days)
            scored = long_enough and place >= len(closed) - settings.periods
            out.append(Origin(as_of, week, tuple(every[place : place + settings.ahead]), scored))
    if not any(origin.scored for origin in out):
        told = f"the record from {first.date()} to {until.date()} holds no {settings.period} that could be judged"
        mend = f"Each needs {settings.least_days} days of record before it; set least_days lower, or give more history."
        raise InputError(Problem("backtest", told, mend))
    return tuple(sorted(out, key=lambda origin: origin.as_of))
