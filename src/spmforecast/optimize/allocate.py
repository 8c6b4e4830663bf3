"""One node's amount split over those below it: within limits, with smallest changes, rounded so that it sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InfeasibleError
from spmforecast.optimize.ways import Basis, Split
from spmforecast.plan import Bounds, largest_remainder

__all__ = ["Allocation", "allocate", "round_within"]

Array = npt.NDArray[np.float64]
_CENT = Decimal("0.01")
_TINY = 1e-9


@dataclass(frozen=True)
class Allocation:
    """Amounts that sum exactly.

    Parameters
    ----------
    amounts : tuple of Decimal
        Of each entry, to the cent.
    residual : Decimal
        What of the total no whole step holds.
    """

    amounts: tuple[Decimal, ...]
    residual: Decimal


def allocate(
    basis: Basis, bounds: Bounds, total: Decimal, step: Decimal, split: Split, what: str = "total"
) -> Allocation:
    """Split an amount over reps.

    Parameters
    ----------
    basis : Basis
        What the way to split looks at.
    bounds : Bounds
        Limits of the same reps.
    total : Decimal
        Amount, in cents.
    step : Decimal
        Quotas become whole multiples of it, but for those that are settled.
    split : callable
        The way to split.
    what : str
        Name of the total in messages.

    Returns
    -------
    Allocation

    Raises
    ------
    InfeasibleError
        Names the limits that clash.
    """
    bounds.check(float(total), what)
    target = split(basis, float(total), bounds.lower, bounds.upper)
    if bounds.least_change > 0:
        target, bounds = _without_small_changes(basis, bounds, float(total), split, target, what)
    return round_within(target, bounds, total, step, what)


def round_within(target: Array, bounds: Bounds, total: Decimal, step: Decimal, what: str = "total") -> Allocation:
    """Round to whole steps within bounds; those who have no room keep their amount to the cent.

    Parameters
    ----------
    target : array of float, shape (n,)
        Amounts wanted.
    bounds : Bounds
        Limits of the same entries.
    total : Decimal
        Sum, in cents.
    step : Decimal
        Size of a step.
    what : str
        Name of the total in messages.

    Returns
    -------
    Allocation

    Raises
    ------
    InfeasibleError
        If no multiples within the bounds sum to the total.
    """
    held, free = bounds.fixed, np.flatnonzero(~bounds.fixed)
    amounts = [Decimal(str(round(float(value), 2))).quantize(_CENT) for value in bounds.lower]
    rest = total - sum((amounts[i] for i in np.flatnonzero(held)), Decimal(0))
    if not len(free):
        return Allocation(tuple(amounts), rest)
    try:
        rounded = largest_remainder(
            target[free].tolist(), rest, step, bounds.lower[free], bounds.upper[free], residual="declare"
        )
    except InfeasibleError as error:
        names = {by for i in free for by in (bounds.lower_by[i], bounds.upper_by[i]) if by}
        told = f"no multiples of {step} within the limits sum to the {what}: {error}"
        raise InfeasibleError(told, (*sorted(names), "round_to", what)) from error
    for i, count in zip(free, rounded.multiples, strict=True):
        amounts[i] = _decimal(count * rounded.step)
    return Allocation(tuple(amounts), _decimal(rounded.residual))


def _decimal(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_CENT)


def _without_small_changes(
    basis: Basis, bounds: Bounds, total: float, split: Split, target: Array, what: str
) -> tuple[Array, Bounds]:
    """Keep the last quota of whoever would change by too little, and let the others carry what that leaves."""
    for _ in range(len(target) + 1):
        small = _small(target, bounds)
        if not small.any():
            return target, _kept_apart(target, bounds)
        held = _held(bounds, small, target)
        try:
            held.check(total, what)
        except InfeasibleError:
            held = _some_moved(bounds, small, target, total)
            held.check(total, what)
        bounds = held
        settled = replace(basis, settled=basis.settled | bounds.fixed)
        target = split(settled, total, bounds.lower, bounds.upper)
    raise InfeasibleError("no quotas change by the least amount or not at all", ("least_change", what))


def _small(target: Array, bounds: Bounds) -> npt.NDArray[np.bool_]:
    moved = np.abs(target - bounds.last)
    return np.asarray(~bounds.fixed & (moved > _TINY) & (moved < bounds.least_change - _TINY))


def _held(bounds: Bounds, small: npt.NDArray[np.bool_], target: Array) -> Bounds:
    """Hold those with small changes at their last quota; where limits forbid that, make them move by enough."""
    last, least = bounds.last, bounds.least_change
    inside = (last >= bounds.lower) & (last <= bounds.upper)
    up = small & ~inside & (target > last)
    down = small & ~inside & (target < last)
    lower = np.where(small & inside, last, np.where(up, last + least, -np.inf))
    upper = np.where(small & inside, last, np.where(down, last - least, np.inf))
    return bounds.narrowed(lower, upper, "least_change")


def _some_moved(bounds: Bounds, small: npt.NDArray[np.bool_], target: Array, total: float) -> Bounds:
    """Where nobody may stay, let those move by enough who would move most, as many as the difference feeds."""
    held = _held(bounds, small, target)
    over = float(held.lower.sum()) > total
    side, short = (-1.0, float(held.lower.sum()) - total) if over else (1.0, total - float(held.upper.sum()))
    wish = np.where(small, side * (target - bounds.last), -np.inf)
    order = np.argsort(-wish, kind="stable")[: int(small.sum())]
    chosen = np.zeros(len(target), dtype=bool)
    chosen[order[: max(1, int(short / bounds.least_change))]] = True
    rest = _held(bounds, small & ~chosen, target)
    least = bounds.least_change
    lower = np.where(chosen & (side > 0), bounds.last + least, -np.inf)
    upper = np.where(chosen & (side < 0), bounds.last - least, np.inf)
    return rest.narrowed(lower, upper, "least_change")


def _kept_apart(target: Array, bounds: Bounds) -> Bounds:
    """Keep rounding from turning a change that is large enough into one that is not."""
    moved = ~bounds.fixed & np.isfinite(bounds.last)
    stays = moved & (np.abs(target - bounds.last) <= _TINY)
    up, down = moved & ~stays & (target > bounds.last), moved & ~stays & (target < bounds.last)
    least = bounds.least_change
    lower = np.where(stays, bounds.last, np.where(up, bounds.last + least, -np.inf))
    upper = np.where(stays, bounds.last, np.where(down, bounds.last - least, np.inf))
    return bounds.narrowed(lower, upper, "least_change")
