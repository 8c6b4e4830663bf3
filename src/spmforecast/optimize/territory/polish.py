"""Large-neighbourhood search: a few neighbouring reps at a time are solved anew by HiGHS, the rest held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spmforecast.optimize.territory.dual import priced
from spmforecast.optimize.territory.exact import solve_exact
from spmforecast.optimize.territory.heuristic import Found
from spmforecast.optimize.territory.problem import Floats, Ints, Problem
from spmforecast.optimize.territory.search import merit

__all__ = ["polish"]

_GROUP = 4  # reps solved together
_FREE = 40  # options of small reduced cost that are left open beside those taken
_NODES = 20
_SWEEPS = 1


def polish(problem: Problem, found: Found) -> Ints:
    """Improve an assignment by solving neighbourhoods.

    Parameters
    ----------
    problem : Problem
    found : Found

    Returns
    -------
    array of int, shape (A,)
        Never worse than what was found.
    """
    total = priced(problem, found.prices.load, found.prices.moved)
    reduced = total - total.min(axis=1, keepdims=True)
    slots = found.slots
    near = _closeness(problem, reduced)
    for sweep in range(_SWEEPS):
        before = merit(problem, slots)
        for rep in range(problem.rep_count):
            rank = np.argsort(-near[rep], kind="stable")[sweep : sweep + _GROUP - 1]
            slots = _resolve(problem, slots, np.append(rank, rep), reduced)
        if merit(problem, slots) >= before:
            break
    return slots


def _closeness(problem: Problem, reduced: Floats) -> Floats:
    """How many accounts are torn between each two reps, weighted by how nearly."""
    best = problem.owners(reduced.argmin(axis=1))
    scale = float(np.median(np.partition(reduced, min(1, reduced.shape[1] - 1), axis=1)[:, -1:])) or 1.0
    pull = np.exp(-reduced / scale)
    out = np.zeros((problem.rep_count, problem.rep_count))
    np.add.at(out, (np.repeat(best, reduced.shape[1]), problem.reps.ravel()), pull.ravel())
    out += out.T
    np.fill_diagonal(out, -1.0)
    return out


def _resolve(problem: Problem, slots: Ints, group: Ints, reduced: Floats) -> Ints:
    inside = np.zeros(problem.rep_count, dtype=np.bool_)
    inside[group] = True
    owner = problem.owners(slots)
    members = np.flatnonzero(inside[owner])
    rows = np.arange(len(members))
    part = problem.take(members)
    open_ = np.where(inside[part.reps] & np.isfinite(part.cost), reduced[members], np.inf)
    count = min(_FREE + len(members), int(np.isfinite(open_).sum()))
    wanted = open_ <= np.partition(open_.ravel(), count - 1)[count - 1]
    wanted[rows, slots[members]] = True
    rest = np.arange(problem.accounts)[~inside[owner]]
    held = problem.max_moved - float(problem.moved[rest, slots[rest]].sum())
    lower = np.where(inside[:, None], problem.lower, -np.inf)
    upper = np.where(inside[:, None], problem.upper, np.inf)
    solved = solve_exact(replace(part, lower=lower, upper=upper, max_moved=held), wanted, _NODES, 1e-4)
    if solved.slots is None:
        return slots
    tried = slots.copy()
    tried[members] = solved.slots
    return tried if merit(problem, tried) < merit(problem, slots) else slots
