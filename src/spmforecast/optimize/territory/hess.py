"""Hess's districting programme: choose centres, assign units to them, loads within limits (Hess et al. 1965).

    min sum_ij w_i d_ij x_ij   with  sum_j x_ij = 1,  sum_j x_jj = k,  x_ij <= x_jj,  L x_jj <= sum_i p_i x_ij <=
    U x_jj.

The linear relaxation proves a bound, and its reduced costs rule out every pair that no better answer than the one known
can hold. Contiguity is cut in: a unit apart from its centre needs one of the units between them (Oehrlein & Haunert
2017; Validi, Buchanan & Lykhovyd 2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spmforecast.optimize.territory.contiguity import Neighbours, separator
from spmforecast.optimize.territory.problem import Floats, Ints

__all__ = ["INFEASIBLE", "Design", "Hess", "Relaxation", "pairs_of", "relax"]

Mask = npt.NDArray[np.bool_]
_Rows = tuple[sparse.csr_matrix, Floats, Floats]
"""Rows of the programme, their lower and their upper ends."""

INFEASIBLE = 2
"""Status of SciPy's solvers."""


@dataclass(frozen=True, eq=False)
class Design:
    """What is to be designed.

    Parameters
    ----------
    cost : array of float, shape (n, n)
        Weighted distance of each unit (row) to each possible centre (column).
    load : array of float, shape (n, D)
    lower, upper : array of float, shape (D,)
        Limits of every territory.
    count : int
        Number of territories, k.
    neighbours : Neighbours or None
    """

    cost: Floats
    load: Floats
    lower: Floats
    upper: Floats
    count: int
    neighbours: Neighbours | None = None


