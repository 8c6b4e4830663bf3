"""Compensation plans that a scenario names, read and checked before anything runs."""

from __future__ import annotations

from spmforecast.errors import InputError, Problem
from spmforecast.plan import CompPlan
from spmforecast.scenario.keys import PayKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.written import Loc, nearest

__all__ = ["pay_plans"]

_PER_YEAR = {12: "month", 4: "quarter", 1: "year"}
_ALWAYS = ("owner_id", "region", "territory_id", "segment", "manager_id")


def pay_plans(scenario: Scenario) -> dict[str, CompPlan]:
    """Read the plan of a scenario and those it is compared with.

    Returns
    -------
    dict of str to CompPlan
        By name, the scenario's own first; empty where it has none.

    Raises
    ------
    InputError
        With everything that is wrong, in the plans' files with their own lines.
    """
    keys = scenario.keys.compensation
    if keys is None:
        return {}
    found: dict[str, CompPlan] = {}
    problems: list[Problem] = []
    named: list[tuple[Loc, str]] = [(("compensation", "plan"), keys.plan)]
    named += [(("compensation", "compare", place), name) for place, name in enumerate(keys.compare)]
    for loc, name in named:
        path = scenario.resolve(name)
        if not path.is_file():
            told, mend = "there is no such file", f"Paths are relative to {scenario.path.name}."
            problems.append(scenario.written.problem(loc, told, mend, name))
            continue
        try:
            plan = CompPlan.load(path)
        except InputError as error:
            problems += error.problems
            continue
        problems += _wrong_plan(scenario, keys, plan, loc)
        if plan.name in found:
            told = "two plans have this name"
            problems.append(scenario.written.problem(loc, told, "Give each a name of its own.", plan.name))
        found[plan.name] = plan
    if problems:
        raise InputError(problems)
    return found


def _wrong_plan(scenario: Scenario, keys: PayKeys, plan: CompPlan, loc: Loc) -> list[Problem]:
    """Find what of a plan the draws of this scenario cannot answer."""
    told = [*_wrong_periods(scenario, plan), *_wrong_measures(scenario, plan), *_without_quota(keys, plan)]
    problems = [scenario.written.problem(loc, f"{plan.name}: {one}", mend) for one, mend in told]
    return problems + (_idle_quotas(scenario, keys, plan) if loc[1] == "plan" else [])


_Told = list[tuple[str, str]]


def _wrong_periods(scenario: Scenario, plan: CompPlan) -> _Told:
    kind, own = _PER_YEAR[plan.terms.periods_per_year], scenario.keys.period
    mend = f"Write period: {kind} in the scenario, or change the plan."
    return [] if kind == own else [(f"it pays by {kind}, and the scenario's periods are {own}s", mend)]


def _wrong_measures(scenario: Scenario, plan: CompPlan) -> _Told:
    known = {*_ALWAYS, *scenario.keys.levels}
    told = []
    for name in plan.terms.read:
        measure = plan.terms.measures[name]
        told += [
            (f"{name} depends on {column}, by which draws are not told apart", "Add it to levels.")
            for column in measure.where
            if column not in known
        ]
        if measure.first is not None or measure.last is not None:
            told.append((f"{name} counts deals of certain days only, and draws have no days", "Take the days out."))
    return told


def _without_quota(keys: PayKeys, plan: CompPlan) -> _Told:
    return [
        (f"it needs a quota of {name}", f"Add quotas: {{{name}: …}} under compensation, of a period, or by rep.")
        for name in plan.terms.with_quota
        if name != plan.terms.main and name not in keys.quotas
    ]


def _idle_quotas(scenario: Scenario, keys: PayKeys, plan: CompPlan) -> list[Problem]:
    """Name quotas of measures that the plan does not have, or that are proposed."""
    further = [name for name in plan.terms.measures if name != plan.terms.main]
    problems = []
    for name in keys.quotas:
        if name not in further:
            near = nearest(name, further)
            mend = f"Did you mean {near}?" if near else "Quotas of the first measure are those proposed."
            told = "the plan has no such further measure"
            problems.append(scenario.written.problem(("compensation", "quotas", name), told, mend, name))
    return problems
