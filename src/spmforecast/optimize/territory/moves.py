"""Moves of the local search, evaluated all at once: shifts of one account, and pairs of shifts that meet in a rep.

A pair is a shift r -> s with a shift s -> t. With t = r it is a swap; with another t it passes load on along a chain,
which gets past a rep that has no room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.optimize.territory.problem import Floats, Ints, Problem

__all__ = ["Near", "State", "improving", "near_options", "spans"]

_CAP = 60  # shifts into a rep, and out of it, that are paired
_CHUNK = 3_000_000  # pairs evaluated at a time
_NOISE = 1e-12

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Near:
    """Options that the search looks at: account, slot, rep, cost, load (n, D) and moved weight of each."""

    account: Ints
    slot: Ints
    rep: Ints
    cost: Floats
    load: Floats
    moved: Floats


class State:
    """An assignment under change: slot, owner, cost, load and moved weight of each account, load of each rep."""

    def __init__(self, problem: Problem, slots: Ints, price: Floats) -> None:
        rows = np.arange(problem.accounts)
        self.problem, self.slots, self.price = problem, slots.copy(), price.copy()
        self.owner, self.cost = problem.owners(slots), problem.cost[rows, slots]
        self.load, self.moved = problem.load_of(rows, slots).copy(), problem.moved[rows, slots]
        self.loads = problem.loads(slots)

    def penalty(self, reps: Ints, loads: Floats) -> Floats:
        """Price of what `loads` would exceed at `reps`."""
        problem = self.problem
        over = np.maximum(loads - problem.upper[reps], 0.0) + np.maximum(problem.lower[reps] - loads, 0.0)
        return np.asarray((over * self.price).sum(axis=-1))

    @property
    def moved_total(self) -> float:
        """Weight that has moved."""
        return float(self.moved.sum())

    def apply(self, near: Near, chosen: Ints) -> None:
        """Carry out shifts, at most one for an account."""
        who, to = near.account[chosen], near.rep[chosen]
        np.subtract.at(self.loads, self.owner[who], self.load[who])
        np.add.at(self.loads, to, near.load[chosen])
        self.slots[who], self.owner[who] = near.slot[chosen], to
        self.cost[who], self.load[who], self.moved[who] = near.cost[chosen], near.load[chosen], near.moved[chosen]


def near_options(problem: Problem, reduced: Floats, slots: Ints, per_rep: int) -> Near:
    """List the options whose reduced cost is small, about `per_rep` for each rep, and those taken now."""
    pool = np.sort(reduced, axis=1)[:, 1:6].ravel()
    pool = pool[np.isfinite(pool)]
    rank = min(per_rep * problem.rep_count, len(pool)) - 1
    limit = np.partition(pool, rank)[rank] if rank >= 0 else 0.0
    wanted = np.isfinite(reduced) & (reduced <= limit)
    wanted[np.arange(problem.accounts), slots] = True
    wanted &= wanted.sum(axis=1, keepdims=True) > 1
    account, slot = np.nonzero(wanted)
    return Near(
        account,
        slot,
        problem.reps[account, slot],
        problem.cost[account, slot],
        problem.load_of(account, slot),
        problem.moved[account, slot],
    )


def spans(starts: Ints, counts: Ints) -> Ints:
    """Concatenate the ranges ``starts[i], ..., starts[i] + counts[i] - 1``."""
    offset = np.cumsum(counts) - counts
    return np.repeat(starts - offset, counts) + np.arange(int(counts.sum()))


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts under evaluation: index into the near options, both reps, and what changes."""

    index: Ints
    source: Ints
    target: Ints
    cost: Floats
    leaves: Floats
    enters: Floats
    moved: Floats
    relief: Floats
    burden: Floats


def _shifts(state: State, near: Near, around: Mask, charge: float) -> Shifts:
    source = state.owner[near.account]
    index = np.flatnonzero((near.rep != source) & (around[near.rep] | around[source]))
    who, fr, to = near.account[index], source[index], near.rep[index]
    moved = near.moved[index] - state.moved[who]
    leaves, enters = state.load[who], near.load[index]
    every = np.arange(state.problem.rep_count)
    now = state.penalty(every, state.loads)
    return Shifts(
        index,
        fr,
        to,
        near.cost[index] - state.cost[who] + charge * moved,
        leaves,
        enters,
        moved,
        state.penalty(fr, state.loads[fr] - leaves) - now[fr],
        state.penalty(to, state.loads[to] + enters) - now[to],
    )


def _by_rep(key: Ints, rank: Floats, reps: int) -> tuple[Ints, Ints, Ints]:
    """Order shifts by rep and attractiveness: order, start and capped count of each rep."""
    order = np.lexsort((rank, key))
    count = np.bincount(key, minlength=reps)
    return order, np.cumsum(count) - count, np.minimum(count, _CAP)


