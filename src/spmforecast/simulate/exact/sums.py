"""Laws of sums from their characteristic functions.

A sum of won deals has mass at zero and, beyond, a smooth law. The mass at zero is known exactly: it is taken out of the
characteristic function and put back as a jump. Of what is left the distribution function is a Fourier series on a
window that holds nearly all of it; the terms are damped by a normal law about a step of the window's grid wide, which
removes the ripples at other jumps (deals of a fixed amount) and smears these over some steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spmforecast.models.amounts import AmountLaw

__all__ = ["AmountTransform", "SumLaw", "Window", "certain", "law_of_transform", "whole_pmf"]

Array = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

_NODES = 1500  # of the table of a transform over the logarithm of frequency
_LOW, _HIGH = 1e-7, 1e4  # frequencies, times the median, between which the transform is tabled
_DAMPING = 0.55  # width of the damping normal, in steps of the grid


@dataclass(frozen=True)
class AmountTransform:
    """Characteristic functions of amount laws, tabled over the logarithm of frequency.

    Parameters
    ----------
    table : array of complex, shape (rows, nodes)
        ``(E exp(i w X) - 1) / (i w)``, for X relative to the law's median: smooth, and nearly constant at low w.
    mean, square : array of float, shape (rows,)
        First two moments.
    """

    table: Complexes
    mean: Array
    square: Array

    @classmethod
    def of(cls, laws: AmountLaw, nothing: Array, base: Array) -> AmountTransform:
        """Tabulate the laws of amounts divided by `base`; a share `nothing` of them is zero."""
        log = laws.log_quantiles - np.log(base)[:, None]
        # Draws interpolate between the grid's points, so a step is worth its middle; half a step is left at either end.
        value = np.exp(np.concatenate([log[:, :1], 0.5 * (log[:, :-1] + log[:, 1:]), log[:, -1:]], axis=1))
        weight = np.full(value.shape[1], 1.0 / log.shape[1])
        weight[[0, -1]] *= 0.5
        frequency = np.exp(np.linspace(np.log(_LOW), np.log(_HIGH), _NODES))
        some = 1.0 - nothing
        table = np.stack([_transform(frequency, row, weight) for row in value]) * some[:, None]
        return cls(table, some * (value @ weight), some * (value**2 @ weight))

    def at(self, row: int, base: Array, frequency: Array) -> Complexes:
        """Interpolate one row for amounts of several medians, minus one.

        Parameters
        ----------
        row : int
            Which law.
        base : array of float, shape (n,)
            Medians.
        frequency : array of float, shape (frequencies,)
            Frequencies.

        Returns
        -------
        array of complex, shape (n, frequencies)
        """
        # The logarithm of a product is a sum: one logarithm for each median and each frequency.
        place = (np.log(np.maximum(base, 1e-300)) - np.log(_LOW))[:, None] + np.log(frequency)
        place *= (_NODES - 1) / np.log(_HIGH / _LOW)
        np.clip(place, 0.0, _NODES - 1.000001, out=place)
        left = place.astype(np.int64)
        place -= left
        table = self.table[row]
        out = table.take(left)
        left += 1
        step = table.take(left, mode="clip")
        step -= out
        step *= place
        out += step
        out *= 1j * (base[:, None] * frequency)
        return np.asarray(out)


def _transform(frequency: Array, value: Array, weight: Array) -> Complexes:
    """``(E exp(i w X) - 1) / (i w)`` of a law of single values, in slices that fit the cache."""
    out = np.empty(len(frequency), dtype=np.complex128)
    for start in range(0, len(frequency), 64):
        angle = frequency[start : start + 64, None] * value
        # cos x - 1 = -2 sin^2(x / 2) keeps its digits where x is small.
        out[start : start + 64] = np.sin(angle) @ weight + 2j * (np.sin(0.5 * angle) ** 2 @ weight)
    return out / frequency


@dataclass(frozen=True)
class SumLaw:
    """Distribution function of a sum, with a jump at its least value.

    Parameters
    ----------
    grid, cdf : array of float, shape (points,)
        Values, and the chance to stay at or below them. Nothing lies below the first, whose chance is that of just this
        value: of nothing to come.
    mean, sd : float
        Exact moments.
    """

    grid: Array
    cdf: Array
    mean: float
    sd: float

    def below(self, value: npt.ArrayLike) -> Array:
        """Chance to stay at or below values."""
        return np.asarray(np.interp(np.asarray(value, dtype=np.float64), self.grid, self.cdf, left=0.0, right=1.0))

    def reach(self, target: float) -> float:
        """Chance to reach a target, within half a cent."""
        return 1.0 if target <= 0 else float(1.0 - self.below(target - 0.005))

    def quantile(self, q: npt.ArrayLike) -> Array:
        """Quantiles: the least value where the jump there reaches them."""
        rising, first = np.unique(self.cdf, return_index=True)
        return np.asarray(np.interp(np.asarray(q, dtype=np.float64), rising, self.grid[first]))

    def central(self, power: int) -> float:
        """Central moment around the exact mean, from the distribution function."""
        middle = np.concatenate([self.grid[:1], 0.5 * (self.grid[1:] + self.grid[:-1])])
        return float((middle - self.mean) ** power @ np.diff(self.cdf, prepend=0.0))


@dataclass(frozen=True)
class Window:
    """Values that hold nearly all of a law, and so many frequencies that go with them.

    Parameters
    ----------
    below, width : float
        How far it reaches below zero, for the damped jump there; and its whole width.
    points : int
        Frequencies; twice as many points of the grid.
    """

    below: float
    width: float
    points: int

    @classmethod
    def of(cls, mean: float, sd: float, points: int, reach: float = 12.0) -> Window:
        """Choose it by the moments; it holds `reach` standard deviations above the mean."""
        top = mean + reach * sd
        below = min(0.05 * top, sd)
        return cls(below, top + below, points)

    @property
    def frequency(self) -> Array:
        """The frequencies."""
        return np.asarray(2 * np.pi * np.arange(1, self.points + 1) / self.width, dtype=np.float64)

    def law(self, transform: Complexes, mean: float, sd: float, none: float = 0.0) -> SumLaw:
        """Turn a characteristic function, known at the frequencies, into a distribution function.

        Parameters
        ----------
        transform : array of complex, shape (points,)
            Characteristic function, the mass at zero included.
        mean, sd : float
            Moments.
        none : float
            Mass at zero.
        """
        frequency, step = self.frequency, self.width / (2 * self.points)
        damped = (transform - none) * np.exp(-0.5 * (frequency * _DAMPING * step * 2) ** 2)
        # F(x) = mass (x + below) / width + 2 Re sum of c (exp(-iwx) - exp(iw below)) / (-iw width)
        term = damped * np.exp(1j * frequency * self.below) / (-1j * frequency * self.width)
        series = np.zeros(2 * self.points, dtype=np.complex128)
        series[1 : self.points + 1] = term
        grid = np.asarray(np.arange(2 * self.points) * step - self.below, dtype=np.float64)
        some = (1.0 - none) * (grid + self.below) / self.width + 2 * (np.fft.fft(series).real - term.sum().real)
        above = grid > 0
        cdf = none + np.maximum.accumulate(np.maximum(some[above], 0.0))
        return SumLaw(np.append(0.0, grid[above]), np.clip(np.append(none, cdf), 0.0, 1.0), mean, sd)


def certain(value: float) -> SumLaw:
    """Return the law of what is known."""
    return SumLaw(np.array([value]), np.array([1.0]), value, 0.0)


def law_of_transform(
    transform: Callable[[Array], Complexes], mean: float, sd: float, points: int = 1024, reach: float = 12.0
) -> SumLaw:
    """Turn a characteristic function into a distribution function.

    Parameters
    ----------
    transform : callable
        Characteristic function at frequencies of shape (n,).
    mean, sd : float
        Moments, which choose the window.
    points : int
        Frequencies; twice as many points of the grid.
    reach : float
        Standard deviations above the mean that the window holds.

    Returns
    -------
    SumLaw
    """
    if sd <= 0:
        return certain(mean)
    window = Window.of(mean, sd, points, reach)
    return window.law(transform(window.frequency), mean, sd)


def whole_pmf(amount: npt.ArrayLike, chance: Array) -> Array:
    """Law of the sum of independent deals of whole amounts: the generalised Poisson binomial, by FFT (Hong 2013).

    Parameters
    ----------
    amount : array-like of int, shape (deals,)
        What each deal brings if it is won; ones for the number of wins.
    chance : array of float, shape (deals,)
        Chance of each.

    Returns
    -------
    array of float, shape (sum of amounts + 1,)
        Probability of every sum.
    """
    size = np.broadcast_to(np.asarray(amount, dtype=np.int64), chance.shape)
    points = int(size.sum()) + 1
    turn = np.arange(points // 2 + 1)
    transform = np.ones(len(turn), dtype=np.complex128)
    for one, p in zip(size.tolist(), chance.tolist(), strict=True):
        # Whole turns are dropped before the angle is made, so that large amounts keep their digits.
        transform *= 1.0 + p * (np.exp(-2j * np.pi * ((turn * one) % points) / points) - 1.0)
    return np.asarray(np.maximum(np.fft.irfft(transform, points), 0.0))
