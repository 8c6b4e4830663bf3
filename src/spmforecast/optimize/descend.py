"""A total down a hierarchy: every node hands on what it is asked for, with its cushion, and the sums are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spmforecast.optimize.allocate import Allocation, allocate, round_within
from spmforecast.optimize.ways import Basis, Split
from spmforecast.plan import Bounds, Hierarchy

__all__ = ["COLUMNS", "descend"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_CENT = Decimal("0.01")
COLUMNS = ("node_level", "node", "parent", "quota", "cushion", "assigned", "remainder")


@dataclass
class _Descent:
    """What stays the same on the way down, and what has been found so far."""

    basis: Basis
    bounds: Bounds
    step: Decimal
    split: Split
    tree: Hierarchy
    amounts: list[Decimal]
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def node(self, depth: int, name: str, parent: str, index: Ints, asked: Decimal, cushion: float) -> None:
        """Split what a node is asked for, times one plus its cushion, over those right below it."""
        assigned = (asked * (1 + Decimal(str(cushion)))).quantize(_CENT, ROUND_HALF_UP)
        level = "company" if depth == 0 else self.tree.levels[depth - 1]
        what = "total" if depth == 0 else f"quota of {level} {name}"
        basis, bounds = self.basis.subset(index, float(asked)), self.bounds.subset(index)
        if depth == len(self.tree.levels):
            found = allocate(basis, bounds, assigned, self.step, self.split, what)
            for i, amount in zip(index, found.amounts, strict=True):
                self.amounts[i] = amount
            self._tell(level, name, parent, asked, cushion, assigned, found)
            return
        below = self.tree.levels[depth]
        names, members = _groups(self.tree.nodes_of(below, basis.reps))
        limits = self._limits(below, names, [index[member] for member in members], depth + 1)
        limits.check(float(assigned), what)
        inside = min(max(float(assigned), float(bounds.lower.sum())), float(bounds.upper.sum()))
        flat = self.split(basis, inside, bounds.lower, bounds.upper)
        wanted = np.array([flat[member].sum() for member in members])
        scaled = wanted * (float(assigned) / max(float(wanted.sum()), 1e-300)) if wanted.sum() > 0 else wanted
        found = round_within(scaled, limits, assigned, self.step, what)
        self._tell(level, name, parent, asked, cushion, assigned, found)
        for child, member, amount in zip(names, members, found.amounts, strict=True):
            self.node(depth + 1, child, name, index[member], amount, self.tree.cushion.get(below, 0.0))

    def _tell(
        self, level: str, name: str, parent: str, asked: Decimal, cushion: float, assigned: Decimal, found: Allocation
    ) -> None:
        self.rows.append((level, name, parent, float(asked), cushion, float(assigned), float(found.residual)))

    def _limits(self, level: str, names: list[str], members: list[Ints], depth: int) -> Bounds:
        """Bounds of the nodes of a level: what their reps must and can carry, before the cushions in between."""
        share = math.prod(1 + self.tree.cushion.get(one, 0.0) for one in self.tree.levels[depth - 1 :])
        lower, upper, by_low, by_high = [], [], [], []
        for name, member in zip(names, members, strict=True):
            own = self.bounds.subset(member)
            low, high = self._stepped(own)
            pinned = self.tree.totals.get((level, name))
            lower.append(low / share if pinned is None else pinned)
            upper.append(high / share if pinned is None else pinned)
            label = f"total of {level} {name}"
            by_low.append(_names(own.lower_by) if pinned is None else label)
            by_high.append(_names(own.upper_by) if pinned is None else label)
        n = len(names)
        return Bounds(tuple(names), np.array(lower), np.array(upper), tuple(by_low), tuple(by_high), np.full(n, np.nan))

    def _stepped(self, own: Bounds) -> tuple[float, float]:
        """Sum the bounds once they are whole steps, as rounding will need them."""
        step = float(self.step)
        low = np.where(own.fixed, own.lower, np.ceil(own.lower / step - 1e-9) * step)
        high = np.where(own.fixed | ~np.isfinite(own.upper), own.upper, np.floor(own.upper / step + 1e-9) * step)
        return float(low.sum()), float(high.sum())


def _names(by: tuple[str, ...]) -> str:
    return " and ".join(sorted({name for name in by if name}))


def _groups(labels: list[str]) -> tuple[list[str], list[Ints]]:
    names = sorted(set(labels))
    found = np.array(labels, dtype=object)
    return names, [np.flatnonzero(found == name) for name in names]


def descend(
    basis: Basis,
    bounds: Bounds,
    total: Decimal,
    cushion: float,
    step: Decimal,
    split: Split,
    tree: Hierarchy,
) -> tuple[Allocation, pd.DataFrame]:
    """Split a total down a hierarchy.

    Parameters
    ----------
    basis, bounds : Basis, Bounds
        Of all reps.
    total : Decimal
        What the company is asked for, before its cushion.
    cushion : float
        The company's over-assignment.
    step : Decimal
        Quotas of nodes and reps are whole multiples of it, but for those that are settled.
    split : callable
        The way to split; a node's share is what its reps would get in a split over all reps of its parent.
    tree : Hierarchy
        Levels, their cushions, and nodes with a total of their own.

    Returns
    -------
    allocation : Allocation
        Quotas of the reps, and all that no step holds.
    nodes : pandas.DataFrame
        ``node_level, node, parent, quota, cushion, assigned, remainder``, a row a node: those right below it sum to
        ``assigned - remainder``.

    Raises
    ------
    InfeasibleError
        Names the limits that clash, and the node.
    """
    found = _Descent(basis, bounds, step, split, tree, [Decimal(0)] * len(basis.reps))
    found.node(0, "company", "", np.arange(len(basis.reps)), total, cushion)
    nodes = pd.DataFrame(found.rows, columns=list(COLUMNS))
    residual = sum((Decimal(str(left)) for left in nodes["remainder"]), Decimal(0)).quantize(_CENT)
    return Allocation(tuple(found.amounts), residual), nodes