def _pairs(state: State, shifts: Shifts, middles: Ints) -> tuple[Ints, Ints, Floats]:
    """All pairs that meet in `middles`: positions of both shifts and the change of merit; only improving ones."""
    reps = state.problem.rep_count
    into, start_in, count_in = _by_rep(shifts.target, shifts.cost + shifts.relief, reps)
    out, start_out, count_out = _by_rep(shifts.source, shifts.cost + shifts.burden, reps)
    work = np.cumsum(count_in[middles] * count_out[middles])
    found: list[tuple[Ints, Ints, Floats]] = []
    for block in np.split(middles, np.flatnonzero(np.diff(work // _CHUNK)) + 1) if len(middles) else []:
        first = into[spans(start_in[block], count_in[block])]
        at = shifts.target[first]
        a = np.repeat(first, count_out[at])
        b = out[spans(start_out[at], count_out[at])]
        change = _pair_change(state, shifts, a, b)
        good = np.flatnonzero(change < -_NOISE)
        found.append((a[good], b[good], change[good]))
    if not found:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0)
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))  # type: ignore[return-value]


def _pair_change(state: State, shifts: Shifts, a: Ints, b: Ints) -> Floats:
    middle = shifts.target[a]
    every = np.arange(state.problem.rep_count)
    now = state.penalty(every, state.loads)
    change = (shifts.cost + shifts.relief)[a] + (shifts.cost + shifts.burden)[b] - now[middle]
    change += state.penalty(middle, state.loads[middle] + shifts.enters[a] - shifts.leaves[b])
    swap = np.flatnonzero(shifts.source[a] == shifts.target[b])
    if len(swap):
        x, y = a[swap], b[swap]
        end = shifts.source[x]
        both = state.penalty(end, state.loads[end] - shifts.leaves[x] + shifts.enters[y]) - now[end]
        change[swap] += both - shifts.relief[x] - shifts.burden[y]
    return change


def improving(state: State, near: Near, dirty: Mask, charge: float, room: float) -> tuple[Ints, Mask]:
    """Choose improving moves that share no rep, best first.

    Parameters
    ----------
    state : State
    near : Near
    dirty : array of bool, shape (R,)
        Reps that changed since the last call; pairs away from them were seen.
    charge : float
        Price of a unit of moved weight.
    room : float
        Moved weight that may still be added.

    Returns
    -------
    chosen : array of int
        Indices into `near`.
    touched : array of bool, shape (R,)
    """
    shifts = _shifts(state, near, _neighbourhood(state, near, dirty), charge)
    active = dirty[shifts.source] | dirty[shifts.target]
    middle = np.zeros(len(dirty), dtype=np.bool_)
    middle[shifts.source[active]] = middle[shifts.target[active]] = True
    single = shifts.cost + shifts.relief + shifts.burden
    alone = np.flatnonzero(active & (single < -_NOISE))
    a, b, change = _pairs(state, shifts, np.flatnonzero(middle))
    change = np.concatenate((single[alone], change))
    first, second = np.concatenate((alone, a)), np.concatenate((np.full(len(alone), -1), b))
    return _disjoint(shifts, first, second, change, len(dirty), room)


def _neighbourhood(state: State, near: Near, dirty: Mask) -> Mask:
    """Reps that a shift joins to a dirty one."""
    if dirty.all():
        return dirty
    source = state.owner[near.account]
    reached = dirty.copy()
    reached[near.rep[dirty[source]]] = True
    reached[source[dirty[near.rep]]] = True
    return reached


def _disjoint(shifts: Shifts, first: Ints, second: Ints, change: Floats, reps: int, room: float) -> tuple[Ints, Mask]:
    """Walk from the best move down and take those whose reps are all still untouched."""
    most = min(8 * reps, len(change))
    best = np.argpartition(change, most - 1)[:most] if most else np.arange(0)
    best = best[np.lexsort((second[best], first[best], change[best]))]
    touched = np.zeros(reps, dtype=np.bool_)
    chosen: list[int] = []
    x, y = first[best], second[best]
    added = shifts.moved[x] + np.where(y >= 0, shifts.moved[y], 0.0)
    ends = np.where(y >= 0, shifts.target[y], shifts.target[x])
    rows = zip(
        x.tolist(),
        y.tolist(),
        shifts.source[x].tolist(),
        shifts.target[x].tolist(),
        ends.tolist(),
        added.tolist(),
        strict=True,
    )
    for one, two, source, target, end, more in rows:
        if touched[source] or touched[target] or touched[end] or (more > 0 and more > room):
            continue
        touched[[source, target, end]] = True
        room -= more
        chosen.extend((one, two) if two >= 0 else (one,))
    return shifts.index[np.array(chosen, dtype=np.int64)], touched
