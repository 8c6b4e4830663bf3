"""The pipeline model: everything history teaches about one company, fitted as of one date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.arrays import side_by_side
from spmforecast.calendar import FiscalCalendar, calendar_of, to_day
from spmforecast.data import History
from spmforecast.display import brief
from spmforecast.errors import InputError, Problem
from spmforecast.models.amounts import AmountModel, fit_amounts
from spmforecast.models.capacity import (
    Attrition,
    RepSpans,
    Roster,
    build_roster,
    fit_attrition,
    places_of,
    rep_spans,
)
from spmforecast.models.creation import CreationModel, fit_creation, month_of
from spmforecast.models.daytypes import day_types, ordinary
from spmforecast.models.exposure import Statistics
from spmforecast.models.funnel import Funnel, fit_funnel
from spmforecast.models.holidays import Holidays, learn_holidays, named_holidays
from spmforecast.models.kinds import LOST, move_types, rises
from spmforecast.models.market import MarketModel, MonthlyCounts, fit_market
from spmforecast.models.newcomers import WinRamp
from spmforecast.models.pooling import GammaPool
from spmforecast.models.process import StageProcess
from spmforecast.models.profiles import Profiles, build_profiles
from spmforecast.models.repwins import fit_rep_wins
from spmforecast.models.risksets import Stays, day_number, stays_and_events
from spmforecast.models.spec import RECORDED, ModelSpec
from spmforecast.models.tail import with_pareto_tail
from spmforecast.models.teams import TeamShocks, fit_teams, membership
from spmforecast.models.transitions import fit_with_statistics
from spmforecast.models.watched import Watched

__all__ = ["FittedPipeline", "PipelineModel", "last_recorded"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MANY_DEALS = 100_000  # from which threads pay


@dataclass(frozen=True)
class FittedPipeline:
    """What was learned, frozen; made by :meth:`PipelineModel.fit`.

    Parameters
    ----------
    spec : ModelSpec
        What was fitted.
    calendar : FiscalCalendar
        Fiscal year of the company.
    history : History
        The record as known at the as-of date.
    stays : Stays
        Visits of deals to stages.
    profiles : Profiles
        Groups of deals.
    process : StageProcess
        Conversion and cycle length together.
    amounts : AmountModel
        Amounts of won deals.
    creation : CreationModel
        New deals.
    market : MarketModel
        Common shocks.
    spans : RepSpans
        When each owner was selling.
    roster : Roster
        Owners that go on selling.
    attrition : Attrition
        How reps leave and are replaced.
    rep_wins : GammaPool
        Multiplier of each owner (ordered as ``creation.owners``) on the chance to win.
    win_ramp : WinRamp
        How much less often deals are won that a newcomer created.
    choice : str
        How the specification was chosen, in words; empty where it was given.
    funnel : Funnel, optional
        Whether recent activity moves the deals to come; None without activities.
    teams : TeamShocks, optional
        Shocks of single teams; None where there are no two.
    """

    spec: ModelSpec
    calendar: FiscalCalendar
    history: History
    stays: Stays
    profiles: Profiles
    process: StageProcess
    amounts: AmountModel
    creation: CreationModel
    market: MarketModel
    spans: RepSpans
    roster: Roster
    attrition: Attrition
    rep_wins: GammaPool
    win_ramp: WinRamp
    choice: str = ""
    funnel: Funnel | None = None
    teams: TeamShocks | None = None

    @property
    def as_of(self) -> pd.Timestamp:
        """The date at whose close the record was cut."""
        assert self.history.known_at is not None
        return self.history.known_at

    @property
    def variance_of_rep_wins(self) -> float:
        """Variance of the multiplier on winning over those who go on selling, doubt included."""
        return self.rep_wins.variance(_coming(self.creation, self.roster))

    @property
    def holidays(self) -> Holidays:
        """Days of the year on which hardly anything happens, as the record has them."""
        return self.process.holidays

    @property
    def booking_ramp(self) -> Array:
        """Bookings that a rep's new deals bring by month of tenure, one when ramped: fewer deals, won less often.

        Shape (months of tenure + 1,).
        """
        return np.asarray(self.creation.ramp * self.win_ramp.along(self.creation.ramp) / self.win_ramp.scale)

    def daily_creation(self, days: Ints) -> Array:
        """Deals a day of a ramped rep of average productivity, as season, weekday and recent activity have it."""
        rate = self.creation.base * self.creation.day_weights(days)
        if self.funnel is None or not self.funnel.used:
            return rate
        return np.asarray(rate * self.funnel.along(days))

    @property
    def deals(self) -> pd.DataFrame:
        """One row a deal, as known at the as-of date."""
        return self.stays.deals

    def conversion_rates(self, by: str | Sequence[str] | None = "segment") -> pd.DataFrame:
        """Chance that a deal that enters a stage is won in the end, with its 90 % interval.

        `deals` are visits to the stage; of these, `won` are of deals won by now, `open` of deals still open, which the
        estimate does not take for lost. `shrinkage` is the weight of other segments in the rate: 0 is its own alone.
        See :func:`spmforecast.models.views.conversion_rates`.
        """
        from spmforecast.models import views

        return views.conversion_rates(self, by)

    def cycle_lengths(self, by: str | Sequence[str] | None = "segment") -> pd.DataFrame:
        """Days from creation to win of the deals won: quartiles, and the 90 % interval of the median.

        Open deals count as open so far, so these are longer than the days of the deals won by now; `deals` are those.
        See :func:`spmforecast.models.views.cycle_lengths`.
        """
        from spmforecast.models import views

        return views.cycle_lengths(self, by)

    def summary(self) -> pd.DataFrame:
        """Every rate that the forecast uses, with its 90 % interval (`low` to `high`), deals behind it and shrinkage.

        `note` says what a rate is of and what it rests on. See :func:`spmforecast.models.summary.summary_table`.
        """
        from spmforecast.models.summary import summary_table

        return summary_table(self)

    def _facts(self) -> dict[str, object]:
        return {
            "as of": self.as_of.date(),
            "deals": f"{len(self.deals):,}",
            "won": f"{int((self.deals['status'] == 'won').sum()):,}",
            "stages": " → ".join(self.stays.stages),
        }

    def __repr__(self) -> str:
        return f"FittedPipeline({brief(self._facts())})"

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        told = {"estimate": "won in the end, of the visits to a stage", "low to high": "90 % interval"}
        shares = ("estimate", "low", "high", "shrinkage")
        return card("Fitted pipeline", self._facts() | told, self.conversion_rates(), shares=shares)


@dataclass(frozen=True)
class PipelineModel:
    """What to fit and in which fiscal year; :meth:`fit` does it.

    Parameters
    ----------
    spec : ModelSpec
        Choices of the fit.
    fiscal_year_start : int
        Month in which the fiscal year begins.
    calendar : FiscalCalendar, optional
        The whole fiscal calendar instead, for instance one of weeks.

    Raises
    ------
    InputError
        If year start and calendar are out of range or contradict each other.
    """

    spec: ModelSpec = field(default_factory=ModelSpec)
    fiscal_year_start: int = 1
    calendar: FiscalCalendar | None = None

    def __post_init__(self) -> None:
        calendar_of(self.fiscal_year_start, self.calendar)

    def fit(self, history: History, as_of: object = None) -> FittedPipeline:
        """Fit to what was known at the close of a day.

        Parameters
        ----------
        history : History
            The record; what is dated after `as_of` is not looked at.
        as_of : date-like, optional
            Defaults to the date at which the history is already cut, or to its last recorded day.

        Returns
        -------
        FittedPipeline

        Raises
        ------
        InputError
            If nothing is known at that date.
        """
        known = history.as_of(to_day(as_of)) if as_of is not None else history
        if known.known_at is None:
            known = history.as_of(last_recorded(history))
        if known.opportunities.empty:
            raise InputError(
                Problem(
                    "opportunities",
                    f"no deal is known as of {known.known_at.date() if known.known_at else as_of}",
                    "Choose a later as_of or check created_date.",
                    column="created_date",
                )
            )
        return _fit(known, self.spec, calendar_of(self.fiscal_year_start, self.calendar))


def _fit(known: History, spec: ModelSpec, calendar: FiscalCalendar) -> FittedPipeline:
    stays, log = stays_and_events(known)
    deals = stays.deals
    profiles = build_profiles(known, deals, spec)
    first_day = _first_day(known, deals, stays.today)
    spans = rep_spans(known, deals, first_day, stays.today)
    holidays = _holidays(stays, calendar) if spec.holidays is None else named_holidays(spec.holidays)
    (process, count), (creation, amounts, places) = side_by_side(
        lambda: fit_with_statistics(stays, profiles, calendar, spec, holidays),
        lambda: (
            fit_creation(deals, spans, first_day, stays.today, calendar, holidays),
            fit_amounts(deals, known.stage_history, profiles, log, limit=spec.amount_tail != RECORDED),
            places_of(known, deals, spans.owners),
        ),
        len(deals) >= _MANY_DEALS,
    )
    if spec.amount_tail == "pareto":
        amounts = with_pareto_tail(amounts, deals, profiles)
    roster = build_roster(places, spans)
    watched = Watched.of(stays, profiles.segment_of_deal, spans)
    rep_wins, win_ramp = fit_rep_wins(watched, creation.ramp, _coming(creation, roster))
    market = _market(process, count, creation, spec.growth)
    return FittedPipeline(
        spec=spec,
        calendar=calendar,
        history=known,
        stays=stays,
        profiles=profiles,
        process=process,
        amounts=amounts,
        creation=creation,
        market=market,
        spans=spans,
        roster=roster,
        attrition=fit_attrition(known, deals, spans, places),
        rep_wins=rep_wins,
        win_ramp=win_ramp,
        funnel=fit_funnel(known, deals, creation, market.creation, first_day, stays.today),
        teams=fit_teams(membership(places), creation, watched, rep_wins.mean, stays.today),
    )


def _holidays(stays: Stays, calendar: FiscalCalendar) -> Holidays:
    """Learn the holidays from what was created, moved and closed on each day."""
    ended = stays.to >= stays.won
    came, went = stays.entry[stays.start == 0], (stays.entry + stays.duration)[ended]
    first = int(min(came.min(initial=stays.today), went.min(initial=stays.today)))
    days = np.arange(first, stays.today + 1)
    events = sum(np.bincount(of - first, minlength=len(days)) for of in (came, went))
    return learn_holidays(np.asarray(events, dtype=np.float64), first, ordinary(day_types(days, calendar)))


def last_recorded(history: History) -> pd.Timestamp:
    """Last day on which something is on record."""
    deals = history.opportunities
    closed = deals.loc[deals["status"] != "open", "close_date"]
    return pd.Timestamp(pd.concat([deals["created_date"], closed, history.stage_history["entered_date"]]).max())


def _first_day(known: History, deals: pd.DataFrame, today: int) -> int:
    """First day from which every creation is on record; the very first day of a record may have begun midway."""
    first = int(day_number(deals["created_date"]).min()) + 1
    if known.observed_from is not None:
        first = max(first, int(day_number(pd.DatetimeIndex([known.observed_from]))[0]))
    return min(first, today)


def _market(process: StageProcess, count: Statistics, creation: CreationModel, growth: str) -> MarketModel:
    """Compare advances, wins, losses and creations with their expectations month by month."""
    kind = move_types(len(process.stages))
    column = month_of(count.days, creation.calendar) - creation.months[0]
    inside = (column >= 0) & (column < len(creation.months))
    hoped, seen = _expected_exits(process, count), count.events_of_day()

    def monthly(moves: npt.NDArray[np.bool_]) -> MonthlyCounts:
        daily = (seen[moves].sum(axis=0), hoped[moves].sum(axis=0))
        size = len(creation.months)
        return MonthlyCounts(
            *(np.bincount(column[inside], weights=of[inside], minlength=size).astype(np.float64) for of in daily)
        )

    return fit_market(
        created=MonthlyCounts(creation.observed, creation.expected),
        up=monthly(rises(kind)),
        lost=monthly(kind == LOST),
        season=creation.season_fit,
        month=creation.months % 12,
        growth=growth,
    )


def _coming(creation: CreationModel, roster: Roster) -> Array:
    """Weigh the owners by what those of them who go on selling create."""
    return np.where(np.isin(creation.owners, roster.owners), creation.reps.mean, 0.0)


def _expected_exits(process: StageProcess, count: Statistics) -> Array:
    """Work out the exits that the process expects of the deals at risk, shape (stages, destinations, days)."""
    rate, kind = process.intensities(), process.types_of(count.days)
    out = np.zeros((*rate.shape[1:3], len(kind)))
    for k in np.unique(kind):
        scaled = rate * process.rhythm[:, k, None]
        total = np.maximum(scaled.sum(axis=2, keepdims=True), 1e-300)
        chance = scaled * (-np.expm1(-total) / total)
        out[:, :, kind == k] = np.einsum("gsbd,gsjb->sjd", count.exposure[..., kind == k], chance)
    return out
