"""Shocks of teams in a block of trials: whose deals they move, quarter by quarter, and how they are drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.creation import month_of, quarter_of
from spmforecast.models.teams import TeamShocks
from spmforecast.models.teamspread import TeamSpread
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.trials import Trials

__all__ = ["TeamLuck", "TeamPlan", "draw_team_luck", "plan_teams"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TeamPlan:
    """Whose deals the shocks of teams move, and when.

    Parameters
    ----------
    shocks : TeamShocks
        As fitted.
    share : array of float, shape (periods, quarters)
        Share of each quarter to come in each period; the first is the one that holds the first day to come.
    of_owner : array of int, shape (owners,)
        Team of each owner of open or new deals, -1 for none.
    of_place : array of int, shape (places,)
        Team of whoever is hired into each place.
    """

    shocks: TeamShocks
    share: Array
    of_owner: Ints
    of_place: Ints


@dataclass(frozen=True)
class TeamLuck:
    """Multipliers of teams in a block, with mean one.

    Parameters
    ----------
    plan : TeamPlan
        Whom they move.
    creation, winning : array of float32, shape (teams, quarters, trials)
        Of deals created, and of the hazard of a win.
    """

    plan: TeamPlan
    creation: Floats
    winning: Floats

    def created(self, team: int) -> Floats:
        """Multipliers of what a team creates, shape (periods, trials)."""
        return self._by_period(self.creation[team])

    def won(self, team: int) -> Floats:
        """Multipliers of its hazard of a win, shape (periods, trials)."""
        return self._by_period(self.winning[team])

    def _by_period(self, luck: Floats) -> Floats:
        """Average quarters over periods; in most runs a period lies in one of them."""
        share = self.plan.share.astype(np.float32)
        out = np.zeros((len(share), luck.shape[1]), dtype=np.float32)
        for row, of_period in zip(out, share, strict=True):
            for quarter in np.flatnonzero(of_period).tolist():
                row += of_period[quarter] * luck[quarter]
        return out


def plan_teams(
    model: FittedPipeline, horizon: Horizon, owners: tuple[str, ...], places: tuple[tuple[str, str], ...]
) -> TeamPlan | None:
    """Find whose deals the shocks of teams move.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    owners : tuple of str
        Owners of open or new deals.
    places : tuple of (territory, region)
        Where people will be hired.

    Returns
    -------
    TeamPlan or None
        None where there are no two teams.
    """
    if model.teams is None:
        return None
    teams, roster = model.teams.teams, model.roster
    team = dict(zip(model.creation.owners, teams.team.tolist(), strict=False))
    of_roster = teams.of(roster.places).tolist()
    team |= dict(zip(roster.owners, of_roster, strict=True))
    seats = roster.places[["territory_id", "region"]].astype(str).itertuples(index=False, name=None)
    standing = list(zip(seats, of_roster, strict=True))
    quarter = quarter_of(month_of(horizon.days, horizon.calendar), horizon.calendar)
    share = np.zeros((len(horizon.periods), int(quarter[-1] - quarter[0]) + 1))
    np.add.at(share, (horizon.cell, quarter - quarter[0]), 1.0)
    return TeamPlan(
        shocks=model.teams,
        share=share / share.sum(axis=1, keepdims=True),
        of_owner=np.array([team.get(owner, -1) for owner in owners], dtype=np.int64),
        of_place=np.array([_team_at(place, standing) for place in places], dtype=np.int64),
    )


def _team_at(place: tuple[str, str], standing: list[tuple[tuple[str, str], int]]) -> int:
    """Take the team of most who stand in a place, else in its region; -1 where nobody does."""
    here = [team for at, team in standing if at == place] or [team for at, team in standing if at[1] == place[1]]
    return min(Counter(here).items(), key=lambda one: (-one[1], one[0]))[0] if here else -1


def draw_team_luck(plan: TeamPlan | None, trials: Trials) -> TeamLuck | None:
    """Draw the shocks of the trials; None without teams."""
    if plan is None:
        return None
    creation, winning = (
        _drawn(plan, spread, purpose, trials)
        for purpose, spread in (("creating", plan.shocks.creation), ("winning", plan.shocks.winning))
    )
    return TeamLuck(plan, creation, winning)


def _drawn(plan: TeamPlan, spread: TeamSpread, purpose: str, trials: Trials) -> Floats:
    """Draw multipliers, shape (teams, quarters, trials)."""
    names, quarters = plan.shocks.teams.names, range(plan.share.shape[1])
    normal = np.stack([[trials.normal("team", name, purpose, quarter) for quarter in quarters] for name in names])
    choice = trials.uniform("market", "teams", f"{purpose}: law")
    return np.exp(spread.shocks(choice, normal, plan.shocks.share)).astype(np.float32)
