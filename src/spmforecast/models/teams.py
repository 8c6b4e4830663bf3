"""Teams, and the shocks of their quarters: what moves the deals of one manager's people, and not those of others.

A team is whoever has the same manager; where fewer than two managers are known, whoever sells in the same region. Two
shocks are told apart: on the deals that a team creates, and on how often its deals are won. Both are relative to the
company, whose own quarters the market moves (:mod:`~spmforecast.models.market`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.calendar import FiscalCalendar
from spmforecast.data import NONE
from spmforecast.models.creation import CreationModel, month_of, quarter_of
from spmforecast.models.teamspread import TeamSpread, fit_team_spread, log_ratios
from spmforecast.models.watched import Watched

__all__ = ["NAMES", "Membership", "TeamShocks", "fit_teams", "membership", "shares"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NAMES = {"manager_id": "manager", "region": "region"}
"""By what people are a team, the first that tells two apart."""

_YEAR_MONTHS = 12
_LONGEST_QUARTER = 98  # days, in a calendar of weeks


@dataclass(frozen=True)
class Membership:
    """Who belongs to which team.

    Parameters
    ----------
    names : tuple of str
        Teams.
    by : {"manager_id", "region"}
        What its members have in common.
    team : array of int, shape (owners,)
        Team of each owner of the record, as it stands now; -1 for none.
    """

    names: tuple[str, ...]
    by: str
    team: Ints

    def of(self, places: pd.DataFrame) -> Ints:
        """Find the team of whoever stands in these places, -1 for none; shape (rows,)."""
        number = {name: index for index, name in enumerate(self.names)}
        return np.array([number.get(str(name), -1) for name in places[self.by]], dtype=np.int64)

    def sums(self, table: Array) -> Array:
        """Add owners (owners, n) up by team, shape (teams, n)."""
        out = np.zeros((len(self.names), table.shape[1]))
        known = self.team >= 0
        np.add.at(out, self.team[known], table[known])
        return out


@dataclass(frozen=True)
class TeamShocks:
    """Shocks of teams and quarters.

    Parameters
    ----------
    teams : Membership
        Who belongs together.
    share : array of float, shape (teams,)
        Share of each in what all teams were expected to do in the last year.
    creation, winning : TeamSpread
        Shocks on the deals created, and on the hazard of a win.
    """

    teams: Membership
    share: Array
    creation: TeamSpread
    winning: TeamSpread

    def unseen(self) -> TeamShocks:
        """Forget the quarter under way: for a later record."""
        return replace(self, creation=self.creation.unseen(), winning=self.winning.unseen())


def membership(places: pd.DataFrame) -> Membership | None:
    """Find the teams.

    Parameters
    ----------
    places : pandas.DataFrame
        ``manager_id`` and ``region`` of each owner of the record, in order.

    Returns
    -------
    Membership or None
        None where there are no two teams.
    """
    for by in NAMES:
        names = tuple(sorted(set(places[by].astype(str)) - {NONE}))
        if len(names) > 1:
            teams = Membership(names, by, np.empty(0, dtype=np.int64))
            return replace(teams, team=teams.of(places))
    return None


def fit_teams(
    teams: Membership | None, creation: CreationModel, watched: Watched, multiplier: Array, today: int
) -> TeamShocks | None:
    """Fit the shocks to what teams created and won, quarter by quarter.

    Parameters
    ----------
    teams : Membership or None
        Teams of the creation model's owners.
    creation : CreationModel
        What each owner created and was expected to.
    watched : Watched
        Deals and their wins.
    multiplier : array of float, shape (owners,)
        Each owner's multiplier on winning.
    today : int
        The as-of day.

    Returns
    -------
    TeamShocks or None
        None without teams.
    """
    if teams is None:
        return None
    calendar = creation.calendar
    ends = _quarter_ends(creation.months, today, calendar)
    under_way = bool(quarter_of(month_of(np.array([today + 1]), calendar), calendar)[0] == ends[-1][0])
    seen, hoped, square = _created(teams, creation, np.array([number for number, _ in ends]))
    won, due = _won(teams, watched, multiplier, [day for _, day in ends])
    lately = teams.sums(creation.expected_of[:, -_YEAR_MONTHS:]).sum(axis=1)
    return TeamShocks(
        teams=teams,
        share=shares(lately),
        creation=fit_team_spread(*log_ratios(seen, hoped), under_way, square, creation.dispersion),
        winning=fit_team_spread(*log_ratios(won, due), under_way),
    )


def shares(worth: Array) -> Array:
    """Turn what teams are worth into shares that sum to one, even ones where all are worth nothing; any length."""
    return np.asarray(worth / worth.sum()) if worth.sum() > 0 else np.full(len(worth), 1.0 / len(worth))


def _quarter_ends(months: Ints, today: int, calendar: FiscalCalendar) -> list[tuple[int, int]]:
    """List the quarters of the record with the last day of each, today for the one under way."""
    days = np.arange(today - 31 * (len(months) + 1), today + 1)
    quarter = quarter_of(month_of(days, calendar), calendar)
    last = np.append(np.flatnonzero(np.diff(quarter)), len(days) - 1)
    first = quarter_of(months[:1], calendar)[0]
    return [(int(quarter[at]), int(days[at])) for at in last if quarter[at] >= first]


def _created(teams: Membership, creation: CreationModel, quarters: Ints) -> tuple[Array, Array, Array]:
    """Count the deals created and expected, and how much the expected ones lie with few members; (teams, quarters)."""
    of_month = quarter_of(creation.months, creation.calendar)
    inside = (of_month[:, None] == quarters).astype(np.float64)
    by_owner = creation.expected_of @ inside
    seen, hoped, square = (teams.sums(of) for of in (creation.by_owner @ inside, by_owner, by_owner**2))
    return seen, hoped, square / np.maximum(hoped, 1e-9) ** 2


def _won(teams: Membership, watched: Watched, multiplier: Array, ends: list[int]) -> tuple[Array, Array]:
    """Count the wins, and those due to the deals as their segments win by age, shape (teams, quarters) each."""
    deals = watched.taken(np.flatnonzero(teams.team[watched.owner] >= 0))
    team, weight, size = teams.team[deals.owner], multiplier[deals.owner], len(teams.names)
    cuts = [ends[0] - _LONGEST_QUARTER, *ends]
    met = np.stack([np.bincount(team, weight * deals.met_by(day), minlength=size) for day in cuts], axis=1)
    won = np.flatnonzero(deals.won)
    quarter = np.searchsorted(np.array(cuts), (deals.created + deals.age)[won])
    seen = np.zeros((size, len(cuts) + 1))
    np.add.at(seen, (team[won], quarter), 1.0)
    return seen[:, 1:-1], np.diff(met, axis=1)
