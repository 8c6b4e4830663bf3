"""`design_territories`: territories from scratch around chosen centres, with a proven bound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InfeasibleError, InputError, Problem
from spmforecast.optimize.territory.contiguity import Neighbours, is_contiguous
from spmforecast.optimize.territory.hess import Design, relax
from spmforecast.optimize.territory.hess_search import HessAnswer, cost_of, solve_hess
from spmforecast.optimize.territory.judge import TOLERANCE
from spmforecast.optimize.territory.locate import locate, median_bound
from spmforecast.optimize.territory.problem import Floats, Ints
from spmforecast.plan.territory import Districts

__all__ = ["design_territories"]

_STEP = 2e-6  # of a mean unit's load
_EXACT = 120  # units up to which Hess's programme is solved


def design_territories(
    distance: npt.ArrayLike,
    weight: npt.ArrayLike,
    load: npt.ArrayLike,
    k: int,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    edges: npt.ArrayLike | None = None,
    seed: int = 0,
    *,
    starts: int = 6,
    node_limit: int = 50_000,
    cut_rounds: int = 100,
) -> Districts:
    """Choose `k` centres among the units and give every unit to one, loads within limits.

    Parameters
    ----------
    distance : array-like of float, shape (n, n)
        From each unit (row) to each possible centre (column); infinite forbids the pair.
    weight : array-like of float, shape (n,)
        The objective is ``sum_i weight[i] * distance[i, centre of i]``.
    load : array-like of float, shape (n,) or (n, D)
        What a unit adds to its territory, not negative.
    k : int
        Number of territories.
    lower, upper : float or array-like, shape (), (D,), (k,) or (k, D)
        Limits of every territory; they must be the same for all, because territories have no names yet.
    edges : array-like of int, shape (E, 2), optional
        Neighbouring units: every territory must then hang together, its centre within it.
    seed : int
        Picks the first centres of the search.
    starts : int
        First centres tried.
    node_limit : int
        Nodes of the branch-and-bound trees, of all rounds together.
    cut_rounds : int
        With `edges`: rounds of solving and of cutting off territories that fall apart. Where nodes or rounds are spent,
        the best territories that hang together are returned with the bound proven so far.

    Returns
    -------
    Districts
        ``owner`` counts territories 0 to k-1 in the order of ``centers``, which are unit indices.

    Raises
    ------
    InputError
        Everything that is wrong with the arguments.
    InfeasibleError
        Where it is proven that no territories meet the limits.

    Notes
    -----
    Up to 120 units Hess's programme is solved to a proven optimum (within the nodes allowed). Beyond that centres
    are found by
    location and allocation in turn, and the bound is that of the k-median problem without limits.
    """
    design, pairs = _design(distance, weight, load, k, lower, upper, edges)
    _refuse(design)
    # HiGHS is at its best with figures around 1; what is told is judged on the figures given.
    scaled, unit = _scaled(design)
    known, cost = locate(scaled, seed, starts, pairs)
    if len(design.cost) > _EXACT:
        if known is None:
            _explain(design, False)
        return _judge(design, known, unit * median_bound(scaled, cost), False)
    answer = _solve(scaled, cost, node_limit, cut_rounds)
    center = answer.center
    if known is not None and (center is None or cost < cost_of(scaled, center)):
        center = known
    if center is None:
        _explain(design, answer.infeasible)
    return _judge(design, center, unit * answer.bound, answer.optimal)


def _scaled(design: Design) -> tuple[Design, float]:
    """Scale cost and loads by their means; also return the cost of a unit."""
    finite = design.cost[np.isfinite(design.cost)]
    unit = float(np.abs(finite).mean()) or 1.0
    size = design.load.mean(axis=0)
    size = np.where(size > 0, size, 1.0)
    scaled = replace(
        design, cost=design.cost / unit, load=design.load / size, lower=design.lower / size, upper=design.upper / size
    )
    return scaled, unit


def _solve(design: Design, known: float, node_limit: int, cut_rounds: int) -> HessAnswer:
    """Solve the programme; again with limits drawn in a little where the solver's tolerance let it step over them."""
    relaxed = relax(design)
    if not relaxed.possible:
        raise InfeasibleError("no territories meet the limits, even if units could be split", ["lower", "upper"])
    first = answer = solve_hess(design, relaxed, known, node_limit, cut_rounds)
    if answer.center is not None and _steps_over(design, answer.center):
        drawn = replace(design, lower=design.lower + _STEP, upper=design.upper - _STEP)
        answer = solve_hess(drawn, relaxed, known, node_limit, cut_rounds)
    return replace(answer, bound=max(relaxed.bound, first.bound, answer.bound))


def _steps_over(design: Design, center: Ints) -> bool:
    loads = np.stack([np.bincount(center, weights=load) for load in design.load.T], axis=1)[np.unique(center)]
    slack = TOLERANCE * np.maximum(1.0, loads)
    return bool(((loads > design.upper + slack) | (loads < design.lower - slack)).any())


def _design(
    distance: npt.ArrayLike,
    weight: npt.ArrayLike,
    load: npt.ArrayLike,
    k: int,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    edges: npt.ArrayLike | None,
) -> tuple[Design, Ints | None]:
    far, heavy, size = (np.asarray(value, dtype=np.float64) for value in (distance, weight, load))
    size = size[:, None] if size.ndim == 1 else size
    count = len(far)
    pairs = None if edges is None else np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    wrong = _wrong_units(far, heavy, size, k, pairs)
    if wrong:
        raise InputError(wrong)
    sides = [_limit(name, value, int(k), size.shape[1], wrong) for name, value in (("lower", lower), ("upper", upper))]
    if not wrong and (sides[0] > sides[1]).any():
        wrong.append(Problem("design", "is above upper", "Swap them.", column="lower"))
    if wrong:
        raise InputError(wrong)
    neighbours = None if pairs is None else Neighbours(pairs, count)
    with np.errstate(invalid="ignore"):
        cost = np.where(np.isinf(far), np.inf, heavy[:, None] * far)
    return Design(cost, size, sides[0], sides[1], int(k), neighbours), pairs


