"""Where periods and fiscal years land, as the last forecast saw it and as this one does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.scenario.run import RunResult
from spmforecast.scenario.tables import covers

__all__ = ["closed_periods", "landing"]

Array = npt.NDArray[np.float64]

_QUANTILES = (0.1, 0.5, 0.9)


def landing(old: RunResult, new: RunResult) -> pd.DataFrame:
    """Tabulate every period and fiscal year of the last forecast, then and now.

    Parameters
    ----------
    old, new : RunResult
        Runs of one scenario as of two dates.

    Returns
    -------
    pandas.DataFrame
        ``period, forecast`` (``last`` or ``this``), ``as_of, closed, booked, mean, p10, p50, p90, plan, p_plan``.
        Every figure is of all bookings of the period, those booked already included. A closed one stands at its
        bookings; its chance is 0 or 1. A year that the horizon does not reach the end of has no plan.
    """
    labels = [*old.forecast.periods, *old.forecast.years]
    rows = []
    for label in labels:
        rows += [
            {"period": label, "forecast": name, **_row(run, label)} for name, run in (("last", old), ("this", new))
        ]
    return pd.DataFrame(rows)


def _row(run: RunResult, label: str) -> dict[str, object]:
    keys, calendar = run.scenario.keys, run.scenario.calendar
    closed = bool(calendar.period(label).end <= run.model.as_of)
    booked = booked_in(run, label)
    draws = np.full(1, booked) if closed else np.round(run.forecast.period_draws(label), 2)
    p10, p50, p90 = np.quantile(draws, _QUANTILES)
    whole = len(label) > 4 or closed or covers(run.forecast, label)
    target = run.plan.target(label) if whole else None
    return {
        "as_of": str(keys.as_of),
        "closed": closed,
        "booked": booked,
        "mean": float(draws.mean()),
        "p10": float(p10),
        "p50": float(p50),
        "p90": float(p90),
        "plan": np.nan if target is None else target,
        # Half a cent of tolerance, as wherever draws are held against a plan.
        "p_plan": np.nan if target is None else float((draws >= target - 0.005).mean()),
    }


def booked_in(run: RunResult, label: str) -> float:
    """Company bookings of a period known at a run's date, exact to the cent."""
    deals, period = run.model.deals, run.scenario.calendar.period(label)
    day = deals["close_date"]
    inside = (deals["status"] == "won").to_numpy() & (day >= period.start).to_numpy() & (day <= period.end).to_numpy()
    amount = deals["amount"].astype("float64").fillna(0.0).to_numpy()[inside]
    return float(int(np.rint(100.0 * amount).sum())) / 100.0


def closed_periods(old: RunResult, new: RunResult) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """List the periods that are closed now, with their bookings, and say which were booked otherwise before.

    Parameters
    ----------
    old, new : RunResult
        Runs as of two dates.

    Returns
    -------
    table : pandas.DataFrame
        ``period, booked, expected, plan, closed_before``: bookings, what the last forecast expected, the plan, and
        whether the period was closed at the last date already.
    notes : tuple of str
        Periods closed at the last date already whose bookings are others now: records were changed after the fact.
    """
    rows, notes = [], []
    for label in old.forecast.periods:
        if new.scenario.calendar.period(label).end > new.model.as_of:
            continue
        booked, before = booked_in(new, label), booked_in(old, label)
        expected = float(old.forecast.period_draws(label).mean())
        target = new.plan.target(label)
        shut = bool(old.scenario.calendar.period(label).end <= old.model.as_of)
        rows.append((label, booked, round(expected, 2), np.nan if target is None else target, shut))
        if shut and booked != before:
            notes.append(
                f"{label} was closed with {before:,.2f} at the last date and stands at {booked:,.2f} now: "
                "deals were re-opened or amended after the fact"
            )
    return pd.DataFrame(rows, columns=["period", "booked", "expected", "plan", "closed_before"]), tuple(notes)
