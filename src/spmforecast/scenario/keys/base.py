"""What the keys of a scenario have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Names", "Strict", "at_least_one", "listed", "share_of"]


class Strict(BaseModel):
    """Keys of which no others than these may stand there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def listed(value: Any) -> Any:
    """Let a single text stand for a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...])]
"""Several texts, or a single one."""


def at_least_one(value: Any) -> Any:
    """Refuse whole numbers below 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise ValueError("must be at least 1: Write a positive whole number.")
    return value


def share_of(value: Any) -> Any:
    """Refuse what is no share above -1."""
    if isinstance(value, int | float) and not -1 < value < 10:
        raise ValueError("must be a share: 0.10 is 10 %.")
    return value
