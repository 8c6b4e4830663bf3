"""Keys that say what a quarterly update proposes for the periods that are left."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spmforecast.scenario.keys.base import Strict
from spmforecast.scenario.keys.quotas import LimitKeys

__all__ = ["ReliefKeys", "UpdateKeys"]


class ReliefKeys(Strict):
    """A rep whose remaining quotas are lowered, and why; the others take over what is relieved."""

    rep_id: str
    share: float = Field(gt=0, le=1)
    reason: str = Field(min_length=1)


class UpdateKeys(Strict):
    """What becomes of quotas when a period has closed."""

    policy: Literal["hold", "reallocate", "partial"] = "hold"
    share: float = Field(default=0.5, ge=0, le=1)
    spread: Literal["quota", "forecast"] = "quota"
    ramp: bool = True
    round_to: float | None = Field(default=None, ge=0.01)
    limits: LimitKeys = LimitKeys()
    relief: tuple[ReliefKeys, ...] = ()
