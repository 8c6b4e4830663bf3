"""Keys that say how to set quotas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spmforecast.scenario.keys.base import Strict, share_of

__all__ = ["CushionKeys", "LimitKeys", "LockKeys", "OutlierKeys", "QuotaKeys"]


class LockKeys(Strict):
    """A quota that is settled, and why."""

    rep_id: str
    quota: float = Field(ge=0)
    reason: str = Field(min_length=1)


class LimitKeys(Strict):
    """What quotas must keep to."""

    floor: float | dict[str, float] | None = None
    ceiling: float | dict[str, float] | None = None
    ratchet_up: float | None = Field(default=None, ge=0)
    ratchet_down: float | None = Field(default=None, ge=0)
    least_change: float = Field(default=0.0, ge=0)
    locks: tuple[LockKeys, ...] = ()


class CushionKeys(Strict):
    """What a cushion is to do."""

    choose: bool = False
    wanted: float = Field(default=0.8, ge=0, le=1)
    least_p_attain: float = Field(default=0.0, ge=0, le=1)
    most_payout: float | None = Field(default=None, ge=0)
    most_payout_p90: float | None = Field(default=None, ge=0)


class OutlierKeys(Strict):
    """Which won deals are left out of the history that hand rules grow."""

    above_quantile: float | None = Field(default=None, gt=0, lt=1)
    above_times_median: float | None = Field(default=None, gt=1)


class QuotaKeys(Strict):
    """How to set quotas."""

    method: str = "equal-probability"
    over_assignment: Annotated[float, BeforeValidator(share_of)] = 0.0
    round_to: float | None = Field(default=None, ge=0.01)
    options: dict[str, Any] = Field(default={})
    limits: LimitKeys = LimitKeys()
    figures: dict[str, float | None] = Field(default={})
    figures_as: Literal["fixed", "base"] = "fixed"
    hierarchy: dict[Literal["region", "territory", "manager"], Annotated[float, BeforeValidator(share_of)]] = Field(
        default={}
    )
    cushion: CushionKeys = CushionKeys()
    leave_out: OutlierKeys = OutlierKeys()
    compare: tuple[str, ...] = ("proportional", "even", "growth")
