"""Keys that say what stages and reps are held against in scorecards and weekly reviews."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spmforecast.data.tables import ActivityType
from spmforecast.scenario.keys.base import Names, Strict

__all__ = ["PyramidKeys", "ScorecardKeys", "StageGoalKeys", "WeeklyMeasure"]

WeeklyMeasure = Literal[ActivityType, "deals_created", "deals_qualified", "deals_won", "bookings"]


class StageGoalKeys(Strict):
    """What is wanted of one stage."""

    longest_days: float | None = Field(default=None, ge=0)
    deals: float | None = Field(default=None, ge=0)


class PyramidKeys(Strict):
    """Which measures stand on which level; what is not named stands where it usually does."""

    drivers: Names = ()
    indicators: Names = ()
    objectives: Names = ()


class ScorecardKeys(Strict):
    """Targets of stages and of a rep's week; whatever is not given is proposed."""

    stages: dict[str, StageGoalKeys] = Field(default={})
    targets: dict[WeeklyMeasure, Annotated[float, Field(ge=0)]] = Field(default={})
    moved_on: float = Field(default=0.8, gt=0, lt=1)
    pace_weeks: int = Field(default=13, ge=4, le=52)
    due_days: int = Field(default=14, ge=0, le=365)
    pyramid: PyramidKeys = PyramidKeys()
