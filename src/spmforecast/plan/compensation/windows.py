"""Bookings near the ends of periods: what could be moved over a boundary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spmforecast.calendar import FiscalCalendar
from spmforecast.errors import InputError, Problem
from spmforecast.plan.compensation.credit import credited, credits_of
from spmforecast.plan.compensation.ledger import Ledger
from spmforecast.plan.compensation.terms import Terms

__all__ = ["windows"]

Array = npt.NDArray[np.float64]


def windows(ledger: Ledger, terms: Terms, days: int, calendar: FiscalCalendar | None = None) -> tuple[Array, Array]:
    """Add up what was booked within some days of the end, and of the start, of each period.

    Parameters
    ----------
    ledger : Ledger
        Deals with dates; its periods are fiscal labels.
    terms : Terms
        The plan, which says how deals are credited.
    days : int
        Length of the window.
    calendar : FiscalCalendar, optional
        Calendar years where absent.

    Returns
    -------
    late, early : array of float, shape (trials, reps, periods)
        Credit of the main measure, in its unit: of the last and of the first `days` days of each period.

    Raises
    ------
    InputError
        If a deal has no date.
    """
    if np.isnat(ledger.day).any():
        raise InputError(Problem("ledger", "a deal has no date", "Add dates to all deals.", column="date"))
    spans = [(calendar or FiscalCalendar()).period(label) for label in ledger.periods]
    day = ledger.day.astype("datetime64[D]")
    start = np.array([np.datetime64(span.start, "D") for span in spans])[ledger.period]
    end = np.array([np.datetime64(span.end, "D") for span in spans])[ledger.period]
    rows = {terms.main: credited(ledger, terms)[terms.main]}
    late = credits_of(ledger, rows, (end - day).astype(int) < days)[terms.main]
    early = credits_of(ledger, rows, (day - start).astype(int) < days)[terms.main]
    return late / 100.0, early / 100.0
