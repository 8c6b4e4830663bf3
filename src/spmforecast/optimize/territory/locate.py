"""Centres by location and allocation in turn, and a bound for designs too large for the programme."""

from __future__ import annotations

import numpy as np

from spmforecast.errors import InfeasibleError
from spmforecast.optimize.territory.assigning import assign
from spmforecast.optimize.territory.hess import Design
from spmforecast.optimize.territory.problem import Floats, Ints

__all__ = ["locate", "median_bound"]

_TURNS = 20
_BOUND_STEPS = 300


def locate(design: Design, seed: int, starts: int, edges: Ints | None) -> tuple[Ints | None, float]:
    """Assign, move each centre to the best unit of its territory, and again, until nothing changes.

    Parameters
    ----------
    design : Design
    seed : int
        Picks the first centres.
    starts : int
    edges : array of int, shape (E, 2), or None

    Returns
    -------
    center : array of int, shape (n,), or None
        Centre of each unit in the best answer that holds the limits.
    cost : float
        Its objective, infinite where there is none.
    """
    best: tuple[float, Ints | None] = (np.inf, None)
    seen: set[tuple[int, ...]] = set()
    rng = np.random.Generator(np.random.Philox(key=seed))
    for _ in range(starts):
        centers = _spread(design, rng)
        for _ in range(_TURNS):
            if tuple(centers.tolist()) in seen:
                break
            seen.add(tuple(centers.tolist()))
            center = _allocate(design, centers, edges)
            if center is None:
                break
            centers = _recentre(design, center)
            # Each unit keeps its territory, whose centre may have moved.
            old = np.unique(center)
            settled = _moved(design, center)[np.searchsorted(old, center)]
            cost = float(design.cost[np.arange(len(center)), settled].sum())
            if cost < best[0]:
                best = (cost, settled)
    return best[1], best[0]


def _spread(design: Design, rng: np.random.Generator) -> Ints:
    """First centres far from each other, each drawn in proportion to the cost that it would save (k-means++)."""
    count = len(design.cost)
    cost = np.where(np.isfinite(design.cost), design.cost, np.nanmax(design.cost[np.isfinite(design.cost)]))
    chosen = [int(rng.integers(count))]
    nearest = cost[:, chosen[0]].copy()
    while len(chosen) < design.count:
        weight = nearest.copy()
        weight[chosen] = 0.0
        free = np.setdiff1d(np.arange(count), chosen)
        total = weight[free].sum()
        share = np.cumsum(weight[free]) / total if total > 0 else np.arange(1, len(free) + 1) / len(free)
        chosen.append(int(free[min(int(np.searchsorted(share, rng.random())), len(free) - 1)]))
        nearest = np.minimum(nearest, cost[:, chosen[-1]])
    return np.sort(np.array(chosen))


def _allocate(design: Design, centers: Ints, edges: Ints | None) -> Ints | None:
    locked = np.full(len(design.cost), -1, dtype=np.int64)
    locked[centers] = np.arange(len(centers))
    size = (len(centers), 1)
    lower, upper = np.tile(design.lower, size), np.tile(design.upper, size)
    try:
        # Contiguity is proven later by the programme; here a good start is enough.
        method = "auto" if edges is None else "heuristic"
        answer = assign(
            design.cost[:, centers], design.load, lower, upper, edges, locked, method=method, node_limit=500
        )
    except InfeasibleError:
        return None
    return centers[answer.owner] if answer.feasible else None


def _recentre(design: Design, center: Ints) -> Ints:
    return np.sort(_moved(design, center))


def _moved(design: Design, center: Ints) -> Ints:
    """Best unit of each territory, territories in the order of their old centres."""
    out = []
    for old in np.unique(center).tolist():
        members = np.flatnonzero(center == old)
        total = design.cost[members][:, members].sum(axis=0)
        out.append(int(members[total.argmin()]))
    return np.array(out, dtype=np.int64)


def median_bound(design: Design, known: float) -> float:
    """Bound of the k-median problem, limits left out: assignment priced, subgradient steps (Cornuejols et al. 1977).

    Parameters
    ----------
    design : Design
    known : float
        Objective of an answer, which sets the length of steps; infinite where none is known.

    Returns
    -------
    float
    """
    cost: Floats = design.cost
    rows = np.arange(len(cost))
    price = np.partition(cost, min(1, len(cost) - 1), axis=1)[:, min(1, len(cost) - 1)].copy()
    best, stretch, idle = -np.inf, 1.0, 0
    for _ in range(_BOUND_STEPS):
        gain = np.minimum(cost - price[:, None], 0.0)
        gain[rows, rows] = cost[rows, rows] - price
        value = gain.sum(axis=0)
        chosen = np.argpartition(value, design.count - 1)[: design.count]
        bound = float(price.sum() + value[chosen].sum())
        idle = 0 if bound > best else idle + 1
        best = max(best, bound)
        if idle >= 10:
            stretch, idle = stretch / 2.0, 0
        slope = 1.0 - (gain[:, chosen] < 0).sum(axis=1)
        norm = float((slope**2).sum())
        if norm == 0:
            break
        target = known if np.isfinite(known) else best + 0.05 * abs(best)
        price = price + stretch * max(target - bound, 1e-9 * abs(bound)) / norm * slope
    return best
