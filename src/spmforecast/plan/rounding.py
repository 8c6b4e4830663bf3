"""Rounding amounts to whole money steps so that they still sum exactly.

Largest remainder (Hamilton; Balinski & Young 1982) minimises the sum of squared deviations from the targets, given the
sum. It keeps the Alabama paradox: a larger total can lower somebody's share by a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from spmforecast.errors import InfeasibleError, InputError, Problem

__all__ = ["Rounded", "largest_remainder"]

Number = int | float | Decimal | Fraction | np.number
Bounds = Sequence[Number] | npt.NDArray[np.float64] | Number | None


@dataclass(frozen=True, slots=True)
class Rounded:
    """Amounts in whole steps.

    Attributes
    ----------
    multiples : tuple of int
        Steps of each entry, in input order.
    step : Fraction
        Size of a step.
    residual : Fraction
        What of the total is no whole step and was given to nobody; 0 or more and less than a step.
    """

    multiples: tuple[int, ...]
    step: Fraction
    residual: Fraction

    @property
    def amounts(self) -> npt.NDArray[np.float64]:
        """The amounts, each the float nearest to the exact value; shape (n,)."""
        return np.array([float(k * self.step) for k in self.multiples], dtype=float)

    @property
    def total(self) -> Fraction:
        """Exact sum of the amounts, without the residual."""
        return sum(self.multiples) * self.step


def largest_remainder(
    targets: Iterable[Number],
    total: Number,
    step: Number,
    lower: Bounds = None,
    upper: Bounds = None,
    residual: Literal["raise", "declare"] = "raise",
) -> Rounded:
    """Round targets to multiples of a step that sum exactly to a total.

    Among all that keep the bounds and the sum, the result has the least sum of squared deviations from the targets;
    ties go to whoever comes first. Where the targets (clipped to their bounds) do not add up to the total, the
    difference is spread evenly over all that have room, so scale them first if it should be spread in proportion.
    Floats are read as the decimals they print as, and all arithmetic is exact.

    Parameters
    ----------
    targets : iterable of numbers, length n
        Wanted amounts.
    total : number
        What the amounts sum to.
    step : number
        Positive size of a step, in the unit of the amounts.
    lower, upper : sequence of numbers of length n, number or None
        Bounds of the amounts.
    residual : {"raise", "declare"}
        What to do with a total that is no multiple of the step: refuse it, or round it down and say what is left.

    Returns
    -------
    Rounded

    Raises
    ------
    InputError
        If a value is not a number, the step is not positive, lengths differ, or the total is no multiple of the step
        and `residual` is ``raise``.
    InfeasibleError
        If the bounds leave no multiple for an entry, or cannot sum to the total.
    """
    wanted, low, high, whole, unit = _exact(list(targets), total, step, lower, upper)
    steps, left = divmod(whole, unit)
    if left and residual == "raise":
        raise InputError(
            Problem(
                "rounding",
                f"the total is no multiple of the step: {float(left):g} is left over",
                "Choose a step that divides the total, or declare the residual.",
                column="total",
                value=str(total),
            )
        )
    floors = [None if bound is None else math.ceil(bound / unit) for bound in low]
    caps = [None if bound is None else math.floor(bound / unit) for bound in high]
    _check_room(floors, caps, steps, total)
    scaled = [target / unit for target in wanted]
    return Rounded(tuple(_apportion(scaled, steps, floors, caps)), unit, left)


def _apportion(scaled: list[Fraction], steps: int, floors: list[int | None], caps: list[int | None]) -> list[int]:
    """Shift all targets by one whole number so that rounding down falls just short, then hand out what is missing."""
    base = [math.floor(target) for target in scaled]

    def shifted(shift: int) -> list[int]:
        return [_clip(value + shift, low, cap) for value, low, cap in zip(base, floors, caps, strict=True)]

    below, above = -1, 1
    while sum(shifted(below)) > steps:
        below *= 2
    while sum(shifted(above)) <= steps and shifted(above) != caps:
        above *= 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if sum(shifted(middle)) <= steps else (below, middle)
    found, more = shifted(below), shifted(below + 1)
    free = [i for i in range(len(base)) if more[i] > found[i]]
    free.sort(key=lambda i: (base[i] - scaled[i], i))
    for i in free[: steps - sum(found)]:
        found[i] += 1
    return found


def _clip(value: int, low: int | None, cap: int | None) -> int:
    if low is not None and value < low:
        return low
    return cap if cap is not None and value > cap else value


def _check_room(floors: list[int | None], caps: list[int | None], steps: int, total: Number) -> None:
    """Raise where no multiples within the bounds sum to the total."""
    for i, (low, cap) in enumerate(zip(floors, caps, strict=True)):
        if low is not None and cap is not None and low > cap:
            raise InfeasibleError(f"no multiple of the step lies within the bounds of entry {i}", ("lower", "upper"))
    least = None if None in floors else sum(low for low in floors if low is not None)
    most = None if None in caps else sum(cap for cap in caps if cap is not None)
    if least is not None and least > steps:
        raise InfeasibleError(f"the lower bounds sum to more than the total {total}", ("lower", "total"))
    if most is not None and most < steps:
        raise InfeasibleError(f"the upper bounds sum to less than the total {total}", ("upper", "total"))


def _exact(
    targets: list[Number], total: Number, step: Number, lower: Bounds, upper: Bounds
) -> tuple[list[Fraction], list[Fraction | None], list[Fraction | None], Fraction, Fraction]:
    """Read every number as an exact fraction, naming all that cannot be."""
    problems: list[Problem] = []
    wanted = [_fraction(value, f"targets[{i}]", problems) for i, value in enumerate(targets)]
    low = _bounds(lower, "lower", len(targets), problems)
    high = _bounds(upper, "upper", len(targets), problems)
    whole, unit = _fraction(total, "total", problems), _fraction(step, "step", problems)
    if unit <= 0 and not any(problem.column == "step" for problem in problems):
        problems.append(Problem("rounding", "the step must be positive", column="step", value=str(step)))
    if not targets and whole:
        problems.append(Problem("rounding", "there is nobody to carry the total", column="targets"))
    if problems:
        raise InputError(problems)
    return wanted, low, high, whole, unit


def _bounds(bounds: Bounds, name: str, n: int, problems: list[Problem]) -> list[Fraction | None]:
    if bounds is None:
        return [None] * n
    values = list(bounds) if isinstance(bounds, (Sequence, np.ndarray)) else [bounds] * n
    if len(values) != n:
        problems.append(Problem("rounding", f"{len(values)} bounds for {n} targets", column=name))
    return [_limit(value, f"{name}[{i}]", problems) for i, value in enumerate(values)]


def _limit(value: Number, name: str, problems: list[Problem]) -> Fraction | None:
    """Read a bound; an infinite one in its own direction is none."""
    open_end = math.inf if name.startswith("upper") else -math.inf
    return None if value == open_end else _fraction(value, name, problems)


def _fraction(value: Number, name: str, problems: list[Problem]) -> Fraction:
    try:
        # Through the text, so that 0.29 is 29 cents and not the binary fraction just below.
        return value if isinstance(value, Fraction) else Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        problems.append(Problem("rounding", "not a finite number", column=name, value=str(value)))
        return Fraction(0)
