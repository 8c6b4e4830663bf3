"""Comparing scenarios: each is run on the same luck, then held against the first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spmforecast.errors import InputError, Problem
from spmforecast.models import FittedPipeline
from spmforecast.scenario.against_data import load_or_tell_all, telling_all
from spmforecast.scenario.assuming import told_assumptions
from spmforecast.scenario.compare.coalitions import Coalitions, changes_between
from spmforecast.scenario.compare.comparison import Comparison
from spmforecast.scenario.compare.inputs import input_swings, value_of_inputs
from spmforecast.scenario.compare.paired import paired_differences, plan_differences
from spmforecast.scenario.compare.shares import Figures, attribution, one_at_a_time
from spmforecast.scenario.keys import SimulateKeys, Strict
from spmforecast.scenario.periods import period_dates
from spmforecast.scenario.prepare import Prepared, Progress, prepare, prepared_by
from spmforecast.scenario.run import RunResult, run_scenario
from spmforecast.scenario.schema import Scenario, understood

__all__ = ["asked", "compare", "compare_scenarios", "named"]

_SHARED_TRIALS = 2000  # draws of each set of changes; what further trials add stands in a row of its own
_USUAL_TRIALS = 10_000
_ALIKE = ("as_of", "until", "period", "fiscal_year_start", "fiscal_calendar", "currency", "levels")


def compare(
    scenarios: Sequence[str | Path | RunResult],
    trials: int | None = None,
    seed: int | None = None,
    margin: float = 1.0,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare scenarios with the first of them, draw by draw.

    Parameters
    ----------
    scenarios : sequence of path, str or RunResult
        Two or more scenario files; of a result, its scenario is run again.
    trials, seed : int, optional
        Of all of them; by default those of the first.
    margin : float
        What a unit of bookings is worth, for choosing among scenarios whose assumptions have a `cost`.
    jobs : int
        Processes; they change no figure.
    strict : bool
        Bear no rejected row.
    progress : callable, optional
        Called with the step, what is done and what there is to do.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If a scenario or its data are wrong, or two cannot be compared.
    InfeasibleError
        If what one of them asks cannot be had.

    Notes
    -----
    Attribution: Shapley values over the changes between two scenarios (see :mod:`spmforecast.evaluate.attribution`), on
    the first 2,000 trials.
    """
    return compare_scenarios(asked(scenarios, trials, seed, strict), margin, jobs, strict, progress)


def compare_scenarios(
    scenarios: Sequence[Scenario], margin: float, jobs: int, strict: bool, progress: Progress | None
) -> Comparison:
    """Compare scenarios that :func:`asked` read; see :func:`compare`."""
    told = progress or (lambda *_: None)
    ready: dict[str, Prepared] = {}
    results = []
    with telling_all(scenarios, strict):
        for number, scenario in enumerate(scenarios):
            told("compare", number, len(scenarios))
            key = prepared_by(scenario)
            if key not in ready:
                ready[key] = prepare(scenario, jobs, strict, lambda *_: None)
            results.append(run_scenario(scenario, jobs, strict, lambda *_: None, ready[key]))
    told("compare", len(scenarios), len(scenarios))
    return _put_together(results, ready, margin, jobs, told)


def named(scenarios: Sequence[Scenario]) -> str:
    """Return how a comparison of these scenarios is called."""
    return " vs ".join(one.keys.name for one in scenarios)


def asked(
    scenarios: Sequence[str | Path | RunResult], trials: int | None, seed: int | None, strict: bool = False
) -> list[Scenario]:
    """Read scenarios, all with one seed and number of trials.

    Raises
    ------
    InputError
        If one is wrong, or two cannot be compared; with every problem.
    """
    if len(scenarios) < 2:
        raise InputError(Problem("compare", "one scenario alone cannot be compared", "Name two or more."))
    paths = [one.scenario.path if isinstance(one, RunResult) else one for one in scenarios]
    overrides = [dict(one.scenario.overrides) if isinstance(one, RunResult) else {} for one in scenarios]
    first = understood(paths[0], overrides[0]).scenario
    own = SimulateKeys() if first is None else first.keys.simulate
    usual = own.trials if isinstance(own.trials, int) else _USUAL_TRIALS
    common = {"trials": trials or usual, "seed": own.seed if seed is None else seed}
    loaded, problems = [], list[Problem]()
    for path, override in zip(paths, overrides, strict=True):
        try:
            loaded.append(load_or_tell_all(path, {**override, **common}, strict))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(dict.fromkeys(problems))
    problems = [problem for one in loaded[1:] for problem in _unlike(loaded[0], one)]
    names = [one.keys.name for one in loaded]
    problems += [
        one.written.problem(("name",), "two of the scenarios have this name", "Give each its own.", one.keys.name)
        for place, one in enumerate(loaded)
        if one.keys.name in names[:place]
    ]
    if problems:
        raise InputError(problems)
    return loaded


def _unlike(first: Scenario, other: Scenario) -> list[Problem]:
    """Name the keys that must agree for draws to be comparable."""
    problems = []
    for key in _ALIKE:
        mine, wanted = getattr(other.keys, key), getattr(first.keys, key)
        if mine != wanted:
            told = f"differs from {first.path.name}, so the two cannot be compared"
            problems.append(other.written.problem((key,), told, f"Set it to {_as_written(wanted)}.", _as_written(mine)))
    return problems


