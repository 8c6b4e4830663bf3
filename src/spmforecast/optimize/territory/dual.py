"""A proven lower bound and prices of load, by Lagrangian duality.

Relaxing the limits with a price ``l[r, d]`` a unit of load (negative below the lower limit) and ``m`` a unit of moved
weight leaves every account free to take its cheapest priced option, so that

    L(l, m) = sum_i min_k (c_ik + sum_d w_ikd l[r(k), d] + m v_ik) - sum_rd max(U l, L l) - m M

is a lower bound for *any* prices (Geoffrion 1974). To find good ones the minimum is replaced by a soft minimum of
temperature t, which is smooth, and L-BFGS-B climbs while t falls (Nesterov 2005). The bound handed out is always the
exact L at
the prices found, so that neither smoothing nor a stop before convergence can spoil the proof. Elastic limits cap the
prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spmforecast.optimize.territory.problem import Floats, Ints, Problem

__all__ = ["Prices", "exact_bound", "priced", "reprice", "solve_dual"]

_SAMPLED = 12_000  # accounts above which prices are first sought on a sample
_SHORTLIST = 6  # options an account keeps while prices are refined
_LOOSE, _FINE = (1.0, 0.3, 0.1), (0.03, 0.01)  # temperatures, in units of the mean regret
_STEPS = 30  # and four times the root of the number of reps: prices travel from rep to rep


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of load, shape (R, D), the price of moved weight and the bound that they prove."""

    load: Floats
    moved: float
    bound: float


def priced(problem: Problem, load: Floats, moved: float = 0.0) -> Floats:
    """Cost of each option with its load and move priced, shape (A, K)."""
    total = problem.cost.copy()
    for d in range(problem.measures):
        total += problem.load[:, :, d] * load[:, d].take(problem.reps)
    if moved:
        total += moved * problem.moved
    return total


def exact_bound(problem: Problem, load: Floats, moved: float = 0.0) -> float:
    """Evaluate the Lagrangian function at the prices: a lower bound of the problem."""
    lower, upper = _finite_limits(problem)
    best = priced(problem, load, moved).min(axis=1).sum()
    charge = np.maximum(upper * load, lower * load).sum()
    return float(best - charge - (moved * problem.max_moved if moved else 0.0))


