"""Checking a scenario or a folder without running: every problem at once, none mended."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from spmforecast.data import History, read_history
from spmforecast.errors import InputError, Problem
from spmforecast.scenario.run import load_history, load_plan, no_plan_for_quotas, quota_totals, wrong_attributes
from spmforecast.scenario.schema import FolderSpec, Scenario, load_scenario
from spmforecast.written import read_file, read_yaml

__all__ = ["check_source"]


def check_source(source: str | Path, strict: bool = False) -> tuple[History | None, list[Problem]]:
    """Check a scenario file with the data it names, or a folder of tables.

    Parameters
    ----------
    source : path or str
        Scenario file or folder.
    strict : bool
        Bear no rejected row.

    Returns
    -------
    tuple of History or None, and list of Problem
        The history where it can be read, and what would keep a run from going on.
    """
    if Path(source).is_dir():
        try:
            return read_history(source, strict=strict), []
        except InputError as error:
            return None, list(error.problems)
    try:
        scenario = load_scenario(source)
    except InputError as error:
        return None, [*error.problems, *_history_problems(Path(source), strict)]
    return _check_scenario(scenario, strict)


def _check_scenario(scenario: Scenario, strict: bool) -> tuple[History | None, list[Problem]]:
    problems: list[Problem] = []
    try:
        history = load_history(scenario, strict)
    except InputError as error:
        return None, list(error.problems)
    known = history.as_of(scenario.keys.as_of)
    plan = None
    try:
        plan = load_plan(scenario, history)
    except InputError as error:
        problems += error.problems
    if known.opportunities.empty:
        told = "no deal is known at this date"
        problems.append(scenario.written.problem(("as_of",), told, "Choose a later day.", str(scenario.keys.as_of)))
    problems += wrong_attributes(scenario, known)
    if plan is not None and scenario.keys.quotas is not None and not quota_totals(scenario, plan):
        problems.append(no_plan_for_quotas(scenario))
    return known, problems


def _history_problems(path: Path, strict: bool) -> list[Problem]:
    """Look at the data too, as far as a wrong scenario still says where they are."""
    try:
        tree = read_yaml(read_file(path, "scenario"), str(path), "scenario").tree
        named = tree["history"]
        spec = FolderSpec(folder=named) if isinstance(named, str) else FolderSpec.model_validate(named)
        chart = None if spec.map is None else path.parent / spec.map
        read_history(path.parent / spec.folder, map=chart, strict=strict)
    except InputError as error:
        return [problem for problem in error.problems if problem.table != "scenario"]
    except (KeyError, TypeError, ValidationError):
        return []
    return []
