"""What an assignment is worth, worked out from the input alone and independently of the method that found it.

Sums are exact (`math.fsum`), so that neither the order of accounts nor that of reps can change a figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spmforecast.optimize.territory.contiguity import is_contiguous
from spmforecast.optimize.territory.problem import Floats, Ints, Problem
from spmforecast.plan.territory import Assignment

__all__ = ["TOLERANCE", "Question", "judge"]

TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Question:
    """A problem with what is needed to tell its answer: costs without prices of moves, today's owners, names.

    Parameters
    ----------
    problem : Problem
        Costs include the price of moves.
    plain : array of float, shape (A, K)
        Costs without it.
    today : array of int, shape (A,)
        Owner today, -1 where there is none.
    weight : array of float, shape (A,)
        What counts as moved.
    measures : tuple of str, length D
    """

    problem: Problem
    plain: Floats
    today: Ints
    weight: Floats
    measures: tuple[str, ...]


def judge(question: Question, owner: Ints, bound: float, proven: bool) -> Assignment:
    """Recompute cost, loads and limits of `owner`, and set the gap to `bound`.

    Parameters
    ----------
    question : Question
    owner : array of int, shape (A,)
    bound : float
        Lower bound that the method proved.
    proven : bool
        Whether the method claims an optimum.

    Returns
    -------
    Assignment
    """
    problem = question.problem
    slots = problem.slots_of(owner)
    assert (slots >= 0).all(), "an account was given to a rep that it may not go to"
    rows = np.arange(problem.accounts)
    loads = _loads(problem, owner, slots)
    excess = problem.excess(loads)
    excess[excess <= TOLERANCE * np.maximum(1.0, _nearest_limit(problem, loads))] = 0.0
    elastic = np.where(np.isinf(problem.elastic), 0.0, problem.elastic)
    objective = math.fsum([*problem.cost[rows, slots].tolist(), *(excess * elastic).ravel().tolist()])
    moved = (question.today >= 0) & (owner != question.today)
    share = _share(moved, question)
    contiguous = None if problem.edges is None else is_contiguous(problem.edges, owner)
    over = math.fsum(question.weight[moved].tolist()) - problem.max_moved
    held = not excess[:, np.isinf(problem.elastic)].any() and over <= TOLERANCE * max(1.0, problem.max_moved)
    feasible = held and contiguous is not False
    optimal = proven and feasible
    if feasible:
        bound = _rounded_to(objective, bound, optimal)
    notes = _notes(question, loads, excess, over, contiguous)
    return Assignment(
        owner=owner,
        objective=objective,
        bound=bound,
        gap=(objective - bound) / max(abs(bound), 1e-12) if feasible else math.nan,
        feasible=feasible,
        violation=math.fsum(excess.ravel().tolist()),
        cost=math.fsum(question.plain[rows, slots].tolist()),
        loads=loads,
        excess=excess,
        moved=moved,
        moved_share=share,
        contiguous=contiguous,
        status="optimal" if optimal else "feasible" if feasible else "not proven",
        notes=notes,
    )


def _rounded_to(objective: float, bound: float, optimal: bool) -> float:
    """Return the bound without what the arithmetic of floats and the solver's tolerance put between it and the cost."""
    off, unit = abs(bound - objective), max(1.0, abs(objective))
    if optimal and off <= 1e-6 * unit:
        return objective
    return min(bound, objective) if off <= 1e-9 * unit else bound


def _loads(problem: Problem, owner: Ints, slots: Ints) -> Floats:
    load = problem.load_of(np.arange(problem.accounts), slots)
    order = np.argsort(owner, kind="stable")
    ends = np.cumsum(np.bincount(owner, minlength=problem.rep_count))
    out = np.zeros((problem.rep_count, problem.measures))
    for d in range(problem.measures):
        column = load[order, d].tolist()
        start = 0
        for rep, end in enumerate(ends.tolist()):
            out[rep, d] = math.fsum(column[start:end])
            start = end
    return out


def _nearest_limit(problem: Problem, loads: Floats) -> Floats:
    limit = np.where(loads > problem.upper, problem.upper, problem.lower)
    return np.where(np.isfinite(limit), np.abs(limit), 0.0)


def _share(moved: np.ndarray, question: Question) -> float:
    held = question.today >= 0
    whole = math.fsum(question.weight[held].tolist())
    return math.fsum(question.weight[moved].tolist()) / whole if whole > 0 else 0.0


def _notes(question: Question, loads: Floats, excess: Floats, over: float, contiguous: bool | None) -> tuple[str, ...]:
    problem = question.problem
    out = []
    for rep, measure in np.argwhere(excess > 0)[:20].tolist():
        high = loads[rep, measure] > problem.upper[rep, measure]
        side, limit = ("upper", problem.upper) if high else ("lower", problem.lower)
        out.append(
            f"rep {rep}, {question.measures[measure]}: {loads[rep, measure]:,.6g} is beyond the {side} limit "
            f"{limit[rep, measure]:,.6g} by {excess[rep, measure]:,.6g}"
        )
    if over > TOLERANCE * max(1.0, problem.max_moved):
        out.append(f"moved weight is beyond its limit {problem.max_moved:,.6g} by {over:,.6g}")
    if contiguous is False:
        out.append("some territory falls apart")
    return tuple(out)
