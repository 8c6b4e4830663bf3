"""Good and bad quarters of single teams, beside the company's own, where bookings alone are recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.models.bookings.factors import Factors
from spmforecast.models.bookings.ledger import MonthGrid
from spmforecast.models.bookings.levels import smoothed_levels
from spmforecast.models.bookings.noise import weight_around
from spmforecast.models.teams import Membership, membership, shares
from spmforecast.models.teamspread import TeamSpread, fit_team_spread

__all__ = ["BookingTeams", "fit_booking_teams"]

Array = npt.NDArray[np.float64]

_YEAR = 4  # quarters


@dataclass(frozen=True)
class BookingTeams:
    """Shocks of teams and quarters on bookings.

    Parameters
    ----------
    teams : Membership
        Who belongs together, owners ordered as the model's spans.
    share : array of float, shape (teams,)
        Share of each in what was expected of all in the last year.
    spread : TeamSpread
        Of the log of bookings.
    """

    teams: Membership
    share: Array
    spread: TeamSpread


def fit_booking_teams(places: pd.DataFrame, grid: MonthGrid, factors: Factors, next_month: int) -> BookingTeams | None:
    """Fit the shocks to what teams booked, quarter by quarter.

    Parameters
    ----------
    places : pandas.DataFrame
        ``manager_id`` and ``region`` of each rep, in order.
    grid : MonthGrid
        Bookings.
    factors : Factors
        As fitted to them.
    next_month : int
        Fiscal month of the day after the as-of date.

    Returns
    -------
    BookingTeams or None
        None where there are no two teams.

    Notes
    -----
    A rep's quarter is held against the rep's level in the quarters around it, without it, as for the scatter
    (:func:`~spmforecast.models.bookings.noise.fit_noise`); the doubt about that level counts as scatter. A part of a
    quarter, as of the one under way, scatters as parts do.
    """
    teams = membership(places)
    if teams is None:
        return None
    quarter = grid.months // 3
    inside = (quarter[:, None] == np.unique(quarter)).astype(np.float64)
    unit, memory = factors.noise.unit, factors.levels.memory**3
    strength = factors.noise.in_quarters(factors.levels.strength)
    seen, free = grid.amount @ inside, factors.expected @ inside
    hoped = free * smoothed_levels(seen / unit, free / unit, strength, memory, leave_out=True)
    part = factors.noise.of_part(_on_record(grid, inside))
    scatter = unit * hoped * (part + free / (strength * unit + weight_around(free, memory)))
    booked, due, square, noise = (teams.sums(of) for of in (np.maximum(seen, 0.0), hoped, hoped**2, scatter))
    size = due + 0.5 * unit
    spread = fit_team_spread(
        ratio=np.log((booked + 0.5 * unit) / size),
        noise=np.where(due > unit, noise / size**2, np.inf),
        under_way=bool(quarter[-1] == next_month // 3),
        concentration=square / size**2,
        frailty=factors.noise.frailty,
    )
    return BookingTeams(teams, shares(due[:, -_YEAR:].sum(axis=1)), spread)


def _on_record(grid: MonthGrid, inside: Array) -> Array:
    """Tell which part of each quarter is on record, shape (quarters,): that of whoever was there longest."""
    return np.asarray(np.minimum((grid.present.max(axis=0) @ inside) / 3.0, 1.0))