def _wrong_units(far: Floats, heavy: Floats, size: Floats, k: int, pairs: Ints | None) -> list[Problem]:
    """Say what is wrong with distances, weights, loads, the number of territories and the neighbours."""
    wrong: list[Problem] = []
    count = len(far)
    if far.shape != (count, count) or not count or np.isnan(far).any() or (far == -np.inf).any():
        wrong.append(Problem("design", "must be a square of numbers, a row and a column a unit", column="distance"))
    if heavy.shape != (count,) or not np.isfinite(heavy).all():
        wrong.append(Problem("design", f"must be {count} finite numbers", column="weight", value=str(heavy.shape)))
    if size.ndim != 2 or len(size) != count or not np.isfinite(size).all() or (size < 0).any():
        wrong.append(Problem("design", "must be finite and not negative, a row a unit", column="load"))
    if not 1 <= int(k) <= max(count, 1):
        wrong.append(Problem("design", f"must lie from 1 to the {count} units", column="k", value=str(k)))
    if pairs is not None and pairs.size and (pairs.min() < 0 or pairs.max() >= count):
        wrong.append(Problem("design", f"names a unit that is not there; units are 0 to {count - 1}", column="edges"))
    return wrong


def _limit(name: str, value: npt.ArrayLike, k: int, measures: int, wrong: list[Problem]) -> Floats:
    limit = np.asarray(value, dtype=np.float64)
    if limit.shape == (k, measures) or (limit.shape == (k,) and (measures == 1 or k != measures)):
        rows = limit.reshape(k, -1)
        if (rows == rows[0]).all():
            return np.array(np.broadcast_to(rows[0], (measures,)))
        wrong.append(Problem("design", "must be the same for every territory", column=name))
        return np.zeros(measures)
    if limit.shape not in ((), (measures,)) or np.isnan(limit).any():
        wrong.append(Problem("design", f"must be one number or {measures}", column=name, value=str(limit.shape)))
        return np.zeros(measures)
    return np.array(np.broadcast_to(limit, (measures,)))


def _refuse(design: Design) -> None:
    """Raise where a glance shows that no territories can meet the limits."""
    faults, names = [], []
    for d in range(design.load.shape[1]):
        load, low, high = design.load[:, d], design.lower[d], design.upper[d]
        slack = 1e-9 * max(1.0, float(load.sum()))
        if load.sum() > design.count * high + slack:
            faults.append(
                f"load {d + 1}: {load.sum():,.6g} in all is more than {design.count} times the upper limit {high:,.6g}"
            )
            names.append(f"load {d + 1}, upper")
        if load.sum() < design.count * low - slack:
            faults.append(
                f"load {d + 1}: {load.sum():,.6g} in all is less than {design.count} times the lower limit {low:,.6g}"
            )
            names.append(f"load {d + 1}, lower")
        for unit in np.flatnonzero(load > high + slack)[:5].tolist():
            faults.append(
                f"unit {unit} alone loads {load[unit]:,.6g} (load {d + 1}), above the upper limit {high:,.6g}"
            )
            names.append(f"unit {unit}, load {d + 1}, upper")
    if faults:
        raise InfeasibleError("; ".join(faults), names)


def _explain(design: Design, infeasible: bool) -> NoReturn:
    if not infeasible:
        raise InfeasibleError(
            "no territories within the limits were found; that there are none is not proven", ["lower", "upper"]
        )
    if design.neighbours is None:
        raise InfeasibleError("no territories of whole units meet the limits (proven)", ["lower", "upper"])
    raise InfeasibleError(
        "no contiguous territories of whole units meet the limits (proven)", ["lower", "upper", "edges"]
    )


def _judge(design: Design, center: Ints, bound: float, optimal: bool) -> Districts:
    """Recompute everything that is told from the design alone."""
    centers, owner = np.unique(center, return_inverse=True)
    objective = cost_of(design, center)
    loads = np.zeros((len(centers), design.load.shape[1]))
    for territory in range(len(centers)):
        for d in range(loads.shape[1]):
            loads[territory, d] = math.fsum(design.load[owner == territory, d].tolist())
    excess = np.maximum(loads - design.upper, 0.0) + np.maximum(design.lower - loads, 0.0)
    excess[excess <= TOLERANCE * np.maximum(1.0, loads)] = 0.0
    contiguous = None if design.neighbours is None else _together(design.neighbours, owner)
    held = not excess.any() and contiguous is not False and len(centers) == design.count
    if optimal and abs(bound - objective) <= 1e-6 * max(1.0, abs(objective)):
        bound = objective
    bound = min(bound, objective) if held else bound
    return Districts(
        owner=owner.astype(np.int64),
        objective=objective,
        bound=bound,
        gap=(objective - bound) / max(abs(bound), 1e-12) if held else math.nan,
        feasible=held,
        violation=math.fsum(excess.ravel().tolist()),
        cost=objective,
        loads=loads,
        excess=excess,
        moved=np.zeros(len(owner), dtype=np.bool_),
        moved_share=0.0,
        contiguous=contiguous,
        status="optimal" if optimal and held else "feasible" if held else "not proven",
        centers=centers.astype(np.int64),
    )


def _together(neighbours: Neighbours, owner: Ints) -> bool:
    pairs = np.stack(neighbours.matrix.nonzero(), axis=1).astype(np.int64)
    return is_contiguous(pairs, owner)
