"""One form for the same problem, whatever the order of accounts and reps and the unit of money.

Costs and loads are scaled by their means and rounded to 40 bits, so that the rounding noise of another unit disappears.
Accounts and reps are then sorted by what they are. The methods thus see the same arrays, and answer the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spmforecast.optimize.territory.problem import Floats, Ints, Problem

__all__ = ["Canonical", "canonical"]

_BITS = 2.0**40


@dataclass(frozen=True, eq=False)
class Canonical:
    """The problem in canonical form and the way back.

    Parameters
    ----------
    problem : Problem
    accounts, reps : array of int
        Original index of each canonical account and rep.
    scale : float
        Original cost of one canonical unit.
    """

    problem: Problem
    accounts: Ints
    reps: Ints
    scale: float

    def owner(self, slots: Ints) -> Ints:
        """Original owner of each original account."""
        out = np.empty(len(self.accounts), dtype=np.int64)
        out[self.accounts] = self.reps[self.problem.owners(slots)]
        return out

    def slots(self, owner: Ints) -> Ints:
        """Slots of original owners."""
        place = np.empty(len(self.reps), dtype=np.int64)
        place[self.reps] = np.arange(len(self.reps))
        return self.problem.slots_of(place[owner[self.accounts]])


def canonical(problem: Problem) -> Canonical:
    """Bring a problem to canonical form.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Canonical
    """
    finite = np.isfinite(problem.cost)
    scale = _scale(problem.cost[finite])
    size = np.array([_scale(problem.load[:, :, d]) for d in range(problem.measures)])
    weight = _scale(problem.moved[problem.moved > 0])
    scaled = replace(
        problem,
        cost=_rounded(problem.cost / scale),
        load=_rounded(problem.load / size),
        lower=problem.lower / size,
        upper=problem.upper / size,
        moved=_rounded(problem.moved / weight),
        max_moved=problem.max_moved / weight,
        elastic=problem.elastic * size / scale,
    )
    reps = _rep_order(scaled)
    place = np.empty(len(reps), dtype=np.int64)
    place[reps] = np.arange(len(reps))
    accounts = _account_order(scaled)
    sorted_reps = replace(scaled, reps=place[scaled.reps], lower=scaled.lower[reps], upper=scaled.upper[reps])
    return Canonical(_reordered(sorted_reps, accounts), accounts, reps, scale)


def _scale(values: Floats) -> float:
    mean = float(np.abs(np.sort(values, axis=None)).mean()) if values.size else 0.0
    return mean if mean > 0 else 1.0


def _rounded(values: Floats) -> Floats:
    return np.rint(values * _BITS) / _BITS


def _reordered(problem: Problem, accounts: Ints) -> Problem:
    """Sort accounts, and the options of each by rep."""
    edges = problem.edges
    if edges is not None:
        place = np.empty(len(accounts), dtype=np.int64)
        place[accounts] = np.arange(len(accounts))
        edges = np.sort(place[edges], axis=1)
        edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    slots = np.lexsort((problem.cost, problem.reps), axis=1)[accounts]
    return replace(problem.take(accounts).keep_slots(slots), edges=edges)


def _rep_order(problem: Problem) -> Ints:
    """Order reps by their limits and by what their options cost and load in all, summed in sorted order."""
    finite = np.isfinite(problem.cost).ravel()
    rep = problem.reps.ravel()[finite]
    keys: list[Floats] = [*problem.lower.T, *problem.upper.T]
    values = [
        problem.cost,
        *(np.broadcast_to(problem.load[:, :, d], problem.cost.shape) for d in range(problem.measures)),
    ]
    for value in (*values, problem.moved):
        flat = value.ravel()[finite]
        order = np.lexsort((flat, rep))
        keys.append(_sums(flat[order], rep[order], problem.rep_count))
        keys.append(_sums(flat[order] ** 2, rep[order], problem.rep_count))
    return np.lexsort(keys)


def _sums(values: Floats, rep: Ints, count: int) -> Floats:
    return np.asarray(np.bincount(rep, weights=values, minlength=count), dtype=np.float64)


def _account_order(problem: Problem) -> Ints:
    """Order accounts by what their options cost and load, whichever reps these belong to."""
    cost = np.sort(problem.cost, axis=1)
    load = np.sort(np.where(np.isfinite(problem.cost)[:, :, None], problem.load, np.inf), axis=1)
    keys = [load[:, k, d] for d in range(problem.measures) for k in (-1, 0)]
    cheapest = [cost[:, k] for k in reversed(range(min(cost.shape[1], 4)))]
    return np.lexsort([*keys, *cheapest])
