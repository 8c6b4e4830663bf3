"""Reps that the keys of quotas speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spmforecast.errors import Problem
from spmforecast.scenario.keys import QuotaKeys
from spmforecast.scenario.schema import Scenario
from spmforecast.written import Loc, nearest

__all__ = ["reps_named", "wrong_reps"]


def reps_named(keys: QuotaKeys) -> Iterator[tuple[Loc, str]]:
    """Go through the reps that limits and figures name, each with its place in the scenario."""
    limits = keys.limits
    for index, lock in enumerate(limits.locks):
        yield ("quotas", "limits", "locks", index, "rep_id"), lock.rep_id
    for name, amounts in (("floor", limits.floor), ("ceiling", limits.ceiling)):
        for rep in amounts if isinstance(amounts, dict) else ():
            yield ("quotas", "limits", name, rep), rep
    for rep in keys.figures:
        yield ("quotas", "figures", rep), rep


def wrong_reps(scenario: Scenario, keys: QuotaKeys, reps: Sequence[str]) -> list[Problem]:
    """Find the reps that keys name but that get no quota.

    Parameters
    ----------
    scenario : Scenario
        Where the keys are written.
    keys : QuotaKeys
        The keys.
    reps : sequence of str
        Who gets a quota.

    Returns
    -------
    list of Problem
        One for each place, with its line.
    """
    known, problems = set(reps), []
    for place, rep in reps_named(keys):
        if rep not in known:
            near = nearest(rep, known)
            mend = f"Did you mean {near}?" if near else "Name reps that sell at this date."
            problems.append(scenario.written.problem(place, "no such rep gets a quota", mend, rep))
    return problems
