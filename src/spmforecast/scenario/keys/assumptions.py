"""Keys of assumptions: what a scenario supposes to be unlike the past, for whom and when."""

from __future__ import annotations

import datetime
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from spmforecast.data.tables import ActivityType
from spmforecast.scenario.keys.base import Names, Strict

__all__ = ["KINDS", "AssumptionKeys"]


_ATTRIBUTES = ("owner_id", "manager_id", "territory_id", "region", "segment", "product", "type", "lead_source")


class Scoped(Strict):
    """Keys that hold for the deals that `where` names."""

    @classmethod
    def misplaced(cls, tree: Any) -> dict[str, str]:
        """Say that attributes of deals go under `where`, as `levels` and `where` know them."""
        levels = tree.get("levels") if isinstance(tree, dict) else None
        more = [name for name in levels if isinstance(name, str)] if isinstance(levels, list) else []
        told = {"rep_id": "owner_id", **{name: name for name in (*_ATTRIBUTES, *more)}}
        return {
            key: f"Scope goes under where, beside what is assumed: where: {{{name}: ...}}."
            for key, name in told.items()
        }


class ChangeKeys(Scoped):
    """A figure multiplied, or with something added to it."""

    multiply: float | None = Field(default=None, ge=0)
    add: float | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.multiply is None) == (self.add is None):
            raise ValueError("needs one of multiply and add: 5 % more is {multiply: 1.05}.")
        return self


class PaceKeys(Scoped):
    """Time in each stage multiplied."""

    multiply: float = Field(gt=0, le=20)


class PriceKeys(Scoped):
    """A change of price and what it does to the chance to win."""

    change: float = Field(gt=-1, le=5)
    elasticity: float = Field(ge=-20, le=20)


class HireKeys(Strict):
    """People who start to sell."""

    count: int = Field(default=1, ge=1, le=1000)
    territory_id: str = Field(min_length=1)
    start: datetime.date


class LeaveKeys(Strict):
    """Somebody who stops selling."""

    rep_id: str = Field(min_length=1)
    start: datetime.date
    to: str | None = Field(default=None, min_length=1)


class ReassignKeys(Scoped):
    """Deals that pass to somebody else; which ones, `where` says."""

    to: str = Field(min_length=1)


class AttritionKeys(Strict):
    """How many reps leave."""

    multiply: float | None = Field(default=None, ge=0, le=100)
    annual: float | None = Field(default=None, ge=0, lt=1)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.multiply is None) == (self.annual is None):
            raise ValueError("needs one of multiply and annual: {annual: 0.25} is a quarter of the reps a year.")
        return self


class MarketKeys(Scoped):
    """A market that grows or shrinks: deals created, and chances to win them."""

    multiply: float | None = Field(default=None, gt=0, le=10)
    creation: float | None = Field(default=None, gt=0, le=10)
    win_rate: float | None = Field(default=None, gt=0, le=10)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        apart = self.creation is not None or self.win_rate is not None
        if (self.multiply is not None) == apart:
            raise ValueError("needs multiply, or creation and win_rate: 10 % less of both is {multiply: 0.9}.")
        return self


class ActivityKeys(Scoped):
    """More of some activity, and what that does to the number of deals created."""

    type: ActivityType
    multiply: float = Field(gt=0, le=20)
    elasticity: float = Field(ge=-5, le=5)


class DealKeys(Strict):
    """What is supposed of one open deal."""

    opportunity_id: str = Field(min_length=1)
    outcome: Literal["won", "lost"] | None = None
    date: datetime.date | None = None
    amount: float | None = Field(default=None, ge=0)
    slip_days: int | None = Field(default=None, ge=-3660, le=3660)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.outcome is None) == (self.slip_days is None):
            raise ValueError("needs one of outcome and slip_days: {outcome: lost} or {slip_days: 60}.")
        if self.outcome != "won" and (self.date is not None or self.amount is not None):
            raise ValueError("date and amount belong to deals that are won: Write outcome: won, or take them out.")
        return self


KINDS = (
    "win_rate", "cycle_length", "deal_size", "creation", "price", "hire", "leave", "reassign", "ramp", "attrition",
    "market", "activity", "deal", "quotas", "territories", "compensation",
)  # fmt: skip
"""What can be assumed."""

_SCOPED = ("win_rate", "cycle_length", "deal_size", "creation", "price", "reassign", "market", "activity")


class AssumptionKeys(Scoped):
    """One assumption: what, for whom and when."""

    name: str = ""
    win_rate: ChangeKeys | None = None
    cycle_length: PaceKeys | None = None
    deal_size: ChangeKeys | None = None
    creation: ChangeKeys | None = None
    price: PriceKeys | None = None
    hire: HireKeys | None = None
    leave: LeaveKeys | None = None
    reassign: ReassignKeys | None = None
    ramp: PaceKeys | None = None
    attrition: AttritionKeys | None = None
    market: MarketKeys | None = None
    activity: ActivityKeys | None = None
    deal: DealKeys | None = None
    quotas: dict[str, Any] | None = None
    territories: dict[str, Any] | None = None
    compensation: str | None = None
    where: dict[str, Names] = Field(default={})
    since: datetime.date | None = Field(default=None, alias="from")
    until: datetime.date | None = None
    cost: float = Field(default=0.0, ge=0)

    @property
    def kind(self) -> str:
        """What is assumed."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def label(self) -> str:
        """How it is called: its name, or its kind and scope."""
        if self.name:
            return self.name
        if self.hire is not None:
            return f"hire in {self.hire.territory_id}"
        if self.deal is not None:
            return f"deal {self.deal.opportunity_id}"
        scope = ", ".join(" or ".join(values) for values in self.where.values())
        detail = scope if self.leave is None else self.leave.rep_id
        what = self.kind.replace("_", " ")
        return f"{what} of {detail}" if detail else what

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        named = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            told = f"holds {' and '.join(named)}" if named else "says nothing that is assumed"
            raise ValueError(f"{told}: Write one of {', '.join(KINDS)} in each assumption.")
        kind = named[0]
        if kind not in _SCOPED:
            idle = [key for key, value in (("where", self.where), ("from", self.since), ("until", self.until)) if value]
            if idle:
                raise ValueError(f"{' and '.join(idle)} has no effect on {kind}: Take it out.")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError("until lies before from: Swap them.")
        return self
