"""What a run measures on the company's own past before it answers: which spec to fit, and whether to mix in a rival."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from spmforecast.data import History
from spmforecast.errors import InputError
from spmforecast.evaluate.backtest import BacktestSettings
from spmforecast.models import ModelSpec
from spmforecast.scenario.fitting import named_spec
from spmforecast.scenario.schema import Scenario
from spmforecast.simulate import Forecast

__all__ = ["Measured", "backtest_settings", "chosen", "combined"]

Progress = Callable[[int, int], None]

_CHOICE_WEEKS = {"quarter": (4,), "month": (1,)}
_CHOICE_PERIODS, _CHOICE_TRIALS, _CHOICE_WORLDS, _MIX_TRIALS = 6, 200, 16, 400


@dataclass(frozen=True)
class Measured:
    """What was measured: notes in words, and tables for ``run.json``."""

    notes: tuple[str, ...] = ()
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def and_(self, other: Measured) -> Measured:
        """Put two together."""
        return Measured(self.notes + other.notes, {**self.tables, **other.tables})


def backtest_settings(scenario: Scenario, spec: ModelSpec) -> BacktestSettings:
    """Read what a scenario asks of a backtest.

    Raises
    ------
    InputError
        If weeks are out of range.
    """
    keys, own = scenario.keys, scenario.keys.backtest
    return BacktestSettings(
        period=keys.period,
        weeks=own.weeks,
        ahead=own.ahead,
        periods=own.periods,
        least_days=own.least_days,
        trials=own.trials,
        seed=keys.simulate.seed,
        spec=spec,
        calendar=keys.calendar,
    )


def chosen(scenario: Scenario, known: History, jobs: int, progress: Progress) -> tuple[ModelSpec, Measured]:
    """Choose the spec where the scenario asks for it, else return the one that it names.

    Parameters
    ----------
    scenario : Scenario
        The question.
    known : History
        Cut at the as-of date.
    jobs : int
        Processes.
    progress : callable
        Called with what is done and wanted.

    Returns
    -------
    tuple of ModelSpec and Measured
    """
    base = named_spec(scenario)
    if not scenario.keys.model.choose:
        return base, Measured()
    if known.opportunities.empty:
        return base, Measured(("no deals are recorded, so there is no specification to choose",))
    from spmforecast.evaluate.selection import candidates, choose_spec  # few scenarios ask for it

    asked = backtest_settings(scenario, base)
    asked = replace(asked, weeks=_CHOICE_WEEKS[asked.period], periods=_CHOICE_PERIODS, ahead=1)
    asked = replace(asked, trials=_CHOICE_TRIALS, worlds=_CHOICE_WORLDS)
    try:
        choice = choose_spec(known, candidates(known, base), asked, jobs, progress)
    except InputError as error:
        return base, Measured((f"no specification was chosen: {error.problems[0].reason}",))
    return choice.spec, Measured((choice.note,), {"choice": _records(choice.table)})


def combined(
    scenario: Scenario, forecast: Forecast, known: History, spec: ModelSpec, jobs: int, progress: Progress
) -> tuple[Forecast, Measured]:
    """Mix a rival in where the scenario asks for it and it scored better, else return the forecast as it is.

    Parameters
    ----------
    scenario : Scenario
        The question.
    forecast : Forecast
        The model's draws.
    known : History
        Cut at the as-of date.
    spec : ModelSpec
        What was fitted.
    jobs : int
        Processes.
    progress : callable
        Called with what is done and wanted.

    Returns
    -------
    tuple of Forecast and Measured
    """
    if not scenario.keys.model.combine:
        return forecast, Measured()
    from spmforecast.evaluate.combined import combine  # few scenarios ask for it

    asked = backtest_settings(scenario, spec)
    try:
        mixed = combine(forecast, known, replace(asked, trials=min(asked.trials, _MIX_TRIALS)), jobs, progress=progress)
    except InputError as error:
        return forecast, Measured((f"no mix was measured: {error.problems[0].reason}",))
    return mixed.forecast, Measured(mixed.notes, {"combination": _records(mixed.choice)})


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain values; what is unknown is None."""
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
