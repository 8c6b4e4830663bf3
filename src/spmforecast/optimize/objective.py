"""Quotas by a stated objective, minimised on the draws to a proven gap.

The objective is convex in the quotas Q, in money, and each part stands for one thing that people trade:

* *spread*: ``E|X_i - Q_i|``, the expected miss. Given the sum it is least where all have the same P(attain); what it
  exceeds that least by is the spread of P(attain), weighted with the money that it moves.
* *carry*: ``E(plan - sum_i min(X_i, Q_i))^+``, what of the plan is not carried within quotas: the integral of the
  chance not to carry it (integrated chance constraint, Klein Haneveld 1986). The chance itself is not convex.
* *cost*: ``E(X_i - Q_i)^+``, bookings above quota, times what accelerators pay for them.
* *change*: ``|Q_i - last_i|``.

On draws this is a linear program (:mod:`spmforecast.optimize.linear`). The method here is exact on the same draws and
much faster: for fixed weights of the trials in which the plan is not carried, the problem falls apart into one
piecewise-linear function a rep, joined by the sum alone, and is solved by equal marginal cost; the weights are found by
Frank-Wolfe steps on the dual, whose value is the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError, Problem
from spmforecast.optimize.filling import between, fill

__all__ = ["Objective", "Solution", "solve"]

Array = npt.NDArray[np.float64]

_BISECTIONS = 100
_STEPS = 10
_ITERATIONS = 200
_GAP = 0.001


def _none() -> Array:
    return np.zeros(0)


@dataclass(frozen=True)
class Objective:
    """What is to be traded, in money.

    Parameters
    ----------
    spread : float
        Weight of the expected miss of each quota, above or below alike.
    carry : float
        Weight of the expected part of the plan that is not carried within quotas.
    cost : float
        What a unit of bookings above quota costs, for instance the accelerator's extra commission rate.
    change : float
        Weight of a unit of change against the last quota.
    plan : float
        Plan to be carried.
    last : array of float, shape (reps,)
        Last quotas, NaN where there is none; empty for nobody.

    Raises
    ------
    InputError
        If a weight is negative or not finite.
    """

    spread: float = 1.0
    carry: float = 0.0
    cost: float = 0.0
    change: float = 0.0
    plan: float = 0.0
    last: Array = field(default_factory=_none)

    def __post_init__(self) -> None:
        wrong = [
            Problem("quotas", "a weight must be a number of at least 0", column=name, value=str(getattr(self, name)))
            for name in ("spread", "carry", "cost", "change")
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0)
        ]
        if wrong:
            raise InputError(wrong)

    def parts(self, draws: Array, quota: Array) -> dict[str, float]:
        """Value of each part at given quotas, before its weight.

        Parameters
        ----------
        draws : array of float, shape (trials, reps)
            Bookings.
        quota : array of float, shape (reps,)
            Quotas.

        Returns
        -------
        dict of str to float
            ``spread``, ``carry``, ``cost``, ``change``.
        """
        carried = np.minimum(draws, quota)
        over = float((draws - carried).sum(axis=1).mean())
        under = float(quota.sum() - carried.sum(axis=1).mean())
        missing = np.maximum(self.plan - carried.sum(axis=1), 0.0)
        return {"spread": over + under, "carry": float(missing.mean()), "cost": over, "change": self._moved(quota)}

    def value(self, draws: Array, quota: Array) -> float:
        """Value of the objective at given quotas."""
        return self.weigh(self.parts(draws, quota))

    def weigh(self, parts: dict[str, float]) -> float:
        """Add parts up with their weights."""
        return float(sum(getattr(self, name) * part for name, part in parts.items()))

    def _moved(self, quota: Array) -> float:
        known = np.isfinite(self.last) if self.last.size else np.zeros(len(quota), dtype=bool)
        return float(np.abs(quota[known] - self.last[known]).sum()) if known.any() else 0.0


@dataclass(frozen=True)
class Solution:
    """Quotas with their proof.

    Parameters
    ----------
    quota : array of float, shape (reps,)
        Quotas before rounding.
    objective : float
        Their value on the draws.
    bound : float
        No quotas with this sum within these bounds have a smaller one.
    iterations : int
        Steps taken.
    """

    quota: Array
    objective: float
    bound: float
    iterations: int

    @property
    def gap(self) -> float:
        """What the value exceeds the bound by, as a share of the value."""
        return max(self.objective - self.bound, 0.0) / self.objective if self.objective > 0 else 0.0


def solve(
    stated: Objective,
    draws: Array,
    total: float,
    lower: Array | float = 0.0,
    upper: Array | float = np.inf,
    gap: float = _GAP,
    iterations: int = _ITERATIONS,
) -> Solution:
    """Minimise the objective.

    Parameters
    ----------
    stated : Objective
        What to minimise.
    draws : array of float, shape (trials, reps)
        Bookings.
    total : float
        Sum of the quotas, between the sums of the bounds.
    lower, upper : float or array of float, shape (reps,)
        Bounds.
    gap : float
        Relative gap at which to stop.
    iterations : int
        Most steps; the gap reached is in the solution.

    Returns
    -------
    Solution
    """
    reps = draws.shape[1]
    floor, cap = (np.array(np.broadcast_to(bound, (reps,)), dtype=np.float64) for bound in (lower, upper))
    problem = _Separable(stated, draws, total, floor, np.minimum(cap, max(total, 0.0)))
    if stated.carry == 0:
        quota, bound = problem.solve(None)
        return Solution(quota, stated.value(draws, quota), bound, 1)
    return _with_carry(problem, gap, iterations)


class _Separable:
    """The problem for given weights of the trials: one convex function a rep, joined by the sum."""

    def __init__(self, stated: Objective, draws: Array, total: float, floor: Array, cap: Array) -> None:
        self.stated, self.draws, self.total, self.floor, self.cap = stated, draws, total, floor, cap
        self.order = np.argsort(draws.T, axis=1, kind="stable")
        self.ordered = np.take_along_axis(draws.T, self.order, axis=1)
        self.last = stated.last if stated.last.size else np.full(draws.shape[1], np.nan)

    def solve(self, weight: Array | None) -> tuple[Array, float]:
        """Minimise for trial weights (None: no carry): quotas of shape (reps,), and a bound on the whole objective.

        The bound is the value of the Lagrangian at the common marginal cost, where each rep is at its own best.
        """
        marginal = self._marginals(weight)
        pull = self.stated.change
        low, high = float(marginal.min()) - pull - 1.0, float(marginal.max()) + pull + 1.0
        below, above = self._at(marginal, low), self._at(marginal, high)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            if not low < middle < high:
                break
            found = self._at(marginal, middle)
            if found.sum() <= self.total:
                low, below = middle, found
            else:
                high, above = middle, found
        bound = self._lagrangian(weight, below) + low * (self.total - float(below.sum()))
        if self.total >= float(np.minimum(np.maximum(self.ordered[:, -1], self.floor), self.cap).sum()):
            # Nobody can attain; among equals, what is left is spread in proportion to the largest bookings.
            return fill(np.maximum(self.ordered[:, -1], 0.0), self.total, below, above), bound
        return between(below, above, self.total), bound

    def missing(self, quota: Array) -> Array:
        """Work out what of the plan is not carried in each trial, negative where more than it is; shape (trials,)."""
        return np.asarray(self.stated.plan - np.minimum(self.draws, quota).sum(axis=1))

    def _lagrangian(self, weight: Array | None, quota: Array) -> float:
        """Value with the part not carried counted in each trial with its weight."""
        parts = self.stated.parts(self.draws, quota)
        part = 0.0 if weight is None else float((weight * self.missing(quota)).mean())
        return self.stated.weigh({**parts, "carry": part})

    def _marginals(self, weight: Array | None) -> Array:
        """Slope of each rep's function between its order statistics, without change; shape (reps or 1, trials + 1)."""
        trials = len(self.draws)
        share = np.arange(trials + 1) / trials
        spread, cost = self.stated.spread, self.stated.cost
        slope = (2 * spread + cost) * share - spread - cost
        if weight is None:
            return slope[None, :]
        above = np.zeros((len(self.ordered), trials + 1))
        np.cumsum(weight[self.order], axis=1, out=above[:, 1:])
        above = above[:, -1:] - above
        return np.asarray(slope - self.stated.carry * above / trials)

    def _at(self, marginal: Array, level: float) -> Array:
        """Quotas at which each rep's marginal cost reaches a level, within bounds."""
        pull = self.stated.change
        if pull == 0:
            return self._clip(self._inverse(marginal, level))
        up, down = self._inverse(marginal, level + pull), self._inverse(marginal, level - pull)
        last = self.last
        moved = np.where(up < last, up, np.where(down > last, down, last))
        return self._clip(np.where(np.isfinite(last), moved, self._inverse(marginal, level)))

    def _inverse(self, marginal: Array, level: float) -> Array:
        """Smallest quota from which on the slope is at least the level; minus or plus infinity beyond the draws."""
        place = _first_at_least(marginal, level)
        reps, trials = self.ordered.shape
        inner = np.clip(np.broadcast_to(place, (reps,)) - 1, 0, trials - 1)
        found = self.ordered[np.arange(reps), inner]
        return np.where(place == 0, -np.inf, np.where(place > trials, np.inf, found))

    def _clip(self, quota: Array) -> Array:
        return np.minimum(np.maximum(quota, self.floor), self.cap)


