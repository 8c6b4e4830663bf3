"""What scorecards could not know, and what they assume, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spmforecast.scenario.scorecards.basis import Basis
from spmforecast.scenario.scorecards.cards import quota_of

__all__ = ["notes"]

_SHORT_DAYS = 330
_FEW_VISITS = 30


def notes(basis: Basis) -> list[str]:
    """Tell what is absent, and how it was worked around."""
    return [*_of_stages(basis), *_of_people(basis), *_of_windows(basis)]


def _of_stages(basis: Basis) -> Iterator[str]:
    stays, history = basis.model.stays, basis.model.history
    if history.stage_history.empty:
        yield (
            "There is no stage history: a deal's stage is known only as it stands now, so each deal is taken to have "
            "spent its whole life in one stage, and the river tells ways of closing rather than passing on."
        )
    elif stays.unplaced:
        yield f"{stays.unplaced:,} deals have no stage on record and are taken to begin in {stays.stages[0]}."
    visits = np.bincount(stays.stage, minlength=len(stays.stages))
    few = [stage for stage, count in zip(stays.stages, visits, strict=True) if count < _FEW_VISITS]
    if few:
        yield f"Fewer than {_FEW_VISITS} visits are on record of {', '.join(few)}: their times and chances are coarse."


def _of_people(basis: Basis) -> Iterator[str]:
    history = basis.model.history
    if history.activities.empty:
        yield "There are no activities: cards and weeks begin with deals created."
    elif history.activities["rep_id"].isna().all():
        yield "Activities name no rep, so none is counted on the cards."
    if history.reps.empty:
        yield "There is no table of reps: who sells is told by deals of late, and all count as ramped."
    elif history.current_reps()["hire_date"].isna().all():
        yield "No hire dates are known: everybody counts as ramped."
    if (basis.model.roster.places["manager_id"].astype(str) == "(none)").all():
        yield "No managers are known: the manager's view shows the company alone."
    if history.quotas.empty:
        proposed = basis.result.quotas is not None
        yield "No quotas are recorded" + (": those that the scenario proposes stand in." if proposed else ".")
    elif np.isnan(quota_of(basis, basis.ahead)[0]).all():
        yield f"{basis.ahead} has no quotas, recorded or proposed: coverage is over a share of the plan, if any."
    if not len(basis.reps):
        yield "Nobody sells at this date: there are no cards."


def _of_windows(basis: Basis) -> Iterator[str]:
    if basis.days < _SHORT_DAYS:
        yield f"The record is short: the river and the leaderboard look back on {basis.days} days."
    if basis.period != basis.ahead:
        yield (
            f"{basis.period} closed on the as-of day: what is done so far is counted in it, forecast and quota are "
            f"those of {basis.ahead}."
        )
