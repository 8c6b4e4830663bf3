"""Contiguous territories beyond the reach of the exact method: pieces regrown, then moves that keep all together."""

from __future__ import annotations

import numpy as np

from spmforecast.optimize.territory.contiguity import Neighbours
from spmforecast.optimize.territory.heuristic import Found
from spmforecast.optimize.territory.problem import Floats, Ints, Problem
from spmforecast.optimize.territory.search import first_price, merit

__all__ = ["hang_together"]

_PASSES = 60
_RISES = 6


def hang_together(problem: Problem, found: Found, start: Ints | None = None) -> Ints | None:
    """Turn an assignment into a contiguous one and improve it by moves that keep it so.

    Parameters
    ----------
    problem : Problem
        With edges.
    found : Found
        An assignment that need not be contiguous.
    start : array of int, shape (A,), optional
        Tried as well where it is contiguous.

    Returns
    -------
    array of int, shape (A,), or None
        Slots; None where no contiguous assignment was met.
    """
    assert problem.edges is not None
    neighbours = Neighbours(problem.edges, problem.accounts)
    tries = []
    for slots in (found.slots, start):
        grown = None if slots is None else _regrow(problem, neighbours, slots)
        if grown is not None:
            tries.append(_Walk(problem, neighbours, grown, first_price(problem, found.prices)).run())
    return min(tries, key=lambda slots: merit(problem, slots)) if tries else None


def _regrow(problem: Problem, neighbours: Neighbours, slots: Ints) -> Ints | None:
    """Keep the largest piece of each territory and give the others, unit by unit, to a territory that they touch."""
    owner = problem.owners(slots)
    for rep in range(problem.rep_count):
        for piece in neighbours.pieces(owner == rep)[1:]:
            owner[piece] = -1
    table = _table(problem)
    while (owner < 0).any():
        best: tuple[float, int, int] | None = None
        for unit in np.flatnonzero(owner < 0).tolist():
            for rep in {int(owner[other]) for other in neighbours.of(unit)} - {-1}:
                price = float(table[unit, rep])
                if np.isfinite(price) and (best is None or (price, unit, rep) < best):
                    best = (price, unit, rep)
        if best is None:
            return None
        owner[best[1]] = best[2]
    return problem.slots_of(owner)


def _table(problem: Problem) -> Floats:
    table = np.full((problem.accounts, problem.rep_count), np.inf)
    np.minimum.at(
        table,
        (np.repeat(np.arange(problem.accounts), problem.cost.shape[1]), problem.reps.ravel()),
        problem.cost.ravel(),
    )
    return table


class _Walk:
    """Steepest descent over shifts along borders, excess priced ever dearer."""

    def __init__(self, problem: Problem, neighbours: Neighbours, slots: Ints, price: Floats) -> None:
        self.problem, self.neighbours, self.slots, self.price = problem, neighbours, slots.copy(), price
        self.owner = problem.owners(slots)
        self.loads = problem.loads(slots)

    def run(self) -> Ints:
        """Walk until no move helps."""
        best = self.slots.copy()
        for _ in range(_RISES):
            for _ in range(_PASSES):
                if not self._pass():
                    break
            best = min(best, self.slots.copy(), key=lambda slots: merit(self.problem, slots))
            if merit(self.problem, best)[0] == 0.0:
                break
            self.price = self.price * 3.0
        return best

    def _pass(self) -> bool:
        """Carry out improving border shifts, best first, each checked again when its turn comes."""
        ranked = sorted(self._shifts())
        changed = False
        for _, unit, slot in ranked:
            change = self._change(unit, slot)
            if change < -1e-12 and self._keeps(unit, int(self.problem.reps[unit, slot])):
                self._apply(unit, slot)
                changed = True
        return changed

    def _shifts(self) -> list[tuple[float, int, int]]:
        problem = self.problem
        coo = self.neighbours.matrix.tocoo()
        border = self.owner[coo.row] != self.owner[coo.col]
        pairs = np.unique(np.stack((coo.row[border], self.owner[coo.col[border]]), axis=1), axis=0)
        out = []
        for unit, rep in pairs.tolist():
            for slot in np.flatnonzero((problem.reps[unit] == rep) & np.isfinite(problem.cost[unit])).tolist():
                change = self._change(unit, slot)
                if change < -1e-12:
                    out.append((change, unit, slot))
        return out

    def _change(self, unit: int, slot: int) -> float:
        problem, now = self.problem, int(self.slots[unit])
        source, target = int(self.owner[unit]), int(problem.reps[unit, slot])
        if source == target:
            return 0.0
        ends = np.array([source, target])
        loads = self.loads[ends]
        after = loads.copy()
        after[0] -= problem.load_of([unit], [now])[0]
        after[1] += problem.load_of([unit], [slot])[0]
        limits = (problem.lower[ends], problem.upper[ends])
        excess = [np.maximum(x - limits[1], 0.0) + np.maximum(limits[0] - x, 0.0) for x in (loads, after)]
        cost = float(problem.cost[unit, slot] - problem.cost[unit, now])
        over = float(problem.moved[unit, slot] - problem.moved[unit, now])
        if over > 0 and self._moved() + over > problem.max_moved:
            return 0.0
        return cost + float(((excess[1] - excess[0]) * self.price).sum())

    def _moved(self) -> float:
        problem = self.problem
        return float(problem.moved[np.arange(problem.accounts), self.slots].sum())

    def _keeps(self, unit: int, target: int) -> bool:
        """Whether both territories hang together once the unit has changed hands."""
        if not (self.owner[self.neighbours.of(unit)] == target).any():
            return False
        left = self.owner == self.owner[unit]
        left[unit] = False
        return len(self.neighbours.pieces(left)) == 1

    def _apply(self, unit: int, slot: int) -> None:
        problem, now = self.problem, int(self.slots[unit])
        self.loads[self.owner[unit]] -= problem.load_of([unit], [now])[0]
        self.slots[unit], self.owner[unit] = slot, problem.reps[unit, slot]
        self.loads[self.owner[unit]] += problem.load_of([unit], [slot])[0]
