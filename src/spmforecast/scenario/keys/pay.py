"""Keys that say how reps are paid, and what is assumed they do about it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from spmforecast.scenario.keys.base import Names, Strict

__all__ = ["EffortKeys", "PayKeys", "pay_of"]


class _ElasticityKeys(Strict):
    elasticity: float = Field(ge=0)
    reference: float = Field(gt=0)


class _KinkKeys(Strict):
    rate: float = Field(gt=0)
    accelerated: float = Field(ge=0)
    bonus: float = Field(default=0.0, ge=0)


class _TimingKeys(Strict):
    fraction: float = Field(ge=0, le=1)
    days: int = Field(default=14, ge=1, le=45)


class EffortKeys(Strict):
    """Assumptions on how bookings answer to pay; none holds unless it stands here."""

    elasticity: _ElasticityKeys | None = None
    kink: _KinkKeys | None = None
    timing: _TimingKeys | None = None


class PayKeys(Strict):
    """How reps are paid."""

    plan: str = Field(min_length=1)
    compare: Names = ()
    quotas: dict[str, float | dict[str, float]] = Field(default={})
    effort: EffortKeys = EffortKeys()


def pay_of(value: Any) -> Any:
    """Let the name of a plan's file stand for the keys."""
    return {"plan": value} if isinstance(value, str) else value
