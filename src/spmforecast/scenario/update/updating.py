"""The update itself: the last forecast made again, the new one, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spmforecast.errors import InputError, Problem
from spmforecast.scenario.against_data import load_or_tell_all
from spmforecast.scenario.keys import ScorecardKeys, UpdateKeys
from spmforecast.scenario.planbook import Planbook
from spmforecast.scenario.prepare import Prepared, Progress, prepare
from spmforecast.scenario.run import RunResult, run_scenario
from spmforecast.scenario.schema import Scenario, load_scenario
from spmforecast.scenario.update.comparing import compare_runs
from spmforecast.scenario.update.landing import closed_periods, landing
from spmforecast.scenario.update.overtaken import still_assumed
from spmforecast.scenario.update.previous import Previous, check_dates, read_previous
from spmforecast.scenario.update.remaining import Remaining, quotas_in_force, remaining_quotas
from spmforecast.scenario.update.result import UpdateResult
from spmforecast.written import Written, nearest

__all__ = ["quotas_left", "update", "update_scenario"]


def update(
    scenario: str | Path,
    as_of: object,
    *,
    planbook: str | Path | None = None,
    previous: str | Path | None = None,
    policy: str | None = None,
    share: float | None = None,
    trials: int | None = None,
    seed: int | None = None,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
) -> UpdateResult:
    """Update a forecast: closed periods at their actuals, a refit, the rest forecast anew, and a bridge between both.

    Parameters
    ----------
    scenario : path or str
        A YAML file; its ``as_of`` is the date of the last forecast.
    as_of : date-like
        The new date, later than that.
    planbook : path or str, optional
        Where `previous` is looked up if it is a number.
    previous : path or str, optional
        Run folder, or number of a forecast in the planbook, from whose date and figures the bridge starts.
    policy : {"hold", "reallocate", "partial"}, optional
        What becomes of the quotas of the periods left, instead of the scenario's.
    share : float, optional
        Of the gap to plan that ``partial`` reallocates, instead of the scenario's.
    trials, seed : int, optional
        Instead of the file's.
    jobs : int
        Processes for the simulation; they change no figure.
    strict : bool
        Bear no rejected row.
    progress : callable, optional
        Called with the step, what is done and what there is to do.

    Returns
    -------
    UpdateResult

    Raises
    ------
    InputError
        If scenario, data, dates or the last forecast are wrong; with every problem.
    InfeasibleError
        If what is asked cannot be had.
    """
    given = {"trials": trials, "seed": seed}
    new = _chosen(
        load_or_tell_all(scenario, {**given, "as_of": str(as_of)[:10]}, strict, passed=True),
        {"policy": policy, "share": share},
    )
    kept = None
    if previous is not None:
        kept = read_previous(previous, new, None if planbook is None else Planbook(planbook))
    old = load_scenario(scenario, {**given, "as_of": None if kept is None else str(kept.as_of)})
    check_dates(new, old.keys.as_of)
    return update_scenario(old, new, kept, jobs, strict, progress)


def update_scenario(
    old: Scenario,
    new: Scenario,
    kept: Previous | None = None,
    jobs: int = 1,
    strict: bool = False,
    progress: Progress | None = None,
) -> UpdateResult:
    """Update a scenario that is already checked, as of two dates; see :func:`update`."""
    told = progress or (lambda *_: None)
    old = _without_cards(old)
    last = run_scenario(old, jobs, strict, lambda step, done, wanted: told(f"last: {step}", done, wanted))
    ready = prepare(new, jobs, strict, told)
    new, overtaken = still_assumed(new, ready.model)
    run = run_scenario(new, jobs, strict, progress, ready)
    told("bridge", 0, 1)
    bare = None
    if old.keys.assumptions or new.keys.assumptions:
        bare = (_without_assumptions(old, jobs, strict), _without_assumptions(new, jobs, strict, ready))
    found = compare_runs(last, run, None if kept is None else kept.forecast, jobs, bare)
    told("bridge", 1, 1)
    closed, restated = closed_periods(last, run)
    quotas, missing = quotas_left(last, run, kept)
    return UpdateResult(
        last=last,
        run=run,
        bridge=found.bridge,
        deals=found.deals,
        landing=landing(last, run),
        closed=closed,
        quotas=quotas,
        notes=(*overtaken, *found.notes, *restated, *missing, *(quotas.notes if quotas is not None else ())),
        previous="" if kept is None else kept.label,
    )


def _without_cards(scenario: Scenario) -> Scenario:
    """Leave out the key ``scorecards``: it may name a stage that was not there yet when the last forecast was made."""
    return replace(scenario, keys=scenario.keys.model_copy(update={"scorecards": ScorecardKeys()}))


def _without_assumptions(scenario: Scenario, jobs: int, strict: bool, ready: Prepared | None = None) -> RunResult:
    """Run a scenario as the record alone would have it."""
    plain = replace(scenario, keys=scenario.keys.model_copy(update={"assumptions": ()}))
    return run_scenario(plain, jobs, strict, prepared=ready)


def quotas_left(
    last: RunResult, run: RunResult, kept: Previous | None = None
) -> tuple[Remaining | None, tuple[str, ...]]:
    """Propose quotas for what is left, where any are in force; else say that none are.

    Raises
    ------
    InputError
        If relief names somebody without a quota.
    InfeasibleError
        If limits clash.
    """
    keys = run.scenario.keys.update
    force = quotas_in_force(None if kept is None else kept.quotas, last, run)
    if not force:
        told = "no quotas of the periods left are known, so none are proposed: give a table quotas, or the key quotas"
        return None, (told,)
    _check_relief(run.scenario, {rep for quotas in force.values() for rep in quotas})
    return remaining_quotas(keys, force, run), ()


def _check_relief(scenario: Scenario, known: set[str]) -> None:
    problems = []
    for number, one in enumerate(scenario.keys.update.relief):
        if one.rep_id not in known:
            near = nearest(one.rep_id, known)
            mend = f"Did you mean {near}?" if near else "Name a rep with a quota in a period that is left."
            told = "no such rep has a quota"
            problems.append(scenario.written.problem(("update", "relief", number, "rep_id"), told, mend, one.rep_id))
    if problems:
        raise InputError(problems)


def _chosen(scenario: Scenario, given: Mapping[str, Any]) -> Scenario:
    """Put a policy from the command line in place of the file's."""
    named = {name: value for name, value in given.items() if value is not None}
    if not named:
        return scenario
    if named.get("share") is not None and named.get("policy", scenario.keys.update.policy) != "partial":
        told, mend = "a share goes with the policy partial", "Add --policy partial, or leave the share out."
        raise InputError(Problem("command line", told, mend, column="share", value=str(named["share"])))
    tree = {**scenario.keys.update.model_dump(exclude_unset=True), **named}
    keys = Written("command line", "update", tree, {}, ()).validate(UpdateKeys)
    return replace(scenario, keys=scenario.keys.model_copy(update={"update": keys}))
