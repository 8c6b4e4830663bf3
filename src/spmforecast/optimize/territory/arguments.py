"""Arguments of `assign` checked all at once and turned into one problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InputError
from spmforecast.errors import Problem as Wrong
from spmforecast.optimize.territory.judge import Question
from spmforecast.optimize.territory.problem import Floats, Ints, Problem
from spmforecast.plan.territory import AttributeLimit

__all__ = ["Arguments", "question"]


@dataclass(frozen=True, eq=False)
class Arguments:
    """The arguments of :func:`spmforecast.optimize.assign`, as they were given."""

    cost: npt.ArrayLike
    load: npt.ArrayLike
    lower: npt.ArrayLike
    upper: npt.ArrayLike
    edges: npt.ArrayLike | None = None
    locked: npt.ArrayLike | None = None
    candidates: npt.ArrayLike | None = None
    today: npt.ArrayLike | None = None
    move_price: npt.ArrayLike = 0.0
    move_weight: npt.ArrayLike | None = None
    max_moved: float | None = None
    required: npt.ArrayLike | None = None
    forbidden: npt.ArrayLike | None = None
    limits: Sequence[AttributeLimit] = ()
    elastic: npt.ArrayLike | None = None


@dataclass
class _Reading:
    wrong: list[Wrong] = field(default_factory=list)

    def fail(self, column: str, reason: str, mend: str = "", value: object = "") -> None:
        self.wrong.append(Wrong("assign", reason, mend, column=column, value=str(value)))

    def stop(self) -> None:
        if self.wrong:
            raise InputError(self.wrong)

    def numbers(self, name: str, value: npt.ArrayLike, infinite: bool = False) -> Floats:
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            self.fail(name, "is not an array of numbers", "Give numbers of one shape.")
            return np.zeros(0)
        if np.isnan(array).any() or (not infinite and np.isinf(array).any()):
            self.fail(name, "holds missing or infinite values", "Fill them or leave those rows out.")
        return array

    def whole(self, name: str, value: npt.ArrayLike, shape: tuple[int, ...], low: int, high: int) -> Ints:
        """Read whole numbers from `low` to `high` exclusive; -1 in a shape stands for any length."""
        try:
            array = np.asarray(value)
            exact = array.astype(np.int64)
        except (TypeError, ValueError):
            self.fail(name, "is not an array of whole numbers")
            return np.zeros(tuple(max(n, 0) for n in shape), dtype=np.int64)
        if array.size == 0 and -1 in shape:
            return np.zeros((0, *shape[1:]), dtype=np.int64)
        if array.ndim != len(shape) or any(n not in (-1, m) for n, m in zip(shape, array.shape, strict=True)):
            told = ", ".join("any" if n < 0 else str(n) for n in shape)
            self.fail(name, f"has the wrong shape; ({told}) is expected", value=array.shape)
            return np.zeros(tuple(max(n, 0) for n in shape), dtype=np.int64)
        if array.dtype.kind == "f" and not (exact == array).all():
            self.fail(name, "holds fractions or missing values", "Use -1 for none.")
        odd = (exact < low) | (exact >= high)
        if odd.any():
            self.fail(name, f"must lie from {low} to {high - 1}", value=exact[odd].ravel()[0])
            exact = np.clip(exact, low, high - 1)
        return exact


def question(given: Arguments) -> Question:
    """Check the arguments and state the problem.

    Parameters
    ----------
    given : Arguments

    Returns
    -------
    Question

    Raises
    ------
    InputError
        Everything that is wrong at once.
    """
    read = _Reading()
    cost = read.numbers("cost", given.cost, infinite=True)
    if cost.ndim != 2 or not cost.size:
        read.fail("cost", "must have a row an account and a column a rep (or candidate)", value=cost.shape)
    if cost.size and (cost == -np.inf).any():
        read.fail("cost", "holds minus infinity", "Infinity forbids a pair; minus infinity means nothing.")
    read.stop()
    lower, upper = read.numbers("lower", given.lower, True), read.numbers("upper", given.upper, True)
    count = _rep_count(given, cost, lower, upper)
    read.stop()
    reps, cost = _options(read, given, cost, count)
    load, lower, upper = _limits(read, given, cost.shape, lower, upper, count)
    read.stop()
    measures = tuple(f"load {d + 1}" if load.shape[2] > 1 else "load" for d in range(load.shape[2]))
    load, lower, upper = _attributes(read, given.limits, load, lower, upper)
    names = measures + tuple(limit.name for limit in given.limits)
    cost = _pairs(read, given, reps, cost, count)
    return _moves(read, given, reps, cost, load, lower, upper, names)


def _rep_count(given: Arguments, cost: Floats, lower: Floats, upper: Floats) -> int:
    if given.candidates is None:
        return int(cost.shape[1])
    sized = [bound.shape[0] for bound in (lower, upper) if bound.ndim > 0]
    if sized:
        return int(max(sized))
    return int(np.asarray(given.candidates).max(initial=0)) + 1


def _options(read: _Reading, given: Arguments, cost: Floats, count: int) -> tuple[Ints, Floats]:
    if given.candidates is None:
        return np.broadcast_to(np.arange(count), cost.shape), cost
    reps = read.whole("candidates", given.candidates, cost.shape, -1, count)
    return np.maximum(reps, 0), np.where(reps >= 0, cost, np.inf)


def _limits(
    read: _Reading, given: Arguments, shape: tuple[int, ...], lower: Floats, upper: Floats, count: int
) -> tuple[Floats, Floats, Floats]:
    """Bring load to (A, 1 or K, D) and limits to (R, D)."""
    load = read.numbers("load", given.load)
    accounts, options = shape
    by_measure = lower.ndim == 2 or upper.ndim == 2
    if load.shape[:1] != (accounts,) or load.ndim > 3 or (load.ndim == 3 and load.shape[1] not in (1, options)):
        read.fail("load", f"must have a row for each of {accounts} accounts", value=load.shape)
        read.stop()
    if load.ndim == 1:
        load = load[:, None, None]
    elif load.ndim == 2 and load.shape[1] == options and not (by_measure and _measures(lower, upper) == load.shape[1]):
        load = load[:, :, None]
    elif load.ndim == 2:
        load = load[:, None, :]
    size = (count, load.shape[2])
    bounds = []
    for name, bound in (("lower", lower), ("upper", upper)):
        wide = bound[:, None] if bound.ndim == 1 else bound
        if wide.ndim and (wide.ndim > 2 or wide.shape[0] != count or wide.shape[1] not in (1, size[1])):
            read.fail(name, f"must have shape ({count},) or {size}", value=bound.shape)
            wide = np.zeros(size)
        bounds.append(np.array(np.broadcast_to(wide, size)))
    crossed = np.argwhere(bounds[0] > bounds[1])
    if len(crossed):
        read.fail("lower", f"is above upper for rep {crossed[0][0]}", "Swap them.", value=bounds[0][tuple(crossed[0])])
    if (bounds[0] == np.inf).any() or (bounds[1] == -np.inf).any():
        read.fail("lower", "a limit can never be met", "lower may be -inf and upper inf, not the other way round.")
    return load, bounds[0], bounds[1]


def _measures(lower: Floats, upper: Floats) -> int:
    return max(bound.shape[1] if bound.ndim == 2 else 1 for bound in (lower, upper))


def _attributes(
    read: _Reading, limits: Sequence[AttributeLimit], load: Floats, lower: Floats, upper: Floats
) -> tuple[Floats, Floats, Floats]:
    """Append limits by attribute as further measures."""
    for limit in limits:
        weight = read.numbers(limit.name, limit.weight)
        if weight.shape != load.shape[:1]:
            read.fail(limit.name, "needs one weight for each account", value=weight.shape)
            continue
        sides = []
        for name, bound in (("lower", limit.lower), ("upper", limit.upper)):
            array = read.numbers(f"{limit.name}, {name}", bound, infinite=True)
            if array.shape not in ((), (len(lower),)):
                read.fail(f"{limit.name}, {name}", "must be one number or one for each rep", value=array.shape)
                array = np.zeros(())
            sides.append(np.broadcast_to(array, (len(lower),))[:, None])
        wide = np.broadcast_to(weight[:, None, None], (*load.shape[:2], 1))
        load = np.concatenate((load, wide), axis=2)
        lower, upper = np.concatenate((lower, sides[0]), axis=1), np.concatenate((upper, sides[1]), axis=1)
    return load, lower, upper


def _pairs(read: _Reading, given: Arguments, reps: Ints, cost: Floats, count: int) -> Floats:
    """Forbid, require and lock by making every other option impossible."""
    cost = cost.copy()
    accounts = len(cost)
    for name, pairs in (("forbidden", given.forbidden), ("required", given.required)):
        if pairs is None:
            continue
        listed = read.whole(name, pairs, (-1, 2), 0, max(accounts, count))
        if (listed[:, 0] >= accounts).any() or (listed[:, 1] >= count).any():
            read.fail(name, "names an account or rep that is not there", "Pairs are (account, rep).")
            continue
        for account, rep in listed.tolist():
            cost[account, (reps[account] == rep) == (name == "forbidden")] = np.inf
    if given.locked is not None:
        locked = read.whole("locked", given.locked, (accounts,), -1, count)
        cost[(locked[:, None] >= 0) & (reps != locked[:, None])] = np.inf
    return cost


def _moves(
    read: _Reading,
    given: Arguments,
    reps: Ints,
    cost: Floats,
    load: Floats,
    lower: Floats,
    upper: Floats,
    names: tuple[str, ...],
) -> Question:
    accounts = len(cost)
    today, weight, price = _moving(read, given, accounts, len(lower))
    edges = None if given.edges is None else read.whole("edges", given.edges, (-1, 2), 0, accounts)
    elastic = _elastic(read, given.elastic, load.shape[2])
    read.stop()
    weight, price = np.broadcast_to(weight, (accounts,)), np.broadcast_to(price, (accounts,))
    leaves = (today[:, None] >= 0) & (reps != today[:, None])
    budget = np.inf if given.max_moved is None else float(given.max_moved) * float(weight[today >= 0].sum())
    if budget == 0:
        # Whoever has an option that does not move keeps it.
        stays = np.isfinite(cost) & (weight[:, None] * leaves == 0)
        cost = np.where(stays.any(axis=1, keepdims=True) & ~stays, np.inf, cost)
    problem = Problem(
        np.ascontiguousarray(reps),
        cost + price[:, None] * leaves,
        load,
        lower,
        upper,
        weight[:, None] * leaves,
        budget,
        elastic,
        edges,
    )
    return Question(problem, cost, today, weight, names)


def _moving(read: _Reading, given: Arguments, accounts: int, count: int) -> tuple[Ints, Floats, Floats]:
    """Read today's owner of each account, and what moving it weighs and costs."""
    today = np.full(accounts, -1, dtype=np.int64)
    if given.today is not None:
        today = read.whole("today", given.today, (accounts,), -1, count)
    elif np.any(np.asarray(given.move_price) != 0) or given.max_moved is not None:
        read.fail("today", "is needed to price or limit moves", "Give today's owner of each account, -1 for none.")
    weight = np.ones(accounts) if given.move_weight is None else read.numbers("move_weight", given.move_weight)
    price = read.numbers("move_price", given.move_price)
    for name, array in (("move_weight", weight), ("move_price", price)):
        if array.shape not in ((), (accounts,)) or (array < 0).any():
            read.fail(name, "must be one number or one for each account, not negative", value=array.shape)
    if given.max_moved is not None and not 0 <= given.max_moved <= 1:
        read.fail("max_moved", "must be a share from 0 to 1", "0.10 is 10 %.", value=given.max_moved)
    return today, weight, price


def _elastic(read: _Reading, elastic: npt.ArrayLike | None, measures: int) -> Floats:
    if elastic is None:
        return np.full(measures, np.inf)
    price = read.numbers("elastic", elastic, infinite=True)
    if price.shape not in ((), (measures,)) or (price < 0).any():
        read.fail(
            "elastic", "must be one price of a unit beyond the limits, or one for each measure", value=price.shape
        )
        return np.full(measures, np.inf)
    return np.array(np.broadcast_to(price, (measures,)))
