"""What is wrong about a scenario that only its data can tell: names, periods, plans; all of it at once.

A scenario may be wrong in part: each check says which keys it rests on, and is left out where something is wrong about
one of them, so that nothing is blamed that would be right once they are mended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from spmforecast.data import History
from spmforecast.data.quality import repair
from spmforecast.errors import InputError, Problem
from spmforecast.models import BookingsModel, FittedBookings, FittedPipeline, PipelineModel
from spmforecast.models.moves import moves_of
from spmforecast.models.pipeline import last_recorded
from spmforecast.scenario.card_names import wrong_card_names
from spmforecast.scenario.fitted_names import names_reps, unknown_to_fit
from spmforecast.scenario.fitting import without_deals
from spmforecast.scenario.pay_plans import pay_plans
from spmforecast.scenario.periods import wrong_periods
from spmforecast.scenario.phasing import phased_plan
from spmforecast.scenario.prepare import (
    load_history,
    load_plan,
    no_plan_for_quotas,
    quota_totals,
    unknown_amounts,
    wrong_attributes,
)
from spmforecast.scenario.schema import Scenario, Understood, understood

__all__ = ["everything_wrong", "load_or_tell_all", "telling_all"]

_SOURCE = {"history", "timezone", "currency"}
_CALENDAR = {"period", "fiscal_year_start", "fiscal_calendar"}
_PLANNED = {"plan", "phasing", "as_of", "until", *_CALENDAR}
_HIRED = re.compile(r" hire \d+$")


@dataclass(frozen=True, eq=False)
class _Case:
    """A scenario and its data.

    Parameters
    ----------
    scenario : Scenario
        As far as it is right.
    doubtful : frozenset of str
        Keys at the top that are wrong.
    history : History or None
        The record; None where it cannot be read.
    known : History
        Cut at the as-of date, or at its last day where that date is wrong.
    """

    scenario: Scenario
    doubtful: frozenset[str]
    history: History | None
    known: History


def everything_wrong(read: Understood, strict: bool = False) -> tuple[History | None, list[Problem]]:
    """Find all that is wrong about a scenario and its data.

    Parameters
    ----------
    read : Understood
        The scenario as far as it is right.
    strict : bool
        Bear no rejected row.

    Returns
    -------
    tuple of History or None, and list of Problem
        The record as known at the as-of date, where it can be read; and what would keep a run from going on, the keys
        of the scenario first.
    """
    if read.scenario is None:
        return None, list(read.problems)
    history, problems = _history(read.scenario, read.doubtful, strict)
    known = History({}) if history is None else _known(read.scenario, read.doubtful, history)
    case = _Case(read.scenario, read.doubtful, history, known)
    for rests_on, find in _OF_KEYS + (() if history is None else _OF_DATA):
        problems += [] if rests_on & read.doubtful else find(case)
    told = list(dict.fromkeys([*read.problems, *problems]))
    return None if history is None else known, told


def load_or_tell_all(
    path: str | Path, overrides: dict[str, Any] | None = None, strict: bool = False, passed: bool = False
) -> Scenario:
    """Read and check a scenario file; where it is wrong, look at the data too.

    Raises
    ------
    InputError
        With every problem of scenario and data.
    """
    read = understood(path, overrides, passed)
    if read.problems or read.scenario is None:
        raise InputError(everything_wrong(read, strict)[1])
    return read.scenario


@contextmanager
def telling_all(scenarios: Iterable[Scenario], strict: bool = False) -> Iterator[None]:
    """Where something is wrong about scenarios or their data, tell what else there is."""
    try:
        yield
    except InputError as error:
        read = [Understood(one, (), frozenset()) for one in scenarios]
        others = [problem for one in read for problem in everything_wrong(one, strict)[1]]
        own = [one for one in error.problems if one not in others]
        raise InputError(dict.fromkeys([*own, *others])) from error


def _history(scenario: Scenario, doubtful: frozenset[str], strict: bool) -> tuple[History | None, list[Problem]]:
    """Read the record, where the keys that say how are right."""
    if doubtful & _SOURCE:
        return None, []
    try:
        return load_history(scenario, strict), []
    except InputError as error:
        return None, list(error.problems)


def _known(scenario: Scenario, doubtful: frozenset[str], history: History) -> History:
    """Cut the record at the as-of date."""
    if "as_of" not in doubtful:
        return history.as_of(scenario.keys.as_of)
    last = last_recorded(history)
    return history if pd.isna(last) else history.as_of(last)


def _wrong_plan(case: _Case) -> list[Problem]:
    """Find targets that are wrong, or that are missing though quotas need them."""
    scenario = case.scenario
    try:
        if case.history is None:
            if scenario.keys.plan is not None:
                load_plan(scenario, case.known)
            return []
        plan, _ = phased_plan(scenario, load_plan(scenario, case.history), case.known)
    except InputError as error:
        return list(error.problems)
    wanting = scenario.keys.quotas is not None and not quota_totals(scenario, plan)
    return [no_plan_for_quotas(scenario)] if wanting else []


def _wrong_pay(case: _Case) -> list[Problem]:
    try:
        pay_plans(case.scenario)
    except InputError as error:
        return list(error.problems)
    return []


def _too_early(case: _Case) -> list[Problem]:
    if not case.known.opportunities.empty or without_deals(case.known):
        return []
    told, keys = "no deal is known at this date", case.scenario.keys
    return [case.scenario.written.problem(("as_of",), told, "Choose a later day.", str(keys.as_of))]


def _wrong_periods(case: _Case) -> list[Problem]:
    assert case.history is not None
    return wrong_periods(case.history, case.scenario.calendar, case.scenario.keys.as_of)


def _wrong_cards(case: _Case) -> list[Problem]:
    """Find measures that there are not and, after the repairs that are asked for, stages that no deal passes."""
    unsure = case.known.opportunities.empty or "quality" in case.doubtful
    stages = None if unsure else moves_of((mended := _mended(case)).deals(), mended.events).stages
    return wrong_card_names(case.scenario, stages)


def _unknown_names(case: _Case) -> list[Problem]:
    """Find what assumptions and quotas name that is not there; what is in doubt is taken to be right."""
    scenario, known = case.scenario, _mended(case)
    if not names_reps(scenario) or (known.opportunities.empty and not without_deals(known)):
        return []
    if "levels" in case.doubtful:
        columns = tuple(map(str, known.deals().columns))
        scenario = replace(scenario, keys=scenario.keys.model_copy(update={"levels": columns}))
    # Who sells and what is open does not depend on what is fitted.
    if without_deals(known):
        model: FittedPipeline | FittedBookings = BookingsModel(calendar=scenario.calendar).fit(known)
    else:
        model = PipelineModel(calendar=scenario.calendar).fit(known)
    told = unknown_to_fit(scenario, model)
    return [one for one in told if "assumptions" not in case.doubtful or not _HIRED.search(one.value)]


def _mended(case: _Case) -> History:
    keys = case.scenario.keys.quality
    return repair(case.known, keys.repairs, keys.rules.limits())


_OF_KEYS: tuple[tuple[Set[str], Callable[[_Case], list[Problem]]], ...] = (
    (_PLANNED, _wrong_plan),
    ({"compensation", "levels", "period"}, _wrong_pay),
    (set(), _wrong_cards),
)
_OF_DATA: tuple[tuple[Set[str], Callable[[_Case], list[Problem]]], ...] = (
    ({"as_of"}, _too_early),
    (set(), lambda case: wrong_attributes(case.scenario, case.known)),
    (set(), lambda case: unknown_amounts(case.scenario, case.known)),
    ({"as_of", *_CALENDAR}, _wrong_periods),
    ({"as_of"}, _unknown_names),
)
