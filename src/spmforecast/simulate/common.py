"""What many deals share in a trial: the market, the shocks of teams, and each owner's multiplier on winning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.simulate.inputs import SimulationInputs
from spmforecast.simulate.shocks import Shocks, draw_shocks, draw_win_effects
from spmforecast.simulate.teams import TeamLuck, draw_team_luck
from spmforecast.simulate.trials import Trials

__all__ = ["Common"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Common:
    """What is common to deals in a block of trials.

    Parameters
    ----------
    market : Shocks or None
        The market.
    owners : dict of int to array of float32, shape (trials,), or None
        Each owner's multiplier on winning; None where it is certain to be one.
    teams : TeamLuck or None
        Shocks of single teams.
    """

    market: Shocks | None
    owners: dict[int, Floats | None]
    teams: TeamLuck | None

    @classmethod
    def drawn(cls, inputs: SimulationInputs, trials: Trials) -> Common:
        """Draw it."""
        return cls(draw_shocks(inputs, trials), draw_win_effects(inputs, trials), draw_team_luck(inputs.teams, trials))

    @property
    def settled(self) -> bool:
        """Whether it moves nothing: every trial of a world has the same chances."""
        return self.market is None and self.teams is None and all(one is None for one in self.owners.values())

    def team_of(self, owner: int) -> int:
        """Team of an owner whose deals it moves, -1 for none."""
        return -1 if self.teams is None else int(self.teams.plan.of_owner[owner])

    def winning(self, owner: int | None, team: int) -> Floats | None:
        """Multiplier on winning of somebody in a team: shape (trials,), (periods, trials), or None for one.

        Parameters
        ----------
        owner : int or None
            Who; None for people to be hired.
        team : int
            Whose; -1 for none.
        """
        own = None if owner is None else self.owners[owner]
        if self.teams is None or team < 0:
            return own
        won = self.teams.of("winning", team)
        return won if own is None else np.asarray(won * own)
