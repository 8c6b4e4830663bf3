"""Keys that say how a plan of a year falls into its quarters or months."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spmforecast.scenario.keys.base import Strict

__all__ = ["PhasingKeys"]


class PhasingKeys(Strict):
    """How a longer period's plan is spread over the shorter ones that have none."""

    by: Literal["season", "days"] | tuple[float, ...] = "season"
    reallocate: float = Field(default=0.0, ge=0, le=1)