def _first_at_least(rows: Array, level: float) -> npt.NDArray[np.int64]:
    """Place of the first entry of each sorted row that is at least a level; the row's length where none is."""
    low = np.zeros(len(rows), dtype=np.int64)
    high = np.full(len(rows), rows.shape[1], dtype=np.int64)
    at = np.arange(len(rows))
    while (low < high).any():
        middle = (low + high) // 2
        less = (rows[at, np.minimum(middle, rows.shape[1] - 1)] < level) & (low < high)
        low, high = np.where(less, middle + 1, low), np.where(less, high, middle)
    return low


def _with_carry(problem: _Separable, gap: float, iterations: int) -> Solution:
    """Frank-Wolfe on the dual: weights of the trials, each step bounded by the value of the problem it solves."""
    stated, draws = problem.stated, problem.draws
    weight = (problem.missing(problem.solve(None)[0]) > 0).astype(np.float64)
    best, bound = problem.solve(weight)
    least, quota, done = stated.value(draws, best), best, 1
    while done < iterations and least - bound > gap * abs(least):
        toward = (problem.missing(quota) > 0).astype(np.float64) - weight
        weight, quota, found = _line(problem, weight, toward)
        value, bound = stated.value(draws, quota), max(bound, found)
        if value < least:
            best, least = quota, value
        done += 1
    return Solution(best, least, bound, done)


def _line(problem: _Separable, weight: Array, toward: Array) -> tuple[Array, Array, float]:
    """Go as far as the dual rises: its slope is the mean of the direction times what is missing."""

    def at(share: float) -> tuple[Array, float, float]:
        quota, bound = problem.solve(weight + share * toward)
        return quota, bound, float((toward * problem.missing(quota)).mean())

    low, high, share = 0.0, 1.0, 1.0
    quota, bound, slope = at(share)
    if slope >= 0:
        return weight + toward, quota, bound
    for _ in range(_STEPS):
        share = 0.5 * (low + high)
        quota, bound, slope = at(share)
        low, high = (share, high) if slope > 0 else (low, share)
    return weight + share * toward, quota, bound
