"""The bookings model: what a ledger without deals teaches about one company, fitted as of one date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar, calendar_of, to_day
from spmforecast.data import History
from spmforecast.display import brief
from spmforecast.errors import InputError, Problem
from spmforecast.models.bookings.factors import Factors, day_weights, fit_factors, fit_rhythm
from spmforecast.models.bookings.ledger import Ledger, booking_spans, build_ledger, month_grid
from spmforecast.models.bookings.noise import OrderSizes, fit_sizes
from spmforecast.models.bookings.teams import BookingTeams, fit_booking_teams
from spmforecast.models.capacity import Attrition, RepSpans, Roster, build_roster, fit_attrition, places_of
from spmforecast.models.risksets import day_number

__all__ = ["BookingsModel", "FittedBookings"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FittedBookings:
    """What was learned, frozen; made by :meth:`BookingsModel.fit`.

    Parameters
    ----------
    calendar : FiscalCalendar
        Fiscal year of the company.
    history : History
        The record as known at the as-of date.
    ledger : Ledger
        Bookings by line and by order.
    spans : RepSpans
        When each rep was selling.
    roster : Roster
        Reps that go on selling.
    attrition : Attrition
        How reps leave and are replaced.
    hires : int
        Newcomers behind the ramp.
    rhythm : array of float, shape (types,)
        Relative bookings of each type of day.
    factors : Factors
        Level, season, market and scatter.
    sizes : OrderSizes
        Orders and cancellations.
    teams : BookingTeams, optional
        Shocks of single teams; None where there are no two.
    """

    calendar: FiscalCalendar
    history: History
    ledger: Ledger
    spans: RepSpans
    roster: Roster
    attrition: Attrition
    hires: int
    rhythm: Array
    factors: Factors
    sizes: OrderSizes
    teams: BookingTeams | None = None

    @property
    def as_of(self) -> pd.Timestamp:
        """The date at whose close the record was cut."""
        assert self.history.known_at is not None
        return self.history.known_at

    @property
    def deals(self) -> pd.DataFrame:
        """The orders, shaped as deals won on their day, so that views of past bookings read both alike."""
        orders = self.ledger.orders
        return pd.DataFrame(
            {
                "opportunity_id": np.arange(len(orders)).astype(str),
                "owner_id": orders["owner_id"],
                "status": pd.Series("won", index=orders.index, dtype="str"),
                "created_date": orders["date"],
                "close_date": orders["date"],
                "amount": orders["amount"],
            }
        )

    def monthly_levels(self) -> pd.DataFrame:
        """List what each rep books in a usual month at the as-of date; see :func:`views.monthly_levels`."""
        from spmforecast.models.bookings import views

        return views.monthly_levels(self)

    def summary(self) -> pd.DataFrame:
        """Every rate that the forecast uses, with its interval, orders behind it and shrinkage."""
        from spmforecast.models.bookings import views

        return views.rates(self)

    def _facts(self) -> dict[str, object]:
        return {
            "as of": self.as_of.date(),
            "orders": f"{len(self.ledger.orders):,}",
            "reps selling": len(self.roster.owners),
        }

    def __repr__(self) -> str:
        return f"FittedBookings({brief(self._facts())})"

    def _repr_html_(self) -> str:
        from spmforecast.display import card

        return card("Fitted bookings", self._facts(), self.monthly_levels())


@dataclass(frozen=True)
class BookingsModel:
    """In which fiscal year to fit; :meth:`fit` does it. For companies that record bookings but no deals.

    Parameters
    ----------
    fiscal_year_start : int
        Month in which the fiscal year begins.
    calendar : FiscalCalendar, optional
        The whole fiscal calendar instead, for instance one of weeks.

    Raises
    ------
    InputError
        If year start and calendar are out of range or contradict each other.
    """

    fiscal_year_start: int = 1
    calendar: FiscalCalendar | None = None

    def __post_init__(self) -> None:
        calendar_of(self.fiscal_year_start, self.calendar)

    def fit(self, history: History, as_of: object = None) -> FittedBookings:
        """Fit to what was known at the close of a day.

        Parameters
        ----------
        history : History
            The record; what is dated after `as_of` is not looked at.
        as_of : date-like, optional
            Defaults to the date at which the history is already cut, or to the day of its last booking.

        Returns
        -------
        FittedBookings

        Raises
        ------
        InputError
            If no booking is known at that date.
        """
        known = history.as_of(to_day(as_of)) if as_of is not None else history
        if known.known_at is None and len(history.bookings):
            known = history.as_of(history.bookings["date"].max())
        if known.bookings.empty:
            told = f"no booking is known as of {known.known_at.date() if known.known_at else 'any day'}"
            raise InputError(Problem("bookings", told, "Choose a later as_of or check date.", column="date"))
        return _fit(known, calendar_of(self.fiscal_year_start, self.calendar))


def _fit(known: History, calendar: FiscalCalendar) -> FittedBookings:
    ledger = build_ledger(known)
    orders = ledger.orders
    assert known.known_at is not None
    today = int(day_number(pd.DatetimeIndex([known.known_at]))[0])
    booked_on = day_number(orders["date"])
    first_day = int(booked_on.min())
    if known.observed_from is not None:
        first_day = max(first_day, int(day_number(pd.DatetimeIndex([known.observed_from]))[0]))
    first_day = min(first_day, today)
    days = np.arange(first_day, today + 1)
    spans = booking_spans(known, orders, first_day, today)
    code = {owner: index for index, owner in enumerate(spans.owners)}
    owner = np.asarray(orders["owner_id"].map(code), dtype=np.int64)
    amount = orders["amount"].to_numpy(dtype=np.float64)
    sizes = fit_sizes(owner, amount, len(spans.owners))
    inside = booked_on >= first_day
    by_day = np.zeros(len(days))
    np.add.at(by_day, booked_on[inside] - first_day, np.maximum(amount[inside], 0.0))
    rhythm = fit_rhythm(days, by_day, calendar, sizes.unit)
    grid = month_grid(orders, spans, days, calendar.month_numbers(days), day_weights(days, calendar, rhythm))
    hires = int(((spans.hired >= first_day) & (spans.hired <= today)).sum())
    factors = fit_factors(grid, sizes.unit, hires)
    places = places_of(known, ledger.lines, spans.owners)
    return FittedBookings(
        calendar=calendar,
        history=known,
        ledger=ledger,
        spans=spans,
        roster=build_roster(places, spans),
        attrition=fit_attrition(known, ledger.lines, spans, places),
        hires=hires,
        rhythm=rhythm,
        factors=factors,
        sizes=sizes,
        teams=fit_booking_teams(places, grid, factors, int(calendar.month_numbers(np.array([today + 1]))[0])),
    )