def _as_written(value: object) -> str:
    """Write the value of a key as it stands in a scenario."""
    if isinstance(value, Strict):
        return f"{{{', '.join(f'{key}: {one}' for key, one in value.model_dump(by_alias=True).items())}}}"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def _put_together(
    results: Sequence[RunResult], ready: dict[str, Prepared], margin: float, jobs: int, told: Progress
) -> Comparison:
    base = results[0]
    figures = Figures(base.forecast, base.targets)
    differences, plans, shares, changes = [], [], [], []
    for number, other in enumerate(results[1:]):
        told("attribute", number, len(results) - 1)
        name = other.scenario.keys.name
        differences.append(_named(paired_differences(base.forecast, other.forecast), name))
        plans.append(_named(plan_differences((base.forecast, base.plan), (other.forecast, other.plan)), name))
        found = _shares(base, other, ready, figures, jobs)
        shares.append(_named(found[0], name))
        changes.append(_named(found[1], name))
    told("attribute", len(results) - 1, len(results) - 1)
    inputs, value, worth = _uncertain(results, figures, margin)
    return Comparison(
        results=tuple(results),
        differences=_joined(differences),
        plans=_joined(plans),
        metrics=_metrics(results),
        attribution=_joined(shares),
        changes=_joined(changes),
        inputs=inputs,
        value=value,
        facts=_facts(results, figures, margin, worth),
    )


def _named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    table.insert(0, "scenario", name)
    return table


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True) if full else tables[0]


def _shares(
    base: RunResult, other: RunResult, ready: dict[str, Prepared], figures: Figures, jobs: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Share the difference out over what the two scenarios differ in."""
    changes = changes_between(base.scenario, other.scenario)
    fits = [ready[prepared_by(one.scenario)].model for one in (base, other)]
    mixed = any("combination" in one.measured.tables for one in (base, other))
    empty = pd.DataFrame(columns=["period", "figure", "change", "share", "se", "low", "high"])
    if not changes or mixed or not all(isinstance(fit, FittedPipeline) for fit in fits):
        return empty, pd.DataFrame(columns=["period", "change", "alone", "last"])
    coalitions = Coalitions(
        base.scenario, other.scenario, ready, changes, min(_SHARED_TRIALS, base.forecast.trials), jobs
    )
    whole = figures.of(other.forecast).mean(axis=0) - figures.of(base.forecast).mean(axis=0)
    seed = base.scenario.keys.simulate.seed
    return attribution(coalitions, figures, whole, seed), one_at_a_time(coalitions, figures)


def _uncertain(
    results: Sequence[RunResult], figures: Figures, margin: float
) -> tuple[pd.DataFrame, pd.DataFrame, list[float]]:
    """Hold the draws against the inputs that are uncertain in the first scenario."""
    base = results[0]
    costs = [sum(one.cost for one in result.scenario.keys.assumptions) for result in results]
    known = base.forecast.drivers
    drawn = pd.DataFrame(index=range(base.forecast.trials)) if known is None else known.table
    forecasts = [result.forecast for result in results]
    value, worth = value_of_inputs(forecasts, costs, margin, figures.periods, drawn)
    return input_swings(base.forecast, figures, drawn), value, [worth[str(place)] for place in range(len(results))]


def _metrics(results: Sequence[RunResult]) -> pd.DataFrame:
    """Put what was evaluated of each scenario side by side, with the difference from the first."""
    first = dict(zip(results[0].evaluation["metric"], results[0].evaluation["value"], strict=True))
    rows = []
    for result in results:
        for metric, value in zip(result.evaluation["metric"], result.evaluation["value"], strict=True):
            apart = float(value) - float(first[metric]) if metric in first else math.nan
            rows.append({"scenario": result.scenario.keys.name, "metric": metric, "value": value, "difference": apart})
    return pd.DataFrame(rows, columns=["scenario", "metric", "value", "difference"])


def _facts(results: Sequence[RunResult], figures: Figures, margin: float, worth: Sequence[float]) -> dict[str, Any]:
    base = results[0]
    keys = base.scenario.keys
    whole = [label for label in figures.labels if label in base.targets]
    focus = [label for label in whole if label not in figures.periods] or whole[-1:] or figures.labels[:1]
    return {
        "name": named([result.scenario for result in results]),
        "version": metadata.version("spmforecast"),
        "seed": keys.simulate.seed,
        "trials": base.forecast.trials,
        "shared_trials": min(_SHARED_TRIALS, base.forecast.trials),
        "as_of": str(keys.as_of),
        "until": str(keys.until),
        "fiscal_year_start": keys.fiscal_year_start,
        "periods": period_dates(base.forecast, base.targets),
        "currency": keys.currency,
        "focus": focus[0],
        "coming": figures.periods,
        "margin": margin,
        "scenarios": [
            {
                "name": result.scenario.keys.name,
                "file": result.scenario.path.name,
                "assumptions": told_assumptions(result.scenario.keys.assumptions),
                "worth": round(float(np.round(one, 2)), 2),
                "warnings": list(result.warnings),
            }
            for result, one in zip(results, worth, strict=True)
        ],
    }
