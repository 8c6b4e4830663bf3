"""The method for problems that are too large to solve exactly: prices, search, and another go with room to spare."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spmforecast.optimize.territory.dual import Prices, reprice, solve_dual
from spmforecast.optimize.territory.problem import Ints, Problem
from spmforecast.optimize.territory.search import merit, search, typical_load

__all__ = ["Found", "heuristic"]

_ROOM = (0.002, 0.005, 0.01, 0.03)  # shares of a typical load by which limits are drawn in when the search got stuck


@dataclass(frozen=True, eq=False)
class Found:
    """Slots, the prices that they came from, and whether the hard limits hold."""

    slots: Ints
    prices: Prices
    holds: bool


def heuristic(problem: Problem, start: Ints | None = None) -> Found:
    """Find an assignment by prices and local search.

    Parameters
    ----------
    problem : Problem
        Edges are not looked at.
    start : array of int, shape (A,), optional
        An assignment that the answer must not be worse than.

    Returns
    -------
    Found
    """
    prices = solve_dual(problem)
    tries = [search(problem, prices)]
    if start is not None:
        tries.append(search(problem, prices, start))
    best = min(tries, key=lambda slots: merit(problem, slots))
    for room in _ROOM:
        if merit(problem, best)[0] == 0.0:
            break
        tighter = _drawn_in(problem, room)
        best = min(best, search(problem, reprice(tighter, prices)), key=lambda slots: merit(problem, slots))
    if start is not None:
        best = min(best, start, key=lambda slots: merit(problem, slots))
    return Found(best, prices, merit(problem, best)[0] == 0.0)


def _drawn_in(problem: Problem, share: float) -> Problem:
    """Draw the limits in by a share of a typical load, but not past their middle."""
    step = share * typical_load(problem)
    step = np.minimum(step, (problem.upper - problem.lower) / 4.0)
    return replace(problem, lower=problem.lower + step, upper=problem.upper - step)
