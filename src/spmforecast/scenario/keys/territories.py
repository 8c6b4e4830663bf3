"""Keys that say what to do with territories."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from spmforecast.scenario.keys.base import Strict

__all__ = ["DisturbanceKeys", "ProposeKeys", "TerritoryKeys"]

_IDLE = ("starts", "hold_days", "rep_effects", "disturbance")


def _pairs(value: Any) -> Any:
    """Refuse a pair that is none."""
    if isinstance(value, list) and any(not isinstance(one, list) or len(one) != 2 for one in value):
        raise ValueError("must be a list of pairs: Write [[A-17, R003], [A-18, R003]].")
    return value


class DisturbanceKeys(Strict):
    """What accounts that change hands lose for a while: an assumption, nothing that was measured."""

    lost: float = Field(default=0.0, ge=0, le=1)
    days: int = Field(default=180, ge=0)


class ProposeKeys(Strict):
    """What a proposed map is to be like."""

    balance: dict[Literal["potential", "workload", "accounts"], Annotated[float, Field(ge=0, le=1)]] = Field(
        default={"potential": 0.10, "workload": 0.10}, min_length=1
    )
    potential: Literal["recorded", "fitted"] = "recorded"
    move_price: float = Field(default=0.0, ge=0)
    price_each: float = Field(default=0.0, ge=0)
    max_moved: float | None = Field(default=None, ge=0, le=1)
    candidates: int = Field(default=16, ge=1)
    locked: dict[str, str] = Field(default={})
    forbidden: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)] = ()
    km_per_hour: float | None = Field(default=None, gt=0)
    frontier: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()


class TerritoryKeys(Strict):
    """What to do with territories: keep them, take a given map, or propose one; and what goes with a new map."""

    keep: Literal[True] | None = None
    map: str | None = Field(default=None, min_length=1)
    propose: ProposeKeys | None = None
    starts: date | None = None
    hold_days: Literal["closed"] | Annotated[int, Field(ge=0)] = "closed"
    rep_effects: Literal["none", "wins", "all"] = "wins"
    disturbance: DisturbanceKeys = DisturbanceKeys()

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """Let a bare `propose:` stand for all its defaults."""
        if isinstance(value, dict) and "propose" in value and value["propose"] in (None, True):
            return {**value, "propose": {}}
        return value

    @model_validator(mode="after")
    def _one_map(self) -> Self:
        """Ask for one map, and refuse what would do nothing without a new one."""
        named = [name for name in ("keep", "map", "propose") if getattr(self, name) is not None]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} are both given: Keep one of them.")
        idle = [name for name in _IDLE if name in self.model_fields_set]
        if idle and not self.new_map:
            raise ValueError(f"{', '.join(idle)} without a new map: Add propose or map, or take it out.")
        return self

    @property
    def new_map(self) -> bool:
        """Whether accounts are to change hands."""
        return self.map is not None or self.propose is not None
