"""Inverse distribution functions made fast: laws tabled once, then read by interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models.amounts import AmountLaw

__all__ = ["LUCK_BITS", "GammaTable", "MoneyTable", "distinct_rows", "mean_one_lognormal", "pick"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Short = npt.NDArray[np.uint16]

_REACH, _NODES = 8.3, 257  # uniforms have 53 bits: no normal lies beyond 8.3
_ATOMS = 16_384  # quantiles of an amount law
_BITS_LEFT = 2  # of 16 bits, 14 choose among them
LUCK_BITS = 14  # bits that choose among the values of a lognormal multiplier


@dataclass(frozen=True)
class GammaTable:
    """Quantiles of a gamma law of mean ``shape / rate``, as cubic pieces of their logarithm over the normal quantile.

    The relative error is below 1e-6 for shapes from 0.5 upwards.

    Parameters
    ----------
    value, slope : array of float, shape (nodes,)
        Log quantile and its derivative at each node.
    """

    value: Array
    slope: Array

    @classmethod
    def of(cls, shape: float, rate: float) -> GammaTable:
        """Tabulate ``Gamma(shape, rate)``; the shape is positive."""
        z = np.linspace(-_REACH, _REACH, _NODES)
        standard = np.maximum(special.gammaincinv(shape, special.ndtr(z)), 1e-300)
        upper = z > 0  # close to one the complement keeps its digits
        standard[upper] = special.gammainccinv(shape, special.ndtr(-z[upper]))
        log = np.log(standard)
        # d log q / dz = phi(z) / (density(q) q), all in logarithms.
        bell = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
        density = shape * log - standard - special.gammaln(shape)
        return cls(log - np.log(rate), np.exp(bell - density))

    def at(self, normal: Array) -> Array:
        """Quantiles at standard normals.

        Parameters
        ----------
        normal : array of float, shape (n,)
            Normal quantiles of the uniforms.

        Returns
        -------
        array of float, shape (n,)
        """
        step = 2 * _REACH / (_NODES - 1)
        place = np.clip((normal + _REACH) / step, 0.0, _NODES - 1.000001)
        left = place.astype(np.int64)
        x = place - left
        y = 1.0 - x
        near = self.value[left] + x * step * self.slope[left]
        far = self.value[left + 1] - y * step * self.slope[left + 1]
        # Hermite's cubic, written as a blend of the two tangents.
        blend = self.value[left] * y**2 * x + self.value[left + 1] * x**2 * y
        return np.asarray(np.exp(near * y**2 + far * x**2 + 2.0 * blend))


@dataclass(frozen=True)
class MoneyTable:
    """Several amount laws in one table, for drawing many amounts of different laws at once.

    A law is kept as its median and 16,384 quantiles relative to it, at the middles of equal shares of probability:
    a draw is one of them. A law of one value gives that value to the cent.

    Parameters
    ----------
    base : array of float, shape (rows,)
        Median of each law, in cents.
    shape : array of int, shape (rows,)
        Where the quantiles of each law begin; laws that differ in their median alone share them.
    atoms : array of float, shape (shapes * 16384,)
        Quantiles relative to the median, to single precision.
    nothing : array of float32, shape (rows,)
        Share that brings nothing.
    location : array of float32, shape (worlds, rows)
        Drawn errors of the log location.
    """

    base: Array
    shape: Ints
    atoms: Array
    nothing: Floats
    location: Floats

    @classmethod
    def of(cls, laws: AmountLaw, nothing: Array, location: Array) -> MoneyTable:
        """Tabulate laws, with the share of each that brings nothing and the errors of their locations."""
        log = laws.log_quantiles
        middle = log[:, log.shape[1] // 2]
        shapes, place = distinct_rows(np.round(log - middle[:, None], 7))
        grid = (np.arange(log.shape[1]) + 0.5) / log.shape[1]
        at = (np.arange(_ATOMS) + 0.5) / _ATOMS
        atoms = np.array([np.exp(np.interp(at, grid, one)) for one in shapes], dtype=np.float32)
        return cls(
            100.0 * np.exp(middle),
            place * _ATOMS,
            atoms.ravel().astype(np.float64),
            nothing.astype(np.float32),
            location.astype(np.float32),
        )

    def cents(self, row: Ints | int, bits: Short, trial: Ints, world: Ints, base: Array | float | None = None) -> Array:
        """Draw amounts by the inverse distribution function.

        Parameters
        ----------
        row : array of int, shape (n,), or int
            Law of each draw.
        bits : array of uint16, shape (n,)
            Uniforms, in steps of 2**-16.
        trial : array of int, shape (n,)
            Trial of each draw; asked only where locations are :meth:`moved`.
        world : array of int, shape (trials,)
            Which error of the location applies in each trial.
        base : array of float, shape (n,), or float, optional
            Medians in cents instead of the laws' own.

        Returns
        -------
        array of float, shape (n,)
            Whole cents.
        """
        empty = _picked(self.nothing, row) if self._some_nothing(row) else None
        at = (bits >> _BITS_LEFT).astype(np.int64) if empty is None else _place(bits, empty)
        atoms = self.atoms
        if isinstance(row, int):
            atoms = atoms[self.shape[row] :]
        elif len(atoms) > _ATOMS:
            at += self.shape.take(row)
        money = atoms.take(at, mode="clip") * (_picked(self.base, row) if base is None else base)
        if self.moved(row):
            money *= self._lifted(row, trial, world)
        np.rint(money, out=money)
        return money if empty is None else np.where(_uniform(bits) < empty, 0.0, money)

    def _lifted(self, row: Ints | int, trial: Ints, world: Ints) -> Array:
        """Multiplier of each draw; where there is one law, that of each trial is looked up first."""
        if isinstance(row, int):
            return self._lift[:, row].take(world).take(trial)
        return np.asarray(self._lift[world.take(trial), row])

    def _some_nothing(self, row: Ints | int) -> bool:
        """Tell whether some of these laws may bring nothing."""
        return bool(self.nothing[row] > 0) if isinstance(row, int) else self._any_nothing

    def moved(self, row: Ints | int) -> bool:
        """Tell whether some of these laws' locations are drawn."""
        return bool(self._uncertain[row]) if isinstance(row, int) else self._any_uncertain

    @cached_property
    def _any_nothing(self) -> bool:
        return bool(self.nothing.any())

    @cached_property
    def _uncertain(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.location.any(axis=0))

    @cached_property
    def _any_uncertain(self) -> bool:
        return bool(self._uncertain.any())

    @cached_property
    def _lift(self) -> Array:
        return np.exp(self.location.astype(np.float64))


