"""The search over Hess's programme: HiGHS proposes centres, each set of them is settled, and bounds close in.

Without contiguity one solve is all. With it a solve of the whole programme costs much and few sets of centres are good,
so each set that comes up is settled on its own: over its few pairs HiGHS solves, territories that fall apart are cut
off, and so on until they hang together. The cuts hold for all, and the set itself is cut off with its value known. The
answer is proven once the bound of the whole reaches the best value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spmforecast.optimize.territory.hess import INFEASIBLE, Design, Hess, Relaxation, pairs_of
from spmforecast.optimize.territory.problem import Ints

__all__ = ["HessAnswer", "cost_of", "solve_hess"]

Mask = npt.NDArray[np.bool_]

_ROUGH = 0.02  # gap at which a round may stop while centres are gathered
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class HessAnswer:
    """Centre of each unit (None where none was found), the bound, and what is proven."""

    center: Ints | None
    bound: float
    infeasible: bool
    optimal: bool


@dataclass(frozen=True, eq=False)
class _Round:
    """What one solve came to: centre of each unit or None, its value, the bound, and whether nothing can be had."""

    center: Ints | None
    value: float
    bound: float
    infeasible: bool
    done: bool


def cost_of(design: Design, center: Ints) -> float:
    """Add up the cost of an answer, exactly rounded."""
    return math.fsum(design.cost[np.arange(len(center)), center].tolist())


def solve_hess(design: Design, relaxed: Relaxation, known: float, node_limit: int, cut_rounds: int) -> HessAnswer:
    """Solve the programme over the pairs that are left, to a proven optimum or until nodes or rounds are spent.

    Parameters
    ----------
    design : Design
    relaxed : Relaxation
    known : float
        Cost of an answer that the caller has; infinite where there is none. Only better ones are looked for.
    node_limit : int
        Nodes of all solves together.
    cut_rounds : int
        With neighbours: solves of the whole programme, and as many for each set of centres.

    Returns
    -------
    HessAnswer
    """
    search = _Search(design, Hess(design, *pairs_of(relaxed.left(known))), relaxed, known, node_limit, cut_rounds)
    return search.once() if design.neighbours is None else search.rounds()


@dataclass(eq=False)
class _Search:
    design: Design
    programme: Hess
    relaxed: Relaxation
    least: float
    nodes: int
    most: int
    best: Ints | None = None

    def once(self) -> HessAnswer:
        """Solve without contiguity."""
        found = self._solve(np.ones(len(self.programme.unit), dtype=np.bool_), 0.0)
        return HessAnswer(found.center, found.bound, found.infeasible, found.done)

    def rounds(self) -> HessAnswer:
        """Solve with contiguity."""
        self.programme.cut_rings()
        known, bound, gap = self.least, -np.inf, _ROUGH
        for _ in range(self.most):
            found = self._solve(self._open(), gap)
            bound = max(bound, found.bound)
            if found.infeasible or bound >= self.least * (1 - _SAME):
                # Nothing better than the best is left, if there is one.
                proven = math.isfinite(self.least)
                return HessAnswer(self.best, self.least if proven else np.inf, not proven, proven)
            if found.center is None or self.nodes <= 0:
                break
            if found.value >= self.least * (1 - _SAME) or not self.programme.cut(found.center):
                gap = 0.0
            self._settle(np.unique(found.center))
        return HessAnswer(self.best if self.least < known else None, bound, False, False)

    def _open(self) -> Mask:
        """Columns that an answer better than the best may hold."""
        return np.asarray(self.relaxed.left(self.least)[self.programme.unit, self.programme.center])

    def _settle(self, centers: Ints) -> None:
        """Find the best territories around these centres, then cut the set off; where effort is spent, only cut."""
        inside = np.isin(self.programme.center, centers)
        for _ in range(self.most):
            found = self._solve(inside, 0.0)
            if found.infeasible or found.bound >= self.least * (1 - _SAME):
                break
            if found.center is None or self.nodes <= 0:
                return
            if not self.programme.cut(found.center):
                self.best, self.least = found.center, cost_of(self.design, found.center)
                if not found.done:
                    return
                break
        else:
            return
        self.programme.cut_centers(centers)

    def _solve(self, allowed: Mask, gap: float) -> _Round:
        """Solve over the columns allowed, within the nodes that are left."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        programme = self.programme
        done: Any = milp(
            programme.cost(),
            integrality=np.ones(len(programme.unit), dtype=np.int64),
            bounds=Bounds(0.0, allowed.astype(np.float64)),
            constraints=LinearConstraint(*programme.rows()),
            options={"node_limit": max(self.nodes, 1), "mip_rel_gap": gap},
        )
        self.nodes -= int(done.mip_node_count or 0)
        bound = -np.inf if done.mip_dual_bound is None else float(done.mip_dual_bound)
        if done.x is None:
            return _Round(None, np.inf, bound, done.status == INFEASIBLE, False)
        taken = np.flatnonzero(done.x > 0.5)
        center = np.full(len(self.design.cost), -1, dtype=np.int64)
        center[programme.unit[taken]] = programme.center[taken]
        return _Round(center, float(done.fun), bound, False, done.status == 0)
