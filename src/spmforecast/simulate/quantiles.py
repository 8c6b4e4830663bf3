"""Inverse distribution functions made fast: laws tabled once, then read by interpolation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from spmforecast.models.amounts import AmountLaw

__all__ = ["GammaTable", "MoneyTable", "exponential", "lower_uniform", "pick", "upper_uniform"]

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_REACH, _NODES = 8.3, 257  # uniforms have 53 bits: no normal lies beyond 8.3
_HALF = np.uint64(32)
_STEP = np.float32(2.0**-32)


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

    A law is kept as its median and quantiles relative to it, in single precision: the relative error of a draw is
    below 1e-6, and a law of one value gives that value to the cent.

    Parameters
    ----------
    base : array of float, shape (rows,)
        Median of each law, in cents.
    log : array of float32, shape (rows * grid,)
        Log quantiles relative to the median, at the midpoints of an even grid.
    step : array of float32, shape (rows * grid,)
        Difference to the next one; zero at the end of a row.
    grid : int
        Points of a row.
    nothing : array of float32, shape (rows,)
        Share that brings nothing.
    location : array of float32, shape (worlds, rows)
        Drawn errors of the log location.
    """

    base: Array
    log: Floats
    step: Floats
    grid: int
    nothing: Floats
    location: Floats

    @classmethod
    def of(cls, laws: AmountLaw, nothing: Array, location: Array) -> MoneyTable:
        """Tabulate laws, with the share of each that brings nothing and the errors of their locations."""
        log = laws.log_quantiles
        middle = log[:, log.shape[1] // 2]
        apart = (log - middle[:, None]).astype(np.float32)
        step = np.diff(apart, axis=1, append=apart[:, -1:])
        return cls(
            100.0 * np.exp(middle),
            apart.ravel(),
            step.ravel(),
            log.shape[1],
            nothing.astype(np.float32),
            location.astype(np.float32),
        )

    def cents(self, row: Ints, uniform: Floats, world: Ints, base: Array | None = None) -> Array:
        """Draw amounts by the inverse distribution function.

        Parameters
        ----------
        row : array of int, shape (n,)
            Law of each draw.
        uniform : array of float32, shape (n,)
            Uniforms in [0, 1].
        world : array of int, shape (n,)
            Which error of the location applies.
        base : array of float, shape (n,), optional
            Medians in cents instead of the laws' own.

        Returns
        -------
        array of float, shape (n,)
            Whole cents.
        """
        empty = self.nothing.take(row) if self.nothing.any() else None
        spread = uniform
        if empty is not None:
            some = np.where(empty < 1, uniform - empty, uniform)
            whole = np.where(empty < 1, 1 - empty, np.float32(1))
            spread = np.asarray(np.maximum(some, np.float32(0)) / whole, dtype=np.float32)
        place = np.clip(spread * np.float32(self.grid) - np.float32(0.5), np.float32(0), np.float32(self.grid - 1))
        left = place.astype(np.int32)
        at = left if len(self.base) == 1 else row * self.grid + left
        log = self.log.take(at) + (place - left.astype(np.float32)) * self.step.take(at)
        if self.location.any():
            log += self.location[world, row]
        money = self.base.take(row) if base is None else base
        amount = np.asarray(np.rint(np.exp(log) * money), dtype=np.float64)
        return amount if empty is None else np.where(uniform < empty, 0.0, amount)


def exponential(words: Words) -> Floats:
    """Turn the upper halves of random words into exponential variables.

    Parameters
    ----------
    words : array of uint64, shape (n,)
        Random bits.

    Returns
    -------
    array of float32, shape (n,)
        ``-log(1 - u)``, in double precision until the end: small ones keep their digits.
    """
    rest = (words >> _HALF).astype(np.float64)
    rest += 0.5
    rest *= -(2.0**-32)
    rest += 1.0
    np.log(rest, out=rest)
    return np.negative(rest, out=rest).astype(np.float32)


def upper_uniform(words: Words) -> Floats:
    """Turn the upper halves of random words into uniforms, float32."""
    return np.asarray(((words >> _HALF).astype(np.float32) + np.float32(0.5)) * _STEP)


def lower_uniform(words: Words) -> Floats:
    """Turn the lower halves of random words into uniforms, float32."""
    lower = (words & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return np.asarray((lower.astype(np.float32) + np.float32(0.5)) * _STEP)


def pick(steps: Floats, first: Ints, stride: int, count: int, value: Floats) -> Ints:
    """Find, by halving, how many of a rising row of steps each value has reached.

    Parameters
    ----------
    steps : array of float32
        Rows of steps; any layout.
    first : array of int, shape (n,)
        Where the row of each value begins in the flattened steps.
    stride : int
        Distance of the steps of a row.
    count : int
        Steps of a row.
    value : array of float32, shape (n,)
        Values.

    Returns
    -------
    array of int, shape (n,)
        Number of steps at or below each value.
    """
    flat = steps.reshape(-1)
    low = np.zeros(len(value), dtype=np.int64)
    left = count  # as many steps may still be reached: all rows are halved alike
    while left > 0:
        half = (left + 1) // 2
        at = low + (half - 1)
        if left < count:
            np.minimum(at, count - 1, out=at)
        at *= stride
        at += first
        more = flat.take(at) <= value
        low += more * half
        left -= half
    return np.minimum(low, count) if count else low
