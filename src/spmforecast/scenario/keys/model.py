"""Keys that say what to fit, how to simulate and what a backtest asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from spmforecast.errors import InputError
from spmforecast.models.holidays import named_holidays
from spmforecast.scenario.keys.base import Strict, at_least_one

__all__ = ["BacktestKeys", "ModelKeys", "SimulateKeys"]


_MOST_TRIALS = 10_000_000


def _trials(value: Any) -> Any:
    if value == "auto":
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > _MOST_TRIALS:
        raise ValueError(f"must be at most {_MOST_TRIALS:,}: Write fewer, or auto.")
    if isinstance(value, str | bool):
        raise ValueError("must be a whole number or auto: Write for instance 10000.")
    return at_least_one(value)


class SimulateKeys(Strict):
    """How to simulate."""

    trials: Annotated[int | Literal["auto"], BeforeValidator(_trials)] = 10_000
    tolerance: float = Field(default=0.01, gt=0, lt=1)
    seed: int = 1
    method: Literal["monte-carlo", "exact"] = "monte-carlo"
    dask: str | None = Field(default=None, min_length=1)


def _attributes(value: Any) -> Any:
    """Let one name stand for itself and a list of names for all of them together."""
    names = list(value) if isinstance(value, list | tuple) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("names no attribute of deals: Give one, or a list such as [segment, type].")
    if len(set(names)) < len(names):
        raise ValueError("names an attribute twice: Name each once.")
    return names[0] if len(names) == 1 else tuple(names)


def _day_of_year(value: Any) -> Any:
    try:
        named_holidays([value])
    except InputError as error:
        (problem,) = error.problems
        raise ValueError(f"{problem.reason}: {problem.mend}") from error
    return value


class ModelKeys(Strict):
    """What to fit."""

    segment_by: Annotated[str | tuple[str, ...], BeforeValidator(_attributes)] = "segment"
    law: Literal[
        "piecewise",
        "choose",
        "aic",
        "exponential",
        "weibull",
        "lognormal",
        "log-logistic",
        "gamma",
        "gompertz",
        "generalized-gamma",
        "exponential-cure",
        "weibull-cure",
        "lognormal-cure",
        "log-logistic-cure",
    ] = "piecewise"
    half_life: Literal["choose"] | Annotated[float, Field(gt=0)] | None = None
    growth: Literal["steady", "free"] = "steady"
    amount_tail: Literal["empirical", "pareto", "recorded"] = "empirical"
    holidays: tuple[Annotated[str, BeforeValidator(_day_of_year)], ...] | None = None
    choose: bool = False
    combine: bool = False


class BacktestKeys(Strict):
    """What a backtest asks; empty or 0 stands for what suits the length of the periods."""

    weeks: tuple[int, ...] = ()
    ahead: int = Field(default=2, ge=1, le=8)
    periods: int = Field(default=12, ge=1)
    least_days: int = Field(default=0, ge=0)
    trials: Annotated[int, BeforeValidator(at_least_one)] = Field(default=1000, le=100_000)