def _picked(of_law: npt.NDArray[Any], row: Ints | int) -> Any:
    """Hand each draw what its law has; a number where all have the same law."""
    return of_law[row] if isinstance(row, int) else of_law.take(row)


def _uniform(bits: Short) -> Floats:
    return (bits + np.float32(0.5)) * np.float32(2.0**-16)


def _place(bits: Short, empty: Floats | np.float32) -> Ints:
    """Position among the quantiles of uniforms whose lowest share brings nothing."""
    uniform = _uniform(bits)
    some = np.where(empty < 1, uniform - empty, uniform)
    whole = np.where(empty < 1, 1 - empty, np.float32(1))
    spread = np.maximum(some, np.float32(0)) / whole
    return np.minimum((spread * np.float32(_ATOMS)).astype(np.int64), _ATOMS - 1)


def distinct_rows(table: Array) -> tuple[Array, Ints]:
    """Keep one of equal rows, in order of appearance.

    Parameters
    ----------
    table : array of float, shape (rows, columns)
        Rows.

    Returns
    -------
    distinct : array of float, shape (distinct, columns)
        The rows.
    place : array of int, shape (rows,)
        Which of them each is.
    """
    table = np.ascontiguousarray(table) + 0.0  # minus zero becomes zero
    known: dict[bytes, int] = {}
    place = [known.setdefault(row.tobytes(), len(known)) for row in table]
    first = np.unique(np.array(place, dtype=np.int64), return_index=True)[1]
    return table[first], np.array(place, dtype=np.int64)


def mean_one_lognormal(variance: float) -> Floats:
    """Tabulate a lognormal law of mean one by its means over 2**14 equal shares of probability.

    Parameters
    ----------
    variance : float
        Variance of the multiplier.

    Returns
    -------
    array of float32, shape (2**14,)
    """
    sigma = np.sqrt(np.log1p(variance))
    edge = special.ndtri(np.linspace(0.0, 1.0, 2**LUCK_BITS + 1))
    # The mean of exp(sigma z - sigma^2 / 2) below z is the normal distribution function at z - sigma.
    return np.asarray(np.diff(special.ndtr(edge - sigma)) * 2**LUCK_BITS, dtype=np.float32)


def pick(steps: Floats, column: Ints, value: Floats) -> Short:
    """Find, by halving, how many of a rising column of steps each value has reached.

    Parameters
    ----------
    steps : array of float32, shape (2**k - 1, columns)
        Columns of steps that rise; unused ones at the end are infinite.
    column : array of int, shape (n,)
        Column of each value.
    value : array of float32, shape (n,)
        Values.

    Returns
    -------
    array of uint16, shape (n,)
        Number of steps at or below each value.
    """
    flat, width = steps.reshape(-1), steps.shape[1]
    at, out, half = column.astype(np.int32), np.zeros(len(value), dtype=np.uint16), (len(steps) + 1) // 2
    while half:
        # The indices are in bounds: clipping spares a check of each.
        reached = (flat[(half - 1) * width :].take(at, mode="clip") <= value).view(np.uint8)
        at += np.multiply(reached, half * width, dtype=np.int32)
        out += reached * np.uint16(half)
        half //= 2
    return out
