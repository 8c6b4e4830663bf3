"""The assignment problem as a mixed-integer programme, solved by HiGHS; limited by nodes, never by the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spmforecast.optimize.territory.contiguity import Neighbours, separator
from spmforecast.optimize.territory.problem import Floats, Ints, Problem

__all__ = ["Programme", "Solved", "solve_exact"]

Mask = npt.NDArray[np.bool_]

_CUT_ROUNDS = 60
_ROUGH = 0.5
_INFEASIBLE = 2


@dataclass(frozen=True, eq=False)
class Solved:
    """What the solver found.

    Parameters
    ----------
    slots : array of int, shape (A,), or None
        None where no assignment was found.
    bound : float
        Lower bound that the solver proved.
    infeasible : bool
        Whether it proved that there is no assignment.
    optimal : bool
    """

    slots: Ints | None
    bound: float
    infeasible: bool
    optimal: bool


@dataclass
class Programme:
    """Rows and columns of the programme; columns are options, then what limits may be exceeded by."""

    problem: Problem
    account: Ints
    slot: Ints
    cuts: list[tuple[Ints, Floats, float]] = field(default_factory=list)

    @classmethod
    def build(cls, problem: Problem, wanted: Mask | None = None) -> Programme:
        """Take every allowed option, or only the wanted ones."""
        allowed = np.isfinite(problem.cost)
        account, slot = np.nonzero(allowed if wanted is None else allowed & wanted)
        return cls(problem, account, slot)

    @property
    def options(self) -> int:
        """Number of options."""
        return len(self.account)

    def column(self) -> Ints:
        """Column of each (account, rep), -1 where there is none; shape (A, R)."""
        table = np.full((self.problem.accounts, self.problem.rep_count), -1, dtype=np.int64)
        table[self.account, self.problem.reps[self.account, self.slot]] = np.arange(self.options)
        return table

    def solve(self, node_limit: int, gap: float) -> Solved:
        """Run the solver once."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        problem = self.problem
        matrix, low, high = self._rows()
        extra = matrix.shape[1] - self.options
        price = np.concatenate((problem.cost[self.account, self.slot], self._elastic_price()))
        top = np.concatenate((np.ones(self.options), np.full(extra, np.inf)))
        whole = np.concatenate((np.ones(self.options, dtype=np.int64), np.zeros(extra, dtype=np.int64)))
        done: Any = milp(
            price,
            integrality=whole,
            bounds=Bounds(0.0, top),
            constraints=LinearConstraint(matrix, low, high),
            options={"node_limit": node_limit, "mip_rel_gap": gap, "disp": False},
        )
        bound = -np.inf if done.mip_dual_bound is None else float(done.mip_dual_bound)
        if done.x is None:
            return Solved(None, bound, done.status == _INFEASIBLE, False)
        best = np.flatnonzero(done.x[: self.options] > 0.5)
        slots = np.full(problem.accounts, -1, dtype=np.int64)
        slots[self.account[best]] = self.slot[best]
        return Solved(slots, bound, False, done.status == 0)

    def _elastic_price(self) -> Floats:
        problem = self.problem
        soft = np.flatnonzero(np.isfinite(problem.elastic))
        return np.tile(problem.elastic[soft], 2 * problem.rep_count)

    def _rows(self) -> tuple[sparse.csr_matrix, Floats, Floats]:
        problem = self.problem
        each = sparse.csr_matrix(
            (np.ones(self.options), (self.account, np.arange(self.options))), shape=(problem.accounts, self.options)
        )
        one = np.ones(problem.accounts)
        blocks, low, high = [each], [one], [one]
        rep = problem.reps[self.account, self.slot]
        load = problem.load_of(self.account, self.slot)
        for d in range(problem.measures):
            at = (rep, np.arange(self.options))
            blocks.append(sparse.csr_matrix((load[:, d], at), shape=(problem.rep_count, self.options)))
            low.append(problem.lower[:, d])
            high.append(problem.upper[:, d])
        if problem.limits_moves:
            blocks.append(sparse.csr_matrix(problem.moved[self.account, self.slot][None, :]))
            low.append(np.array([-np.inf]))
            high.append(np.array([problem.max_moved]))
        for columns, factor, limit in self.cuts:
            row = (np.zeros(len(columns), dtype=np.int64), columns)
            blocks.append(sparse.csr_matrix((factor, row), shape=(1, self.options)))
            low.append(np.array([-np.inf]))
            high.append(np.array([limit]))
        matrix = sparse.vstack(blocks, format="csr")
        return self._with_slack(matrix), np.concatenate(low), np.concatenate(high)

    def _with_slack(self, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
        """Add two columns for each elastic limit: excess above and below."""
        problem = self.problem
        soft = np.flatnonzero(np.isfinite(problem.elastic))
        if not len(soft):
            return matrix
        row = problem.accounts + soft[None, :] * problem.rep_count + np.arange(problem.rep_count)[:, None]
        row = np.repeat(row[:, None, :], 2, axis=1).ravel()
        sign = np.tile(np.repeat([-1.0, 1.0], len(soft)), problem.rep_count)
        slack = sparse.csr_matrix((sign, (row, np.arange(len(row)))), shape=(matrix.shape[0], len(row)))
        return sparse.csr_matrix(sparse.hstack((matrix, slack), format="csr"))


def solve_exact(problem: Problem, wanted: Mask | None = None, node_limit: int = 20_000, gap: float = 0.0) -> Solved:
    """Solve the programme, adding cuts until territories hang together where edges are given.

    Parameters
    ----------
    problem : Problem
    wanted : array of bool, shape (A, K), optional
        Options that may be taken.
    node_limit : int
        Nodes of each run of the solver.
    gap : float
        Relative gap at which the solver may stop.

    Returns
    -------
    Solved

    Notes
    -----
    Where units a and b lie in different pieces of territory r, and S separates them,
    ``x[a, r] + x[b, r] <= 1 + sum_S x[s, r]`` cuts the answer off and no contiguous one (Oehrlein & Haunert 2017).
    """
    programme = Programme.build(problem, wanted)
    neighbours = None if problem.edges is None else Neighbours(problem.edges, problem.accounts)
    # While cuts are gathered a round may stop early.
    bound, rough = -np.inf, gap if neighbours is None else max(gap, _ROUGH)
    for _ in range(_CUT_ROUNDS):
        solved = programme.solve(node_limit, rough)
        bound = max(bound, solved.bound)
        if solved.slots is None or neighbours is None:
            return Solved(solved.slots, bound, solved.infeasible, solved.optimal)
        fresh = _cuts(programme, neighbours, problem.owners(solved.slots))
        if not fresh and rough <= gap:
            return Solved(solved.slots, bound, False, solved.optimal)
        rough = rough if fresh else gap
        programme.cuts.extend(fresh)
    return Solved(None, bound, False, False)


def _cuts(programme: Programme, neighbours: Neighbours, owner: Ints) -> list[tuple[Ints, Floats, float]]:
    """Cut off every territory that falls apart; where a unit is locked, the others must reach it."""
    column = programme.column()
    only = np.bincount(programme.account, minlength=programme.problem.accounts) == 1
    out: list[tuple[Ints, Floats, float]] = []
    for rep in range(programme.problem.rep_count):
        pieces = neighbours.pieces(owner == rep)
        if len(pieces) < 2:
            continue
        allowed = column[:, rep] >= 0
        rooted = [piece for piece in pieces if only[piece].any()]
        home = rooted[0] if rooted else pieces[0]
        target = int(home[only[home].argmax()])
        alike = np.flatnonzero(((column >= 0) == allowed[:, None]).all(axis=0)) if not rooted else np.array([rep])
        for piece in pieces:
            if piece is home:
                continue
            around = separator(neighbours, piece, target, allowed)
            for unit in piece[: None if rooted else 3].tolist():
                out.extend(_cut(column[:, other], unit, target, around) for other in alike.tolist())
    return out


def _cut(column: Ints, unit: int, target: int, around: Ints) -> tuple[Ints, Floats, float]:
    """One cut for one rep that may hold the same units."""
    columns = np.concatenate((column[[unit, target]], column[around]))
    return columns, np.concatenate(([1.0, 1.0], -np.ones(len(around)))), 1.0
