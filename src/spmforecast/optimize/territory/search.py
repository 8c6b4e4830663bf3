"""From prices to an assignment: the cheapest priced options first, then shifts and pairs of shifts until none helps.

At good prices nearly every account stands where it should; the few that are torn between reps (at most about one a
limit that binds) decide whether limits hold. So the search looks only at options of small reduced cost. What a limit is
exceeded by costs a price that rises until the limits hold; the answer is the cheapest assignment met that holds them.
"""

from __future__ import annotations

import numpy as np

from spmforecast.optimize.territory.dual import Prices, priced
from spmforecast.optimize.territory.moves import Near, State, improving, near_options
from spmforecast.optimize.territory.problem import Floats, Ints, Problem

__all__ = ["first_price", "merit", "search", "typical_load"]

_ROUNDS = 400
_RISES = 4
_TOLERANCE = 1e-9


def merit(problem: Problem, slots: Ints) -> tuple[float, float]:
    """Compare assignments by what they exceed hard limits by (relative), then by cost with elastic prices."""
    excess = problem.excess(problem.loads(slots))
    hard = np.isinf(problem.elastic)
    scale = np.maximum(np.abs(typical_load(problem)), 1e-12)
    broken = float((excess[:, hard] / scale[hard]).sum())
    rows = np.arange(problem.accounts)
    if problem.limits_moves:
        over = float(problem.moved[rows, slots].sum()) - problem.max_moved
        broken += max(over, 0.0) / max(problem.max_moved, 1.0)
    cost = float(problem.cost[rows, slots].sum()) + float((excess[:, ~hard] * problem.elastic[~hard]).sum())
    return (0.0 if broken <= _TOLERANCE * problem.rep_count else broken), cost


def search(problem: Problem, prices: Prices, start: Ints | None = None, per_rep: int = 80) -> Ints:
    """Find an assignment near the bound that holds the limits.

    Parameters
    ----------
    problem : Problem
    prices : Prices
    start : array of int, shape (A,), optional
        Slots to begin with; the cheapest priced options by default.
    per_rep : int
        Options looked at for each rep.

    Returns
    -------
    array of int, shape (A,)
        Slot of each account.
    """
    total = priced(problem, prices.load, prices.moved)
    best = total.argmin(axis=1)
    reduced = total - total[np.arange(problem.accounts), best][:, None]
    slots = best if start is None else start
    state = State(problem, slots, first_price(problem, prices))
    for wide in (1, 4, 12):
        near = near_options(problem, reduced, state.slots, wide * per_rep)
        for _ in range(_RISES):
            _descend(state, near, prices.moved)
            if merit(problem, state.slots)[0] == 0.0:
                return state.slots
            state.price = np.where(np.isinf(problem.elastic), 3.0 * state.price, state.price)
    return state.slots


def _descend(state: State, near: Near, charge: float) -> None:
    dirty = np.ones(state.problem.rep_count, dtype=np.bool_)
    for _ in range(_ROUNDS):
        room = state.problem.max_moved - state.moved_total
        chosen, dirty = improving(state, near, dirty, _charge(state, charge, room), room)
        if not len(chosen):
            return
        state.apply(near, chosen)


def _charge(state: State, price: float, room: float) -> float:
    """Price of moved weight: dear while too much has moved."""
    if room >= 0 or not np.isfinite(room):
        return price
    rows = state.problem.moved > 0
    worst = np.ptp(state.problem.cost[np.isfinite(state.problem.cost)])
    return price + 10.0 * float(worst) / float(state.problem.moved[rows].min())


def typical_load(problem: Problem) -> Floats:
    """Typical load of a rep in each measure."""
    return np.asarray(np.abs(problem.load).mean(axis=(0, 1)) * problem.accounts / problem.rep_count)


def first_price(problem: Problem, prices: Prices) -> Floats:
    """Price of excess: a few times the dearest load where limits are hard, the elastic price elsewhere."""
    typical = problem.cost[np.isfinite(problem.cost)].std() / np.maximum(np.abs(problem.load).mean(axis=(0, 1)), 1e-12)
    hard = np.maximum(3.0 * np.abs(prices.load).max(axis=0), 0.1 * typical + 1e-12)
    return np.where(np.isinf(problem.elastic), hard, problem.elastic)
