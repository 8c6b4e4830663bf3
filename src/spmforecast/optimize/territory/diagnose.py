"""Why limits cannot be met: what clashes, or by how little they would have to give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from spmforecast.errors import InfeasibleError
from spmforecast.optimize.territory.exact import Programme, solve_exact
from spmforecast.optimize.territory.judge import Question
from spmforecast.optimize.territory.problem import Floats, Ints, Problem

__all__ = ["clash", "least_relaxation", "refuse_the_impossible"]

_SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class _Limit:
    """One side of one limit: rep, measure, +1 for upper and -1 for lower."""

    rep: int
    measure: int
    side: int


def refuse_the_impossible(question: Question) -> None:
    """Raise where a glance shows that limits cannot be met.

    Parameters
    ----------
    question : Question

    Raises
    ------
    InfeasibleError
        An account nobody may have, one that no rep has room for, a rep whose locked accounts are too much or whose
        accounts within reach are too little, or totals that do not fit.
    """
    problem = question.problem
    allowed = np.isfinite(problem.cost)
    stranded = np.flatnonzero(~allowed.any(axis=1))
    if len(stranded):
        names = [f"account {i}" for i in stranded[:5].tolist()]
        raise InfeasibleError(
            f"{', '.join(names)}: no rep is left once locked, required and forbidden pairs are obeyed", names
        )
    faults = [
        fault for d in np.flatnonzero(np.isinf(problem.elastic)).tolist() for fault in _faults(question, allowed, d)
    ]
    if faults:
        raise InfeasibleError("; ".join(text for text, _ in faults[:6]), [name for _, name in faults])


def _faults(question: Question, allowed: np.ndarray, d: int) -> list[tuple[str, str]]:
    """Faults of one measure: what is wrong, and the name of the limit."""
    problem, name = question.problem, question.measures[d]
    load = np.broadcast_to(problem.load[:, :, d], allowed.shape)
    upper, lower = problem.upper[:, d], problem.lower[:, d]
    least = np.where(allowed, load, np.inf).min(axis=1)
    most = np.where(allowed, load, -np.inf).max(axis=1)
    out = []
    if least.sum() > upper.sum() * (1 + 1e-12) + _SLACK:
        told = f"{name}: the accounts load {least.sum():,.6g} in all, the upper limits allow {upper.sum():,.6g}"
        out.append((told, f"{name}, sum of upper limits"))
    if most.sum() < lower.sum() * (1 - 1e-12) - _SLACK:
        told = f"{name}: the accounts load {most.sum():,.6g} in all, the lower limits ask for {lower.sum():,.6g}"
        out.append((told, f"{name}, sum of lower limits"))
    if (problem.load[:, :, d] < 0).any():
        return out
    size = _SLACK * np.maximum(1.0, load)
    stuck = (np.where(allowed, upper[problem.reps] - load + size, -np.inf) < 0).all(axis=1)
    beyond = "beyond the upper limit of every rep that may have it"
    out += [
        (f"account {i} alone loads {least[i]:,.6g} ({name}), {beyond}", f"account {i}, {name}, upper limits")
        for i in np.flatnonzero(stuck)[:5].tolist()
    ]
    only = allowed & (allowed.sum(axis=1, keepdims=True) == 1)
    forced = np.bincount(problem.reps[only], weights=load[only], minlength=problem.rep_count)
    reach = np.bincount(problem.reps[allowed], weights=load[allowed], minlength=problem.rep_count)
    return out + [
        (f"rep {r}: {told} {loads[r]:,.6g} ({name}), {word} limit {limit[r]:,.6g}", f"rep {r}, {name}, {side}")
        for loads, limit, side, sign, told, word in (
            (forced, upper, "upper", 1.0, "accounts that only it may have load", "above its upper"),
            (reach, lower, "lower", -1.0, "all accounts that it may have load", "below its lower"),
        )
        for r in np.flatnonzero(sign * (loads - limit) > _SLACK * np.maximum(1.0, np.abs(loads)))[:5].tolist()
    ]


def clash(question: Question) -> tuple[str, ...]:
    """Find a smallest set of limits that clash even if accounts could be split, by linear programming.

    Parameters
    ----------
    question : Question

    Returns
    -------
    tuple of str
        Empty where fractional shares can meet every limit. Dropping any one of those named would resolve the clash.
    """
    problem = question.problem
    limits = [
        _Limit(r, d, side)
        for d in np.flatnonzero(np.isinf(problem.elastic)).tolist()
        for r in range(problem.rep_count)
        for side, bound in ((1, problem.upper), (-1, problem.lower))
        if np.isfinite(bound[r, d])
    ]
    if problem.limits_moves:
        limits.append(_Limit(-1, -1, 1))
    relaxed = _Phase(problem)
    held = relaxed.clashing(limits)
    for limit in list(held):
        rest = [other for other in held if other != limit]
        if len(held) > 1 and relaxed.clashing(rest):
            held = rest
    return tuple(_told(question, limit) for limit in held)


class _Phase:
    """Least total excess over a set of limits, accounts divisible."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.programme = Programme.build(replace(problem, elastic=np.full(problem.measures, np.inf), max_moved=np.inf))
        rep = problem.reps[self.programme.account, self.programme.slot]
        load = problem.load_of(self.programme.account, self.programme.slot)
        size = (problem.rep_count, self.programme.options)
        self.rows = [
            sparse.csr_matrix((load[:, d], (rep, np.arange(size[1]))), shape=size) for d in range(problem.measures)
        ]

    def clashing(self, limits: list[_Limit]) -> list[_Limit]:
        """Limits that a proof of their clash rests on (Farkas); none where they can be met together."""
        from scipy.optimize import linprog

        options, count = self.programme.options, len(limits)
        if not count:
            return []
        rows = sparse.vstack([self._row(limit) for limit in limits], format="csr")
        scale = np.array([max(1.0, abs(self._bound(limit))) for limit in limits])
        ends = np.array([limit.side * self._bound(limit) for limit in limits]) / scale
        rows = sparse.diags(1.0 / scale) @ rows
        each = sparse.csr_matrix((np.ones(options), (self.programme.account, np.arange(options))))
        price = np.concatenate((np.zeros(options), np.ones(count)))
        done: Any = linprog(
            price,
            A_ub=sparse.hstack((rows, -sparse.identity(count)), format="csr"),
            b_ub=ends,
            A_eq=sparse.hstack((each, sparse.csr_matrix((each.shape[0], count))), format="csr"),
            b_eq=np.ones(each.shape[0]),
            method="highs",
        )
        if done.fun is None or done.fun <= _SLACK * 10:
            return []
        return [limit for limit, price in zip(limits, done.ineqlin.marginals, strict=True) if price < -1e-9]

    def _bound(self, limit: _Limit) -> float:
        if limit.rep < 0:
            return float(self.problem.max_moved)
        side = self.problem.upper if limit.side > 0 else self.problem.lower
        return float(side[limit.rep, limit.measure])

    def _row(self, limit: _Limit) -> sparse.csr_matrix:
        if limit.rep < 0:
            return sparse.csr_matrix(self.problem.moved[self.programme.account, self.programme.slot][None, :])
        return limit.side * self.rows[limit.measure][limit.rep]


