"""Pay on whole arrays of draws: the same cents as the exact arithmetic, a million cells at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spmforecast.plan.compensation.cents import Exactly, half_up, round_half_up
from spmforecast.plan.compensation.pieces import Pieces, component_pieces, multiplier_pieces, stacked
from spmforecast.plan.compensation.spans import Grid
from spmforecast.plan.compensation.terms import Component, Multiplier, Size

__all__ = ["Amounts", "Earnings", "PayTable", "blocks"]

Array = npt.NDArray[np.float64]
Credits = Mapping[str, Array]
_BLOCK = 1 << 17  # cells worked on at once, so that the arrays in between stay in the processor's cache


@dataclass(frozen=True)
class Amounts:
    """Hundredths before rounding: floats, how far they may be off, a denominator, and the way to the exact value."""

    values: Array
    err: Array
    den: Array
    exactly: Exactly

    def rounded(self) -> Array:
        """Round to cents, half up."""
        return round_half_up(self.values, self.err, self.den, self.exactly)

    def times(self, factor: Amounts) -> Amounts:
        """Multiply."""
        largest = np.abs(self.values).max(axis=0, initial=0.0)
        times = np.abs(factor.values).max(axis=0, initial=0.0)
        err = self.err * (times + factor.err) + factor.err * largest + 2.0**-52 * largest * times
        mine, other = self.exactly, factor.exactly
        return Amounts(
            self.values * factor.values, err, self.den * factor.den, lambda place: mine(place) * other(place)
        )

    def plus(self, other: Amounts) -> Amounts:
        """Add."""
        values = self.values + other.values
        err = self.err + other.err + 2.0**-52 * np.abs(values).max(axis=0, initial=0.0)
        first, second = self.exactly, other.exactly
        return Amounts(values, err, self.den * other.den, lambda place: first(place) + second(place))


@dataclass(frozen=True)
class PayTable:
    """A component on a grid: its pieces, and its limits and multipliers in every cell.

    Parameters
    ----------
    component : Component
        The component.
    pieces : Pieces
        Pay by credit.
    least, most : array of object, shape cells, or None
        Exact minimum and cap, hundredths.
    multipliers : tuple of (Multiplier, Pieces)
        What its pay is multiplied by.
    round_lines : bool
        Whether pay is rounded before and after each multiplier.
    """

    component: Component
    pieces: Pieces
    least: npt.NDArray[np.object_] | None
    most: npt.NDArray[np.object_] | None
    multipliers: tuple[tuple[Multiplier, Pieces], ...]
    round_lines: bool

    def pay(self, credit: Array, others: Credits) -> Amounts:
        """Work out pay for the span's credit, shape (n, *cells), and that of the multipliers' measures."""
        pay = self._bare(credit)
        for multiplier, pieces in self.multipliers:
            if self.round_lines:
                pay = _whole(pay.rounded())
            pay = pay.times(_evaluated(pieces, others[multiplier.measure]))
        return _whole(pay.rounded()) if self.round_lines else pay

    def marginal(self, credit: Array, others: Credits) -> Array:
        """Return what one more unit of credit pays; nothing where minimum or cap holds."""
        slope = self.pieces.slope_at(credit)
        pay = self.pieces.at(credit)
        if self._least is not None:
            slope[pay < self._least[0]] = 0.0
        if self._most is not None:
            slope[pay >= self._most[0]] = 0.0
        for multiplier, pieces in self.multipliers:
            slope *= pieces.at(others[multiplier.measure])
        return slope

    def take(self, cells: tuple[npt.NDArray[np.intp], ...]) -> PayTable:
        """Return the table of some cells, with repetition, as cells of their own."""
        least, most = (None if one is None else one[cells] for one in (self.least, self.most))
        multipliers = tuple((one, pieces.take(cells)) for one, pieces in self.multipliers)
        return PayTable(self.component, self.pieces.take(cells), least, most, multipliers, self.round_lines)

    def _bare(self, credit: Array) -> Amounts:
        """Pay before multipliers, within minimum and cap."""
        bare = _evaluated(self.pieces, credit)
        if self.least is None and self.most is None:
            return bare
        values, err, den = bare.values, bare.err, bare.den
        if self._least is not None:
            values = np.maximum(values, self._least[0])
            err, den = err + 2.0**-50 * self._least[0], den * self._least[1]
        if self._most is not None:
            values = np.minimum(values, self._most[0])
            err, den = err + 2.0**-50 * self._most[0], den * self._most[1]
        return Amounts(values, err, den, lambda place: self._within(bare.exactly(place), place[1:]))

    def _within(self, pay: Fraction, cell: tuple[int, ...]) -> Fraction:
        if self.least is not None:
            pay = max(pay, self.least[cell])
        return pay if self.most is None else min(pay, self.most[cell])

    @cached_property
    def _least(self) -> tuple[Array, Array] | None:
        return None if self.least is None else _floats(self.least)

    @cached_property
    def _most(self) -> tuple[Array, Array] | None:
        return None if self.most is None else _floats(self.most)


def _floats(exact: npt.NDArray[np.object_]) -> tuple[Array, Array]:
    values = np.array([float(one) for one in exact.ravel().tolist()]).reshape(exact.shape)
    return values, np.array([float(one.denominator) for one in exact.ravel().tolist()]).reshape(exact.shape)


def _evaluated(pieces: Pieces, credit: Array) -> Amounts:
    largest = np.abs(credit).max(axis=0, initial=0.0)
    err = 2.0**-50 * pieces.scale(largest)
    return Amounts(pieces.at(credit), err, pieces.den, lambda place: pieces.exactly(place[1:], int(credit[place])))


def _whole(values: Array) -> Amounts:
    """Let whole numbers stand for themselves."""
    cells = values.shape[1:]
    return Amounts(values, np.zeros(cells), np.ones(cells), lambda place: Fraction(int(values[place])))


def blocks(trials: int, reps: int, periods: int) -> Iterator[slice]:
    """Cut trials into blocks that are worked on at once."""
    step = max(1, _BLOCK // max(1, reps * periods))
    return (slice(low, min(low + step, trials)) for low in range(0, trials, step))


class Earnings:
    """What a plan pays before draws, on arrays of credit.

    Parameters
    ----------
    grid : Grid
        Plan, quotas and periods.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        terms = grid.terms
        self.tables = [_table(component, grid) for component in terms.components]
        self._cap = _plan_cap(grid)

    def earned(self, credits: Credits) -> Array:
        """Return cents, shape (n, reps, periods), for credits in hundredths of that shape by measure."""
        out = np.empty(next(iter(credits.values())).shape)
        for block in blocks(len(out), *self.grid.shape):
            out[block] = self._earned({name: one[block] for name, one in credits.items()})
        return out

    def _earned(self, credits: Credits) -> Array:
        total: Array | None = None
        for yearly in (False, True):
            tables = [one for one in self.tables if one.component.year_to_date == yearly]
            if tables:
                pay = self._basis(tables, credits, yearly)
                total = pay if total is None else total + pay
        assert total is not None
        return self._capped(total)

    def marginal(self, credits: Credits) -> Array:
        """Return what one more unit of the main measure pays, shape (n, reps, periods), before cap and draws."""
        total = np.zeros(next(iter(credits.values())).shape)
        main = self.grid.terms.main
        for table in self.tables:
            if table.component.measure == main:
                total += table.marginal(*self._looked_at(table, credits))
        return total

    def pay_of(self, table: PayTable, credits: Credits) -> Amounts:
        """Return what one component pays for the spans that end with each period."""
        return table.pay(*self._looked_at(table, credits))

    def _looked_at(self, table: PayTable, credits: Credits) -> tuple[Array, Credits]:
        """Return the credit of the component's span, and of its multipliers' measures by name."""
        component = table.component
        others = {one.measure: self.grid.accumulate(credits[one.measure], component) for one, _ in table.multipliers}
        return self.grid.accumulate(credits[component.measure], component), others

    def _basis(self, tables: list[PayTable], credits: Credits, yearly: bool) -> Array:
        """Add up all components that look at the same span, and round lines or the total."""
        seen = [self.pay_of(table, credits) for table in tables]
        if self.grid.terms.round_lines:
            pay = seen[0].values
            for one in seen[1:]:
                pay = pay + one.values
        else:
            whole = seen[0]
            for one in seen[1:]:
                whole = whole.plus(one)
            pay = whole.rounded()
        return self.grid.by_period(pay) if yearly else pay

    def _capped(self, earned: Array) -> Array:
        if self._cap is None:
            return earned
        if self.grid.terms.cap is not None and self.grid.terms.cap.yearly:
            return self.grid.by_period(np.minimum(self.grid.to_date(earned), self._cap))
        return np.minimum(earned, self._cap)


