"""A component as a piecewise linear function of credit, for whole arrays at once.

For each cell (a rep in a period) pay is ``intercept + slope * credit`` from one start to the next. Starts are whole
hundredths: credit is, so that reaching a bound and reaching the next whole number from it on are the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from spmforecast.plan.compensation.terms import Component, Multiplier

__all__ = ["Pieces", "component_pieces", "multiplier_pieces", "stacked"]

Array = npt.NDArray[np.float64]
Line = tuple[float, Fraction, Fraction]  # start, intercept, slope

_ZERO = Fraction(0)
_LARGEST = 10**100


@dataclass(frozen=True)
class Pieces:
    """Piecewise linear functions of many cells.

    Parameters
    ----------
    start, intercept, slope : array of float, shape (*cells, pieces)
        The nearest floats; pieces that a cell does not have start at infinity.
    den : array of float, shape cells
        Common denominator of a cell's values at whole credits; infinite where it is beyond floats.
    lines : array of object, shape cells
        The exact pieces of each cell.
    """

    start: Array
    intercept: Array
    slope: Array
    den: Array
    lines: npt.NDArray[np.object_]

    def at(self, credit: Array) -> Array:
        """Evaluate at credits of shape (n, *cells)."""
        out: Array = self.intercept[..., 0] + self.slope[..., 0] * credit
        for j in range(1, self.start.shape[-1]):
            value = self.slope[..., j] * credit
            value += self.intercept[..., j]
            np.copyto(out, value, where=credit >= self.start[..., j])
        return out

    def slope_at(self, credit: Array) -> Array:
        """Return the slope at credits of shape (n, *cells): what one more unit pays."""
        out: Array = np.broadcast_to(self.slope[..., 0], credit.shape).copy()
        for j in range(1, self.start.shape[-1]):
            np.copyto(out, np.broadcast_to(self.slope[..., j], credit.shape), where=credit >= self.start[..., j])
        return out

    def scale(self, largest: Array) -> Array:
        """Return the largest number that arises for credits up to a size of `largest`, shape cells."""
        used = np.isfinite(self.start) | (self.start == -math.inf)
        rising: Array = (np.abs(self.intercept) + np.abs(self.slope) * largest[..., None]) * used
        return np.asarray(rising.max(axis=-1), dtype=np.float64)

    def exactly(self, cell: tuple[int, ...], credit: int) -> Fraction:
        """Evaluate one cell exactly."""
        _, intercept, slope = [line for line in self.lines[cell] if line[0] <= credit][-1]
        return Fraction(intercept + slope * credit)

    def take(self, cells: tuple[npt.NDArray[np.intp], ...]) -> Pieces:
        """Return the pieces of some cells, with repetition, as cells of their own."""
        return Pieces(self.start[cells], self.intercept[cells], self.slope[cells], self.den[cells], self.lines[cells])


def stacked(functions: Iterable[list[Line]], shape: tuple[int, ...]) -> Pieces:
    """Put the functions of cells, in C order, into arrays."""
    rows = list(functions)
    most = max((len(row) for row in rows), default=1)
    padded = [row + [(math.inf, _ZERO, _ZERO)] * (most - len(row)) for row in rows]
    columns = [np.array([[float(line[k]) for line in row] for row in padded]) for k in range(3)]
    start, intercept, slope = (column.reshape(*shape, most) for column in columns)
    den, lines = np.empty(len(rows)), np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        common = math.lcm(*(part.denominator for line in row for part in line[1:]))
        den[i] = common if common < _LARGEST else math.inf
        lines[i] = row
    return Pieces(start, intercept, slope, den.reshape(shape), lines.reshape(shape))


def component_pieces(component: Component, quota: int | None, target: Fraction) -> list[Line]:
    """Return a component's pay as a function of the credit of its span, before minimum and cap.

    Parameters
    ----------
    component : Component
        The component.
    quota : int or None
        Quota of the span, hundredths.
    target : Fraction
        Target incentive of the span, hundredths.
    """
    if component.needs_quota and (quota is None or quota <= 0):
        return [(-math.inf, _ZERO, _ZERO)]
    whole = Fraction(quota or 0)
    raw = _curve_lines(component, whole, target) if component.curve else _tier_lines(component, whole, target)
    lines = [(start, intercept, slope) for start, intercept, slope, _ in raw]
    threshold = component.threshold
    if threshold is None:
        return _whole(lines)
    floor = threshold.at.of(whole)
    if threshold.above:
        lines = [(start, intercept - below(floor), slope) for start, intercept, slope, below in raw]
    later = [line for line in lines if line[0] > floor]
    at_floor = [line for line in lines if line[0] <= floor][-1]
    return _whole([(-math.inf, _ZERO, _ZERO), (floor, *at_floor[1:]), *later])


class _Path:
    """Pay up to an amount along rates that each hold from a start on; the first from zero on."""

    def __init__(self, starts: list[Fraction], rates: list[Fraction]) -> None:
        self.starts, self.rates = starts, rates

    def __call__(self, upto: Fraction) -> Fraction:
        ends = [*self.starts[1:], None]
        total = _ZERO
        for start, end, rate in zip(self.starts, ends, self.rates, strict=True):
            if upto > start:
                total += rate * ((upto if end is None else min(upto, end)) - start)
        return total


def _tier_lines(
    component: Component, quota: Fraction, target: Fraction
) -> list[tuple[float | Fraction, Fraction, Fraction, _Path]]:
    """Pay in each tier: what its path has paid up to the tier's start, and the tier's rate from there on."""
    base = component.rate if component.rate is not None else (target / quota if quota else _ZERO)
    starts = [tier.start.of(quota) for tier in component.tiers]
    rates = [tier.rate if tier.rate is not None else base * (tier.factor or 0) for tier in component.tiers]
    out: list[tuple[float | Fraction, Fraction, Fraction, _Path]] = []
    path = _Path([_ZERO], rates[:1])
    for j, tier in enumerate(component.tiers):
        if j and tier.retroactive:
            path = _Path([_ZERO], [rates[j]])
        elif j:
            path = _Path([*path.starts, starts[j]], [*path.rates, rates[j]])
        at = starts[j] if j else _ZERO
        out.append((at if j else -math.inf, path(at) - rates[j] * at, rates[j], path))
    return out


def _curve_lines(
    component: Component, quota: Fraction, target: Fraction
) -> list[tuple[float | Fraction, Fraction, Fraction, _Curve]]:
    """Straight lines between the points; level before the first, and after the last unless extended."""
    points = [(point.at.of(quota), point.pay.of(target)) for point in component.curve]
    lines: list[tuple[float | Fraction, Fraction, Fraction]] = [(-math.inf, points[0][1], _ZERO)]
    slope = _ZERO
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        slope = (y1 - y0) / (x1 - x0)
        lines.append((x0, y0 - slope * x0, slope))
    x, y = points[-1]
    lines.append((x, y - slope * x, slope) if component.extend else (x, y, _ZERO))
    curve = _Curve(lines)
    return [(start, intercept, slope, curve) for start, intercept, slope in lines]


class _Curve:
    def __init__(self, lines: list[tuple[float | Fraction, Fraction, Fraction]]) -> None:
        self.lines = lines

    def __call__(self, upto: Fraction) -> Fraction:
        _, intercept, slope = [line for line in self.lines if line[0] <= upto][-1]
        return intercept + slope * upto


def multiplier_pieces(multiplier: Multiplier, quota: int | None) -> list[Line]:
    """Return a multiplier as a function of the credit of its measure."""
    if quota is None or quota <= 0:
        return [(-math.inf, Fraction(1), _ZERO)]
    steps = [(step.at * quota, step.times) for step in multiplier.steps]
    lines: list[tuple[float | Fraction, Fraction, Fraction]] = [(-math.inf, steps[0][1], _ZERO)]
    for (x0, y0), (x1, y1) in itertools.pairwise(steps):
        slope = _ZERO if multiplier.stepped else (y1 - y0) / (x1 - x0)
        lines.append((x0, y0 - slope * x0, slope))
    lines.append((steps[-1][0], steps[-1][1], _ZERO))
    return _whole(lines)


def _whole(lines: list[tuple[float | Fraction, Fraction, Fraction]]) -> list[Line]:
    """Let pieces start at whole numbers; of several that then start together the last holds."""
    kept: dict[float, Line] = {}
    for start, intercept, slope in lines:
        at = float(start) if start == -math.inf else float(math.ceil(start))
        kept[at] = (at, intercept, slope)
    return list(kept.values())