def _told(question: Question, limit: _Limit) -> str:
    if limit.rep < 0:
        return f"moved weight at most {question.problem.max_moved:,.6g}"
    side = question.problem.upper if limit.side > 0 else question.problem.lower
    word = "at most" if limit.side > 0 else "at least"
    return f"rep {limit.rep}, {question.measures[limit.measure]} {word} {side[limit.rep, limit.measure]:,.6g}"


def least_relaxation(question: Question, node_limit: int) -> tuple[tuple[str, ...], Ints | None]:
    """Find by how little the limits would have to give, accounts kept whole.

    Parameters
    ----------
    question : Question
    node_limit : int

    Returns
    -------
    told : tuple of str
        Each limit that must give, and by how much; empty where none was found.
    owner : array of int or None
        The assignment that needs it.
    """
    problem = question.problem
    scale = _price(problem)
    soft = replace(problem, cost=np.where(np.isfinite(problem.cost), 0.0, np.inf), elastic=scale)
    solved = solve_exact(soft, node_limit=node_limit, gap=1e-4)
    if solved.slots is None:
        return (), None
    loads = problem.loads(solved.slots)
    excess = problem.excess(loads)
    told = []
    for rep, d in np.argwhere(excess > _SLACK * np.maximum(1.0, np.abs(loads))).tolist():
        high = loads[rep, d] > problem.upper[rep, d]
        word = (
            f"upper limit {problem.upper[rep, d]:,.6g} raised to"
            if high
            else f"lower limit {problem.lower[rep, d]:,.6g} lowered to"
        )
        told.append(f"rep {rep}, {question.measures[d]}: {word} {loads[rep, d]:,.6g}")
    return tuple(told), problem.owners(solved.slots)


def _price(problem: Problem) -> Floats:
    """Price excess in every measure by its share of a typical load."""
    typical = np.abs(problem.load).mean(axis=(0, 1)) * problem.accounts / problem.rep_count
    return np.asarray(1.0 / np.maximum(typical, 1e-12))