@dataclass
class Hess:
    """The programme over the pairs that are left, with its cuts."""

    design: Design
    unit: Ints
    center: Ints
    cuts: list[tuple[Ints, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.design.cost)
        self.column = np.full((count, count), -1, dtype=np.int64)
        self.column[self.unit, self.center] = np.arange(len(self.unit))

    def rows(self) -> _Rows:
        """Rows of the programme and their ends."""
        parts = [self._assignments(), *self._limits()]
        if self.cuts:
            parts.append(self._cuts())
        low, high = (np.concatenate([part[end] for part in parts]) for end in (1, 2))
        return sparse.vstack([rows for rows, _, _ in parts], format="csr"), low, high

    def _assignments(self) -> _Rows:
        """Give each unit one centre, have as many centres as asked for, and assign to centres only."""
        design, size = self.design, len(self.unit)
        count, every = len(design.cost), np.arange(len(self.unit))
        own = self.column[self.center, self.center]
        others = np.flatnonzero(self.unit != self.center)
        pair = np.arange(len(others))
        blocks = [
            sparse.csr_matrix((np.ones(size), (self.unit, every)), shape=(count, size)),
            sparse.csr_matrix((self.unit == self.center).astype(np.float64)[None, :]),
            sparse.csr_matrix(
                (np.tile([1.0, -1.0], len(others)), (np.repeat(pair, 2), np.stack((others, own[others]), 1).ravel())),
                shape=(len(others), size),
            ),
        ]
        ends = np.array([float(design.count)])
        low = [np.ones(count), ends, np.full(len(others), -np.inf)]
        high = [np.ones(count), ends, np.zeros(len(others))]
        return sparse.vstack(blocks, format="csr"), np.concatenate(low), np.concatenate(high)

    def _limits(self) -> Iterator[_Rows]:
        """Hold what a centre's units weigh together within the limits of each measure."""
        design, size = self.design, len(self.unit)
        count, every = len(design.cost), np.arange(len(self.unit))
        own = self.column[self.center, self.center]
        centre = np.flatnonzero(self.unit == self.center)
        for d in range(design.load.shape[1]):
            for limit, side in ((design.upper[d], 1.0), (design.lower[d], -1.0)):
                if np.isfinite(limit):
                    at = (np.concatenate((self.center, self.center)), np.concatenate((every, own)))
                    values = side * np.concatenate((design.load[self.unit, d], np.zeros(size)))
                    block = sparse.coo_matrix((values, at), shape=(count, size)).tocsr()
                    block = block - sparse.csr_matrix(
                        (np.full(len(centre), side * limit), (self.center[centre], centre)), shape=(count, size)
                    )
                    yield block, np.full(count, -np.inf), np.zeros(count)

    def _cuts(self) -> _Rows:
        """Ask, for a unit apart from its centre, one of the units between them."""
        row = np.repeat(np.arange(len(self.cuts)), [len(columns) for columns, _ in self.cuts])
        column = np.concatenate([columns for columns, _ in self.cuts])
        factor = np.concatenate([factors for _, factors in self.cuts])
        block = sparse.csr_matrix((factor, (row, column)), shape=(len(self.cuts), len(self.unit)))
        return block, np.full(len(self.cuts), -np.inf), np.zeros(len(self.cuts))

    def cost(self) -> Floats:
        """Cost of each column."""
        return self.design.cost[self.unit, self.center]

    def cut_rings(self) -> None:
        """Ask from the start that a unit apart from its centre has a neighbour with it, and that the centre has one."""
        neighbours = self.design.neighbours
        assert neighbours is not None
        around = [neighbours.of(unit) for unit in range(len(self.design.cost))]
        for unit, middle in zip(self.unit.tolist(), self.center.tolist(), strict=True):
            if unit == middle or (around[unit] == middle).any():
                continue
            for ring in (around[unit], around[middle]):
                self._need(unit, middle, ring)

    def _need(self, unit: int, middle: int, ring: Ints) -> None:
        """Cut: the unit is not with the centre unless a unit of the ring is."""
        columns = self.column[ring, middle]
        columns = columns[columns >= 0]
        self.cuts.append((np.append(columns, self.column[unit, middle]), np.append(-np.ones(len(columns)), 1.0)))

    def _need_a_way(self, piece: Ints, neighbours: Neighbours) -> None:
        """Cut the piece off from every centre that it does not touch, unless a unit between them goes along."""
        for middle in np.unique(self.center[np.isin(self.unit, piece)]).tolist():
            allowed = self.column[:, middle] >= 0
            if middle in piece or np.isin(neighbours.of(middle), piece).any():
                continue
            around = separator(neighbours, piece, middle, allowed)
            for unit in piece[self.column[piece, middle] >= 0].tolist():
                self._need(unit, middle, around)

    def cut(self, center: Ints) -> int:
        """Cut off the territories that fall apart; return the number of cuts."""
        neighbours = self.design.neighbours
        assert neighbours is not None
        before = len(self.cuts)
        for middle in np.unique(center).tolist():
            for piece in neighbours.pieces(center == middle):
                if middle not in piece:
                    self._need_a_way(piece, neighbours)
        return len(self.cuts) - before

    def cut_centers(self, centers: Ints) -> None:
        """Cut off a set of centres that is settled: at least one centre must be another."""
        own = np.flatnonzero(self.unit == self.center)
        inside = np.isin(self.center[own], centers)
        self.cuts.append((own, np.where(inside, 1.0, 1.0 - len(centers))))


def pairs_of(left: Mask) -> tuple[Ints, Ints]:
    """List pairs as units and centres."""
    unit, center = np.nonzero(left)
    return unit.astype(np.int64), center.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Optimum of the linear relaxation, and what each pair would add to it at least (infinite where forbidden)."""

    bound: float
    adds: Floats
    possible: bool = True

    def left(self, known: float) -> Mask:
        """Pairs that an answer no worse than `known` may hold; shape (n, n)."""
        if not np.isfinite(known) or not np.isfinite(self.bound):
            return np.isfinite(self.adds)
        left = np.isfinite(self.adds) & (self.bound + self.adds <= known + 1e-6 * max(1.0, abs(known)))
        return np.asarray(left & np.diag(left)[None, :])


def relax(design: Design) -> Relaxation:
    """Solve the linear relaxation; contiguity is left out."""
    from scipy.optimize import linprog

    unit, center = pairs_of(np.isfinite(design.cost))
    programme = Hess(design, unit, center)
    matrix, low, high = programme.rows()
    equal = low == high
    done: Any = linprog(
        programme.cost(),
        A_ub=matrix[~equal],
        b_ub=high[~equal],
        A_eq=matrix[equal],
        b_eq=high[equal],
        bounds=(0, 1),
        method="highs",
    )
    adds = np.where(np.isfinite(design.cost), 0.0, np.inf)
    if done.status == INFEASIBLE:
        return Relaxation(np.inf, adds, False)
    if done.fun is None:
        return Relaxation(-np.inf, adds)
    adds[unit, center] = np.maximum(done.lower.marginals, 0.0)
    return Relaxation(float(done.fun), adds)