def _table(component: Component, grid: Grid) -> PayTable:
    """Work the pieces out once for every pair of quota and target incentive."""
    cells = [(rep, period) for rep in range(grid.shape[0]) for period in range(grid.shape[1])]
    keys = [(grid.quota(component.measure, *cell, component), grid.target(component, *cell)) for cell in cells]
    known = {key: component_pieces(component, *key) for key in dict.fromkeys(keys)}
    pieces = stacked((known[key] for key in keys), grid.shape)
    factors = tuple(
        (
            one,
            stacked((multiplier_pieces(one, grid.quota(one.measure, *cell, component)) for cell in cells), grid.shape),
        )
        for one in grid.terms.factors(component)
    )
    # Without the quota that it needs a component pays nothing, not even its minimum.
    idle = [component.needs_quota and not quota for quota, _ in keys]
    least = _limit(component.minimum, keys, idle, grid.shape)
    return PayTable(
        component, pieces, least, _limit(component.cap, keys, idle, grid.shape), factors, grid.terms.round_lines
    )


def _limit(
    size: Size | None, keys: list[tuple[int | None, Fraction]], idle: list[bool], shape: tuple[int, int]
) -> npt.NDArray[np.object_] | None:
    """Return a minimum or cap in every cell; 0 where the component is idle."""
    if size is None:
        return None
    exact = np.empty(len(keys), dtype=object)
    exact[:] = [Fraction(0) if off else size.of(target) for (_, target), off in zip(keys, idle, strict=True)]
    return exact.reshape(shape)


def _plan_cap(grid: Grid) -> Array | None:
    """Return the most that the plan pays in each cell, cents."""
    cap = grid.terms.cap
    if cap is None:
        return None
    most = [
        [half_up(cap.at.of(grid.period_target(rep, period, cap.yearly))) for period in range(grid.shape[1])]
        for rep in range(grid.shape[0])
    ]
    return np.array(most, dtype=np.float64).reshape(grid.shape)
