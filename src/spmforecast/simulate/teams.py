"""Shocks of teams in a block of trials: whose deals they move, quarter by quarter, and how they are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models import FittedPipeline
from spmforecast.models.capacity import Roster
from spmforecast.models.creation import month_of, quarter_of
from spmforecast.models.teams import Membership
from spmforecast.models.teamspread import TeamSpread
from spmforecast.simulate.horizon import Horizon
from spmforecast.simulate.trials import Trials

__all__ = ["TeamLuck", "TeamPlan", "draw_team_luck", "plan_teams", "team_plan"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TeamPlan:
    """Whose deals the shocks of teams move, and when.

    Parameters
    ----------
    names : tuple of str
        Teams.
    weight : array of float, shape (teams,)
        Shares of the teams in the company, in which their shocks cancel out.
    spreads : dict of str to TeamSpread
        By what they move: ``creating`` and ``winning``, or ``booking``.
    share : array of float, shape (periods, quarters)
        Share of each quarter to come in each period; the first is the one that holds the first day to come.
    of_owner : array of int, shape (owners,)
        Team of each owner of open or new deals, -1 for none.
    of_place : array of int, shape (places,)
        Team of whoever is hired into each place.
    """

    names: tuple[str, ...]
    weight: Array
    spreads: Mapping[str, TeamSpread]
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
    drawn : dict of str to array of float32, shape (teams, quarters, trials)
        By what they move.
    """

    plan: TeamPlan
    drawn: Mapping[str, Floats]

    def of(self, purpose: str, team: int) -> Floats:
        """Multipliers of a team, shape (periods, trials); where a period holds several quarters, their average."""
        luck = self.drawn[purpose][team]
        out = np.zeros((len(self.plan.share), luck.shape[1]), dtype=np.float32)
        for row, share in zip(out, self.plan.share.astype(np.float32), strict=True):
            for quarter in np.flatnonzero(share).tolist():
                row += share[quarter] * luck[quarter]
        return out


def plan_teams(
    model: FittedPipeline, horizon: Horizon, owners: Sequence[str], places: Sequence[tuple[str, str]]
) -> TeamPlan | None:
    """Find whose deals the shocks of teams move; None where there are no two teams.

    Parameters
    ----------
    model : FittedPipeline
        The fit.
    horizon : Horizon
        Days and periods to come.
    owners : sequence of str
        Owners of open or new deals.
    places : sequence of (territory, region)
        Where people will be hired.
    """
    shocks = model.teams
    if shocks is None:
        return None
    spreads = {"creating": shocks.creation, "winning": shocks.winning}
    known = dict(zip(model.creation.owners, shocks.teams.team.tolist(), strict=False))
    return team_plan(shocks.teams, shocks.share, spreads, known, model.roster, horizon, owners, places)


def team_plan(
    teams: Membership,
    weight: Array,
    spreads: Mapping[str, TeamSpread],
    known: Mapping[str, int],
    roster: Roster,
    horizon: Horizon,
    owners: Sequence[str],
    places: Sequence[tuple[str, str]],
) -> TeamPlan:
    """Lay the shocks out over owners, places and periods; `known` are the teams of owners who may be on no roster."""
    of_roster = teams.of(roster.places).tolist()
    team = {**known, **dict(zip(roster.owners, of_roster, strict=True))}
    seats = roster.places[["territory_id", "region"]].astype(str).itertuples(index=False, name=None)
    standing = list(zip(seats, of_roster, strict=True))
    quarter = quarter_of(month_of(horizon.days, horizon.calendar), horizon.calendar)
    share = np.zeros((len(horizon.periods), int(quarter[-1] - quarter[0]) + 1))
    np.add.at(share, (horizon.cell, quarter - quarter[0]), 1.0)
    return TeamPlan(
        names=teams.names,
        weight=weight,
        spreads=spreads,
        share=share / share.sum(axis=1, keepdims=True),
        of_owner=np.array([team.get(owner, -1) for owner in owners], dtype=np.int64),
        of_place=np.array([_team_at(place, teams, standing) for place in places], dtype=np.int64),
    )


def _team_at(place: tuple[str, str], teams: Membership, standing: list[tuple[tuple[str, str], int]]) -> int:
    """Take the team of most who stand in a place, else in its region; -1 where none does. A region may be a team."""
    if teams.by == "region":
        return teams.names.index(place[1]) if place[1] in teams.names else -1
    here = [team for at, team in standing if at == place] or [team for at, team in standing if at[1] == place[1]]
    return min(Counter(here).items(), key=lambda one: (-one[1], one[0]))[0] if here else -1


def draw_team_luck(plan: TeamPlan | None, trials: Trials) -> TeamLuck | None:
    """Draw the shocks of the trials; None without teams."""
    if plan is None:
        return None
    return TeamLuck(plan, {purpose: _drawn(plan, spread, purpose, trials) for purpose, spread in plan.spreads.items()})


def _drawn(plan: TeamPlan, spread: TeamSpread, purpose: str, trials: Trials) -> Floats:
    """Draw multipliers, shape (teams, quarters, trials)."""
    quarters = range(plan.share.shape[1])
    normal = np.stack([[trials.normal("team", name, purpose, quarter) for quarter in quarters] for name in plan.names])
    choice = trials.uniform("market", "teams", f"{purpose}: law")
    return np.exp(spread.shocks(choice, normal, plan.weight)).astype(np.float32)
