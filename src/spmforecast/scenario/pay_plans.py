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
_LEVELS = "Add it to levels."


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
    problems = []

    def wrong(told: str, mend: str, value: str = "") -> None:
        problems.append(scenario.written.problem(loc, told, mend, value))

    kind = _PER_YEAR[plan.terms.periods_per_year]
    if kind != scenario.keys.period:
        wrong(
            f"{plan.name} pays by {kind}, and the scenario's periods are {scenario.keys.period}s",
            f"Write period: {kind} in the scenario, or change the plan.",
        )
    columns = dict.fromkeys([*_ALWAYS, *scenario.keys.levels])
    for name in plan.terms.read:
        measure = plan.terms.measures[name]
        for column in measure.where:
            if column not in columns:
                wrong(f"{plan.name}: {name} depends on {column}, by which draws are not told apart", _LEVELS)
        if measure.first is not None or measure.last is not None:
            wrong(f"{plan.name}: {name} counts deals of certain days only, and draws have no days", "Take it out.")
    for name in plan.terms.with_quota:
        if name != plan.terms.main and name not in keys.quotas:
            mend = f"Add quotas: {{{name}: …}} under compensation, of a period, for everybody or by rep."
            wrong(f"{plan.name} needs a quota of {name}", mend)
    if loc[1] == "plan":
        for name in keys.quotas:
            if name not in plan.terms.measures or name == plan.terms.main:
                near = nearest(name, [one for one in plan.terms.measures if one != plan.terms.main])
                mend = f"Did you mean {near}?" if near else "Quotas of the first measure are those proposed."
                told = "the plan has no such further measure"
                problems.append(scenario.written.problem(("compensation", "quotas", name), told, mend, name))
    return problems
