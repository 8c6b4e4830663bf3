"""Keys that ask how many people to hire."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spmforecast.scenario.keys.base import Strict

__all__ = ["HiringKeys"]


def _several(value: Any) -> Any:
    """Let a single day stand for a list of one."""
    return [value] if isinstance(value, date | str) else value


class HiringKeys(Strict):
    """What hires are to do: reach a target with a wanted chance."""

    wanted: float = Field(default=0.8, gt=0, le=1)
    by: str | None = None
    target: float | None = Field(default=None, ge=0)
    starts: Annotated[tuple[date, ...], BeforeValidator(_several, json_schema_input_type=date | tuple[date, ...])] = ()
    where: Literal["region", "territory", "manager"] | None = None
    most: int = Field(default=20, ge=1, le=1000)
    delay_days: float = Field(default=0.0, ge=0)
    lag_days: float | None = Field(default=None, ge=0)
    replace_leavers: bool = True