def solve_dual(problem: Problem) -> Prices:
    """Seek prices whose bound is as high as possible.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Prices
        The best bound met, and the prices that prove it.
    """
    regret = _regret(problem)
    start = np.zeros(problem.rep_count * problem.measures + 1)
    coarse, weight = problem, 1.0
    if problem.accounts > _SAMPLED:
        sample = _sample(problem.accounts, max(20 * problem.rep_count, _SAMPLED // 2))
        coarse, weight = problem.take(sample), problem.accounts / len(sample)
    for temperature in _LOOSE:
        start = _climb(coarse, problem, start, temperature * regret, weight)
    best = _prices(problem, start)
    for temperature in (_LOOSE[-1], *_FINE) if weight > 1.0 else _FINE:
        short = _shortlist(problem, start)
        start = _climb(short, problem, start, temperature * regret, 1.0)
        found = _prices(problem, start)
        best = found if found.bound > best.bound else best
    return best


def reprice(problem: Problem, prices: Prices) -> Prices:
    """Adapt prices to limits that changed a little."""
    start = np.append(prices.load.ravel(), prices.moved)
    return _prices(problem, _climb(_shortlist(problem, start), problem, start, _FINE[-1] * _regret(problem), 1.0))


def _prices(problem: Problem, point: Floats) -> Prices:
    load, moved = point[:-1].reshape(problem.rep_count, problem.measures), float(point[-1])
    return Prices(load, moved, exact_bound(problem, load, moved))


def _sample(accounts: int, size: int) -> Ints:
    """Every n-th account of a fixed shuffle: the same sample whatever the seed, so that the bound never moves."""
    order = np.random.Generator(np.random.Philox(key=accounts)).permutation(accounts)
    return np.sort(order[: min(size, accounts)])


def _shortlist(problem: Problem, point: Floats) -> Problem:
    """Keep the options of each account that are cheapest at the prices."""
    if problem.cost.shape[1] <= _SHORTLIST:
        return problem
    total = priced(problem, point[:-1].reshape(problem.rep_count, problem.measures), float(point[-1]))
    return problem.keep_slots(np.argpartition(total, _SHORTLIST, axis=1)[:, :_SHORTLIST])


def _regret(problem: Problem) -> float:
    """Mean difference between the two cheapest options: the scale on which accounts can be swayed."""
    if problem.cost.shape[1] < 2:
        return 1.0
    two = np.partition(problem.cost, 1, axis=1)[:, :2]
    gap = two[:, 1] - two[:, 0]
    gap = gap[np.isfinite(gap) & (gap > 0)]
    return float(gap.mean()) if len(gap) else 1.0


def _finite_limits(problem: Problem) -> tuple[Floats, Floats]:
    """Replace infinite limits by what the loads can reach at all, which changes nothing."""
    if np.isfinite(problem.lower).all() and np.isfinite(problem.upper).all():
        return problem.lower, problem.upper
    allowed = np.isfinite(problem.cost)
    least, most = np.empty_like(problem.lower), np.empty_like(problem.upper)
    for d in range(problem.measures):
        load = np.where(allowed, problem.load[:, :, d], 0.0).ravel()
        for out, part in ((least, np.minimum(load, 0.0)), (most, np.maximum(load, 0.0))):
            out[:, d] = np.bincount(problem.reps.ravel(), weights=part, minlength=problem.rep_count)
    lower = np.where(np.isfinite(problem.lower), problem.lower, np.minimum(least, problem.upper))
    upper = np.where(np.isfinite(problem.upper), problem.upper, np.maximum(most, problem.lower))
    return lower, upper


def _box(problem: Problem) -> list[tuple[float | None, float | None]]:
    """Range of each price: none for a limit that is not there, at most the elastic price."""
    cap = np.broadcast_to(problem.elastic, problem.lower.shape)
    low = np.where(np.isfinite(problem.lower), -cap, 0.0).ravel()
    high = np.where(np.isfinite(problem.upper), cap, 0.0).ravel()
    sides = [
        (float(a) if np.isfinite(a) else None, float(b) if np.isfinite(b) else None)
        for a, b in zip(low, high, strict=True)
    ]
    return [*sides, (0.0, None if problem.limits_moves else 0.0)]


def _climb(part: Problem, whole: Problem, start: Floats, temperature: float, weight: float) -> Floats:
    """Raise the smoothed bound of `part`, whose accounts stand for `weight` accounts each, from `start`."""
    from scipy.optimize import minimize

    smooth = _Smooth(part, *_finite_limits(whole), temperature, weight)
    options = {"maxiter": _STEPS + int(4 * np.sqrt(whole.rep_count)), "maxcor": 20}
    climb: Any = minimize
    return np.asarray(climb(smooth, start, jac=True, method="L-BFGS-B", bounds=_box(whole), options=options).x)


class _Smooth:
    """The smoothed Lagrangian function, negated, and its gradient."""

    def __init__(self, part: Problem, lower: Floats, upper: Floats, temperature: float, weight: float) -> None:
        self.part, self.temperature, self.weight = part, temperature, weight
        self.middle, self.half = (upper + lower) / 2.0, (upper - lower) / 2.0
        self.flat = part.reps.ravel()
        # max(U l, L l) = middle l + half |l|, and |l| is smoothed on the scale on which a price can matter.
        typical = np.abs(part.load).mean(axis=(0, 1))
        self.round = 0.1 * temperature / np.where(typical > 0, typical, 1.0)

    def __call__(self, point: Floats) -> tuple[float, Floats]:
        problem = self.part
        load, moved = point[:-1].reshape(self.middle.shape), float(point[-1])
        total = priced(problem, load, moved)
        least = total.min(axis=1, keepdims=True)
        share = np.exp((least - total) / self.temperature)
        norm = share.sum(axis=1, keepdims=True)
        share *= self.weight / norm
        value = self.weight * float((least - self.temperature * np.log(norm)).sum())
        size = np.sqrt(load * load + self.round * self.round)
        slope = np.empty(len(point))
        gradient = np.empty_like(load)
        for d in range(problem.measures):
            weights = (share * problem.load[:, :, d]).ravel()
            gradient[:, d] = np.bincount(self.flat, weights=weights, minlength=problem.rep_count)
        gradient -= self.middle + self.half * load / size
        value -= float((self.middle * load + self.half * size).sum())
        slope[:-1] = gradient.ravel()
        slope[-1] = 0.0
        if problem.limits_moves:
            value -= moved * problem.max_moved
            slope[-1] = float((share * problem.moved).sum()) - problem.max_moved
        return -value, -slope
