"""`assign`: accounts to reps under limits, by the method that suits the size, judged independently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InfeasibleError, InputError
from spmforecast.errors import Problem as Wrong
from spmforecast.optimize.territory.arguments import Arguments, question
from spmforecast.optimize.territory.canonical import Canonical, canonical
from spmforecast.optimize.territory.contiguous import hang_together
from spmforecast.optimize.territory.diagnose import clash, least_relaxation, refuse_the_impossible
from spmforecast.optimize.territory.dual import priced
from spmforecast.optimize.territory.exact import Solved, solve_exact
from spmforecast.optimize.territory.heuristic import Found, heuristic
from spmforecast.optimize.territory.judge import Question, judge
from spmforecast.optimize.territory.polish import polish
from spmforecast.optimize.territory.problem import Ints, Problem
from spmforecast.optimize.territory.search import merit
from spmforecast.plan.territory import Assignment, AttributeLimit

__all__ = ["assign"]

_METHODS = ("auto", "exact", "heuristic")
_EXACT = 2_500  # options up to which the mixed-integer programme is solved
_LINEAR = 60_000  # options up to which a clash is sought by linear programming
_POLISHED = 6_000  # options up to which neighbourhoods are polished
_TIGHTER = (0.0, 2e-6, 1e-5)  # relative steps by which limits are drawn in against the solver's own tolerance


def assign(
    cost: npt.ArrayLike,
    load: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    edges: npt.ArrayLike | None = None,
    locked: npt.ArrayLike | None = None,
    candidates: npt.ArrayLike | None = None,
    seed: int = 0,  # noqa: ARG001
    *,
    today: npt.ArrayLike | None = None,
    move_price: npt.ArrayLike = 0.0,
    move_weight: npt.ArrayLike | None = None,
    max_moved: float | None = None,
    required: npt.ArrayLike | None = None,
    forbidden: npt.ArrayLike | None = None,
    limits: Sequence[AttributeLimit] = (),
    elastic: npt.ArrayLike | None = None,
    start: npt.ArrayLike | None = None,
    method: str = "auto",
    node_limit: int = 20_000,
) -> Assignment:
    """Give every account to one rep at the least cost, loads within limits.

    Parameters
    ----------
    cost : array-like of float, shape (A, R), or (A, K) with `candidates`
        Cost of each account with each rep (or candidate); infinite forbids the pair.
    load : array-like of float, shape (A,), (A, D), (A, R) or (A, R, D); with `candidates` (A, K) for (A, R)
        What an account loads on its rep, in D measures. A shape (A, n) is read as measures where the limits have n
        columns, else as one measure by rep.
    lower, upper : array-like of float, shape (), (R,) or (R, D)
        Least and most load of each rep; may be infinite.
    edges : array-like of int, shape (E, 2), optional
        Neighbouring accounts: every rep's accounts must then hang together.
    locked : array-like of int, shape (A,), optional
        Rep that an account must go to, -1 where it is free.
    candidates : array-like of int, shape (A, K), optional
        Reps that each account may go to, -1 for none.
    seed : int
        Kept for repeatability; no method here draws random numbers, so that every seed answers the same.
    today : array-like of int, shape (A,), optional
        Today's owner, -1 where there is none.
    move_price : float or array-like, shape (A,)
        Added to the objective for an account that leaves today's owner.
    move_weight : array-like of float, shape (A,), optional
        What counts as moved, for instance revenue; each account 1 by default.
    max_moved : float, optional
        Largest share of `move_weight` (of accounts that have an owner) that may move, 0 to 1.
    required, forbidden : array-like of int, shape (n, 2), optional
        Pairs (account, rep) that must and must not be.
    limits : sequence of AttributeLimit
        Limits by attribute, held like loads.
    elastic : float or array-like, shape (D,), optional
        Price of a unit of load beyond its limits: loads may then exceed limits, and what they exceed is
        reported. Infinite
        keeps a measure hard. Attribute limits follow the measures.
    start : array-like of int, shape (A,), optional
        An assignment that the answer must not be worse than (large problems).
    method : {"auto", "exact", "heuristic"}
        ``auto`` solves a mixed-integer programme up to 2,500 options, else prices and local search.
    node_limit : int
        Nodes of the branch-and-bound tree; no method is stopped by the clock.

    Returns
    -------
    Assignment
        Objective, loads and limits are recomputed from the arguments; `bound` holds for every assignment.

    Raises
    ------
    InputError
        Everything that is wrong with the arguments.
    InfeasibleError
        Limits that provably cannot be met: the smallest clashing set, or the least relaxation.
    """
    if method not in _METHODS:
        mend = f"Use one of: {', '.join(_METHODS)}."
        raise InputError(Wrong("assign", "no such method", mend, column="method", value=method))
    asked = question(
        Arguments(
            cost, load, lower, upper, edges, locked, candidates, today, move_price, move_weight, max_moved,
            required, forbidden, limits, elastic,
        )
    )  # fmt: skip
    refuse_the_impossible(asked)
    form = canonical(asked.problem)
    begin = None if start is None else _start(form, start)
    answer = _answer(form.problem, begin, method, node_limit)
    owner = None if answer.slots is None else form.owner(answer.slots)
    if owner is None or not answer.holds:
        _explain(asked, answer, node_limit)
    if owner is None:
        raise InfeasibleError("no contiguous assignment was found; that there is none is not proven", ["edges"])
    return judge(asked, owner, answer.bound * form.scale, answer.optimal)


@dataclass(frozen=True, eq=False)
class _Answer:
    slots: Ints | None
    bound: float
    optimal: bool
    holds: bool
    infeasible: bool = False


def _start(form: Canonical, start: npt.ArrayLike) -> Ints | None:
    slots = form.slots(np.asarray(start, dtype=np.int64))
    return slots if (slots >= 0).all() else None


def _answer(problem: Problem, start: Ints | None, method: str, node_limit: int) -> _Answer:
    loose = replace(problem, edges=None)
    found = heuristic(loose, start)
    options = int(np.isfinite(problem.cost).sum())
    contiguous = None if problem.edges is None else hang_together(problem, found, start)
    if method == "exact" or (method == "auto" and options <= _EXACT):
        return _exact(problem, found, contiguous, node_limit)
    if problem.edges is not None:
        slots = None if contiguous is None else contiguous
        return _Answer(slots, found.prices.bound, False, slots is not None and merit(problem, slots)[0] == 0.0)
    slots = polish(problem, found) if options <= _POLISHED and found.holds else found.slots
    return _Answer(slots, found.prices.bound, False, found.holds)


def _exact(problem: Problem, found: Found, contiguous: Ints | None, node_limit: int) -> _Answer:
    """Solve the programme over the options that could still be better than what is known."""
    known = contiguous if problem.edges is not None else found.slots if found.holds else None
    if known is not None and merit(problem, known)[0] > 0:
        known = None
    wanted = None
    if known is not None:
        total = priced(problem, found.prices.load, found.prices.moved)
        slack = merit(problem, known)[1] - found.prices.bound
        wanted = total - total.min(axis=1, keepdims=True) <= slack + 1e-6 * max(1.0, abs(slack))
    solved = _within_tolerance(problem, wanted, node_limit)
    bound = max(found.prices.bound, solved.bound)
    if solved.slots is None or (known is not None and merit(problem, known) <= merit(problem, solved.slots)):
        held = known is not None
        slots = known if held else (found.slots if problem.edges is None else contiguous)
        return _Answer(slots, bound, held and solved.optimal, held, solved.infeasible and not held)
    return _Answer(solved.slots, bound, solved.optimal, merit(problem, solved.slots)[0] == 0.0)


def _within_tolerance(problem: Problem, wanted: npt.NDArray[np.bool_] | None, node_limit: int) -> Solved:
    """Draw limits in a little where the solver's tolerance let it step over them; the first run's bound stands."""
    first = solved = solve_exact(problem, wanted, node_limit)
    for step in _TIGHTER[1:]:
        if solved.slots is None or merit(problem, solved.slots)[0] == 0.0:
            break
        give = step * np.maximum(1.0, np.abs(np.where(np.isfinite(problem.upper), problem.upper, problem.lower)))
        give = np.where(np.isfinite(give), np.minimum(give, (problem.upper - problem.lower) / 4.0), 0.0)
        drawn = replace(problem, lower=problem.lower + give, upper=problem.upper - give)
        solved = solve_exact(drawn, wanted, node_limit)
    return Solved(solved.slots, first.bound, first.infeasible, first.optimal and solved.optimal)


def _explain(asked: Question, answer: _Answer, node_limit: int) -> None:
    """Raise with the reason where limits provably clash; else let the answer tell what it exceeds."""
    options = int(np.isfinite(asked.problem.cost).sum())
    if options <= _LINEAR:
        named = clash(asked)
        if named:
            raise InfeasibleError(f"these limits clash, even if accounts could be split: {'; '.join(named)}", named)
    if not answer.infeasible:
        return
    if asked.problem.edges is not None:
        loose = replace(asked, problem=replace(asked.problem, edges=None))
        whole = solve_exact(canonical(loose.problem).problem, node_limit=node_limit, gap=1.0)
        if whole.slots is not None:
            raise InfeasibleError(
                "no contiguous assignment holds the limits; without contiguity there is one",
                ["edges", "limits of load"],
            )
        asked = loose
    told, _ = least_relaxation(asked, node_limit)
    raise InfeasibleError(
        "whole accounts cannot meet the limits; the least that would have to give: " + "; ".join(told), told
    )
